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

// around is the fieldset described by the hint and error message inside it, and these with their ids.
func (f *Fieldset) around(id string, hint *Hint, wrong *ErrorMessage) (*Fieldset, *Hint, *ErrorMessage) {
	var copied Fieldset
	if f != nil {
		copied = *f
	}
	copied.DescribedBy, hint, wrong = described(id, copied.DescribedBy, hint, wrong)
	if f != nil {
		f = &copied
	}
	return f, hint, wrong
}
