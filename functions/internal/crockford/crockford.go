// Package crockford spells 80 bits so that people can read them aloud and copy them: 16 characters of Crockford's base
// 32 and a check character of the same alphabet.
package crockford

import "strings"

const (
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	data     = 16
	// Length is how many characters there are.
	Length = data + 1
)

// Spell spells 80 bits.
func Spell(bits [10]byte) string {
	var digits [data]byte
	acc, n, at := uint(0), 0, 0
	for _, b := range bits {
		acc, n = acc<<8|uint(b), n+8
		for ; n >= 5; n -= 5 {
			digits[at] = byte(acc>>(n-5)) & 31
			at++
		}
	}
	chars := make([]byte, 0, Length)
	for _, d := range digits {
		chars = append(chars, alphabet[d])
	}
	return string(append(chars, alphabet[check(digits)]))
}

// copied undoes what people do to characters when they copy them.
var copied = strings.NewReplacer(" ", "", "-", "", "\u2011", "", "\u2013", "", "O", "0", "I", "1", "L", "1")

// Read gives the characters as Spell gave them, from however a person copied them: any case, spaces and dashes
// anywhere, O for 0, I and L for 1. ok is false if one is missing, too many, or wrong.
func Read(s string) (chars string, ok bool) {
	if len(s) > 8*Length { // nobody puts that many dashes
		return "", false
	}
	c := s
	if len(c) != Length || strings.Trim(c, alphabet) != "" { // as it was copied, and not as it is kept
		c = copied.Replace(strings.ToUpper(s))
	}
	if len(c) != Length {
		return "", false
	}
	var digits [data]byte
	for i := range data {
		d := strings.IndexByte(alphabet, c[i])
		if d < 0 {
			return "", false
		}
		digits[i] = byte(d)
	}
	return c, c[data] == alphabet[check(digits)]
}

// check is the weighted sum over GF(32) = GF(2)[x]/(x⁵+x²+1) with the weights x¹…x¹⁶; the check character itself weighs
// x⁰. All weights differ and none is 0, so every single wrong character and every swap of two characters, wherever
// they stand, changes the sum.
func check(digits [data]byte) byte {
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
