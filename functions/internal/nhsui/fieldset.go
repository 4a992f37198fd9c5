package nhsui

import "html/template"

// Fieldset groups fields under a Legend.
type Fieldset struct {
	Legend      *Legend       `json:"legend"`
	HTML        template.HTML `json:"html"` // the fields
	Role        string        `json:"role"`
	DescribedBy string        `json:"describedBy"`
	ID          string        `json:"id"`
	Classes     string        `json:"classes"`
	Attributes  Attributes    `json:"attributes"`
}

func (Fieldset) name() string { return "fieldset" }

func (f Fieldset) resolved() Component { return f }

// describing is the fieldset described by what is inside it.
func (f *Fieldset) describing(ids string) *Fieldset {
	if f == nil {
		return nil
	}
	d := *f
	d.DescribedBy = ids
	return &d
}
