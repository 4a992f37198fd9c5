package optout_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// Some forms of some people, three practices and everybody else who can act on them: in any order, what is sensible and
// what is not, once more and late, with lists that are true and lists that are not, clocks that jump, practices that
// close. Whatever happens, no form is said to be applied without a practice's own word since it last stood open, none
// goes back but for doubt, correction, re-routing or re-opening, and no practice sees anything of a form that it has not
// got, or writes into its history.
func TestNothingIsAppliedWithoutAPracticesWord(t *testing.T) {
	t.Parallel()
	const aLife = 100 // steps of one crowd
	lives := steps(t) / aLife
	took := map[string]int{}
	for seed := range uint64(lives) {
		c := crowd{house: newHouse(t), random: rand.New(rand.NewPCG(seed, 6)), took: took, before: map[optout.Reference]int{}, followed: map[[32]byte]bool{}}
		watched := odd{Memory: c.Memory, changed: func(change optout.Change) {
			for _, f := range append(change.Others, change.Form) {
				c.changed = append(c.changed, f.Reference)
			}
		}}
		c.engine.Store, c.custody.Store = watched, watched
		for range 3 {
			c.numbers = append(c.numbers, optouttest.Number())
		}
		for step := range aLife {
			if fault := c.step(); fault != "" {
				t.Fatalf("seed %d, step %d, after %s: %s", seed, step, c.did, fault)
			}
			for _, ref := range c.changed {
				if fault := c.check(ref); fault != "" {
					t.Fatalf("seed %d, step %d, after %s: %s", seed, step, c.did, fault)
				}
			}
			c.changed = nil
		}
	}
	for _, want := range []string{
		"applied", "checked", "in-doubt", "corrected", "restored", "complained", "rerouted", "closed", "let-go", "checked as its first",
		"duplicate", "said again", "known again", "strangers", "FORBIDDEN", "NOT_NOW", "KEY_USED",
	} {
		if took[want] < lives/100 {
			t.Errorf("%s came about only %d times", want, took[want])
		}
	}
	t.Logf("%d steps: %v", lives*aLife, took)
}

// crowd are the forms of some people, and who acts on them.
type crowd struct {
	*house
	random   *rand.Rand
	numbers  []string
	refs     []optout.Reference
	sent     []optout.Answers
	uttered  []utterance              // in the order in which it was said
	before   map[optout.Reference]int // the version that was checked
	followed map[[32]byte]bool        // events by which a duplicate was checked with its first, which a practice had given its word for
	changed  []optout.Reference
	did      string
	took     map[string]int
}

var three = []nhs.ODSCode{densham, elsewhere, nhs.StoredODSCode("A81003")}

// utterance is something said of a form.
type utterance struct {
	verb   string
	by     optout.Actor
	ref    optout.Reference
	said   optout.Said
	reason optout.Reason      // of a return
	to     nhs.ODSCode        // of an assignment
	list   optout.Listed      // of a check
	apply  optout.Application // of an application
	number nhs.Number
	run    time.Time // of what is told
}

// sensible are the verbs that get a form on from where it stands, and back.
var sensible = map[optout.Status][]string{
	optout.StatusHeld:       {"wro", "rel", "rel", "nud"},
	optout.StatusRegistered: {"ass", "ass", "nud"},
	optout.StatusRouted:     {"col", "col", "col", "del", "rej", "ret", "has", "num"},
	optout.StatusDelivered:  {"col", "col", "unf", "ret", "num"},
	optout.StatusCollected:  {"app", "app", "app", "put", "ret", "num", "has"},
	optout.StatusApplied:    {"has", "lac", "lac", "cor"},
	optout.StatusInDoubt:    {"app", "ret", "has"},
	optout.StatusChecked:    {"lac", "has"},
	optout.StatusReturned:   {"kee", "ref", "tak", "rep", "con", "ass"},
	optout.StatusDuplicate:  {"has", "nud"},
	optout.StatusWithdrawn:  {"com"},
	optout.StatusAnswered:   {"com"},
}

