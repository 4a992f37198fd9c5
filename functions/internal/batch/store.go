package batch

import (
	"context"
	"iter"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// Store keeps batches and their pieces; times to the millisecond. Nothing in it expires. Every implementation passes
// optouttest.Conformance. Each method gives optout.ErrUnavailable if the table cannot be reached now, and
// optout.ErrUnreadable.
type Store interface {
	// SaveBatch writes a change, all or nothing. optout.ErrConflict if its batch, or anything else in it, is not stored
	// at the version it was read at.
	SaveBatch(ctx context.Context, c Change) error

	// Batch reads a batch strongly, and Pieces all its pieces, in the order of their ids. optout.ErrNotFound for a batch.
	Batch(ctx context.Context, id string) (Batch, error)
	Pieces(ctx context.Context, batch string) ([]Piece, error)

	// Piece reads a piece strongly. optout.ErrNotFound.
	Piece(ctx context.Context, at At) (Piece, error)

	// SavePiece writes a piece whose place in the ledger does not change: a lease, what was keyed; and counts on, all or
	// nothing. optout.ErrConflict.
	SavePiece(ctx context.Context, p Piece, counts ...Tally) error

	// Batches gives the open or the closed batches, the newest first, n at most of all that there are. It reads an
	// index: a little late.
	Batches(ctx context.Context, open bool, n int) ([]string, error)

	// IdleBatches gives the open batches to which nothing has happened for IdleAfter, the longest first, n at most. An index.
	IdleBatches(ctx context.Context, now time.Time, n int) ([]string, error)

	// Queue walks a list of pieces, oldest first; Queued counts it, up to a thousand from each of its parts. An index:
	// hints what to read.
	Queue(ctx context.Context, s Stage) iter.Seq2[Queued, error]
	QueueLength(ctx context.Context, s Stage) (int, error)

	// Letters walks all pieces with which a letter has to go, the one that has waited longest first: Since is since when. An
	// index: hints what to read.
	Letters(ctx context.Context) iter.Seq2[Queued, error]

	// Tallies gives what was counted on each of the days from the first to the last, in the order of day, how and by whom.
	Tallies(ctx context.Context, from, to nhs.Date) ([]Tally, error)

	// FirstFile says which file had these bytes first: this one, if none had before. It is written once and for ever.
	FirstFile(ctx context.Context, sha256 []byte, this File) (File, error)

	// Paper says which piece a form was keyed from. optout.ErrNotFound for a form that did not come on paper.
	Paper(ctx context.Context, form optout.Reference) (At, error)
}

// Change is what one transaction writes: a batch, pieces of it, slots for files, and what it counts on. A hundred items at
// most, MostAtOnce of new files.
type Change struct {
	Batch  Batch
	Pieces []Piece
	Slots  []upload.Slot
	Counts []Tally // no two of the same day, kind and person
}

// MostAtOnce is how many files can be announced in one go: a slot and a piece each, and the batch, in one transaction.
const MostAtOnce = 40

// Queued is a piece on a list.
type Queued struct {
	At
	Since time.Time
}

// File is where a file belongs.
type File struct{ Batch, Upload string }
