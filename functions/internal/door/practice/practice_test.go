package practice_test

import (
	"bytes"
	"context"
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

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/practice"
	"example.org/optout/functions/internal/export"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/signin/signintest"
	"example.org/optout/functions/internal/worklist"
)

var ring = func() keyring.Keyring {
	k, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz"}`))
	if err != nil {
		panic(err)
	}
	return k
}()

// house is the door before a table in memory. Every answer is held to the contract, every line it logs is kept.
type house struct {
	t testing.TB
	*optouttest.Memory
	*optouttest.Clock
	issuer             *signintest.Issuer
	bucket             *bucketInMemory
	handler, unchecked http.Handler

	mu  sync.Mutex
	log bytes.Buffer
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), issuer: signintest.NewIssuer(t), bucket: &bucketInMemory{}}
	door := practice.Door{
		Store: h.Memory, Files: h.bucket, Keys: ring,
		SignIn: &signin.Door{
			For: signin.Practice, Address: "https://optout.example", Issuer: h.issuer.URL, ClientID: "pages", HTTP: &http.Client{Timeout: 10 * time.Second},
			Seals: ring, Sessions: h.Memory, Clients: h.Memory, Now: h.Now,
		},
		Sender:      export.Sender{Controller: "Testshire <Board>", References: "https://optout.example/reference"},
		TestNumbers: true, Practices: directory.Shipped{}, Now: h.Now,
	}
	serve := door.Handler()
	h.unchecked = serve
	h.handler = contracttest.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var line bytes.Buffer
		_ = observe.New("practice", &line, h.Now).Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
		h.mu.Lock()
		defer h.mu.Unlock()
		h.log.Write(line.Bytes())
	}), t.Errorf)
	return h
}

// sent registers a form and has the engine give it to its practice.
func (h *house) sent(change func(*optout.Answers)) optout.Reference {
	h.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number()
	if change != nil {
		change(&a)
	}
	r, err := optout.Registrar{Store: h.Memory, Keys: ring, Now: h.Now}.Register(h.t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
	if err != nil {
		h.t.Fatal(err)
	}
	h.advance(r.Reference)
	return r.Reference
}

func (h *house) advance(ref optout.Reference) {
	h.t.Helper()
	e := optout.Engine{Store: h.Memory, Post: &optouttest.Mailbox{}, Practices: directory.Shipped{}, Address: "{ods}@practice.example", Now: h.Now}
	for range 2 { // settle, route
		if _, err := e.Advance(h.t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) state(ref optout.Reference) optout.State {
	h.t.Helper()
	f, err := h.Form(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return f.State()
}

// browser is that of somebody who has signed in.
type browser struct {
	*house
	cookies []*http.Cookie
}

func (h *house) signedIn(subject string, groups ...string) *browser {
	return &browser{h, []*http.Cookie{signintest.Cookie(h.t, ring, h.Memory, h.Now(), subject, "Helen Marsh", groups...)}}
}

func (h *house) manager() *browser   { return h.signedIn("u-manager", "ods-A81001") }
func (h *house) colleague() *browser { return h.signedIn("u-colleague", "ods-A81001") }
func (h *house) clinician() *browser { return h.signedIn("u-clinician", "clinician", "ods-A81001") }
func (h *house) neighbour() *browser { return h.signedIn("u-neighbour", "ods-A81002") }

// answer is what a browser was shown.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			b.cookies = slices.DeleteFunc(b.cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
			b.cookies = append(b.cookies, c)
		}
	}
	a := answer{w.Code, w.Header(), w.Body.String()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && a.status != http.StatusSeeOther && strings.Count(a.body, "<h1") != 1 {
		b.t.Errorf("%s %s has %d headings", method, path, strings.Count(a.body, "<h1"))
	}
	return a
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

// says fails unless an answer has a status and texts, as they are read.
func (b *browser) says(a answer, status int, texts ...string) answer {
	b.t.Helper()
	if a.status != status {
		b.t.Errorf("answered with %d, want %d: %s", a.status, status, shown(a.body))
	}
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(a.body), text) {
			b.t.Errorf("%q is not said: %s", text, shown(a.body))
		}
	}
	return a
}

// leads fails unless an answer leads to a place.
func (b *browser) leads(a answer, to string) {
	b.t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		b.t.Errorf("answered with %d to %q, want %q: %s", a.status, a.header.Get("Location"), to, shown(a.body))
	}
}

var markup = regexp.MustCompile(`(?s)<[^>]*>`)

func shown(body string) string {
	if i := strings.Index(body, "<main"); i >= 0 {
		body = body[i:]
	}
	return strings.Join(strings.Fields(markup.ReplaceAllString(body, " ")), " ")
}

func at(ref optout.Reference, page string) string {
	if page == "" {
		return "/practice/forms/" + ref.String()
	}
	return "/practice/forms/" + ref.String() + "/" + page
}

// personal is what of a sample form may be in no log, and on no page before the form is collected.
var personal = []string{"Neill", "Quillfeather", "1957", "Lawson", "Stockton", "TS18", "quillfeather.example"}

