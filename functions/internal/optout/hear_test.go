package optout_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// hear has the engine told of a mail, and gives what came of it.
func (h *house) hear(id string, n digest.News) optout.Outcome {
	h.t.Helper()
	did, err := h.engine.Hear(h.t.Context(), densham, id, n)
	if err != nil {
		h.t.Fatal(err)
	}
	return did
}

func TestAPracticeWhoseMailCameBackIsOnTheOfficesListUntilItHasAnotherAddress(t *testing.T) {
	t.Parallel()
	for _, n := range []digest.News{digest.Bounced, digest.Complained, digest.Rejected} {
		h := newHouse(t)
		h.register(nil)
		h.sweep()
		h.Move(time.Minute)
		for again, want := range []optout.Outcome{optout.ToOffice, optout.Nothing} {
			if did := h.hear("m-1", n); did != want {
				t.Errorf("%s, heard %d times: %s", n, again+1, did)
			}
		}
		if d := h.practice("A81001").Digest; d.Fault != string(n) || !d.Since.Equal(h.Now()) || d.Due.Sub(h.Now()) != 24*time.Hour {
			t.Errorf("%s: %+v", n, d)
		}
		h.sweep()
		if mails := len(h.post.Mails()); mails != 1 {
			t.Errorf("%s: it is sent again at once: %d mails", n, mails)
		}
		h.Move(24 * time.Hour) // where it came back from, it is tried once a day, as the office has it
		h.sweep()
		h.Move(time.Minute)
		if d := h.practice("A81001").Digest; len(h.post.Mails()) != 2 || d.Fault != string(n) {
			t.Errorf("%s, the day after: %d mails, %+v", n, len(h.post.Mails()), d)
		}
		if did := h.hear("m-2", n); did != optout.Moved {
			t.Errorf("%s, once more: %s", n, did)
		}
		h.Move(time.Minute)
		if _, err := h.custody.SetEmail(t.Context(), densham, office, "forms@densham.example"); err != nil {
			t.Fatal(err)
		}
		if _, listed := h.practice("A81001").Digest.OfficeSince(); listed {
			t.Errorf("%s: with another address it is still on the office's list", n)
		}
		h.sweep()
		if mails := h.post.Mails(); len(mails) != 3 || mails[2].To != "forms@densham.example" || mails[2].AtLeast != 1 {
			t.Errorf("%s: with another address there are the mails %v", n, mails)
		}
		if did := h.hear("m-2", digest.Complained); did != optout.Nothing {
			t.Errorf("%s: late news of the address before: %s", n, did)
		}
		if did := h.hear("m-3", n); did != optout.ToOffice {
			t.Errorf("%s: and that one comes back: %s", n, did)
		}
	}
}

func TestAMailThatDoesNotComeBackForADayHasArrived(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweep()
	h.hear("m-1", digest.Bounced)
	for day, listed := range []bool{true, true, false} {
		if _, is := h.practice("A81001").Digest.OfficeSince(); is != listed {
			t.Errorf("on day %d it is on the office's list: %v", day, is)
		}
		h.Move(24 * time.Hour)
		h.sweep()
	}
	if mails := len(h.post.Mails()); mails != 2+1 { // the reminder of day 2 is the last one
		t.Errorf("%d mails", mails)
	}
}

func TestAMailboxThatIsFullIsNotedAndNoMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweep()
	for again, want := range []optout.Outcome{optout.Moved, optout.Nothing} {
		if did := h.hear("m-1", digest.BouncedForNow); did != want {
			t.Errorf("heard %d times: %s", again+1, did)
		}
	}
	d := h.practice("A81001").Digest
	if _, listed := d.OfficeSince(); listed || !d.Due.IsZero() || d.Attempts[0].Outcome != "bounced-for-now" {
		t.Errorf("%+v", d)
	}
	if did := h.hear("m-1", digest.Bounced); did != optout.ToOffice { // after all
		t.Errorf("then for good: %s", did)
	}
}

func TestNewsOfAMailOfWhichNothingIsKeptAreNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	for _, id := range []string{"", "m-1", "m-9"} {
		if did := h.hear(id, digest.Bounced); did != optout.Nothing {
			t.Errorf("%q, before anything was sent: %s", id, did)
		}
	}
	if did, err := h.engine.Hear(t.Context(), elsewhere, "m-1", digest.Bounced); err != nil || did != optout.Nothing {
		t.Errorf("a practice never heard of: %s, %v", did, err)
	}
	if p, err := h.Practice(t.Context(), elsewhere); err != nil || p.Digest.Version != 0 {
		t.Errorf("news of nothing were written down: %+v, %v", p, err)
	}
	h.sweep()
	for range 20 { // twenty attempts are kept
		h.Move(25 * time.Hour)
		h.register(nil)
		h.sweep()
	}
	if did := h.hear("m-1", digest.Bounced); did != optout.Nothing {
		t.Errorf("of long ago: %s", did)
	}
}

