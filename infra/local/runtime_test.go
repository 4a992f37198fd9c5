package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// bootstraps is the folder of the test function, if a test needed it.
var bootstraps string

// bootstrapDirectory holds the test function, built once.
var bootstrapDirectory = sync.OnceValues(func() (directory string, err error) {
	if bootstraps, err = os.MkdirTemp("", "bootstrap"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(bootstraps, "bootstrap"), "./testdata/bootstrap").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return bootstraps, nil
})

// output gathers what a function writes.
type output struct {
	mu    sync.Mutex
	lines []string
	added chan struct{}
}

func (o *output) add(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, line)
	select {
	case o.added <- struct{}{}:
	default:
	}
}

func newTestLambda(t *testing.T, change func(*functionPlan)) (*lambda, *output) {
	t.Helper()
	directory, err := bootstrapDirectory()
	if err != nil {
		t.Fatal(err)
	}
	api := newRuntimeAPI("", newChildren())
	server := httptest.NewServer(api)
	api.address = server.Listener.Addr().String()
	t.Cleanup(func() {
		api.stop()
		server.CloseClientConnections()
		server.Close()
	})
	plan := functionPlan{id: "Test", memory: 256, timeout: 10 * time.Second, concurrency: 8, logGroup: "/aws/lambda/local-Test", environment: map[string]string{"TABLE": "local-Table"}}
	if change != nil {
		change(&plan)
	}
	out := &output{added: make(chan struct{}, 1)}
	return newLambda(plan, directory, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "http://db"}, api, out.add), out
}

// told is what the test function answers about itself.
type told struct {
	PID, Served  int
	Env          []string
	Left         float64
	Request, ARN string
}

func call(t *testing.T, l *lambda, event string) (told, error) {
	t.Helper()
	body, err := l.invoke(t.Context(), []byte(event))
	var out told
	if err == nil {
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatalf("replied %.200s: %v", body, err)
		}
	}
	return out, err
}

func errorType(err error) string {
	if e, ok := errors.AsType[*functionError](err); ok {
		return e.Type
	}
	return ""
}

func TestAFunctionSeesWhatItSeesOnAWS(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "/nowhere")
	l, _ := newTestLambda(t, nil)
	got, err := call(t, l, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWS_REGION=eu-west-2", "AWS_LAMBDA_FUNCTION_NAME=local-Test", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/local-Test", "_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=" + l.directory, "TZ=:UTC", "TABLE=local-Table",
		"AWS_ACCESS_KEY_ID=ASIALOCALTEST", "AWS_SESSION_TOKEN=session-of-ASIALOCALTEST", "AWS_SECRET_ACCESS_KEY=secret", "AWS_ENDPOINT_URL_DYNAMODB=http://db",
	} {
		if !slices.Contains(got.Env, want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
	for _, e := range got.Env {
		if strings.HasPrefix(e, "AWS_CA_BUNDLE") || strings.HasPrefix(e, "HOME") {
			t.Errorf("the environment has %s", e)
		}
	}
	if got.Left < 9 || got.Left > 10 || len(got.Request) != 36 || got.ARN != "arn:aws:lambda:eu-west-2:000000000000:function:local-Test" {
		t.Errorf("the context is %+v", got)
	}
}

func TestAProcessServesOneInvocationAfterTheOther(t *testing.T) {
	t.Parallel()
	l, _ := newTestLambda(t, nil)
	first, err := call(t, l, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	second, err := call(t, l, `{}`)
	if err != nil || second.PID != first.PID || second.Served != 2 || l.coldStarts.Load() != 1 {
		t.Errorf("first %d, then %d, which served %d; %d cold starts; %v", first.PID, second.PID, second.Served, l.coldStarts.Load(), err)
	}
}

func TestAFunctionThatFailsIsReportedByItsKindOfFailure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, event, want string
		replaced          bool // the process
	}{
		{"an error", `{"do":"fail"}`, "errorString", false},
		{"an exit", `{"do":"exit"}`, "Runtime.ExitError", true},
		{"a timeout", `{"do":"hang"}`, "Sandbox.Timedout", true},
		{"a reply over 6 MB", `{"do":"big","size":6291456}`, "Function.ResponseSizeTooLarge", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, _ := newTestLambda(t, func(p *functionPlan) { p.timeout = 2 * time.Second })
			before, err := call(t, l, `{}`)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := call(t, l, tt.event); errorType(err) != tt.want {
				t.Errorf("reported as %v, want %s", err, tt.want)
			}
			after, err := call(t, l, `{}`)
			if err != nil || (after.PID != before.PID) != tt.replaced {
				t.Errorf("before %d, after %d, %v", before.PID, after.PID, err)
			}
			if l.errors.Load() != 1 || l.invocations.Load() != 3 {
				t.Errorf("%d errors in %d invocations", l.errors.Load(), l.invocations.Load())
			}
		})
	}
}

