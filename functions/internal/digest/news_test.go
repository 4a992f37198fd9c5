package digest

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// What follows from each news of a mail, wherever the digest stands when it comes.
func TestWhatFollowsFromNewsOfAMail(t *testing.T) {
	t.Parallel()
	const old, own = "old@practice.example", "own@practice.example"
	mail := func(id, to, outcome string, hours int) Attempt {
		return Attempt{At: noon.Add(time.Duration(hours) * time.Hour), AtLeast: 3, Asked: "F" + id, Extract: true, To: to, Outcome: outcome, ID: id}
	}
	of := func(all ...Attempt) Digest { return Digest{Version: 4, Sent: noon, Mails: len(all), Attempts: all} }
	const at = 2 // hours after noon the news comes
	var none time.Time
	hear := noon.Add(at * time.Hour)
	for name, c := range map[string]struct {
		before  Digest
		outcome string // of mail 1, if a mail came back for good
		fault   bool   // then the practice cannot be told
		due     time.Time
		asked   string
	}{
		"nothing was ever sent":                         {of(), "", false, none, ""},
		"of a mail of which nothing is known":           {of(mail("9", own, sent, 0)), "", false, none, ""},
		"of a mail that was not taken":                  {of(mail("", own, "Throttled", 0)), "", false, none, ""},
		"of the latest mail":                            {of(mail("9", own, sent, -24), mail("1", own, sent, 0)), "news", true, hear.Add(24 * time.Hour), "F1"},
		"of a mail before the latest, to that address":  {of(mail("1", own, sent, 0), mail("9", own, sent, 1)), "news", true, hear.Add(24 * time.Hour), "F1"},
		"of a mail that once was late":                  {of(mail("1", own, string(BouncedForNow), 0)), "news", true, hear.Add(24 * time.Hour), "F1"},
		"said before":                                   {of(mail("1", own, string(Bounced), 0)), string(Bounced), false, none, ""},
		"after the practice has called it unwanted":     {of(mail("1", own, string(Complained), 0)), string(Complained), false, none, ""},
		"of a mail of which nobody kept where it went":  {of(mail("1", "", sent, 0)), "news", true, hear.Add(24 * time.Hour), "F1"},
		"of an address replaced since":                  {of(mail("1", old, sent, 0)), "news", false, hear, "F1"},
		"of an address replaced, and told there since":  {of(mail("1", old, sent, 0), mail("9", own, sent, 1)), "news", false, none, ""},
		"of an address replaced, and that came back":    {of(mail("1", old, sent, 0), mail("9", own, string(Bounced), 1)), "news", false, hear, "F1"},
		"of an address replaced, and told at a third":   {of(mail("1", old, sent, 0), mail("9", "third@practice.example", sent, 1)), "news", false, hear, "F1"},
		"of the second of two mails with the same hope": {of(mail("9", own, string(Bounced), -24), mail("1", own, sent, 0)), "news", true, hear.Add(24 * time.Hour), "F1"},
	} {
		for _, n := range []News{BouncedForNow, Bounced, Complained, Rejected} {
			kept := slices.Clone(c.before.Attempts)
			got, news := c.before.Heard("1", n, own, hear)
			want := c.before
			want.Attempts = slices.Clone(kept)
			repeat := slices.ContainsFunc(kept, func(a Attempt) bool { return a.ID == "1" && a.Outcome == string(BouncedForNow) }) && n == BouncedForNow
			if c.outcome == "news" && !repeat {
				for i := range want.Attempts {
					if want.Attempts[i].ID == "1" {
						want.Attempts[i].Outcome = string(n)
					}
				}
				if n != BouncedForNow {
					want.Due, want.Asked, want.Extract = c.due, c.asked, c.asked != ""
					if c.fault {
						want.Fault, want.Since = string(n), hear
					} else if c.asked != "" {
						want.Sent = time.Time{}
					}
				}
			}
			if news != (c.outcome == "news" && !repeat) || !same(got, want) {
				t.Errorf("%s, %s: %v, %+v\nwant %+v", name, n, news, got, want)
			}
			if !slices.Equal(c.before.Attempts, kept) {
				t.Errorf("%s, %s: what was read has changed", name, n)
			}
			if again, news := got.Heard("1", n, own, hear.Add(time.Hour)); news || !same(again, got) {
				t.Errorf("%s, %s, said again: %+v", name, n, again)
			}
		}
	}
}

