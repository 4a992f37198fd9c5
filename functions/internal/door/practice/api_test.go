package practice_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// software is that of a practice, with a token.
type software struct {
	*house
	token string
}

func (h *house) softwareOf(client, practice string) software {
	h.t.Helper()
	if err := h.SaveClient(h.t.Context(), client, nhs.StoredODSCode(practice), "a clinical system"); err != nil {
		h.t.Fatal(err)
	}
	return software{h, h.issuer.Token(h.t, client, h.Now())}
}

const uuid = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c%02x"

func (s software) do(method, path string, key int, body string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	if key > 0 {
		r.Header.Set("Idempotency-Key", fmt.Sprintf(uuid, key))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func (s software) wants(a answer, status int, texts ...string) answer {
	s.t.Helper()
	for _, text := range append(texts, "") {
		if a.status != status || !strings.Contains(a.body, text) {
			s.t.Errorf("answered with %d %s, want %d %s", a.status, a.body, status, text)
		}
	}
	return a
}

func api(ref optout.Reference, verb string) string {
	return "/api/practice/forms/" + ref.String() + "/" + verb
}

func TestSoftwareCollectsAndApplies(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	s := h.softwareOf("software-1", "A81001")
	list := s.wants(s.do("GET", "/api/practice/forms", 0, ""), 200, `"reference":"`+ref.String()+`"`, `"status":"routed"`)
	for _, secret := range personal {
		if strings.Contains(list.body, secret) {
			t.Errorf("%q is on the list", secret)
		}
	}
	form := "/api/practice/forms/" + ref.String() + "?person=u-18"
	s.wants(s.do("GET", form, 0, ""), 409, `"collect-first"`)
	s.wants(s.do("POST", api(ref, "collect"), 1, `{"person":"u-17"}`), 200, `"event":"collected"`)
	again := s.wants(s.do("POST", api(ref, "collect"), 1, `{"person":"u-17"}`), 200, `"event":"collected"`)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("a repeat is not said to be one")
	}
	s.wants(s.do("GET", form, 0, ""), 200, `"resourceType": "Bundle"`, "Quillfeather", "9Ndo.")
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo.","told":true}`), 200, `"event":"applied"`)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo.","told":true}`), 200, `"event":"applied"`)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"XaXj6"}`), 409, `"key-used-for-another-act"`)
	s.wants(s.do("POST", api(ref, "put-back"), 3, `{"person":"u-17"}`), 409, `"form-stands-elsewhere"`)
	s.wants(s.do("GET", "/api/practice/forms?list=applied", 0, ""), 200, `"status":"applied"`)
	s.wants(s.do("POST", api(ref, "correct"), 4, `{"person":"u-17","text":"wrong patient"}`), 200, `"event":"corrected"`)
	s.wants(s.do("POST", api(ref, "return"), 5, `{"person":"u-17","reason":"NOT_OUR_PATIENT"}`), 200, `"event":"returned"`)
	s.wants(s.do("GET", form, 0, ""), 404, `"not-on-your-list"`)
	looks := 0
	for l, err := range h.Looks(t.Context(), ref) {
		if looks++; err != nil || l.By != "practice A81001 software-1-u-18" || l.What != "fhir" {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if looks != 1 {
		t.Errorf("%d looks are written down", looks)
	}
	f, err := h.Form(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range f.Events[2:] {
		if e.By != "practice A81001 software-1-u-17" {
			t.Errorf("%s by %q", e.Kind, e.By)
		}
	}
	h.keepsSecret()
}

func TestBadInputOfSoftwareIsNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	s, other := h.softwareOf("software-1", "A81001"), h.softwareOf("software-2", "A81002")
	never := optout.NewReference([10]byte{7})
	for name, c := range map[string]struct {
		as           software
		method, path string
		key          int
		body         string
		status       int
		code         string
	}{
		"no token":              {software{h, ""}, "POST", api(ref, "collect"), 1, `{"person":"u-1"}`, 401, "sign-in-needed"},
		"no token of ours":      {software{h, "x.y.z"}, "POST", api(ref, "collect"), 1, `{"person":"u-1"}`, 401, "token-not-ours"},
		"an old token":          {software{h, h.issuer.Token(t, "software-1", h.Now().Add(-2*time.Hour))}, "GET", "/api/practice/forms", 0, "", 401, "token-expired"},
		"a client of nobody":    {software{h, h.issuer.Token(t, "software-3", h.Now())}, "GET", "/api/practice/forms", 0, "", 403, "not-for-you"},
		"no key":                {s, "POST", api(ref, "collect"), 0, `{"person":"u-1"}`, 400, "idempotency-key-missing"},
		"nobody":                {s, "POST", api(ref, "collect"), 1, `{}`, 400, "not-plain"},
		"a name":                {s, "POST", api(ref, "collect"), 1, `{"person":"Helen Marsh"}`, 400, "not-plain"},
		"no JSON":               {s, "POST", api(ref, "collect"), 1, `{`, 400, "not-json"},
		"an unknown field":      {s, "POST", api(ref, "collect"), 1, `{"person":"u-1","practice":"A81002"}`, 400, "unknown-field"},
		"an unknown verb":       {s, "POST", api(ref, "burn"), 1, `{"person":"u-1"}`, 404, "not-found"},
		"too early":             {s, "POST", api(ref, "apply"), 1, `{"person":"u-1","on":"2026-11-22","code":"9Ndo."}`, 409, "form-stands-elsewhere"},
		"no day":                {s, "POST", api(ref, "apply"), 1, `{"person":"u-1","code":"9Ndo."}`, 400, "missing"},
		"no such day":           {s, "POST", api(ref, "apply"), 1, `{"person":"u-1","on":"2026-02-30","code":"9Ndo."}`, 400, "date-shape"},
		"a number with a slip":  {s, "POST", api(ref, "apply"), 1, `{"person":"u-1","on":"2026-11-22","code":"9Ndo.","nhsNumber":"9000000008"}`, 400, "nhs-number-check-digit"},
		"a reason of its own":   {s, "POST", api(ref, "return"), 1, `{"person":"u-1","reason":"BORED"}`, 400, "not-an-option"},
		"a list that is none":   {s, "GET", "/api/practice/forms?list=mine", 0, "", 400, "not-an-option"},
		"no cursor":             {s, "GET", "/api/practice/forms?after=x", 0, "", 400, "not-a-cursor"},
		"a form that never was": {s, "POST", api(never, "collect"), 1, `{"person":"u-1"}`, 404, "not-on-your-list"},
		"no reference":          {s, "POST", "/api/practice/forms/x/collect", 1, `{"person":"u-1"}`, 404, "not-on-your-list"},
		"another's form":        {other, "POST", api(ref, "collect"), 1, `{"person":"u-1"}`, 404, "not-on-your-list"},
		"another's, to read":    {other, "GET", "/api/practice/forms/" + ref.String() + "?person=u-1", 0, "", 404, "not-on-your-list"},
		"nobody, to read":       {s, "GET", "/api/practice/forms/" + ref.String(), 0, "", 400, "not-plain"},
		"a name, to read":       {s, "GET", "/api/practice/forms/" + ref.String() + "?person=Helen+Marsh", 0, "", 400, "not-plain"},
		"another's, to return":  {other, "POST", api(ref, "return"), 1, `{"person":"u-1","reason":"MOVED"}`, 404, "not-on-your-list"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.as.do(c.method, c.path, c.key, c.body)
			var said struct {
				Code   string
				Errors []struct{ Code string }
			}
			if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != c.status || said.Code != c.code && said.Errors[0].Code != c.code {
				t.Errorf("answered with %d %s (%v), want %d %s", a.status, a.body, err, c.status, c.code)
			}
		})
	}
	if got := h.state(ref); got.Status != optout.StatusRouted {
		t.Errorf("it stands %v", got.Status)
	}
	a, b := other.do("POST", api(ref, "collect"), 1, `{"person":"u-1"}`), other.do("POST", api(never, "collect"), 1, `{"person":"u-1"}`)
	if a.status != b.status || a.body != b.body {
		t.Errorf("a form of another practice is answered otherwise than none: %s, %s", a.body, b.body)
	}
}