// step does one thing, and says what is wrong with the answer.
func (c *crowd) step() string {
	r := c.random
	switch r.IntN(8) {
	case 0:
		c.Move(time.Duration(r.IntN(72)) * time.Hour)
	case 1:
		c.Move(time.Duration(r.IntN(120)-40) * time.Minute)
	default:
		c.Move(time.Duration(r.IntN(60)) * time.Second)
	}
	if len(c.refs) == 0 || len(c.refs) < 6 && r.IntN(8) == 0 {
		c.register()
		return ""
	}
	ref := pick(r, c.refs...)
	switch n := r.IntN(12); {
	case n < 3:
		c.did = "advance"
		if _, err := c.engine.Advance(c.t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
			c.t.Fatal(err)
		}
		return ""
	case n == 3 && r.IntN(20) == 0: // the directory of another day
		gone, to := pick(r, three...), pick(r, "", three[0].String(), three[1].String(), three[2].String())
		c.engine.Practices = closing{map[string]string{gone.String(): to}}
		if to == gone.String() {
			c.engine.Practices = nil
		}
		return ""
	case n < 6 && len(c.uttered) > 0: // once more, or late
		u := pick(r, c.uttered[max(0, len(c.uttered)-12):]...)
		switch r.IntN(6) {
		case 0:
			u.said.Key = ""
		case 1:
			u.by = c.anybody()
		case 2:
			u.verb = pick(r, "col", "put", "cor", "ret", "num", "has")
		}
		c.took["said again"]++
		return c.utter(u)
	}
	u := c.utterance(ref)
	c.uttered = append(c.uttered, u)
	return c.utter(u)
}

func (c *crowd) anybody() optout.Actor {
	r := c.random
	p := pick(r, three...)
	return pick(r, optout.Actor{Role: optout.AtPractice, Practice: p, ID: "u-1"}, optout.Actor{Role: optout.AtPractice, Practice: p, ID: "u-2"},
		optout.Actor{Role: optout.Clinician, Practice: p, ID: "u-3"}, optout.Actor{Role: optout.MESH, Practice: p, ID: "X26ABC1"}, desk, supervisor, office, optout.Actor{Role: optout.Machine})
}

// utterance is something that may be said of a form, by somebody who may or may not say it.
func (c *crowd) utterance(ref optout.Reference) utterance {
	r, f := c.random, c.form(ref)
	s := f.State()
	u := utterance{ref: ref, verb: pick(r, sensible[s.Status]...), run: c.Now()}
	if r.IntN(4) == 0 {
		u.verb = pick(r, "wro", "rel", "ass", "del", "unf", "rej", "col", "put", "app", "cor", "ret", "has", "lac", "kee", "ref", "tak", "rep", "con", "com", "num", "nud")
	}
	u.by = acts[u.verb].by
	if !u.by.Practice.IsZero() {
		u.by.Practice = s.Practice
		if u.by.Role != optout.MESH {
			u.by.Role, u.by.ID = pick(r, optout.AtPractice, optout.Clinician), pick(r, "u-1", "u-2", "u-3")
		}
	}
	if r.IntN(6) == 0 {
		u.by = c.anybody()
	}
	if r.IntN(3) > 0 {
		u.said.Key = fmt.Sprint("k-", r.IntN(40)) // some are used for other things too
	}
	u.said.Text = optout.Text(pick(r, "", "", "so"))
	switch u.verb {
	case "ret":
		u.said.Text = "so"
		u.reason = pick(r, optout.NotOurPatient, optout.HasMoved, optout.IdentityNotVerified, optout.Safeguarding, optout.Coercion,
			optout.NoLegalBasis, optout.Deceased, optout.WithdrawnByPerson, optout.OtherReason)
	case "ass":
		u.to = pick(r, three...)
	case "has", "lac":
		u.list = optout.Listed{Run: c.Now(), Choice: f.Facts.Choice}
		if u.verb == "lac" || f.Facts.Choice == "" {
			u.list.Choice = pick(r, "", "", "dissent", "core", "core-and-additional", "implied")
		}
		if r.IntN(4) == 0 {
			u.list.Run = c.Now().Add(-time.Duration(r.IntN(200)) * time.Hour)
		}
		if u.verb == "has" && r.IntN(4) == 0 {
			u.by.Role, u.by.Practice, u.by.ID = optout.AtPractice, pick(r, three...), "u-1"
		}
	case "app":
		u.apply = optout.Application{On: nhs.DateOf(c.Now()), Asked: r.IntN(3) > 0, Told: r.IntN(2) == 0, Code: optout.Custody{}.Codes.Codes(nhs.Preference(f.Facts.Choice)).ReadV2}
		if f.Facts.Kind != "choice" {
			u.apply.Code = "9Ndl."
		}
		if fit := f.Bases(); fit != nil && r.IntN(8) > 0 {
			u.apply.Basis = pick(r, fit...)
		}
		if r.IntN(8) == 0 {
			u.apply.Code = pick(r, "9Ndl.", "9Ndm.", "9Ndn.", "9Ndo.", "XaXj6", "none")
		}
		for _, other := range c.refs {
			if other != ref && r.IntN(2) == 0 && c.form(other).Person == f.Person {
				u.apply.Replaces = append(u.apply.Replaces, other)
			}
		}
		if r.IntN(10) == 0 {
			u.apply.Replaces = append(u.apply.Replaces, pick(r, c.refs...))
		}
	case "num", "nud":
		u.number = nhs.StoredNumber(strings.ReplaceAll(pick(r, c.numbers...), " ", ""))
	}
	return u
}

