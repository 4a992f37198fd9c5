package patient_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/quota"
)

// form is the form of a reference that the page shows.
func (h *house) form(t testing.TB, b *browser) optout.Form {
	t.Helper()
	ref, err := optout.ParseReference(b.byID("reference"))
	if err != nil {
		t.Fatalf("%s %d shows no reference: %v", b.address, b.status, err)
	}
	f, err := h.Form(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// registered is how many forms were, by the log.
func (h *house) registered() int { return strings.Count(h.log.String(), `"FormsRegistered":1`) }

// about is a browser that came from an earlier form's status to what a button there begins, and that form.
func (h *house) about(t testing.TB, button string) (*browser, optout.Reference) {
	t.Helper()
	b := h.standingOn(t, "check")
	h.Move(time.Minute)
	b.fill()
	ref := h.form(t, b).Reference
	b = h.strict(t)
	b.post("/status", pairs("reference", ref.String(), "day", "31", "month", "3", "year", "1957"))
	for _, form := range all(b.page, named("form")) {
		var p []string
		for _, in := range all(form, named("input")) {
			p = append(p, attr(in, "name"), attr(in, "value"))
		}
		if strings.Contains(textOf(form), button) {
			b.post(attr(form, "action"), pairs(p...))
			return b, ref
		}
	}
	t.Fatalf("no button %s: %s", button, b.source)
	return nil, ref
}

// Every address of a journey, opened or answered at every stage of every kind of journey, shows its page if that has
// been reached, and the first open question if not. Nobody gets past a question by knowing an address.
func TestEveryPageAtEveryStage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stages := map[string]*browser{}
	for _, page := range append(slices.Concat(asking, ends), "check") {
		stages[page] = h.standingOn(t, page)
	}
	for name, button := range map[string]string{"changed mind": "I have changed my mind", "not me": "I did not ask for this"} {
		stages[name], _ = h.about(t, button)
		if stages[name+", checked"] = stages[name].twin(); name == "not me" {
			stages[name+", checked"].walk(everything(), "check")
			continue
		}
		a := everything()
		a["choice"] = []string{"choice", "withdrawal"}
		stages[name+", checked"].walk(a, "check")
	}
	stages["sent"] = h.standingOn(t, "check")
	h.Move(time.Minute)
	stages["sent"].fill()
	pages := append(slices.Concat(asking, ends), "check", "sent", "nowhere", "Name", "%00", "status")
	t.Cleanup(func() {
		if n := h.registered(); n != 6 { // three before this began, and each journey that was ready to be sent, once
			t.Errorf("%d forms are registered", n)
		}
	})
	for stage, at := range stages {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			begun := strings.HasSuffix(stage, "checked") || stage == "sent" || stage == "check"
			for _, page := range pages {
				b, address := at.twin(), "/form/"+at.journey()+"/"+page
				b.t = t
				b.get(address)
				b.holds()
				unknown := slices.Index(pages, page) >= slices.Index(pages, "nowhere")
				if want := map[bool]int{true: 404, false: 200}[unknown && stage != "sent"]; b.status != want {
					t.Errorf("GET %s is answered %d", page, b.status)
				}
				if !maps.Equal(b.cookies, at.cookies) {
					t.Errorf("GET %s changes the cookie", page)
				}
				if !unknown && !begun && b.on() != page && b.on() != at.on() {
					t.Errorf("GET %s leads to %s and not to %s", page, b.on(), at.on())
				}
				reached := b.on() == page && b.status == 200
				for _, form := range [][]string{everything()[page], {"website", "x"}} {
					b := at.twin()
					b.t = t
					b.post(address, pairs(form...))
					b.holds()
					if !slices.Contains([]int{200, 404, 422}, b.status) {
						t.Errorf("POST %s %v is answered %d", page, form, b.status)
					}
					if !reached && !maps.Equal(b.cookies, at.cookies) {
						t.Errorf("POST %s, which is not reached, changes the cookie", page)
					}
				}
			}
		})
	}
}

func TestAddressesThatLeadNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := h.standingOn(t, "address")
	id := at.journey()
	at.handler = h.unchecked // the contract's reader takes /status/ for /status, as the gateway does not
	for address, want := range map[string]map[string]int{
		"/nowhere":                                        {"GET": 404, "HEAD": 404, "POST": 404, "DELETE": 404},
		"/form/aaaaaaaa/choice":                           {"GET": 404, "POST": 404, "PUT": 405},
		"/form/" + id + "0/address":                       {"GET": 404, "POST": 404},
		"/form//address":                                  {"GET": 404, "POST": 404},
		"/form/" + id:                                     {"GET": 404, "POST": 404},
		"/form/" + id + "/":                               {"GET": 404, "POST": 404},
		"/form/" + id + "/address/":                       {"GET": 404, "POST": 404},
		"/form/" + id + "/address/x":                      {"GET": 404},
		"/form/" + id + "/address":                        {"GET": 200, "HEAD": 200, "PUT": 405, "DELETE": 405, "PATCH": 405, "OPTIONS": 405},
		"/form/" + id + "/forget":                         {"GET": 404, "DELETE": 405},
		"/form/" + id + "/address?lang=":                  {"GET": 200},
		"/form/%2e%2e/address":                            {"GET": 404},
		"/form/" + strings.Repeat("a", 4000) + "/address": {"GET": 404},
		"/form":                {"GET": 405, "PUT": 405, "DELETE": 405},
		"/form/":               {"GET": 404, "POST": 404},
		"/":                    {"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405},
		"/?lang=xx":            {"GET": 200},
		"/?lang=en":            {"GET": 200},
		"/?lang=%00&lang=en":   {"GET": 200},
		"/status":              {"GET": 200, "PUT": 405, "DELETE": 405},
		"/status/":             {"GET": 404, "POST": 404},
		"/STATUS":              {"GET": 404},
		"/status?lang=../en":   {"GET": 200},
		"/privacy":             {"GET": 200, "POST": 405},
		"/privacy/":            {"GET": 404},
		"//privacy":            {"GET": 404},
		"/privacy/../form":     {"GET": 404},
		"/assets/":             {"GET": 404},
		"/assets/x.css":        {"GET": 404, "POST": 405},
		"/assets/..%2fpatient": {"GET": 404},
	} {
		for method, status := range want {
			b := at.twin()
			b.address = method + " " + address
			if b.raw(method, address, ""); b.status != status {
				t.Errorf("%s %.60s is answered %d, want %d", method, address, b.status, status)
			}
			if method == http.MethodHead {
				continue
			}
			if b.holds(); !maps.Equal(b.cookies, at.cookies) {
				t.Errorf("%s %.60s changes the cookies", method, address)
			}
			start := find(b.page, func(n *html.Node) bool { return n.Data == "a" && attr(n, "href") == "/" })
			if start == nil {
				t.Errorf("%s %.60s has no way to the start", method, address)
			}
		}
	}
}

