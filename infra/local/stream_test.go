package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fakeStream holds records in memory. Sequence numbers are positions in their shard, from 1.
type fakeStream struct {
	mu      sync.Mutex
	list    []shard
	records map[string][]record
	closed  map[string]bool
	trimmed int // sequence numbers up to this one are gone
	broken  bool
}

func newFakeStream(keys ...string) *fakeStream {
	s := &fakeStream{list: []shard{{id: "shard"}}, records: map[string][]record{}, closed: map[string]bool{}}
	s.write("shard", keys...)
	return s
}

func (s *fakeStream) write(shard string, keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		n := strconv.Itoa(len(s.records[shard]) + 1)
		event := fmt.Sprintf(`{"key":%q,"dynamodb":{"SequenceNumber":%q}}`, k, n)
		partition, _, _ := strings.Cut(k, ".")
		s.records[shard] = append(s.records[shard], record{sequence: n, partition: partition, at: time.Now(), event: json.RawMessage(event)})
	}
}

func (s *fakeStream) breakDown(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *fakeStream) shards(context.Context) ([]shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, errors.New("broken")
	}
	return slices.Clone(s.list), nil
}

func (s *fakeStream) iterator(_ context.Context, shard, after string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.trimmed
	if after != "" {
		n, _ = strconv.Atoi(after)
		if n < s.trimmed {
			return "", errTrimmed
		}
	}
	return fmt.Sprintf("%s %d", shard, n), nil
}

func (s *fakeStream) read(_ context.Context, iterator string) ([]record, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, "", errors.New("broken")
	}
	var shard string
	var n int
	if _, err := fmt.Sscan(iterator, &shard, &n); err != nil {
		return nil, "", err
	}
	all := s.records[shard]
	to := min(len(all), n+3) // small pages
	if s.closed[shard] && to == len(all) {
		return all[n:to], "", nil
	}
	return all[n:to], fmt.Sprintf("%s %d", shard, to), nil
}

// fakeFunction is given batches of keys and decides about each; it notes what it saw.
type fakeFunction struct {
	// decide returns the keys to report as failed, or an error for all.
	decide func(batch []string) (failed []string, err error)

	mu      sync.Mutex
	batches [][]string
}

func (f *fakeFunction) invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Records []struct {
			Key      string
			Dynamodb struct{ SequenceNumber string }
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	var batch []string
	sequence := map[string]string{}
	for _, r := range event.Records {
		batch = append(batch, r.Key)
		sequence[r.Key] = r.Dynamodb.SequenceNumber
	}
	f.mu.Lock()
	f.batches = append(f.batches, batch)
	f.mu.Unlock()
	if f.decide == nil {
		return []byte(`{"batchItemFailures":[]}`), nil
	}
	failed, err := f.decide(batch)
	if err != nil {
		return nil, err
	}
	items := []map[string]string{}
	for _, k := range failed {
		items = append(items, map[string]string{"itemIdentifier": sequence[k]})
	}
	return json.Marshal(map[string]any{"batchItemFailures": items})
}

func (f *fakeFunction) seen() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.batches)
}

// bench is a mapping with fakes around it.
type bench struct {
	*mapping
	stream   *fakeStream
	function *fakeFunction
	file     string
	mu       sync.Mutex
	given    [][]string
}

func newBench(t *testing.T, s *fakeStream, f *fakeFunction, file string, change func(*mappingPlan)) *bench {
	t.Helper()
	c, err := openCheckpoint(file, "stream")
	if err != nil {
		t.Fatal(err)
	}
	plan := mappingPlan{function: "F", event: "E", batch: 10, lanes: 1, retries: 2, reportItems: true}
	if change != nil {
		change(&plan)
	}
	b := &bench{stream: s, function: f, file: file}
	b.mapping = &mapping{mappingPlan: plan, stream: s, function: f, checkpoint: c, on: newToggle(true), complain: t.Logf}
	b.mapping.giveUp = func(g given) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		keys := []string{g.condition}
		for _, r := range g.records {
			var e struct{ Key string }
			if err := json.Unmarshal(r.event, &e); err != nil {
				return err
			}
			keys = append(keys, e.Key)
		}
		b.given = append(b.given, keys)
		return nil
	}
	return b
}

// during runs the mapping while check does its work, and stops it then.
func (b *bench) during(t *testing.T, check func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.run(ctx); close(done) }()
	check()
	cancel()
	<-done
}

// after is the checkpoint on disk.
func (b *bench) after(t *testing.T, shard string) string {
	t.Helper()
	c, err := openCheckpoint(b.file, "stream")
	if err != nil {
		t.Fatal(err)
	}
	return c.get(shard).After
}

func checkpointFile(t *testing.T) string { return filepath.Join(t.TempDir(), "checkpoint.json") }

