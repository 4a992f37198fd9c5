package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSchedulesFireWhenAWSWould(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, expression, after string
		want                    []string
	}{
		{"every minute", "rate(1 minute)", "2026-11-22T20:00:00Z", []string{"2026-11-22T20:01:00Z", "2026-11-22T20:02:00Z"}},
		{"every five minutes from within", "rate(5 minutes)", "2026-11-22T20:03:10Z", []string{"2026-11-22T20:05:00Z", "2026-11-22T20:10:00Z"}},
		{"every day", "rate(1 day)", "2026-11-22T20:00:00Z", []string{"2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"}},
		{"at three each day", "cron(0 3 * * ? *)", "2026-11-22T03:00:00Z", []string{"2026-11-23T03:00:00Z"}},
		{"weekdays at a quarter past the hour from 8 to 10", "cron(15 8-10 ? * MON-FRI *)", "2026-11-20T10:00:00Z", []string{"2026-11-20T10:15:00Z", "2026-11-23T08:15:00Z"}},
		{"weekdays by number, Sunday first", "cron(0 0 ? * 1 *)", "2026-11-22T00:00:00Z", []string{"2026-11-29T00:00:00Z"}},
		{"every ten minutes", "cron(0/10 * * * ? *)", "2026-11-22T20:51:00Z", []string{"2026-11-22T21:00:00Z", "2026-11-22T21:10:00Z"}},
		{"the first of January and July", "cron(0 12 1 JAN,JUL ? *)", "2026-11-22T20:00:00Z", []string{"2027-01-01T12:00:00Z", "2027-07-01T12:00:00Z"}},
		{"leap days", "cron(0 0 29 2 ? *)", "2026-11-22T20:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"a range of years in steps", "cron(0 0 1 1 ? 2027-2031/2)", "2026-11-22T20:00:00Z", []string{"2027-01-01T00:00:00Z", "2029-01-01T00:00:00Z", "2031-01-01T00:00:00Z", ""}},
		{"never again", "cron(0 0 1 1 ? 2020)", "2026-11-22T20:00:00Z", []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			when, err := parseTimetable(tt.expression)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				at = when.next(at)
				got := ""
				if !at.IsZero() {
					got = at.Format(time.RFC3339)
				}
				if got != want {
					t.Fatalf("fires at %s, want %s", got, want)
				}
			}
		})
	}
}

func TestSchedulesThatAreNotUnderstoodAreRefused(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		"", "rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "rate(1 week)", "every minute", "cron(0 3 * * ?)", "cron(0 3 * * * *)", "cron(0 3 ? * ? *)",
		"cron(60 3 * * ? *)", "cron(0 3 L * ? *)", "cron(0 3 15W * ? *)", "cron(0 3 ? * 6#3 *)", "cron(0 3 0 * ? *)", "cron(0 3 ? * 0 *)", "cron(5-1 3 * * ? *)", "cron(0/0 3 * * ? *)", "cron(0 ? * * ? *)", "at(2026-11-22T20:00:00)",
	} {
		if _, err := parseTimetable(expression); err == nil {
			t.Errorf("%q was accepted", expression)
		}
	}
}

// script is a fake function: it fails as often as told and notes its events.
type script struct {
	mu       sync.Mutex
	failures int
	events   []map[string]any
}

func (s *script) invoke(_ context.Context, payload []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e map[string]any
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	s.events = append(s.events, e)
	if s.failures > 0 {
		s.failures--
		return nil, &functionError{Type: "Asked", Message: "to fail"}
	}
	return []byte(`"done"`), nil
}

func (s *script) seen() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.events...)
}

func newSchedules(f invoker, on bool) (*schedules, *[]string) {
	complaints := &[]string{}
	var mu sync.Mutex
	return &schedules{
		plans:     []schedulePlan{{function: "F", event: "Minute", retries: 2, when: every(time.Minute)}},
		functions: map[string]invoker{"F": f}, on: newToggle(on),
		complain: func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			*complaints = append(*complaints, fmt.Sprintf(format, args...))
		},
	}, complaints
}

func TestAScheduleFiresOnTheMinuteWhileTheSweeperIsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &script{}
		s, _ := newSchedules(f, true)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.run(ctx); close(done) }()
		began := time.Now()
		time.Sleep(2*time.Minute + time.Second)
		s.on.set(false)
		time.Sleep(3 * time.Minute)
		cancel()
		<-done
		events := f.seen()
		if len(events) != 2 {
			t.Fatalf("fired %d times, want 2", len(events))
		}
		for k, want := range map[string]any{
			"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": "000000000000", "region": "eu-west-2",
			"time": began.UTC().Truncate(time.Minute).Add(time.Minute).Format(time.RFC3339),
		} {
			if events[0][k] != want {
				t.Errorf("%s is %v, want %v", k, events[0][k], want)
			}
		}
		if got := fmt.Sprint(events[0]["resources"]); got != "[arn:aws:events:eu-west-2:000000000000:rule/local-FMinute]" {
			t.Errorf("resources are %s", got)
		}
	})
}

func TestAFailedFiringIsRepeatedTwiceWithTheSameEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &script{failures: 99}
		s, complaints := newSchedules(f, true)
		s.fire(t.Context(), s.plans[0], time.Now())
		events := f.seen()
		if len(events) != 3 || len(*complaints) != 1 {
			t.Fatalf("%d attempts and %d complaints, want 3 and 1", len(events), len(*complaints))
		}
		if events[0]["id"] != events[2]["id"] {
			t.Error("the last attempt had another event than the first")
		}
	})
}

func TestAScheduleCanBeSentWithAnyTimeThoughTheSweeperIsOff(t *testing.T) {
	t.Parallel()
	f := &script{}
	s, _ := newSchedules(f, false)
	reply, err := s.send(t.Context(), "F/Minute", time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil || string(reply) != `"done"` {
		t.Fatalf("reply %s, error %v", reply, err)
	}
	if got := f.seen()[0]["time"]; got != "2031-01-02T03:04:05Z" {
		t.Errorf("the event's time is %v", got)
	}
	if _, err := s.send(t.Context(), "F/Nothing", time.Now()); !errors.Is(err, errNoSuchSchedule) {
		t.Errorf("an unknown schedule: %v", err)
	}
	f.failures = 1
	if _, err := s.send(t.Context(), "F/Minute", time.Now()); err == nil {
		t.Error("the function's failure is not told")
	}
}