func (h *house) keepsSecret() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	log := regexp.MustCompile(`"(time|DurationMs|Timestamp)":("[^"]*"|[0-9.]+)`).ReplaceAllString(h.log.String(), "")
	for _, secret := range append(personal, "Kit", "Marsh") {
		if strings.Contains(log, secret) {
			h.t.Errorf("%q stands in the log: %s", secret, log)
		}
	}
}

// applied is what somebody fills in who has applied a form.
var applied = []string{"on-day", "22", "on-month", "11", "on-year", "2026", "code", "9Ndo.", "told", "no", "key", "k1"}

func TestAFormIsCollectedAppliedAndTakenBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.manager()
	inbox := b.says(b.get("/practice"), 200, ref.String(), "New", "Collect it", "Due in 2 days", "The Densham Surgery (A81001)", "To do (1)")
	before := b.says(b.get(at(ref, "")), 200, "Collect this form")
	for _, a := range []answer{inbox, before} {
		for _, secret := range personal {
			if strings.Contains(a.body, secret) {
				t.Errorf("%q is shown before the form is collected", secret)
			}
		}
	}
	b.leads(b.get(at(ref, "apply")), at(ref, "")) // nothing about it before it is collected
	b.leads(b.post(at(ref, "collect"), "key", "k0"), at(ref, "")+"?done=collected")
	b.leads(b.post(at(ref, "collect"), "key", "k0"), at(ref, "")+"?done=collected") // a double click
	b.says(b.get(at(ref, "")+"?done=collected"), 200, "You have collected the form", "Ada Quillfeather O'Neill", "31 March 1957", "9Ndo.", "XaXj6", "Not known here",
		`data-copy="9Ndo."`, "By e-mail or by post, and in no other way", "large print", "It was collected", "Your practice (you)")
	b.says(b.get(at(ref, "apply")), 200, `value="22"`, "9Ndo.", "Have you told the person")
	b.leads(b.post(at(ref, "apply"), applied...), "/practice?done=applied")
	b.leads(b.post(at(ref, "apply"), applied...), "/practice?done=applied")
	if s := h.state(ref); s.Status != optout.StatusApplied || s.Told {
		t.Errorf("it stands %v, told %v", s.Status, s.Told)
	}
	b.says(b.get("/practice?done=applied"), 200, "It is recorded that you applied the form", "Nothing waits for your practice", "Applied, not checked yet (1)")
	b.says(b.get("/practice?list=applied"), 200, ref.String(), "Send a new list of coded patients")
	b.says(b.get(at(ref, "correct")), 200, "Take it back")
	b.leads(b.post(at(ref, "correct"), "key", "k2", "text", "the wrong patient"), at(ref, "")+"?done=corrected")
	b.says(b.get(at(ref, "")), 200, "That it was applied was taken back", "“the wrong patient”", "Say that it is applied")
	if s := h.state(ref); s.Status != optout.StatusCollected {
		t.Errorf("it stands %v", s.Status)
	}
	var looks []string
	for l, err := range h.Looks(t.Context(), ref) {
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, l.What+" by "+l.By)
	}
	if want := "form by practice A81001 u-manager"; len(looks) != 4 || looks[0] != want {
		t.Errorf("looks: %v, want 4 of %s", looks, want)
	}
	h.keepsSecret()
}

func TestNothingOfAnotherPracticeIsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ours, theirs := h.sent(nil), h.sent(func(a *optout.Answers) { a.Practice = "A81002" })
	b := h.neighbour()
	b.leads(b.post(at(theirs, "collect"), "key", "k0"), at(theirs, "")+"?done=collected")
	never := optout.NewReference([10]byte{1})
	var alike string
	for _, ref := range []optout.Reference{ours, never} {
		for _, page := range []string{"", "apply", "return", "correct", "decide", "withdraw", "keep", "number", "print", "fhir", "nowhere"} {
			a := b.says(b.get(at(ref, page)), 404, "This form is not on your list")
			if alike == "" {
				alike = a.body
			}
			if a.body != alike {
				t.Errorf("GET %s is answered otherwise", page)
			}
		}
		for _, verb := range []string{"collect", "claim", "release", "put-back", "apply", "return", "correct", "decide", "withdraw", "keep", "number", "nowhere"} {
			if a := b.says(b.post(at(ref, verb), applied...), 404); a.body != alike {
				t.Errorf("POST %s is answered otherwise", verb)
			}
		}
	}
	if strings.Contains(b.get("/practice").body, ours.String()) {
		t.Error("another practice's form is on the list")
	}
	if s := h.state(ours); s.Status != optout.StatusRouted {
		t.Errorf("it stands %v", s.Status)
	}
	for range h.Looks(t.Context(), ours) {
		t.Error("somebody looked at it")
	}
}