// utter says it, and holds the answer to who may see what.
func (c *crowd) utter(u utterance) string {
	c.did = fmt.Sprintf("%s by %s", u.verb, u.by)
	ctx, had := c.t.Context(), c.form(u.ref)
	var a optout.Answer
	var err error
	switch u.verb {
	case "ret":
		a, err = c.custody.Return(ctx, u.ref, u.by, u.said, u.reason)
	case "ass":
		a, err = c.custody.Assign(ctx, u.ref, u.by, u.said, u.to)
	case "has", "lac":
		a, err = c.custody.Check(ctx, u.ref, u.by, u.said, u.list)
	case "app":
		a, err = c.custody.Apply(ctx, u.ref, u.by, u.said, u.apply)
	case "num", "nud":
		a, err = c.custody.Number(ctx, u.ref, u.by, u.said, u.number)
	case "ref":
		a, err = c.custody.Refuse(ctx, u.ref, u.by, u.said, optout.Telling{On: nhs.DateOf(u.run)})
	case "rep":
		a, err = c.custody.Reply(ctx, u.ref, u.by, u.said, optout.Telling{On: nhs.DateOf(u.run)})
	case "tak":
		a, err = c.custody.TakeBack(ctx, u.ref, u.by, u.said, optout.TakenBack{How: "phone", On: nhs.DateOf(u.run), To: "me"})
	default:
		c.key, c.words = u.said.Key, string(u.said.Text)
		a, err = acts[u.verb].do(c.house, u.ref, u.by)
	}
	now := c.form(u.ref)
	var refusal *optout.Refusal
	var faulty optout.Faulty
	switch {
	case err == nil:
	case errors.As(err, &refusal):
		c.took[refusal.Code]++
	case !errors.As(err, &faulty):
		return err.Error()
	}
	atPractice := u.by.Role == optout.AtPractice || u.by.Role == optout.Clinician
	if s := had.State(); atPractice && u.by.Practice != s.Practice {
		c.took["strangers"]++
		if err == nil && !a.Repeat {
			return "a practice has said something of a form that it has not got"
		}
	}
	switch {
	case err != nil && (a.Form.Version() > 0 || !a.Form.Reference.IsZero()):
		return "a form comes with a refusal"
	case !seemly(a, now, u.by):
		return "a practice sees a form that it has not got"
	case err != nil:
		return ""
	case a.Repeat:
		c.took["known again"]++
		if role, whose := of(a.Event); atPractice && (role == "practice" || role == "clinician") && whose != u.by.Practice.String() {
			return "a practice gets another's answer"
		}
	case a.Event.Kind == optout.Found && had.Facts.Kind == "choice" && u.list.Choice != had.Facts.Choice:
		return "found in a list that says something else"
	}
	return ""
}

