package optout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// Engine moves forms and practices on. One Engine serves the stream and the sweeper alike.
type Engine struct {
	Store Store
	Post  digest.Post
	// Practices knows who took over from a practice that closed; nil: every practice is open.
	Practices Practices
	// Scans keeps the scans of paper forms; nil: there are none.
	Scans Scans
	// Address is the e-mail address of a practice that has none on file, with {ods} for its code; "": none.
	Address string
	Now     func() time.Time
}

// Scans keeps the scans of paper forms.
type Scans interface {
	// Discard throws the scans of a form away; doing it again is no error.
	Discard(ctx context.Context, ref Reference) error
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
// times, from any number of places at once.
//
// An error that Recorded recognises is the cause of a failure that is on record: the thing will be looked at again
// in its time. After any other error the thing is still due as it was.
func (e Engine) Advance(ctx context.Context, d Due) (did Outcome, err error) {
	err = steady.Insist(ctx, func() (err error) { did, err = e.step(ctx, d); return err }, ErrConflict)
	switch {
	case err == nil || Recorded(err):
		return did, err
	case errors.Is(err, ErrConflict): // a busy thing is not a broken one: it stays due as it is
		return Nothing, fmt.Errorf("advance: %w", err)
	}
	return e.setBack(ctx, d, err)
}

// Recorded says whether err is the cause of a failure that is on record.
func Recorded(err error) bool {
	var r *setBackError
	return errors.As(err, &r)
}

// setBackError is the cause of a failure that is on record.
type setBackError struct{ cause error }

func (s *setBackError) Error() string { return s.cause.Error() }
func (s *setBackError) Unwrap() error { return s.cause }

// step is one try.
func (e Engine) step(ctx context.Context, d Due) (did Outcome, err error) {
	defer steady.Survive(&err)
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

// advanceForm does what is next for a form, and what is next after that if it is due at once.
func (e Engine) advanceForm(ctx context.Context, ref Reference) (did Outcome, err error) {
	did = Nothing
	for range stepsAtOnce {
		f, err := e.Store.Form(ctx, ref)
		switch {
		case errors.Is(err, ErrNotFound):
			return did, nil
		case err != nil:
			return did, fmt.Errorf("read form: %w", err)
		}
		now := e.Now()
		// What is the engine's is due at once, whatever the clock said by which it came.
		if ours := f.state.Owner == OwnerEngine && f.Tries == 0; f.Due.IsZero() || f.Due.After(now) && !ours {
			return did, nil
		}
		change, until, err := e.next(ctx, f, now)
		switch {
		case err != nil:
			return did, fmt.Errorf("%s: %w", f.state.Next, err)
		case !until.IsZero(): // it waits for somebody, who sees it on their list
			return Postponed, e.Store.Postpone(ctx, Due{DueForm, ref.Key()}, Postponement{Until: until, Version: f.Version()})
		}
		if err := e.Store.Record(ctx, change.ready(now)); err != nil {
			return did, fmt.Errorf("%s: %w", f.state.Next, err)
		}
		if did = Moved; change.Form.state.Owner == OwnerOffice {
			return ToOffice, nil
		}
		if change.Form.Due.IsZero() || change.Form.Due.After(now) {
			return did, nil
		}
	}
	return did, nil
}

// stepsAtOnce is more than a form ever takes at once: settle, route.
const stepsAtOnce = 4

// next is what the engine does next with a form: a change to record, or until when there is nothing to do.
func (e Engine) next(ctx context.Context, f Form, now time.Time) (c Change, until time.Time, err error) {
	switch f.state.Next {
	case NextSettle:
		c, err = e.settle(ctx, f, now)
	case NextRoute:
		c, err = e.route(ctx, f, now)
	case NextReroute:
		c = e.reroute(f, now)
	case NextFollow:
		if c, err = e.follow(ctx, f, now); c.Form.Version() == 0 {
			until = nhs.Days(now, 1)
		}
	case NextRemind, NextExtract, NextDecide, NextWithdraw:
		c, until, err = e.remind(ctx, f, now)
	case NextDiscard:
		c, err = e.discard(ctx, f, now)
	case NextWrite, NextAssign, NextAnswer, NextConfirm: // for a person
		until = nhs.WorkingDays(now, officeDays)
	default:
		err = fmt.Errorf("nothing is known about next %q", f.state.Next)
	}
	return c, until, err
}

// discard has the scan of a form thrown away that has served its purpose. Its hash stays.
func (e Engine) discard(ctx context.Context, f Form, now time.Time) (Change, error) {
	if e.Scans != nil {
		if err := e.Scans.Discard(ctx, f.Reference); err != nil {
			return Change{}, err
		}
	}
	return Change{Form: f.With(Event{At: now, By: engine.String(), Kind: Discarded})}, nil
}

// setBack keeps what failed from being tried at full speed: in growing steps if it may pass, with a fault for a
// person to look at if it is for good. What failed only in our eyes, because the answer was lost, has gone on and
// stays as it is.
func (e Engine) setBack(ctx context.Context, d Due, cause error) (did Outcome, err error) {
	did = Nothing
	defer steady.Survive(&err)
	now := e.Now()
	form, p, due, err := e.standing(ctx, d)
	switch {
	case errors.Is(err, ErrNotFound):
		return Nothing, nil
	case err != nil && !errors.Is(err, ErrUnreadable): // it is still due, as it was
		return Nothing, fmt.Errorf("advance: %w; look again: %w", cause, err)
	case due.IsZero() || due.After(now) && form.state.Owner != OwnerEngine: // somebody has dealt with it
		return Nothing, nil
	}
	p.Tries++
	p.Until, did = now.Add(steady.Backoff(p.Tries)), Postponed
	if !errors.Is(cause, ErrUnavailable) {
		p.Fault, p.Until, did = "cannot-advance", nhs.WorkingDays(now, officeDays), ToOffice
		if errors.Is(err, ErrUnreadable) {
			p.Fault = "unreadable"
		}
		if form.Version() > 0 { // an unhappy end is an event too
			failed := form.With(Event{At: now, By: engine.String(), Kind: Failed, Detail: map[string]string{"fault": p.Fault}})
			if failed.Due.After(now) && form.state.Fault != p.Fault && e.Store.Record(ctx, Change{Form: failed}) == nil {
				return did, &setBackError{cause}
			}
		}
	}
	switch err := e.Store.Postpone(ctx, d, p); {
	case errors.Is(err, ErrNotFound):
		return Nothing, nil
	case err != nil: // with ErrConflict, too: whoever was first may not have done what is due
		return Nothing, fmt.Errorf("advance: %w; set back: %w", cause, err)
	}
	return did, &setBackError{cause}
}

// standing is what is known of a thing that failed: the form, if it is one that can be read, its version and
// failures so far, and when it is due.
func (e Engine) standing(ctx context.Context, d Due) (Form, Postponement, time.Time, error) {
	if d.Noun == DuePractice {
		code, err := nhs.ParseODSCode(d.ID)
		if err != nil {
			return Form{}, Postponement{}, time.Time{}, ErrNotFound
		}
		p, err := e.Store.Practice(ctx, code)
		return Form{}, Postponement{Tries: p.Digest.Tries, Version: p.Digest.Version}, p.Digest.Due, err
	}
	ref, err := ParseReference(d.ID)
	if err != nil {
		return Form{}, Postponement{}, time.Time{}, ErrNotFound
	}
	f, err := e.Store.Form(ctx, ref)
	return f, Postponement{Tries: f.Tries, Version: f.Version()}, f.Due, err
}
