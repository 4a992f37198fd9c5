package patient_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// odd is what people paste, keyboards produce and machines send.
var odd = map[string]string{
	"nothing":                             "",
	"spaces":                              "   \t ",
	"a space that does not break":         "\u00a0Zo\u00eb\u00a0",
	"nothing that can be seen":            "\u200b\u200c\u200d\u2060\ufeff",
	"20,000 characters":                   strings.Repeat("Zoe ", 5000),
	"20,000 characters without a space":   strings.Repeat("7", 20000),
	"NUL":                                 "Zoe\x00",
	"control characters":                  "\x01\x02\x1b[31mZoe\x7f\u0085",
	"lines":                               "Zoe\r\nSet-Cookie: a=b\r\n\r\n<p>",
	"text that is turned round":           "\u202eeoZ\u202c\u2066",
	"emoji":                               "🙂👩‍👩‍👧‍👦🏴",
	"marks upon marks":                    "Z" + strings.Repeat("\u0301\u0489", 60) + "oe",
	"a script":                            `<script>alert(1)</script>`,
	"an attribute":                        `" autofocus onfocus="alert(1)" x="`,
	"an end of everything":                `'"></textarea></title></main></form><odd-element onodd=1><!--`,
	"SQL":                                 `Robert'); DROP TABLE forms;-- ' OR '1'='1`,
	"a template":                          `{{.}}{{template "button" .}}{{html "x"}}${7*7}{name}`,
	"a blank of ours":                     "\ue000surname\ue001",
	"half a blank of ours":                "\ue000surname",
	"ends of blanks of ours":              "\ue001\ue001\ue000\ue000",
	"Arabic digits":                       "٩٤٣٤٧٦٥٩١٩",
	"wide digits":                         "９４３ ４７６ ５９１９",
	"Roman digits":                        "ⅩⅨ",
	"a year of five digits":               "99999",
	"a number below nothing":              "-1",
	"a number with an exponent":           "1e3",
	"a very great number":                 strings.Repeat("9", 400),
	"bytes that are no text":              "Zo\xff\xfe\xc3(",
	"characters that are none":            "\ufffe\uffff\U0010ffff",
	"half a pair":                         "\xed\xa0\x80",
	"an address of elsewhere":             "javascript:alert(1)//https://evil.example/",
	"a path":                              "../../../etc/passwd",
	"a percent sign":                      "100%zz%00",
	"an option of another page":           "dissent",
	"an option of ours with a space":      " yes ",
	"one that is nearly right":            "Dissent",
	"what is written in another alphabet": "Ζωή 王小明 زوئی ज़ोई",
	"a mark of ours":                      "field=missing reference=too-many",
	"what stands in a cookie":             "a=b; __Host-journey-aaaaaaaa=0.AAAA; Path=/",
}

// oddOptions are those that are tried where there is nothing to type.
var oddOptions = []string{
	"nothing", "spaces", "20,000 characters", "NUL", "an end of everything", "a blank of ours", "bytes that are no text",
	"an option of another page", "an option of ours with a space", "one that is nearly right",
}

// A thing is odd in itself, in whatever field: each field of each page takes it or says what is wrong with it.
func TestOddValuesInEveryFieldOfEveryPage(t *testing.T) {
	t.Parallel()
	for _, page := range asking {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			good := pairs(everything()[page]...)
			at := h.standingOn(t, page)
			fields := at.fields()
			if len(fields) == 0 && !strings.HasPrefix(page, "sure-") {
				t.Fatal("a page with nothing to fill in")
			}
			for _, field := range append(fields, "nobody-knows-this-field") {
				_, text := at.typed(field)
				for name, value := range odd {
					if !text && !slices.Contains(oddOptions, name) {
						continue // what is compared with our options is either one of them or not
					}
					form := maps.Clone(good)
					form[field] = []string{value}
					at.tries(t, field+": "+name, form)
				}
				form := maps.Clone(good)
				form[field] = []string{odd["a script"], good.Get(field)}
				at.tries(t, field+", twice", form)
			}
			h.keepsSecret(t, "alert(1)", "DROP TABLE")
		})
	}
}

