package sim

import (
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
	var number [10]byte
	digits := 0
	for i, c := range line {
		if !private.telling[c] {
			digits = 0
			continue
		}
		if i+1 < len(line) {
			for _, p := range private.lists[private.of[int(c)<<8|int(line[i+1])]] {
				if p.begins(line[i:]) {
					return true
				}
			}
		}
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
		if digits == len(number) {
			ends := i+1 == len(line) || (line[i+1] < '0' || line[i+1] > '9') && line[i+1] != ' '
			if ends && t.numbers[string(number[:])] {
				return true
			}
		}
		if c == '-' && i >= 4 && i+6 <= len(line) && t.births[string(line[i-4:i+6])] && (i+6 == len(line) || line[i+6] != 'T') { // no time of day
			return true
		}
	}
	return false
}

// words are something that people say of themselves: as they write it, or, where it can stand nowhere by chance, in any letters.
type words struct {
	text string // of any letters: in small ones, but for what ASCII does not have
	any  bool
}

func (s words) begins(line []byte) bool {
	if len(line) < len(s.text) {
		return false
	}
	for i := range len(s.text) {
		c := line[i]
		if s.any {
			c = small(c)
		}
		if c != s.text[i] {
			return false
		}
	}
	return true
}

// cases are the bytes that can stand at a place of these words.
func (s words) cases(n int) []byte {
	c := s.text[n]
	if s.any && c >= 'a' && c <= 'z' {
		return []byte{c, c - 'a' + 'A'}
	}
	return []byte{c}
}

func small(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// private is what people say of themselves, by the two bytes that it can begin with: which of the lists it stands on. The first
// list is empty.
var private = func() (by struct {
	of      [1 << 16]uint16
	lists   [][]words
	telling [256]bool // bytes at which something can begin, or of which a number or a date is made
},
) {
	by.lists = make([][]words, 1)
	for _, c := range []byte("0123456789 -") {
		by.telling[c] = true
	}
	add := func(s words) {
		for _, first := range s.cases(0) {
			by.telling[first] = true
			for _, second := range s.cases(1) {
				at := &by.of[int(first)<<8|int(second)]
				if *at == 0 {
					*at = uint16(len(by.lists))
					by.lists = append(by.lists, nil)
				}
				by.lists[*at] = append(by.lists[*at], s)
			}
		}
	}
	anyhow := func(word string) {
		lower := strings.ToLower(word)
		add(words{lower, true})
		if upper := strings.Map(func(r rune) rune {
			if r < 0x80 {
				return rune(small(byte(r)))
			}
			return r
		}, strings.ToUpper(word)); upper != lower {
			add(words{upper, true})
		}
	}
	for _, word := range append(append([]string{"Lawson"}, surnames...), forenames...) {
		switch {
		case len(word) > 6:
			anyhow(word)
		case len(word) > 3:
			add(words{word, false})
		}
	}
	for _, p := range postcodes {
		anyhow(p)
		anyhow(strings.ReplaceAll(p, " ", ""))
	}
	return by
}()
