package optout

import (
	"crypto/subtle"
	"slices"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// PersonKey is a keyed hash under which all forms of one person are found, or of one possible person. It is
// personal data all the same.
type PersonKey string

// Form is one item: what was accepted, and all that happened to it since.
type Form struct {
	Reference   Reference
	Channel     string // the door that registered it; never the client's to say
	Facts       Facts
	Person      PersonKey // from the NHS number; "" without one
	Possible    PersonKey // from surname, birth date and postcode: flags, never decides
	Fingerprint []byte    // keyed digest of the answers, to know a repeat by
	Attempt     string    // nonce of the registering attempt, to know an own retry by
	Events      []Event
	Due         time.Time // when it is looked at next: State().Due, or later after failures
	Tries       int       // failures since the last event
	Fault       string    // why nothing could be done with it since the last event; "": nothing failed for good
	state       State
}

// Version counts the events; a change is written only on top of the version it was made from.
func (f Form) Version() int { return len(f.Events) }

// State is the fold of the form's events.
func (f Form) State() State { return f.state }

// Restore gives a form back its state after a store has read it, and refuses a history that does not hold
// together.
func (f Form) Restore() (Form, error) {
	if len(f.Events) == 0 || verify(f.Reference, f.Events) != nil {
		return Form{}, errChain
	}
	f.state = Fold(f.Events)
	return f, nil
}

// With is the form after one more event; the form itself is left as it is.
func (f Form) With(e Event) Form {
	e = e.link(f.Reference, f.Events)
	f.Events = append(slices.Clip(f.Events), e)
	f.state = f.state.after(e)
	f.Due, f.Tries, f.Fault = f.state.Due, 0, ""
	return f
}

// born says whether the form's person has this birth date, in the same time whatever the answer.
func (f Form) born(d nhs.Date) bool {
	return subtle.ConstantTimeCompare([]byte(f.Facts.BirthDate.ISO()), []byte(d.ISO())) == 1
}
