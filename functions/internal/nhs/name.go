package nhs

import (
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Name is a name, or part of one, as a person has it: any script, apostrophes, hyphens, one letter. The zero Name
// means none.
type Name struct{ text string }

// MaxName is how many characters a name may have.
const MaxName = 100

var (
	errNameEmpty     = &Error{"name-missing", "Enter the name."}
	errNameLong      = &Error{"name-too-long", "A name may have at most 100 characters. Shorten it; your practice will know you by your birth date and number too."}
	errNameUnusable  = &Error{"name-unusable-character", "The name has a character that cannot be printed. Type it again rather than pasting it."}
	errNameNoLetters = &Error{"name-has-no-letter", "The name has no letter in it. Enter it as it stands on letters from your practice."}
)

// ParseName trims and composes (Unicode NFC) a name and refuses only what no name has: control and direction
// characters, no letter at all, more than MaxName characters.
func ParseName(s string) (Name, error) {
	if len(s) > 16*MaxName { // too long however it is composed; refused before it is copied
		return Name{}, errNameLong
	}
	if !utf8.ValidString(s) {
		return Name{}, errNameUnusable
	}
	t := norm.NFC.String(strings.Join(strings.Fields(s), " "))
	if t == "" {
		return Name{}, errNameEmpty
	}
	if utf8.RuneCountInString(t) > MaxName {
		return Name{}, errNameLong
	}
	if !Printable(t) {
		return Name{}, errNameUnusable
	}
	if !strings.ContainsFunc(t, unicode.IsLetter) {
		return Name{}, errNameNoLetters
	}
	return Name{t}, nil
}

// Printable says that s has no control character, no unassigned or private one, and no mark that turns the
// direction of writing. Joiners, which several scripts need, are allowed.
func Printable(s string) bool {
	for _, r := range s {
		joiner := r == '\u200c' || r == '\u200d'
		if r == utf8.RuneError || !joiner && !unicode.IsGraphic(r) {
			return false
		}
	}
	return true
}

// IsZero says that no name was given.
func (n Name) IsZero() bool { return n.text == "" }

// Text gives the name, for the table and for the practice; "" if there is none.
func (n Name) Text() string { return n.text }

// Folded gives the letters and digits of the name alone, without case or accents, so that "O'Neill-Brontë" and
// "oneill bronte" agree. Person keys are made of it: changing it is a migration.
func (n Name) Folded() string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKD.String(n.text))
}

func (n Name) String() string       { return "[name]" }
func (n Name) GoString() string     { return n.String() }
func (n Name) LogValue() slog.Value { return hidden("name") }
