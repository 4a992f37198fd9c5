package optout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// again registers another form of the person of an earlier one.
func (h *house) again(ref optout.Reference, change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	h.Move(time.Minute)
	return h.register(func(a *optout.Answers) {
		a.Subject.NHSNumber = h.form(ref).Facts.NHSNumber.Digits()
		if change != nil {
			change(a)
		}
	})
}

func (h *house) apply(ref optout.Reference, a optout.Application) (optout.Answer, error) {
	h.t.Helper()
	h.Move(time.Minute)
	a.On = nhs.DateOf(h.Now())
	if fit := h.form(ref).Bases(); a.Basis == "" && fit != nil {
		a.Basis = fit[0]
	}
	if a.Code == "" {
		a.Code = optout.Custody{}.Codes.Codes(nhs.Preference(h.form(ref).Facts.Choice)).ReadV2
	}
	return h.custody.Apply(h.t.Context(), ref, practice, said(""), a)
}

func (h *house) mustApply(ref optout.Reference, a optout.Application) {
	h.t.Helper()
	if _, err := h.apply(ref, a); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) status(ref optout.Reference) optout.Status {
	h.t.Helper()
	return h.form(ref).State().Status
}

// collected registers another form of a person and has the practice collect it.
func (h *house) collected(ref optout.Reference) optout.Reference {
	h.t.Helper()
	h.advance(ref)
	h.say(ref, "col")
	return ref
}

func yes(a *optout.Answers) { a.Choice = "core-and-additional" }

func proxied(a *optout.Answers) {
	a.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"}
}

func refusedAs(t *testing.T, what string, err error, want *optout.Refusal) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestALaterChoiceTakesThePlaceOfAnEarlierOneInEveryState(t *testing.T) {
	t.Parallel()
	for state := range reach {
		h := newHouse(t)
		first := reach[state](h)
		later := h.collected(h.again(first, yes))
		ended := h.status(first) == optout.StatusWithdrawn || h.status(first) == optout.StatusAnswered
		before := h.form(first).Version()
		if _, err := h.apply(later, optout.Application{Replaces: []optout.Reference{first}}); !ended {
			refusedAs(t, state+", without asking the person", err, optout.AskThePerson)
		} else {
			refusedAs(t, state, err, optout.NotEarlier)
		}
		if h.form(first).Version() != before || h.status(later) != optout.StatusCollected {
			t.Fatalf("%s: a refusal has done something", state)
		}
		_, err := h.apply(later, optout.Application{Replaces: []optout.Reference{first}, Asked: true})
		if ended {
			refusedAs(t, state+", though the person was asked", err, optout.NotEarlier)
			continue
		}
		if err != nil || h.status(first) != optout.StatusWithdrawn || h.status(later) != optout.StatusApplied {
			t.Errorf("%s: %v; the first is %s, the later one %s", state, err, h.status(first), h.status(later))
			continue
		}
		if b := optout.Binding([]optout.Form{h.form(first), h.form(later)}); b != "core-and-additional" && b != "" {
			t.Errorf("%s: %q binds", state, b)
		}
		// It was a mistake: the refusal stands again, in doubt if it was.
		h.say(later, "cor")
		if want := optout.StatusRegistered; h.status(first) != want && !(state == "held" && h.status(first) == optout.StatusHeld) {
			t.Errorf("%s: after a correction the first is %+v", state, h.form(first).State())
		}
		if b := optout.Binding([]optout.Form{h.form(first), h.form(later)}); b != "dissent" {
			t.Errorf("%s: after a correction %q binds", state, b)
		}
	}
}

func TestAFormTakesThePlaceOfEarlierFormsOfThePersonOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	later := h.collected(h.again(first, yes))
	latest := h.again(first, func(a *optout.Answers) { a.Choice = "core" })
	stranger := h.register(nil)
	namesake := h.again(first, func(a *optout.Answers) { a.Subject.Surname = "Quillfeather" })
	for name, refs := range map[string][]optout.Reference{
		"a later form":                         {latest},
		"itself":                               {later},
		"somebody else's":                      {stranger},
		"somebody else's with the same number": {namesake},
		"none that there is":                   {optouttest.Keys{}.Reference(optouttest.Online(""))},
		"one twice":                            {first, first},
		"one that may, one that may not":       {first, latest},
	} {
		_, err := h.apply(later, optout.Application{Replaces: refs, Asked: true})
		refusedAs(t, name, err, optout.NotEarlier)
	}
	// Paper that was signed before, though it came in later, is earlier.
	rules := optouttest.Rules
	rules.Staff = true
	a := optouttest.Dissent()
	a.SignedOn, a.Subject.NHSNumber = "2026-11-01", h.form(first).Facts.NHSNumber.Digits()
	facts, _ := rules.Accept(a)
	h.Move(time.Minute)
	paper, err := registrar(h.Memory, h.Clock).Register(t.Context(), optout.Origin{Door: optout.Paper, Client: "paper", Key: "1"}, a, facts)
	if err != nil {
		t.Fatal(err)
	}
	h.mustApply(later, optout.Application{Replaces: []optout.Reference{first, paper.Reference}, Asked: true})
	if h.status(paper.Reference) != optout.StatusWithdrawn || h.status(first) != optout.StatusWithdrawn {
		t.Errorf("the paper is %s, the first %s", h.status(paper.Reference), h.status(first))
	}
	// The same once more is answered the same.
	if again, err := h.apply(later, optout.Application{Replaces: []optout.Reference{first, paper.Reference}, Asked: true}); err != nil || !again.Repeat {
		t.Errorf("applied again: %v, %v", again.Repeat, err)
	}
}

