package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// visitor is the browser of somebody who has signed in. It takes the stack for one of https, as browsers take this
// machine.
type visitor struct {
	s       *stack
	client  *http.Client
	cookies []*http.Cookie
}

// signIn has a persona of the stack's issuer sign in at a door, by way of the issuer's page.
func (s *stack) signIn(home, persona string) (*visitor, error) {
	v := &visitor{s: s, client: contracttest.Client(s.t.Errorf)}
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	begun, err := v.send(http.MethodGet, s.patients+home, nil)
	if err != nil || begun.status != http.StatusSeeOther {
		return nil, fmt.Errorf("signing in begins with %d %s %w", begun.status, begun.body, err)
	}
	stay := &http.Client{CheckRedirect: v.client.CheckRedirect}
	chosen, err := stay.Get(begun.onward + "&persona=" + persona)
	if err != nil {
		return nil, err
	}
	_ = chosen.Body.Close()
	back, err := v.send(http.MethodGet, chosen.Header.Get("Location"), nil)
	if err != nil || back.status != http.StatusSeeOther {
		return nil, fmt.Errorf("signing in ends with %d %s %w", back.status, back.body, err)
	}
	return v, nil
}

// seen is what a browser is shown.
type seen struct {
	status int
	onward string // where it is led
	body   string
}

func (v *visitor) get(path string) (seen, error) {
	return v.send(http.MethodGet, v.s.patients+path, nil)
}

// fill sends a form, and gives where that led; an error if it led nowhere.
func (v *visitor) fill(path string, pairs ...string) (string, error) {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	a, err := v.send(http.MethodPost, v.s.patients+path, form)
	if err == nil && a.status != http.StatusSeeOther {
		err = fmt.Errorf("%s is answered with %d %s", path, a.status, a.body)
	}
	return a.onward, err
}

func (v *visitor) send(method, address string, form url.Values) (seen, error) {
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return seen{}, err
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return seen{}, err
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		v.cookies = slices.DeleteFunc(v.cookies, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			v.cookies = append(v.cookies, c)
		}
	}
	b, err := io.ReadAll(resp.Body)
	return seen{resp.StatusCode, resp.Header.Get("Location"), string(b)}, err
}

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
		eventually(t, what, 20*time.Second, func() bool {
			page, err := office.get("/office")
			if err != nil {
				t.Fatal(err)
			}
			return page.status == http.StatusOK && holds(page.body)
		})
	}
	must(office.fill("/office/practices/A81001/email", "email", "bounce@practice.example"))
	a, err := s.post("/api/forms", newKey(), answers(t, "", func(a *optout.Answers) { a.NotRegistered = true }))
	if err != nil {
		t.Fatal(err)
	}
	ref := a.receipt(t).Reference
	list("the form is on the office's list", func(body string) bool { return strings.Contains(body, ref) })
	page, err := office.get("/office/forms/" + ref)
	if err != nil || !strings.Contains(page.body, "Quillfeather") || !strings.Contains(page.body, "The person is not registered with a practice") {
		t.Errorf("the form's page: %d %s %v", page.status, page.body, err)
	}
	must(office.fill("/office/forms/"+ref+"/assign", "practice", "A81001", "key", "k-1"))
	eventually(t, "the practice has a mail", 20*time.Second, func() bool { return len(s.mails()) == 1 })
	list("the mail came back", func(body string) bool {
		return !strings.Contains(body, ref) && strings.Contains(body, "(A81001)") && strings.Contains(body, "Mail came back")
	})
	y, m, d := time.Now().UTC().Date()
	must(office.fill("/office/practices/A81001/chase", "how", "phone", "on-day", fmt.Sprint(d), "on-month", m.String(), "on-year", fmt.Sprint(y), "text", "they told us another address"))
	must(office.fill("/office/practices/A81001/email", "email", "forms@practice.example"))
	eventually(t, "the practice is told at its new address", 20*time.Second, func() bool {
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

// telephone has the office register what somebody says by telephone, twice by a double click.
func (s *stack) telephone(office *visitor) (reference string, err error) {
	said := url.Values{
		"key": {newKey()}, "want": {"dissent"}, "forenames": {"Ada Wren"}, "surname": {"Quillfeather"}, "birth-date-day": {"31"}, "birth-date-month": {"3"}, "birth-date-year": {"1957"},
		"nhs-number": {optouttest.Number()}, "line-1": {"1 Lawson Street"}, "postcode": {"TS18 1HU"}, "practice": {"A81002"}, "signer": {"self"}, "safe": {"none"},
	}
	back, err := office.send(http.MethodPost, s.patients+"/office/phone", said)
	if err != nil {
		return "", err
	}
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(back.body)
	if sealed == nil {
		return "", fmt.Errorf("nothing is read back: %d %s", back.status, back.body)
	}
	first, err := office.fill("/office/phone/confirm", "sealed", sealed[1], "do", "send")
	if err != nil {
		return "", err
	}
	if again, err := office.fill("/office/phone/confirm", "sealed", sealed[1], "do", "send"); err != nil || again != first {
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
