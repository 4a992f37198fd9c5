package quota_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/quota"
)

const window = 10 * time.Minute

var forms = quota.Limit{Name: "forms", Most: 3, Per: window}

// table is a counter whose calls are counted.
type table struct {
	optouttest.Memory
	counts, looks int
}

func newTable() *table {
	t := &table{}
	t.Fate = func(method string) optouttest.Fate {
		switch method {
		case "Count":
			t.counts++
		case "Counted":
			t.looks++
		}
		return optouttest.Fine
	}
	return t
}

func newGate(c quota.Counter, clock *optouttest.Clock) *quota.Gate {
	return &quota.Gate{Counter: c, Hide: optouttest.Keys{}.Hide, Now: clock.Now}
}

// taken is how many of n were within the limit; each that was not must have been told to come again at the given time.
func taken(t *testing.T, g *quota.Gate, l quota.Limit, whose string, n int, again time.Time) (within int) {
	t.Helper()
	for range n {
		ok, at := g.Take(t.Context(), l, whose)
		if ok {
			within++
		}
		if !at.Equal(again) {
			t.Errorf("told to come again at %v, want %v", at, again)
		}
	}
	return within
}

func TestSoManyAreWithinALimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		most, takes, within, counts int
	}{
		"fewer than the limit":                {3, 2, 2, 2},
		"as many":                             {3, 3, 3, 3},
		"more, which are not written":         {3, 9, 3, 3},
		"a limit of one":                      {1, 9, 1, 1},
		"no limit, and nothing is written":    {0, 9, 9, 0},
		"less than none is no limit likewise": {-1, 9, 9, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counter := newTable()
			g := newGate(counter, optouttest.NewClock())
			l := quota.Limit{Name: "forms", Most: c.most, Per: window}
			if within := taken(t, g, l, "a", c.takes, optouttest.Noon.Add(window)); within != c.within || counter.counts != c.counts {
				t.Errorf("%d were within the limit by %d writes, want %d by %d", within, counter.counts, c.within, c.counts)
			}
			full, again := g.Full(t.Context(), l, "a")
			if want := c.most > 0 && c.takes >= c.most; full != want || !again.Equal(optouttest.Noon.Add(window)) {
				t.Errorf("full: %v, again at %v", full, again)
			}
		})
	}
}

func TestEachWindowStartsAtNothing(t *testing.T) {
	t.Parallel()
	clock := optouttest.NewClock()
	g := newGate(&optouttest.Memory{}, clock)
	clock.Move(window - time.Millisecond)
	if n := taken(t, g, forms, "a", 5, optouttest.Noon.Add(window)); n != 3 {
		t.Errorf("%d in the first window", n)
	}
	clock.Move(time.Millisecond)
	if full, _ := g.Full(t.Context(), forms, "a"); full {
		t.Error("the second window is full at once")
	}
	if n := taken(t, g, forms, "a", 5, optouttest.Noon.Add(2*window)); n != 3 {
		t.Errorf("%d in the second window", n)
	}
	clock.Move(-time.Millisecond) // a clock that is corrected
	if n := taken(t, g, forms, "a", 5, optouttest.Noon.Add(window)); n != 0 {
		t.Errorf("%d more in the first window", n)
	}
}

func TestOneNetworkAndOneLimitSayNothingOfAnother(t *testing.T) {
	t.Parallel()
	g := newGate(&optouttest.Memory{}, optouttest.NewClock())
	looks := quota.Limit{Name: "looks", Most: 3, Per: window}
	taken(t, g, forms, "a", 5, optouttest.Noon.Add(window))
	for what, c := range map[string]struct {
		l     quota.Limit
		whose string
	}{"another network": {forms, "b"}, "another limit": {looks, "a"}} {
		if n := taken(t, g, c.l, c.whose, 5, optouttest.Noon.Add(window)); n != 3 {
			t.Errorf("%s: %d", what, n)
		}
	}
}

// Whoever only looks uses nothing up, and finds what other processes have counted.
func TestLookingCountsNothing(t *testing.T) {
	t.Parallel()
	counter := newTable()
	clock := optouttest.NewClock()
	here, there := newGate(counter, clock), newGate(counter, clock)
	for n := range 3 {
		for range 5 {
			if full, _ := here.Full(t.Context(), forms, "a"); full {
				t.Errorf("full after %d", n)
			}
		}
		taken(t, there, forms, "a", 1, optouttest.Noon.Add(window))
	}
	for range 5 {
		if full, _ := here.Full(t.Context(), forms, "a"); !full {
			t.Error("not full after 3")
		}
	}
	if counter.counts != 3 || counter.looks != 16 { // the sixteenth was the last that was needed
		t.Errorf("%d counts, %d looks", counter.counts, counter.looks)
	}
}

