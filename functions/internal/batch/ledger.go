package batch

import (
	"context"
	"errors"
	"time"

	"example.org/optout/functions/internal/optout"
)

// Ledger is a batch's two equations (domain facts, custody): envelopes opened = envelopes declared, and pieces =
// registered + held + sent back + other post + rescans + quarantined + waiting. The left side of the second is the
// batch's own count, the right side is counted from the pieces.
//
// The envelopes of a batch are numbered from 1 to as many as are declared. A number beyond these counts as opened, but never
// in the place of one of them that is missing.
type Ledger struct {
	Declared, Opened int
	Missing          int // of the numbers from 1 to Declared: how many nothing is on the books of
	Pieces           int
	Of               map[Status]int // by outcome
	Waiting          int
}

// Count is the ledger of a batch and all its pieces.
func Count(b Batch, pieces []Piece) Ledger {
	l := Ledger{Declared: b.Declared, Pieces: b.Pieces, Of: map[Status]int{}}
	opened := map[int]bool{}
	for _, p := range pieces {
		switch {
		case p.Status == Lapsed:
			continue
		case !p.Status.IsOutcome():
			l.Waiting++
		default:
			l.Of[p.Status]++
		}
		if p.Envelope > 0 && p.Status != Awaited && p.Status != Rescan { // an envelope whose piece was scanned twice is opened by the first
			opened[p.Envelope] = true
		}
	}
	l.Opened, l.Missing = len(opened), b.Declared
	for n := range opened {
		if n <= b.Declared {
			l.Missing--
		}
	}
	return l
}

// Sum is the right side of the second equation.
func (l Ledger) Sum() int {
	n := l.Waiting
	for _, of := range l.Of {
		n += of
	}
	return n
}

// Envelopes says that the first equation holds, and AddsUp that the second does.
func (l Ledger) Envelopes() bool { return l.Opened == l.Declared && l.Missing == 0 }
func (l Ledger) AddsUp() bool    { return l.Pieces == l.Sum() }

// Why a batch is not closed.
var (
	StillWaiting   = &optout.Refusal{Code: "STILL_WAITING", Detail: "Some pieces of this batch still wait. Give each of them an outcome, then close it."}
	MoreDeclared   = &optout.Refusal{Code: "ENVELOPES_MISSING", Detail: "Some of the envelopes that were declared are missing. Look for them, and check the envelope numbers of the pieces. If an envelope was empty, say so. If they were counted wrongly, count them again."}
	FewerDeclared  = &optout.Refusal{Code: "ENVELOPES_TOO_MANY", Detail: "More envelopes are opened than were declared. Check the envelope numbers of the pieces. If they were counted wrongly, count them again."}
	DoesNotAddUp   = &optout.Refusal{Code: "DOES_NOT_ADD_UP", Detail: "The pieces of this batch do not add up. Nothing is lost; tell whoever runs the service."}
	NothingInBatch = &optout.Refusal{Code: "NOTHING_OPENED", Detail: "Nothing is on the books of this batch yet."}
)

// Closes is nil if the batch may be closed; otherwise it says what is in the way.
func (l Ledger) Closes() error {
	switch {
	case l.Waiting > 0:
		return StillWaiting
	case !l.AddsUp():
		return DoesNotAddUp
	case l.Pieces == 0:
		return NothingInBatch
	case l.Missing > 0:
		return MoreDeclared
	case l.Opened > l.Declared:
		return FewerDeclared
	}
	return nil
}

// Unanswered counts the files that the malware check gives no answer on, and says since when the oldest has waited. It
// looks at the first mostLooked files that are aside; more says that there are others.
func Unanswered(ctx context.Context, store Store) (n int, since time.Time, more bool, err error) {
	looked := 0
	for q, err := range store.Queue(ctx, Aside) {
		if err != nil {
			return 0, time.Time{}, false, err
		}
		if looked == mostLooked {
			return n, since, true, nil
		}
		looked++
		p, err := store.Piece(ctx, q.At)
		switch {
		case errors.Is(err, optout.ErrNotFound), errors.Is(err, optout.ErrUnreadable):
		case err != nil:
			return 0, time.Time{}, false, err
		case p.Status == Checking && p.Why == Unchecked:
			if n++; n == 1 {
				since = p.Since
			}
		}
	}
	return n, since, false, nil
}

const mostLooked = 100