func TestOlderPaperNeverOverridesANewerChoice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signed string
		proxy  bool
		binds  string
	}{
		{"2026-11-01", false, ""},       // older than what was applied
		{"2026-11-01", true, "dissent"}, // of another signer: in doubt
		{"2026-11-22", false, "dissent"},
	} {
		h := newHouse(t)
		newer := h.collected(h.register(yes))
		h.mustApply(newer, optout.Application{})
		h.Move(time.Hour)
		a := optouttest.Dissent()
		a.Subject.NHSNumber, a.SignedOn = h.form(newer).Facts.NHSNumber.Digits(), c.signed
		if c.proxy {
			proxied(&a)
		}
		rules := optouttest.Rules
		rules.Staff = true
		facts, _ := rules.Accept(a)
		paper, err := registrar(h.Memory, h.Clock).Register(t.Context(), optout.Origin{Door: optout.Paper, Client: "paper", Key: "1"}, a, facts)
		if err != nil {
			t.Fatal(err)
		}
		h.sweep()
		if b := optout.Binding([]optout.Form{h.form(newer), h.form(paper.Reference)}); b != c.binds && !(c.binds == "" && b == "core-and-additional") {
			t.Errorf("paper of %s (proxy: %v): %q binds, want %q", c.signed, c.proxy, b, c.binds)
		}
		if s := h.form(paper.Reference).State(); s.Status != optout.StatusRouted || s.Of != newer {
			t.Errorf("the practice does not see it beside the other: %+v", s)
		}
	}
}

func TestAWithdrawalGoesWhereItsFormIsAndTakesTheSameSignersDuplicatesAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	same, other := h.again(first, nil), h.again(first, proxied)
	h.sweep()
	if h.status(same) != optout.StatusDuplicate || h.status(other) != optout.StatusRouted {
		t.Fatalf("the same again is %s, another signer's %s", h.status(same), h.status(other))
	}
	h.Move(time.Minute)
	takesBack := h.register(func(a *optout.Answers) {
		a.Kind, a.Choice, a.About, a.Practice, a.Subject.NHSNumber = "withdrawal", "", first.String(), "", ""
	})
	h.advance(takesBack)
	if s := h.form(takesBack).State(); s.Status != optout.StatusRouted || s.Practice != densham || s.Of != first {
		t.Fatalf("the withdrawal is at %+v", s)
	}
	after := h.again(first, nil) // says no once more, after all
	h.sweep()
	h.say(takesBack, "col")
	if _, err := h.apply(takesBack, optout.Application{Code: "9Ndo.", Replaces: []optout.Reference{first}, Asked: true}); err == nil || err.Error() != "faulty: code-of-another-choice" {
		t.Errorf("applied with the code that it takes back: %v", err)
	}
	h.mustApply(takesBack, optout.Application{Code: "9Ndl.", Number: h.number, Replaces: []optout.Reference{first}, Asked: true})
	if h.status(first) != optout.StatusWithdrawn || h.status(same) != optout.StatusDuplicate {
		t.Errorf("at once: the first is %s, its duplicate %s", h.status(first), h.status(same))
	}
	for range 3 {
		h.Move(24 * time.Hour)
		h.sweep()
	}
	if h.status(same) != optout.StatusWithdrawn || h.status(other) != optout.StatusRouted {
		t.Errorf("the next day the duplicate is %s, another signer's %s", h.status(same), h.status(other))
	}
	if s := h.form(after).State(); s.Status != optout.StatusRouted || s.Owner != optout.OwnerPractice {
		t.Errorf("what was said after it went along: %+v", s)
	}
	if b := optout.Binding([]optout.Form{h.form(first), h.form(same), h.form(other), h.form(after), h.form(takesBack)}); b != "dissent" {
		t.Errorf("%q binds", b)
	}
	// Its own list: what it took back is coded no more.
	check := func(choice string) error {
		h.Move(time.Hour)
		_, err := h.custody.Check(t.Context(), takesBack, practice, said(""), optout.Listed{Run: h.Now(), Choice: choice})
		return err
	}
	for _, c := range []struct {
		choice string
		want   optout.Status
	}{{"dissent", optout.StatusInDoubt}, {"core", optout.StatusChecked}, {"dissent", optout.StatusInDoubt}, {"", optout.StatusChecked}} {
		if err := check(c.choice); err != nil || h.status(takesBack) != c.want {
			t.Errorf("coded %q: %s, %v, want %s", c.choice, h.status(takesBack), err, c.want)
		}
	}
}

// takeBack records that the person withdrew a form today.
func (h *house) takeBack(ref optout.Reference) {
	h.t.Helper()
	if _, err := h.custody.TakeBack(h.t.Context(), ref, practice, said(""), optout.TakenBack{How: "phone", On: nhs.DateOf(h.Now()), To: "me"}); err != nil {
		h.t.Fatal(err)
	}
}

func TestAPersonWithOneNameIsTheSameHoweverTheNameIsGiven(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.collected(h.register(oneName("")))
	if f := h.form(first).Facts; !f.OneName || !f.Forenames.IsZero() {
		t.Fatalf("registered with forenames, or without the word that there are none: %v", f.OneName)
	}
	for name, given := range map[string]func(*optout.Answers){"as one name again": oneName(""), "with forenames": nil} {
		again := h.again(first, given)
		h.advance(again)
		if s := h.form(again).State(); s.Status != optout.StatusDuplicate || s.Of != first {
			t.Errorf("%s: it is no duplicate: %+v", name, s)
		}
	}
}

