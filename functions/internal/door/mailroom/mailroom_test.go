package mailroom_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/mailroom"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/signin/signintest"
	"example.org/optout/functions/internal/upload"
)

const address = "https://optout.example"

// signer is a bucket whose forms and pictures are addresses of nobody.
type signer struct {
	mu    sync.Mutex
	forms []bucket.File // that were signed
	away  bool
	empty bool // no file has come

	versions int // of each file, if any has come
}

func (s *signer) Form(_ context.Context, file bucket.File) (bucket.Form, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return bucket.Form{}, optout.ErrUnavailable
	}
	s.forms = append(s.forms, file)
	return bucket.Form{Address: "https://bucket.example/", Origin: "https://bucket.example", Fields: []bucket.Field{{Name: "key", Value: file.Key}, {Name: "policy", Value: "signed"}}}, nil
}

func (*signer) Picture(_ context.Context, key string) (string, error) {
	return "https://bucket.example/" + key, nil
}

func (*signer) Origin(context.Context) string { return "https://bucket.example" }

// last is the form that was signed last.
func (s *signer) last() bucket.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.forms) == 0 {
		return bucket.File{}
	}
	return s.forms[len(s.forms)-1]
}

// house is a door with all that it needs.
type house struct {
	t *testing.T
	*optouttest.Memory
	*optouttest.Clock
	signer  *signer
	keys    keyring.Keyring
	issuer  *signintest.Issuer
	room    batch.Mailroom
	handler http.Handler

	meanwhile func() // happens once, before the pieces of a batch are read

	mu  sync.Mutex
	log bytes.Buffer
}

// Pieces implements batch.Store.
func (h *house) Pieces(ctx context.Context, id string) ([]batch.Piece, error) {
	if do := h.meanwhile; do != nil {
		h.meanwhile = nil
		do()
	}
	return h.Memory.Pieces(ctx, id)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	keys, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), signer: &signer{}, keys: keys, issuer: signintest.NewIssuer(t)}
	door := mailroom.Door{
		Store: h, Files: h.signer, Keys: keys, Controller: "Testshire <Board>", Contact: "PO Box 1", TestNumbers: true, Practices: directory.Shipped{}, Now: h.Now,
		SignIn: &signin.Door{
			For: signin.Mailroom, Address: address, Issuer: h.issuer.URL, ClientID: "pages", HTTP: &http.Client{Timeout: 10 * time.Second},
			Seals: keys, Sessions: h.Memory, Clients: h.Memory, Now: h.Now,
		},
	}
	h.room = batch.Mailroom{
		Store: h.Memory, Now: h.Now, Registrar: optout.Registrar{Store: h.Memory, Keys: keys, Now: h.Now}, Rules: func() optout.Rules { return optouttest.Rules },
	}
	serve := door.Handler()
	h.handler = contracttest.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var log bytes.Buffer
		_ = observe.New("mailroom", &log, h.Now).Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
		h.mu.Lock()
		defer h.mu.Unlock()
		h.log.Write(log.Bytes())
	}), t.Errorf)
	return h
}

var (
	ann = optout.Actor{Role: optout.Desk, ID: "u-ann"}
	bob = optout.Actor{Role: optout.Desk, ID: "u-bob"}
)

// opened is a batch of envelopes.
func (h *house) opened(envelopes int) string {
	h.t.Helper()
	b, err := h.room.Open(h.t.Context(), ann, batch.Declaration{Envelopes: envelopes, Box: "B-7", Sequence: 3})
	if err != nil {
		h.t.Fatal(err)
	}
	return b.ID
}

// expected is a place for a file in an envelope of its own.
func (h *house) expected(id, name string) batch.At {
	h.t.Helper()
	pieces, _, err := h.room.Expect(h.t.Context(), id, ann, []string{name}, batch.OneEach)
	if err != nil {
		h.t.Fatal(err)
	}
	return pieces[0].At
}

// scanned is a file of one page, read.
func (h *house) scanned(id, name string) batch.At {
	h.t.Helper()
	at := h.expected(id, name)
	content := []byte(at.ID)
	first, err := h.FirstFile(h.t.Context(), content, batch.File{Batch: id, Upload: batch.FileOf(at.ID)})
	if err := errors.Join(err, h.room.Arrived(h.t.Context(), at), h.room.Read(h.t.Context(), at, content, []batch.Page{{}}, first)); err != nil {
		h.t.Fatal(err)
	}
	return at
}

