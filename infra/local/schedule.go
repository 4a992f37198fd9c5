package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// timetable says when a schedule fires next, strictly after a moment; the zero time means never again.
type timetable interface {
	next(after time.Time) time.Time
}

// every is rate(…). It fires at multiples of its period since 1970, so that stopping and starting the runner moves
// nothing; on AWS the rule's own creation is the origin.
type every time.Duration

func (e every) next(after time.Time) time.Time {
	d := time.Duration(e)
	periods := time.Duration(after.UnixNano()) / d
	return time.Unix(0, int64((periods+1)*d)).UTC()
}

// calendar is cron(…) with the six fields of AWS, in UTC.
type calendar struct {
	minute, hour, day, month, weekday, year []bool // index 0 is the field's lowest value
	anyDay, anyWeekday                      bool   // "?": the other one decides
}

const firstYear, lastYear = 1970, 2199

func (c calendar) next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= lastYear {
		if t.Year() < firstYear || !c.year[t.Year()-firstYear] {
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if !c.month[t.Month()-1] {
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if !(c.anyDay || c.day[t.Day()-1]) || !(c.anyWeekday || c.weekday[t.Weekday()]) {
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if !c.hour[t.Hour()] {
			t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour()+1, 0, 0, 0, time.UTC)
			continue
		}
		if !c.minute[t.Minute()] {
			t = t.Add(time.Minute)
			continue
		}
		return t
	}
	return time.Time{}
}

var rateExpression = regexp.MustCompile(`^rate\((\d+) (minute|minutes|hour|hours|day|days)\)$`)

// parseTimetable reads rate(…) and cron(…). L, W and # are refused, as is everything else that is not understood.
func parseTimetable(expression string) (timetable, error) {
	if m := rateExpression.FindStringSubmatch(expression); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > 100_000 {
			return nil, fmt.Errorf("%s: the number must be at least 1", expression)
		}
		if (n == 1) == strings.HasSuffix(m[2], "s") {
			return nil, fmt.Errorf("%s: AWS wants the singular for 1 and the plural otherwise", expression)
		}
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
		return every(time.Duration(n) * unit[strings.TrimSuffix(m[2], "s")]), nil
	}
	inner, ok := strings.CutPrefix(expression, "cron(")
	inner, ok2 := strings.CutSuffix(inner, ")")
	fields := strings.Fields(inner)
	if !ok || !ok2 || len(fields) != 6 {
		return nil, fmt.Errorf("%s: neither rate(n unit) nor cron with six fields", expression)
	}
	months := []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdays := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	c := calendar{anyDay: fields[2] == "?", anyWeekday: fields[4] == "?"}
	if c.anyDay == c.anyWeekday {
		return nil, fmt.Errorf("%s: exactly one of day-of-month and day-of-week must be ?", expression)
	}
	for i, f := range []struct {
		name        string
		into        *[]bool
		lowest, top int
		names       []string
	}{
		{"minute", &c.minute, 0, 59, nil},
		{"hour", &c.hour, 0, 23, nil},
		{"day-of-month", &c.day, 1, 31, nil},
		{"month", &c.month, 1, 12, months},
		{"day-of-week", &c.weekday, 1, 7, weekdays},
		{"year", &c.year, firstYear, lastYear, nil},
	} {
		if fields[i] == "?" && (i == 2 || i == 4) {
			continue
		}
		set, err := parseField(fields[i], f.lowest, f.top, f.names)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", expression, f.name, err)
		}
		*f.into = set
	}
	return c, nil
}

// parseField reads one field of a cron expression: values, ranges, steps and lists of them.
func parseField(field string, lowest, top int, names []string) ([]bool, error) {
	value := func(s string) (int, error) {
		if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
			return lowest + i, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < lowest || n > top {
			return 0, fmt.Errorf("%q is not understood or not between %d and %d", s, lowest, top)
		}
		return n, nil
	}
	set := make([]bool, top-lowest+1)
	for _, part := range strings.Split(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%q is no step", stepText)
			}
		}
		from, to := lowest, top
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			var err error
			if from, err = value(first); err != nil {
				return nil, err
			}
			switch {
			case isRange:
				if to, err = value(last); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
			if to < from {
				return nil, fmt.Errorf("%q runs backwards", span)
			}
		}
		for n := from; n <= to; n += step {
			set[n-lowest] = true
		}
	}
	return set, nil
}

// scheduledEvent is what EventBridge sends a function when a rule fires.
func scheduledEvent(p schedulePlan, at time.Time) []byte {
	b, err := json.Marshal(map[string]any{
		"version": "0", "id": newUUID(), "detail-type": "Scheduled Event", "source": "aws.events",
		"account": account, "region": region, "time": at.UTC().Format("2006-01-02T15:04:05Z"),
		"resources": []string{"arn:aws:events:" + region + ":" + account + ":rule/" + stackName + "-" + p.function + p.event},
		"detail":    map[string]any{},
	})
	if err != nil {
		panic(err) // only texts in it
	}
	return b
}

// invoker runs a function once and returns its reply. A *functionError says that the function, not the runner,
// failed.
type invoker interface {
	invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// schedules fires the template's schedules while its switch is on.
type schedules struct {
	plans     []schedulePlan
	functions map[string]invoker
	on        *toggle
	complain  func(format string, args ...any)

	mu   sync.Mutex
	last map[string]time.Time
}

// run fires until the context ends, then waits for what it started.
func (s *schedules) run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, p := range s.plans {
		running.Go(func() {
			for {
				at := p.when.next(time.Now())
				if at.IsZero() || !waitUntil(ctx, at) {
					return
				}
				if s.on.isOn() {
					running.Go(func() { s.fire(ctx, p, at) })
				}
			}
		})
	}
	<-ctx.Done()
}

// fire invokes the function of one schedule, and again if that fails.
func (s *schedules) fire(ctx context.Context, p schedulePlan, at time.Time) {
	s.note(p, at)
	invokeLater(ctx, s.functions[p.function], scheduledEvent(p, at), p.retries, func(err error) {
		s.complain("%s at %s failed for good: %v", p.name(), at.Format(time.RFC3339), err)
	})
}

func (s *schedules) note(p schedulePlan, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[p.name()] = at
}

func (s *schedules) lastTime(name string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[name]
}

var errNoSuchSchedule = errors.New("no such schedule")

// send invokes the function of one schedule with a time of one's choice and returns its reply, which is JSON. It does
// not look at the switch.
func (s *schedules) send(ctx context.Context, name string, at time.Time) (json.RawMessage, error) {
	i := slices.IndexFunc(s.plans, func(p schedulePlan) bool { return p.name() == name })
	if i < 0 {
		return nil, fmt.Errorf("%w as %q", errNoSuchSchedule, name)
	}
	p := s.plans[i]
	s.note(p, at)
	reply, err := s.functions[p.function].invoke(ctx, scheduledEvent(p, at))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !json.Valid(reply) {
		return json.Marshal(string(reply))
	}
	return reply, nil
}

// waitUntil looks at the clock at least every minute, because timers stand still while a laptop sleeps.
func waitUntil(ctx context.Context, at time.Time) bool {
	for {
		left := time.Until(at)
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !pause(ctx, min(left, time.Minute)) {
			return false
		}
	}
}

// pause waits, and tells whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
