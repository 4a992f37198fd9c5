package optout

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// Role is as what somebody acts.
type Role string

// As what one can act. The last two are for the table of states.
const (
	Machine    Role = "engine"
	MESH       Role = "mesh"
	Desk       Role = "desk"
	Supervisor Role = "supervisor" // of the desk, and so of the desk too
	Office     Role = "office"
	AtPractice Role = "practice"
	Clinician  Role = "clinician" // at a practice, and so of the practice too

	ItsPractice Role = "its practice" // the one that has the form
	AnyPractice Role = "any practice"
)

// Actor is who does something to a form.
type Actor struct {
	Role     Role
	Practice nhs.ODSCode // of AtPractice and Clinician; whose mailbox it is of MESH
	ID       string      // of the person or machine, as sign-in knows it: never a name
}

// String spells an actor for an event: "clinician A81001 u-17".
func (a Actor) String() string {
	return strings.Join(strings.Fields(string(a.Role)+" "+a.Practice.String()+" "+a.ID), " ")
}

// IDOf is the id of an actor that is spelled for an event.
func IDOf(by string) string { return by[strings.LastIndex(by, " ")+1:] }

var engine = Actor{Role: Machine}

// may says whether the actor is who a row of the table of states asks for.
func (a Actor) may(as Role, s State) bool {
	practice, its := a.Role == AtPractice || a.Role == Clinician, a.Practice == s.Practice && !a.Practice.IsZero()
	switch has := its && (s.Owner == OwnerPractice || s.Ended()); as {
	case AnyPractice:
		return practice && !a.Practice.IsZero()
	case ItsPractice:
		return practice && has
	case Clinician:
		return a.Role == Clinician && has
	case MESH:
		return a.Role == MESH && its
	case Desk:
		return a.Role == Desk || a.Role == Supervisor
	}
	return a.Role == as
}

// Refusal is why something was not done to a form. Nothing was written.
type Refusal struct {
	Code   string // never changes
	Detail string // for a person to act on
}

func (r *Refusal) Error() string { return r.Code }

// Why something is not done to a form.
var (
	Forbidden = &Refusal{"FORBIDDEN", "This form is not on your list, or this is not yours to do."}
	NotNow    = &Refusal{"NOT_NOW", "The form does not stand where this can be done. Look at it again."}
	KeyUsed   = &Refusal{"KEY_USED", "This key was used before, for something else. Take a new one."}
	Full      = &Refusal{"HISTORY_FULL", "This form has no room for more. Ask the office."}
)

// Faulty is an error that says what is wrong with an act.
type Faulty []Fault

func (f Faulty) Error() string { return "faulty: " + f[0].Code }

// wrong is what is wrong with one field of an act.
func wrong(field, code string) error { return Faulty{{"/" + field, code, faultsOfActs[code]}} }

// oneOf is the fault of a value that is none of those offered.
func oneOf[T ~string](field string, value T, offered ...T) error {
	if slices.Contains(offered, value) {
		return nil
	}
	return wrong(field, "not-an-option")
}

// faultsOfActs are the sentences that staff read.
var faultsOfActs = map[string]string{
	"missing":                "This is needed. Fill it in.",
	"not-an-option":          "Choose one of the options offered.",
	"not-plain":              "A key has at most 64 letters, digits and dashes.",
	"too-long":               "This is too long. Shorten it.",
	"too-many":               "There are too many of these. Leave some out.",
	"date-too-early":         "That is before the form was signed or returned. Check the date.",
	"date-before-birth":      "That is before the person was born. Check the date.",
	"date-in-future":         "That has not come yet. Check the date.",
	"email":                  "That is not an e-mail address. Check it.",
	"no-newer-form":          "That is no newer form of this person that goes on. Check the reference.",
	"carriers-code":          "A carrier's code is at most 20 letters, digits and dashes.",
	"about-itself":           "A form cannot be about itself. Check the reference.",
	"practice-not-open":      "No practice in England has this code and is open. Choose another one.",
	"code-unknown":           "That is no code of a Summary Care Record preference that is known here. Check it, or have it configured.",
	"code-of-another-choice": "That code records another choice than this form's. Check both.",
	"incomplete":             "What the person wants is still not known whole. Fill in what is missing.",
}