// A form that another site has sent is not taken. A browser that says nothing of where it comes from is old, and one
// that does not want to is careful: neither is an attack.
func TestFormsOfOtherSitesAreNotTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := h.standingOn(t, "address")
	for name, c := range map[string]struct {
		headers []string
		taken   bool
	}{
		"our own page":                   {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"our own page, in an old one":    {[]string{"Origin", origin(at.raw("GET", at.address, "").Header)}, true},
		"nothing said":                   {nil, true},
		"another site":                   {[]string{"Sec-Fetch-Site", "cross-site"}, false},
		"a neighbour":                    {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"another site, in an old one":    {[]string{"Origin", "https://evil.example"}, false},
		"another port":                   {[]string{"Origin", "https://optout.example:8443"}, false},
		"a file":                         {[]string{"Origin", "null"}, false},
		"another site that claims ours":  {[]string{"Origin", "https://optout.example", "Sec-Fetch-Site", "cross-site"}, false},
		"our own page behind a gateway":  {[]string{"Origin", "https://optout.example", "Sec-Fetch-Site", "same-origin"}, true},
		"an address that is typed again": {[]string{"Sec-Fetch-Site", "none"}, true},
	} {
		for _, address := range []string{at.address, "/form", "/status", "/form/" + at.journey() + "/forget"} {
			b := at.twin()
			b.raw("POST", address, pairs(everything()["address"]...).Encode(), c.headers...)
			if refused := b.status == http.StatusForbidden; refused == c.taken {
				t.Errorf("%s: %s is answered %d", name, address, b.status)
			}
			if !c.taken {
				b.holds()
				if !maps.Equal(b.cookies, at.cookies) || !strings.Contains(b.source, "another website") {
					t.Errorf("%s: %s is answered with %s", name, address, b.source)
				}
			}
		}
	}
}

// origin is what a browser without Sec-Fetch-Site says of a form on a page of ours: the Fetch standard has it say null
// where the page wants no referrer.
func origin(page http.Header) string {
	if page.Get("Referrer-Policy") == "no-referrer" {
		return "null"
	}
	return "https://optout.example"
}

// rows are the answers on the page with all of them.
func (b *browser) rows() map[string]string {
	found := map[string]string{}
	for _, row := range all(b.page, classed("nhsuk-summary-list__row")) {
		asked := "about" // the one row that nobody was asked for
		if change := find(row, named("a")); change != nil {
			asked = attr(change, "href")
		}
		found[asked] = textOf(find(row, classed("nhsuk-summary-list__value")))
	}
	return found
}

// Whoever changes an answer is back where all of them stand as soon as nothing new has to be asked, and the others stay.
func TestEachAnswerCanBeChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	base := everything()
	base["who"], base["birth-date"] = []string{"who", "child"}, []string{"day", "31", "month", "3", "year", "2019"}
	base["format"], base["language"] = []string{"format", "other"}, []string{"language", "other"}
	for question, c := range map[string]struct {
		answer []string
		also   []string // questions that this asks anew, or does not ask any more
	}{
		"choice":         {[]string{"choice", "core"}, nil},
		"capacity":       {[]string{"capacity", "local-authority"}, nil},
		"declaration":    {[]string{"proxy-name", "Mo", "declared", "yes"}, nil},
		"name":           {[]string{"forenames", "", "surname", "Suharti", "one-name", "yes"}, nil},
		"birth-date":     {[]string{"day", "1", "month", "Feb", "year", "2020"}, nil},
		"which-number":   {[]string{"nhs-number", "900 000 0009"}, nil},
		"address":        {[]string{"line-1", "2 Low Street", "postcode", "TS18 2AW"}, nil},
		"practice":       {[]string{"practice", "none"}, nil},
		"reply":          {[]string{"safe", "phone", "phone", "01632 960 001"}, nil},
		"which-format":   {[]string{"format", "Makaton"}, nil},
		"which-language": {[]string{"language", "Polski"}, nil},
		"nhs-number":     {[]string{"known", "no"}, []string{"which-number"}},
		"format":         {[]string{"format", "braille"}, []string{"which-format"}},
		"language":       {[]string{"language", "english"}, []string{"which-language"}},
	} {
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			b := h.strict(t)
			b.begin()
			b.walk(base, "check")
			before := b.rows()
			b.get("/form/" + b.journey() + "/" + question)
			if back := find(b.page, classed("nhsuk-back-link")); attr(back, "href") != "check" || b.on() != question {
				t.Errorf("%s leads back to %q", b.address, attr(back, "href"))
			}
			b.fill(c.answer...)
			b.walk(base, "check")
			after := b.rows()
			for _, also := range c.also {
				delete(before, also)
				delete(after, also)
			}
			if after[question] == before[question] {
				t.Errorf("it still says %q", after[question])
			}
			delete(before, question)
			delete(after, question)
			if !maps.Equal(before, after) {
				t.Errorf("before %q\nafter  %q", before, after)
			}
			h.Move(time.Minute)
			if b.fill(); b.on() != "sent" {
				t.Errorf("%s %d", b.address, b.status)
			}
		})
	}
}

// What was said of one person is not said of another.
func TestWhoeverChangesThePersonIsAskedAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "check")
	b.post("/form/"+b.journey()+"/who", pairs("who", "child"))
	if b.on() != "capacity" {
		t.Fatalf("on %s", b.on())
	}
	for _, page := range asking[3:] {
		if b.get("/form/" + b.journey() + "/" + page); b.on() != "capacity" {
			t.Errorf("%s leads to %s", page, b.on())
		}
	}
	a := everything()
	a["birth-date"] = []string{"day", "31", "month", "3", "year", "2019"}
	for page := b.on(); page != "check"; page = b.on() {
		for _, secret := range []string{"Zoë", "Brien-Ng", "1957", "919", "High Street", "TS18 1HU", "zoe@"} {
			if strings.Contains(b.source, secret) && page != "practice" {
				t.Errorf("%s still knows %s", page, secret)
			}
		}
		if b.fill(a[page]...); b.on() == page {
			t.Fatalf("%s is not taken", page)
		}
	}
	h.Move(time.Minute)
	b.fill()
	if f := h.form(t, b).Facts; f.ProxyCapacity != "parent" || f.BirthDate.ISO() != "2019-03-31" || f.Choice != "dissent" {
		t.Errorf("%+v", f)
	}
}

