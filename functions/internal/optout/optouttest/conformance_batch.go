package optouttest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

var clerkAnn = optout.Actor{Role: optout.Desk, ID: "u-ann"}

// aBatch is one that nobody else in the table works on, not stored yet.
func aBatch(t *testing.T, at time.Time) batch.Batch {
	t.Helper()
	b, err := batch.New(batch.Declaration{Envelopes: 3, Box: "B-7", Sequence: 12, Destroy: nhs.DateOf(at.AddDate(0, 6, 0))}, clerkAnn, at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stored is a batch as it is read after it was written with these pieces.
func storedBatch(t *testing.T, s Subject, c batch.Change) batch.Batch {
	t.Helper()
	if err := s.Books.SaveBatch(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return readBatch(t, s, c.Batch.ID)
}

func readBatch(t *testing.T, s Subject, id string) batch.Batch {
	t.Helper()
	b, err := s.Books.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readPiece(t *testing.T, s Subject, at batch.At) batch.Piece {
	t.Helper()
	p, err := s.Books.Piece(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// aPiece waits at the desk.
func aPiece(b batch.Batch, since time.Time) batch.Piece {
	u := rand.Text()
	return batch.Piece{
		At: batch.FirstOf(b.ID, u), Upload: u, Name: "scan 17.pdf", First: 1, Last: 1, Pages: make([]batch.Page, 1), SHA256: []byte(u), Status: batch.Waiting,
		Since: since.UTC().Truncate(time.Millisecond), History: batch.History{}.Said(since, "desk u-ann", "expected", ""),
	}
}

// full is a piece of which every field says something.
func full(b batch.Batch) batch.Piece {
	p := aPiece(b, Noon.Add(123*time.Millisecond))
	a := Dissent()
	a.Reply = &optout.Reply{Safe: []string{}}
	p.First, p.Last, p.Envelope, p.Why, p.Letter, p.Twice, p.Seen = 2, 3, 7, "why", true, true, true
	p.Pages = []batch.Page{{Blank: true}, {Fault: "too-large"}}
	p.Number, p.Marked, p.Done = "943 476 591O", Noon.Add(3*time.Millisecond), Noon.Add(time.Hour+5*time.Millisecond)
	p.Form = Keys{}.Reference(optout.Origin{Door: optout.Paper, Client: optout.Paper, Key: rand.Text()})
	p.Lease = batch.Lease{By: "desk u-bob", Until: Noon.Add(15*time.Minute + time.Millisecond)}
	p.Keyed = []batch.Keying{
		{By: "desk u-ann", At: Noon.Add(time.Millisecond), Reading: batch.Reading{Part: batch.Part{Last: 3, Envelope: 7, Same: true}, Answers: a, Letter: true}},
		{By: "desk u-bob", At: Noon.Add(time.Minute), Reading: batch.Reading{Answers: optout.Answers{Kind: "choice"}, Number: "1", Hold: optout.HeldForChoice}},
	}
	p.Posted = Noon.Add(2*time.Hour + 7*time.Millisecond)
	p.Sample = batch.Sample{
		Step: batch.Unlike, Agreed: "desk u-bob", Differs: []string{batch.OfChoice, batch.OfSurname},
		First: batch.Said{By: "desk u-ann", At: Noon.Add(time.Millisecond), Status: batch.Held, Why: optout.HeldForChoice, Reading: p.Keyed[1].Reading},
		Again: batch.Said{By: "desk u-tim", At: Noon.Add(time.Hour), Status: batch.Registered, Reading: p.Keyed[0].Reading},
	}
	p.History = p.History.Said(Noon.Add(time.Second), "machine", "arrived", "").Said(Noon.Add(time.Minute), "desk u-ann", "keyed", "x")
	return p
}

func bookReadsBack(t *testing.T, s Subject) {
	b := aBatch(t, Noon.Add(123456789*time.Nanosecond))
	b.Pieces, b.Highest = 2, 9
	p, plain := full(b), aPiece(b, Noon)
	same := func() {
		t.Helper()
		got, err := s.Books.Batch(t.Context(), b.ID)
		if d := cmp.Diff(b, got, values); d != "" || err != nil {
			t.Errorf("the batch differs (-want +got):\n%s %v", d, err)
		}
		want := []batch.Piece{p, plain}
		slices.SortFunc(want, func(a, b batch.Piece) int { return strings.Compare(a.ID, b.ID) })
		all, err := s.Books.Pieces(t.Context(), b.ID)
		if d := cmp.Diff(want, all, values); d != "" || err != nil {
			t.Errorf("the pieces differ (-want +got):\n%s %v", d, err)
		}
		for _, p := range want {
			if d := cmp.Diff(p, readPiece(t, s, p.At), values); d != "" {
				t.Errorf("the piece differs (-want +got):\n%s", d)
			}
		}
	}
	if err := s.Books.SaveBatch(t.Context(), batch.Change{Batch: b, Pieces: []batch.Piece{p, plain}}); err != nil {
		t.Fatal(err)
	}
	b.Version, p.Version, plain.Version = 1, 1, 1
	same()
	b.Closed = Noon.Add(time.Hour)
	b.History = b.History.Said(Noon.Add(time.Hour), "desk u-ann", "closed", "")
	p = batch.Piece{At: p.At, Version: 1, Status: batch.Lapsed, History: p.History}
	if err := s.Books.SaveBatch(t.Context(), batch.Change{Batch: b, Pieces: []batch.Piece{p}}); err != nil {
		t.Fatal(err)
	}
	b.Version, p.Version = 2, 2
	same()
	b.Closed, b.Destroy, b.Highest = time.Time{}, nhs.Date{}, 0
	if err := errors.Join(s.Books.SaveBatch(t.Context(), batch.Change{Batch: b}), s.Books.SavePiece(t.Context(), plain)); err != nil {
		t.Fatal(err)
	}
	b.Version, plain.Version = 3, 2
	same()
}

// Times are kept to the millisecond, whatever is written.
func bookTimes(t *testing.T, s Subject) {
	odd := func(n int) time.Time {
		return Noon.Add(time.Duration(n)*time.Hour + 1234567*time.Nanosecond).In(time.FixedZone("", 3600))
	}
	b := aBatch(t, odd(0))
	p := aPiece(b, Noon)
	b.Opened, b.Moved, b.Closed, p.Since, p.Done, p.Lease.Until, p.Marked = odd(0), odd(1), odd(2), odd(3), odd(4), odd(5), odd(9)
	p.Posted, p.Sample = odd(10), batch.Sample{Step: batch.Drawn, First: batch.Said{By: "desk u-ann", At: odd(11)}, Again: batch.Said{By: "desk u-bob", At: odd(12)}}
	b.History[0].At, p.History[0].At, p.Keyed = odd(6), odd(7), []batch.Keying{{At: odd(8)}}
	got := storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p}})
	gotPiece := readPiece(t, s, p.At)
	for n, at := range []time.Time{
		got.Opened, got.Moved, got.Closed, gotPiece.Since, gotPiece.Done, gotPiece.Lease.Until, got.History[0].At, gotPiece.History[0].At, gotPiece.Keyed[0].At, gotPiece.Marked,
		gotPiece.Posted, gotPiece.Sample.First.At, gotPiece.Sample.Again.At,
	} {
		if want := odd(n).UTC().Truncate(time.Millisecond); at != want {
			t.Errorf("time %d is kept as %v, not %v", n, at, want)
		}
	}
}

func booksNotFound(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	p := aPiece(b, Noon)
	form := Keys{}.Reference(Online(""))
	long := strings.Repeat("x", 3000)
	for _, id := range []string{b.ID, "", "x", long} {
		if _, err := s.Books.Batch(t.Context(), id); !errors.Is(err, optout.ErrNotFound) {
			t.Errorf("batch %.20q: %v", id, err)
		}
		if all, err := s.Books.Pieces(t.Context(), id); err != nil || len(all) > 0 {
			t.Errorf("pieces of %.20q: %v, %v", id, all, err)
		}
		for _, piece := range []string{p.ID, "", "x", long} {
			if _, err := s.Books.Piece(t.Context(), batch.At{Batch: id, ID: piece}); !errors.Is(err, optout.ErrNotFound) {
				t.Errorf("piece %.20q of %.20q: %v", piece, id, err)
			}
		}
	}
	if _, err := s.Books.Paper(t.Context(), form); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("paper: %v", err)
	}
	b.Version, p.Version = 1, 1
	if err := s.Books.SaveBatch(t.Context(), batch.Change{Batch: b}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("a batch that is not there is written: %v", err)
	}
	if err := s.Books.SavePiece(t.Context(), p); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("a piece that is not there is written: %v", err)
	}
}

// One thing of a change at the wrong version, and nothing of it is written.
func allOrNothing(t *testing.T, s Subject) {
	for name, spoil := range map[string]func(*batch.Change){
		"the batch":        func(c *batch.Change) { c.Batch.Version-- },
		"the batch, new":   func(c *batch.Change) { c.Batch.Version = 0 },
		"a piece":          func(c *batch.Change) { c.Pieces[0].Version++ },
		"a piece, not new": func(c *batch.Change) { c.Pieces[1].Version++ },
		"a slot":           func(c *batch.Change) { c.Slots[0].Version++ },
		"a slot, there":    func(c *batch.Change) { c.Slots[1].Version = 0 },
	} {
		b := aBatch(t, Noon)
		p, p2 := aPiece(b, Noon), full(b)
		there, fresh := upload.NewScan(clerkAnn, b.ID, Noon), upload.NewScan(clerkAnn, b.ID, Noon)
		b = storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p}, Slots: []upload.Slot{there}})
		b = storedBatch(t, s, batch.Change{Batch: b})
		p.Version, there.Version = 1, 1
		moved := there
		moved = moved.Arrived(Noon)
		c := batch.Change{Batch: b, Pieces: []batch.Piece{p, p2}, Slots: []upload.Slot{fresh, moved}}
		c.Batch.Pieces, c.Pieces[0].Why = 17, "x"
		spoil(&c)
		if err := s.Books.SaveBatch(t.Context(), c); !errors.Is(err, optout.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
		if got := readBatch(t, s, b.ID); got.Pieces != 0 || got.Version != 2 {
			t.Errorf("%s: the batch was written", name)
		}
		if got := readPiece(t, s, p.At); got.Why != "" || got.Version != 1 {
			t.Errorf("%s: the piece was written", name)
		}
		if _, err := s.Books.Piece(t.Context(), p2.At); !errors.Is(err, optout.ErrNotFound) {
			t.Errorf("%s: the new piece was written: %v", name, err)
		}
		if _, err := s.Books.Paper(t.Context(), p2.Form); !errors.Is(err, optout.ErrNotFound) {
			t.Errorf("%s: the paper was written: %v", name, err)
		}
		if got, err := s.Uploads.Upload(t.Context(), there.ID); err != nil || got.State != upload.Promised {
			t.Errorf("%s: the slot was written: %v", name, err)
		}
		if _, err := s.Uploads.Upload(t.Context(), fresh.ID); !errors.Is(err, optout.ErrNotFound) {
			t.Errorf("%s: the new slot was written: %v", name, err)
		}
	}
}

