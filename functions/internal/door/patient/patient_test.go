package patient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/quota"
)

const key = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"

var seals = func() keyring.Keyring {
	k, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz"}`))
	if err != nil {
		panic(err)
	}
	return k
}()

// house is the door before a table in memory; log is every line it writes. What its handler answers is held to the
// contract.
type house struct {
	t testing.TB
	*optouttest.Memory
	*optouttest.Clock
	handler, unchecked http.Handler
	log                bytes.Buffer
}

func newHouse(t testing.TB) *house { return newHouseWith(t, func(*patient.Door) {}) }

func newHouseWith(t testing.TB, change func(*patient.Door)) *house {
	h := &house{t: t, Memory: &optouttest.Memory{}, Clock: optouttest.NewClock()}
	door := patient.Door{
		Registrar:  optout.Registrar{Store: h.Memory, Keys: optouttest.Keys{}, Now: h.Now},
		Seals:      seals,
		Controller: patient.Controller{Name: "Testshire <Board>"}, TestNumbers: true, Practices: directory.Shipped{}, Languages: patient.Languages, Now: h.Now,
		Gate: &quota.Gate{Counter: h.Memory, Hide: seals.Hide, Now: h.Now},
	}
	change(&door)
	serve, observer := door.Handler(), observe.New("patient", &h.log, h.Now)
	h.unchecked = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = observer.Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
	})
	h.handler = contracttest.Handler(h.unchecked, t.Errorf)
	return h
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (h *house) send(method, path, key, body string, headers ...string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// advance lets the engine look at a form.
func (h *house) advance(reference string) {
	h.t.Helper()
	ref, err := optout.ParseReference(reference)
	if err != nil {
		h.t.Fatal(err)
	}
	engine := optout.Engine{Store: h.Memory, Now: h.Now}
	if _, err := engine.Advance(h.t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); err != nil {
		h.t.Fatal(err)
	}
}

func dissent(t testing.TB, change func(*optout.Answers)) string {
	t.Helper()
	a := optouttest.Dissent()
	if change != nil {
		change(&a)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type receipt struct{ Reference, Received, Status string }

func (a answer) receipt(t testing.TB) (r receipt) {
	t.Helper()
	if a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// wantProblem checks a refusal: status, content type, code, and that each fault has a sentence.
func (a answer) wantProblem(t *testing.T, status int, code, fault string) {
	t.Helper()
	var p struct {
		Type, Title, Code, Detail string
		Status                    int
		Errors                    []optout.Fault
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("status %d, no problem: %s", a.status, a.body)
	}
	if a.status != status || p.Status != status || p.Code != code || a.header.Get("Content-Type") != "application/problem+json" || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %d %s (%s), want %d %s", a.status, p.Code, a.header.Get("Content-Type"), status, code)
	}
	if len(p.Errors) == 0 {
		t.Fatal("a problem without errors")
	}
	for _, f := range p.Errors {
		if f.Code == "" || len(f.Detail) < 10 {
			t.Errorf("fault %+v says nothing", f)
		}
	}
	if got := p.Errors[0].Pointer + " " + p.Errors[0].Code; fault != "" && got != fault {
		t.Errorf("first fault %q, want %q", got, fault)
	}
}

func TestAFormIsRegisteredOnceAndAnsweredAlike(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.send("POST", "/api/forms", key, dissent(t, nil))
	r := first.receipt(t)
	if r.Status != "received" || r.Received != "2026-11-22T12:00:00Z" || len(r.Reference) != 21 || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first answer %+v, %v", r, first.header)
	}
	h.Move(1e12)
	spaced := strings.ReplaceAll(dissent(t, nil), ",", " ,\n ")
	for _, again := range []answer{h.send("POST", "/api/forms", key, dissent(t, nil)), h.send("POST", "/api/forms", strings.ToUpper(key), spaced)} {
		if again.status != first.status || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("repeat: %d %s %v", again.status, again.body, again.header)
		}
	}
	h.send("POST", "/api/forms", key, dissent(t, func(a *optout.Answers) { a.Choice = "core" })).
		wantProblem(t, 422, "key-used-for-other-answers", "")
}

func TestAKeyThatWasAnsweredIsLookedUpBeforeFaults(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	born := dissent(t, func(a *optout.Answers) { a.Subject.BirthDate = "1896-11-22" }) // 130 years old to the day
	first := h.send("POST", "/api/forms", key, born)
	first.receipt(t)
	h.Move(24 * 3600e9) // a day later the rules would refuse that birth date
	if again := h.send("POST", "/api/forms", key, born); again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("repeat of what the rules refuse today: %d %s", again.status, again.body)
	}
	h.send("POST", "/api/forms", "0192f0c1-2b7e-7c3a-9d51-000000000000", born).wantProblem(t, 400, "answers-not-accepted", "/subject/birthDate date-too-long-ago")
	for _, body := range []string{`{"choice":"dissent"}`, `{`, `{"unknown":1}`, strings.Repeat(" ", 40<<10)} {
		h.send("POST", "/api/forms", key, body).wantProblem(t, 422, "key-used-for-other-answers", "")
	}
}