// What does not stand among the answers to be checked is not sent.
func TestWhoTakesAChoiceBackSendsOnlyWhatThatTakes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, _ := h.about(t, "I have changed my mind")
	a := everything()
	a["reply"] = []string{"safe", "post", "safe", "email", "email", "zoe@example.com"}
	b.walk(a, "check")
	b.post("/form/"+b.journey()+"/choice", pairs("choice", "withdrawal"))
	a["reply"] = []string{"safe", "email", "email", "zoe@example.com"}
	b.walk(a, "check")
	if rows := b.rows(); rows["address"] != "" || rows["practice"] != "" || strings.Contains(rows["reply"], "Post") {
		t.Errorf("shown: %q", rows)
	}
	h.Move(time.Minute)
	b.fill()
	f := h.form(t, b).Facts
	if f.Kind != "withdrawal" || f.Address != nil || !f.Postcode.IsZero() || !f.Practice.IsZero() || !slices.Equal(f.Reply.Safe, []string{"email"}) {
		t.Errorf("%s %v %q %q %q", f.Kind, f.Address, f.Postcode.Text(), f.Practice, f.Reply.Safe)
	}
}

// A format that somebody needs is not lost, nor is it kept for those who want no reply.
func TestWhoAllowsRepliesAfterAllIsAskedInWhichFormat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.strict(t)
	b.begin()
	a := everything()
	a["format"] = []string{"format", "braille"}
	b.walk(a, "check")
	b.post("/form/"+b.journey()+"/reply", pairs("safe", "none"))
	if b.on() != "check" || b.rows()["format"] != "" {
		t.Errorf("%s %q", b.address, b.rows())
	}
	b.post("/form/"+b.journey()+"/reply", pairs("safe", "email", "email", "zoe@example.com"))
	if b.on() != "format" {
		t.Errorf("%s %q", b.address, b.rows())
	}
	b.walk(a, "check")
	h.Move(time.Minute)
	b.fill()
	if f := h.form(t, b).Facts; f.Reply.Format != "braille" {
		t.Errorf("the format is %q", f.Reply.Format)
	}
}

func TestTwoTabsForTwoChildren(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.strict(t)
	tabs := []string{"", ""}
	var answers []map[string][]string
	for i, name := range []string{"Emily", "Branwell"} {
		b.begin()
		tabs[i] = b.address
		a := everything()
		a["who"], a["name"] = []string{"who", "child"}, []string{"forenames", name, "surname", "Brontë"}
		a["birth-date"] = []string{"day", "31", "month", "3", "year", strconv.Itoa(2015 + i)}
		answers = append(answers, a)
	}
	for range 30 { // a page here, a page there
		for i := range tabs {
			if b.get(tabs[i]); b.on() != "check" {
				b.fill(answers[i][b.on()]...)
				tabs[i] = b.address
			}
		}
	}
	h.Move(time.Minute)
	var refs []string
	for i, name := range []string{"Emily", "Branwell"} {
		b.get(tabs[i])
		b.fill()
		f := h.form(t, b)
		refs = append(refs, f.Reference.String())
		if f.Facts.Forenames.Text() != name || f.Facts.BirthDate.ISO()[:4] != strconv.Itoa(2015+i) {
			t.Errorf("%s has become %s, %s", name, f.Facts.Forenames.Text(), f.Facts.BirthDate.ISO())
		}
	}
	if refs[0] == refs[1] {
		t.Error("two children, one form")
	}
}

func TestADoubleClickIsOneForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := h.standingOn(t, "check")
	h.Move(time.Minute)
	var clicks sync.WaitGroup
	said := make([]*browser, 64)
	for i := range said {
		said[i] = at.twin()
		clicks.Go(func() { said[i].fill() })
	}
	clicks.Wait()
	again := 0
	for _, b := range said {
		if b.on() != "sent" || b.byID("reference") != said[0].byID("reference") || b.byID("reference") == "" {
			t.Errorf("%s %d %s", b.address, b.status, b.byID("reference"))
		}
		if strings.Contains(b.source, "already sent") {
			again++
		}
	}
	if again != 63 || h.registered() != 1 {
		t.Errorf("%d are told that it was sent before, %d forms", again, h.registered())
	}
}

