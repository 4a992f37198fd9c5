// Package steady keeps work going: it is done again, later, and past a panic.
package steady

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"
)

// mostTries is how often something that may pass is tried again.
const mostTries = 8

// Insist does something again while it fails with an error that may pass, eight times at most, within two seconds or
// so. It gives the last error.
func Insist(ctx context.Context, do func() error, passing ...error) error {
	for try := 0; ; try++ {
		err := do()
		if try >= mostTries || !slices.ContainsFunc(passing, func(p error) bool { return errors.Is(err, p) }) || pause(ctx, try) != nil {
			return err
		}
	}
}

// pause waits before the next try, for a random part of 10, 20, 40 … at most 640 ms.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(Chance(10 * time.Millisecond << min(try, 6)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Chance is one of the numbers from 0 to n-1, each as likely as the others; n is at least 1. All chance on our side of the wire
// comes from crypto/rand, so that a simulation can put a source of its own in its place and see the same again.
func Chance[T ~int | ~int64](n T) T {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return T(binary.LittleEndian.Uint64(b[:]) % uint64(n))
}

// Backoff is how long after the nth failure in a row something is looked at again: 1, 2, 4 … minutes, at most six
// hours.
func Backoff(n int) time.Duration {
	return min(time.Minute<<min(max(n-1, 0), 12), 6*time.Hour)
}

// Survive, deferred, turns a panic into an error that names its place and nothing else: what is in an item cannot take
// the function down, and with it everybody else's items.
func Survive(err *error) {
	p := recover()
	if p == nil {
		return
	}
	place := "an unknown place"
	for skip := 2; skip < 12; skip++ { // past recover and the runtime's own frames
		if _, file, line, ok := runtime.Caller(skip); ok && !strings.Contains(file, "/runtime/") {
			place = fmt.Sprintf("%s:%d", path.Base(file), line)
			break
		}
	}
	*err = fmt.Errorf("panic (%T) at %s", p, place)
}
