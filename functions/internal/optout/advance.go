package optout

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Engine moves forms and practices on. One Engine serves the stream and the sweeper alike.
type Engine struct {
	Store Store
	Post  Post
	// Address is the e-mail address of a practice that has none on file, with {ods} for its code; "": none.
	Address string
	Now     func() time.Time
}

// Outcome is what one Advance did, for counting.
type Outcome string

// What one Advance can do.
const (
	Nothing   Outcome = "nothing"   // not due, or done already
	Moved     Outcome = "moved"     // a form went on
	Told      Outcome = "told"      // a practice was sent a mail
	Postponed Outcome = "postponed" // a failure that may pass, or not the time yet
	ToOffice  Outcome = "to-office" // a person has to look at it
)

// Advance does what is next and due for one thing, and records it. It may be called at any time, any number of
// times, from any number of places at once. It gives an error only where not even the failure could be recorded:
// whatever it is about is still due.
func (e Engine) Advance(ctx context.Context, d Due) (Outcome, error) {
	did, err := Nothing, error(nil)
	for try := 0; ; try++ {
		did, err = e.step(ctx, d)
		if err == nil {
			return did, nil
		}
		if !errors.Is(err, ErrConflict) || try >= conflictTries || pause(ctx, try) != nil {
			break
		}
	}
	if errors.Is(err, ErrConflict) { // a busy thing is not a broken one: it stays due as it is
		return Nothing, fmt.Errorf("advance: %w", err)
	}
	return e.setBack(ctx, d, err)
}

const conflictTries = 8

// step is one try. Whatever an item holds, it cannot take the function down with it: a panic is a failure for good.
func (e Engine) step(ctx context.Context, d Due) (did Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			did, err = Nothing, fmt.Errorf("advance %s: panic: %T", d.Noun, p)
		}
	}()
	switch d.Noun {
	case DueForm:
		ref, err := ParseReference(d.ID)
		if err != nil {
			return Nothing, nil // the index names nothing of ours
		}
		return e.advanceForm(ctx, ref)
	case DuePractice:
		code, err := nhs.ParseODSCode(d.ID)
		if err != nil {
			return Nothing, nil
		}
		return e.advancePractice(ctx, code)
	}
	return Nothing, fmt.Errorf("nothing is known about a due %q", d.Noun)
}

func (e Engine) advanceForm(ctx context.Context, ref Reference) (Outcome, error) {
	f, err := e.Store.Form(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return Nothing, nil
	}
	if err != nil {
		return Nothing, fmt.Errorf("read form: %w", err)
	}
	now := e.Now()
	if f.Due.IsZero() || f.Due.After(now) {
		return Nothing, nil
	}
	switch f.State().Next {
	case NextRoute:
		return e.route(ctx, f, now)
	case NextRemind:
		return e.remind(ctx, f, now)
	case NextAssign: // it waits for a person, who sees it on the office's list
		until := now.Add(officeDays * day)
		return Postponed, e.Store.Postpone(ctx, Due{DueForm, ref.Key()}, Postponement{Until: until, Version: f.Version()})
	}
	return Nothing, fmt.Errorf("nothing is known about next %q", f.State().Next)
}

// setBack keeps what failed from being tried at full speed: in growing steps if it may pass, on the office's list
// if it is for good. What failed only in our eyes, because the answer was lost, has gone on and stays as it is.
func (e Engine) setBack(ctx context.Context, d Due, cause error) (Outcome, error) {
	now := e.Now()
	due, p, err := e.standing(ctx, d)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && due.After(now):
		return Nothing, nil
	case err != nil && !errors.Is(err, ErrUnreadable): // it is still due, as it was
		return Nothing, fmt.Errorf("advance: %w; look again: %w", cause, err)
	}
	did := Postponed
	p.Tries++
	p.Until = now.Add(Backoff(p.Tries))
	if !errors.Is(cause, ErrUnavailable) {
		p.Fault, p.Until, did = "cannot-advance", now.Add(officeDays*day), ToOffice
		if errors.Is(cause, ErrUnreadable) {
			p.Fault = "unreadable"
		}
	}
	switch err := e.Store.Postpone(ctx, d, p); {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict):
		return Nothing, nil
	case err != nil:
		return Nothing, fmt.Errorf("advance: %w; set back: %w", cause, err)
	}
	return did, nil
}

// standing is when a thing is due, at which version, and how often it failed so far.
func (e Engine) standing(ctx context.Context, d Due) (time.Time, Postponement, error) {
	if d.Noun == DuePractice {
		code, err := nhs.ParseODSCode(d.ID)
		if err != nil {
			return time.Time{}, Postponement{}, ErrNotFound
		}
		p, err := e.Store.Practice(ctx, code)
		return p.Digest.Due, Postponement{Tries: p.Digest.Tries, Version: p.Digest.Version}, err
	}
	ref, err := ParseReference(d.ID)
	if err != nil {
		return time.Time{}, Postponement{}, ErrNotFound
	}
	f, err := e.Store.Form(ctx, ref)
	return f.Due, Postponement{Tries: f.Tries, Version: f.Version()}, err
}

// Backoff is how long after the nth failure in a row something is looked at again: 1, 2, 4 … minutes, at most
// six hours.
func Backoff(n int) time.Duration {
	return min(time.Minute<<min(max(n-1, 0), 12), 6*time.Hour)
}

// pause waits before the next try of a write that lost a race, for a random part of 10, 20, 40 … at most 640 ms.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(rand.N(10 * time.Millisecond << min(try, 6)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
