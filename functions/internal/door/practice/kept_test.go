package practice_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
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
