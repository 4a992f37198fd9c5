package optouttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// said are the ways in which a person's forms can differ as far as linking goes.
var said = map[string]func(a *optout.Answers, first optout.Reference){
	"no":   func(*optout.Answers, optout.Reference) {},
	"core": func(a *optout.Answers, _ optout.Reference) { a.Choice = "core" },
	"yes":  func(a *optout.Answers, _ optout.Reference) { a.Choice = "core-and-additional" },
	"no, by proxy": func(a *optout.Answers, _ optout.Reference) {
		a.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"}
	},
	"no, elsewhere": func(a *optout.Answers, _ optout.Reference) { a.Practice = "A81002" },
	"take back form": func(a *optout.Answers, first optout.Reference) {
		a.Kind, a.Choice, a.About = "withdrawal", "", first.String()
	},
}

// done are what a practice can make of a person's first form while others arrive.
var done = map[string]func(w *world, ref optout.Reference){
	"first checked": func(w *world, ref optout.Reference) {
		w.act(w.custody.Collect(w.ctx, ref, w.practice, optout.Said{}))
		w.act(w.custody.Check(w.ctx, ref, w.practice, optout.Said{}, optout.Listed{Run: w.Now(), Choice: w.form(ref).Facts.Choice}))
	},
	"first withdrawn": func(w *world, ref optout.Reference) {
		w.act(w.custody.Return(w.ctx, ref, w.practice, optout.Said{}, optout.WithdrawnByPerson))
		w.act(w.custody.TakeBack(w.ctx, ref, w.practice, optout.Said{}, optout.TakenBack{How: "phone", On: nhs.DateOf(w.Now()), To: "the receptionist"}))
	},
	"first refused": func(w *world, ref optout.Reference) {
		w.act(w.custody.Return(w.ctx, ref, w.practice, optout.Said{}, optout.NoLegalBasis))
		w.act(w.custody.Refuse(w.ctx, ref, w.practice, optout.Said{}, optout.Telling{On: nhs.DateOf(w.Now())}))
	},
	"first returned": func(w *world, ref optout.Reference) {
		w.act(w.custody.Return(w.ctx, ref, w.practice, optout.Said{}, optout.NotOurPatient))
	},
}

// Linking registers up to three forms of one person in every order of arrival, and lets the engine look at each of
// them at every possible moment. Whenever it looks, all must end where they end if it looks at once; and of the forms
// alone, in whatever order they arrive, the same choice must bind. sample > 0 draws that many interleavings.
func Linking(t *testing.T, open func(*testing.T) optout.Store, sample int) {
	kinds := []string{"no", "core", "yes", "no, by proxy", "no, elsewhere", "take back form"}
	var arrivals [][]string
	for _, a := range kinds {
		arrivals = append(arrivals, []string{a})
		for _, b := range kinds {
			arrivals = append(arrivals, []string{a, b})
			for _, c := range kinds {
				arrivals = append(arrivals, []string{a, b, c})
			}
		}
	}
	for _, does := range []string{"first checked", "first withdrawn", "first refused", "first returned"} {
		for _, b := range kinds {
			for _, c := range kinds {
				arrivals = append(arrivals, []string{"no", b, c, does}, []string{"no", b, does, c}, []string{"no", does, b, c})
			}
		}
	}
	interleaved, random := 0, rand.New(rand.NewPCG(4, 2026))
	bound := map[string]string{} // by the forms, whatever their order
	for _, arrival := range arrivals {
		orders := interleavings(arrival)
		if sample > 0 {
			if interleaved >= sample {
				break
			}
			arrival = arrivals[random.IntN(len(arrivals))]
			orders = interleavings(arrival)
			random.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
			orders = orders[:min(len(orders), 4)]
		}
		want, forms := "", slices.DeleteFunc(slices.Clone(arrival), func(s string) bool { return strings.HasPrefix(s, "first") })
		slices.Sort(forms)
		for _, order := range orders {
			interleaved++
			w := newWorld(t, open(t))
			early, end := w.play(order)
			if want == "" {
				want = end
			}
			if end != want {
				t.Fatalf("%v\n  played as %v\n  ends as   %s\n  but as    %v\n  it ends as %s", arrival, order, end, orders[0], want)
			}
			if len(forms) == len(arrival) && !slices.Contains(forms, "take back form") { // what that one is about depends on the order
				key := strings.Join(forms, ", ")
				if b, ok := bound[key]; ok && b != early {
					t.Fatalf("%v binds %q, in another order %q", order, early, b)
				}
				bound[key] = early
			}
		}
	}
	t.Logf("%d interleavings of %d orders of arrival", interleaved, len(arrivals))
}

