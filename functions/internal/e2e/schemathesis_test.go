package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/scan/scantest"
	"example.org/optout/infra"
)

// held is what Schemathesis holds every answer to. Not among it: that what the schemas allow is accepted (a check
// digit is no matter of theirs), and that what was made is found again (a journey is found by whoever has its cookie).
var held = []string{
	"not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
	"response_schema_conformance", "missing_required_header", "unsupported_method", "allow_header_conformance",
}

// mostCases is how many requests Schemathesis makes up for each operation and phase.
const mostCases = "25"

// schemathesis sends an address what the contract that it serves makes possible, and what it does not; fails says
// whether an answer was another than the contract has it.
func schemathesis(t *testing.T, address, config string, flags ...string) (said string, fails bool) {
	t.Helper()
	installed, _ := filepath.Glob(filepath.Join(root, ".tools/schemathesis/installed-*"))
	if len(installed) == 0 && os.Getenv("NO_SKIP") == "1" {
		t.Fatal("no Schemathesis: run `make test`")
	}
	if len(installed) == 0 {
		t.Skip("SKIPPED, nothing made up was sent: no Schemathesis, run `make test`")
	}
	command, err := filepath.Abs(filepath.Join(root, ".tools/schemathesis/bin/st"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir() // it leaves things where it runs
	if err := os.WriteFile(filepath.Join(folder, "schemathesis.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	st := exec.CommandContext(ctx, command, append([]string{
		"run", address + "/openapi.yaml", "--checks", strings.Join(held, ","), "--continue-on-failure", "--max-redirects", "0",
		"--warnings", "off", "--no-color",
	}, flags...)...)
	st.Dir, st.Env = folder, append(os.Environ(), "NO_PROXY=127.0.0.1")
	var out bytes.Buffer
	st.Stdout, st.Stderr = &out, &out
	err = st.Run()
	if code := st.ProcessState.ExitCode(); err != nil && code != 1 {
		t.Fatalf("Schemathesis: %v\n%s", err, out.String())
	}
	return out.String(), err != nil
}

// Whatever is sent to an address of the contract is answered as the contract says, and never with a fault of ours.
// Pages are asked for in a journey with all answers, so that none of them is out of reach.
func TestSchemathesisFindsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	journey, cookie, pages := s.answered()
	first, err := s.get("/")
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := filepath.Abs("schemathesis/fresh_keys.py")
	if err != nil {
		t.Fatal(err)
	}
	said, fails := schemathesis(t, s.patients, fmt.Sprintf(`
hooks = %q
headers = { Cookie = %q }
[dictionaries]
pages = { values = [%s] }
files = { values = [%s] }
[parameters]
"path.journey" = %q
"path.page" = { dictionary = "pages", probability = 0.9 }
"path.file" = { dictionary = "files", probability = 0.5 }
`, hooks, cookie, quoted(pages), quoted(regexp.MustCompile(`[^/]+\.css`).FindAllString(first.body, -1)), journey), "--max-examples", mostCases, "--exclude-tag", "practice", "--exclude-tag", "office", "--exclude-tag", "mailroom")
	if fails {
		t.Errorf("Schemathesis found:\n%s", said)
	}
	for _, line := range []string{`Operations: .*`, `Tested: .*`, `.* generated, .*`, `Seed: .*`} {
		t.Log(regexp.MustCompile(line).FindString(said))
	}
	logs := s.logs()
	if strings.Contains(logs, `"level":"ERROR"`) {
		t.Errorf("it found faults of ours:\n%s", logs)
	}
	for _, reached := range []string{`GET /form/{journey}/{page}","status":"200"`, `GET /assets/{file}","status":"200"`, `POST /api/forms","status":"201"`} {
		if !strings.Contains(logs, reached) {
			t.Errorf("it did not get as far as %s", reached)
		}
	}
}

