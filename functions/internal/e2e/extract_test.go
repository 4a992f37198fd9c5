package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/scan/scantest"
)

// A list that a practice uploads is read: by the stream alone, and by the schedule alone. Each of the two is enough.
func TestAnExtractIsReadByTheStreamAndByTheSchedule(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "-sweeper=off")
	if err := s.walkLists(); err != nil {
		t.Fatal(err)
	}
	if err := s.walkTooLarge(); err != nil {
		t.Error(err)
	}
	logs := s.logs()
	for _, secret := range append([]string{"no code of ours"}, personal...) {
		if strings.Contains(logs, secret) {
			t.Errorf("%q stands in a log", secret)
		}
	}
}

// walkLists has lists read by the stream alone, and by the schedule alone.
func (s *stack) walkLists() error {
	still := func() error { return nil }
	if err := s.walkList("A81002", "neighbour", still, still); err != nil {
		return fmt.Errorf("by the stream: %w", err)
	}
	if err := s.flip("stream", false); err != nil {
		return err
	}
	forms := func() error { return s.sweepAt(time.Now()) }
	lists := func() error {
		return s.order("/schedule", url.Values{"event": {"ReaderClock/EveryMinute"}, "time": {time.Now().Format(time.RFC3339)}})
	}
	if err := s.walkList("A81001", "manager", forms, lists); err != nil {
		return fmt.Errorf("by the schedule: %w", err)
	}
	return nil
}

// walkPractice lets the practices' door, and who reads what it takes, do everything there is.
func (s *stack) walkPractice() error {
	b, err := s.signIn("/practice", "manager")
	if err != nil {
		return err
	}
	if a, err := b.send(http.MethodGet, "/practice/settings", "", ""); err != nil || a.code != http.StatusOK {
		return fmt.Errorf("no settings: %d %s %w", a.code, a.body, errors.Join(err, s.denied()))
	}
	a, err := b.fill("/practice/counter", url.Values{
		"key": {newKey()}, "want": {"dissent"}, "forenames": {"Ada Wren"}, "surname": {"Quillfeather"}, "birth-date-day": {"31"}, "birth-date-month": {"3"}, "birth-date-year": {"1957"},
		"line-1": {"1 Lawson Street"}, "postcode": {"TS18 1HU"}, "signer": {"self"}, "safe": {"none"},
	})
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(a.body)
	if err != nil || sealed == nil {
		return fmt.Errorf("nothing is read back: %d %s %w", a.code, a.body, errors.Join(err, s.denied()))
	}
	if a, err = b.fill("/practice/counter/confirm", url.Values{"sealed": {sealed[1]}, "do": {"send"}}); err != nil || a.code != http.StatusSeeOther {
		return fmt.Errorf("not registered at the counter: %d %s %w", a.code, a.body, errors.Join(err, s.denied()))
	}
	at, err := b.atCounter()
	if err != nil {
		return errors.Join(err, s.denied())
	}
	if err := b.attach(at, string(scantest.PNG(slip(1)))); err != nil {
		return errors.Join(err, s.denied())
	}
	err = s.await("the paper is shown", func() bool {
		a, err := b.get(at + "/scan")
		m := pictureOf.FindStringSubmatch(a.body)
		if err != nil || m == nil {
			return false
		}
		a, err = b.get(m[1])
		return err == nil && fetched(a.header.Get("Location")) == nil
	})
	return errors.Join(err, s.walkLists())
}

// fetched gets a picture at an address that was signed.
func fetched(at string) error {
	r, err := http.Get(at)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/jpeg" {
		return fmt.Errorf("no picture: %d", r.StatusCode)
	}
	return nil
}

