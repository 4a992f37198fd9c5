package practice_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// What people read is not what those read who write software.
func TestRefusalsAreInTheWordsOfWhoReadsThem(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.collects(ref)
	pages := []answer{
		b.says(b.get("/practice/nowhere"), 404, "There is nothing here", "Check the address, or begin at the first page."),
		b.says(b.get("/practice/use"), 405, "This cannot be done here"),
		b.says(b.get(at(ref, "nowhere")), 404, "There is nothing here", "Helen Marsh", "Sign out", "The Densham Surgery (A81001)"),
	}
	h.away("List", "Look")
	pages = append(pages, b.says(b.get("/practice"), 503, "We cannot do this at the moment", "Sign out"), b.says(b.get(at(ref, "apply")), 503))
	h.Fate = func(method string) optouttest.Fate {
		return map[string]optouttest.Fate{"List": optouttest.Broken}[method]
	}
	pages = append(pages, b.says(b.get("/practice"), 500, "Something went wrong on our side"))
	h.back()
	office := h.signedIn("u-office", "office")
	pages = append(pages, office.says(office.get("/practice"), 403, "This is not for you", "Helen Marsh", "Sign out"))
	for _, a := range pages {
		for _, word := range []string{"same key", "openapi", "Idempotency", "starts at /", "token", "software"} {
			if strings.Contains(shown(a.body), word) {
				t.Errorf("people read of %q: %s", word, shown(a.body))
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/practice/nowhere", nil)
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "The service starts at /.") {
		t.Errorf("software reads: %s", w.Body)
	}
}

// Whose it is nobody knows: neither of one's own nor of another practice is more said than that it is not there.
func TestAFormThatCannotBeReadIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ours, theirs := h.sent(nil), h.sent(func(a *optout.Answers) { a.Practice = "A81002" })
	for _, ref := range []optout.Reference{ours, theirs} {
		h.Tamper(ref, func(f *optout.Form) { f.Events[0].Hash[0]++ })
	}
	b := h.manager()
	if a := b.says(b.get("/practice"), 200, ours.String(), "Cannot be read just now"); strings.Contains(a.body, at(ours, "")) {
		t.Error("the list leads to what cannot be shown")
	}
	one, two := b.says(b.get(at(ours, "")), 404, "not on your list"), b.says(b.get(at(theirs, "")), 404)
	if one.body != two.body {
		t.Error("they are answered unlike each other")
	}
	b.says(b.post(at(ours, "collect"), "key", "k"), 404)
}

func TestTheReferenceOfARepeatLeadsToTheFormThatItRepeats(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	number := optouttest.Number()
	same := func(a *optout.Answers) { a.Subject.NHSNumber = number }
	first := h.sent(same)
	h.Move(time.Hour)
	second := h.sent(same)
	if s := h.state(second); s.Status != optout.StatusDuplicate || s.Of != first {
		t.Fatalf("the second stands %v", s.Status)
	}
	b, n := h.manager(), h.neighbour()
	b.leads(b.get(at(second, "")), at(first, "")+"?done=follows")
	b.says(b.get(at(first, "")+"?done=follows"), 200, "says the same as this one")
	n.says(n.get(at(second, "")), 404, "not on your list")
	b.says(b.post(at(second, "collect"), "key", "k"), 404)
}
