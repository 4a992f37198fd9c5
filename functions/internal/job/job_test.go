package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/trigger"
)

func engine(m *optouttest.Memory, post digest.Post, c *optouttest.Clock) optout.Engine {
	return optout.Engine{Store: m, Post: post, Address: "{ods}@practice.example", Now: c.Now}
}

func register(t *testing.T, m *optouttest.Memory, n int) optout.Reference {
	t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number()
	a.Practice = fmt.Sprintf("A%05d", n)
	r, err := optout.Registrar{Store: m, Keys: optouttest.Keys{}, Now: optouttest.NewClock().Now}.Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
	if err != nil {
		t.Fatal(err)
	}
	return r.Reference
}

func TestASliceIsAdvancedEachThingOnceAndStrangersArePassedOver(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &optouttest.Mailbox{}, optouttest.NewClock()
	var named []trigger.Named
	for n := range 20 {
		ref := register(t, m, n)
		named = append(named, trigger.Named{PK: "F#" + ref.Key(), SK: "F"}, trigger.Named{PK: "N#x", SK: "P"}, trigger.Named{}, trigger.Named{PK: "F#" + ref.Key(), SK: "L#2026"})
	}
	calls := 0
	m.Fate = func(method string) optouttest.Fate {
		if method == "Form" {
			calls++
		}
		return optouttest.Fine
	}
	done, err := job.Notify(engine(m, post, c))(t.Context(), append(named, named...))
	if err != nil || done != 2*len(named) {
		t.Errorf("%d of %d, %v", done, 2*len(named), err)
	}
	if calls != 20 {
		t.Errorf("20 forms were read %d times", calls)
	}
}

func TestTheFirstThingThatCouldNotEvenBePostponedIsNamed(t *testing.T) {
	t.Parallel()
	m, c := &optouttest.Memory{}, optouttest.NewClock()
	named := make([]trigger.Named, 5)
	for n := range named {
		named[n] = trigger.Named{PK: "F#" + register(t, m, n).Key(), SK: "F"}
	}
	named[0], named[1] = trigger.Named{PK: "N#x", SK: "P"}, trigger.Named{PK: "W#x", SK: "P"}
	m.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	done, err := job.Notify(engine(m, &optouttest.Mailbox{}, c))(t.Context(), named)
	if done != 2 || !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("the first failure is at %d (%v), want 2", done, err)
	}
}

func TestASweepDoesAllThatIsDueAtItsOwnNow(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &optouttest.Mailbox{}, optouttest.NewClock()
	refs := make([]optout.Reference, 30)
	for n := range refs {
		refs[n] = register(t, m, n)
	}
	sweep := job.Sweep(engine(m, post, c))
	for range 2 { // forms first, then the practices that they made due
		if err := sweep(t.Context(), c.Now); err != nil {
			t.Fatal(err)
		}
	}
	if len(post.Mails()) != len(refs) {
		t.Errorf("%d practices told, want %d", len(post.Mails()), len(refs))
	}
	later := func() time.Time { return c.Now().Add(48 * time.Hour) } // the reminders of day 2
	for range 2 {
		if err := sweep(t.Context(), later); err != nil {
			t.Fatal(err)
		}
	}
	if len(post.Mails()) != 2*len(refs) {
		t.Errorf("after two days %d mails, want %d", len(post.Mails()), 2*len(refs))
	}
}

func TestASweepThatCannotReadSaysSo(t *testing.T) {
	t.Parallel()
	m, c := &optouttest.Memory{Fate: func(string) optouttest.Fate { return optouttest.Throttle }}, optouttest.NewClock()
	if err := job.Sweep(engine(m, &optouttest.Mailbox{}, c))(t.Context(), c.Now); err == nil || !strings.HasPrefix(err.Error(), "sweep: ") {
		t.Errorf("%v", err)
	}
}

// A function that is nearly out of time begins with nothing: what it leaves is still due.
func TestNothingIsBegunThatCannotBeEnded(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &optouttest.Mailbox{}, optouttest.NewClock()
	named := []trigger.Named{{PK: "F#" + register(t, m, 1).Key(), SK: "F"}}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if done, err := job.Notify(engine(m, post, c))(ctx, named); done != 0 || err == nil {
		t.Errorf("notify did %d, %v", done, err)
	}
	if err := job.Sweep(engine(m, post, c))(ctx, c.Now); err == nil {
		t.Error("the sweep does not say that it left something")
	}
	if err := job.Sweep(engine(m, post, c))(t.Context(), c.Now); err != nil {
		t.Error(err)
	}
}

// A failure that is on record is no failure of the function, but its line names the thing and the cause.
func TestAFailureOnRecordIsNamedInTheLine(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &optouttest.Mailbox{}, optouttest.NewClock()
	register(t, m, 1)
	post.Fail(&digest.Undelivered{Code: "TooManyRequestsException"})
	var log bytes.Buffer
	for range 2 {
		err := observe.New("clock-sweep", &log, time.Now).Invocation(t.Context(), "schedule", "r", func(ctx context.Context) error {
			return job.Sweep(engine(m, post, c))(ctx, c.Now)
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{`"causes":["practice A00001: notice: TooManyRequestsException"]`, `"AdvancePostponed":1`, `"level":"ERROR"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log.String())
		}
	}
}

func TestWhatBecameOfAMailIsCounted(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &optouttest.Mailbox{}, optouttest.NewClock()
	register(t, m, 1)
	for range 2 {
		if err := job.Sweep(engine(m, post, c))(t.Context(), c.Now); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []struct {
		news trigger.MailNews
		want string
	}{
		{trigger.MailNews{Practice: "densham@practice.example", ID: "m-1", News: digest.Bounced}, `"MailNewsNothing":1`},
		{trigger.MailNews{Practice: "A00001", ID: "m-7", News: digest.Bounced}, `"MailNewsNothing":1`},
		{trigger.MailNews{Practice: "A00001", ID: "m-1", News: digest.BouncedForNow}, `"MailNewsMoved":1`},
		{trigger.MailNews{Practice: "A00001", ID: "m-1", News: digest.Bounced}, `"MailNewsToOffice":1`},
		{trigger.MailNews{Practice: "A00001", ID: "m-1", News: digest.Bounced}, `"MailNewsNothing":1`},
	} {
		var log bytes.Buffer
		err := observe.New("bounce", &log, time.Now).Invocation(t.Context(), "mail", "r", func(ctx context.Context) error {
			return job.Hear(engine(m, post, c))(ctx, s.news)
		})
		if err != nil || !strings.Contains(log.String(), s.want) || strings.Contains(log.String(), "@") {
			t.Errorf("%+v: %v, %s", s.news, err, log.String())
		}
	}
	m.Fate = func(string) optouttest.Fate { return optouttest.Broken }
	if err := job.Hear(engine(m, post, c))(t.Context(), trigger.MailNews{Practice: "A00001", ID: "m-1", News: digest.Bounced}); err == nil {
		t.Error("what could not be taken in is not said again")
	}
}
