package nhsui

import "cmp"

// Radios ask to choose one.
type Radios struct {
	Name         string        `json:"name"`
	IDPrefix     string        `json:"idPrefix"` // Name
	Items        []Choice      `json:"items"`
	Value        string        `json:"value"` // what is chosen
	Fieldset     *Fieldset     `json:"fieldset"`
	Hint         *Hint         `json:"hint"`
	ErrorMessage *ErrorMessage `json:"errorMessage"`
	FormGroup    FormGroup     `json:"formGroup"`
	Small        bool          `json:"small"`
	Inline       bool          `json:"inline"`
	Disabled     bool          `json:"disabled"`
	ID           string        `json:"id"`
	Classes      string        `json:"classes"`
	Attributes   Attributes    `json:"attributes"`
}

func (Radios) name() string { return "radios" }

func (r Radios) resolved() Component {
	r.IDPrefix = cmp.Or(r.IDPrefix, r.Name)
	r.Classes = classes("nhsuk-radios", when(r.Small, "nhsuk-radios--small"), when(r.Inline, "nhsuk-radios--inline"), r.Classes)
	r.FormGroup = r.FormGroup.marked(r.ErrorMessage)
	r.Fieldset, r.Hint, r.ErrorMessage = r.Fieldset.around(r.IDPrefix, r.Hint, r.ErrorMessage)
	g := group{name: r.Name, prefix: r.IDPrefix, hintClass: "nhsuk-radios__hint", disabled: r.Disabled}
	if r.Value != "" {
		g.chosen = []string{r.Value}
	}
	r.Items = g.choices(r.Items)
	return r
}
