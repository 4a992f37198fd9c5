package nhsui

import "html/template"

// SkipLink takes who uses a keyboard to the main content.
type SkipLink struct {
	Text       string        `json:"text"` // Skip to main content
	HTML       template.HTML `json:"html"`
	Href       string        `json:"href"` // #maincontent
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (SkipLink) name() string { return "skip-link" }

func (s SkipLink) resolved() Component { return s }