// walkList sends lists for a practice that has two forms, as a browser does and as software does, and waits for what
// comes of them.
func (s *stack) walkList(practice, persona string, pushForms, push func() error) error {
	began := time.Now()
	software, err := s.software(practice)
	if err != nil {
		return err
	}
	people := []string{optouttest.Number(), optouttest.Number()}
	var refs []string
	for _, person := range people {
		ref, err := s.register(practice, person)
		if err != nil {
			return err
		}
		refs = append(refs, ref)
		if err := s.await("a form reaches its practice", func() bool {
			return pushForms() == nil && s.status(software, ref) == http.StatusConflict // to be collected first
		}); err != nil {
			return err
		}
		for _, said := range []string{`collect {"person":"u-1"}`, `apply {"person":"u-1","on":"` + nhs.DateOf(time.Now()).ISO() + `","code":"9Ndo."}`} {
			verb, body, _ := strings.Cut(said, " ")
			if a, err := software.send(http.MethodPost, "/api/practice/forms/"+ref+"/"+verb, "application/json", body); err != nil || a.code != http.StatusOK {
				return fmt.Errorf("%s: %d %s %w", verb, a.code, a.body, errors.Join(err, s.denied()))
			}
		}
	}
	list := "NHS number,Code\n" + people[0] + ",9Ndo.\n" + optouttest.Number() + ",9Ndo.\n" + optouttest.Number() + ",no code of ours\n"

	b, err := s.signIn("/practice", persona)
	if err != nil {
		return err
	}
	// The list was run in the minute in which this began, before any form was said to be applied: nobody is in doubt yet.
	at, page, err := b.slot(began)
	if err != nil {
		return err
	}
	back, err := upload(page, list)
	if err != nil {
		return errors.Join(err, s.denied())
	}
	if !strings.HasPrefix(back, s.patients+at+"/uploaded") {
		return fmt.Errorf("the bucket leads to %s", back)
	}
	var a told
	if a, err = b.send(http.MethodGet, strings.TrimPrefix(back, s.patients), "", ""); err != nil || a.header.Get("Location") != at {
		return fmt.Errorf("the door does not see that it came: %d %s %w", a.code, a.body, err)
	}
	err = s.await("the list is read", func() bool {
		a, err = b.send(http.MethodGet, at, "", "")
		return push() == nil && err == nil && strings.Contains(a.body, "What your list shows")
	})
	if err != nil {
		return fmt.Errorf("%w: %s", err, a.body)
	}
	if !strings.Contains(a.body, "Rows that were not used") {
		return fmt.Errorf("the answer page says %s", a.body)
	}
	if _, err := b.csv(at+"/answer.csv", "2,applied-later", "3,unknown", "4,code-unknown", ",applied-later"); err != nil {
		return err
	}

	a, err = software.send(http.MethodPost, "/api/practice/extract?run="+url.QueryEscape(time.Now().UTC().Format(time.RFC3339Nano)), "text/csv", list)
	if err != nil || a.code != http.StatusAccepted {
		return fmt.Errorf("software cannot send it: %d %s %w", a.code, a.body, errors.Join(err, s.denied()))
	}
	at = a.header.Get("Location")
	var said struct {
		State, Answer string
		Used, Forms   map[string]int
		InDoubt       []string
	}
	err = s.await("the list of software is read", func() bool {
		a, err = software.send(http.MethodGet, at, "", "")
		return push() == nil && err == nil && json.Unmarshal([]byte(a.body), &said) == nil && said.State == "read"
	})
	if err != nil {
		return fmt.Errorf("%w: %s", err, a.body)
	}
	if said.Used["checked"] != 1 || said.Forms["in-doubt"] != 1 || !slices.Equal(said.InDoubt, refs[1:]) {
		return fmt.Errorf("software is told %s", a.body)
	}
	if _, err := software.csv(said.Answer, "2,checked", "3,unknown", ",in-doubt"); err != nil {
		return err
	}
	for i, want := range []string{"checked", "in-doubt"} {
		if got := s.stands(software, refs[i]); got != want {
			return fmt.Errorf("form %d is %s, not %s", i, got, want)
		}
	}
	return s.denied()
}

// slot asks for room for a list, by the minute in which it was run, and gives its address and the page from which it is
// sent.
func (c *caller) slot(run time.Time) (at, page string, err error) {
	run = run.In(london)
	a, err := c.fill("/practice/extract", url.Values{
		"run-day": {run.Format("2")}, "run-month": {run.Format("1")}, "run-year": {run.Format("2006")}, "time": {run.Format("15:04")},
	})
	if at = a.header.Get("Location"); err != nil || a.code != http.StatusSeeOther {
		return "", "", fmt.Errorf("no slot: %d %s %w", a.code, a.body, errors.Join(err, c.s.denied()))
	}
	if a, err = c.send(http.MethodGet, at, "", ""); err != nil || a.code != http.StatusOK {
		return "", "", fmt.Errorf("no form to send: %d %s %w", a.code, a.body, errors.Join(err, c.s.denied()))
	}
	return at, a.body, nil
}