func TestADuplicateFollowsItsFirst(t *testing.T) {
	t.Parallel()
	clinic := func(why optout.Reason) func(*house, optout.Reference) {
		return func(h *house, ref optout.Reference) { h.giveBack(ref, why) }
	}
	for name, c := range map[string]struct {
		signer func(*optout.Answers)
		become func(*house, optout.Reference)
		want   optout.Status
		public string
	}{
		"stays while its first is open":  {nil, func(*house, optout.Reference) {}, optout.StatusDuplicate, "received in-hand"},
		"shows nothing of its first one": {nil, func(h *house, r optout.Reference) { h.say(r, "app") }, optout.StatusDuplicate, "received in-hand"},
		"is checked with it":             {nil, func(h *house, r optout.Reference) { h.say(r, "has") }, optout.StatusChecked, "received in-hand finished"},
		"is withdrawn with it": {nil, func(h *house, r optout.Reference) {
			clinic(optout.WithdrawnByPerson)(h, r)
			h.Move(24 * time.Hour)
			h.takeBack(r)
		}, optout.StatusWithdrawn, "received in-hand finished"},
		"opens when it is withdrawn on the day it came":   {nil, func(h *house, r optout.Reference) { clinic(optout.WithdrawnByPerson)(h, r); h.say(r, "tak") }, optout.StatusRouted, "received in-hand"},
		"opens when a proxy's is withdrawn by the person": {proxied, func(h *house, r optout.Reference) { clinic(optout.WithdrawnByPerson)(h, r); h.say(r, "tak") }, optout.StatusRouted, "received in-hand"},
		"opens when it is refused":                        {nil, func(h *house, r optout.Reference) { clinic(optout.NoLegalBasis)(h, r); h.say(r, "ref") }, optout.StatusRouted, "received in-hand"},
		"stays when it is routed again":                   {nil, clinic(optout.NotOurPatient), optout.StatusDuplicate, "received in-hand"},
	} {
		h := newHouse(t)
		first := h.collected(h.register(c.signer))
		same := h.again(first, c.signer)
		h.advance(same)
		if s := h.form(same).State(); s.Status != optout.StatusDuplicate || s.Of != first || !s.First.Equal(h.form(first).State().Received) {
			t.Fatalf("%s: it is no duplicate: %+v", name, s)
		}
		c.become(h, first)
		for range 3 {
			h.Move(24 * time.Hour)
			h.advance(same)
		}
		if h.status(same) != c.want {
			t.Errorf("%s: %s, want %s", name, h.status(same), c.want)
		}
		var steps []string
		for _, s := range h.form(same).Steps() {
			steps = append(steps, s.Step)
		}
		if got := strings.Join(steps, " "); got != c.public {
			t.Errorf("%s: the public sees %s, want %s", name, got, c.public)
		}
		if n := h.form(same).Version(); n > 6 {
			t.Errorf("%s: following has made %d events", name, n)
		}
	}
}

func TestAListCanOnlySayWhatItCanKnow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["collected"](h)
	check := func(ago time.Duration, choice string) error {
		_, err := h.custody.Check(t.Context(), ref, practice, said(""), optout.Listed{Run: h.Now().Add(-ago), Choice: choice})
		return err
	}
	h.Move(time.Hour)
	refusedAs(t, "not said to be applied", check(0, ""), optout.NotNow)
	refusedAs(t, "not said to be applied, another code", check(0, "core"), optout.NotNow)
	h.say(ref, "app")
	h.Move(time.Hour)
	refusedAs(t, "run before it was said to be applied", check(2*time.Hour, ""), optout.NotNow)
	refusedAs(t, "run before the form came", check(1000*time.Hour, "dissent"), optout.NotNow)
	if err := check(-time.Hour, ""); err == nil || !strings.Contains(err.Error(), "date-in-future") {
		t.Errorf("a list of tomorrow: %v", err)
	}
	if err := check(0, "core"); err != nil || h.status(ref) != optout.StatusInDoubt {
		t.Errorf("another code: %s, %v", h.status(ref), err)
	}
	refusedAs(t, "an older list that had it", check(time.Minute, "dissent"), optout.NotNow)
	h.Move(time.Hour)
	if err := check(0, "dissent"); err != nil || h.status(ref) != optout.StatusChecked {
		t.Errorf("the next list has it: %s, %v", h.status(ref), err)
	}
	version := h.form(ref).Version()
	for range 10 {
		h.Move(24 * time.Hour)
		if err := check(0, "dissent"); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.form(ref).Version(); n != version {
		t.Errorf("ten lists that say the same made %d events", n-version)
	}
}

func TestThePracticeIsAskedForItsListAfter35DaysAndThenMonthly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(24 * time.Hour)
	ref := reach["applied"](h)
	h.sweep()
	mails := len(h.post.Mails())
	var days []int
	for d := range 100 {
		h.Move(24 * time.Hour)
		h.sweep()
		if n := len(h.post.Mails()); n > mails {
			days, mails = append(days, d+1), n
			if last := h.post.Mails()[n-1]; !last.Extract || last.AtLeast != 0 {
				t.Errorf("on day %d the practice is told %+v", d+1, last)
			}
		}
	}
	if want := []int{36, 67, 98}; !slices.Equal(days, want) { // Tuesday 29 December: the 28th is a bank holiday
		t.Errorf("asked on days %v, want %v", days, want)
	}
	if h.status(ref) != optout.StatusApplied || !h.practice("A81001").Digest.Late.IsZero() {
		t.Error("silence has become doubt")
	}
}

