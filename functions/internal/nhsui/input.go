package nhsui

import (
	"cmp"
	"html/template"
	"strconv"
)

// Input takes one line of text.
type Input struct {
	ID           string        `json:"id"` // Name
	Name         string        `json:"name"`
	Type         string        `json:"type"` // text
	Value        string        `json:"value"`
	Label        Label         `json:"label"`
	Hint         *Hint         `json:"hint"`
	ErrorMessage *ErrorMessage `json:"errorMessage"`
	Prefix       *Affix        `json:"prefix"`
	Suffix       *Affix        `json:"suffix"`
	FormGroup    FormGroup     `json:"formGroup"`
	Width        int           `json:"width"` // 2, 3, 4, 5, 10, 20 or 30 characters
	Code         bool          `json:"code"`  // for codes and numbers that are read out one by one
	Inputmode    string        `json:"inputmode"`
	Autocomplete string        `json:"autocomplete"`
	Placeholder  string        `json:"placeholder"`
	Spellcheck   *bool         `json:"spellcheck"`
	Disabled     bool          `json:"disabled"`
	DescribedBy  string        `json:"describedBy"`
	Classes      string        `json:"classes"`
	Attributes   Attributes    `json:"attributes"`
}

// Affix stands in front of an input or after it, such as a unit.
type Affix struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (Input) name() string { return "input" }

func (i Input) resolved() Component {
	i.ID = cmp.Or(i.ID, i.Name)
	i.Type = cmp.Or(i.Type, "text")
	i.Label.For = cmp.Or(i.Label.For, i.ID)
	i.Classes = classes("nhsuk-input",
		when(i.Code, "nhsuk-input--code"), when(i.ErrorMessage != nil, "nhsuk-input--error"),
		variant(i.Classes, "nhsuk-input--width-", strconv.Itoa(i.Width), "2", "3", "4", "5", "10", "20", "30"), i.Classes)
	i.FormGroup = i.FormGroup.marked(i.ErrorMessage)
	i.DescribedBy, i.Hint, i.ErrorMessage = described(i.ID, i.DescribedBy, i.Hint, i.ErrorMessage)
	return i
}
