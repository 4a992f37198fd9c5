package optout_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// house is everything a form needs, in memory.
type house struct {
	t *testing.T
	*optouttest.Memory
	*optouttest.Clock
	post    *optouttest.Mailbox
	engine  optout.Engine
	custody optout.Custody
	other   optout.Reference // a form that nobody does anything to
	number  nhs.Number       // that no form has

	// How acts are said: under a key, in other words, with other details, of a list that was run at some time.
	key       string
	words     string
	otherwise bool
	run       time.Time
	answer    optout.Answer // the last one of the table of states
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), post: &optouttest.Mailbox{}}
	h.engine = optout.Engine{Store: h.Memory, Post: h.post, Address: "{ods}@practice.example", Now: h.Now}
	h.number = nhs.StoredNumber(optouttest.Number())
	h.custody = optout.Custody{Store: h.Memory, Keys: optouttest.Keys{}, Now: h.Now}
	return h
}

func (h *house) register(change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number() // nobody who was here before
	if change != nil {
		change(&a)
	}
	r, err := registrar(h.Memory, h.Clock).Register(h.t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Reference
}

func (h *house) form(ref optout.Reference) optout.Form {
	h.t.Helper()
	f, err := h.Form(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func (h *house) practice(code string) optout.Practice {
	h.t.Helper()
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := h.Practice(h.t.Context(), c)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// sweep advances what is due until nothing is, and counts what came of it.
func (h *house) sweep() map[optout.Outcome]int {
	h.t.Helper()
	did := map[optout.Outcome]int{}
	for range 100 {
		due := slices.Collect(maps.Keys(maps.Collect(h.Due(h.t.Context(), 0, h.Now()))))
		if len(due) == 0 {
			return did
		}
		for _, d := range due {
			o, err := h.engine.Advance(h.t.Context(), d)
			if err != nil && !optout.Recorded(err) {
				h.t.Fatal(err)
			}
			did[o]++
		}
	}
	h.t.Fatal("something stays due for ever")
	return nil
}

func TestAFormGoesToItsPracticeAndThePracticeIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	if steps := h.form(ref).Steps(); len(steps) != 1 || steps[0].Step != "received" {
		t.Errorf("public steps before the first Advance: %v", steps)
	}
	h.sweep()
	s := h.form(ref).State()
	if s.Status != optout.StatusRouted || s.Owner != optout.OwnerPractice || s.Practice.String() != "A81001" || s.Next != optout.NextRemind {
		t.Errorf("the form's state is %+v", s)
	}
	if steps := h.form(ref).Steps(); len(steps) != 2 || steps[1].Step != "in-hand" {
		t.Errorf("public steps after it: %v", steps)
	}
	if want := (digest.Notice{Practice: "A81001", To: "a81001@practice.example", AtLeast: 1}); len(h.post.Mails()) != 1 || h.post.Mails()[0] != want {
		t.Errorf("mails %v, want one %v", h.post.Mails(), want)
	}
	d := h.practice("A81001").Digest
	if d.Mails != 1 || !d.Due.IsZero() || !d.Lease.IsZero() || len(d.Attempts) != 1 || d.Attempts[0].Outcome != "sent" || d.Attempts[0].ID != "m-1" {
		t.Errorf("the attempt is recorded as %+v", d)
	}
}

// A store keeps milliseconds; a clock does not. The sender must know its own claim again.
func TestAMailIsRecordedWhateverTheClocksFineness(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(123456 * time.Nanosecond)
	h.register(nil)
	h.Move(time.Second)
	h.sweep()
	if d := h.practice("A81001").Digest; d.Mails != 1 || !d.Lease.IsZero() {
		t.Errorf("%d mails sent, recorded as %+v", len(h.post.Mails()), d)
	}
}

func TestAtMostOneMailADayHoweverManyForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for n := range 48 {
		h.register(nil)
		h.sweep()
		if days := n/24 + 1; len(h.post.Mails()) != days {
			t.Fatalf("after %d hours there are %d mails, want %d", n, len(h.post.Mails()), days)
		}
		h.Move(time.Hour)
	}
	if got := h.post.Mails()[1].Oldest; got != 1 {
		t.Errorf("the mail of the next day says that the oldest form has waited for %d days", got)
	}
	if got := h.post.Mails()[1].AtLeast; got < 24 {
		t.Errorf("the second mail says at least %d, want 24 or more", got)
	}
}

func TestPracticesOwnAddressComesFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	code := h.practice("A81001").Code
	if _, err := h.custody.SetEmail(t.Context(), code, optout.Actor{Role: optout.AtPractice, Practice: code, ID: "u-1"}, "forms@densham.example"); err != nil {
		t.Fatal(err)
	}
	h.sweep()
	if len(h.post.Mails()) != 1 || h.post.Mails()[0].To != "forms@densham.example" {
		t.Errorf("mails %v", h.post.Mails())
	}
}

func TestRemindersOnDay2And14And28(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	var days []int
	for d := range 60 {
		h.sweep()
		if len(h.post.Mails()) > len(days) {
			days = append(days, d)
		}
		h.Move(24 * time.Hour)
	}
	// From a Sunday; days 14, 28 and 56 are Sundays too, so it is the Monday after.
	if want := []int{0, 2, 15, 29, 57}; !slices.Equal(days, want) {
		t.Errorf("mails on days %v, want %v", days, want)
	}
}

// The engine runs for 60 days and reminds, or puts off what is the office's: by when it should have been done stays.
func TestBeingToldAgainMovesNoDeadline(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"routed", "collected", "applied", "in doubt", "identity not verified", "withdrawn by person", "unrouted", "deceased", "other"} {
		h := newHouse(t)
		ref := reach[state](h)
		first := h.form(ref)
		for range 60 {
			h.Move(24 * time.Hour)
			h.sweep()
		}
		last := h.form(ref)
		if !last.Due.After(first.Due) || !last.Due.After(h.Now()) {
			t.Errorf("%s: the engine has not looked at it: due %v", state, last.Due)
		}
		if by := first.State().Deadline(); by.IsZero() || !last.State().Deadline().Equal(by) || !by.Before(h.Now()) {
			t.Errorf("%s: to be done by %v, and after 60 days by %v", state, by, last.State().Deadline())
		}
	}
}

