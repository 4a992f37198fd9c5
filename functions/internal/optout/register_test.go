package optout_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func registrar(s optout.Store, c *optouttest.Clock) optout.Registrar {
	return optout.Registrar{Store: s, Keys: optouttest.Keys{}, Now: c.Now}
}

// fates lets the first calls of a method meet these fates, and all later ones be fine.
func fates(method string, of ...optouttest.Fate) func(string) optouttest.Fate {
	return func(m string) optouttest.Fate {
		if m != method || len(of) == 0 {
			return optouttest.Fine
		}
		f := of[0]
		of = of[1:]
		return f
	}
}

func TestOurOwnRetryAfterALostAnswerIsNoReplay(t *testing.T) {
	t.Parallel()
	for name, of := range map[string][]optouttest.Fate{
		"lost":                       {optouttest.Lost},
		"lost twice":                 {optouttest.Lost, optouttest.Lost},
		"throttled, then lost":       {optouttest.Throttle, optouttest.Lost},
		"conflict, throttled, lost":  {optouttest.Conflict, optouttest.Throttle, optouttest.Lost},
		"lost, then a conflict":      {optouttest.Lost, optouttest.Conflict},
		"lost, then throttled twice": {optouttest.Lost, optouttest.Throttle, optouttest.Throttle},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &optouttest.Memory{Fate: fates("Register", of...)}
				r, a, o := registrar(m, optouttest.NewClock()), optouttest.Dissent(), optouttest.Online("")
				first, err := r.Register(t.Context(), o, a, optouttest.Accepted(a))
				if err != nil || first.Replayed {
					t.Errorf("first answer: %+v, %v", first, err)
				}
				again, err := r.Register(t.Context(), o, a, optouttest.Accepted(a))
				if err != nil || !again.Replayed || again.Reference != first.Reference || !again.Received.Equal(first.Received) {
					t.Errorf("a real repeat: %+v, %v; the first was %+v", again, err, first)
				}
			})
		})
	}
}

func TestATableThatStaysAwayIsSaidToBeAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &optouttest.Memory{Fate: func(string) optouttest.Fate { return optouttest.Throttle }}
		a := optouttest.Dissent()
		_, err := registrar(m, optouttest.NewClock()).Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
		if !errors.Is(err, optout.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
	})
}

func TestOneKeyStandsForOneSetOfAnswers(t *testing.T) {
	t.Parallel()
	m := &optouttest.Memory{}
	clock := optouttest.NewClock()
	r, a, o := registrar(m, clock), optouttest.Dissent(), optouttest.Online("")
	if _, err := r.Register(t.Context(), o, a, optouttest.Accepted(a)); err != nil {
		t.Fatal(err)
	}
	other := optouttest.Dissent()
	other.Choice = "core"
	if _, err := r.Register(t.Context(), o, other, optouttest.Accepted(other)); !errors.Is(err, optout.ErrOtherAnswers) {
		t.Errorf("other answers under the same key: %v", err)
	}
	for name, c := range map[string]struct {
		origin  optout.Origin
		answers *optout.Answers
		want    error
	}{
		"the same answers":             {o, &a, nil},
		"other answers":                {o, &other, optout.ErrOtherAnswers},
		"answers nobody can read":      {o, nil, optout.ErrOtherAnswers},
		"a new key":                    {optouttest.Online(""), &a, optout.ErrNotFound},
		"the same key at another door": {optout.Origin{Door: "phone", Client: o.Client, Key: o.Key}, &a, optout.ErrNotFound},
	} {
		if got, err := r.Replay(t.Context(), c.origin, c.answers); !errors.Is(err, c.want) || err == nil && !got.Replayed {
			t.Errorf("replay of %s: %+v, %v; want %v", name, got, err, c.want)
		}
	}
}

// Whatever the table does to the calls, each key is one form and each client hears of the same one.
func TestRegistrationUnderRandomFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(7, 11))
		m := &optouttest.Memory{Fate: func(string) optouttest.Fate { return optouttest.Fate(random.IntN(5) % 4) }}
		r := registrar(m, optouttest.NewClock())
		for n := range 300 {
			o, a := optouttest.Online(fmt.Sprint(n)), optouttest.Dissent()
			a.Subject.NHSNumber, a.Subject.Surname = "", fmt.Sprintf("Name%c%d", 'a'+n%26, n)
			var first optout.Receipt
			firsts := 0
			for try := range 4 {
				got, err := r.Register(t.Context(), o, a, optouttest.Accepted(a))
				if errors.Is(err, optout.ErrUnavailable) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if !got.Replayed {
					firsts++
				}
				if try > 0 && !first.Reference.IsZero() && (got.Reference != first.Reference || !got.Received.Equal(first.Received)) {
					t.Fatalf("key %d was told two answers", n)
				}
				first = got
			}
			if firsts > 1 {
				t.Fatalf("key %d was told %d times that it is the first", n, firsts)
			}
			if refs, _ := m.Possible(t.Context(), optouttest.Keys{}.Possible(optouttest.Accepted(a).Surname, optouttest.Accepted(a).BirthDate, optouttest.Accepted(a).Postcode)); len(refs) > 1 {
				t.Fatalf("key %d was registered %d times", n, len(refs))
			}
		}
	})
}
