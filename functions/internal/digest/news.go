package digest

import (
	"cmp"
	"slices"
	"time"
)

// News is what a carrier says of a mail after it has taken it: in its own time, perhaps twice, in any order.
type News string

// What a carrier can say. All but the first put a practice on the office's list: it cannot be told where it was.
const (
	BouncedForNow News = "bounced-for-now" // a full mailbox, a host that was away: the carrier gave up on this mail
	Bounced       News = "bounced"         // nobody is at the address, or nobody can say whether somebody is
	Complained    News = "complained"      // whoever reads it called the mail unwanted
	Rejected      News = "rejected"        // the carrier found something in it and sent it nowhere
)

// cameBack says that the news is of an address at which nobody can be told.
func (n News) cameBack() bool { return n == Bounced || n == Complained || n == Rejected }

// Heard is the digest after news of the mail with this carrier's id; news is false if no attempt has the id, or the
// same was said before, or worse. to is the address at which the practice would be told now.
//
// News of an attempt that is kept is always noted beside it. A mail that came back puts the practice on the office's
// list, to be tried again in a day with what that mail was to say. If the practice has another address by now, that one
// is none the worse for it; but it is told there at once, unless it has been.
func (d Digest) Heard(id string, n News, to string, at time.Time) (after Digest, news bool) {
	i := slices.IndexFunc(d.Attempts, func(a Attempt) bool { return a.ID == id && id != "" })
	if i < 0 || d.Attempts[i].Outcome != sent && (News(d.Attempts[i].Outcome) != BouncedForNow || n == BouncedForNow) {
		return d, false
	}
	d.Attempts = slices.Clone(d.Attempts)
	a := &d.Attempts[i]
	a.Outcome = string(n)
	replaced := a.To != "" && a.To != to
	if !n.cameBack() || replaced && slices.ContainsFunc(d.Attempts[i+1:], func(b Attempt) bool { return b.Outcome == sent && b.To == to }) {
		return d, true
	}
	d.Asked, d.Extract = cmp.Or(d.Asked, a.Asked), d.Extract || a.Extract
	due := at
	if replaced {
		d.Sent = time.Time{} // that mail told nobody
	} else {
		if d.Fault == "" {
			d.Since = at
		}
		d.Fault, due = string(n), at.Add(addressRetry)
	}
	if d.Lease.IsZero() { // else whoever sends just now says when the next mail is due
		d.Due, d.Tries = due, 0
	}
	return d, true
}

// Knows says that an attempt with this carrier's id is kept.
func (d Digest) Knows(id string) bool {
	return slices.ContainsFunc(d.Attempts, func(a Attempt) bool { return a.ID == id })
}

// Proven is the digest without the fault of a mail that came back, if the mail after it did not within a day.
func (d Digest) Proven(now time.Time) Digest {
	if n := len(d.Attempts); n > 0 && News(d.Fault).cameBack() {
		if last := d.Attempts[n-1]; last.Outcome == sent && !now.Before(last.At.Add(addressRetry)) {
			d.Fault, d.Since = "", time.Time{}
		}
	}
	return d
}

// Mended is the digest after somebody set the practice's address: whatever kept it from being told is tried at once.
// Without a fault it stays as it is.
func (d Digest) Mended(now time.Time) Digest {
	if d.Fault == "" {
		return d
	}
	d.Fault, d.Since, d.Sent = "", time.Time{}, time.Time{}
	if d.Lease.IsZero() {
		d.Due, d.Tries = now, 0
	}
	return d
}
