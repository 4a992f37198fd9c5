package nhs_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"example.org/optout/functions/internal/nhs"
)

// What is accepted is accepted again as it was written down, and has the shape it promises.

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"900 000 0009", "943-476-5919", "401 023 2137", "QQ123456C", "0000000000", "999 123 4567", "\u0664\u0660", "", "9\x00", strings.Repeat("9", 1000)} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, tests bool) {
		n, err := nhs.ParseNumber(s, tests)
		if err != nil {
			if code(err) == "" || n != (nhs.Number{}) {
				t.Errorf("%q: an error without a code, or with a value: %v", s, err)
			}
			return
		}
		if again, err := nhs.ParseNumber(n.Digits(), tests); err != nil || again != n || len(n.Digits()) != 10 {
			t.Errorf("%q is written down as %q and then %v", s, n.Digits(), err)
		}
		if !tests && n.Digits()[0] == '9' {
			t.Errorf("%q is a test number", s)
		}
	})
}

func FuzzPostcode(f *testing.F) {
	for _, s := range []string{"TS18 1HU", "ec1a1bb", "BFPO 61", "ZZ99 3VZ", "", "TS18", "\u202eTS18", "ＴＳ18 1HU", "T\u00a0S181HU"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, staff bool) {
		p, err := nhs.ParsePostcode(s, staff)
		if err != nil {
			if code(err) == "" || !p.IsZero() {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if again, err := nhs.ParsePostcode(p.Text(), staff); err != nil || again != p || strings.Count(p.Text(), " ") != 1 || len(p.Text()) > 9 {
			t.Errorf("%q is written down as %q and then %v", s, p.Text(), err)
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"1957-03-31", "2024-02-29", "2023-02-29", "0000-00-00", "9999-12-31", "-001-01-01", "1957-3-31", "\u0661957-03-31", "1957-03-31T00:00:00Z"} {
		f.Add(s)
	}
	today, err := nhs.ParseDate("2026-11-22")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := nhs.ParseBirthDate(s, today)
		if err != nil {
			if code(err) == "" || !d.IsZero() {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if age := d.Age(today); d.ISO() != s || age < 0 || age > 130 || d.After(today) {
			t.Errorf("%q is written down as %q, %d years old", s, d.ISO(), age)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"O'Neill", "Brontë", "Bronte\u0308", "李", "محمد", "क्\u200dष", "🙂", "A\x00", "\u202eabc", "\xff", strings.Repeat("o", 101), "<script>", "  a  b ", "\ufdfa"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := nhs.ParseName(s)
		if err != nil {
			if code(err) == "" || !n.IsZero() {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if again, err := nhs.ParseName(n.Text()); err != nil || again != n {
			t.Errorf("%q is written down as %q and then %v", s, n.Text(), err)
		}
		if !utf8.ValidString(n.Text()) || utf8.RuneCountInString(n.Text()) > nhs.MaxName || !nhs.Printable(n.Text()) {
			t.Errorf("%q is no name", n.Text())
		}
		_ = n.Folded()
	})
}
