package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// A push that is killed with SIGKILL while it talks to the server, at points drawn by lot, and started again, sends every
// file once.
func TestKilledOnTheWayNothingIsLostAndNothingIsTwice(t *testing.T) {
	t.Parallel()
	const wanted = 24
	kills := 0
	for kills < wanted && !t.Failed() {
		w := newWorld(t)
		folder, sums := scans(t, 7)
		for round := 0; ; round++ {
			var pid atomic.Int64
			var left atomic.Int64
			left.Store(1 + rand.Int64N(18))
			known := make(chan struct{})
			w.happens(func(string) {
				<-known
				if left.Add(-1) == 0 {
					_ = syscall.Kill(int(pid.Load()), syscall.SIGKILL)
					panic(http.ErrAbortHandler)
				}
			})
			code, said := w.push(folder, nil, func(p int) {
				pid.Store(int64(p))
				close(known)
			})
			w.earned(folder)
			if code == 0 {
				if !strings.Contains(said, "They agree.") || !strings.Contains(said, "7 seen = 7 sent + 0 refused + 0 waiting") {
					t.Errorf("it says %s", said)
				}
				break
			}
			if code != -1 { // not killed
				t.Fatalf("it ends with %d: %s", code, said)
			}
			if kills++; round > 100 {
				t.Fatal("it comes to no end")
			}
		}
		w.happens(func(string) {})
		w.recount(folder, sums)
	}
	t.Logf("%d kills", kills)
}

// The same, killed before, within and after every single write to its journal.
func TestKilledAtEveryWriteNothingIsLostAndNothingIsTwice(t *testing.T) {
	t.Parallel()
	kills := 0
	for far := range 3 {
		for at := 1; ; at++ {
			w := newWorld(t)
			folder, sums := scans(t, 2)
			code, said := w.push(folder, []string{fmt.Sprintf("%s=%d %d", dies, at, far)}, nil)
			w.earned(folder)
			if code == 0 {
				break
			}
			if code != -1 {
				t.Fatalf("it ends with %d: %s", code, said)
			}
			kills++
			if code, said = w.push(folder, nil, nil); code != 0 {
				t.Fatalf("killed at write %d (%d), and started again, it ends with %d: %s", at, far, code, said)
			}
			w.recount(folder, sums)
			if t.Failed() {
				t.Fatalf("killed at write %d (%d)", at, far)
			}
		}
	}
	if kills < 20 {
		t.Errorf("only %d kills", kills)
	}
	t.Logf("%d kills", kills)
}
