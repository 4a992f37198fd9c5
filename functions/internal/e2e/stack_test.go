// Package e2e starts the real stack, as `make run` does, on free ports and with a state of its own, and walks
// through it from outside: over HTTP, with signals, reading what a person would read.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/optout"
)

const root = "../../.."

// runner builds the local runner once for all tests. Without an engine there is nothing to start.
var runner = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "e2e-runner")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "runner")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	build.Dir = filepath.Join(root, "infra/local")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	built = dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the runner: %w\n%s", err, out)
	}
	return path, nil
})

// built is where the runner was built, if it was.
var built string

// TestMain removes the runner when all is done.
func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// stack is the whole system, running.
type stack struct {
	t               testing.TB
	state           string
	cmd             *exec.Cmd
	patients, where string       // addresses of the door and of the console
	client          *http.Client // of the door: what it is answered is held to the contract
	out             *bytes.Buffer
	exited          chan struct{}
	ready           time.Duration
}

// start starts the stack on a state folder and waits until it says that it is ready.
func start(t testing.TB, state string, flags ...string) *stack {
	t.Helper()
	if found, _ := filepath.Glob(filepath.Join(root, ".tools/node_modules/@dynoxide/*/dynoxide")); len(found) == 0 && os.Getenv("DYNOXIDE")+os.Getenv("DYNAMODB_ENDPOINT") == "" {
		if os.Getenv("NO_SKIP") == "1" {
			t.Fatal("no DynamoDB engine: run `make test`")
		}
		t.Skip("SKIPPED, the stack was not started: no DynamoDB engine, run `make test`")
	}
	s, refused, err := tryStart(t, state, flags...)
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		t.Fatalf("the stack did not get ready:\n%s", refused)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the runner said:\n%s", s.out.String())
		}
	})
	return s
}

// tryStart starts the stack and gives it once it is ready. Where the runner refuses to start there is no stack, but
// what it said.
func tryStart(t testing.TB, state string, flags ...string) (s *stack, refused string, err error) {
	path, err := runner()
	if err != nil {
		return nil, "", err
	}
	s = &stack{t: t, state: state, client: contracttest.Client(t.Errorf), out: &bytes.Buffer{}, exited: make(chan struct{})}
	s.cmd = exec.Command(path, append([]string{"-root", root, "-state", state, "-port", "0", "-reload=false"}, flags...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.Stderr = s.out
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, "", err
	}
	for lines := bufio.NewScanner(stdout); s.patients == "" && lines.Scan(); {
		switch word, address, _ := strings.Cut(lines.Text(), " "); word {
		case "console":
			s.where = strings.TrimSpace(address)
		case "ready":
			s.patients, s.ready = address, time.Since(began)
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	if s.patients == "" || s.where == "" {
		<-s.exited
		return nil, s.out.String(), nil
	}
	return s, "", nil
}

// kill ends the runner with SIGKILL; its children must die with it.
func (s *stack) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.exited
}

// interrupt ends it as Ctrl-C does.
func (s *stack) interrupt() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatal("Ctrl-C does not end it")
	}
}

// answer is what a door says.
type answer struct {
	status   int
	replayed bool
	body     string
}

// post sends a body to the patients' door. An error means that no answer came.
func (s *stack) post(path, key, body string) (answer, error) {
	return s.send(http.MethodPost, path, key, body)
}

// get reads what is at an address of the patients' door.
func (s *stack) get(path string) (answer, error) { return s.send(http.MethodGet, path, "", "") }

func (s *stack) send(method, path, key, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.patients+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get("Idempotency-Replayed") == "true", string(b)}, err
}

// steps asks for a form's public steps; nil if there is no such form.
func (s *stack) steps(reference, birth string) (names []string) {
	s.t.Helper()
	a, err := s.post("/api/status", "", fmt.Sprintf(`{"reference":%q,"birthDate":%q}`, reference, birth))
	if err != nil || a.status != 200 && a.status != 404 {
		s.t.Fatalf("status of %s: %+v, %v", reference, a, err)
	}
	var out struct{ Steps []struct{ Step string } }
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		s.t.Fatal(err)
	}
	for _, step := range out.Steps {
		names = append(names, step.Step)
	}
	return names
}

// console reads one of the console's JSON pages.
func (s *stack) console(path string, v any) {
	s.t.Helper()
	resp, err := http.Get(s.where + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
}

// page reads one of the console's pages for people.
func (s *stack) page(path string) string {
	s.t.Helper()
	resp, err := http.Get(s.where + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// mail is a mail in the local mailbox.
type mail struct {
	ID, Subject, Text, From string
	To                      []string
	At                      time.Time
}

func (s *stack) mails() (all []mail) {
	s.t.Helper()
	s.console("/mail.json", &all)
	slices.SortFunc(all, func(a, b mail) int { return a.At.Compare(b.At) })
	return all
}

// sweep lets the sweeper run with a time of our choice.
func (s *stack) sweep(at time.Time) {
	s.t.Helper()
	if err := s.sweepAt(at); err != nil {
		s.t.Fatal(err)
	}
}

// logs are all lines that the functions wrote.
func (s *stack) logs() string {
	s.t.Helper()
	var lines []struct{ Function, Line string }
	s.console("/logs.json", &lines)
	var all strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&all, "%s: %s\n", l.Function, l.Line)
	}
	return all.String()
}

// item reads an item of the table.
func (s *stack) item(pk, sk string) map[string]any {
	s.t.Helper()
	var items []map[string]any
	s.console("/items.json?pk="+url.QueryEscape(pk), &items)
	for _, i := range items {
		if i["SK"] == sk {
			return i
		}
	}
	return nil
}

// patience is how long something may take that takes less than a second on a machine with nothing else to do. It only ends what
// never comes, so it costs nothing to have much of it.
const patience = 3 * time.Minute

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// answers are what a person says, for a practice.
func answers(t testing.TB, practice string, change func(*optout.Answers)) string {
	t.Helper()
	a := optout.Answers{
		Choice: "dissent", Practice: practice,
		Subject: optout.Subject{
			Surname: "Quillfeather", Forenames: "Ada Wren", BirthDate: "1957-03-31", NHSNumber: number,
			Address: []string{"1 Lawson Street", "Stockton-on-Tees"}, Postcode: "TS18 1HU",
		},
		Reply: &optout.Reply{Safe: []string{"email"}, Email: "ada@quillfeather.example"},
	}
	if change != nil {
		change(&a)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// number is that of whoever has only one form.
const number = "900 000 0009"

// personal is everything in those answers that may stand in no log line and no mail.
var personal = []string{"Quillfeather", "Ada Wren", "quillfeather.example", number, "9000000009", "1957-03-31", "TS18", "1HU", "Lawson", "Stockton"}

type receipt struct{ Reference, Received, Status string }

func (a answer) receipt(t testing.TB) (r receipt) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &r); err != nil || a.status != http.StatusCreated || r.Reference == "" {
		t.Fatalf("not registered: %d %s", a.status, a.body)
	}
	return r
}

// newKey is a UUID that nobody else has.
func newKey() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(b))
}

// alive says whether a process runs.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// pids are the processes of the stack: the engines and every function's.
func (s *stack) pids() []int {
	s.t.Helper()
	var st struct {
		EnginePid, ObjectsPid int

		Functions []struct{ Pids []int }
	}
	s.console("/status.json", &st)
	all := []int{s.cmd.Process.Pid, st.EnginePid, st.ObjectsPid}
	for _, f := range st.Functions {
		all = append(all, f.Pids...)
	}
	return all
}
