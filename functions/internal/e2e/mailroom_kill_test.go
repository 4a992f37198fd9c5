package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/scan/scantest"
)

// mailroomKills is how often something is killed; MAILROOM_KILLS=100 asks for more.
const mailroomKills = 12

// pushes builds the client that watches a folder once for all tests.
var pushes = sync.OnceValues(func() (string, error) {
	if _, err := runner(); err != nil { // makes the folder
		return "", err
	}
	path := filepath.Join(built, "push")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./functions/mailroom/push")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build push: %w\n%s", err, out)
	}
	return path, nil
})

// push is the client at work on a folder.
func (s *stack) push(folder, id string, flags ...string) (*exec.Cmd, *bytes.Buffer, error) {
	path, err := pushes()
	if err != nil {
		return nil, nil, err
	}
	var at struct{ Issuer string }
	s.ask("/status.json", &at)
	cmd := exec.Command(path, append([]string{
		"-folder", folder, "-batch", id, "-address", s.patients, "-issuer", at.Issuer, "-client", "push-1", "-quiet", "30ms", "-poll", "20ms", "-retry", "20ms",
	}, flags...)...)
	cmd.Env = []string{"PUSH_SECRET=local-secret", "PATH=/usr/bin:/bin", "HOME=" + folder}
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out, cmd.Start()
}

// mayPush lets the client in.
func (s *stack) mayPush() error {
	return dynamo.New(s.engine(), "local-Table").SaveMailroomClient(s.t.Context(), "push-1", "the scanner's computer")
}

var (
	slips sync.Map
	sheet = sync.OnceValue(func() *image.RGBA { return scantest.Form(1) })
)

// slip is a small piece of a form, no two alike, and quick to send, draw and make: the race detector makes images slow.
func slip(n int) image.Image {
	if m, ok := slips.Load(n); ok {
		return m.(image.Image)
	}
	m, _ := slips.LoadOrStore(n, sheet().SubImage(image.Rect(100, 150, 500+n%400, 500+n/400)))
	return m.(image.Image)
}

// scanFiles are small scans, no two alike: PDFs of a page or two, photographs and pictures.
func scanFiles(t *testing.T, n int) (files map[string][]byte) {
	t.Helper()
	files = map[string][]byte{}
	for i := range n {
		small := slip(i)
		switch i % 3 {
		case 0:
			files[fmt.Sprintf("scan-%02d.pdf", i)] = scantest.PDF(small)
		case 1:
			files[fmt.Sprintf("scan-%02d.png", i)] = scantest.PNG(small)
		default:
			files[fmt.Sprintf("scan-%02d.tif", i)] = scantest.TIFF(scantest.LZW, small)
		}
	}
	return files
}

