package optout_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

var (
	densham   = nhs.StoredODSCode("A81001")
	elsewhere = nhs.StoredODSCode("A81002")

	practice   = optout.Actor{Role: optout.AtPractice, Practice: densham, ID: "u-1"}
	clinician  = optout.Actor{Role: optout.Clinician, Practice: densham, ID: "u-2"}
	desk       = optout.Actor{Role: optout.Desk, ID: "u-3"}
	supervisor = optout.Actor{Role: optout.Supervisor, ID: "u-4"}
	office     = optout.Actor{Role: optout.Office, ID: "u-5"}
	mesh       = optout.Actor{Role: optout.MESH, Practice: densham, ID: "X26ABC1"}
)

// Keys of clients.
const (
	aKey     = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"
	otherKey = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5e"
)

// act is one verb with details that are good wherever it can be said at all.
type act struct {
	by optout.Actor // who may
	do func(h *house, ref optout.Reference, by optout.Actor) (optout.Answer, error)
}

func said(what string) optout.Said { return optout.Said{Text: optout.Text(what)} }

// said is that under the key that the house uses now, and in other words if there are any.
func (h *house) said(what string) optout.Said {
	return optout.Said{Key: h.key, Text: optout.Text(cmp.Or(h.words, what))}
}

// either is a detail as it is said, or one that is as good where something else is to be said.
func either[T any](h *house, as, otherwise T) T {
	if h.otherwise {
		return otherwise
	}
	return as
}

// ran is when the practice ran its list, or a person was told: just now, unless it is old news.
func (h *house) ran() time.Time {
	if h.run.IsZero() {
		return h.Now()
	}
	return h.run
}

var acts = map[string]act{
	"wro": {desk, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Wrote(h.t.Context(), r, by, h.said(""), either(h, "post", "phone"))
	}},
	"rel": {supervisor, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		f := h.form(r)
		a := optouttest.Dissent()
		a.Subject.Title = either(h, "Ms", "Dr")
		return h.custody.Release(h.t.Context(), r, by, h.said(""), a, f.Facts)
	}},
	"sup": {supervisor, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		if h.other.IsZero() || h.otherwise {
			h.other = h.again(r, nil)
		}
		return h.custody.Supersede(h.t.Context(), r, by, h.said(""), h.other)
	}},
	"ass": {office, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Assign(h.t.Context(), r, by, h.said(""), either(h, densham, elsewhere))
	}},
	"del": {mesh, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Deliver(h.t.Context(), r, by, h.said(""))
	}},
	"unf": {mesh, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.NotDelivered(h.t.Context(), r, by, h.said(""))
	}},
	"rej": {mesh, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Reject(h.t.Context(), r, by, h.said(""), either(h, "EPL-151", "EPL-153"))
	}},
	"col": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Collect(h.t.Context(), r, by, h.said(""))
	}},
	"put": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.PutBack(h.t.Context(), r, by, h.said(""))
	}},
	"app": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Apply(h.t.Context(), r, by, h.said(""), optout.Application{On: nhs.DateOf(optouttest.Noon), Code: either(h, "XaXj6", "9Ndo.")})
	}},
	"cor": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Correct(h.t.Context(), r, by, h.said(""))
	}},
	"ret": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Return(h.t.Context(), r, by, h.said("cannot be read"), either(h, optout.OtherReason, optout.HasMoved))
	}},
	"has": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Check(h.t.Context(), r, by, h.said(""), optout.Listed{Run: h.ran(), Choice: either(h, "dissent", "core")})
	}},
	"lac": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Check(h.t.Context(), r, by, h.said(""), optout.Listed{Run: h.ran(), Choice: either(h, "", "core")})
	}},
	"kee": {clinician, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Keep(h.t.Context(), r, by, h.said(""))
	}},
	"ref": {clinician, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Refuse(h.t.Context(), r, by, h.said(""), optout.Telling{On: nhs.DateOf(h.ran()), Unsafe: h.otherwise})
	}},
	"tak": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.TakeBack(h.t.Context(), r, by, h.said(""), optout.TakenBack{How: either(h, "phone", "post"), On: nhs.DateOf(optouttest.Noon), To: "the receptionist"})
	}},
	"rep": {office, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Reply(h.t.Context(), r, by, h.said(""), optout.Telling{On: nhs.DateOf(h.ran())})
	}},
	"con": {office, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Confirm(h.t.Context(), r, by, h.said(""))
	}},
	"com": {office, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Complain(h.t.Context(), r, by, h.said(""))
	}},
	"num": {practice, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Number(h.t.Context(), r, by, h.said(""), either(h, h.number, another))
	}},
	"nud": {desk, func(h *house, r optout.Reference, by optout.Actor) (optout.Answer, error) {
		return h.custody.Number(h.t.Context(), r, by, h.said(""), either(h, h.number, another))
	}},
}

