package patient_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/optout"
)

const cookieName = "__Host-journey-"

// wantHelp checks that no journey is shown, but a page that says what became of it and leads to the start.
func (b *browser) wantHelp(t *testing.T, title string) {
	t.Helper()
	b.holds()
	start := find(b.page, func(n *html.Node) bool { return attr(n, "role") == "button" && attr(n, "href") == "/" })
	if h1 := textOf(find(b.page, named("h1"))); b.status != 404 || h1 != title || start == nil {
		t.Errorf("answered %d, %q", b.status, h1)
	}
}

const gone, late = "We do not have these answers any more", "These answers have been deleted"

// What is no cookie of this journey opens nothing, tells nothing, and leads to the start.
func TestCookiesThatAreNotWhatWeSet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one, other := h.standingOn(t, "address"), h.standingOn(t, "name")
	name, sealed := cookieName+one.journey(), one.cookies[cookieName+one.journey()]
	status, err := seals.Seal("status "+one.journey(), h.Now().Add(time.Hour), []byte(`{"k":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	noJourney, err := seals.Seal("journey "+one.journey(), h.Now().Add(time.Hour), []byte(`[1]`))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"empty":              "",
		"another journey's":  other.cookies[cookieName+other.journey()],
		"for another use":    status,
		"sealed but no JSON": noJourney,
		"more than 4 KB":     sealed + strings.Repeat("A", 5000),
		"some of it twice":   sealed + sealed,
		"without its key id": sealed[2:],
		"in capital letters": strings.ToUpper(sealed),
		"with padding":       sealed + "=",
	}
	for _, n := range []int{1, 2, 3, 18, 30, 38, len(sealed) / 2, len(sealed) - 16, len(sealed) - 1} {
		cases[fmt.Sprint("cut after ", n)] = sealed[:n]
	}
	for bit := range 8 {
		for _, at := range []int{0, 2, 20, len(sealed) / 2, len(sealed) - 2} {
			altered := []byte(sealed)
			altered[at] ^= 1 << bit
			cases[fmt.Sprint("bit ", bit, " of ", at, " is another")] = string(altered)
		}
	}
	for what, value := range cases {
		for _, method := range []string{"GET", "POST"} {
			b := one.twin()
			b.cookies = map[string]string{}
			b.raw(method, one.address, "line-1=1&postcode=TS18+1HU", "Cookie", name+"="+value)
			if b.wantHelp(t, gone); strings.Contains(b.source, "High Street") || len(b.cookies) > 0 {
				t.Errorf("%s, %s: %v %s", what, method, b.cookies, b.source)
			}
		}
	}
	if len(cases) < 50 {
		t.Errorf("only %d cases", len(cases))
	}
	one.get(one.address)
	if one.on() != "address" || one.status != 200 {
		t.Errorf("the journey itself is on %s, %d", one.address, one.status)
	}
}

func TestACookieAmongOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := h.standingOn(t, "address")
	name := cookieName + at.journey()
	right := name + "=" + at.cookies[name]
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprintf("%s%08d=0.AAAA", cookieName, i)
	}
	for what, c := range map[string]struct {
		header string
		opens  bool
	}{
		"alone":                       {right, true},
		"among those of others":       {"a=b; _ga=GA1; " + right + "; c=\"d\"", true},
		"among fifty of ours":         {strings.Join(many, "; ") + "; " + right, true},
		"twice":                       {right + "; " + right, true},
		"before a wrong one":          {right + "; " + name + "=0.AAAA", true},
		"among what are no cookies":   {";;; =; a; " + right + "; \x01=\x02", true},
		"under another name":          {"__Host-journey-" + strings.ToUpper(at.journey()) + "=" + at.cookies[name], false},
		"without the prefix of hosts": {strings.TrimPrefix(right, "__Host-"), false},
	} {
		b := at.twin()
		b.cookies = map[string]string{}
		b.raw("GET", at.address, "", "Cookie", c.header)
		if b.holds(); (b.status == 200) != c.opens {
			t.Errorf("%s: answered %d", what, b.status)
		}
		b.raw("POST", "/form", "", "Cookie", c.header)
		if b.status != http.StatusSeeOther || b.cookies[cookieName+"00000000"] != "" {
			t.Errorf("%s: another journey is not begun, %d %v", what, b.status, b.cookies)
		}
	}
}

// Old answers open while their key is there, and are known to be old when they are.
func TestSealKeysAreExchangedUnderAJourney(t *testing.T) {
	t.Parallel()
	ring := func(ids ...string) keyring.Keyring {
		var keys []string
		for _, id := range ids {
			keys = append(keys, fmt.Sprintf(`{"id":%q,"key":%q}`, id, strings.Repeat(id, 32)))
		}
		k, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz","seals":[` + strings.Join(keys, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	with := func(k keyring.Keyring) *house { return newHouseWith(t, func(d *patient.Door) { d.Seals = k }) }
	b := with(ring("a")).standingOn(t, "address")
	name := cookieName + b.journey()
	if !strings.HasPrefix(b.cookies[name], "a.") {
		t.Fatalf("sealed as %s", b.cookies[name])
	}
	both := b.twin()
	both.handler = with(ring("b", "a")).unchecked
	both.fill(everything()["address"]...)
	if both.on() != "practice" || !strings.HasPrefix(both.cookies[name], "b.") {
		t.Errorf("with a new key beside it: %s %d, sealed as %.2s", both.address, both.status, both.cookies[name])
	}
	without := b.twin()
	without.handler = with(ring("b")).unchecked
	without.get(b.address)
	without.wantHelp(t, gone)
	both.handler = without.handler
	if both.get(both.address); both.on() != "practice" || both.status != 200 {
		t.Errorf("without the old key, a journey that went on: %s %d", both.address, both.status)
	}
}

func TestAnswersEndAfterADay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "address")
	h.Move(patient.JourneyLasts - time.Second)
	b.fill(everything()["address"]...)
	if b.on() != "practice" {
		t.Fatalf("a second before their end: %s %d", b.address, b.status)
	}
	h.Move(patient.JourneyLasts - time.Second) // counted from the last answer
	b.get(b.address)
	if b.on() != "practice" || b.status != 200 {
		t.Fatalf("counted from the last answer: %s %d", b.address, b.status)
	}
	h.Move(time.Second)
	b.get(b.address)
	b.wantHelp(t, late)
	if len(b.cookies) > 0 {
		t.Errorf("the cookie stays: %v", b.cookies)
	}
	sent := h.standingOn(t, "check")
	h.Move(patient.JourneyLasts)
	sent.post(sent.address, nil)
	sent.wantHelp(t, late)
	h.keepsSecret(t)
}

