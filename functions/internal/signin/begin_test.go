package signin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/problem"
)

func TestNobodySignsInWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	says := func(c claims) func(*house) { return func(h *house) { h.says(c) } }
	hour := func(n int) int64 { return optouttest.Noon.Add(time.Duration(n) * time.Hour).Unix() }
	for name, c := range map[string]struct {
		change func(*house)
		why    string
	}{
		"a forged token":                       {func(h *house) { h.issuer.key = otherKey }, "token"},
		"a token that nobody signed":           {func(h *house) { h.issuer.alg = "none" }, "token"},
		"a token that says it is HMAC":         {func(h *house) { h.issuer.alg = "HS256" }, "token"},
		"an expired token":                     {says(claims{"exp": optouttest.Noon.Add(-time.Second).Unix()}), "token"},
		"a token without an end":               {says(claims{"exp": nil}), "token"},
		"a token of next hour":                 {says(claims{"nbf": hour(1), "exp": hour(2)}), "token"},
		"a token for another audience":         {says(claims{"aud": "another-client"}), "token"},
		"a token for nobody":                   {says(claims{"aud": nil}), "token"},
		"a token of another issuer":            {says(claims{"iss": "https://" + fullName}), "token"},
		"another nonce":                        {says(claims{"nonce": "another"}), "nonce"},
		"no nonce":                             {says(claims{"nonce": nil}), "nonce"},
		"a subject that is a name":             {says(claims{"sub": fullName}), "subject"},
		"a subject that is an address":         {says(claims{"sub": "ada@quillfeather.example"}), "subject"},
		"no subject":                           {says(claims{"sub": ""}), "subject"},
		"a subject that is too long":           {says(claims{"sub": strings.Repeat("a", 65)}), "subject"},
		"claims that are of another type":      {says(claims{"name": 7}), "token"},
		"a name that fits no cookie":           {says(claims{"name": strings.Repeat("x", 5000)}), "too-large"},
		"an issuer that knows nothing of it":   {func(h *house) { h.issuer.down["/token"] = 400 }, "code"},
		"an issuer that answers something odd": {says(claims{"iat": "soon"}), "token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.says(manager())
			b := h.browser()
			back := b.begin("/practice")
			c.change(h)
			refused(t, "coming back", b.do(http.MethodGet, back, nil), problem.SignInFailed)
			if len(b.cookies) != 0 || !strings.Contains(h.log.String(), `"signin":"`+c.why+`"`) {
				t.Errorf("the browser keeps %v, the log says %s", b.cookies, h.log.String())
			}
			if strings.Contains(h.log.String(), "uillfeather") {
				t.Errorf("the log names somebody: %s", h.log.String())
			}
		})
	}
}

func TestClocksMayDiffer(t *testing.T) {
	t.Parallel()
	ahead := func(d time.Duration) int64 { return optouttest.Noon.Add(d).Unix() }
	for name, c := range map[string]claims{
		"the issuer's is four minutes ahead":       {"iat": ahead(4 * time.Minute), "nbf": ahead(4 * time.Minute), "exp": ahead(64 * time.Minute)},
		"the issuer's is four minutes behind":      {"iat": ahead(-4 * time.Minute), "nbf": ahead(-4 * time.Minute), "exp": ahead(56 * time.Minute)},
		"the token is just within its last second": {"exp": ahead(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c["cognito:groups"] = []string{"ods-A81001"}
			h.says(c)
			h.browser().signIn("/practice")
		})
	}
}

func TestComingBackIsForWhoLeftAndOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b, thief := h.browser(), h.browser()
	back := b.begin("/practice")
	before := slices.Clone(b.cookies)
	refused(t, "in another browser", thief.do(http.MethodGet, back, nil), problem.SignInFailed)
	thief.begin("/practice")
	refused(t, "in another browser with a sign-in of its own", thief.do(http.MethodGet, back, nil), problem.SignInFailed)
	own := thief.cookie("__Host-signin-")
	own.Name = b.cookie("__Host-signin-").Name
	refused(t, "under another's state", thief.do(http.MethodGet, back, nil), problem.SignInFailed)
	if w := b.do(http.MethodGet, back, nil); w.Code != http.StatusSeeOther {
		t.Fatalf("coming back: %d %s", w.Code, w.Body)
	}
	refused(t, "a second time", b.do(http.MethodGet, back, nil), problem.SignInFailed)
	replaying := &browser{h, before}
	refused(t, "a second time, with the cookie of before", replaying.do(http.MethodGet, back, nil), problem.SignInFailed)
	if n := b.do(http.MethodGet, "/practice", nil).Code; n != http.StatusOK {
		t.Errorf("the session is answered with %d", n)
	}

	late := h.browser()
	back = late.begin("/practice")
	h.clock.Move(10 * time.Minute)
	refused(t, "after ten minutes", late.do(http.MethodGet, back, nil), problem.SignInFailed)

	gaveUp := h.browser()
	u, _ := url.Parse(gaveUp.begin("/practice"))
	q := url.Values{"state": u.Query()["state"], "error": {"access_denied"}, "error_description": {fullName}}
	refused(t, "without a code", gaveUp.do(http.MethodGet, "/practice/signed-in?"+q.Encode(), nil), problem.SignInFailed)
	for _, odd := range []string{"", "?", "?state=&code=", "?state=%0a%0d;x&code=x", "?state=" + strings.Repeat("x", 5000) + "&code=x"} {
		refused(t, odd, h.browser().do(http.MethodGet, "/practice/signed-in"+odd, nil), problem.SignInFailed)
	}
	if strings.Contains(h.log.String(), "uillfeather") {
		t.Error("the log names somebody")
	}
}

