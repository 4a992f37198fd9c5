package optout

import (
	"errors"

	"example.org/optout/functions/internal/crockford"
)

// Reference is a form's id: 80 bits, spelled in 16 characters and a check character. It says nothing about the person
// and may be read aloud.
type Reference struct{ chars string }

// ErrReference means that the characters are no reference: too few, too many, or the check character does not fit.
var ErrReference = errors.New("not a reference")

// NewReference spells 80 bits as a reference.
func NewReference(bits [10]byte) Reference { return Reference{crockford.Spell(bits)} }

// ParseReference reads a reference as a person copied it.
func ParseReference(s string) (Reference, error) {
	chars, ok := crockford.Read(s)
	if !ok {
		return Reference{}, ErrReference
	}
	return Reference{chars}, nil
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