// As many files as are ever announced at once, with their slots.
func mostAtOnce(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	c := batch.Change{Batch: b}
	for range batch.MostAtOnce {
		u := upload.NewScan(clerkAnn, b.ID, Noon)
		c.Slots = append(c.Slots, u)
		c.Pieces = append(c.Pieces, batch.Piece{At: batch.FirstOf(b.ID, u.ID), Upload: u.ID, Status: batch.Awaited, Since: Noon})
	}
	storedBatch(t, s, c)
	all, err := s.Books.Pieces(t.Context(), b.ID)
	if err != nil || len(all) != batch.MostAtOnce || !slices.IsSortedFunc(all, func(a, b batch.Piece) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("%d pieces, %v", len(all), err)
	}
	for _, u := range c.Slots {
		if got, err := s.Uploads.Upload(t.Context(), u.ID); err != nil || got.Version != 1 || got.Batch != b.ID || got.For != upload.Scan {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// sixteen do something at once: how many did it, of the others all met a conflict.
func sixteen(t *testing.T, do func(n int) error) (did int) {
	t.Helper()
	var all sync.WaitGroup
	errs := make([]error, 16)
	for n := range errs {
		all.Go(func() { errs[n] = do(n) })
	}
	all.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			did++
		case !errors.Is(err, optout.ErrConflict):
			t.Error(err)
		}
	}
	return did
}

func sixteenBooks(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	p := aPiece(b, Noon)
	for version := range 3 {
		if n := sixteen(t, func(n int) error {
			mine, my := b, p
			mine.Version, my.Version, mine.Pieces, my.Envelope = version, version, n+1, n+1
			return s.Books.SaveBatch(t.Context(), batch.Change{Batch: mine, Pieces: []batch.Piece{my}})
		}); n != 1 {
			t.Errorf("%d of sixteen wrote version %d of the batch", n, version+1)
		}
		got, piece := readBatch(t, s, b.ID), readPiece(t, s, p.At)
		if got.Version != version+1 || piece.Version != version+1 || got.Pieces != piece.Envelope {
			t.Errorf("version %d is of two: %d and %d", version+1, got.Pieces, piece.Envelope)
		}
	}
	p.Version = 3
	if n := sixteen(t, func(n int) error {
		my := p
		my.Lease.By = fmt.Sprint("desk u-", n)
		return s.Books.SavePiece(t.Context(), my)
	}); n != 1 {
		t.Errorf("%d of sixteen have the piece", n)
	}
	other := aPiece(b, Noon)
	if n := sixteen(t, func(int) error { return s.Books.SavePiece(t.Context(), other) }); n != 1 {
		t.Errorf("%d of sixteen wrote a new piece", n)
	}
}

// queued is where a piece stands on each list; of pieces of other tests it says nothing.
func queued(t *testing.T, s Subject, of string) map[batch.Stage][]batch.Queued {
	t.Helper()
	lists := map[batch.Stage][]batch.Queued{}
	for _, stage := range batch.Stages {
		var last batch.Queued
		for q, err := range s.Books.Queue(t.Context(), stage) {
			if err != nil {
				t.Fatal(err)
			}
			if q.Since.Before(last.Since) || q.Since.Equal(last.Since) && (q.Batch < last.Batch || q.Batch == last.Batch && q.ID <= last.ID) {
				t.Errorf("on the list %s %v comes after %v", stage, q, last)
			}
			if last = q; q.Batch == of {
				lists[stage] = append(lists[stage], q)
			}
		}
	}
	return lists
}

// What waits is on the list of those who act on it, oldest first, moves as it moves on, and is gone when it has its outcome.
func queues(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	var all []batch.Piece
	for n := range 70 { // more than a page of a part
		all = append(all, aPiece(b, Noon.Add(time.Duration(n%35)*time.Millisecond)))
	}
	slices.SortFunc(all, func(a, b batch.Piece) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	b = storedBatch(t, s, batch.Change{Batch: b, Pieces: all})
	want := map[batch.Stage][]batch.Queued{}
	for n := range all {
		all[n].Version = 1
		want[batch.Keying1] = append(want[batch.Keying1], batch.Queued{At: all[n].At, Since: all[n].Since})
	}
	if d := cmp.Diff(want, queued(t, s, b.ID)); d != "" {
		t.Errorf("what waits (-want +got):\n%s", d)
	}
	if n, err := s.Books.QueueLength(t.Context(), batch.Keying1); err != nil || n < len(all) {
		t.Errorf("%d wait, %v", n, err)
	}
	for range 2 { // a walk can be walked again, and ended
		n := 0
		for _, err := range s.Books.Queue(t.Context(), batch.Keying1) {
			if n++; err != nil || n == 3 {
				break
			}
		}
		if n != 3 {
			t.Errorf("the walk ended after %d", n)
		}
	}
	p := all[7]
	for _, step := range []struct {
		status batch.Status
		why    string
		seen   bool
		stage  batch.Stage
	}{
		{batch.Second, "", false, batch.Keying2},
		{batch.Disputed, "readings", false, batch.Supervise},
		{batch.Disputed, batch.Safeguarding, false, batch.Alarmed},
		{batch.Checking, "", false, ""},
		{batch.Checking, "not-checked", false, batch.Aside},
		{batch.Awaited, "", false, ""},
		{batch.Waiting, "", false, batch.Keying1},
		{batch.Quarantined, "infected", false, batch.Aside},
		{batch.Quarantined, "infected", true, ""},
		{batch.Registered, "", false, ""},
		{batch.Held, "choice", false, ""},
		{batch.SentBack, "type-1", false, ""},
		{batch.OtherPost, "blank", false, ""},
		{batch.Rescan, "same-bytes", false, ""},
		{batch.Lapsed, "", false, ""},
	} {
		p.Status, p.Why, p.Seen, p.Keyed = step.status, step.why, step.seen, nil
		if step.status == batch.Second {
			p.Keyed = []batch.Keying{{By: "desk u-ann", At: Noon}}
		}
		if err := s.Books.SavePiece(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		p.Version++
		lists := queued(t, s, b.ID)
		for _, stage := range batch.Stages {
			if on := slices.Contains(lists[stage], batch.Queued{At: p.At, Since: p.Since}); on != (stage == step.stage) {
				t.Errorf("%s %s: on the list %s: %t", step.status, step.why, stage, on)
			}
		}
	}
}

// A finished piece is on the list of the sample, of what was read otherwise, or of alarms; a letter is due until it has gone,
// whatever else the piece is on.
func samplesAndLetters(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	p, later := aPiece(b, Noon), aPiece(b, Noon)
	b = storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p, later}})
	p.Version, later.Version = 1, 1
	later.Status, later.Done = batch.SentBack, Noon.Add(-time.Hour)
	if err := s.Books.SavePiece(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	due := func() (all []batch.Queued) {
		for q, err := range s.Books.Letters(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if q.Batch == b.ID {
				all = append(all, q)
			}
		}
		return all
	}
	first := batch.Said{By: "desk u-ann", At: Noon, Status: batch.Registered}
	for _, step := range []struct {
		status batch.Status
		sample batch.Sample
		posted time.Time
		stage  batch.Stage
		due    bool
	}{
		{batch.Registered, batch.Sample{Step: batch.Drawn, First: first}, time.Time{}, batch.Sampled, false},
		{batch.Registered, batch.Sample{Step: batch.Unlike, First: first, Again: first, Differs: []string{"choice"}}, time.Time{}, batch.Differing, false},
		{batch.Registered, batch.Sample{Step: batch.Unlike, First: first, Again: batch.Said{By: "desk u-bob", At: Noon, Status: batch.Disputed}, Differs: []string{"outcome"}}, time.Time{}, batch.Alarmed, false},
		{batch.Registered, batch.Sample{Step: batch.Judged}, time.Time{}, "", false},
		{batch.Held, batch.Sample{Step: batch.Alike}, time.Time{}, "", false},
		{batch.SentBack, batch.Sample{}, time.Time{}, "", true},
		{batch.SentBack, batch.Sample{Step: batch.Drawn, First: first}, time.Time{}, batch.Sampled, true},
		{batch.Waiting, batch.Sample{}, time.Time{}, batch.Keying1, false},
		{batch.SentBack, batch.Sample{}, time.Time{}, "", true},
		{batch.SentBack, batch.Sample{}, Noon.Add(time.Hour), "", false},
	} {
		p.Status, p.Sample, p.Posted, p.Done = step.status, step.sample, step.posted, Noon
		if err := s.Books.SavePiece(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		p.Version++
		lists := queued(t, s, b.ID)
		for _, stage := range batch.Stages {
			if on := slices.Contains(lists[stage], batch.Queued{At: p.At, Since: p.Since}); on != (stage == step.stage) {
				t.Errorf("%s, sample %s: on the list %s: %t", step.status, step.sample.Step, stage, on)
			}
		}
		want := []batch.Queued{{At: later.At, Since: later.Done}}
		if step.due {
			want = append(want, batch.Queued{At: p.At, Since: p.Done})
		}
		if got := due(); !slices.Equal(got, want) {
			t.Errorf("%s, posted %v: letters are due %v, want %v", step.status, step.posted, got, want)
		}
	}
}

// aTally is one of a person of whom nobody else counts anything.
func aTally(day string, how, by string, read, wrong int) batch.Tally {
	t := batch.Tally{Day: nhs.StoredDate(day), How: how, By: by, Read: map[string]int{batch.Whole: read}, Wrong: map[string]int{}}
	if wrong > 0 {
		t.Wrong[batch.Whole], t.Wrong[batch.OfBirth], t.Read[batch.OfBirth] = wrong, wrong, read
	}
	return t
}

// What is counted is added to what was, in whatever order and by however many at once; with what it is written with, or not at all.
func tallies(t *testing.T, s Subject) {
	x, y := "u-"+rand.Text(), "u-"+rand.Text()
	counted := func(from, to string) (some []batch.Tally) {
		t.Helper()
		all, err := s.Books.Tallies(t.Context(), nhs.StoredDate(from), nhs.StoredDate(to))
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(t batch.Tally) bool { return t.By != x && t.By != y })
	}
	is := func(what string, got []batch.Tally, want ...batch.Tally) {
		t.Helper()
		if d := cmp.Diff(batch.Added(want...), got, values); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	b := aBatch(t, Noon)
	p := aPiece(b, Noon)
	first := []batch.Tally{aTally("2026-11-01", batch.OfTwo, x, 1, 0), aTally("2026-11-01", batch.OfTwo, y, 1, 1), aTally("2026-11-01", batch.OfSample, x, 2, 1)}
	b = storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p}, Counts: first})
	is("with a batch", counted("2026-11-01", "2026-11-01"), first...)
	p.Version = 1
	second := []batch.Tally{aTally("2026-11-01", batch.OfTwo, y, 2, 1), aTally("2026-11-02", batch.OfTwo, x, 1, 1)}
	if err := s.Books.SavePiece(t.Context(), p, second...); err != nil {
		t.Fatal(err)
	}
	all := append(first, second...)
	is("with a piece", counted("2026-11-01", "2026-11-02"), all...)
	is("the first day", counted("2026-10-01", "2026-11-01"), append(first, second[0])...)
	is("the second day", counted("2026-11-02", "2026-12-31"), second[1])
	is("before", counted("2026-10-01", "2026-10-31"))
	is("after", counted("2026-11-03", "2026-11-30"))
	stale := p // somebody else has written the piece since
	if err := s.Books.SavePiece(t.Context(), stale, second...); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("a piece at another version: %v", err)
	}
	if err := s.Books.SaveBatch(t.Context(), batch.Change{Batch: b, Pieces: []batch.Piece{stale}, Counts: second}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("a batch with a piece at another version: %v", err)
	}
	is("nothing was written", counted("2026-11-01", "2026-11-02"), all...)
	own := make([]batch.Piece, 16)
	for n := range own {
		own[n] = aPiece(b, Noon)
	}
	if n := sixteen(t, func(n int) (err error) {
		for { // an engine may have one of two transactions at the same row go again
			if err = s.Books.SavePiece(t.Context(), own[n], aTally("2026-11-04", batch.OfSample, x, 1, 1)); !errors.Is(err, optout.ErrConflict) {
				return err
			}
			if _, there := s.Books.Piece(t.Context(), own[n].At); there == nil {
				return err
			}
		}
	}); n != 16 {
		t.Errorf("%d of sixteen counted", n)
	}
	is("all sixteen", counted("2026-11-04", "2026-11-04"), aTally("2026-11-04", batch.OfSample, x, 16, 16))
}

