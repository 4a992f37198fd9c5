package optout_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// Each of these is a history in which a form was once lost, or a "no" stopped to bind, and must not be again.

// days lets days pass and sweeps each noon.
func (h *house) days(n int) {
	h.t.Helper()
	for range n {
		h.Move(24 * time.Hour)
		h.sweep()
	}
}

func (h *house) numbered(ref optout.Reference, n string) {
	h.t.Helper()
	h.Move(time.Minute)
	number, err := nhs.ParseNumber(n, true)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.custody.Number(h.t.Context(), ref, desk, said(""), number); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) binding(refs ...optout.Reference) string {
	h.t.Helper()
	var all []optout.Form
	for _, ref := range refs {
		all = append(all, h.form(ref))
	}
	return optout.Binding(all)
}

// paper registers a staffed form that was signed on some day.
func (h *house) paper(ref optout.Reference, signed string, change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	h.Move(time.Minute)
	a := optouttest.Dissent()
	a.SignedOn, a.Subject.NHSNumber = signed, h.form(ref).Facts.NHSNumber.Digits()
	if change != nil {
		change(&a)
	}
	rules := optouttest.Rules
	rules.Staff, rules.Today = true, nhs.DateOf(h.Now())
	facts, faults := rules.Accept(a)
	if faults != nil {
		h.t.Fatal(faults)
	}
	r, err := registrar(h.Memory, h.Clock).Register(h.t.Context(), optout.Origin{Door: optout.Counter, Client: "A81001", Key: fmt.Sprint(h.Now().UnixNano())}, a, facts)
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Reference
}

func TestTwoFormsNeverFollowEachOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.register(func(a *optout.Answers) { a.Practice = "" })
	h.advance(first)
	same := h.again(first, func(a *optout.Answers) { a.Practice = "" })
	h.advance(same)
	right := optouttest.Number()
	h.numbered(same, right)
	h.sweep()
	h.numbered(first, right)
	h.days(3)
	a, b := h.form(first).State(), h.form(same).State()
	if a.Owner == optout.OwnerFirst && b.Owner == optout.OwnerFirst || a.Status == optout.StatusDuplicate && a.Of != same {
		t.Errorf("the first is %+v, the other %+v", a, b)
	}
}

func TestADuplicateThatBecomesSomebodyElsesFormFollowsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.register(nil)
	other := h.register(yes)
	same := h.again(first, nil)
	h.sweep()
	h.numbered(same, h.form(other).Facts.NHSNumber.Digits())
	h.say(other, "col")
	h.Move(time.Minute)
	if _, err := h.custody.Check(t.Context(), other, practice, said(""), optout.Listed{Run: h.Now(), Choice: "core-and-additional"}); err != nil {
		t.Fatal(err)
	}
	h.days(3)
	if s := h.form(same).State(); s.Status != optout.StatusRouted || s.Of != other {
		t.Errorf("a no that was moved to somebody who said yes: %+v", s)
	}
}

func TestAWholeFormDoesNotWaitForADoubtfulOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	held := h.hold(nil)
	whole := h.again(held, nil)
	h.days(2)
	if s := h.form(whole).State(); s.Status != optout.StatusRouted {
		t.Errorf("the whole form: %+v", s)
	}
	h.say(held, "rel")
	h.days(2)
	if s := h.form(held).State(); s.Status != optout.StatusRouted || s.Of != whole {
		t.Errorf("the released one is not shown beside it: %+v", s)
	}
	if s := h.form(whole).State(); s.Status != optout.StatusRouted {
		t.Errorf("and the whole form since: %+v", s)
	}
}

func TestAComplaintOutlivesTheNight(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.collected(h.register(nil))
	same := h.again(first, nil)
	h.sweep()
	h.giveBack(first, optout.WithdrawnByPerson)
	h.days(1)
	h.takeBack(first)
	h.days(2)
	if h.status(same) != optout.StatusWithdrawn {
		t.Fatalf("the duplicate is %s", h.status(same))
	}
	h.say(same, "com")
	h.days(3)
	if s := h.form(same).State(); s.Status != optout.StatusRouted {
		t.Errorf("after the complaint: %+v", s)
	}
}

func TestALaterNoIsNotTakenBackWithAnEarlierOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.collected(h.register(nil))
	h.giveBack(first, optout.WithdrawnByPerson)
	h.Move(3 * time.Hour)
	no := h.again(first, nil)
	h.sweep()
	h.Move(time.Hour)
	h.takeBack(first) // typed in later that day
	h.days(3)
	if h.status(no) != optout.StatusRouted || h.binding(first, no) != "dissent" {
		t.Errorf("the later no is %s, binding %q", h.status(no), h.binding(first, no))
	}
}

