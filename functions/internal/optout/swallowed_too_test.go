package optout_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// More histories in which a "no" once stopped to bind, or somebody waited for a clock.

func TestThePersonIsAskedWhoeverTheNumberSaysTheyAre(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	no := reach["routed"](h)
	nameless := h.collected(h.register(func(a *optout.Answers) { a.Subject.NHSNumber, a.Choice = "", "core-and-additional" }))
	_, err := h.apply(nameless, optout.Application{Number: h.form(no).Facts.NHSNumber})
	refusedAs(t, "a yes that turns out to be theirs", err, optout.AskThePerson)
	if _, err := h.apply(nameless, optout.Application{Number: h.form(no).Facts.NHSNumber, Replaces: []optout.Reference{no}, Asked: true}); err != nil {
		t.Errorf("asked, in place of it: %v", err)
	}
	// It was another person after all: their no stands again.
	if h.status(no) != optout.StatusWithdrawn {
		t.Fatalf("the no is %s", h.status(no))
	}
	h.numbered(nameless, optouttest.Number())
	if h.status(no) == optout.StatusWithdrawn || h.binding(no) != "dissent" {
		t.Errorf("a stranger's yes keeps it withdrawn: %s", h.status(no))
	}
}

func TestWhatIsNotKnownYetCountsAsNo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := optouttest.Dissent()
	a.Choice, a.Subject.NHSNumber = "", optouttest.Number()
	facts, faults := optouttest.Rules.Doubtful(a)
	if len(faults) != 1 {
		t.Fatal(faults)
	}
	r, err := registrar(h.Memory, h.Clock).Hold(t.Context(), optout.Origin{Door: optout.Paper, Client: "paper", Key: "1"}, a, facts, optout.HeldForChoice)
	if err != nil {
		t.Fatal(err)
	}
	if b := h.binding(r.Reference); b != "dissent" {
		t.Errorf("%q binds", b)
	}
	share := h.collected(h.again(r.Reference, yes))
	_, err = h.apply(share, optout.Application{})
	refusedAs(t, "a yes beside it", err, optout.AskThePerson)
}

func TestAWithdrawalIsAskedAboutThoughItSaysNoNumber(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	no := reach["routed"](h)
	h.Move(time.Minute)
	takesBack := h.collected(h.register(func(a *optout.Answers) {
		a.Kind, a.Choice, a.About, a.Subject.NHSNumber = "withdrawal", "", no.String(), ""
	}))
	_, err := h.apply(takesBack, optout.Application{Code: "9Ndl.", Number: h.number})
	refusedAs(t, "without asking", err, optout.AskThePerson)
	// And so is a yes that found no room on the person's list.
	for range optout.MostForms {
		h.again(no, nil)
	}
	crowded := h.again(no, yes)
	h.advance(crowded)
	h.say(crowded, "ass", "col")
	_, err = h.apply(crowded, optout.Application{})
	refusedAs(t, "crowded", err, optout.AskThePerson)
}

func TestAClearedUpNoIsNotTakenBackWithWhatWasSaidBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	h.Move(time.Minute)
	held := h.hold(func(a *optout.Answers) { a.Subject.NHSNumber = h.form(first).Facts.NHSNumber.Digits() })
	share := h.collected(h.again(first, yes))
	h.mustApply(share, optout.Application{Replaces: []optout.Reference{first}, Asked: true})
	h.days(21)
	h.say(held, "rel")
	h.days(3)
	if s := h.form(held).State(); s.Status != optout.StatusRouted || h.binding(first, held, share) != "dissent" {
		t.Errorf("%+v, %q binds", s, h.binding(first, held, share))
	}
}

func TestNotMeTakesNoGenuineFormAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	forged := reach["routed"](h)
	genuine := h.again(forged, nil)
	h.sweep()
	h.Move(24 * time.Hour)
	notMe := h.collected(h.register(func(a *optout.Answers) {
		a.Kind, a.Choice, a.About, a.Subject.NHSNumber = "not-me", "", forged.String(), ""
	}))
	h.mustApply(notMe, optout.Application{Code: "9Ndl.", Number: h.number, Replaces: []optout.Reference{forged}, Asked: true})
	h.days(3)
	if s := h.form(genuine).State(); s.Status != optout.StatusRouted || h.binding(forged, genuine, notMe) != "dissent" {
		t.Errorf("%+v", s)
	}
}

func TestAHeldNoDoesNotEndForAYes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	held := h.hold(nil)
	for name, newer := range map[string]optout.Reference{
		"a yes":                         h.again(held, yes),
		"a twin's, with another number": h.register(nil),
	} {
		if _, err := h.custody.Supersede(t.Context(), held, supervisor, said(""), newer); err == nil || !strings.Contains(err.Error(), "no-newer-form") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list speaks of what its practice was given: what nobody has yet, or another practice has, it does not touch.
func TestAListDoesNotSpeakOfWhatItsPracticeHasNot(t *testing.T) {
	t.Parallel()
	other := optout.Actor{Role: optout.AtPractice, Practice: elsewhere, ID: "u-9"}
	for state := range reach {
		for _, by := range []optout.Actor{practice, other} {
			h := newHouse(t)
			ref := reach[state](h)
			h.Move(time.Hour)
			before := h.form(ref)
			s := before.State()
			if has := s.Owner == optout.OwnerPractice || s.Ended(); has && s.Practice == by.Practice {
				continue
			}
			for _, choice := range []string{"dissent", "core", ""} {
				_, err := h.custody.Check(t.Context(), ref, by, said(""), optout.Listed{Run: h.Now(), Choice: choice})
				refusedAs(t, state+", in a list of "+by.Practice.String(), err, optout.Forbidden)
			}
			if after := h.form(ref); after.Version() != before.Version() || after.State().Practice != s.Practice {
				t.Errorf("%s: a list of %s has moved it: %+v", state, by.Practice, after.State())
			}
		}
	}
}

func TestAPracticeIsLateInSpringToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(time.Date(2027, 3, 16, 10, 0, 0, 0, time.UTC).Sub(h.Now()))
	h.register(nil)
	for range 15 * 24 {
		h.sweep()
		h.Move(time.Hour)
	}
	if h.practice("A81001").Digest.Late.IsZero() {
		t.Error("the hour that the clocks leave out has taken it off the office's list")
	}
}

func TestAFormFromTomorrowKeepsNoPracticeWaiting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(365 * 24 * time.Hour)
	wrong := h.register(nil)
	h.Move(-365 * 24 * time.Hour)
	h.advance(wrong)
	h.register(nil)
	h.sweep()
	if len(h.post.Mails()) != 1 {
		t.Errorf("%d mails", len(h.post.Mails()))
	}
	// And what cannot be done with it is tried again soon.
	h.Move(365 * 24 * time.Hour)
	stuck := h.register(nil)
	h.Move(-365 * 24 * time.Hour)
	h.Fate = fates("Record", optouttest.Throttle)
	_, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: stuck.Key()})
	if f := h.form(stuck); !optout.Recorded(err) || f.Due.After(h.Now().Add(time.Hour)) {
		t.Errorf("%v; due at %v", err, f.Due)
	}
}

func TestADecisionHasRoomForAFewWordsAndNoNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var f optout.Faulty
	if _, err := h.custody.Decide(t.Context(), densham, practice, optout.Decision{Stand: optout.Wait, On: nhs.DateOf(h.Now()), Words: optout.Text(strings.Repeat("so ", 400))}); !errors.As(err, &f) {
		t.Errorf("1,200 characters: %v", err)
	}
	named := optout.Actor{Role: optout.AtPractice, Practice: densham, ID: "Ada O'Neill"}
	_, err := h.custody.Decide(t.Context(), densham, named, optout.Decision{Stand: optout.Wait, On: nhs.DateOf(h.Now())})
	refusedAs(t, "by a name", err, optout.Forbidden)
	_, err = h.custody.SetEmail(t.Context(), densham, named, "forms@densham.example")
	refusedAs(t, "an address by a name", err, optout.Forbidden)
}

