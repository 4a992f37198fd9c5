package sim

import (
	"bytes"
	"io"
	"strings"
)

// logs takes the lines that functions write, in which nothing that a person said may stand (package observe).
var logs io.Writer = logbook{}

type logbook struct{}

// Write implements io.Writer: one line at a time.
func (logbook) Write(line []byte) (int, error) {
	if w := current; w.town.isSaid(line) {
		w.mu.Lock()
		w.leaks = append(w.leaks, string(line))
		w.mu.Unlock()
	}
	return len(line), nil
}

// isSaid says that a line has something in it that a person says of themselves: a name, an address, an NHS number however it is
// spaced, or a birth date. Short names could stand there by chance, in an id.
func (t *town) isSaid(line []byte) bool {
	for _, word := range private {
		if bytes.Contains(line, word) {
			return true
		}
	}
	lower := bytes.ToLower(line)
	for _, word := range privateLower {
		if bytes.Contains(lower, word) {
			return true
		}
	}
	var number [10]byte
	digits := 0
	for i, c := range line {
		switch {
		case c >= '0' && c <= '9':
			if digits < len(number) {
				number[digits] = c
			}
			digits++
		case c == ' ' && digits > 0 && i+1 < len(line) && line[i+1] >= '0' && line[i+1] <= '9':
		default:
			digits = 0
		}
		ends := i+1 == len(line) || (line[i+1] < '0' || line[i+1] > '9') && line[i+1] != ' '
		if digits == len(number) && ends && t.numbers[string(number[:])] {
			return true
		}
		if c == '-' && i >= 4 && i+6 <= len(line) && t.births[string(line[i-4:i+6])] && (i+6 == len(line) || line[i+6] != 'T') { // no time of day
			return true
		}
	}
	return false
}

// private is what people say of themselves, as they write it, and privateLower what can stand nowhere by chance however it is
// written.
var private, privateLower = func() (as, lower [][]byte) {
	for _, word := range append(append([]string{"Lawson"}, surnames...), forenames...) {
		if len(word) > 3 {
			as = append(as, []byte(word))
		}
		if len(word) > 6 {
			lower = append(lower, []byte(strings.ToLower(word)))
		}
	}
	for _, p := range postcodes {
		lower = append(lower, []byte(strings.ToLower(p)), []byte(strings.ToLower(strings.ReplaceAll(p, " ", ""))))
	}
	return as, lower
}()