func TestOneIsLedBackToThisDoorOnly(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/practice":                              "/practice",
		"/practice?q=1":                          "/practice?q=1",
		"/practice/x?to=//evil.example":          "/practice/x?to=//evil.example",
		"//evil.example/practice":                "/practice",
		"/practice//evil.example":                "/practice",
		"/practice/../..//evil":                  "/practice",
		"/practice/%5cevil.example":              "/practice/%5cevil.example",
		"/practice\\evil.example":                "/practice/%5Cevil.example",
		"/%2fevil.example":                       "/practice",
		"/practice.evil.example/":                "/practice",
		"/office":                                "/practice",
		"/%70ractice/x":                          "/practice",
		"/practice/" + strings.Repeat("x", 1000): "/practice",
	} {
		h := newHouse(t)
		h.says(manager())
		b := h.browser()
		staff := h.door.Staff(nil)
		h.mux = http.NewServeMux()
		h.mux.HandleFunc("GET /practice/signed-in", h.door.SignedIn)
		r := httptest.NewRequest(http.MethodGet, address+"/", nil)
		raw, query, _ := strings.Cut(path, "?")
		unescaped, err := url.PathUnescape(raw)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = &url.URL{Path: unescaped, RawPath: raw, RawQuery: query} // as the trigger makes it
		w := httptest.NewRecorder()
		staff(w, r)
		b.cookies = w.Result().Cookies()
		back := b.issuer.authorize(t, w.Header().Get("Location"))
		got := b.do(http.MethodGet, strings.TrimPrefix(back, address), nil).Header().Get("Location")
		if strings.Contains(path, "\\") { // spelled by net/url as it likes, and of this door all the same
			if !strings.HasPrefix(got, "/practice") || strings.Contains(got, "\\") {
				t.Errorf("from %s one is led to %s", path, got)
			}
		} else if got != want {
			t.Errorf("from %s one is led to %s, want %s", path, got, want)
		}
	}
}

func TestTabsThatAreSignedOutTogetherSignInOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	var last string
	for n := range 20 {
		last = b.begin(fmt.Sprintf("/practice/%d", n))
	}
	if len(b.cookies) != 4 {
		t.Errorf("%d sign-ins are under way", len(b.cookies))
	}
	if w := b.do(http.MethodGet, last, nil); w.Header().Get("Location") != "/practice/19" {
		t.Errorf("the last ends with %d %s", w.Code, w.Body)
	}
}

func TestWhatCannotBeReachedIsNotNow(t *testing.T) {
	t.Parallel()
	const discovery = "/.well-known/openid-configuration"
	for name, c := range map[string]struct {
		down  func(*house)
		heals func(*house)
	}{
		"the issuer": {
			func(h *house) { h.issuer.down[discovery] = 500 }, func(h *house) { delete(h.issuer.down, discovery) },
		},
		"its tokens": {func(h *house) { h.issuer.down["/token"] = 503 }, func(h *house) { delete(h.issuer.down, "/token") }},
		"its keys":   {func(h *house) { h.issuer.down["/keys"] = 500 }, func(h *house) { delete(h.issuer.down, "/keys") }},
		"the table": {
			func(h *house) { h.table.Fate = func(string) optouttest.Fate { return optouttest.Throttle } }, func(h *house) { h.table.Fate = nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.says(manager())
			c.down(h)
			b := h.browser()
			w := b.do(http.MethodGet, "/practice", nil)
			if w.Code == http.StatusSeeOther {
				w = b.do(http.MethodGet, strings.TrimPrefix(h.issuer.authorize(t, w.Header().Get("Location")), address), nil)
			}
			refused(t, "signing in", w, problem.SignInNotNow)
			if name != "its tokens" { // which machines have asked for themselves
				refused(t, "a machine", h.machine("Bearer "+h.issuer.access(nil)), problem.SignInNotNow)
			}
			if !strings.Contains(h.log.String(), `"Failures":1`) {
				t.Errorf("the log says %s", h.log.String())
			}
			c.heals(h)
			b.signIn("/practice")
			if name == "the table" {
				c.down(h)
				refused(t, "a session", b.do(http.MethodGet, "/practice", nil), problem.SignInNotNow)
			}
		})
	}
}

func TestAnIssuerThatIsGoneIsNotNow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	b.signIn("/practice")
	back := h.browser()
	again := back.begin("/practice")
	h.issuer.Close()
	refused(t, "coming back", back.do(http.MethodGet, again, nil), problem.SignInNotNow)
	answered(t, "a session", b.do(http.MethodPost, "/practice", nil), "POST /practice as practice A81001 "+person+", named "+fullName+", of [A81001]")
}
