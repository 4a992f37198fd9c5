package nhs_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
)

func code(err error) string {
	var e *nhs.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestNHSNumbersAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"943 476 5919":           "nhs-number-test",
		"401-023-2137":           "",
		" 4010232137 ":           "",
		"4010\u00a0232137":       "",
		"401\u2011023\u20132137": "",
		"401 023 2137\u200f":     "nhs-number-shape",
		"NHS 401 023 2137":       "nhs-number-shape",
		"9434765918":             "nhs-number-check-digit",
		"4010232138":             "nhs-number-check-digit",
		"401023213":              "nhs-number-shape",
		"40102321377":            "nhs-number-shape",
		"٤٠١٠٢٣٢١٣٧":             "nhs-number-shape",
		"999 123 4567":           "nhs-number-example",
		"QQ123456C":              "nhs-number-is-national-insurance",
		"qq 12 34 56 c":          "nhs-number-is-national-insurance",
	} {
		n, err := nhs.ParseNumber(given, false)
		if code(err) != want || (err == nil) != (want == "") {
			t.Errorf("%q: %v, want %q", given, err, want)
		}
		if err == nil && len(n.Digits()) != 10 {
			t.Errorf("%q is read as %q", given, n.Digits())
		}
	}
}

// The ranges of the domain facts, with the lowest and the highest number of every three digits (but for ten times 0 or 9).
func TestEveryRangeOfNHSNumbersHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		from, to int // first three digits
		want     string
	}{
		{0, 9, "nhs-number-not-issued"},
		{10, 311, "nhs-number-scotland"},
		{312, 319, "nhs-number-not-issued"},
		{320, 399, "nhs-number-northern-ireland"},
		{400, 499, ""},
		{500, 599, "nhs-number-not-issued"},
		{600, 799, ""},
		{800, 859, "nhs-number-ireland"},
		{860, 899, "nhs-number-not-issued"},
		{900, 999, "nhs-number-test"},
	} {
		for prefix := r.from; prefix <= r.to; prefix++ {
			for _, n := range []string{withCheck(prefix, 1, 1), withCheck(prefix, 999_998, -1)} {
				if _, err := nhs.ParseNumber(n, false); code(err) != r.want || (err == nil) != (r.want == "") {
					t.Errorf("%s: %v, want %q", n, err, r.want)
				}
				if _, err := nhs.ParseNumber(n, true); (err == nil) != (r.want == "" || r.want == "nhs-number-test") {
					t.Errorf("%s in test mode: %v", n, err)
				}
			}
		}
	}
	for digit := range 10 {
		n := strings.Repeat(strconv.Itoa(digit), 10)
		if _, err := nhs.ParseNumber(n, true); code(err) != "nhs-number-repeated-digit" {
			t.Errorf("%s: %v", n, err)
		}
	}
}

// withCheck is a number that begins like this and has a right check digit: the first from n on.
func withCheck(prefix, n, step int) string {
	for ; ; n += step {
		d := fmt.Sprintf("%03d%06d", prefix, n)
		sum := 0
		for i := range 9 {
			sum += int(d[i]-'0') * (10 - i)
		}
		if c := (11 - sum%11) % 11; c != 10 {
			return fmt.Sprintf("%s%d", d, c)
		}
	}
}

func TestNHSNumberAgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/nhs-number-vectors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		_, err := nhs.ParseNumber(row[0], true)
		if row[1] == "valid" && code(err) == "nhs-number-check-digit" || row[1] == "invalid" && err == nil {
			t.Errorf("%s (%s): %v", row[0], row[1], err)
		}
	}
	if len(rows) < 10 {
		t.Errorf("only %d vectors", len(rows))
	}
}