func listed(t *testing.T, s Subject, open bool, mine ...string) (ids []string) {
	t.Helper()
	all, err := s.Books.Batches(t.Context(), open, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(id string) bool { return !slices.Contains(mine, id) })
}

func batchesListed(t *testing.T, s Subject) {
	var want []string
	batches := map[string]batch.Batch{}
	for n := range 20 {
		b := aBatch(t, Noon.AddDate(10, 0, 0).Add(time.Duration(n)*time.Millisecond)) // newer than anybody else's
		batches[b.ID] = storedBatch(t, s, batch.Change{Batch: b})
		want = append(want, b.ID)
	}
	slices.Reverse(want)
	if got := listed(t, s, true, want...); !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v", got, want)
	}
	for _, n := range []int{0, 1, 7, 20} {
		if got, err := s.Books.Batches(t.Context(), true, n); err != nil || !slices.Equal(got, want[:n]) {
			t.Errorf("the newest %d are %v, %v; want %v", n, got, err, want[:n])
		}
	}
	if got := listed(t, s, false, want...); len(got) > 0 {
		t.Errorf("closed are %v", got)
	}
	b := batches[want[4]]
	b.Closed = Noon
	b = storedBatch(t, s, batch.Change{Batch: b})
	if open, closed := listed(t, s, true, want...), listed(t, s, false, want...); len(open) != 19 || slices.Contains(open, b.ID) || !slices.Equal(closed, []string{b.ID}) {
		t.Errorf("one is closed: open %v, closed %v", open, closed)
	}
	b.Closed = time.Time{}
	storedBatch(t, s, batch.Change{Batch: b})
	if open, closed := listed(t, s, true, want...), listed(t, s, false, want...); !slices.Equal(open, want) || len(closed) > 0 {
		t.Errorf("it is open again: open %v, closed %v", open, closed)
	}
}

