package patient_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/quota"
)

// tour goes to every page in every state, in one language, and looks at all it is shown.
type tour struct {
	*house
	tag  string // "" for the first language
	gate *quota.Gate
	look func(r *http.Request, page string)
}

// values are what the tour types that has letters. All else that it types, and all that it knows of practices, has
// none: whatever else is said is the page's own.
var values = []string{
	"Testshire <Board>", "help@board.example", "dpo@board.example", "Zoë", "O’Brien-Ng", "zoe@example.com", "1 High Street", "Stockton", "TS18 1HU",
	"TR1 1AA", "Moon", "Polski",
}

// numbers are a directory of practices that have no name but a number.
type numbers struct{ directory.Shipped }

func (n numbers) Search(query string, limit int) []directory.Practice {
	found := n.Shipped.Search(query, limit)
	for i := range found {
		found[i] = inNumbers(found[i], i)
	}
	return found
}

func (n numbers) Find(code nhs.ODSCode) (directory.Practice, bool) {
	p, ok := n.Shipped.Find(code)
	return inNumbers(p, 0), ok
}

func inNumbers(p directory.Practice, i int) directory.Practice {
	home, _ := nhs.ParsePostcode("TS18 1HU", false)
	p.Name, p.Address, p.Town, p.Postcode = fmt.Sprint(1000+i), "1", "2", home
	return p
}

// sends is how many forms one network may send.
var sends = quota.Limit{Name: "forms", Most: 20, Per: 10 * time.Minute}

func newTour(t *testing.T, languages []*nhsui.Language, look func(r *http.Request, page string)) *tour {
	c := &tour{look: look}
	h := newHouseWith(t, func(d *patient.Door) {
		d.Controller = patient.Controller{Name: "Testshire <Board>", Contact: "help@board.example", ProtectionOfficer: "dpo@board.example", NHS: true}
		d.Languages = func() []*nhsui.Language { return languages }
		d.Practices = numbers{}
		d.Sends, d.Looks = sends, quota.Limit{Name: "looks", Most: 3, Per: 10 * time.Minute}
		c.gate = d.Gate
	})
	c.house = h
	serve := h.handler
	h.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := httptest.NewRecorder()
		serve.ServeHTTP(shown, r)
		if strings.HasPrefix(shown.Header().Get("Content-Type"), "text/html") {
			c.look(r, shown.Body.String())
		}
		maps.Copy(w.Header(), shown.Header())
		w.WriteHeader(shown.Code)
		_, _ = w.Write(shown.Body.Bytes())
	})
	return c
}

// at is an address in the tour's language.
func (c *tour) at(address string) string {
	if c.tag != "" {
		address += "?lang=" + c.tag
	}
	return address
}

// refused are answers that no page takes, by page. Those before "," are of one form.
var refused = map[string][]string{
	"choice":         {"", "choice=x"},
	"who":            {"", "who=x"},
	"capacity":       {"", "capacity=x"},
	"declaration":    {"", "declared=yes", "proxy-name=Zoë"},
	"name":           {"", "forenames=Zoë", "surname=7", "forenames=Zoë&surname=O’Brien-Ng&one-name=yes", "surname=Zoë", "one-name=yes", "forenames=7&surname=Zoë"},
	"birth-date":     {"", "day=1", "month=1", "day=1&month=1", "day=1&year=1957", "day=1&month=1&year=57", "day=31&month=2&year=1957", "day=1&month=1&year=2050", "day=1&month=1&year=1800"},
	"nhs-number":     {"", "known=x"},
	"which-number":   {"", "nhs-number=1", "nhs-number=9434765918"},
	"address":        {"", "line-1=1", "postcode=TS18+1HU", "no-address=yes&line-1=1", "line-1=1&postcode=1"},
	"practice":       {"", "practice=A99999", "practice=1"},
	"reply":          {"", "safe=x", "safe=none&safe=email", "safe=email", "safe=phone", "safe=email&email=1", "safe=phone&phone=1"},
	"format":         {"", "format=x"},
	"which-format":   {""},
	"language":       {"", "language=x"},
	"which-language": {""},
}