// keyed has a clerk read a piece.
func (h *house) keyed(at batch.At, by optout.Actor, change func(*batch.Reading)) batch.Piece {
	h.t.Helper()
	r := batch.Reading{Answers: optouttest.Dissent()}
	r.Answers.Subject.NHSNumber, r.Answers.Reply = optouttest.Number(), nil
	if change != nil {
		change(&r)
	}
	_, err := h.room.Take(h.t.Context(), at, by)
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := h.room.Key(h.t.Context(), at, by, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func holds(why string, reply *optout.Reply) func(*batch.Reading) {
	return func(r *batch.Reading) { r.Hold, r.Answers.Choice, r.Answers.Reply = why, "", reply }
}

func (h *house) stored(id string) batch.Batch {
	h.t.Helper()
	b, err := h.Batch(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

func (h *house) stands(at batch.At) batch.Piece {
	h.t.Helper()
	p, err := h.Piece(h.t.Context(), at)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func batchPath(id string, page ...string) string {
	return strings.Join(append([]string{"/mailroom/batches/" + batch.Show(id)}, page...), "/")
}

func piecePath(at batch.At, what ...string) string {
	return batchPath(at.Batch, append([]string{"pieces", at.ID}, what...)...)
}

// browser keeps cookies as a browser does.
type browser struct {
	*house
	cookies []*http.Cookie
}

// signIn is the browser of somebody of these groups.
func (h *house) signIn(id string, groups ...string) *browser {
	return &browser{h, []*http.Cookie{signintest.Cookie(h.t, h.keys, h.Memory, h.Now(), id, "Nina Cole", groups...)}}
}

func (h *house) asAnn() *browser { return h.signIn("u-ann", "mailroom") }
func (h *house) asBob() *browser { return h.signIn("u-bob", "mailroom") }
func (h *house) asSue() *browser { return h.signIn("u-sue", "mailroom", "supervisor") }

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
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && (w.Code < 300 || w.Code >= 400) {
		b.whole(path, a.body)
	}
	return a
}

func (b *browser) get(path string) answer { return b.send(http.MethodGet, path, nil) }
func (b *browser) fill(path string, pairs ...string) answer {
	return b.send(http.MethodPost, path, values(pairs...))
}

// script asks as our scripts do.
func (b *browser) script(method, path string, pairs ...string) answer {
	return b.send(method, path, values(pairs...), "Accept", "application/json")
}

// values are pairs of field and value.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// whole looks at what every page has: one first heading, no id twice, what is referred to, and nothing of elsewhere but
// the bucket's forms.
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
			if (a.Key == "src" || a.Key == "href" || a.Key == "action") && (strings.Contains(a.Val, "//") && a.Val != "https://bucket.example/" || strings.HasPrefix(a.Val, "javascript:")) {
				b.t.Errorf("%s leads to %s", path, a.Val)
			}
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				b.t.Errorf("%s has %s", path, a.Key)
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

func (a answer) says(t *testing.T, what string, status int, wants ...string) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("%s is answered with %d, want %d: %s", what, a.status, status, a.text(t))
	}
	for _, want := range wants {
		if !strings.Contains(a.text(t), want) {
			t.Errorf("%s does not say %q: %s", what, want, a.text(t))
		}
	}
	return a
}

func (a answer) lacks(t *testing.T, what string, nots ...string) {
	t.Helper()
	for _, not := range nots {
		if strings.Contains(a.body, not) {
			t.Errorf("%s says %q", what, not)
		}
	}
}

func (a answer) leads(t *testing.T, what, to string) {
	t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		t.Errorf("%s is answered with %d, to %q, want %q: %s", what, a.status, a.header.Get("Location"), to, a.text(t))
	}
}

// place is a place for a file as a script gets it.
type place struct {
	Name, Address, Arrived string
	Fields                 map[string]string
}

func (a answer) places(t *testing.T) (all []place) {
	t.Helper()
	var said struct {
		Files []place
		Until time.Time
	}
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != http.StatusCreated {
		t.Fatalf("answered with %d, %v: %s", a.status, err, a.body)
	}
	return said.Files
}

func (h *house) slot(at batch.At) upload.Slot {
	h.t.Helper()
	s, err := h.Upload(h.t.Context(), batch.FileOf(at.ID))
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}
