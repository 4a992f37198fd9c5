package nhsui

import "cmp"

// Textarea takes more than one line of text.
type Textarea struct {
	ID           string        `json:"id"` // Name
	Name         string        `json:"name"`
	Value        string        `json:"value"`
	Label        Label         `json:"label"`
	Hint         *Hint         `json:"hint"`
	ErrorMessage *ErrorMessage `json:"errorMessage"`
	FormGroup    FormGroup     `json:"formGroup"`
	Rows         int           `json:"rows"` // 5
	Autocomplete string        `json:"autocomplete"`
	Spellcheck   *bool         `json:"spellcheck"`
	Disabled     bool          `json:"disabled"`
	DescribedBy  string        `json:"describedBy"`
	Classes      string        `json:"classes"`
	Attributes   Attributes    `json:"attributes"`
}

func (Textarea) name() string { return "textarea" }

func (a Textarea) resolved() Component {
	a.ID = cmp.Or(a.ID, a.Name)
	a.Rows = cmp.Or(a.Rows, 5)
	a.Label.For = cmp.Or(a.Label.For, a.ID)
	a.Classes = classes("nhsuk-textarea", when(a.ErrorMessage != nil, "nhsuk-textarea--error"), a.Classes)
	a.FormGroup = a.FormGroup.marked(a.ErrorMessage)
	a.DescribedBy, a.Hint, a.ErrorMessage = described(a.ID, a.DescribedBy, a.Hint, a.ErrorMessage)
	return a
}