// Two practices send each other's references to everything at once, and what each does to its own forms is done.
func TestTwoPracticesHammerEachOthersReferences(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const forms = 6
	refs := map[string][]optout.Reference{}
	for range forms {
		refs["A81001"] = append(refs["A81001"], h.sent(func(a *optout.Answers) { a.Subject.Surname = "Densham" }))
		refs["A81002"] = append(refs["A81002"], h.sent(func(a *optout.Answers) { a.Practice, a.Subject.Surname = "A81002", "Queens" }))
	}
	var all sync.WaitGroup
	for own, other := range map[string]string{"A81001": "A81002", "A81002": "A81001"} {
		name := map[string]string{"A81001": "Queens", "A81002": "Densham"}[own]
		for n := range forms {
			all.Go(func() {
				b := h.signedIn(fmt.Sprintf("u-%s-%d", own, n), "ods-"+own)
				for _, step := range []struct {
					verb  string
					pairs []string
				}{{"collect", nil}, {"apply", applied}, {"correct", nil}, {"return", []string{"reason", "NOT_OUR_PATIENT"}}} {
					for _, ref := range refs[other] {
						for _, a := range []answer{b.get(at(ref, "")), b.post(at(ref, step.verb), step.pairs...), b.get(at(ref, "fhir"))} {
							if a.status != 404 || strings.Contains(a.body, name) {
								t.Errorf("%s at %s's form: %d %s", own, other, a.status, shown(a.body))
							}
						}
					}
					if step.verb != "return" {
						if a := b.post(at(refs[own][n], step.verb), step.pairs...); a.status != http.StatusSeeOther {
							t.Errorf("%s at its own form: %d %s", step.verb, a.status, shown(a.body))
						}
					}
				}
				for _, a := range []answer{b.get("/practice"), b.get("/practice/list/waiting.csv"), b.get("/practice/list/waiting.json")} {
					if a.status != 200 || strings.Contains(a.body, name) {
						t.Errorf("the list of %s: %d %s", own, a.status, a.body)
					}
				}
			})
		}
	}
	all.Wait()
	for own, of := range refs {
		for _, ref := range of {
			f, err := h.Form(t.Context(), ref)
			if err != nil || f.State().Status != optout.StatusCollected || f.State().Practice.String() != own {
				t.Errorf("a form of %s stands %v at %s (%v)", own, f.State().Status, f.State().Practice, err)
			}
			for _, e := range f.Events {
				if who := strings.Fields(e.By); len(who) > 1 && who[1] != own {
					t.Errorf("%s did something to a form of %s", who[1], own)
				}
			}
		}
	}
}

func TestTwoClerksAtOneForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	a, b := h.manager(), h.colleague()
	a.leads(a.post(at(ref, "collect"), "key", "k0"), at(ref, "")+"?done=collected")
	b.says(b.get(at(ref, "")), 200, "You can look, and do nothing: a colleague is at work on it until 12:30")
	b.says(b.get("/practice"), 200, "a colleague is at work on it until 12:30")
	a.says(a.get("/practice"), 200, "you are at work on it")
	for _, verb := range []string{"apply", "return", "collect", "claim", "put-back"} {
		b.says(b.post(at(ref, verb), applied...), 409, "Nothing was changed: a colleague is at work on it")
	}
	b.says(b.post(at(ref, "release")), 409, "Nothing was changed: a colleague is at work on it")
	b.says(b.post(at(ref, "claim")), 409)
	h.Move(31 * time.Minute)
	a, b = h.manager(), h.colleague() // both have signed in anew
	b.leads(b.post(at(ref, "claim")), at(ref, "")+"?done=claimed")
	a.says(a.post(at(ref, "apply"), applied...), 409)
	b.leads(b.post(at(ref, "apply"), applied...), "/practice?done=applied")
	a.says(a.post(at(ref, "put-back"), "key", "k9"), 409, "Nothing was changed")

	// Both at once: one collects, the other is told who.
	other := h.sent(nil)
	var wg sync.WaitGroup
	got := make([]int, 8)
	for n := range got {
		wg.Go(func() {
			got[n] = h.signedIn(fmt.Sprintf("u-%d", n), "ods-A81001").post(at(other, "collect"), "key", fmt.Sprint("k", n)).status
		})
	}
	wg.Wait()
	slices.Sort(got)
	if got[0] != 303 || got[1] != 409 || got[7] != 409 {
		t.Errorf("eight at once are answered with %v", got)
	}
	f, err := h.Form(t.Context(), other)
	if err != nil || f.State().Status != optout.StatusCollected || f.Version() != h.versionOf(ref, optout.Collected) {
		t.Errorf("%d events, %v, %v", f.Version(), f.State().Status, err)
	}
}

