package sim

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/petermattis/goid"
)

// What a person said is seen in a line however it is written, and what is like it by chance is not.
func TestWhatAPersonSaidIsSeenInALog(t *testing.T) {
	t.Parallel()
	lives := town{numbers: map[string]bool{"9000000335": true}, births: map[string]bool{"1957-03-31": true, "2000-01-01": true}}
	for line, said := range map[string]bool{
		`"name":"Quillfeather"`: true, `"name":"QUILLFEATHER"`: true, `"name":"Ben Otis"`: true, `"name":"Wren"`: true, `"at":"1 Lawson Street"`: true,
		`"at":"ts18 1hu"`: true, `"at":"TS181HU"`: true, `"number":"9000000335"`: true, `"number":"900 000 0335"`: true, `9000000335`: true, `"born":"1957-03-31"`: true,
		`"Timestamp":1769000000335,"a":1`: false, `"Timestamp":90000003351`: false, `"piece":"ABCWREN7QUIFTNGXYZ23456ABC"`: false, `"time":"2000-01-01T00:00:51Z"`: false,
		`"reference":"D1TJ-HGC9-4R0N-3BZR-H","status":"201"`: false,
	} {
		if got := lives.isSaid([]byte(line)); got != said {
			t.Errorf("%s: %t", line, got)
		}
	}
}

// The library that tells goroutines apart reads the runtime's own structure, which another Go may change.
func TestGoroutinesAreToldApartAsTheirStacksSay(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			var b [64]byte
			if stack := string(b[:runtime.Stack(b[:], false)]); !strings.HasPrefix(stack, fmt.Sprintf("goroutine %d ", goid.Get())) {
				t.Errorf("goroutine %d is called %q", goid.Get(), stack)
			}
		})
	}
	all.Wait()
}
