package steady

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoffGrowsAndEnds(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for n := 1; n <= 100; n++ {
		b := Backoff(n)
		if b < last || b < time.Minute || b > 6*time.Hour {
			t.Fatalf("after %d failures: %v, before it %v", n, b, last)
		}
		last = b
	}
	if last != 6*time.Hour || Backoff(0) != time.Minute || Backoff(3) != 4*time.Minute {
		t.Errorf("steps are %v, %v … %v", Backoff(0), Backoff(3), last)
	}
}

func TestInsistingEndsWithSuccessWithWhatIsForGoodAndInTime(t *testing.T) {
	t.Parallel()
	passing, forGood := errors.New("busy"), errors.New("broken")
	for name, c := range map[string]struct {
		fail  func(try int) error
		tries int
		err   error
	}{
		"at once":        {func(int) error { return nil }, 1, nil},
		"the third time": {func(try int) error { return map[bool]error{true: passing}[try < 3] }, 3, nil},
		"for good":       {func(int) error { return forGood }, 1, forGood},
		"never":          {func(int) error { return passing }, mostTries + 1, passing},
	} {
		synctest.Test(t, func(t *testing.T) {
			tries, start := 0, time.Now()
			err := Insist(t.Context(), func() error { tries++; return c.fail(tries) }, passing)
			if tries != c.tries || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || time.Since(start) > 3*time.Second {
				t.Errorf("%s: %d tries, %v, %v", name, tries, err, time.Since(start))
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Insist(ended, func() error { return passing }, passing); !errors.Is(err, passing) {
		t.Errorf("out of time: %v", err)
	}
}

func TestAPanicNamesItsPlaceAndNotWhatItHeld(t *testing.T) {
	t.Parallel()
	err := func() (err error) {
		defer Survive(&err)
		panic("Quillfeather")
	}()
	if err == nil || !strings.Contains(err.Error(), "steady_test.go:") || strings.Contains(err.Error(), "Quillfeather") {
		t.Errorf("told as %v", err)
	}
}

func TestChanceStaysWithinItsRangeAndLeavesOutNothing(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 10_000 {
		n := Chance(5)
		if n < 0 || n > 4 {
			t.Fatalf("%d of 5", n)
		}
		seen[n] = true
	}
	if len(seen) != 5 || Chance(time.Duration(1)) != 0 {
		t.Errorf("seen %v", seen)
	}
}