// versionOf is how many events a form had when something had happened to it.
func (h *house) versionOf(ref optout.Reference, kind optout.Kind) int {
	f, err := h.Form(h.t.Context(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.IndexFunc(f.Events, func(e optout.Event) bool { return e.Kind == kind }) + 1
}

func TestWhatIsWrongWithAnApplicationIsSaidAndKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.manager()
	b.post(at(ref, "collect"), "key", "k0")
	with := func(change ...string) []string {
		form := url.Values{}
		for i := 0; i < len(applied); i += 2 {
			form.Set(applied[i], applied[i+1])
		}
		for i := 0; i < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		var pairs []string
		for k, v := range form {
			pairs = append(pairs, k, v[0])
		}
		return pairs
	}
	for name, c := range map[string]struct {
		change []string
		status int
		says   string
	}{
		"no day":                     {[]string{"on-day", "", "on-month", "", "on-year", ""}, 422, "Give the day on which it was set."},
		"half a day":                 {[]string{"on-day", ""}, 422, "Give day, month and year."},
		"no such day":                {[]string{"on-day", "31"}, 422, "There is no such day."},
		"a short year":               {[]string{"on-year", "26"}, 422, "with four digits"},
		"tomorrow":                   {[]string{"on-day", "23"}, 422, "That has not come yet."},
		"no code":                    {[]string{"code", ""}, 422, "Choose the code."},
		"another code, not typed":    {[]string{"code", "other"}, 422, "Type the code."},
		"an unknown code":            {[]string{"code", "other", "other-code", "123456789"}, 422, "no code of a Summary Care Record preference that is known here"},
		"another choice's code":      {[]string{"code", "9Ndm."}, 422, "That code records another choice"},
		"a number with a slip":       {[]string{"number", "900 000 0008"}, 422, "last digit"},
		"nothing said of telling":    {[]string{"told", ""}, 422, "Say whether you have told the person."},
		"a form that is none":        {[]string{"replaces", "x"}, 422, "Choose among the forms offered."},
		"a form that never was":      {[]string{"replaces", optout.NewReference([10]byte{9}).String()}, 409, "A form can only take the place of an earlier one"},
		"itself":                     {[]string{"replaces", ref.String()}, 409, "A form can only take the place of an earlier one"},
		"a basis that nobody offers": {[]string{"basis", "magic"}, 422, "Choose one of the options offered."},
		"far too much to say":        {[]string{"text", strings.Repeat("x", 1001)}, 422, "This is too long."},
		"an odd key":                 {[]string{"key", "Ada O'Neill"}, 422, "A key has at most 64"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.says(b.post(at(ref, "apply"), with(c.change...)...), c.status, "There is a problem", c.says)
			if !strings.Contains(a.body, "Error: ") {
				t.Error("the title does not say so")
			}
			for i := 0; i < len(c.change); i += 2 {
				if field := c.change[i]; strings.HasPrefix(field, "on-") && !strings.Contains(a.body, `value="`+c.change[i+1]+`"`) && c.change[i+1] != "" {
					t.Errorf("what was typed into %s is lost", field)
				}
			}
		})
	}
	if s := h.state(ref); s.Status != optout.StatusCollected {
		t.Errorf("it stands %v", s.Status)
	}
	b.leads(b.post(at(ref, "apply"), with("on-month", "Nov", "number", "900 000 0017", "told", "yes", "text", "at the desk")...), "/practice?done=applied")
	f, err := h.Form(t.Context(), ref)
	if err != nil || !f.State().Told || f.Facts.NHSNumber.Digits() != "9000000017" {
		t.Errorf("told %v (%v)", f.State().Told, err)
	}
	h.keepsSecret()
}

// What has to be decided before a form is applied is asked, and what was decided is on record.
func TestAPracticeDecidesAboutChildrenAndProxies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change             func(*optout.Answers)
		says, basis, wrong string
	}{
		"a child alone": {func(a *optout.Answers) { a.Subject.BirthDate = "2014-01-31" }, "A child under 16 signed this alone", "competent", "evidence-seen"},
		"an attorney": {func(a *optout.Answers) {
			a.Proxy = &optout.Proxy{Name: "Bea O'Neill", Capacity: "attorney-health-welfare"}
		}, "Somebody else signed for this person", "evidence-seen", "competent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ref := h.sent(c.change)
			b := h.manager()
			b.post(at(ref, "collect"), "key", "k0")
			b.says(b.get(at(ref, "")), 200, c.says)
			b.says(b.post(at(ref, "apply"), applied...), 422, "Say how you decided that the child, or whoever signed for the person, may.")
			b.says(b.post(at(ref, "apply"), append(slices.Clone(applied), "basis", c.wrong)...), 422, "Choose one of the options offered.")
			b.leads(b.post(at(ref, "apply"), append(slices.Clone(applied), "basis", c.basis)...), "/practice?done=applied")
			f, err := h.Form(t.Context(), ref)
			if last := f.Events[f.Version()-1]; err != nil || last.Detail["basis"] != c.basis {
				t.Errorf("%v, %v", last.Detail, err)
			}
		})
	}
}

// The number is asked for beside its field, and what was typed stays.
func TestAFormWithoutANumberAsksForOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(func(a *optout.Answers) { a.Subject.NHSNumber = "" })
	b := h.manager()
	b.post(at(ref, "collect"), "key", "k0")
	a := b.says(b.post(at(ref, "apply"), append(slices.Clone(applied), "text", "kept words")...), 422, "The form has no NHS number. Give the one under which it was set", "kept words")
	if !strings.Contains(a.body, `href="#number"`) {
		t.Error("the summary does not lead to the field")
	}
	b.leads(b.post(at(ref, "apply"), append(slices.Clone(applied), "number", "900 000 0009")...), "/practice?done=applied")
}