func TestFailuresOfABatchAreHandledAsAWSDoes(t *testing.T) {
	t.Parallel()
	poison := func(bad ...string) func([]string) ([]string, error) {
		return func(batch []string) ([]string, error) {
			var failed []string
			for _, k := range batch {
				if slices.Contains(bad, k) {
					failed = append(failed, k)
				}
			}
			return failed, nil
		}
	}
	broken := func(bad string) func([]string) ([]string, error) {
		return func(batch []string) ([]string, error) {
			if slices.Contains(batch, bad) {
				return nil, &functionError{Type: "Asked", Message: "to fail"}
			}
			return nil, nil
		}
	}
	once := func() func([]string) ([]string, error) {
		failed := false
		return func(batch []string) ([]string, error) {
			if !failed {
				failed = true
				return nil, &functionError{Type: "Asked", Message: "to fail once"}
			}
			return nil, nil
		}
	}
	for _, tt := range []struct {
		name    string
		change  func(*mappingPlan)
		decide  func([]string) ([]string, error)
		batches [][]string
		given   [][]string
	}{
		{
			"the lowest reported failure is the new start", nil, poison("b", "c"),
			[][]string{{"a", "b", "c"}, {"b", "c"}, {"b", "c"}},
			[][]string{{"RetryAttemptsExhausted", "b", "c"}},
		},
		{
			"progress starts the count of attempts anew", func(p *mappingPlan) { p.retries = 1 },
			func() func([]string) ([]string, error) {
				n := 0
				return func(batch []string) ([]string, error) {
					if n++; n == 1 {
						return batch[:1], nil
					}
					return batch[1:], nil
				}
			}(),
			[][]string{{"a", "b", "c"}, {"a", "b", "c"}, {"b", "c"}, {"c"}},
			nil,
		},
		{"a batch that fails once is repeated whole", nil, once(), [][]string{{"a", "b", "c"}, {"a", "b", "c"}}, nil},
		{
			"a batch that always fails is given up whole", nil, broken("b"),
			[][]string{{"a", "b", "c"}, {"a", "b", "c"}, {"a", "b", "c"}},
			[][]string{{"RetryAttemptsExhausted", "a", "b", "c"}},
		},
		{
			"splitting finds the one that fails and counts as no attempt", func(p *mappingPlan) { p.bisect = true }, broken("b"),
			[][]string{{"a", "b", "c"}, {"a"}, {"b", "c"}, {"b"}, {"b"}, {"b"}, {"c"}},
			[][]string{{"RetryAttemptsExhausted", "b"}},
		},
		{"without reports a reply is a success", func(p *mappingPlan) { p.reportItems = false }, poison("b"), [][]string{{"a", "b", "c"}}, nil},
		{
			"a report of an unknown record fails the batch", func(p *mappingPlan) { p.retries = 0 },
			func([]string) ([]string, error) { return []string{"nobody"}, nil },
			[][]string{{"a", "b", "c"}},
			[][]string{{"RetryAttemptsExhausted", "a", "b", "c"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := checkpointFile(t)
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, newFakeStream("a", "b", "c"), &fakeFunction{decide: tt.decide}, file, tt.change)
				b.on.set(false) // all three wait: one batch
				b.during(t, func() {
					synctest.Wait()
					b.on.set(true)
					time.Sleep(time.Minute)
				})
				if got := b.function.seen(); !reflect.DeepEqual(got, tt.batches) {
					t.Errorf("the function was given %v, want %v", got, tt.batches)
				}
				if !reflect.DeepEqual(b.given, tt.given) {
					t.Errorf("given up were %v, want %v", b.given, tt.given)
				}
				if got := b.after(t, "shard"); got != "3" {
					t.Errorf("the checkpoint is %q, want 3", got)
				}
			})
		})
	}
}

func TestRecordsThatAreTooOldAreGivenUpUnseen(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStream("old")
		time.Sleep(2 * time.Hour)
		s.write("shard", "new")
		b := newBench(t, s, &fakeFunction{}, file, func(p *mappingPlan) { p.maxAge = time.Hour })
		b.during(t, func() { time.Sleep(time.Second) })
		if got := b.function.seen(); !reflect.DeepEqual(got, [][]string{{"new"}}) {
			t.Errorf("the function was given %v", got)
		}
		if !reflect.DeepEqual(b.given, [][]string{{"RecordAgeExceeded", "old"}}) {
			t.Errorf("given up were %v", b.given)
		}
	})
}

