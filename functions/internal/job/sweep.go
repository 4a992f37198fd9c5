package job

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
)

// Sweep advances everything that is due. It starts at a random shard, so that a run which is out of time does not
// always leave out the same ones; what fails stays due and does not keep the others waiting.
func Sweep(e optout.Engine) func(context.Context, func() time.Time) error {
	return func(ctx context.Context, now func() time.Time) error {
		e := e // another run may be under way
		e.Now = now
		until := now()
		due := func(shard int) iter.Seq2[optout.Due, error] { return e.Store.Due(ctx, shard, until) }
		return sweep(ctx, e.Store.DueShards(), atOnce, due, func(d optout.Due) error { return advance(ctx, e, d) })
	}
}

// sweep does something for each thing that is due, shard by shard and several at a time.
func sweep[T any](ctx context.Context, shards, atOnce int, due func(shard int) iter.Seq2[T, error], do func(T) error) error {
	var (
		mu     sync.Mutex
		causes []error
		found  int
		work   = newWorkers(min(atOnce, shards))
		start  = steady.Chance(shards)
	)
	for n := range shards {
		work.run(func() {
			for thing, err := range due((start + n) % shards) {
				if err == nil {
					err = do(thing)
				}
				mu.Lock()
				found++
				if err != nil && len(causes) < 5 {
					causes = append(causes, err)
				}
				mu.Unlock()
				if errors.Is(err, errNoTime) || ctx.Err() != nil {
					return
				}
			}
		})
	}
	work.wait()
	observe.Count(ctx, "Due", found)
	if err := errors.Join(causes...); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