// What cannot go on is the office's from the first time, however often it fails.
func TestFailingAgainDoesNotGiveTheOfficeMoreTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(func(a *optout.Answers) { a.Practice = "" })
	h.sweep()
	by := h.form(ref).State().Deadline()
	h.Move(72 * time.Hour)
	f := h.form(ref)
	failed := f.With(optout.Event{At: h.Now(), By: "engine", Kind: optout.Failed, Detail: map[string]string{"fault": "cannot-advance"}})
	if s := failed.State(); !s.Deadline().Equal(by) || s.Fault != "cannot-advance" {
		t.Errorf("to be done by %v, and then by %v, for %q", by, s.Deadline(), s.Fault)
	}
}

func TestWhatHasNoPracticeGoesToTheOffice(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*optout.Answers){
		"no-practice":    func(a *optout.Answers) { a.Practice = "" },
		"not-registered": func(a *optout.Answers) { a.Practice, a.NotRegistered = "", true },
		"about-unknown":  func(a *optout.Answers) { a.Kind, a.Choice, a.About = "withdrawal", "", reference },
	} {
		h := newHouse(t)
		ref := h.register(change)
		if did := h.sweep(); did[optout.ToOffice] != 1 {
			t.Errorf("%s: %v", want, did)
		}
		f := h.form(ref)
		if s := f.State(); s.Owner != optout.OwnerOffice || s.Fault != want || s.Next != optout.NextAssign || f.Due.Sub(h.Now()) != 48*time.Hour {
			t.Errorf("%s: state %+v", want, s)
		}
		h.Move(48 * time.Hour)
		h.sweep()
		if f := h.form(ref); f.Version() != 2 || !f.Due.After(h.Now()) {
			t.Errorf("%s: waiting for a person made %d events, due %v", want, f.Version(), f.Due)
		}
		if len(h.post.Mails()) != 0 {
			t.Errorf("%s: mails %v", want, h.post.Mails())
		}
	}
}

func TestAFormForAClosedPracticeGoesToItsSuccessorOrToTheOffice(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"A81001": "practice A81001 ", "A81002": "practice A81001 A81002", "A81003": "office  "} {
		h := newHouse(t)
		h.engine.Practices = practices{}
		ref := h.register(func(a *optout.Answers) { a.Practice = code })
		h.sweep()
		f := h.form(ref)
		if got := string(f.State().Owner) + " " + f.State().Practice.String() + " " + f.Events[1].Detail["instead"]; got != want {
			t.Errorf("a form for %s: %q, want %q", code, got, want)
		}
		if f.State().Owner == optout.OwnerOffice && f.State().Fault != "practice-closed" {
			t.Errorf("the office is told %q", f.State().Fault)
		}
	}
}

func TestThe65thFormOfAPersonGoesToTheOffice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one := func(a *optout.Answers) { a.Subject.NHSNumber = "900 000 0009" }
	for range optout.MostForms {
		h.register(one)
	}
	ref := h.register(one)
	h.sweep()
	if s := h.form(ref).State(); s.Owner != optout.OwnerOffice || s.Fault != "too-many-forms" {
		t.Errorf("state %+v", s)
	}
}