func TestWhatCannotBeKeptIsNotGivenUp(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStream("a"), &fakeFunction{decide: func(batch []string) ([]string, error) { return batch, nil }}, file, nil)
		var full atomic.Bool
		full.Store(true)
		keep := b.mapping.giveUp
		b.mapping.giveUp = func(g given) error {
			if full.Load() {
				return errors.New("disk full")
			}
			return keep(g)
		}
		b.during(t, func() {
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := b.after(t, "shard"); got != "" {
				t.Errorf("the checkpoint went on to %s", got)
			}
			full.Store(false)
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := b.after(t, "shard"); got != "1" {
				t.Errorf("the checkpoint is %q, want 1", got)
			}
		})
	})
}

func TestFilteredRecordsMoveTheCheckpoint(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStream("a", "b", "a", "b"), &fakeFunction{}, file, func(p *mappingPlan) {
			filter, err := parsePattern(`{"key":["a"]}`)
			if err != nil {
				t.Fatal(err)
			}
			p.filters = []pattern{filter}
		})
		b.during(t, func() { time.Sleep(time.Second) })
		var keys []string
		for _, batch := range b.function.seen() {
			keys = append(keys, batch...)
		}
		if !slices.Equal(keys, []string{"a", "a"}) || b.after(t, "shard") != "4" || b.snapshot().Filtered != 2 {
			t.Errorf("keys %v, checkpoint %s, figures %+v", keys, b.after(t, "shard"), b.snapshot())
		}
	})
}

func TestTheCheckpointWaitsForTheSlowestLane(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		for i := range 40 {
			keys = append(keys, fmt.Sprintf("k%d.%d", i%8, i))
		}
		release := make(chan struct{})
		f := &fakeFunction{decide: func(batch []string) ([]string, error) {
			if slices.ContainsFunc(batch, func(k string) bool { return strings.HasPrefix(k, "k3.") }) {
				<-release
			}
			return nil, nil
		}}
		b := newBench(t, newFakeStream(keys...), f, file, func(p *mappingPlan) { p.lanes, p.batch = 4, 3 })
		b.during(t, func() {
			time.Sleep(time.Second)
			synctest.Wait()
			if n, _ := strconv.Atoi(b.after(t, "shard")); n > 3 {
				t.Errorf("the checkpoint is %d though record 4 is not handled", n)
			}
			close(release)
			time.Sleep(time.Second)
			synctest.Wait()
			if got := b.after(t, "shard"); got != "40" {
				t.Errorf("the checkpoint is %s, want 40", got)
			}
		})
		order := map[string][]string{}
		for _, batch := range f.seen() {
			for _, k := range batch {
				partition, _, _ := strings.Cut(k, ".")
				order[partition] = append(order[partition], k)
			}
		}
		for partition, got := range order {
			if len(got) != 5 || !slices.IsSortedFunc(got, func(a, b string) int { return len(a) - len(b) }) {
				t.Errorf("%s came as %v", partition, got)
			}
		}
	})
}

func TestAfterACrashNothingIsSkipped(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		for i := range 50 {
			keys = append(keys, fmt.Sprintf("k%d", i))
		}
		s := newFakeStream(keys...)
		handled := map[string]int{}
		var mu sync.Mutex
		for life := range 20 {
			// Each life of the runner ends after a few batches, in the middle of one, with some lanes ahead.
			ctx, crash := context.WithCancel(t.Context())
			n := 0
			f := &fakeFunction{decide: func(batch []string) ([]string, error) {
				mu.Lock()
				defer mu.Unlock()
				if n++; n > 1+life%3 {
					crash()
					return nil, &functionError{Type: "Runtime.ExitError", Message: "killed"}
				}
				for _, k := range batch {
					handled[k]++
				}
				return nil, nil
			}}
			b := newBench(t, s, f, file, func(p *mappingPlan) { p.lanes, p.batch = 3, 2 })
			go func() {
				if pause(ctx, time.Minute) {
					crash()
				}
			}()
			b.run(ctx)
			if len(b.given) > 0 {
				t.Fatalf("given up were %v", b.given)
			}
		}
		last := &fakeFunction{decide: func(batch []string) ([]string, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, k := range batch {
				handled[k]++
			}
			return nil, nil
		}}
		b := newBench(t, s, last, file, nil)
		b.during(t, func() { time.Sleep(time.Minute) })
		if got := b.after(t, "shard"); got != "50" {
			t.Errorf("the checkpoint is %s, want 50", got)
		}
		for _, k := range keys {
			if handled[k] == 0 {
				t.Errorf("%s was skipped", k)
			}
		}
	})
}

