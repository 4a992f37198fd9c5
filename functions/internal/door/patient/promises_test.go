package patient_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/optout/optouttest"
)

// ways are the answers that lead past or to a page where those of selfAnswers do not.
var ways = map[string]map[string][]string{
	"capacity":        {"who": {"who", "child"}},
	"declaration":     {"who": {"who", "child"}},
	"no-capacity":     {"who": {"who", "child"}, "capacity": {"capacity", "none"}},
	"who-decides":     {"who": {"who", "child"}},
	"sure-birth-date": {"birth-date": {"day", "31", "month", "3", "year", "1907"}},
	"sure-young":      {"birth-date": {"day", "31", "month", "3", "year", "2019"}},
	"sure-practice":   {"practice": {"practice", "E85712"}},
	"which-format":    {"format": {"format", "other"}},
	"which-language":  {"language": {"language", "other"}},
}

// everything is an answer to every page.
func everything() map[string][]string {
	all := selfAnswers()
	maps.Copy(all, map[string][]string{
		"capacity": {"capacity", "parent"}, "declaration": {"proxy-name", "Maria O’Brien", "declared", "yes"},
		"which-format": {"format", "Moon type"}, "which-language": {"language", "Cymraeg"},
	})
	return all
}

// asking are the pages of a choice that ask something, in their order; ends are those that lead nowhere.
var (
	asking = []string{
		"choice", "who", "capacity", "declaration", "name", "birth-date", "sure-birth-date", "sure-young", "nhs-number", "which-number",
		"address", "practice", "sure-practice", "reply", "format", "which-format", "language", "which-language",
	}
	ends = []string{"no-capacity", "who-decides"}
)

// strict is a browser of which the answers are held to the contract: one of each kind, since that takes longer than to
// answer.
func (h *house) strict(t testing.TB) *browser {
	return &browser{t: t, cookies: map[string]string{}, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := httptest.NewRecorder()
		h.unchecked.ServeHTTP(said, r)
		first, _, _ := strings.Cut(r.URL.Path[1:], "/")
		kind := fmt.Sprint(r.Method, first, path.Base(r.URL.Path), said.Code, slices.Sorted(maps.Keys(said.Header())))
		if _, seen := held.LoadOrStore(kind, true); !seen {
			if err := contracttest.API().Deviation(r, said.Code, said.Header(), said.Body.Bytes()); err != nil {
				t.Errorf("%s %s is answered %d as the contract does not have it: %v", r.Method, r.URL.Path, said.Code, err)
			}
		}
		maps.Copy(w.Header(), said.Header())
		w.WriteHeader(said.Code)
		_, _ = w.Write(said.Body.Bytes())
	})}
}

// held are the kinds of answers that were.
var held sync.Map

// standingOn is a browser on a page of a journey, with all that comes before it answered.
func (h *house) standingOn(t testing.TB, page string) *browser {
	t.Helper()
	b := h.strict(t)
	b.begin()
	answers := everything()
	maps.Copy(answers, ways[page])
	b.walk(answers, page)
	return b
}

// twin is another browser with the same cookies, on the same page.
func (b *browser) twin() *browser {
	c := *b
	c.cookies = maps.Clone(b.cookies)
	return &c
}

// journey is the id of the journey that it is on.
func (b *browser) journey() string { return strings.Split(b.address, "/")[2] }

// pairs are a form to fill in.
func pairs(p ...string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(p); i += 2 {
		form.Add(p[i], p[i+1])
	}
	return form
}

// raw sends a body as it is, keeps what cookies are set, and goes nowhere.
func (b *browser) raw(method, address, body string, headers ...string) *http.Response {
	b.t.Helper()
	r := httptest.NewRequest(method, "https://optout.example"+address, strings.NewReader(body))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	answer := w.Result()
	for _, c := range answer.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	b.status, b.source, b.page = w.Code, w.Body.String(), nil
	if method != http.MethodHead && strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		page, err := html.Parse(strings.NewReader(b.source))
		if err != nil {
			b.t.Fatal(err)
		}
		b.page = page
	}
	answer.Body = io.NopCloser(strings.NewReader(b.source))
	return answer
}

// all are the elements of a page that are so.
func all(n *html.Node, is func(*html.Node) bool) (found []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && is(d) {
			found = append(found, d)
		}
	}
	return found
}

func named(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

// classed are the elements of a class.
func classed(class string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(strings.Fields(attr(n, "class")), class) }
}

// blocks are all kinds of elements of a page, and all attributes that they have: the bricks that it is built of.
func blocks(page *html.Node) map[string]bool {
	found := map[string]bool{}
	for d := range page.Descendants() {
		if d.Type == html.ElementNode {
			found[d.Data] = true
			for _, a := range d.Attr {
				found[d.Data+" "+a.Key] = true
			}
		}
	}
	return found
}