func TestACounterThatCannotBeReachedRefusesNobody(t *testing.T) {
	t.Parallel()
	const address = "203.0.113.7"
	for name, fate := range map[string]optouttest.Fate{
		"throttled": optouttest.Throttle, "without an answer": optouttest.Lost, "broken": optouttest.Broken, "in conflict": optouttest.Conflict,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counter := &optouttest.Memory{Fate: func(string) optouttest.Fate { return fate }}
			g := newGate(counter, optouttest.NewClock())
			var log bytes.Buffer
			err := observe.New("patient", &log, time.Now).Invocation(t.Context(), "http", "r-1", func(ctx context.Context) error {
				for range 2 * forms.Most {
					if ok, _ := g.Take(ctx, forms, address); !ok {
						t.Error("one is refused")
					}
					if full, _ := g.Full(ctx, forms, address); full {
						t.Error("it is taken for full")
					}
				}
				return nil
			})
			if line := log.String(); err != nil || !strings.Contains(line, `"QuotaUnknown":12`) || !strings.Contains(line, "limit of forms: ") || strings.Contains(line, address) {
				t.Errorf("%v, noted as %s", err, line)
			}
		})
	}
}

func TestSixtyFourAtOnceOfALimitOfTen(t *testing.T) {
	t.Parallel()
	g := newGate(&optouttest.Memory{}, optouttest.NewClock())
	var within atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if ok, _ := g.Take(t.Context(), quota.Limit{Name: "forms", Most: 10, Per: window}, "a"); ok {
				within.Add(1)
			}
		})
	}
	all.Wait()
	if within.Load() != 10 {
		t.Errorf("%d were within the limit", within.Load())
	}
}

// However many come, the key is written as often as the limit says, and once by each process that learns of it.
func TestAFloodEndsAtTheGate(t *testing.T) {
	t.Parallel()
	const most, processes, each = 600, 40, 1000
	counter, clock := newTable(), optouttest.NewClock()
	l := quota.Limit{Name: "forms", Most: most, Per: window}
	gates := make([]*quota.Gate, processes)
	for n := range gates {
		gates[n] = newGate(counter, clock)
	}
	within := 0
	for range each {
		for _, g := range gates {
			within += taken(t, g, l, "a", 1, optouttest.Noon.Add(window))
		}
	}
	if within != most || counter.counts > most+processes {
		t.Errorf("%d of %d were within the limit, by %d writes", within, processes*each, counter.counts)
	}
	t.Logf("%d takes by %d processes are %d writes", processes*each, processes, counter.counts)
}

// More networks than a process remembers are refused all the same: the table is asked again about those that were forgotten.
func TestWhatIsForgottenIsStillRefused(t *testing.T) {
	t.Parallel()
	const networks = 5000
	counter := newTable()
	g := newGate(counter, optouttest.NewClock())
	l := quota.Limit{Name: "forms", Most: 1, Per: window}
	for round, want := range []int{networks, 0} {
		within := 0
		for n := range networks {
			within += taken(t, g, l, fmt.Sprint(n), 1, optouttest.Noon.Add(window))
		}
		if within != want {
			t.Errorf("round %d: %d were within the limit", round, within)
		}
	}
	if counter.counts <= networks {
		t.Errorf("%d writes: it remembers all of %d networks", counter.counts, networks)
	}
}

// keys is a counter that only notes what it is asked to count under.
type keys []string

func (k *keys) Count(_ context.Context, key string, _ time.Time) (int, error) {
	*k = append(*k, key)
	return 1, nil
}

func (k *keys) Counted(ctx context.Context, key string) (int, error) {
	return k.Count(ctx, key, time.Time{})
}

func TestWhatIsStoredTellsNobodysNetwork(t *testing.T) {
	t.Parallel()
	ring, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	var stored keys
	clock := optouttest.NewClock()
	g := &quota.Gate{Counter: &stored, Hide: ring.Hide, Now: clock.Now}
	network := quota.Network("203.0.113.7:51234")
	g.Take(t.Context(), forms, network)
	clock.Move(window)
	g.Take(t.Context(), forms, network)
	g.Full(t.Context(), forms, network)
	for _, key := range stored {
		if strings.Contains(key, "203") || len(key) != 32 || strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Errorf("counted under %s", key)
		}
	}
	if len(stored) != 3 || stored[0] == stored[1] || stored[1] != stored[2] {
		t.Errorf("counted under %v, looked for under the last", stored)
	}
}
