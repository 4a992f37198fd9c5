package optout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// odd is a store of which some calls behave oddly.
type odd struct {
	*optouttest.Memory
	save     func(optout.Practice) error                           // before SaveDigest; nil error: go on
	record   func(optout.Form) error                               // before Record
	changed  func(optout.Change)                                   // before Record
	form     func(optout.Reference)                                // before Form
	practice func(optout.Practice, error) (optout.Practice, error) // after Practice
}

func (o odd) SaveDigest(ctx context.Context, p optout.Practice) error {
	if o.save != nil {
		if err := o.save(p); err != nil {
			return err
		}
	}
	return o.Memory.SaveDigest(ctx, p)
}

func (o odd) Record(ctx context.Context, c optout.Change) error {
	if o.record != nil {
		if err := o.record(c.Form); err != nil {
			return err
		}
	}
	if o.changed != nil {
		o.changed(c)
	}
	return o.Memory.Record(ctx, c)
}

func (o odd) Form(ctx context.Context, r optout.Reference) (optout.Form, error) {
	if o.form != nil {
		o.form(r)
	}
	return o.Memory.Form(ctx, r)
}

func (o odd) Practice(ctx context.Context, c nhs.ODSCode) (optout.Practice, error) {
	p, err := o.Memory.Practice(ctx, c)
	if o.practice != nil {
		return o.practice(p, err)
	}
	return p, err
}

// sweepHours sweeps once a minute and passes over what fails, as the sweeper does.
func (h *house) sweepHours(hours int) {
	for range hours * 60 {
		for d, err := range h.Due(h.t.Context(), 0, h.Now()) {
			if err == nil {
				_, _ = h.engine.Advance(h.t.Context(), d)
			}
		}
		h.Move(time.Minute)
	}
}

// A sender that dies after each mail and never records one must not send a mail every few minutes.
func TestASenderThatNeverRecordsSendsFewMails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.register(nil)
		h.engine.Store = odd{Memory: h.Memory, save: func(p optout.Practice) error {
			if p.Digest.Mails > 0 {
				return optout.ErrUnavailable
			}
			return nil
		}}
		h.sweepHours(24)
		if n := len(h.post.Mails()); n < 2 || n > 12 {
			t.Errorf("%d mails in a day, want a few", n)
		}
	})
}

func TestARecordIsTriedAgainBeforeAMailIsDoubled(t *testing.T) {
	t.Parallel()
	for _, fate := range []optouttest.Fate{optouttest.Throttle, optouttest.Conflict, optouttest.Lost} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			h.register(nil)
			saves := 0
			h.Fate = func(method string) optouttest.Fate {
				if method == "SaveDigest" {
					saves++ // the first is the claim, the second the record
				}
				if method == "SaveDigest" && saves == 2 {
					return fate
				}
				return optouttest.Fine
			}
			h.sweepHours(72)
			if d := h.practice("A81001").Digest; len(h.post.Mails()) != 2 || d.Mails != 2 { // the first, and that of day 2
				t.Errorf("fate %d: %d mails, recorded as %+v", fate, len(h.post.Mails()), d)
			}
		})
	}
}

func TestAMailIsRecordedThoughTheSenderIsOutOfTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweepForms()
	ctx, cancel := context.WithCancel(t.Context())
	h.engine.Post = postFunc(func(c context.Context, n digest.Notice) (string, error) {
		defer cancel()
		return h.post.Tell(c, n)
	})
	h.engine.Store = mortal{h.Memory}
	if did, err := h.engine.Advance(ctx, optout.Due{Noun: optout.DuePractice, ID: "A81001"}); did != optout.Told || err != nil {
		t.Errorf("%s, %v", did, err)
	}
	if d := h.practice("A81001").Digest; d.Mails != 1 {
		t.Errorf("recorded as %+v", d)
	}
}

// mortal is a store that heeds deadlines, as a real one does.
type mortal struct{ *optouttest.Memory }

func (m mortal) SaveDigest(ctx context.Context, p optout.Practice) error {
	if ctx.Err() != nil {
		return optout.ErrUnavailable
	}
	return m.Memory.SaveDigest(ctx, p)
}

