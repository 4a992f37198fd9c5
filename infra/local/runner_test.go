package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the runner and the S3 engine, so that whole runners can be started and killed.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_RUNNER") == "1" || len(os.Args) > 1 && os.Args[1] == objectsCommand {
		main()
		return
	}
	if os.Getenv("BE_A_BROKEN_ENGINE") == "1" {
		brokenEngine()
		return
	}
	code := m.Run()
	os.RemoveAll(bootstraps)
	os.Exit(code)
}

// process is a whole runner.
type process struct {
	cmd               *exec.Cmd
	patients, console string
	stderr            *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// enginePath is the engine, or the test is skipped.
func enginePath(t *testing.T) string {
	t.Helper()
	root := filepath.Join("..", "..")
	path, err := findEngine(os.Getenv("DYNOXIDE"), root)
	if err != nil {
		if os.Getenv("NO_SKIP") == "1" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED, and with it everything about a whole runner: ", err)
	}
	return path
}

func command(t *testing.T, state string, arguments ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"-root", filepath.Join("testdata", "product"), "-state", state, "-port", "0", "-reload=false", "-engine", enginePath(t), "-endpoint", ""}, arguments...)...)
	cmd.Env = append(os.Environ(), "BE_THE_RUNNER=1")
	return cmd
}

// startRunner starts a runner and waits until it is ready.
func startRunner(t *testing.T, state string, arguments ...string) *process {
	t.Helper()
	p := &process{cmd: command(t, state, arguments...), stderr: &lockedBuffer{}}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		switch fields := strings.Fields(lines.Text()); fields[0] {
		case "console":
			p.console = fields[1]
		case "ready":
			p.patients = fields[1]
			return p
		}
	}
	t.Fatalf("the runner is not ready: %s", p.stderr)
	return nil
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the runner ended with %v: %s", err, p.stderr)
	}
}