// Software is asked what people are asked.
func TestSoftwareSaysHowAPracticeDecidedAboutAChild(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(func(a *optout.Answers) { a.Subject.BirthDate = "2014-01-31" })
	s := h.softwareOf("software-1", "A81001")
	s.wants(s.do("POST", api(ref, "collect"), 1, `{"person":"u-17"}`), 200)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo."}`), 400, `"pointer":"/basis"`, `"code":"missing"`)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo.","basis":"best-interests"}`), 400, `"pointer":"/basis"`, `"code":"not-an-option"`)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo.","basis":"competent"}`), 200, `"event":"applied"`)
}

func TestSoftwareGivesTheNumberThatAFormHasNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(func(a *optout.Answers) { a.Subject.NHSNumber = "" })
	s := h.softwareOf("software-1", "A81001")
	s.wants(s.do("POST", api(ref, "collect"), 1, `{"person":"u-17"}`), 200)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo."}`), 400, `"pointer":"/nhsNumber"`, `"code":"missing"`, "The form has no NHS number.")
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo.","nhsNumber":"9000000009"}`), 200, `"event":"applied"`)
}

// What somebody keeps to themselves is theirs: software says nothing of it, and keeps nothing to itself.
func TestSoftwareLeavesAFormToWhoeverIsAtWorkOnIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b, s, other := h.manager(), h.softwareOf("software-1", "A81001"), h.softwareOf("software-2", "A81002")
	s.wants(s.do("POST", api(ref, "collect"), 1, `{"person":"u-17"}`), 200, `"event":"collected"`)
	if claims, err := h.Claimed(t.Context(), []optout.Reference{ref}, h.Now()); err != nil || len(claims) != 0 {
		t.Errorf("software claims %v, %v", claims, err)
	}
	b.leads(b.post(at(ref, "claim")), at(ref, "")+"?done=claimed")
	for verb, body := range map[string]string{
		"put-back": `{"person":"u-17"}`, "return": `{"person":"u-17","reason":"MOVED"}`, "apply": `{"person":"u-17","on":"2026-11-22","code":"9Ndo."}`,
	} {
		s.wants(s.do("POST", api(ref, verb), 2, body), 409, `"code":"claimed"`, "at the latest at 12:30, by the clock in England")
	}
	s.wants(s.do("POST", api(ref, "collect"), 1, `{"person":"u-17"}`), 200, `"event":"collected"`) // which was said before
	other.wants(other.do("POST", api(ref, "return"), 2, `{"person":"u-17","reason":"MOVED"}`), 404, `"not-on-your-list"`)
	if s := h.state(ref); s.Status != optout.StatusCollected {
		t.Errorf("it stands %v", s.Status)
	}
	h.Move(31 * time.Minute)
	s.wants(s.do("POST", api(ref, "apply"), 2, `{"person":"u-17","on":"2026-11-22","code":"9Ndo."}`), 200, `"event":"applied"`)
}