// sweepForms advances forms, not yet the practices that they make due.
func (h *house) sweepForms() {
	h.t.Helper()
	for d := range h.Due(h.t.Context(), 0, h.Now()) {
		if _, err := h.engine.Advance(h.t.Context(), d); err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestAMailThatMayHaveBeenCarriedIsNotRepeatedSoon(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.engine.Post = postFunc(func(ctx context.Context, n digest.Notice) (string, error) {
		_, _ = h.post.Tell(ctx, n)
		return "", &digest.Undelivered{Code: "no-answer", Hope: digest.Unanswered}
	})
	h.sweepHours(24)
	if n := len(h.post.Mails()); n > 12 {
		t.Errorf("%d mails in a day", n)
	}
	if a := h.practice("A81001").Digest.Attempts; len(a) == 0 || a[0].Outcome != "no-answer" {
		t.Errorf("attempts %v", a)
	}
}

// The stream tells of every write of a digest: one that cannot be read must not be written each time it is looked at.
func TestADigestThatCannotBeReadIsWrittenOnceInAWhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweepForms()
	writes := 0
	h.Fate = func(method string) optouttest.Fate {
		if method == "Postpone" || method == "SaveDigest" {
			writes++
		}
		return optouttest.Fine
	}
	h.engine.Store = odd{Memory: h.Memory, practice: func(p optout.Practice, err error) (optout.Practice, error) {
		return optout.Practice{Code: p.Code, Digest: digest.Digest{Due: p.Digest.Due}}, optout.ErrUnreadable
	}}
	for n := range 50 {
		did, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DuePractice, ID: "A81001"})
		if first := n == 0; first != (did == optout.ToOffice) || first != optout.Recorded(err) {
			t.Fatalf("look %d: %s, %v", n, did, err)
		}
	}
	if writes != 1 {
		t.Errorf("50 looks made %d writes", writes)
	}
}

func TestAPanicStaysWithItsItem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bad := h.register(nil)
	good := h.register(func(a *optout.Answers) { a.Practice = "A81002" })
	h.engine.Store = odd{Memory: h.Memory, form: func(r optout.Reference) {
		if r == bad {
			panic("Quillfeather")
		}
	}}
	_, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: bad.Key()})
	if err == nil || optout.Recorded(err) || !strings.Contains(err.Error(), "failure_test.go:") || strings.Contains(err.Error(), "Quillfeather") {
		t.Errorf("the panic is told as %v", err)
	}
	if did, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: good.Key()}); did != optout.Moved || err != nil {
		t.Errorf("another form: %s, %v", did, err)
	}
}

// What cannot be done for good is an event: the person sees that it is in hand, the office sees why, and once it is
// mended the form goes on.
func TestAnUnhappyEndIsAnEventToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	broken := true
	h.engine.Store = odd{Memory: h.Memory, record: func(f optout.Form) error {
		if broken && f.Events[len(f.Events)-1].Kind == optout.Routed {
			return errors.New("ValidationException")
		}
		return nil
	}}
	did, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()})
	if did != optout.ToOffice || !optout.Recorded(err) || !strings.Contains(err.Error(), "ValidationException") {
		t.Errorf("%s, %v", did, err)
	}
	f := h.form(ref)
	if s := f.State(); f.Version() != 2 || f.Events[1].Kind != optout.Failed || s.Owner != optout.OwnerOffice || s.Fault != "cannot-advance" || s.Next != optout.NextSettle {
		t.Errorf("%d events, %+v", f.Version(), f.State())
	}
	if steps := f.Steps(); len(steps) != 2 || steps[1].Step != optout.StepInHand {
		t.Errorf("public steps %v", steps)
	}
	broken = false
	h.Move(48 * time.Hour)
	h.sweep()
	if s := h.form(ref).State(); s.Owner != optout.OwnerPractice || s.Fault != "" || len(h.post.Mails()) != 1 {
		t.Errorf("mended: %+v, %d mails", s, len(h.post.Mails()))
	}
}

func TestAPracticeKeepsItsFormThoughRemindingFails(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	h.sweep()
	h.engine.Store = odd{Memory: h.Memory, record: func(f optout.Form) error {
		if f.Events[len(f.Events)-1].Kind == optout.Reminded {
			return errors.New("ValidationException")
		}
		return nil
	}}
	h.Move(48 * time.Hour)
	h.sweep()
	if s := h.form(ref).State(); s.Owner != optout.OwnerPractice || s.Fault != "cannot-advance" || s.Next != optout.NextRemind {
		t.Errorf("%+v", s)
	}
}

func TestAFormThatCannotBeWrittenNowIsTriedInGrowingSteps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	h.engine.Store = odd{Memory: h.Memory, record: func(optout.Form) error { return optout.ErrUnavailable }}
	for n, want := range []time.Duration{1, 2, 4, 8, 16} {
		did, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()})
		f := h.form(ref)
		if did != optout.Postponed || !optout.Recorded(err) || f.Tries != n+1 || f.Due.Sub(h.Now()) != want*time.Minute || f.Version() != 1 || f.Fault != "" {
			t.Errorf("failure %d: %s, %v; %d tries, due in %v, fault %q", n+1, did, err, f.Tries, f.Due.Sub(h.Now()), f.Fault)
		}
		h.Move(want * time.Minute)
	}
}

