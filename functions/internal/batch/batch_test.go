package batch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

var (
	ann = optout.Actor{Role: optout.Desk, ID: "u-ann"}
	bob = optout.Actor{Role: optout.Desk, ID: "u-bob"}
	sue = optout.Actor{Role: optout.Supervisor, ID: "u-sue"}
)

// room is a mailroom whose table is memory.
type room struct {
	*optouttest.Memory
	*optouttest.Clock
	batch.Mailroom
	t     *testing.T
	paper []optout.Reference // forms that may have been registered
	pages map[string]int     // of files that may have been read, by slot

	registered func() // is called after a form was registered
	counted    func() // before pieces are read
}

// watched notes which forms may be there.
type watched struct {
	*optouttest.Memory
	r      *room
	broken batch.At // cannot be read
}

func (w watched) Register(ctx context.Context, f optout.Form) (optout.Form, error) {
	w.r.paper = append(w.r.paper, f.Reference)
	f, err := w.Memory.Register(ctx, f)
	if w.r.registered != nil {
		w.r.registered()
	}
	return f, err
}

func (w watched) Pieces(ctx context.Context, id string) ([]batch.Piece, error) {
	if w.r.counted != nil {
		w.r.counted()
	}
	return w.Memory.Pieces(ctx, id)
}

func (w watched) Piece(ctx context.Context, at batch.At) (batch.Piece, error) {
	if at == w.broken {
		return batch.Piece{}, optout.ErrUnreadable
	}
	return w.Memory.Piece(ctx, at)
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{Memory: &optouttest.Memory{}, Clock: optouttest.NewClock(), t: t, pages: map[string]int{}}
	r.Mailroom = batch.Mailroom{
		Store: r.Memory, Now: r.Clock.Now,
		Registrar: optout.Registrar{Store: watched{Memory: r.Memory, r: r}, Keys: optouttest.Keys{}, Now: r.Clock.Now},
		Rules:     func() optout.Rules { return optouttest.Rules },
	}
	return r
}

func (r *room) open(envelopes int) string {
	r.t.Helper()
	b, err := r.Mailroom.Open(r.t.Context(), ann, batch.Declaration{Envelopes: envelopes, Box: "B-7", Sequence: 3})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.ID
}

// scanned is a file of some pages in a batch, read.
func (r *room) scanned(id string, bytes string, pages int) batch.At {
	r.t.Helper()
	pieces, slots, err := r.Expect(r.t.Context(), id, ann, []string{"scan.pdf"}, batch.OneEach)
	if err != nil || len(pieces) != 1 || len(slots) != 1 {
		r.t.Fatal(pieces, slots, err)
	}
	at := pieces[0].At
	r.pages[slots[0].ID] = pages
	first, err := r.FirstFile(r.t.Context(), []byte(bytes), batch.File{Batch: id, Upload: slots[0].ID})
	if err := errors.Join(err, r.Arrived(r.t.Context(), at), r.Read(r.t.Context(), at, []byte(bytes), make([]batch.Page, pages), first)); err != nil {
		r.t.Fatal(err)
	}
	return at
}

