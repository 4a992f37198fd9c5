package directory

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"sync"

	"example.org/optout/functions/internal/nhs"
)

var (
	//go:embed practices.txt.gz
	shippedPractices []byte
	//go:embed successors.csv
	shippedSuccessors []byte
)

// Load gives the directory that is compiled in. The first call makes it, every later one gives the same.
var Load = sync.OnceValues(func() (*Directory, error) { return Parse(shippedPractices, shippedSuccessors) })

// Directory answers questions about practices. It never changes once made.
type Directory struct {
	text       string                      // the cut, unpacked
	rows       []row                       // in the order of their codes
	successors map[nhs.ODSCode]nhs.ODSCode // closed → open, chains already followed
	index      func() *index               // made by the first Search: routing never needs it
	near       func() map[[2]string]bool   // areas, made by the first Far
}

// row is where a practice's line lies in the text.
type row struct{ from, to uint32 }

// headline begins the cut: what it is, the version of its layout, how many practices follow.
const headline = "practices\t1\t"

var errDamaged = errors.New("not a whole cut")

// Parse makes a directory of a cut and a file of successors. A cut that is damaged, cut short, out of order or has
// a line of another shape is refused whole; the error for successors joins one Fault for each line that is wrong.
func Parse(practices, successors []byte) (*Directory, error) {
	text, err := unpack(practices)
	if err != nil {
		return nil, fmt.Errorf("practices: %w", err)
	}
	d := &Directory{text: text}
	if d.rows, err = rows(text); err != nil {
		return nil, fmt.Errorf("practices: %w", err)
	}
	d.index = sync.OnceValue(func() *index { return newIndex(d.text, d.rows) })
	d.near = sync.OnceValue(func() map[[2]string]bool { return newNear(d.text, d.rows) })
	if d.successors, err = parseSuccessors(successors, d); err != nil {
		return nil, fmt.Errorf("successors: %w", err)
	}
	return d, nil
}

// rows finds the lines, and that they are as many, as ordered and as shaped as they must be.
func rows(text string) ([]row, error) {
	first, _, _ := strings.Cut(text, "\n")
	count, isCut := strings.CutPrefix(first, headline)
	n, err := strconv.ParseUint(count, 10, 16) // the index has 16 bits for a row
	if !isCut || err != nil || uint64(len(text)) > math.MaxUint32 {
		return nil, errDamaged
	}
	found := make([]row, 0, n)
	before := ""
	for from := len(first) + 1; from < len(text); {
		length := strings.IndexByte(text[from:], '\n')
		if length < 0 || len(found) == int(n) {
			return nil, errDamaged
		}
		l := line(text[from : from+length])
		if !l.whole() || l.code() <= before {
			return nil, fmt.Errorf("%w: line %d", errDamaged, len(found)+2)
		}
		before = l.code()
		found = append(found, row{uint32(from), uint32(from + length)})
		from += length + 1
	}
	if len(found) != int(n) {
		return nil, fmt.Errorf("%w: %d practices of %d", errDamaged, len(found), n)
	}
	return found, nil
}

func unpack(b []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.Grow(5 * len(b)) // what it packs to, and some room
	if _, err := io.Copy(&text, z); err != nil {
		return "", err
	}
	return text.String(), z.Close()
}

func (d *Directory) line(i int) line { return line(d.text[d.rows[i].from:d.rows[i].to]) }

// Find gives the practice with this code, open or not. Welsh and pseudo codes are no nhs.ODSCode; the zero code
// finds nothing.
func (d *Directory) Find(code nhs.ODSCode) (Practice, bool) {
	c := code.String()
	i := sort.Search(len(d.rows), func(i int) bool { return d.line(i).code() >= c })
	if i == len(d.rows) || d.line(i).code() != c {
		return Practice{}, false
	}
	return d.line(i).practice(), true
}

// Successor gives the open practice that took over from this one, however many closed ones lie between. False means
// that none is on file: a person decides where its forms go.
func (d *Directory) Successor(code nhs.ODSCode) (nhs.ODSCode, bool) {
	to, ok := d.successors[code]
	return to, ok
}
