package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
)

var ann = optout.Actor{Role: optout.Desk, ID: "u-ann"}

// postroom is a mailroom that uploads scans. A file is its pages' text, with a line for each; "bad" cannot be read.
type postroom struct {
	t     testing.TB
	store *optouttest.Memory
	files *optouttest.Files
	clock *optouttest.Clock
	batch string
	asked []string // versions
}

func newPostroom(t testing.TB) *postroom {
	t.Helper()
	p := &postroom{t: t, store: &optouttest.Memory{}, files: &optouttest.Files{}, clock: optouttest.NewClock()}
	b, err := p.mailroom().Open(t.Context(), ann, batch.Declaration{Envelopes: 1, Box: "B-7", Sequence: 1})
	if err != nil {
		t.Fatal(err)
	}
	p.batch = b.ID
	return p
}

func (p *postroom) mailroom() batch.Mailroom { return batch.Mailroom{Store: p.store, Now: p.clock.Now} }

func (p *postroom) scans() job.Scans {
	return job.Scans{
		Store: p.store, Files: p.files, Now: p.clock.Now,
		Draw: func(_ context.Context, file []byte, page func(job.Drawn) error) error {
			if string(file) == "bad" {
				return &job.Unreadable{Code: "corrupt"}
			}
			for n := range len(file) {
				if err := page(job.Drawn{Number: n + 1, JPEG: file[n : n+1], Blank: file[n] == '-'}); err != nil {
					return err
				}
			}
			return nil
		},
		Ask: func(_ context.Context, key, version string) error {
			p.asked = append(p.asked, version)
			return nil
		},
	}
}

// promises makes a place for a file.
func (p *postroom) promises() upload.Slot {
	p.t.Helper()
	_, slots, err := p.mailroom().Expect(p.t.Context(), p.batch, ann, []string{"scan.pdf"}, batch.OneEach)
	if err != nil {
		p.t.Fatal(err)
	}
	return slots[0]
}

// put puts a file there, and gives its version.
func (p *postroom) put(s upload.Slot, file string) string {
	p.t.Helper()
	if err := p.files.Put(p.t.Context(), s.Key(), "application/pdf", []byte(file)); err != nil {
		p.t.Fatal(err)
	}
	found, err := p.files.Find(p.t.Context(), s.Key())
	if err != nil {
		p.t.Fatal(err)
	}
	return found[0].Version
}

