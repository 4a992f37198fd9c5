package sim_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/sim"
)

var (
	seed    = flag.Uint64("sim.seed", 0, "replay the history of this seed, and tell what happens in it")
	from    = flag.Uint64("sim.from", 1, "the first seed of a run")
	count   = flag.Int("sim.histories", 0, "how many histories a run has; 0: as many as there is time for")
	long    = flag.Duration("sim.for", 0, "how long a run lasts, with as many processes as -sim.workers says")
	workers = flag.Int("sim.workers", 2, "how many processes a run has")
	forms   = flag.Int("sim.forms", 0, "how many forms each history has; 0: as its seed says")
	state   = flag.String("sim.state", "", "file that keeps what all runs have come to: a run goes on behind the last one")
	stop    = flag.Bool("sim.stop", false, "end a run at the first failure")
	report  = flag.Bool("sim.report", false, "for each seed that is read, run a block from there and print its sum as JSON: for the process that started this one")
)

// formsOf is how many forms a history has: most have one, one in ten has three and one in ten thirty, one in two
// thousand has a thousand, and about one in ten thousand ten thousand. Which ones is not to be seen from the seeds, so that no process gets all of them.
func formsOf(seed uint64) int {
	mixed := seed * 0x9e3779b97f4a7c15 >> 32
	switch {
	case *forms > 0:
		return *forms
	case mixed%10000 == 0:
		return 10000
	case mixed%2000 == 1:
		return 1000
	case mixed%10 == 2:
		return 30
	case mixed%10 == 3:
		return 3
	}
	return 1
}

// sum is what runs have come to.
type sum struct {
	First, Next uint64 // seeds
	Date        string
	sim.Count
	Failures []string
	Seconds  float64
}

func (s *sum) add(o sum) {
	s.Count.Add(o.Count)
	s.Failures = append(s.Failures, o.Failures...)
	s.Next = max(s.Next, o.Next)
}

// history runs the history of a seed and notes what it came to.
func (s *sum) history(t *testing.T, seed uint64, parts func() []sim.Part, log func(string, ...any)) {
	setup := sim.Setup{Seed: seed, Forms: formsOf(seed), Parts: parts(), Log: log}
	if log != nil {
		setup.After = func(w *sim.World) { // who follows one history sees where it has led
			for _, f := range w.Forms() {
				log("form %s (%s %s, of %v)", f.Reference, f.Facts.Kind, f.Facts.Choice, f.State().Practice)
				for _, e := range f.Events {
					log("  %d %s %s by %s %v", e.Seq, e.At.Format("01-02 15:04:05.000"), e.Kind, e.By, e.Detail)
				}
			}
		}
	}
	c, wrong := sim.Run(t, setup)
	s.Count.Add(c)
	if len(wrong) > 0 {
		s.Failures = append(s.Failures, fmt.Sprintf("seed %d: %s", seed, strings.Join(wrong, "; ")))
	}
}

// block runs so many histories from a seed on.
func (s *sum) block(t *testing.T, from uint64, n int, parts func() []sim.Part) {
	for s.Next = from; n > 0; n-- {
		s.history(t, s.Next, parts, nil)
		s.Next++
		if len(s.Failures) > 20 || *stop && len(s.Failures) > 0 {
			return
		}
	}
}

// serve runs a block for each seed that it is given, until there are no more.
func serve(t *testing.T, parts func() []sim.Part) {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		from, err := strconv.ParseUint(in.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		var s sum
		s.block(t, from, block, parts)
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n%s%s\n", sumOf, raw)
	}
}

func replayOf(failure string) string {
	seed, _, _ := strings.Cut(strings.TrimPrefix(failure, "seed "), ":")
	also := ""
	if *forms > 0 {
		also = " -sim.forms=" + strconv.Itoa(*forms)
	}
	return "go test ./functions/internal/sim -run Histories -v -sim.seed=" + seed + also
}

// Every history ends well. Without a flag it runs the first few seeds; see the flags for more, and `make sim`.
func TestHistoriesEndWell(t *testing.T) {
	parts := sim.Parts(t)
	var s sum
	began := time.Now()
	switch {
	case *report:
		serve(t, parts)
		return
	case *seed > 0:
		s.history(t, *seed, parts, t.Logf)
	case *long > 0:
		s = inProcesses(t)
	default:
		n := *count
		if n == 0 {
			n = 600
		}
		s.block(t, *from, n, parts)
		if *count == 0 { // a page that refuses everything is one that nobody does anything by
			for _, verb := range []string{"collect", "apply", "return", "decide", "withdraw", "assign", "answer", "confirm", "complain", "wrote", "release"} {
				if s.Done["page done: "+verb] == 0 {
					t.Errorf("nobody could %s by a page", verb)
				}
			}
		}
	}
	s.Seconds = time.Since(began).Seconds()
	tell(t, s)
}

