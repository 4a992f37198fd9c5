package staff

import (
	"strconv"

	"example.org/optout/functions/internal/worklist"
)

// Tab is one of several things that a page of a list can show.
type Tab struct {
	Text, Href string
	Current    bool
}

// Tabs are several of which one is shown.
type Tabs struct {
	Label string // for who does not see them stand together
	Lead  string // before them; may be ""
	All   []Tab
}

// Find asks for what leads to a page of its own.
type Find struct {
	Action, Label, Typed string
	Wrong                string // why it leads nowhere; "" where nothing was typed
}

// Faults are what is wrong with what was typed to be found.
func (f Find) Faults() []Fault {
	if f.Wrong == "" {
		return nil
	}
	return []Fault{{"find", f.Wrong}}
}

// Status is that of the page with the box.
func (f Find) Status() int {
	if f.Wrong == "" {
		return 0
	}
	return 422
}

// Counted is the name of a list with how much is on it, as a Tally says.
func Counted(text string, n int) string {
	if n >= worklist.Exact {
		return text + " (at least " + strconv.Itoa(n) + ")"
	}
	return text + " (" + strconv.Itoa(n) + ")"
}
