package sim

import (
	"context"
	"testing"
	"time"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/sim/table"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
	"github.com/aws/aws-lambda-go/events"
)

var _ = Join("reader", func(testing.TB) func() Part { return func() Part { return reader{} } })

// reader reads the lists that practices send, by the stream and by the schedule.
type reader struct{}

// Functions implements Functions, as template.yaml wires them.
func (reader) Functions(w *World) ([]*Consumer, []*Schedule) {
	r := job.Reader{Store: w.reach, Files: files{}, Layouts: extract.Layouts, TestNumbers: true, Now: w.Now}
	return []*Consumer{{
		Name: "reader", Slice: 2, Retries: 1, Long: 300 * time.Second,
		Of: func(r table.Record) bool {
			return r.SK == "U" && r.Event == "MODIFY" && text(r.New["for"]) == "extract"
		},
		Serve: trigger.Stream(observe.New("reader-stream", logs, w.Now), job.ReadNamed(r)),
	}}, []*Schedule{{
		Name: "reader-clock", Long: 300 * time.Second,
		Due: ofUploads(upload.Extract),
		Serve: func(ctx context.Context, e events.EventBridgeEvent) error {
			r := r
			r.Store = w.dueNow()
			return trigger.Schedule(observe.New("reader-schedule", logs, w.Now), w.Now, job.ReadDue(r))(ctx, e)
		},
	}}
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
