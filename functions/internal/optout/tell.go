package optout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// Post carries notices to practices.
type Post interface {
	// Tell sends one notice and gives the carrier's id of it. Its error is an *Undelivered.
	Tell(ctx context.Context, n Notice) (id string, err error)
}

// Notice says that forms wait. It has no room for anything about a patient.
type Notice struct {
	To      string // e-mail address
	AtLeast int    // how many forms wait; there may be more
	Extract bool   // the practice's list of coded patients is wanted
}

// Undelivered is why a notice was not carried, or why nobody knows whether it was.
type Undelivered struct {
	Code  string // of the carrier, never a sentence: those quote addresses
	Hope  Hope
	Cause error
}

// Hope is what another try of the same notice may bring.
type Hope int

// What another try may bring.
const (
	Passing    Hope = iota // it was not carried, and may be later
	Refused                // it will never be carried as it is
	Unanswered             // it may have been carried: another try may be a second mail
)

func (u *Undelivered) Error() string {
	if u.Cause == nil {
		return "notice: " + u.Code
	}
	return "notice: " + u.Code + ": " + u.Cause.Error()
}

func (u *Undelivered) Unwrap() error { return u.Cause }

// Digest is the state of the one mail a day that tells a practice what waits.
type Digest struct {
	Version  int
	Due      time.Time // zero: nothing to tell
	Asked    Reference // the form that asked last; zero: none has asked since the last mail
	Extract  bool      // the practice is asked for its list of coded patients
	Late     time.Time // since when the practice is on the office's list because it has not acted; zero: it is not
	Lease    time.Time // until then somebody may be sending, who knows the claim by it; zero: nobody
	Sent     time.Time // the last mail
	Mails    int       // mails recorded as sent
	Tries    int       // claims since then
	Fault    string    // why the practice is on the office's list because it cannot be told; "": it can
	Since    time.Time // since when it is
	Attempts []Attempt // the latest, oldest first
}

// Attempt is one try to send a mail.
type Attempt struct {
	At      time.Time
	AtLeast int
	Outcome string // "sent", else the code of the failure
	ID      string // the carrier's, if sent
}

// SendingTakes is how long a sender has its practice to itself.
const SendingTakes = 3 * time.Minute

