package optout

import (
	"context"
	"fmt"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// route finds who must act on a new form: the practice that was chosen, else the office. Putting the form on the
// practice's list and making the practice due to be told is one write, so that no form is on a list unannounced.
func (e Engine) route(ctx context.Context, f Form, now time.Time) (Outcome, error) {
	practice, fault := e.destination(f)
	if fault != "" {
		f = f.With(Event{At: now, By: byEngine, Kind: Unrouted, Detail: map[string]string{"fault": fault}})
		if err := e.Store.Record(ctx, f, nhs.ODSCode{}); err != nil {
			return Nothing, fmt.Errorf("route to the office: %w", err)
		}
		return ToOffice, nil
	}
	detail := map[string]string{"practice": practice.String()}
	if chosen := f.Facts.Practice; practice != chosen {
		detail["instead"] = chosen.String() // of this one, which has closed
	}
	f = f.With(Event{At: now, By: byEngine, Kind: Routed, Detail: detail})
	if err := e.Store.Record(ctx, f, practice); err != nil {
		return Nothing, fmt.Errorf("route: %w", err)
	}
	return Moved, nil
}

const byEngine = "engine"

// destination is the practice that a form goes to, or why a person has to decide: the chosen one, its successor if it
// has closed, never a closed one and never none.
func (e Engine) destination(f Form) (nhs.ODSCode, string) {
	switch {
	case f.Crowded():
		return nhs.ODSCode{}, "too-many-forms"
	case f.Facts.Kind != "choice": // what a withdrawal replaces is for a person to see
		return nhs.ODSCode{}, "about-another-form"
	case f.Facts.NotRegistered:
		return nhs.ODSCode{}, "not-registered"
	case f.Facts.Practice.IsZero():
		return nhs.ODSCode{}, "no-practice"
	}
	if e.Practices == nil {
		return f.Facts.Practice, ""
	}
	to, ok := e.Practices.Destination(f.Facts.Practice)
	if !ok {
		return nhs.ODSCode{}, "practice-closed"
	}
	return to, ""
}
