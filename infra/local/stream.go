package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"
)

// stream is a table's stream of changes.
type stream interface {
	// shards lists every shard there is.
	shards(ctx context.Context) ([]shard, error)
	// iterator is where to read on after a sequence number; an empty one means the oldest record there is. It
	// returns errTrimmed if the stream no longer reaches back so far.
	iterator(ctx context.Context, shard, after string) (string, error)
	// read returns the next records in order, and the iterator to go on with: empty at the end of a closed
	// shard. It returns errTrimmed as iterator does, and errExpired if the iterator is too old.
	read(ctx context.Context, iterator string) (records []record, next string, err error)
}

var (
	errTrimmed = errors.New("the stream no longer reaches back so far")
	errExpired = errors.New("the iterator has expired")
)

type shard struct{ id, parent string }

// record is one change, as a function is given it.
type record struct {
	sequence  string
	partition string // its partition key, in any form that keeps two of them apart
	at        time.Time
	event     json.RawMessage
}

const (
	readAhead   = 5000 // records of a shard that may wait, so that a stuck one does not fill the memory
	shortestNap = 20 * time.Millisecond
	longestNap  = 200 * time.Millisecond
	outage      = time.Second // between two attempts to reach a stream that does not answer
)

// mapping plays the event source mapping of a stream: it gives a function every record that passes the filters, at
// least once, in order for each partition key, and remembers on disk how far it has come.
type mapping struct {
	mappingPlan
	stream     stream
	function   invoker
	checkpoint *checkpoint
	on         *toggle
	// giveUp keeps what was not handled. Only when it has done so does the mapping go on.
	giveUp   func(given) error
	complain func(format string, args ...any)

	mu       sync.Mutex
	trackers map[string]*tracker
	figures  mappingFigures
}

// mappingFigures are what the console shows of a mapping.
type mappingFigures struct {
	Mapping   string     `json:"mapping"`
	Behind    int        `json:"behind"`    // records read that the function has yet to handle
	OldestAge float64    `json:"oldestAge"` // seconds, of the oldest of them
	CaughtUp  *time.Time `json:"caughtUp"`  // when the stream was last read to its end with nothing left to handle
	Handled   int        `json:"handled"`
	Filtered  int        `json:"filtered"`
	GivenUp   int        `json:"givenUp"`
	LastError string     `json:"lastError"`
}

// given is a slice that was given up.
type given struct {
	shard     string
	condition string // RetryAttemptsExhausted or RecordAgeExceeded
	attempts  int
	records   []record
	function  bool // the function failed, not the service
}

// entry is a record on its way.
type entry struct {
	record
	wanted, done bool
}

// tracker knows which records of a shard are not handled yet. The checkpoint is the last record before the first
// of them, whatever the lanes have done beyond it.
type tracker struct {
	save func(after string)

	mu      sync.Mutex
	entries []*entry
	room    chan struct{} // one per entry
}

func newTracker(save func(after string)) *tracker {
	return &tracker{save: save, room: make(chan struct{}, readAhead)}
}

// add notes a record that was read; it waits while too many are on their way.
func (t *tracker) add(ctx context.Context, e *entry) bool {
	select {
	case t.room <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, e)
	return true
}

// finish notes that records were handled, given up or filtered out.
func (t *tracker) finish(entries ...*entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries {
		e.done = true
	}
	after := ""
	for len(t.entries) > 0 && t.entries[0].done {
		after = t.entries[0].sequence
		t.entries = t.entries[1:]
		<-t.room
	}
	if after != "" {
		t.save(after)
	}
}

func (t *tracker) waiting() (behind int, oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if e.done || !e.wanted {
			continue
		}
		if behind++; oldest.IsZero() || e.at.Before(oldest) {
			oldest = e.at
		}
	}
	return behind, oldest
}

