package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/mailroom"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/signin/signintest"
	"example.org/optout/functions/internal/upload"
)

// The test's own binary is push, where the environment says so. PUSH_DIES says before which of its writes to the journal it
// is killed, and how far that write has come.
const (
	isChild = "PUSH_CHILD"
	dies    = "PUSH_DIES"
)

func TestMain(m *testing.M) {
	if os.Getenv(isChild) == "" {
		os.Exit(m.Run())
	}
	open := onDisk
	var at, far int
	if n, _ := fmt.Sscan(os.Getenv(dies), &at, &far); n == 2 {
		open.journal = func(path string) (disk, error) {
			d, err := openFile(path)
			return &dyingDisk{disk: d, left: at, far: far}, err
		}
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, open))
}

// dyingDisk kills the process when it writes for the nth time: before anything is written, with half of it, or with all.
type dyingDisk struct {
	disk
	left, far int
}

func (d *dyingDisk) Write(p []byte) (int, error) {
	if d.left--; d.left > 0 {
		return d.disk.Write(p)
	}
	_, _ = d.disk.Write(p[:len(p)*d.far/2])
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// world is a mailroom: its door over a table in memory, an issuer, and a bucket that takes what its forms allow.
type world struct {
	t      *testing.T
	table  *optouttest.Memory
	files  optouttest.Files
	issuer *signintest.Issuer
	door   *httptest.Server
	bucket *httptest.Server
	secret []byte

	mu       sync.Mutex
	receipts map[string]bool                               // sums of files for which the client had a receipt
	point    func(at string)                               // whatever happens there
	answer   func(http.ResponseWriter, *http.Request) bool // instead of the door's
	post     func(http.ResponseWriter, *http.Request) bool // instead of the bucket's
	open     map[net.Conn]http.ConnState                   // what of them is not closed
	changed  *sync.Cond                                    // open has
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, table: &optouttest.Memory{}, issuer: signintest.NewIssuer(t), receipts: map[string]bool{}, point: func(string) {}, secret: []byte(rand.Text())}
	ring, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	door := mailroom.Door{
		Store: w.table, Files: w, Keys: ring, Practices: directory.Shipped{}, TestNumbers: true, Controller: "Testshire Board", Now: time.Now,
		SignIn: &signin.Door{
			For: signin.Mailroom, Address: "https://optout.example", Issuer: w.issuer.URL, ClientID: "pages", HTTP: &http.Client{Timeout: 10 * time.Second},
			Seals: ring, Sessions: w.table, Clients: w.table, Now: time.Now,
		},
	}
	w.open, w.changed = map[net.Conn]http.ConnState{}, sync.NewCond(&w.mu)
	w.bucket = w.serves(w.take) // the door asks where it is
	serve := contracttest.Handler(door.Handler(), t.Errorf)
	w.door = w.serves(func(out http.ResponseWriter, r *http.Request) {
		w.at("asked")
		if w.answer != nil && w.answer(out, r) {
			return
		}
		said := httptest.NewRecorder()
		_ = observe.New("mailroom", io.Discard, time.Now).Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(said, r.WithContext(context.WithoutCancel(ctx)))
			return nil
		})
		if id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/mailroom/files/"), "/sent"); ok && strings.Contains(said.Body.String(), `"received":true`) {
			w.mu.Lock()
			for _, sum := range w.sums(id) {
				w.receipts[sum] = true
			}
			w.mu.Unlock()
		}
		w.at("done")
		maps.Copy(out.Header(), said.Header())
		out.WriteHeader(said.Code)
		_, _ = out.Write(said.Body.Bytes())
	})
	t.Cleanup(func() {
		w.door.Close()
		w.bucket.Close()
	})
	if err := w.table.SaveMailroomClient(t.Context(), "push-1", "the scanning desk"); err != nil {
		t.Fatal(err)
	}
	w.issuer.Secret("push-1", "a-secret")
	return w
}

// serves is a server of whose connections it is known what they are at.
func (w *world) serves(handle http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(handle)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.open[c] = state; state == http.StateClosed {
			delete(w.open, c)
		}
		w.changed.Broadcast()
	}
	s.Start()
	return s
}