func (p *postroom) hears(s upload.Slot, version, result string) {
	p.t.Helper()
	if err := p.scans().Heard(p.t.Context(), trigger.MalwareResult{Key: s.Key(), Version: version, Result: result}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *postroom) sweep(after time.Duration) {
	p.t.Helper()
	p.clock.Move(after)
	if err := job.ScansDue(p.scans())(p.t.Context(), p.clock.Now); err != nil {
		p.t.Fatal(err)
	}
}

func (p *postroom) slot(s upload.Slot) upload.Slot {
	p.t.Helper()
	s, err := p.store.Upload(p.t.Context(), s.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *postroom) piece(s upload.Slot) batch.Piece {
	p.t.Helper()
	piece, err := p.store.Piece(p.t.Context(), batch.FirstOf(s.Batch, s.ID))
	if err != nil {
		p.t.Fatal(err)
	}
	return piece
}

func (p *postroom) ledger() batch.Ledger {
	p.t.Helper()
	b, err := p.store.Batch(p.t.Context(), p.batch)
	if err != nil {
		p.t.Fatal(err)
	}
	pieces, err := p.store.Pieces(p.t.Context(), p.batch)
	if err != nil {
		p.t.Fatal(err)
	}
	return batch.Count(b, pieces)
}

func TestACleanFileWaitsAtTheDesk(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s := p.promises()
	version := p.put(s, "ab-")
	p.hears(s, version, trigger.MalwareClean)
	p.hears(s, version, trigger.MalwareClean) // at least once
	piece := p.piece(s)
	if piece.Status != batch.Waiting || piece.First != 1 || piece.Last != 3 || !piece.Pages[2].Blank || piece.Pages[0].Blank || len(piece.SHA256) != 32 {
		t.Errorf("%+v", piece)
	}
	for n, want := range []string{"a", "b", "-"} {
		if got := string(p.files.Newest(upload.PageKey(s.ID, n+1))); got != want {
			t.Errorf("page %d is %q", n+1, got)
		}
	}
	if string(p.files.Newest(s.Key())) != "ab-" {
		t.Error("the original is gone")
	}
	if got := p.slot(s); got.State != upload.Read || got.Object != version || !got.Lease.IsZero() {
		t.Errorf("%+v", got)
	}
	// The same bytes again, in another file.
	again := p.promises()
	p.hears(again, p.put(again, "ab-"), trigger.MalwareClean)
	if piece := p.piece(again); piece.Status != batch.Rescan || piece.Why != batch.SameInBatch {
		t.Errorf("%+v", piece)
	}
}

func TestWhatIsNotCleanIsQuarantinedAndCounted(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	for result, c := range map[string]struct{ file, code string }{
		trigger.MalwareInfected: {"ab", "infected"}, trigger.MalwareUnsupported: {"ab", "unsupported"}, trigger.MalwareClean: {"bad", "corrupt"},
	} {
		s := p.promises()
		p.hears(s, p.put(s, c.file), result)
		if piece := p.piece(s); piece.Status != batch.Quarantined || piece.Why != c.code {
			t.Errorf("%s: %+v", result, piece)
		}
		if result != trigger.MalwareClean && p.slot(s).Refusal.Detail != batch.Sentence(c.code) || batch.Sentence(batch.Infected) == "" {
			t.Errorf("%s: nothing says what to do: %+v", result, p.slot(s).Refusal)
		}
		if p.slot(s).State != upload.Refused || p.files.Newest(upload.PageKey(s.ID, 1)) != nil {
			t.Errorf("%s: %+v", result, p.slot(s))
		}
	}
	s := p.promises()
	if err := p.scans().Heard(t.Context(), trigger.MalwareResult{Key: s.Key(), Version: p.put(s, "ab"), Result: trigger.MalwareUnsupported, Locked: true}); err != nil {
		t.Fatal(err)
	}
	if piece := p.piece(s); piece.Why != "encrypted" {
		t.Errorf("with a password: %+v", piece)
	}
	if l := p.ledger(); l.Of[batch.Quarantined] != 4 || l.Waiting != 0 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
}

func TestAResultOnAnotherVersionSaysNothing(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s := p.promises()
	first := p.put(s, "ab")
	p.sweep(upload.LooksEvery) // the first one is found
	second := p.put(s, "another")
	p.hears(s, second, trigger.MalwareClean)
	if piece := p.piece(s); piece.Status != batch.Checking {
		t.Fatalf("%+v", piece)
	}
	p.hears(s, first, trigger.MalwareClean)
	if piece := p.piece(s); piece.Status != batch.Waiting || piece.Last != 2 {
		t.Errorf("%+v", piece)
	}
	p.sweep(upload.Lingers) // what came beside is on the books
	l := p.ledger()
	if l.Of[batch.Quarantined] != 1 || l.Waiting != 1 || l.Pieces != 2 || !l.AddsUp() || l.Opened != 1 {
		t.Errorf("%+v", l)
	}
	p.sweep(upload.Lingers)
	if again := p.ledger(); again.Pieces != 2 || !p.slot(s).Due.IsZero() {
		t.Errorf("%+v", again)
	}
}

// Whoever did not hear that a file had arrived sends it again, to the same place: that is no other file.
func TestTheSameFileTwiceInOnePlaceIsOne(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s := p.promises()
	p.hears(s, p.put(s, "ab"), trigger.MalwareClean)
	p.put(s, "ab")
	p.sweep(upload.Lingers)
	if l := p.ledger(); l.Pieces != 1 || l.Of[batch.Quarantined] != 0 || !p.slot(s).Due.IsZero() {
		t.Errorf("%+v", l)
	}
}

// A person is told within an hour of the file's coming, whether somebody says that it has come or not, and whether the check
// is silent, or fails each time.
func TestSilenceIsAskedAboutAndInTheEndSomebodyIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		result string
		after  time.Duration // when it is heard for the first time
		again  bool          // each time that it is asked for
	}{
		"silent": {}, "failed": {result: trigger.MalwareFailed}, "denied": {result: trigger.MalwareDenied},
		"failed late": {result: trigger.MalwareFailed, after: 9 * time.Minute}, "failed later": {result: trigger.MalwareFailed, after: 19 * time.Minute},
		"failed each time": {result: trigger.MalwareFailed, after: time.Minute, again: true},
	} {
		p := newPostroom(t)
		s := p.promises()
		version := p.put(s, "ab")
		came, asked := p.clock.Now(), 0
		told := func() bool { return p.piece(s).Why != "" }
		for minutes := 0; minutes < 120 && !told(); minutes++ {
			if l := p.ledger(); l.Waiting != 1 {
				t.Errorf("%s, after %d minutes: %+v", name, minutes, l)
			}
			if c.result != "" && time.Duration(minutes)*time.Minute == c.after || c.again && len(p.asked) > asked {
				asked = len(p.asked)
				p.hears(s, version, c.result)
			}
			p.sweep(time.Minute)
		}
		if after := p.clock.Now().Sub(came); !told() || after > time.Hour || after < 30*time.Minute {
			t.Errorf("%s: somebody is told after %v: %v", name, after, told())
		}
		if piece := p.piece(s); piece.Status != batch.Checking || piece.Why != batch.Unchecked || piece.Stage() != batch.Aside {
			t.Errorf("%s: %+v", name, piece)
		}
		if len(p.asked) != upload.MostAsked+1 || slices.ContainsFunc(p.asked, func(v string) bool { return v != version }) {
			t.Errorf("%s: asked about %v", name, p.asked)
		}
		for range 24 * 60 { // and asking goes on, at a measured pace
			if c.again {
				p.hears(s, version, c.result)
			}
			p.sweep(time.Minute)
		}
		if n := len(p.asked); n < 6 || n > 9 {
			t.Errorf("%s: asked %d times in a day", name, n)
		}
		p.hears(s, version, trigger.MalwareClean) // after all
		if piece := p.piece(s); piece.Status != batch.Waiting || piece.Why != "" {
			t.Errorf("%s: %+v", name, piece)
		}
	}
}

