package nhsui

import "html/template"

// Details shows more when a person opens it.
type Details struct {
	Summary    Summary       `json:"summary"`
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Open       bool          `json:"open"`
	Variant    string        `json:"variant"` // reverse
	ID         string        `json:"id"`
	Classes    string        `json:"classes"` // nhsuk-expander
	Attributes Attributes    `json:"attributes"`
}

// Summary is what a person opens.
type Summary struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (Details) name() string { return "details" }

func (d Details) resolved() Component {
	d.Classes = classes("nhsuk-details", variant(d.Classes, "nhsuk-details--", d.Variant, "reverse"), d.Classes)
	return d
}
