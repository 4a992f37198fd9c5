package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
)

// says wants push to end with a code and to say texts.
func (w *world) says(ctx context.Context, args []string, want int, texts ...string) string {
	w.t.Helper()
	code, said := w.here(ctx, args)
	for _, text := range append(texts, "") {
		if code != want || !strings.Contains(said, text) {
			w.t.Errorf("it ends with %d, want %d %q:\n%s", code, want, text, said)
		}
	}
	return said
}

// secret is where the command line says the client's secret is.
func secret(t *testing.T, s string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, []byte(s+"\n"))
	return []string{"-secret-file", path}
}

func (w *world) line(folder string) []string {
	w.t.Helper()
	return slices.Concat(w.args(folder), newBatch, secret(w.t, "a-secret"))
}

func TestAFolderIsSentAndTheBooksAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, sums := scans(t, 6)
	write(t, filepath.Join(folder, "UPPER.PDF"), []byte("upper"))
	sums["UPPER.PDF"] = sumOf([]byte("upper"))
	for _, other := range []string{"notes.docx", "scan.pdf.tmp", "~scan.pdf", ".hidden.pdf", "scan.pdf.part"} {
		write(t, filepath.Join(folder, other), []byte("x"))
	}
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "older"), 0o700), syscall.Mkfifo(filepath.Join(folder, "pipe.pdf"), 0o600)); err != nil {
		t.Fatal(err)
	}
	said := w.says(t.Context(), w.line(folder), 0, "Left alone: notes.docx.", "Left alone: older.", "Left alone: pipe.pdf.", "7 seen = 7 sent + 0 refused + 0 waiting", "7 opened, 3 declared: they are not equal yet", "7 = 0 registered", "They agree.")
	for _, quiet := range []string{"hidden", "part", "tmp", "~scan"} {
		if strings.Contains(said, quiet) {
			t.Errorf("it names %s: %s", quiet, said)
		}
	}
	w.says(t.Context(), w.line(folder), 0, "7 seen = 7 sent", "They agree.") // nothing is left to do
	for _, other := range []string{"notes.docx", "scan.pdf.tmp", "~scan.pdf", ".hidden.pdf", "scan.pdf.part", "pipe.pdf"} {
		if err := os.Remove(filepath.Join(folder, other)); err != nil {
			t.Errorf("it was not left alone: %v", err)
		}
	}
	w.recount(folder, sums)
}

func TestWhatTheServerRefusesIsPutAsideWithItsWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, _ := scans(t, 2)
	write(t, filepath.Join(folder, "empty.pdf"), nil)
	write(t, filepath.Join(folder, "large.tif"), bytes.Repeat([]byte("x"), 20<<20+1))
	w.says(t.Context(), w.line(folder), 0, "4 seen = 2 sent + 2 refused + 0 waiting", "Refused: empty.pdf (empty). This file is empty.", "Refused: large.tif (file-too-large). This file has more than 20 MB.", "2 = 0 registered", "They agree.")
	for name, code := range map[string]string{"empty.pdf": "empty\nThis file is empty.", "large.tif": "file-too-large\nThis file has more"} {
		note, err := os.ReadFile(filepath.Join(folder, refusedFolder, name+".txt"))
		if _, there := os.Stat(filepath.Join(folder, refusedFolder, name)); err != nil || there != nil || !strings.HasPrefix(string(note), code) {
			t.Errorf("%s: %s, %v, %v", name, note, err, there)
		}
	}
}