func TestReturnsAreWorkForSomebody(t *testing.T) {
	t.Parallel()
	type step struct {
		verb   string
		pairs  []string
		status int
		says   string
	}
	for name, c := range map[string]struct {
		reason string
		steps  []step
		ends   optout.Status
	}{
		"not our patient":               {"NOT_OUR_PATIENT", []step{{"apply", applied, 404, "not on your list"}}, optout.StatusReturned},
		"doubt, and it is the person":   {"IDENTITY_NOT_VERIFIED", []step{{"decide", []string{"outcome", "keep", "text", "known at the desk"}, 303, ""}}, optout.StatusCollected},
		"doubt, decided without reason": {"IDENTITY_NOT_VERIFIED", []step{{"decide", []string{"outcome", "keep"}, 422, "Give your reasons."}, {"decide", nil, 422, "Say what you decide."}}, optout.StatusReturned},
		"doubt, and nobody was told": {"IDENTITY_NOT_VERIFIED", []step{
			{"decide", []string{"outcome", "refuse", "text", "x"}, 409, "Tell the person why"},
			{"decide", []string{"outcome", "refuse", "text", "x", "told-day", "1", "told-month", "11", "told-year", "2026"}, 422, "before the form was signed or returned"},
			{"decide", []string{"outcome", "refuse", "text", "x", "unsafe", "yes"}, 409, "Tell the person why"},
			{"decide", []string{"outcome", "refuse", "text", "x", "told-day", "22", "told-month", "11", "told-year", "2026"}, 303, ""},
		}, optout.StatusAnswered},
		"coercion, and no clinician": {"COERCION", []step{{"decide", []string{"outcome", "keep", "text", "x"}, 403, "Nothing was changed"}}, optout.StatusReturned},
		"taken back": {"WITHDRAWN_BY_PERSON", []step{
			{"withdraw", nil, 422, "Choose one of the options offered."},
			{"withdraw", []string{"how", "phone"}, 422, "This is needed"},
			{"withdraw", []string{"how", "phone", "to", "Tom Reed", "on-day", "30", "on-month", "11", "on-year", "2026"}, 422, "That has not come yet"},
			{"withdraw", []string{"how", "phone", "to", "Tom Reed", "on-day", "22", "on-month", "11", "on-year", "2026"}, 303, ""},
		}, optout.StatusWithdrawn},
		"not taken back after all": {"WITHDRAWN_BY_PERSON", []step{
			{"keep", nil, 422, "Say what happened."},
			{"keep", []string{"text", "the wrong patient's letter"}, 303, ""},
			{"keep", []string{"text", "the wrong patient's letter"}, 303, ""}, // a double click
			{"withdraw", []string{"how", "phone", "to", "Tom Reed", "on-day", "22", "on-month", "11", "on-year", "2026"}, 409, "Nothing was changed"},
		}, optout.StatusCollected},
		"kept without a clinician":   {"COERCION", []step{{"keep", []string{"text", "x"}, 403, "Nothing was changed"}}, optout.StatusReturned},
		"another reason, not said":   {"OTHER", nil, optout.StatusCollected},
		"a reason that is none":      {"BORED", nil, optout.StatusCollected},
		"applied after it came back": {"DECEASED", []step{{"apply", applied, 404, "not on your list"}}, optout.StatusReturned},
		"applied in doubt":           {"SAFEGUARDING", []step{{"apply", applied, 409, "Nothing was changed"}}, optout.StatusReturned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ref := h.sent(nil)
			b := h.manager()
			b.post(at(ref, "collect"), "key", "k0")
			a := b.post(at(ref, "return"), "reason", c.reason, "key", "k9")
			if c.ends == optout.StatusCollected && len(c.steps) == 0 {
				b.says(a, 422, "There is a problem")
			} else {
				b.leads(a, "/practice?done=returned")
			}
			if c.reason == "WITHDRAWN_BY_PERSON" {
				b.says(b.get(at(ref, "")), 200, "Record how it was taken back", "It was returned by mistake")
				b.says(b.get(at(ref, "keep")), 200, "Say so only if the person did not take it back.", "What happened?")
			}
			for _, s := range c.steps {
				b.says(b.post(at(ref, s.verb), s.pairs...), s.status, s.says)
			}
			if got := h.state(ref); got.Status != c.ends {
				t.Errorf("it stands %v, want %v", got.Status, c.ends)
			}
		})
	}
}

func TestAClinicianDecides(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b, dr := h.manager(), h.clinician()
	b.post(at(ref, "collect"), "key", "k0")
	b.post(at(ref, "return"), "reason", "SAFEGUARDING", "text", "see her notes", "key", "k1")
	b.says(b.get(at(ref, "")), 200, "A clinician decides about this form", "Safeguarding")
	if strings.Contains(b.get(at(ref, "")).body, at(ref, "decide")) {
		t.Error("somebody who is no clinician is led to decide")
	}
	dr.says(dr.get(at(ref, "")), 200, at(ref, "decide"), "see her notes")
	dr.says(dr.get(at(ref, "decide")), 200, "I am a clinician")
	dr.leads(dr.post(at(ref, "decide"), "outcome", "refuse", "unsafe", "yes", "text", "unsafe at home", "key", "k2"), "/practice?done=decided")
	dr.says(dr.get("/practice?list=done"), 200, ref.String(), "Answered")
	dr.says(dr.get(at(ref, "")), 200, "a clinician recorded that telling the person is unsafe")
}

