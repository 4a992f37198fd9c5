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
	Due         time.Time // when it is looked at next: State().Due by the clock of the last event, or later after failures
	Tries       int       // failures since the last event
	Fault       string    // why nothing could be done with it since the last event; "": nothing failed for good
	state       State
	stored      int // how many of the events a store has
}

// Version counts the events.
func (f Form) Version() int { return len(f.Events) }

// Stored is the version of the form in the store that it was read from; 0 for a new form. A change is written only on
// top of the version it was made from.
func (f Form) Stored() int { return f.stored }

// State is the fold of the form's events.
func (f Form) State() State { return f.state }

// Restore gives a form back its state after a store has read it, and refuses a history that does not hold
// together.
func (f Form) Restore() (Form, error) {
	if len(f.Events) == 0 || verify(f.Reference, f.Events) != nil {
		return Form{}, errChain
	}
	f.state, f.stored = Fold(f.Events), len(f.Events)
	return f, nil
}

// With is the form after one more event; the form itself is left as it is.
func (f Form) With(e Event) Form {
	now := e.At
	e = e.link(f.Reference, f.Events)
	f.Events = append(slices.Clip(f.Events), e)
	f.state = f.state.after(e)
	f.Due, f.Tries, f.Fault = f.state.Due, 0, ""
	if ahead := e.At.Sub(now); ahead > time.Second && !f.Due.IsZero() { // of a clock that was wrong before: nobody waits for it
		f.Due = f.Due.Add(-ahead)
	}
	return f
}

// born says whether the form's person has this birth date, in the same time whatever the answer.
func (f Form) born(d nhs.Date) bool {
	return subtle.ConstantTimeCompare([]byte(f.Facts.BirthDate.ISO()), []byte(d.ISO())) == 1
}

// Child is how old the person was, in years, when the form was signed, or came in if no day was given; child: under 16,
// when the practice decides whether the person may (domain facts, who may sign). Nobody whose birth date is not known is
// said to be one.
func (f Form) Child() (age int, child bool) {
	if f.Facts.BirthDate.IsZero() {
		return 0, false
	}
	on := f.Facts.SignedOn
	if on.IsZero() {
		on = nhs.DateOf(f.state.Received)
	}
	age = f.Facts.BirthDate.Age(on)
	return age, age < ofAge
}

// caused is the event that put the form where it stands.
func (f Form) caused() Event { return f.Events[max(f.state.cause, 1)-1] }

// samePerson says that NHS number, birth date and surname agree (domain facts, machines link).
func (f Form) samePerson(other Form) bool {
	return f.Person != "" && f.Person == other.Person && f.born(other.Facts.BirthDate) &&
		f.Facts.Surname.Folded() == other.Facts.Surname.Folded()
}

// sameSigner says that the person signed both, or the same proxy in the same capacity.
func (f Form) sameSigner(other Form) bool {
	return f.Facts.ProxyCapacity == other.Facts.ProxyCapacity && f.Facts.ProxyName.Folded() == other.Facts.ProxyName.Folded()
}

// sameAnswer says that both ask for the same.
func (f Form) sameAnswer(other Form) bool {
	return f.Facts.Kind == other.Facts.Kind && f.Facts.Choice == other.Facts.Choice && f.Facts.About == other.Facts.About
}