// tell says what a run came to.
func tell(t *testing.T, s sum) {
	t.Helper()
	var b strings.Builder
	faults := 0
	for _, n := range s.Faults {
		faults += n
	}
	fmt.Fprintf(&b, "%d histories, %d forms, %d calls, %d faults, %d failures in %.0f s, %.0f histories a minute\n", s.Histories, s.Forms, s.Calls, faults, len(s.Failures), s.Seconds, 60*float64(s.Histories)/s.Seconds)
	for _, part := range []struct {
		name string
		of   map[string]int
	}{{"faults", s.Faults}, {"what people did", s.Done}} {
		fmt.Fprintf(&b, "%s:\n", part.name)
		for _, k := range slices.Sorted(maps.Keys(part.of)) {
			fmt.Fprintf(&b, "  %9d  %s\n", part.of[k], k)
		}
	}
	t.Log(b.String())
	for _, f := range s.Failures {
		t.Errorf("%s\n  replay: %s", f, replayOf(f))
	}
}

const (
	block  = 500    // seeds that a process is given at a time
	blocks = 40     // that it runs before another process takes its place: what testing keeps of each history adds up
	sumOf  = "SUM " // begins the line in which it says what came of a block
)

// inProcesses runs histories in several processes at a time: one process has one world at a time. It goes on where the
// state file says that the last run ended. What has been begun is brought to an end, so that a run leaves out no seed.
func inProcesses(t *testing.T) sum {
	t.Helper()
	var before sum
	first := *from
	if *state != "" {
		if raw, err := os.ReadFile(*state); err == nil {
			if err := json.Unmarshal(raw, &before); err != nil {
				t.Fatal(err)
			}
			first = before.Next
		}
	}
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		next  = first
		total = sum{First: first}
		began = time.Now()
	)
	for range *workers {
		all.Go(func() {
			more := func() bool { return time.Since(began) < *long }
			for more() {
				p, err := startProcess()
				for n := 0; err == nil && n < blocks && more(); n++ {
					mu.Lock()
					mine := next
					next += block
					mu.Unlock()
					var s sum
					s, err = p.block(mine)
					mu.Lock()
					total.add(s)
					mu.Unlock()
				}
				if err == nil {
					err = p.end()
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	total.Next = next
	if *state == "" || t.Failed() {
		return total
	}
	before.First = max(1, min(before.First, first))
	before.Count.Add(total.Count)
	before.Failures = append(before.Failures, total.Failures...)
	before.Next, before.Date, before.Seconds = next, time.Now().UTC().Format("2006-01-02"), before.Seconds+time.Since(began).Seconds()
	raw, err := json.MarshalIndent(before, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*state, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	return total
}

// process is one that runs blocks.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startProcess() (*process, error) {
	c := exec.Command(os.Args[0], "-test.run=^TestHistoriesEndWell$", "-test.timeout=0", "-sim.report", "-sim.forms="+strconv.Itoa(*forms))
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=800", "GOMEMLIMIT=1500MiB") // most of what a history takes is gone with it
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.Stderr = c.Stdout
	return &process{cmd: c, in: in, out: bufio.NewReader(out)}, c.Start()
}

// block has it run the block of a seed.
func (p *process) block(from uint64) (s sum, err error) {
	_, _ = fmt.Fprintln(p.in, from) // a process that takes no more has ended, and says why
	told, raw, err := p.hear()
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return sum{}, fmt.Errorf("the process of seed %d failed: %w\n%s", from, cmp.Or(p.end(), err), told)
	}
	return s, nil
}

// hear gives what it says until its next sum, and that; io.EOF if there is no other.
func (p *process) hear() (told, raw []byte, err error) {
	for {
		line, err := p.out.ReadBytes('\n')
		if raw, ok := bytes.CutPrefix(line, []byte(sumOf)); ok && err == nil {
			return told, raw, nil
		}
		if told = append(told, line...); err != nil {
			return told, nil, err
		}
	}
}

// end has it come to its end, when all is done.
func (p *process) end() error {
	p.in.Close()
	told, _, _ := p.hear()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, told)
	}
	return nil
}

// The same seed is the same history, to the last call. It is so, too, if whoever reads gets copies: nothing that is deployed writes on
// what it has read, which would be in the table otherwise, saved or not.
func TestASeedIsOneHistory(t *testing.T) {
	parts, lines := sim.Parts(t), 0
	large := uint64(cmp.Or(*count, 6))
	for seed := *from + 100; seed < *from+100+11*large; seed++ {
		var told [2][]string
		for n := range told {
			setup := sim.Setup{Seed: seed, Forms: cmp.Or(*forms, 30), Parts: parts(), All: true, Copies: n == 1, Log: func(format string, a ...any) { told[n] = append(told[n], fmt.Sprintf(format, a...)) }}
			if seed >= *from+100+large { // as most histories are
				setup.Forms, setup.All = formsOf(seed), false
			}
			_, wrong := sim.Run(t, setup)
			told[n] = append(told[n], wrong...)
		}
		lines += len(told[0])
		if !slices.Equal(told[0], told[1]) {
			at := 0
			for at < min(len(told[0]), len(told[1])) && told[0][at] == told[1][at] {
				at++
			}
			t.Errorf("seed %d: %d lines and %d, which part after\n%s\n: %q and %q", seed, len(told[0]), len(told[1]), strings.Join(told[0][max(0, at-8):at], "\n"), told[0][at:min(len(told[0]), at+1)], told[1][at:min(len(told[1]), at+1)])
		}
	}
	if lines < 1000 {
		t.Errorf("nothing much happened: %d lines", lines)
	}
}
