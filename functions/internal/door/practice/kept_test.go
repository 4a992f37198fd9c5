package practice_test

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

// said is what somebody fills in at the counter.
var said = []string{
	"key", "c1", "want", "dissent", "forenames", "Kit", "surname", "Quillfeather", "birth-date-day", "31", "birth-date-month", "3", "birth-date-year", "1957",
	"nhs-number", "900 000 0009", "line-1", "1 Lawson Street", "postcode", "TS18 1HU", "signer", "self", "safe", "none",
}

// What a page was shown for is never done for another practice that was put in use meanwhile, in another tab.
func TestAPageIsSentForThePracticeThatItWasShownFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.signedIn("u-locum", "ods-A81001", "ods-A81002")
	b.leads(b.post("/practice/use", "practice", "A81001"), "/practice")
	for _, path := range []string{"/practice/settings", "/practice/extract", "/practice/counter"} {
		b.says(b.get(path), 200, `name="for" value="A81001"`)
	}
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(b.post("/practice/counter", append(slices.Clone(said), "for", "A81001")...).body)
	if sealed == nil {
		t.Fatal("nothing is kept of what was read back")
	}
	b.leads(b.post("/practice/use", "practice", "A81002"), "/practice")
	const why = "You are working for Queens Park Medical Centre (A81002) now"
	for path, pairs := range map[string][]string{
		"/practice/settings/decision": {"stand", "stopped", "words", "typed with care", "on-day", "20", "on-month", "11", "on-year", "2026"},
		"/practice/settings/email":    {"email", "typed@with.care"},
		"/practice/extract":           {"run-day", "20", "run-month", "11", "run-year", "2026", "time", "14:05"},
		"/practice/counter":           said,
	} {
		for _, page := range []string{"A81001", "", "nowhere"} {
			a := b.says(b.post(path, append(slices.Clone(pairs), "for", page)...), 409, "There is a problem", why, `name="for" value="A81002"`)
			for i := 0; i < len(pairs); i += 2 {
				if v := pairs[i+1]; len(v) > 4 && !strings.Contains(a.body, v) {
					t.Errorf("%s: %q is lost", path, v)
				}
			}
		}
	}
	b.says(b.post("/practice/counter/confirm", "sealed", sealed[1], "do", "send"), 409, why, `value="Quillfeather"`)
	for _, code := range []string{"A81001", "A81002"} {
		p, err := h.Practice(t.Context(), nhs.StoredODSCode(code))
		lists, failed := upload.Recent(t.Context(), h, nhs.StoredODSCode(code), 10)
		if err != nil || failed != nil || len(p.Decisions)+len(p.Contacts)+len(lists) > 0 {
			t.Errorf("something was done for %s: %v %v, %v %v", code, p.Decisions, p.Contacts, err, failed)
		}
	}
	b.leads(b.post("/practice/settings/email", "email", "desk@queens.example", "for", "A81002"), "/practice/settings?done=email")
}

