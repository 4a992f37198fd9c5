package directory

import (
	"slices"
	"strings"
	"unicode"
)

// Where is the address of a practice on one line.
func (p Practice) Where() string {
	var parts []string
	for _, s := range append(strings.Split(p.Address, ", "), p.Town) {
		if s != "" && s != p.Name {
			parts = append(parts, Spoken(s))
		}
	}
	return strings.Join(append(parts, p.Postcode.Text()), ", ")
}

// lowered and raised are words that do not begin with one capital letter in a name.
var (
	lowered = []string{"and", "at", "by", "for", "in", "of", "on", "the", "upon", "under", "with"}
	raised  = []string{"gp", "ii", "iii", "iv", "nhs", "pms", "uk"}
)

// Spoken is a name as people write it: the published file has capital letters only.
func Spoken(name string) string {
	var b strings.Builder
	for i, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == ' ' }) {
		if i > 0 {
			b.WriteByte(' ')
		}
		switch {
		case slices.Contains(raised, strings.Trim(word, "().,")):
			word = strings.ToUpper(word)
		case i > 0 && slices.Contains(lowered, word):
		default:
			parts := strings.Split(word, "-")
			for n, p := range parts {
				if first := strings.IndexFunc(p, unicode.IsLetter); first >= 0 && (n == 0 || !slices.Contains(lowered, p)) {
					parts[n] = p[:first] + strings.ToUpper(p[first:first+1]) + p[first+1:]
				}
			}
			word = strings.Join(parts, "-")
		}
		b.WriteString(word)
	}
	return b.String()
}
