package optout_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestFormsOfOnePersonEndAlikeHoweverTheyAreLookedAt(t *testing.T) {
	t.Parallel()
	optouttest.Linking(t, func(*testing.T) optout.Store { return &optouttest.Memory{} }, 0)
}

// turns is a store whose callers wait for their turn before every call.
type turns struct {
	optout.Store
	who   int
	wants chan<- int
	turn  <-chan struct{}
}

func (s turns) wait() {
	s.wants <- s.who
	<-s.turn
}

func (s turns) Form(ctx context.Context, r optout.Reference) (optout.Form, error) {
	s.wait()
	return s.Store.Form(ctx, r)
}

func (s turns) Person(ctx context.Context, k optout.PersonKey) ([]optout.Reference, error) {
	s.wait()
	return s.Store.Person(ctx, k)
}

func (s turns) Record(ctx context.Context, c optout.Change) error {
	s.wait()
	return s.Store.Record(ctx, c)
}

func (s turns) Practice(ctx context.Context, c nhs.ODSCode) (optout.Practice, error) {
	s.wait()
	return s.Store.Practice(ctx, c)
}

// atOnce runs all of do at the same time, call by call in the order that choose gives: which of those that wait goes
// next.
func atOnce(store optout.Store, do []func(optout.Store), choose func(waiting []int) int) {
	wants, finished := make(chan int), make(chan int)
	turn := make([]chan struct{}, len(do))
	for n := range do {
		turn[n] = make(chan struct{})
		go func() {
			do[n](turns{store, n, wants, turn[n]})
			finished <- n
		}()
	}
	var waiting []int
	for busy, left := len(do), len(do); left > 0; {
		for ; busy > 0; busy-- {
			select {
			case n := <-wants:
				waiting = append(waiting, n)
			case <-finished:
				left--
			}
		}
		if len(waiting) > 0 {
			slices.Sort(waiting)
			n := choose(waiting)
			waiting = slices.DeleteFunc(waiting, func(w int) bool { return w == n })
			turn[n] <- struct{}{}
			busy = 1
		}
	}
}

// Two engines at two forms of one person at once, in every order of their calls of the store; and what a practice does
// to the first form meanwhile. However that goes, all ends as if one had come after the other.
func TestFormsOfOnePersonEndAlikeWhateverCallsInterleave(t *testing.T) {
	t.Parallel()
	schedules := 0
	for name, second := range map[string]func(*optout.Answers){
		"the same": nil, "another choice": yes, "another signer": proxied, "elsewhere": func(a *optout.Answers) { a.Practice = "A81002" },
	} {
		for _, acts := range [][]string{nil, {"has"}, {"ret"}, {"col"}} {
			want := map[string]bool{}
			for schedule := []int(nil); ; {
				var taken, open []int
				var end string
				synctest.Test(t, func(t *testing.T) {
					h := newHouse(t)
					first := h.register(nil)
					if len(acts) > 0 {
						h.advance(first)
					}
					h.Move(time.Minute)
					refs := []optout.Reference{first, h.again(first, second)}
					h.Move(time.Minute)
					look := func(ref optout.Reference) func(optout.Store) {
						return func(s optout.Store) {
							e := h.engine
							e.Store = s
							if _, err := e.Advance(context.Background(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
								t.Error(err)
							}
						}
					}
					do := []func(optout.Store){look(refs[0]), look(refs[1])}
					for _, verb := range acts {
						do[0] = func(s optout.Store) {
							c := *h
							c.custody.Store = s
							if _, err := actsOf(verb, &c, first); err != nil {
								t.Error(err)
							}
						}
					}
					atOnce(h.Memory, do, func(waiting []int) int {
						n := 0
						if len(taken) < len(schedule) {
							n = schedule[len(taken)]
						}
						taken, open = append(taken, n), append(open, len(waiting))
						return waiting[n]
					})
					for range 3 {
						h.Move(24 * time.Hour)
						h.sweep()
					}
					for _, ref := range refs {
						s := h.form(ref).State()
						end += fmt.Sprintf("%s at %s of %d; ", s.Status, s.Practice, slices.Index(refs, s.Of))
					}
				})
				schedules++
				want[end] = true
				if len(want) > 1 {
					t.Fatalf("%s, %v: the order %v ends as %v", name, acts, taken, want)
				}
				if schedule = following(taken, open); schedule == nil {
					break
				}
			}
		}
	}
	t.Logf("%d schedules", schedules)
	if schedules < 500 {
		t.Error("the calls hardly interleave")
	}
}

// following is the next schedule after one in which, of so many that waited, these went first; nil after the last one.
func following(taken, open []int) []int {
	for n := len(taken) - 1; n >= 0; n-- {
		if taken[n]+1 < open[n] {
			return append(slices.Clone(taken[:n]), taken[n]+1)
		}
	}
	return nil
}

// actsOf says a verb as whoever may.
func actsOf(verb string, h *house, ref optout.Reference) (optout.Answer, error) {
	return acts[verb].do(h, ref, acts[verb].by)
}

// Three engines at three forms of one person at once, in orders drawn at random.
func TestThreeFormsOfOnePersonAtOnce(t *testing.T) {
	t.Parallel()
	kinds := []func(*optout.Answers){nil, nil, yes, proxied}
	for seed := range uint64(1500) {
		random := rand.New(rand.NewPCG(seed, 3))
		one, two := kinds[random.IntN(len(kinds))], kinds[random.IntN(len(kinds))]
		play := func(choose func([]int) int) (end string) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				first := h.register(nil)
				refs := []optout.Reference{first, h.again(first, one), h.again(first, two)}
				h.Move(time.Minute)
				var do []func(optout.Store)
				for _, ref := range refs {
					do = append(do, func(s optout.Store) {
						e := h.engine
						e.Store = s
						if _, err := e.Advance(context.Background(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
							t.Error(err)
						}
					})
				}
				atOnce(h.Memory, do, choose)
				for range 3 {
					h.Move(24 * time.Hour)
					h.sweep()
				}
				for _, ref := range refs {
					s := h.form(ref).State()
					end += fmt.Sprintf("%s at %s of %d; ", s.Status, s.Practice, slices.Index(refs, s.Of))
				}
			})
			return end
		}
		want := play(func(waiting []int) int { return waiting[0] })
		if got := play(func(waiting []int) int { return waiting[random.IntN(len(waiting))] }); got != want {
			t.Fatalf("seed %d: ends as %s, one after the other as %s", seed, got, want)
		}
	}
}
