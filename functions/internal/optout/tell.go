package optout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
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

// Practice is what we know of a GP practice, and how far it has been told.
type Practice struct {
	Code   nhs.ODSCode
	Email  string // its own address; "": none on file
	Digest Digest
}

// Digest is the state of the one mail a day that tells a practice what waits.
type Digest struct {
	Version  int
	Due      time.Time // zero: nothing to tell
	Asked    Reference // the form that asked last
	Lease    time.Time // until then somebody may be sending, who knows the claim by it; zero: nobody
	Sent     time.Time // the last mail
	Mails    int       // mails recorded as sent
	Tries    int       // claims since then
	Fault    string    // why the practice is on the office's list; "": it is not
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

// remind makes the practice due to be told again of a form it has not dealt with.
func (e Engine) remind(ctx context.Context, f Form, now time.Time) (Outcome, error) {
	f = f.With(Event{At: now, By: byEngine, Kind: Reminded})
	if err := e.Store.Record(ctx, f, f.State().Practice); err != nil {
		return Nothing, fmt.Errorf("remind: %w", err)
	}
	return Moved, nil
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
	// A mail dated more than a day ahead was dated by a clock that was wrong: it must not silence us until then.
	if earliest := d.Sent.Add(betweenMails); !d.Sent.IsZero() && earliest.After(now) && !d.Sent.After(now.Add(betweenMails)) {
		p.Digest.Due = earliest
		return Postponed, e.saveDigest(ctx, p)
	}
	waiting, err := e.waiting(ctx, p)
	if err != nil {
		return Nothing, err
	}
	if waiting == 0 {
		p.Digest = Digest{Version: d.Version, Sent: d.Sent, Mails: d.Mails, Attempts: d.Attempts}
		return Nothing, e.saveDigest(ctx, p)
	}
	to := p.Email
	if to == "" {
		to = strings.ReplaceAll(e.Address, "{ods}", strings.ToLower(code.String()))
	}
	if to == "" {
		p.Digest = d.faulty("no-address", now)
		return ToOffice, e.saveDigest(ctx, p)
	}

	p.Digest.Tries++
	p.Digest.Lease = now.Add(sendingTakes)
	p.Digest.Due = now.Add(max(sendingTakes, Backoff(p.Digest.Tries)))
	if err := e.saveDigest(ctx, p); err != nil {
		return Nothing, err
	}
	p.Digest.Version++
	id, sendErr := e.Post.Tell(ctx, Notice{To: to, AtLeast: waiting})
	return e.recordAttempt(ctx, p, Attempt{At: now, AtLeast: waiting, ID: id}, sendErr)
}

// recordAttempt writes down how sending went, on top of the claim or of what forms have asked since. The mail is
// out: whatever the caller's deadline, the record is given its own time.
func (e Engine) recordAttempt(ctx context.Context, claim Practice, a Attempt, sendErr error) (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordingTakes)
	defer cancel()
	for try := 0; ; try++ {
		did, err := e.tryRecordAttempt(ctx, claim, a, sendErr)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnavailable) {
			return did, err
		}
		if try >= conflictTries || pause(ctx, try) != nil {
			return did, fmt.Errorf("the mail is out, its record is not: %w", err)
		}
	}
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
		d.Sent, d.Mails, d.Tries, d.Fault, d.Since, d.Due = a.At, d.Mails+1, 0, "", time.Time{}, time.Time{}
		if asked {
			d.Due = a.At.Add(betweenMails)
		}
	case u.Hope == Refused:
		d = d.faulty(u.Code, a.At)
		did, a.Outcome, cause = ToOffice, u.Code, &setBackError{u}
	default: // the claim has counted the try
		wait := Backoff(d.Tries)
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
	if f.State().Owner == OwnerPractice && f.State().Practice == p.Code {
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
