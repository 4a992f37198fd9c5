// Package quota limits how often one network does something in a span of time, so that nobody uses up what is there
// for everybody. It is polite: who is over a limit is told when to come again, and a counter that cannot be reached
// refuses nobody. What is counted is hidden before it is stored.
package quota

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"example.org/optout/functions/internal/observe"
)

// Counter keeps counts for all processes. Every implementation passes optouttest.Conformance.
type Counter interface {
	// Count adds one to what has been counted under a key and gives the sum: 1 at first. After expires the count is
	// forgotten, but nobody can say when, so a key is not for use beyond that. optout.ErrUnavailable if the table
	// cannot be reached now: it may or may not have been counted. A repeated call counts again.
	Count(ctx context.Context, key string, expires time.Time) (int, error)

	// Counted reads strongly what has been counted under a key: 0 if nothing was. optout.ErrUnavailable.
	Counted(ctx context.Context, key string) (int, error)
}

// Limit is how many of something there may be in how long.
type Limit struct {
	Name string        // of what is limited; every limit has a name of its own
	Most int           // 0: no limit, and nothing is written
	Per  time.Duration // windows of this length follow one another; each starts at nothing
}

// Gate says what is within a limit. It is safe for use from several goroutines.
//
// It remembers what has reached its limit and asks no more about that. So a flood writes to its key as often as the
// limit says and once more from each other process, which does one thing at a time, and then no longer.
type Gate struct {
	Counter Counter
	Hide    func(parts ...string) string // gives a key from which nobody can tell the parts
	Now     func() time.Time

	mu      sync.Mutex
	reached map[string]bool // keys; they have their window in them, so that none is true of another window
}

// Take counts one more of somebody's and says whether it is within the limit; again is when the next window begins.
func (g *Gate) Take(ctx context.Context, l Limit, whose string) (ok bool, again time.Time) {
	left, again := g.left(ctx, l, whose, g.Counter.Count)
	return left >= 0, again
}

// Full looks, without counting, whether somebody has reached the limit, so that one more would be over it.
func (g *Gate) Full(ctx context.Context, l Limit, whose string) (full bool, again time.Time) {
	left, again := g.left(ctx, l, whose, func(ctx context.Context, key string, _ time.Time) (int, error) {
		return g.Counter.Counted(ctx, key)
	})
	return left <= 0, again
}

// left is how many more there may be in this window: below zero is over the limit, and what cannot be known is plenty.
func (g *Gate) left(ctx context.Context, l Limit, whose string, count func(context.Context, string, time.Time) (int, error)) (left int, ends time.Time) {
	start := g.Now().Truncate(l.Per)
	ends = start.Add(l.Per)
	if l.Most <= 0 {
		return math.MaxInt, ends
	}
	key := g.Hide(l.Name, strconv.FormatInt(start.UnixNano(), 10), whose)
	if g.hasReached(key) {
		return -1, ends
	}
	n, err := count(ctx, key, ends)
	if err != nil {
		observe.Count(ctx, "QuotaUnknown", 1)
		observe.Cause(ctx, fmt.Errorf("limit of %s: %w", l.Name, err))
		return math.MaxInt, ends
	}
	if n >= l.Most {
		g.remember(key)
	}
	return l.Most - n, ends
}

func (g *Gate) hasReached(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reached[key]
}

// mostRemembered is how many keys a gate remembers; some 300 KB.
const mostRemembered = 4096

// remember forgets all others when there are too many, those of windows that have ended among them: each costs one
// more call, and is remembered again.
func (g *Gate) remember(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reached == nil || len(g.reached) >= mostRemembered {
		g.reached = map[string]bool{}
	}
	g.reached[key] = true
}