func TestFormsOfOnePersonStandSideBySide(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	number := optouttest.Number()
	same := func(choice string) func(*optout.Answers) {
		return func(a *optout.Answers) { a.Choice, a.Subject.NHSNumber = choice, number }
	}
	first := h.sent(same("dissent"))
	h.Move(time.Hour)
	second := h.sent(same("core-and-additional"))
	b := h.manager()
	b.post(at(second, "collect"), "key", "k0")
	b.says(b.get(at(second, "")), 200, "Another form of this person waits on your list", first.String())
	b.post(at(first, "collect"), "key", "k0")
	b.says(b.get(at(second, "")), 200, "Forms of this person side by side", first.String(), "Differs")
	form := append(slices.Clone(applied), "replaces", first.String())
	form[slices.Index(form, "code")+1] = "9Ndn."
	b.says(b.post(at(second, "apply"), form...), 409, "Check with the person first")
	b.leads(b.post(at(second, "apply"), append(form, "asked", "yes")...), "/practice?done=applied")
	if s := h.state(first); s.Status != optout.StatusWithdrawn {
		t.Errorf("the first stands %v", s.Status)
	}
	var beside int
	for l, err := range h.Looks(t.Context(), first) {
		if err == nil && l.What == "beside" {
			beside++
		}
	}
	if beside == 0 {
		t.Error("nobody wrote down that the first was seen beside the second")
	}
}

func TestACounterRegistersOnceWhatIsReadBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	b.says(b.get("/practice/counter"), 200, "never ask an adult for identity documents", "What does the person want?")
	b.says(b.post("/practice/counter"), 422, "Say what the person wants.", "Give the birth date.", "Say who signs or speaks.", "Ask which ways are safe")
	said := []string{
		"key", "c1", "want", "dissent", "forenames", "Kit", "surname", "Quillfeather", "birth-date-day", "31", "birth-date-month", "3", "birth-date-year", "1957",
		"nhs-number", "900 000 0009", "line-1", "1 Lawson Street", "postcode", "TS18 1HU", "signer", "self", "safe", "none",
	}
	wrong := b.says(b.post("/practice/counter", append(slices.Clone(said), "proxy-name", "Bea", "safe", "post")...), 422, "Either the person signs or somebody else does", "Either some ways are safe or none is")
	if !strings.Contains(wrong.body, `value="1 Lawson Street"`) {
		t.Error("what was typed is lost")
	}
	b.says(b.post("/practice/counter", append(slices.Clone(said), "signed-on-day", "1", "signed-on-month", "1", "signed-on-year", "2027")...), 422, "has not come yet")
	back := b.says(b.post("/practice/counter", said...), 200, "Read this back to the person", "No Summary Care Record (opt out)", "900 000 0009", "31 March 1957", "Do not contact this person", "They will still be treated")
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(back.body)
	if sealed == nil {
		t.Fatal("nothing is kept of what was read back")
	}
	b.says(b.post("/practice/counter/confirm", "sealed", sealed[1], "do", "change"), 200, `value="Quillfeather"`)
	for _, forged := range []string{"", "x", sealed[1] + "x"} {
		b.says(b.post("/practice/counter/confirm", "sealed", forged, "do", "send"), 400, "Nothing was registered")
	}
	other := h.neighbour()
	other.says(other.post("/practice/counter/confirm", "sealed", sealed[1], "do", "send"), 400, "entered by somebody else")
	first := b.post("/practice/counter/confirm", "sealed", sealed[1], "do", "send")
	again := b.post("/practice/counter/confirm", "sealed", sealed[1], "do", "send")
	if first.status != 303 || again.header.Get("Location") != first.header.Get("Location") {
		t.Fatalf("%d %s, then %d %s", first.status, first.header.Get("Location"), again.status, again.header.Get("Location"))
	}
	u, err := url.Parse(first.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := optout.ParseReference(u.Query().Get("reference"))
	if err != nil {
		t.Fatal(err)
	}
	b.says(b.get(u.RequestURI()), 200, ref.String(), "It is registered")
	f, err := h.Form(t.Context(), ref)
	if err != nil || f.Channel != optout.Counter || f.Facts.Practice.String() != "A81001" || f.Facts.Reply == nil || len(f.Facts.Reply.Safe) != 0 {
		t.Errorf("%s at %s, %v", f.Channel, f.Facts.Practice, err)
	}
	for l, err := range h.Looks(t.Context(), ref) {
		if err != nil || l.What != "entered" || l.By != "practice A81001 u-manager" {
			t.Errorf("%v %v", l, err)
		}
	}
	h.advance(ref)
	if got := h.state(ref); got.Status != optout.StatusRouted {
		t.Errorf("it stands %v", got.Status)
	}
	h.keepsSecret()
}