func batchesIdle(t *testing.T, s Subject) {
	start := Noon.AddDate(-10, 0, 0) // longer ago than anybody else's
	var mine []string
	for n := range 18 {
		b := aBatch(t, start.Add(time.Duration(n)*time.Millisecond))
		storedBatch(t, s, batch.Change{Batch: b})
		mine = append(mine, b.ID)
	}
	idle := func(now time.Time, n int) []string {
		t.Helper()
		ids, err := s.Books.IdleBatches(t.Context(), now, n)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(mine, id) })
	}
	due := start.Add(batch.IdleAfter)
	for _, c := range []struct {
		now  time.Time
		n    int
		want []string
	}{
		{due.Add(-time.Millisecond), 100, nil},
		{due, 100, mine[:1]},
		{due.Add(4 * time.Millisecond), 100, mine[:5]},
		{due.Add(time.Hour), 3, mine[:3]},
		{due.Add(time.Hour), 100, mine},
	} {
		if got := idle(c.now, c.n); !slices.Equal(got, c.want) {
			t.Errorf("at %v idle are %v, want %v", c.now, got, c.want)
		}
	}
	b := readBatch(t, s, mine[0])
	b.Moved = start.Add(time.Minute)
	b = storedBatch(t, s, batch.Change{Batch: b})
	if got := idle(due.Add(time.Second), 100); !slices.Equal(got, mine[1:]) {
		t.Errorf("something has happened to it: %v", got)
	}
	b.Closed = start.Add(time.Hour)
	storedBatch(t, s, batch.Change{Batch: b})
	if got := idle(due.Add(time.Hour), 100); !slices.Equal(got, mine[1:]) {
		t.Errorf("it is closed: %v", got)
	}
}

