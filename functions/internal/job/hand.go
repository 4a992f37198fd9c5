package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
	"example.org/optout/functions/internal/upload"
)

// hand has one slot to itself and does one step with it after the other.
type hand struct {
	store  upload.Store
	reads  upload.Purpose // slots for something else are left alone
	step   func(context.Context, upload.Slot) (upload.Slot, error)
	giveUp func(context.Context, upload.Slot) (upload.Slot, error) // ends a slot with which nothing more is tried
	saved  func(ctx context.Context, before, after upload.Slot)    // after each step; nil: nothing
	last   int                                                     // how often something is tried
	now    func() time.Time
}

// work does what is next and due for a slot, as far as it goes, and gives the slot as it left it; none if there was
// nothing to do. It may be called at any time, any number of times, from any number of places at once: one hand has a
// slot until its lease ends, and whatever it did not come to is done by another one, with the same answer.
//
// An error that comes with a slot is on record there: it will be looked at again in its time. After any other error the
// slot is due as it was, or when the lease ends.
func (h hand) work(ctx context.Context, id string) (_ upload.Slot, err error) {
	defer steady.Survive(&err)
	s, err := h.store.Upload(ctx, id)
	switch {
	case errors.Is(err, optout.ErrNotFound):
		return upload.Slot{}, nil
	case err != nil:
		return upload.Slot{}, fmt.Errorf("read slot: %w", err)
	case s.For != h.reads, s.Due.IsZero(), s.Due.After(h.now()):
		return upload.Slot{}, nil
	}
	if s = s.Claimed(h.now()); s.Tries > h.last { // whoever had it was killed, every time
		if s, err = h.giveUp(ctx, s); err != nil {
			return upload.Slot{}, err
		}
	}
	switch s, err = h.store.SaveUpload(ctx, s); {
	case errors.Is(err, optout.ErrConflict):
		return upload.Slot{}, nil // somebody else has it
	case err != nil:
		return upload.Slot{}, fmt.Errorf("claim slot: %w", err)
	case s.Lease.IsZero():
		return s, nil
	}
	for failed := error(nil); ; {
		before := s
		if s, failed = h.tryStep(ctx, before); failed != nil {
			if s.Version < before.Version { // after a panic nothing is left of it
				s = before
			}
			s = h.setBack(ctx, s, failed)
		}
		if s, err = h.store.SaveUpload(ctx, s); err != nil { // with ErrConflict: the lease has ended, and another one is at work
			return upload.Slot{}, fmt.Errorf("save slot: %w", errors.Join(failed, err))
		}
		if h.saved != nil {
			h.saved(ctx, before, s)
		}
		if errors.As(failed, new(busyError)) { // which is no failure
			failed = nil
		}
		if s.Lease.IsZero() {
			return s, failed
		}
	}
}

func (h hand) tryStep(ctx context.Context, s upload.Slot) (_ upload.Slot, err error) {
	defer steady.Survive(&err)
	return h.step(ctx, s)
}

// setBack is a slot whose step failed: what has failed too often is given up, so that somebody acts.
func (h hand) setBack(ctx context.Context, s upload.Slot, failed error) upload.Slot {
	now := h.now()
	if busy, ok := errors.AsType[busyError](failed); ok { // which is no failure
		s.Tries--
		return s.PutOff(earlier(busy.until, now.Add(busyFor)), "busy")
	}
	if s.Tries >= h.last {
		if ended, err := h.giveUp(ctx, s); err == nil {
			return ended
		}
	}
	if errors.Is(failed, errNoTime) { // it goes on where it was
		return s.PutOff(now, "out-of-time")
	}
	return s.PutOff(now.Add(steady.Backoff(s.Tries)), "reading-failed")
}

// counted does something with a slot and counts what came of it, under a name. A failure that is on record is named in the
// line of the invocation and is no error of it.
func counted(ctx context.Context, name, id string, now func() time.Time, do func(context.Context, string) (upload.Slot, error)) error {
	if !timeLeft(ctx) {
		observe.Count(ctx, name+"Left", 1)
		return errNoTime
	}
	began := now().Truncate(time.Millisecond)
	s, err := do(ctx, id)
	switch {
	case err == nil && s.ID == "":
		observe.Count(ctx, name+"Nothing", 1)
	case err == nil && s.IsEnded() && s.Ended.Before(began): // which was counted then
		observe.Count(ctx, name+"Emptied", 1)
	case err == nil && s.IsEnded():
		observe.Count(ctx, metric(name, string(s.State)), 1)
	case err == nil, s.ID != "":
		observe.Count(ctx, name+"PutOff", 1)
		if err != nil {
			observe.Cause(ctx, fmt.Errorf("upload %s: %w", id, err))
		}
	default:
		observe.Count(ctx, name+"Failed", 1)
		return fmt.Errorf("upload %s: %w", id, err)
	}
	return nil
}