func TestOnlyThePracticeDecidesAndItsHistoryIsKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	b.says(b.get("/practice/settings"), 200, "Nothing was said yet, and so your practice takes part.", "We have not written to you yet.")
	b.says(b.post("/practice/settings/decision", "on-day", "22", "on-month", "11", "on-year", "2026"), 422, "Choose one of the options offered.")
	b.says(b.post("/practice/settings/decision", "stand", "wait", "on-day", "23", "on-month", "11", "on-year", "2026"), 422, "That has not come yet.")
	b.leads(b.post("/practice/settings/decision", "stand", "wait", "words", "after the merger", "on-day", "20", "on-month", "11", "on-year", "2026"), "/practice/settings?done=decision")
	b.says(b.post("/practice/settings/email", "email", "desk@"), 422, "That is not an e-mail address.", `value="desk@"`)
	b.leads(b.post("/practice/settings/email", "email", "desk@densham.example"), "/practice/settings?done=email")
	b.says(b.get("/practice/settings?done=email"), 200, "The address is recorded", "We wait", "“after the merger”", "20 November 2026", "E-mail goes to desk@densham.example", `value="desk@densham.example"`)
	b.says(b.post("/practice/settings/nothing"), 404, "There is nothing here")
	p, err := h.Practice(t.Context(), nhs.StoredODSCode("A81001"))
	if err != nil || len(p.Decisions) != 1 || p.TakesPart() || p.Email != "desk@densham.example" {
		t.Errorf("%d decisions, %v, %v", len(p.Decisions), p.TakesPart(), err)
	}
	if n := h.neighbour(); strings.Contains(n.get("/practice/settings").body, "merger") {
		t.Error("another practice reads it")
	}
}

func TestListsAreTakenAwayWholeAndWithoutFormulas(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	b.says(b.get("/practice/list/waiting.csv"), 404, "None of the forms on this page is collected yet")
	odd := []string{"=cmd|' /C calc'!A0 Smith", "+441642 Smith", "@Sum Smith", "-2 Smith", "O'Neill"}
	for _, surname := range odd {
		ref := h.sent(func(a *optout.Answers) { a.Subject.Surname = surname })
		b.leads(b.post(at(ref, "collect"), "key", "k0"), at(ref, "")+"?done=collected")
	}
	waits := h.sent(func(a *optout.Answers) { a.Subject.Surname = "Uncollected" })
	a := b.says(b.get("/practice/list/waiting.csv"), 200)
	if a.header.Get("Content-Disposition") != `attachment; filename="forms.csv"` || !strings.HasPrefix(a.body, "\ufeffreference,") || strings.Count(a.body, "\r\n") != len(odd)+1 {
		t.Errorf("%v\n%s", a.header, a.body)
	}
	for _, surname := range odd[:4] {
		if !strings.Contains(a.body, ",'"+surname) && !strings.Contains(a.body, `,"'`+surname) {
			t.Errorf("%q may be taken for a formula: %s", surname, a.body)
		}
	}
	if strings.Contains(a.body, "Uncollected") || strings.Contains(b.get("/practice/list/waiting.json").body, "Uncollected") {
		t.Error("a form that nobody has collected is taken away")
	}
	b.says(b.get("/practice/list/waiting.json"), 200, `"resourceType": "Bundle"`, `"9Ndo."`)
	b.says(b.get("/practice/list/other.csv"), 404)
	b.says(b.get("/practice/list/waiting.csv?after=x"), 404)
	for range h.Looks(t.Context(), waits) {
		t.Error("somebody looked at what was not taken away")
	}
	h.keepsSecret()
}

func TestAPrintedFormHasWhatIsNeededAndNoHeader(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.manager()
	b.post(at(ref, "collect"), "key", "k0")
	a := b.says(b.get(at(ref, "print")), 200, "Ada Quillfeather O'Neill", "9Ndo.", "For practice use", "The Densham Surgery (A81001)")
	if strings.Contains(a.body, "<header") || strings.Contains(a.body, "Sign out") {
		t.Error("the header is printed too")
	}
	for l := range h.Looks(t.Context(), ref) {
		if l.What != "print" {
			t.Errorf("looked at as %s", l.What)
		}
	}
}

func TestTheListIsFilteredAndPaged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var refs []optout.Reference
	for range worklist.MostEntries + 3 {
		refs = append(refs, h.sent(nil))
		h.Move(time.Minute)
	}
	b := h.manager()
	b.post(at(refs[1], "collect"), "key", "k0")
	first := b.says(b.get("/practice"), 200, "To do (103)", "Of this page show only:", "All (100)", "New (99)", "Collected (1)", "Next page")
	if strings.Contains(first.body, refs[102].String()) || !strings.Contains(first.body, refs[0].String()) {
		t.Error("the oldest do not come first")
	}
	only := b.says(b.get("/practice?only=collected"), 200, refs[1].String())
	if strings.Contains(only.body, refs[0].String()) {
		t.Error("the list is not narrowed")
	}
	b.says(b.get("/practice?only=in-doubt"), 200, "None of the 100 forms on this page is like that.")
	next := regexp.MustCompile(`href="(/practice\?after=[^"]+)"[^>]*>Next page`).FindStringSubmatch(first.body)
	if next == nil {
		t.Fatal("there is no next page")
	}
	b.says(b.get(html.UnescapeString(next[1])), 200, refs[102].String(), "All (3)", "Back to the beginning of the list")
	b.leads(b.get("/practice?after=nonsense"), "/practice?list=waiting")
	b.leads(b.get("/practice?find="+strings.ToLower(strings.ReplaceAll(refs[5].String(), "-", "+"))), at(refs[5], ""))
	b.says(b.get("/practice?find=nonsense"), 422, "<title>Error: Forms for your practice", "There is a problem", `<a href="#find">That is not a reference.`, `value="nonsense"`)
	h.Move(3 * 24 * time.Hour)
	b = h.manager()
	b.says(b.get("/practice?only=overdue"), 200, "1 day overdue")
}

