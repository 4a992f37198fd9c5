package nhsui

import "cmp"

// Select offers a list to choose one from.
type Select struct {
	ID           string        `json:"id"` // Name
	Name         string        `json:"name"`
	Items        []Option      `json:"items"`
	Value        string        `json:"value"` // what is chosen
	Label        Label         `json:"label"`
	Hint         *Hint         `json:"hint"`
	ErrorMessage *ErrorMessage `json:"errorMessage"`
	FormGroup    FormGroup     `json:"formGroup"`
	Disabled     bool          `json:"disabled"`
	DescribedBy  string        `json:"describedBy"`
	Classes      string        `json:"classes"`
	Attributes   Attributes    `json:"attributes"`
}

// Option is one entry of a Select, or a line between two.
type Option struct {
	Value      *string    `json:"value"` // nil: Text
	Text       string     `json:"text"`
	Divider    bool       `json:"divider"`
	Selected   bool       `json:"selected"`
	Disabled   bool       `json:"disabled"`
	Attributes Attributes `json:"attributes"`
}

func (Select) name() string { return "select" }

func (s Select) resolved() Component {
	s.ID = cmp.Or(s.ID, s.Name)
	s.Label.For = cmp.Or(s.Label.For, s.ID)
	s.Classes = classes("nhsuk-select", when(s.ErrorMessage != nil, "nhsuk-select--error"), s.Classes)
	s.FormGroup = s.FormGroup.marked(s.ErrorMessage)
	s.DescribedBy, s.Hint, s.ErrorMessage = described(s.ID, s.DescribedBy, s.Hint, s.ErrorMessage)
	items := make([]Option, len(s.Items))
	for n, o := range s.Items {
		value := o.Text
		if o.Value != nil {
			value = *o.Value
		}
		o.Selected = o.Selected || s.Value != "" && value == s.Value
		items[n] = o
	}
	s.Items = items
	return s
}
