package optout

import (
	"context"
	"slices"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// route finds who must act on a form: the practice that was chosen, else the office. Putting the form on the
// practice's list and making the practice due to be told is one write, so that no form is on a list unannounced.
func (e Engine) route(ctx context.Context, f Form, now time.Time) (Change, error) {
	chosen, fault, err := e.destination(ctx, f)
	if err != nil {
		return Change{}, err
	}
	practice := chosen
	if fault == "" {
		var known bool
		if practice, known = e.successor(chosen); !known {
			fault = "practice-closed"
		} else if practice != f.state.Bound && slices.Contains(f.state.Refusers, practice) {
			fault = "returned-by-practice"
		}
	}
	event := Event{At: now, By: engine.String(), Kind: Routed, Detail: map[string]string{"practice": practice.String()}}
	if fault != "" {
		event.Kind, event.Detail = Unrouted, map[string]string{"fault": fault}
		return Change{Form: f.With(event)}, nil
	}
	if practice != chosen {
		event.Detail["instead"] = chosen.String() // of this one, which has closed
	}
	return Change{Form: f.With(event), Tell: practice}, nil
}

// destination is the practice that a form is meant for, or why a person has to decide.
func (e Engine) destination(ctx context.Context, f Form) (practice nhs.ODSCode, fault string, err error) {
	switch {
	case !f.state.Bound.IsZero():
		return f.state.Bound, "", nil
	case f.Crowded():
		return practice, "too-many-forms", nil
	case !f.Facts.Practice.IsZero():
		practice = f.Facts.Practice
	case f.Facts.NotRegistered:
		return practice, "not-registered", nil
	}
	if f.Facts.Kind == "choice" {
		if practice.IsZero() {
			fault = "no-practice"
		}
		return practice, fault, nil
	}
	// What takes something back goes where that is.
	about, err := f.about(ctx, e.Store)
	switch {
	case err != nil:
		return practice, "", err
	case about.Version() == 0: // unknown, or of somebody else: answered alike, looked at by a person
		return nhs.ODSCode{}, "about-unknown", nil
	case !practice.IsZero():
		return practice, "", nil
	case !about.state.Practice.IsZero():
		return about.state.Practice, "", nil
	case !about.Facts.Practice.IsZero():
		return about.Facts.Practice, "", nil
	}
	return practice, "no-practice", nil
}

// successor is the practice itself while it is open, else whoever took over; known is false where nobody is known.
func (e Engine) successor(p nhs.ODSCode) (to nhs.ODSCode, known bool) {
	if e.Practices == nil {
		return p, true
	}
	return e.Practices.Destination(p)
}

// reroute gives a form that is not of a practice's patient back to be routed. Never to that practice again.
func (e Engine) reroute(f Form, now time.Time) Change {
	return Change{Form: f.With(Event{At: now, By: engine.String(), Kind: Rerouted})}
}
