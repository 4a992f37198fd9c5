package directory

import "sync"

// index finds the rows that have a word. Every word of every offered practice is an entry, and entries lie in
// buckets by their first two characters, by row within a bucket: one counting pass makes it, without sorting, and a
// query reads the buckets of its words and no other.
type index struct {
	text      string // the cut: most words are searched where they stand
	folded    string // words of the fields that are not all capitals and digits, as fold writes them
	entries   []entry
	buckets   []uint32 // where each begins in entries, and one more for the end
	nameWords []uint8  // of each row
	tallies   sync.Pool
}

// entry is one word of one practice.
type entry struct {
	at  uint32 // in text, or behind its end in folded
	row uint16
	in  wordIn
}

// wordIn is which part of a practice a word stands in.
type wordIn uint8

const (
	inName wordIn = iota
	inTown
	inPostcode
	inElsewhere
)

// points of a word by where it stands, begun and whole; see Search.
var points = [...][2]uint8{inName: {3, 4}, inTown: {3, 4}, inPostcode: {3, 4}, inElsewhere: {1, 2}}

// Characters, as buckets tell them apart: what parts words, letters, digits, others in a folded word, and (never in
// a bucket) those that are to be folded.
const (
	parting   = 0
	letters   = 1
	digits    = letters + 26
	other     = digits + 10
	kinds     = other + 1
	foldFirst = kinds
)

func kind(c byte) uint8 {
	switch {
	case isLetter(c):
		return letters + c - 'A'
	case isDigit(c):
		return digits + c - '0'
	case c >= 0x80:
		return other
	case c >= 'a' && c <= 'z', c == '\'', c == '`':
		return foldFirst
	}
	return parting
}

// indexer makes an index.
type indexer struct {
	*index
	kinds   [256]uint8
	extra   []byte
	entries []entry
	buckets []uint16 // of each entry
}

func newIndex(text string, rows []row) *index {
	x := indexer{
		index:   &index{text: text, nameWords: make([]uint8, len(rows))},
		entries: make([]entry, 0, len(text)/10), // a word has about six letters, and some fields are not searched
		buckets: make([]uint16, 0, len(text)/10),
	}
	for c := range x.kinds {
		x.kinds[c] = kind(byte(c))
	}
	x.tallies.New = func() any { t := make([]tally, len(rows)); return &t }
	for i, r := range rows {
		l := line(text[r.from:r.to])
		if !l.offered() {
			continue
		}
		at := int(r.from) + nameBegin
		f := l.fields()
		n := x.field(i, inName, at, f[fieldName])
		x.nameWords[i] = uint8(min(n, 255))
		at += len(f[fieldName]) + 1
		x.field(i, inElsewhere, at, f[fieldAddress])
		at += len(f[fieldAddress]) + 1
		x.field(i, inTown, at, f[fieldTown])
		at += len(f[fieldTown]) + 1
		x.field(i, inElsewhere, at, f[fieldCounty])
		at += len(f[fieldCounty]) + 1
		if p := f[fieldPostcode]; len(p) > 1 {
			x.word(i, inPostcode, at, p[0], p[1])
		}
	}
	return x.finish()
}

// field adds the words of a field that stands at a place in the text, and says how many they are.
func (x *indexer) field(row int, in wordIn, at int, s string) (n int) {
	before := len(x.entries)
	parted := true
	for i := range len(s) {
		switch k := x.kinds[s[i]]; {
		case k == parting:
			parted = true
		case k >= other:
			x.entries, x.buckets = x.entries[:before], x.buckets[:before]
			return x.fold(row, in, s)
		case parted:
			parted = false
			var next byte
			if i+1 < len(s) {
				next = s[i+1]
			}
			x.word(row, in, at+i, s[i], next)
			n++
		}
	}
	return n
}

// fold adds the words of a field as fold writes them.
func (x *indexer) fold(row int, in wordIn, s string) (n int) {
	from := len(x.extra)
	x.extra = fold(x.extra, s)
	for i := from; i < len(x.extra); i++ {
		if x.extra[i] == ' ' {
			x.word(row, in, len(x.text)+from, x.extra[from], x.extra[from+1])
			from = i + 1
			n++
		}
	}
	return n
}

func (x *indexer) word(row int, in wordIn, at int, first, second byte) {
	x.entries = append(x.entries, entry{uint32(at), uint16(row), in})
	x.buckets = append(x.buckets, bucket(x.kinds[first], x.kinds[second]))
}

// bucket of a word by its first two characters. A character that is to be folded ends a word here; such words are
// taken back before the index is made.
func bucket(first, second uint8) uint16 {
	if second == foldFirst {
		second = parting
	}
	return uint16(first)*kinds + uint16(second)
}

func (x *indexer) finish() *index {
	begin := make([]uint32, kinds*kinds+1)
	for _, b := range x.buckets {
		begin[b+1]++
	}
	for i := 1; i < len(begin); i++ {
		begin[i] += begin[i-1]
	}
	next := append([]uint32(nil), begin...)
	x.index.entries = make([]entry, len(x.entries))
	for i, e := range x.entries {
		b := x.buckets[i]
		x.index.entries[next[b]] = e
		next[b]++
	}
	x.index.buckets = begin
	x.index.folded = string(x.extra)
	return x.index
}

// candidates are the entries of all words that may begin with this one.
func (x *index) candidates(word string) []entry {
	from := bucket(kind(word[0]), parting)
	to := from + kinds - 1
	if len(word) > 1 {
		from = bucket(kind(word[0]), kind(word[1]))
		to = from
	}
	return x.entries[x.buckets[from]:x.buckets[to+1]]
}

// begins says whether the word at a place begins with another, and whether that is all of it.
func (x *index) begins(at uint32, with string) (begins, whole bool) {
	text, i := x.text, int(at)
	if i >= len(text) {
		text, i = x.folded, i-len(text)
	}
	end := i + len(with)
	if end >= len(text) || text[i:end] != with {
		return false, false
	}
	return true, kind(text[end]) == parting
}

// tally is how far a row came in one query.
type tally struct {
	words uint8 // of the query, found one after the other
	named uint8 // of these, found in the name
	last  uint8 // points of the last of them, the best of its places
	sum   uint8 // at most 4 × MaxWords
	again bool  // the last of them was found in the name already
}

// match calls found for every row in which each word begins a word, in the order of rows.
func (x *index) match(words []queryWord, found func(match)) {
	pooled := x.tallies.Get().(*[]tally)
	defer x.tallies.Put(pooled)
	rows := *pooled
	clear(rows)
	for i, word := range words {
		for _, e := range x.candidates(word.text) {
			r := &rows[e.row]
			if int(r.words) < i {
				continue
			}
			begins, whole := x.begins(e.at, word.text)
			if !begins && word.spaced != "" && e.in == inPostcode {
				begins, whole = x.begins(e.at, word.spaced)
			}
			if !begins {
				continue
			}
			p := points[e.in][0]
			if whole {
				p = points[e.in][1]
			}
			if int(r.words) == i {
				r.words, r.last, r.again = uint8(i+1), 0, false
			}
			if p > r.last {
				r.last, r.sum = p, r.sum+p-r.last
			}
			if e.in == inName && !r.again {
				r.named, r.again = r.named+1, true
			}
		}
	}
	for i, r := range rows {
		if int(r.words) == len(words) {
			found(match{i, int(r.sum), int(x.nameWords[i]) - int(r.named)})
		}
	}
}
