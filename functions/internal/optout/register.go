package optout

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// Keys makes what must not be guessable, from keys that never rotate in place.
type Keys interface {
	// Reference is the id of the form that a client sends through a door under its idempotency key.
	Reference(o Origin) Reference
	// Person is the key of the person with this NHS number.
	Person(n nhs.Number) PersonKey
	// Possible is the key of whoever has this surname, birth date and postcode.
	Possible(surname nhs.Name, birth nhs.Date, postcode nhs.Postcode) PersonKey
	// Fingerprint is a digest of the answers to a form, salted with its reference.
	Fingerprint(r Reference, answers []byte) []byte
}

// Doors, which are the channels that figures count: online, paper, a practice's counter, the office's telephone.
const (
	Online  = "online"
	Paper   = "paper"
	Counter = "practice"
	Phone   = "phone"
)

// Origin is where answers come from. The same origin is the same form.
type Origin struct {
	Door   string
	Client string
	Key    string // the client's idempotency key
}

// ErrOtherAnswers means that this idempotency key was used before, for other answers.
var ErrOtherAnswers = errors.New("the key was used for other answers")

// Registrar registers forms.
type Registrar struct {
	Store Store
	Keys  Keys
	Now   func() time.Time
}

// Receipt is what a client is told of its form: the first answer, however often it asks.
type Receipt struct {
	Reference Reference
	Received  time.Time
	Replayed  bool // it was registered by an earlier request, not by this one
}

// Register writes a form once, however often and from wherever it is sent, and answers with what the first sender
// was told. ErrOtherAnswers if the origin stands for other answers; ErrUnavailable if it could not be done now:
// the same request may simply be sent again.
func (r Registrar) Register(ctx context.Context, o Origin, a Answers, facts Facts) (Receipt, error) {
	return r.register(ctx, r.NewForm(o, a, facts))
}

// Hold registers doubtful answers, with the facts that could be read, for the desk to clear up. Otherwise as Register.
func (r Registrar) Hold(ctx context.Context, o Origin, a Answers, facts Facts, why string) (Receipt, error) {
	if err := oneOf("why", why, HeldForChoice, HeldForSignature, HeldForAge, HeldForAnswers); err != nil {
		return Receipt{}, err
	}
	f := r.NewForm(o, a, facts)
	e := f.Events[0]
	e.Kind, e.Detail["why"] = Held, why
	return r.register(ctx, f.afresh(e))
}

func (r Registrar) register(ctx context.Context, form Form) (Receipt, error) {
	var stored Form
	err := steady.Insist(ctx, func() (err error) {
		if stored, err = r.Store.Register(ctx, form); errors.Is(err, ErrCrowded) {
			form = form.crowded()
			stored, err = r.Store.Register(ctx, form)
		}
		return err
	}, ErrConflict, ErrUnavailable)
	switch {
	case err == nil:
		return receipt(form, false), nil
	case errors.Is(err, ErrTaken) && stored.Attempt == form.Attempt: // our own answer was lost on the way
		return receipt(stored, false), nil
	case errors.Is(err, ErrTaken) && !bytes.Equal(stored.Fingerprint, form.Fingerprint):
		return Receipt{}, ErrOtherAnswers
	case errors.Is(err, ErrTaken):
		return receipt(stored, true), nil
	case errors.Is(err, ErrConflict):
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return Receipt{}, fmt.Errorf("register: %w", err)
}

// Replay answers for a key that was answered before, so that a repeat gets its answer even where it would not be
// accepted today. ErrNotFound if the key is new; answers are nil where they could not even be read.
func (r Registrar) Replay(ctx context.Context, o Origin, a *Answers) (Receipt, error) {
	ref := r.Keys.Reference(o)
	stored, err := r.Store.Form(ctx, ref)
	switch {
	case err != nil:
		return Receipt{}, fmt.Errorf("look for a repeat: %w", err)
	case a == nil || !bytes.Equal(stored.Fingerprint, r.Keys.Fingerprint(ref, canonical(*a))):
		return Receipt{}, ErrOtherAnswers
	}
	return receipt(stored, true), nil
}

// NewForm is what will be written: every field is set here, once.
func (r Registrar) NewForm(o Origin, a Answers, facts Facts) Form {
	ref := r.Keys.Reference(o)
	f := Form{
		Reference: ref, Channel: o.Door, Facts: facts, Attempt: rand.Text(), Fingerprint: r.Keys.Fingerprint(ref, canonical(a)),
	}
	f.Person, f.Possible = keysOf(r.Keys, facts)
	return f.With(Event{At: r.Now(), By: o.Door, Kind: Registered, Detail: map[string]string{
		"rules": RulesVersion, "answers": hex.EncodeToString(f.Fingerprint),
	}})
}

// keysOf are the keys under which a form with these facts is found; "" where the facts are not known.
func keysOf(k Keys, f Facts) (person, possible PersonKey) {
	if !f.NHSNumber.IsZero() {
		person = k.Person(f.NHSNumber)
	}
	if !f.Surname.IsZero() && !f.BirthDate.IsZero() {
		possible = k.Possible(f.Surname, f.BirthDate, f.Postcode)
	}
	return person, possible
}

// crowded is a new form whose person has too many already; the office looks at it.
func (f Form) crowded() Form {
	e := f.Events[0]
	e.Detail["person"] = "crowded"
	return f.afresh(e)
}

// afresh is a new form with another first event.
func (f Form) afresh(e Event) Form {
	f.Events, f.state = nil, State{}
	return f.With(e)
}

// Crowded says that the form is not on its person's list, which was full.
func (f Form) Crowded() bool { return f.state.Crowded }

func receipt(f Form, replayed bool) Receipt {
	return Receipt{Reference: f.Reference, Received: f.State().Received, Replayed: replayed}
}

// canonical are the answers in one spelling: field by field in the order of the struct, nothing that was not said.
// Fingerprints are made of it: another spelling would turn every repeat into other answers.
func canonical(a Answers) []byte {
	if a.Kind == "choice" {
		a.Kind = "" // said or not, it means the same
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic("answers are plain data: " + err.Error())
	}
	return b
}
