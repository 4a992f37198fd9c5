// Package observe writes one canonical line for each invocation: what came in, what came of it, how long it took.
// The line is JSON and carries its figures in CloudWatch's embedded metric format, so that a log is all a metric
// needs. It holds codes and counts, never what a person said.
package observe

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Namespace is where the metrics appear in CloudWatch.
const Namespace = "OptOut"

// Observer writes the lines of one function.
type Observer struct {
	log      slog.Handler
	function string
	now      func() time.Time
	cold     sync.Once
}

// New observes a function of this name, writing to w.
func New(function string, w io.Writer, now func() time.Time) *Observer {
	return &Observer{log: slog.NewJSONHandler(w, nil), function: function, now: now}
}

// Line gathers what one invocation has to say. It is safe for use from several goroutines.
type Line struct {
	mu     sync.Mutex
	notes  []slog.Attr
	counts []count
	causes []string
}

type count struct {
	metric string
	n      int
}

// add adds to a metric. An invocation has a handful of them, which stay sorted.
func (l *Line) add(metric string, n int) {
	i := 0
	for i < len(l.counts) && l.counts[i].metric < metric {
		i++
	}
	if i == len(l.counts) || l.counts[i].metric != metric {
		l.counts = append(l.counts, count{})
		copy(l.counts[i+1:], l.counts[i:])
		l.counts[i] = count{metric: metric}
	}
	l.counts[i].n += n
}

// note keeps a word, in place of another one under its name; words stay sorted, too.
func (l *Line) note(name, word string) {
	i := 0
	for i < len(l.notes) && l.notes[i].Key < name {
		i++
	}
	if i == len(l.notes) || l.notes[i].Key != name {
		l.notes = append(l.notes, slog.Attr{})
		copy(l.notes[i+1:], l.notes[i:])
	}
	l.notes[i] = slog.String(name, word)
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
	l := &Line{}
	o.cold.Do(func() { l.add("ColdStarts", 1) })
	began := o.now()
	err := run(context.WithValue(ctx, lineKey{}, l))
	took := o.now().Sub(began)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.add("Invocations", 1)
	if err != nil {
		l.add("Errors", 1)
	}
	attrs := append(make([]slog.Attr, 0, len(l.notes)+len(l.counts)+7),
		slog.String("Function", o.function), slog.String("trigger", trigger), slog.String("request", request))
	attrs = append(attrs, l.notes...)
	level := slog.LevelInfo
	if len(l.causes) > 0 {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("causes", l.causes))
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	metrics := append(make([]metric, 0, len(l.counts)+1), metric{"DurationMs", "Milliseconds"})
	attrs = append(attrs, slog.Float64("DurationMs", float64(took.Microseconds())/1000))
	for _, c := range l.counts {
		metrics = append(metrics, metric{c.metric, "Count"})
		attrs = append(attrs, slog.Int(c.metric, c.n))
	}
	attrs = append(attrs, slog.Any("_aws", embedded{began.UnixMilli(), []directive{{Namespace, [][]string{{"Function"}}, metrics}}}))
	line := slog.NewRecord(o.now(), level, "invocation", 0) // where in the source it is says nothing
	line.AddAttrs(attrs...)
	_ = o.log.Handle(ctx, line) // as a logger does, that has nowhere else to say it
	return err
}

// Count adds to a metric of the invocation.
func Count(ctx context.Context, metric string, n int) {
	if l, ok := ctx.Value(lineKey{}).(*Line); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.add(metric, n)
	}
}

// mostCauses is how many failures one line names; all are counted.
const mostCauses = 5

// Cause names in the line why something failed that is dealt with: it is on record, or the client was told.
func Cause(ctx context.Context, err error) {
	if l, ok := ctx.Value(lineKey{}).(*Line); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.add("Failures", 1)
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
		l.note(name, value)
	}
}
