// Package job is what runs without a request: advancing what the stream names and what is due.
package job

import (
	"context"
	"strings"
	"sync"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
)

// atOnce is how many things one function advances at the same time: they wait for the network, not for the CPU.
const atOnce = 8

// Notify advances everything that a slice of the stream names, each thing once, and gives the index of the first
// record whose thing could not even be postponed.
func Notify(e optout.Engine) func(context.Context, []trigger.Named) (int, error) {
	return func(ctx context.Context, named []trigger.Named) (int, error) {
		var (
			mu    sync.Mutex
			first = len(named)
			cause error
			seen  = map[optout.Due]bool{}
			work  = newWorkers(atOnce)
		)
		for i, n := range named {
			d, ok := dynamo.Named(n.PK, n.SK)
			if !ok || seen[d] {
				continue
			}
			seen[d] = true
			work.run(func() {
				if err := advance(ctx, e, d); err != nil {
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
}

// advance advances one thing and counts what came of it.
func advance(ctx context.Context, e optout.Engine, d optout.Due) error {
	did, err := e.Advance(ctx, d)
	if err != nil {
		observe.Count(ctx, "AdvanceFailed", 1)
		return err
	}
	observe.Count(ctx, metric(did), 1)
	return nil
}

// metric is the name under which an outcome is counted: to-office → AdvanceToOffice.
func metric(o optout.Outcome) string {
	name := "Advance"
	for part := range strings.SplitSeq(string(o), "-") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	return name
}

// workers run a bounded number of things at the same time.
type workers struct {
	slots chan struct{}
	all   sync.WaitGroup
}

func newWorkers(n int) *workers { return &workers{slots: make(chan struct{}, n)} }

// run starts f as soon as there is a place for it.
func (w *workers) run(f func()) {
	w.slots <- struct{}{}
	w.all.Go(func() {
		defer func() { <-w.slots }()
		f()
	})
}

func (w *workers) wait() { w.all.Wait() }