func firstFile(t *testing.T, s Subject) {
	sum := []byte(rand.Text())
	first := make([]batch.File, 16)
	if n := sixteen(t, func(n int) (err error) {
		first[n], err = s.Books.FirstFile(t.Context(), sum, batch.File{Batch: fmt.Sprint("b", n), Upload: fmt.Sprint("u", n)})
		return err
	}); n != 16 {
		t.Errorf("%d of sixteen had an answer", n)
	}
	for _, f := range first {
		if f != first[0] || f.Batch == "" || f.Batch[1:] != f.Upload[1:] {
			t.Errorf("the first is %v, and %v", first[0], f)
		}
	}
	for range 2 {
		if f, err := s.Books.FirstFile(t.Context(), sum, batch.File{Batch: "late", Upload: "late"}); err != nil || f != first[0] {
			t.Errorf("later it is %v, %v", f, err)
		}
	}
	other := batch.File{Batch: "other", Upload: "other"}
	for range 2 {
		if f, err := s.Books.FirstFile(t.Context(), append(slices.Clone(sum), 0), other); err != nil || f != other {
			t.Errorf("other bytes: %v, %v", f, err)
		}
	}
}

// The paper of a form is the first piece that carried it, however it was written.
func papers(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	p, again, later := full(b), full(b), aPiece(b, Noon)
	again.Form = p.Form
	is := func(form optout.Reference, want batch.At) {
		t.Helper()
		if at, err := s.Books.Paper(t.Context(), form); err != nil || at != want {
			t.Errorf("the paper is %v, %v; want %v", at, err, want)
		}
	}
	b = storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p, later}})
	is(p.Form, p.At)
	b = storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{again}})
	is(p.Form, p.At)
	later.Version, later.Form = 1, Keys{}.Reference(Online(""))
	if err := s.Books.SavePiece(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	is(later.Form, later.At)
	p.Version = 1
	form := p.Form
	p.Form = optout.Reference{}
	storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p}})
	is(form, p.At)
}

