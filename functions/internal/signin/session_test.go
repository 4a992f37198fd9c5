package signin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

func TestAPersonSignsInAndComesBackToWhereTheyWere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	if at := b.signIn("/practice/form/7F3K?order=age&q=a%2Fb"); at != "/practice/form/7F3K?order=age&q=a%2Fb" {
		t.Errorf("came back to %s", at)
	}
	const who = "practice A81001 " + person + ", named " + fullName + ", of [A81001]"
	answered(t, "a GET", b.do(http.MethodGet, "/practice/form/7F3K", nil), "GET /practice/form/7F3K as "+who)
	answered(t, "a POST", b.do(http.MethodPost, "/practice/form/7F3K", nil), "POST /practice/form/7F3K as "+who)
	if len(b.cookies) != 1 {
		t.Errorf("the browser keeps %v", b.cookies)
	}
	if h.issuer.asked["/.well-known/openid-configuration"] != 1 || h.issuer.asked["/keys"] != 1 {
		t.Errorf("the issuer was asked %v", h.issuer.asked)
	}
}

func TestGroupsSayAsWhomSomebodyActs(t *testing.T) {
	t.Parallel()
	const nobody = ""
	for name, c := range map[string]struct {
		groups any
		want   map[signin.Audience]string
	}{
		"one practice":                      {[]string{"ods-A81001"}, map[signin.Audience]string{signin.Practice: "practice A81001", signin.Mailroom: nobody, signin.Office: nobody}},
		"one practice, in small letters":    {[]string{"ods-a81001", "ods-A81001"}, map[signin.Audience]string{signin.Practice: "practice A81001"}},
		"a clinician":                       {[]string{"clinician", "ods-A81001"}, map[signin.Audience]string{signin.Practice: "clinician A81001"}},
		"a clinician of no practice":        {[]string{"clinician"}, map[signin.Audience]string{signin.Practice: nobody}},
		"the mailroom":                      {[]string{"mailroom"}, map[signin.Audience]string{signin.Mailroom: "desk", signin.Practice: nobody, signin.Office: nobody}},
		"its supervisor":                    {[]string{"mailroom", "supervisor"}, map[signin.Audience]string{signin.Mailroom: "supervisor"}},
		"the office":                        {[]string{"office"}, map[signin.Audience]string{signin.Office: "office", signin.Mailroom: nobody}},
		"office and practice":               {[]string{"office", "ods-A81001"}, map[signin.Audience]string{signin.Office: "office", signin.Practice: "practice A81001"}},
		"none":                              {[]string{}, map[signin.Audience]string{signin.Practice: nobody, signin.Mailroom: nobody, signin.Office: nobody}},
		"null":                              {nil, map[signin.Audience]string{signin.Practice: nobody}},
		"a practice that is none":           {[]string{"ods-V81999", "ods-", "ods-W91001", "ODS-A81001", "A81001", "ods-A8100"}, map[signin.Audience]string{signin.Practice: nobody}},
		"groups of others":                  {[]string{"Office", "office ", "admin", "", "mailroom\n"}, map[signin.Audience]string{signin.Office: nobody, signin.Mailroom: nobody}},
		"a word where a list should be":     {"office", map[signin.Audience]string{signin.Office: "400"}},
		"a list with something else inside": {[]any{"office", 7}, map[signin.Audience]string{signin.Office: "400"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for audience, want := range c.want {
				h := newHouseFor(t, audience)
				h.says(claims{"cognito:groups": c.groups})
				b, home := h.browser(), "/"+string(audience)
				w := b.do(http.MethodGet, b.begin(home), nil)
				if want == "400" {
					refused(t, "odd groups", w, problem.SignInFailed)
					continue
				}
				if w = b.do(http.MethodGet, home, nil); want == nobody {
					refused(t, string(audience), w, problem.NotForYou)
					refused(t, "a POST", b.do(http.MethodPost, home, nil), problem.NotForYou)
				} else if !strings.Contains(w.Body.String(), " as "+want+" "+person+",") {
					t.Errorf("at %s: %d %s, want %s", home, w.Code, w.Body, want)
				}
			}
		})
	}
}

func TestASupervisorIsOneAtEveryDoorThatLetsThemInAndNobodyElseIs(t *testing.T) {
	t.Parallel()
	for groups, want := range map[string]map[signin.Audience]bool{
		"mailroom supervisor":        {signin.Mailroom: true},
		"supervisor":                 {signin.Mailroom: true},
		"office supervisor":          {signin.Office: true, signin.Mailroom: true},
		"supervisor ods-A81001":      {signin.Practice: true, signin.Mailroom: true},
		"office mailroom ods-A81001": {signin.Office: false, signin.Mailroom: false, signin.Practice: false},
	} {
		for audience := range map[signin.Audience]bool{signin.Office: true, signin.Mailroom: true, signin.Practice: true} {
			h := newHouseFor(t, audience)
			h.says(claims{"cognito:groups": strings.Fields(groups)})
			b, home := h.browser(), "/"+string(audience)
			b.do(http.MethodGet, b.begin(home), nil)
			w := b.do(http.MethodGet, home, nil)
			supervises, in := want[audience]
			if !in {
				refused(t, groups+" at "+home, w, problem.NotForYou)
			} else if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "a supervisor") != supervises {
				t.Errorf("%s at %s: %d %s", groups, home, w.Code, w.Body)
			}
		}
	}
}

func TestALocumPutsAPracticeInUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(locum())
	b := h.browser()
	b.signIn("/practice")
	answered(t, "at first", b.do(http.MethodGet, "/practice/x", nil), "choose among [A81001 A81002 A81004]")
	answered(t, "a POST", b.do(http.MethodPost, "/practice/x", nil), "choose among [A81001 A81002 A81004]")
	for _, wanted := range []string{"A81002", "A81004"} {
		w := b.do(http.MethodPost, "/practice/use", url.Values{"practice": {wanted}})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/practice" {
			t.Errorf("using %s: %d %s", wanted, w.Code, w.Body)
		}
		answered(t, wanted, b.do(http.MethodGet, "/practice", nil), "GET /practice as clinician "+wanted+" "+person+", named "+fullName+", of [A81001 A81002 A81004]")
	}
	for _, not := range []string{"A81003", "x", strings.Repeat("A", 2000)} {
		refused(t, not, b.do(http.MethodPost, "/practice/use", url.Values{"practice": {not}}), problem.NotForYou)
	}
	answered(t, "none", b.do(http.MethodPost, "/practice/use", nil), "choose among [A81001 A81002 A81004]")
	b.cookie("__Host-practice").Value = "A81005" // the browser's owner may write what they like
	answered(t, "another's practice", b.do(http.MethodGet, "/practice", nil), "choose among [A81001 A81002 A81004]")
	refused(t, "nobody", h.browser().do(http.MethodPost, "/practice/use", url.Values{"practice": {"A81001"}}), problem.SignInNeeded)

	b.do(http.MethodPost, "/practice/use", url.Values{"practice": {"A81004"}})
	b.cookies = slices.DeleteFunc(b.cookies, func(c *http.Cookie) bool { return c.Name == "__Host-session" })
	b.signIn("/practice")
	answered(t, "whoever signs in next at this browser", b.do(http.MethodGet, "/practice", nil), "choose among [A81001 A81002 A81004]")
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	minutes := func(n ...time.Duration) (all []time.Duration) {
		for _, m := range n {
			all = append(all, m*time.Minute)
		}
		return all
	}
	for name, c := range map[string]struct {
		pauses []time.Duration // between requests; the last one is judged
		open   bool
	}{
		"not within fifteen minutes":              {[]time.Duration{15*time.Minute - time.Second}, true},
		"after fifteen minutes without a request": {minutes(15), false},
		"not while there are requests":            {minutes(14, 14, 14, 14), true},
		"not for requests within the same minute": {[]time.Duration{50 * time.Second, 14 * time.Minute}, true},
		"not before eight hours":                  {append(slices.Repeat(minutes(10), 47), 10*time.Minute-time.Second), true},
		"after eight hours, whatever one does":    {slices.Repeat(minutes(10), 48), false},
		"not by a clock that is put back":         {minutes(5, -30, 5), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.says(manager())
			b := h.browser()
			b.signIn("/practice")
			var w *httptest.ResponseRecorder
			for _, pause := range c.pauses {
				h.clock.Move(pause)
				w = b.do(http.MethodPost, "/practice/x", nil)
			}
			if c.open {
				answered(t, "the last request", w, "POST /practice/x as practice A81001 "+person+", named "+fullName+", of [A81001]")
				return
			}
			refused(t, "the last request", w, problem.Expired)
			if at := b.signIn("/practice/x"); at != "/practice/x" {
				t.Errorf("led back to %s", at)
			}
		})
	}
}

func TestTheCookieIsRenewedOnceAMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	b.signIn("/practice")
	set := 0
	for range 60 {
		h.clock.Move(10 * time.Second)
		if w := b.do(http.MethodGet, "/practice", nil); len(w.Result().Cookies()) > 0 {
			set++
		}
	}
	if set != 8 { // each after 70 seconds
		t.Errorf("60 requests in ten minutes set %d cookies", set)
	}
}

func TestWhoSignsOutIsOutEverywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	b.signIn("/practice")
	copied := &browser{h, slices.Clone(b.cookies)}
	answered(t, "the copy, before", copied.do(http.MethodPost, "/practice", nil), "POST /practice as practice A81001 "+person+", named "+fullName+", of [A81001]")

	w := b.do(http.MethodPost, "/practice/sign-out", nil)
	answered(t, "signing out", w, "bye")
	there, ok := strings.CutPrefix(w.Header().Get("Refresh"), "0; url="+h.issuer.URL+"/logout?")
	q, err := url.ParseQuery(there)
	if back := address + "/practice/signed-out"; !ok || err != nil || q.Get("client_id") != clientID || q.Get("theme") != "nhs" || q.Get("logout_uri") != back || q.Get("post_logout_redirect_uri") != back {
		t.Errorf("led to %s", w.Header().Get("Refresh"))
	}
	if len(b.cookies) != 0 {
		t.Errorf("the browser keeps %v", b.cookies)
	}
	refused(t, "a POST", b.do(http.MethodPost, "/practice", nil), problem.SignInNeeded)
	refused(t, "a POST with a copy of the cookie", copied.do(http.MethodPost, "/practice", nil), problem.SignedOut)
	copied.begin("/practice")
	answered(t, "signing out once more", b.do(http.MethodPost, "/practice/sign-out", nil), "bye")
}