func TestSixtyFourIdenticalRequestsAtOnceAreOneForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := dissent(t, nil)
	var all sync.WaitGroup
	answers := make([]answer, 64)
	for n := range answers {
		all.Go(func() { answers[n] = h.send("POST", "/api/forms", key, body) })
	}
	all.Wait()
	firsts := 0
	for _, a := range answers {
		if a.status != 201 || a.body != answers[0].body {
			t.Errorf("an answer differs: %d %s", a.status, a.body)
		}
		if a.header.Get("Idempotency-Replayed") == "" {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("%d are told that they were first", firsts)
	}
}

func TestBadInputIsNamed(t *testing.T) {
	t.Parallel()
	good := dissent(t, nil)
	nested := `{"choice":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`
	for name, c := range map[string]struct {
		key, body string
		status    int
		code      string
		fault     string
	}{
		"no key":                     {"", good, 400, "idempotency-key-missing", ""},
		"a key of spaces":            {"   ", good, 400, "idempotency-key-missing", ""},
		"a key that is no UUID":      {"1", good, 400, "idempotency-key-not-uuid", ""},
		"a UUID in braces":           {"{" + key + "}", good, 400, "idempotency-key-not-uuid", ""},
		"a body over 32 KiB":         {key, good + strings.Repeat(" ", 32<<10), 413, "body-too-large", ""},
		"an empty body":              {key, "", 400, "not-json", ""},
		"half a body":                {key, good[:len(good)/2], 400, "not-json", ""},
		"two bodies":                 {key, good + good, 400, "not-json", ""},
		"not JSON":                   {key, "surname=O'Neill", 400, "not-json", ""},
		"not UTF-8":                  {key, "{\"choice\":\"\xff\"}", 400, "not-json", ""},
		"a list":                     {key, "[1]", 400, "answers-not-accepted", " wrong-type"},
		"null":                       {key, "null", 400, "answers-not-accepted", "/subject/surname missing"},
		"an unknown field":           {key, `{"choise":"dissent"}`, 400, "answers-not-accepted", "/choise unknown-field"},
		"an unknown field inside":    {key, `{"subject":{"nhs_number":"1"}}`, 400, "answers-not-accepted", "/subject/nhs?number unknown-field"},
		"another spelling":           {key, `{"Choice":"dissent"}`, 400, "answers-not-accepted", "/Choice unknown-field"},
		"the channel":                {key, `{"channel":"paper"}`, 400, "answers-not-accepted", "/channel unknown-field"},
		"a field twice":              {key, `{"choice":"dissent","choice":"core"}`, 400, "answers-not-accepted", "/choice field-given-twice"},
		"a number for a string":      {key, `{"choice":7}`, 400, "answers-not-accepted", "/choice wrong-type"},
		"a string for a list":        {key, `{"subject":{"address":"1 Lawson Street"}}`, 400, "answers-not-accepted", "/subject/address wrong-type"},
		"a string for a truth":       {key, `{"notRegistered":"yes"}`, 400, "answers-not-accepted", "/notRegistered wrong-type"},
		"a string for one name":      {key, `{"subject":{"oneName":"yes"}}`, 400, "answers-not-accepted", "/subject/oneName wrong-type"},
		"one name and forenames":     {key, strings.Replace(good, `"birthDate"`, `"oneName":true,"birthDate"`, 1), 400, "answers-not-accepted", "/subject/forenames forenames-or-none"},
		"a list for a person":        {key, `{"subject":[]}`, 400, "answers-not-accepted", "/subject wrong-type"},
		"16,000 brackets":            {key, nested, 400, "answers-not-accepted", " too-deep"},
		"16,000 brackets, no end":    {key, strings.Repeat("[", 16000), 400, "answers-not-accepted", " too-deep"},
		"a wrong check digit":        {key, strings.Replace(good, "900 000 0009", "900 000 0008", 1), 400, "answers-not-accepted", "/subject/nhsNumber nhs-number-check-digit"},
		"a name with NUL":            {key, strings.Replace(good, "O'Neill", `O\u0000Neill`, 1), 400, "answers-not-accepted", "/subject/surname name-unusable-character"},
		"a name of emoji":            {key, strings.Replace(good, "O'Neill", "🙂", 1), 400, "answers-not-accepted", "/subject/surname name-has-no-letter"},
		"a name turned round":        {key, strings.Replace(good, "O'Neill", `\u202eO'Neill`, 1), 400, "answers-not-accepted", "/subject/surname name-unusable-character"},
		"a name of ten thousand":     {key, strings.Replace(good, "O'Neill", strings.Repeat("o", 10000), 1), 400, "answers-not-accepted", "/subject/surname name-too-long"},
		"31 June":                    {key, strings.Replace(good, "1957-03-31", "1957-06-31", 1), 400, "answers-not-accepted", "/subject/birthDate date-shape"},
		"a date of signing":          {key, strings.Replace(good, "{", `{"signedOn":"2026-11-20",`, 1), 400, "answers-not-accepted", "/signedOn signed-by-clock"},
		"both signers, half a proxy": {key, strings.Replace(good, "{", `{"proxy":{"name":"M"},`, 1), 400, "answers-not-accepted", "/proxy/capacity missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			a := h.send("POST", "/api/forms", c.key, c.body)
			a.wantProblem(t, c.status, c.code, c.fault)
			for _, secret := range []string{"O'Neill", "Quillfeather", "9000000009", "900 000 0009", "TS18", "Lawson", "1957-"} {
				if strings.Contains(h.log.String(), secret) || strings.Contains(a.body, secret) && secret != "1957-" {
					t.Errorf("%q is repeated in the log or the answer:\n%s\n%s", secret, h.log.String(), a.body)
				}
			}
			h.send("POST", "/api/forms", key, good).receipt(t) // it goes on serving, and the key is still free
		})
	}
}

func TestScriptsInNamesAreNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.send("POST", "/api/forms", key, dissent(t, func(a *optout.Answers) { a.Subject.Surname = "<script>alert(1)</script>" })).receipt(t)
}

func TestStatusShowsThePublicStepsAndNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.send("POST", "/api/forms", key, dissent(t, nil)).receipt(t)
	ask := func(ref, birth string) answer {
		return h.send("POST", "/api/status", "", fmt.Sprintf(`{"reference":%q,"birthDate":%q}`, ref, birth))
	}
	if got := ask(r.Reference, "1957-03-31"); got.body != `{"steps":[{"step":"received","at":"2026-11-22T12:00:00Z"}]}`+"\n" {
		t.Errorf("at once: %d %s", got.status, got.body)
	}
	h.Move(60e9)
	h.advance(r.Reference)
	if got := ask(strings.ToLower(r.Reference), "1957-03-31"); got.body != `{"steps":[{"step":"received","at":"2026-11-22T12:00:00Z"},{"step":"in-hand","at":"2026-11-22T12:01:00Z"}]}`+"\n" {
		t.Errorf("after the first Advance: %d %s", got.status, got.body)
	}
	wrong, unknown := ask(r.Reference, "1957-04-01"), ask("0000-0000-0000-0000-0", "1957-03-31")
	wrong.wantProblem(t, 404, "no-such-form", "")
	if wrong.body != unknown.body || wrong.status != unknown.status || len(wrong.header) != len(unknown.header) {
		t.Errorf("a wrong pair and an unknown reference differ:\n%s%s", wrong.body, unknown.body)
	}
	ask("hello", "31/03/1957").wantProblem(t, 400, "answers-not-accepted", "/reference reference")
	h.send("POST", "/api/status", "", `{"reference":1}`).wantProblem(t, 400, "answers-not-accepted", "/reference wrong-type")
	h.send("POST", "/api/status", "", `{}`).wantProblem(t, 400, "answers-not-accepted", "/reference reference")
}

func TestATableThatIsAwayIsAnAnswerToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	a := h.send("POST", "/api/forms", key, dissent(t, nil))
	a.wantProblem(t, 503, "not-now", "")
	if a.header.Get("Retry-After") == "" {
		t.Error("nobody says when to try again")
	}
	h.send("POST", "/api/forms", key, "{").wantProblem(t, 503, "not-now", "")
	h.send("POST", "/api/status", "", `{"reference":"0000-0000-0000-0000-0","birthDate":"1957-03-31"}`).wantProblem(t, 503, "not-now", "")
}

func TestOtherAddressesAndMethods(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.send("GET", "/nowhere", "", "").wantProblem(t, 404, "not-found", "")
	h.send("GET", "/api/forms", "", "").wantProblem(t, 405, "method-not-allowed", "")
	h.send("POST", "/", "", "").wantProblem(t, 405, "method-not-allowed", "")
	h.send("POST", "/api//forms", key, dissent(t, nil)).wantProblem(t, 404, "not-found", "")
	h.send("GET", "/api/../", "", "").wantProblem(t, 404, "not-found", "")
	h.send("POST", "/api/forms", key, dissent(t, nil), "Content-Type", "text/plain").wantProblem(t, 415, "not-json-type", "")
	h.send("POST", "/api/forms", key, dissent(t, nil), "Sec-Fetch-Site", "cross-site").wantProblem(t, 403, "cross-origin", "")
	h.send("POST", "/api/forms", key, dissent(t, nil), "Content-Type", "application/json; charset=utf-8").receipt(t)
	h.send("POST", "/api/forms", key, dissent(t, nil), "Content-Type", "text/plain").wantProblem(t, 415, "not-json-type", "")
}

func TestTheStartPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.send("GET", "/", "", "")
	if a.status != 200 || !strings.Contains(a.body, "Run by Testshire &lt;Board&gt;") || !strings.Contains(a.body, "A record that already exists is") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, bad := range []string{"http://", "https://", "<script", "your care is not affected"} {
		if strings.Contains(a.body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; script-src 'self' 'sha256-") || a.header.Get("Set-Cookie") != "" {
		t.Errorf("headers %v", a.header)
	}
}

func BenchmarkRegister(b *testing.B) {
	h := newHouse(b)
	h.log = bytes.Buffer{}
	body, err := json.Marshal(optouttest.Dissent())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		r := httptest.NewRequest("POST", "/api/forms", bytes.NewReader(body))
		r.Header.Set("Idempotency-Key", fmt.Sprintf("0192f0c1-2b7e-7c3a-9d51-%012d", n))
		w := httptest.NewRecorder()
		h.unchecked.ServeHTTP(w, r)
		if w.Code != 201 {
			body, _ := io.ReadAll(w.Body)
			b.Fatalf("%d %s", w.Code, body)
		}
	}
}