// Nobody but the practice looks at the scan of its own form: the office is told of it, and no more once there is a result.
func TestSilenceOnAScanOfAFormIsToldToTheOffice(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s, err := p.store.SaveUpload(t.Context(), upload.NewAttachment(clerk("A81001"), optout.NewReference([10]byte{1}), p.clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	version := p.put(s, "ab")
	silent := func() []upload.Slot {
		t.Helper()
		all, more, err := upload.Silent(t.Context(), p.store, 10, p.clock.Now())
		if err != nil || more {
			t.Fatal(more, err)
		}
		return all
	}
	came := p.clock.Now()
	for len(silent()) == 0 && p.clock.Now().Sub(came) < 2*time.Hour {
		p.sweep(time.Minute)
	}
	if after := p.clock.Now().Sub(came); after > time.Hour {
		t.Errorf("the office is told after %v", after)
	}
	asked := len(p.asked)
	p.sweep(7 * time.Hour)
	p.sweep(7 * time.Hour)
	if len(p.asked) != asked+2 || len(silent()) != 1 || silent()[0].ID != s.ID {
		t.Errorf("asked about %v; the office is told of %v", p.asked, silent())
	}
	p.hears(s, version, trigger.MalwareClean)
	if got := p.slot(s); got.State != upload.Read || len(silent()) != 0 {
		t.Errorf("%+v; the office is told of %v", got, silent())
	}
}

func TestAFileThatDoesNotComeLapsesAndOneThatComesLateIsRead(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s := p.promises()
	for range 4 {
		p.sweep(upload.LooksEvery)
	}
	if piece := p.piece(s); piece.Status != batch.Lapsed || p.slot(s).State != upload.Expired {
		t.Fatalf("%+v", piece)
	}
	if l := p.ledger(); l.Pieces != 0 || l.Waiting != 0 {
		t.Errorf("%+v", l)
	}
	version := p.put(s, "ab")
	p.sweep(upload.Lingers)
	if l := p.ledger(); l.Pieces != 1 || l.Waiting != 1 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
	p.hears(s, version, trigger.MalwareClean)
	if piece := p.piece(s); piece.Status != batch.Waiting {
		t.Errorf("%+v", piece)
	}
}

// A slot must not have ended while its books still wait for the file: nobody would look again.
func TestAFileThatDoesNotComeLapsesOnTheBooksHoweverOftenTheyCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPostroom(t)
		s := p.promises()
		p.store.Fate = func(method string) optouttest.Fate {
			if method == "SaveBatch" {
				return optouttest.Throttle
			}
			return optouttest.Fine
		}
		for range 4 {
			p.sweep(upload.LooksEvery)
		}
		if piece := p.piece(s); piece.Status != batch.Awaited || p.slot(s).IsEnded() {
			t.Fatalf("the piece is %s, and its slot %s", piece.Status, p.slot(s).State)
		}
		p.store.Fate = nil
		p.sweep(time.Hour)
		if piece := p.piece(s); piece.Status != batch.Lapsed || p.slot(s).State != upload.Expired {
			t.Errorf("the piece is %s, and its slot %s", piece.Status, p.slot(s).State)
		}
	})
}