// So is whatever is sent to the doors of those at work, by somebody who has signed in and software that has a token, about
// forms that are there. To sign out would end it.
func TestSchemathesisFindsNothingAtWork(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	software, err := s.software("A81001")
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := filepath.Abs("schemathesis/fresh_keys.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		door, persona, practice string
		pages, verbs, reached   []string
	}{
		{
			"practice", "manager", "A81001",
			[]string{"apply", "return", "correct", "decide", "withdraw", "keep", "number", "print", "fhir", "collect", "claim", "release", "put-back"},
			[]string{"collect", "put-back", "apply", "return", "correct"},
			[]string{`GET /practice/forms/{reference}","status":"200"`, `GET /practice/forms/{reference}/{page}","status":"200"`, `GET /api/practice/forms/{reference}","status":"200"`, `POST /practice/forms/{reference}/{page}","status":"422"`},
		},
		{
			"office", "supervisor", "",
			[]string{"assign", "answer", "confirm", "complain", "number", "looks"},
			nil,
			[]string{`GET /office/forms/{reference}","status":"200"`, `POST /office/forms/{reference}/{page}","status":"422"`},
		},
	} {
		b, err := s.signIn("/"+c.door, c.persona)
		if err != nil {
			t.Fatal(err)
		}
		var refs []string
		for range 3 {
			ref, err := s.register(c.practice, optouttest.Number())
			if err != nil {
				t.Fatal(err)
			}
			refs = append(refs, ref)
			eventually(t, "the form can be collected", func() bool {
				if c.practice == "" {
					return s.version(ref) > 1
				}
				a, err := b.fill("/practice/forms/"+ref+"/collect", nil)
				return err == nil && a.code == http.StatusSeeOther
			})
		}
		said, fails := schemathesis(t, s.patients, fmt.Sprintf(`
hooks = %q
headers = { Cookie = "__Host-session=%s", Authorization = "Bearer %s" }
[dictionaries]
references = { values = [%s] }
pages = { values = [%s] }
verbs = { values = [%s] }
files = { values = ["waiting.csv", "waiting.json"] }
[parameters]
"path.reference" = { dictionary = "references", probability = 0.8 }
"path.page" = { dictionary = "pages", probability = 0.9 }
"path.verb" = { dictionary = "verbs", probability = 0.9 }
"path.file" = { dictionary = "files", probability = 0.5 }
`, hooks, b.cookies["__Host-session"], software.token, quoted(refs), quoted(c.pages), quoted(append(c.verbs, "x"))),
			"--max-examples", mostCases, "--include-tag", c.door, "--exclude-operation-id-regex", "(?i)signOut|signedOut",
			"--exclude-checks", "unsupported_method") // the gateway hands what it does not route to the patients' door, which has no such address
		if fails {
			t.Errorf("Schemathesis found at /%s:\n%s", c.door, said)
		}
		for _, line := range []string{`Operations: .*`, `.* generated, .*`} {
			t.Logf("/%s: %s", c.door, regexp.MustCompile(line).FindString(said))
		}
		logs := s.logs()
		if strings.Contains(logs, `"level":"ERROR"`) {
			t.Errorf("it found faults of ours:\n%s", logs)
		}
		for _, reached := range c.reached {
			if !strings.Contains(logs, reached) {
				t.Errorf("it did not get as far as %s", reached)
			}
		}
	}
}

// So is whatever is sent to the mailroom, by a supervisor who has a piece before them and by a client that sends scans, about
// a batch, pieces, files and a held form that are there.
func TestSchemathesisFindsNothingInTheMailroom(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "-set", "KeyedTwice=0") // or a held form may wait for somebody else, and there is none
	if err := s.mayPush(); err != nil {
		t.Fatal(err)
	}
	client, err := s.machine("push-1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.signIn("/mailroom", "supervisor")
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.opensBatch(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.sends(id, scantest.PDF(scantest.Form(1), scantest.Form(2)), scantest.PNG(scantest.Form(3))); err != nil {
		t.Fatal(err)
	}
	next := func() (piece string) {
		t.Helper()
		if err := s.await("a piece waits at the desk", func() bool {
			at, err := b.takes("K", id)
			piece = at[strings.LastIndex(at, "/")+1:]
			return err == nil && at != ""
		}); err != nil {
			t.Fatal(err)
		}
		return piece
	}
	keyed := next()
	if err := b.keys("/mailroom/desk/"+strings.ReplaceAll(id, "-", "")+"/"+keyed, "K", id, keyedForm(optouttest.Number(), "do", "hold-signature")); err != nil {
		t.Fatal(err)
	}
	pieces := []string{keyed, next()}
	var refs, files []string
	for _, piece := range pieces {
		found, err := s.items("B#"+strings.ReplaceAll(id, "-", ""), "I#"+piece)
		if err != nil || len(found) != 1 {
			t.Fatalf("piece %s: %v %v", piece, found, err)
		}
		if ref := plain(found[0]["form"]); ref != "" {
			refs = append(refs, ref)
		}
		file, _, _ := strings.Cut(piece, "-")
		files = append(files, file)
	}
	hooks, err := filepath.Abs("schemathesis/fresh_keys.py")
	if err != nil {
		t.Fatal(err)
	}
	said, fails := schemathesis(t, s.patients, fmt.Sprintf(`
hooks = %q
headers = { Cookie = "__Host-session=%s", Authorization = "Bearer %s" }
[dictionaries]
pieces = { values = [%s] }
files = { values = [%s] }
references = { values = [%s] }
pages = { values = ["header", "files", "send", "hand", "recount", "reopen", "letter", "wrote", "release", "supersede"] }
whats = { values = ["envelope", "undo", "settle", "letter"] }
[parameters]
"path.batch" = %q
"path.piece" = { dictionary = "pieces", probability = 0.9 }
"path.upload" = { dictionary = "files", probability = 0.9 }
"path.id" = { dictionary = "files", probability = 0.9 }
"path.reference" = { dictionary = "references", probability = 0.9 }
"path.page" = { dictionary = "pages", probability = 0.9 }
"path.what" = { dictionary = "whats", probability = 0.9 }
"path.n" = "1"
`, hooks, b.cookies["__Host-session"], client.token, quoted(pieces), quoted(files), quoted(refs), id),
		"--max-examples", mostCases, "--include-tag", "mailroom", "--exclude-operation-id-regex", "(?i)signOut|signedOut",
		"--exclude-checks", "unsupported_method,missing_required_header") // what it leaves out, our headers put back: the token
	if fails {
		t.Errorf("Schemathesis found at /mailroom:\n%s", said)
	}
	for _, line := range []string{`Operations: .*`, `.* generated, .*`} {
		t.Logf("/mailroom: %s", regexp.MustCompile(line).FindString(said))
	}
	logs := s.logs()
	if strings.Contains(logs, `"level":"ERROR"`) {
		t.Errorf("it found faults of ours:\n%s", logs)
	}
	for _, reached := range []string{
		`GET /mailroom/batches/{batch}","status":"200"`, `GET /mailroom/desk/{batch}/{piece}","status":"200"`, `GET /mailroom/forms/{reference}","status":"200"`,
		`POST /mailroom/desk/{batch}/{piece}","status":"422"`, `GET /api/mailroom/batches/{batch}","status":"200"`, `POST /api/mailroom/batches","status":"201"`,
	} {
		if !strings.Contains(logs, reached) {
			t.Errorf("it did not get as far as %s", reached)
		}
	}
}

// quoted are strings as a list of them is written in TOML.
func quoted(all []string) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%q,", s)
	}
	return b.String()
}