// rests waits until nothing that was asked is still being done. What a client that is dead had asked is done once all its
// connections are closed.
func (w *world) rests(dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		busy := 0
		for _, state := range w.open {
			if dead || state == http.StateActive {
				busy++
			}
		}
		if busy == 0 {
			return
		}
		w.changed.Wait()
	}
}

// happens has something happen at every point from now on.
func (w *world) happens(do func(at string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.point = do
}

func (w *world) at(point string) {
	w.mu.Lock()
	do := w.point
	w.mu.Unlock()
	do(point)
}

// policy is what a form allows.
type policy struct {
	Key  string
	Most int64
	Ends time.Time
}

func (w *world) sign(p string) string {
	h := hmac.New(sha256.New, w.secret)
	h.Write([]byte(p))
	return hex.EncodeToString(h.Sum(nil))
}

// Form implements mailroom.Files.
func (w *world) Form(_ context.Context, f bucket.File) (bucket.Form, error) {
	plain, err := json.Marshal(policy{f.Key, f.Most, time.Now().Add(15 * time.Minute)})
	p := base64.StdEncoding.EncodeToString(plain)
	return bucket.Form{Address: w.bucket.URL, Origin: w.bucket.URL, Fields: []bucket.Field{{Name: "key", Value: f.Key}, {Name: "policy", Value: p}, {Name: "signature", Value: w.sign(p)}}}, err
}

// Picture, Link, Origin and Find implement mailroom.Files.
func (w *world) Picture(context.Context, string) (string, error)      { return w.bucket.URL, nil }
func (w *world) Link(context.Context, string, string) (string, error) { return w.bucket.URL, nil }
func (w *world) Origin(context.Context) string                        { return w.bucket.URL }
func (w *world) Find(ctx context.Context, key string) ([]upload.Object, error) {
	return w.files.Find(ctx, key)
}

// take takes a file as S3 does: whole or not at all, and only what was signed.
func (w *world) take(out http.ResponseWriter, r *http.Request) {
	w.at("form")
	if w.post != nil && w.post(out, r) {
		return
	}
	refuse := func(status int, code string) {
		out.WriteHeader(status)
		fmt.Fprintf(out, "<Error><Code>%s</Code></Error>", code)
	}
	form, err := r.MultipartReader()
	if err != nil {
		refuse(http.StatusBadRequest, "MalformedPOSTRequest")
		return
	}
	fields := map[string]string{}
	for {
		part, err := form.NextPart()
		if err != nil {
			refuse(http.StatusBadRequest, "MalformedPOSTRequest")
			return
		}
		if part.FormName() != "file" {
			b, _ := io.ReadAll(part)
			fields[part.FormName()] = string(b)
			continue
		}
		if part.FileName() != "scan" {
			w.t.Errorf("a name goes out: %s", part.FileName())
		}
		var p policy
		plain, _ := base64.StdEncoding.DecodeString(fields["policy"])
		switch _ = json.Unmarshal(plain, &p); {
		case w.sign(fields["policy"]) != fields["signature"], p.Key != fields["key"], time.Now().After(p.Ends):
			refuse(http.StatusForbidden, "AccessDenied")
			return
		}
		body, ok := w.whole(form, part)
		switch {
		case !ok: // what does not come whole is not there
			return
		case len(body) == 0:
			refuse(http.StatusBadRequest, "EntityTooSmall")
			return
		case int64(len(body)) > p.Most:
			refuse(http.StatusBadRequest, "EntityTooLarge")
			return
		}
		if err := w.files.Put(context.Background(), p.Key, "", body); err != nil {
			w.t.Error(err)
		}
		w.at("taken")
		out.WriteHeader(http.StatusNoContent)
		return
	}
}

func (w *world) whole(form *multipart.Reader, part *multipart.Part) (body []byte, ok bool) {
	begin := make([]byte, 4096)
	n, err := io.ReadFull(part, begin)
	w.at("half")
	if err == nil {
		rest, err := io.ReadAll(part)
		if err != nil {
			return nil, false
		}
		body = append(begin[:n], rest...)
	} else {
		body = begin[:n]
	}
	_, err = form.NextPart()
	return body, err == io.EOF
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// sums are of all versions of a file that came to a place.
func (w *world) sums(id string) (all []string) {
	found, err := w.files.Find(context.Background(), "scans/"+id)
	if err != nil {
		w.t.Error(err)
	}
	for _, o := range found {
		body, err := w.files.Open(context.Background(), "scans/"+id, o.Version)
		if err != nil {
			w.t.Error(err)
			continue
		}
		b, err := io.ReadAll(body)
		if err != nil {
			w.t.Error(err)
		}
		all = append(all, sumOf(b))
	}
	return all
}

// args is a command line for a folder and a new batch.
func (w *world) args(folder string, more ...string) []string {
	return append([]string{
		"-folder", folder, "-address", w.door.URL, "-issuer", w.issuer.URL, "-client", "push-1", "-once", "-quiet", "30ms", "-poll", "5ms", "-retry", "5ms", "-patience", "20s",
	}, more...)
}

var newBatch = []string{"-envelopes", "3", "-box", "B-7", "-sequence", "3"}

// push runs push as a process of its own. What kills it is for the world to know: pid is told first.
func (w *world) push(folder string, environment []string, started func(pid int)) (code int, said string) {
	w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	c := exec.Command(exe, w.args(folder, newBatch...)...)
	c.Env = append([]string{isChild + "=1", "PUSH_SECRET=a-secret"}, environment...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	if started != nil {
		started(c.Process.Pid)
	}
	_ = c.Wait()
	w.rests(true) // what is on its way to the server when the client dies still gets there
	return c.ProcessState.ExitCode(), out.String()
}

// here runs push in this process.
func (w *world) here(ctx context.Context, args []string) (code int, out string) {
	w.t.Helper()
	var said bytes.Buffer
	code = run(ctx, args, &said, &said, onDisk)
	return code, said.String()
}

// scans puts files into a new folder and gives their sums by name.
func scans(t *testing.T, n int) (folder string, sums map[string]string) {
	t.Helper()
	folder, sums = t.TempDir(), map[string]string{}
	for i := range n {
		name := fmt.Sprintf("scan%04d%s", i, kinds[i%len(kinds)])
		b := []byte(strings.Repeat(rand.Text(), 1+i*400))
		sums[name] = sumOf(b)
		write(t, filepath.Join(folder, name), b)
	}
	return folder, sums
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// in are the sums of what is in a folder.
func in(t *testing.T, folder string) (sums []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			b, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, sumOf(b))
		}
	}
	slices.Sort(sums)
	return sums
}

// earned says that whatever is in sent had its receipt.
func (w *world) earned(folder string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sum := range in(w.t, filepath.Join(folder, sentFolder)) {
		if !w.receipts[sum] {
			w.t.Errorf("a file was moved without a receipt")
		}
	}
}

// recount counts from outside: every file is sent, is in the bucket once, and is one piece of the one batch.
func (w *world) recount(folder string, sums map[string]string) {
	w.t.Helper()
	w.earned(folder)
	want := slices.Sorted(maps.Values(sums))
	if got := in(w.t, filepath.Join(folder, sentFolder)); !slices.Equal(got, want) {
		w.t.Errorf("%d files are in sent, of %d", len(got), len(want))
	}
	if left := in(w.t, folder); len(left) > 0 {
		w.t.Errorf("%d files are left", len(left))
	}
	ids, err := w.table.Batches(w.t.Context(), true, 100)
	if err != nil || len(ids) != 1 {
		w.t.Fatalf("%d batches, %v", len(ids), err)
	}
	b, err := w.table.Batch(w.t.Context(), ids[0])
	if err != nil {
		w.t.Fatal(err)
	}
	pieces, err := w.table.Pieces(w.t.Context(), ids[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var stored []string
	for _, p := range pieces {
		if p.Status != batch.Checking || sums[p.Name] == "" {
			w.t.Errorf("a piece is %s", p.Status)
		}
		stored = append(stored, w.sums(p.Upload)...)
	}
	slices.Sort(stored)
	if l := batch.Count(b, pieces); !slices.Equal(stored, want) || len(pieces) != len(want) || l.Pieces != len(want) || !l.AddsUp() {
		w.t.Errorf("%d files, %d pieces, %d in the bucket, and the books say %+v", len(want), len(pieces), len(stored), l)
	}
}

var supervisor = optout.Actor{Role: optout.Supervisor, ID: "u-sue"}
