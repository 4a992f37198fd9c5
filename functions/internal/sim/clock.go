package sim

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Schedule is a function that is run every minute.
type Schedule struct {
	Name  string
	Long  time.Duration
	Serve func(context.Context, events.EventBridgeEvent) error
	// Due says whether a partition of what is due is this function's to look through.
	Due func(partition string) bool

	planned time.Time // when the next run of it is on the agenda for; zero: none is
}

// sweepSoon plans the next run of each schedule: there is one every minute, but those that find nothing due are left
// out, since they would do nothing.
func (w *World) sweepSoon() {
	for _, s := range w.schedules {
		first := time.Time{}
		for partition, sk := range w.Table.Partitions("due") {
			at, _, _ := strings.Cut(sk, "#")
			if due, err := time.Parse(time.RFC3339, at); err == nil && s.Due(partition) && (first.IsZero() || due.Before(first)) {
				first = due
			}
		}
		if first.IsZero() || first.After(w.goal) {
			continue
		}
		if now := w.Now(); first.Before(now) {
			first = now
		}
		at := first.Truncate(sweeperPeriod).Add(sweeperPeriod)
		if !s.planned.IsZero() && !at.Before(s.planned) {
			continue
		}
		if w.stormy {
			for w.chance(w.weather.Clock) {
				w.fault("schedule missed")
				at = at.Add(time.Minute)
			}
		}
		s.planned = at
		w.at(at, func() {
			if s.planned.Equal(at) {
				s.planned = time.Time{}
			}
			w.tick(s)
			if w.stormy && w.chance(w.weather.Clock/2) {
				w.fault("schedule twice at once")
				w.tick(s)
			}
		})
	}
}

// tick runs a schedule once.
func (w *World) tick(s *Schedule) {
	at := w.Now()
	if w.stormy && w.chance(w.weather.Clock/2) {
		w.fault("schedule event delivered late")
		at = at.Add(-time.Duration(1+w.wind.IntN(5)) * time.Minute)
	}
	w.Start(s.Name, s.Long, func(ctx context.Context) { _ = s.Serve(ctx, events.EventBridgeEvent{Time: at}) }, nil)
}

// sweeperPeriod is how often what is due is looked through.
const sweeperPeriod = time.Minute

func itoa(n int) string { return strconv.Itoa(n) }