func TestOlderPaperTakesNoNewerNoAlong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	nobody := h.register(nil)
	first := h.paper(nobody, "2026-11-01", func(a *optout.Answers) { a.Subject.NHSNumber = h.number.Digits() })
	no := h.paper(first, "2026-11-20", nil)
	h.sweep()
	share := h.paper(first, "2026-11-10", yes)
	h.sweep()
	if h.status(no) != optout.StatusDuplicate {
		t.Fatalf("the newer no is %s", h.status(no))
	}
	h.say(share, "col")
	h.mustApply(share, optout.Application{Replaces: []optout.Reference{first}, Asked: true})
	h.days(3)
	if h.status(no) != optout.StatusRouted || h.binding(first, no, share) != "dissent" {
		t.Errorf("the newer no is %s, binding %q", h.status(no), h.binding(first, no, share))
	}
}

func TestWhatIsNotAppliedAfterAllGivesBackWhatItReplaced(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	no := reach["routed"](h)
	share := h.collected(h.again(no, yes))
	h.mustApply(share, optout.Application{Replaces: []optout.Reference{no}, Asked: true})
	h.Move(time.Hour)
	if _, err := h.custody.Check(t.Context(), share, practice, said(""), optout.Listed{Run: h.Now(), Choice: "dissent"}); err != nil {
		t.Fatal(err)
	}
	h.giveBack(share, optout.Coercion)
	if h.status(no) == optout.StatusWithdrawn || h.binding(no, share) != "dissent" {
		t.Errorf("the no is %s, binding %q", h.status(no), h.binding(no, share))
	}
	if s := h.form(share).State(); s.Told || !s.Said.IsZero() {
		t.Errorf("it still counts as applied: %+v", s)
	}
	h.days(3)
	if h.status(no) != optout.StatusRouted {
		t.Errorf("the no is %+v", h.form(no).State())
	}
}

func TestAHeldFormEndsForANewerOneOfThePersonOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	older := h.register(nil)
	h.Move(time.Minute)
	held := h.hold(func(a *optout.Answers) { a.Subject.NHSNumber = h.form(older).Facts.NHSNumber.Digits() })
	stranger := h.again(held, func(a *optout.Answers) { a.Subject.BirthDate = "1957-04-01" })
	ended := h.again(held, func(a *optout.Answers) { a.Choice = "core" })
	h.sweep()
	h.say(ended, "col")
	h.giveBack(ended, optout.Deceased)
	h.say(ended, "con")
	supersede := func(newer optout.Reference) error {
		_, err := h.custody.Supersede(t.Context(), held, supervisor, said(""), newer)
		return err
	}
	for name, ref := range map[string]optout.Reference{"an older one": older, "a stranger's": stranger, "one that has ended": ended, "itself": held} {
		if err := supersede(ref); err == nil || !strings.Contains(err.Error(), "no-newer-form") {
			t.Errorf("ended for %s: %v", name, err)
		}
	}
	h.Fate = fates("Form", optouttest.Fine, optouttest.Throttle)
	newer := h.again(held, nil)
	if err := supersede(newer); err != nil || h.status(held) != optout.StatusAnswered {
		t.Errorf("ended for a newer one: %s, %v", h.status(held), err)
	}
	// It was no answer: what is doubtful is held again.
	h.say(held, "com")
	if h.status(held) != optout.StatusHeld {
		t.Errorf("after a complaint it is %s", h.status(held))
	}
}

func TestAListOfLastYearEndsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.custody.Check(t.Context(), reach["routed"](h), practice, said(""), optout.Listed{Run: h.Now().AddDate(-1, 0, 0), Choice: "dissent"})
	refusedAs(t, "a list from before it came", err, optout.NotNow)
}

func TestToShareMoreThePersonIsAskedWhateverIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	no := reach["applied"](h)
	share := h.collected(h.again(no, yes))
	_, err := h.apply(share, optout.Application{})
	refusedAs(t, "applied beside a no that stands", err, optout.AskThePerson)
	if _, err := h.apply(share, optout.Application{Asked: true}); err != nil || h.binding(no, share) != "dissent" {
		t.Errorf("asked, but the no stands: %v, %q binds", err, h.binding(no, share))
	}
}

func TestPaperIsOutdatedOnlyWhileTheNewerChoiceIsApplied(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	share := h.collected(h.register(yes))
	h.mustApply(share, optout.Application{})
	h.Move(time.Hour)
	old := h.paper(share, "2026-11-01", nil)
	h.sweep()
	if b := h.binding(share, old); b == "dissent" {
		t.Errorf("%q binds", b)
	}
	if _, err := h.custody.Check(t.Context(), share, practice, said(""), optout.Listed{Run: h.Now(), Choice: ""}); err != nil {
		t.Fatal(err)
	}
	h.giveBack(share, optout.IdentityNotVerified)
	if b := h.binding(share, old); b != "dissent" {
		t.Errorf("once that is not applied, %q binds", b)
	}
}

func TestAClockThatWasAheadStopsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["routed"](h)
	h.Move(365 * 24 * time.Hour)
	h.say(ref, "col")
	h.Move(-365 * 24 * time.Hour)
	h.giveBack(ref, optout.HasMoved)
	h.sweep()
	if s := h.form(ref).State(); s.Owner != optout.OwnerOffice {
		t.Errorf("what the engine has to do waits for the clock: %+v", s)
	}
	if due := h.form(ref).Due; due.After(h.Now().AddDate(0, 0, 5)) {
		t.Errorf("what the office has to do is due at %v", due)
	}
}

func TestAPracticeHasNoSayInAFormThatItGaveBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["not our patient"](h)
	h.sweep()
	_, err := h.custody.Number(t.Context(), ref, practice, said(""), h.number)
	refusedAs(t, "its number", err, optout.Forbidden)
}

func TestWhatIsFaultyIsNeverOnRecord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["checked"](h)
	version := h.form(ref).Version()
	long := strings.Repeat("ä", 1001)
	for name, try := range map[string]func() error{
		"a code that is none": func() error {
			_, err := h.custody.Apply(t.Context(), ref, practice, said(""), optout.Application{On: nhs.DateOf(h.Now()), Code: "told Ada O'Neill, 900 000 0009"})
			return err
		},
		"a carrier's words": func() error {
			_, err := h.custody.Reject(t.Context(), ref, mesh, said(""), "Ada O'Neill unknown")
			return err
		},
		"a key with a name in it": func() error {
			_, err := h.custody.Collect(t.Context(), ref, practice, optout.Said{Key: "Ada O'Neill"})
			return err
		},
		"a choice that is none": func() error {
			_, err := h.custody.Check(t.Context(), ref, practice, said(""), optout.Listed{Run: h.Now(), Choice: "O'Neill"})
			return err
		},
		"too many words": func() error {
			_, err := h.custody.Return(t.Context(), ref, practice, said(long), optout.OtherReason)
			return err
		},
		"no number": func() error {
			_, err := h.custody.Number(t.Context(), ref, practice, said(""), nhs.Number{})
			return err
		},
	} {
		var f optout.Faulty
		if err := try(); !errors.As(err, &f) || f[0].Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := h.custody.Collect(t.Context(), ref, optout.Actor{Role: optout.AtPractice, Practice: densham, ID: "Ada O'Neill"}, said(""))
	refusedAs(t, "somebody whose id is a name", err, optout.Forbidden)
	if h.form(ref).Version() != version {
		t.Error("something is on record")
	}
}

func TestAHistoryHasAnEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["answered"](h)
	var err error
	for n := range 3000 {
		if _, err = h.custody.Return(t.Context(), ref, practice, said(fmt.Sprint(n, strings.Repeat("so ", 300))), optout.OtherReason); err != nil {
			break
		}
	}
	refusedAs(t, "after many words", err, optout.Full)
	if n := h.form(ref).Version(); n < 200 {
		t.Errorf("full after %d events", n)
	}
	h.say(ref, "com") // what opens it again is no longer than what the engine writes: there is room left for that
}

func TestToldIsForgottenOnceItIsNotTrue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["collected"](h)
	h.mustApply(ref, optout.Application{Told: true})
	h.say(ref, "lac")
	h.giveBack(ref, optout.Safeguarding)
	h.say(ref, "ref")
	if steps := h.form(ref).Steps(); steps[len(steps)-1].Step != optout.StepFinished {
		t.Errorf("the public sees %v", steps)
	}
}

func TestNumbersToAndFroAndAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := reach["routed"](h)
	one, two := h.form(ref).Facts.NHSNumber.Digits(), optouttest.Number()
	for range 2 {
		h.numbered(ref, two)
		h.numbered(ref, one)
	}
	list, _ := h.Person(t.Context(), h.form(ref).Person)
	if len(list) != 1 {
		t.Errorf("the person's list is %v", list)
	}
	// Held forms are found by what they turn out to say.
	held := h.hold(func(a *optout.Answers) { a.Subject.NHSNumber = "" })
	a := optouttest.Dissent()
	a.Subject.Surname = "Quillfeather"
	if _, err := h.custody.Release(t.Context(), held, supervisor, said(""), a, optouttest.Accepted(a)); err != nil {
		t.Fatal(err)
	}
	f := h.form(held)
	if list, _ := h.Possible(t.Context(), f.Possible); len(list) != 1 || list[0] != held {
		t.Errorf("the possible person's list is %v", list)
	}
	a.About, a.Kind, a.Choice = held.String(), "withdrawal", ""
	if _, err := h.custody.Release(t.Context(), held, supervisor, said(""), a, optouttest.Accepted(a)); err == nil || !strings.Contains(err.Error(), "about-itself") {
		t.Errorf("released as a form about itself: %v", err)
	}
}

