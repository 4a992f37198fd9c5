package worklist_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/worklist"
)

var (
	densham = optouttest.Accepted(optouttest.Dissent()).Practice
	office  = worklist.List{Owner: worklist.Office, Stage: worklist.Open}
	inbox   = worklist.List{Owner: worklist.Practice(densham), Stage: worklist.Open}
)

func TestAFormIsOnTheListOfWhoeverHasItOrHadIt(t *testing.T) {
	t.Parallel()
	of := func(o worklist.Owner, s worklist.Stage) worklist.List { return worklist.List{Owner: o, Stage: s} }
	practice := worklist.Practice(densham)
	for name, c := range map[string]struct {
		state optout.State
		list  worklist.List
	}{
		"held":                                   {optout.State{Status: optout.StatusHeld, Owner: optout.OwnerDesk}, of(worklist.Desk, worklist.Open)},
		"registered":                             {optout.State{Status: optout.StatusRegistered, Owner: optout.OwnerEngine}, worklist.List{}},
		"registered, nobody knows where to":      {optout.State{Status: optout.StatusRegistered, Owner: optout.OwnerOffice}, of(worklist.Office, worklist.Open)},
		"with a practice":                        {optout.State{Status: optout.StatusCollected, Owner: optout.OwnerPractice, Practice: densham}, of(practice, worklist.Open)},
		"said to be applied":                     {optout.State{Status: optout.StatusApplied, Owner: optout.OwnerPractice, Practice: densham}, of(practice, worklist.Applied)},
		"in doubt":                               {optout.State{Status: optout.StatusInDoubt, Owner: optout.OwnerPractice, Practice: densham}, of(practice, worklist.Open)},
		"returned, for another practice":         {optout.State{Status: optout.StatusReturned, Owner: optout.OwnerEngine, Practice: densham}, worklist.List{}},
		"returned, for the office":               {optout.State{Status: optout.StatusReturned, Owner: optout.OwnerOffice, Practice: densham}, of(worklist.Office, worklist.Open)},
		"a duplicate":                            {optout.State{Status: optout.StatusDuplicate, Owner: optout.OwnerFirst}, worklist.List{}},
		"checked":                                {optout.State{Status: optout.StatusChecked, Owner: optout.OwnerNobody, Practice: densham}, of(practice, worklist.Done)},
		"checked, and its scan cannot be erased": {optout.State{Status: optout.StatusChecked, Owner: optout.OwnerOffice, Practice: densham}, of(worklist.Office, worklist.Open)},
		"answered, and no practice ever had it":  {optout.State{Status: optout.StatusAnswered, Owner: optout.OwnerNobody}, of(worklist.Office, worklist.Done)},
	} {
		if got := worklist.Of(c.state); got != c.list {
			t.Errorf("%s: on the list %v, want %v", name, got, c.list)
		}
	}
}

// Whatever a cursor is, it is refused or places the reader in the list that is asked for; the list's own are printable.
func FuzzCursor(f *testing.F) {
	own := inbox.Page([]worklist.Entry{{Practice: densham, Since: optouttest.Noon}, {Practice: densham}}, worklist.Entry{}, 1).Next
	for _, s := range []string{string(own), "", "x", "====", base64.RawURLEncoding.EncodeToString([]byte("A81001 O false -62135596800000 "))} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := inbox.Behind(worklist.Cursor(s))
		if err != nil {
			if !errors.Is(err, worklist.ErrCursor) || e != (worklist.Entry{}) {
				t.Errorf("%q: %v, %v", s, e, err)
			}
			return
		}
		if url.QueryEscape(s) != s {
			t.Errorf("%q is taken, and cannot stand in a URL", s)
		}
		other := inbox
		other.Stage = worklist.Done
		if _, err := other.Behind(worklist.Cursor(s)); s != "" && !errors.Is(err, worklist.ErrCursor) {
			t.Errorf("%q is taken for two lists", s)
		}
	})
}

// desk is a table with forms of a practice, oldest first, and what its list says of them.
func desk(t *testing.T, forms int) (*optouttest.Memory, []worklist.Entry) {
	t.Helper()
	m := &optouttest.Memory{}
	for n := range forms {
		at := optouttest.Noon.Add(time.Duration(n) * time.Minute)
		a := optouttest.Dissent()
		a.Subject.NHSNumber = optouttest.Number()
		r := optout.Registrar{Store: m, Keys: optouttest.Keys{}, Now: func() time.Time { return at }}
		receipt, err := r.Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
		if err != nil {
			t.Fatal(err)
		}
		say(t, m, receipt.Reference, optout.Routed, "practice", densham.String())
	}
	page, err := m.List(t.Context(), inbox, "", forms)
	if err != nil || len(page.Entries) != forms {
		t.Fatal(page, err)
	}
	return m, page.Entries
}

