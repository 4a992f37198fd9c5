package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"example.org/optout/functions/internal/observe"
)

func TestEveryInvocationWritesOneLineWithItsMetrics(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	o := observe.New("patient", &out, func() time.Time { now = now.Add(7 * time.Millisecond); return now })
	failure := errors.New("the table is away")
	for n, want := range []error{nil, failure} {
		err := o.Invocation(t.Context(), "http", "r-1", func(ctx context.Context) error {
			observe.Count(ctx, "FormsRegistered", 1)
			observe.Count(ctx, "FormsRegistered", 1)
			observe.Note(ctx, "route", "not known yet")
			observe.Note(ctx, "code", "x")
			observe.Note(ctx, "route", "POST /api/forms")
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("invocation %d gives %v", n, err)
		}
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("%d lines for two invocations:\n%s", len(lines), out.String())
	}
	for n, raw := range lines {
		var line struct {
			Level, Function, Trigger, Request, Route, Error  string
			DurationMs                                       float64
			FormsRegistered, Invocations, Errors, ColdStarts int
			AWS                                              struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal(raw, &line); err != nil {
			t.Fatal(err)
		}
		if line.Function != "patient" || line.Trigger != "http" || line.Request != "r-1" || line.Route != "POST /api/forms" || line.FormsRegistered != 2 || line.Invocations != 1 || line.DurationMs != 7 {
			t.Errorf("line %d: %+v", n, line)
		}
		if (n == 0) != (line.ColdStarts == 1) || (n == 1) != (line.Errors == 1) || (n == 1) != (line.Error == failure.Error()) {
			t.Errorf("line %d: cold %d, errors %d, %q", n, line.ColdStarts, line.Errors, line.Error)
		}
		// Every metric that is declared stands in the line as a number: what CloudWatch needs to find it.
		var whole map[string]any
		if err := json.Unmarshal(raw, &whole); err != nil {
			t.Fatal(err)
		}
		m := line.AWS.CloudWatchMetrics[0]
		if m.Namespace != observe.Namespace || len(m.Metrics) < 3 || m.Dimensions[0][0] != "Function" || line.AWS.Timestamp == 0 {
			t.Errorf("line %d: %+v", n, line.AWS)
		}
		for _, metric := range m.Metrics {
			if _, ok := whole[metric.Name].(float64); !ok {
				t.Errorf("line %d declares %s and does not have it", n, metric.Name)
			}
		}
	}
}

func TestOutsideAnInvocationNothingIsGathered(t *testing.T) {
	t.Parallel()
	observe.Count(t.Context(), "x", 1)
	observe.Note(t.Context(), "x", "y")
}
