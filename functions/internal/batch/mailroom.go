package batch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
	"example.org/optout/functions/internal/upload"
)

// Mailroom is how people and machines act on batches and pieces.
type Mailroom struct {
	Store     Store
	Registrar optout.Registrar
	Rules     func() optout.Rules // as of now
	Twice     int                 // of a hundred pieces, how many are keyed by two people
	Sample    int                 // of a hundred forms that have come to their outcome, how many are read once more
	Now       func() time.Time
}

// Refusals of an act. What stands in the way of closing is beside the ledger.
var (
	Closed     = &optout.Refusal{Code: "BATCH_CLOSED", Detail: "This batch is closed. A supervisor can open it again."}
	Taken      = &optout.Refusal{Code: "TAKEN", Detail: "Somebody else has this piece before them. Take another one."}
	Decided    = &optout.Refusal{Code: "DECIDED", Detail: "This piece has its outcome already. Look at it again."}
	NotNow     = &optout.Refusal{Code: "NOT_NOW", Detail: "The piece does not stand where this can be done. Look at it again."}
	NotTwice   = &optout.Refusal{Code: "KEYED_BY_YOU", Detail: "You have keyed this piece. Somebody else has to key it the second time."}
	NotAgain   = &optout.Refusal{Code: "SEEN_BY_YOU", Detail: "You have said before what this piece is. Somebody else has to read it once more."}
	Supervisor = &optout.Refusal{Code: "SUPERVISOR", Detail: "This is for a supervisor to decide."}
	OwnReading = &optout.Refusal{Code: "READ_BY_YOU", Detail: "You read this form yourself: let another supervisor decide. If there is no other one, say so on its page; then you can."}
	// OpenedBefore is for a page that is gone back to, filled in otherwise and sent once more.
	OpenedBefore = &optout.Refusal{Code: "OPENED_BEFORE", Detail: "This page has opened another batch already. If you want to open one more, send it again."}

	Marked  = &optout.Refusal{Code: "REGISTERING", Detail: "A form is being registered from this piece, so it can be nothing else. Key it again to bring that to an end."}
	Crowded = &optout.Refusal{Code: "BATCH_FULL", Detail: "This batch has no room for more. Close it, and open another one."}
)

// reopenable are outcomes that can be taken back as long as the batch is open: nothing has gone out of the house.
var reopenable = []Status{SentBack, OtherPost, Rescan}

// Open opens a batch. OpenedBefore and the batch that was, if another one was opened under the key.
func (m Mailroom) Open(ctx context.Context, by optout.Actor, d Declaration) (Batch, error) {
	b, err := New(d, by, m.Now())
	if err != nil {
		return Batch{}, err
	}
	var stored Batch
	err = steady.Insist(ctx, func() error {
		err := m.Store.SaveBatch(ctx, Change{Batch: b})
		if stored = b; errors.Is(err, optout.ErrConflict) {
			var there error
			if stored, there = m.Store.Batch(ctx, b.ID); there == nil { // our own answer was lost on the way, or it was said before
				return nil
			}
		}
		stored.Version++
		return err
	}, optout.ErrConflict, optout.ErrUnavailable)
	switch {
	case err != nil:
		return Batch{}, fmt.Errorf("open batch: %w", later(err))
	case stored.Box != d.Box || stored.Sequence != d.Sequence || stored.Destroy != d.Destroy || stored.History[0].Detail != b.History[0].Detail:
		return stored, OpenedBefore
	}
	return stored, nil
}

// later is a conflict, after so many tries, as what it is: something that may pass.
func later(err error) error {
	if errors.Is(err, optout.ErrConflict) {
		return fmt.Errorf("%w: %w", optout.ErrUnavailable, err)
	}
	return err
}

// RecountedFor are the reasons to say that a batch has another number of envelopes.
var RecountedFor = []string{"miscounted", "found", "elsewhere", "lost"}

// Recount changes how many envelopes are declared, with one of RecountedFor for the books.
func (m Mailroom) Recount(ctx context.Context, id string, by optout.Actor, envelopes int, why string) (Batch, error) {
	if err := inRange("envelopes", envelopes, 1, MostEnvelopes); err != nil {
		return Batch{}, err
	}
	if err := oneOf("why", why, RecountedFor); err != nil {
		return Batch{}, err
	}
	return m.act(ctx, id, func(b *Batch) ([]Piece, error) {
		if b.Declared == envelopes {
			return nil, errNothing
		}
		*b = b.said(m.Now(), by.String(), "recounted", fmt.Sprint(b.Declared, " to ", envelopes, " ", why))
		b.Declared = envelopes
		return nil, nil
	})
}

