package extract_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"example.org/optout/functions/internal/extract"
)

func TestNoCellIsRunAsAFormula(t *testing.T) {
	t.Parallel()
	rows := [][]string{
		{"NHS number", "Code", "Words"},
		{"900 000 0009", "9Ndo.", "Zoë said \"no\", twice"},
		{"=1+1", "+44 20", "-1"},
		{"@SUM(A1)", "\tx", "\r=1"},
		{"\n=1", "＝1", "a=1"},
		{"", "'", " =1"},
	}
	before := rows[2][0]
	var out strings.Builder
	if err := extract.Write(&out, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	const want = "\ufeffNHS number,Code,Words\r\n900 000 0009,9Ndo.,\"Zoë said \"\"no\"\", twice\"\r\n'=1+1,'+44 20,'-1\r\n" +
		"'@SUM(A1),'\tx,' =1\r\n' =1,'＝1,a=1\r\n,',' =1\r\n"
	if out.String() != want || rows[2][0] != before {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := extract.Write(&out, slices.Values([][]string{{"NHS number", "Code", "Note"}, {"900 000 0009", "9Ndo.", "=1"}})); err != nil {
		t.Fatal(err)
	}
	e, err := read(t, out.String())
	if err != nil || len(e.Rows) != 1 || told(e.Rows[0]) != "2 9000000009 dissent" {
		t.Errorf("%+v, %v", e, err)
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errAway
	}
	return len(p), nil
}

func TestAListThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]int{"not even the mark": 0, "the mark and no more": 3, "some of it": 5000} {
		rows := slices.Repeat([][]string{{strings.Repeat("x", 1000)}}, 10)
		if err := extract.Write(&full{room}, slices.Values(rows)); !errors.Is(err, errAway) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
