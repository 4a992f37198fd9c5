package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestInvocationsUnderWayFinishOnTheProcessTheyHave(t *testing.T) {
	t.Parallel()
	l, _ := newTestLambda(t, nil)
	pipe, next := filepath.Join(t.TempDir(), "pipe"), t.TempDir()
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(l.directory, "bootstrap"), filepath.Join(next, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		told
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		busy, err := call(t, l, fmt.Sprintf(`{"do":"read","path":%q}`, pipe))
		answered <- answer{busy, err}
	}()
	hold, err := os.OpenFile(pipe, os.O_WRONLY, 0) // returns when the function reads
	if err != nil {
		t.Fatal(err)
	}
	idle, err := call(t, l, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := l.build()

	if !l.swap(next, before.Add(1)) {
		t.Error("another bootstrap is taken for the same")
	}
	eventually(t, func() bool { return !alive(idle.PID) }, "the idle process goes on")
	fresh, err := call(t, l, `{}`)
	if err != nil || fresh.Served != 1 || !slices.Contains(fresh.Env, "LAMBDA_TASK_ROOT="+next) {
		t.Errorf("the next invocation was served by %+v, %v", fresh, err)
	}
	if len(answered) > 0 {
		t.Error("the invocation under way did not last")
	}
	hold.Close()
	busy := <-answered
	if busy.err != nil || busy.PID == fresh.PID || slices.Contains(busy.Env, "LAMBDA_TASK_ROOT="+next) {
		t.Errorf("the invocation under way was answered %+v, %v", busy.told, busy.err)
	}
	eventually(t, func() bool { return !alive(busy.PID) }, "the process that was busy goes on")

	l.keep("does not compile")
	if l.swap(next, before.Add(2)) {
		t.Error("the same bootstrap is taken for another")
	}
	if built, fault := l.build(); !built.Equal(before.Add(2)) || fault != "" {
		t.Errorf("built at %v, fault %q", built, fault)
	}
	if again, err := call(t, l, `{}`); err != nil || again.PID != fresh.PID {
		t.Errorf("a swap for the same changed the process from %d to %d, %v", fresh.PID, again.PID, err)
	}
	if l.errors.Load() != 0 {
		t.Errorf("%d invocations failed", l.errors.Load())
	}
}

// productCopy is the test product as a module of its own, to be changed.
func productCopy(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.CopyFS(root, os.DirFS(filepath.Join("testdata", "product"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		saveSource(t, root, name, string(b))
	}
	return root
}

func readSource(t *testing.T, root, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func saveSource(t *testing.T, root, name, content string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// adding puts a line at the end of a file.
func adding(line string, names ...string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		for _, name := range names {
			saveSource(t, root, name, readSource(t, root, name)+line+"\n")
		}
	}
}

// writing makes a file.
func writing(name, content string) func(*testing.T, string) {
	return func(t *testing.T, root string) { saveSource(t, root, name, content) }
}

// ownPackage has the door take its status from a package of its own, which embeds it.
func ownPackage(t *testing.T, root string) {
	source := readSource(t, root, "functions/door/main.go")
	source = strings.Replace(source, "StatusCode: 201", "StatusCode: word.Status()", 1)
	source = strings.Replace(source, "import (", "import (\n\t\"example.org/optout/infra/local/functions/door/word\"", 1)
	saveSource(t, root, "functions/door/word/word.go", "package word\n\nimport (\n\t_ \"embed\"\n\t\"strconv\"\n)\n\n//go:embed status.txt\nvar text string\n\nfunc Status() int {\n\tn, _ := strconv.Atoi(text)\n\treturn n\n}\n")
	saveSource(t, root, "functions/door/word/status.txt", "202")
	saveSource(t, root, "functions/door/main.go", source)
}

func TestAChangeConcernsTheFunctionsThatAreMadeOfIt(t *testing.T) {
	t.Parallel()
	root := productCopy(t)
	functions := map[string]*lambda{}
	for id, code := range map[string]string{"Door": "door", "Tell": "tell", "Clock": "clock", "ClockAgain": "clock"} {
		functions[id] = &lambda{functionPlan: functionPlan{id: id, code: "functions/" + code}}
	}
	state := filepath.Join(root, "state")
	r := newReloader(builder{root: root, state: state}, functions, nil, t.Logf)
	if got := r.concerned(t.Context(), look(root, state)); len(got) != 3 {
		t.Errorf("at first %d of 3 programs are concerned", len(got))
	}
	all := []string{"Clock", "ClockAgain", "Door", "Tell"}
	for _, tt := range []struct { // one after the other, on the same files
		name   string
		change func(*testing.T, string)
		want   []string
	}{
		{"nothing", func(*testing.T, string) {}, nil},
		{"a file of one function", adding("// .", "functions/door/main.go"), []string{"Door"}},
		{"a file of a folder that two functions share", adding("// .", "functions/clock/main.go"), []string{"Clock", "ClockAgain"}},
		{"files of two", adding("// .", "functions/clock/main.go", "functions/tell/main.go"), []string{"Clock", "ClockAgain", "Tell"}},
		{"a new file", writing("functions/tell/more.go", "package main\n"), []string{"Tell"}},
		{"a file that is left out on this machine", writing("functions/tell/more.go", "//go:build plan9\n\npackage main\n"), []string{"Tell"}},
		{"a file that goes", func(t *testing.T, root string) { _ = os.Remove(filepath.Join(root, "functions/tell/more.go")) }, []string{"Tell"}},
		{"a new package", ownPackage, []string{"Door"}},
		{"a file of a package that is imported", adding("// .", "functions/door/word/word.go"), []string{"Door"}},
		{"an embedded file", writing("functions/door/word/status.txt", "2030"), []string{"Door"}},
		{"a file that is not embedded", writing("functions/door/word/other.txt", "2030"), nil},
		{"a test", writing("functions/door/main_test.go", "package main\n"), nil},
		{"the runner's state", writing("state/word.go", "package word\n"), nil},
		{"a hidden folder", writing(".git/word.go", "package word\n"), nil},
		{"a file that is not Go any more", writing("functions/door/word/word.go", "packag\n"), []string{"Door"}},
		{"a file that is Go again", writing("functions/door/word/word.go", "package word\n\nfunc Status() int { return 201 }\n"), []string{"Door"}},
		{"the module", adding("// .", "go.mod"), all},
		{"the sums", adding("", "go.sum"), all},
		{"a module that cannot be read", adding("nonsense", "go.mod"), all},
		{"a module that can be read again", func(t *testing.T, root string) {
			saveSource(t, root, "go.mod", strings.Replace(readSource(t, root, "go.mod"), "nonsense", "", 1))
		}, all},
	} {
		tt.change(t, root)
		var got []string
		for _, p := range r.concerned(t.Context(), look(root, state)) {
			for _, f := range p.functions {
				got = append(got, f.id)
			}
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s concerns %v, want %v", tt.name, got, tt.want)
		}
	}
}

// knock asks the door for what it answers.
func (p *process) knock() (int, error) {
	r, err := http.Post(p.patients+"/items/a", "text/plain", strings.NewReader("told"))
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, err
}

// function is what the console says of a function.
func (s status) function(name string) functionStatus {
	return s.Functions[slices.IndexFunc(s.Functions, func(f functionStatus) bool { return f.Name == name })]
}

func TestAFunctionFollowsItsSourcesAndNoRequestFails(t *testing.T) {
	t.Parallel()
	root, state := productCopy(t), t.TempDir()
	p := startRunner(t, state, "-root", root, "-reload", "-sweeper=off", "-stream=off")
	if code, err := p.knock(); err != nil || code != 201 {
		t.Fatalf("the door answers %d, %v", code, err)
	}
	first := p.status(t)

	stop, answers, failed := make(chan struct{}), map[int]int{}, error(nil)
	var client sync.WaitGroup
	client.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			code, err := p.knock()
			if answers[code]++; err != nil {
				failed = err
			}
		}
	})
	answersWith := func(want int) func() bool {
		return func() bool { code, err := p.knock(); return err == nil && code == want }
	}
	ownPackage(t, root)
	eventually(t, answersWith(202), "a changed file is not served")
	saveSource(t, root, "functions/door/word/status.txt", "203")
	eventually(t, answersWith(203), "a changed embedded file is not served")

	// A comment at the end makes the same binary.
	before := p.status(t).function("Door")
	adding("// .", "functions/door/word/word.go")(t, root)
	eventually(t, func() bool { return p.status(t).function("Door").Built.After(before.Built) }, "what is the same is not built")
	if after := p.status(t).function("Door"); !slices.ContainsFunc(after.PIDs, func(pid int) bool { return slices.Contains(before.PIDs, pid) }) {
		t.Errorf("for the same binary %+v became %+v", before, after)
	}

	// What does not compile holds up nobody else.
	adding("var broken int = \"<no number>\"", "functions/door/word/word.go")(t, root)
	eventually(t, func() bool { return len(p.status(t).BuildFaults) == 1 }, "the compiler's words are not shown")
	const word = `cannot use "<no number>"`
	if x := p.status(t).BuildFaults[0]; !slices.Equal(x.Functions, []string{"Door"}) || !strings.Contains(x.Fault, word) || !strings.Contains(x.Fault, "word.go") {
		t.Errorf("the fault is %+v", x)
	}
	page, err := http.Get(p.console)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil || !bytes.Contains(b, []byte("cannot use &#34;&lt;no number&gt;&#34;")) {
		t.Errorf("the overview does not show the fault, %v:\n%s", err, b)
	}
	eventually(t, func() bool { return strings.Contains(p.stderr.String(), word) }, "the compiler's words are not said")
	saveSource(t, root, "functions/clock/main.go", strings.Replace(readSource(t, root, "functions/clock/main.go"), "2006-01-02T15:04:05Z", "15:04", 1))
	for _, event := range []string{"Clock/Daily", "ClockAgain/Weekly"} {
		eventually(t, func() bool {
			_, body := p.post(t, "/schedule", url.Values{"event": {event}, "time": {"2031-01-02T03:04:05Z"}})
			return body == `{"`+event+`":{"time":"03:04","secret":20}}`
		}, event+" waits for another function's build")
	}
	if code, err := p.knock(); err != nil || code != 203 || len(p.status(t).BuildFaults) != 1 {
		t.Errorf("the door, which is broken, answers %d, %v; faults %v", code, err, p.status(t).BuildFaults)
	}

	saveSource(t, root, "functions/door/word/word.go", "package word\n\nfunc Status() int { return 204 }\n")
	eventually(t, answersWith(204), "what compiles again is not served")
	if x := p.status(t).BuildFaults; len(x) != 0 {
		t.Errorf("faults that are mended: %v", x)
	}
	close(stop)
	client.Wait()
	if codes := slices.Sorted(maps.Keys(answers)); failed != nil || !slices.Equal(codes, []int{201, 202, 203, 204}) {
		t.Errorf("the door answered %v, %v", answers, failed)
	}
	last := p.status(t)
	if x := last.function("Door"); x.Errors != 0 || len(last.Refusals) != 0 {
		t.Errorf("%d invocations failed, %d were refused", x.Errors, len(last.Refusals))
	}
	if !last.function("Tell").Built.Equal(first.function("Tell").Built) {
		t.Error("a function was built that nobody changed")
	}
	if n := strings.Count(p.stderr.String(), "Door: reloaded"); n != 3 {
		t.Errorf("the door was reloaded %d times, want 3: %s", n, p.stderr)
	}
	if kept, err := os.ReadDir(filepath.Join(state, "build", "door")); err != nil || len(kept) != 1 {
		t.Errorf("%d builds of the door are kept, %v", len(kept), err)
	}
	p.stop(t)
}