// tries fills in a page and holds what comes of it to what pages promise. It leaves the browser where it was.
func (b *browser) tries(t *testing.T, name string, form url.Values) {
	t.Helper()
	page, then := b.on(), b.twin()
	then.post(b.address, form)
	if !slices.Contains([]int{200, 422}, then.status) {
		t.Errorf("%s is answered %d", name, then.status)
	}
	if then.on() != page {
		then.get(b.address) // what was taken is shown to whoever comes back, and is no fault
		then.holds()
		return
	}
	then.helps(page)
	for field := range form {
		if value, ok := then.typed(field); ok && value != asShown(form.Get(field)) {
			t.Errorf("%s: %q is shown as %.80q", name, form.Get(field), value)
		}
	}
	if then.post(b.address, pairs(everything()[page]...)); then.on() == page {
		t.Errorf("%s: a right answer does not lead on after it: %s", name, then.text("nhsuk-error-summary"))
	}
}

// asShown is a text as a page can hold it: no page has NUL, and lines end in one way.
func asShown(s string) string {
	return strings.NewReplacer("\x00", "\ufffd", "\r\n", "\n", "\r", "\n").Replace(s)
}

// What is no form, or more of one than anybody fills in, is answered with the page and what to do.
func TestBodiesThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	const form, size = "application/x-www-form-urlencoded", 32 << 10
	h, at := newHouse(t), map[string]*browser{}
	for _, page := range append(slices.Clone(asking), "check") {
		at[page] = h.standingOn(t, page)
	}
	for name, c := range map[string]struct {
		media, body string
		status      int // 0: whatever the page says of a form that is not filled in
	}{
		"10 MB":                     {form, "surname=" + strings.Repeat("a", 10<<20), 413},
		"a byte more than 32 KiB":   {form, strings.Repeat("a", size+1), 413},
		"a hundred thousand fields": {form, strings.Repeat("a=1&", 100000), 413},
		"16,000 fields":             {form, strings.Repeat("a&", 16000), 400},
		"a percent sign":            {form, "surname=%", 400},
		"a percent sign and a word": {form, "surname=100%zz&forenames=Zoe", 400},
		"semicolons":                {form, "surname=a;forenames=b", 400},
		"JSON":                      {"application/json", `{"surname":"O'Neill"}`, 415},
		"a file":                    {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"surname\"\r\n\r\nO\r\n--x--", 415},
		"plain text":                {"text/plain", "surname=a", 415},
		"no type":                   {"", "surname=a", 415},
		"a type that is none":       {"a/b/c;;", "surname=a", 415},
		"nothing":                   {form, "", 0},
		"nothing, of no type":       {"", "", 0},
		"unknown fields":            {form, "a=1&b=2&=&&", 0},
		"a byte less than 32 KiB":   {form, strings.Repeat("a", size), 0},
		"another set of characters": {form + "; charset=iso-8859-1", "x=1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for page, at := range at {
				b := at.twin()
				b.t = t
				answer := b.raw("POST", b.address, c.body, "Content-Type", c.media)
				switch {
				case c.status != 0 && b.status != c.status:
					t.Errorf("%s: answered %d", page, b.status)
				case c.status == 0 && b.status == http.StatusSeeOther:
					if b.get(answer.Header.Get("Location")); b.status != 200 {
						t.Errorf("%s leads to %s, %d", page, b.address, b.status)
					}
					b.holds()
				default:
					b.helps(page)
				}
				if b.post(at.address, pairs(everything()[page]...)); b.status != 200 && page != "check" {
					t.Errorf("%s: a right answer does not lead on: %d %s", page, b.status, b.text("nhsuk-error-summary"))
				}
			}
			if c.status == 0 {
				return
			}
			for _, address := range []string{"/form", "/status"} {
				b := h.strict(t)
				b.address = address
				if b.raw("POST", address, c.body, "Content-Type", c.media); b.status != c.status {
					t.Errorf("%s: answered %d", address, b.status)
				}
				b.holds()
			}
		})
	}
}

func TestDatesAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := h.standingOn(t, "birth-date")
	for name, c := range map[string]struct{ day, month, year, want string }{ // want: as it is said when all is checked, or the fault
		"as asked":                    {"31", "3", "1957", "31 March 1957"},
		"with noughts":                {"01", "03", "1957", "1 March 1957"},
		"with spaces":                 {" 1 ", "\u00a03\u200b", "1957\t", "1 March 1957"},
		"in Arabic digits":            {"٣١", "٣", "١٩٥٧", "31 March 1957"},
		"in Urdu digits":              {"۳۱", "۳", "۱۹۵۷", "31 March 1957"},
		"in wide digits":              {"３１", "３", "１９５７", "31 March 1957"},
		"a month by its name":         {"31", "March", "1957", "31 March 1957"},
		"a month in short":            {"31", "mar", "1957", "31 March 1957"},
		"29 February in a leap year":  {"29", "2", "1956", "29 February 1956"},
		"29 February in 2000":         {"29", "2", "2000", "29 February 2000"},
		"29 February in a common one": {"29", "2", "1957", "a real date"},
		"29 February in 1900":         {"29", "2", "1900", "a real date"},
		"31 June":                     {"31", "6", "1957", "a real date"},
		"day nought":                  {"0", "6", "1957", "a real date"},
		"month 13":                    {"1", "13", "1957", "a real date"},
		"month and day exchanged":     {"3", "31", "1957", "a real date"},
		"a month that is none":        {"1", "Marchember", "1957", "a real date"},
		"a day below nought":          {"-1", "3", "1957", "a real date"},
		"a sign":                      {"+1", "3", "1957", "a real date"},
		"a part of a day":             {"1.", "3", "1957", "a real date"},
		"all in one field":            {"31/03/1957", "", "", "must include a month"},
		"year 99999":                  {"1", "1", "99999", "a real date"},
		"year 0":                      {"1", "1", "0000", "in the last 130 years"},
		"the year of tomorrow":        {"23", "11", "2026", "in the past"},
		"today":                       {"22", "11", "2026", "22 November 2026"},
		"130 years ago":               {"22", "11", "1896", "22 November 1896"},
		"a day more":                  {"21", "11", "1896", "in the last 130 years"},
		"a year of two digits":        {"31", "3", "57", "4 numbers"},
		"a year of three":             {"31", "3", "957", "4 numbers"},
		"no day":                      {"", "3", "1957", "include a day"},
		"no month":                    {"31", " ", "1957", "include a month"},
		"no year":                     {"31", "3", "\u00a0", "include a year"},
		"nothing":                     {"", "", "", "Enter your date of birth"},
		"superscripts":                {"³¹", "3", "1957", "a real date"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := at.twin()
			b.t = t
			b.fill("day", c.day, "month", c.month, "year", c.year)
			b.holds()
			said := b.text("nhsuk-error-summary")
			if said == "" {
				b.walk(everything(), "check")
				said = b.text("nhsuk-summary-list")
			} else if value, _ := b.typed("day"); value != c.day {
				t.Errorf("the day is shown as %q", value)
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// The pages that show what was typed show it as text, wherever it comes to stand.
func TestWhatIsTypedIsShownAsTextOnEveryPageAfterIt(t *testing.T) {
	t.Parallel()
	const typed = `<script>x</script>"'&amp; {{.}}`
	h := newHouse(t)
	b := h.strict(t)
	b.begin()
	a := everything()
	a["who"], a["birth-date"] = []string{"who", "child"}, []string{"day", "31", "month", "3", "year", "2019"}
	a["declaration"] = []string{"proxy-name", typed, "declared", "yes"}
	a["name"] = []string{"forenames", typed, "surname", typed}
	a["address"] = []string{"line-1", typed, "line-2", typed, "town", typed, "county", typed, "postcode", "TS18 1HU"}
	a["format"], a["which-format"] = []string{"format", "other"}, []string{"format", typed}
	a["language"], a["which-language"] = []string{"language", "other"}, []string{"language", typed}
	a["reply"] = []string{"safe", "email", "safe", "phone", "safe", "post", "email", `"&'{}@example.com`, "phone", "(01632) 960-001"}
	b.walk(map[string][]string{
		"choice": a["choice"], "who": a["who"], "capacity": a["capacity"], "declaration": a["declaration"], "name": a["name"],
		"birth-date": a["birth-date"], "nhs-number": a["nhs-number"], "which-number": a["which-number"], "address": a["address"], "practice": a["practice"],
	}, "reply")
	b.fill(a["reply"]...)
	b.helps("reply") // an e-mail address has no quotes
	a["reply"][7] = `&'{}@example.com`
	b.walk(a, "check")
	b.holds()
	if n := strings.Count(b.text("nhsuk-summary-list"), typed); n != 1+2+4+1+1 {
		t.Errorf("shown %d times: %s", n, b.text("nhsuk-summary-list"))
	}
	for _, page := range asking {
		twin := b.twin()
		twin.get("/form/" + b.journey() + "/" + page)
		twin.holds()
	}
	h.Move(60e9)
	b.fill()
	b.holds()
	if b.on() != "sent" {
		t.Fatalf("on %s", b.address)
	}
	h.keepsSecret(t, "<script", "script>")
}

func TestOddSearchesForAPractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := h.standingOn(t, "practice")
	for name, value := range odd {
		b := at.twin()
		b.get(at.address + "?q=" + url.QueryEscape(value))
		b.holds()
		if shown, _ := b.typed("q"); b.status != 200 || strings.TrimSpace(value) != "" && shown != asShown(value) {
			t.Errorf("%s: answered %d, shown as %.60q", name, b.status, shown)
		}
		b.post(at.address, pairs("practice", "A81001", "q", value))
		if b.on() == "practice" {
			t.Errorf("%s: a practice is not taken after it", name)
		}
	}
	for _, query := range []string{"?q=%", "?q=%zz", "?;;", "?q=a&q=b", "?lang=%00&q", "?" + strings.Repeat("q=a&", 2000)} {
		if at.raw("GET", at.address+query, ""); at.status != 200 {
			t.Errorf("%.20s is answered %d", query, at.status)
		}
		at.holds()
	}
}

func TestOddValuesOnTheStatusPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := pairs("reference", "0000-0000-0000-0000-0", "day", "31", "month", "3", "year", "1957")
	for _, field := range []string{"reference", "year"} {
		for name, value := range odd {
			b, form := h.strict(t), maps.Clone(good)
			form[field] = []string{value}
			b.post("/status", form)
			if b.helps("status"); b.status != 422 && b.status != 404 {
				t.Errorf("%s %s: answered %d", field, name, b.status)
			}
			if shown, _ := b.typed(field); shown != asShown(value) {
				t.Errorf("%s %s: shown as %.60q", field, name, shown)
			}
		}
	}
}

// Whoever begins with something odd begins all the same, or is asked for what is missing.
func TestOddBeginnings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, field := range []string{"lang", "kind", "about", "month"} {
		for name, value := range odd {
			b := h.strict(t)
			b.post("/form", url.Values{field: {value}})
			if b.holds(); b.status != 200 || b.on() != "choice" && b.on() != "status" {
				t.Errorf("%s %s: %s, %d", field, name, b.address, b.status)
			}
			b.post("/form", url.Values{"about": {"0000-0000-0000-0000-0"}, "day": {"31"}, "month": {"3"}, "year": {"1957"}, "kind": {"not-me"}, field: {value}})
			if b.holds(); b.status != 200 || !slices.Contains([]string{"choice", "status", "who"}, b.on()) {
				t.Errorf("%s %s, about a form: %s, %d", field, name, b.address, b.status)
			}
		}
	}
}
