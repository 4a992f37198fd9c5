package signin_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

const (
	address   = "https://optout.example"
	clientID  = "pages-client"
	machineID = "machine-17"
	person    = "7d2ae1f0-0000-4000-8000-000000000017"
	fullName  = "Quillfeather, Ada"
)

// house is a door with all that it needs.
type house struct {
	t      testing.TB
	clock  *optouttest.Clock
	issuer *fakeIssuer
	table  *optouttest.Memory
	ring   keyring.Keyring
	door   *signin.Door
	mux    *http.ServeMux

	mu  sync.Mutex
	log bytes.Buffer
}

func newHouse(t testing.TB) *house { return newHouseFor(t, signin.Practice) }

func newHouseFor(t testing.TB, audience signin.Audience) *house {
	t.Helper()
	clock := optouttest.NewClock()
	h := &house{t: t, clock: clock, issuer: newIssuer(t, clock), table: &optouttest.Memory{}, mux: http.NewServeMux()}
	var err error
	if h.ring, err = keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`)); err != nil {
		t.Fatal(err)
	}
	h.door = h.newDoor(audience)
	home := "/" + string(audience)
	staff := h.door.Staff(func(w http.ResponseWriter, r *http.Request, s signin.Session) {
		fmt.Fprintf(w, "%s %s as %s, named %s, of %v", r.Method, r.URL.Path, s, s.Name, s.Practices)
		if s.Supervisor {
			fmt.Fprint(w, ", a supervisor")
		}
	})
	h.mux.HandleFunc(home, staff)
	h.mux.HandleFunc(home+"/", staff)
	h.mux.HandleFunc("GET "+home+"/signed-in", h.door.SignedIn)
	h.mux.HandleFunc("POST "+home+"/sign-out", h.door.SignOut)
	h.mux.HandleFunc("POST "+home+"/use", h.door.Use)
	h.mux.HandleFunc("/api/practice/", h.door.Machine(func(w http.ResponseWriter, _ *http.Request, a optout.Actor) {
		fmt.Fprint(w, a)
	}))
	return h
}

func (h *house) newDoor(audience signin.Audience) *signin.Door {
	return &signin.Door{
		For: audience, Address: address, Issuer: h.issuer.URL, ClientID: clientID, HTTP: &http.Client{Timeout: 10 * time.Second},
		Seals: h.ring, Sessions: h.table, Clients: h.table, Now: h.clock.Now,
		Refuse: func(w http.ResponseWriter, r *http.Request, p problem.Problem) { problem.Write(r.Context(), w, p) },
		Choose: func(w http.ResponseWriter, _ *http.Request, s signin.Session) {
			fmt.Fprintf(w, "choose among %v", s.Practices)
		},
		Bye: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "bye") },
	}
}

// says has the issuer say more of whoever signs in.
func (h *house) says(c claims) {
	h.issuer.set(func(i *fakeIssuer) { i.person = c })
}

func manager() claims { return claims{"name": fullName, "cognito:groups": []string{"ods-A81001"}} }

func locum() claims {
	return claims{"name": fullName, "cognito:groups": []string{"ods-A81001", "clinician", "ods-A81002", "ods-A81004"}}
}

// browser keeps cookies as a browser does that takes this house for one of https.
type browser struct {
	*house
	cookies []*http.Cookie
}

func (h *house) browser() *browser { return &browser{house: h} }

// do sends a request, and takes the cookies of its answer.
func (b *browser) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, address+path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) *httptest.ResponseRecorder {
	b.t.Helper()
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	var log bytes.Buffer
	_ = observe.New("practice", &log, b.clock.Now).Invocation(r.Context(), "http", "r-1", func(ctx context.Context) error {
		b.mux.ServeHTTP(w, r.WithContext(ctx))
		return nil
	})
	b.mu.Lock()
	b.log.Write(log.Bytes())
	b.mu.Unlock()
	for _, c := range w.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			b.t.Errorf("cookie %v", c)
		}
		b.cookies = slices.DeleteFunc(b.cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			b.cookies = append(b.cookies, c)
		}
	}
	if w.Header().Get("Cache-Control") != "no-store" && !strings.HasPrefix(r.URL.Path, "/api/") {
		b.t.Errorf("%s may be kept", r.URL.Path)
	}
	return w
}

func (b *browser) cookie(prefix string) *http.Cookie {
	b.t.Helper()
	for _, c := range b.cookies {
		if strings.HasPrefix(c.Name, prefix) {
			return c
		}
	}
	b.t.Fatalf("there is no cookie %s…", prefix)
	return nil
}

// begin asks for a page and gives where the issuer sends the browser back to.
func (b *browser) begin(path string) string {
	b.t.Helper()
	w := b.do(http.MethodGet, path, nil)
	if w.Code != http.StatusSeeOther {
		b.t.Fatalf("%s is answered with %d %s", path, w.Code, w.Body)
	}
	return strings.TrimPrefix(b.issuer.authorize(b.t, w.Header().Get("Location")), address)
}

// signIn asks for a page, signs in on the way, and gives where that ended.
func (b *browser) signIn(path string) string {
	b.t.Helper()
	w := b.do(http.MethodGet, b.begin(path), nil)
	if w.Code != http.StatusSeeOther {
		b.t.Fatalf("signing in ends with %d %s, %s", w.Code, w.Body, b.log.String())
	}
	return w.Header().Get("Location")
}

// refused says whether an answer is this problem.
func refused(t *testing.T, what string, w *httptest.ResponseRecorder, p problem.Problem) {
	t.Helper()
	if w.Code != p.Status || !strings.Contains(w.Body.String(), `"code":"`+p.Code+`"`) {
		t.Errorf("%s is answered with %d %s, want %s", what, w.Code, w.Body, p.Code)
	}
}

func answered(t *testing.T, what string, w *httptest.ResponseRecorder, want string) {
	t.Helper()
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%s is answered with %d %s, want %s", what, w.Code, w.Body, want)
	}
}