// journey answers wrongly first, then rightly, until it is on a page.
func (c *tour) journey(b *browser, right map[string][]string, until string) {
	c.t.Helper()
	for range 30 {
		page := b.on()
		if page == until {
			return
		}
		for _, form := range refused[page] {
			typed, err := url.ParseQuery(form)
			if err != nil {
				c.t.Fatal(err)
			}
			if typed.Get("safe") == "x" { // there are as many as on the page
				typed.Add("safe", "email")
			}
			if b.post(b.address, typed); b.status != http.StatusUnprocessableEntity {
				c.t.Fatalf("%s takes %q: %d", page, form, b.status)
			}
		}
		if page == "practice" {
			address := b.address
			b.get(address + "?q=Stockton")
			b.get(address + "?q=0000")
			b.get(address)
		}
		answer, ok := right[page]
		if !ok {
			c.t.Fatalf("no answer for %s (%d)", b.address, b.status)
		}
		before := b.address
		if b.fill(answer...); b.address == before {
			c.t.Fatalf("%s is not taken (%d): %s", page, b.status, textOf(b.page))
		}
		answered := b.address
		b.get(before) // with the answer in it
		b.get(answered)
	}
	c.t.Fatalf("%s is never reached", until)
}

func (c *tour) begin() *browser {
	b := c.browser()
	b.get(c.at("/"))
	b.post(c.at("/form"), nil)
	return b
}

// with are answers with some others in their place.
func with(answers map[string][]string, others map[string][]string) map[string][]string {
	all := maps.Clone(answers)
	maps.Copy(all, others)
	return all
}

func childAnswers() map[string][]string {
	return with(selfAnswers(), map[string][]string{
		"choice": {"choice", "core"}, "who": {"who", "child"}, "capacity": {"capacity", "parent"}, "declaration": {"proxy-name", "Zoë", "declared", "yes"},
		"birth-date": {"day", "14", "month", "5", "year", "2020"}, "nhs-number": {"known", "no"}, "address": {"no-address", "yes"}, "practice": {"practice", "unknown"},
		"reply": {"safe", "phone", "phone", "01632 960 001"}, "format": {"format", "other"}, "which-format": {"format", "Moon"},
		"language": {"language", "other"}, "which-language": {"language", "Polski"},
	})
}

func adultAnswers() map[string][]string {
	return with(childAnswers(), map[string][]string{
		"choice": {"choice", "core-and-additional"}, "who": {"who", "adult"}, "capacity": {"capacity", "attorney-health-welfare"},
		"birth-date": {"day", "1", "month", "1", "year", "1931"}, "practice": {"practice", "none"}, "reply": {"safe", "none"},
	})
}

// send sends a form in every way that is refused, then rightly, then again.
func (c *tour) send(b *browser) (reference string) {
	c.t.Helper()
	b.fill() // within a second
	b.fill("website", "x")
	c.Move(time.Minute)
	c.Memory.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	b.fill()
	c.Memory.Fate = nil
	unsent := maps.Clone(b.cookies)
	b.fill()
	if b.on() != "sent" {
		c.t.Fatalf("not sent: %s %d", b.address, b.status)
	}
	reference = b.byID("reference")
	sent := b.address
	b.get(sent + "?again=1")
	before := strings.TrimSuffix(sent, "sent")
	b.get(before + "check")
	b.cookies = unsent
	b.get(before + "check")
	b.post(before+"name", url.Values{"forenames": {"Zoë"}, "surname": {"Moon"}})
	if b.post(before+"check", nil); b.status != http.StatusConflict {
		c.t.Fatalf("a journey with other answers is answered %d at %s", b.status, b.address)
	}
	return reference
}

// follow asks what became of a form.
func (c *tour) follow(reference string, day, month, year string) *browser {
	c.t.Helper()
	b := c.browser()
	b.get(c.at("/status"))
	b.fill("reference", reference, "day", day, "month", month, "year", year)
	if b.status != http.StatusOK {
		c.t.Fatalf("%s is answered %d: %s", reference, b.status, textOf(b.page))
	}
	return b
}

