package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
)

// A form walks from the door to the practice's mail: on the stream alone, and on the sweeper alone. Each of the
// two is enough.
func TestAFormWalksToThePracticesMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags []string
		push  func(*stack)
	}{
		"with the sweeper off": {[]string{"-sweeper=off"}, func(*stack) {}},
		"with the stream off":  {[]string{"-stream=off"}, func(s *stack) { s.sweep(time.Now()) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), c.flags...)
			key := newKey()
			first, err := s.post("/api/forms", key, answers(t, "A81001", nil))
			if err != nil {
				t.Fatal(err)
			}
			r := first.receipt(t)
			if got := s.steps(r.Reference, "1957-03-31"); len(got) == 0 || got[0] != "received" {
				t.Errorf("steps after registration: %v", got)
			}
			eventually(t, "the practice has a mail", func() bool {
				c.push(s)
				return len(s.mails()) > 0
			})
			eventually(t, "the mail is recorded", func() bool { return s.item("P#A81001", "D")["mails"] != nil })
			if got := s.steps(r.Reference, "1957-03-31"); strings.Join(got, " ") != "received in-hand" {
				t.Errorf("steps after the mail: %v", got)
			}
			if got := s.steps(r.Reference, "1957-04-01"); got != nil {
				t.Errorf("steps for a wrong birth date: %v", got)
			}
			again, err := s.post("/api/forms", key, answers(t, "A81001", nil))
			if err != nil || !again.replayed || again.body != first.body {
				t.Errorf("sent again: %+v, %v", again, err)
			}
			found := s.page("/items?of=" + url.QueryEscape(strings.ToLower(strings.ReplaceAll(r.Reference, "-", " "))))
			for _, shown := range []string{"<h2>Form " + r.Reference + "</h2>", "<bdi>Quillfeather</bdi>", "<bdi>routed</bdi>", "L#A81001", "place 1 of 1", r.Reference + ", this one", "Digest of A81001"} {
				if !strings.Contains(found, shown) {
					t.Errorf("the console does not show %q of the form:\n%s", shown, found)
				}
			}
			mails := s.mails()
			if m := mails[0]; len(mails) != 1 || m.To[0] != "a81001@practice.example" || m.From != "optout@optout.example" || !strings.Contains(m.Subject, "at least 1 form waits") {
				t.Errorf("mails: %+v", mails)
			}
			silent(t, s)
		})
	}
}

// silent checks that nothing personal stands in any log line or mail.
func silent(t *testing.T, s *stack) {
	t.Helper()
	said := s.logs()
	if lines := strings.Count(said, `"msg":"invocation"`); lines < 3 {
		t.Errorf("only %d canonical lines were captured", lines)
	}
	for _, m := range s.mails() {
		said += m.Subject + m.Text + strings.Join(m.To, " ")
	}
	for _, secret := range personal {
		if strings.Contains(strings.ToLower(said), strings.ToLower(secret)) {
			t.Errorf("%q stands in a log line or a mail:\n%s", secret, said)
		}
	}
}

// Bad input through the real gateway: each is named, nothing is lost, and the stack goes on serving.
func TestBadInputMeetsTheRealStack(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	good := answers(t, "A81001", nil)
	for name, c := range map[string]struct {
		key, body string
		status    int
		code      string
	}{
		"no key":                {"", good, 400, "idempotency-key-missing"},
		"no UUID":               {"17", good, 400, "idempotency-key-not-uuid"},
		"33 KiB":                {newKey(), good + strings.Repeat(" ", 33<<10), 413, "body-too-large"},
		"5 MB":                  {newKey(), good + strings.Repeat(" ", 5<<20), 413, "body-too-large"},
		"not JSON":              {newKey(), good[1:], 400, "not-json"},
		"binary":                {newKey(), "\x00\xff\xfe", 400, "not-json"},
		"an unknown field":      {newKey(), strings.Replace(good, "{", `{"urgent":true,`, 1), 400, "unknown-field"},
		"a wrong type":          {newKey(), strings.Replace(good, `"dissent"`, `["dissent"]`, 1), 400, "wrong-type"},
		"15,000 brackets":       {newKey(), strings.Repeat("[", 15000), 400, "too-deep"},
		"a wrong check digit":   {newKey(), strings.Replace(good, "900 000 0009", "900 000 0008", 1), 400, "nhs-number-check-digit"},
		"an address of nothing": {newKey(), strings.Replace(good, "A81001", "A8100!", 1), 400, "practice-code-shape"},
	} {
		a, err := s.post("/api/forms", c.key, c.body)
		if err != nil || a.status != c.status || !strings.Contains(a.body, `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s %v, want %d %s", name, a.status, a.body, err, c.status, c.code)
		}
	}
	for path, status := range map[string]int{"/": 200, "/openapi.yaml": 200, "/nowhere": 404, "//evil.example/": 404, "/api/forms": 405} {
		if a, err := s.get(path); err != nil || a.status != status {
			t.Errorf("%s: %d %v, want %d", path, a.status, err, status)
		}
	}
	key := newKey()
	var all sync.WaitGroup
	got, errs := make([]answer, 64), make([]error, 64)
	for n := range got {
		all.Go(func() { got[n], errs[n] = s.post("/api/forms", key, good) })
	}
	all.Wait()
	firsts := 0
	for n, a := range got {
		if errs[n] != nil || a.status != http.StatusCreated || a.body != got[0].body {
			t.Errorf("request %d of 64: %+v, %v; the first got %s", n, a, errs[n], got[0].body)
		}
		if !a.replayed {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("of 64 identical requests %d were told that they were first", firsts)
	}
	other, err := s.post("/api/forms", key, answers(t, "A81002", func(a *optout.Answers) { a.Choice = "core" }))
	if err != nil || other.status != http.StatusUnprocessableEntity {
		t.Errorf("other answers under the key: %+v, %v", other, err)
	}
	eventually(t, "the practice has a mail", func() bool { return len(s.mails()) > 0 })
	silent(t, s)
}

// Ctrl-C leaves no process behind; the next start is fast and goes on with what there was.
func TestStoppingLeavesNothingBehindAndStartingGoesOn(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	s := start(t, state)
	a, err := s.post("/api/forms", newKey(), answers(t, "A81001", nil))
	if err != nil {
		t.Fatal(err)
	}
	r := a.receipt(t)
	pids := s.pids()
	if len(pids) < 3 {
		t.Fatalf("only %d processes", len(pids))
	}
	s.interrupt()
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("Ctrl-C ends it with %d", code)
	}
	eventually(t, "all processes are gone", func() bool { return running(pids) == 0 })

	s = start(t, state)
	t.Logf("the next start was ready after %v", s.ready.Round(time.Millisecond))
	if got := s.steps(r.Reference, "1957-03-31"); len(got) == 0 {
		t.Error("the form is gone")
	}
	pids = s.pids()
	s.kill()
	eventually(t, "all processes are gone after SIGKILL", func() bool { return running(pids) == 0 })
}

func running(pids []int) (n int) {
	for _, p := range pids {
		if alive(p) {
			n++
		}
	}
	return n
}
