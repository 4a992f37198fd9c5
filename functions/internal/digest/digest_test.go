package digest

import (
	"errors"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestOneMailADayWhateverClocksSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent time.Time
		soon bool
	}{
		"never":                       {time.Time{}, false},
		"just now":                    {noon, true},
		"a minute less than a day":    {noon.Add(time.Minute - 24*time.Hour), true},
		"a day ago":                   {noon.Add(-24 * time.Hour), false},
		"tomorrow, by a wrong clock":  {noon.Add(24 * time.Hour), true},
		"next year, by a wrong clock": {noon.AddDate(1, 0, 0), false},
	} {
		until, soon := Digest{Sent: c.sent}.TooSoon(noon)
		if soon != c.soon || soon && !until.Equal(c.sent.Add(24*time.Hour)) {
			t.Errorf("%s: %v, until %v", name, soon, until)
		}
	}
}

func TestASenderThatDiesEveryTimeSendsFewMails(t *testing.T) {
	t.Parallel()
	d, now, mails := Digest{Due: noon}, noon, 0
	for now.Before(noon.Add(24 * time.Hour)) {
		d = d.Claimed(now)
		mails++
		if d.Due.Before(d.Lease) {
			t.Fatal("the next sender comes before the lease is over")
		}
		now = d.Due
	}
	if mails > 13 {
		t.Errorf("%d mails in a day", mails)
	}
}

func TestWhatFollowsFromAnAttempt(t *testing.T) {
	t.Parallel()
	claim := Digest{Version: 7, Asked: "X", Extract: true, Late: noon.AddDate(0, 0, -9), Fault: "no-address", Since: noon.AddDate(0, 0, -1)}.Claimed(noon)
	for name, c := range map[string]struct {
		err   error
		asked bool
		due   time.Time
		fault string
		hope  Hope
	}{
		"sent":                         {nil, false, time.Time{}, "", -1},
		"sent, and asked meanwhile":    {nil, true, noon.Add(24 * time.Hour), "", -1},
		"refused for good":             {&Undelivered{Code: "mail-rejected", Hope: Refused}, false, noon.Add(24 * time.Hour), "mail-rejected", Refused},
		"not carried now":              {&Undelivered{Code: "Throttled"}, false, noon.Add(time.Minute), "no-address", Passing},
		"perhaps carried":              {&Undelivered{Code: "no-answer", Hope: Unanswered}, false, noon.Add(time.Hour), "no-address", Unanswered},
		"failed in a way nobody knows": {errors.New("odd"), false, noon.Add(time.Hour), "no-address", Unanswered},
	} {
		got, u := claim.After(Attempt{At: noon, AtLeast: 3}, c.err, c.asked)
		if !got.Due.Equal(c.due) || got.Fault != c.fault || (u == nil) != (c.hope < 0) || u != nil && u.Hope != c.hope {
			t.Errorf("%s: %+v, %v", name, got, u)
		}
		if !got.Lease.IsZero() || len(got.Attempts) != 1 || got.Version != 7 || !got.Late.Equal(claim.Late) {
			t.Errorf("%s: the claim is left, or something is lost: %+v", name, got)
		}
		if told := c.err == nil && !c.asked; told != (got.Asked == "") || told == got.Extract {
			t.Errorf("%s: asked by %q, list %v", name, got.Asked, got.Extract)
		}
	}
	many := claim
	for n := range 50 {
		many, _ = many.After(Attempt{At: noon, AtLeast: n}, nil, false)
	}
	if len(many.Attempts) != keptAttempts || many.Attempts[keptAttempts-1].AtLeast != 49 {
		t.Errorf("%d attempts are kept", len(many.Attempts))
	}
}