// ours are the bricks of pages into which nobody typed anything odd. A page that has others has been built by whoever
// typed something.
var ours = sync.OnceValue(func() map[string]bool {
	found := map[string]bool{}
	h := newHouse(quiet{})
	look := func(b *browser) { maps.Copy(found, blocks(b.page)) }
	for _, page := range append(slices.Concat(asking, ends), "check") {
		b := h.standingOn(quiet{}, page)
		look(b)
		if b.twin().raw("POST", b.address, ""); b.status == http.StatusUnprocessableEntity {
			b.fill()
			look(b)
		}
		if page == "name" { // a field with an error has more attributes than others
			b.fill("forenames", strings.Repeat("a", 200), "surname", strings.Repeat("a", 200))
			look(b)
		}
		if page == "practice" {
			b.get(b.address + "?q=surgery")
			look(b)
		}
	}
	b := h.standingOn(quiet{}, "check")
	for _, page := range asking { // with what was answered
		twin := b.twin()
		twin.get("/form/" + b.journey() + "/" + page)
		look(twin)
	}
	h.Move(60e9)
	h.Fate = func(string) optouttest.Fate { return optouttest.Broken }
	b.fill()
	look(b)
	h.Fate = nil
	b.fill()
	look(b)
	form := pairs("reference", b.byID("reference"), "day", "31", "month", "3", "year", "1957")
	for _, address := range []string{"/", "/status", "/elsewhere", "/nowhere"} {
		b.get(address)
		look(b)
	}
	b.post("/status", form)
	look(b)
	return found
})

// quiet is for what is set up once for all tests, and cannot fail.
type quiet struct{ testing.TB }

func (quiet) Helper()                           {}
func (quiet) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (quiet) Fatal(...any)                      { panic("set-up") }

// holds checks what every page promises: a language, one heading, a title, ids that are there once, links that lead
// somewhere, and nothing on it that we did not put there. A page with faults says so in its title and leads to them.
func (b *browser) holds() {
	b.t.Helper()
	if b.page == nil {
		b.t.Errorf("%s is answered %d, with no page: %.300s", b.address, b.status, b.source)
		return
	}
	root := find(b.page, named("html"))
	if attr(root, "lang") == "" || attr(root, "dir") == "" {
		b.t.Errorf("%s: a page in no language", b.address)
	}
	h1 := all(b.page, named("h1"))
	title := textOf(find(b.page, named("title")))
	if len(h1) != 1 || textOf(h1[0]) == "" || !strings.HasSuffix(title, "Summary Care Record choices") {
		b.t.Errorf("%s: %d headings, title %q", b.address, len(h1), title)
	}
	ids := map[string]bool{}
	for _, n := range all(b.page, func(n *html.Node) bool { return attr(n, "id") != "" }) {
		if ids[attr(n, "id")] {
			b.t.Errorf("%s: the id %s is there twice", b.address, attr(n, "id"))
		}
		ids[attr(n, "id")] = true
	}
	for _, a := range all(b.page, named("a")) {
		to := attr(a, "href")
		if fragment, inside := strings.CutPrefix(to, "#"); inside && !ids[fragment] {
			b.t.Errorf("%s: a link leads to %s, which is not there", b.address, to)
		}
	}
	summary := find(b.page, classed("nhsuk-error-summary"))
	if strings.HasPrefix(title, "Error: ") != (summary != nil) {
		b.t.Errorf("%s: title %q, summary %q", b.address, title, textOf(summary))
	}
	if summary != nil {
		for _, a := range all(summary, named("a")) {
			if len(textOf(a)) < 10 {
				b.t.Errorf("%s: a fault says %q", b.address, textOf(a))
			}
		}
		if len(all(summary, named("a"))) == 0 {
			b.t.Errorf("%s: a page with faults names none", b.address)
		}
	}
	for block := range blocks(b.page) {
		if known := ours(); !known[block] {
			b.t.Errorf("%s has <%s>, which nobody here put there", b.address, block)
		}
	}
}

// helps checks that a page of this question is shown again, with what is wrong, and nothing lost of what was known.
func (b *browser) helps(page string) {
	b.t.Helper()
	b.holds()
	if summary := b.text("nhsuk-error-summary"); b.on() != page || summary == "" {
		b.t.Errorf("%s is answered %d without help: %.200s", b.address, b.status, summary)
	}
}

// typed is what the page shows in a field for text; ok is false if it has no such field.
func (b *browser) typed(field string) (value string, ok bool) {
	n := find(b.page, func(n *html.Node) bool {
		return n.Data == "input" && attr(n, "name") == field && slices.Contains([]string{"", "text", "search", "email", "tel"}, attr(n, "type"))
	})
	if n == nil {
		return "", false
	}
	return attr(n, "value"), true
}

// fields are the names of all that can be filled in on the page's own form, in their order.
func (b *browser) fields() (names []string) {
	main := find(b.page, named("main"))
	for _, form := range all(main, func(n *html.Node) bool { return n.Data == "form" && attr(n, "method") == "post" }) {
		for _, in := range all(form, named("input")) {
			if name := attr(in, "name"); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// clocks are the times and spans that stand in a log line.
var clocks = regexp.MustCompile(`"(time|DurationMs|Timestamp)":("[^"]*"|[0-9.]+)`)

// keepsSecret holds every log line to what must be in none: all that the people of these tests are, and where they are.
func (h *house) keepsSecret(t testing.TB, more ...string) {
	t.Helper()
	known := []string{
		"Zoë", "O’Brien", "Maria", "1957-", "March", "943 476", "9434765919", "High Street", "Stockton", "TS18", "zoe@", "example.com",
		"Cymraeg", "Moon type", "journey-",
	}
	log := clocks.ReplaceAllString(h.log.String(), "") // whose digits may be those of anything
	for _, secret := range append(known, more...) {
		if at := strings.Index(log, secret); at >= 0 {
			t.Errorf("the log has %q: %.300s", secret, log[max(0, at-200):])
		}
	}
}
