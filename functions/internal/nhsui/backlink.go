package nhsui

import (
	"cmp"
	"html/template"
)

// BackLink takes a person to the page before. It is a button where it has a type or no address.
type BackLink struct {
	Text               string        `json:"text"` // Back
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"`
	Href               string        `json:"href"`
	Type               string        `json:"type"`
	Variant            string        `json:"variant"` // reverse
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`
}

func (BackLink) name() string { return "back-link" }

func (l BackLink) resolved() Component {
	if l.Href == "" || l.Type != "" {
		l.Href, l.Type = "", cmp.Or(l.Type, "submit")
	}
	l.Classes = classes("nhsuk-back-link", variant(l.Classes, "nhsuk-back-link--", l.Variant, "reverse"), l.Classes)
	return l
}
