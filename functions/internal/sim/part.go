package sim

import (
	"cmp"
	"slices"
	"testing"
)

// Part is somebody or something that takes part in histories: a door with the people before it, a channel, a job.
type Part interface {
	// Begin plans what it does while faults come.
	Begin(w *World)
	// Settle is called when no faults come any more, in a world at rest: it does whatever is left to do, so that every
	// form can come to its end.
	Settle(w *World)
	// Check says, by w.Wrong, what is not as its people were told.
	Check(w *World)
}

// Functions is what a Part implements that has functions of its own, beside doors that are asked.
type Functions interface {
	Functions(w *World) ([]*Consumer, []*Schedule)
}

// guest is a part that has joined.
type guest struct {
	name    string
	prepare func(tb testing.TB) func() Part
}

var guests []guest

// Join has a part take part in all histories. It is called once for each, when the package is loaded; prepare is called
// once for all histories, and what it gives is called once for each.
func Join(name string, prepare func(tb testing.TB) func() Part) (joined struct{}) {
	guests = append(guests, guest{name, prepare})
	slices.SortFunc(guests, func(a, b guest) int { return cmp.Compare(a.name, b.name) })
	return struct{}{}
}

// Parts prepares all that have joined, for any number of histories.
func Parts(tb testing.TB) func() []Part {
	var makers []func() Part
	for _, g := range guests {
		makers = append(makers, g.prepare(tb))
	}
	return func() (parts []Part) {
		for _, m := range makers {
			parts = append(parts, m())
		}
		return parts
	}
}
