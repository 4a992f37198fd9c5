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
// out, since they would do nothing. All partitions are looked at when a schedule has run and when the goal is another one; in
// between those that have changed are enough: what the others have due is planned.
func (w *World) sweepSoon() {
	parts := w.Table.Touched("due")
	if w.goal != w.plannedFor {
		w.plannedFor, parts = w.goal, w.Table.Partitions("due")
	}
	clear(w.firsts)
	for partition, sk := range parts {
		for n, s := range w.schedules {
			if (w.firsts[n] == "" || sk < w.firsts[n]) && s.Due(partition) {
				w.firsts[n] = sk
			}
		}
	}
	for n, s := range w.schedules {
		if w.firsts[n] == "" {
			continue
		}
		at, _, _ := strings.Cut(w.firsts[n], "#")
		first, err := time.Parse(time.RFC3339, at)
		if err != nil || first.After(w.goal) {
			continue
		}
		if now := w.Now(); first.Before(now) {
			first = now
		}
		w.plan(s, first.Truncate(sweeperPeriod).Add(sweeperPeriod))
	}
}

// plan has a schedule run at a time, unless it runs before. A run that is missed is missed once: the next one is a minute later.
func (w *World) plan(s *Schedule, at time.Time) {
	if !s.planned.IsZero() && !at.Before(s.planned) {
		return
	}
	s.planned = at
	w.at(at, func() {
		if !s.planned.Equal(at) { // it runs before
			return
		}
		s.planned, w.plannedFor = time.Time{}, time.Time{}
		if w.stormy && w.chance(w.weather.Clock) {
			w.fault("schedule missed")
			return
		}
		w.tick(s)
		if w.stormy && w.chance(w.weather.Clock/2) {
			w.fault("schedule twice at once")
			w.tick(s)
		}
	})
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