// say does what must succeed.
func (h *house) say(ref optout.Reference, verbs ...string) {
	h.t.Helper()
	for _, v := range verbs {
		h.Move(time.Minute)
		if _, err := acts[v].do(h, ref, acts[v].by); err != nil {
			h.t.Fatalf("%s: %v", v, err)
		}
	}
}

// kept has somebody say of a form that it was returned by mistake: the person did not take it back.
func (h *house) kept(by optout.Actor) string {
	h.t.Helper()
	return h.outcome("kee", reach["withdrawn by person"](h), by)
}

// giveBack returns a collected form for a reason.
func (h *house) giveBack(ref optout.Reference, why optout.Reason) {
	h.t.Helper()
	h.Move(time.Minute)
	if _, err := h.custody.Return(h.t.Context(), ref, practice, said("in words of its own"), why); err != nil {
		h.t.Fatal(err)
	}
}

// hold registers a form that is held.
func (h *house) hold(change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number()
	if change != nil {
		change(&a)
	}
	r, err := registrar(h.Memory, h.Clock).Hold(h.t.Context(), optout.Origin{Door: optout.Paper, Client: "paper", Key: a.Subject.NHSNumber}, a, optouttest.Accepted(a), optout.HeldForSignature)
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Reference
}

// advance lets the engine look at a form once.
func (h *house) advance(ref optout.Reference) {
	h.t.Helper()
	if _, err := h.engine.Advance(h.t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
		h.t.Fatal(err)
	}
}

// reach puts a form into each state of the design's table.
var reach map[string]func(h *house) optout.Reference

func init() {
	reach = map[string]func(h *house) optout.Reference{
		"held":       func(h *house) optout.Reference { return h.hold(nil) },
		"registered": func(h *house) optout.Reference { return h.register(nil) },
		"unrouted": func(h *house) optout.Reference {
			ref := h.register(func(a *optout.Answers) { a.Practice = "" })
			h.advance(ref)
			return ref
		},
		"routed": func(h *house) optout.Reference {
			ref := h.register(nil)
			h.advance(ref)
			return ref
		},
		"delivered": after("routed", "del"),
		"collected": after("routed", "col"),
		"applied":   after("collected", "app"),
		"in doubt":  after("applied", "lac"),
		"checked":   after("applied", "has"),
		"duplicate": func(h *house) optout.Reference {
			first := h.register(nil)
			h.advance(first)
			h.Move(time.Minute)
			ref := h.register(func(a *optout.Answers) { a.Subject.NHSNumber = h.form(first).Facts.NHSNumber.Digits() })
			h.advance(ref)
			return ref
		},
		"not our patient":        returned(optout.NotOurPatient),
		"moved":                  returned(optout.HasMoved),
		"identity not verified":  returned(optout.IdentityNotVerified),
		"safeguarding":           returned(optout.Safeguarding),
		"coercion":               returned(optout.Coercion),
		"no legal basis":         returned(optout.NoLegalBasis),
		"deceased":               returned(optout.Deceased),
		"other":                  after("collected", "ret"),
		"withdrawn by person":    returned(optout.WithdrawnByPerson),
		"withdrawn":              after("withdrawn by person", "tak"),
		"answered":               after("safeguarding", "ref"),
		"answered by the office": after("other", "rep"),
		"answered, deceased":     after("deceased", "con"),
		"answered while held":    after("held", "sup"),
	}
}

func after(state string, verbs ...string) func(*house) optout.Reference {
	return func(h *house) optout.Reference {
		ref := reach[state](h)
		h.say(ref, verbs...)
		return ref
	}
}

func returned(why optout.Reason) func(*house) optout.Reference {
	return func(h *house) optout.Reference {
		ref := reach["collected"](h)
		h.giveBack(ref, why)
		return ref
	}
}

