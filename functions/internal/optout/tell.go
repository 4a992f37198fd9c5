package optout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// remind makes the practice due to be told again of a form it has not dealt with, unless it has closed: then the form
// goes elsewhere. A practice that waits or has stopped is reminded once a month. One that takes part and was told
// of the same form for the third time is for the office to help (domain facts, ladder).
func (e Engine) remind(ctx context.Context, f Form, now time.Time) (c Change, until time.Time, err error) {
	s := f.state
	if to, known := e.successor(s.Practice); to != s.Practice || !known {
		closed := Event{At: now, By: engine.String(), Kind: Closed, Detail: map[string]string{"practice": s.Practice.String()}}
		return Change{Form: f.With(closed)}, time.Time{}, nil
	}
	p, err := e.Store.Practice(ctx, s.Practice)
	if err != nil {
		return Change{}, time.Time{}, fmt.Errorf("read practice: %w", err)
	}
	if !p.TakesPart() {
		last := s.Clock
		for _, e := range f.Events {
			if e.Kind == Reminded {
				last = e.At
			}
		}
		if last.After(now) { // by a clock that was wrong
			last = now
		}
		if month := nhs.Months(last, 1); month.After(now) {
			return Change{}, month, nil
		}
	}
	f = f.With(Event{At: now, By: engine.String(), Kind: Reminded})
	return Change{Form: f, Tell: s.Practice, Asks: Asks{Extract: s.Next == NextExtract, Late: p.TakesPart() && f.state.late()}}, time.Time{}, nil
}

// lateReminders is how often a practice is told of a form before the office gets to know: on day 14 a letter is due,
// on day 28 a call.
const lateReminders = 2

// late says that a practice has been told of a form that often, and has still to act.
func (s State) late() bool {
	return s.Owner == OwnerPractice && s.Next != NextExtract && s.Reminders >= lateReminders
}

// ready is a change to be recorded now, that has the practices looked at for which a form is late no more.
func (c Change) ready(now time.Time) Change {
	c.At = now
	for _, f := range append(c.Others, c.Form) {
		was := Fold(f.Events[:f.stored])
		if was.late() && !f.state.late() && was.Practice != c.Tell && !slices.Contains(c.Look, was.Practice) {
			c.Look = append(c.Look, was.Practice)
		}
	}
	return c
}

// advancePractice sends a practice the one mail for all that waits: the first at once, then at most one a day.
//
// The claim is written before the mail is sent and the attempt after it, so a mail is sent at least once. A sender
// that dies in between leaves its claim.
func (e Engine) advancePractice(ctx context.Context, code nhs.ODSCode) (Outcome, error) {
	p, err := e.Store.Practice(ctx, code)
	if err != nil {
		return Nothing, fmt.Errorf("read practice: %w", err)
	}
	now, d := e.Now().UTC().Truncate(time.Millisecond), p.Digest // as fine as a store keeps times
	if d.Due.IsZero() || d.Due.After(now) {
		return Nothing, nil
	}
	p.Digest = p.Digest.Proven(now)
	if p.Digest.Late, err = e.late(ctx, p, now); err != nil {
		return Nothing, err
	}
	if d.Asked == "" && !d.Extract { // only the office's list was due to be looked at
		p.Digest.Due, p.Digest.Fault, p.Digest.Since, p.Digest.Tries = time.Time{}, "", time.Time{}, 0
		return Nothing, e.saveDigest(ctx, p)
	}
	if until, soon := d.TooSoon(now); soon {
		p.Digest.Due = until
		return Postponed, e.saveDigest(ctx, p)
	}
	waiting, err := e.waiting(ctx, p)
	if err != nil {
		return Nothing, err
	}
	if waiting == 0 && !d.Extract {
		p.Digest = p.Digest.Idle()
		return Nothing, e.saveDigest(ctx, p)
	}
	to := e.address(p)
	if to == "" {
		p.Digest = p.Digest.Faulty("no-address", now)
		return ToOffice, e.saveDigest(ctx, p)
	}

	oldest, err := e.oldest(ctx, p, now)
	if err != nil {
		return Nothing, err
	}
	p.Digest = p.Digest.Claimed(now)
	if err := e.saveDigest(ctx, p); err != nil {
		return Nothing, err
	}
	p.Digest.Version++
	id, sendErr := e.Post.Tell(ctx, digest.Notice{Practice: code.String(), To: to, AtLeast: waiting, Oldest: oldest, Extract: d.Extract})
	a := digest.Attempt{At: now, AtLeast: waiting, Asked: d.Asked, Extract: d.Extract, To: to, ID: id}
	return e.recordAttempt(ctx, p, a, sendErr)
}

