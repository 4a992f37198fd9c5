package nhsui

import "cmp"

// Checkboxes ask to choose any number.
type Checkboxes struct {
	Name         string        `json:"name"`
	IDPrefix     string        `json:"idPrefix"` // Name
	Items        []Choice      `json:"items"`
	Values       []string      `json:"values"` // what is chosen
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

func (Checkboxes) name() string { return "checkboxes" }

func (c Checkboxes) resolved() Component {
	c.IDPrefix = cmp.Or(c.IDPrefix, c.Name)
	c.Classes = classes("nhsuk-checkboxes", when(c.Small, "nhsuk-checkboxes--small"), when(c.Inline, "nhsuk-checkboxes--inline"), c.Classes)
	c.FormGroup = c.FormGroup.marked(c.ErrorMessage)
	g := group{name: c.Name, prefix: c.IDPrefix, hintClass: "nhsuk-checkboxes__hint", disabled: c.Disabled, chosen: c.Values}
	if c.Fieldset == nil { // nothing else says it
		g.describedBy, _, _ = described(c.IDPrefix, "", c.Hint, c.ErrorMessage)
	}
	c.Fieldset, c.Hint, c.ErrorMessage = c.Fieldset.around(c.IDPrefix, c.Hint, c.ErrorMessage)
	c.Items = g.choices(c.Items)
	return c
}