// A file of the same name as one that was sent is another file, and so is one that is written again while it goes out.
func TestAFileThatIsWrittenAgainIsAnotherFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "scan.pdf")
	write(t, path, []byte("one"))
	w.says(t.Context(), w.line(folder), 0, "1 seen = 1 sent")
	write(t, path, []byte("another"))
	w.says(t.Context(), w.line(folder), 0, "2 seen = 2 sent", "2 = 0 registered")

	write(t, path, bytes.Repeat([]byte("long"), 1<<20))
	var changed atomic.Bool
	w.point = func(at string) {
		if at == "half" && changed.CompareAndSwap(false, true) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("LONG"), 1<<20), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	w.says(t.Context(), w.line(folder), 0, "3 seen = 3 sent", "4 = 0 registered", "They agree.") // the place of what never came waits for it
	want := []string{sumOf([]byte("one")), sumOf([]byte("another")), sumOf(bytes.Repeat([]byte("LONG"), 1<<20))}
	slices.Sort(want)
	if got := in(t, filepath.Join(folder, sentFolder)); !slices.Equal(got, want) || !changed.Load() {
		t.Errorf("%d files are in sent", len(got))
	}
	w.earned(folder)
}

func TestAFileIsCompleteOnceNothingOfItChanges(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "scan.pdf")
	v := watch{folder: folder, quiet: time.Second, since: map[string]seenSince{}, left: map[string]bool{}}
	at := time.Unix(0, 0)
	looks := func(after time.Duration, complete, growing int) {
		t.Helper()
		at = at.Add(after)
		c, g, _, err := v.look(at)
		if err != nil || len(c) != complete || len(g) != growing {
			t.Errorf("after %v: %v complete, %v growing, %v", at, c, g, err)
		}
	}
	looks(0, 0, 0)
	write(t, path, []byte("a"))
	looks(0, 0, 1)
	looks(900*time.Millisecond, 0, 1)
	write(t, path, []byte("ab"))
	looks(900*time.Millisecond, 0, 1)
	looks(time.Second, 1, 0)
	if err := os.Rename(path, filepath.Join(folder, "other.pdf")); err != nil {
		t.Fatal(err)
	}
	looks(time.Second, 0, 1) // by another name it is watched anew
	looks(time.Second, 1, 0)
}

// What passes, passes: an answer that is lost, a token and a form that have expired, a server and a bucket that are away.
func TestWhatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, sums := scans(t, 5)
	var asked, posted atomic.Int64
	w.answer = func(out http.ResponseWriter, _ *http.Request) bool {
		switch n := asked.Add(1); {
		case n%5 == 1:
			out.WriteHeader(http.StatusServiceUnavailable)
		case n == 3: // a token that is refused twice is refused for good
			out.Header().Set("Content-Type", "application/problem+json")
			out.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(out, `{"code":"token-expired"}`)
		default:
			return false
		}
		return true
	}
	w.post = func(out http.ResponseWriter, r *http.Request) bool {
		_, _ = io.CopyN(io.Discard, r.Body, 100)
		switch posted.Add(1) % 3 {
		case 0:
			out.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(out, "<Error><Code>SlowDown</Code></Error>")
		case 1:
			out.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(out, "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>")
		default:
			return false
		}
		return true
	}
	w.post = lenient(w.post)
	w.says(t.Context(), w.line(folder), 0, "5 seen = 5 sent", "The server does not answer.", "The server answers again.", "Files do not get through.", "They agree.")
	w.recount(folder, sums)
}

// lenient keeps what a post reads for whoever reads it after.
func lenient(post func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		var read bytes.Buffer
		body := r.Body
		r.Body = io.NopCloser(io.TeeReader(body, &read))
		if post(w, r) {
			return true
		}
		r.Body = io.NopCloser(io.MultiReader(&read, body))
		return false
	}
}