func (p *process) get(t *testing.T, path string, into any) {
	t.Helper()
	r, err := http.Get(p.console + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func (p *process) status(t *testing.T) status {
	t.Helper()
	var s status
	p.get(t, "/status.json", &s)
	return s
}

// put has the door write an item.
func (p *process) put(t *testing.T, keys ...string) {
	t.Helper()
	for _, k := range keys {
		r, err := http.Post(p.patients+"/items/"+url.PathEscape(k), "text/plain", strings.NewReader("told"))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 201 {
			t.Fatalf("the door answers %s: %s", r.Status, p.stderr)
		}
	}
}

// keep has the door keep a file, and gives the address that it signed.
func (p *process) keep(t *testing.T, key, content string) string {
	t.Helper()
	r, err := http.Post(p.patients+"/files/"+key, "text/plain", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	code, _, address := answered(t, r)
	if code != 200 {
		t.Fatalf("the door answers %d %s: %s", code, address, p.stderr)
	}
	return address
}

// post sends a form to the console as a program does.
func (p *process) post(t *testing.T, path string, form url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", p.console+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(b))
}

// mails counts the mails by subject.
func (p *process) mails(t *testing.T) map[string]int {
	t.Helper()
	var letters []letter
	p.get(t, "/mail.json", &letters)
	n := map[string]int{}
	for _, l := range letters {
		n[l.Subject]++
	}
	return n
}

func (s status) pids() []int {
	pids := []int{s.EnginePID, s.ObjectsPID}
	for _, f := range s.Functions {
		pids = append(pids, f.PIDs...)
	}
	return pids
}

func noneAlive(t *testing.T, pids []int) {
	t.Helper()
	if len(pids) < 3 {
		t.Fatalf("only %v were running", pids)
	}
	eventually(t, func() bool {
		for _, pid := range pids {
			if alive(pid) {
				return false
			}
		}
		return true
	}, "a child is still alive")
}

func TestARunnerThatWasKilledGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	p := startRunner(t, state)
	p.put(t, "a1", "a2", "a3", "poison", "a4")
	eventually(t, func() bool { s := p.status(t).Streams[0]; return s.Handled == 4 && s.GivenUp == 1 && s.Behind == 0 }, "the first items are not told")

	if out, err := command(t, state).CombinedOutput(); err == nil || !strings.Contains(string(out), "another runner is using") {
		t.Errorf("a second runner on the same state: %v %s", err, out)
	}

	if code, body := p.post(t, "/switch", url.Values{"what": {"stream"}, "on": {"false"}}); code != 200 || body != `{"stream":false,"sweeper":true,"malware":true,"malwareFails":false}` {
		t.Fatalf("switched: %d %s", code, body)
	}
	p.put(t, "b1", "b2")
	eventually(t, func() bool { return p.status(t).Streams[0].Behind == 2 }, "the next items do not wait")
	pids := p.status(t).pids()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	noneAlive(t, pids)

	p = startRunner(t, state)
	eventually(t, func() bool { s := p.status(t).Streams[0]; return s.Handled == 2 && s.CaughtUp != nil }, "the items that waited, and only they, are not told")
	if got, want := p.mails(t), map[string]int{"a1": 1, "a2": 1, "a3": 1, "a4": 1, "b1": 1, "b2": 1}; !maps.Equal(got, want) {
		t.Errorf("told were %v, want each once", got)
	}
	kept, err := filepath.Glob(filepath.Join(state, "unprocessed", "Tell-Changes-*.json"))
	if err != nil || len(kept) != 1 {
		t.Errorf("kept were %v, %v", kept, err)
	}
	pids = append(p.status(t).pids(), pids[2])
	p.stop(t)
	noneAlive(t, pids)
}

func TestFilesStayWhenARunnerIsKilled(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	p := startRunner(t, state)
	address := p.keep(t, "a.csv", "of before")
	if code, _, body := fetch(t, address); code != 200 || body != "of before" {
		t.Fatalf("it is %d %s", code, body)
	}
	before, pids := p.status(t).Objects, p.status(t).pids()
	if !strings.HasPrefix(address, before+"/local-files/a.csv?") {
		t.Errorf("it is kept at %s, and the buckets are at %s", address, before)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	noneAlive(t, pids)

	p = startRunner(t, state)
	other := p.keep(t, "b.csv", "of after")
	if code, _, body := fetch(t, strings.Replace(other, "b.csv", "a.csv", 1)); code != 403 || !strings.Contains(body, "SignatureDoesNotMatch") {
		t.Errorf("an address for another file is answered %d %s", code, body)
	}
	kept, err := os.ReadFile(filepath.Join(state, "objects", "data", "local-files", "a.csv"))
	if err != nil || string(kept) != "of before" {
		t.Errorf("kept is %q, %v", kept, err)
	}
	if _, err := os.Stat(filepath.Join(state, "objects", "data", "local-unprocessed")); !os.IsNotExist(err) {
		t.Errorf("what is given up has a bucket: %v", err)
	}
	page, _, body := fetch(t, p.console)
	if s := p.status(t); page != 200 || !strings.Contains(body, fmt.Sprintf("<dt>S3</dt><dd>%s, process %d</dd>", s.Objects, s.ObjectsPID)) {
		t.Errorf("the overview does not show the engine: %s", body)
	}
	pids = p.status(t).pids()
	p.stop(t)
	noneAlive(t, pids)
}

func TestTheUserPoolKeepsItsKeys(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	keys := func() string {
		p := startRunner(t, state)
		defer p.stop(t)
		var said struct {
			Issuer string
			Keys   string `json:"jwks_uri"`
		}
		at := p.status(t).Issuer
		_, _, discovery := visit(t, at+"/.well-known/openid-configuration")
		if err := json.Unmarshal([]byte(discovery), &said); err != nil || said.Issuer != at || at == "" {
			t.Errorf("the issuer at %q says %s", at, discovery)
		}
		_, _, page := visit(t, said.Keys)
		return page
	}
	if before, after := keys(), keys(); before != after || !strings.Contains(before, `"RS256"`) {
		t.Errorf("the keys were %s and are %s", before, after)
	}
}

func TestTheEngineIsStartedAgainWhenItDies(t *testing.T) {
	t.Parallel()
	p := startRunner(t, t.TempDir())
	p.put(t, "before")
	engine := p.status(t).EnginePID
	if err := syscall.Kill(engine, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { now := p.status(t).EnginePID; return now != engine && alive(now) }, "the engine is not back")
	p.put(t, "after")
	eventually(t, func() bool { m := p.mails(t); return m["before"] == 1 && m["after"] == 1 }, "not both were told")
	if !strings.Contains(p.stderr.String(), "the DynamoDB engine has ended") {
		t.Errorf("stderr: %s", p.stderr)
	}
	p.stop(t)
}

// brokenEngine listens, as it should, and ends when it is first connected to. Each start leaves an x in its file.
func brokenEngine() {
	f, err := os.OpenFile(os.Args[len(os.Args)-1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString("x")
	if l, err := net.Listen("tcp", net.JoinHostPort(os.Args[len(os.Args)-5], os.Args[len(os.Args)-3])); err == nil {
		_, _ = l.Accept()
	}
}

func TestAnEngineThatAlwaysDiesIsStartedLessAndLessOften(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path, file := filepath.Join(directory, "engine"), filepath.Join(directory, "table.db")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nBE_A_BROKEN_ENGINE=1 exec "+binary+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e, err := startEngine(t.Context(), newChildren(), path, file, func(string) {}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { b, err := os.ReadFile(file); return err == nil && len(b) >= 4 }, "it is not started again")
	if took := time.Since(began); took < 700*time.Millisecond {
		t.Errorf("four starts within %v, want pauses of 100, 200 and 400 ms between them", took)
	}
	e.close()
}

// The engine of a runner that was killed may hold the file for a moment longer, and its successor then ends at once.
func TestAnEngineThatFindsItsFileHeldIsStartedAgain(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for held, want := range map[string]bool{"xx": true, strings.Repeat("x", 20): false} {
		directory := t.TempDir()
		path, holds := filepath.Join(directory, "engine"), filepath.Join(directory, "held")
		script := "#!/bin/sh\nif [ -s " + holds + " ]; then /usr/bin/truncate -s -1 " + holds + "; exit 1; fi\nBE_A_BROKEN_ENGINE=1 exec " + binary + " \"$@\"\n"
		if err := errors.Join(os.WriteFile(path, []byte(script), 0o700), os.WriteFile(holds, []byte(held), 0o600)); err != nil {
			t.Fatal(err)
		}
		e, err := startEngine(t.Context(), newChildren(), path, filepath.Join(directory, "table.db"), func(string) {}, t.Logf)
		if (err == nil) != want {
			t.Errorf("held for %d starts: %v", len(held), err)
		}
		if err == nil {
			e.close()
		}
	}
}

func TestTheConsoleShowsWhatThereIs(t *testing.T) {
	t.Parallel()
	p := startRunner(t, t.TempDir(), "-sweeper=off")
	p.put(t, "<b>1</b>", "F#REF")
	eventually(t, func() bool { return len(p.mails(t)) == 2 }, "the items are not told")

	code, body := p.post(t, "/schedule", url.Values{"event": {"Clock/Daily"}, "time": {"2031-01-02T03:04:05Z"}})
	if want := `{"Clock/Daily":{"time":"2031-01-02T03:04:05Z","secret":20}}`; code != 200 || body != want {
		t.Errorf("sent one schedule: %d %s, want %s", code, body, want)
	}
	if code, body := p.post(t, "/schedule", url.Values{"event": {"ClockAgain/Weekly"}}); code != 200 || !strings.Contains(body, `"secret":20`) {
		t.Errorf("sent the schedule of a function that shares its code: %d %s", code, body)
	}
	if code, body := p.post(t, "/schedule", url.Values{"event": {"Clock/Daily"}, "time": {"1999-01-01T00:00:00Z"}}); code != 502 || !strings.Contains(body, "long ago") {
		t.Errorf("sent a schedule that fails: %d %s", code, body)
	}
	if code, _ := p.post(t, "/schedule", url.Values{"event": {"Clock/Never"}}); code != 404 {
		t.Errorf("sent a schedule that is none: %d", code)
	}
	if code, _ := p.post(t, "/switch", url.Values{"what": {"moon"}, "on": {"true"}}); code != 400 {
		t.Errorf("switched what is none: %d", code)
	}

	sent, err := http.PostForm(p.console+"/schedule", url.Values{"event": {"Clock/Hourly"}, "time": {"2031-01-02T03:04:05Z"}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(sent.Body)
	sent.Body.Close()
	if err != nil || sent.StatusCode != 200 || !strings.Contains(string(page), "Clock/Hourly ran with the time 2031-01-02 03:04:05 UTC") {
		t.Errorf("a browser that sent a schedule got %s: %s", sent.Status, page)
	}

	for path, want := range map[string]string{
		"/":                          "Tell/Changes",
		"/mail":                      "&lt;b&gt;1&lt;/b&gt;",
		"/logs":                      "long ago",
		"/logs?function=Clock":       "long ago",
		"/items":                     "/items?pk=%3cb%3e1%3c%2fb%3e",
		"/items?pk=%3Cb%3E1%3C/b%3E": "<code>&lt;b&gt;1&lt;/b&gt;</code> · <code>told</code>",
		"/items.json?pk=F%23REF":     `[{"PK":"F#REF","SK":"told"}]`,
		"/logs.json?function=Clock":  `"function":"Clock"`,
		"/status.json":               `"sweeper":false`,
	} {
		r, err := http.Get(p.console + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %s, lacks %s:\n%s", path, r.Status, want, b)
		}
		if !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s has no content security policy", path)
		}
	}

	foreign, err := http.NewRequest("POST", p.console+"/switch", strings.NewReader("what=stream&on=false"))
	if err != nil {
		t.Fatal(err)
	}
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	foreign.Header.Set("Origin", "https://elsewhere.example")
	answer, err := http.DefaultClient.Do(foreign)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 403 || !p.status(t).Switches.Stream {
		t.Errorf("a form of another site: %s", answer.Status)
	}
	p.stop(t)
}

func TestAMailThatComesBackReachesWhoHasARuleForIt(t *testing.T) {
	t.Parallel()
	p := startRunner(t, t.TempDir(), "-sweeper=off")
	p.put(t, "a1", "bounce")
	eventually(t, func() bool { return p.status(t).function("ClockAgain").Invocations == 1 }, "the mail does not come back")
	if n := p.mails(t); n["a1"] != 1 || n["bounce"] != 1 {
		t.Errorf("kept are %v", n)
	}
	p.stop(t)
}

// A runner that was killed says what nobody heard yet, and nothing twice that everybody heard; and what was put while
// GuardDuty was silent stays without a result until somebody asks again.
func TestAResultAboutMalwareComesThoughTheRunnerIsKilled(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	p := startRunner(t, state, "-sweeper=off")
	results := func() map[string]string {
		var all []finding
		p.get(t, "/malware.json", &all)
		said := map[string]string{}
		for _, f := range all {
			said[f.Key] = f.Result
		}
		return said
	}
	heard := func() int { return int(p.status(t).function("ClockAgain").Invocations) }
	flip := func(what, on string) {
		t.Helper()
		if code, body := p.post(t, "/switch", url.Values{"what": {what}, "on": {on}}); code != 200 {
			t.Fatalf("%s=%s: %d %s", what, on, code, body)
		}
	}
	again := func(key string) {
		t.Helper()
		r, err := http.Post(p.patients+"/again/"+key, "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 200 {
			t.Fatalf("asking for %s again is answered %s: %s", key, r.Status, p.stderr)
		}
	}
	p.keep(t, "other", "text")
	p.keep(t, "scan-a", "text")
	eventually(t, func() bool { return results()["scan-a"] == "NO_THREATS_FOUND" }, "nothing was said")
	flip("malware", "false")
	p.keep(t, "scan-b", "text")
	if got := results(); heard() != 1 || !maps.Equal(got, map[string]string{"scan-a": "NO_THREATS_FOUND", "scan-b": "silent"}) {
		t.Errorf("said was %v, heard %d times", got, heard())
	}
	flip("malware", "true")
	flip("malware-fails", "true")
	p.keep(t, "scan-c", "text")
	if err := p.cmd.Process.Kill(); err != nil { // at once: its result may be on its way or not
		t.Fatal(err)
	}
	_ = p.cmd.Wait()

	p = startRunner(t, state, "-sweeper=off")
	eventually(t, func() bool { return results()["scan-c"] != "" }, "nothing was said of what was put last")
	if got := results(); got["scan-b"] != "silent" || heard() > 1 {
		t.Errorf("said was %v, heard %d times", got, heard())
	}
	before := heard()
	again("scan-b")
	eventually(t, func() bool { return results()["scan-b"] == "NO_THREATS_FOUND" }, "nothing was said though somebody asked")
	if code, body := p.post(t, "/malware", url.Values{"key": {"scan-a"}, "version": {"another"}, "result": {"THREATS_FOUND"}}); code != 200 || !strings.Contains(body, `"version":"another"`) {
		t.Errorf("sent by hand: %d %s", code, body)
	}
	eventually(t, func() bool { return heard() == before+2 }, "what was sent by hand did not arrive")
	for form, want := range map[string]int{"key=scan-z": 404, "key=scan-a&result=fine": 400, "key=scan-a&bucket=x": 404, "": 404} {
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		if code, body := p.post(t, "/malware", values); code != want {
			t.Errorf("sent %q: %d %s", form, code, body)
		}
	}
	if code, _, page := fetch(t, p.console); code != 200 || !strings.Contains(page, "Turn malware results off") || !strings.Contains(page, `<td>scan-a</td><td data-is="Version">another</td><td data-is="Result"><span class="bad">THREATS_FOUND</span></td>`) {
		t.Errorf("the overview does not show it: %s", page)
	}
	p.stop(t)
}

func TestARefusalIsShown(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	source, err := os.ReadFile(filepath.Join("testdata", "product", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(state, "other.yaml")
	if err := os.WriteFile(file, bytes.Replace(source, []byte("dynamodb:PutItem"), []byte("dynamodb:GetItem"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startRunner(t, state, "-template", file)
	for range 2 {
		r, err := http.Post(p.patients+"/items/a", "text/plain", strings.NewReader("told"))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 500 {
			t.Errorf("the door answers %s", r.Status)
		}
	}
	want := refusal{refused{"Door", "dynamodb:PutItem", "arn:aws:dynamodb:eu-west-2:000000000000:table/local-Table"}, 2}
	if got := p.status(t).Refusals; len(got) != 1 || got[0] != want {
		t.Errorf("refusals %+v, want %+v", got, want)
	}
	page, err := http.Get(p.console)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if b, err := io.ReadAll(page.Body); err != nil || !strings.Contains(string(b), "Access denied") || !strings.Contains(string(b), want.Resource) {
		t.Errorf("the overview does not show it: %s", b)
	}
	p.stop(t)
	if n := strings.Count(p.stderr.String(), "AccessDenied: User: arn:aws:sts::000000000000:assumed-role/local-DoorRole/local-Door "); n != 1 {
		t.Errorf("said %d times: %s", n, p.stderr)
	}
}

func TestTheReadyLineComesLast(t *testing.T) {
	t.Parallel()
	cmd := command(t, t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := bufio.NewReader(stdout)
	var lines []string
	for len(lines) < 3 {
		line, err := b.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || len(rest) > 0 || time.Since(began) > 10*time.Second {
		t.Errorf("after SIGTERM: %v after %v, and then %q", err, time.Since(began), rest)
	}
	patients, ok := strings.CutPrefix(lines[0], "patients  http://127.0.0.1:")
	if !ok || !strings.HasPrefix(lines[1], "console   http://127.0.0.1:") || lines[2] != "ready http://127.0.0.1:"+patients {
		t.Errorf("printed %q", lines)
	}
}

func TestAnEndpointMayBeSomebodyElses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "table.db")
	e, err := startEngine(t.Context(), newChildren(), enginePath(t), file, func(string) {}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	p := startRunner(t, t.TempDir(), "-endpoint", e.endpoint)
	p.put(t, "a1")
	eventually(t, func() bool { return p.mails(t)["a1"] == 1 }, "the item is not told")
	if s := p.status(t); s.EnginePID != 0 || s.Engine != e.endpoint {
		t.Errorf("the engine is %d at %s", s.EnginePID, s.Engine)
	}
	p.stop(t)
}

func TestACallToAServiceThatIsNotPlayedFailsByName(t *testing.T) {
	t.Parallel()
	var complaint string
	r := &runner{complain: func(format string, args ...any) { complaint = fmt.Sprintf(format, args...) }}
	q := httptest.NewRequest("POST", "/", nil)
	q.Header.Set("X-Amz-Target", "TrentService.Encrypt")
	w := httptest.NewRecorder()
	r.unplayed(w, q)
	if w.Code != 501 || !strings.Contains(complaint, "TrentService.Encrypt") {
		t.Errorf("answered %d, complained %q", w.Code, complaint)
	}
}

func TestTheCommandLineIsUnderstood(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"-stream=off", "-malware=off", "-reload=false", "-set", "A=b=c", "-set", "D="}, func(k string) string { return map[string]string{"PORT": "4000", "DYNOXIDE": "/engine"}[k] }, io.Discard)
	if err != nil || o.port != 4000 || o.engine != "/engine" || o.stream || !o.sweeper || o.results || o.reload || o.settings["A"] != "b=c" || o.settings["D"] != "" {
		t.Errorf("understood as %+v, %v", o, err)
	}
	if o, err := parseOptions(nil, func(string) string { return "" }, io.Discard); err != nil || o.port != 3000 || !o.stream || !o.sweeper || !o.results || !o.reload {
		t.Errorf("understood nothing as %+v, %v", o, err)
	}
	for _, bad := range [][]string{{"-stream=maybe"}, {"-set", "A"}, {"now"}, {"-port", "70000"}} {
		if _, err := parseOptions(bad, func(string) string { return "" }, io.Discard); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}