// say records an event of a form.
func say(t *testing.T, m *optouttest.Memory, ref optout.Reference, kind optout.Kind, key, value string) {
	t.Helper()
	f, err := m.Form(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	e := optout.Event{At: f.Events[f.Version()-1].At.Add(time.Second), By: "engine", Kind: kind, Detail: map[string]string{key: value}}
	if err := m.Record(t.Context(), optout.Change{Form: f.With(e)}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatHasMovedOnIsLeftOut(t *testing.T) {
	t.Parallel()
	m, entries := desk(t, 6)
	say(t, m, entries[1].Reference, optout.Returned, "reason", "OTHER")                           // the office has it
	m.Tamper(entries[2].Reference, func(f *optout.Form) { f.Events[0].By = "somebody" })          // cannot be read
	say(t, m, entries[3].Reference, optout.Closed, "practice", "A81002")                          // the engine has it
	entries[4].Reference = optouttest.Keys{}.Reference(optouttest.Online("nobody's"))             // never was
	elsewhere := worklist.List{Owner: worklist.Practice(code(t, "A81002")), Stage: worklist.Open} // another practice's
	failed := optout.Postponement{Until: optouttest.Noon.Add(time.Hour), Fault: "cannot-advance"} // as the engine does
	if err := m.Postpone(t.Context(), optout.Due{Noun: optout.DueForm, ID: entries[3].Reference.Key()}, failed); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		l    worklist.List
		want []int
	}{
		"of the practice":                       {inbox, []int{0, 2, 5}},
		"of the practice, newest first":         {worklist.List{Owner: inbox.Owner, Stage: inbox.Stage, Newest: true}, []int{0, 2, 5}},
		"of another practice":                   {elsewhere, []int{2}},
		"of what the practice has done":         {worklist.List{Owner: inbox.Owner, Stage: worklist.Done}, []int{2}},
		"of the office, with what cannot go on": {office, []int{1, 2, 3}},
		"of what is said to be applied":         {worklist.List{Owner: inbox.Owner, Stage: worklist.Applied}, []int{2}},
	} {
		got, err := worklist.Forms(t.Context(), m, c.l, append(entries, worklist.Entry{Practice: densham}))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]optout.Reference, len(c.want))
		for i, n := range c.want {
			want[i] = entries[n].Reference
		}
		refs := []optout.Reference{}
		for _, f := range got {
			refs = append(refs, f.Reference)
			if unreadable := f.Reference == entries[2].Reference; (f.Version() == 0) != unreadable || unreadable && !f.Facts.Surname.IsZero() {
				t.Errorf("%s: a form at version %d", name, f.Version())
			}
		}
		if !slices.Equal(refs, want) {
			t.Errorf("%s: %v, want %v", name, refs, want)
		}
	}
}

func code(t *testing.T, s string) nhs.ODSCode {
	t.Helper()
	c, err := nhs.ParseODSCode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPracticesThatNeedNoHelpAreLeftOut(t *testing.T) {
	t.Parallel()
	m := &optouttest.Memory{}
	var entries []worklist.Entry
	for ods, d := range map[string]digest.Digest{
		"A81001": {Fault: "no-address", Since: optouttest.Noon},
		"A81002": {Late: optouttest.Noon.Add(time.Hour)},
		"A81003": {Due: optouttest.Noon},
	} {
		if err := m.SaveDigest(t.Context(), optout.Practice{Code: code(t, ods), Digest: d}); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, worklist.Entry{Practice: code(t, ods)})
	}
	slices.SortFunc(entries, func(a, b worklist.Entry) int { return strings.Compare(b.ID(), a.ID()) })
	got, err := worklist.Practices(t.Context(), m, append(entries, worklist.Entry{Reference: optouttest.Keys{}.Reference(optouttest.Online("x"))}))
	if err != nil || len(got) != 2 || got[0].Code.String() != "A81002" || got[1].Code.String() != "A81001" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestATableThatCannotBeReachedGivesNoForms(t *testing.T) {
	t.Parallel()
	m, entries := desk(t, 40)
	var calls atomic.Int32
	m.Fate = func(string) optouttest.Fate {
		if calls.Add(1) == 20 {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	if got, err := worklist.Forms(t.Context(), m, inbox, entries); !errors.Is(err, optout.ErrUnavailable) || got != nil {
		t.Errorf("%d forms, %v", len(got), err)
	}
}

// A claim whose answer was lost is the claimant's when they ask again.
func TestAClaimCanBeRepeated(t *testing.T) {
	t.Parallel()
	m, entries := desk(t, 1)
	fate := optouttest.Lost
	m.Fate = func(string) optouttest.Fate { return fate }
	mine := worklist.Claim{By: "office u-1", Until: optouttest.Noon.Add(time.Minute)}
	if held, err := m.Claim(t.Context(), entries[0].Reference, mine, optouttest.Noon); !errors.Is(err, optout.ErrUnavailable) || held != (worklist.Claim{}) {
		t.Errorf("without an answer: %v, %v", held, err)
	}
	fate = optouttest.Fine
	if held, err := m.Claim(t.Context(), entries[0].Reference, mine, optouttest.Noon); err != nil || held != mine {
		t.Errorf("again: %v, %v", held, err)
	}
}

func TestTwoClerksAtOnceDoAThingOnce(t *testing.T) {
	t.Parallel()
	m := &optouttest.Memory{}
	optouttest.Clerks(t, m, m, 200)
}

func TestSixteenThingsAreDoneAtATimeUntilOneFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most, done atomic.Int32
		work := func(context.Context, int) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second) // of the test's own clock
			now.Add(-1)
			done.Add(1)
			return nil
		}
		start := time.Now()
		if err := worklist.Each(t.Context(), 100, work); err != nil || done.Load() != 100 || most.Load() > 16 || time.Since(start) != 7*time.Second {
			t.Errorf("%d done, %d at once, in %v, %v", done.Load(), most.Load(), time.Since(start), err)
		}
		broken := errors.New("broken")
		err := worklist.Each(t.Context(), 100, func(ctx context.Context, n int) error {
			if n == 3 {
				return broken
			}
			<-ctx.Done() // the others are told
			return ctx.Err()
		})
		if !errors.Is(err, broken) {
			t.Errorf("it ends with %v", err)
		}
	})
}
