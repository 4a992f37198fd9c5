package nhsui

import "html/template"

// Panel confirms that something is done.
type Panel struct {
	Heading    Heading       `json:"heading"`
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Variant    string        `json:"variant"` // interruption
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (Panel) name() string { return "panel" }

func (p Panel) resolved() Component {
	p.Heading = p.Heading.styled("nhsuk-panel__heading", "nhsuk-panel__heading--", "m", "l", "xl")
	p.Classes = classes("nhsuk-panel", variant(p.Classes, "nhsuk-panel--", p.Variant, "interruption"), p.Classes)
	return p
}
