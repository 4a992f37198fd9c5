// Package batch keeps the mailroom's books: which envelopes were opened, what was in each of them, and what became of
// every piece. An envelope that nobody can account for keeps its batch open.
//
// A piece is on the books before its file is there: asking for a place to put a file writes the piece with it. From then
// on it is on somebody's list until it has an outcome. Pieces are counted twice, by the batch and by the rows of the
// pieces themselves, and the two must agree.
package batch

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"example.org/optout/functions/internal/crockford"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

const (
	// IdleAfter is how long a batch may lie without anything happening to it before it shows as idle.
	IdleAfter = 48 * time.Hour
	// MostEnvelopes is how many envelopes a batch can have: what one person opens in a morning, and what one page shows.
	MostEnvelopes = 500
	// MostPieces is how many pieces a batch can have.
	MostPieces = 2000
)

// Batch is envelopes that are opened together, and the box in which their paper is kept. It holds nothing personal.
type Batch struct {
	ID       string // 17 characters, as of a reference
	Version  int    // how often it was written: every change to any of its pieces counts
	Declared int    // envelopes, counted before they were opened
	Pieces   int    // how many there are, kept apart from their rows
	Highest  int    // the highest number that an envelope of it was given
	Box      string // in which the paper is kept
	Sequence int    // the batch's place in the box, from 1
	Destroy  nhs.Date

	Opened time.Time
	Moved  time.Time // when something happened to it last
	Closed time.Time // zero: it is open
	History
}

// Event is something that happened to a batch or to a piece.
type Event struct {
	At     time.Time
	By     string // an optout.Actor
	Kind   string
	Detail string // a code or a number, nothing personal
}

// History is what happened, oldest first.
type History []Event

// Said is the history with one more event.
func (h History) Said(at time.Time, by, kind, detail string) History {
	return append(h[:len(h):len(h)], Event{At: milliseconds(at), By: by, Kind: kind, Detail: detail})
}

// Declaration is what is said of a batch before its envelopes are opened.
type Declaration struct {
	Envelopes int
	Box       string   // letters, digits and dashes, 20 at most
	Sequence  int      // from 1
	Destroy   nhs.Date // after which the paper is destroyed; zero: not decided
	Key       string   // of the page or the message that says it: said again under it, it is the same batch; "": it never is
}

// New is an open batch.
func New(d Declaration, by optout.Actor, now time.Time) (Batch, error) {
	if err := d.faults(now); err != nil {
		return Batch{}, err
	}
	b := Batch{
		ID: idFor(by, d.Key), Declared: d.Envelopes, Box: d.Box, Sequence: d.Sequence, Destroy: d.Destroy, Opened: milliseconds(now),
	}
	return b.said(now, by.String(), "opened", fmt.Sprint(d.Envelopes)), nil
}

func (b Batch) said(now time.Time, by, kind, detail string) Batch {
	b.Moved = milliseconds(now)
	b.History = b.History.Said(now, by, kind, detail)
	return b
}

// moved is the batch after something happened to one of its pieces.
func (b Batch) moved(now time.Time) Batch {
	b.Moved = milliseconds(now)
	return b
}

// IsOpen says that the batch is not closed.
func (b Batch) IsOpen() bool { return b.Closed.IsZero() }

// Due is when the batch shows as idle if nothing happens to it; zero once it is closed.
func (b Batch) Due() time.Time {
	if !b.IsOpen() {
		return time.Time{}
	}
	return b.Moved.Add(IdleAfter)
}

// ParseID reads a batch's id as a person copied it; ok is false for what is none.
func ParseID(s string) (id string, ok bool) { return crockford.Read(s) }

// idFor is the id of the batch that somebody opens under a key.
func idFor(by optout.Actor, key string) string {
	if key == "" {
		return newID()
	}
	sum := sha256.Sum256([]byte("batch\n" + by.ID + "\n" + key))
	return crockford.Spell([10]byte(sum[:10]))
}

func newID() string {
	var bits [10]byte
	_, _ = rand.Read(bits[:]) // which never fails
	return crockford.Spell(bits)
}

// Show groups an id for reading: 7F3K-9QWM-2B5T-RX4H-A.
func Show(id string) string {
	ref, err := optout.ParseReference(id)
	if err != nil {
		return id
	}
	return ref.String()
}

func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
