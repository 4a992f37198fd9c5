package optouttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// received registers a form that comes at a time.
func received(t *testing.T, s Subject, a optout.Answers, at time.Time) optout.Form {
	t.Helper()
	f := optout.Registrar{Keys: Keys{}, Now: func() time.Time { return at }}.NewForm(Online(""), a, Accepted(a))
	if _, err := s.Store.Register(t.Context(), f); err != nil {
		t.Fatalf("register: %v", err)
	}
	return read(t, s, f.Reference)
}

// unrouted is a form that comes at a time and that the office has from then on.
func unrouted(t *testing.T, s Subject, at time.Time) optout.Form {
	t.Helper()
	f := received(t, s, someone(), at)
	return record(t, s, optout.Change{Form: f.With(event(f, optout.Unrouted, "fault", "no-practice"))})
}

// walked is all of a list, read in pages of n.
func walked(t *testing.T, s Subject, l worklist.List, n int) (all []worklist.Entry) {
	t.Helper()
	after := worklist.Cursor("")
	for {
		page, err := s.Worklist.List(t.Context(), l, after, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) > n || page.Next != "" && len(page.Entries) < n {
			t.Errorf("a page of %d, and the next is %q", len(page.Entries), page.Next)
		}
		all = append(all, page.Entries...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

// find is the entry that names something on a list; it must be there once at most.
func find(t *testing.T, s Subject, l worklist.List, id string) (found worklist.Entry, ok bool) {
	t.Helper()
	for _, e := range walked(t, s, l, worklist.MostEntries) {
		if e.ID() == id {
			if ok {
				t.Errorf("%s is on the list twice", id)
			}
			found, ok = e, true
		}
	}
	return found, ok
}

func listedAsItMoves(t *testing.T, s Subject) {
	a := someone()
	practice := worklist.Practice(odsCode(a.Practice))
	lists := []worklist.List{
		{Owner: practice, Stage: worklist.Open},
		{Owner: practice, Stage: worklist.Applied},
		{Owner: practice, Stage: worklist.Done},
		{Owner: worklist.Desk, Stage: worklist.Open},
		{Owner: worklist.Office, Stage: worklist.Open},
	}
	const toAct, applied, done, desk, office, nowhere = 0, 1, 2, 3, 4, -1
	r := optout.Registrar{Store: s.Store, Keys: Keys{}, Now: func() time.Time { return Noon }}
	receipt, err := r.Hold(t.Context(), Online(""), a, Accepted(a), optout.HeldForSignature)
	if err != nil {
		t.Fatal(err)
	}
	f, last := read(t, s, receipt.Reference), nowhere
	for _, step := range []struct {
		kind   optout.Kind
		detail []string
		on     int
	}{
		{optout.Held, nil, desk},
		{optout.Released, nil, nowhere},
		{optout.Unrouted, []string{"fault", "no-practice"}, office},
		{optout.Assigned, []string{"practice", a.Practice}, toAct},
		{optout.Collected, nil, toAct},
		{optout.Applied, []string{"on", "2026-11-22"}, applied},
		{optout.Corrected, nil, toAct},
		{optout.Returned, []string{"reason", "OTHER"}, office},
		{optout.Answered, nil, done}, // on the list of the practice that had it
	} {
		if step.kind != optout.Held {
			f = record(t, s, optout.Change{Form: f.With(event(f, step.kind, step.detail...))})
		}
		for i, l := range lists {
			if l.Owner.Shared() && i != step.on && i != last {
				continue // it cannot have come there
			}
			e, ok := find(t, s, l, f.Reference.Key())
			if want := (worklist.Entry{Reference: f.Reference, Since: Noon}); ok != (i == step.on) || ok && e != want {
				t.Errorf("once %s it is on list %d: %v, as %v", step.kind, i, ok, e)
			}
			if l.Owner != practice {
				continue
			}
			if n, err := s.Worklist.Tally(t.Context(), l); err != nil || (n == 1) != (i == step.on) {
				t.Errorf("once %s, %d are counted on list %d, %v", step.kind, n, i, err)
			}
		}
		last = step.on
	}
}

func pages(t *testing.T, s Subject) {
	a := someone()
	var want []worklist.Entry
	for n, minutes := range []int{3, 1, 4, 1, 5, 2, 6} { // two came at the same time
		a.Subject.NHSNumber = Number()
		f := received(t, s, a, Noon.Add(time.Duration(minutes)*time.Minute+time.Duration(n)*time.Nanosecond))
		record(t, s, optout.Change{Form: routed(f, Noon.Add(time.Hour))})
		want = append(want, worklist.Entry{Reference: f.Reference, Since: Noon.Add(time.Duration(minutes) * time.Minute)})
	}
	slices.SortFunc(want, func(a, b worklist.Entry) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.ID(), b.ID())
	})
	l := toAct(odsCode(a.Practice))
	for _, newest := range []bool{false, true} {
		l.Newest = newest
		for n := 1; n <= len(want)+1; n++ {
			if got := walked(t, s, l, n); !slices.Equal(got, want) {
				t.Errorf("newest first %v, in pages of %d: %v, want %v", newest, n, got, want)
			}
		}
		slices.Reverse(want)
	}
	if n, err := s.Worklist.Tally(t.Context(), l); err != nil || n != len(want) {
		t.Errorf("%d are counted, %v", n, err)
	}
	// What was done in between is not missed by whoever reads on, and does not hide what follows.
	first, err := s.Worklist.List(t.Context(), toAct(odsCode(a.Practice)), "", 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range first.Entries {
		f := read(t, s, e.Reference)
		record(t, s, optout.Change{Form: f.With(event(f, optout.Returned, "reason", "OTHER"))})
	}
	rest, err := s.Worklist.List(t.Context(), toAct(odsCode(a.Practice)), first.Next, 10)
	if err != nil || !slices.Equal(rest.Entries, want[3:]) || rest.Next != "" {
		t.Errorf("the rest is %v, then %q, %v; want %v", rest.Entries, rest.Next, err, want[3:])
	}
	nobody := worklist.List{Owner: worklist.Practice(odsCode(practice())), Stage: worklist.Open}
	for name, l := range map[string]worklist.List{"a practice never heard of": nobody, "nobody": {Stage: worklist.Open}} {
		page, err := s.Worklist.List(t.Context(), l, "", 3)
		n, errCount := s.Worklist.Tally(t.Context(), l)
		if err != nil || errCount != nil || len(page.Entries) != 0 || page.Next != "" || n != 0 {
			t.Errorf("%s has %v and %d, %v, %v", name, page, n, err, errCount)
		}
	}
}

// Others' forms come to these lists meanwhile.
func sharedPages(t *testing.T, s Subject) {
	var want []string
	for n := range 40 {
		want = append(want, unrouted(t, s, Noon.Add(time.Duration(n*n%40)*time.Minute)).Reference.Key())
	}
	slices.Sort(want)
	for _, l := range []worklist.List{{Owner: worklist.Office, Stage: worklist.Open}, {Owner: worklist.Office, Stage: worklist.Open, Newest: true}} {
		all := walked(t, s, l, 30)
		if !slices.IsSortedFunc(all, func(a, b worklist.Entry) int {
			if l.Newest {
				a, b = b, a
			}
			return a.Since.Compare(b.Since)
		}) {
			t.Errorf("not in order: %v", all)
		}
		var ours []string
		for _, e := range all {
			if slices.Contains(want, e.ID()) {
				ours = append(ours, e.ID())
			}
		}
		slices.Sort(ours)
		if !slices.Equal(ours, want) {
			t.Errorf("newest first %v: %d of %d were found, or some twice", l.Newest, len(ours), len(want))
		}
		if n, err := s.Worklist.Tally(t.Context(), l); err != nil || n < len(want) {
			t.Errorf("%d are counted, %v", n, err)
		}
	}
	if page, err := s.Worklist.List(t.Context(), worklist.List{Owner: worklist.Office, Stage: worklist.Open}, "", 1<<31-1); err != nil || len(page.Entries) > worklist.MostEntries {
		t.Errorf("a page has %d entries, %v", len(page.Entries), err)
	}
}

func officeList(t *testing.T, s Subject) {
	office := worklist.List{Owner: worklist.Office, Stage: worklist.Open}
	since := func(what, id string, want time.Time) {
		t.Helper()
		e, ok := find(t, s, office, id)
		if ok == want.IsZero() || ok && (!e.Since.Equal(want) || e.ID() != id) {
			t.Errorf("%s is on the office's list: %v, as %v; want %v", what, ok, e, want)
		}
	}
	// A form that the engine cannot go on with: from when it is tried again, until it goes on.
	f := register(t, s, someone())
	for _, hours := range []int{1, 5} {
		p := optout.Postponement{Until: Noon.Add(time.Duration(hours) * time.Hour), Tries: 9, Fault: "cannot-advance"}
		if err := s.Store.Postpone(t.Context(), optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}, p); err != nil {
			t.Fatal(err)
		}
		since("a form that failed", f.Reference.Key(), Noon.Add(time.Hour))
	}
	f = read(t, s, f.Reference)
	f = record(t, s, optout.Change{Form: routed(f, Noon)})
	since("a form that went on", f.Reference.Key(), time.Time{})
	// A form of somebody's stays on their list when it fails.
	if err := s.Store.Postpone(t.Context(), optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}, optout.Postponement{Until: Noon, Fault: "cannot-advance"}); err != nil {
		t.Fatal(err)
	}
	since("a practice's form that failed", f.Reference.Key(), time.Time{})
	// A practice that acts late, then cannot be told either, then acts.
	id := f.Facts.Practice.String()
	for _, hours := range []int{2, 3} {
		f = read(t, s, f.Reference)
		f = record(t, s, optout.Change{Form: f.With(event(f, optout.Reminded)), At: Noon.Add(time.Duration(hours) * time.Hour), Tell: f.Facts.Practice, Asks: optout.Asks{Late: true}})
		since("a practice that is late", id, Noon.Add(2*time.Hour))
	}
	for _, c := range []struct {
		fault       string
		since, late time.Time
		want        time.Time
	}{
		{"no-address", Noon.Add(time.Hour), Noon.Add(2 * time.Hour), Noon.Add(time.Hour)},
		{"no-address", Noon.Add(3 * time.Hour), Noon.Add(2 * time.Hour), Noon.Add(2 * time.Hour)},
		{"", time.Time{}, time.Time{}, time.Time{}},
	} {
		p, err := s.Store.Practice(t.Context(), f.Facts.Practice)
		if err != nil {
			t.Fatal(err)
		}
		p.Digest = digest.Digest{Version: p.Digest.Version, Fault: c.fault, Since: c.since, Late: c.late}
		if err := s.Store.SaveDigest(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		since(fmt.Sprintf("a practice with %+v", c), id, c.want)
	}
}

func ownCursors(t *testing.T, s Subject) {
	mine, theirs := someone(), someone()
	for n, a := range []optout.Answers{mine, mine, theirs, theirs} {
		record(t, s, optout.Change{Form: routed(received(t, s, a, Noon.Add(time.Duration(n)*time.Minute)), Noon.Add(time.Hour))})
	}
	l := toAct(odsCode(mine.Practice))
	first, err := s.Worklist.List(t.Context(), l, "", 1)
	if err != nil || first.Next == "" {
		t.Fatal(first, err)
	}
	if rest, err := s.Worklist.List(t.Context(), l, first.Next, 1); err != nil || len(rest.Entries) != 1 || rest.Next != "" {
		t.Errorf("the list's own cursor gives %v, %v", rest, err)
	}
	for name, c := range map[string]struct {
		l     worklist.List
		after worklist.Cursor
	}{
		"of another practice": {toAct(odsCode(theirs.Practice)), first.Next},
		"of another stage":    {worklist.List{Owner: l.Owner, Stage: worklist.Done}, first.Next},
		"of another order":    {worklist.List{Owner: l.Owner, Stage: l.Stage, Newest: true}, first.Next},
		"of the office":       {worklist.List{Owner: worklist.Office, Stage: l.Stage}, first.Next},
		"cut":                 {l, first.Next[1:]},
		"of nobody":           {l, "x"},
	} {
		if page, err := s.Worklist.List(t.Context(), c.l, c.after, 1); !errors.Is(err, worklist.ErrCursor) || len(page.Entries) != 0 || page.Next != "" {
			t.Errorf("a cursor %s gives %v, %v", name, page, err)
		}
	}
}

func claims(t *testing.T, s Subject) {
	ref := newForm(someone()).Reference
	one, two := "practice A81001 u-1", "practice A81001 u-2"
	at := func(minutes int) time.Time { return Noon.Add(time.Duration(minutes) * time.Minute) }
	for n, c := range []struct {
		by         string
		now, until time.Time
		held       worklist.Claim // and by somebody else, if it is not what was asked for
	}{
		{one, at(0), at(10).Add(time.Microsecond), worklist.Claim{By: one, Until: at(10)}},
		{two, at(1), at(11), worklist.Claim{By: one, Until: at(10)}},
		{one, at(5), at(15), worklist.Claim{By: one, Until: at(15)}},
		{two, at(15).Add(-time.Millisecond), at(25), worklist.Claim{By: one, Until: at(15)}},
		{two, at(15), at(25), worklist.Claim{By: two, Until: at(25)}},
		{one, at(16), at(26), worklist.Claim{By: two, Until: at(25)}},
		{two, at(17), at(18), worklist.Claim{By: two, Until: at(18)}},
	} {
		held, err := s.Worklist.Claim(t.Context(), ref, worklist.Claim{By: c.by, Until: c.until}, c.now)
		if held != c.held || c.by == c.held.By && err != nil || c.by != c.held.By && !errors.Is(err, worklist.ErrHeld) {
			t.Errorf("claim %d: %v, %v; want %v", n, held, err, c.held)
		}
	}
	free := newForm(someone()).Reference
	for now, want := range map[time.Time]map[optout.Reference]worklist.Claim{
		at(17):                         {ref: {By: two, Until: at(18)}},
		at(18).Add(-time.Millisecond):  {ref: {By: two, Until: at(18)}},
		at(18):                         {},
		at(18).Add(7 * 24 * time.Hour): {},
	} {
		if got, err := s.Worklist.Claimed(t.Context(), []optout.Reference{free, ref, ref}, now); err != nil || !maps.Equal(got, want) {
			t.Errorf("at %v these are claimed: %v, %v; want %v", now, got, err, want)
		}
	}
	if got, err := s.Worklist.Claimed(t.Context(), nil, Noon); err != nil || len(got) != 0 {
		t.Errorf("of none these are claimed: %v, %v", got, err)
	}
}

func sixteenClaims(t *testing.T, s Subject) {
	ref := newForm(someone()).Reference
	until := Noon.Add(10 * time.Minute)
	all := func(now time.Time) (winner string) {
		t.Helper()
		held, errs := make([]worklist.Claim, 16), make([]error, 16)
		var clerks sync.WaitGroup
		for n := range held {
			clerks.Go(func() {
				held[n], errs[n] = s.Worklist.Claim(context.Background(), ref, worklist.Claim{By: fmt.Sprintf("office u-%d", n), Until: until}, now)
			})
		}
		clerks.Wait()
		for n, err := range errs {
			switch {
			case err == nil && winner != "":
				t.Errorf("clerk %d got it, and %s", n, winner)
			case err == nil:
				winner = fmt.Sprintf("office u-%d", n)
			case !errors.Is(err, worklist.ErrHeld):
				t.Errorf("clerk %d: %v", n, err)
			}
		}
		for n, h := range held {
			if want := (worklist.Claim{By: winner, Until: until}); h != want {
				t.Errorf("clerk %d was told %v, want %v", n, h, want)
			}
		}
		return winner
	}
	first := all(Noon)
	if got, err := s.Worklist.Claimed(t.Context(), []optout.Reference{ref}, Noon); err != nil || got[ref].By != first {
		t.Errorf("claimed by %v, %v; want %s", got, err, first)
	}
	now := until
	until = until.Add(10 * time.Minute)
	all(now) // it has expired, and again one gets it
}

func releases(t *testing.T, s Subject) {
	ref := newForm(someone()).Reference
	one, two := worklist.Claim{By: "desk u-1", Until: Noon.Add(10 * time.Minute)}, worklist.Claim{By: "desk u-2", Until: Noon.Add(20 * time.Minute)}
	release := func(by string) {
		t.Helper()
		if err := s.Worklist.Release(t.Context(), ref, by); err != nil {
			t.Errorf("%s releases it: %v", by, err)
		}
	}
	claim := func(c worklist.Claim) {
		t.Helper()
		if held, err := s.Worklist.Claim(t.Context(), ref, c, Noon); err != nil || held != c {
			t.Errorf("%s claims it: %v, %v", c.By, held, err)
		}
	}
	held := func(want worklist.Claim) {
		t.Helper()
		if got, err := s.Worklist.Claimed(t.Context(), []optout.Reference{ref}, Noon); err != nil || got[ref] != want {
			t.Errorf("it is held as %v, %v; want %v", got, err, want)
		}
	}
	release(one.By) // nobody holds it
	held(worklist.Claim{})
	claim(one)
	release(two.By)
	held(one)
	release(one.By)
	release(one.By)
	held(worklist.Claim{})
	claim(two)
	release(one.By) // whose time was over
	held(two)
}

func looks(t *testing.T, s Subject) {
	one, two := register(t, s, someone()), register(t, s, someone())
	list := worklist.Look{At: Noon.Add(1500 * time.Microsecond), By: "practice A81001 u-1", What: "list"}
	if err := s.Worklist.Look(t.Context(), list, one.Reference, two.Reference); err != nil {
		t.Fatal(err)
	}
	list.At = Noon.Add(time.Millisecond)
	want := []worklist.Look{list}
	const more = 130 // so that there is a second page
	for n := range more {
		l := worklist.Look{At: Noon.Add(time.Duration(n+1) * time.Second), By: "office u-2", What: fmt.Sprint("page-", n)}
		if err := s.Worklist.Look(t.Context(), l, one.Reference); err != nil {
			t.Fatal(err)
		}
		want = slices.Insert(want, 0, l)
	}
	walk := s.Worklist.Looks(t.Context(), one.Reference)
	for range 2 { // a walk can be walked again, and broken off
		var got []worklist.Look
		for l, err := range walk {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("the looks differ (-want +got):\n%s", d)
		}
		for l, err := range walk {
			if err != nil || l != want[0] {
				t.Errorf("the newest is %v, %v", l, err)
			}
			break
		}
	}
	for range 2 { // the same at the same time is another look
		if err := s.Worklist.Look(t.Context(), list, two.Reference); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for l, err := range s.Worklist.Looks(t.Context(), two.Reference) {
		if n++; err != nil || l != list {
			t.Errorf("a look at the second is %v, %v", l, err)
		}
	}
	if n != 3 {
		t.Errorf("%d looks at the second form", n)
	}
	for l, err := range s.Worklist.Looks(t.Context(), newForm(someone()).Reference) {
		t.Errorf("a form that nobody looked at: %v, %v", l, err)
	}
	if err := s.Worklist.Look(t.Context(), list); err != nil {
		t.Errorf("a look at nothing: %v", err)
	}
	// Claims and looks leave the form as it is.
	if _, err := s.Worklist.Claim(t.Context(), one.Reference, worklist.Claim{By: list.By, Until: Noon.Add(time.Hour)}, Noon); err != nil {
		t.Fatal(err)
	}
	sameForm(t, read(t, s, one.Reference), one)
}
