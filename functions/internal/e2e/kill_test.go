package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// kills is how often the whole stack is killed.
const kills = 22

// promised is a form that a client outside the stack was told is registered.
type promised struct {
	key, sent      string // what the client sent
	reference, got string // what it was told
	practice       string
}

// The whole stack is killed with SIGKILL at random points under load, again and again. Afterwards every form that
// a client was told of is there, with the answer that was given, and its practice was told after that. A mail may
// come twice only if a kill fell between its sending and its record.
func TestKilledAtRandomPointsNothingIsLost(t *testing.T) {
	t.Parallel()
	state, practices := t.TempDir(), openPractices(t, 150)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	var (
		mu       sync.Mutex
		forms    []promised
		retried  int
		clients  sync.WaitGroup
		stop     = make(chan struct{})
		now      = make(chan *stack) // whoever wants to send asks for the stack of the moment
		changed  = make(chan *stack)
		attempts int
	)
	go func() { // hands out the running stack
		var s *stack
		for {
			out := now
			if s == nil {
				out = nil
			}
			select {
			case s = <-changed:
			case out <- s:
			case <-stop:
				return
			}
		}
	}()
	client := func(n int) {
		for i := 0; ; i++ {
			key, practice := newKey(), practices[(n*7919+i*31)%len(practices)]
			body := answers(t, practice, func(a *optout.Answers) { a.Subject.NHSNumber = person(n*100_000 + i) })
			for try := 0; ; try++ { // a client that never gives up
				var s *stack
				select {
				case s = <-now:
				case <-stop:
					return
				}
				a, err := s.post("/api/forms", key, body)
				mu.Lock()
				attempts++
				if err == nil && a.status == http.StatusCreated {
					forms = append(forms, promised{key, body, a.receipt(t).Reference, a.body, practice})
					if try > 0 {
						retried++
					}
					mu.Unlock()
					break
				}
				mu.Unlock()
				if err == nil && a.status < 500 {
					t.Errorf("a good form is refused: %d %s", a.status, a.body)
					return
				}
			}
		}
	}
	var s *stack
	for k := range kills {
		s = start(t, state)
		changed <- s
		if k == 0 {
			for n := range 4 {
				clients.Go(func() { client(n) })
			}
		}
		mu.Lock()
		enough := attempts + 8 + random.IntN(20)
		mu.Unlock()
		eventually(t, "clients have been answered", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return attempts >= enough
		})
		<-time.After(time.Duration(random.IntN(20_000)) * time.Microsecond) // anywhere within whatever is going on
		pids := s.pids()
		changed <- nil
		s.kill()
		eventually(t, "all processes died with the runner", func() bool { return running(pids) == 0 })
	}
	close(stop)
	clients.Wait()

	s = start(t, state)
	flush := func(at time.Time) { // twice: forms first, then the practices that they made due
		for range 3 {
			s.sweep(at)
		}
	}
	flush(time.Now().Add(10 * time.Minute)) // leases of dead senders have run out
	firstDay := map[string]int{}
	for _, m := range s.mails() {
		firstDay[m.To[0]]++
	}
	flush(time.Now().Add(25 * time.Hour)) // the next day's mail

	lastMail, inbox := map[string]time.Time{}, map[string]int{}
	for _, m := range s.mails() {
		lastMail[m.To[0]], inbox[m.To[0]] = m.At, inbox[m.To[0]]+1
	}
	asked := map[string]bool{}
	for _, f := range forms {
		to := strings.ToLower(f.practice) + "@practice.example"
		asked[f.practice] = true
		item := s.item("F#"+strings.ReplaceAll(f.reference, "-", ""), "F")
		if item == nil {
			t.Errorf("%s was promised and is lost", f.reference)
			continue
		}
		if events, _ := item["events"].([]any); len(events) != 2 || !routedTo(events[1], f.practice) {
			t.Errorf("%s never went to %s: %v", f.reference, f.practice, events)
		}
		if again, err := s.post("/api/forms", f.key, f.sent); err != nil || again.body != f.got || !again.replayed {
			t.Errorf("%s, sent again, is answered %+v, %v; the first answer was %s", f.reference, again, err, f.got)
		}
		if got := s.steps(f.reference, "1957-03-31"); strings.Join(got, " ") != "received in-hand" {
			t.Errorf("%s stands at %v", f.reference, got)
		}
		if lastMail[to].Before(parsed(t, f.got)) {
			t.Errorf("%s: %s was last told at %v, before the form came", f.reference, to, lastMail[to])
		}
	}
	doubled, caught := 0, 0
	for practice := range asked {
		to := strings.ToLower(practice) + "@practice.example"
		recorded, ok := s.item("P#"+practice, "D")["mails"].(float64)
		if !ok {
			t.Errorf("%s has no mail on record", practice)
		}
		caught += inbox[to] - int(recorded)
		doubled += max(0, firstDay[to]-1)
	}
	t.Logf("seed %d: %d kills, %d requests, %d forms promised (%d after a retry), %d practices, %d mails; doubled mails %d, sends that a kill caught before they were recorded %d",
		seed, kills, attempts, len(forms), retried, len(asked), len(s.mails()), doubled, caught)
	if doubled > caught {
		t.Errorf("%d mails were doubled, but kills caught only %d", doubled, caught)
	}
	if len(forms) < 50 || retried == 0 {
		t.Errorf("%d forms, %d of them after a retry: that is no load", len(forms), retried)
	}
}

// openPractices are codes of practices that forms can go to.
func openPractices(t *testing.T, n int) (codes []string) {
	t.Helper()
	d, err := directory.Load()
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; len(codes) < n && i < 100_000; i++ {
		code, err := nhs.ParseODSCode(fmt.Sprintf("A%05d", 81_000+i))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := d.Find(code); ok && p.Status == directory.Open {
			codes = append(codes, code.String())
		}
	}
	return codes
}

// routedTo says whether an event put a form on the list of this practice.
func routedTo(event any, practice string) bool {
	e, _ := event.(map[string]any)
	detail, _ := e["detail"].(map[string]any)
	return e["kind"] == "routed" && detail["practice"] == practice
}

// person is a test NHS number of its own for every n.
func person(n int) string {
	for n += 100_000_000; ; n += 7_000_001 { // some have no check digit
		d := fmt.Sprintf("9%08d", n%100_000_000)
		sum := 0
		for i := range d {
			sum += int(d[i]-'0') * (10 - i)
		}
		if check := (11 - sum%11) % 11; check != 10 && n%1000 != 0 {
			return fmt.Sprintf("%s%d", d, check)
		}
	}
}

// parsed is when a form was received, by its own receipt.
func parsed(t *testing.T, body string) time.Time {
	t.Helper()
	var r receipt
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, r.Received)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
