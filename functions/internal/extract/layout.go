package extract

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"example.org/optout/functions/internal/nhs"
)

// Layout says by which names in the header a kind of extract has its columns: in any order, among any others, which
// are not looked at. Letters and digits of a name count; capitals, spaces and punctuation do not.
type Layout struct {
	Name   string
	Number []string                  // names for the NHS number: one such column, no more
	Code   []string                  // names for the code: one such column or, where each scheme has its own, several
	Date   []string                  // names for the day on which it was coded; such a column may be missing
	Words  map[string]nhs.Preference // what may stand in place of a code, compared as names are
}

// Layouts are our own. In which layouts the suppliers' systems write their lists is not known here: whoever runs this
// service finds out and names the columns.
var Layouts = []Layout{
	{Name: "plain", Number: numbers, Code: []string{"Code"}, Date: dates},
	{Name: "scheme", Number: numbers, Code: []string{"Read code", "CTV3 code", "SNOMED code"}, Date: dates},
	{Name: "wide", Number: numbers, Code: []string{"Preference code"}, Date: dates},
	{Name: "words", Number: numbers, Code: []string{"Preference"}, Date: dates, Words: words},
}

var (
	numbers = []string{"NHS number", "NHS no"}
	dates   = []string{"Date", "Date coded"}

	// words are what this service calls the preferences, and what the form does.
	words = map[string]nhs.Preference{
		"dissent":                              nhs.Dissent,
		"express dissent":                      nhs.Dissent,
		"express dissent (opt out)":            nhs.Dissent,
		"opt out":                              nhs.Dissent,
		"core":                                 nhs.Core,
		"express consent, core":                nhs.Core,
		"core and additional":                  nhs.CoreAndAdditional,
		"express consent, core + additional":   nhs.CoreAndAdditional,
		"express consent, core and additional": nhs.CoreAndAdditional,
		"implied":                              nhs.Implied,
		"implied consent":                      nhs.Implied,
		"implied consent, core":                nhs.Implied,
	}
)

// ParseLayouts reads layouts as they are configured: JSON, an array of objects with the members of a Layout in small
// letters, in place of our own; "" is our own. The error names everything that is wrong.
//
//	[{"name": "our system", "number": ["NHS Number"], "code": ["Code value"], "date": ["Recorded"], "words": {"opted out": "dissent"}}]
func ParseLayouts(text string) ([]Layout, error) {
	if strings.TrimSpace(text) == "" {
		return Layouts, nil
	}
	var given []struct {
		Name               string
		Number, Code, Date []string
		Words              map[string]nhs.Preference
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&given); err != nil {
		return nil, fmt.Errorf("configuration: the layouts are no array of layouts: %w", err)
	}
	var (
		all   []Layout
		wrong []error
	)
	fault := func(n int, what string) {
		wrong = append(wrong, fmt.Errorf("configuration: layout %d: %s", n+1, what))
	}
	if d.More() || len(given) == 0 {
		wrong = append(wrong, errors.New("configuration: the layouts are not one array with at least one layout"))
	}
	for n, l := range given {
		switch {
		case fold(l.Name) == "":
			fault(n, "it has no name")
		case slices.ContainsFunc(all, func(o Layout) bool { return o.Name == l.Name }):
			fault(n, "an earlier one has its name")
		}
		for column, names := range map[string][]string{"number": l.Number, "code": l.Code} {
			if len(names) == 0 {
				fault(n, "nothing names the column for the "+column)
			}
		}
		if slices.ContainsFunc(slices.Concat(l.Number, l.Code, l.Date), func(s string) bool { return fold(s) == "" }) {
			fault(n, "a name of a column has neither letters nor digits")
		}
		words := map[string]nhs.Preference{}
		for word, p := range l.Words {
			if !slices.Contains([]nhs.Preference{nhs.Implied, nhs.Core, nhs.CoreAndAdditional, nhs.Dissent}, p) {
				fault(n, "a word stands for what is no preference")
			}
			words[word] = p
		}
		all = append(all, Layout{Name: l.Name, Number: l.Number, Code: l.Code, Date: l.Date, Words: words})
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return all, nil
}

// columns are where a layout's columns stand.
type columns struct {
	number, date int // date: -1 if there is none
	codes        []int
}

// find looks for the columns of a layout in a header, and says what it misses most.
func (l Layout) find(header []string) (columns, *Refusal) {
	number, codes, date := named(header, l.Number), named(header, l.Code), named(header, l.Date)
	switch {
	case len(number) == 0:
		return columns{}, &Refusal{Code: "no-number-column", Looked: l.Number}
	case len(codes) == 0:
		return columns{}, &Refusal{Code: "no-code-column", Looked: l.Code}
	case len(number) > 1:
		return columns{}, &Refusal{Code: "column-twice", Looked: l.Number}
	case len(date) > 1:
		return columns{}, &Refusal{Code: "column-twice", Looked: l.Date}
	}
	return columns{number[0], append(date, -1)[0], codes}, nil
}

func named(header, names []string) (at []int) {
	for i, h := range header {
		if slices.ContainsFunc(names, func(n string) bool { return fold(n) == fold(h) }) {
			at = append(at, i)
		}
	}
	return at
}

// fold is what of a name or word counts.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
