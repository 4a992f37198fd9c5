package sim

import (
	"context"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/sim/table"
)

// stream carries the table's records to the functions that wait for them. Each has its own place in it.
type stream struct {
	read  int // records of the table that lie in lanes by now
	lanes map[string][]*lane
}

// lanes is how many slices of a shard a function works on at once; records of one item stay in one of them.
const lanes = 4

// Consumer is a function that the stream wakes.
type Consumer struct {
	Name    string
	Of      func(table.Record) bool // which records it is woken by: the filter of its event source mapping
	Slice   int                     // records at a time
	Retries int
	Long    time.Duration
	Serve   func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error)
}

// lane is a part of the stream on its way to a function.
type lane struct {
	of     *Consumer
	queue  []table.Record
	past   []table.Record // what went through it last
	busy   bool
	failed int // how often the slice at the front has failed
	least  int // records it is cut down to after a failure; 0: none
}

// happened puts the records of whatever was written on their way.
func (w *World) happened() {
	for {
		records := w.Table.Stream(w.stream.read, 100)
		if len(records) == 0 {
			return
		}
		for _, r := range records {
			w.stream.read = r.Sequence
			for _, c := range w.consumers {
				if !c.Of(r) {
					continue
				}
				h := fnv.New32a()
				_, _ = h.Write([]byte(r.PK))
				l := w.lanesOf(c)[h.Sum32()%lanes]
				l.queue = append(l.queue, r)
				w.poll(l)
			}
		}
	}
}

func (w *World) lanesOf(c *Consumer) []*lane {
	if w.stream.lanes == nil {
		w.stream.lanes = map[string][]*lane{}
	}
	if w.stream.lanes[c.Name] == nil {
		for range lanes {
			w.stream.lanes[c.Name] = append(w.stream.lanes[c.Name], &lane{of: c})
		}
	}
	return w.stream.lanes[c.Name]
}

// poll has a lane's next slice delivered, if none is being.
func (w *World) poll(l *lane) {
	if l.busy || len(l.queue) == 0 {
		return
	}
	l.busy = true
	after := time.Duration(w.wind.Int64N(int64(300 * time.Millisecond)))
	if w.stormy && w.chance(w.weather.Stream) {
		w.fault("stream comes late")
		after = time.Duration(w.wind.Int64N(int64(40 * time.Minute)))
	}
	w.After(after, func() { w.deliver(l) })
}

// deliver hands a function the slice at the front of a lane.
func (w *World) deliver(l *lane) {
	n := min(len(l.queue), l.of.Slice)
	if l.least > 0 {
		n = min(n, l.least)
	}
	if w.stormy && n > 1 && w.chance(w.weather.Stream) {
		w.fault("slice of the stream cut")
		n = 1 + w.wind.IntN(n-1)
	}
	slice := l.queue[:n:n]
	w.run(l, slice, func(out events.DynamoDBEventResponse, err error) { w.delivered(l, slice, out, err) })
	if w.stormy && w.chance(w.weather.Stream/2) {
		w.fault("two copies of a slice at once")
		w.run(l, slice, nil)
	}
}

func (w *World) run(l *lane, slice []table.Record, then func(events.DynamoDBEventResponse, error)) {
	e := events.DynamoDBEvent{Records: make([]events.DynamoDBEventRecord, len(slice))}
	for i, r := range slice {
		e.Records[i] = events.DynamoDBEventRecord{EventName: r.Event, Change: events.DynamoDBStreamRecord{
			SequenceNumber: strconv.Itoa(r.Sequence),
			Keys:           map[string]events.DynamoDBAttributeValue{"PK": events.NewStringAttribute(r.PK), "SK": events.NewStringAttribute(r.SK)},
		}}
	}
	var out events.DynamoDBEventResponse
	var failed error
	w.Start(l.of.Name, l.of.Long, func(ctx context.Context) { out, failed = l.of.Serve(ctx, e) }, func(err error) {
		switch {
		case then == nil:
		case err != nil: // what is left of it may still be writing its answer
			then(events.DynamoDBEventResponse{}, err)
		default:
			then(out, failed)
		}
	})
}

// delivered moves a lane on past what was dealt with. What fails again and again is given up: the sweeper has it.
func (w *World) delivered(l *lane, slice []table.Record, out events.DynamoDBEventResponse, err error) {
	done := len(slice)
	switch {
	case err != nil:
		done, l.least = 0, max(1, len(slice)/2)
	case len(out.BatchItemFailures) > 0:
		for i, r := range slice {
			if strconv.Itoa(r.Sequence) == out.BatchItemFailures[0].ItemIdentifier {
				done = i
				break
			}
		}
	}
	if err == nil {
		w.checkDone(l, slice[:done])
	}
	if done < len(slice) {
		if l.failed++; l.failed > l.of.Retries {
			w.fault("slice of the stream given up")
			done = len(slice)
		}
	}
	if done > 0 {
		l.failed, l.least = 0, 0
		l.past = append(l.past, l.queue[:done]...)
		l.past = l.past[max(0, len(l.past)-20):]
		l.queue = l.queue[done:]
	}
	if w.stormy && len(l.past) > 0 && w.chance(w.weather.Stream/4) {
		w.fault("stream replayed from an old checkpoint")
		again := 1 + w.wind.IntN(len(l.past))
		l.queue = append(append([]table.Record{}, l.past[len(l.past)-again:]...), l.queue...)
		l.past = l.past[:len(l.past)-again]
	}
	l.busy = false
	w.poll(l)
}

// checkDone: what the stream was told is done is done: no form that it named stands as it was, due, in the engine's hands.
func (w *World) checkDone(l *lane, slice []table.Record) {
	if l.of.Name != "notify" {
		return
	}
	for _, r := range slice {
		ref, err := optout.ParseReference(strings.TrimPrefix(r.PK, "F#"))
		if err != nil || r.SK != "F" {
			continue
		}
		f, err := w.Store.Form(w.Outside(), ref)
		if err == nil && f.Version() == 1 && f.Tries == 0 && f.State().Owner == optout.OwnerEngine {
			w.Wrong("the stream was told that all is done, and form %s is as it was", ref)
		}
	}
}