func TestARestartGoesOnAfterTheCheckpoint(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStream("a", "b")
		newBench(t, s, &fakeFunction{}, file, nil).during(t, func() { time.Sleep(time.Second) })
		s.write("shard", "c")
		f := &fakeFunction{}
		newBench(t, s, f, file, nil).during(t, func() { time.Sleep(time.Second) })
		if got := f.seen(); !reflect.DeepEqual(got, [][]string{{"c"}}) {
			t.Errorf("the second life was given %v", got)
		}
		s.write("shard", "d", "e", "f")
		s.trimmed = 5
		f = &fakeFunction{}
		newBench(t, s, f, file, nil).during(t, func() { time.Sleep(time.Second) })
		if got := f.seen(); !reflect.DeepEqual(got, [][]string{{"f"}}) {
			t.Errorf("after trimming it was given %v, want the oldest there is", got)
		}
	})
}

func TestACheckpointOfAnotherStreamIsDropped(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	c, err := openCheckpoint(file, "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.set("shard", position{After: "7"}); err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]string{"one": "7", "two": ""} {
		c, err := openCheckpoint(file, stream)
		if err != nil || c.get("shard").After != want {
			t.Errorf("in stream %s the checkpoint is %q (%v), want %q", stream, c.get("shard").After, err, want)
		}
	}
}

func TestAChildShardWaitsForItsParent(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStream()
		s.list = []shard{{id: "child", parent: "parent"}, {id: "other", parent: "long gone"}, {id: "parent"}}
		s.closed["parent"] = true
		s.write("parent", "p1", "p2", "p3", "p4")
		s.write("child", "c1")
		s.write("other", "o1")
		slow := func(batch []string) ([]string, error) {
			if batch[0] == "p1" {
				time.Sleep(5 * time.Second)
			}
			return nil, nil
		}
		b := newBench(t, s, &fakeFunction{decide: slow}, file, nil)
		b.during(t, func() { time.Sleep(time.Minute) })
		var keys []string
		for _, batch := range b.function.seen() {
			keys = append(keys, batch...)
		}
		if slices.Index(keys, "c1") < slices.Index(keys, "p4") || !slices.Contains(keys, "o1") || len(keys) != 6 {
			t.Errorf("records came as %v", keys)
		}
		f := &fakeFunction{}
		newBench(t, s, f, file, nil).during(t, func() { time.Sleep(time.Minute) })
		if got := f.seen(); len(got) != 0 {
			t.Errorf("after a restart %v came again", got)
		}
	})
}

func TestAnOutageOfTheStreamIsSurvived(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := newFakeStream("a")
		b := newBench(t, s, &fakeFunction{}, file, nil)
		b.during(t, func() {
			time.Sleep(time.Second)
			s.breakDown(true)
			s.write("shard", "b")
			time.Sleep(time.Minute)
			s.breakDown(false)
			time.Sleep(5 * time.Second)
		})
		if got := b.function.seen(); !reflect.DeepEqual(got, [][]string{{"a"}, {"b"}}) {
			t.Errorf("the function was given %v", got)
		}
	})
}

func TestWhileTheStreamIsOffRecordsWaitAndAreCounted(t *testing.T) {
	t.Parallel()
	file := checkpointFile(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStream("a", "b"), &fakeFunction{}, file, nil)
		b.on.set(false)
		b.during(t, func() {
			time.Sleep(30 * time.Second)
			synctest.Wait()
			if f := b.snapshot(); f.Behind != 2 || f.OldestAge != 30 || len(b.function.seen()) != 0 {
				t.Errorf("figures %+v, batches %v", f, b.function.seen())
			}
			b.on.set(true)
			time.Sleep(time.Second)
			synctest.Wait()
			if f := b.snapshot(); f.Behind != 0 || f.Handled != 2 || f.CaughtUp == nil {
				t.Errorf("figures %+v", f)
			}
		})
	})
}

func TestWhatIsGivenUpIsWrittenAsAWSWritesIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	b, err := failureRecord(mappingPlan{streamARN: "arn:stream"}, "arn:function", given{
		shard: "shard", condition: "RetryAttemptsExhausted", attempts: 6, function: true,
		records: []record{{sequence: "1", at: at, event: json.RawMessage(`{"a":1}`)}, {sequence: "2", at: at, event: json.RawMessage(`{"a":2}`)}},
	}, at)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	delete(got["requestContext"].(map[string]any), "requestId")
	want := map[string]any{
		"requestContext":  map[string]any{"functionArn": "arn:function", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 6.0},
		"responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"version":         "1.0", "timestamp": "2026-11-22T20:00:00.000Z", "payload": `{"Records":[{"a":1},{"a":2}]}`,
		"DDBStreamBatchInfo": map[string]any{
			"shardId": "shard", "startSequenceNumber": "1", "endSequenceNumber": "2", "batchSize": 2.0, "streamArn": "arn:stream",
			"approximateArrivalOfFirstRecord": "2026-11-22T20:00:00.000Z", "approximateArrivalOfLastRecord": "2026-11-22T20:00:00.000Z",
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("written was %v\nwant %v", got, want)
	}
}