// The design's table of states, written out by hand: what each verb does in each state when whoever may say it says it.
//
// F: FORBIDDEN. N: NOT_NOW. =: the first answer once more. e: an event and nothing else. o: done, it stays where it is.
// Otherwise the status it goes to: held, registered, routed, delivered, collected, applied, doubt, checked, returned,
// duplicate, withdrawn, answered, by their first letters.
const table = `
state                  | wro rel sup ass | del unf rej | col put app cor ret | has lac | kee ref tak | rep con com | num nud
held                   | o   reg ans N   | F   F   F   | F   F   F   F   F   | F   F   | F   F   F   | N   N   N   | F   o
registered             | N   N   N   N   | F   F   F   | F   F   F   F   F   | F   F   | F   F   F   | N   N   N   | F   o
unrouted               | N   N   N   rou | F   F   F   | F   F   F   F   F   | F   F   | F   F   F   | N   N   N   | F   o
routed                 | N   N   N   N   | del o   reg | col N   N   N   ret | che N   | N   N   N   | N   N   N   | o   o
delivered              | N   N   N   N   | =   rou reg | col N   N   N   ret | che N   | N   N   N   | N   N   N   | o   o
collected              | N   N   N   N   | e   e   e   | =   rou app N   ret | che N   | N   N   N   | N   N   N   | o   o
applied                | N   N   N   N   | e   e   e   | N   N   =   col N   | che dou | N   N   N   | N   N   N   | o   o
in doubt               | N   N   N   N   | e   e   e   | N   N   app N   ret | che =   | N   N   N   | N   N   N   | o   o
checked                | e   e   e   e   | e   e   e   | e   e   e   e   e   | =   dou | e   e   e   | e   e   e   | e   e
not our patient        | N   N   N   N   | e   e   e   | F   F   F   F   F   | F   F   | F   F   F   | N   N   N   | F   o
moved                  | N   N   N   N   | e   e   e   | F   F   F   F   F   | F   F   | F   F   F   | N   N   N   | F   o
identity not verified  | N   N   N   N   | e   e   e   | N   N   N   N   N   | che N   | col ans N   | N   N   N   | o   o
safeguarding           | N   N   N   N   | e   e   e   | N   N   N   N   N   | che N   | col ans N   | N   N   N   | o   o
coercion               | N   N   N   N   | e   e   e   | N   N   N   N   N   | che N   | col ans N   | N   N   N   | o   o
no legal basis         | N   N   N   N   | e   e   e   | N   N   N   N   N   | che N   | col ans N   | N   N   N   | o   o
deceased               | N   N   N   reg | e   e   e   | F   F   F   F   F   | F   F   | F   F   F   | N   ans N   | F   o
other                  | N   N   N   reg | e   e   e   | F   F   F   F   =   | F   F   | F   F   F   | ans N   N   | F   o
withdrawn by person    | N   N   N   N   | e   e   e   | N   N   N   N   N   | che N   | col N   wit | N   N   N   | o   o
duplicate              | N   N   N   N   | F   F   F   | F   F   F   F   F   | F   F   | F   F   F   | N   N   N   | F   reg
withdrawn              | e   e   e   e   | e   e   e   | e   e   e   e   e   | e   e   | e   e   =   | e   e   reg | e   e
answered               | e   e   e   e   | e   e   e   | e   e   e   e   e   | e   e   | e   =   e   | e   e   reg | e   e
answered by the office | e   e   e   e   | e   e   e   | e   e   e   e   e   | e   e   | e   e   e   | =   e   reg | e   e
answered, deceased     | e   e   e   e   | e   e   e   | e   e   e   e   e   | e   e   | e   e   e   | e   =   reg | e   e
answered while held    | e   e   =   e   | F   F   F   | F   F   F   F   F   | F   F   | F   F   F   | e   e   hel | F   e
`

