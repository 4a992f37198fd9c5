package optout_test

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// whole are answers in which every field that can hold a text does, but about, which no choice has.
func whole() optout.Answers {
	a := optouttest.Dissent()
	a.Subject.BirthDate = "1960-05-14" // not the one in our sentences
	a.Kind, a.SignedOn, a.Reply.Phone, a.Reply.Language = "choice", "2026-10-01", "01642 672351", "BSL"
	a.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"}
	return a
}

// wholeRules accept whole answers.
var wholeRules = optout.Rules{Today: optouttest.Rules.Today, TestNumbers: true, Staff: true, Practices: practices{}}

// field is a text in Answers: where it is for a client, and for Go. Of a list it is the first entry.
type field struct {
	pointer string
	names   []string
}

// fields are all there are: one that is added to Answers is tested from then on.
func fields(t *testing.T, in reflect.Type, pointer string, names ...string) (all []field) {
	t.Helper()
	switch in.Kind() {
	case reflect.Pointer:
		return fields(t, in.Elem(), pointer, names...)
	case reflect.Struct:
		for f := range in.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			all = append(all, fields(t, f.Type, pointer+"/"+name, append(names[:len(names):len(names)], f.Name)...)...)
		}
	case reflect.Slice:
		return fields(t, in.Elem(), pointer+"/0", names...)
	case reflect.String:
		return []field{{pointer, names}}
	case reflect.Bool: // has no odd values: what is no bool is no Answers
	default:
		t.Fatalf("%s is a %s: say here which odd values that has", pointer, in)
	}
	return all
}

// good are answers with something in the field, and what stands there.
func (f field) good() (optout.Answers, string) {
	a := whole()
	if f.pointer == "/about" {
		a.Kind, a.Choice, a.About = "withdrawal", "", reference
	}
	return a, f.in(&a).String()
}

func (f field) in(a *optout.Answers) reflect.Value {
	v := reflect.ValueOf(a).Elem()
	for _, name := range f.names {
		v = reflect.Indirect(v).FieldByName(name)
	}
	if v.Kind() == reflect.Slice {
		v = v.Index(0)
	}
	return v
}

// fact is what became of the field: Facts have Subject.Surname as Surname, Proxy.Name as ProxyName, a reply as it is.
func (f field) fact(t *testing.T, facts optout.Facts) any {
	t.Helper()
	all := reflect.ValueOf(facts)
	v := all.FieldByName(strings.Join(f.names, ""))
	if last := f.names[len(f.names)-1]; !v.IsValid() && f.names[0] == "Reply" {
		v = all.FieldByName("Reply").Elem().FieldByName(last)
	} else if !v.IsValid() {
		v = all.FieldByName(last)
	}
	if !v.IsValid() {
		t.Fatalf("%s becomes no fact", f.pointer)
	}
	if v.Kind() == reflect.Slice {
		v = v.Index(0)
	}
	return v.Interface()
}

// same says that a fact is what was said, in the spelling that is kept: names with single spaces in Unicode's NFC,
// codes and numbers without what people put between their characters.
func same(fact any, said string) bool {
	code := func(s string) string { return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s)) }
	switch v := fact.(type) {
	case string:
		return v == said
	case nhs.Date:
		return v.ISO() == said
	case nhs.Name:
		return v.Text() == norm.NFC.String(strings.Join(strings.Fields(said), " "))
	case nhs.Number:
		return code(v.Digits()) == code(said)
	case nhs.Postcode:
		return code(v.Text()) == code(said)
	case nhs.ODSCode, optout.Reference:
		return code(fmt.Sprint(v)) == code(said)
	}
	return false
}

const large = 10 << 20