// It finds what is not as the contract has it, were there any.
func TestSchemathesisFindsFaults(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(infra.OpenAPI) })
	for path, answer := range map[string]struct {
		status      int
		media, body string
	}{
		"/":           {http.StatusInternalServerError, "text/html; charset=utf-8", "a fault of ours"},
		"/status":     {http.StatusPaymentRequired, "text/html; charset=utf-8", "a status that the contract does not have"},
		"/privacy":    {http.StatusOK, "text/plain", "another type, and no headers"},
		"/api/status": {http.StatusOK, "application/json", `{"steps":"something else"}`},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", answer.media)
			w.WriteHeader(answer.status)
			_, _ = io.WriteString(w, answer.body)
		})
	}
	door := httptest.NewServer(mux)
	t.Cleanup(door.Close)
	said, fails := schemathesis(t, door.URL, "", "--phases", "fuzzing", "--max-examples", "1", "--include-path-regex", "^/(|status|privacy|api/status)$")
	for _, found := range []string{"Server error", "Undocumented status code", "Undocumented Content-Type", "Missing required response headers", "Response violates schema"} {
		if !fails || !strings.Contains(said, found) {
			t.Errorf("%q is not found:\n%s", found, said)
		}
	}
}

// answered is a journey whose questions have all been answered: the cookie that a browser keeps of it, and its pages.
func (s *stack) answered() (journey, cookie string, pages []string) {
	s.t.Helper()
	answers := map[string]string{
		"choice": "choice=dissent", "who": "who=self", "name": "forenames=Ada&surname=Quillfeather", "birth-date": "day=31&month=3&year=1957",
		"nhs-number": "known=yes", "which-number": "nhs-number=" + url.QueryEscape(number), "address": "line-1=1+Lawson+Street&town=Stockton&postcode=TS18+1HU",
		"practice": "practice=A81001", "reply": "safe=email&email=ada@quillfeather.example", "format": "format=other", "which-format": "format=Moon",
		"language": "language=other", "which-language": "language=Yoruba",
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for page, address := "", "/form"; page != "check"; pages = append(pages, page) {
		r, err := http.NewRequest(http.MethodPost, s.patients+address, strings.NewReader(answers[page]))
		if err != nil {
			s.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		resp, err := browser.Do(r)
		if err != nil {
			s.t.Fatal(err)
		}
		resp.Body.Close()
		for _, c := range resp.Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		address = resp.Header.Get("Location")
		journey, page, _ = strings.Cut(strings.TrimPrefix(address, "/form/"), "/")
		if page == "" || slices.Contains(pages, page) {
			s.t.Fatalf("no way on from %s: %d", r.URL, resp.StatusCode)
		}
	}
	return journey, cookie, append(pages, "sent")
}
