package e2e

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/scan/scantest"
)

var (
	sealedOf  = regexp.MustCompile(`name="sealed" value="([^"]+)"`)
	pictureOf = regexp.MustCompile(`src="(/practice/forms/[^"]+/scans/[^"]+)"`)
)

// The paper of a form that was registered at a counter is sent, checked for malware, drawn, and shown to who collected the
// form: by the event alone, and after silence by the schedule alone, which asks for the result again.
func TestAScanIsDrawnByTheEventAndByTheSchedule(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	b, err := s.signIn("/practice", "manager")
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.atCounter()
	if err != nil {
		t.Fatal(err)
	}
	sees := func(what string, texts ...string) string {
		t.Helper()
		var a told
		err := s.await(what, func() bool {
			var err error
			a, err = b.get(at + "/scan")
			for _, text := range texts {
				if err != nil || !strings.Contains(a.body, text) {
					return false
				}
			}
			return true
		})
		if err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		return a.body
	}
	if err := b.attach(at, string(scantest.PDF(scantest.Form(1), scantest.Paper(2, true)))); err != nil {
		t.Fatal(err)
	}
	page := sees("the scan is drawn", "2 pages", "<img")
	for _, m := range pictureOf.FindAllStringSubmatch(page, -1) {
		a, err := b.get(m[1])
		if err != nil || a.code != http.StatusSeeOther {
			t.Fatalf("%s: %d %v", m[1], a.code, err)
		}
		r, err := http.Get(a.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		picture, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/jpeg" {
			t.Fatalf("%d %v %v", r.StatusCode, r.Header, err)
		}
		if drawn, err := jpeg.Decode(bytes.NewReader(picture)); err != nil || drawn.Bounds().Dy() < 2000 {
			t.Errorf("%v, %v", drawn.Bounds(), err)
		}
	}
	if err := b.attach(at, "X5O!P%@AP[4\\PZX54(P^)7CC)7}$"+"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"); err != nil {
		t.Fatal(err)
	}
	sees("the malware is found", "Malware was found in this file")

	if err := s.flip("malware", false); err != nil {
		t.Fatal(err)
	}
	if err := b.attach(at, string(scantest.Photograph(scantest.Form(3)))); err != nil {
		t.Fatal(err)
	}
	sees("the photograph has come", "Being checked")
	if err := s.flip("malware", true); err != nil {
		t.Fatal(err)
	}
	sweep := url.Values{"event": {"ScansClock/EveryMinute"}, "time": {time.Now().Add(11 * time.Minute).Format(time.RFC3339)}}
	if err := s.order("/schedule", sweep); err != nil {
		t.Fatal(err)
	}
	sees("the result that was asked for again has come", "1 page", "2 pages")
	logs := s.logs()
	for _, secret := range personal {
		if strings.Contains(logs, secret) {
			t.Errorf("%q stands in a log", secret)
		}
	}
}

// atCounter registers a form at the practice's counter, collects it, and gives its address.
func (c *caller) atCounter() (string, error) {
	a, err := c.fill("/practice/counter", url.Values{
		"key": {newKey()}, "want": {"dissent"}, "forenames": {"Ada Wren"}, "surname": {"Quillfeather"}, "birth-date-day": {"31"}, "birth-date-month": {"3"}, "birth-date-year": {"1957"},
		"line-1": {"1 Lawson Street"}, "postcode": {"TS18 1HU"}, "signer": {"self"}, "safe": {"none"},
	})
	sealed := sealedOf.FindStringSubmatch(a.body)
	if err != nil || sealed == nil {
		return "", fmt.Errorf("nothing is read back: %d %s %w", a.code, a.body, err)
	}
	to, err := c.does("/practice/counter/confirm", "sealed", sealed[1], "do", "send")
	if err != nil {
		return "", err
	}
	_, ref, _ := strings.Cut(to, "reference=")
	at := "/practice/forms/" + ref
	return at, c.s.await("the form is on the practice's list", func() bool {
		_, err := c.does(at + "/collect")
		return err == nil
	})
}

// attach sends a scan of the paper of a form.
func (c *caller) attach(at, file string) error {
	to, err := c.does(at + "/scan")
	if err != nil {
		return err
	}
	a, err := c.get(to)
	if err != nil {
		return err
	}
	back, err := upload(a.body, file)
	if err != nil {
		return err
	}
	if a, err = c.get(strings.TrimPrefix(back, c.s.patients)); err != nil || a.code != http.StatusSeeOther {
		return fmt.Errorf("the door does not see that it came: %d %s %w", a.code, a.body, err)
	}
	return nil
}