func TestADuplicateThatWasCheckedCanBeInDoubtLikeItsFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["collected"](h)
	same := h.again(first, nil)
	h.sweep()
	h.say(first, "app", "has")
	h.days(2)
	h.say(same, "lac")
	if s := h.form(same).State(); s.Status != optout.StatusInDoubt || s.Practice != densham {
		t.Errorf("%+v", s)
	}
}

func TestAnApplicationIsKnownAgainWhateverBecameOfWhatItReplaced(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	no := reach["routed"](h)
	share := h.collected(h.again(no, yes))
	a := optout.Application{On: nhs.DateOf(h.Now()), Code: "9Ndn.", Replaces: []optout.Reference{no}, Asked: true, Number: h.form(no).Facts.NHSNumber}
	key := optout.Said{Key: "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"}
	apply := func(a optout.Application) (optout.Answer, error) {
		return h.custody.Apply(t.Context(), share, practice, key, a)
	}
	if _, err := apply(a); err != nil {
		t.Fatal(err)
	}
	h.say(no, "com") // opened again by a complaint
	if got, err := apply(a); err != nil || !got.Repeat {
		t.Errorf("once more: %v, %v", got.Repeat, err)
	}
	h.Fate = fates("Form", optouttest.Fine, optouttest.Throttle)
	if got, err := apply(a); err != nil || !got.Repeat {
		t.Errorf("once more, on a busy table: %v, %v", got.Repeat, err)
	}
	other := a
	other.Number = h.number
	_, err := apply(other)
	refusedAs(t, "under that key, another number", err, optout.KeyUsed)
	_, err = h.custody.Apply(t.Context(), share, practice, said(""), other)
	refusedAs(t, "again, another number", err, optout.NotNow)
}

func TestAPracticeSeesNothingMoreOfAFormThatItGaveBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["collected"](h)
	key := optout.Said{Key: "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"}
	give := func() (optout.Answer, error) {
		return h.custody.Return(t.Context(), ref, practice, key, optout.HasMoved)
	}
	if got, err := give(); err != nil || got.Repeat || !bare(got) {
		t.Fatal(got.Event, err)
	}
	key.Key = "" // known again all the same
	if got, err := give(); err != nil || !got.Repeat || !bare(got) {
		t.Errorf("without the key it is answered %+v, %v", got.Form.State(), err)
	}
	key.Key = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"
	h.sweep()
	if _, err := h.custody.Assign(t.Context(), ref, office, said(""), elsewhere); err != nil {
		t.Fatal(err)
	}
	got, err := give()
	if err != nil || !got.Repeat || got.Event.Kind != optout.Returned || !bare(got) {
		t.Errorf("it is answered %+v, %v", got.Form.State(), err)
	}
}

// bare says that an answer is about a form of which it shows nothing.
func bare(a optout.Answer) bool {
	return !a.Form.Reference.IsZero() && a.Form.Version() == 0 && a.Form.Facts.Surname.IsZero() && a.Form.Facts.BirthDate.IsZero() && a.Form.Person == ""
}

func TestASameFormFollowsTheOneThatAComplaintOpened(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.collected(h.register(nil))
	same := h.again(first, nil)
	h.sweep()
	h.giveBack(first, optout.WithdrawnByPerson)
	h.days(1)
	h.takeBack(first)
	h.days(2)
	h.say(same, "com")
	h.days(1)
	third := h.again(first, nil)
	h.sweep()
	if s := h.form(third).State(); s.Status != optout.StatusDuplicate || s.Of != same {
		t.Errorf("%+v", s)
	}
}

func TestDatesOfYearsAgoEndNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	long := nhs.StoredDate("2020-01-01")
	ref := reach["withdrawn by person"](h)
	var f optout.Faulty
	if _, err := h.custody.TakeBack(t.Context(), ref, practice, said(""), optout.TakenBack{How: "phone", On: long, To: "me"}); !errors.As(err, &f) || f[0].Code != "date-too-early" {
		t.Errorf("withdrawn before it was signed: %v", err)
	}
	ref = reach["identity not verified"](h)
	if _, err := h.custody.Refuse(t.Context(), ref, practice, said(""), optout.Telling{On: long}); !errors.As(err, &f) || f[0].Code != "date-too-early" {
		t.Errorf("told before it was returned: %v", err)
	}
	if h.status(ref) != optout.StatusReturned {
		t.Error("it has ended")
	}
}

func TestAPracticeThatKeptAFormIsNotOneThatReturnedIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["identity not verified"](h)
	h.say(ref, "kee")
	later := h.collected(h.again(ref, yes))
	h.mustApply(later, optout.Application{Replaces: []optout.Reference{ref}, Asked: true})
	h.say(later, "cor")
	h.sweep()
	if s := h.form(ref).State(); s.Status != optout.StatusRouted || s.Practice != densham {
		t.Errorf("%+v", s)
	}
}

func TestSettlingHoldsTheFirstFormToWhatItWas(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	held := 0
	h.engine.Store = odd{Memory: h.Memory, changed: func(c optout.Change) {
		if kind := c.Form.Events[c.Form.Version()-1].Kind; kind == optout.Settled || kind == optout.Followed {
			if c.While.Reference != first || c.While.Stored() != h.form(first).Version() {
				t.Errorf("%s without a check of the first form: %v", kind, c.While.Reference)
			}
			held++
		}
	}}
	same, other := h.again(first, nil), h.again(first, yes)
	h.advance(same)
	h.advance(other)
	h.say(first, "has")
	h.Move(48 * time.Hour)
	h.advance(same)
	if held != 3 {
		t.Errorf("%d changes", held)
	}
}

func TestAListFromBeforeAComplaintProvesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["answered"](h)
	h.Move(time.Hour)
	run := h.Now()
	h.Move(time.Hour)
	h.say(ref, "com")
	h.home(ref, densham)
	_, err := h.custody.Check(t.Context(), ref, practice, said(""), optout.Listed{Run: run, Choice: "dissent"})
	refusedAs(t, "a list from before the complaint", err, optout.NotNow)
	h.Move(time.Hour)
	h.say(ref, "has")
}

func TestManyFormsAreReplacedAndGivenBackInOneChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	refs := []optout.Reference{first}
	for range 39 {
		refs = append(refs, h.again(first, nil))
	}
	share, more := h.again(first, yes), []optout.Reference(nil)
	h.collected(share)
	h.mustApply(share, optout.Application{Replaces: refs, Asked: true})
	if again, err := h.apply(share, optout.Application{Replaces: refs, Asked: true}); err != nil || !again.Repeat {
		t.Errorf("the same forty once more: %v, %v", again.Repeat, err)
	}
	h.say(share, "lac")
	var f optout.Faulty
	more = append(more, h.paper(first, "2026-11-01", nil))
	if _, err := h.apply(share, optout.Application{Replaces: more, Asked: true}); !errors.As(err, &f) || f[0].Code != "too-many" {
		t.Errorf("a forty-first: %v", err)
	}
	// One of them cannot be read any more: that keeps nobody from taking it back.
	h.Tamper(refs[7], func(f *optout.Form) { f.Events[0].By = "nobody" })
	changed := 0
	h.custody.Store = odd{Memory: h.Memory, changed: func(c optout.Change) { changed = 1 + len(c.Others) + len(c.Look) }}
	h.giveBack(share, optout.IdentityNotVerified)
	if changed != 40 || h.status(first) != optout.StatusRegistered || h.status(refs[39]) != optout.StatusRegistered {
		t.Errorf("%d items changed; the first is %s", changed, h.status(first))
	}
}