// A carrier may be quicker than whoever writes down that the mail is out.
func TestNewsThatComeBeforeTheMailIsRecordedAreHeardLater(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	var early error
	h.engine.Post = postFunc(func(ctx context.Context, n digest.Notice) (string, error) {
		id, err := h.post.Tell(ctx, n)
		hurry, cancel := context.WithTimeout(ctx, 10*time.Millisecond) // it insists for a while
		defer cancel()
		_, early = h.engine.Hear(hurry, densham, id, digest.Bounced)
		return id, err
	})
	h.sweep()
	if !errors.Is(early, optout.ErrUnavailable) {
		t.Errorf("too early: %v", early)
	}
	if did := h.hear("m-1", digest.Bounced); did != optout.ToOffice {
		t.Errorf("said again: %s", did)
	}
}

func TestTheSameNewsFromSixteenPlacesAtOnceAreHeardOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweep()
	var all sync.WaitGroup
	did := make([]optout.Outcome, 16)
	for n := range did {
		all.Go(func() {
			var err error
			if did[n], err = h.engine.Hear(context.Background(), densham, "m-1", digest.Bounced); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	heard := 0
	for _, d := range did {
		if d == optout.ToOffice {
			heard++
		}
	}
	if heard != 1 {
		t.Errorf("heard as %v", did)
	}
}

func TestNewsThatCannotBeWrittenDownAreSaidAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	h.sweep()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	if _, err := h.engine.Hear(ctx, densham, "m-1", digest.Bounced); !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("a table that is away: %v", err)
	}
	lost := true // its answer
	h.Fate = func(method string) optouttest.Fate {
		if method == "SaveDigest" && lost {
			lost = false
			return optouttest.Lost
		}
		return optouttest.Fine
	}
	h.hear("m-1", digest.Bounced)
	if d := h.practice("A81001").Digest; d.Fault != "bounced" {
		t.Errorf("%+v", d)
	}
}

// An address that is set while the table is half away is there; the practice is told within a day.
func TestAnAddressThatIsSetIsTriedWithinADayWhateverHappens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.Address = ""
	h.register(nil)
	h.sweep()
	if d := h.practice("A81001").Digest; d.Fault != "no-address" {
		t.Fatalf("%+v", d)
	}
	h.Fate = func(method string) optouttest.Fate {
		if method == "SaveDigest" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	if _, err := h.custody.SetEmail(t.Context(), densham, office, "forms@densham.example"); !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	h.Fate = nil
	if p := h.practice("A81001"); p.Email == "" || p.Digest.Fault == "" {
		t.Fatalf("%+v", p)
	}
	p, err := h.custody.SetEmail(t.Context(), densham, office, "forms@densham.example")
	if err != nil || len(p.Contacts) != 1 || p.Digest.Fault != "" {
		t.Errorf("said again: %+v, %v", p, err)
	}
	h.sweep()
	if len(h.post.Mails()) != 1 {
		t.Errorf("mails %v", h.post.Mails())
	}
}

func TestTheOfficeSaysHowItTriedToReachAPractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	day := func(n int) nhs.Date { return nhs.DateOf(h.Now().AddDate(0, 0, n)) }
	for _, by := range []optout.Actor{practice, desk, supervisor, {Role: optout.Machine}, {Role: optout.Office, ID: "Nina Cole"}} {
		_, err := h.custody.Chase(t.Context(), densham, by, optout.Chase{How: "post", On: day(0)})
		refusedAs(t, by.String(), err, optout.Forbidden)
	}
	for name, wrong := range map[string]optout.Chase{
		"how":  {How: "fax", On: day(0)},
		"on":   {How: "post"},
		"/on":  {How: "post", On: day(1)},
		"text": {How: "phone", On: day(0), Text: optout.Text(strings.Repeat("é", 201))},
	} {
		var f optout.Faulty
		if _, err := h.custody.Chase(t.Context(), densham, office, wrong); !errors.As(err, &f) || f[0].Pointer != "/"+strings.Trim(name, "/") || f[0].Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p := h.practice("A81001"); p.Version != 0 || !p.Chased().IsZero() {
		t.Errorf("what was refused is written down: %+v", p)
	}
	h.Move(48 * time.Hour)
	for _, c := range []optout.Chase{
		{How: "phone", On: day(-1), Text: "will look today"},
		{How: "phone", On: day(-1), Text: "will look today"}, // the answer was lost
		{How: "post", On: day(-2)},                           // said late
	} {
		if _, err := h.custody.Chase(t.Context(), densham, office, c); err != nil {
			t.Fatal(err)
		}
	}
	p := h.practice("A81001")
	if len(p.Chases) != 2 || p.Chased() != day(-1) || p.Chases[1].How != "post" || p.Chases[1].By != office.String() || !p.Chases[1].At.Equal(h.Now()) {
		t.Errorf("%+v", p.Chases)
	}
	if s := fmt.Sprintf("%v %+v", p.Chases, p.Chases[0]); strings.Contains(s, "look today") {
		t.Errorf("its words print themselves: %s", s)
	}
}

// A letter is no act of the practice.
func TestAPracticeThatWasChasedIsAsLateAsBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.register(nil)
	for range 16 {
		h.sweep()
		h.Move(24 * time.Hour)
	}
	before := h.practice("A81001").Digest
	if _, err := h.custody.Chase(t.Context(), densham, office, optout.Chase{How: "post", On: nhs.DateOf(h.Now())}); err != nil {
		t.Fatal(err)
	}
	if d := h.practice("A81001").Digest; d.Late.IsZero() || d.Late != before.Late || d.Version != before.Version {
		t.Errorf("%+v", d)
	}
}
