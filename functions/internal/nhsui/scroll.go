package nhsui

import "html/template"

// Scroll lets wide content scroll sideways.
type Scroll struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	LabelledBy string        `json:"labelledBy"` // id of its heading
	Variant    string        `json:"variant"`    // reverse
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`

	Tabbable bool `json:"-"` // a keyboard comes to it before a script has looked whether it scrolls, or without scripts
}

func (Scroll) name() string { return "scroll" }

func (s Scroll) resolved() Component {
	s.Classes = classes("nhsuk-scroll", variant(s.Classes, "nhsuk-scroll--", s.Variant, "reverse"), s.Classes)
	return s
}