func TestABootstrapThatDoesNotStartIsAnInitError(t *testing.T) {
	t.Parallel()
	l, _ := newTestLambda(t, func(p *functionPlan) { p.environment["START"] = "die" })
	if _, err := call(t, l, `{}`); errorType(err) != "Runtime.ExitError" || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("a bootstrap that ends at once: %v", err)
	}
	l.directory = t.TempDir()
	if _, err := call(t, l, `{}`); errorType(err) != "Runtime.InvalidEntrypoint" {
		t.Errorf("no bootstrap: %v", err)
	}
}

func TestAnIdleProcessThatDiedIsReplaced(t *testing.T) {
	t.Parallel()
	l, _ := newTestLambda(t, nil)
	first, err := call(t, l, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return len(l.api.pids(l)) == 0 }, "the process is still listed")
	second, err := call(t, l, `{}`)
	if err != nil || second.PID == first.PID {
		t.Errorf("then %d served, %v", second.PID, err)
	}
}

func TestInvocationsRunAtOnceUpToTheConcurrency(t *testing.T) {
	t.Parallel()
	const concurrency = 3
	l, _ := newTestLambda(t, func(p *functionPlan) { p.concurrency, p.timeout = concurrency, time.Second })
	var running sync.WaitGroup
	var waiting atomic.Int64
	for range 2 * concurrency {
		waiting.Add(1)
		running.Go(func() {
			defer waiting.Add(-1)
			if _, err := l.invoke(t.Context(), []byte(`{"do":"wait for the deadline"}`)); err == nil {
				t.Error("the deadline passed unnoticed")
			}
		})
	}
	most := int64(0)
	eventually(t, func() bool { most = max(most, l.running.Load()); return waiting.Load() == 0 }, "they do not end")
	running.Wait()
	if most != concurrency {
		t.Errorf("%d ran at once, want %d", most, concurrency)
	}
}

func TestALongLineDoesNotBlockTheFunction(t *testing.T) {
	t.Parallel()
	l, out := newTestLambda(t, nil)
	if _, err := call(t, l, `{"do":"write a long line","size":600000}`); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		out.mu.Lock()
		defer out.mu.Unlock()
		return len(strings.Join(out.lines, "")) == 600000
	}, "the line is not whole")
}

func TestAnEventOver6MBIsRefused(t *testing.T) {
	t.Parallel()
	l, _ := newTestLambda(t, nil)
	if _, err := l.invoke(t.Context(), make([]byte, payloadLimit+1)); !errors.Is(err, errPayloadTooLarge) {
		t.Errorf("refused with %v", err)
	}
}

func TestStoppingLeavesNoProcess(t *testing.T) {
	t.Parallel()
	l, _ := newTestLambda(t, nil)
	got, err := call(t, l, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	hung := make(chan error, 1)
	go func() { _, err := l.invoke(t.Context(), []byte(`{"do":"hang"}`)); hung <- err }()
	eventually(t, func() bool { return l.running.Load() == 1 }, "it does not run")
	l.api.stop()
	if err := <-hung; err == nil {
		t.Error("an invocation survived the stop")
	}
	if alive(got.PID) {
		t.Errorf("process %d is alive", got.PID)
	}
	if _, err := call(t, l, `{}`); err == nil {
		t.Error("a process was started after the stop")
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listenDoors(l.Addr().(*net.TCPAddr).Port); err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("refused with %v", err)
	}
}

// alive tells whether a process runs; one that has ended but is not collected by its parent does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// eventually waits for a condition, as long as a build may take on a busy machine.
func eventually(t *testing.T, is func() bool, otherwise string) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(otherwise)
		}
	}
}