func TestNHSNumberCheckDigitCatchesSingleErrorsAndSwaps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := []byte(withCheck(600+r.IntN(200), r.IntN(999_000), 1))
		i := r.IntN(10)
		wrong := append([]byte{}, d...)
		wrong[i] = '0' + (d[i]-'0'+1+byte(r.IntN(9)))%10
		if _, err := nhs.ParseNumber(string(wrong), true); err == nil {
			t.Fatalf("%s passes for %s", wrong, d)
		}
		i = r.IntN(9)
		swapped := append([]byte{}, d...)
		swapped[i], swapped[i+1] = d[i+1], d[i]
		if _, err := nhs.ParseNumber(string(swapped), true); err == nil && string(swapped) != string(d) {
			t.Fatalf("%s passes for %s", swapped, d)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	today, err := nhs.ParseDate("2026-11-22")
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"1957-03-31": "", "2024-02-29": "", "2026-11-22": "", "1896-11-22": "",
		"2023-02-29": "date-shape", "1957-06-31": "date-shape", "57-03-31": "date-shape", "31/03/1957": "date-shape",
		"1957-3-31": "date-shape", "": "date-shape", "1957-03-31 ": "date-shape", "١٩٥٧-٠٣-٣١": "date-shape",
		"2026-11-23": "date-in-future", "1896-11-21": "date-too-long-ago", "0001-01-01": "date-too-long-ago",
	} {
		if _, err := nhs.ParseBirthDate(given, today); code(err) != want || (err == nil) != (want == "") {
			t.Errorf("%q: %v, want %q", given, err, want)
		}
	}
}

func TestATimeOf130YearsCanEndOn29February(t *testing.T) {
	t.Parallel()
	today := nhs.StoredDate("2028-02-29") // 1898 has none
	for given, want := range map[string]string{"1898-02-28": "date-too-long-ago", "1898-03-01": ""} {
		if _, err := nhs.ParseBirthDate(given, today); code(err) != want {
			t.Errorf("%s: %v, want %q", given, err, want)
		}
	}
}

func TestTheDayIsEnglands(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-22T23:30:00Z": "2026-11-22", // winter: London is at UTC
		"2026-07-01T23:30:00Z": "2026-07-02", // summer: an hour ahead
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := nhs.DateOf(moment).ISO(); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}

func TestODSCodes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"A81001": "", " a81001 ": "", "Y12345": "", "a 81-001": "",
		"A8100": "practice-code-shape", "A810011": "practice-code-shape", "881001": "practice-code-shape", "A8100O": "practice-code-shape", "ſ81001": "practice-code-shape", "ſ8100": "practice-code-shape", "": "practice-code-shape",
		"V81997": "practice-code-not-a-practice", "V81998": "practice-code-not-a-practice", "v81999": "practice-code-not-a-practice",
		"W91001": "practice-code-wales",
	} {
		c, err := nhs.ParseODSCode(given)
		if code(err) != want || (err == nil) != (want == "") {
			t.Errorf("%q: %v, want %q", given, err, want)
		}
		if err == nil && c.String() != strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(given)) {
			t.Errorf("%q is read as %s", given, c)
		}
	}
}

func TestPostcodes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"TS18 1HU": "TS18 1HU", "ts181hu": "TS18 1HU", " T S 1 8 1HU": "TS18 1HU", "ts18-1hu": "TS18 1HU", "M1 1AE": "M1 1AE", "EC1A 1BB": "EC1A 1BB", "BF1 1AA": "BF1 1AA", "bfpo 61": "BFPO 61", "BFPO1234": "BFPO 1234",
		"BFPO": "", "BFPO 0": "", "BFPO 12345": "", "BFPX 61": "", "ZZ99 3VZ": "", "TſA8 1HU": "",
		"TS18": "", "": "", "1HU TS18": "", "TS18 1H": "", "TS18 1HUX": "", "ТS18 1HU": "",
	} {
		p, err := nhs.ParsePostcode(given, false)
		if p.Text() != want || (err != nil) != (want == "") {
			t.Errorf("%q is read as %q, %v; want %q", given, p.Text(), err, want)
		}
	}
}

