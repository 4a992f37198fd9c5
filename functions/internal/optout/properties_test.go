package optout_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// steps is how many random steps the properties are held against; PROPERTY_STEPS asks for another number.
func steps(t *testing.T) int {
	n := 50_000
	if s := os.Getenv("PROPERTY_STEPS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// One person, four forms at most, everybody who can act on them, in any order, with any details, at any time, clocks
// that jump: no form is said to be applied without its practice's word, no machine ends a form but as the domain facts
// allow, and what binds never comes to share more but by a person's doing.
func TestWhateverHappensTheRulesHold(t *testing.T) {
	t.Parallel()
	const aLife = 60 // steps of one person
	lives := steps(t) / aLife
	took := map[string]int{}
	for seed := range uint64(lives) {
		random := rand.New(rand.NewPCG(seed, 4))
		h := newHouse(t)
		p := person{house: h, random: random, number: optouttest.Number(), took: took}
		watched := odd{Memory: h.Memory, changed: func(c optout.Change) {
			for _, f := range append(c.Others, c.Form) {
				p.changed = append(p.changed, f.Reference)
			}
		}}
		h.engine.Store, h.custody.Store = watched, watched
		for step := range aLife {
			p.did = ""
			p.step()
			if fault := p.check(); fault != "" {
				t.Fatalf("seed %d, step %d, after %s: %s", seed, step, p.did, fault)
			}
		}
	}
	for _, want := range []string{
		"held", "registered", "routed", "delivered", "collected", "applied", "in-doubt", "checked", "returned", "duplicate", "withdrawn", "answered", "replaced", "outdated",
	} {
		if took[want] < lives/1000 {
			t.Errorf("%s came about only %d times", want, took[want])
		}
	}
	t.Logf("%d steps; forms came to be %v", lives*aLife, took)
}

// person is one person's forms and what was known of them before a step.
type person struct {
	*house
	random  *rand.Rand
	number  string
	refs    []optout.Reference
	before  []optout.Form
	changed []optout.Reference // since then
	did     string
	took    map[string]int
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// step does one thing.
func (p *person) step() {
	h, r := p.house, p.random
	switch r.IntN(4) {
	case 0:
		h.Move(time.Duration(r.IntN(72)) * time.Hour)
	case 1:
		h.Move(time.Duration(r.IntN(120)-30) * time.Minute)
	}
	if len(p.refs) == 0 || len(p.refs) < 4 && r.IntN(8) == 0 {
		p.register()
		return
	}
	ref := pick(r, p.refs...)
	switch r.IntN(6) {
	case 0, 1:
		p.did = "advance"
		if _, err := h.engine.Advance(h.t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
			h.t.Fatal(err)
		}
		return
	case 2:
		if p.apply(ref) {
			return
		}
	}
	verb := pick(r, "wro", "rel", "rel", "ass", "ass", "del", "unf", "rej", "col", "col", "col", "col", "put", "cor", "kee", "ref", "tak", "rep", "con", "com", "has", "lac", "lac", "ret", "why", "why", "num")
	by := acts[verb].by
	if r.IntN(5) == 0 {
		by = pick(r, practice, clinician, desk, supervisor, office, mesh)
	}
	who := p.form(ref).State().Practice
	switch {
	case by.Role == optout.MESH:
		by.Practice = pick(r, who, who, densham)
	case !who.IsZero() && !by.Practice.IsZero():
		by = optout.Actor{Role: pick(r, optout.AtPractice, optout.Clinician), Practice: pick(r, who, who, who, who, densham, elsewhere), ID: "u-1"}
	}
	p.did = fmt.Sprintf("%s by %s", verb, by)
	var err error
	switch verb {
	case "why":
		_, err = h.custody.Return(h.t.Context(), ref, by, said("so"), pick(r, optout.NotOurPatient, optout.HasMoved, optout.IdentityNotVerified,
			optout.Safeguarding, optout.Coercion, optout.NoLegalBasis, optout.Deceased, optout.WithdrawnByPerson))
	case "has", "lac":
		run := h.Now().Add(-time.Duration(r.IntN(100)) * time.Hour)
		_, err = h.custody.Check(h.t.Context(), ref, by, said(""), optout.Listed{Run: run, Choice: pick(r, "", "", "", "dissent", "core", "core-and-additional", "implied")})
	case "ass":
		_, err = h.custody.Assign(h.t.Context(), ref, by, said(""), pick(r, densham, elsewhere))
	case "num":
		_, err = h.custody.Number(h.t.Context(), ref, by, said(""), nhs.StoredNumber(strings.ReplaceAll(p.number, " ", "")))
	default:
		_, err = acts[verb].do(h, ref, by)
	}
	p.refused(err)
}

// refused takes a refusal for an answer, and nothing else.
func (p *person) refused(err error) {
	var r *optout.Refusal
	var f optout.Faulty
	if err != nil && !errors.As(err, &r) && !errors.As(err, &f) {
		p.t.Fatalf("%s: %v", p.did, err)
	}
}

func (p *person) register() {
	r, a := p.random, optouttest.Dissent()
	a.Subject.NHSNumber = p.number
	a.Choice = pick(r, "dissent", "dissent", "core", "core-and-additional")
	a.Practice = pick(r, "A81001", "A81001", "A81002", "")
	if r.IntN(4) == 0 {
		a.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"}
	}
	if r.IntN(8) == 0 {
		a.Subject.NHSNumber = ""
	}
	if len(p.refs) > 0 && r.IntN(4) == 0 {
		a.Kind, a.Choice, a.About = pick(r, "withdrawal", "not-me"), "", pick(r, p.refs...).String()
	}
	rules := optouttest.Rules
	rules.Today, rules.Staff = nhs.DateOf(p.Now().Add(24*time.Hour)), true
	a.SignedOn = nhs.DateOf(p.Now().Add(-time.Duration(r.IntN(400)) * time.Hour)).ISO() // some of it is old paper
	facts, faults := rules.Accept(a)
	if faults != nil {
		p.t.Fatal(faults)
	}
	registrar := registrar(p.Memory, p.Clock)
	receipt, err := registrar.Register(p.t.Context(), optouttest.Online(""), a, facts)
	p.did = "register " + a.Kind + a.Choice
	if r.IntN(5) == 0 {
		a.Subject.Title = "" // another form
		receipt, err = registrar.Hold(p.t.Context(), optout.Origin{Door: optout.Paper, Client: "paper", Key: fmt.Sprint(r.Uint64())}, a, facts, optout.HeldForSignature)
		p.did = "hold " + a.Kind + a.Choice
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.refs = append(p.refs, receipt.Reference)
}

// apply applies a form in place of any others, if its practice has it.
func (p *person) apply(ref optout.Reference) bool {
	f, r := p.form(ref), p.random
	if s := f.State().Status; s != optout.StatusCollected && s != optout.StatusInDoubt {
		return false
	}
	a := optout.Application{On: nhs.DateOf(p.Now()), Asked: r.IntN(2) == 0, Told: r.IntN(2) == 0, Code: optout.Custody{}.Codes.Codes(nhs.Preference(f.Facts.Choice)).ReadV2}
	if f.Facts.Kind != "choice" {
		a.Code = "9Ndl."
	}
	if f.Facts.NHSNumber.IsZero() && r.IntN(4) > 0 {
		a.Number = nhs.StoredNumber(strings.ReplaceAll(p.number, " ", ""))
	}
	if fit := f.Bases(); fit != nil && r.IntN(8) > 0 {
		a.Basis = pick(r, fit...)
	}
	for _, other := range p.refs {
		if r.IntN(2) == 0 {
			a.Replaces = append(a.Replaces, other)
		}
	}
	by := optout.Actor{Role: optout.AtPractice, Practice: f.State().Practice, ID: "u-1"}
	p.did = fmt.Sprintf("apply by %s", by)
	_, err := p.custody.Apply(p.t.Context(), ref, by, said(""), a)
	p.refused(err)
	return true
}

// check holds all forms against what they were before the step, and against the rules.
func (p *person) check() string {
	now := slices.Clone(p.before)
	for n, ref := range p.refs {
		switch {
		case n >= len(now):
			now = append(now, p.form(ref))
		case slices.Contains(p.changed, ref):
			now[n] = p.form(ref) // whose chain is whole: a store gives no other
		}
	}
	defer func() { p.before, p.changed = now, nil }()
	people := false // did a person do it who may say that less is refused now
	for n, f := range now {
		was, from := optout.State{}, 0
		if n < len(p.before) {
			was, from = p.before[n].State(), p.before[n].Version()
		}
		if f.Version() < from {
			return "history was lost"
		}
		for v := from + 1; v <= f.Version(); v++ {
			e, s := f.Events[v-1], optout.Fold(f.Events[:v])
			if fault := p.lawful(f, was, s, e); fault != "" {
				return fmt.Sprintf("form %d: %s by %s: %s", n, e.Kind, e.By, fault)
			}
			if s.Status != was.Status {
				p.took[string(s.Status)]++
			}
			if e.Kind == optout.Replaced {
				p.took["replaced"]++
			}
			people = people || e.By != "engine" && !strings.HasPrefix(e.By, "mesh") && e.Kind != optout.Registered && e.Kind != optout.Held ||
				e.Kind == optout.Followed && e.Detail["fate"] == "withdrawn"
			was = s
		}
		s := f.State()
		switch {
		case s.Ended() && s.Owner != optout.OwnerNobody, !s.Ended() && (s.Owner == optout.OwnerNobody || s.Owner == ""):
			return fmt.Sprintf("form %d: %s is on the list of %q", n, s.Status, s.Owner)
		case !s.Ended() && (s.Next == "" || f.Due.IsZero() || s.Due.IsZero()):
			return fmt.Sprintf("form %d: %s has nothing next, or no time for it", n, s.Status)
		case s.Deadline().IsZero() == slices.Contains([]optout.Owner{optout.OwnerDesk, optout.OwnerPractice, optout.OwnerOffice}, s.Owner):
			return fmt.Sprintf("form %d: %s on the list of %s is to be done by %v", n, s.Status, s.Owner, s.Deadline())
		case s.Owner == optout.OwnerPractice && s.Practice.IsZero():
			return fmt.Sprintf("form %d: %s at no practice", n, s.Status)
		case s.First.After(s.Received):
			return fmt.Sprintf("form %d: counts from after it was received", n)
		}
	}
	less := []string{"", "core", "dissent"}
	before, after := optout.Binding(p.before), optout.Binding(now)
	if slices.Index(less, after) < slices.Index(less, before) && !people {
		return fmt.Sprintf("%q binds instead of %q", after, before)
	}
	if after != mostProtective(now) {
		p.took["outdated"]++
	}
	return ""
}

// mostProtective is what would bind if older paper never came late.
func mostProtective(forms []optout.Form) string {
	best := ""
	for _, f := range forms {
		if s := f.State().Status; s == optout.StatusWithdrawn || s == optout.StatusAnswered {
			continue
		}
		if c := f.Facts.Choice; c == "dissent" || c == "core" && best == "" {
			best = c
		}
	}
	return best
}

// lawful says what is wrong with a step from one state to the next.
func (p *person) lawful(f optout.Form, was, is optout.State, e optout.Event) string {
	role, rest, _ := strings.Cut(e.By, " ")
	itsPractice := (role == "practice" || role == "clinician") && strings.HasPrefix(rest, was.Practice.String()+" ")
	switch {
	case is.Status == was.Status, was.Status == "":
		return ""
	case is.Status == optout.StatusApplied && f.Bases() != nil && !slices.Contains(f.Bases(), e.Detail["basis"]):
		return "applied though nobody decided that whoever signed may"
	case is.Status == optout.StatusApplied && (!itsPractice || e.Kind != optout.Applied):
		return "applied without the practice's word"
	case is.Status == optout.StatusChecked && e.By == "engine" && e.Detail["fate"] != "checked",
		is.Status == optout.StatusChecked && e.By != "engine" && (!itsPractice || e.Kind != optout.Found):
		return "checked without an extract"
	case is.Status == optout.StatusWithdrawn && e.By == "engine" && (was.Status != optout.StatusDuplicate || e.Detail["fate"] != "withdrawn"):
		return "withdrawn by a machine"
	case is.Status == optout.StatusAnswered && (e.By == "engine" || role == "mesh"):
		return "answered by a machine"
	case is.Status == optout.StatusInDoubt && (e.Kind != optout.Missing || !itsPractice):
		return "in doubt without an extract"
	case was.Ended() && !is.Ended() && e.Kind != optout.Complained && e.Kind != optout.Restored && e.Kind != optout.Missing:
		return "opened again by nobody"
	case is.Status == optout.StatusRouted && e.Kind == optout.Routed && slices.Contains(was.Refusers, is.Practice) && was.Bound != is.Practice:
		return "back to a practice that returned it"
	case is.Status == optout.StatusDuplicate && !p.isEarlier(is.Of, f):
		return "follows a form that is not before it on the person's list"
	}
	return ""
}

func (p *person) isEarlier(first optout.Reference, f optout.Form) bool {
	list, err := p.Person(p.t.Context(), f.Person)
	if err != nil {
		p.t.Fatal(err)
	}
	n := slices.Index(list, first)
	return n >= 0 && n < slices.Index(list, f.Reference)
}
