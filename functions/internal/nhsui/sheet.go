package nhsui

import (
	"html/template"
	"strings"
)

// Sheet is a page that was shown once, with blanks where it will say something else each time. To fill in a sheet
// takes a few microseconds, where to show its components takes hundreds.
type Sheet struct {
	printed []string // one more than blanks
	blanks  []string // names
}

// Two characters that no text of ours has (private use) hold a blank's name.
const opens, closes = "\ue000", "\ue001"

// Blank is what an option of a component says, so that the sheet has a blank of that name there. It can only be text
// or the value of an attribute that is neither an address nor a style nor a script.
func Blank(name string) string { return opens + name + closes }

// NewSheet finds the blanks of a page.
func NewSheet(page string) *Sheet {
	var s Sheet
	for {
		before, rest, found := strings.Cut(page, opens)
		s.printed = append(s.printed, before)
		if !found {
			return &s
		}
		name, after, closed := strings.Cut(rest, closes)
		if !closed {
			panic("nhsui: a blank that does not end")
		}
		s.blanks, page = append(s.blanks, name), after
	}
}

// Blanks says whether there is anything to fill in.
func (s *Sheet) Blanks() bool { return len(s.blanks) > 0 }

// Fill gives the page with all blanks filled in. What it is filled in with is escaped.
func (s *Sheet) Fill(value func(blank string) string) string {
	var b strings.Builder
	size := 0
	for _, p := range s.printed {
		size += len(p)
	}
	b.Grow(size + 64*len(s.blanks))
	for i, p := range s.printed {
		b.WriteString(p)
		if i < len(s.blanks) {
			b.WriteString(template.HTMLEscapeString(value(s.blanks[i])))
		}
	}
	return b.String()
}