func TestAPracticeThatDoesNotActIsOnTheOfficesListUntilItDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(24 * time.Hour)
	refs := []optout.Reference{h.register(nil), h.register(nil)}
	late := func() bool { return !h.practice("A81001").Digest.Late.IsZero() }
	for d := range 29 {
		h.sweep()
		if late() != (d >= 14) {
			t.Errorf("on day %d the practice is late: %v", d, late())
		}
		h.Move(24 * time.Hour)
	}
	for _, ref := range refs {
		if s := h.form(ref).State(); s.Owner != optout.OwnerPractice || s.Status != optout.StatusRouted {
			t.Errorf("a form has left its list: %+v", s)
		}
	}
	mails := len(h.post.Mails())
	h.say(refs[0], "col", "app")
	h.sweep()
	if !late() {
		t.Error("one of two late forms was applied, and the practice is off the list")
	}
	h.say(refs[1], "col", "ret")
	h.sweep()
	if late() {
		t.Error("nothing is late, and the practice is still on the list")
	}
	if n := len(h.post.Mails()); n != mails {
		t.Errorf("looking at the practice sent %d mails", n-mails)
	}
}

func TestAPracticeThatWaitsOrHasStoppedIsRemindedMonthlyAndNoMore(t *testing.T) {
	t.Parallel()
	for _, stand := range []optout.Stand{optout.Wait, optout.Stopped, optout.TakePart} {
		h := newHouse(t)
		h.Move(24 * time.Hour)
		p, err := h.custody.Decide(t.Context(), densham, practice, optout.Decision{Stand: stand, Words: "until spring", On: nhs.DateOf(h.Now())})
		if err != nil || len(p.Decisions) != 1 || p.Decisions[0].By != practice.String() {
			t.Fatalf("decided: %+v, %v", p, err)
		}
		h.register(nil)
		var days []int
		for d := range 100 {
			before := len(h.post.Mails())
			h.sweep()
			if len(h.post.Mails()) > before {
				days = append(days, d)
			}
			h.Move(24 * time.Hour)
		}
		want, late := []int{0, 30, 63, 94}, false // 23 January is a Saturday
		if stand == optout.TakePart {
			want, late = []int{0, 2, 14, 28, 56, 84}, true
		}
		if !slices.Equal(days, want) {
			t.Errorf("%s: told on days %v, want %v", stand, days, want)
		}
		if !h.practice("A81001").Digest.Late.IsZero() != late {
			t.Errorf("%s: on the office's list: %v", stand, !late)
		}
	}
}

func TestOnlyAPracticeDecidesForItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := optout.Decision{Stand: optout.Stopped, On: nhs.DateOf(h.Now())}
	for _, by := range []optout.Actor{office, supervisor, mesh, {Role: optout.Machine}, {Role: optout.AtPractice, Practice: elsewhere, ID: "u-9"}} {
		_, err := h.custody.Decide(t.Context(), densham, by, d)
		refusedAs(t, by.String(), err, optout.Forbidden)
	}
	for _, wrong := range []optout.Decision{{}, {Stand: "maybe", On: d.On}, {Stand: optout.Wait}, {Stand: optout.Wait, On: nhs.StoredDate("2027-01-01")}} {
		var f optout.Faulty
		if _, err := h.custody.Decide(t.Context(), densham, practice, wrong); !errors.As(err, &f) || f[0].Detail == "" {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	for n := range 120 {
		d.Words = optout.Text(fmt.Sprint(n))
		if _, err := h.custody.Decide(t.Context(), densham, practice, d); err != nil {
			t.Fatal(err)
		}
	}
	if p := h.practice("A81001"); len(p.Decisions) != 100 || p.Decisions[99].Words != "119" || p.TakesPart() {
		t.Errorf("%d decisions are kept", len(p.Decisions))
	}
	for _, by := range []optout.Actor{practice, office} {
		if p, err := h.custody.SetEmail(t.Context(), densham, by, "forms@densham.example"); err != nil || p.Email == "" {
			t.Errorf("%s: %v", by, err)
		}
	}
	_, err := h.custody.SetEmail(t.Context(), densham, desk, "forms@densham.example")
	refusedAs(t, "the desk", err, optout.Forbidden)
	if _, err := h.custody.SetEmail(t.Context(), densham, office, "Forms <forms@densham.example>"); err == nil {
		t.Error("a display name is taken for an address")
	}
}

// closing is a directory in which a practice closes.
type closing struct{ to map[string]string }

func (closing) Known(nhs.ODSCode) bool { return true }

func (c closing) Destination(code nhs.ODSCode) (nhs.ODSCode, bool) {
	to, closed := c.to[code.String()]
	switch {
	case !closed:
		return code, true
	case to == "":
		return nhs.ODSCode{}, false
	}
	return nhs.StoredODSCode(to), true
}

func TestWhenAPracticeClosesItsFormsGoToItsSuccessorOrToTheOffice(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"routed", "delivered", "collected", "applied", "in doubt", "identity not verified", "coercion"} {
		for _, successor := range []string{"A81002", ""} {
			h := newHouse(t)
			ref := reach[state](h)
			h.engine.Practices = closing{map[string]string{"A81001": successor}}
			h.Move(60 * 24 * time.Hour)
			h.sweep()
			s := h.form(ref).State()
			if successor != "" && (s.Status != optout.StatusRouted || s.Practice != elsewhere) || successor == "" && (s.Owner != optout.OwnerOffice || s.Fault != "practice-closed") {
				t.Errorf("%s, successor %q: %+v", state, successor, s)
			}
		}
	}
}

