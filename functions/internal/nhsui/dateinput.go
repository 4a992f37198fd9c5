package nhsui

import (
	"cmp"
	"strings"
)

// DateInput asks for a date that a person knows by heart, such as one of birth.
type DateInput struct {
	ID           string            `json:"id"`
	NamePrefix   string            `json:"namePrefix"` // date gives fields named date[day] …
	Day          DatePart          `json:"day"`
	Month        DatePart          `json:"month"`
	Year         DatePart          `json:"year"`
	Items        []DatePart        `json:"items"`  // in place of Day, Month and Year
	Values       map[string]string `json:"values"` // by name
	Fieldset     *Fieldset         `json:"fieldset"`
	Hint         *Hint             `json:"hint"`
	ErrorMessage *ErrorMessage     `json:"errorMessage"`
	FormGroup    FormGroup         `json:"formGroup"`
	Disabled     bool              `json:"disabled"`
	Classes      string            `json:"classes"`
	Attributes   Attributes        `json:"attributes"`

	Inputs []Input `json:"-"` // follow from all that
}

// DatePart is the field for a day, month or year.
type DatePart struct {
	Name         string `json:"name"`
	Field        string `json:"-"`     // what it is sent as; the name
	Label        Label  `json:"label"` // the name
	Value        string `json:"value"`
	Width        int    `json:"width"` // 2; of a year 4
	Autocomplete string `json:"autocomplete"`
	Error        bool   `json:"error"`    // where no part says so, an error message is about all of them
	Disabled     *bool  `json:"disabled"` // nil: as the others
	Omitted      bool   `json:"-"`        // the date has no such part
}

func (DateInput) name() string { return "date-input" }

func (d DateInput) resolved() Component {
	parts := d.Items
	if len(parts) == 0 {
		d.Day.Name, d.Month.Name, d.Year.Name = "day", "month", "year"
		parts = []DatePart{d.Day, d.Month, d.Year}
	}
	anyWrong := false
	for _, p := range parts {
		anyWrong = anyWrong || p.Error
	}
	wrong := d.ErrorMessage
	if wrong == nil && anyWrong {
		wrong = &ErrorMessage{}
	}
	for _, p := range parts {
		if !p.Omitted {
			d.Inputs = append(d.Inputs, d.input(p, p.Error || wrong != nil && !anyWrong))
		}
	}
	d.FormGroup = d.FormGroup.marked(wrong)
	d.Classes = classes("nhsuk-date-input", d.Classes)
	d.Fieldset, d.Hint, d.ErrorMessage = d.Fieldset.around(d.ID, d.Hint, d.ErrorMessage)
	if d.Fieldset != nil {
		// Without it a screen reader does not say the description of a fieldset of text fields.
		d.Fieldset.Role = cmp.Or(d.Fieldset.Role, "group")
	}
	return d
}

func (d DateInput) input(p DatePart, wrong bool) Input {
	i := Input{
		ID: d.ID + "-" + p.Name, Name: p.Name, Label: p.Label, Value: cmp.Or(p.Value, d.Values[p.Name]),
		Width: cmp.Or(p.Width, 2), Inputmode: "numeric", Autocomplete: p.Autocomplete,
		Disabled: *cmp.Or(p.Disabled, &d.Disabled), Classes: "nhsuk-date-input__input",
	}
	if d.NamePrefix != "" {
		i.Name = d.NamePrefix + "[" + p.Name + "]"
	}
	i.Name = cmp.Or(p.Field, i.Name)
	if p.Name == "year" {
		i.Width = cmp.Or(p.Width, 4)
	}
	if i.Label.Text == "" && p.Name != "" {
		i.Label.Text = strings.ToUpper(p.Name[:1]) + p.Name[1:]
	}
	i.Label.Classes = classes("nhsuk-date-input__label", i.Label.Classes)
	if wrong {
		i.ErrorMessage = &ErrorMessage{}
	}
	return i
}
