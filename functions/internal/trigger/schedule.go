package trigger

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/observe"
)

// Schedule serves a scheduled event. The run's "now" is the event's time or the clock's, whichever is later: an
// event that was delivered late must not act as if nothing had happened since.
func Schedule(o *observe.Observer, clock func() time.Time, run func(ctx context.Context, now func() time.Time) error) func(context.Context, events.EventBridgeEvent) error {
	return func(ctx context.Context, e events.EventBridgeEvent) error {
		return o.Invocation(ctx, "schedule", requestID(ctx), func(ctx context.Context) error {
			ahead := max(e.Time.Sub(clock()), 0)
			return run(ctx, func() time.Time { return clock().Add(ahead) })
		})
	}
}
