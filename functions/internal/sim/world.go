package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/sim/table"
)

// World is one history: the cloud, what runs in it, and who uses it. Everything in it happens one after the other, in
// an order that its seed decides.
type World struct {
	Seed  uint64
	Rand  *rand.Rand
	Table *table.Table
	Store dynamo.Store // for looking on from outside, without a fault
	Mails []Mail       // that SES carried
	Words []*Word      // that practices said
	Count Count
	town

	weather     Weather
	stormy      bool
	wind        *rand.Rand    // decides faults and orders, apart from what people do: a calm world has the same people
	ahead       time.Duration // of the clock that synctest gives
	agenda      agenda
	stirred     bool // somebody may run: whoever was answered, ended or set to work
	serial      int
	reach       dynamo.Store // for functions: each call may fail
	stream      stream
	seen        []optout.Form // as they were read last
	seenAt      int           // the last record of the stream by then
	files       *optouttest.Files
	scanner     *scanner
	consumers   []*Consumer
	schedules   []*Schedule
	plannedFor  time.Time // the goal up to which every schedule is planned; zero: one is not
	firsts      []string  // of what is due, by schedule
	hearsOfMail func(w *World, practice, id string)
	all         bool          // everybody takes part
	lone        string        // the door at which the one person sets out who sends a form; "": there are more
	brief       bool          // that form's practice comes soon, and all faults with it
	wants       int           // forms that people set out to send
	span        time.Duration // in which they do
	ends        time.Time     // after that nothing new begins
	goal        time.Time     // until then things happen, for now
	parts       []Part
	faults      []string
	log         func(format string, a ...any)
	tb          testing.TB

	mu      sync.Mutex
	waiting []*call    // calls that wait to be served
	ended   []*process // that have come to their end by themselves
	knock   chan struct{}
	leaks   []string      // lines of logs that say something of a person
	idle    []chan func() // goroutines that have run a function to its end
}

// Count is what happened in histories.
type Count struct {
	Histories, Forms, Calls int
	Faults                  map[string]int // by kind
	Done                    map[string]int // what people and functions did, by kind
}

// Add adds what happened in others.
func (c *Count) Add(o Count) {
	c.Histories += o.Histories
	c.Forms += o.Forms
	c.Calls += o.Calls
	if c.Faults == nil {
		c.Faults, c.Done = map[string]int{}, map[string]int{}
	}
	for k, n := range o.Faults {
		c.Faults[k] += n
	}
	for k, n := range o.Done {
		c.Done[k] += n
	}
}

// Setup is what a history is made of, all else its seed decides.
type Setup struct {
	Seed   uint64
	Forms  int // about how many
	Parts  []Part
	All    bool                          // everybody takes part, whatever the seed says
	Copies bool                          // what is read of the table is the reader's own, who may write on it; the history is the same, unless somebody does
	Log    func(format string, a ...any) // nil: nobody is told
	After  func(*World)                  // looks at the world when all is over; nil: nobody does
}

// Run lets a history happen and gives what is wrong with it; nothing, if all is well.
func Run(t *testing.T, s Setup) (c Count, wrong []string) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, s.Seed)
	synctest.Test(t, func(t *testing.T) {
		widen()
		w := newWorld(t, s)
		w.live()
		if s.After != nil {
			s.After(w)
		}
		wrong, c = w.faults, w.Count
		synctest.Wait()
		for _, h := range w.idle {
			close(h)
		}
	})
	return c, wrong
}

// current is the world that happens: one at a time. Doors are built once, and ask it for the time.
var current *World

func newWorld(tb testing.TB, s Setup) *World {
	w := &World{
		Seed: s.Seed, Rand: rand.New(rand.NewPCG(s.Seed, 1)), wind: rand.New(rand.NewPCG(s.Seed, 2)), log: s.Log, tb: tb,
		Count: Count{Histories: 1, Faults: map[string]int{}, Done: map[string]int{}},
		knock: make(chan struct{}, 1), parts: s.Parts,
	}
	// Any day of two years, and any minute of it: months end, clocks change and offices close.
	w.ahead = time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(w.Rand.IntN(2*365*24*60)) * time.Minute))
	w.Table = table.New(w.Now)
	if !s.Copies {
		w.Table.Bare()
	}
	w.files = &optouttest.Files{}
	w.Store = dynamo.Over(w.Table.Calls(), tableName)
	w.reach = reach()
	w.Table.Lag(w.lag)
	current = w
	w.wants, w.all = max(1, s.Forms), s.All || s.Forms >= 1000
	if w.wants == 1 && !w.all {
		n := w.Rand.IntN(2048)
		w.lone, w.brief = []string{optout.Paper, optout.Counter, onPages, optout.Online}[min((n+3)/4, 3)], n >= 41
	}
	w.span = min(time.Duration(w.wants)*2*time.Hour, 20*24*time.Hour)
	w.ends = w.Now().Add(w.span + 3*24*time.Hour)
	if w.brief {
		w.ends = w.Now().Add(w.span + 6*time.Hour)
	}
	w.weather = weatherOf(w.wind, w.brief)
	w.settleTown(max(1, w.wants*2/3))
	for _, p := range w.parts {
		if f, ok := p.(Functions); ok {
			consumers, schedules := f.Functions(w)
			w.consumers, w.schedules = append(w.consumers, consumers...), append(w.schedules, schedules...)
		}
	}
	w.firsts = make([]string, len(w.schedules))
	return w
}

