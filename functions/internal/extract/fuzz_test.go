package extract_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"

	encoding "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
)

// Either nothing is used, or every line of the file in which a letter or digit stands is one row, used or at fault; and
// no two rows that are used are of one person.
func FuzzRead(f *testing.F) {
	for _, rows := range []string{
		"", "9000000009,9Ndo.,31/03/2026\n", "9000000009,9Ndo.,\n9000000009,XaXbY,\n,,\n9000000009,9Ndo.,2026-03-31T00:00:00Z", "\"9000000009\",\"9Ndo.\",\"\"\r\n",
		"9000000009,\"9Ndo.\n\",", "x\x00", "x\"y,,\n", ",,,,\n", "\r\r\n", strings.Repeat("9", 70_000), "Zo\xeb,,", "\ufffd,,", "4010232137\t9Ndl\t",
	} {
		for _, encode := range encodings {
			file, err := encode(header + rows)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(file)
		}
		f.Add([]byte(strings.ReplaceAll(header+rows, ",", ";")))
		f.Add([]byte("nhs no\tPreference\tread CODE\n" + rows))
	}
	known := book(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := extract.Read(bytes.NewReader(file), extract.Layouts, known, true)
		if err != nil {
			if r, ok := errors.AsType[*extract.Refusal](err); !ok || r.Detail() == "" || e != nil {
				t.Errorf("%+v, %v", e, err)
			}
			return
		}
		at, people := map[int]bool{}, map[nhs.Number]bool{}
		for i, r := range e.Rows {
			if i > 0 && r.Line <= e.Rows[i-1].Line {
				t.Errorf("line %d after line %d", r.Line, e.Rows[i-1].Line)
			}
			at[r.Line] = true
			choice, sure := e.Choice(r.Number)
			switch {
			case r.Fault.Code == "" && (people[r.Number] || !sure || choice != r.Choice || choice == ""):
				t.Errorf("line %d is used, and the extract says %q, %v", r.Line, choice, sure)
			case r.Fault.Code == "":
				people[r.Number] = true
			case r.Fault.Detail() == "", sure && r.Fault.Code != "number-again":
				t.Errorf("line %d has the fault %q, and the extract says %q, %v", r.Line, r.Fault.Code, choice, sure)
			}
		}
		text, _, err := transform.Bytes(encoding.BOMOverride(transform.Nop), file)
		if err != nil {
			t.Fatal(err)
		}
		headers := 0
		for i, line := range strings.Split(string(text), "\n") {
			if !at[i+1] && strings.ContainsFunc(line, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
				headers++
			}
		}
		if headers != 1 || len(people) != e.Good || len(e.Rows) != e.Good+faultsIn(e) {
			t.Errorf("%d lines are no row; %d rows, %d good, %v", headers, len(e.Rows), e.Good, e.Faults)
		}
	})
}
