package extract

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"strings"

	"example.org/optout/functions/internal/nhs"
)

// sheet is an extract whose columns are known.
type sheet struct {
	*lines
	split       splitter
	layout      string
	columns     columns
	words       map[string]nhs.Preference // folded
	width       int                       // of the header, in cells
	book        nhs.Codebook
	testNumbers bool
}

// newSheet finds out what parts the cells, and which layout it is, by which of them show all columns. If none does, it
// is refused by what came closest.
func newSheet(l *lines, header []byte, layouts []Layout) (*sheet, error) {
	closest := &Refusal{Code: "quote-open", Line: l.line}
	for _, comma := range ",;\t" {
		split := newSplitter(comma)
		cells, err := split.cells(header)
		if err != nil {
			continue // by another character it may be in order
		}
		for _, layout := range layouts {
			found, refused := layout.find(cells)
			if refused == nil {
				s := &sheet{lines: l, split: split, layout: layout.Name, columns: found, width: len(cells), words: map[string]nhs.Preference{}}
				for word, p := range layout.Words {
					s.words[fold(word)] = p
				}
				return s, nil
			}
			closest.closer(refused)
		}
	}
	return nil, closest
}

// next is the next row in which something stands.
func (s *sheet) next() (Row, error) {
	text, err := s.filled()
	if errors.Is(err, errTooLong) {
		return Row{Line: s.line, Fault: Fault{Code: "row-too-long"}}, nil
	} else if err != nil {
		return Row{}, err
	}
	cells, err := s.split.cells(text)
	switch {
	case errors.Is(err, csv.ErrQuote):
		return Row{}, &Refusal{Code: "quote-open", Line: s.line}
	case err != nil:
		return Row{Line: s.line, Fault: Fault{Code: "row-quotes"}}, nil
	}
	return s.row(cells), nil
}

// row judges one column after the other and says what is wrong with the first that is.
func (s *sheet) row(cells []string) Row {
	r := Row{Line: s.line}
	if len(cells) != s.width {
		r.Fault.Code = "row-cells"
		return r
	}
	number := strings.TrimSpace(cells[s.columns.number])
	if number == "" {
		r.Fault.Code = "number-missing"
		return r
	}
	var err error
	if r.Number, err = nhs.ParseNumber(number, s.testNumbers); err != nil {
		wrong, _ := errors.AsType[*nhs.Error](err)
		r.Fault.Code = wrong.Code
		return r
	}
	if r.Choice, r.Fault.Code = s.choice(cells); r.Fault.Code != "" || s.columns.date < 0 {
		return r
	}
	if on := strings.TrimSpace(cells[s.columns.date]); on != "" {
		var ok bool
		if r.Coded, ok = day(on); !ok {
			r.Fault.Code = "date-unreadable"
		}
	}
	return r
}

// choice is what the codes of a row stand for. Several say the same in several schemes, so one that is known is enough;
// two that are must agree.
func (s *sheet) choice(cells []string) (choice nhs.Preference, fault string) {
	fault = "code-missing"
	for _, i := range s.columns.codes {
		code := strings.TrimSpace(cells[i])
		p, known := s.book.Preference(code)
		if !known {
			p, known = s.words[fold(code)]
		}
		switch {
		case code == "":
		case !known && choice == "":
			fault = "code-unknown"
		case known && choice != "" && p != choice:
			return "", "codes-differ"
		case known:
			choice, fault = p, ""
		}
	}
	return choice, fault
}

// splitter parts a line into cells. One serves for all lines of a file.
type splitter struct {
	comma rune
	text  *bytes.Reader
	r     *bufio.Reader // which csv takes as it is, in place of a new one for each line
}

func newSplitter(comma rune) splitter {
	text := bytes.NewReader(nil)
	return splitter{comma, text, bufio.NewReader(text)}
}

func (s splitter) cells(line []byte) ([]string, error) {
	s.text.Reset(line)
	s.r.Reset(s.text)
	r := csv.NewReader(s.r)
	r.Comma = s.comma
	return r.Read()
}
