package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A form goes in online; its practice is told by a mail, whose link leads somebody to sign in; they collect it, apply it and
// say so; their list shows it. What the person may see of it is right at each point.
func TestAFormIsAppliedAndChecked(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	sent, err := s.post("/api/forms", newKey(), answers(t, "A81001", nil))
	if err != nil {
		t.Fatal(err)
	}
	ref := sent.receipt(t).Reference
	steps := func(when, want string) {
		t.Helper()
		if got := strings.Join(s.steps(ref, "1957-03-31"), " "); got != want {
			t.Errorf("%s the person sees %q, want %q", when, got, want)
		}
	}
	eventually(t, "the practice has a mail", func() bool { return len(s.mails()) > 0 })
	_, after, found := strings.Cut(s.mails()[0].Text, "Sign in here: "+s.patients)
	link, _, _ := strings.Cut(after, "\n")
	if !found || link != "/practice" {
		t.Fatalf("the mail leads to %q: %s", link, s.mails()[0].Text)
	}
	steps("once the practice is told", "received in-hand")

	b, err := s.signIn("/practice", "manager")
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string, texts ...string) {
		t.Helper()
		a, err := b.get(path)
		if err != nil || a.code != http.StatusOK {
			t.Fatalf("%s: %d %s %v", path, a.code, a.body, err)
		}
		for _, text := range texts {
			if !strings.Contains(a.body, text) {
				t.Errorf("%s does not say %q: %s", path, text, a.body)
			}
		}
	}
	post := func(path string, form url.Values, to string) {
		t.Helper()
		if a, err := b.fill(path, form); err != nil || a.code != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), to) {
			t.Fatalf("%s: %d to %q, %s %v", path, a.code, a.header.Get("Location"), a.body, err)
		}
	}
	form := "/practice/forms/" + ref
	get(link, ref, "Collect it")
	get(form, "Collect this form")
	post(form+"/collect", url.Values{"key": {"k1"}}, form)
	steps("once it is collected", "received in-hand")
	get(form, "Quillfeather", "900 000 0009", "9Ndo.", "Say that it is applied")
	now := time.Now().In(london)
	post(form+"/apply", url.Values{
		"key": {"k2"}, "on-day": {now.Format("2")}, "on-month": {now.Format("1")}, "on-year": {now.Format("2006")}, "code": {"9Ndo."}, "told": {"no"},
	}, "/practice?done=applied")
	steps("once it is applied", "received in-hand finished")
	get("/practice?list=applied", ref, "Send a new list of coded patients")

	// Software of the practice sends the list, since the page asks for minutes and the form was applied a moment ago.
	software, err := s.software("A81001")
	if err != nil {
		t.Fatal(err)
	}
	list := "NHS number,Code\n" + number + ",9Ndo.\n"
	run := url.QueryEscape(time.Now().UTC().Format(time.RFC3339Nano))
	a, err := software.send(http.MethodPost, "/api/practice/extract?run="+run, "text/csv", list)
	if err != nil || a.code != http.StatusAccepted {
		t.Fatalf("the list is not taken: %d %s %v", a.code, a.body, err)
	}
	at := a.header.Get("Location")
	eventually(t, "the list is read", func() bool {
		a, err = software.send(http.MethodGet, at, "", "")
		return err == nil && strings.Contains(a.body, `"state":"read"`)
	})
	if !strings.Contains(a.body, `"checked":1`) {
		t.Errorf("the list shows %s", a.body)
	}
	get("/practice?list=done", ref, "Applied and checked")
	get(form, "A list of coded patients shows it", "Applied and checked")
	steps("once it is checked", "received in-hand finished")
	if looks := s.looks(ref); len(looks) < 2 {
		t.Errorf("%d looks are on record", len(looks))
	}
	if len(s.refusals()) > 0 {
		t.Errorf("refused: %v", s.refusals())
	}
	silent(t, s)
}
