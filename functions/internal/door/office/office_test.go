package office_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/office"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/signin/signintest"
)

const address = "https://optout.example"

// house is a door with all that it needs.
type house struct {
	t *testing.T
	*optouttest.Memory
	*optouttest.Clock
	post    *optouttest.Mailbox
	engine  optout.Engine
	custody optout.Custody
	keys    keyring.Keyring
	issuer  *signintest.Issuer
	handler http.Handler

	mu  sync.Mutex
	log bytes.Buffer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	keys, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), post: &optouttest.Mailbox{}, keys: keys}
	h.engine = optout.Engine{Store: h.Memory, Post: h.post, Practices: directory.Shipped{}, Now: h.Now}
	h.custody = optout.Custody{Store: h.Memory, Keys: keys, Now: h.Now}
	h.issuer = signintest.NewIssuer(t)
	door := office.Door{
		Store: h.Memory, Keys: keys, Controller: "Testshire <Board>", TestNumbers: true, Practices: directory.Shipped{}, Now: h.Now,
		SignIn: &signin.Door{
			For: signin.Office, Address: address, Issuer: h.issuer.URL, ClientID: "pages", HTTP: &http.Client{Timeout: 10 * time.Second},
			Seals: keys, Sessions: h.Memory, Now: h.Now,
		},
	}
	serve := door.Handler()
	h.handler = contracttest.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var log bytes.Buffer
		_ = observe.New("office", &log, h.Now).Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
		h.mu.Lock()
		defer h.mu.Unlock()
		h.log.Write(log.Bytes())
	}), t.Errorf)
	return h
}

// register has somebody say no online, and lets the engine find a practice for it.
func (h *house) register(change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	ref := h.enter(change)
	h.advance()
	return ref
}

// enter has somebody say no online.
func (h *house) enter(change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number()
	if change != nil {
		change(&a)
	}
	r, err := optout.Registrar{Store: h.Memory, Keys: h.keys, Now: h.Now}.Register(h.t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Reference
}

// advance does what is due, until nothing is.
func (h *house) advance() {
	h.t.Helper()
	for range 20 {
		n := 0
		for d, err := range h.Due(h.t.Context(), 0, h.Now()) {
			if err != nil {
				h.t.Fatal(err)
			}
			if _, err := h.engine.Advance(h.t.Context(), d); err != nil && !optout.Recorded(err) {
				h.t.Fatal(err)
			}
			n++
		}
		if n == 0 {
			return
		}
	}
	h.t.Fatal("something stays due for ever")
}

func (h *house) state(ref optout.Reference) optout.State {
	h.t.Helper()
	f, err := h.Form(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return f.State()
}

var densham = nhs.StoredODSCode("A81001")

// returned is a form that its practice gave back.
func (h *house) returned(why optout.Reason) optout.Reference {
	h.t.Helper()
	ref := h.register(nil)
	practice := optout.Actor{Role: optout.AtPractice, Practice: densham, ID: "u-1"}
	if _, err := h.custody.Collect(h.t.Context(), ref, practice, optout.Said{}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.custody.Return(h.t.Context(), ref, practice, optout.Said{Text: "in our own words"}, why); err != nil {
		h.t.Fatal(err)
	}
	return ref
}

// browser keeps cookies as a browser does.
type browser struct {
	*house
	cookies []*http.Cookie
}

type answer struct {
	status int
	header http.Header
	body   string
}

// send asks for a page, or sends a form, as a browser does.
func (b *browser) send(method, path string, form url.Values, headers ...string) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, address+path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies = slices.DeleteFunc(b.cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			b.cookies = append(b.cookies, c)
		}
	}
	a := answer{w.Code, w.Header(), w.Body.String()}
	if w.Code < 300 || w.Code >= 400 {
		b.whole(path, a.body)
	}
	return a
}

func (b *browser) get(path string) answer { return b.send(http.MethodGet, path, nil) }
func (b *browser) fill(path string, form url.Values) answer {
	return b.send(http.MethodPost, path, form)
}

// whole looks at what every page has: one first heading, no id twice, and nothing of elsewhere.
func (b *browser) whole(path, body string) {
	b.t.Helper()
	page, err := html.Parse(strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	headings, ids := 0, map[string]bool{}
	for n := range page.Descendants() {
		if n.Data == "h1" {
			headings++
		}
		for _, a := range n.Attr {
			if a.Key == "id" && ids[a.Val] {
				b.t.Errorf("%s has the id %s twice", path, a.Val)
			}
			if a.Key == "id" {
				ids[a.Val] = true
			}
			if (a.Key == "src" || a.Key == "href" || a.Key == "action") && (strings.Contains(a.Val, "//") || strings.HasPrefix(a.Val, "javascript:")) {
				b.t.Errorf("%s leads to %s", path, a.Val)
			}
			if strings.HasPrefix(a.Key, "on") {
				b.t.Errorf("%s has a script at %s", path, a.Key)
			}
		}
	}
	for n := range page.Descendants() {
		for _, a := range n.Attr {
			if refers := a.Key == "aria-describedby" || a.Key == "for" || a.Key == "href" && len(a.Val) > 1 && a.Val[0] == '#'; refers {
				for _, id := range strings.Fields(strings.TrimPrefix(a.Val, "#")) {
					if !ids[id] {
						b.t.Errorf("%s refers to %s, which is not there", path, id)
					}
				}
			}
		}
	}
	if headings != 1 {
		b.t.Errorf("%s has %d first headings", path, headings)
	}
}

// signIn is the browser of somebody of these groups.
func (h *house) signIn(id string, groups ...string) *browser {
	return &browser{h, []*http.Cookie{signintest.Cookie(h.t, h.keys, h.Memory, h.Now(), id, "Nina Cole", groups...)}}
}

func (h *house) clerk() *browser { return h.signIn("u-5", "office") }

// values are pairs of field and value.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// text is what can be read on a page, with single spaces.
func (a answer) text(t *testing.T) string {
	t.Helper()
	page, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range page.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (a answer) says(t *testing.T, what string, status int, wants ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s is answered with %d, want %d: %s", what, a.status, status, a.text(t))
	}
	for _, want := range wants {
		if !strings.Contains(a.text(t), want) {
			t.Errorf("%s does not say %q: %s", what, want, a.text(t))
		}
	}
}

func (a answer) leads(t *testing.T, what, to string) {
	t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		t.Errorf("%s is answered with %d, to %q, want %q: %s", what, a.status, a.header.Get("Location"), to, a.body)
	}
}