func TestAFormIsNeverRoutedBackToAPracticeThatReturnedIt(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"not our patient", "moved", "answered", "withdrawn"} {
		h := newHouse(t)
		ref := reach[state](h)
		if h.form(ref).State().Ended() {
			h.say(ref, "com")
		}
		h.sweep()
		if s := h.form(ref).State(); s.Owner != optout.OwnerOffice || s.Fault != "returned-by-practice" || s.Next != optout.NextAssign {
			t.Errorf("%s: %+v", state, s)
		}
		if _, err := h.custody.Assign(t.Context(), ref, office, said(""), elsewhere); err != nil || h.form(ref).State().Practice != elsewhere {
			t.Errorf("%s: the office cannot name another: %v", state, err)
		}
		h.sweep()
		if n := len(h.post.Mails()); h.post.Mails()[n-1].To != "a81002@practice.example" {
			t.Errorf("%s: the other practice was not told", state)
		}
	}
	// A person may name it again once they have spoken with it.
	h := newHouse(t)
	ref := reach["other"](h)
	h.say(ref, "ass")
	h.sweep()
	if s := h.form(ref).State(); s.Status != optout.StatusRouted || s.Practice != densham {
		t.Errorf("named by the office: %+v", s)
	}
	ref = reach["unrouted"](h)
	h.custody.Practices = closing{map[string]string{"A81001": "A81002"}}
	if _, err := h.custody.Assign(t.Context(), ref, office, said(""), densham); err == nil || !strings.Contains(err.Error(), "practice-not-open") {
		t.Errorf("a closed practice: %v", err)
	}
}

func TestAHeldFormWaitsForAnAnswerAndIsNeverClosedForSilence(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(24 * time.Hour) // a Monday
	ref := h.hold(nil)
	start := h.Now()
	var days []int
	for d := range 120 {
		h.sweep()
		if _, err := h.custody.Wrote(t.Context(), ref, desk, said(""), "post"); err == nil && h.form(ref).Version() > len(days)+1 {
			days = append(days, int(h.Now().Sub(start).Hours()/24))
		}
		if d == 0 && fmt.Sprint(h.form(ref).Steps()[1].Step) != "paper-incomplete" {
			t.Errorf("the public sees %v", h.form(ref).Steps())
		}
		h.Move(24 * time.Hour)
	}
	if want := []int{0, 14, 28, 56, 84, 112}; !slices.Equal(days, want) {
		t.Errorf("written on days %v, want %v", days, want)
	}
	if s := h.form(ref).State(); s.Status != optout.StatusHeld || s.Owner != optout.OwnerDesk {
		t.Errorf("after silence: %+v", s)
	}
	if _, err := h.custody.Wrote(t.Context(), ref, desk, said(""), "telegram"); err == nil {
		t.Error("written by telegram")
	}
	if _, err := h.custody.Release(t.Context(), ref, supervisor, said(""), optout.Answers{}, optout.Facts{}); err == nil || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("released with nothing known: %v", err)
	}
	// The person answers: another choice, and a number.
	a := optouttest.Dissent()
	a.Choice, a.Subject.NHSNumber = "core", optouttest.Number()
	other := h.register(func(o *optout.Answers) { o.Subject.NHSNumber, o.Choice = a.Subject.NHSNumber, "core" })
	h.sweep()
	if _, err := h.custody.Release(t.Context(), ref, supervisor, said(""), a, optouttest.Accepted(a)); err != nil {
		t.Fatal(err)
	}
	h.sweep()
	f := h.form(ref)
	if f.Facts.Choice != "core" || f.Person != h.form(other).Person || f.State().Status != optout.StatusRouted || f.State().Of != other {
		t.Errorf("released: %+v, choice %s", f.State(), f.Facts.Choice)
	}
	if steps := f.Steps(); len(steps) != 2 || steps[1].Step != "in-hand" {
		t.Errorf("the public sees %v", steps)
	}
	if _, err := registrar(h.Memory, h.Clock).Hold(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a), "mood"); err == nil {
		t.Error("held for no reason there is")
	}
}

func TestANumberThatIsAddedLinksTheForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	number := h.form(first).Facts.NHSNumber
	h.Move(time.Minute)
	nameless := func(a *optout.Answers) { a.Subject.NHSNumber = "" }
	coded, desked := h.collected(h.register(nameless)), h.register(nameless)
	if _, err := h.apply(coded, optout.Application{Number: number}); err != nil {
		t.Fatal(err)
	}
	if f := h.form(coded); f.Facts.NHSNumber != number || f.Person != h.form(first).Person || f.State().Of != first || f.State().Status != optout.StatusApplied {
		t.Errorf("coded by its practice: %+v", f.State())
	}
	if _, err := h.custody.Number(t.Context(), desked, desk, said(""), number); err != nil {
		t.Fatal(err)
	}
	h.sweep()
	if s := h.form(desked).State(); s.Status != optout.StatusDuplicate || s.Of != first {
		t.Errorf("corrected by the desk: %+v", s)
	}
	list, _ := h.Person(t.Context(), h.form(first).Person)
	if !slices.Equal(list, []optout.Reference{first, coded, desked}) {
		t.Errorf("the person's list is %v", list)
	}
	// The number was wrong: what followed for its sake opens again.
	if _, err := h.custody.Number(t.Context(), first, desk, said(""), h.number); err != nil {
		t.Fatal(err)
	}
	h.Move(48 * time.Hour)
	h.sweep()
	if s := h.form(desked).State(); s.Status == optout.StatusDuplicate && s.Of == first {
		t.Errorf("it still follows somebody else's form: %+v", s)
	}
}

func Test500FormsOfOnePerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	for range 499 {
		h.again(first, nil)
	}
	h.sweep()
	all := map[optout.Status]int{}
	for d := range optout.MostForms + 10 {
		list, _ := h.Person(t.Context(), h.form(first).Person)
		if len(list) != optout.MostForms {
			t.Fatalf("the list has %d", len(list))
		}
		if d < len(list) {
			all[h.status(list[d])]++
		}
	}
	if all[optout.StatusDuplicate] != optout.MostForms-1 {
		t.Errorf("on the list: %v", all)
	}
	if n, _ := h.Waiting(t.Context(), densham); n != 1 {
		t.Errorf("the practice sees %d", n)
	}
	// A number cannot be added either; the form goes on without the list.
	nameless := h.register(func(a *optout.Answers) { a.Subject.NHSNumber = "" })
	h.advance(nameless)
	if _, err := h.custody.Number(t.Context(), nameless, practice, said(""), h.form(first).Facts.NHSNumber); err != nil || !h.form(nameless).Crowded() {
		t.Errorf("the 65th by number: %v, %+v", err, h.form(nameless).State())
	}
}

func TestAnActIsKnownAgainByItsKeyHoweverLateItComes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["routed"](h)
	key := optout.Said{Key: "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"}
	collect := func(by optout.Actor, s optout.Said) (optout.Answer, error) {
		return h.custody.Collect(t.Context(), ref, by, s)
	}
	first, err := collect(practice, key)
	if err != nil || first.Repeat {
		t.Fatal(first, err)
	}
	h.say(ref, "app", "lac")
	again, err := collect(practice, key)
	if err != nil || !again.Repeat || again.Event.Seq != first.Event.Seq || !again.Event.At.Equal(first.Event.At) {
		t.Errorf("weeks later: %+v, %v", again.Event, err)
	}
	_, err = collect(practice, optout.Said{})
	refusedAs(t, "without the key", err, optout.NotNow)
	_, err = h.custody.PutBack(t.Context(), ref, practice, key)
	refusedAs(t, "another verb under that key", err, optout.KeyUsed)
	_, err = collect(optout.Actor{Role: optout.AtPractice, Practice: elsewhere, ID: "u-9"}, key)
	refusedAs(t, "another practice with that key", err, optout.Forbidden)
}

// What could not be said any more is known again as it was said: the day of telling is long before the next return, and
// the practice that was named has closed.
func TestAnActIsKnownAgainThoughItWouldBeFaultyNow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.key, h.run = aKey, h.Now()
	ref := reach["unrouted"](h)
	h.say(ref, "ass")
	h.key = otherKey
	h.giveBack(ref, optout.Coercion)
	h.say(ref, "ref")
	h.key = ""
	h.days(3)
	h.say(ref, "com")
	h.sweep()
	h.say(ref, "ass")
	h.giveBack(ref, optout.Coercion)
	h.custody.Practices = closing{map[string]string{"A81001": "A81002"}}
	for key, verb := range map[string]string{aKey: "ass", otherKey: "ref"} {
		h.key = key
		if got := h.outcome(verb, ref, acts[verb].by); got != "=" {
			t.Errorf("%s once more: %s", verb, got)
		}
		h.key = ""
		if got := h.outcome(verb, ref, acts[verb].by); !strings.HasPrefix(got, map[string]string{"ass": "N", "ref": "faulty: date-too-early"}[verb]) {
			t.Errorf("%s without its key: %s", verb, got)
		}
	}
}

func TestAnActWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	t.Parallel()
	for _, fate := range []optouttest.Fate{optouttest.Lost, optouttest.Throttle, optouttest.Conflict} {
		h := newHouse(t)
		first := reach["routed"](h)
		later := h.collected(h.again(first, yes))
		h.Fate = fates("Record", fate)
		a, err := h.apply(later, optout.Application{Replaces: []optout.Reference{first}, Asked: true})
		if err != nil || a.Event.Kind != optout.Applied {
			t.Errorf("fate %d: %+v, %v", fate, a.Event, err)
		}
		if f := h.form(later); f.Version() != 5 || h.form(first).Version() != 3 {
			t.Errorf("fate %d: %d and %d events", fate, f.Version(), h.form(first).Version())
		}
	}
}