// When the table is away nothing is lost and nothing is sent twice.
func TestSendingWhenTheTableIsAway(t *testing.T) {
	t.Parallel()
	for name, fate := range map[string]optouttest.Fate{"it is busy": optouttest.Throttle, "it fails": optouttest.Broken, "its answers are lost": optouttest.Lost, "others are at it": optouttest.Conflict} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.standingOn(t, "check")
			h.Move(time.Minute)
			kept, rows := maps.Clone(b.cookies), b.rows()
			h.Fate = func(string) optouttest.Fate { return fate }
			answer := b.raw("POST", b.address, "")
			if b.holds(); b.status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || !strings.Contains(b.source, "Nothing is lost") {
				t.Errorf("answered %d %v: %s", b.status, answer.Header, textOf(b.page))
			}
			if !maps.Equal(kept, b.cookies) || !maps.Equal(rows, b.rows()) {
				t.Errorf("kept %v, shown %v", b.cookies, b.rows())
			}
			h.Fate = nil
			b.fill()
			h.form(t, b)
			if b.on() != "sent" || h.registered()+strings.Count(h.log.String(), `"FormsReplayed":1`) != 1 {
				t.Errorf("%s %d, %s", b.address, b.status, h.log.String())
			}
			h.keepsSecret(t)
		})
	}
	t.Run("one answer is lost", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.standingOn(t, "check")
		h.Move(time.Minute)
		calls := 0
		h.Fate = func(string) optouttest.Fate {
			if calls++; calls == 1 {
				return optouttest.Lost
			}
			return optouttest.Fine
		}
		b.fill()
		if h.form(t, b); strings.Contains(b.source, "already sent") || h.registered() != 1 {
			t.Errorf("%s: %s", b.address, textOf(b.page))
		}
	})
	t.Run("the status is asked for", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
		b := h.strict(t)
		answer := b.raw("POST", "/status", pairs("reference", "0000-0000-0000-0000-0", "day", "1", "month", "1", "year", "2000").Encode())
		if b.holds(); b.status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("answered %d %v", b.status, answer.Header)
		}
	})
}

// A network that has sent its share waits, with its answers; what it has sent already it is told again.
func TestANetworkThatHasSentItsShare(t *testing.T) {
	t.Parallel()
	h := newHouseWith(t, func(d *patient.Door) { d.Sends = quota.Limit{Name: "forms", Most: 2, Per: 10 * time.Minute} })
	first, second, third := h.standingOn(t, "check"), h.standingOn(t, "check"), h.standingOn(t, "check")
	again, changed := first.twin(), first.twin()
	h.Move(time.Minute)
	first.fill()
	second.fill()
	kept, rows := maps.Clone(third.cookies), third.rows()
	answer := third.raw("POST", third.address, "")
	third.helps("check")
	wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if third.status != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 601 || !maps.Equal(kept, third.cookies) || !maps.Equal(rows, third.rows()) {
		t.Errorf("answered %d, wait %d: %s", third.status, wait, third.text("nhsuk-error-summary"))
	}
	again.fill()
	if again.byID("reference") == "" || again.byID("reference") != first.byID("reference") {
		t.Errorf("what was sent before: %s %d", again.address, again.status)
	}
	changed.post("/form/"+changed.journey()+"/choice", pairs("choice", "core"))
	if changed.fill(); changed.status != http.StatusConflict || changed.byID("reference") != first.byID("reference") {
		t.Errorf("other answers: %d", changed.status)
	}
	h.Move(time.Duration(wait) * time.Second)
	if third.fill(); third.on() != "sent" || h.registered() != 3 {
		t.Errorf("after the wait: %s %d, %d forms", third.address, third.status, h.registered())
	}
	h.keepsSecret(t)
}

// What looks like a machine is asked once more, and a person who is quick, or whose browser fills in everything, loses
// nothing by it.
func TestWhatLooksLikeAMachineIsAskedOnceMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "check")
	rows := b.rows()
	b.fill()
	if b.helps("check"); b.status != 422 || !maps.Equal(rows, b.rows()) {
		t.Errorf("too quick: %d", b.status)
	}
	h.Move(time.Minute)
	b.fill("website", "https://example.com")
	if b.helps("check"); b.status != 422 || !maps.Equal(rows, b.rows()) || h.registered() != 0 {
		t.Errorf("filled in what nobody sees: %d", b.status)
	}
	b.fill("website", "")
	if b.on() != "sent" || h.registered() != 1 {
		t.Errorf("sent again: %s %d", b.address, b.status)
	}
	if strings.Count(h.log.String(), `"TrapsSprung":1`) != 2 {
		t.Error("not counted")
	}
	h.keepsSecret(t)
}

func TestAnswersAreForgottenAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "check")
	address := b.address
	b.post("/form/"+b.journey()+"/forget", nil)
	if b.address != "/" || b.status != 200 || len(b.cookies) > 0 {
		t.Errorf("%s %d %v", b.address, b.status, b.cookies)
	}
	b.get(address)
	b.wantHelp(t, gone)
}
