package optouttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/quota"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// Subject is a store under test and a look into it that the domain does not need yet.
type Subject struct {
	Store    optout.Store
	Counter  quota.Counter
	Worklist worklist.Store
	Uploads  upload.Store
	Books    batch.Store
	Sessions signin.Sessions
	Clients  interface {
		signin.Clients
		SaveClient(ctx context.Context, id string, practice nhs.ODSCode, name string) error
		SaveMailroomClient(ctx context.Context, id, name string) error
	}
	// Possible gives the list under the key of a possible person.
	Possible func(ctx context.Context, key optout.PersonKey) ([]optout.Reference, error)
}

// Conformance is what every store must do, whatever keeps its items. open gives a store that may hold other
// tests' items; each test works on persons and practices of its own.
func Conformance(t *testing.T, open func(*testing.T) Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"what was registered is read as it was":                              readsBack,
		"sixteen writers of one key: one wins, all get the same answer":      sixteenWriters,
		"forms of one person stand on its list in the order of arrival":      personList,
		"a person's list takes 64 references and then says so":               crowded,
		"a full list of possible persons keeps nobody from registering":      possibleFull,
		"only one of two records on the same version is written":             oneRecordWins,
		"recording moves a form to its practice and makes the practice due":  recordAsks,
		"a practice that is due stays due when it is asked again":            asksAgain,
		"a digest is saved on the version it was read at only":               digestVersions,
		"due things are found from their time on, oldest first":              dueInOrder,
		"postponing changes nothing that happened":                           postpones,
		"a fault is noted until the next event":                              faultNoted,
		"a form that is not there is not found":                              notFound,
		"several events of several forms are written together or not at all": changesTogether,
		"a form that must not have changed is checked":                       checksWhile,
		"a number that is added puts the form on the person's list":          joins,
		"a practice that is asked for its list, or is late, says so":         asksMore,
		"a practice's decision is saved on the version it was read at only":  practiceVersions,
		"what waits for a practice is what it has to act on":                 waitsToAct,
		"what is counted under a key is counted from one":                    countsFromOne,
		"sixteen who count at once are all counted":                          sixteenCount,
		"a form is on the list of whoever has it, as far as they are":        listedAsItMoves,
		"a list is read page by page, oldest or newest first":                pages,
		"a list of the whole country is read page by page":                   sharedPages,
		"what the office must help with is on its list":                      officeList,
		"a cursor is good for the list that gave it and no other":            ownCursors,
		"whoever claims a form has it until their time comes":                claims,
		"sixteen who claim a form at once: exactly one gets it":              sixteenClaims,
		"what was released is free, and stays another's":                     releases,
		"looks are kept, newest first":                                       looks,
		"a session is open from its opening to its end":                      sessionOpensAndEnds,
		"sixty-four sessions opened at once are sixty-four":                  sessionsAtOnce,
		"ending all of a person's sessions ends nobody else's":               sessionsEnd,
		"a machine is of whom it was entered for last":                       clientOfSomebody,
		"a slot is read as it was written":                                   slotReadsBack,
		"of sixteen who write a slot at one version one does":                sixteenSlots,
		"a practice's slots are listed newest first, and nobody else's":      slotsListed,
		"a slot is found when it is due, and no more once it is not":         slotsDue,
		"a practice's lists are read one at a time and never backwards":      turns,
		"a batch and its pieces are read as they were written":               bookReadsBack,
		"times of batches and pieces are kept to the millisecond":            bookTimes,
		"a batch, a piece or a paper that is not there is not found":         booksNotFound,
		"a batch changes with all that changes with it or not at all":        allOrNothing,
		"as many files as may be are announced at once":                      mostAtOnce,
		"of sixteen who write a batch or a piece at one version one does":    sixteenBooks,
		"a piece is on the list of those who act on it, oldest first":        queues,
		"batches are listed newest first, the open and the closed":           batchesListed,
		"an open batch to which nothing happens shows, the longest first":    batchesIdle,
		"the first file of some bytes stays the first":                       firstFile,
		"the paper of a form is the first piece that carried it":             papers,
		"of batches and pieces nothing is shared":                            nothingShared,
		"a sample is on its list, and a letter until it has gone":            samplesAndLetters,
		"what is counted is added up, with what it is written with":          tallies,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// newForm is a form that no store has seen, of the given answers.
func newForm(a optout.Answers) optout.Form {
	return optout.Registrar{Keys: Keys{}, Now: func() time.Time { return Noon }}.NewForm(Online(""), a, Accepted(a))
}

// someone are answers of a person nobody else in the table is.
func someone() optout.Answers {
	a := Dissent()
	a.Subject.NHSNumber = Number()
	a.Subject.Postcode = postcode()
	a.Practice = practice()
	return a
}

func register(t *testing.T, s Subject, a optout.Answers) optout.Form {
	t.Helper()
	f := newForm(a)
	if _, err := s.Store.Register(t.Context(), f); err != nil {
		t.Fatalf("register: %v", err)
	}
	return read(t, s, f.Reference)
}

// read is a form as the store has it.
func read(t *testing.T, s Subject, ref optout.Reference) optout.Form {
	t.Helper()
	f, err := s.Store.Form(t.Context(), ref)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return f
}

func routed(f optout.Form, at time.Time) optout.Form {
	return f.With(optout.Event{At: at, By: "engine", Kind: optout.Routed, Detail: map[string]string{"practice": f.Facts.Practice.String()}})
}

// values are compared as they are inside.
var values = cmp.AllowUnexported(
	optout.Form{}, optout.State{}, optout.Reference{}, nhs.Name{}, nhs.Date{}, nhs.Number{}, nhs.Postcode{}, nhs.ODSCode{})

// sameForm compares all that a store keeps.
func sameForm(t *testing.T, got, want optout.Form) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(optout.Form{}, "stored"), values); d != "" {
		t.Errorf("the form differs (-want +got):\n%s", d)
	}
}

