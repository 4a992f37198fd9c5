// Package upload keeps slots for files that go past our functions, straight into a bucket, and the files themselves.
//
// A slot is a row that is written before anything is uploaded, with a due time: a file that comes is never missed, and
// one that does not come is missed. The bucket tells nobody of it. Who uploaded it says so, or whoever looks when the slot
// is due finds it; either alone is enough.
package upload

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
	"example.org/optout/functions/internal/worklist"
)

// Errors that a Store and Files give, beside those of an optout.Store.
var (
	ErrBusy  = errors.New("another list of the practice is being read") // the turn in force comes with it
	ErrOlder = errors.New("a list that was run later has been used")    // likewise
	ErrGone  = errors.New("the file is not there")
)

// Store keeps slots; times to the millisecond. Nothing in it expires. Every implementation passes optouttest.Conformance.
// Each method gives optout.ErrUnavailable if the table cannot be reached now, and optout.ErrUnreadable.
type Store interface {
	// SaveUpload writes a slot on top of the version it was read at, 0 for a new one, and gives it as it is stored.
	// optout.ErrConflict if it has moved on: of several at once exactly one is written.
	SaveUpload(ctx context.Context, s Slot) (Slot, error)

	// Upload reads a slot strongly. optout.ErrNotFound.
	Upload(ctx context.Context, id string) (Slot, error)

	// Uploads gives the ids of a practice's newest slots, a hundred at most, newest first. It reads an index: a little
	// late, a hint what to read (Recent).
	Uploads(ctx context.Context, practice nhs.ODSCode, n int) ([]string, error)

	// Attachments gives the ids of the newest scans of a form's paper, a hundred at most, newest first. It reads an index.
	Attachments(ctx context.Context, form optout.Reference, n int) ([]string, error)

	// UploadShards is how many parts a purpose's list of due slots has (DueAs); UploadsDue walks one of them, oldest first,
	// up to and including now. It reads an index: a hint what to look at.
	UploadShards() int
	UploadsDue(ctx context.Context, p Purpose, shard int, now time.Time) iter.Seq2[string, error]

	// TakeTurn lets one slot at a time be read of all that a practice has, and none whose list was run before one
	// that has been used. Who has the turn has it until t.Until, and may take it again. It gives the turn that is in
	// force then. ErrBusy while another slot has it; ErrOlder.
	TakeTurn(ctx context.Context, t Turn, now time.Time) (Turn, error)

	// EndTurn ends a slot's turn. What another slot has, or none, stays as it is: that is no error.
	EndTurn(ctx context.Context, practice nhs.ODSCode, id string) error
}

// Turn is which of a practice's lists is being read, and until when no other one is.
type Turn struct {
	Practice nhs.ODSCode
	ID       string // of the slot
	Until    time.Time
	Run      time.Time // when the list was run
	Uses     bool      // what it says is used from now on, so older ones say nothing any more
}

// Files keeps what is uploaded and what is answered, each under its key. Each method gives optout.ErrUnavailable if
// the bucket cannot be reached now; whatever is no error of this package is for good.
type Files interface {
	// Find gives the versions of a file, the newest first, a thousand at most; none if it was never put there.
	Find(ctx context.Context, key string) ([]Object, error)

	// Open reads one version of a file from its beginning, as far as the reader goes. ErrGone.
	Open(ctx context.Context, key, version string) (io.ReadCloser, error)

	// Put writes a file as its newest version.
	Put(ctx context.Context, key, kind string, body []byte) error

	// Delete deletes one version of a file; one that is not there is no error.
	Delete(ctx context.Context, key, version string) error
}

// Object is one version of a file.
type Object struct {
	Version string
	Size    int64 // bytes
}

// Recent reads strongly the newest n slots of a practice, newest first.
func Recent(ctx context.Context, store Store, practice nhs.ODSCode, n int) ([]Slot, error) {
	ids, err := store.Uploads(ctx, practice, n)
	if err != nil {
		return nil, err
	}
	slots := make([]Slot, len(ids))
	err = worklist.Each(ctx, len(ids), func(ctx context.Context, n int) (err error) {
		slots[n], err = store.Upload(ctx, ids[n])
		return err
	})
	if err != nil {
		return nil, err
	}
	slots = slices.DeleteFunc(slots, func(s Slot) bool { return s.Practice != practice })
	slices.SortFunc(slots, Newest)
	return slots, nil
}

// Silent reads strongly scans of practices' forms that the malware check gives no answer on: of those that are asked for again
// soonest, in each part, n at most, those that came first first; more says that there may be others.
func Silent(ctx context.Context, store Store, n int, now time.Time) (slots []Slot, more bool, err error) {
	var ids []string
	var cut atomic.Bool
	parts := make([][]string, store.UploadShards())
	err = worklist.Each(ctx, len(parts), func(ctx context.Context, part int) error {
		for id, err := range store.UploadsDue(ctx, Unanswered, part, now.AddDate(1, 0, 0)) { // they are all asked for again by then
			if err != nil {
				return err
			}
			if parts[part] = append(parts[part], id); len(parts[part]) > n {
				cut.Store(true)
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	for _, part := range parts {
		ids = append(ids, part...)
	}
	read := make([]Slot, len(ids))
	err = worklist.Each(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		read[i], err = store.Upload(ctx, ids[i])
		if errors.Is(err, optout.ErrNotFound) || errors.Is(err, optout.ErrUnreadable) {
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	for _, s := range read {
		if s.DueAs() == Unanswered {
			slots = append(slots, s)
		}
	}
	slices.SortFunc(slots, func(a, b Slot) int { return a.Uploaded.Compare(b.Uploaded) })
	more = cut.Load() || len(slots) > n
	return slots[:min(n, len(slots))], more, nil
}

// NoteArrived records that the file of a slot is there, whoever else writes the slot at the same time, and gives the slot as
// it stands then. What somebody has seen already stays as it is.
func NoteArrived(ctx context.Context, store Store, s Slot, now time.Time) (Slot, error) {
	err := steady.Insist(ctx, func() error {
		if s.State != Promised && s.State != Expired {
			return nil
		}
		saved, err := store.SaveUpload(ctx, s.Arrived(now))
		if err == nil {
			s = saved
		} else if again, failed := store.Upload(ctx, s.ID); failed == nil {
			s = again
		}
		return err
	}, optout.ErrConflict, optout.ErrUnavailable)
	return s, err
}
