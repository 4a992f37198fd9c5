package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// bootstraps are the functions as they are deployed, built for this machine.
func bootstraps(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", dir+"/", "./functions/patient", "./functions/notify", "./functions/clock")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// No function's binary may outgrow what starts quickly.
func TestBinariesStaySmall(t *testing.T) {
	t.Parallel()
	const most = 16_000_000
	dir := bootstraps(t)
	for _, name := range []string{"patient", "notify", "clock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-8s %4.1f MB", name, float64(info.Size())/1e6)
		if info.Size() > most {
			t.Errorf("%s has %d bytes, more than %d", name, info.Size(), most)
		}
	}
}

// stub is a Lambda Runtime API that hands out events, and the services behind them, answering at once.
type stub struct {
	address string
	events  chan []byte
	ready   chan struct{} // one for each /next
	answers chan string
	table   atomic.Int64 // calls of the table
}

func newStub(t *testing.T) *stub {
	s := &stub{events: make(chan []byte), ready: make(chan struct{}, 1<<20), answers: make(chan string, 1<<20)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		s.ready <- struct{}{}
		select {
		case e := <-s.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "r-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = w.Write(e)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/r-1/response", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		s.answers <- string(b)
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.") {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_, _ = io.WriteString(w, `{"SecretString":"{\"version\":\"1\",\"index\":\"0123456789abcdef0123456789abcdef\"}"}`)
			return
		}
		s.table.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// begin starts a bootstrap before the stub.
func (s *stub) begin(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, path)
	c.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + s.address, "AWS_REGION=eu-west-2", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL=http://" + s.address,
		"AWS_ENDPOINT_URL_DYNAMODB=http://" + s.address, "AWS_ENDPOINT_URL_SECRETS_MANAGER=http://" + s.address, "AWS_ENDPOINT_URL_SESV2=http://" + s.address,
		"TABLE=t", "KEYRING=k", "CONTROLLER=c", "TEST_NUMBERS=true", "MAIL_FROM=a@b.example", "PRACTICE_ADDRESS=", "JOB=sweep",
		"GOMAXPROCS=1", "GOGC=400", "GOMEMLIMIT=192MiB", "SSL_CERT_DIR=/nonexistent",
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	return c
}

// cpu is the CPU time that a process has used so far, over all its threads.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: CPU time is read from /proc of Linux")
	}
	var sum time.Duration
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			ns, _ := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

func median[T int | time.Duration](v []T) T {
	slices.Sort(v)
	return v[len(v)/2]
}

// Times are measured when asked for (make bench): they say more of the machine than of the change.
func needMeasure(t *testing.T) {
	t.Helper()
	if os.Getenv("MEASURE") != "1" {
		t.Skip("SKIPPED: times are measured by `make bench`")
	}
}

// TestMeasureStart is the CPU time of each bootstrap from its start until it asks for its first event.
func TestMeasureStart(t *testing.T) {
	needMeasure(t)
	dir := bootstraps(t)
	for _, name := range []string{"patient", "notify", "clock"} {
		var cpus, walls []time.Duration
		for range 21 {
			s := newStub(t)
			began := time.Now()
			c := s.begin(t, filepath.Join(dir, name))
			<-s.ready
			cpus, walls = append(cpus, cpu(t, c.Process.Pid)), append(walls, time.Since(began))
			_ = c.Process.Kill()
		}
		t.Logf("%-8s start to first /next: median of 21: %5.2f ms CPU, %5.2f ms on the clock", name, ms(median(cpus)), ms(median(walls)))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// TestMeasureSubmission is the CPU time that the patients' function takes for one registration: gateway event in,
// judged, one transaction with the table, answer out, one line. Beside it, in turns, runs a function that does
// nothing: what the Lambda runtime costs on this machine at this moment.
func TestMeasureSubmission(t *testing.T) {
	needMeasure(t)
	dir := bootstraps(t)
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", filepath.Join(dir, "empty"), "./testdata/empty")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(root, "events/received/api-register.json"))
	if err != nil {
		t.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	keys := 0
	submit := func(s *stub) {
		keys++
		event["headers"].(map[string]any)["idempotency-key"] = fmt.Sprintf("0192f0c1-2b7e-7c3a-9d51-%012d", keys)
		b, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		<-s.ready
		s.events <- b
		if a := <-s.answers; !strings.Contains(a, `"statusCode":201`) {
			t.Fatalf("answer %s", a)
		}
	}
	const warm, each, rounds = 500, 1000, 9
	stubs, pids := [2]*stub{newStub(t), newStub(t)}, [2]int{}
	per := [2][]time.Duration{}
	for i, name := range []string{"patient", "empty"} {
		pids[i] = stubs[i].begin(t, filepath.Join(dir, name)).Process.Pid
		for range warm {
			submit(stubs[i])
		}
	}
	for range rounds {
		for i, s := range stubs {
			before := cpu(t, pids[i])
			for range each {
				submit(s)
			}
			per[i] = append(per[i], (cpu(t, pids[i])-before)/each)
		}
	}
	if calls := stubs[0].table.Load(); calls != warm+each*rounds {
		t.Errorf("%d calls of the table for %d registrations", calls, warm+each*rounds)
	}
	for i, name := range []string{"registration", "a function that does nothing"} {
		m := median(per[i]) // sorts
		t.Logf("%-28s median of %d rounds of %d: %d µs CPU (least %d, most %d)", name, rounds, each, m.Microseconds(), per[i][0].Microseconds(), per[i][rounds-1].Microseconds())
	}
	t.Logf("registration takes %.1f times what nothing takes", float64(median(per[0]))/float64(median(per[1])))
}