func TestAFormThatBecomesSomebodyElsesIsLinkedWithNobodyOfOld(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	other := h.again(first, yes)
	same := h.again(first, nil)
	h.sweep()
	for _, ref := range []optout.Reference{other, same} {
		h.numbered(ref, optouttest.Number())
		h.sweep()
		if s := h.form(ref).State(); !s.Of.IsZero() || !s.First.Equal(s.Received) || s.Status != optout.StatusRouted {
			t.Errorf("%+v", s)
		}
	}
}

func TestAScanThatCannotBeThrownAwayIsTheOfficesWork(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.hold(nil)
	h.say(ref, "rel")
	h.sweep()
	h.say(ref, "col", "app", "has")
	version := h.form(ref).Version()
	gone := &scans{err: errors.New("denied"), now: h.Now}
	h.engine.Scans = gone
	h.days(100)
	if s := h.form(ref).State(); s.Owner != optout.OwnerOffice || s.Fault == "" || h.form(ref).Version() != version+1 {
		t.Errorf("%d events, %+v", h.form(ref).Version(), s)
	}
	gone.err = nil
	h.days(5)
	if s := h.form(ref).State(); s.Owner != optout.OwnerNobody || s.Fault != "" || !h.form(ref).Due.IsZero() || len(gone.gone) != 1 {
		t.Errorf("mended: %+v", s)
	}
}

func TestAReleasedFormOfACrowdedPersonGoesToTheOffice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	for range optout.MostForms {
		h.again(first, nil)
	}
	h.sweep()
	held := h.hold(func(a *optout.Answers) { a.Subject.NHSNumber = "" })
	a := optouttest.Dissent()
	a.Subject.NHSNumber = h.form(first).Facts.NHSNumber.Digits()
	if _, err := h.custody.Release(t.Context(), held, supervisor, said(""), a, optouttest.Accepted(a)); err != nil {
		t.Fatal(err)
	}
	h.sweep()
	if s := h.form(held).State(); s.Owner != optout.OwnerOffice || s.Fault != "too-many-forms" {
		t.Errorf("%+v", s)
	}
	h.numbered(held, h.number.Digits()) // it was somebody else, whose list has room
	h.sweep()
	if s := h.form(held).State(); s.Status != optout.StatusRouted || s.Crowded {
		t.Errorf("with another number: %+v", s)
	}
}

func TestTheOfficesListLetsGoOfAPracticeThatStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweep()
	h.days(16)
	late := func() bool { return !h.practice("A81001").Digest.Late.IsZero() }
	if !late() {
		t.Fatal("it is not late")
	}
	if _, err := h.custody.Decide(t.Context(), densham, practice, optout.Decision{Stand: optout.Stopped, On: nhs.DateOf(h.Now())}); err != nil {
		t.Fatal(err)
	}
	h.days(60)
	if late() {
		t.Error("it has stopped, and is still late")
	}
}

func TestAFaultThatLastsIsOnRecordOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := reach["routed"](h)
	same := h.again(first, nil)
	h.sweep()
	broken := true
	h.engine.Store = odd{Memory: h.Memory, form: func(r optout.Reference) {
		if broken && r == first {
			panic("unreadable")
		}
	}}
	for range 60 {
		h.Move(24 * time.Hour)
		_, _ = h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: same.Key()})
	}
	f := h.form(same)
	if s := f.State(); f.Version() != 3 || s.Owner != optout.OwnerOffice || s.Fault != "cannot-advance" {
		t.Errorf("%d events, %+v", f.Version(), s)
	}
	broken = false
	h.days(6)
	if s := h.form(same).State(); s.Owner != optout.OwnerFirst || s.Fault != "" {
		t.Errorf("mended: %+v", s)
	}
}

func TestADecisionWhoseAnswerWasLostIsKeptOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := optout.Decision{Stand: optout.Wait, Words: "not yet", On: nhs.DateOf(h.Now())}
	h.Fate = fates("SavePractice", optouttest.Lost)
	_, err := h.custody.Decide(t.Context(), densham, practice, d)
	if !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("the answer was lost: %v", err)
	}
	if _, err := h.custody.Decide(t.Context(), densham, practice, d); err != nil {
		t.Fatal(err)
	}
	if n := len(h.practice("A81001").Decisions); n != 1 {
		t.Errorf("%d decisions", n)
	}
}
