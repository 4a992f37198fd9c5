// Package observe writes one canonical line for each invocation: what came in, what came of it, how long it took.
// The line is JSON and carries its figures in CloudWatch's embedded metric format, so that a log is all a metric
// needs. It holds codes and counts, never what a person said.
package observe

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Namespace is where the metrics appear in CloudWatch.
const Namespace = "OptOut"

// Observer writes the lines of one function.
type Observer struct {
	log      *slog.Logger
	function string
	now      func() time.Time
	cold     sync.Once
}

// New observes a function of this name, writing to w.
func New(function string, w io.Writer, now func() time.Time) *Observer {
	return &Observer{log: slog.New(slog.NewJSONHandler(w, nil)), function: function, now: now}
}

// Line gathers what one invocation has to say. It is safe for use from several goroutines.
type Line struct {
	mu     sync.Mutex
	notes  map[string]string
	counts map[string]int
	causes []string
}

// What CloudWatch needs to find metrics in a line: the embedded metric format.
type (
	embedded struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metric
	}
	metric struct{ Name, Unit string }
)

type lineKey struct{}

// Invocation runs one invocation and writes its line. The error is written whole; the caller gets it back.
func (o *Observer) Invocation(ctx context.Context, trigger, request string, run func(context.Context) error) error {
	l := &Line{notes: map[string]string{}, counts: map[string]int{}}
	o.cold.Do(func() { l.counts["ColdStarts"] = 1 })
	began := o.now()
	err := run(context.WithValue(ctx, lineKey{}, l))
	took := o.now().Sub(began)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts["Invocations"] = 1
	attrs := []slog.Attr{slog.String("Function", o.function), slog.String("trigger", trigger), slog.String("request", request)}
	for _, k := range slices.Sorted(maps.Keys(l.notes)) {
		attrs = append(attrs, slog.String(k, l.notes[k]))
	}
	level := slog.LevelInfo
	if len(l.causes) > 0 {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("causes", l.causes))
	}
	if err != nil {
		level = slog.LevelError
		l.counts["Errors"] = 1
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	metrics := append(make([]metric, 0, len(l.counts)+1), metric{"DurationMs", "Milliseconds"})
	attrs = append(attrs, slog.Float64("DurationMs", float64(took.Microseconds())/1000))
	for _, k := range slices.Sorted(maps.Keys(l.counts)) {
		metrics = append(metrics, metric{k, "Count"})
		attrs = append(attrs, slog.Int(k, l.counts[k]))
	}
	attrs = append(attrs, slog.Any("_aws", embedded{began.UnixMilli(), []directive{{Namespace, [][]string{{"Function"}}, metrics}}}))
	o.log.LogAttrs(ctx, level, "invocation", attrs...)
	return err
}

// Count adds to a metric of the invocation.
func Count(ctx context.Context, metric string, n int) {
	if l, ok := ctx.Value(lineKey{}).(*Line); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.counts[metric] += n
	}
}

// mostCauses is how many failures one line names; all are counted.
const mostCauses = 5

// Cause names in the line why something failed that is dealt with: it is on record, or the client was told.
func Cause(ctx context.Context, err error) {
	if l, ok := ctx.Value(lineKey{}).(*Line); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.counts["Failures"]++
		if len(l.causes) < mostCauses {
			l.causes = append(l.causes, err.Error())
		}
	}
}

// Note adds a word to the line of the invocation: a code, a route, a reference; nothing a person said.
func Note(ctx context.Context, name, value string) {
	if l, ok := ctx.Value(lineKey{}).(*Line); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.notes[name] = value
	}
}