func (r *room) ledger(id string) batch.Ledger {
	r.t.Helper()
	b, err := r.Memory.Batch(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	pieces, err := r.Pieces(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return batch.Count(b, pieces)
}

// A file of three pages holds a form of two and a covering letter of the same envelope; each gets its outcome, and the
// batch closes when nothing waits.
func TestABatchFromEnvelopeToClose(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(2)
	at := r.scanned(id, "one", 3)
	if _, err := r.Take(t.Context(), at, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Take(t.Context(), at, bob); !errors.Is(err, batch.Taken) {
		t.Errorf("taken by two: %v", err)
	}
	p, err := r.Key(t.Context(), at, ann, batch.Reading{Part: batch.Part{Last: 2, Same: true}, Answers: optouttest.Dissent()})
	if err != nil || p.Status != batch.Registered || p.Form.IsZero() || p.Last != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if f, err := r.Memory.Form(t.Context(), p.Form); err != nil || f.Channel != optout.Paper {
		t.Errorf("the form is %+v, %v", f, err)
	}
	if paper, err := r.Paper(t.Context(), p.Form); err != nil || paper != at {
		t.Errorf("its paper is %v, %v", paper, err)
	}
	again, err := r.Key(t.Context(), at, ann, batch.Reading{Part: batch.Part{Last: 2, Same: true}, Answers: optouttest.Dissent()})
	if err != nil || again.Form != p.Form {
		t.Errorf("said twice: %+v, %v", again, err)
	}
	if _, err := r.Close(t.Context(), id, ann); !errors.Is(err, batch.StillWaiting) {
		t.Errorf("closed over what waits: %v", err)
	}
	rest, err := r.Next(t.Context(), batch.Keying1, ann, id)
	if err != nil || rest.First != 3 || rest.Last != 3 || rest.Envelope != 1 {
		t.Fatalf("%+v, %v", rest, err)
	}
	if rest, err = r.HasOutcome(t.Context(), rest.At, ann, batch.Outcome{Status: batch.OtherPost, Why: "covering-letter"}); err != nil || rest.Status != batch.OtherPost {
		t.Fatalf("%+v, %v", rest, err)
	}
	if _, err := r.Close(t.Context(), id, ann); !errors.Is(err, batch.MoreDeclared) {
		t.Errorf("closed although an envelope is missing: %v", err)
	}
	if _, err := r.ByHand(t.Context(), id, ann, 2, batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"}); err != nil {
		t.Fatal(err)
	}
	same := r.scanned(id, "one", 3)
	if p, err := r.Piece(t.Context(), same); err != nil || p.Status != batch.Rescan || p.Why != batch.SameInBatch {
		t.Errorf("the same bytes again: %+v, %v", p, err)
	}
	l := r.ledger(id)
	if l.Pieces != 4 || l.Of[batch.Registered] != 1 || l.Of[batch.OtherPost] != 2 || l.Of[batch.Rescan] != 1 || !l.AddsUp() || !l.Envelopes() {
		t.Errorf("%+v", l)
	}
	for range 2 {
		if b, err := r.Close(t.Context(), id, ann); err != nil || b.IsOpen() {
			t.Errorf("%+v, %v", b, err)
		}
	}
	if _, _, err := r.Expect(t.Context(), id, ann, []string{"late.pdf"}, batch.OneEach); !errors.Is(err, batch.Closed) {
		t.Errorf("a file for a closed batch: %v", err)
	}
	if _, err := r.Reopen(t.Context(), id, bob); !errors.Is(err, batch.Supervisor) {
		t.Errorf("opened again by a clerk: %v", err)
	}
	if b, err := r.Reopen(t.Context(), id, sue); err != nil || !b.IsOpen() {
		t.Errorf("opened again: %+v, %v", b, err)
	}
}

func TestAFileThatNeverComesIsNoPiece(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	pieces, _, err := r.Expect(t.Context(), id, ann, []string{"a.pdf", "b.pdf"}, batch.OneAll)
	if err != nil || pieces[0].Envelope != 1 || pieces[1].Envelope != 1 {
		t.Fatal(pieces, err)
	}
	if l := r.ledger(id); l.Waiting != 2 || l.Pieces != 2 || !l.AddsUp() || l.Opened != 0 {
		t.Errorf("%+v", l)
	}
	if err := errors.Join(r.Lapsed(t.Context(), pieces[0].At), r.Lapsed(t.Context(), pieces[0].At), r.Quarantine(t.Context(), pieces[1].At, batch.Infected, nil)); err != nil {
		t.Fatal(err)
	}
	if l := r.ledger(id); l.Waiting != 0 || l.Pieces != 1 || l.Of[batch.Quarantined] != 1 || !l.AddsUp() || l.Opened != 1 {
		t.Errorf("%+v", l)
	}
	if err := r.Arrived(t.Context(), pieces[0].At); err != nil { // after all
		t.Fatal(err)
	}
	if l := r.ledger(id); l.Waiting != 1 || l.Pieces != 2 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
}

func TestTwoPeopleKeyTheSamePieceBlind(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.Twice = 100
	id := r.open(1)
	for name, c := range map[string]struct {
		second func(*optout.Answers)
		status batch.Status
	}{
		"alike":               {func(a *optout.Answers) { a.Subject.Surname = "Smyth" }, batch.Registered},
		"with another number": {func(a *optout.Answers) { a.Subject.NHSNumber = optouttest.Number() }, batch.Disputed},
		"with another day":    {func(a *optout.Answers) { a.Subject.BirthDate = "1957-03-30" }, batch.Disputed},
		"with another choice": {func(a *optout.Answers) { a.Choice = "core" }, batch.Disputed},
	} {
		a := optouttest.Dissent()
		at := r.scanned(id, name, 1)
		p, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: a})
		if err != nil || p.Status != batch.Second {
			t.Fatalf("%s: %+v, %v", name, p, err)
		}
		if _, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: a}); !errors.Is(err, batch.NotTwice) {
			t.Errorf("%s: keyed twice by one: %v", name, err)
		}
		b := optout.Answers{Choice: a.Choice, Subject: optout.Subject{NHSNumber: a.Subject.NHSNumber}} // nothing else is keyed twice
		_, err = r.Key(t.Context(), at, bob, batch.Reading{Answers: b})
		if wrong, ok := errors.AsType[optout.Faulty](err); !ok || len(wrong) != 1 || wrong[0].Pointer != "/subject/birthDate" {
			t.Errorf("%s: without a birth date: %v", name, err)
		}
		b.Subject.BirthDate = a.Subject.BirthDate
		c.second(&b)
		if p, err = r.Key(t.Context(), at, bob, batch.Reading{Answers: b}); err != nil || p.Status != c.status {
			t.Fatalf("%s: %+v, %v", name, p, err)
		}
		if c.status == batch.Disputed {
			if _, err := r.Key(t.Context(), at, bob, batch.Reading{Answers: b}); !errors.Is(err, batch.Supervisor) {
				t.Errorf("%s: decided by a clerk: %v", name, err)
			}
			if p, err = r.Key(t.Context(), at, sue, batch.Reading{Answers: a}); err != nil || p.Status != batch.Registered || len(p.Keyed) > 0 {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
	}
}

// Whatever is lost or comes in between, the books and the forms say the same in the end.
func TestALostAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	lost := 0
	r.Fate = func(method string) optouttest.Fate {
		if slices.Contains([]string{"SaveBatch", "SavePiece", "Register"}, method) {
			if lost++; lost%2 == 1 {
				return optouttest.Lost
			}
		}
		return optouttest.Fine
	}
	id := r.open(1)
	at := r.scanned(id, "one", 1)
	_, _ = r.Take(t.Context(), at, ann)
	p, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent()})
	for range 3 {
		if err != nil {
			p, err = r.Key(t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent()})
		}
	}
	if err != nil || p.Status != batch.Registered {
		t.Fatalf("%+v, %v", p, err)
	}
	if l := r.ledger(id); l.Pieces != 1 || l.Of[batch.Registered] != 1 || !l.AddsUp() || !l.Envelopes() {
		t.Errorf("%+v", l)
	}
}