// What was sent stays sent: a browser that has kept the answers gets the same reference again.
func TestACookieIsUsedAgainAfterSending(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "check")
	before := b.twin()
	h.Move(time.Minute)
	b.fill()
	reference := b.byID("reference")
	if b.on() != "sent" || reference == "" || strings.Contains(b.source, "already sent") {
		t.Fatalf("%s %d %s", b.address, b.status, b.source)
	}
	for range 2 {
		again := before.twin()
		again.fill()
		if again.byID("reference") != reference || !strings.Contains(again.source, "You have already sent this form") {
			t.Errorf("sent again: %s %d %s", again.address, again.status, again.byID("reference"))
		}
		again.holds()
	}
	other := before.twin()
	other.post("/form/"+b.journey()+"/choice", pairs("choice", "core"))
	if other.on() != "check" {
		t.Fatalf("changed after sending: %s %d", other.address, other.status)
	}
	other.fill()
	if other.holds(); other.status != http.StatusConflict || other.byID("reference") != reference || !strings.Contains(other.source, "was not sent") {
		t.Errorf("other answers: %d %s", other.status, other.source)
	}
	ref, err := optout.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := h.Form(t.Context(), ref); err != nil || f.Facts.Choice != "dissent" || f.Version() != 1 {
		t.Errorf("the form: %+v %v", f, err)
	}
	if n := strings.Count(h.log.String(), `"FormsRegistered":1`); n != 1 {
		t.Errorf("%d forms", n)
	}
	for _, page := range append(slices.Clone(asking), "check", "sent") { // wherever the one that sent it goes back to
		b.get("/form/" + b.journey() + "/" + page)
		if b.on() != "sent" || b.byID("reference") != reference || (page != "sent") != strings.Contains(b.source, "already sent") {
			t.Errorf("back on %s: %s %d", page, b.address, b.status)
		}
		b.post("/form/"+b.journey()+"/"+page, pairs(everything()[page]...))
		if b.on() != "sent" || b.byID("reference") != reference {
			t.Errorf("%s answered again: %s %d", page, b.address, b.status)
		}
	}
	h.keepsSecret(t)
}

// stuffed are the longest answers that the rules take, in letters of so many bytes.
func stuffed(letter string) map[string][]string {
	long := func(n int) string { return strings.Repeat(letter, n) }
	a := everything()
	a["who"], a["birth-date"] = []string{"who", "child"}, []string{"day", "31", "month", "3", "year", "2019"}
	a["declaration"] = []string{"proxy-name", long(100), "declared", "yes"}
	a["name"] = []string{"forenames", long(100), "surname", long(100)}
	a["address"] = []string{"line-1", long(100), "line-2", long(100), "town", long(100), "county", long(100), "postcode", "BFPO 1234"}
	a["reply"] = []string{"safe", "email", "safe", "phone", "safe", "post", "email", strings.Repeat("e", 250) + "@a.b", "phone", "+1(2)3-4 5" + strings.Repeat(" -", 12) + "678901"}
	a["format"], a["which-format"] = []string{"format", "other"}, []string{"format", long(100)}
	a["language"], a["which-language"] = []string{"language", "other"}, []string{"language", long(100)}
	return a
}

