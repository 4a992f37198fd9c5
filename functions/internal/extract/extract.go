package extract

import (
	"errors"
	"io"
	"log/slog"
	"slices"

	"example.org/optout/functions/internal/nhs"
)

// An extract larger than this is refused whole.
const (
	MostRows  = 100_000
	MostBytes = 64 << 20
)

// Row is one row of an extract.
type Row struct {
	Line   int            // in the file, from 1, the header and empty lines counted: what a spreadsheet calls the row
	Number nhs.Number     // zero if it cannot be read
	Choice nhs.Preference // that is coded; "" if it cannot be read
	Coded  nhs.Date       // the day on which it was coded; zero if the extract does not say
	Fault  Fault          // zero if the row is used
}

// Extract is one that was read whole.
type Extract struct {
	Layout   string         // by whose name the columns were found
	Rows     []Row          // all of them, in order
	Good     int            // rows that are used: one for each person
	Nameless int            // rows of which nobody can tell whose they are: anybody's who seems not to be there
	Faults   map[string]int // how many rows are not, by code; with Good their sum is the number of rows

	numbers map[nhs.Number]place
}

// An Extract never prints itself: it lists people.

func (Extract) String() string       { return "[extract]" }
func (Extract) GoString() string     { return "[extract]" }
func (Extract) LogValue() slog.Value { return slog.StringValue("[extract]") }

// place is where a number stands in an extract: its first row, and the first one that does not say the same; no row
// is the clash of an earlier one at 0, which therefore means none.
type place struct{ first, clash int32 }

// Choice is what the extract says of a person: "" if they are not in it. It is not known if rows with their number
// cannot be used, if there is no number to look for, or if not one row can be used, as of a list of something else:
// then nobody is in doubt, and nothing is checked.
func (e *Extract) Choice(n nhs.Number) (choice nhs.Preference, known bool) {
	at, listed := e.numbers[n]
	switch {
	case n.IsZero():
		return "", false
	case !listed:
		return "", e.Good > 0
	}
	if first := e.Rows[at.first]; first.Fault.Code == "" {
		return first.Choice, true
	}
	return "", false
}

// Read reads an extract: CSV in UTF-8 or, with a byte order mark, in UTF-16; commas, semicolons or tabs, whichever show
// the columns of a layout in the header; the first layout that fits counts. With testNumbers NHS numbers that are
// never issued are taken too. The error is a Refusal if the file is at fault, and anything else if file cannot be read
// now.
func Read(file io.Reader, layouts []Layout, book nhs.Codebook, testNumbers bool) (*Extract, error) {
	lines, err := newLines(file)
	if err != nil {
		return nil, err
	}
	header, err := lines.filled()
	switch {
	case err == io.EOF:
		return nil, &Refusal{Code: "empty"}
	case errors.Is(err, errTooLong):
		return nil, &Refusal{Code: "header-too-long", Line: lines.line}
	case err != nil:
		return nil, err
	}
	s, err := newSheet(lines, header, layouts)
	if err != nil {
		return nil, err
	}
	s.book, s.testNumbers = book, testNumbers
	e := &Extract{Layout: s.layout, Faults: map[string]int{}, numbers: map[nhs.Number]place{}}
	for {
		row, err := s.next()
		switch {
		case err == io.EOF && len(e.Rows) == 0:
			return nil, &Refusal{Code: "no-rows"}
		case err == io.EOF:
			e.settle()
			return e, nil
		case err != nil:
			return nil, err
		case len(e.Rows) == MostRows:
			return nil, &Refusal{Code: "too-many-rows", Line: row.Line}
		}
		e.add(row)
	}
}

// add notes where the number of a row stands. A row that cannot be used is not the same as any other: what it was
// meant to say might be something else.
func (e *Extract) add(r Row) {
	e.Rows = append(e.Rows, r)
	if r.Number.IsZero() {
		return
	}
	i := int32(len(e.Rows) - 1)
	at, seen := e.numbers[r.Number]
	switch first := e.Rows[at.first]; {
	case !seen:
		at.first = i
	case at.clash == 0 && (first.Fault.Code != "" || r.Fault.Code != "" || first.Choice != r.Choice):
		at.clash = i
	}
	e.numbers[r.Number] = at
}

// strangers are the faults of numbers that are whole, and nobody's for whom a form can be here.
var strangers = []string{"nhs-number-scotland", "nhs-number-northern-ireland", "nhs-number-ireland", "nhs-number-test"}

// settle judges the rows of numbers that stand in several, which nobody can before the last row, and counts.
func (e *Extract) settle() {
	for i := range e.Rows {
		r := &e.Rows[i]
		if r.Fault.Code == "" {
			at := e.numbers[r.Number]
			first := at.first == int32(i)
			switch {
			case at.clash != 0 && first:
				r.Fault = Fault{"number-contradicted", e.Rows[at.clash].Line}
			case at.clash != 0:
				r.Fault = Fault{"number-contradicted", e.Rows[at.first].Line}
			case !first:
				r.Fault = Fault{"number-again", e.Rows[at.first].Line}
			}
		}
		if r.Fault.Code == "" {
			e.Good++
		} else {
			e.Faults[r.Fault.Code]++
		}
		if r.Number.IsZero() && !slices.Contains(strangers, r.Fault.Code) {
			e.Nameless++
		}
	}
}
