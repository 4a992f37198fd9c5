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
	// Tell sends one notice, perhaps twice if the answer is lost, and gives the carrier's id of it. A *Refused
	// error is for good; every other error may pass.
	Tell(ctx context.Context, n Notice) (id string, err error)
}

// Notice says that forms wait. It has no room for anything about a patient.
type Notice struct {
	To      string // e-mail address
	AtLeast int    // how many forms wait; there may be more
}

// Refused is a notice that will never be carried as it is.
type Refused struct {
	Code string
	Err  error
}

func (r *Refused) Error() string { return "notice refused: " + r.Code }
func (r *Refused) Unwrap() error { return r.Err }

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
	Lease    time.Time // until then somebody is sending; zero: nobody; it is also how the sender knows its claim
	Sent     time.Time // the last mail
	Mails    int       // mails recorded as sent
	Tries    int       // failures since
	Fault    string    // why the practice is on the office's list; "": it is not
	Attempts []Attempt // the latest, oldest first
}

// Attempt is one try to send a mail.
type Attempt struct {
	At      time.Time
	AtLeast int
	Outcome string // "sent", else the code of the failure
	ID      string // the carrier's, if sent
}

const (
	// betweenMails is the least time between two mails to a practice.
	betweenMails = day
	// sendingTakes is longer than any sender lives, so that an expired lease has no sender behind it.
	sendingTakes = 3 * time.Minute
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
// The lease is written before the mail is sent and the attempt after it, so a mail is sent at least once, and
// twice only if the sender died between the two.
func (e Engine) advancePractice(ctx context.Context, code nhs.ODSCode) (Outcome, error) {
	p, err := e.Store.Practice(ctx, code)
	if err != nil {
		return Nothing, fmt.Errorf("read practice: %w", err)
	}
	now, d := e.Now().UTC().Truncate(time.Millisecond), p.Digest // as fine as a store keeps times
	if d.Due.IsZero() || d.Due.After(now) || d.Lease.After(now) {
		return Nothing, nil
	}
	if earliest := d.Sent.Add(betweenMails); !d.Sent.IsZero() && earliest.After(now) {
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
		p.Digest.Fault, p.Digest.Due, p.Digest.Lease = "no-address", now.Add(addressRetry), time.Time{}
		return ToOffice, e.saveDigest(ctx, p)
	}

	p.Digest.Lease, p.Digest.Due = now.Add(sendingTakes), now.Add(sendingTakes)
	if err := e.saveDigest(ctx, p); err != nil {
		return Nothing, err
	}
	p.Digest.Version++
	id, sendErr := e.Post.Tell(ctx, Notice{To: to, AtLeast: waiting})
	return e.recordAttempt(ctx, p, Attempt{At: now, AtLeast: waiting, ID: id}, sendErr)
}

// recordAttempt writes down how sending went, on top of the claim or of what forms have asked since.
func (e Engine) recordAttempt(ctx context.Context, claim Practice, a Attempt, sendErr error) (Outcome, error) {
	for try := 0; ; try++ {
		p, err := e.Store.Practice(ctx, claim.Code)
		if err != nil {
			return Nothing, fmt.Errorf("read practice after sending: %w", err)
		}
		if !p.Digest.Lease.Equal(claim.Digest.Lease) {
			return Nothing, nil // our lease ran out and somebody else has taken over
		}
		var did Outcome
		p.Digest, did = p.Digest.after(a, sendErr, p.Digest.Version != claim.Digest.Version)
		err = e.saveDigest(ctx, p)
		if !errors.Is(err, ErrConflict) || try >= conflictTries || pause(ctx, try) != nil {
			return did, err
		}
	}
}

// after is the digest after an attempt, during which forms may have asked for the next one.
func (d Digest) after(a Attempt, sendErr error, asked bool) (Digest, Outcome) {
	var refused *Refused
	did := Told
	a.Outcome = "sent"
	switch {
	case sendErr == nil:
		d.Sent, d.Mails, d.Tries, d.Fault = a.At, d.Mails+1, 0, ""
		d.Due = time.Time{}
		if asked {
			d.Due = a.At.Add(betweenMails)
		}
	case errors.As(sendErr, &refused):
		did, a.Outcome = ToOffice, refused.Code
		d.Fault, d.Due, d.Tries = refused.Code, a.At.Add(addressRetry), 0
	default:
		did, a.Outcome = Postponed, "failed"
		d.Tries++
		d.Due = a.At.Add(Backoff(d.Tries))
	}
	d.Lease = time.Time{}
	d.Attempts = append(d.Attempts, a)
	if n := len(d.Attempts); n > keptAttempts {
		d.Attempts = d.Attempts[n-keptAttempts:]
	}
	return d, did
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
	if err != nil {
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