// nonsense makes what nobody means of what stands in a field.
var nonsense = map[string]func(good string) string{
	"nothing":                      func(string) string { return "" },
	"spaces":                       func(string) string { return "   " },
	"10 MB":                        func(string) string { return strings.Repeat("a", large) },
	"10 MB of itself":              func(good string) string { return strings.Repeat(good, large/len(good)) },
	"10 MB of spaces around it":    func(good string) string { return strings.Repeat(" ", large) + good },
	"NUL":                          func(string) string { return "\x00" },
	"NUL at its end":               func(good string) string { return good + "\x00" },
	"a line of its own":            func(good string) string { return good + "\r\nBcc: x" },
	"right-to-left override":       func(good string) string { return "\u202e" + good },
	"zero width space":             func(good string) string { return good[:1] + "\u200b" + good[1:] },
	"an emoji":                     func(string) string { return "🙂" },
	"an emoji at its end":          func(good string) string { return good + " 👩🏽‍🦽" },
	"combining marks":              func(string) string { return "\u0301\u0328" },
	"combining marks at its end":   func(good string) string { return good + "\u0308\u0301" },
	"a hundred marks at its end":   func(good string) string { return good + strings.Repeat("\u0301", 100) },
	"a script tag":                 func(string) string { return "<script>alert(1)</script>" },
	"its digits in Arabic":         arabic,
	"Arabic digits":                func(string) string { return "١٢٣٤٥٦٧٨٩٠" },
	"30 February":                  func(string) string { return "1957-02-30" },
	"29 February of a common year": func(string) string { return "1957-02-29" },
	"month 13":                     func(string) string { return "1957-13-01" },
	"bytes that are no UTF-8":      func(good string) string { return good + "\xff\xfe" },
	"half a surrogate":             func(good string) string { return good + "\xed\xa0\x80" },
	"another script's letter":      func(good string) string { return "ſ" + good[1:] },
}

func arabic(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '٠' + r - '0'
		}
		return r
	}, s)
}

// Whatever stands in a field, it is a fact as it was said, or the field's own fault. This test counts what is
// allocated, so that nothing may run beside it.
func TestOddValuesInEveryField(t *testing.T) {
	all := fields(t, reflect.TypeFor[optout.Answers](), "")
	for _, f := range all {
		a, good := f.good()
		if good == "" {
			t.Fatalf("%s: whole answers lack it", f.pointer)
		}
		if facts, faults := wholeRules.Accept(a); len(faults) > 0 || !same(f.fact(t, facts), good) {
			t.Fatalf("%s: %q becomes %v, %v", f.pointer, good, f.fact(t, facts), faults)
		}
		for what, make := range nonsense {
			a, _ := f.good()
			said := make(good)
			f.in(&a).SetString(said)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			facts, faults := wholeRules.Accept(a)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if copied := after.TotalAlloc - before.TotalAlloc; took > 3*time.Second || copied > large/2 {
				t.Errorf("%s, %s: judged in %v, allocating %d MB", f.pointer, what, took, copied>>20)
			}
			if len(faults) == 0 && said != "" && !same(f.fact(t, facts), said) {
				t.Errorf("%s, %s: %.40q is accepted as something else", f.pointer, what, said)
			}
			for _, fault := range faults {
				if fault.Pointer != f.pointer || fault.Code == "" || fault.Detail == "" {
					t.Errorf("%s, %s: %+v", f.pointer, what, fault)
				}
				if said := strings.TrimSpace(said); len(said) > 3 && strings.Contains(fault.Detail, said) {
					t.Errorf("%s, %s: %q quotes what was said", f.pointer, what, fault.Detail)
				}
			}
		}
	}
	if len(all) < 19 {
		t.Errorf("only %d fields were found", len(all))
	}
}

