package nhsui

import (
	"cmp"
	"html/template"
	"strconv"
)

// Label says what a field is for.
type Label struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"`
	Caption            *Caption      `json:"caption"`
	Heading            *Heading      `json:"heading"`       // the label is this heading too, and has what it says
	IsPageHeading      *bool         `json:"isPageHeading"` // true is as good as an empty Heading, false as none
	Size               string        `json:"size"`          // s, m, l, xl
	For                string        `json:"for"`           // id of the field; a field fills it in
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`
}

func (Label) name() string { return "label" }

func (l Label) resolved() Component {
	l = l.titled()
	l.Classes = classes("nhsuk-label", variant(l.Classes, "nhsuk-label--", l.Size, "s", "m", "l", "xl"), l.Classes)
	return l
}

// titled has what its heading says, and no heading where it is none.
func (l Label) titled() Label {
	var h Heading
	if l.Heading != nil {
		h = *l.Heading
	}
	is := l.Heading != nil
	if l.IsPageHeading != nil {
		is = *l.IsPageHeading
	}
	l.Heading = nil
	if is {
		l.Size, l.Caption = cmp.Or(h.Size, l.Size), cmp.Or(h.Caption, l.Caption)
		l.VisuallyHiddenText = cmp.Or(h.VisuallyHiddenText, l.VisuallyHiddenText)
		h.Element = "h" + strconv.Itoa(cmp.Or(h.Level, 1))
		l.Heading = &h
	}
	l.Text, l.HTML = cmp.Or(l.Text, h.Text), cmp.Or(l.HTML, h.HTML)
	l.Caption = l.Caption.fitted(l.Size)
	return l
}