func TestTheTableOfStates(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	cells := func(line string) (string, []string) {
		state, rest, _ := strings.Cut(line, "|")
		return strings.TrimSpace(state), strings.Fields(strings.ReplaceAll(rest, "|", ""))
	}
	_, verbs := cells(lines[0])
	if len(verbs) != len(acts) || len(lines)-1 != len(reach) {
		t.Fatalf("the table has %d verbs and %d states, there are %d and %d", len(verbs), len(lines)-1, len(acts), len(reach))
	}
	for _, line := range lines[1:] {
		state, want := cells(line)
		if len(want) != len(verbs) {
			t.Fatalf("%s has %d cells", state, len(want))
		}
		for n, verb := range verbs {
			h := newHouse(t)
			ref := reach[state](h)
			h.Move(time.Minute)
			before := h.form(ref)
			got := h.outcome(verb, ref, acts[verb].by)
			if got != want[n] {
				t.Errorf("%s, %s: %s, want %s", state, verb, got, want[n])
				continue
			}
			if len(got) != 3 && got != "o" && got != "e" {
				continue
			}
			// Whatever was done, doing it again gives the first answer, and changes nothing.
			once := h.form(ref)
			if once.Version() <= before.Version() {
				t.Errorf("%s, %s: nothing is on record", state, verb)
			}
			if again := h.outcome(verb, ref, acts[verb].by); again != "=" && !(verb == "wro" && again == "N") {
				t.Errorf("%s, %s twice: %s, want the first answer", state, verb, again)
			}
			if h.form(ref).Version() != once.Version() {
				t.Errorf("%s, %s twice: it is on record twice", state, verb)
			}
		}
	}
}

// seemly says that an answer shows a practice nothing but forms that it has, or had when they ended.
func seemly(a optout.Answer, now optout.Form, by optout.Actor) bool {
	s, practice := now.State(), by.Role == optout.AtPractice || by.Role == optout.Clinician
	has := by.Practice == s.Practice && !by.Practice.IsZero() && (s.Owner == optout.OwnerPractice || s.Ended())
	return !practice || has || a.Form.Reference.IsZero() || bare(a)
}

// outcome says a verb and spells what came of it as the table does.
func (h *house) outcome(verb string, ref optout.Reference, by optout.Actor) string {
	h.t.Helper()
	before := h.form(ref)
	a, err := acts[verb].do(h, ref, by)
	h.answer = a
	after := h.form(ref)
	if !seemly(a, after, by) {
		h.t.Errorf("%s by %s: it sees a form that it has not got: %+v", verb, by, after.State())
	}
	var r *optout.Refusal
	switch {
	case errors.As(err, &r):
		if after.Version() != before.Version() {
			h.t.Errorf("%s was refused and is on record", verb)
		}
		return map[string]string{"FORBIDDEN": "F", "NOT_NOW": "N", "KEY_USED": "K"}[r.Code]
	case err != nil:
		return err.Error()
	case a.Repeat:
		if after.Version() != before.Version() {
			h.t.Errorf("%s was a repeat and is on record", verb)
		}
		return "="
	case after.State().Status != before.State().Status || verb == "ass" && !before.State().Ended():
		return map[optout.Status]string{
			optout.StatusHeld: "hel", optout.StatusRegistered: "reg", optout.StatusRouted: "rou", optout.StatusDelivered: "del", optout.StatusCollected: "col",
			optout.StatusApplied: "app", optout.StatusInDoubt: "dou", optout.StatusChecked: "che", optout.StatusReturned: "ret",
			optout.StatusWithdrawn: "wit", optout.StatusAnswered: "ans",
		}[after.State().Status]
	case before.State().Ended(), by.Role == optout.MESH && before.State().Status != optout.StatusRouted:
		return "e"
	}
	return "o"
}

