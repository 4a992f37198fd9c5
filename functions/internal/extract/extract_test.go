package extract_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
)

// book knows an id of SNOMED CT that stands for a disease: none that stands for a preference is known here.
func book(tb testing.TB) nhs.Codebook {
	tb.Helper()
	b, err := nhs.NewCodebook(map[nhs.Preference]string{nhs.Dissent: "24700007"})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func read(tb testing.TB, file string) (*extract.Extract, error) {
	tb.Helper()
	return extract.Read(strings.NewReader(file), extract.Layouts, book(tb), true)
}

func number(tb testing.TB, digits string) nhs.Number {
	tb.Helper()
	n, err := nhs.ParseNumber(digits, true)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// told is a row as the tables of these tests have it.
func told(r extract.Row) string {
	if r.Fault.Code != "" {
		return strings.TrimSuffix(fmt.Sprintf("%d %s %d", r.Line, r.Fault.Code, r.Fault.Line), " 0")
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s %s", r.Line, r.Number.Digits(), r.Choice, r.Coded.ISO()))
}

var encodings = map[string]func(string) ([]byte, error){
	"UTF-8":           func(s string) ([]byte, error) { return []byte(s), nil },
	"UTF-8 with mark": func(s string) ([]byte, error) { return []byte("\ufeff" + s), nil },
	"UTF-16 from the little end": func(s string) ([]byte, error) {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
	},
	"UTF-16 from the big end": func(s string) ([]byte, error) {
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(s))
	},
}

func TestEveryLayoutIsReadInEveryDress(t *testing.T) {
	t.Parallel()
	want := []string{
		"2 9000000009 dissent 2026-03-31", "3 9000000017 core 2026-04-01", "4 9000000025 core-and-additional 2026-04-02",
		"5 9000000033 implied 2026-04-03", "6 9733163767 dissent",
	}
	for _, layout := range extract.Layouts {
		plain, err := os.ReadFile("testdata/" + layout.Name + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		cells, err := csv.NewReader(bytes.NewReader(plain)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for encoding, encode := range encodings {
			for _, comma := range ",;\t" {
				for end, dress := range map[string]func(string) string{
					"LF":                     func(s string) string { return s },
					"CRLF":                   func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
					"empty rows at the end":  func(s string) string { return s + "\r\n\n" + strings.Repeat(string(comma), 6) + "\n \n\r\n" },
					"no line end at the end": func(s string) string { return strings.TrimSuffix(s, "\n") },
				} {
					t.Run(fmt.Sprintf("%s, %s, %q, %s", layout.Name, encoding, comma, end), func(t *testing.T) {
						t.Parallel()
						var out strings.Builder
						w := csv.NewWriter(&out)
						w.Comma = comma
						if err := w.WriteAll(cells); err != nil {
							t.Fatal(err)
						}
						file, err := encode(dress(out.String()))
						if err != nil {
							t.Fatal(err)
						}
						e, err := read(t, string(file))
						if err != nil {
							t.Fatal(err)
						}
						for i, r := range e.Rows {
							w := want[i]
							if layout.Name == "words" { // which has no column for a date
								w = strings.Join(strings.Fields(w)[:3], " ")
							}
							if told(r) != w {
								t.Errorf("%s, want %s", told(r), w)
							}
						}
						if len(e.Rows) != len(want) || e.Good != len(want) || len(e.Faults) != 0 || e.Layout != layout.Name {
							t.Errorf("%d rows, %d good, %v, read as %q", len(e.Rows), e.Good, e.Faults, e.Layout)
						}
					})
				}
			}
		}
	}
}

const header = "NHS number,Code,Date\n"

func TestARowIsUsedOrItsFaultIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows string
		want []string
	}{
		"no number":                            {",9Ndo.,", []string{"2 number-missing"}},
		"a number of spaces":                   {"  ,9Ndo.,", []string{"2 number-missing"}},
		"a wrong digit":                        {"9000000008,9Ndo.,", []string{"2 nhs-number-check-digit"}},
		"nine digits":                          {"900000000,9Ndo.,", []string{"2 nhs-number-shape"}},
		"a number that a spreadsheet rounded":  {"9.43E+09,9Ndo.,", []string{"2 nhs-number-shape"}},
		"a National Insurance number":          {"QQ123456C,9Ndo.,", []string{"2 nhs-number-is-national-insurance"}},
		"a number of one digit":                {"4444444444,9Ndo.,", []string{"2 nhs-number-repeated-digit"}},
		"the printed example":                  {"9991234567,9Ndo.,", []string{"2 nhs-number-example"}},
		"a number from Scotland":               {"0101010109,9Ndo.,", []string{"2 nhs-number-scotland"}},
		"a number from Northern Ireland":       {"3200000007,9Ndo.,", []string{"2 nhs-number-northern-ireland"}},
		"a number from Ireland":                {"8000000008,9Ndo.,", []string{"2 nhs-number-ireland"}},
		"a number that is not given out":       {"5000000005,9Ndo.,", []string{"2 nhs-number-not-issued"}},
		"no code":                              {"9000000009,,", []string{"2 code-missing"}},
		"an unknown code":                      {"9000000009,9Nd1.,", []string{"2 code-unknown"}},
		"a code in capitals":                   {"9000000009,XAXJ6,", []string{"2 code-unknown"}},
		"a word in place of a code":            {"9000000009,dissent,", []string{"2 code-unknown"}},
		"an id of SNOMED CT nobody configured": {"9000000009,22298006,", []string{"2 code-unknown"}},
		"the month before the day":             {"9000000009,9Ndo.,03/31/2026", []string{"2 date-unreadable"}},
		"a year of two digits":                 {"9000000009,9Ndo.,31/03/26", []string{"2 date-unreadable"}},
		"a day that does not exist":            {"9000000009,9Ndo.,2026-02-30", []string{"2 date-unreadable"}},
		"the days of a spreadsheet":            {"9000000009,9Ndo.,46112", []string{"2 date-unreadable"}},
		"a cell too few":                       {"9000000009,9Ndo.", []string{"2 row-cells"}},
		"a cell too many":                      {"9000000009,9Ndo.,,", []string{"2 row-cells"}},
		"semicolons under commas":              {"9000000009;9Ndo.;", []string{"2 row-cells"}},
		"a quotation mark inside a cell":       {"9000000009,9Ndo.,5\" tall\n9000000017,9Ndm.,", []string{"2 row-quotes", "3 9000000017 core"}},
		"a row of 70 KB":                       {"9000000009,9Ndo.," + strings.Repeat("x", 70_000) + "\n9000000017,9Ndm.,", []string{"2 row-too-long", "3 9000000017 core"}},
		"a last row of 70 KB":                  {"9000000017,9Ndm.,\n9000000009,9Ndo.," + strings.Repeat("x", 70_000), []string{"2 9000000017 core", "3 row-too-long"}},
		"empty rows between":                   {"\n,,\n9000000009,9Ndo.,\n \n\t,\n9000000017,9Ndm.,", []string{"4 9000000009 dissent", "7 9000000017 core"}},
		"a number twice": {
			"9000000009,9Ndo.,\n900 000 0009,XaXj6,2026-03-31\n9000000009,93C3.,",
			[]string{"2 9000000009 dissent", "3 number-again 2", "4 number-again 2"},
		},
		"a number twice, of different choices": {
			"9000000009,9Ndo.,\n9000000017,9Ndo.,\n9000000009,9Ndm.,",
			[]string{"2 number-contradicted 4", "3 9000000017 dissent", "4 number-contradicted 2"},
		},
		"two that agree and one that does not": {
			"9000000009,9Ndo.,\n9000000009,9Ndo.,\n9000000009,9Ndm.,\n9000000009,9Ndo.,",
			[]string{"2 number-contradicted 4", "3 number-contradicted 2", "4 number-contradicted 2", "5 number-contradicted 2"},
		},
		"a number twice, once with an unknown code": {
			"9000000009,9Ndo.,\n9000000009,9Nd1.,",
			[]string{"2 number-contradicted 3", "3 code-unknown"},
		},
		"a number twice, first with a date that cannot be read": {
			"9000000009,9Ndo.,soon\n9000000009,9Ndo.,",
			[]string{"2 date-unreadable", "3 number-contradicted 2"},
		},
		"a number twice, and neither code is known": {
			"9000000009,9Nd1.,\n9000000009,9Nd2.,",
			[]string{"2 code-unknown", "3 code-unknown"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := read(t, header+c.rows)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			faults := map[string]int{}
			for _, r := range e.Rows {
				got = append(got, told(r))
				if r.Fault.Code == "" {
					continue
				}
				faults[r.Fault.Code]++
				if d := r.Fault.Detail(); !strings.HasSuffix(d, ".") || strings.Contains(d, "{") || r.Fault.Line > 0 && !strings.Contains(d, fmt.Sprintf("ow %d", r.Fault.Line)) {
					t.Errorf("%s tells people %q", r.Fault.Code, d)
				}
			}
			if !slices.Equal(got, c.want) || !maps.Equal(faults, e.Faults) || e.Good != len(c.want)-faultsIn(e) {
				t.Errorf("%q, %d good, %v; want %q", got, e.Good, e.Faults, c.want)
			}
		})
	}
}

func faultsIn(e *extract.Extract) (n int) {
	for _, c := range e.Faults {
		n += c
	}
	return n
}

func TestOnTheRealServiceNumbersForTestsAreFaults(t *testing.T) {
	t.Parallel()
	e, err := extract.Read(strings.NewReader(header+"9000000009,9Ndo.,\n4010232137,9Ndo.,"), extract.Layouts, nhs.Codebook{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if e.Rows[0].Fault.Code != "nhs-number-test" || e.Rows[0].Fault.Detail() == "" || told(e.Rows[1]) != "3 4010232137 dissent" {
		t.Errorf("%+v", e.Rows)
	}
}

func TestCodesInSeveralColumnsSayTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ row, want string }{
		"one of three":                      {"9000000009,,XaXj6,", "2 9000000009 dissent"},
		"all three, of one preference":      {"9000000009,9Ndo.,XaXj6,24700007", "2 9000000009 dissent"},
		"one that is known and one not":     {"9000000009,9Ndo.,,22298006", "2 9000000009 dissent"},
		"one that is not known and one is":  {"9000000009,?,XaXj6,", "2 9000000009 dissent"},
		"none that is known":                {"9000000009,?,,22298006", "2 code-unknown"},
		"none":                              {"9000000009,,,", "2 code-missing"},
		"two of different preferences":      {"9000000009,9Ndo.,XaXbY,", "2 codes-differ"},
		"a third that agrees with the last": {"9000000009,9Ndm.,XaXj6,24700007", "2 codes-differ"},
	} {
		e, err := read(t, "NHS number,Read code,CTV3 code,SNOMED code\n"+c.row)
		if err != nil {
			t.Fatal(err)
		}
		if got := told(e.Rows[0]); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOfWhomAnExtractSaysWhat(t *testing.T) {
	t.Parallel()
	e, err := read(t, header+"9000000009,9Ndo.,\n9000000009,XaXj6,\n9000000017,9Ndo.,\n9000000017,9Ndm.,\n9000000025,?,\n9000000025,9Ndo.,\n9000000033,9Ndl.,")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		number nhs.Number
		choice nhs.Preference
		known  bool
	}{
		"who is coded, twice the same": {number(t, "9000000009"), nhs.Dissent, true},
		"who is coded":                 {number(t, "9000000033"), nhs.Implied, true},
		"who is not in it":             {number(t, "9733163767"), "", true},
		"who is in it with two codes":  {number(t, "9000000017"), "", false},
		"whose code is unknown":        {number(t, "9000000025"), "", false},
		"whose number nobody has":      {nhs.Number{}, "", false},
	} {
		if choice, known := e.Choice(c.number); choice != c.choice || known != c.known {
			t.Errorf("%s: %q, %v; want %q, %v", name, choice, known, c.choice, c.known)
		}
	}
}

// Somebody sent the wrong list.
func TestAListOfSomethingElsePutsNobodyInDoubt(t *testing.T) {
	t.Parallel()
	e, err := read(t, header+"9000000009,flu-1,\n9000000017,flu-2,")
	if err != nil {
		t.Fatal(err)
	}
	for _, listed := range []string{"9000000009", "9733163767"} {
		if choice, known := e.Choice(number(t, listed)); known || choice != "" {
			t.Errorf("%q, %v of %s", choice, known, listed)
		}
	}
}

// endless is a file without end.
type endless struct{ text string }

func (e endless) Read(p []byte) (int, error) { return copy(p, e.text), nil }

var errAway = errors.New("away")

type away struct{ error }

func (a away) Read([]byte) (int, error) { return 0, a.error }

func TestAFileThatCannotBeTrustedIsRefusedWhole(t *testing.T) {
	t.Parallel()
	const good = "9000000009,9Ndo.,\n"
	for name, c := range map[string]struct {
		file  string
		code  string
		line  int
		names string
	}{
		"nothing":                                      {"", "empty", 0, ""},
		"a mark and nothing":                           {"\xff\xfe", "empty", 0, ""},
		"empty lines":                                  {"\n\r\n  \n", "empty", 0, ""},
		"a header alone":                               {header, "no-rows", 0, ""},
		"a header and empty rows":                      {header + "\n,,\n", "no-rows", 0, ""},
		"no header":                                    {good, "no-number-column", 1, "NHS number, NHS no"},
		"a title above the header":                     {"Who said what\n" + header + good, "no-number-column", 1, "NHS number, NHS no"},
		"no column for the number":                     {"Patient,Code\n1,9Ndo.\n", "no-number-column", 1, "NHS number, NHS no"},
		"no column for the code":                       {"\nNHS number;Surname\n9000000009;Sample\n", "no-code-column", 2, "Code, Read code, CTV3 code, SNOMED code, Preference code, Preference"},
		"two columns for the number":                   {"NHS number,NHS no,Code\n", "column-twice", 1, "NHS number, NHS no"},
		"two columns for the date":                     {"NHS number,Code,Date,Date coded\n", "column-twice", 1, "Date, Date coded"},
		"a header that is never closed":                {"NHS number,\"Code\n" + good, "quote-open", 1, ""},
		"a header of 70 KB":                            {strings.Repeat("NHS number,", 7000) + "\n" + good, "header-too-long", 1, ""},
		"a spreadsheet's own file":                     {"PK\x03\x04\x14\x00\x06\x00", "not-text", 0, ""},
		"UTF-16 without its mark":                      {"N\x00H\x00S\x00,\x00", "not-text", 0, ""},
		"NUL behind the header":                        {header + "\x00", "not-text", 0, ""},
		"a PDF":                                        {"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "no-number-column", 1, "NHS number, NHS no"},
		"a page":                                       {"<!doctype html>\n<p>Sign in", "no-number-column", 1, "NHS number, NHS no"},
		"the letters of Windows":                       {header + good + "9000000017,9Ndo.,Zo\xeb\n", "encoding", 3, ""},
		"UTF-8 that is cut":                            {header + good + "9000000017,9Ndo.,\xe2\x82", "encoding", 3, ""},
		"UTF-16 that is cut":                           {"\xff\xfeN\x00H", "encoding", 1, ""},
		"half a pair of UTF-16":                        {"\xfe\xff\x00N\xd8\x00", "encoding", 1, ""},
		"a quotation mark that is never closed":        {header + "\"9000000009,9Ndo.,\n" + good, "quote-open", 2, ""},
		"a cell over two lines":                        {header + good + "9000000017,9Ndo.,\"31/03\n/2026\"\n", "quote-open", 3, ""},
		"two stray marks, which would join three rows": {header + "9000000009,\"9Ndo.,\n9000000017,9Ndo.,\n9000000025,9Ndo.\",\n", "quote-open", 2, ""},
		"text behind a closed cell":                    {header + "9000000009,\"9Ndo.\"x,\n", "quote-open", 2, ""},
		"100,001 rows":                                 {header + strings.Repeat(good, extract.MostRows+1), "too-many-rows", extract.MostRows + 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := read(t, c.file)
			r, ok := errors.AsType[*extract.Refusal](err)
			if !ok || e != nil || r.Code != c.code || r.Line != c.line || strings.Join(r.Looked, ", ") != c.names {
				t.Fatalf("%+v, %v; want %+v", e, err, c)
			}
			if d := r.Detail(); !strings.HasSuffix(d, ".") || strings.Contains(d, "{") || !strings.Contains(d, c.names) {
				t.Errorf("%s tells people %q", r.Code, d)
			}
		})
	}
}

func TestAFileWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{
		"one line":                  "x",
		"a cell that is not closed": "\"",
		"rows of nothing":           strings.Repeat(",", 1023) + "\n",
	} {
		_, err := extract.Read(io.MultiReader(strings.NewReader(header), endless{strings.Repeat(rest, 4096/len(rest))}), extract.Layouts, nhs.Codebook{}, true)
		if r, ok := errors.AsType[*extract.Refusal](err); !ok || r.Code != "too-large" || r.Detail() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever asks again later must be able to tell this from a file that is at fault.
func TestAFileThatCannotBeReadNowIsNotRefused(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]string{"at once": "", "in the header": "NHS num", "in a row": header + "9000000009,9N", "in a character": "\xff\xfeN"} {
		for _, cause := range []error{errAway, io.ErrUnexpectedEOF, fmt.Errorf("read object: %w", io.EOF)} {
			_, err := extract.Read(io.MultiReader(strings.NewReader(until), away{cause}), extract.Layouts, nhs.Codebook{}, true)
			if _, refused := errors.AsType[*extract.Refusal](err); refused || !errors.Is(err, cause) {
				t.Errorf("%s, %v: %v", name, cause, err)
			}
		}
	}
}

// The published numbers are an extract too, by a layout that names its columns.
func TestColumnsAreNamedByWhoeverRunsThis(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../nhs/testdata/nhs-number-vectors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	e, err := extract.Read(file, append([]extract.Layout{{
		Name: "vectors", Number: []string{"NUMBER"}, Code: []string{"mod-11"}, Words: map[string]nhs.Preference{"Valid": nhs.Dissent},
	}}, extract.Layouts...), nhs.Codebook{}, true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"nhs-number-example": 1, "nhs-number-check-digit": 2, "nhs-number-repeated-digit": 3, "nhs-number-is-national-insurance": 1}
	if e.Layout != "vectors" || e.Good != 11 || !maps.Equal(e.Faults, want) {
		t.Errorf("%q, %d good, %v", e.Layout, e.Good, e.Faults)
	}
}

func TestRowsNeverPrintWhoTheyAreAbout(t *testing.T) {
	t.Parallel()
	e, err := read(t, header+"9000000009,9Ndo.,1957-03-31\n9000000008,9Ndo.,")
	if err != nil {
		t.Fatal(err)
	}
	_, refused := read(t, "9000000009,1957-03-31")
	if out := fmt.Sprintf("%v %v %#v %v %#v %+v %#v %v", e.LogValue(), e, e, *e, *e, e.Rows, e.Rows, refused); strings.Contains(out, "900000000") || strings.Contains(out, "1957") {
		t.Error(out)
	}
}

func TestLayoutsAreConfigured(t *testing.T) {
	t.Parallel()
	const theirs = `[{"name":"a system","number":["Patient"],"code":["Value"],"date":["On"],"words":{"Opted out":"dissent"}},{"name":"b","number":["No"],"code":["C1","C2"]}]`
	for text, want := range map[string]string{"": "plain scheme wide words", " \n": "plain scheme wide words", theirs: "a system b"} {
		layouts, err := extract.ParseLayouts(text)
		var names []string
		for _, l := range layouts {
			names = append(names, l.Name)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("%q: %v, %v", text, names, err)
		}
	}
	layouts, _ := extract.ParseLayouts(theirs)
	e, err := extract.Read(strings.NewReader("On;PATIENT;Value\n1/1/2026;9000000009;OPTED OUT\n1/1/2026;9000000017;9Ndm.\n"), layouts, book(t), true)
	if err != nil || e.Layout != "a system" || told(e.Rows[0]) != "2 9000000009 dissent 2026-01-01" || told(e.Rows[1]) != "3 9000000017 core 2026-01-01" {
		t.Errorf("%v, %v", e, err)
	}
}

func TestEveryFaultOfConfiguredLayoutsIsNamed(t *testing.T) {
	t.Parallel()
	for text, faults := range map[string]int{
		`x`: 1, `{}`: 1, `[]`: 1, `[{"colour":"red"}]`: 1, `[] []`: 1,
		`[{}]`: 3, `[{"name":"a","number":["n"],"code":["c"]},{"name":"a","number":["-"],"code":["c"],"words":{"no":"never","yes":"ever"}}]`: 4,
	} {
		layouts, err := extract.ParseLayouts(text)
		if err == nil || layouts != nil || strings.Count(err.Error(), "configuration: ") != faults {
			t.Errorf("%s: %v", text, err)
		}
	}
}
