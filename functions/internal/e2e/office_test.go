package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// A form that names no practice waits for the office, which finds one; the practice is told. A practice whose mail comes
// back is on the office's list until it has an address that works, and is told there.
func TestTheOfficeFindsAPracticeAndAnAddressThatWorks(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "-sweeper=off", "-set", "PracticeAddress=")
	office, err := s.signIn("/office", "office")
	if err != nil {
		t.Fatal(err)
	}
	must := func(onward string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list := func(what string, holds func(body string) bool) {
		t.Helper()
		eventually(t, what, func() bool {
			page, err := office.get("/office")
			if err != nil {
				t.Fatal(err)
			}
			return page.code == http.StatusOK && holds(page.body)
		})
	}
	must(office.does("/office/practices/A81001/email", "email", "bounce@practice.example"))
	a, err := s.post("/api/forms", newKey(), answers(t, "", func(a *optout.Answers) { a.NotRegistered = true }))
	if err != nil {
		t.Fatal(err)
	}
	ref := a.receipt(t).Reference
	list("the form is on the office's list", func(body string) bool { return strings.Contains(body, ref) })
	page, err := office.get("/office/forms/" + ref)
	if err != nil || !strings.Contains(page.body, "Quillfeather") || !strings.Contains(page.body, "The person is not registered with a practice") {
		t.Errorf("the form's page: %d %s %v", page.code, page.body, err)
	}
	must(office.does("/office/forms/"+ref+"/assign", "practice", "A81001", "key", "k-1"))
	eventually(t, "the practice has a mail", func() bool { return len(s.mails()) == 1 })
	list("the mail came back", func(body string) bool {
		return !strings.Contains(body, ref) && strings.Contains(body, "(A81001)") && strings.Contains(body, "Mail came back")
	})
	y, m, d := time.Now().In(london).Date()
	must(office.does("/office/practices/A81001/chase", "how", "phone", "on-day", fmt.Sprint(d), "on-month", m.String(), "on-year", fmt.Sprint(y), "text", "they told us another address"))
	must(office.does("/office/practices/A81001/email", "email", "forms@practice.example"))
	eventually(t, "the practice is told at its new address", func() bool {
		mails := s.mails()
		return len(mails) == 2 && mails[1].To[0] == "forms@practice.example" && strings.Contains(mails[1].Subject, "at least 1 form waits")
	})
	list("nothing waits for the office", func(body string) bool { return !strings.Contains(body, "A81001") })
	if got := s.steps(ref, "1957-03-31"); strings.Join(got, " ") != "received in-hand" {
		t.Errorf("the person sees %v", got)
	}

	must(s.telephone(office))
	if n := len(s.looks(ref)); n != 1 {
		t.Errorf("%d looks at the form are on record", n)
	}
	silent(t, s)
}

// walkOffice has the office find a practice for a form, register one by telephone, and hear of a mail that came back.
func (s *stack) walkOffice() error {
	office, err := s.signIn("/office", "office")
	if err != nil {
		return errors.Join(err, s.denied())
	}
	if _, err := office.does("/office/practices/A81004/email", "email", "bounce@practice.example"); err != nil {
		return errors.Join(err, s.denied())
	}
	ref, err := s.register("", optouttest.Number())
	if err != nil {
		return err
	}
	if err := s.await("a form is on the office's list", func() bool {
		page, err := office.get("/office")
		return err == nil && strings.Contains(page.body, ref)
	}); err != nil {
		return err
	}
	if _, err := office.does("/office/forms/"+ref+"/assign", "practice", "A81004"); err != nil {
		return errors.Join(err, s.denied())
	}
	if _, err := s.telephone(office); err != nil {
		return errors.Join(err, s.denied())
	}
	return s.await("the mail came back", func() bool { return s.digest("A81004", "fault") == "bounced" })
}

// telephone has the office register what somebody says by telephone, twice by a double click.
func (s *stack) telephone(office *caller) (reference string, err error) {
	said := url.Values{
		"key": {newKey()}, "want": {"dissent"}, "forenames": {"Ada Wren"}, "surname": {"Quillfeather"}, "birth-date-day": {"31"}, "birth-date-month": {"3"}, "birth-date-year": {"1957"},
		"nhs-number": {optouttest.Number()}, "line-1": {"1 Lawson Street"}, "postcode": {"TS18 1HU"}, "practice": {"A81002"}, "signer": {"self"}, "safe": {"none"},
	}
	back, err := office.fill("/office/phone", said)
	if err != nil {
		return "", err
	}
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(back.body)
	if sealed == nil {
		return "", fmt.Errorf("nothing is read back: %d %s", back.code, back.body)
	}
	first, err := office.does("/office/phone/confirm", "sealed", sealed[1], "do", "send")
	if err != nil {
		return "", err
	}
	if again, err := office.does("/office/phone/confirm", "sealed", sealed[1], "do", "send"); err != nil || again != first {
		return "", fmt.Errorf("a double click leads to %s and %s: %w", first, again, err)
	}
	return strings.TrimPrefix(first, "/office/phone/registered?reference="), nil
}

// looks are those at a form, as the table has them.
func (s *stack) looks(reference string) (all []map[string]any) {
	s.t.Helper()
	var items []map[string]any
	s.console("/items.json?pk="+url.QueryEscape("F#"+strings.ReplaceAll(reference, "-", "")), &items)
	for _, i := range items {
		if sk, _ := i["SK"].(string); strings.HasPrefix(sk, "L#") {
			all = append(all, i)
		}
	}
	return all
}
