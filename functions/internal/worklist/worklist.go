// Package worklist is what people at work ask of the table beside the forms themselves: what is on their list, who is
// at work on a form just now, and who has looked at it.
//
// None of it changes a form. Lists are hints what to read. A claim keeps two people from doing the same work; that what
// they do is done once is held by the form's version. Looks are there for whoever asks later.
package worklist

import (
	"context"
	"errors"
	"iter"
	"time"

	"example.org/optout/functions/internal/optout"
)

// Errors that a Store gives, beside those of an optout.Store.
var (
	ErrCursor = errors.New("not a cursor of this list")
	ErrHeld   = errors.New("somebody else is at work on it") // the claim in force comes with it
)

// Store keeps lists, claims and looks. Every implementation passes optouttest.Conformance. Each method gives
// optout.ErrUnavailable if the table cannot be reached now, and optout.ErrUnreadable.
type Store interface {
	// List gives the page of a list that follows a cursor; "" is before everything. n is at least 1, and no page has
	// more than MostEntries. It reads an index: a little late, a hint what to read (Forms, Practices). ErrCursor if
	// this list did not give the cursor.
	List(ctx context.Context, l List, after Cursor, n int) (Page, error)

	// Tally counts what is on a list. It reads an index, and of a long one the first thousands: a lower bound from
	// Exact on.
	Tally(ctx context.Context, l List) (int, error)

	// Claim takes a form for somebody until a time, or until they release it, and gives the claim that is in force
	// then. Whoever holds it already holds it until the new time. ErrHeld and the other's claim if somebody else
	// holds it now: of several at once exactly one gets it.
	Claim(ctx context.Context, ref optout.Reference, c Claim, now time.Time) (Claim, error)

	// Release ends somebody's claim. What others hold, or nobody, stays as it is: that is no error.
	Release(ctx context.Context, ref optout.Reference, by string) error

	// Claimed reads strongly which of these forms somebody holds now.
	Claimed(ctx context.Context, refs []optout.Reference, now time.Time) (map[optout.Reference]Claim, error)

	// Look records a look at each of these forms; done when it returns, so it comes before showing them. After an
	// error some may have been recorded, and a repeat records them again.
	Look(ctx context.Context, l Look, refs ...optout.Reference) error

	// Looks walks strongly through the looks at a form, newest first, reading as far as the walk goes. They are kept
	// as long as the form.
	Looks(ctx context.Context, ref optout.Reference) iter.Seq2[Look, error]
}

// Claim is who is at work on a form, and until when nobody else is. It outlives whatever becomes of the form
// meanwhile, and its time always comes.
type Claim struct {
	By    string // an optout.Actor
	Until time.Time
}

// Look is that somebody was shown what is personal in a form.
type Look struct {
	At   time.Time
	By   string // an optout.Actor
	What string // they were shown: a code of the door's, nothing personal
}
