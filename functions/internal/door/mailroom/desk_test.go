package mailroom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
)

var deskRing = func() keyring.Keyring {
	k, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz"}`))
	if err != nil {
		panic(err)
	}
	return k
}()

// pictures is a bucket that signs addresses of pictures, and tells which.
type pictures struct {
	mu    sync.Mutex
	asked []string
}

func (*pictures) Form(_ context.Context, f bucket.File) (bucket.Form, error) {
	return bucket.Form{Address: "https://bucket.example/", Origin: "https://bucket.example", Fields: []bucket.Field{{Name: "key", Value: f.Key}}}, nil
}

func (p *pictures) Picture(_ context.Context, key string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, key)
	return "https://bucket.example/" + key + "?signed", nil
}

func (*pictures) Origin(context.Context) string { return "https://bucket.example" }

// deskHouse is the door before a table in memory. Every answer is held to the contract, every line it logs is kept.
type deskHouse struct {
	t testing.TB
	*optouttest.Memory
	*optouttest.Clock
	issuer   *signintest.Issuer
	pictures *pictures
	room     batch.Mailroom
	batch    string
	handler  http.Handler

	mu  sync.Mutex
	log bytes.Buffer
}

var desker = optout.Actor{Role: optout.Desk, ID: "u-opener"}

// newDesk is the desk of a mailroom in which so many of a hundred pieces are keyed twice, with one open batch.
func newDesk(t testing.TB, twice int) *deskHouse {
	t.Helper()
	files := &pictures{}
	h := newDeskWith(t, twice, files)
	h.pictures = files
	return h
}

func newDeskWith(t testing.TB, twice int, files mailroom.Files) *deskHouse {
	t.Helper()
	h := &deskHouse{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), issuer: signintest.NewIssuer(t)}
	door := mailroom.Door{
		Store: h.Memory, Files: files, Keys: deskRing, Controller: "Testshire <Board>", TestNumbers: true, Twice: twice, Practices: directory.Shipped{}, Now: h.Now,
		SignIn: &signin.Door{
			For: signin.Mailroom, Address: "https://optout.example", Issuer: h.issuer.URL, ClientID: "pages", HTTP: &http.Client{Timeout: 10 * time.Second},
			Seals: deskRing, Sessions: h.Memory, Clients: h.Memory, Now: h.Now,
		},
	}
	h.room = batch.Mailroom{
		Store: h.Memory, Registrar: optout.Registrar{Store: h.Memory, Keys: deskRing, Now: h.Now}, Twice: twice, Now: h.Now,
		Rules: func() optout.Rules { return optouttest.Rules },
	}
	serve := door.Handler()
	h.handler = contracttest.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var line bytes.Buffer
		_ = observe.New("mailroom", &line, h.Now).Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
		h.mu.Lock()
		defer h.mu.Unlock()
		h.log.Write(line.Bytes())
	}), t.Errorf)
	b, err := h.room.Open(t.Context(), desker, batch.Declaration{Envelopes: 30, Box: "B-7", Sequence: 3})
	if err != nil {
		t.Fatal(err)
	}
	h.batch = b.ID
	return h
}

// scanned is a file of some pages in the batch, read.
func (h *deskHouse) scanned(pages ...batch.Page) batch.At {
	h.t.Helper()
	places, slots, err := h.room.Expect(h.t.Context(), h.batch, desker, []string{"scan <1>.pdf"}, batch.OneEach)
	if err != nil {
		h.t.Fatal(err)
	}
	at, content := places[0].At, []byte(slots[0].ID)
	first, err := h.FirstFile(h.t.Context(), content, batch.File{Batch: h.batch, Upload: slots[0].ID})
	if err := errors.Join(err, h.room.Arrived(h.t.Context(), at), h.room.Read(h.t.Context(), at, content, pages, first)); err != nil {
		h.t.Fatal(err)
	}
	h.Move(time.Second) // the next one has waited for less
	return at
}