func (c *crowd) register() {
	r, a := c.random, optouttest.Dissent()
	a.Subject.NHSNumber = pick(r, c.numbers...)
	a.Choice = pick(r, "dissent", "dissent", "core", "core-and-additional")
	a.Practice = pick(r, three[0].String(), three[1].String(), three[2].String(), three[0].String(), "")
	if r.IntN(6) == 0 {
		proxied(&a)
	}
	if len(c.refs) > 0 && r.IntN(6) == 0 {
		about := pick(r, c.refs...)
		a.Kind, a.Choice, a.About = pick(r, "withdrawal", "not-me"), "", about.String()
	}
	if len(c.sent) > 0 && r.IntN(3) == 0 { // the same again
		a = pick(r, c.sent...)
	}
	c.sent = append(c.sent, a)
	c.did = "register " + a.Kind + a.Choice
	registrar, o := registrar(c.Memory, c.Clock), optouttest.Online(fmt.Sprint(r.Uint64()))
	receipt, err := registrar.Register(c.t.Context(), o, a, optouttest.Accepted(a))
	if r.IntN(6) == 0 {
		o.Door, o.Key = optout.Paper, fmt.Sprint(r.Uint64())
		receipt, err = registrar.Hold(c.t.Context(), o, a, optouttest.Accepted(a), optout.HeldForSignature)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.refs = append(c.refs, receipt.Reference)
}

// of says as what somebody said something, and of which practice.
func of(e optout.Event) (role, practice string) {
	who := append(strings.Fields(e.By), "", "")
	return who[0], who[1]
}

// ranks are how far a form is; what goes to a lower one goes back.
var ranks = map[optout.Status]int{
	optout.StatusHeld: 0, optout.StatusRegistered: 1, optout.StatusDuplicate: 2, optout.StatusRouted: 3, optout.StatusDelivered: 4, optout.StatusCollected: 5,
	optout.StatusInDoubt: 6, optout.StatusReturned: 7, optout.StatusApplied: 8, optout.StatusChecked: 9, optout.StatusWithdrawn: 10, optout.StatusAnswered: 10,
}

// backwards is all that takes a form back: from where, and to where.
var backwards = map[optout.Kind]string{
	optout.Missing:    "applied>in-doubt checked>in-doubt checked>held",                                                                         // doubt
	optout.Corrected:  "applied>collected",                                                                                                      // correction
	optout.LetGo:      "collected>routed",                                                                                                       // to others there
	optout.Unfetched:  "delivered>routed",                                                                                                       // by e-mail then
	optout.Rejected:   "routed>registered delivered>registered",                                                                                 // re-routing
	optout.Rerouted:   "returned>registered",                                                                                                    //
	optout.Assigned:   "returned>registered",                                                                                                    //
	optout.Closed:     "routed>registered delivered>registered collected>registered applied>registered in-doubt>registered returned>registered", // of a practice
	optout.Decided:    "returned>collected",                                                                                                     // re-opening
	optout.Complained: "withdrawn>registered withdrawn>held answered>registered answered>held",                                                  //
	optout.Restored:   "withdrawn>registered withdrawn>held",                                                                                    //
	optout.Followed:   "duplicate>registered",                                                                                                   //
	optout.Numbered:   "duplicate>registered",                                                                                                   // it is somebody else's
}

// check holds what is new in a form's history to the rules.
func (c *crowd) check(ref optout.Reference) string {
	f := c.form(ref)
	from := c.before[ref]
	c.before[ref] = f.Version()
	is := optout.Fold(f.Events[:from])
	for n, e := range f.Events[from:] {
		was := is
		is = optout.Fold(f.Events[:from+n+1])
		role, whose := of(e)
		atPractice := role == "practice" || role == "clinician"
		if atPractice && whose != was.Practice.String() && !slices.Contains([]optout.Kind{optout.Replaced, optout.Restored}, e.Kind) {
			return fmt.Sprintf("%s by %s in the history of a form that %s has", e.Kind, e.By, was.Practice)
		}
		if is.Status == was.Status {
			continue
		}
		c.took[string(is.Status)]++
		if way := string(was.Status) + ">" + string(is.Status); was.Status != "" && ranks[is.Status] < ranks[was.Status] {
			c.took[string(e.Kind)]++
			if !slices.Contains(strings.Fields(backwards[e.Kind]), way) {
				return fmt.Sprintf("%s by %s takes it back: %s", e.Kind, e.By, way)
			}
		}
	}
	if s := f.State().Status; (s == optout.StatusApplied || s == optout.StatusChecked) && !c.word(f, len(c.refs)) {
		return fmt.Sprintf("it is %s without a practice's word", s)
	}
	return ""
}

// word says whether a practice has given its word that a form is applied, and nothing has moved the form since: its own
// practice, that it has set the preference or by a list that has it; of a duplicate, that of its first form.
func (c *crowd) word(f optout.Form, deep int) bool {
	for n := len(f.Events) - 1; n >= 0; n-- {
		e, was := f.Events[n], optout.Fold(f.Events[:n])
		if optout.Fold(f.Events[:n+1]).Status == was.Status { // news, and nothing else
			continue
		}
		role, whose := of(e)
		atPractice := (role == "practice" || role == "clinician") && whose != ""
		switch {
		case e.Kind == optout.Applied, e.Kind == optout.Found:
			return atPractice && whose == was.Practice.String()
		case e.Kind == optout.Followed && e.Detail["fate"] == "checked" && c.followed[e.Hash]: // whatever has become of the first since
			return true
		case e.Kind == optout.Followed && e.Detail["fate"] == "checked" && deep > 0:
			c.took["checked as its first"]++
			first, err := optout.ParseReference(e.Detail["first"])
			c.followed[e.Hash] = err == nil && c.word(c.form(first), deep-1)
			return c.followed[e.Hash]
		}
		return false
	}
	return false
}