// away lets the table refuse what these methods do.
func (h *house) away(methods ...string) {
	h.Fate = func(method string) optouttest.Fate {
		if slices.Contains(methods, method) {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
}

func (h *house) back() { h.Fate = nil }

// collects is the browser of somebody who has collected a form.
func (h *house) collects(ref optout.Reference) *browser {
	b := h.manager()
	b.leads(b.post(at(ref, "collect"), "key", "k0"), at(ref, "")+"?done=collected")
	return b
}

func TestWhatWasTypedIsThereAgainWhenTheTableWasAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.collects(ref)
	h.away("Record", "SavePractice", "Register", "Claimed")
	const later = "Nothing that you typed is lost"
	for path, pairs := range map[string][]string{
		at(ref, "apply"):              append(slices.Clone(applied), "text", "typed with care"),
		at(ref, "return"):             {"reason", "OTHER", "text", "typed with care"},
		at(ref, "correct"):            {"text", "typed with care"},
		"/practice/settings/decision": {"stand", "wait", "words", "typed with care", "on-day", "20", "on-month", "11", "on-year", "2026"},
	} {
		a := b.says(b.post(path, pairs...), 503, later, "typed with care")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s does not say when to try again", path)
		}
	}
	h.away("Register", "Look", "Record")
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`)
	one := sealed.FindStringSubmatch(b.post("/practice/counter", said...).body)
	if one == nil {
		t.Fatal("nothing is kept of what was read back")
	}
	two := sealed.FindStringSubmatch(b.says(b.post("/practice/counter/confirm", "sealed", one[1], "do", "send"), 503, "Read this back to the person", later, "Quillfeather").body)
	h.away("Look")
	if two == nil || two[1] != one[1] {
		t.Fatal("what was read back is not there to be sent again")
	}
	b.says(b.post("/practice/counter/confirm", "sealed", two[1], "do", "send"), 503, later)
	h.back()
	if a := b.post("/practice/counter/confirm", "sealed", two[1], "do", "send"); a.status != http.StatusSeeOther {
		t.Errorf("sent again it is answered with %d: %s", a.status, shown(a.body))
	}
}

// A page that was filled in for longer than a session lasts can be sent from where it is, once somebody has signed in.
func TestWhatWasTypedOutlivesTheSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	b.says(b.get("/practice/counter"), 200, "If you send nothing for 15 minutes you are signed out", `data-stay="/practice/stay"`)
	h.Move(16 * time.Minute)
	a := b.says(b.post("/practice/counter", append(slices.Clone(said), "safe", "<two>")...), 401, "You have been signed out because you were away", `href="/practice/stay" target="_blank"`, "Send it again")
	fields := regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(a.body, -1)
	var pairs []string
	for _, f := range fields {
		pairs = append(pairs, html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	for i := 0; i < len(said); i += 2 {
		if n := slices.Index(pairs, said[i]); n < 0 || pairs[n+1] != said[i+1] {
			t.Errorf("%s is lost: %v", said[i], pairs)
		}
	}
	if !strings.Contains(a.body, `action="/practice/counter"`) || !slices.Contains(pairs, "<two>") {
		t.Errorf("it cannot be sent again: %s", a.body)
	}
	again := h.manager()
	again.says(again.get("/practice/stay"), 200, "You are signed in")
	again.says(again.post("/practice/counter", said...), 200, "Read this back to the person")
	again.says(again.post("/practice/sign-out"), 200)
	h.keepsSecret()
}

func TestWhoTypesIsAtWorkOnTheFormAndLosesNothingToAColleague(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.collects(ref)
	stay := func(of *browser, d time.Duration) {
		for ; d > 0; d -= 10 * time.Minute {
			h.Move(10 * time.Minute)
			of.says(of.get("/practice/stay"), 200)
		}
	}
	stay(b, 20*time.Minute)
	b.says(b.get(at(ref, "return")), 200)
	stay(b, 20*time.Minute)
	c := h.colleague()
	c.says(c.post(at(ref, "claim")), 409, "a colleague is at work on it") // the page that was opened says so
	c.says(c.get(at(ref, "apply")), 409, "a colleague is at work on it")
	stay(b, 20*time.Minute)
	c = h.colleague()
	c.leads(c.post(at(ref, "claim")), at(ref, "")+"?done=claimed")
	b.says(b.post(at(ref, "return"), "reason", "OTHER", "text", "typed with care"), 409, "There is a problem", "Nothing was changed: a colleague is at work on it", "typed with care")
}

// A page that has said something, gone back to and changed, says nothing more under the same key.
func TestAPageThatWasSentShowsHowTheFormStandsWhenItIsSentAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.collects(ref)
	b.leads(b.post(at(ref, "apply"), applied...), "/practice?done=applied")
	other := slices.Clone(applied)
	other[1] = "21"
	a := b.says(b.post(at(ref, "apply"), other...), 409, "You have already said something about this form from that page. This is how it stands.", "Applied, not checked", "Take back that it is applied")
	if strings.Contains(a.body, "Take a new one") {
		t.Error("a person is asked for a new key")
	}
}

// A form may leave the list by what is said of it. Whoever sends that once more, since no answer came, is told that it is recorded;
// nobody else is told anything.
func TestWhatTookAFormAwayIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.collects(ref)
	said := []string{"reason", "NOT_OUR_PATIENT", "key", "sent-twice"}
	b.leads(b.post(at(ref, "return"), said...), "/practice?done=returned")
	b.leads(b.post(at(ref, "return"), said...), "/practice?done=before")
	b.says(b.get("/practice?done=before"), 200, "What you sent first from that page is recorded. If you have changed anything there since, that is not.")
	b.says(b.post(at(ref, "return"), "reason", "NOT_OUR_PATIENT", "key", "another"), 404, "not on your list")
	b.says(b.post(at(ref, "return"), "reason", "NOT_OUR_PATIENT"), 404, "not on your list")
	b.says(b.get(at(ref, "")+"?key=sent-twice"), 404, "not on your list")
	n := h.neighbour()
	n.says(n.post(at(ref, "return"), said...), 404, "not on your list")
	if h.versionOf(ref, optout.Returned) == 0 || h.state(ref).Status != optout.StatusReturned {
		t.Errorf("it stands as %+v", h.state(ref))
	}
}

// What was recorded is answered as it was, though a colleague is at work on the form by now.
func TestWhatWasRecordedIsAnsweredAgainWhoeverHasTheForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b, c := h.manager(), h.colleague()
	b.leads(b.post(at(ref, "collect"), "key", "k-1"), at(ref, "")+"?done=collected")
	b.leads(b.post(at(ref, "put-back"), "key", "k-2"), "/practice?done=put-back")
	c.leads(c.post(at(ref, "collect"), "key", "k-3"), at(ref, "")+"?done=collected")
	b.leads(b.post(at(ref, "put-back"), "key", "k-2"), "/practice?done=put-back")
	b.leads(b.post(at(ref, "collect"), "key", "k-1"), at(ref, "")+"?done=collected")
	b.says(b.post(at(ref, "put-back"), "key", "k-4"), 409, "a colleague is at work on it")
	c.leads(c.post(at(ref, "return"), "key", "k-5", "reason", "NOT_OUR_PATIENT"), "/practice?done=returned")
}

func TestALocumComesToWhereTheyWereGoing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.signedIn("u-locum", "ods-A81001", "ods-A81002")
	b.says(b.get(at(ref, "")+"?done=x"), 200, "Which practice are you working for now?", `name="back" value="`+at(ref, "")+`?done=x"`)
	b.says(b.post("/practice/use", "back", at(ref, "")), 422, "Choose a practice.", `name="back" value="`+at(ref, "")+`"`)
	a := b.says(b.post(at(ref, "collect"), "key", "k0", "text", "typed with care"), 409, "Choose which practice you are working for first", `href="/practice/choose" target="_blank"`, `value="typed with care"`)
	if strings.Contains(a.body, "There is a problem") {
		t.Error("who was asked nothing is told that there is a problem")
	}
	for _, elsewhere := range []string{"https://evil.example/practice", "//evil.example/practice", "/office", "/practice/../office", "/practice\\evil", "javascript:alert(1)", "", "/practiceevil", "/practice//evil"} {
		b.leads(b.post("/practice/use", "practice", "A81001", "back", elsewhere), "/practice")
	}
	b.leads(b.post("/practice/use", "practice", "A81001", "back", at(ref, "")+"?done=x"), at(ref, "")+"?done=x")
}