// Custody is how people act on forms. Every act is judged by the table of states, and written as an event under the
// form's version or not at all.
type Custody struct {
	Store     Store
	Keys      Keys
	Practices Practices // nil: every practice is open
	Codes     nhs.Codebook
	Now       func() time.Time
}

// Answer is what was done, by this request or by an earlier one that said the same.
type Answer struct {
	Form   Form  // as it stands now; its reference alone for a practice that has it no more, or never had it
	Event  Event // that answers
	Repeat bool  // it was there already
}

// Said is what goes with an act.
type Said struct {
	Key  string // the client's idempotency key, "" for none: with it, a repeat is known again however late it comes
	Text Text   // in somebody's own words
}

// mostBytes keeps a form's history, and what was written beside it, within one item of the table: 400 KB.
const mostBytes = 250_000

// mostText is how many characters somebody may write about an event.
const mostText = 1000

// act judges what somebody says of a form and records it. prepare makes the change of the form as it is read: that
// may be more than once. Its first new event is the one that is judged.
//
// A *Refusal if it cannot be; ErrNotFound; ErrUnavailable if it could not be done now: the same may simply be said
// again.
func (c Custody) act(ctx context.Context, ref Reference, by Actor, said Said, prepare func(Form) (Change, error)) (a Answer, err error) {
	switch {
	case utf8.RuneCountInString(string(said.Text)) > mostText:
		return Answer{}, wrong("text", "too-long")
	case !plain(said.Key):
		return Answer{}, wrong("key", "not-plain")
	case !plain(by.ID):
		return Answer{}, Forbidden
	}
	err = steady.Insist(ctx, func() (err error) { a, err = c.tryAct(ctx, ref, by, said, prepare); return err }, ErrConflict, ErrUnavailable)
	if errors.Is(err, ErrConflict) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return a, err
}

func (c Custody) tryAct(ctx context.Context, ref Reference, by Actor, said Said, prepare func(Form) (Change, error)) (Answer, error) {
	f, err := c.Store.Form(ctx, ref)
	if err != nil {
		return Answer{}, fmt.Errorf("read form: %w", err)
	}
	change, err := prepare(f)
	if change.Form.Version() == 0 {
		return Answer{}, err
	}
	e := change.Form.Events[f.Version()]
	if first, ok := f.said(by, said.Key); ok && first.says(e) {
		return Answer{f.as(by), first, true}, nil
	} else if ok {
		return Answer{}, KeyUsed
	}
	switch verdict := f.judge(by, e); { // before err, which is for those who have the form
	case errors.Is(verdict, errRepeat):
		return Answer{f.as(by), f.cause(e), true}, nil
	case verdict != nil && !errors.Is(verdict, errNoted):
		return Answer{}, verdict
	case err != nil:
		return Answer{}, err
	case verdict != nil: // it goes on record, and that is all it does
		change = Change{Form: f.With(e)}
	}
	if change.Form.size() > mostBytes {
		return Answer{}, Full
	}
	if err := c.Store.Record(ctx, change.ready(c.Now())); err != nil {
		return Answer{}, fmt.Errorf("record: %w", err)
	}
	return Answer{Form: change.Form.as(by), Event: e}, nil
}

// as is the form as an actor sees it: of what others have, a practice sees nothing.
func (f Form) as(by Actor) Form {
	if by.may(AnyPractice, f.state) && !by.may(ItsPractice, f.state) {
		return Form{Reference: f.Reference}
	}
	return f
}

// What judge can say besides a refusal.
var (
	errRepeat = errors.New("it was said before")
	errNoted  = errors.New("it changes nothing any more")
)

// MostClient is how long the id of a practice's software can be: with a dash and its own id of a person, of at most 24
// characters, it is the id of who acted.
const MostClient = 64 - 1 - 24