func TestALeaseEnds(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	at := r.scanned(r.open(1), "one", 1)
	if _, err := r.Take(t.Context(), at, ann); err != nil {
		t.Fatal(err)
	}
	r.Move(batch.LeaseLasts - time.Second)
	if _, err := r.Next(t.Context(), batch.Keying1, bob, ""); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("before its end: %v", err)
	}
	r.Move(2 * time.Second)
	if p, err := r.Next(t.Context(), batch.Keying1, bob, ""); err != nil || p.At != at {
		t.Errorf("after its end: %+v, %v", p, err)
	}
	if _, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent()}); !errors.Is(err, batch.Taken) {
		t.Errorf("keyed by who had it before: %v", err)
	}
}

// What a supervisor has decided, because somebody saw a risk or two readings were not alike, no clerk takes back; and an
// alarm stays one.
func TestAClerkDoesNotUndoWhatASupervisorDecided(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	at := r.scanned(r.open(1), "one", 1)
	if _, err := r.Alarm(t.Context(), at, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := r.HasOutcome(t.Context(), at, sue, batch.Outcome{Status: batch.OtherPost, Why: "message"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Undo(t.Context(), at, bob); !errors.Is(err, batch.Supervisor) {
		t.Errorf("by a clerk: %v", err)
	}
	if p, err := r.Undo(t.Context(), at, sue); err != nil || p.Status != batch.Disputed || p.Why != batch.Safeguarding {
		t.Errorf("by a supervisor: %+v, %v", p, err)
	}
}

// A slip of the hand does not stand in for an envelope that is missing: 44 for 4.
func TestANumberThatNoEnvelopeCanHaveIsRefused(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(4)
	at := r.scanned(id, "one", 2)
	for name, does := range map[string]func() error{
		"a piece moved": func() error { _, err := r.InEnvelope(t.Context(), at, ann, 44); return err },
		"by hand": func() error {
			_, err := r.ByHand(t.Context(), id, ann, 44, batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"})
			return err
		},
		"at the desk": func() error {
			_, err := r.HasOutcome(t.Context(), at, ann, batch.Outcome{Part: batch.Part{Last: 1, Envelope: 44}, Status: batch.OtherPost, Why: "blank"})
			return err
		},
	} {
		var faulty optout.Faulty
		if err := does(); !errors.As(err, &faulty) || faulty[0].Pointer != "/envelope" || faulty[0].Code != "out-of-range" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l := r.ledger(id); l.Opened != 1 || l.Pieces != 1 {
		t.Errorf("%+v", l)
	}
	if _, err := r.InEnvelope(t.Context(), at, ann, 5); err != nil { // they may have been counted wrongly
		t.Error(err)
	}
}

// What comes beside a rescan is on the books, and opens no envelope: the first scan of the paper did, wherever that was.
func TestASecondFileBesideARescanOpensNoEnvelope(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.scanned(r.open(1), "one", 1)
	id := r.open(2)
	at := r.scanned(id, "one", 1)
	for range 2 {
		if err := r.AnotherFile(t.Context(), at, "another version"); err != nil {
			t.Fatal(err)
		}
	}
	if l := r.ledger(id); l.Pieces != 2 || l.Of[batch.Rescan] != 1 || l.Of[batch.Quarantined] != 1 || l.Opened != 0 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
}