func TestSigningOutNeedsNoIssuer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*house){
		"that says where":    func(h *house) { h.issuer.leave = false },
		"that is there":      func(h *house) { h.issuer.down["/.well-known/openid-configuration"] = 503 },
		"and no table":       func(h *house) { h.table.Fate = func(string) optouttest.Fate { return optouttest.Throttle } },
		"nor a good session": func(h *house) { h.clock.Move(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.says(manager())
			b := h.browser()
			b.signIn("/practice")
			h.mux = http.NewServeMux() // another process, which has not asked the issuer yet
			h.mux.HandleFunc("POST /practice/sign-out", h.newDoor(signin.Practice).SignOut)
			change(h)
			answered(t, "signing out", b.do(http.MethodPost, "/practice/sign-out", nil), "bye")
			if len(b.cookies) != 0 {
				t.Errorf("the browser keeps %v", b.cookies)
			}
		})
	}
}

func TestAPersonWhoLeavesLosesAllSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	one, two, other := h.browser(), h.browser(), h.browser()
	one.signIn("/practice")
	two.signIn("/practice")
	h.says(claims{"sub": "somebody-else", "cognito:groups": []string{"ods-A81001"}})
	other.signIn("/practice")
	if err := h.table.EndSessions(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	refused(t, "the first", one.do(http.MethodPost, "/practice", nil), problem.SignedOut)
	refused(t, "the second", two.do(http.MethodPost, "/practice", nil), problem.SignedOut)
	answered(t, "somebody else", other.do(http.MethodPost, "/practice", nil), "POST /practice as practice A81001 somebody-else, named , of [A81001]")
}

func TestACookieOpensOnlyWhatItIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	b.signIn("/practice")
	good := b.cookie("__Host-session").Value
	sealed := func(use, plain string) string {
		s, err := h.ring.Seal(use, h.clock.Now().Add(time.Hour), []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	another := h.browser()
	another.begin("/practice")
	for name, value := range map[string]string{
		"a patient's journey":           sealed("journey abcdefgh", `{"i":[],"p":"`+person+`","g":["ods-A81001"]}`),
		"a sign-in under way":           another.cookie("__Host-signin-").Value,
		"a session that is no JSON":     sealed("session", "x"),
		"half a session":                good[:len(good)/2],
		"an altered session":            good[:len(good)-5] + "AAAAA",
		"nothing":                       "",
		"something that nobody sealed":  "0.AAAA",
		"something that fits no cookie": strings.Repeat("x", 5000),
	} {
		other := &browser{h, []*http.Cookie{{Name: "__Host-session", Value: value}}}
		refused(t, name, other.do(http.MethodPost, "/practice", nil), problem.SignInNeeded)
	}
	unknown := &browser{h, []*http.Cookie{{Name: "__Host-session", Value: sealed("session", `{"p":"`+person+`","g":["ods-A81001"]}`)}}}
	refused(t, "a session that was never opened", unknown.do(http.MethodPost, "/practice", nil), problem.SignedOut)
}

func TestSixtyFourPeopleAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(locum())
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			b := h.browser()
			wanted := []string{"A81001", "A81002", "A81004"}[n%3]
			b.signIn("/practice")
			b.do(http.MethodPost, "/practice/use", url.Values{"practice": {wanted}})
			if got := b.do(http.MethodGet, "/practice", nil).Body.String(); !strings.Contains(got, "clinician "+wanted+" ") {
				t.Errorf("%d is %s", n, got)
			}
			if n%2 == 0 {
				b.do(http.MethodPost, "/practice/sign-out", nil)
			}
		})
	}
	all.Wait()
	if h.issuer.asked["/token"] != 64 {
		t.Errorf("%d codes were given", h.issuer.asked["/token"])
	}
}

func TestTheLogNamesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	b.signIn("/practice?q=Quillfeather")
	b.do(http.MethodGet, "/practice?q=Quillfeather", nil)
	h.table.Fate = func(string) optouttest.Fate { return optouttest.Broken }
	b.do(http.MethodGet, "/practice", nil)
	b.do(http.MethodPost, "/practice/sign-out", nil)
	if lines := h.log.String(); strings.Contains(lines, "uillfeather") || strings.Contains(lines, person) || strings.Count(lines, "\n") != 5 {
		t.Errorf("the log says %s", lines)
	}
}

func TestASessionPrintsWithoutItsName(t *testing.T) {
	t.Parallel()
	s := signin.Session{Actor: optout.Actor{Role: optout.Office, ID: "u-5"}, Name: fullName}
	if got := fmt.Sprintf("%v %s %+v", s, s, errors.New(s.String())); strings.Contains(got, "uillfeather") {
		t.Error(got)
	}
}