// Nobody else may say it, in whatever state: the other practice, the wrong role, a machine.
func TestTheWrongOwnerIsForbidden(t *testing.T) {
	t.Parallel()
	everybody := []optout.Actor{
		practice, clinician, desk, supervisor, office, mesh,
		{Role: optout.MESH, Practice: elsewhere, ID: "X26ABC2"},
		{Role: optout.AtPractice, Practice: elsewhere, ID: "u-9"},
		{Role: optout.Clinician, Practice: elsewhere, ID: "u-9"},
		{Role: optout.AtPractice, ID: "u-9"},
		{Role: optout.Machine},
		{Role: optout.ItsPractice, Practice: densham},
		{Role: optout.AnyPractice, Practice: densham},
		{},
	}
	may := map[string][]optout.Actor{ // besides the one of the table of acts
		"wro": {supervisor}, "col": {clinician}, "put": {clinician}, "app": {clinician}, "cor": {clinician}, "ret": {clinician}, "has": {clinician}, "lac": {clinician}, "tak": {clinician},
		"kee": {practice}, "ref": {practice}, // of one reason of four, and of what was no taking back
		"num": {clinician, desk, supervisor, office}, "nud": {practice, clinician, supervisor, office},
	}
	for state := range reach {
		for verb := range acts {
			for _, by := range everybody {
				if by == acts[verb].by || slices.Contains(may[verb], by) {
					continue
				}
				h := newHouse(t)
				ref := reach[state](h)
				h.Move(time.Minute)
				repeat := state == "other" && verb == "ret" && by == clinician // the practice's own, once more
				if got := h.outcome(verb, ref, by); got != "F" && !repeat {
					t.Errorf("%s, %s by %s: %s", state, verb, by, got)
				}
			}
		}
	}
	for _, why := range []string{"safeguarding", "coercion", "no legal basis"} {
		for _, verb := range []string{"kee", "ref"} {
			h := newHouse(t)
			if got := h.outcome(verb, reach[why](h), practice); got != "F" {
				t.Errorf("%s, %s without a clinician: %s", why, verb, got)
			}
		}
	}
	h := newHouse(t)
	if got := h.outcome("ref", reach["identity not verified"](h), practice); got != "ans" {
		t.Errorf("a practice decides on identity by itself: %s", got)
	}
	if got := newHouse(t).kept(practice); got != "col" {
		t.Errorf("a practice says by itself that nobody took a form back: %s", got)
	}
}

// Whose list, what is next, when it is looked at, and by when whoever has it should have done it: as the design says it.
// Forms are routed on Monday 23 November 2026 at noon.
const lists = `
held                   | desk     | write    | 2026-11-23 12:00 | 2026-11-23 12:00
registered             | engine   | settle   | 2026-11-23 12:00 |
unrouted               | office   | assign   | 2026-11-25 12:00 | 2026-11-25 12:00
routed                 | practice | remind   | 2026-11-25 12:00 | 2026-11-25 12:00
delivered              | practice | remind   | 2026-11-25 12:00 | 2026-11-25 12:00
collected              | practice | remind   | 2026-11-25 12:00 | 2026-11-25 12:00
applied                | practice | extract  | 2026-12-29 12:02 | 2026-12-29 12:02
in doubt               | practice | remind   | 2026-11-25 12:03 | 2026-11-25 12:03
checked                | nobody   |          |                  |
not our patient        | engine   | reroute  | 2026-11-23 12:02 |
moved                  | engine   | reroute  | 2026-11-23 12:02 |
identity not verified  | practice | decide   | 2026-12-23 12:02 | 2026-12-23 12:02
safeguarding           | practice | decide   | 2026-12-23 12:02 | 2026-12-23 12:02
coercion               | practice | decide   | 2026-12-23 12:02 | 2026-12-23 12:02
no legal basis         | practice | decide   | 2026-12-23 12:02 | 2026-12-23 12:02
deceased               | office   | confirm  | 2026-11-25 12:02 | 2026-11-25 12:02
other                  | office   | answer   | 2026-12-23 12:02 | 2026-12-23 12:02
withdrawn by person    | practice | withdraw | 2026-11-23 12:02 | 2026-12-23 12:02
duplicate              | first    | follow   | 2026-11-24 12:01 |
withdrawn              | nobody   |          |                  |
answered               | nobody   |          |                  |
answered by the office | nobody   |          |                  |
answered, deceased     | nobody   |          |                  |
answered while held    | nobody   |          |                  |
`

func TestWhoseListWhatIsNextAndByWhen(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(lists), "\n")
	if len(lines) != len(reach) {
		t.Fatalf("%d states of %d", len(lines), len(reach))
	}
	for _, line := range lines {
		cells := strings.Split(line, "|")
		for n := range cells {
			cells[n] = strings.TrimSpace(cells[n])
		}
		h := newHouse(t)
		h.Move(24 * time.Hour) // Noon is a Sunday
		f := h.form(reach[cells[0]](h))
		minute := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.Format("2006-01-02 15:04")
		}
		s := f.State()
		if due, deadline := minute(f.Due), minute(s.Deadline()); string(s.Owner) != cells[1] || string(s.Next) != cells[2] || due != cells[3] || deadline != cells[4] {
			t.Errorf("%s: on the list of %s, next %s, due %s, to be done by %s", line, s.Owner, s.Next, due, deadline)
		}
		if !f.Due.Equal(s.Due) {
			t.Errorf("%s: due at %v by its state and at %v in the store", cells[0], s.Due, f.Due)
		}
	}
}
