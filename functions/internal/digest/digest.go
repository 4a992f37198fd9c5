// Package digest is the one mail a day that tells a practice what waits: when it goes out, and what follows from how
// sending it went. It reads no clock, no table and no mail.
package digest

import (
	"context"
	"errors"
	"time"

	"example.org/optout/functions/internal/steady"
)

// Post carries notices to practices.
type Post interface {
	// Tell sends one notice and gives the carrier's id of it. Its error is an *Undelivered.
	Tell(ctx context.Context, n Notice) (id string, err error)
}

// Notice says that forms wait. It has no room for anything about a patient.
type Notice struct {
	Practice string // its ODS code, by which the carrier says what became of the mail
	To       string // e-mail address
	AtLeast  int    // how many forms wait; there may be more
	Oldest   int    // full days for which the person of the oldest of them has waited; 0: less than one, or not known
	Extract  bool   // the practice's list of coded patients is wanted
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
	Asked    string    // key of the form that asked last; "": none has asked since the last mail
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
	Asked   string // key of the form that asked for it
	Extract bool   // it asked for the practice's list
	To      string // e-mail address
	Outcome string // "sent"; News, once the carrier has said more; else the code of the failure
	ID      string // the carrier's, if sent
}

const sent = "sent"

// SendingTakes is how long a sender has its practice to itself: longer than any sender lives, so that an expired lease
// has no sender behind it (TestNoFunctionOutlivesALease).
const SendingTakes = 3 * time.Minute

const (
	// betweenMails is the least time between two mails to a practice.
	betweenMails = 24 * time.Hour
	// unanswered is the least time until a mail that may have been carried is sent again.
	unanswered = time.Hour
	// addressRetry is how often an address that is missing or refused is tried again: it may have been mended.
	addressRetry = 24 * time.Hour
	// keptAttempts is how many attempts an item holds.
	keptAttempts = 20
)

// TooSoon is when the next mail may go out, if that is later than now. A mail dated more than a day ahead was dated by
// a clock that was wrong: it must not silence us until then.
func (d Digest) TooSoon(now time.Time) (until time.Time, soon bool) {
	until = d.Sent.Add(betweenMails)
	return until, !d.Sent.IsZero() && until.After(now) && !d.Sent.After(now.Add(betweenMails))
}

// OfficeSince is since when the practice is on the office's list, because it cannot be told or does not act; listed is
// false if it is not.
func (d Digest) OfficeSince() (since time.Time, listed bool) {
	since = d.Since
	if since.IsZero() || !d.Late.IsZero() && d.Late.Before(since) {
		since = d.Late
	}
	return since, d.Fault != "" || !d.Late.IsZero()
}

// Idle is the digest with nothing to tell of.
func (d Digest) Idle() Digest {
	return Digest{Version: d.Version, Late: d.Late, Sent: d.Sent, Mails: d.Mails, Attempts: d.Attempts}
}

// Claimed is the digest while somebody sends. The claim counts as a try, so that even a sender that dies every time
// sends few mails: the next one comes when the lease is over, the one after that later still, in growing steps.
func (d Digest) Claimed(now time.Time) Digest {
	d.Tries++
	d.Lease = now.Add(SendingTakes)
	d.Due = now.Add(max(SendingTakes, steady.Backoff(d.Tries)))
	return d
}

// After is the digest after an attempt, during which forms may have asked for the next one, and why it was not
// carried; nil: it was.
func (d Digest) After(a Attempt, sendErr error, asked bool) (Digest, *Undelivered) {
	var u *Undelivered
	if sendErr != nil && !errors.As(sendErr, &u) {
		u = &Undelivered{Code: "failed", Hope: Unanswered, Cause: sendErr}
	}
	a.Outcome = sent
	switch {
	case u == nil:
		d.Sent, d.Mails, d.Tries = a.At, d.Mails+1, 0
		onTrial := News(d.Fault).cameBack() // that the carrier takes one more mail says little
		if !onTrial {
			d.Fault, d.Since = "", time.Time{}
		}
		if !asked {
			d.Asked, d.Extract, d.Due = "", false, time.Time{}
		}
		if asked || onTrial {
			d.Due = a.At.Add(betweenMails)
		}
	case u.Hope == Refused:
		d, a.Outcome = d.Faulty(u.Code, a.At), u.Code
	default: // the claim has counted the try
		wait := steady.Backoff(d.Tries)
		if u.Hope == Unanswered {
			wait = max(wait, unanswered)
		}
		d.Due, a.Outcome = a.At.Add(wait), u.Code
	}
	d.Lease = time.Time{}
	d.Attempts = append(d.Attempts, a)
	if n := len(d.Attempts); n > keptAttempts {
		d.Attempts = d.Attempts[n-keptAttempts:]
	}
	return d, u
}

// Faulty is the digest on the office's list, to be tried again in a day: somebody may have mended it.
func (d Digest) Faulty(code string, at time.Time) Digest {
	if d.Fault == "" {
		d.Since = at
	}
	d.Fault, d.Due, d.Lease, d.Tries = code, at.Add(addressRetry), time.Time{}, 0
	return d
}
