package nhsui

import (
	"cmp"
	"html/template"
	"strings"
)

// WarningCallout warns, without saying that something is urgent.
type WarningCallout struct {
	Heading    Heading       `json:"heading"` // of level 3
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (WarningCallout) name() string { return "warning-callout" }

func (w WarningCallout) resolved() Component {
	w.Heading.Level = cmp.Or(w.Heading.Level, 3)
	if strings.Contains(strings.ToLower(w.Heading.Text), "important") {
		w.Heading.VisuallyHiddenText = "" // it says so itself
	} else {
		w.Heading.VisuallyHiddenText = cmp.Or(w.Heading.VisuallyHiddenText, "Important")
	}
	return Card{
		Heading: w.Heading, Description: Content{Text: w.Text, HTML: w.HTML}, Variant: "warning",
		ID: w.ID, Classes: w.Classes, Attributes: w.Attributes,
	}.resolved()
}