func (h *deskHouse) stands(at batch.At) batch.Piece {
	h.t.Helper()
	p, err := h.Piece(h.t.Context(), at)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// clerk is the browser of somebody who has signed in.
type clerk struct {
	*deskHouse
	cookies []*http.Cookie
}

func (h *deskHouse) signedIn(subject string, groups ...string) *clerk {
	return &clerk{h, []*http.Cookie{signintest.Cookie(h.t, deskRing, h.Memory, h.Now(), subject, "Kim Marsh", groups...)}}
}

func (h *deskHouse) ann() *clerk { return h.signedIn("u-ann", "mailroom") }
func (h *deskHouse) bob() *clerk { return h.signedIn("u-bob", "mailroom") }
func (h *deskHouse) sue() *clerk { return h.signedIn("u-sue", "mailroom", "supervisor") }

// seen is what a browser was shown.
type seen struct {
	status int
	header http.Header
	body   string
}

func (c *clerk) do(method, path string, form url.Values) seen {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	if strings.HasSuffix(path, "/lease") {
		r.Header.Set("Accept", "application/json")
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	for _, k := range w.Result().Cookies() {
		if k.MaxAge >= 0 {
			c.cookies = slices.DeleteFunc(c.cookies, func(old *http.Cookie) bool { return old.Name == k.Name })
			c.cookies = append(c.cookies, k)
		}
	}
	a := seen{w.Code, w.Header(), w.Body.String()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && a.status != http.StatusSeeOther && strings.Count(a.body, "<h1") != 1 {
		c.t.Errorf("%s %s has %d headings", method, path, strings.Count(a.body, "<h1"))
	}
	return a
}

func (c *clerk) get(path string) seen { return c.do(http.MethodGet, path, nil) }

func (c *clerk) post(path string, pairs ...string) seen {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return c.do(http.MethodPost, path, form)
}

// says fails unless an answer has a status and texts, as they are read.
func (c *clerk) says(a seen, status int, texts ...string) seen {
	c.t.Helper()
	if a.status != status {
		c.t.Errorf("answered with %d, want %d: %s", a.status, status, readable(a.body))
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(a.body), text) {
			c.t.Errorf("%q is not said: %s", text, readable(a.body))
		}
	}
	return a
}

// leads fails unless an answer leads to a place; what is asked there is not looked at.
func (c *clerk) leads(a seen, to string) string {
	c.t.Helper()
	at, _, _ := strings.Cut(a.header.Get("Location"), "?")
	if at, _, _ = strings.Cut(at, "#"); a.status != http.StatusSeeOther || at != to {
		c.t.Fatalf("answered with %d to %q, want %q: %s", a.status, a.header.Get("Location"), to, readable(a.body))
	}
	return a.header.Get("Location")
}

// takes is what somebody who opens the desk and presses the button is led to.
func (c *clerk) takes(s batch.Stage, at batch.At) seen {
	c.t.Helper()
	return c.says(c.get(c.leads(c.post("/mailroom/desk", "stage", string(s)), pieceDesk(at))), 200)
}

func pieceDesk(at batch.At) string { return "/mailroom/desk/" + at.Batch + "/" + at.ID }

var tagged = regexp.MustCompile(`(?s)<[^>]*>`)

func readable(body string) string {
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	return strings.Join(strings.Fields(tagged.ReplaceAllString(body, " ")), " ")
}

// read is what a clerk reads on a sample of a form.
var read = []string{
	"asked", "all", "stage", "K", "want", "dissent", "forenames", "Ada", "surname", "Quillfeather", "birth-date-day", "31", "birth-date-month", "3", "birth-date-year", "1957",
	"nhs-number", "900 000 0009", "line-1", "1 Lawson Street", "line-3", "Stockton-on-Tees", "postcode", "TS18 1HU", "practice", "A81001",
}

// with is a form filled in otherwise: later pairs stand for earlier ones of the same field.
func typed(form []string, pairs ...string) []string {
	var all []string
	for i := 0; i+1 < len(form); i += 2 {
		if slices.Index(pairs, form[i])%2 != 0 {
			all = append(all, form[i], form[i+1])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i], pairs[i+1])
		}
	}
	return all
}

// keepsSecret fails if anything personal stands in what was logged.
func (h *deskHouse) keepsSecret() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	log := regexp.MustCompile(`"(time|DurationMs|Timestamp)":("[^"]*"|[0-9.]+)`).ReplaceAllString(h.log.String(), "")
	for _, secret := range []string{"Ada", "Quillfeather", "1957", "900 000", "9000000009", "Lawson", "Stockton", "TS18", "Kim", "Marsh", "scan <1>"} {
		if strings.Contains(log, secret) {
			h.t.Errorf("%q stands in the log: %s", secret, log)
		}
	}
}

func TestAFormIsKeyedAndTheNextOneIsThere(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	one, two := h.scanned(batch.Page{}, batch.Page{Blank: true}), h.scanned(batch.Page{})
	ann := h.ann()
	ann.says(ann.get("/mailroom/desk"), 200, "2 pieces wait", "Next piece")
	ann.says(ann.takes(batch.Keying1, one), 200, "Key this piece", "envelope 1, pages 1 to 2", "Yours until", "Page 2 looks blank",
		pieceDesk(one)+"/pages/1", pieceDesk(one)+"/pages/2", "What does it ask for?", `value="hold-signature"`, `value="back-type-1"`, `value="other-advertising"`, `value="rescan"`, `value="alarm"`, `value="put-back"`)
	h.Move(41 * time.Second)
	began := fmt.Sprint(h.Now().Unix() - 41)
	form := typed(read, "do", "register", "began", began)
	to := ann.leads(ann.post(pieceDesk(one), form...), pieceDesk(two))
	p := h.stands(one)
	if p.Status != batch.Registered || p.Envelope != 1 {
		t.Fatalf("it stands %+v", p)
	}
	ann.says(ann.get(to), 200, "It is registered.", p.Form.String(), "envelope 2")
	f, err := h.Form(t.Context(), p.Form)
	if err != nil || f.Facts.Surname.Text() != "Quillfeather" || f.Facts.Practice.String() != "A81001" || f.Facts.Reply != nil || f.Channel != optout.Paper {
		t.Errorf("the form is %+v, %v", f.Facts, err)
	}
	if !strings.Contains(h.log.String(), `"seconds":"41"`) {
		t.Error("nobody can say how long it took")
	}
	for range 2 { // a double click, or another tab: the same is answered as done
		ann.leads(ann.post(pieceDesk(one), form...), pieceDesk(two))
	}
	ann.says(ann.post(pieceDesk(one), typed(read, "do", "back-complaint")...), 409, "has its outcome already", `value="Quillfeather"`)
	to = ann.leads(ann.post(pieceDesk(two), typed(read, "do", "register", "surname", "Quill", "stop", "yes")...), "/mailroom/desk")
	ann.says(ann.get(to), 200, h.stands(two).Form.String(), "nothing waits")
	ann.leads(ann.post("/mailroom/desk", "stage", "K"), "/mailroom/desk")
	ann.says(ann.get("/mailroom/desk?after=none"), 200, "Nothing is left on this list")
	n := 0
	for look, err := range h.Looks(t.Context(), p.Form) {
		if err != nil || look.By != "desk u-ann" {
			t.Errorf("%+v, %v", look, err)
		}
		n++
	}
	if n == 0 {
		t.Error("nobody wrote down who saw the form")
	}
	h.keepsSecret()
}