func readsBack(t *testing.T, s Subject) {
	whole := someone()
	whole.Subject.NHSNumber = Number()
	proxied := someone()
	proxied.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"}
	proxied.Reply = &optout.Reply{Safe: []string{}}
	bare := optout.Answers{Choice: "core", NotRegistered: true, Subject: optout.Subject{Surname: "Адеєми", Forenames: "T", BirthDate: "2024-02-29", NoAddress: true}}
	about := someone()
	about.Kind, about.Choice, about.About = "not-me", "", newForm(whole).Reference.String()
	oneName := someone()
	oneName.Subject.Forenames, oneName.Subject.OneName = "", true
	for _, a := range []optout.Answers{whole, proxied, bare, about, oneName} {
		f := newForm(a)
		if _, err := s.Store.Register(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		sameForm(t, read(t, s, f.Reference), f)
	}
}

func sixteenWriters(t *testing.T, s Subject) {
	a, origin := someone(), Online("")
	r := optout.Registrar{Store: s.Store, Keys: Keys{}, Now: time.Now}
	var all sync.WaitGroup
	receipts, errs := make([]optout.Receipt, 16), make([]error, 16)
	for n := range receipts {
		all.Go(func() { receipts[n], errs[n] = r.Register(context.Background(), origin, a, Accepted(a)) })
	}
	all.Wait()
	first := 0
	for n, got := range receipts {
		switch {
		case errs[n] != nil:
			t.Errorf("writer %d: %v", n, errs[n])
		case !got.Replayed:
			first++
			fallthrough
		default:
			if got.Reference != receipts[0].Reference || !got.Received.Equal(receipts[0].Received) {
				t.Errorf("writer %d was told another answer", n)
			}
		}
	}
	if first != 1 {
		t.Errorf("%d writers were told that they were the first, want 1", first)
	}
	if refs, err := s.Store.Person(t.Context(), Keys{}.Person(Accepted(a).NHSNumber)); err != nil || len(refs) != 1 {
		t.Errorf("person's list has %d references (%v), want 1", len(refs), err)
	}
}

func personList(t *testing.T, s Subject) {
	a := someone()
	var want []optout.Reference
	for range 5 {
		want = append(want, register(t, s, a).Reference)
	}
	f := newForm(a)
	if got, err := s.Store.Person(t.Context(), f.Person); err != nil || !slices.Equal(got, want) {
		t.Errorf("the person's list is %v, %v; want %v", got, err, want)
	}
	if got, err := s.Possible(t.Context(), f.Possible); err != nil || !slices.Equal(got, want) {
		t.Errorf("the possible person's list is %v, %v; want %v", got, err, want)
	}
}

func crowded(t *testing.T, s Subject) {
	a := someone()
	for range optout.MostForms {
		register(t, s, a)
	}
	if _, err := s.Store.Register(t.Context(), newForm(a)); !errors.Is(err, optout.ErrCrowded) {
		t.Fatalf("the 65th form: %v, want ErrCrowded", err)
	}
	r := optout.Registrar{Store: s.Store, Keys: Keys{}, Now: time.Now}
	receipt, err := r.Register(t.Context(), Online(""), a, Accepted(a))
	if err != nil {
		t.Fatalf("the registrar refuses a 65th form: %v", err)
	}
	f, err := s.Store.Form(t.Context(), receipt.Reference)
	if err != nil || !f.Crowded() {
		t.Errorf("the 65th form: crowded %v, %v", f.Crowded(), err)
	}
	if refs, _ := s.Store.Person(t.Context(), f.Person); len(refs) != optout.MostForms {
		t.Errorf("the list grew to %d", len(refs))
	}
}

func possibleFull(t *testing.T, s Subject) {
	a := someone()
	for range optout.MostForms + 1 {
		a.Subject.NHSNumber = Number()
		register(t, s, a)
	}
	if refs, err := s.Possible(t.Context(), newForm(a).Possible); err != nil || len(refs) != optout.MostForms {
		t.Errorf("the list has %d references, %v; want %d", len(refs), err, optout.MostForms)
	}
	if refs, err := s.Store.Person(t.Context(), newForm(a).Person); err != nil || len(refs) != 1 {
		t.Errorf("the last person's own list has %d references, %v", len(refs), err)
	}
}

func oneRecordWins(t *testing.T, s Subject) {
	f := register(t, s, someone())
	var all sync.WaitGroup
	errs := make([]error, 8)
	for n := range errs {
		all.Go(func() {
			for {
				errs[n] = s.Store.Record(context.Background(), optout.Change{Form: routed(f, Noon.Add(time.Duration(n)*time.Second)), Tell: f.Facts.Practice})
				if !errors.Is(errs[n], optout.ErrConflict) {
					return
				}
				if now, err := s.Store.Form(context.Background(), f.Reference); err != nil || now.Version() != f.Version() {
					return // the conflict was about the version, not about a transaction under way
				}
			}
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, optout.ErrConflict) {
			t.Errorf("a loser got %v, want ErrConflict", err)
		}
	}
	got, err := s.Store.Form(t.Context(), f.Reference)
	if won != 1 || err != nil || got.Version() != 2 {
		t.Errorf("%d records won, version is %d (%v); want 1 and 2", won, got.Version(), err)
	}
	if p, err := s.Store.Practice(t.Context(), f.Facts.Practice); err != nil || p.Digest.Version != 1 {
		t.Errorf("the practice was asked %d times (%v), want once", p.Digest.Version, err)
	}
}

func recordAsks(t *testing.T, s Subject) {
	f := register(t, s, someone())
	if n, err := s.Store.Waiting(t.Context(), f.Facts.Practice); err != nil || n != 0 {
		t.Errorf("%d forms wait before routing (%v)", n, err)
	}
	now := routed(f, Noon.Add(time.Minute))
	if err := s.Store.Record(t.Context(), optout.Change{Form: now, Tell: f.Facts.Practice}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Store.Form(t.Context(), f.Reference)
	if err != nil {
		t.Fatal(err)
	}
	sameForm(t, got, now)
	p, err := s.Store.Practice(t.Context(), f.Facts.Practice)
	if err != nil || !p.Digest.Due.Equal(Noon.Add(time.Minute)) || p.Digest.Asked != f.Reference.Key() {
		t.Errorf("the practice is due at %v on behalf of %v (%v)", p.Digest.Due, p.Digest.Asked, err)
	}
	if n, err := s.Store.Waiting(t.Context(), f.Facts.Practice); err != nil || n != 1 {
		t.Errorf("%d forms wait, want 1 (%v)", n, err)
	}
}

func asksAgain(t *testing.T, s Subject) {
	a := someone()
	one, two := register(t, s, a), register(t, s, a)
	for n, f := range []optout.Form{one, two} {
		if err := s.Store.Record(t.Context(), optout.Change{Form: routed(f, Noon.Add(time.Duration(n)*time.Hour)), Tell: f.Facts.Practice}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := s.Store.Practice(t.Context(), one.Facts.Practice)
	if err != nil || !p.Digest.Due.Equal(Noon) || p.Digest.Asked != two.Reference.Key() || p.Digest.Version != 2 {
		t.Errorf("after two asks: %+v, %v", p.Digest, err)
	}
}

func digestVersions(t *testing.T, s Subject) {
	code := odsCode(practice())
	p, err := s.Store.Practice(t.Context(), code)
	if err != nil || p.Digest.Version != 0 || !p.Digest.Due.IsZero() {
		t.Fatalf("a practice never written is %+v, %v", p, err)
	}
	p.Digest = digest.Digest{Due: Noon.Add(1500 * time.Microsecond), Lease: Noon.Add(time.Nanosecond)}
	if err := s.Store.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if fine, err := s.Store.Practice(t.Context(), code); err != nil || !fine.Digest.Due.Equal(Noon.Add(time.Millisecond)) || !fine.Digest.Lease.Equal(Noon) {
		t.Errorf("times finer than a millisecond are kept as %v and %v, %v", fine.Digest.Due, fine.Digest.Lease, err)
	}
	p.Digest = digest.Digest{
		Version: 1, Due: Noon, Lease: Noon.Add(time.Minute), Sent: Noon.Add(-time.Hour), Mails: 3, Fault: "no-address", Since: Noon.Add(-time.Minute), Tries: 2, Asked: newForm(someone()).Reference.Key(),
		Attempts: []digest.Attempt{{At: Noon, AtLeast: 4, Asked: newForm(someone()).Reference.Key(), Extract: true, To: "forms@densham.example", Outcome: "bounced", ID: "m-1"}, {At: Noon, AtLeast: 1, Outcome: "failed"}},
	}
	if err := s.Store.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.SaveDigest(t.Context(), p); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("saved twice on version 1: %v, want ErrConflict", err)
	}
	p.Digest.Version = 2
	got, err := s.Store.Practice(t.Context(), code)
	if d := cmp.Diff(p, got, values); err != nil || d != "" {
		t.Errorf("read back (%v):\n%s", err, d)
	}
	got.Digest = digest.Digest{Version: 2}
	if err := s.Store.SaveDigest(t.Context(), got); err != nil {
		t.Errorf("save on version 2: %v", err)
	}
	if got, _ = s.Store.Practice(t.Context(), code); !got.Digest.Due.IsZero() || got.Digest.Fault != "" || len(got.Digest.Attempts) != 0 || got.Digest.Version != 3 {
		t.Errorf("a digest with nothing due reads as %+v", got.Digest)
	}
}

// dueNow is everything due at a time, over all shards.
func dueNow(t *testing.T, s Subject, at time.Time) (found []optout.Due) {
	t.Helper()
	for shard := range s.Store.DueShards() {
		for d, err := range s.Store.Due(t.Context(), shard, at) {
			if err != nil {
				t.Fatalf("shard %d: %v", shard, err)
			}
			found = append(found, d)
		}
	}
	return found
}

func dueInOrder(t *testing.T, s Subject) {
	f := register(t, s, someone())
	form := optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}
	due := optout.Due{Noun: optout.DuePractice, ID: f.Facts.Practice.String()}
	if slices.Contains(dueNow(t, s, Noon.Add(-time.Millisecond)), form) {
		t.Error("the form is due before its time")
	}
	if !slices.Contains(dueNow(t, s, Noon), form) {
		t.Error("the form is not due at its time")
	}
	if err := s.Store.Record(t.Context(), optout.Change{Form: routed(f, Noon.Add(time.Minute)), Tell: f.Facts.Practice}); err != nil {
		t.Fatal(err)
	}
	now := dueNow(t, s, Noon.Add(time.Hour))
	if slices.Contains(now, form) || !slices.Contains(now, due) {
		t.Error("after routing the practice is due and the form is not: not so")
	}
	later := dueNow(t, s, Noon.AddDate(1, 0, 0))
	if !slices.Contains(later, form) || !slices.Contains(later, due) {
		t.Error("in a year both are due: not so")
	}
}

func postpones(t *testing.T, s Subject) {
	f := register(t, s, someone())
	d := optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}
	until := Noon.Add(4 * time.Minute)
	if err := s.Store.Postpone(t.Context(), d, optout.Postponement{Until: until, Version: 2}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("postponing another version: %v, want ErrConflict", err)
	}
	if err := s.Store.Postpone(t.Context(), d, optout.Postponement{Until: until, Tries: 3, Version: 1}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Store.Form(t.Context(), f.Reference)
	if err != nil || !got.Due.Equal(until) || got.Tries != 3 || got.Version() != 1 {
		t.Errorf("postponed: due %v, %d tries, version %d, %v", got.Due, got.Tries, got.Version(), err)
	}
	if slices.Contains(dueNow(t, s, Noon), d) {
		t.Error("it is still due")
	}
	if err := s.Store.Record(t.Context(), optout.Change{Form: routed(got, until), Tell: f.Facts.Practice}); err != nil {
		t.Fatal(err)
	}
	if got, _ = s.Store.Form(t.Context(), f.Reference); got.Tries != 0 || !got.Due.Equal(got.State().Due) {
		t.Errorf("its next event does not clear the failures: %d tries, due %v", got.Tries, got.Due)
	}
	nobody := optout.Due{Noun: optout.DueForm, ID: newForm(someone()).Reference.Key()}
	if err := s.Store.Postpone(t.Context(), nobody, optout.Postponement{Until: until}); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("postponing what is not there: %v, want ErrNotFound", err)
	}
}

func faultNoted(t *testing.T, s Subject) {
	f := register(t, s, someone())
	now := routed(f, Noon)
	if err := s.Store.Record(t.Context(), optout.Change{Form: now, Tell: f.Facts.Practice}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []optout.Due{{Noun: optout.DueForm, ID: f.Reference.Key()}, {Noun: optout.DuePractice, ID: f.Facts.Practice.String()}} {
		if err := s.Store.Postpone(t.Context(), d, optout.Postponement{Until: Noon.Add(time.Hour), Tries: 1, Fault: "cannot-advance"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Store.Form(t.Context(), f.Reference)
	if err != nil || got.Fault != "cannot-advance" {
		t.Errorf("the form's fault is %q, %v", got.Fault, err)
	}
	if n, _ := s.Store.Waiting(t.Context(), f.Facts.Practice); n != 1 {
		t.Errorf("its practice has lost it (%d)", n)
	}
	if p, err := s.Store.Practice(t.Context(), f.Facts.Practice); err != nil || p.Digest.Fault != "cannot-advance" {
		t.Errorf("the practice's fault is %q, %v", p.Digest.Fault, err)
	}
	again := got.With(optout.Event{At: Noon.Add(time.Hour), By: "engine", Kind: optout.Reminded})
	if err := s.Store.Record(t.Context(), optout.Change{Form: again}); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Store.Form(t.Context(), f.Reference); err != nil || got.Fault != "" {
		t.Errorf("after its next event the fault is %q, %v", got.Fault, err)
	}
}

func notFound(t *testing.T, s Subject) {
	f := newForm(someone())
	if _, err := s.Store.Form(t.Context(), f.Reference); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("read: %v, want ErrNotFound", err)
	}
	if err := s.Store.Record(t.Context(), optout.Change{Form: routed(f, Noon), Tell: f.Facts.Practice}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("record: %v, want ErrConflict", err)
	}
	if p, err := s.Store.Practice(t.Context(), f.Facts.Practice); err != nil || p.Digest.Version != 0 {
		t.Errorf("a refused record has asked the practice: %+v, %v", p.Digest, err)
	}
}

// event is one that may follow, one minute after the last.
func event(f optout.Form, kind optout.Kind, detail ...string) optout.Event {
	e := optout.Event{At: f.Events[f.Version()-1].At.Add(time.Minute), By: "practice " + f.Facts.Practice.String() + " u-1", Kind: kind, Detail: map[string]string{}}
	for pair := range slices.Chunk(detail, 2) {
		e.Detail[pair[0]] = pair[1]
	}
	return e
}

// record writes a change that must succeed, and reads its form back.
func record(t *testing.T, s Subject, c optout.Change) optout.Form {
	t.Helper()
	if err := s.Store.Record(t.Context(), c); err != nil {
		t.Fatalf("record: %v", err)
	}
	got := read(t, s, c.Form.Reference)
	sameForm(t, got, c.Form)
	return got
}

func changesTogether(t *testing.T, s Subject) {
	a := someone()
	one, two, three := register(t, s, a), register(t, s, a), register(t, s, a)
	withdrawn := func(f optout.Form) optout.Form {
		return f.With(event(f, optout.Replaced, "later", one.Reference.Key()))
	}
	two, three = record(t, s, optout.Change{Form: routed(two, Noon)}), record(t, s, optout.Change{Form: routed(three, Noon)})
	change := routed(one, Noon)
	change = change.With(event(change, optout.Collected))
	told := event(change, optout.Returned, "reason", "OTHER", "text", "00")
	told.Text = "in words <of> its own"
	change = change.With(told)
	record(t, s, optout.Change{Form: change, Others: []optout.Form{withdrawn(two), withdrawn(three)}})
	for _, f := range []optout.Form{two, three} {
		sameForm(t, read(t, s, f.Reference), withdrawn(f))
	}
	change = read(t, s, one.Reference)
	change = change.With(event(change, optout.Answered))
	if err := s.Store.Record(t.Context(), optout.Change{Form: change, Others: []optout.Form{withdrawn(two)}}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("with another form at an old version: %v, want ErrConflict", err)
	}
	if got := read(t, s, one.Reference); got.Version() != 4 {
		t.Errorf("half of a change was written: version %d", got.Version())
	}
}

func checksWhile(t *testing.T, s Subject) {
	a := someone()
	first, f := register(t, s, a), register(t, s, a)
	settled := f.With(event(f, optout.Settled, "as", "duplicate", "first", first.Reference.Key()))
	moved := record(t, s, optout.Change{Form: routed(first, Noon), Tell: first.Facts.Practice})
	if err := s.Store.Record(t.Context(), optout.Change{Form: settled, While: first}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("the first form had moved on: %v, want ErrConflict", err)
	}
	record(t, s, optout.Change{Form: settled, While: moved})
}

func joins(t *testing.T, s Subject) {
	a := someone()
	other := register(t, s, a)
	n := a.Subject.NHSNumber
	a.Subject.NHSNumber = ""
	f := register(t, s, a)
	a.Subject.NHSNumber = n
	joined := f
	joined.Facts, joined.Person = Accepted(a), Keys{}.Person(Accepted(a).NHSNumber)
	joined = joined.With(event(f, optout.Numbered, "number", "00"))
	record(t, s, optout.Change{Form: joined, Facts: true, Joins: true})
	if got, err := s.Store.Person(t.Context(), other.Person); err != nil || !slices.Equal(got, []optout.Reference{other.Reference, f.Reference}) {
		t.Errorf("the person's list is %v, %v", got, err)
	}
	if err := s.Store.Record(t.Context(), optout.Change{Form: joined, Facts: true, Joins: true}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("joined twice: %v, want ErrConflict", err)
	}
	// Other facts have another possible person, and a full list of those keeps nobody from anything.
	a.Subject.Surname = "Quillfeather"
	moved := read(t, s, f.Reference)
	moved.Facts, moved.Possible = Accepted(a), newForm(a).Possible
	moved = record(t, s, optout.Change{Form: moved.With(event(moved, optout.Reminded)), Facts: true, Flags: true})
	if got, err := s.Possible(t.Context(), moved.Possible); err != nil || !slices.Equal(got, []optout.Reference{f.Reference}) {
		t.Errorf("the possible person's list is %v, %v", got, err)
	}
	full := someone()
	for range optout.MostForms {
		full.Subject.NHSNumber = ""
		register(t, s, full)
	}
	moved.Facts, moved.Possible = Accepted(full), newForm(full).Possible
	record(t, s, optout.Change{Form: moved.With(event(moved, optout.Reminded)), Facts: true, Flags: true})
	a.Subject.Surname = "O'Neill"
	if nobody, err := s.Store.Person(t.Context(), Keys{}.Person(Accepted(someone()).NHSNumber)); err != nil || len(nobody) != 0 {
		t.Errorf("a person without forms has %v, %v", nobody, err)
	}
	for range optout.MostForms - 2 {
		register(t, s, a)
	}
	a.Subject.NHSNumber = ""
	late := register(t, s, a)
	more := late
	more.Facts, more.Person = joined.Facts, joined.Person
	more = more.With(event(late, optout.Numbered, "number", "00"))
	if err := s.Store.Record(t.Context(), optout.Change{Form: more, Facts: true, Joins: true}); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("joining a full list: %v, want ErrConflict", err)
	}
	if got := read(t, s, late.Reference); got.Version() != 1 || !got.Facts.NHSNumber.IsZero() {
		t.Error("half of a change was written")
	}
}

func asksMore(t *testing.T, s Subject) {
	f := register(t, s, someone())
	f = record(t, s, optout.Change{Form: routed(f, Noon), Tell: f.Facts.Practice, Asks: optout.Asks{Late: true}})
	f = record(t, s, optout.Change{Form: f.With(event(f, optout.Collected)), Tell: f.Facts.Practice, Asks: optout.Asks{Extract: true}})
	other := odsCode(practice())
	f = record(t, s, optout.Change{Form: f.With(event(f, optout.Reminded)), Look: []nhs.ODSCode{other}})
	if p, err := s.Store.Practice(t.Context(), other); err != nil || p.Digest.Due.IsZero() || p.Digest.Asked != "" {
		t.Errorf("a practice that is to be looked at is %+v, %v", p.Digest, err)
	}
	p, err := s.Store.Practice(t.Context(), f.Facts.Practice)
	if err != nil || !p.Digest.Extract || !p.Digest.Late.Equal(Noon) || p.Digest.Version != 2 {
		t.Errorf("the practice's digest is %+v, %v", p.Digest, err)
	}
	p.Digest.Fault, p.Digest.Since = "no-address", Noon.Add(time.Hour)
	if err := s.Store.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p.Digest.Version++
	got, err := s.Store.Practice(t.Context(), f.Facts.Practice)
	if d := cmp.Diff(p, got, values); err != nil || d != "" {
		t.Errorf("read back (%v):\n%s", err, d)
	}
}

func practiceVersions(t *testing.T, s Subject) {
	code := odsCode(practice())
	p := optout.Practice{Code: code, Email: "forms@densham.example", Decisions: []optout.Decision{
		{Stand: optout.Wait, Words: "not <yet>", On: nhs.DateOf(Noon), At: Noon.Add(time.Nanosecond), By: "practice A81001 u-1"},
		{Stand: optout.TakePart, On: nhs.DateOf(Noon), At: Noon, By: "practice A81001 u-2"},
	}, Contacts: []optout.Contact{{Email: "forms@densham.example", At: Noon, By: "office u-3"}}, Chases: []optout.Chase{
		{How: "post", On: nhs.DateOf(Noon), Text: "to the <partners>", At: Noon, By: "office u-3"},
		{How: "phone", On: nhs.DateOf(Noon), At: Noon.Add(time.Hour), By: "office u-4"},
	}}
	if err := s.Store.SavePractice(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.SavePractice(t.Context(), p); !errors.Is(err, optout.ErrConflict) {
		t.Errorf("saved twice as new: %v, want ErrConflict", err)
	}
	p.Version, p.Decisions[0].At = 1, Noon
	got, err := s.Store.Practice(t.Context(), code)
	if d := cmp.Diff(p, got, values); err != nil || d != "" {
		t.Errorf("read back (%v):\n%s", err, d)
	}
	got.Email, got.Decisions, got.Chases = "", got.Decisions[:1], nil
	if err := s.Store.SavePractice(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Store.Practice(t.Context(), code); err != nil || got.Email != "" || got.TakesPart() || got.Version != 2 || len(got.Chases) != 0 {
		t.Errorf("after the second save: %+v, %v", got, err)
	}
}

func waitsToAct(t *testing.T, s Subject) {
	a := someone()
	var refs []optout.Reference
	for range 4 {
		f := register(t, s, a)
		record(t, s, optout.Change{Form: routed(f, Noon)})
		refs = append(refs, f.Reference)
	}
	slices.SortFunc(refs, func(a, b optout.Reference) int { return strings.Compare(a.Key(), b.Key()) }) // all came at the same time
	code := odsCode(a.Practice)
	f := read(t, s, refs[0])
	f = record(t, s, optout.Change{Form: f.With(event(f, optout.Collected))})
	f = record(t, s, optout.Change{Form: f.With(event(f, optout.Applied, "on", "2026-11-22"))})
	if n, err := s.Store.Waiting(t.Context(), code); err != nil || n != 3 {
		t.Errorf("%d wait after one was applied, %v", n, err)
	}
	if got, err := s.Store.Oldest(t.Context(), code, 2); err != nil || !slices.Equal(got, refs[1:3]) {
		t.Errorf("the oldest are %v, %v; want %v", got, err, refs[1:3])
	}
	record(t, s, optout.Change{Form: f.With(event(f, optout.Missing, "run", Noon.Add(time.Hour).Format("2006-01-02T15:04:05.000Z")))})
	if n, err := s.Store.Waiting(t.Context(), code); err != nil || n != 4 {
		t.Errorf("%d wait after one is in doubt, %v", n, err)
	}
	if got, err := s.Store.Oldest(t.Context(), odsCode(practice()), 2); err != nil || len(got) != 0 {
		t.Errorf("nothing waits at a practice never heard of: %v, %v", got, err)
	}
}

func countsFromOne(t *testing.T, s Subject) {
	key, other := rand.Text(), rand.Text()
	counted := func(key string, want int) {
		t.Helper()
		if n, err := s.Counter.Counted(t.Context(), key); err != nil || n != want {
			t.Errorf("%d were counted (%v), want %d", n, err, want)
		}
	}
	counted(key, 0)
	for want := 1; want <= 3; want++ {
		if n, err := s.Counter.Count(t.Context(), key, Noon.Add(time.Duration(want)*time.Minute)); err != nil || n != want {
			t.Errorf("counted as %d, %v, want %d", n, err, want)
		}
		counted(key, want)
	}
	counted(other, 0)
	if n, err := s.Counter.Count(t.Context(), other, Noon); err != nil || n != 1 {
		t.Errorf("under another key counted as %d, %v", n, err)
	}
	counted(key, 3)
}

func sixteenCount(t *testing.T, s Subject) {
	key := rand.Text()
	counts, errs := make([]int, 16), make([]error, 16)
	var all sync.WaitGroup
	for n := range counts {
		all.Go(func() { counts[n], errs[n] = s.Counter.Count(context.Background(), key, Noon) })
	}
	all.Wait()
	slices.Sort(counts)
	for n, got := range counts {
		if got != n+1 {
			t.Errorf("they were counted as %v, %v", counts, errors.Join(errs...))
			break
		}
	}
}

func sessionOpen(t *testing.T, s Subject, person string, id [16]byte) bool {
	t.Helper()
	open, err := s.Sessions.SessionIsOpen(t.Context(), person, id)
	if err != nil {
		t.Error(err)
	}
	return open
}

func sessionOpensAndEnds(t *testing.T, s Subject) {
	person, id := rand.Text(), [16]byte{1}
	if err := s.Sessions.EndSession(t.Context(), person, id); err != nil || sessionOpen(t, s, person, id) {
		t.Errorf("what was never open: %v", err)
	}
	if err := s.Sessions.OpenSession(t.Context(), person, id, Noon.Add(time.Hour)); err != nil || !sessionOpen(t, s, person, id) {
		t.Errorf("not open: %v", err)
	}
	if sessionOpen(t, s, person, [16]byte{2}) || sessionOpen(t, s, rand.Text(), id) {
		t.Error("another session, or another person's of the same id, is open")
	}
	for range 2 {
		if err := s.Sessions.EndSession(t.Context(), person, id); err != nil || sessionOpen(t, s, person, id) {
			t.Errorf("still open: %v", err)
		}
	}
}

func sessionsAtOnce(t *testing.T, s Subject) {
	person, errs := rand.Text(), make([]error, 64)
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() { errs[n] = s.Sessions.OpenSession(context.Background(), person, [16]byte{byte(n)}, Noon) })
	}
	all.Wait()
	for n := range errs {
		if errs[n] != nil || !sessionOpen(t, s, person, [16]byte{byte(n)}) {
			t.Errorf("session %d: %v", n, errs[n])
		}
	}
}

func sessionsEnd(t *testing.T, s Subject) {
	leaver, other := rand.Text(), rand.Text()
	for n := range 3 {
		for _, person := range []string{leaver, other} {
			if err := s.Sessions.OpenSession(t.Context(), person, [16]byte{byte(n)}, Noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		if err := s.Sessions.EndSessions(t.Context(), leaver); err != nil {
			t.Error(err)
		}
	}
	for n := range 3 {
		if sessionOpen(t, s, leaver, [16]byte{byte(n)}) || !sessionOpen(t, s, other, [16]byte{byte(n)}) {
			t.Errorf("session %d of the leaver is open, or that of somebody else is not", n)
		}
	}
}

func clientOfSomebody(t *testing.T, s Subject) {
	id := rand.Text()
	if _, err := s.Clients.Client(t.Context(), id); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("an unknown machine: %v", err)
	}
	for range 2 {
		want := optout.Actor{Role: optout.AtPractice, Practice: odsCode(practice()), ID: id}
		if err := s.Clients.SaveClient(t.Context(), id, want.Practice, "a system"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Clients.Client(t.Context(), id); err != nil || got != want {
			t.Errorf("it acts as %s (%v), want %s", got, err, want)
		}
		want = optout.Actor{Role: optout.Desk, ID: id}
		if err := s.Clients.SaveMailroomClient(t.Context(), id, "a scanner"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Clients.Client(t.Context(), id); err != nil || got != want {
			t.Errorf("it acts as %s (%v), want %s", got, err, want)
		}
	}
}

// serial gives each test persons and practices of its own.
var serial = struct {
	sync.Mutex
	n int
}{}

func next() int {
	serial.Lock()
	defer serial.Unlock()
	serial.n++
	return serial.n
}

// Number is a test NHS number that nobody else in this run of the tests has.
func Number() string {
	for {
		d := fmt.Sprintf("9%08d", next())
		sum := 0
		for i := range d {
			sum += int(d[i]-'0') * (10 - i)
		}
		if check := (11 - sum%11) % 11; check != 10 {
			return fmt.Sprintf("%s%d", d, check)
		}
	}
}

func postcode() string {
	n := next()
	return fmt.Sprintf("%c%c%d %d%c%c", 'A'+n%20, 'A'+n/20%20, n/400%10, n/4000%10, 'A'+n/40000%20, 'B')
}

func practice() string { return fmt.Sprintf("A%05d", next()) }

func odsCode(s string) nhs.ODSCode {
	c, err := nhs.ParseODSCode(s)
	if err != nil {
		panic(err)
	}
	return c
}