func TestClocksThatWereWrongSilenceNobody(t *testing.T) {
	t.Parallel()
	t.Run("a door a year ahead", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.Move(365 * 24 * time.Hour)
		a := optouttest.Dissent()
		r, err := registrar(h.Memory, h.Clock).Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
		if err != nil {
			t.Fatal(err)
		}
		h.Move(-365 * 24 * time.Hour)
		if did, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: r.Reference.Key()}); did != optout.Moved || err != nil {
			t.Errorf("the stream names it: %s, %v", did, err)
		}
	})
	t.Run("a sender a year ahead", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.Move(365 * 24 * time.Hour)
		h.register(nil)
		h.sweep()
		h.Move(-365 * 24 * time.Hour)
		h.register(nil)
		h.sweep()
		if n := len(h.post.Mails()); n != 2 {
			t.Errorf("%d mails, want the wrong one and today's", n)
		}
	})
}

func TestLateRemindersDoNotShiftTheLaterOnes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweep()
	h.Move(5 * 24 * time.Hour) // nobody swept
	var days []int
	for d := 5; d < 60; d++ {
		before := len(h.post.Mails())
		h.sweep()
		if len(h.post.Mails()) > before {
			days = append(days, d)
		}
		h.Move(24 * time.Hour)
	}
	if fmt.Sprint(days) != "[5 15 29 57]" { // the Mondays after days 14, 28 and 56
		t.Errorf("reminded on days %v, want 5, 15, 29 and 57", days)
	}
}

func TestWhatAPersonSaidNeverPrintsItself(t *testing.T) {
	t.Parallel()
	a := optouttest.Dissent()
	a.Proxy = &optout.Proxy{Name: "Maria Quillfeather", Capacity: "deputy"}
	f := optouttest.Accepted(a)
	var out strings.Builder
	for _, v := range []any{a, &a, a.Subject, a.Proxy, *a.Reply, f, &f, []any{a, f}, map[string]any{"a": a}, struct{ F optout.Facts }{f}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	for _, secret := range []string{"Quillfeather", "O'Neill", "Lawson", "TS18", "1957", "900 000", "quillfeather.example"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q can be read in %s", secret, out.String())
		}
	}
}

// What failed, and could not even be put off because somebody else was at it, is not done: who was first may not have done
// what is due. (Found by the simulator: the stream was told that it is done, and the form stood as it was.)
func TestWhatCannotEvenBePutOffIsNotSaidToBeDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := h.register(func(*optout.Answers) {})
	h.Fate = func(method string) optouttest.Fate {
		return map[string]optouttest.Fate{"Record": optouttest.Throttle, "Postpone": optouttest.Conflict}[method]
	}
	due := optout.Due{Noun: optout.DueForm, ID: f.Key()}
	if _, err := h.engine.Advance(t.Context(), due); err == nil || optout.Recorded(err) {
		t.Errorf("the form stands as it was, and the engine says %v", err)
	}
	h.Fate = nil
	if did, err := h.engine.Advance(t.Context(), due); err != nil || did != optout.Moved {
		t.Errorf("then it says %v, %v", did, err)
	}
}

// That somebody set what a form asks for after it had ended is an event and nothing else, also of a form that takes something
// back. (Found by the simulator: the practice was told that its code was wrong, which it was not.)
func TestAnApplicationOfWhatWasTakenBackIsOnlyNoted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.register(func(*optout.Answers) {})
	ref := h.register(func(a *optout.Answers) { a.Kind, a.Choice, a.About = "withdrawal", "", first.String() })
	h.advance(ref)
	h.say(ref, "col")
	h.giveBack(ref, optout.WithdrawnByPerson)
	h.say(ref, "tak")
	a := optout.Application{On: nhs.DateOf(h.Now()), Code: nhs.Codebook{}.Codes(nhs.Implied).ReadV2, Asked: true}
	if _, err := h.custody.Apply(t.Context(), ref, practice, said("k-late"), a); err != nil {
		t.Fatal(err)
	}
	if f := h.form(ref); f.State().Status != optout.StatusWithdrawn || f.Events[f.Version()-1].Kind != optout.Applied || !f.State().Said.IsZero() {
		t.Errorf("it is %s, and its last event %s", f.State().Status, f.Events[f.Version()-1].Kind)
	}
	a.Code = nhs.Codebook{}.Codes(nhs.Dissent).ReadV2
	if _, err := h.custody.Apply(t.Context(), ref, practice, said("k-wrong"), a); err == nil {
		t.Error("with the code of what it takes back it is noted, too")
	}
}
