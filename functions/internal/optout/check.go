package optout

import (
	"context"
	"slices"
	"time"
)

// Listed is what a practice's extract, its own list of coded patients, says of a form's person.
type Listed struct {
	Run    time.Time // when the practice ran the list
	Choice string    // that is coded, an nhs.Preference; "" if the person is not in the list
}

// Check holds a form against the extract of the practice that was given it and still has it, or had it when it ended:
// checked if its own choice is coded, in doubt if it was said to be applied before the list was run and is not. A form that was never said to be applied and is not coded simply waits:
// NotNow. So is a list too old to say anything new.
func (c Custody) Check(ctx context.Context, ref Reference, by Actor, said Said, l Listed) (Answer, error) {
	if l.Run.IsZero() || l.Run.After(c.Now()) {
		return Answer{}, wrong("run", "date-in-future")
	}
	if err := oneOf("choice", l.Choice, "", "dissent", "core", "core-and-additional", "implied"); err != nil {
		return Answer{}, err
	}
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		run := l.Run.UTC().Truncate(time.Millisecond).Format(milliseconds)
		if f.shown(l.Choice) && (f.Facts.Kind == "choice" || l.Run.After(f.state.Said)) { // absence proves nothing of what came after
			return Change{Form: f.With(c.event(f, by, Found, said, "run", run))}, nil
		}
		return Change{Form: f.With(c.event(f, by, Missing, said, "run", run, "code", l.Choice))}, nil
	})
}

// shown says whether a coded choice shows that the form was applied: it is the form's own. For what takes something
// back, once it is said to be applied: what was taken back is coded no more.
func (f Form) shown(choice string) bool {
	return f.fits(choice) && (f.Facts.Kind == "choice" || !f.state.Said.IsZero())
}

// fits says whether a coded choice is one with which the form can be applied: its own, or none of those taken back.
func (f Form) fits(choice string) bool {
	if f.Facts.Kind == "choice" {
		return choice != "" && choice == f.Facts.Choice
	}
	gone := f.state.Replaced
	if len(gone) == 0 {
		gone = []string{"dissent", "core"}
	}
	return !slices.Contains(gone, choice)
}
