package nhsui

import (
	"cmp"
	"strconv"
	"strings"
)

// CharacterCount is a Textarea that says how much may still be written.
type CharacterCount struct {
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
	Classes      string        `json:"classes"`
	Attributes   Attributes    `json:"attributes"`

	Maxlength int    `json:"maxlength"`
	Maxwords  int    `json:"maxwords"`  // in place of Maxlength
	CountType string `json:"countType"` // characters, length or words
	Threshold int    `json:"threshold"` // percentage from which on the count is shown

	// What is said, by scripts and without them; %{count} is the number.
	TextareaDescriptionText  string  `json:"textareaDescriptionText"`
	CharactersUnderLimitText Plurals `json:"charactersUnderLimitText"`
	CharactersAtLimitText    string  `json:"charactersAtLimitText"`
	CharactersOverLimitText  Plurals `json:"charactersOverLimitText"`
}

func (CharacterCount) name() string { return "character-count" }

func (c CharacterCount) resolved() Component {
	c.ID = cmp.Or(c.ID, c.Name)
	if c.Maxwords != 0 {
		c.CountType = cmp.Or(c.CountType, "words")
	}
	c.Classes = classes("nhsuk-js-character-count", c.Classes)
	c.FormGroup.Classes = classes(c.FormGroup.Classes, "nhsuk-character-count")
	return c
}

// Textarea is what is written into.
func (c CharacterCount) Textarea() Component {
	return Textarea{
		ID: c.ID, Name: c.Name, Value: c.Value, Label: c.Label, Hint: c.Hint, ErrorMessage: c.ErrorMessage,
		FormGroup: c.FormGroup, Rows: c.Rows, Autocomplete: c.Autocomplete, Spellcheck: c.Spellcheck, Disabled: c.Disabled,
		DescribedBy: c.ID + "-info", Classes: c.Classes, Attributes: c.Attributes,
	}.resolved()
}

// Description says how much may be written. It is empty where only a script knows.
func (c CharacterCount) Description() string {
	most := cmp.Or(c.Maxwords, c.Maxlength)
	if most == 0 {
		return ""
	}
	unit := "characters"
	if c.CountType == "words" {
		unit = "words"
	}
	return strings.ReplaceAll(cmp.Or(c.TextareaDescriptionText, "You can enter up to %{count} "+unit), "%{count}", strconv.Itoa(most))
}
