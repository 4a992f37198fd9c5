package directory

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"example.org/optout/functions/internal/nhs"
)

// What Search takes and gives at most. A whole address pasted in fits.
const (
	MaxQuery   = 200 // bytes
	MaxWords   = 24
	MaxOffered = 50 // practices
)

// Search gives the open practices in England that a person may mean by what they typed, best first, at most limit
// (and MaxOffered) of them. A practice is meant if every word of the query begins a word of its name, its address,
// town or county, or its postcode with or without the space ("TS18", "ts18 1", "TS181HU"); a practice code means
// that practice alone. Order of words, case, accents, apostrophes and punctuation do not matter, and neither does
// "and" or "&" beside other words.
//
// Best is, in this order:
//
//  1. the most points: for each word of the query 4 if it is a whole word of the name or town, the whole postcode
//     or its first half; 3 if it begins one of these; 2 and 1 for the rest of the address;
//  2. the fewest words in the name beside those that were typed;
//  3. name, then town, then code, in the order of the alphabet.
//
// What no practice is called answers nothing, at no cost: more than MaxQuery bytes or MaxWords words, bytes that
// are not UTF-8, control and direction characters, symbols that are in no name.
func (d *Directory) Search(query string, limit int) []Practice {
	limit = min(limit, MaxOffered)
	if len(query) > MaxQuery || limit <= 0 || strings.ContainsFunc(query, neverTyped) {
		return nil
	}
	if code, err := nhs.ParseODSCode(query); err == nil {
		if p, ok := d.Find(code); ok && p.Status == Open {
			return []Practice{p}
		}
		return nil
	}
	var room [2 * MaxQuery]byte
	var list [MaxWords + 1]queryWord
	words := queryWords(list[:0], fold(room[:0], query))
	if len(words) == 0 || len(words) > MaxWords {
		return nil
	}
	var found [MaxOffered]match
	best := found[:0]
	d.index().match(words, func(m match) {
		if len(best) == limit {
			if d.order(m, best[limit-1]) > 0 {
				return
			}
			best = best[:limit-1]
		}
		at, _ := slices.BinarySearchFunc(best, m, d.order)
		best = slices.Insert(best, at, m)
	})
	if len(best) == 0 {
		return nil
	}
	offered := make([]Practice, len(best))
	for i, m := range best {
		offered[i] = d.line(m.row).practice()
	}
	return offered
}

// match is a practice that has every word of a query.
type match struct{ row, points, unsaid int }

// order puts the better of two matches first; see Search.
func (d *Directory) order(a, b match) int {
	if c := cmp.Compare(b.points, a.points); c != 0 {
		return c
	}
	if c := cmp.Compare(a.unsaid, b.unsaid); c != 0 {
		return c
	}
	// The next fields are name, address and town: most pairs differ in the name.
	x, y := d.line(a.row)[nameBegin:], d.line(b.row)[nameBegin:]
	i, j := strings.IndexByte(string(x), '\t'), strings.IndexByte(string(y), '\t')
	if c := strings.Compare(string(x[:i]), string(y[:j])); c != 0 {
		return c
	}
	f, g := d.line(a.row).fields(), d.line(b.row).fields()
	return cmp.Or(strings.Compare(f[fieldTown], g[fieldTown]), cmp.Compare(a.row, b.row))
}

// neverTyped says that a character is none that people write in a name or an address.
func neverTyped(r rune) bool {
	switch {
	case r == utf8.RuneError:
		return true
	case r < utf8.RuneSelf:
		return r < ' ' && !unicode.IsSpace(r) || r == 0x7f || strings.ContainsRune("!#$%*;<=>?[]^{|}~", r)
	}
	return !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit, unicode.Punct, unicode.Space)
}

// fold appends the words of s, each followed by one space, in capitals without accents or apostrophes; whatever is
// no letter or digit parts words.
func fold(to []byte, s string) []byte {
	begin := len(to)
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			to = append(to, c)
		case c >= 'a' && c <= 'z':
			to = append(to, c-'a'+'A')
		case c == '\'', c == '`':
		case c >= utf8.RuneSelf:
			return foldForeign(to[:begin], s)
		case len(to) > begin && to[len(to)-1] != ' ':
			to = append(to, ' ')
		}
	}
	if len(to) > begin && to[len(to)-1] != ' ' {
		to = append(to, ' ')
	}
	return to
}

// foldForeign is fold for text beyond ASCII. A word that folds to nothing known stays as a word that no other begins
// with.
func foldForeign(to []byte, s string) []byte {
	parted := strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit):
			return r
		case strings.ContainsRune("'`’‘ʼ´", r):
			return -1
		}
		return ' '
	}, s)
	for word := range strings.FieldsSeq(parted) {
		if strings.ContainsFunc(word, func(r rune) bool { return r >= utf8.RuneSelf }) {
			name, err := nhs.ParseName(word)
			if word = name.Folded(); err != nil {
				word = "\xff"
			}
		}
		to = append(append(to, strings.ToUpper(word)...), ' ')
	}
	return to
}

// queryWord is what a word has to begin with. A word that may be a postcode without its space has that spelling too.
type queryWord struct {
	text   string
	spaced string // "" if there is none
}

// queryWords gives each word of a folded query once. The halves of a postcode are one word, space and all, and
// "and" is none unless it is alone.
func queryWords(words []queryWord, folded []byte) []queryWord {
	text := string(folded)
	for text != "" && len(words) <= MaxWords {
		word, rest, _ := strings.Cut(text, " ")
		if next, after, _ := strings.Cut(rest, " "); isOutward(word) && beginsInward(next) {
			word, rest = text[:len(word)+1+len(next)], after
		}
		text = rest
		if word == "AND" && (rest != "" || len(words) > 0) {
			continue
		}
		if !slices.ContainsFunc(words, func(w queryWord) bool { return w.text == word }) {
			words = append(words, queryWord{word, spaced(word)})
		}
	}
	return words
}

// spaced is a postcode, or its beginning, with the space before its last digit.
func spaced(word string) string {
	i := strings.LastIndexAny(word, "0123456789")
	if i < 0 || !isOutward(word[:i]) || !beginsInward(word[i:]) {
		return ""
	}
	return word[:i] + " " + word[i:]
}

// isOutward says that a word has the shape of a postcode's first half.
func isOutward(w string) bool {
	letters := 0
	for letters < len(w) && isLetter(w[letters]) {
		letters++
	}
	rest := w[letters:]
	return letters >= 1 && letters <= 2 && len(rest) >= 1 && len(rest) <= 2 && isDigit(rest[0])
}

// beginsInward says that a word has the shape of a postcode's second half, or of its beginning.
func beginsInward(w string) bool {
	return len(w) >= 1 && len(w) <= 3 && isDigit(w[0]) && !strings.ContainsAny(w[1:], "0123456789")
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