func TestAFailureThatMayPassIsTriedAgainInGrowingSteps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.post.Fail(&digest.Undelivered{Code: "TooManyRequestsException"})
	start := h.Now()
	var tried []time.Duration
	for h.Now().Sub(start) < 3*time.Hour {
		before := len(h.practice("A81001").Digest.Attempts)
		h.sweep()
		if len(h.practice("A81001").Digest.Attempts) > before {
			tried = append(tried, h.Now().Sub(start)/time.Minute)
		}
		h.Move(time.Minute)
	}
	if want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 127}; !slices.Equal(tried, want) {
		t.Errorf("tried in minutes %v, want %v", tried, want)
	}
	h.post.Fail(nil)
	h.Move(6 * time.Hour)
	h.sweep()
	if d := h.practice("A81001").Digest; len(h.post.Mails()) != 1 || d.Tries != 0 || d.Attempts[len(d.Attempts)-1].Outcome != "sent" {
		t.Errorf("when it passed: %d mails, %+v", len(h.post.Mails()), d)
	}
}

func TestAFailureForGoodGoesToTheOfficeAndBlocksNobody(t *testing.T) {
	t.Parallel()
	for want, arrange := range map[string]func(*house){
		"mail-rejected": func(h *house) { h.post.Fail(&digest.Undelivered{Code: "mail-rejected", Hope: digest.Refused}) },
		"no-address":    func(h *house) { h.engine.Address = "" },
	} {
		h := newHouse(t)
		ref := h.register(nil)
		arrange(h)
		h.sweep()
		d := h.practice("A81001").Digest
		if d.Fault != want || d.Due.Sub(h.Now()) != 24*time.Hour {
			t.Errorf("%s: %+v", want, d)
		}
		if s := h.form(ref).State(); s.Owner != optout.OwnerPractice {
			t.Errorf("%s: the form left its practice's list: %+v", want, s)
		}
		h.post.Fail(nil)
		h.engine.Address = "{ods}@practice.example"
		h.register(func(a *optout.Answers) { a.Practice = "A81002" })
		h.sweep()
		if len(h.post.Mails()) != 1 || h.post.Mails()[0].To != "a81002@practice.example" {
			t.Errorf("%s: another practice gets %v", want, h.post.Mails())
		}
		h.Move(24 * time.Hour)
		h.sweep()
		if d := h.practice("A81001").Digest; len(h.post.Mails()) != 2 || d.Fault != "" {
			t.Errorf("%s: mended, %d mails, %+v", want, len(h.post.Mails()), d)
		}
	}
}

func TestAnItemThatCannotBeReadGoesToTheOfficeAndBlocksNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	broken, whole := h.register(nil), h.register(func(a *optout.Answers) { a.Practice = "A81002" })
	h.Tamper(broken, func(f *optout.Form) { f.Events[0].By = "somebody else" })
	if did := h.sweep(); did[optout.ToOffice] != 1 {
		t.Errorf("outcomes %v", did)
	}
	if h.form(whole).State().Status != optout.StatusRouted || len(h.post.Mails()) != 1 {
		t.Error("the other form waits for the broken one")
	}
	h.Tamper(broken, func(f *optout.Form) {
		if f.Fault != "unreadable" || f.Version() != 1 || !f.Due.Equal(h.Now().Add(48*time.Hour)) {
			t.Errorf("the broken form: fault %q, version %d, due %v", f.Fault, f.Version(), f.Due)
		}
		f.Events[0].By = "online" // mended
	})
	h.Move(48 * time.Hour)
	h.sweep()
	if f := h.form(broken); f.State().Status != optout.StatusRouted || f.Fault != "" {
		t.Errorf("mended, it stands at %+v, fault %q", f.State(), f.Fault)
	}
}

func TestALeaseLetsOneSenderSendAndExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	for d := range h.Due(t.Context(), 0, h.Now()) { // route only
		if _, err := h.engine.Advance(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	p := h.practice("A81001")
	p.Digest.Lease, p.Digest.Due = h.Now().Add(3*time.Minute), h.Now().Add(3*time.Minute) // a sender took it, and died
	if err := h.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	h.sweep()
	if len(h.post.Mails()) != 0 {
		t.Error("two senders at once")
	}
	h.Move(3 * time.Minute)
	h.sweep()
	if len(h.post.Mails()) != 1 {
		t.Errorf("after the lease: %d mails, want 1", len(h.post.Mails()))
	}
}

func TestAFormThatComesWhileTheMailIsSentIsToldTheNextDay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	var late optout.Reference
	h.engine.Post = postFunc(func(ctx context.Context, n digest.Notice) (string, error) {
		if late.IsZero() {
			late = h.register(nil)
			if _, err := h.engine.Advance(ctx, optout.Due{Noun: optout.DueForm, ID: late.Key()}); err != nil {
				t.Error(err)
			}
		}
		return h.post.Tell(ctx, n)
	})
	h.sweep()
	if len(h.post.Mails()) != 1 {
		t.Fatalf("%d mails on the first day", len(h.post.Mails()))
	}
	if d := h.practice("A81001").Digest; d.Due.Sub(h.Now()) != 24*time.Hour || d.Asked != late.Key() {
		t.Errorf("the practice is due again in %v on behalf of %v", d.Due.Sub(h.Now()), d.Asked)
	}
	h.Move(24 * time.Hour)
	h.sweep()
	if len(h.post.Mails()) != 2 {
		t.Errorf("%d mails on the second day, want 2", len(h.post.Mails()))
	}
}

