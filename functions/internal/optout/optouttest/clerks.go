package optouttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// saying is something that a person at a practice says of a form.
type saying func(ctx context.Context, c optout.Custody, ref optout.Reference, by optout.Actor) (optout.Answer, error)

// contest is what two people of one practice do to one form at once.
type contest struct {
	name    string
	collect bool // the form has been collected
	do      [2]saying
	loser   map[optout.Status]string // what the other one is told, by where the form stands then: a code, or = for the first answer
}

func application(code, key string) saying {
	return func(ctx context.Context, c optout.Custody, ref optout.Reference, by optout.Actor) (optout.Answer, error) {
		return c.Apply(ctx, ref, by, optout.Said{Key: key}, optout.Application{On: nhs.DateOf(c.Now()), Code: code})
	}
}

func giveBack(why optout.Reason) saying {
	return func(ctx context.Context, c optout.Custody, ref optout.Reference, by optout.Actor) (optout.Answer, error) {
		return c.Return(ctx, ref, by, optout.Said{Text: "so"}, why)
	}
}

func collecting(ctx context.Context, c optout.Custody, ref optout.Reference, by optout.Actor) (optout.Answer, error) {
	return c.Collect(ctx, ref, by, optout.Said{})
}

// contests name every outcome.
var contests = []contest{
	{
		"both collect it", false,
		[2]saying{collecting, collecting},
		map[optout.Status]string{optout.StatusCollected: "="},
	},
	{
		"both apply it with one code", true,
		[2]saying{application("9Ndo.", "1"), application("9Ndo.", "2")},
		map[optout.Status]string{optout.StatusApplied: "="},
	},
	{
		"they apply it with different codes", true,
		[2]saying{application("9Ndo.", "1"), application("XaXj6", "2")},
		map[optout.Status]string{optout.StatusApplied: "NOT_NOW"},
	},
	{
		"they apply it with different codes under one key", true,
		[2]saying{application("9Ndo.", "1"), application("XaXj6", "1")},
		map[optout.Status]string{optout.StatusApplied: "KEY_USED"},
	},
	{
		"one applies it, one returns it to the office", true,
		[2]saying{application("9Ndo.", ""), giveBack(optout.OtherReason)},
		map[optout.Status]string{optout.StatusApplied: "NOT_NOW", optout.StatusReturned: "FORBIDDEN"},
	},
	{
		"one applies it, one doubts who it is", true,
		[2]saying{application("9Ndo.", ""), giveBack(optout.IdentityNotVerified)},
		map[optout.Status]string{optout.StatusApplied: "NOT_NOW", optout.StatusReturned: "NOT_NOW"},
	},
	{
		"they return it for different reasons", true,
		[2]saying{giveBack(optout.Safeguarding), giveBack(optout.Coercion)},
		map[optout.Status]string{optout.StatusReturned: "NOT_NOW"},
	},
}

// Clerks has two people of one practice at one form at once, rounds times: they claim it, then each says something of
// it. Exactly one of them is first, the other is told so by name, and one thing is on record.
func Clerks(t *testing.T, store optout.Store, work worklist.Store, rounds int) {
	for _, c := range contests {
		won := [2]int{}
		for range rounds {
			w := newWorld(t, store)
			ref := w.arrive("no")
			w.look(ref)
			claimOnce(t, w, work, ref)
			if c.collect {
				w.act(w.custody.Collect(w.ctx, ref, w.practice, optout.Said{}))
			}
			version := w.form(ref).Version()
			answers, errs := [2]optout.Answer{}, [2]error{}
			atOnce(func(n int) {
				answers[n], errs[n] = c.do[n](w.ctx, w.custody, ref, clerk(n))
			})
			f := w.form(ref)
			first := 0
			if errs[0] != nil || answers[0].Repeat {
				first = 1
			}
			won[first]++
			told, refusal := "=", (*optout.Refusal)(nil)
			if errors.As(errs[1-first], &refusal) {
				told = refusal.Code
			}
			other := answers[1-first]
			switch last := f.Events[f.Version()-1]; {
			case errs[first] != nil || answers[first].Repeat:
				t.Fatalf("%s: neither was first: %v, %v", c.name, errs[0], errs[1])
			case told != c.loser[f.State().Status] || told == "=" && (errs[1-first] != nil || !other.Repeat || other.Event.Seq != last.Seq):
				t.Fatalf("%s: it is %s, and the other one is told %s (%v)", c.name, f.State().Status, told, errs[1-first])
			case f.Version() != version+1 || last.By != clerk(first).String() || last.Hash != answers[first].Event.Hash:
				t.Fatalf("%s: %d events on record, the last one by %s", c.name, f.Version()-version, last.By)
			}
		}
		t.Logf("%s: %d times the one was first, %d times the other", c.name, won[0], won[1])
	}
}

func clerk(n int) optout.Actor {
	return optout.Actor{Role: []optout.Role{optout.AtPractice, optout.Clinician}[n], Practice: odsCode("A81001"), ID: []string{"u-1", "u-2"}[n]}
}

// claimOnce has both claim a form: one gets it, the other is told who has it, and gets it once it is let go.
func claimOnce(t *testing.T, w *world, work worklist.Store, ref optout.Reference) {
	t.Helper()
	claims, errs := [2]worklist.Claim{}, [2]error{}
	claim := func(n int) {
		claims[n], errs[n] = work.Claim(w.ctx, ref, worklist.Claim{By: clerk(n).String(), Until: w.Now().Add(10 * time.Minute)}, w.Now())
	}
	atOnce(claim)
	first := 0
	if errs[0] != nil {
		first = 1
	}
	if errs[first] != nil || !errors.Is(errs[1-first], worklist.ErrHeld) || claims[1-first].By != clerk(first).String() {
		t.Fatalf("claimed at once: %v and %v, %v", claims, errs[0], errs[1])
	}
	for _, n := range []int{1 - first, first} { // who has not got it lets nothing go
		if err := work.Release(w.ctx, ref, clerk(n).String()); err != nil {
			t.Fatal(err)
		}
		if claim(1 - first); n != first && !errors.Is(errs[1-first], worklist.ErrHeld) || n == first && errs[1-first] != nil {
			t.Fatalf("claimed after %s let it go: %v", clerk(n), errs[1-first])
		}
	}
}

// atOnce does something for both at the same time.
func atOnce(do func(n int)) {
	var both sync.WaitGroup
	start := make(chan struct{})
	for n := range 2 {
		both.Go(func() {
			<-start
			do(n)
		})
	}
	close(start)
	both.Wait()
}