// What does not pass is said in a sentence, and nothing is lost by it.
func TestWhatKeepsPushFromSendingIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, w *world, folder string) []string
		code int
		text string
	}{
		"another push": {func(t *testing.T, w *world, folder string) []string {
			unlock, err := lock(folder)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(unlock)
			return w.line(folder)
		}, unusable, "Another push is at work on this folder."},
		"no folder": {func(_ *testing.T, w *world, folder string) []string { return w.line(filepath.Join(folder, "x")) }, unusable, "The folder is not there"},
		"a journal that is damaged": {func(t *testing.T, w *world, folder string) []string {
			if err := os.Mkdir(filepath.Join(folder, ".push"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(folder, ".push", "journal"), []byte("{}\nx\n"))
			return w.line(folder)
		}, unusable, "is damaged"},
		"another secret": {func(t *testing.T, w *world, folder string) []string { return append(w.line(folder), secret(t, "x")...) }, unusable, "does not take this client any more"},
		"a client of a practice": {func(t *testing.T, w *world, folder string) []string {
			if err := w.table.SaveClient(t.Context(), "push-1", nhs.StoredODSCode("A81001"), "moved"); err != nil {
				t.Fatal(err)
			}
			return w.line(folder)
		}, unusable, "it is not entered as the mailroom's"},
		"a batch that is not there": {func(t *testing.T, w *world, folder string) []string {
			return slices.Concat(w.args(folder), []string{"-batch", "7F3K-9QWM-2B5T-RX4H-A"}, secret(t, "a-secret"))
		}, unusable, "no such batch"},
		"a declaration that is none": {func(t *testing.T, w *world, folder string) []string {
			return slices.Concat(w.args(folder), []string{"-envelopes", "501", "-box", "B-7", "-sequence", "3"}, secret(t, "a-secret"))
		}, unusable, "The batch was not opened."},
		"a server that is away": {func(_ *testing.T, w *world, folder string) []string {
			w.door.Close()
			return append(w.line(folder), "-patience", "50ms")
		}, unusable, "has not answered for too long"},
		"a batch that is closed": {func(t *testing.T, w *world, folder string) []string {
			w.closed(folder)
			write(t, filepath.Join(folder, "late.pdf"), []byte("late"))
			return w.line(folder)
		}, disagrees, "The batch is closed, and takes nothing more."},
		"a client that is revoked meanwhile": {func(_ *testing.T, w *world, folder string) []string {
			w.answer = func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/files") {
					_ = w.table.SaveClient(context.Background(), "push-1", nhs.StoredODSCode("A81001"), "moved")
				}
				return false
			}
			return w.line(folder)
		}, disagrees, "it is not entered as the mailroom's"},
		"a folder that goes": {func(t *testing.T, w *world, folder string) []string {
			w.point = func(at string) {
				if at == "form" {
					if err := os.Rename(folder, folder+"-gone"); err == nil {
						t.Cleanup(func() { _ = os.RemoveAll(folder + "-gone") })
					}
				}
			}
			return w.line(folder)
		}, disagrees, "The folder is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			folder, _ := scans(t, 1)
			w.says(t.Context(), c.do(t, w, folder), c.code, c.text)
		})
	}
}

