package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
)

// Sweep advances everything that is due. It starts at a random shard, so that a run which is out of time does not
// always leave out the same ones; what fails stays due and does not keep the others waiting.
func Sweep(e optout.Engine) func(context.Context, func() time.Time) error {
	return func(ctx context.Context, now func() time.Time) error {
		e.Now = now
		var (
			mu     sync.Mutex
			causes []error
			found  int
			work   = newWorkers(atOnce)
			shards = e.Store.DueShards()
			start  = rand.N(shards)
			until  = now()
		)
		for n := range shards {
			work.run(func() {
				for d, err := range e.Store.Due(ctx, (start+n)%shards, until) {
					if err == nil {
						err = advance(ctx, e, d)
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
}