func TestWhatStaffWriteIsKeptBesideTheHistory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["collected"](h)
	words := "the daughter, Ada O'Neill, rang"
	if _, err := h.custody.Return(t.Context(), ref, practice, said(words), optout.OtherReason); err != nil {
		t.Fatal(err)
	}
	f := h.form(ref)
	e := f.Events[f.Version()-1]
	if string(e.Text) != words || len(e.Detail["text"]) < 32 || strings.Contains(fmt.Sprintf("%+v %v", e, e.Detail), "daughter") {
		t.Errorf("the event is %+v", e)
	}
	var faulty optout.Faulty
	for name, err := range map[string]error{
		"no words": func() error {
			_, err := h.custody.Return(t.Context(), ref, practice, said(""), optout.OtherReason)
			return err
		}(),
		"no such reason": func() error { _, err := h.custody.Return(t.Context(), ref, practice, said(""), "BUSY"); return err }(),
		"nobody was told": func() error {
			_, err := h.custody.TakeBack(t.Context(), ref, practice, said(""), optout.TakenBack{How: "phone", On: nhs.DateOf(h.Now())})
			return err
		}(),
		"no date": func() error {
			_, err := h.custody.TakeBack(t.Context(), ref, practice, said(""), optout.TakenBack{How: "phone", To: "me"})
			return err
		}(),
		"tomorrow": func() error {
			_, err := h.custody.TakeBack(t.Context(), ref, practice, said(""), optout.TakenBack{How: "phone", To: "me", On: nhs.StoredDate("2027-01-01")})
			return err
		}(),
		"no way": func() error {
			_, err := h.custody.TakeBack(t.Context(), ref, practice, said(""), optout.TakenBack{To: "me", On: nhs.DateOf(h.Now())})
			return err
		}(),
		"not applied on any day": func() error {
			_, err := h.custody.Apply(t.Context(), ref, practice, said(""), optout.Application{Code: "XaXj6"})
			return err
		}(),
		"applied tomorrow": func() error {
			_, err := h.custody.Apply(t.Context(), ref, practice, said(""), optout.Application{Code: "XaXj6", On: nhs.StoredDate("2027-01-01")})
			return err
		}(),
		"no code": func() error {
			_, err := h.custody.Apply(t.Context(), ref, practice, said(""), optout.Application{On: nhs.DateOf(h.Now())})
			return err
		}(),
	} {
		if !errors.As(err, &faulty) || faulty[0].Detail == "" || !strings.HasPrefix(faulty[0].Pointer, "/") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNobodyIsRefusedWithoutBeingTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["identity not verified"](h)
	refuse := func(by optout.Actor, tell optout.Telling) error {
		_, err := h.custody.Refuse(t.Context(), ref, by, said(""), tell)
		return err
	}
	refusedAs(t, "nobody was told", refuse(practice, optout.Telling{}), optout.TellFirst)
	refusedAs(t, "telling is unsafe, says no clinician", refuse(practice, optout.Telling{Unsafe: true}), optout.TellFirst)
	if err := refuse(practice, optout.Telling{On: nhs.StoredDate("2027-01-01")}); err == nil {
		t.Error("told tomorrow")
	}
	if err := refuse(clinician, optout.Telling{Unsafe: true}); err != nil || h.status(ref) != optout.StatusAnswered {
		t.Errorf("a clinician says so: %s, %v", h.status(ref), err)
	}
	other := reach["other"](h)
	_, err := h.custody.Reply(t.Context(), other, office, said(""), optout.Telling{Unsafe: true})
	refusedAs(t, "the office cannot say so", err, optout.TellFirst)
}

func TestWhatThePublicSees(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"held": "received paper-incomplete", "registered": "received", "checked": "received in-hand finished", "applied": "received in-hand finished",
		"in doubt": "received in-hand finished", "withdrawn": "received in-hand finished", "answered": "received in-hand finished",
		"answered by the office": "received in-hand finished", "answered, deceased": "received in-hand finished", "answered while held": "received in-hand finished",
	}
	public := func(h *house, ref optout.Reference) string {
		var steps []string
		last := time.Time{}
		for _, s := range h.form(ref).Steps() {
			if s.At.Before(last) {
				t.Error("steps go back in time")
			}
			steps, last = append(steps, s.Step), s.At
		}
		return strings.Join(steps, " ")
	}
	for state := range reach {
		h := newHouse(t)
		expected := want[state]
		if expected == "" {
			expected = "received in-hand"
		}
		if got := public(h, reach[state](h)); got != expected {
			t.Errorf("%s: %s, want %s", state, got, expected)
		}
	}
	h := newHouse(t)
	ref := reach["collected"](h)
	h.mustApply(ref, optout.Application{Told: true})
	if got := public(h, ref); got != "received in-hand applied" {
		t.Errorf("the practice told the person: %s", got)
	}
	h.say(ref, "cor")
	if got := public(h, ref); got != "received in-hand" {
		t.Errorf("it was a mistake: %s", got)
	}
}

func TestScansGo90DaysAfterTheFormWasChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.hold(nil)
	h.say(ref, "rel")
	h.sweep()
	scans := &scans{err: errors.New("away"), now: h.Now}
	h.engine.Scans = scans
	h.say(ref, "col", "app", "has")
	checked := h.Now()
	for range 120 {
		h.Move(24 * time.Hour)
		if len(scans.gone) == 0 && h.Now().After(checked.AddDate(0, 0, 92)) {
			scans.err = nil
		}
		h.sweep()
	}
	f := h.form(ref)
	if len(scans.gone) != 1 || scans.gone[0] != ref || scans.tried.Before(checked.AddDate(0, 0, 90)) || !f.Due.IsZero() || f.State().Status != optout.StatusChecked {
		t.Errorf("%d scans gone, first tried at %v; %+v", len(scans.gone), scans.tried, f.State())
	}
}

