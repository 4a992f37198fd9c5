package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/trigger"
)

type mailbox struct {
	sync.Mutex
	to []string
}

func (m *mailbox) Tell(_ context.Context, n optout.Notice) (string, error) {
	m.Lock()
	defer m.Unlock()
	m.to = append(m.to, n.To)
	return "m", nil
}

func engine(m *optouttest.Memory, post optout.Post, c *optouttest.Clock) optout.Engine {
	return optout.Engine{Store: m, Post: post, Address: "{ods}@practice.example", Now: c.Now}
}

func register(t *testing.T, m *optouttest.Memory, n int) optout.Reference {
	t.Helper()
	a := optouttest.Dissent()
	a.Practice = fmt.Sprintf("A%05d", n)
	r, err := optout.Registrar{Store: m, Keys: optouttest.Keys{}, Now: optouttest.NewClock().Now}.Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
	if err != nil {
		t.Fatal(err)
	}
	return r.Reference
}

func TestASliceIsAdvancedEachThingOnceAndStrangersArePassedOver(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &mailbox{}, optouttest.NewClock()
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
	done, err := job.Notify(engine(m, &mailbox{}, c))(t.Context(), named)
	if done != 2 || !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("the first failure is at %d (%v), want 2", done, err)
	}
}

func TestASweepDoesAllThatIsDueAtItsOwnNow(t *testing.T) {
	t.Parallel()
	m, post, c := &optouttest.Memory{}, &mailbox{}, optouttest.NewClock()
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
	if len(post.to) != len(refs) {
		t.Errorf("%d practices told, want %d", len(post.to), len(refs))
	}
	later := func() time.Time { return c.Now().Add(48 * time.Hour) } // the reminders of day 2
	for range 2 {
		if err := sweep(t.Context(), later); err != nil {
			t.Fatal(err)
		}
	}
	if len(post.to) != 2*len(refs) {
		t.Errorf("after two days %d mails, want %d", len(post.to), 2*len(refs))
	}
}

func TestASweepThatCannotReadSaysSo(t *testing.T) {
	t.Parallel()
	m, c := &optouttest.Memory{Fate: func(string) optouttest.Fate { return optouttest.Throttle }}, optouttest.NewClock()
	if err := job.Sweep(engine(m, &mailbox{}, c))(t.Context(), c.Now); err == nil || !strings.HasPrefix(err.Error(), "sweep: ") {
		t.Errorf("%v", err)
	}
}