// The longest answers in letters of Europe fit a cookie; in other scripts some are too much, which is said, and nothing
// is lost by it.
func TestTheLongestAnswersFitACookieOrAreSaidToBeTooMuch(t *testing.T) {
	t.Parallel()
	for letter, fits := range map[string]bool{"W": true, "é": true, "ш": true, "王": false} {
		t.Run(letter, func(t *testing.T) {
			t.Parallel()
			h, most := newHouse(t), 0
			b := h.strict(t)
			size := func(n int, w http.ResponseWriter) {
				for _, c := range w.Header().Values("Set-Cookie") {
					if most = max(most, len(c)); len(c) > 4096 {
						t.Errorf("a cookie of %d bytes", len(c))
					}
				}
			}
			b.handler = seen(b.handler, size)
			b.begin()
			answers, tooMuch := stuffed(letter), 0
			for b.on() != "check" {
				page, before := b.on(), maps.Clone(b.cookies)
				if b.fill(answers[page]...); b.on() != page {
					continue
				}
				if tooMuch++; b.status != 422 || !strings.Contains(b.text("nhsuk-error-summary"), "too much to keep in this browser") || !maps.Equal(before, b.cookies) {
					t.Fatalf("%s: %d %s", page, b.status, b.text("nhsuk-error-summary"))
				}
				if b.helps(page); tooMuch > 100 {
					t.Fatalf("%s: there is no way on", b.address)
				}
				if slices.Index(asking, page) > slices.Index(asking, "address") { // the room is used up by what came before, and the way back is open
					page = "address"
				}
				answers[page] = shortened(answers[page])
				b.get("/form/" + b.journey() + "/" + page)
			}
			t.Logf("%s: at most %d bytes of cookie, %d times too much", letter, most, tooMuch)
			if fits != (tooMuch == 0) || !fits && most < 3800 {
				t.Errorf("too much %d times, at most %d bytes of cookie", tooMuch, most)
			}
			h.Move(time.Minute)
			if b.fill(); b.on() != "sent" {
				t.Errorf("%s %d", b.address, b.status)
			}
			h.keepsSecret(t)
		})
	}
}

// shortened are answers without eight characters of the longest, as a page asks that says that there is too much.
func shortened(answers []string) []string {
	longest := 1
	for i := 1; i < len(answers); i += 2 {
		if len(answers[i]) > len(answers[longest]) {
			longest = i
		}
	}
	answers = slices.Clone(answers)
	answers[longest] = string([]rune(answers[longest])[8:])
	return answers
}

// Several journeys in one browser: all cookies come with every request, whose headers API Gateway takes 10,240 bytes
// of. A browser's own take up to some 2,000.
func TestTheJourneysOfOneBrowserFitARequest(t *testing.T) {
	t.Parallel()
	const most = 10240 - 2000
	for name, together := range map[string]bool{"begun one after the other": false, "begun together, and filled in by turns": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, worst := newHouse(t), 0
			b := h.strict(t)
			request := func(n int, _ http.ResponseWriter) { worst = max(worst, n) }
			b.handler = seen(b.handler, request)
			var begun []string
			answers := stuffed("W")
			answers["name"] = []string{"forenames", strings.Repeat("<", 99) + "W", "surname", strings.Repeat("ш", 30)} // a script of six bytes a letter
			for range 12 {
				h.Move(time.Second)
				b.begin()
				if begun = append(begun, b.address); !together {
					b.walk(answers, "check")
				}
			}
			for range 40 {
				for i, address := range begun {
					if b.get(address); b.status == 200 && b.on() != "check" {
						b.fill(answers[b.on()]...)
						begun[i] = b.address
					}
				}
			}
			kept := 0
			for _, address := range begun {
				if b.get(address); b.status == 200 && b.on() == "check" {
					kept++
				} else {
					b.wantHelp(t, gone)
				}
			}
			t.Logf("at most %d bytes of cookies, %d journeys kept", worst, kept)
			if worst > most || kept < 2 {
				t.Errorf("%d bytes of cookies, %d journeys kept", worst, kept)
			}
		})
	}
}

// seen tells of each answer how many bytes of cookies came with its request.
func seen(next http.Handler, tell func(cookies int, w http.ResponseWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		tell(len("Cookie: ")+len(r.Header.Get("Cookie")), w)
	})
}
