package keyring_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/keyring"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	first  = `{"version":"1","index":"0123456789abcdef0123456789abcdef"}`
	second = `{"version":"1","index":"0123456789abcdef0123456789abcdef","seals":[{"id":"a","key":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}`
	third  = `{"version":"1","index":"0123456789abcdef0123456789abcdef","seals":[{"id":"b","key":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},{"id":"a","key":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}`
	fourth = `{"version":"1","index":"0123456789abcdef0123456789abcdef","seals":[{"id":"b","key":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]}`
)

func sealed(t *testing.T, k keyring.Keyring, plain string) string {
	t.Helper()
	s, err := k.Seal("journey", noon.Add(time.Hour), []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsSealedOpensForItsUseUntilItExpires(t *testing.T) {
	t.Parallel()
	k := open(t, first)
	s := sealed(t, k, "Quillfeather")
	if strings.Contains(s, "Quill") || strings.Contains(sealed(t, k, "Quillfeather"), s[5:20]) {
		t.Error("it shows, or is sealed alike twice")
	}
	for name, c := range map[string]struct {
		use  string
		now  time.Time
		want error
	}{
		"in time":          {"journey", noon.Add(time.Hour - time.Second), nil},
		"at its end":       {"journey", noon.Add(time.Hour), keyring.ErrExpired},
		"for another use":  {"session", noon, keyring.ErrSeal},
		"for no use":       {"", noon, keyring.ErrSeal},
		"a year before it": {"journey", noon.AddDate(-1, 0, 0), nil},
	} {
		if got, err := k.Unseal(c.use, s, c.now); !errors.Is(err, c.want) || (err == nil) != (string(got) == "Quillfeather") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestNothingAlteredOpens(t *testing.T) {
	t.Parallel()
	k := open(t, first)
	s := sealed(t, k, "dissent")
	for i := range len(s) {
		for _, c := range "0aA-_.~" {
			if wrong := s[:i] + string(c) + s[i+1:]; wrong != s {
				if _, err := k.Unseal("journey", wrong, noon); !errors.Is(err, keyring.ErrSeal) {
					t.Fatalf("%s opens as %s: %v", wrong, s, err)
				}
			}
		}
		if _, err := k.Unseal("journey", s[:i], noon); !errors.Is(err, keyring.ErrSeal) {
			t.Fatalf("%d characters of it open: %v", i, err)
		}
	}
	for _, odd := range []string{"", ".", "0.", "0.AA", "x." + s[2:], s + "A", s + "\n", strings.Repeat("A", 1<<20)} {
		if _, err := k.Unseal("journey", odd, noon); !errors.Is(err, keyring.ErrSeal) {
			t.Errorf("%.20q opens: %v", odd, err)
		}
	}
	other := open(t, strings.Replace(first, "0123", "3210", 1))
	if _, err := other.Unseal("journey", s, noon); !errors.Is(err, keyring.ErrSeal) {
		t.Errorf("another keyring opens it: %v", err)
	}
}

func TestSealKeysRotate(t *testing.T) {
	t.Parallel()
	rings := []keyring.Keyring{open(t, first), open(t, second), open(t, third), open(t, fourth)}
	opens := [][]bool{ // what was sealed by a row, by a column
		{true, true, true, true},   // the derived key opens always
		{false, true, true, false}, // a is not known yet; taken out
		{false, false, true, true},
		{false, false, true, true},
	}
	for by, ring := range rings {
		s := sealed(t, ring, "dissent")
		for with, other := range rings {
			if _, err := other.Unseal("journey", s, noon); (err == nil) != opens[by][with] {
				t.Errorf("sealed by ring %d, opened with %d: %v", by+1, with+1, err)
			}
		}
	}
	for _, wrong := range []string{
		strings.Replace(second, `"a"`, `""`, 1), strings.Replace(second, `"a"`, `"A"`, 1), strings.Replace(second, `"a"`, `"0"`, 1),
		strings.Replace(second, `"a"`, `"abcdefghi"`, 1), strings.Replace(second, "aaaaaaaa", "", 1), strings.Replace(third, `"b"`, `"a"`, 1),
	} {
		if _, err := keyring.Open([]byte(wrong)); err == nil || strings.Contains(err.Error(), "aaaa") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestWhatDoesNotFitACookieIsSaidSo(t *testing.T) {
	t.Parallel()
	k := open(t, third)
	var most int
	for n := 2000; n < 4000; n++ {
		if _, err := k.Seal("journey", noon, bytes.Repeat([]byte("x"), n)); errors.Is(err, keyring.ErrTooLarge) {
			break
		}
		most = n
	}
	if most < 2700 || most > 2900 {
		t.Errorf("%d bytes fit", most)
	}
}

func FuzzUnseal(f *testing.F) {
	k, err := keyring.Open([]byte(third))
	if err != nil {
		f.Fatal(err)
	}
	s, err := k.Seal("journey", noon.Add(time.Hour), []byte("dissent"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s)
	f.Add("0." + s[2:])
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := k.Unseal("journey", text, noon); err == nil && string(got) != "dissent" { // sealed by this process or another
			t.Errorf("%q opens as %q", text, got)
		}
	})
}
