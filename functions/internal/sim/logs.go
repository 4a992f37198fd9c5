package sim

import (
	"bytes"
	"io"
)

// logs takes the lines that functions write, in which nothing that a person said may stand (package observe).
var logs io.Writer = logbook{}

type logbook struct{}

// Write implements io.Writer: one line at a time.
func (logbook) Write(line []byte) (int, error) {
	w := current
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, word := range private {
		if bytes.Contains(line, word) {
			w.leaks = append(w.leaks, string(line))
		}
	}
	for rest := line; ; {
		at := bytes.IndexByte(rest, '9') // all their numbers begin so
		if at < 0 {
			return len(line), nil
		}
		if rest = rest[at:]; len(rest) >= 10 && w.numbers[string(rest[:10])] {
			w.leaks = append(w.leaks, string(line))
		}
		rest = rest[1:]
	}
}

// private is what people say of themselves, as far as it cannot stand in a line by chance.
var private = func() (words [][]byte) {
	for _, w := range append(append([]string{"Lawson"}, surnames...), postcodes...) {
		if len(w) > 3 {
			words = append(words, []byte(w))
		}
	}
	return words
}()