// walkTooLarge sends what the bucket must not take: more than a list may have, nothing, or the file of another slot. The
// slot waits for a better one.
func (s *stack) walkTooLarge() error {
	b, err := s.signIn("/practice", "manager")
	if err != nil {
		return err
	}
	at, page, err := b.slot(time.Now())
	if err != nil {
		return err
	}
	id := at[strings.LastIndex(at, "/")+1:]
	for what, send := range map[string]struct{ page, file string }{
		"a file of more than 64 MB":     {page, strings.Repeat("x", extract.MostBytes+1)},
		"an empty file":                 {page, ""},
		"a file under another key":      {strings.ReplaceAll(page, `value="extracts/`+id, `value="extracts/A`+id[1:]+`x`), "x"},
		"a file that leads elsewhere":   {strings.ReplaceAll(page, at+"/uploaded", "/elsewhere"), "x"},
		"a file with another signature": {regexp.MustCompile(`(name="X-Amz-Signature" value=")..`).ReplaceAllString(page, "${1}zz"), "x"},
	} {
		if back, err := upload(send.page, send.file); err == nil {
			return fmt.Errorf("the bucket takes %s and leads to %s", what, back)
		}
	}
	if a, err := b.send(http.MethodGet, at, "", ""); err != nil || !strings.Contains(a.body, "Send your list") {
		return fmt.Errorf("the slot does not wait any more: %d %s %w", a.code, a.body, err)
	}
	return nil
}

var london = func() *time.Location {
	l, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err)
	}
	return l
}()

// csv follows an address to a file, whose lines must begin like that, one after the other.
func (c *caller) csv(path string, lines ...string) (string, error) {
	a, err := c.send(http.MethodGet, path, "", "")
	if err != nil || a.code != http.StatusSeeOther {
		return "", fmt.Errorf("no way to the answer: %d %s %w", a.code, a.body, errors.Join(err, c.s.denied()))
	}
	r, err := http.Get(a.header.Get("Location"))
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("no answer: %d %s %w", r.StatusCode, text, errors.Join(err, c.s.denied()))
	}
	if d := r.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
		return "", fmt.Errorf("the answer is not to be saved: %q", d)
	}
	from := 0
	for _, line := range lines {
		i := strings.Index(string(text[from:]), "\n"+line)
		if i < 0 {
			return "", fmt.Errorf("no line %q, or not in its place, in %s", line, text)
		}
		from += i + 1
	}
	return string(text), nil
}

var (
	formOf  = regexp.MustCompile(`<form method="post" action="([^"]+)" enctype="multipart/form-data">`)
	fieldOf = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
)

// upload sends a file by the form of a page, as a browser does without scripts, and gives where that leads.
func upload(page, file string) (back string, err error) {
	form := formOf.FindStringSubmatch(page)
	if form == nil {
		return "", fmt.Errorf("no form in %s", page)
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	page = page[strings.Index(page, form[0]):]
	for _, f := range fieldOf.FindAllStringSubmatch(page[:strings.Index(page, "</form>")], -1) {
		if err := parts.WriteField(html.UnescapeString(f[1]), html.UnescapeString(f[2])); err != nil {
			return "", err
		}
	}
	part, err := parts.CreateFormFile("file", "list.csv")
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(part, file); err != nil {
		return "", err
	}
	if err := parts.Close(); err != nil {
		return "", err
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stay.Post(html.UnescapeString(form[1]), parts.FormDataContentType(), &body)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	if text, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("the bucket does not take the list: %d %s", r.StatusCode, text)
	}
	return r.Header.Get("Location"), nil
}

// status is what software is answered that asks for a form.
func (s *stack) status(c *caller, ref string) int {
	a, err := c.send(http.MethodGet, "/api/practice/forms/"+ref+"?person=u-17", "", "")
	if err != nil {
		return 0
	}
	return a.code
}

// stands is where a form of the practice stands, by its lists.
func (s *stack) stands(c *caller, ref string) string {
	for _, list := range []string{"waiting", "applied", "done"} {
		a, err := c.send(http.MethodGet, "/api/practice/forms?list="+list, "", "")
		var said struct {
			Forms []struct{ Reference, Status string }
		}
		if err != nil || json.Unmarshal([]byte(a.body), &said) != nil {
			return a.body
		}
		for _, f := range said.Forms {
			if f.Reference == ref {
				return f.Status
			}
		}
	}
	return "nowhere"
}