// address is where a practice is told; "" if nobody knows.
func (e Engine) address(p Practice) string {
	if p.Email != "" {
		return p.Email
	}
	return strings.ReplaceAll(e.Address, "{ods}", strings.ToLower(p.Code.String()))
}

// recordAttempt writes down how sending went, on top of the claim or of what forms have asked since. The mail is
// out: whatever the caller's deadline, the record is given its own time.
func (e Engine) recordAttempt(ctx context.Context, claim Practice, a digest.Attempt, sendErr error) (did Outcome, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordingTakes)
	defer cancel()
	err = steady.Insist(ctx, func() (err error) { did, err = e.tryRecordAttempt(ctx, claim, a, sendErr); return err }, ErrConflict, ErrUnavailable)
	if err != nil && !Recorded(err) {
		err = fmt.Errorf("the mail is out, its record is not: %w", err)
	}
	return did, err
}

const recordingTakes = 8 * time.Second

func (e Engine) tryRecordAttempt(ctx context.Context, claim Practice, a digest.Attempt, sendErr error) (Outcome, error) {
	p, err := e.Store.Practice(ctx, claim.Code)
	if err != nil {
		return Nothing, fmt.Errorf("read practice after sending: %w", err)
	}
	if !p.Digest.Lease.Equal(claim.Digest.Lease) { // recorded by a try whose answer was lost, or taken over by another
		return Told, nil
	}
	var u *digest.Undelivered
	p.Digest, u = p.Digest.After(a, sendErr, p.Digest.Version != claim.Digest.Version)
	if err := e.saveDigest(ctx, p); err != nil {
		return Nothing, err
	}
	switch {
	case u == nil:
		return Told, nil
	case u.Hope == digest.Refused:
		return ToOffice, &setBackError{u}
	}
	return Postponed, &setBackError{u}
}

// late is since when a practice has been on the office's list for not acting; zero once it has stopped, or none of the
// forms that wait there is late any more. The late ones are among those that came long ago: it looks at the oldest.
func (e Engine) late(ctx context.Context, p Practice, now time.Time) (time.Time, error) {
	if p.Digest.Late.IsZero() || !p.TakesPart() {
		return time.Time{}, nil
	}
	oldest, err := e.Store.Oldest(ctx, p.Code, oldestLooked)
	if err != nil {
		return time.Time{}, fmt.Errorf("look at the oldest forms: %w", err)
	}
	longAgo := now.AddDate(0, 0, 1-reminders[1]) // and an hour, where the clocks change
	for _, ref := range oldest {
		f, err := e.Store.Form(ctx, ref)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable):
		case err != nil:
			return time.Time{}, fmt.Errorf("read an old form: %w", err)
		case f.state.Received.After(longAgo): // and so are all the others
			return time.Time{}, nil
		case f.state.late() && f.state.Practice == p.Code:
			return p.Digest.Late, nil
		}
	}
	if len(oldest) == oldestLooked { // there may be more behind them
		return p.Digest.Late, nil
	}
	return time.Time{}, nil
}

const oldestLooked = 50

// waiting is a lower bound of what waits for a practice. The index may lag; the form that asked is read strongly.
func (e Engine) waiting(ctx context.Context, p Practice) (int, error) {
	n, err := e.Store.Waiting(ctx, p.Code)
	if err != nil {
		return 0, fmt.Errorf("count what waits: %w", err)
	}
	if n > 0 || p.Digest.Asked == "" {
		return n, nil
	}
	f, err := e.Store.Form(ctx, Reference{p.Digest.Asked})
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable): // nothing to tell of; the form has its own due time
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the form that asked: %w", err)
	}
	if s := f.state; s.Owner == OwnerPractice && s.Practice == p.Code && s.Status != StatusApplied {
		return 1, nil
	}
	return 0, nil
}

// oldest is for how many full days the person of the oldest form that waits for a practice has waited; 0 if it cannot be
// read.
func (e Engine) oldest(ctx context.Context, p Practice, now time.Time) (int, error) {
	first, err := e.Store.Oldest(ctx, p.Code, 1)
	if err != nil {
		return 0, fmt.Errorf("look for the oldest form: %w", err)
	}
	if len(first) == 0 {
		return 0, nil
	}
	f, err := e.Store.Form(ctx, first[0])
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the oldest form: %w", err)
	}
	return max(0, int(now.Sub(f.state.First)/day)), nil
}

func (e Engine) saveDigest(ctx context.Context, p Practice) error {
	if err := e.Store.SaveDigest(ctx, p); err != nil {
		return fmt.Errorf("save digest: %w", err)
	}
	return nil
}