// plain says that s is an id or a key, in which nothing personal can stand.
func plain(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// judge says whether an actor may say an event of a form as it stands: nil, errRepeat, errNoted or a *Refusal.
//
// Who may never say it, or has not got the form, is refused first; then a repeat gets its first answer; after an
// end, and for a carrier's late news, it is an event and nothing else; what is left is too early.
func (f Form) judge(by Actor, e Event) error {
	s, known := f.state, false
	for m := range s.rows(e) {
		known = true
		switch {
		case !by.may(m.by, s):
		case m.to == "" && m.when == nil && f.cause(e).Seq > 0:
			return errRepeat
		default:
			return nil
		}
	}
	entitled := func(m move) bool { return m.verb == e.Kind && by.may(m.by, s) }
	if first := f.cause(e); first.Seq > 0 && first.sameHands(by) {
		return errRepeat
	}
	switch late := by.Role == MESH && !slices.Contains([]Status{StatusHeld, StatusRegistered, StatusRouted}, s.Status); {
	case known, !slices.ContainsFunc(moves, entitled):
		return Forbidden
	case s.Ended(), late:
		return errNoted
	}
	return NotNow
}

// cause is the event that says the same as e and still stands: the one that put the form where it is, or the last
// one of all. The zero Event if there is none.
func (f Form) cause(e Event) Event {
	for _, n := range []int{f.state.cause, len(f.Events)} {
		if n > 0 && f.Events[n-1].says(e) {
			return f.Events[n-1]
		}
	}
	return Event{}
}

// says is true of two events that differ at most in who said it when, and in what we made of it.
func (e Event) says(other Event) bool {
	a, b := maps.Clone(e.Detail), maps.Clone(other.Detail)
	for _, ours := range []string{"key", "run", "until", "person", "first", "since", "replaced"} {
		delete(a, ours)
		delete(b, ours)
	}
	return e.Kind == other.Kind && maps.Equal(a, b)
}

// said is the event that was said under a client's key from the same desk or practice.
func (f Form) said(by Actor, key string) (Event, bool) {
	for _, e := range f.Events {
		if key != "" && e.Detail["key"] == key && e.sameHands(by) {
			return e, true
		}
	}
	return Event{}, false
}

// Knows says that something was said of a form under a client's key, from the same desk or practice.
func (f Form) Knows(by Actor, key string) bool {
	_, known := f.said(by, key)
	return known
}

// sameHands says that an event comes from the actor's own practice, mailbox or desk.
func (e Event) sameHands(by Actor) bool {
	who := append(strings.Fields(e.By), "", "")
	role := map[Role]Role{Clinician: AtPractice}
	if cmp.Or(role[Role(who[0])], Role(who[0])) != cmp.Or(role[by.Role], by.Role) {
		return false
	}
	return by.Role != MESH && by.Role != AtPractice && by.Role != Clinician || who[1] == by.Practice.String() && who[1] != ""
}

// event is what somebody says of a form, details in pairs of key and value; those without a value are left out.
func (c Custody) event(f Form, by Actor, kind Kind, said Said, details ...string) Event {
	e := Event{At: c.Now(), By: by.String(), Kind: kind, Detail: map[string]string{}, Text: said.Text}
	if said.Text != "" {
		e.Detail["text"] = c.digest(f, string(said.Text))
	}
	for pair := range slices.Chunk(append(details, "key", said.Key), 2) {
		if pair[1] != "" {
			e.Detail[pair[0]] = pair[1]
		}
	}
	return e
}

// digest is a salted digest of something personal that stands beside an event.
func (c Custody) digest(f Form, of string) string {
	return hex.EncodeToString(c.Keys.Fingerprint(f.Reference, []byte(of)))
}

// simple is an act that is one event and nothing else.
func (c Custody) simple(ctx context.Context, ref Reference, by Actor, kind Kind, said Said, details ...string) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		return Change{Form: f.With(c.event(f, by, kind, said, details...))}, nil
	})
}