// run follows the stream until the context ends. An invocation that is under way is waited for.
func (m *mapping) run(ctx context.Context) {
	var following sync.WaitGroup
	defer following.Wait()
	started := map[string]bool{}
	ended := make(chan struct{}, 1)
	well := true
	for ctx.Err() == nil {
		shards, err := m.stream.shards(ctx)
		if err != nil {
			if well && ctx.Err() == nil {
				m.complain("%s: the stream cannot be described, trying again: %v", m.name(), err)
			}
			well = false
			pause(ctx, outage)
			continue
		}
		well = true
		listed := map[string]bool{}
		for _, s := range shards {
			listed[s.id] = true
		}
		if err := m.checkpoint.forget(func(id string) bool { return !listed[id] }); err != nil {
			m.complain("%s: %v", m.name(), err)
		}
		for _, s := range shards {
			// A child's records are younger than all of its parent's.
			if started[s.id] || m.checkpoint.get(s.id).Finished || listed[s.parent] && !m.checkpoint.get(s.parent).Finished {
				continue
			}
			started[s.id] = true
			following.Go(func() {
				m.follow(ctx, s.id)
				select {
				case ended <- struct{}{}:
				default:
				}
			})
		}
		timer := time.NewTimer(10 * time.Second)
		select {
		case <-ended:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// follow reads one shard to its end.
func (m *mapping) follow(ctx context.Context, shard string) {
	t := newTracker(func(after string) {
		if err := m.checkpoint.set(shard, position{After: after}); err != nil {
			m.complain("%s: %v", m.name(), err)
		}
	})
	m.mu.Lock()
	if m.trackers == nil {
		m.trackers = map[string]*tracker{}
	}
	m.trackers[shard] = t
	m.mu.Unlock()

	var running sync.WaitGroup
	lanes := make([]chan *entry, m.lanes)
	for i := range lanes {
		lanes[i] = make(chan *entry, readAhead)
		running.Go(func() { m.lane(ctx, shard, lanes[i], t) })
	}
	closed := m.read(ctx, shard, t, lanes)
	for _, l := range lanes {
		close(l)
	}
	running.Wait()
	if closed && ctx.Err() == nil {
		if err := m.checkpoint.set(shard, position{After: m.checkpoint.get(shard).After, Finished: true}); err != nil {
			m.complain("%s: %v", m.name(), err)
		}
	}
	m.mu.Lock()
	delete(m.trackers, shard)
	m.mu.Unlock()
}

// read fills the lanes and tells whether the shard is closed and read to its end.
func (m *mapping) read(ctx context.Context, shard string, t *tracker, lanes []chan *entry) bool {
	last := m.checkpoint.get(shard).After
	iterator, nap, well := "", shortestNap, true
	for ctx.Err() == nil {
		var records []record
		next, err := iterator, error(nil)
		if next == "" {
			next, err = m.stream.iterator(ctx, shard, last)
		}
		if err == nil {
			records, next, err = m.stream.read(ctx, next)
		}
		switch {
		case err == nil:
			if !well {
				m.complain("%s: the stream answers again", m.name())
			}
			well = true
		case errors.Is(err, errExpired):
			iterator = ""
			continue
		case errors.Is(err, errTrimmed) && last != "":
			m.complain("%s: %v: records after %s are lost; going on with the oldest there is", m.name(), err, last)
			iterator, last = "", ""
			continue
		default:
			if well && ctx.Err() == nil {
				m.complain("%s: the stream cannot be read, trying again: %v", m.name(), err)
			}
			iterator, well = "", false
			pause(ctx, outage)
			continue
		}
		if !m.dispatch(ctx, records, t, lanes) {
			return false
		}
		if next == "" {
			return true
		}
		iterator = next
		if len(records) > 0 {
			last, nap = records[len(records)-1].sequence, shortestNap
			continue
		}
		if behind, _ := t.waiting(); behind == 0 {
			now := time.Now().UTC()
			m.mu.Lock()
			m.figures.CaughtUp = &now
			m.mu.Unlock()
		}
		pause(ctx, nap)
		nap = min(2*nap, longestNap)
	}
	return false
}

// dispatch gives each record that passes the filters to the lane of its partition key.
func (m *mapping) dispatch(ctx context.Context, records []record, t *tracker, lanes []chan *entry) bool {
	var filtered []*entry
	for _, r := range records {
		e := &entry{record: r, wanted: m.wants(r)}
		if !e.wanted {
			filtered = append(filtered, e)
		}
		if len(t.room) == cap(t.room) { // make room before waiting for it
			t.finish(filtered...)
			filtered = nil
		}
		if !t.add(ctx, e) {
			return false
		}
		if !e.wanted {
			m.count(func(f *mappingFigures) { f.Filtered++ })
			continue
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(r.partition))
		lanes[h.Sum32()%uint32(len(lanes))] <- e // never full: a lane holds as many as the tracker
	}
	t.finish(filtered...)
	return true
}

func (m *mapping) wants(r record) bool {
	if len(m.filters) == 0 {
		return true
	}
	var v any
	if err := json.Unmarshal(r.event, &v); err != nil {
		return true // the function shall fail on it
	}
	return slices.ContainsFunc(m.filters, func(p pattern) bool { return p.matches(v) })
}

// lane handles records one slice after the other.
func (m *mapping) lane(ctx context.Context, shard string, in <-chan *entry, t *tracker) {
	for first := range in {
		if !m.on.wait(ctx) { // what comes meanwhile joins the slice
			return
		}
		slice := []*entry{first}
	fill:
		for len(slice) < m.batch {
			select {
			case e, ok := <-in:
				if !ok {
					break fill
				}
				slice = append(slice, e)
			default:
				break fill
			}
		}
		if m.handle(ctx, shard, slice, t); ctx.Err() != nil {
			return
		}
	}
}

// part is a slice, or what is left of one, with the failures of its first record.
type part struct {
	entries  []*entry
	failures int
}

// handle does not return before every entry was handled or given up, or the context has ended.
func (m *mapping) handle(ctx context.Context, shard string, entries []*entry, t *tracker) {
	for work := []part{{entries: entries}}; len(work) > 0; {
		p := &work[0]
		if !m.on.wait(ctx) {
			return
		}
		if old := m.tooOld(p.entries); old > 0 {
			if !m.abandon(ctx, shard, "RecordAgeExceeded", p.entries[:old], p.failures, nil, t) {
				return
			}
			p.entries, p.failures = p.entries[old:], 0
		}
		if len(p.entries) == 0 {
			work = work[1:]
			continue
		}
		handled, err := m.attempt(ctx, p.entries)
		if err != nil && ctx.Err() != nil {
			return // the runner is stopping: this was no attempt
		}
		if handled > 0 {
			t.finish(p.entries[:handled]...)
			m.count(func(f *mappingFigures) { f.Handled += handled })
			p.entries, p.failures = p.entries[handled:], 0
		}
		if len(p.entries) == 0 {
			work = work[1:]
			continue
		}
		if err != nil {
			m.count(func(f *mappingFigures) { f.LastError = err.Error() })
		}
		_, reported := errors.AsType[errReported](err)
		if m.bisect && len(p.entries) > 1 && !reported {
			// Splitting does not count as an attempt.
			half := len(p.entries) / 2
			work = append([]part{{p.entries[:half], p.failures}, {p.entries[half:], p.failures}}, work[1:]...)
			pause(ctx, retryPause(1))
			continue
		}
		p.failures++
		if m.retries >= 0 && p.failures > m.retries {
			if !m.abandon(ctx, shard, "RetryAttemptsExhausted", p.entries, p.failures, err, t) {
				return
			}
			work = work[1:]
			continue
		}
		pause(ctx, retryPause(p.failures))
	}
}

// retryPause grows from a tenth of a second to five; AWS goes up to a minute.
func retryPause(failures int) time.Duration {
	return min(100*time.Millisecond<<min(failures-1, 10), 5*time.Second)
}

func (m *mapping) tooOld(entries []*entry) int {
	if m.maxAge == 0 {
		return 0
	}
	n := 0
	for n < len(entries) && time.Since(entries[n].at) > m.maxAge {
		n++
	}
	return n
}

// errReported is the partial failure of a batch, told by the function itself.
type errReported string

func (e errReported) Error() string { return string(e) }

// attempt invokes the function once and tells how many records, from the first, were handled. The error says why
// it was not all of them.
func (m *mapping) attempt(ctx context.Context, entries []*entry) (handled int, err error) {
	out, err := m.function.invoke(context.WithoutCancel(ctx), eventOf(entries))
	if err != nil {
		return 0, err
	}
	if !m.reportItems || len(out) == 0 {
		return len(entries), nil
	}
	var reply struct {
		BatchItemFailures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out, &reply); err != nil {
		return 0, fmt.Errorf("the reply names no batch item failures: %w", err)
	}
	lowest := len(entries)
	for _, f := range reply.BatchItemFailures {
		if f.ItemIdentifier == nil {
			return 0, errors.New("a batch item failure has no itemIdentifier")
		}
		i := slices.IndexFunc(entries, func(e *entry) bool { return e.sequence == *f.ItemIdentifier })
		if i < 0 {
			return 0, fmt.Errorf("the batch item failure %q is no sequence number of the batch", *f.ItemIdentifier)
		}
		lowest = min(lowest, i)
	}
	if lowest == len(entries) {
		return lowest, nil
	}
	return lowest, errReported(fmt.Sprintf("the function reports %d failed records, the first is %s", len(reply.BatchItemFailures), entries[lowest].sequence))
}

func eventOf(entries []*entry) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.event)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// abandon gives records up. It is repeated until they are kept, because then they are gone from the stream.
func (m *mapping) abandon(ctx context.Context, shard, condition string, entries []*entry, attempts int, cause error, t *tracker) bool {
	g := given{shard: shard, condition: condition, attempts: attempts}
	_, g.function = errors.AsType[*functionError](cause)
	for _, e := range entries {
		g.records = append(g.records, e.record)
	}
	why := condition
	if cause != nil {
		why += ": " + cause.Error()
	}
	m.complain("%s: gave up %d records from %s on: %s", m.name(), len(entries), entries[0].sequence, why)
	for {
		err := m.giveUp(g)
		if err == nil {
			break
		}
		m.complain("%s: what was given up cannot be kept: %v", m.name(), err)
		if !pause(ctx, outage) {
			return false
		}
	}
	t.finish(entries...)
	m.count(func(f *mappingFigures) { f.GivenUp += len(entries) })
	return true
}

func (m *mapping) count(change func(*mappingFigures)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.figures)
}

func (m *mapping) snapshot() mappingFigures {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.figures
	f.Mapping = m.name()
	var oldest time.Time
	for _, t := range m.trackers {
		behind, at := t.waiting()
		if f.Behind += behind; behind > 0 && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	if !oldest.IsZero() {
		f.OldestAge = time.Since(oldest).Seconds()
	}
	return f
}

// failureRecord is what AWS keeps of a given-up slice: with a bucket as destination, the records are in it.
func failureRecord(m mappingPlan, functionARN string, g given, now time.Time) ([]byte, error) {
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	first, last := g.records[0], g.records[len(g.records)-1]
	entries := make([]*entry, len(g.records))
	for i, r := range g.records {
		entries[i] = &entry{record: r}
	}
	response := map[string]any{"statusCode": 200, "executedVersion": "$LATEST"}
	if g.function {
		response["functionError"] = "Unhandled"
	}
	return json.MarshalIndent(map[string]any{
		"requestContext": map[string]any{
			"requestId": newUUID(), "functionArn": functionARN, "condition": g.condition, "approximateInvokeCount": g.attempts,
		},
		"responseContext": response,
		"version":         "1.0",
		"timestamp":       stamp(now),
		"DDBStreamBatchInfo": map[string]any{
			"shardId": g.shard, "startSequenceNumber": first.sequence, "endSequenceNumber": last.sequence,
			"approximateArrivalOfFirstRecord": stamp(first.at), "approximateArrivalOfLastRecord": stamp(last.at),
			"batchSize": len(g.records), "streamArn": m.streamARN,
		},
		"payload": string(eventOf(entries)),
	}, "", "  ")
}