func (c *tour) everywhere() {
	c.t.Helper()
	b := c.browser()
	for _, page := range []string{"/", "/status", "/elsewhere", "/privacy", "/cookies", "/accessibility"} {
		if b.get(c.at(page)); b.status != http.StatusOK {
			c.t.Fatalf("%s is answered %d", page, b.status)
		}
	}
	self := c.begin()
	c.journey(self, selfAnswers(), "check")
	for _, choice := range []string{"core", "core-and-additional", "dissent"} {
		self.post(strings.TrimSuffix(self.address, "check")+"choice", url.Values{"choice": {choice}})
	}
	reference := c.send(self)
	for _, answers := range []map[string][]string{childAnswers(), adultAnswers()} {
		b := c.begin()
		c.journey(b, answers, "check")
		first := strings.TrimSuffix(b.address, "check")
		for _, choice := range []string{"dissent", "core", "core-and-additional"} {
			b.post(first+"choice", url.Values{"choice": {choice}})
		}
		b.post(first+"nhs-number", url.Values{"known": {"yes"}})
		b.post(first+"nhs-number", url.Values{"known": {"no"}})
		c.send(b)
	}
	c.ends()
	c.interruptions()
	c.afterwards(reference)
	c.help()
	c.tooMany()
}

// ends goes where nobody may sign, by every right that there is.
func (c *tour) ends() {
	for who, last := range map[string]string{"child": "local-authority", "adult": "best-interests"} {
		b := c.begin()
		answers := with(childAnswers(), map[string][]string{"who": {"who", who}, "capacity": {"capacity", "none"}})
		b.walk(answers, "no-capacity")
		capacity := strings.TrimSuffix(b.address, "no-capacity") + "capacity"
		for _, power := range []string{"deputy", "attorney-health-welfare", "best-interests", "parent", last} {
			b.post(capacity, url.Values{"capacity": {power}})
		}
		answers["capacity"] = []string{"capacity", last}
		if who == "child" {
			answers["birth-date"] = []string{"day", "14", "month", "5", "year", "1990"}
		}
		b.walk(answers, "who-decides")
	}
}

func (c *tour) interruptions() {
	b := c.begin()
	for page, birth := range map[string]string{"sure-birth-date": "1910", "sure-young": "2020"} {
		b.walk(with(selfAnswers(), map[string][]string{"birth-date": {"day", "14", "month", "5", "year", birth}}), page)
		b.get(strings.TrimSuffix(b.address, page) + "birth-date")
	}
	b.walk(with(selfAnswers(), map[string][]string{
		"birth-date": {"day", "14", "month", "5", "year", "1957"}, "address": {"line-1", "1", "postcode", "TR1 1AA"},
	}), "sure-practice")
}

