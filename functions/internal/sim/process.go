package sim

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/petermattis/goid"
)

// process is one run of a function: it takes calls to the cloud one by one, and may be ended at any of them. It is the context of
// what runs in it, which is over when the process is; the world ends it at its deadline, and no timer.
type process struct {
	context.Context
	w       *World
	id      int
	name    string
	gone    atomic.Bool   // it is over, or has crashed: what is left of it does nothing any more
	served  map[int64]int // the number of the last call of each of its goroutines that was served
	then    func(err error)
	finish  func()
	limit   *item // its end, whether it has come to it or not
	until   time.Time
	outside bool
}

type processKey struct{}

// Value implements context.Context.
func (p *process) Value(key any) any {
	if key == (processKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// Deadline implements context.Context.
func (p *process) Deadline() (time.Time, bool) { return p.until, !p.until.IsZero() }

// errCrashed is what whoever called a function hears when it does not come to its end.
var errCrashed = errors.New("the function did not come to its end")

// Outside is for looking on: calls are served at once and never fail.
func (w *World) Outside() context.Context {
	return &process{Context: context.Background(), w: w, outside: true}
}

// Start runs a function, which has so long, and says then what came of it: nothing, or that it crashed.
func (w *World) Start(name string, long time.Duration, run func(context.Context), then func(err error)) {
	w.serial++
	p := &process{w: w, id: w.serial, name: name, then: then, served: map[int64]int{}}
	p.Context, p.finish = context.WithCancel(context.Background())
	p.until = time.Now().Add(long)
	p.limit = w.at(w.Now().Add(long), func() { // the service ends it
		if !p.gone.Load() {
			w.fault("function out of time")
			w.crash(p, nil)
		}
	})
	// One at a time: two that begin at once would draw their chance in no order.
	w.After(0, func() {
		w.stirred = true
		w.hand() <- func() {
			run(p) // if it crashes, the world knows, and its goroutine is over with it
			w.mu.Lock()
			w.ended = append(w.ended, p)
			w.mu.Unlock()
			w.wake()
		}
	})
}

// hand is a goroutine that takes what it has to run: one that has run before, if there is, since its stack has grown by then.
func (w *World) hand() chan func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle) - 1; n >= 0 {
		h := w.idle[n]
		w.idle = w.idle[:n]
		return h
	}
	h := make(chan func(), 1)
	go func() {
		widen()
		for run := range h {
			run()
			w.mu.Lock()
			w.idle = append(w.idle, h)
			w.mu.Unlock()
		}
	}()
	return h
}

// widen has the stack of a goroutine grow at once to what a function needs, rather than step by step.
//
//go:noinline
func widen() {
	var much [40 << 10]byte
	runtime.KeepAlive(&much[0])
}

func (w *World) wake() {
	select {
	case w.knock <- struct{}{}:
	default:
	}
}

func sortByAge(all []*process) {
	slices.SortFunc(all, func(a, b *process) int { return cmp.Compare(a.id, b.id) })
}

// over is the end of a function that has come to it by itself.
func (w *World) over(p *process) {
	if !p.gone.Swap(true) {
		w.finish(p, nil)
	}
}

func (w *World) finish(p *process, err error) {
	w.stirred = true
	p.finish()
	p.limit.do = nil
	if p.then != nil {
		p.then(err)
	}
}

// crash ends a function wherever it is, in the midst of a call perhaps. It is gone before any of its goroutines hears of it:
// what else of it runs on meanwhile would call, or not, as it comes.
func (w *World) crash(p *process, in *call) {
	w.note("%s %d crashes", p.name, p.id)
	w.troubled(p)
	p.gone.Store(true)
	if in != nil {
		in.answer(reply{ends: true})
	}
	w.mu.Lock()
	for _, c := range w.waiting {
		if c.p == p {
			c.answer(reply{ends: true})
		}
	}
	w.mu.Unlock()
	w.finish(p, errCrashed)
}

// call is one call of a function to a service.
type call struct {
	p       *process
	by      int64 // the goroutine that makes it
	service string
	name    string // of the operation, and what it is about; "": as what says
	what    func() string
	writes  bool
	effect  func() error             // has it done, once more each time; the last answer counts
	fails   func(kind failure) error // what the client of the service gives when it fails like that; nil: it cannot
	back    chan reply
	done    bool      // it was answered
	left    bool      // its caller has gone on without the answer
	until   time.Time // it is not served before
}

type reply struct {
	err  error
	ends bool
}

// title is the call's name, of which mostly nobody asks.
func (c *call) title() string {
	if c.name == "" {
		c.name = c.what()
	}
	return c.name
}