type postFunc func(context.Context, digest.Notice) (string, error)

func (f postFunc) Tell(ctx context.Context, n digest.Notice) (string, error) { return f(ctx, n) }

func TestAnIndexThatLagsStillTellsOfTheFormThatAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.engine.Store = lagging{h.Memory}
	h.sweep()
	if len(h.post.Mails()) != 1 || h.post.Mails()[0].AtLeast != 1 {
		t.Errorf("mails %v, want one of at least 1", h.post.Mails())
	}
}

// lagging is a store whose list of what waits has not caught up.
type lagging struct{ *optouttest.Memory }

func (lagging) Waiting(context.Context, nhs.ODSCode) (int, error) { return 0, nil }

func TestNobodyIsToldOfNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.practice("A81001")
	p.Digest.Due = h.Now()
	if err := h.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	h.sweep()
	if d := h.practice("A81001").Digest; len(h.post.Mails()) != 0 || !d.Due.IsZero() {
		t.Errorf("%d mails, %+v", len(h.post.Mails()), d)
	}
}

// From both sides at once, late and twice: every form is routed once, each practice gets one mail.
func TestStreamAndSweeperTogetherDoEverythingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var due []optout.Due
		for n := range 40 {
			code := fmt.Sprintf("A8100%d", n%5)
			due = append(due, optout.Due{Noun: optout.DueForm, ID: h.register(func(a *optout.Answers) { a.Practice = code }).Key()})
			due = append(due, optout.Due{Noun: optout.DuePractice, ID: code})
		}
		var all sync.WaitGroup
		for side := range 4 {
			all.Go(func() {
				order := rand.New(rand.NewPCG(3, uint64(side))).Perm(3 * len(due))
				for _, n := range order {
					if _, err := h.engine.Advance(context.Background(), due[n%len(due)]); err != nil && !errors.Is(err, optout.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		h.sweep()
		for _, d := range due {
			if ref, err := optout.ParseReference(d.ID); err == nil {
				if f := h.form(ref); f.Version() != 2 {
					t.Errorf("%s has %d events, want 2", d.ID, f.Version())
				}
			}
		}
		if len(h.post.Mails()) != 5 {
			t.Errorf("%d mails for five practices", len(h.post.Mails()))
		}
	})
}

// Conflicts, throttling and lost answers at every call: nothing is lost, every practice is told, and each mail
// that was sent twice had its record lost.
func TestTheEngineUnderRandomFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				refs := map[optout.Reference]string{}
				for n := range 12 {
					code := fmt.Sprintf("A8100%d", n%6)
					refs[h.register(func(a *optout.Answers) { a.Practice = code })] = code
				}
				random := rand.New(rand.NewPCG(seed, 1))
				h.Fate = func(string) optouttest.Fate { return optouttest.Fate(max(0, random.IntN(12)-8)) }
				h.sweepHours(1)
				h.Fate = nil
				h.sweepHours(12)
				told := map[string]int{}
				for _, m := range h.post.Mails() {
					told[m.To]++
				}
				for ref, code := range refs {
					f := h.form(ref)
					if f.Version() != 2 || f.State().Practice.String() != code || f.Fault != "" {
						t.Errorf("form for %s: %d events, %+v, fault %q", code, f.Version(), f.State(), f.Fault)
					}
					if told[fmt.Sprintf("a8100%c@practice.example", code[5])] == 0 {
						t.Errorf("%s was never told", code)
					}
				}
				recorded := 0
				for _, code := range []string{"A81000", "A81001", "A81002", "A81003", "A81004", "A81005"} {
					d := h.practice(code).Digest
					recorded += d.Mails
					if !d.Lease.IsZero() || d.Fault != "" || d.Mails != 1 {
						t.Errorf("%s is left at %+v", code, d)
					}
				}
				if doubled, unrecorded := len(h.post.Mails())-6, len(h.post.Mails())-recorded; doubled > unrecorded {
					t.Errorf("%d mails too many, but only %d went unrecorded", doubled, unrecorded)
				}
			})
		})
	}
}