// afterwards sees a form through all public steps, and takes back and disowns forms of everybody.
func (c *tour) afterwards(reference string) {
	c.t.Helper()
	for _, form := range []string{"", "reference=1&day=1", "reference=0000-0000-0000-0000-0&day=1&month=1&year=1957", "reference=1&day=1&month=1&year=57", "reference=1&day=1&month=1&year=2050"} {
		typed, _ := url.ParseQuery(form)
		c.browser().post(c.at("/status"), typed)
	}
	c.follow(reference, "31", "3", "1957")
	c.advance(reference)
	b := c.follow(reference, "31", "3", "1957")
	about := func(kind string) url.Values {
		return url.Values{"kind": {kind}, "about": {reference}, "day": {"31"}, "month": {"3"}, "year": {"1957"}}
	}
	for _, who := range []map[string][]string{selfAnswers(), childAnswers(), adultAnswers()} {
		answers := with(who, map[string][]string{"choice": {"choice", "withdrawal"}, "who": {"who", "self"}, "reply": {"safe", "post", "safe", "none"}})
		answers["reply"] = []string{"safe", "none"}
		if who["who"][1] == "adult" {
			answers["who"], answers["capacity"] = who["who"], []string{"capacity", "deputy"}
		}
		for _, kind := range []string{"changed", "not-me"} {
			b.post(c.at("/form"), about(kind))
			b.walk(answers, "check")
			check := b.address
			b.get(strings.TrimSuffix(check, "check") + "choice")
			b.get(check)
			c.Move(time.Minute)
			b.fill()
			if b.on() != "sent" {
				c.t.Fatalf("%s: %s %d", kind, b.address, b.status)
			}
		}
		b.post(c.at("/form"), about("changed"))
		b.walk(with(answers, map[string][]string{"choice": {"choice", "dissent"}}), "check")
	}
	b.post(c.at("/form"), url.Values{"about": {"1"}})
	b.post(c.at("/form"), url.Values{"about": {reference}, "day": {"1"}, "month": {"1"}, "year": {"2050"}})

	ctx, now := c.t.Context(), c.Now
	custody := optout.Custody{Store: c.Memory, Keys: optouttest.Keys{}, Practices: directory.Shipped{}, Now: now}
	ref, _ := optout.ParseReference(reference)
	practice, _ := nhs.ParseODSCode("A81001")
	by := optout.Actor{Role: optout.Clinician, Practice: practice, ID: "u-1"}
	if _, err := custody.Collect(ctx, ref, by, optout.Said{}); err != nil {
		c.t.Fatal(err)
	}
	for i, told := range []bool{true, false} {
		c.Move(time.Hour)
		if _, err := custody.Apply(ctx, ref, by, optout.Said{Key: fmt.Sprint("k", i)}, optout.Application{On: nhs.DateOf(now()), Code: "XaXj6", Told: told}); err != nil {
			c.t.Fatal(err)
		}
		c.follow(reference, "31", "3", "1957")
		if told {
			if _, err := custody.Correct(ctx, ref, by, optout.Said{Key: "c"}); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	registrar := optout.Registrar{Store: c.Memory, Keys: optouttest.Keys{}, Now: now}
	a := optouttest.Dissent()
	held, err := registrar.Hold(ctx, optout.Origin{Door: optout.Paper, Client: "paper", Key: reference}, a, optouttest.Accepted(a), optout.HeldForSignature)
	if err != nil {
		c.t.Fatal(err)
	}
	c.follow(held.Reference.String(), "31", "3", "1957")
}

// help asks for what leads nowhere. Only "internal-error" does not come of a request, but of a mistake of ours.
func (c *tour) help() {
	b := c.browser()
	b.get(c.at("/nowhere"))
	b.get(c.at("/form/aaaaaaaa/choice"))
	b.post(c.at("/"), nil)
	b.post(c.at("/form"), url.Values{"x": {strings.Repeat("x", 40<<10)}})
	b.post(c.at("/status"), url.Values{"x": {strings.Repeat("x", 40<<10)}})
	late := c.begin()
	c.Move(25 * time.Hour)
	late.get(late.address)
	if late.status != http.StatusNotFound {
		c.t.Fatalf("a journey that is too old is answered %d", late.status)
	}
	for path, headers := range map[string][]string{
		"/form":   {"Content-Type", "text/plain", "Sec-Fetch-Site", "same-origin"},
		"/status": {"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"},
	} {
		c.house.send(http.MethodPost, c.at(path), "", "x", append(headers, "Accept", "text/html")...)
	}
	begun := c.begin()
	large := url.Values{"x": {strings.Repeat("x", 40<<10)}}
	begun.post(begun.address, large)
	c.house.send(http.MethodPost, begun.address, "", "x", "Content-Type", "text/plain", "Accept", "text/html", "Cookie", begun.cookie())
	begun.walk(selfAnswers(), "name")
	long := strings.Repeat("\U00013000", 100) // more than a cookie holds
	begun.fill("forenames", long, "surname", long)
	begun.walk(selfAnswers(), "address")
	begun.fill("line-1", long, "line-2", long, "town", long, "county", long, "postcode", "TS18 1HU")
	c.Memory.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	b.post(c.at("/status"), url.Values{"reference": {"0000-0000-0000-0000-0"}, "day": {"1"}, "month": {"1"}, "year": {"1957"}})
	c.Memory.Fate = nil
}

func (b *browser) cookie() string {
	var all []string
	for name, value := range b.cookies {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, "; ")
}

// tooMany asks and sends until that is too much.
func (c *tour) tooMany() {
	b := c.browser()
	for range 5 {
		b.post(c.at("/status"), url.Values{"reference": {"0000-0000-0000-0000-0"}, "day": {"1"}, "month": {"1"}, "year": {"1957"}})
	}
	if b.status != http.StatusTooManyRequests {
		c.t.Fatalf("asking again and again is answered %d", b.status)
	}
	b = c.begin()
	b.walk(selfAnswers(), "check")
	c.Move(time.Minute)
	for range sends.Most {
		c.gate.Take(c.t.Context(), sends, quota.Network(httptest.NewRequest(http.MethodGet, "/", nil).RemoteAddr))
	}
	if b.fill(); b.status != http.StatusTooManyRequests {
		c.t.Fatalf("sending again and again is answered %d", b.status)
	}
}