// The engine reminds the practice again and again. What it has not done is overdue all the same, by a day more every day.
func TestWhatIsNotDoneIsOverdueByMoreEveryDay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(24 * time.Hour) // to Monday 23 November, at noon
	ref := h.sent(nil)
	h.softwareOf("software-1", "A81001")
	for day := range 60 {
		h.advance(ref)
		b := h.manager()
		tag := map[int]string{0: "Due in 2 days", 1: "Due tomorrow", 2: "Due today", 3: "1 day overdue"}[day]
		count := "Overdue (0)"
		if day > 3 {
			tag = fmt.Sprintf("%d days overdue", day-2)
		}
		if day > 2 {
			count = "Overdue (1)"
		}
		b.says(b.get("/practice"), 200, tag, count)
		b.says(b.get(at(ref, "")), 200, tag)
		if only := b.get("/practice?only=overdue"); strings.Contains(only.body, ref.String()) != (day > 2) {
			t.Errorf("on day %d among the overdue: %t", day, day <= 2)
		}
		if day%20 == 19 { // a token is good for an hour
			s := software{h, h.issuer.Token(t, "software-1", h.Now())}
			s.wants(s.do("GET", "/api/practice/forms", 0, ""), 200, `"due":"2026-11-25T12:00:00Z"`)
		}
		if h.Move(11 * time.Hour); day == 2 { // late on the day itself it is due, for the tag and among the overdue alike
			b = h.manager()
			b.says(b.get("/practice"), 200, "Due today", "Overdue (0)")
		}
		h.Move(13 * time.Hour)
	}
	if n := h.state(ref).Reminders; n < 3 {
		t.Errorf("the engine has reminded only %d times", n)
	}
}

func TestALocumChoosesAPractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ours, theirs := h.sent(nil), h.sent(func(a *optout.Answers) { a.Practice = "A81002" })
	b := h.signedIn("u-locum", "clinician", "ods-A81001", "ods-A81002")
	b.says(b.get("/practice"), 200, "Which practice are you working for now?", "The Densham Surgery (A81001)")
	b.leads(b.post("/practice/use", "practice", "A81002"), "/practice")
	if a := b.says(b.get("/practice"), 200, theirs.String(), ": change"); strings.Contains(a.body, ours.String()) {
		t.Error("both practices' forms are on the list")
	}
	b.says(b.get(at(ours, "")), 404)
	b.says(b.get("/practice/choose"), 200, "Which practice are you working for now?")
	b.leads(b.post("/practice/use", "practice", "A81001"), "/practice")
	b.says(b.get("/practice"), 200, ours.String())
	b.says(b.post("/practice/use", "practice", "A81004"), 403)
	b.says(b.post("/practice/sign-out"), 200, "You have signed out")
	b.says(b.post(at(ours, "collect")), 401, "You have been signed out")
}

func TestWhoHasNotSignedInSeesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	nobody := &browser{house: h}
	for _, r := range practice.Routes {
		path := strings.NewReplacer("{reference}", ref.String(), "{page}", "apply", "{verb}", "collect", "{file}", "waiting.csv", "{what}", "email").Replace(r.Path)
		a := nobody.do(r.Method, path, nil)
		switch {
		case r.Path == "/practice/signed-out", r.Path == "/practice/sign-out":
			nobody.says(a, 200)
		case r.Path == "/practice/signed-in":
			nobody.says(a, 400)
		case r.Method == http.MethodGet && !strings.HasPrefix(path, "/api/"):
			if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), h.issuer.URL+"/authorize?") {
				t.Errorf("%s: %d to %s", path, a.status, a.header.Get("Location"))
			}
		default:
			nobody.says(a, 401)
		}
	}
	wrong := h.signedIn("u-office", "office")
	wrong.says(wrong.get("/practice"), 403, "This is not for you")
	if s := h.state(ref); s.Status != optout.StatusRouted {
		t.Errorf("it stands %v", s.Status)
	}
	elsewhere := httptest.NewRequest(http.MethodPost, at(ref, "collect"), nil)
	elsewhere.Header.Set("Sec-Fetch-Site", "cross-site")
	elsewhere.AddCookie(h.manager().cookies[0])
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, elsewhere)
	if w.Code != 403 || h.state(ref).Status != optout.StatusRouted {
		t.Errorf("another site's form: %d", w.Code)
	}
}
