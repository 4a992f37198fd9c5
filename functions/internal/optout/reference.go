package optout

import (
	"errors"
	"strings"
)

// Reference is a form's id: 16 characters of Crockford's base 32 (80 bits) and a check character of the same
// alphabet. It says nothing about the person and may be read aloud.
type Reference struct{ chars string }

const (
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	refData   = 16
	refChars  = refData + 1
)

// ErrReference means that the characters are no reference: too few, too many, or the check character does not fit.
var ErrReference = errors.New("not a reference")

// NewReference spells 80 bits as a reference.
func NewReference(bits [10]byte) Reference {
	var digits [refData]byte
	acc, n, at := uint(0), 0, 0
	for _, b := range bits {
		acc, n = acc<<8|uint(b), n+8
		for ; n >= 5; n -= 5 {
			digits[at] = byte(acc>>(n-5)) & 31
			at++
		}
	}
	chars := make([]byte, 0, refChars)
	for _, d := range digits {
		chars = append(chars, crockford[d])
	}
	return Reference{string(append(chars, crockford[checkCharacter(digits)]))}
}

// copied undoes what people do to a reference when they copy it.
var copied = strings.NewReplacer(" ", "", "-", "", "\u2011", "", "\u2013", "", "O", "0", "I", "1", "L", "1")

// ParseReference reads a reference as a person copies it: any case, spaces and dashes anywhere, O for 0, I and L
// for 1.
func ParseReference(s string) (Reference, error) {
	c := copied.Replace(strings.ToUpper(s))
	if len(c) != refChars {
		return Reference{}, ErrReference
	}
	var digits [refData]byte
	for i := range refData {
		d := strings.IndexByte(crockford, c[i])
		if d < 0 {
			return Reference{}, ErrReference
		}
		digits[i] = byte(d)
	}
	if c[refData] != crockford[checkCharacter(digits)] {
		return Reference{}, ErrReference
	}
	return Reference{c}, nil
}

// checkCharacter is the weighted sum over GF(32) = GF(2)[x]/(x⁵+x²+1) with the weights x¹…x¹⁶; the check
// character itself weighs x⁰. All weights differ and none is 0, so every single wrong character and every swap
// of two characters, wherever they stand, changes the sum.
func checkCharacter(digits [refData]byte) byte {
	var sum byte
	weight := byte(1)
	for _, d := range digits {
		weight = times(weight, 2)
		sum ^= times(d, weight)
	}
	return sum
}

// times multiplies in GF(32).
func times(a, b byte) byte {
	var p byte
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			p ^= a
		}
		if a <<= 1; a&32 != 0 {
			a ^= 0b100101
		}
	}
	return p
}

// IsZero says that there is no reference.
func (r Reference) IsZero() bool { return r.chars == "" }

// Key gives the 17 characters without grouping, for keys of the table.
func (r Reference) Key() string { return r.chars }

// String groups the characters for reading: 7F3K-9QWM-2B5T-RX4H-A.
func (r Reference) String() string {
	if r.IsZero() {
		return ""
	}
	c := r.chars
	return c[0:4] + "-" + c[4:8] + "-" + c[8:12] + "-" + c[12:16] + "-" + c[16:]
}
