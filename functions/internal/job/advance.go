// Package job is what runs without a request: advancing what the stream names and what is due.
package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
)

const (
	// atOnce is how many things one function advances at the same time: they wait for the network, not for the CPU.
	atOnce = 8
	// leastTime is what a function must have left to begin with one more thing: longer than that thing may take.
	leastTime = 25 * time.Second
)

// errNoTime means that the function has too little time left: what it has not begun is still due.
var errNoTime = errors.New("too little time is left to begin with it")

// Notify advances everything that a slice of the stream names, each thing once, and gives the index of the first
// record whose thing is still due as it was.
func Notify(e optout.Engine) func(context.Context, []trigger.Named) (int, error) {
	return func(ctx context.Context, named []trigger.Named) (int, error) {
		return slice(named, atOnce, dynamo.Named, func(d optout.Due) error { return advance(ctx, e, d) })
	}
}

// slice does something for each thing that a slice of the stream names, several at a time and each once, and gives the
// index of the first record for whose thing it failed, with its cause.
func slice[T comparable](named []trigger.Named, atOnce int, of func(pk, sk string) (T, bool), do func(T) error) (int, error) {
	var (
		mu    sync.Mutex
		first = len(named)
		cause error
		seen  = map[T]bool{}
		work  = newWorkers(min(atOnce, len(named)))
	)
	for i, n := range named {
		thing, ok := of(n.PK, n.SK)
		if !ok || seen[thing] {
			continue
		}
		seen[thing] = true
		work.run(func() {
			if err := do(thing); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if i < first {
					first, cause = i, err
				}
			}
		})
	}
	work.wait()
	return first, cause
}

// timeLeft says whether a function has time to begin with one more thing.
func timeLeft(ctx context.Context) bool { return lasts(ctx, leastTime) }

// lasts says whether a function goes on for that long.
func lasts(ctx context.Context, long time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) >= long
}

// advance advances one thing and counts what came of it. A failure that is on record is named in the line of the
// invocation and is no error of it.
func advance(ctx context.Context, e optout.Engine, d optout.Due) error {
	if !timeLeft(ctx) {
		observe.Count(ctx, "AdvanceLeft", 1)
		return errNoTime
	}
	did, err := e.Advance(ctx, d)
	switch {
	case err == nil:
	case optout.Recorded(err):
		observe.Cause(ctx, fmt.Errorf("%s %s: %w", d.Noun, d.ID, err))
	default:
		observe.Count(ctx, "AdvanceFailed", 1)
		return fmt.Errorf("%s %s: %w", d.Noun, d.ID, err)
	}
	observe.Count(ctx, metric("Advance", string(did)), 1)
	return nil
}

// metric is the name under which an outcome is counted: Advance, to-office → AdvanceToOffice.
func metric(name, outcome string) string {
	for part := range strings.SplitSeq(outcome, "-") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	return name
}

// workers run a bounded number of things at the same time; where it is one, whoever brings it does it.
type workers struct {
	slots chan struct{}
	all   sync.WaitGroup
}

func newWorkers(n int) *workers { return &workers{slots: make(chan struct{}, n)} }

// run starts f as soon as there is a place for it.
func (w *workers) run(f func()) {
	if cap(w.slots) < 2 {
		f()
		return
	}
	w.slots <- struct{}{}
	w.all.Go(func() {
		defer func() { <-w.slots }()
		f()
	})
}

func (w *workers) wait() { w.all.Wait() }