func TestCodesForHavingNoAddressAreForStaff(t *testing.T) {
	t.Parallel()
	if _, err := nhs.ParsePostcode("zz99 3vz", false); code(err) != "postcode-not-a-place" {
		t.Errorf("online: %v", err)
	}
	if p, err := nhs.ParsePostcode("zz99 3vz", true); p.Text() != "ZZ99 3VZ" {
		t.Errorf("staff: %q, %v", p.Text(), err)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		born, on string
		want     int
	}{
		{"2010-11-22", "2026-11-22", 16},
		{"2010-11-23", "2026-11-22", 15},
		{"2026-11-22", "2026-11-22", 0},
		{"2008-02-29", "2024-02-28", 15},
		{"2008-02-29", "2024-02-29", 16},
		{"2008-02-29", "2026-02-28", 17},
		{"2008-02-29", "2026-03-01", 18},
		{"2026-11-22", "2026-11-21", -1},
	} {
		born, err := nhs.ParseDate(c.born)
		if err != nil {
			t.Fatal(err)
		}
		on, err := nhs.ParseDate(c.on)
		if err != nil {
			t.Fatal(err)
		}
		if got := born.Age(on); got != c.want {
			t.Errorf("born %s, on %s: %d years, want %d", c.born, c.on, got, c.want)
		}
	}
}

func TestNamesAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"O'Neill": "", "Brontë": "", "Bronte\u0308": "", "van  der Berg ": "", "D": "", "Nguyễn": "", "محمد": "", "李": "", "Smith-Jones": "", "Nic Ġorġa": "", "क्\u200dष": "",
		"": "name-missing", "   ": "name-missing", "12": "name-has-no-letter", "🙂": "name-has-no-letter",
		"Ada\x00": "name-unusable-character", "Ada\u202eadA": "name-unusable-character", "\xff": "name-unusable-character", "A\x1bB": "name-unusable-character",
		strings.Repeat("a", 101): "name-too-long",
	} {
		if _, err := nhs.ParseName(given); code(err) != want || (err == nil) != (want == "") {
			t.Errorf("%q: %v, want %q", given, err, want)
		}
	}
	composed, _ := nhs.ParseName("Brontë")
	decomposed, _ := nhs.ParseName("Bronte\u0308")
	if composed != decomposed {
		t.Error("the same name in two spellings of Unicode is two names")
	}
	for _, pair := range [][2]string{{"O’Neill-Brontë", "ONEILL BRONTE"}, {"van der Berg", "Van-Der-Berg"}} {
		a, _ := nhs.ParseName(pair[0])
		b, _ := nhs.ParseName(pair[1])
		if a.Folded() != b.Folded() || a.Folded() == "" {
			t.Errorf("%q folds to %q and %q to %q", pair[0], a.Folded(), pair[1], b.Folded())
		}
	}
}

func TestPersonalValuesNeverPrintThemselves(t *testing.T) {
	t.Parallel()
	number, err := nhs.ParseNumber("9000000009", true)
	if err != nil {
		t.Fatal(err)
	}
	date, _ := nhs.ParseDate("1957-03-31")
	postcode, _ := nhs.ParsePostcode("TS18 1HU", false)
	name, _ := nhs.ParseName("Quillfeather")
	everything := struct {
		N nhs.Number
		D nhs.Date
		P nhs.Postcode
		M nhs.Name
	}{number, date, postcode, name}

	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "n", number, "d", date, "p", postcode, "m", name, "all", everything)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "n", number, "d", date, "p", postcode, "m", name)
	for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
		fmt.Fprintf(&out, strings.Repeat(verb, 4), number, date, postcode, name)
	}
	_ = json.NewEncoder(&out).Encode(everything)
	for _, secret := range []string{"9000000009", "1957", "TS18", "1HU", "Quillfeather"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q can be read in:\n%s", secret, out.String())
		}
	}
}