// However late a file is read, and however often nobody could look: what else came to its place is on the books.
func TestAnotherFileIsOnTheBooksHoweverLateTheFirstIsRead(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]bool{"read late": false, "and the bucket away for a day": true} {
		p := newPostroom(t)
		s := p.promises()
		version := p.put(s, "ab")
		p.put(s, "another")
		p.sweep(upload.LooksEvery)
		p.sweep(upload.Lingers)
		p.hears(s, version, trigger.MalwareClean)
		if away {
			p.files.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
			for range 24 {
				p.sweep(time.Hour)
			}
			p.files.Fate = nil
		}
		p.sweep(6 * time.Hour)
		if l := p.ledger(); l.Pieces != 2 || l.Waiting != 1 || l.Of[batch.Quarantined] != 1 || !l.AddsUp() {
			t.Errorf("%s: %+v", name, l)
		}
		if left := p.slot(s); !left.Due.IsZero() {
			t.Errorf("%s: and it is still due at %v", name, left.Due)
		}
	}
}

func TestAFileThatIsGivenUpBeforeItIsFoundIsOnTheBooksOnce(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s := p.promises()
	p.put(s, "ab")
	p.files.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	for range upload.MostTries + 1 {
		p.sweep(3 * time.Hour)
	}
	p.files.Fate = nil
	p.sweep(6 * time.Hour)
	if l := p.ledger(); l.Pieces != 1 || l.Of[batch.Quarantined] != 1 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
}

// A file that came as far as the books, whose slot could not be written and which nobody could open again, has been read: its
// pages are at the desk, and nobody scans the paper again.
func TestAFileThatIsOnTheBooksWasReadHoweverOftenItsSlotCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, result string
		state        upload.State
		pages        int
		code         string
	}{
		"read": {"ab-", trigger.MalwareClean, upload.Read, 3, ""}, "corrupt": {"bad", trigger.MalwareClean, upload.Refused, 0, "corrupt"},
		"infected": {"ab", trigger.MalwareInfected, upload.Refused, 0, trigger.MalwareInfected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPostroom(t)
			s := p.promises()
			version := p.put(s, c.file)
			saves := 0
			p.store.Fate = func(op string) optouttest.Fate {
				if op == "SaveUpload" {
					if saves++; saves > 2 { // its result is noted, and it is in hand
						return optouttest.Throttle
					}
				}
				return optouttest.Fine
			}
			_ = p.scans().Heard(t.Context(), trigger.MalwareResult{Key: s.Key(), Version: version, Result: c.result})
			if now := p.piece(s); now.Status == batch.Checking || now.Status == batch.Awaited || saves < 3 {
				t.Fatalf("it has not come to the books: %+v", now)
			}
			if c.pages > 0 { // somebody keys it meanwhile, and parts its pages
				if _, err := p.mailroom().HasOutcome(t.Context(), batch.FirstOf(p.batch, s.ID), ann, batch.Outcome{Part: batch.Part{Last: 1}, Status: batch.SentBack, Why: batch.Type1}); err != nil {
					t.Fatal(err)
				}
			}
			p.files.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
			saves = 0
			p.store.Fate = func(op string) optouttest.Fate { // whoever takes it in hand cannot say what came of it
				if op == "SaveUpload" {
					if saves++; saves%2 == 0 && saves < 2*upload.MostTries {
						return optouttest.Throttle
					}
				}
				return optouttest.Fine
			}
			for range 2 * upload.MostTries {
				p.clock.Move(3 * time.Hour)
				_ = job.ScansDue(p.scans())(t.Context(), p.clock.Now)
			}
			p.store.Fate = nil
			now, err := p.store.Upload(t.Context(), s.ID)
			if err != nil || now.State != c.state || now.Pages != c.pages || (len(now.SHA256) == 0) != (c.result == trigger.MalwareInfected) || now.Refusal.Code != c.code {
				t.Errorf("%+v, %v", now, err)
			}
			if l := p.ledger(); l.Pieces == 0 || !l.AddsUp() {
				t.Errorf("%+v", l)
			}
		})
	}
}

