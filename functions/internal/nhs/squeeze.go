package nhs

import "unicode"

// squeezed is a code or number as somebody typed it, in capitals and without the spaces and dashes that people put
// anywhere. It is empty where anything but ASCII letters and digits is left, or more than any code or number has.
type squeezed struct {
	chars, kinds [10]byte
	n            int
}

func squeeze(s string) squeezed {
	var q squeezed
	for _, r := range s {
		kind := byte('A')
		switch {
		case r >= '0' && r <= '9':
			kind = '9'
		case r >= 'A' && r <= 'Z':
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case unicode.IsSpace(r), unicode.Is(unicode.Dash, r):
			continue
		default:
			return squeezed{}
		}
		if q.n == len(q.chars) {
			return squeezed{}
		}
		q.chars[q.n], q.kinds[q.n] = byte(r), kind
		q.n++
	}
	return q
}

// text is what was typed, squeezed.
func (q *squeezed) text() string { return string(q.chars[:q.n]) }

// shape is its pattern: A for every letter, 9 for every digit. Comparing it costs no allocation, so that parsers ask
// for the shape first.
func (q *squeezed) shape() string { return string(q.kinds[:q.n]) }