const tableName = "optout"

// onPages is the door online where somebody fills in its pages.
const onPages = "pages"

// Now is what every clock shows, but for those that are wrong.
func (w *World) Now() time.Time { return time.Now().Add(w.ahead).UTC().Round(0) }

// live lets everything happen: while faults come, then when none come any more and everybody does what is theirs, and at
// the end it looks at what has become of it all.
func (w *World) live() {
	w.stormy = w.weather.Any()
	for _, p := range w.parts {
		p.Begin(w)
	}
	w.until(w.ends)
	w.stormy = false
	w.note("no faults come any more")
	rest := settling
	if w.brief { // until whoever was routed a form must have been told of it
		rest += 27 * time.Hour
	}
	w.until(w.Now().Add(rest))
	w.checkTold(27*time.Hour + settling)
	for _, p := range w.parts {
		p.Settle(w)
	}
	w.After(sweeperPeriod, w.keepsTime)
	w.until(w.Now().Add(14 * 24 * time.Hour))
	w.check()
	for _, p := range w.parts {
		p.Check(w)
	}
	for _, line := range w.leaks {
		w.Wrong("a log says something of a person: %s", line)
	}
}

// Wrong notes that something is not as it must be.
func (w *World) Wrong(format string, a ...any) {
	if len(w.faults) < 10 {
		w.faults = append(w.faults, fmt.Sprintf(format, a...))
	}
	w.note("WRONG: "+format, a...)
}

// note is for who follows one history.
func (w *World) note(format string, a ...any) {
	if w.log != nil {
		w.log("%s "+format, append([]any{w.Now().Format("01-02 15:04:05.000")}, a...)...)
	}
}

// Did counts what somebody did.
func (w *World) Did(what string) { w.Count.Done[what]++ }

// settling is how long the world has, once no faults come any more, to come to rest: longer than any failure in a row
// puts anything off (steady.Backoff).
const settling = 7 * time.Hour

// until lets things happen until a time has come.
func (w *World) until(end time.Time) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	w.goal = end
	came := false
	w.at(end, func() { came = true })
	for w.stirred = true; !came; {
		if w.stirred {
			synctest.Wait()
			select {
			case <-w.knock: // nobody runs: whatever there was to say is seen
			default:
			}
			w.stirred = false
		}
		if w.step() {
			continue
		}
		w.sweepSoon()
		for w.agenda[0].do == nil {
			heap.Pop(&w.agenda)
		}
		timer.Reset(max(0, w.agenda[0].at.Sub(w.Now())))
		select {
		case <-timer.C:
		case <-w.knock:
		}
		w.stirred = true // by time
	}
}

// step is one thing that happens now; false if nothing does.
func (w *World) step() bool {
	w.mu.Lock()
	ended := w.ended
	w.ended = nil
	w.mu.Unlock()
	if len(ended) > 0 {
		sortByAge(ended)
		for _, p := range ended {
			w.over(p)
		}
		return true
	}
	if c := w.choose(); c != nil {
		w.serve(c)
		return true
	}
	if len(w.agenda) > 0 && !w.agenda[0].at.After(w.Now()) {
		if i := heap.Pop(&w.agenda).(*item); i.do != nil {
			i.do()
		}
		return true
	}
	return false
}

// After has something done later.
func (w *World) After(d time.Duration, do func()) { w.at(w.Now().Add(d), do) }

func (w *World) at(t time.Time, do func()) *item {
	w.serial++
	i := &item{t, w.serial, do}
	heap.Push(&w.agenda, i)
	return i
}

// Soon is a random part of a span of time.
func (w *World) Soon(most time.Duration) time.Duration {
	return soon(w.Rand, most)
}

func soon(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// item is what will be done, and when.
type item struct {
	at     time.Time
	serial int
	do     func() // nil: it was called off
}

type agenda []*item

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*item)) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].serial < a[j].serial
	}
	return a[i].at.Before(a[j].at)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return x
}
