package nhsui

import "html/template"

// InsetText sets information apart from the rest of the page.
type InsetText struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"` // Information
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`
}

func (InsetText) name() string { return "inset-text" }

func (i InsetText) resolved() Component { return i }