// closed sends what is in a folder, gives it an outcome and closes its batch.
func (w *world) closed(folder string) {
	w.t.Helper()
	w.says(w.t.Context(), w.line(folder), 0)
	room := batch.Mailroom{Store: w.table, Now: time.Now}
	ids, err := w.table.Batches(w.t.Context(), true, 1)
	if err != nil || len(ids) != 1 {
		w.t.Fatal(ids, err)
	}
	pieces, err := w.table.Pieces(w.t.Context(), ids[0])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range pieces {
		if err := room.Quarantine(w.t.Context(), p.At, batch.Infected, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	_, err = room.Recount(w.t.Context(), ids[0], supervisor, len(pieces), "miscounted")
	if err == nil {
		_, err = room.Close(w.t.Context(), ids[0], supervisor)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// What was announced to a batch that has closed since goes to the one that is named now.
func TestWhatAClosedBatchDoesNotTakeGoesToTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, _ := scans(t, 1)
	w.closed(folder)
	write(t, filepath.Join(folder, "late.pdf"), []byte("late"))
	w.says(t.Context(), w.line(folder), disagrees, "1 waiting", "closed")
	w.says(t.Context(), append(w.line(folder), "-sequence", "4"), 0, "1 seen = 1 sent + 0 refused + 0 waiting", "They agree.")
	ids, err := w.table.Batches(t.Context(), true, 10)
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	if pieces, err := w.table.Pieces(t.Context(), ids[0]); err != nil || len(pieces) != 1 || pieces[0].Name != "late.pdf" {
		t.Errorf("%+v, %v", pieces, err)
	}
}

// fullDisk has no room for more than a few lines.
type fullDisk struct {
	disk
	left int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left--; d.left < 0 {
		n, _ := d.disk.Write(p[:len(p)/2])
		return n, &os.PathError{Op: "write", Path: "journal", Err: syscall.ENOSPC}
	}
	return d.disk.Write(p)
}

func TestAFullDiskStopsPushAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, sums := scans(t, 3)
	for room := 1; ; room++ {
		var said bytes.Buffer
		code := run(t.Context(), w.line(folder), &said, &said, opener{func(path string) (disk, error) {
			d, err := openFile(path)
			return &fullDisk{d, room}, err
		}, os.Open})
		w.earned(folder)
		if code == 0 {
			break
		}
		if !strings.Contains(said.String(), "The disk with the folder is full.") {
			t.Fatalf("with room for %d lines it ends with %d: %s", room, code, said.String())
		}
	}
	w.recount(folder, sums)
}

// Told to end, it says how the books stand, and that they do not agree while something waits.
func TestToldToEndItSaysWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, sums := scans(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.point = func(at string) {
		if at == "form" {
			cancel()
		}
	}
	w.says(ctx, slices.DeleteFunc(w.line(folder), func(s string) bool { return s == "-once" }), disagrees, "1 seen = 0 sent + 0 refused + 1 waiting", "waiting  scan0000.pdf", "They do not agree.")
	w.happens(func(string) {})
	w.rests(false)
	w.says(t.Context(), w.line(folder), 0, "1 seen = 1 sent")
	w.recount(folder, sums)
}

func TestTheCommandLineIsReadToTheLetter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"", "-folder"},
		{"-folder f", "either -batch"},
		{"-folder f -batch b -envelopes 1", "either -batch"},
		{"-folder f -envelopes 1 -box B", "needs all of"},
		{"-folder f -batch b", "-address"},
		{"-folder f -batch b -per all -address a -issuer i -client c", "-per is"},
		{"-folder f -batch b -address a -issuer i -client c -parallel 0", "-parallel"},
		{"-folder f -batch b -address a -issuer i -client c -secret-file /nowhere/at/all", "cannot be read"},
		{"-folder f -batch b -address a -issuer i -client c more", "more belongs to none"},
		{"-folder f -batch b -address a -issuer i -client c -secret x", "not defined: -secret"},
	} {
		_, err := read(strings.Fields(c.line), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.line, err)
		}
	}
}

func TestAFileThatCannotBeReadWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder, sums := scans(t, 2)
	locked := filepath.Join(folder, "scan0000.pdf")
	var said bytes.Buffer
	code := run(t.Context(), w.line(folder), &said, &said, opener{openFile, func(path string) (*os.File, error) { // root would read it whatever its mode
		if path == locked {
			return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrPermission}
		}
		return os.Open(path)
	}})
	for _, text := range []string{"Cannot be read: scan0000.pdf", "2 seen = 1 sent + 0 refused + 1 waiting"} {
		if code != disagrees || !strings.Contains(said.String(), text) {
			t.Errorf("it ends with %d, want %d %q:\n%s", code, disagrees, text, said.String())
		}
	}
	if _, err := os.Stat(locked); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
	w.says(t.Context(), w.line(folder), 0, "2 seen = 2 sent") // once it can be read
	w.recount(folder, sums)
}

// A folder that was let go can be taken at once, also while a process is being started that has inherited what kept it.
func TestAFolderThatWasLetGoCanBeTaken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			_ = exec.Command("/bin/true").Run()
		}
	}()
	for n := 0; ; n++ {
		unlock, err := lock(folder)
		if err != nil {
			t.Fatalf("after %d times: %v", n, err)
		}
		unlock()
		select {
		case <-done:
			return
		default:
		}
	}
}
