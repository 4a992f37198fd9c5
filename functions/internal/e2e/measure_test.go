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
func bootstraps(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", dir+"/", "./functions/patient", "./functions/notify", "./functions/clock",
		"./functions/practice", "./functions/reader")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// No function's binary may outgrow what starts quickly. S3's client is linked whole, five megabytes, since the SDK itself
// holds it behind an interface: only functions that need a bucket have it.
func TestBinariesStaySmall(t *testing.T) {
	t.Parallel()
	dir := bootstraps(t)
	for name, most := range map[string]int64{"patient": 16_000_000, "notify": 16_000_000, "clock": 16_000_000, "reader": 20_000_000, "practice": 24_000_000} {
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
	ended   chan struct{} // closed when the bootstrap has ended
	table   atomic.Int64  // calls of the table
}

func newStub(t testing.TB) *stub {
	s := &stub{events: make(chan []byte), ready: make(chan struct{}, 1<<20), answers: make(chan string, 1<<20), ended: make(chan struct{})}
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
func (s *stub) begin(t testing.TB, path string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, path)
	c.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + s.address, "AWS_REGION=eu-west-2", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL=http://" + s.address,
		"AWS_ENDPOINT_URL_DYNAMODB=http://" + s.address, "AWS_ENDPOINT_URL_SECRETS_MANAGER=http://" + s.address, "AWS_ENDPOINT_URL_SESV2=http://" + s.address,
		"TABLE=t", "KEYRING=k", "CONTROLLER=c", "NHS_LOGO=false", "TEST_NUMBERS=true", "FORMS_PER_NETWORK=0", "LOOKS_PER_NETWORK=0", "MAIL_FROM=a@b.example", "PRACTICE_ADDRESS=", "JOB=sweep",
		"GOMAXPROCS=1", "GOGC=400", "GOMEMLIMIT=192MiB", "SSL_CERT_DIR=/nonexistent",
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.Wait(); close(s.ended) }()
	t.Cleanup(func() { cancel(); <-s.ended })
	return c
}

// await waits until the bootstrap asks for an event.
func (s *stub) await(t testing.TB) {
	t.Helper()
	select {
	case <-s.ready:
	case <-s.ended:
		t.Fatal("the bootstrap ended")
	}
}

// serve gives the bootstrap an event and waits for its answer.
func (s *stub) serve(event []byte) string {
	s.events <- event
	return <-s.answers
}

// cpu is the CPU time that a process has used so far, over all its threads.
func cpu(t testing.TB, pid int) time.Duration {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		t.Fatal("CPU time is read from /proc of Linux")
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

// BenchmarkStart is the CPU time of each bootstrap from its start until it asks for its first event.
func BenchmarkStart(b *testing.B) {
	dir := bootstraps(b)
	for _, name := range []string{"patient", "notify", "clock"} {
		b.Run(name, func(b *testing.B) {
			var cpus, walls []time.Duration
			for range 21 {
				s := newStub(b)
				began := time.Now()
				c := s.begin(b, filepath.Join(dir, name))
				s.await(b)
				cpus, walls = append(cpus, cpu(b, c.Process.Pid)), append(walls, time.Since(began))
				_ = c.Process.Kill()
			}
			b.ReportMetric(ms(median(cpus)), "ms-CPU")
			b.ReportMetric(ms(median(walls)), "ms-clock")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkFirst is the CPU time of a bootstrap for the first event of its life: a page, with all that waits for the
// first page, and a registration, which pays for none of it. Then the same event again.
func BenchmarkFirst(b *testing.B) {
	dir := bootstraps(b)
	for name, file := range map[string]string{"page": "api-start.json", "registration": "api-register.json"} {
		event, err := os.ReadFile(filepath.Join(root, "events/received", file))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			var took [2][]time.Duration
			for range 21 {
				s := newStub(b)
				c := s.begin(b, filepath.Join(dir, "patient"))
				s.await(b)
				for n := range took {
					before := cpu(b, c.Process.Pid)
					if a := s.serve(event); !strings.Contains(a, `"statusCode":20`) {
						b.Fatalf("answer %s", a)
					}
					s.await(b)
					took[n] = append(took[n], cpu(b, c.Process.Pid)-before)
				}
				_ = c.Process.Kill()
			}
			b.ReportMetric(ms(median(took[0])), "ms-CPU-first")
			b.ReportMetric(ms(median(took[1])), "ms-CPU-second")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkSubmission is the CPU time that the patients' function takes for one registration: gateway event in,
// judged, one transaction with the table, answer out, one line. Beside it, in turns, runs a function that does
// nothing: what the Lambda runtime costs on this machine at this moment.
func BenchmarkSubmission(b *testing.B) {
	dir := bootstraps(b)
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", filepath.Join(dir, "empty"), "./testdata/empty")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(root, "events/received/api-register.json"))
	if err != nil {
		b.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		b.Fatal(err)
	}
	keys := 0
	submit := func(s *stub) {
		keys++
		event["headers"].(map[string]any)["idempotency-key"] = fmt.Sprintf("0192f0c1-2b7e-7c3a-9d51-%012d", keys)
		raw, err := json.Marshal(event)
		if err != nil {
			b.Fatal(err)
		}
		s.await(b)
		if a := s.serve(raw); !strings.Contains(a, `"statusCode":201`) {
			b.Fatalf("answer %s", a)
		}
	}
	const warm, each, rounds = 500, 1000, 9
	stubs, pids := [2]*stub{newStub(b), newStub(b)}, [2]int{}
	per := [2][]time.Duration{}
	for i, name := range []string{"patient", "empty"} {
		pids[i] = stubs[i].begin(b, filepath.Join(dir, name)).Process.Pid
		for range warm {
			submit(stubs[i])
		}
	}
	for range rounds {
		for i, s := range stubs {
			before := cpu(b, pids[i])
			for range each {
				submit(s)
			}
			per[i] = append(per[i], (cpu(b, pids[i])-before)/each)
		}
	}
	if calls := stubs[0].table.Load(); calls != warm+each*rounds {
		b.Errorf("%d calls of the table for %d registrations", calls, warm+each*rounds)
	}
	own, runtime := median(per[0]), median(per[1])
	b.ReportMetric(float64(own.Microseconds()), "µs-CPU")
	b.ReportMetric(float64(runtime.Microseconds()), "µs-CPU-doing-nothing")
	b.ReportMetric(float64(own)/float64(runtime), "times-nothing")
	b.ReportMetric(0, "ns/op")
}