// The client, the functions, the engines and the whole stack are killed with SIGKILL at random points while files are put
// into the client's folder and a clerk keys what is drawn. Each time everything is started again, the ledger adds up, and
// in the end every file is one piece and one form, once, and the batch closes.
func TestTheMailroomIsKilledAtRandomPointsAndItsBooksAddUp(t *testing.T) {
	t.Parallel()
	kills := mailroomKills
	if n, err := strconv.Atoi(os.Getenv("MAILROOM_KILLS")); err == nil {
		kills = n
	}
	count := 2 * kills
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	state, folder := t.TempDir(), t.TempDir()
	files := scanFiles(t, count)
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	})

	s := start(t, state)
	if err := s.mayPush(); err != nil {
		t.Fatal(err)
	}
	clerk, err := s.signIn("/mailroom", "clerk")
	if err != nil {
		t.Fatal(err)
	}
	id, err := clerk.opensBatch(count)
	if err != nil {
		t.Fatal(err)
	}
	killed := map[string]int{}
	keyed := 0
	var client *exec.Cmd
	for k := range kills {
		if client == nil {
			if client, _, err = s.push(folder, id); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range names[2*k : 2*k+2] { // as a scanner writes them
			if err := os.WriteFile(filepath.Join(folder, name), files[name], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		// The clerk keys what there is, and the kill falls anywhere.
		stop := make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if key, err := clerk.keysNext("K", id, person(k*1000+n)); err != nil {
					return // what it was in the middle of was killed
				} else if key {
					keyed++
				}
			}
		})
		<-time.After(time.Duration(50+random.IntN(1200)) * time.Millisecond) // anywhere within whatever is going on
		switch random.IntN(4) {
		case 0:
			killed["client"]++
			_ = client.Process.Kill()
			_ = client.Wait()
			client = nil
		case 1, 2:
			killed["a part of the stack"]++
			pids := s.pids()[1:]
			pid := pids[random.IntN(len(pids))]
			if pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		default:
			killed["the whole stack"]++
			pids := s.pids()
			s.kill()
			eventually(t, "all processes died with the runner", func() bool { return running(pids) == 0 })
			_ = client.Process.Kill() // it would go on with the address of a stack that is no more
			_ = client.Wait()
			client = nil
		}
		close(stop)
		work.Wait()
		if client == nil {
			s.kill()
			s = start(t, state)
			if clerk, err = s.signIn("/mailroom", "clerk"); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the books add up", func() bool { return s.booksAddUp(id) == nil })
		if err := s.booksAddUp(id); err != nil {
			t.Fatalf("after kill %d: %v", k+1, err)
		}
	}
	if client != nil {
		_ = client.Process.Kill()
		_ = client.Wait()
	}
	last, said, err := s.push(folder, id, "-once")
	if err != nil {
		t.Fatal(err)
	}
	if err := last.Wait(); err != nil {
		t.Fatalf("push does not come to an end in peace: %v\n%s", err, said)
	}
	if sent, err := os.ReadDir(filepath.Join(folder, "sent")); err != nil || len(sent) != count {
		t.Errorf("%d of %d files were moved: %v\n%s", len(sent), count, err, said)
	}
	supervisor, err := s.signIn("/mailroom", "supervisor")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	for n := 0; ; n++ { // what was lost is asked for again, in its time
		if n > 60 {
			t.Fatalf("the batch does not come to an end: %v", s.booksAddUp(id))
		}
		at = at.Add(15 * time.Minute)
		if err := s.order("/schedule", url.Values{"event": {"ScansClock/EveryMinute"}, "time": {at.Format(time.RFC3339)}}); err != nil {
			t.Fatal(err)
		}
		for {
			more, err := clerk.keysNext("K", id, person(900_000+n))
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			n++
			keyed++
		}
		for {
			more, err := supervisor.keysSecond(id)
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
		}
		if _, err := clerk.does("/mailroom/batches/" + id + "/close"); err == nil {
			break
		}
	}
	refs, err := s.recount(id, count, map[string]int{"registered": count})
	if err != nil {
		t.Fatal(err)
	}
	papers, err := s.paperForms()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(refs)
	slices.Sort(papers)
	if !slices.Equal(refs, papers) {
		t.Errorf("%d forms are on the books, %d came on paper", len(refs), len(papers))
	}
	t.Logf("seed %d: %d kills (%v), %d files, %d pieces keyed", seed, kills, killed, count, keyed)
}

// keysNext keys the next piece of a batch, if there is one. An error means that no answer came, or none that anybody
// could go on with.
func (c *caller) keysNext(stage, id, number string) (bool, error) {
	at, err := c.takes(stage, id)
	if err != nil || at == "" {
		return false, err
	}
	if a, err := c.get(at); err != nil || a.code != http.StatusOK {
		return false, errors.Join(err, fmt.Errorf("no piece: %d", a.code))
	}
	return true, c.keys(at, stage, id, keyedForm(number))
}

// keysSecond reads, as somebody else, what the first clerk has read of the next piece that is keyed twice.
func (c *caller) keysSecond(id string) (bool, error) {
	at, err := c.takes("S", id)
	if err != nil || at == "" {
		return false, err
	}
	piece, err := c.s.items("B#"+strings.ReplaceAll(id, "-", ""), "I#"+strings.Split(at, "/")[4])
	if err != nil || len(piece) != 1 {
		return false, fmt.Errorf("no such piece: %w", err)
	}
	number := digitsOf.FindString(all(piece[0]["keyed"]))
	return true, c.keys(at, "S", id, keyedForm(number, "asked", "twice"))
}

// booksAddUp counts a batch from outside.
func (s *stack) booksAddUp(id string) error {
	books, err := s.items("B#"+strings.ReplaceAll(id, "-", ""), "")
	if err != nil {
		return err
	}
	pieces, rows := "", 0
	for _, i := range books {
		switch {
		case plain(i["SK"]) == "B":
			pieces = plain(i["pieces"])
		case plain(i["status"]) != "lapsed":
			rows++
		}
	}
	if rows == 0 && pieces == "" || pieces == strconv.Itoa(rows) {
		return nil
	}
	return fmt.Errorf("%s pieces, %d rows", pieces, rows)
}
