package sim

import (
	"context"
	"io"
	"iter"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
)

var _ = Join("reader", func(testing.TB) func() Part { return func() Part { return reader{} } })

// reader reads the lists that practices send, by the stream and by the schedule.
type reader struct{}

// Functions implements Functions, as template.yaml wires them.
func (reader) Functions(w *World) ([]*Consumer, []*Schedule) {
	r := job.Reader{Store: &busyUploads{Store: w.reach, w: w}, Files: files{}, Layouts: extract.Layouts, TestNumbers: true, Now: w.Now}
	return []*Consumer{{
		Name: "reader", Slice: 2, Retries: 1, Long: 300 * time.Second,
		Of:    func(event, pk, sk string) bool { return sk == "U" && strings.HasPrefix(pk, "U#") && event == "MODIFY" },
		Serve: trigger.Stream(observe.New("reader-stream", io.Discard, w.Now), job.ReadNamed(r)),
	}}, []*Schedule{{
		Name: "reader-clock", Long: 300 * time.Second,
		Due:   func(partition string) bool { return strings.HasPrefix(partition, "DUE#upload#") },
		Serve: trigger.Schedule(observe.New("reader-schedule", io.Discard, w.Now), w.Now, job.ReadDue(r)),
	}}
}

// busyUploads leaves out the parts of the list of due slots in which nothing is due, as busy does.
type busyUploads struct {
	dynamo.Store
	w     *World
	parts atomic.Pointer[[]int]
}

// UploadShards implements upload.Store.
func (b *busyUploads) UploadShards() int {
	parts := b.w.due(func(partition string) (int, bool) {
		n, err := strconv.Atoi(strings.TrimPrefix(partition, "DUE#upload#"))
		return n, err == nil
	})
	b.parts.Store(&parts)
	return max(1, len(parts))
}

// UploadsDue implements upload.Store.
func (b *busyUploads) UploadsDue(ctx context.Context, p upload.Purpose, shard int, now time.Time) iter.Seq2[string, error] {
	if parts := b.parts.Load(); parts != nil && shard < len(*parts) {
		return b.Store.UploadsDue(ctx, p, (*parts)[shard], now)
	}
	return func(func(string, error) bool) {}
}

// Begin implements Part.
func (reader) Begin(*World) {}

// Settle implements Part.
func (reader) Settle(*World) {}

// Check implements Part: no list has been forgotten.
func (reader) Check(w *World) {
	for k, i := range w.Table.Items() {
		if k.SK != "U" {
			continue
		}
		switch state := text(i["state"]); state {
		case "promised", "uploaded":
			if i["DPK"] == nil {
				w.Wrong("list %s is %s, and nobody will look at it again", k.PK, state)
			}
		}
	}
}