func TestAStrangersFileIsPassedOver(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	for _, key := range []string{"scans/none", "extracts/" + upload.NewScan(ann, p.batch, p.clock.Now()).ID, "scans/" + upload.NewScan(ann, p.batch, p.clock.Now()).ID, ""} {
		if err := p.scans().Heard(t.Context(), trigger.MalwareResult{Key: key, Version: "1", Result: trigger.MalwareClean}); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// A function that is killed between any two calls, before or after the last one took effect, leaves a file that the next
// ones bring to the same end.
func TestAKilledReaderOfScansLosesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, result string
		want         batch.Status
	}{
		"read": {"ab-", trigger.MalwareClean, batch.Waiting}, "infected": {"ab", trigger.MalwareInfected, batch.Quarantined}, "corrupt": {"bad", trigger.MalwareClean, batch.Quarantined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			p := newPostroom(t)
			s := p.promises()
			version := p.put(s, c.file)
			count := func(string) optouttest.Fate { calls++; return optouttest.Fine }
			p.store.Fate, p.files.Fate = count, count
			p.hears(s, version, c.result)
			if calls < 8 {
				t.Fatal(calls)
			}
			for at := 1; at <= calls; at++ {
				for _, done := range []optouttest.Fate{optouttest.Lost, optouttest.Throttle} {
					p := newPostroom(t)
					s := p.promises()
					version := p.put(s, c.file)
					var mu sync.Mutex
					call := 0
					kill := func(string) optouttest.Fate {
						mu.Lock()
						defer mu.Unlock()
						switch call++; {
						case call < at:
							return optouttest.Fine
						case call == at:
							return done
						}
						return optouttest.Broken // nothing that it did afterwards was done
					}
					p.store.Fate, p.files.Fate = kill, kill
					_ = p.scans().Heard(t.Context(), trigger.MalwareResult{Key: s.Key(), Version: version, Result: c.result})
					p.store.Fate, p.files.Fate = nil, nil
					if l := p.ledger(); l.Pieces != 1 || !l.AddsUp() {
						t.Errorf("killed at call %d (%v): %+v", at, done, l)
					}
					p.hears(s, version, c.result) // the event comes again, or is asked for
					for range 3 {
						p.sweep(upload.ReadingTakes)
					}
					if got := p.piece(s); got.Status != c.want || got.HeldBy(p.clock.Now()) != "" {
						t.Errorf("killed at call %d (%v): %+v", at, done, got)
					}
					if got := p.slot(s); !got.IsEnded() || !got.Lease.IsZero() {
						t.Errorf("killed at call %d (%v): %+v", at, done, got)
					}
					if l := p.ledger(); l.Pieces != 1 || !l.AddsUp() {
						t.Errorf("killed at call %d (%v): %+v", at, done, l)
					}
				}
			}
		})
	}
}

func TestAFileThatKillsEveryReaderIsGivenUp(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	s := p.promises()
	version := p.put(s, "ab")
	r := p.scans()
	r.Draw = func(context.Context, []byte, func(job.Drawn) error) error { panic(fmt.Sprint(errors.New("pdf"))) }
	if err := r.Heard(t.Context(), trigger.MalwareResult{Key: s.Key(), Version: version, Result: trigger.MalwareClean}); err != nil {
		t.Fatal(err)
	}
	for range upload.MostTries + 1 {
		p.clock.Move(7 * time.Hour)
		if err := job.ScansDue(r)(t.Context(), p.clock.Now); err != nil {
			t.Fatal(err)
		}
	}
	if piece := p.piece(s); piece.Status != batch.Quarantined || piece.Why != batch.NotRead {
		t.Errorf("%+v", piece)
	}
}

// A scan that a practice attaches to a form of its own is read the same way, and is in nobody's batch.
func TestAScanOfAFormIsReadToo(t *testing.T) {
	t.Parallel()
	p := newPostroom(t)
	form := optout.NewReference([10]byte{1})
	s, err := p.store.SaveUpload(t.Context(), upload.NewAttachment(clerk("A81001"), form, p.clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	bad, err := p.store.SaveUpload(t.Context(), upload.NewAttachment(clerk("A81001"), form, p.clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	p.hears(s, p.put(s, "ab"), trigger.MalwareClean)
	p.hears(bad, p.put(bad, "ab"), trigger.MalwareInfected)
	if got := p.slot(s); got.State != upload.Read || got.Pages != 2 || string(p.files.Newest(upload.PageKey(s.ID, 2))) != "b" {
		t.Errorf("%+v", got)
	}
	if got := p.slot(bad); got.State != upload.Refused || got.Refusal.Code != batch.Infected {
		t.Errorf("%+v", got)
	}
	if l := p.ledger(); l.Pieces != 0 {
		t.Errorf("%+v", l)
	}
	if ids, err := p.store.Attachments(t.Context(), form, 10); err != nil || len(ids) != 2 {
		t.Errorf("%v, %v", ids, err)
	}
	if ids, err := p.store.Uploads(t.Context(), s.Practice, 10); err != nil || len(ids) != 0 {
		t.Errorf("among the practice's lists: %v, %v", ids, err)
	}
}