func same(a, b Digest) bool {
	equal := slices.Equal(a.Attempts, b.Attempts)
	a.Attempts, b.Attempts = nil, nil
	return equal && a.Version == b.Version && a.Due.Equal(b.Due) && a.Asked == b.Asked && a.Extract == b.Extract && a.Late.Equal(b.Late) &&
		a.Lease.Equal(b.Lease) && a.Sent.Equal(b.Sent) && a.Mails == b.Mails && a.Tries == b.Tries && a.Fault == b.Fault && a.Since.Equal(b.Since)
}

func TestAPracticeIsOnTheOfficesListSinceTheFirstMailThatCameBack(t *testing.T) {
	t.Parallel()
	d := Digest{Asked: "F1"}
	send := func(id string, at time.Time) {
		d, _ = d.Claimed(at).After(Attempt{At: at, Asked: d.Asked, To: "a@practice.example", ID: id}, nil, false)
	}
	send("1", noon)
	for n, id := range []string{"1", "2", "3"} {
		at := noon.AddDate(0, 0, n)
		d, _ = d.Heard(id, Bounced, "a@practice.example", at.Add(time.Minute))
		if since, listed := d.OfficeSince(); !listed || !since.Equal(noon.Add(time.Minute)) || !d.Due.Equal(at.Add(24*time.Hour+time.Minute)) || d.Asked != "F1" {
			t.Fatalf("after %d mails came back: %+v", n+1, d)
		}
		send(string(rune('2'+n)), d.Due)
		if d.Fault != string(Bounced) || !d.Due.Equal(d.Sent.Add(24*time.Hour)) || d.Asked != "" {
			t.Errorf("that mail %d was taken is believed too soon: %+v", n+2, d)
		}
	}
	if early := d.Proven(d.Due.Add(-time.Millisecond)); early.Fault == "" {
		t.Error("a mail has a day to come back")
	}
	if d = d.Proven(d.Due); d.Fault != "" || !d.Since.IsZero() {
		t.Errorf("no mail has come back for a day: %+v", d)
	}
}

// News may come while the next mail is being sent. Whoever sends it knows its claim again.
func TestNewsLeaveAClaimAsItIs(t *testing.T) {
	t.Parallel()
	d := Digest{Asked: "F2", Attempts: []Attempt{{At: noon, Asked: "F1", To: "a@practice.example", Outcome: sent, ID: "1"}}}.Claimed(noon.Add(24 * time.Hour))
	got, _ := d.Heard("1", Bounced, "a@practice.example", noon.Add(24*time.Hour+time.Second))
	if !got.Lease.Equal(d.Lease) || !got.Due.Equal(d.Due) || got.Tries != d.Tries || got.Fault != string(Bounced) || got.Asked != "F2" {
		t.Errorf("%+v", got)
	}
	if after := got.Mended(noon.Add(25 * time.Hour)); !after.Lease.Equal(d.Lease) || !after.Due.Equal(d.Due) || after.Fault != "" {
		t.Errorf("a new address: %+v", after)
	}
	after, _ := got.After(Attempt{At: noon.Add(24 * time.Hour), ID: "2"}, nil, true) // as a form that asked meanwhile would
	if len(after.Attempts) != 2 || after.Fault != string(Bounced) || !after.Lease.IsZero() {
		t.Errorf("the mail is recorded as %+v", after)
	}
	refused, _ := got.After(Attempt{At: noon.Add(24 * time.Hour)}, &Undelivered{Code: "mail-rejected", Hope: Refused, Cause: errors.New("no")}, true)
	if refused.Fault != "mail-rejected" || !refused.Since.Equal(got.Since) {
		t.Errorf("the mail is refused as %+v", refused)
	}
}

func TestANewAddressIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"no-address", "mail-rejected", string(Bounced), string(Complained), string(Rejected)} {
		d := Digest{Asked: "F1", Sent: noon.Add(-time.Hour), Fault: fault, Since: noon.Add(-time.Hour), Late: noon.AddDate(0, 0, -3), Due: noon.Add(23 * time.Hour), Tries: 2}.Mended(noon)
		if _, soon := d.TooSoon(noon); soon || !d.Due.Equal(noon) || d.Fault != "" || !d.Since.IsZero() || d.Late.IsZero() || d.Asked != "F1" {
			t.Errorf("%s: %+v", fault, d)
		}
	}
	well := Digest{Asked: "F1", Sent: noon.Add(-time.Hour), Due: noon.Add(23 * time.Hour)}
	if got := well.Mended(noon); !same(got, well) {
		t.Errorf("a practice that could be told is told again: %+v", got)
	}
}