// scans is an optout.Scans.
type scans struct {
	err   error
	tried time.Time
	gone  []optout.Reference
	now   func() time.Time
}

func (s *scans) Discard(_ context.Context, ref optout.Reference) error {
	if s.tried.IsZero() {
		s.tried = s.now()
	}
	if s.err == nil {
		s.gone = append(s.gone, ref)
	}
	return s.err
}

// A practice decides whether a child may sign alone, and whether a proxy has the right. Nothing is applied before it has
// said how it decided, in a way that fits, whichever door it says so through.
func TestNothingIsAppliedBeforeThePracticeHasDecidedWhetherWhoeverSignedMay(t *testing.T) {
	t.Parallel()
	born := func(day string) func(*optout.Answers) {
		return func(a *optout.Answers) { a.Subject.BirthDate = day }
	}
	both := func(a *optout.Answers) { child(a); a.Proxy = &optout.Proxy{Name: "Bea O'Neill", Capacity: "parent"} }
	every := []string{optout.Competent, optout.EvidenceSeen, optout.KnownToUs, optout.BestInterests}
	for name, c := range map[string]struct {
		change func(*optout.Answers)
		fit    []string // nil: there is nothing to decide
	}{
		"a child alone":                    {child, []string{optout.Competent, optout.KnownToUs}},
		"a child the day before being 16":  {born("2010-11-23"), []string{optout.Competent, optout.KnownToUs}},
		"a person of 16 on that day":       {born("2010-11-22"), nil},
		"a grown-up":                       {nil, nil},
		"a proxy":                          {proxied, []string{optout.EvidenceSeen, optout.KnownToUs, optout.BestInterests}},
		"a parent, for a child":            {both, []string{optout.EvidenceSeen, optout.KnownToUs, optout.BestInterests}},
		"a child, who was 16 when it came": {func(a *optout.Answers) { a.Subject.BirthDate, a.SignedOn = "2010-11-01", "2026-10-30" }, []string{optout.Competent, optout.KnownToUs}},
	} {
		h := newHouse(t)
		register := h.register
		if name == "a child, who was 16 when it came" {
			register = h.signed
		}
		ref := h.collected(register(c.change))
		for _, basis := range append([]string{""}, every...) {
			h.Move(time.Minute)
			before := h.form(ref)
			_, err := h.custody.Apply(t.Context(), ref, practice, said(""), optout.Application{On: nhs.DateOf(h.Now()), Code: "9Ndo.", Basis: basis})
			var faulty optout.Faulty
			errors.As(err, &faulty)
			switch want := map[bool]string{true: "missing", false: "not-an-option"}[basis == ""]; {
			case c.fit == nil && basis == "", slices.Contains(c.fit, basis):
				if err != nil || h.form(ref).Events[before.Version()].Detail["basis"] != basis {
					t.Errorf("%s, %q: %v", name, basis, err)
				}
				h.say(ref, "cor")
			case c.fit == nil:
				continue
			case len(faulty) != 1 || faulty[0].Pointer != "/basis" || faulty[0].Code != want || faulty[0].Detail == "" || h.form(ref).Version() != before.Version():
				t.Errorf("%s, %q: %v", name, basis, err)
			}
		}
	}
}

// signed registers a form on paper, with the day on which it was signed.
func (h *house) signed(change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number()
	change(&a)
	rules := optouttest.Rules
	rules.Staff = true
	facts, faults := rules.Accept(a)
	if faults != nil {
		h.t.Fatal(faults)
	}
	o := optouttest.Online("")
	o.Door = optout.Paper
	r, err := registrar(h.Memory, h.Clock).Register(h.t.Context(), o, a, facts)
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Reference
}

// No list of coded patients can show a form that is applied without a number: it would be asked for for ever.
func TestAFormWithoutANumberIsAppliedUnderOneOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.collected(h.register(unnumbered))
	var faulty optout.Faulty
	if _, err := h.apply(ref, optout.Application{}); !errors.As(err, &faulty) || faulty[0].Pointer != "/number" || faulty[0].Code != "missing" {
		t.Errorf("without a number: %v", err)
	}
	h.mustApply(ref, optout.Application{Number: h.number})
	h.say(ref, "cor")
	h.mustApply(ref, optout.Application{}) // its own by now
	if f := h.form(ref); f.Facts.NHSNumber != h.number || f.State().Status != optout.StatusApplied {
		t.Errorf("it is %s", f.State().Status)
	}
}

func TestNothingIsAppliedBeforeThePersonWasBorn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.collected(h.register(nil)) // of somebody born on 31 March 1957, signed on 22 November 2026
	for day, want := range map[string]string{"1926-11-22": "date-before-birth", "1957-03-30": "date-before-birth", "1957-03-31": "", "2019-05-01": ""} {
		_, err := h.custody.Apply(t.Context(), ref, practice, said(""), optout.Application{On: nhs.StoredDate(day), Code: "9Ndo."})
		var faulty optout.Faulty
		switch errors.As(err, &faulty); {
		case want == "" && err != nil, want != "" && (len(faulty) != 1 || faulty[0].Pointer != "/on" || faulty[0].Code != want || faulty[0].Detail == ""):
			t.Errorf("on %s: %v", day, err)
		case want == "":
			h.say(ref, "cor")
		}
		h.Move(time.Minute)
	}
}