// interleavings are all ways to let the engine look at each form once, some time after it arrived. "!n" is a look at
// the nth form.
func interleavings(arrival []string) (all [][]string) {
	var grow func(so []string, arrived, forms int, waiting []int)
	grow = func(so []string, arrived, forms int, waiting []int) {
		if arrived == len(arrival) && len(waiting) == 0 {
			all = append(all, slices.Clone(so))
			return
		}
		for i, n := range waiting {
			grow(append(so, fmt.Sprint("!", n)), arrived, forms, slices.Delete(slices.Clone(waiting), i, i+1))
		}
		if arrived < len(arrival) {
			next := arrival[arrived]
			if strings.HasPrefix(next, "first") {
				if slices.Contains(waiting, 0) { // a practice acts on what it has
					return
				}
				grow(append(so, next), arrived+1, forms, waiting)
				return
			}
			grow(append(so, next), arrived+1, forms+1, append(slices.Clone(waiting), forms))
		}
	}
	grow(nil, 0, 0, nil)
	return all
}

// world is one person, their practice, and what looks after their forms.
type world struct {
	t   *testing.T
	ctx context.Context
	*Clock
	store    optout.Store
	engine   optout.Engine
	custody  optout.Custody
	practice optout.Actor
	number   string
	refs     []optout.Reference
}

func newWorld(t *testing.T, s optout.Store) *world {
	w := &world{t: t, ctx: t.Context(), Clock: NewClock(), store: s, number: Number()}
	w.Move(24 * time.Hour) // a Monday
	w.engine = optout.Engine{Store: s, Post: &Mailbox{}, Now: w.Now}
	w.custody = optout.Custody{Store: s, Keys: Keys{}, Now: w.Now}
	w.practice = optout.Actor{Role: optout.Clinician, Practice: odsCode("A81001"), ID: "u-1"}
	return w
}

func (w *world) act(_ optout.Answer, err error) {
	w.t.Helper()
	w.Move(time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) form(ref optout.Reference) optout.Form {
	w.t.Helper()
	f, err := w.store.Form(w.ctx, ref)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *world) look(ref optout.Reference) {
	w.t.Helper()
	for try := 0; ; try++ {
		_, err := w.engine.Advance(w.ctx, optout.Due{Noun: optout.DueForm, ID: ref.Key()})
		if err == nil {
			return
		}
		if !errors.Is(err, optout.ErrConflict) || try > 20 {
			w.t.Fatal(err)
		}
	}
}

// play does one thing after the other, then lets days pass until nothing moves. It gives the choice that binds when
// all has arrived, and where all forms end.
func (w *world) play(order []string) (binds, end string) {
	w.t.Helper()
	var n int
	for _, what := range order {
		w.Move(time.Minute)
		switch _, look := fmt.Sscanf(what, "!%d", &n); {
		case look == nil:
			w.look(w.refs[n])
		case done[what] != nil:
			done[what](w, w.refs[0])
		default:
			w.arrive(what)
		}
	}
	binds = optout.Binding(w.forms())
	for range 5 {
		w.Move(24 * time.Hour)
		for _, ref := range w.refs {
			w.look(ref)
		}
	}
	var ends []string
	for n, f := range w.forms() {
		s := f.State()
		ends = append(ends, fmt.Sprintf("%d: %s of %d at %s on the list of %s, next %s %s", n, s.Status, slices.Index(w.refs, s.Of), s.Practice, s.Owner, s.Next, s.Fault))
	}
	return binds, strings.Join(ends, "; ") + "; binding " + optout.Binding(w.forms())
}

// arrive registers a form of the person, and gives its reference.
func (w *world) arrive(what string) optout.Reference {
	w.t.Helper()
	a, first := Dissent(), Keys{}.Reference(Online("nobody's"))
	a.Subject.NHSNumber = w.number
	if len(w.refs) > 0 {
		first = w.refs[0]
	}
	said[what](&a, first)
	r, err := optout.Registrar{Store: w.store, Keys: Keys{}, Now: w.Now}.Register(w.ctx, Online(""), a, Accepted(a))
	if err != nil {
		w.t.Fatal(err)
	}
	w.refs = append(w.refs, r.Reference)
	return r.Reference
}

func (w *world) forms() (all []optout.Form) {
	for _, ref := range w.refs {
		all = append(all, w.form(ref))
	}
	return all
}