// What matters most of it, by hand. want is a code, or "" and then what is kept.
func TestWhatBecomesOfOddValues(t *testing.T) {
	t.Parallel()
	byPointer := map[string]field{}
	for _, f := range fields(t, reflect.TypeFor[optout.Answers](), "") {
		byPointer[f.pointer] = f
	}
	const (
		surname, birth, number = "/subject/surname", "/subject/birthDate", "/subject/nhsNumber"
		address, phone         = "/subject/address/0", "/reply/phone"
	)
	for name, c := range map[string]struct{ pointer, said, want, kept string }{
		"a surname of an emoji":                         {surname, "🙂", "name-has-no-letter", ""},
		"a surname and an emoji":                        {surname, "O'Neill 🙂", "", "O'Neill 🙂"},
		"a surname with a mark is composed":             {surname, "Bronte\u0308", "", "Brontë"},
		"a surname of marks":                            {surname, "\u0301\u0328", "name-has-no-letter", ""},
		"a surname of 100 letters and their marks":      {surname, strings.Repeat("e\u0308", 100), "", strings.Repeat("ë", 100)},
		"a surname of 101 letters and their marks":      {surname, strings.Repeat("e\u0308", 101), "name-too-long", ""},
		"a surname of 10 MB":                            {surname, strings.Repeat("a", large), "name-too-long", ""},
		"a script tag is text like any other":           {surname, "<script>alert(1)</script>", "", "<script>alert(1)</script>"},
		"a surname with NUL":                            {surname, "O\x00Neill", "name-unusable-character", ""},
		"a surname turned around":                       {surname, "\u202eO'Neill", "name-unusable-character", ""},
		"a surname of digits":                           {surname, "١٢٣", "name-has-no-letter", ""},
		"a surname on two lines becomes one":            {surname, " van\r\nder  Berg ", "", "van der Berg"},
		"a surname in Arabic":                           {surname, "محمد", "", "محمد"},
		"forenames with a joiner that the script needs": {"/subject/forenames", "क्\u200dष", "", "क्\u200dष"},
		"a title of an emoji":                           {"/subject/title", "👑", "name-has-no-letter", ""},
		"a proxy turned around":                         {"/proxy/name", "\u202eairaM", "name-unusable-character", ""},
		"a birth date in Arabic digits":                 {birth, "١٩٥٧-٠٣-٣١", "date-shape", ""},
		"born on 30 February":                           {birth, "1957-02-30", "date-shape", ""},
		"born on 29 February of a common year":          {birth, "1957-02-29", "date-shape", ""},
		"born on 29 February":                           {birth, "1956-02-29", "", "1956-02-29"},
		"born in month 13":                              {birth, "1957-13-01", "date-shape", ""},
		"born on no day":                                {birth, "0000-00-00", "date-shape", ""},
		"born 130 years ago to the day":                 {birth, "1896-11-22", "", "1896-11-22"},
		"born a day before that":                        {birth, "1896-11-21", "date-too-long-ago", ""},
		"born before Christ":                            {birth, "-044-03-15", "date-shape", ""},
		"a birth date with NUL":                         {birth, "1957-03-31\x00", "date-shape", ""},
		"signed on 29 February of a common year":        {"/signedOn", "2026-02-29", "date-shape", ""},
		"a number in Arabic digits":                     {number, "٩٠٠٠٠٠٠٠٠٩", "nhs-number-shape", ""},
		"a number in wide digits":                       {number, "９０００００００09", "nhs-number-shape", ""},
		"a number with NUL":                             {number, "9000000009\x00", "nhs-number-shape", ""},
		"a number turned around":                        {number, "\u202e9000000009", "nhs-number-shape", ""},
		"a telephone number in Arabic digits":           {phone, "٠١٦٤٢ ٦٧٢٣٥١", "phone", ""},
		"an address with a script tag":                  {address, "<script>alert(1)</script>", "", "<script>alert(1)</script>"},
		"an address with NUL":                           {address, "1 Lawson Street\x00", "line", ""},
		"an address turned around":                      {address, "\u202eteertS nosnaL 1", "line", ""},
		"an address with an emoji":                      {address, "Rose Cottage 🌹", "", "Rose Cottage 🌹"},
		"an address is kept as it is spelled":           {address, "Bronte\u0308 Street", "", "Bronte\u0308 Street"},
		"a postcode with a Cyrillic T":                  {"/subject/postcode", "ТS18 1HU", "postcode-shape", ""},
		"a postcode with a long s":                      {"/subject/postcode", "Tſ18 1HU", "postcode-shape", ""},
		"a practice with a long s":                      {"/practice", "ſ81001", "practice-code-shape", ""},
		"a choice of 10 MB":                             {"/choice", strings.Repeat("dissent", large/7), "not-an-option", ""},
		"a choice in capitals":                          {"/choice", "Dissent", "not-an-option", ""},
		"a reference with NUL":                          {"/about", reference + "\x00", "reference", ""},
		"an e-mail address with a second header":        {"/reply/email", "ada@quillfeather.example\r\nBcc: eve@evil.example", "email", ""},
		"a format with NUL":                             {"/reply/format", "large\x00print", "line", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, known := byPointer[c.pointer]
			if !known {
				t.Fatalf("there is no %s", c.pointer)
			}
			a, _ := f.good()
			f.in(&a).SetString(c.said)
			facts, faults := wholeRules.Accept(a)
			if c.want == "" && (len(faults) > 0 || !same(f.fact(t, facts), c.kept)) {
				t.Errorf("becomes %v", faults)
			}
			if c.want != "" && (len(faults) != 1 || faults[0].Pointer != c.pointer || faults[0].Code != c.want) {
				t.Errorf("becomes %v, want %s", faults, c.want)
			}
			if digits := strings.ContainsAny(c.said, arabic("0123456789")) && c.want != "name-has-no-letter"; digits && !strings.Contains(faults[0].Detail, "0 to 9") {
				t.Errorf("%q does not say which digits to use", faults[0].Detail)
			}
		})
	}
}