const (
	// betweenMails is the least time between two mails to a practice.
	betweenMails = day
	// sendingTakes is longer than any sender lives, so that an expired lease has no sender behind it
	// (TestNoFunctionOutlivesALease).
	sendingTakes = SendingTakes
	// unanswered is the least time until a mail that may have been carried is sent again.
	unanswered = time.Hour
	// addressRetry is how often an address that is missing or refused is tried again: it may have been mended.
	addressRetry = day
	// keptAttempts is how many attempts an item holds.
	keptAttempts = 20
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

// relieving is a change that has the practices looked at for which a form is late no more.
func (c Change) relieving() Change {
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
// that dies in between leaves its claim, which counts as a try: the next sender comes when the lease is over, the
// one after that later still, in growing steps. So even a sender that dies every time sends few mails.
func (e Engine) advancePractice(ctx context.Context, code nhs.ODSCode) (Outcome, error) {
	p, err := e.Store.Practice(ctx, code)
	if err != nil {
		return Nothing, fmt.Errorf("read practice: %w", err)
	}
	now, d := e.Now().UTC().Truncate(time.Millisecond), p.Digest // as fine as a store keeps times
	if d.Due.IsZero() || d.Due.After(now) {
		return Nothing, nil
	}
	if p.Digest.Late, err = e.late(ctx, p, now); err != nil {
		return Nothing, err
	}
	if d.Asked.IsZero() && !d.Extract { // only the office's list was due to be looked at
		p.Digest.Due, p.Digest.Fault, p.Digest.Since, p.Digest.Tries = time.Time{}, "", time.Time{}, 0
		return Nothing, e.saveDigest(ctx, p)
	}
	// A mail dated more than a day ahead was dated by a clock that was wrong: it must not silence us until then.
	if earliest := d.Sent.Add(betweenMails); !d.Sent.IsZero() && earliest.After(now) && !d.Sent.After(now.Add(betweenMails)) {
		p.Digest.Due = earliest
		return Postponed, e.saveDigest(ctx, p)
	}
	waiting, err := e.waiting(ctx, p)
	if err != nil {
		return Nothing, err
	}
	if waiting == 0 && !d.Extract {
		p.Digest = Digest{Version: d.Version, Late: p.Digest.Late, Sent: d.Sent, Mails: d.Mails, Attempts: d.Attempts}
		return Nothing, e.saveDigest(ctx, p)
	}
	to := p.Email
	if to == "" {
		to = strings.ReplaceAll(e.Address, "{ods}", strings.ToLower(code.String()))
	}
	if to == "" {
		p.Digest = p.Digest.faulty("no-address", now)
		return ToOffice, e.saveDigest(ctx, p)
	}

	p.Digest.Tries++
	p.Digest.Lease = now.Add(sendingTakes)
	p.Digest.Due = now.Add(max(sendingTakes, steady.Backoff(p.Digest.Tries)))
	if err := e.saveDigest(ctx, p); err != nil {
		return Nothing, err
	}
	p.Digest.Version++
	id, sendErr := e.Post.Tell(ctx, Notice{To: to, AtLeast: waiting, Extract: d.Extract})
	return e.recordAttempt(ctx, p, Attempt{At: now, AtLeast: waiting, ID: id}, sendErr)
}

// recordAttempt writes down how sending went, on top of the claim or of what forms have asked since. The mail is
// out: whatever the caller's deadline, the record is given its own time.
func (e Engine) recordAttempt(ctx context.Context, claim Practice, a Attempt, sendErr error) (did Outcome, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordingTakes)
	defer cancel()
	err = steady.Insist(ctx, func() (err error) { did, err = e.tryRecordAttempt(ctx, claim, a, sendErr); return err }, ErrConflict, ErrUnavailable)
	if err != nil && !Recorded(err) {
		err = fmt.Errorf("the mail is out, its record is not: %w", err)
	}
	return did, err
}

const recordingTakes = 8 * time.Second

func (e Engine) tryRecordAttempt(ctx context.Context, claim Practice, a Attempt, sendErr error) (Outcome, error) {
	p, err := e.Store.Practice(ctx, claim.Code)
	if err != nil {
		return Nothing, fmt.Errorf("read practice after sending: %w", err)
	}
	if !p.Digest.Lease.Equal(claim.Digest.Lease) { // recorded by a try whose answer was lost, or taken over by another
		return Told, nil
	}
	asked := p.Digest.Version != claim.Digest.Version
	var did Outcome
	var cause error
	p.Digest, did, cause = p.Digest.after(a, sendErr, asked)
	if err := e.saveDigest(ctx, p); err != nil {
		return did, err
	}
	return did, cause
}

// after is the digest after an attempt, during which forms may have asked for the next one.
func (d Digest) after(a Attempt, sendErr error, asked bool) (Digest, Outcome, error) {
	var u *Undelivered
	if sendErr != nil && !errors.As(sendErr, &u) {
		u = &Undelivered{Code: "failed", Hope: Unanswered, Cause: sendErr}
	}
	did, cause := Told, error(nil)
	a.Outcome = "sent"
	switch {
	case u == nil:
		d.Sent, d.Mails, d.Tries, d.Fault, d.Since = a.At, d.Mails+1, 0, "", time.Time{}
		if asked {
			d.Due = a.At.Add(betweenMails)
		} else {
			d.Asked, d.Extract, d.Due = Reference{}, false, time.Time{}
		}
	case u.Hope == Refused:
		d = d.faulty(u.Code, a.At)
		did, a.Outcome, cause = ToOffice, u.Code, &setBackError{u}
	default: // the claim has counted the try
		wait := steady.Backoff(d.Tries)
		if u.Hope == Unanswered {
			wait = max(wait, unanswered)
		}
		d.Due = a.At.Add(wait)
		did, a.Outcome, cause = Postponed, u.Code, &setBackError{u}
	}
	d.Lease = time.Time{}
	d.Attempts = append(d.Attempts, a)
	if n := len(d.Attempts); n > keptAttempts {
		d.Attempts = d.Attempts[n-keptAttempts:]
	}
	return d, did, cause
}

// faulty is the digest on the office's list, to be tried again in a day: somebody may have mended it.
func (d Digest) faulty(code string, at time.Time) Digest {
	if d.Fault == "" {
		d.Since = at
	}
	d.Fault, d.Due, d.Lease, d.Tries = code, at.Add(addressRetry), time.Time{}, 0
	return d
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
	longAgo := now.AddDate(0, 0, -reminders[1])
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
	if n > 0 || p.Digest.Asked.IsZero() {
		return n, nil
	}
	f, err := e.Store.Form(ctx, p.Digest.Asked)
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

func (e Engine) saveDigest(ctx context.Context, p Practice) error {
	if err := e.Store.SaveDigest(ctx, p); err != nil {
		return fmt.Errorf("save digest: %w", err)
	}
	return nil
}