// What was written and what was read can be changed without changing what is stored.
func nothingShared(t *testing.T, s Subject) {
	b := aBatch(t, Noon)
	p := full(b)
	spoil := func(b batch.Batch, p batch.Piece) {
		b.History[0].Kind, p.History[0].Kind, p.Pages[0].Fault, p.SHA256[0], p.Keyed[0].By = "spoilt", "spoilt", "spoilt", 'x', "spoilt"
		p.Keyed[0].Reading.Answers.Subject.Address[0], p.Keyed[0].Reading.Answers.Reply.Email = "spoilt", "spoilt"
		p.Sample.Differs[0], p.Sample.Again.Reading.Answers.Subject.Address[0] = "spoilt", "spoilt"
	}
	b = storedBatch(t, s, batch.Change{Batch: b, Pieces: []batch.Piece{p}})
	want, answers := readPiece(t, s, p.At), fmt.Sprintf("%+v", Dissent().Subject)
	spoil(aBatch(t, Noon), p)
	spoil(readBatch(t, s, b.ID), readPiece(t, s, p.At))
	all, err := s.Books.Pieces(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	spoil(readBatch(t, s, b.ID), all[0])
	got := readPiece(t, s, p.At)
	if a := got.Keyed[0].Reading.Answers; fmt.Sprintf("%+v", a.Subject) != answers || a.Reply.Email != "" {
		t.Errorf("the answers are %+v", a)
	}
	if d := cmp.Diff(want, got, values); d != "" {
		t.Errorf("the piece differs (-want +got):\n%s", d)
	}
	if d := cmp.Diff(b, readBatch(t, s, b.ID), values); d != "" {
		t.Errorf("the batch differs (-want +got):\n%s", d)
	}
}
