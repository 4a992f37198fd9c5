package job

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// readAtOnce is how many lists one function reads at the same time.
const readAtOnce = 2

// Reader reads the lists that practices upload, and closes forms by them.
type Reader struct {
	Store interface {
		optout.Store
		worklist.Store
		upload.Store
	}
	Files       upload.Files
	Codes       nhs.Codebook
	Layouts     []extract.Layout
	TestNumbers bool
	Now         func() time.Time
}

// ReadNamed reads what a slice of the stream names, and gives the index of the first record whose slot is still due as
// it was.
func ReadNamed(r Reader) func(context.Context, []trigger.Named) (int, error) {
	return func(ctx context.Context, named []trigger.Named) (int, error) {
		return slice(named, readAtOnce, dynamo.NamedUpload, func(id string) error { return read(ctx, r, id) })
	}
}

// ReadDue reads everything that is due.
func ReadDue(r Reader) func(context.Context, func() time.Time) error {
	return func(ctx context.Context, now func() time.Time) error {
		r := r // another run may be under way
		r.Now = now
		until := now()
		due := func(shard int) iter.Seq2[string, error] { return r.Store.UploadsDue(ctx, upload.Extract, shard, until) }
		return sweep(ctx, r.Store.UploadShards(), readAtOnce, due, func(id string) error { return read(ctx, r, id) })
	}
}

// read reads one slot and counts what came of it.
func read(ctx context.Context, r Reader, id string) error {
	return counted(ctx, "Read", id, r.Now, r.Read)
}

// Read does what is next and due for one slot, as far as it goes, and gives the slot as it left it; none if there was
// nothing to do.
func (r Reader) Read(ctx context.Context, id string) (upload.Slot, error) {
	h := hand{
		store: r.Store, reads: upload.Extract, step: r.step, now: r.Now, last: upload.MostTries,
		giveUp: func(_ context.Context, s upload.Slot) (upload.Slot, error) { return r.giveUp(s), nil },
		saved: func(ctx context.Context, before, s upload.Slot) {
			if turns := before.Object != "" && !before.IsEnded(); turns {
				if err := r.Store.EndTurn(ctx, s.Practice, s.ID); err != nil { // it ends by itself, with the lease
					observe.Cause(ctx, fmt.Errorf("end turn: %w", err))
				}
			}
		},
	}
	return h.work(ctx, id)
}

// giveUp is a slot in hand with which nothing more is tried.
func (r Reader) giveUp(s upload.Slot) upload.Slot {
	if s.IsEnded() { // only the file is left, which the bucket forgets by itself
		return s.Emptied(r.Now())
	}
	return r.end(s, upload.ReadingFailed)
}

// busyFor is how long a list waits at most for another one of the practice that may be done long before its turn ends.
const busyFor = time.Minute

// busyError is that another list of the practice is being read.
type busyError struct{ until time.Time }

func (busyError) Error() string { return upload.ErrBusy.Error() }

// step does one thing for a slot in hand: looks for its file, reads it, or throws it away.
func (r Reader) step(ctx context.Context, s upload.Slot) (upload.Slot, error) {
	switch {
	case s.IsEnded():
		return r.empty(ctx, s)
	case s.Object == "":
		return r.find(ctx, s)
	}
	return r.judge(ctx, s)
}

// comesWithin is how long a file may take to come from the bucket: many times what the largest one takes. One that stalls
// is a try that failed, before the function is stopped.
const comesWithin = 90 * time.Second

// find looks for the file of a slot. If somebody put several there, the one that came last counts, from now on.
func (r Reader) find(ctx context.Context, s upload.Slot) (upload.Slot, error) {
	found, err := r.Files.Find(ctx, s.Key())
	switch {
	case err != nil:
		return s, fmt.Errorf("look for the file: %w", err)
	case len(found) == 0:
		return s.Missed(r.Now()), nil
	}
	s = s.Arrived(r.Now())
	s.Tries = 0 // reading it is another matter
	s = s.Claimed(r.Now())
	if s.Object = found[0].Version; found[0].Size > extract.MostBytes {
		return r.refuse(s, &extract.Refusal{Code: "too-large"}), nil
	}
	return s, nil
}

// empty deletes whatever was uploaded to a slot that has ended, however much; the hash of what was read stays.
func (r Reader) empty(ctx context.Context, s upload.Slot) (upload.Slot, error) {
	for timeLeft(ctx) {
		found, err := r.Files.Find(ctx, s.Key())
		if err != nil {
			return s, fmt.Errorf("look for the file: %w", err)
		}
		if len(found) == 0 {
			return s.Emptied(r.Now()), nil
		}
		for _, o := range found {
			if err := r.Files.Delete(ctx, s.Key(), o.Version); err != nil {
				return s, fmt.Errorf("delete the file: %w", err)
			}
		}
	}
	return s, errNoTime
}

// judge reads the file of a slot and does what it says.
func (r Reader) judge(ctx context.Context, s upload.Slot) (upload.Slot, error) {
	switch now := r.Now(); {
	case s.Run.After(now):
		return r.end(s, upload.RunInFuture), nil
	case s.Run.Before(nhs.Days(now, -upload.LongAgo)):
		return r.end(s, upload.RunLongAgo), nil
	}
	quick, stop := context.WithTimeout(ctx, comesWithin)
	defer stop()
	file, err := r.Files.Open(quick, s.Key(), s.Object)
	if errors.Is(err, upload.ErrGone) { // it was deleted by somebody else, or the bucket forgot it
		return r.end(s, upload.ReadingFailed), nil
	} else if err != nil {
		return s, fmt.Errorf("open the file: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	body := io.TeeReader(io.LimitReader(file, extract.MostBytes+1), hash)
	list, err := extract.Read(body, r.Layouts, r.Codes, r.TestNumbers)
	if err == nil || errors.As(err, new(*extract.Refusal)) {
		if _, broke := io.Copy(io.Discard, body); broke != nil {
			return s, fmt.Errorf("read the file: %w", broke)
		}
		s.SHA256 = hash.Sum(nil)
	}
	if refused, ok := errors.AsType[*extract.Refusal](err); ok {
		return r.refuse(s, refused), nil
	} else if err != nil {
		return s, err
	}
	m := &matching{Reader: r, slot: s, list: list, by: s.Actor(), forms: map[optout.Reference]*form{}, of: map[nhs.Number][]*form{}}
	refused, err := m.match(ctx)
	s = m.slot
	if err != nil {
		return s, err
	}
	if refused != (upload.Refusal{}) {
		return r.end(s, refused), nil
	}
	answer, text, err := m.answer()
	if err != nil {
		return s, err
	}
	if err := r.Files.Put(ctx, s.AnswerKey(), "text/csv; charset=utf-8", text); err != nil {
		return s, fmt.Errorf("put the answer: %w", err)
	}
	s.Answer = answer
	return s.End(upload.Read, r.Now()), nil
}

// refuse ends a slot whose file is at fault.
func (r Reader) refuse(s upload.Slot, why *extract.Refusal) upload.Slot {
	return r.end(s, upload.Refusal{Code: why.Code, Detail: why.Detail()})
}

// end ends a slot whose list is not used, or not to its end.
func (r Reader) end(s upload.Slot, why upload.Refusal) upload.Slot {
	switch {
	case s.Used.IsZero():
	case why == upload.OlderList:
		why = upload.Overtaken
	default:
		why = upload.FailedInPart
	}
	s.Refusal = why
	return s.End(upload.Refused, r.Now())
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