func (c *call) answer(r reply) {
	if !c.done {
		c.done, c.p.w.stirred = true, true
		c.back <- r
	}
}

// call waits until the world has served a call.
func (w *World) call(ctx context.Context, c *call) error {
	p, _ := ctx.Value(processKey{}).(*process)
	switch {
	case p == nil:
		panic("a call of " + c.title() + " that belongs to no process")
	case p.outside:
		return c.effect()
	case p.gone.Load():
		runtime.Goexit()
	case ctx.Err() != nil:
		return ctx.Err()
	}
	c.p, c.by, c.back = p, goid.Get(), make(chan reply, 1)
	w.mu.Lock()
	w.waiting = append(w.waiting, c)
	w.mu.Unlock()
	w.wake()
	select {
	case r := <-c.back:
		if r.ends {
			runtime.Goexit()
		}
		return r.err
	case <-ctx.Done():
		w.mu.Lock()
		c.left = true
		w.mu.Unlock()
		return ctx.Err()
	}
}

// choose takes one of the calls that wait, if one may be served now.
func (w *World) choose() *call {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return nil
	}
	if len(w.waiting) > 1 { // goroutines come in no order: make one. Of two that ask for the same, who was served first before is first.
		slices.SortStableFunc(w.waiting, func(a, b *call) int {
			return cmp.Or(cmp.Compare(a.p.id, b.p.id), cmp.Compare(a.title(), b.title()), cmp.Compare(a.p.served[a.by], b.p.served[b.by]))
		})
	}
	now := w.Now()
	ready := 0
	for _, c := range w.waiting {
		if !c.until.After(now) {
			ready++
		}
	}
	if ready == 0 {
		return nil
	}
	n := 0
	if ready > 1 {
		n = w.wind.IntN(ready)
	}
	for i, c := range w.waiting {
		if c.until.After(now) {
			continue
		}
		if n == 0 {
			w.waiting = slices.Delete(w.waiting, i, i+1)
			return c
		}
		n--
	}
	return nil
}

// failure is how a call fails.
type failure int

const (
	refused    failure = iota // it was not done, and the service says so
	unanswered                // nobody knows whether it was done
	conflicted                // somebody else was at the same item
)

// serve has a call done, or not, and answered, or not.
func (w *World) serve(c *call) {
	p := c.p
	if p.gone.Load() { // it died with the call on its way, which may arrive all the same
		if c.writes && w.stormy && w.wind.IntN(2) == 0 {
			w.fault("done after the caller's end")
			_ = c.effect()
			w.happened()
			w.troubled(p)
		}
		return
	}
	w.Count.Calls++
	p.served[c.by] = w.Count.Calls
	if w.log != nil {
		w.note("%s %d: %s", p.name, p.id, c.title())
	}
	if !w.stormy || c.left {
		if c.left && !w.chance(0.5) {
			return
		}
		err := c.effect()
		w.happened()
		if c.left { // nobody hears that it was done
			w.troubled(p)
		}
		c.answer(reply{err: err})
		return
	}
	fate := w.weather.fate(w.wind, c)
	if fate == fine {
		err := c.effect()
		w.happened()
		c.answer(reply{err: err})
		return
	}
	w.fault(fate.String() + " (" + c.service + ")")
	defer w.troubled(p)
	if w.log != nil {
		w.note("%s %d: %s: %s", p.name, p.id, c.title(), fate)
	}
	switch fate {
	case fails:
		c.answer(reply{err: c.fails(refused)})
	case conflicts:
		c.answer(reply{err: c.fails(conflicted)})
	case loses:
		_ = c.effect()
		w.happened()
		c.answer(reply{err: c.fails(unanswered)})
	case repeats: // the first answer was lost, and the client's library asks again
		_ = c.effect()
		err := c.effect()
		w.happened()
		c.answer(reply{err: err})
	case delays:
		d := time.Duration(w.wind.Int64N(int64(10 * time.Second)))
		if w.wind.IntN(4) == 0 {
			d *= 6
		}
		c.until = w.Now().Add(d)
		w.at(c.until, func() {})
		w.mu.Lock()
		w.waiting = append(w.waiting, c)
		w.mu.Unlock()
	case crashesBefore:
		w.crash(p, c)
	case crashesAfter:
		_ = c.effect()
		w.happened()
		w.crash(p, c)
	}
}

func (w *World) chance(p float64) bool { return w.wind.Float64() < p }

// fault counts a fault.
func (w *World) fault(kind string) { w.Count.Faults[kind]++ }