// Close closes a batch. The refusal says what is in the way; a batch that is closed stays so.
func (m Mailroom) Close(ctx context.Context, id string, by optout.Actor) (Batch, error) {
	return m.change(ctx, id, func(b *Batch) (Change, error) {
		if !b.IsOpen() {
			return Change{}, errNothing
		}
		pieces, err := m.piecesOf(ctx, *b)
		if err != nil {
			return Change{}, err
		}
		if err := Count(*b, pieces).Closes(); err != nil {
			return Change{}, err
		}
		*b = b.said(m.Now(), by.String(), "closed", "")
		b.Closed = milliseconds(m.Now())
		return Change{}, nil
	})
}

// Whole is a batch and all its pieces as they stood at one moment, so that they can be counted against each other.
func (m Mailroom) Whole(ctx context.Context, id string) (b Batch, pieces []Piece, err error) {
	err = steady.Insist(ctx, func() error {
		if b, err = m.Store.Batch(ctx, id); err == nil {
			pieces, err = m.piecesOf(ctx, b)
		}
		return err
	}, optout.ErrConflict)
	return b, pieces, later(err)
}

// piecesOf are the pieces of a batch as it was read. optout.ErrConflict, if it has changed meanwhile.
func (m Mailroom) piecesOf(ctx context.Context, b Batch) ([]Piece, error) {
	pieces, err := m.Store.Pieces(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	switch now, err := m.Store.Batch(ctx, b.ID); {
	case err != nil:
		return nil, err
	case now.Version != b.Version:
		return nil, optout.ErrConflict
	}
	return pieces, nil
}

// Reopen opens a closed batch again: another envelope was found, or an outcome was wrong. Only a supervisor may.
func (m Mailroom) Reopen(ctx context.Context, id string, by optout.Actor) (Batch, error) {
	if by.Role != optout.Supervisor {
		return Batch{}, Supervisor
	}
	return m.change(ctx, id, func(b *Batch) (Change, error) {
		if b.IsOpen() {
			return Change{}, errNothing
		}
		*b = b.again(m.Now(), by.String(), "")
		return Change{}, nil
	})
}

func (b Batch) again(now time.Time, by, why string) Batch {
	b.Closed = time.Time{}
	return b.said(now, by, "opened-again", why)
}

// errNothing ends an act that would change nothing: it was done before.
var errNothing = errors.New("nothing to do")

// act changes an open batch and pieces of it. What was done already was done, also if the batch is closed since.
func (m Mailroom) act(ctx context.Context, id string, do func(*Batch) ([]Piece, error)) (Batch, error) {
	return m.open(ctx, id, func(b *Batch) (Change, error) {
		pieces, err := do(b)
		return Change{Pieces: pieces}, err
	})
}

// open is act with all that a change can be.
func (m Mailroom) open(ctx context.Context, id string, do func(*Batch) (Change, error)) (Batch, error) {
	return m.change(ctx, id, func(b *Batch) (Change, error) {
		c, err := do(b)
		if _, refused := errors.AsType[*optout.Refusal](err); !b.IsOpen() && (err == nil || refused) {
			err = Closed
		}
		return c, err
	})
}

// change changes a batch, whoever else does at the same time: what is decided is decided on what is stored.
func (m Mailroom) change(ctx context.Context, id string, do func(*Batch) (Change, error)) (b Batch, err error) {
	err = steady.Insist(ctx, func() error {
		if b, err = m.Store.Batch(ctx, id); err != nil {
			return err
		}
		before := b
		c, err := do(&b)
		if err != nil {
			b = before
			return err
		}
		c.Batch = b.moved(m.Now())
		if err := m.Store.SaveBatch(ctx, c); err != nil {
			return err
		}
		b.Version++
		return nil
	}, optout.ErrConflict, optout.ErrUnavailable)
	if errors.Is(err, errNothing) {
		return b, nil
	}
	return b, later(err)
}

// Envelopes is which envelopes files that are announced belong to.
type Envelopes string

// Each file is an envelope of its own, or all are of one; or it is said at the desk.
const (
	OneEach Envelopes = "each"
	OneAll  Envelopes = "one"
	Later   Envelopes = "later"
)

// Expect makes places for files: from now on each of them is on the books, whether it comes or not. names are those of
// the files, MostAtOnce at most.
func (m Mailroom) Expect(ctx context.Context, id string, by optout.Actor, names []string, e Envelopes) ([]Piece, []upload.Slot, error) {
	return m.ExpectOnce(ctx, id, by, rand.Text(), names, e)
}

// ExpectOnce is Expect under a key, which nobody else can guess: said again under it, it gives the places that there are,
// their slots as they were made. optout.KeyUsed, if those are others.
func (m Mailroom) ExpectOnce(ctx context.Context, id string, by optout.Actor, key string, names []string, e Envelopes) ([]Piece, []upload.Slot, error) {
	if len(names) < 1 || len(names) > MostAtOnce {
		return nil, nil, wrong("files", "too-many")
	}
	if !slices.Contains([]Envelopes{OneEach, OneAll, Later}, e) {
		return nil, nil, wrong("envelopes", "not-an-option")
	}
	var pieces []Piece
	var slots []upload.Slot
	for n := range len(names) + 1 {
		slots = append(slots, upload.NewScan(by, id, m.Now()).Under(fmt.Sprintf("%s %d", key, n)))
	}
	slots, next := slots[:len(names)], slots[len(names)] // which there is if more were made under the key
	_, err := m.change(ctx, id, func(b *Batch) (Change, error) {
		pieces = nil
		var free *numbers
		switch _, err := m.Store.Piece(ctx, FirstOf(id, slots[0].ID)); {
		case err == nil: // it was said before, or our own answer was lost on the way
			return Change{}, errNothing
		case !errors.Is(err, optout.ErrNotFound):
			return Change{}, err
		case !b.IsOpen():
			return Change{}, Closed
		case b.Pieces+len(names) > MostPieces, e != Later && b.Highest+len(names) > 2*MostEnvelopes:
			return Change{}, Crowded
		case e != Later:
			var err error
			if free, err = m.free(ctx, *b); err != nil {
				return Change{}, err
			}
		}
		envelope := 0
		for n, s := range slots {
			if e == OneEach || e == OneAll && n == 0 {
				envelope = free.next()
				b.Highest = max(b.Highest, envelope)
			}
			p := Piece{
				At: FirstOf(id, s.ID), Upload: s.ID, Name: clipped(names[n]), Status: Awaited, Since: milliseconds(m.Now()),
				Twice: m.twice(s.ID),
			}
			p.Envelope = envelope
			pieces = append(pieces, p.said(m.Now(), by.String(), "expected", ""))
		}
		b.Pieces += len(pieces)
		return Change{Pieces: pieces, Slots: slots}, nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(pieces) > 0 { // as they are stored now
		for n := range slots {
			pieces[n].Version, slots[n].Version = 1, 1
		}
		return pieces, slots, nil
	}
	switch _, err := m.Store.Piece(ctx, FirstOf(id, next.ID)); {
	case err == nil:
		return nil, nil, optout.KeyUsed
	case !errors.Is(err, optout.ErrNotFound):
		return nil, nil, err
	}
	return m.expected(ctx, id, slots, names)
}

// expected reads places that were made before.
func (m Mailroom) expected(ctx context.Context, id string, slots []upload.Slot, names []string) (pieces []Piece, stored []upload.Slot, err error) {
	for n, s := range slots {
		p, err := m.Store.Piece(ctx, FirstOf(id, s.ID))
		switch {
		case errors.Is(err, optout.ErrNotFound), err == nil && p.Name != clipped(names[n]):
			return nil, nil, optout.KeyUsed
		case err != nil:
			return nil, nil, err
		}
		s.Version = 1 // as it was made
		pieces, stored = append(pieces, p), append(stored, s)
	}
	return pieces, stored, nil
}

// twice says whether the pieces of a file are keyed by two people: always the same of a file, and by no rule that a
// clerk could see.
func (m Mailroom) twice(id string) bool {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32()%100) < m.Twice
}

// clipped is a file's name as it is shown: its last hundred characters.
func clipped(name string) string {
	r := []rune(strings.TrimSpace(name))
	return string(r[max(0, len(r)-100):])
}
