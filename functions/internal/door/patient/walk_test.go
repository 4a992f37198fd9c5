package patient_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is a person's, without JavaScript: it keeps cookies and follows to where it is sent.
type browser struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]string
	address string // path and query of the page it is on
	status  int
	page    *html.Node
	source  string
}

func (h *house) browser() *browser {
	return &browser{t: h.t, handler: h.handler, cookies: map[string]string{}}
}

func (b *browser) do(method, address string, form url.Values) {
	b.t.Helper()
	for range 5 {
		r := httptest.NewRequest(method, "https://optout.example"+address, strings.NewReader(form.Encode()))
		r.Header.Set("Accept", "text/html")
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		for name, value := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
				delete(b.cookies, c.Name)
			}
		}
		b.address, b.status, b.source = address, w.Code, w.Body.String()
		if w.Code != http.StatusSeeOther {
			var err error
			if b.page, err = html.Parse(strings.NewReader(b.source)); err != nil {
				b.t.Fatal(err)
			}
			return
		}
		method, form, address = http.MethodGet, nil, w.Header().Get("Location")
	}
	b.t.Fatalf("%s leads round in circles", address)
}

func (b *browser) get(address string) { b.t.Helper(); b.do(http.MethodGet, address, nil) }

func (b *browser) post(address string, form url.Values) {
	b.t.Helper()
	b.do(http.MethodPost, address, form)
}

// begin presses the button of the start page.
func (b *browser) begin() { b.t.Helper(); b.post("/form", nil) }

// on is the name of the page.
func (b *browser) on() string {
	path, _, _ := strings.Cut(b.address, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// fill answers the page that it is on: pairs of a field and a value.
func (b *browser) fill(pairs ...string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	b.post(b.address, form)
}

// answers are those of a person who fills in everything, by page.
func selfAnswers() map[string][]string {
	return map[string][]string{
		"choice": {"choice", "dissent"}, "who": {"who", "self"}, "name": {"forenames", "Zoë", "surname", "O’Brien-Ng"},
		"birth-date": {"day", "31", "month", "3", "year", "1957"}, "nhs-number": {"known", "yes"}, "which-number": {"nhs-number", "943 476 5919"},
		"address": {"line-1", "1 High Street", "town", "Stockton", "postcode", "TS18 1HU"}, "practice": {"practice", "A81001"},
		"reply": {"safe", "email", "email", "zoe@example.com"}, "format": {"format", "standard"}, "language": {"language", "english"},
		"sure-practice": {}, "sure-young": {}, "sure-birth-date": {},
	}
}

// walk answers every page until it is on one of these.
func (b *browser) walk(answers map[string][]string, until string) {
	b.t.Helper()
	for range 30 {
		page := b.on()
		if page == until {
			return
		}
		a, ok := answers[page]
		if !ok {
			b.t.Fatalf("no answer for %s (%d)", b.address, b.status)
		}
		before := b.address
		if b.fill(a...); b.address == before {
			b.t.Fatalf("%s is not taken (%d): %s", page, b.status, b.text("nhsuk-error-summary"))
		}
	}
	b.t.Fatalf("%s is never reached", until)
}

// text is what an element of a class says.
func (b *browser) text(class string) string {
	return textOf(find(b.page, func(n *html.Node) bool {
		return strings.Contains(" "+attr(n, "class")+" ", " "+class+" ")
	}))
}

func (b *browser) byID(id string) string {
	return textOf(find(b.page, func(n *html.Node) bool { return attr(n, "id") == id }))
}

func find(n *html.Node, is func(*html.Node) bool) *html.Node {
	if n == nil || n.Type == html.ElementNode && is(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := find(c, is); found != nil {
			return found
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestAWholeJourney(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.get("/")
	if len(b.cookies) > 0 || b.status != 200 {
		t.Fatalf("the start page answers %d and sets %v", b.status, b.cookies)
	}
	b.begin()
	b.walk(selfAnswers(), "check")
	t.Log(b.text("nhsuk-summary-list"))
	h.Move(60e9)
	b.fill()
	if b.on() != "sent" || b.byID("reference") == "" {
		t.Fatalf("%s %d %s", b.address, b.status, b.source)
	}
	t.Log(textOf(b.page))
}
