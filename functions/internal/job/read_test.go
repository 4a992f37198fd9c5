package job_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
)

// surgery is a practice that has forms and sends lists.
type surgery struct {
	t     testing.TB
	store *optouttest.Memory
	files *optouttest.Files
	clock *optouttest.Clock
	by    optout.Actor
}

func newSurgery(t testing.TB) *surgery {
	return &surgery{t, &optouttest.Memory{}, &optouttest.Files{}, optouttest.NewClock(), clerk("A81001")}
}

// at is another practice of the same country.
func (s *surgery) at(practice string) *surgery {
	other := *s
	other.by = clerk(practice)
	return &other
}

func clerk(practice string) optout.Actor {
	return optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode(practice), ID: "u-17"}
}

func (s *surgery) reader() job.Reader {
	return job.Reader{Store: s.store, Files: s.files, Layouts: extract.Layouts, TestNumbers: true, Now: s.clock.Now}
}

func (s *surgery) custody(now time.Time) optout.Custody {
	return optout.Custody{Store: s.store, Keys: optouttest.Keys{}, Now: func() time.Time { return now }}
}

// days is a time so many days before the clock's.
func days(n int) time.Time { return optouttest.Noon.AddDate(0, 0, -n) }

// form is a form that came ten days ago; number may be "".
func (s *surgery) form(key, number string, change ...func(*optout.Answers)) optout.Reference {
	s.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber, a.Practice = number, s.by.Practice.String()
	for _, c := range change {
		c(&a)
	}
	r := optout.Registrar{Store: s.store, Keys: optouttest.Keys{}, Now: func() time.Time { return days(10) }}
	receipt, err := r.Register(s.t.Context(), optouttest.Online(key), a, optouttest.Accepted(a))
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt.Reference
}

// say has the engine say something of a form.
func (s *surgery) say(ref optout.Reference, kind optout.Kind, detail map[string]string) optout.Reference {
	s.t.Helper()
	f := s.read(ref)
	if err := s.store.Record(s.t.Context(), optout.Change{Form: f.With(optout.Event{At: days(9), By: "engine", Kind: kind, Detail: detail})}); err != nil {
		s.t.Fatal(err)
	}
	return ref
}

// has is a form that waits for the practice.
func (s *surgery) has(key, number string, change ...func(*optout.Answers)) optout.Reference {
	s.t.Helper()
	return s.say(s.form(key, number, change...), optout.Routed, map[string]string{"practice": s.by.Practice.String()})
}

// applied is a form that the practice said is applied.
func (s *surgery) applied(key, number string, when time.Time, change ...func(*optout.Answers)) optout.Reference {
	s.t.Helper()
	ref := s.has(key, number, change...)
	s.apply(ref, when, "9Ndo.")
	return ref
}

func (s *surgery) apply(ref optout.Reference, when time.Time, code string) {
	s.t.Helper()
	c := s.custody(when)
	if _, err := c.Collect(s.t.Context(), ref, s.by, optout.Said{}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := c.Apply(s.t.Context(), ref, s.by, optout.Said{}, optout.Application{On: nhs.DateOf(when), Code: code}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *surgery) read(ref optout.Reference) optout.Form {
	s.t.Helper()
	f, err := s.store.Form(s.t.Context(), ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *surgery) status(ref optout.Reference) optout.Status { return s.read(ref).State().Status }

// promises is a slot of the practice.
func (s *surgery) promises(run time.Time, change ...func(*upload.Slot)) upload.Slot {
	s.t.Helper()
	slot := upload.New(s.by, run, false, s.clock.Now())
	for _, c := range change {
		c(&slot)
	}
	return s.save(slot)
}

func (s *surgery) save(slot upload.Slot) upload.Slot {
	s.t.Helper()
	slot, err := s.store.SaveUpload(s.t.Context(), slot)
	if err != nil {
		s.t.Fatal(err)
	}
	return slot
}

// sends is a slot whose file is there, as the door knows.
func (s *surgery) sends(list string, run time.Time, change ...func(*upload.Slot)) upload.Slot {
	s.t.Helper()
	slot := s.promises(run, change...)
	if err := s.files.Put(s.t.Context(), slot.Key(), "", []byte(list)); err != nil {
		s.t.Fatal(err)
	}
	return s.save(slot.Arrived(s.clock.Now()))
}

// slot is one as it is stored.
func (s *surgery) slot(id string) upload.Slot {
	s.t.Helper()
	slot, err := s.store.Upload(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return slot
}

// reads reads a slot by the stream's way and gives what became of it.
func (s *surgery) reads(slot upload.Slot) upload.Slot {
	s.t.Helper()
	if done, err := job.ReadNamed(s.reader())(s.t.Context(), []trigger.Named{{PK: "U#" + slot.ID, SK: "U"}}); done != 1 || err != nil {
		s.t.Fatalf("%d, %v", done, err)
	}
	return s.slot(slot.ID)
}

// told is the answer as CSV, its rows as "row outcome form".
func (s *surgery) told(slot upload.Slot) (told []string) {
	s.t.Helper()
	text := bytes.TrimPrefix(s.files.Newest(slot.AnswerKey()), []byte("\ufeff"))
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		s.t.Fatal(err, "no answer")
	}
	for _, row := range rows[1:] {
		if row[2] == "" {
			s.t.Errorf("nothing says what %s means", row[1])
		}
		told = append(told, strings.TrimSpace(strings.Join([]string{row[0], row[1], row[3]}, " ")))
	}
	return told
}

// list is a file in the plain layout: number and code in turn.
func list(cells ...string) string {
	text := "NHS number,Code\n"
	for pair := range slices.Chunk(cells, 2) {
		text += strings.Join(pair, ",") + "\n"
	}
	return text
}

func TestEveryRowAndEveryFormIsAccountedFor(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := make([]string, 12)
	for i := range n {
		n[i] = optouttest.Number()
	}
	core := func(a *optout.Answers) { a.Choice = "core" }
	shown := s.applied("shown", n[0], days(5))
	missing := s.applied("missing", n[1], days(5))
	later := s.applied("later", n[2], optouttest.Noon)
	waits := s.has("waits", n[3])
	coded := s.has("coded", n[4])
	another := s.applied("another code", n[5], days(5))
	numberless := s.has("no number", "")
	unclear := s.applied("row unclear", n[6], days(5))
	twice := s.has("two forms", n[0], core)
	withdrawn := s.say(s.has("withdrawn", n[7]), optout.Returned, map[string]string{"reason": "WITHDRAWN_BY_PERSON"})
	s.say(withdrawn, optout.Withdrawn, map[string]string{"how": "phone"})
	wants := s.has("coded otherwise", n[8], core)

	slot := s.reads(s.sends(list(
		n[0], "9Ndo.", n[4], "9Ndo.", n[5], "9Ndm.", n[6], "unknown", n[7], "9Ndo.", n[8], "9Ndo.", n[9], "9Ndo.", n[9], "9Ndo.", n[10], "",
	), days(1)))

	want := []string{
		"2 checked " + shown.String(), "3 checked " + coded.String(), "4 in-doubt " + another.String(), "5 code-unknown", "6 over " + withdrawn.String(),
		"7 waiting " + wants.String(), "8 unknown", "9 number-again", "10 code-missing",
	}
	forms := map[optout.Reference]string{
		missing: "in-doubt", later: "applied-later", waits: "waiting", numberless: "no-number", unclear: "not-compared", twice: "waiting",
	}
	for _, ref := range slices.SortedFunc(maps.Keys(forms), func(a, b optout.Reference) int { return strings.Compare(a.Key(), b.Key()) }) {
		want = append(want, forms[ref]+" "+ref.String())
	}
	if got := s.told(slot); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	a := slot.Answer
	if slot.State != upload.Read || a.Layout != "plain" || a.Rows != 9 || upload.Sum(a.Used)+upload.Sum(a.Faults) != 9 {
		t.Errorf("%s: %d rows, %v used, %v not", slot.State, a.Rows, a.Used, a.Faults)
	}
	if !maps.Equal(a.Used, map[string]int{"checked": 2, "in-doubt": 1, "over": 1, "waiting": 1, "unknown": 1}) ||
		!maps.Equal(a.Faults, map[string]int{"code-unknown": 1, "number-again": 1, "code-missing": 1}) ||
		!maps.Equal(a.Forms, map[string]int{"in-doubt": 1, "applied-later": 1, "waiting": 2, "no-number": 1, "not-compared": 1}) {
		t.Errorf("used %v, faults %v, forms %v", a.Used, a.Faults, a.Forms)
	}
	if len(a.Doubt) != 2 || !slices.Contains(a.Doubt, missing) || !slices.Contains(a.Doubt, another) {
		t.Errorf("in doubt: %v", a.Doubt)
	}
	if !slices.Equal(a.Faulty, []upload.Faulty{{Line: 5, Code: "code-unknown"}, {Line: 9, Code: "number-again", Other: 8}, {Line: 10, Code: "code-missing"}}) {
		t.Errorf("faulty rows: %v", a.Faulty)
	}
	for ref, want := range map[optout.Reference]optout.Status{
		shown: optout.StatusChecked, missing: optout.StatusInDoubt, later: optout.StatusApplied, waits: optout.StatusRouted, coded: optout.StatusChecked,
		another: optout.StatusInDoubt, numberless: optout.StatusRouted, unclear: optout.StatusApplied, twice: optout.StatusRouted,
		withdrawn: optout.StatusWithdrawn, wants: optout.StatusRouted,
	} {
		if got := s.status(ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	if s.files.Newest(slot.Key()) != nil || len(slot.SHA256) != 32 || !slot.Due.Equal(slot.Promised.Add(upload.Lingers)) || slot.Object != "" {
		t.Errorf("the file is still there, or its hash is not: %+v", slot)
	}
}

// Nothing personal of the list stands in the answer, and no cell of it is a formula.
func TestTheAnswerNamesNobody(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := optouttest.Number()
	s.applied("x", n, days(5))
	slot := s.reads(s.sends("NHS number,Code,Surname\n"+n+",9Ndo.,=Quillfeather\n"+n[:9]+"x,9Ndo.,Quillfeather\n", days(1)))
	text := string(s.files.Newest(slot.AnswerKey()))
	for _, said := range []string{n, n[:9], "Quillfeather", "O'Neill"} {
		if strings.Contains(text, said) || strings.Contains(fmt.Sprint(slot), said) {
			t.Errorf("%q stands in the answer", said)
		}
	}
}

func TestWhatIsWrongWithAListHasAName(t *testing.T) {
	t.Parallel()
	n := optouttest.Number()
	strangers := list(optouttest.Number(), "9Ndo.", optouttest.Number(), "9Ndo.")
	sure := func(slot *upload.Slot) { slot.Sure = true }
	for name, c := range map[string]struct {
		list   string
		run    time.Time
		change func(*upload.Slot)
		code   string
	}{
		"empty":                               {"", days(1), nil, "empty"},
		"header only":                         {list(), days(1), nil, "no-rows"},
		"no such columns":                     {"a,b\n1,2\n", days(1), nil, "no-number-column"},
		"a spreadsheet's own file":            {"PK\x03\x04", days(1), nil, "not-text"},
		"larger than is read":                 {strings.Repeat("x", extract.MostBytes+1), days(1), nil, "too-large"},
		"too many rows":                       {"NHS number,Code\n" + strings.Repeat("x,y\n", extract.MostRows+1), days(1), nil, "too-many-rows"},
		"run in the future":                   {list(n, "9Ndo."), optouttest.Noon.Add(time.Minute), nil, "run-in-future"},
		"run long ago":                        {list(n, "9Ndo."), days(91), nil, "run-long-ago"},
		"run a while ago":                     {list(n, "9Ndo."), days(90), nil, ""},
		"of somebody else":                    {strangers, days(1), nil, "none-of-yours"},
		"of somebody else, says the practice": {strangers, days(1), sure, ""},
		"with one of ours":                    {strangers + n + ",9Ndo.\n", days(1), nil, ""},
		"with one of ours in an unclear row":  {strangers + n + ",?\n", days(1), nil, ""},
		"run before we applied any":           {strangers, days(6), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSurgery(t)
			refs := []optout.Reference{s.applied("0", n, days(5))}
			for i := range 4 {
				refs = append(refs, s.applied(fmt.Sprint(i+1), optouttest.Number(), days(5)))
			}
			if c.change == nil {
				c.change = func(*upload.Slot) {}
			}
			slot := s.reads(s.sends(c.list, c.run, c.change))
			want := upload.Refused
			if c.code == "" {
				want = upload.Read
			}
			if slot.State != want || slot.Refusal.Code != c.code || (slot.Refusal.Detail == "") != (c.code == "") {
				t.Errorf("%s, %+v", slot.State, slot.Refusal)
			}
			if s.files.Newest(slot.Key()) != nil || !slot.Lease.IsZero() {
				t.Error("the file is still there")
			}
			if c.code == "" {
				return
			}
			for _, ref := range refs {
				if s.status(ref) != optout.StatusApplied {
					t.Errorf("a form is %s", s.status(ref))
				}
			}
			if s.files.Newest(slot.AnswerKey()) != nil {
				t.Error("there is an answer")
			}
			if known := c.code != "too-large" && c.code != "run-in-future" && c.code != "run-long-ago"; known != (len(slot.SHA256) == 32) {
				t.Errorf("the hash is %q", hex.EncodeToString(slot.SHA256))
			}
		})
	}
}

// Fewer forms than would tell are put in doubt by a list that lacks them; so are any by one row that is good.
func TestAListWithoutAGoodRowPutsNobodyInDoubt(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	ref := s.applied("x", optouttest.Number(), days(5))
	slot := s.reads(s.sends(list(optouttest.Number(), "no code of ours", "x", "9Ndo."), days(1)))
	if slot.State != upload.Read || s.status(ref) != optout.StatusApplied || slot.Answer.Forms["not-compared"] != 1 {
		t.Errorf("%s, the form is %s, %v", slot.State, s.status(ref), slot.Answer.Forms)
	}
	slot = s.reads(s.sends(list(optouttest.Number(), "9Ndo."), days(1)))
	if slot.State != upload.Read || s.status(ref) != optout.StatusInDoubt || slot.Answer.Forms["in-doubt"] != 1 {
		t.Errorf("%s, the form is %s, %v", slot.State, s.status(ref), slot.Answer.Forms)
	}
}

// takenBack is a choice that was applied and a withdrawal of it that the practice said is applied, on these days.
func (s *surgery) takenBack(key, number string, first, then time.Time) optout.Reference {
	s.t.Helper()
	no := s.applied(key, number, first)
	ref := s.has(key+", taken back", number, func(a *optout.Answers) { a.Kind, a.Choice, a.About = "withdrawal", "", no.String() })
	c := s.custody(then)
	if _, err := c.Collect(s.t.Context(), ref, s.by, optout.Said{}); err != nil {
		s.t.Fatal(err)
	}
	a := optout.Application{On: nhs.DateOf(then), Code: "9Ndn.", Replaces: []optout.Reference{no}, Asked: true}
	if _, err := c.Apply(s.t.Context(), ref, s.by, optout.Said{}, a); err != nil {
		s.t.Fatal(err)
	}
	return ref
}

// That somebody is coded no more is proved by a list without them. A stranger's list is without everybody, and must prove
// nothing: one such form is enough to refuse it.
func TestAStrangersListProvesNoWithdrawal(t *testing.T) {
	t.Parallel()
	sure := func(slot *upload.Slot) { slot.Sure = true }
	strangers := list(optouttest.Number(), "9Ndo.", optouttest.Number(), "9Ndo.")
	n := optouttest.Number()
	for name, c := range map[string]struct {
		list   string
		run    time.Time
		change func(*upload.Slot)
		code   string
		status optout.Status
	}{
		"with nobody of the practice's":           {strangers, days(1), func(*upload.Slot) {}, "none-of-yours", optout.StatusApplied},
		"which is right, the practice says":       {strangers, days(1), sure, "", optout.StatusChecked},
		"with somebody of the practice's":         {strangers + n + ",9Ndo.\n", days(1), func(*upload.Slot) {}, "", optout.StatusChecked},
		"run before it was said to be taken back": {strangers + n + ",9Ndo.\n", days(6), func(*upload.Slot) {}, "", optout.StatusApplied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSurgery(t)
			s.has("ours", n)
			ref := s.takenBack("x", optouttest.Number(), days(8), days(5))
			slot := s.reads(s.sends(c.list, c.run, c.change))
			if slot.Refusal.Code != c.code || s.status(ref) != c.status {
				t.Errorf("%s %s, the form is %s; want %q and %s", slot.State, slot.Refusal.Code, s.status(ref), c.code, c.status)
			}
		})
	}
}

// Who seems not to be in a list may stand in a row whose number nobody can read. Unless there are few such rows, that
// somebody is not there puts nobody in doubt and proves nothing.
func TestAListWithUnreadableNumbersIsBelievedInWhatItShowsOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		absent, mangled int
		status          optout.Status
	}{
		"a spreadsheet has made them unreadable": {19, 19, optout.StatusApplied},
		"one is, of two who are not there":       {2, 1, optout.StatusApplied},
		"one is, of many who are not there":      {10, 1, optout.StatusInDoubt},
		"two are, of as many":                    {10, 2, optout.StatusApplied},
		"none is":                                {1, 0, optout.StatusInDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSurgery(t)
			n := optouttest.Number()
			shown := s.applied("shown", n, days(5))
			var absent []optout.Reference
			for i := range c.absent {
				absent = append(absent, s.applied(fmt.Sprint(i), optouttest.Number(), days(5)))
			}
			back := s.takenBack("back", optouttest.Number(), days(8), days(5))
			cells := []string{n, "9Ndo."}
			for range c.mangled {
				cells = append(cells, "9.00E+09", "9Ndo.")
			}
			slot := s.sends(list(cells...), days(1))
			for range 2 { // who reads it again comes to the same
				slot = s.reads(slot)
				if slot.State != upload.Read || s.status(shown) != optout.StatusChecked {
					t.Errorf("%s %s, the form that is shown is %s", slot.State, slot.Refusal.Code, s.status(shown))
				}
				for _, ref := range absent {
					if s.status(ref) != c.status {
						t.Errorf("one that is not there is %s, want %s", s.status(ref), c.status)
					}
				}
				proved, told := s.status(back) == optout.StatusChecked, "not-compared"
				if c.status == optout.StatusInDoubt {
					told = "in-doubt"
				}
				if proved != (c.status == optout.StatusInDoubt) || slot.Answer.Forms[told] < c.absent {
					t.Errorf("the withdrawal is %s, told %v", s.status(back), slot.Answer.Forms)
				}
				slot = s.sends(list(cells...), days(1))
			}
		})
	}
}

// One number under two names: a list has the number, and cannot tell whose of the two it shows. What the practice said is
// applied it has looked at; the other form is not closed by it, nor is either where it said so of none.
func TestANumberUnderTwoNamesClosesNothingUnsaid(t *testing.T) {
	t.Parallel()
	zoe := func(a *optout.Answers) { a.Subject.Forenames, a.Subject.Surname = "Zoe", "Different" }
	younger := func(a *optout.Answers) { a.Subject.BirthDate = "1961-07-07" }
	titled := func(a *optout.Answers) { a.Subject.Title, a.Subject.Surname = "Dr", "o’neill" }
	for name, c := range map[string]struct {
		other   func(*optout.Answers)
		said    bool
		one     optout.Status
		another optout.Status
	}{
		"another surname":                {zoe, true, optout.StatusChecked, optout.StatusRouted},
		"another birth date":             {younger, true, optout.StatusChecked, optout.StatusRouted},
		"another surname, and none said": {zoe, false, optout.StatusRouted, optout.StatusRouted},
		"the same person":                {titled, true, optout.StatusChecked, optout.StatusChecked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSurgery(t)
			n := optouttest.Number()
			one := s.has("one", n)
			if c.said {
				s.apply(one, days(5), "9Ndo.")
			}
			another := s.has("another", n, c.other)
			for range 2 {
				slot := s.reads(s.sends(list(n, "9Ndo."), days(1)))
				if s.status(one) != c.one || s.status(another) != c.another {
					t.Errorf("they are %s and %s, want %s and %s", s.status(one), s.status(another), c.one, c.another)
				}
				if told := slot.Answer.Used["not-compared"] + slot.Answer.Forms["not-compared"]; (told > 0) != (c.another == optout.StatusRouted) {
					t.Errorf("told %v", s.told(slot))
				}
			}
		})
	}
}

func TestTheSameListTwiceSaysTheSame(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := []string{optouttest.Number(), optouttest.Number(), optouttest.Number()}
	s.applied("0", n[0], days(5))
	s.applied("1", n[1], days(5))
	s.has("2", n[2])
	text := list(n[0], "9Ndo.", n[2], "9Ndo.")
	first := s.reads(s.sends(text, days(1)))
	told := s.told(first)
	for _, run := range []time.Time{days(1), optouttest.Noon} {
		again := s.reads(s.sends(text, run))
		if again.State != upload.Read || !slices.Equal(s.told(again), told) || !bytes.Equal(again.SHA256, first.SHA256) {
			t.Errorf("%s: %v, at first %v", again.State, s.told(again), told)
		}
	}
}

func TestAnOlderListThanTheLastIsRefused(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := optouttest.Number()
	ref := s.applied("x", n, days(5))
	s.reads(s.sends(list(n, "9Ndo."), days(1)))
	older := s.reads(s.sends(list(optouttest.Number(), "9Ndo."), days(2)))
	if older.State != upload.Refused || older.Refusal.Code != "older-list" || s.status(ref) != optout.StatusChecked {
		t.Errorf("%s, %s, the form is %s", older.State, older.Refusal.Code, s.status(ref))
	}
	newer := s.reads(s.sends(list(optouttest.Number(), "9Ndo."), optouttest.Noon))
	if newer.State != upload.Read || s.status(ref) != optout.StatusInDoubt {
		t.Errorf("%s, %s, the form is %s", newer.State, newer.Refusal.Code, s.status(ref))
	}
}

// A list speaks of what its practice was given. What another practice has, or nobody yet, it neither tells of nor
// touches, though the person stands in it; a later list that lacks the person does not either.
func TestAListNeitherTellsOfNorTouchesWhatOthersHave(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	other := s.at("A81002")
	var n []string
	for range 6 {
		n = append(n, optouttest.Number())
	}
	refs := []optout.Reference{
		other.has("theirs", n[0]), other.applied("applied", n[1], days(5)), s.say(s.form("unrouted", n[2]), optout.Unrouted, map[string]string{"fault": "no-practice"}),
		s.form("on its way", n[3]), s.say(s.has("returned", n[4]), optout.Returned, map[string]string{"reason": "NOT_OUR_PATIENT"}),
	}
	before := make([]optout.Form, len(refs))
	for i, ref := range refs {
		before[i] = s.read(ref)
	}
	for _, text := range []string{list(n[0], "9Ndo.", n[1], "9Ndo.", n[2], "9Ndo.", n[3], "9Ndo.", n[4], "9Ndo.", n[5], "9Ndo."), list(n[5], "9Ndo.")} {
		slot := s.reads(s.sends(text, days(1)))
		if told := s.told(slot); slot.Answer.Used["unknown"] != len(told) || len(slot.Answer.Forms) > 0 {
			t.Errorf("told %v, %v", told, slot.Answer.Forms)
		}
	}
	for i, ref := range refs {
		if after := s.read(ref); after.Version() != before[i].Version() || after.State().Practice != before[i].State().Practice {
			t.Errorf("a form at version %d of %q is at %d of %q", before[i].Version(), before[i].State().Practice, after.Version(), after.State().Practice)
		}
	}
}

func TestOfTwoListsAtOnceOneWaits(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := []string{optouttest.Number(), optouttest.Number()}
	s.applied("0", n[0], days(5))
	s.applied("1", n[1], days(5))
	first, second := s.sends(list(n[0], "9Ndo."), days(1)), s.sends(list(n[0], "9Ndo.", n[1], "9Ndo."), days(1))
	var all sync.WaitGroup
	for _, slot := range []upload.Slot{first, second, first, second} {
		all.Go(func() {
			if _, err := s.reader().Read(t.Context(), slot.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for range 3 { // whoever waited
		s.clock.Move(time.Minute)
		if err := job.ReadDue(s.reader())(t.Context(), s.clock.Now); err != nil {
			t.Error(err)
		}
	}
	for _, slot := range []upload.Slot{first, second} {
		if got := s.slot(slot.ID); got.State != upload.Read {
			t.Errorf("%s, %s", got.State, got.Fault)
		}
	}
}

func TestAnotherListOfThePracticeIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	if _, err := s.store.TakeTurn(t.Context(), upload.Turn{Practice: s.by.Practice, ID: "another", Run: days(2), Until: optouttest.Noon.Add(90 * time.Second)}, optouttest.Noon); err != nil {
		t.Fatal(err)
	}
	slot := s.sends(list(optouttest.Number(), "9Ndo."), days(1))
	if _, err := s.reader().Read(t.Context(), slot.ID); err != nil {
		t.Errorf("to wait is a failure: %v", err)
	}
	slot = s.slot(slot.ID)
	if slot.State != upload.Uploaded || slot.Fault != "busy" || slot.Tries != 0 || !slot.Due.Equal(optouttest.Noon.Add(time.Minute)) {
		t.Errorf("%+v", slot)
	}
	s.clock.Move(2 * time.Minute)
	if slot = s.reads(slot); slot.State != upload.Read {
		t.Errorf("%+v", slot)
	}
}

func TestWhatWasPromisedIsLookedForAndNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	sweep := func(s *surgery) {
		if err := job.ReadDue(s.reader())(s.t.Context(), s.clock.Now); err != nil {
			s.t.Error(err)
		}
	}
	t.Run("nothing came", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.promises(days(1))
		for at, want := range []upload.State{upload.Promised, upload.Promised, upload.Promised, upload.Expired} {
			sweep(s)
			if got := s.slot(slot.ID); got.State != want {
				t.Errorf("after %d looks it is %s", at, got.State)
			}
			s.clock.Move(upload.LooksEvery)
		}
		s.clock.Move(upload.Lingers)
		sweep(s)
		if got := s.slot(slot.ID); got.State != upload.Expired || !got.Due.IsZero() {
			t.Error("it is still due")
		}
	})
	t.Run("it came late", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.promises(days(1))
		put := func() {
			if err := s.files.Put(t.Context(), slot.Key(), "", []byte(list(optouttest.Number(), "9Ndo."))); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.Move(upload.Waits)
		slot = s.reads(slot)
		put()
		if slot = s.reads(s.save(slot.Arrived(s.clock.Now()))); slot.State != upload.Read || s.files.Newest(slot.Key()) != nil {
			t.Errorf("it is %s, %+v", slot.State, slot.Refusal)
		}
	})
	t.Run("it came late, and nobody said so", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.promises(days(1))
		s.clock.Move(upload.Waits)
		slot = s.reads(slot)
		if err := s.files.Put(t.Context(), slot.Key(), "", []byte("x")); err != nil {
			t.Fatal(err)
		}
		s.clock.Move(upload.Waits)
		if slot = s.reads(slot); slot.State != upload.Expired || s.files.Newest(slot.Key()) != nil || !slot.Due.IsZero() {
			t.Errorf("it is %s, and the file is there", slot.State)
		}
	})
	t.Run("another file came after the first was read", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.reads(s.sends(list(optouttest.Number(), "9Ndo."), days(1)))
		for range 3 {
			if err := s.files.Put(t.Context(), slot.Key(), "", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.Move(upload.Lingers)
		sweep(s)
		if got := s.slot(slot.ID); got.State != upload.Read || !bytes.Equal(got.SHA256, slot.SHA256) || s.files.Newest(slot.Key()) != nil || !got.Due.IsZero() {
			t.Errorf("%+v", got)
		}
	})
	t.Run("nobody said that it came", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.promises(days(1))
		if err := s.files.Put(t.Context(), slot.Key(), "", []byte(list(optouttest.Number(), "9Ndo."))); err != nil {
			t.Fatal(err)
		}
		sweep(s)
		if got := s.slot(slot.ID); got.State != upload.Promised {
			t.Errorf("it is %s before it is due", got.State)
		}
		s.clock.Move(upload.LooksEvery)
		sweep(s)
		if got := s.slot(slot.ID); got.State != upload.Read {
			t.Errorf("it is %s", got.State)
		}
	})
	t.Run("somebody said that it came, and it had not", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.reads(s.save(s.promises(days(1)).Arrived(s.clock.Now())))
		if slot.State != upload.Promised || !slot.Uploaded.IsZero() || slot.Due.IsZero() {
			t.Errorf("%+v", slot)
		}
		if err := s.files.Put(t.Context(), slot.Key(), "", []byte(list(optouttest.Number(), "9Ndo."))); err != nil {
			t.Fatal(err)
		}
		if slot = s.reads(s.save(slot.Arrived(s.clock.Now()))); slot.State != upload.Read {
			t.Errorf("%+v", slot)
		}
	})
	t.Run("several files came to one slot", func(t *testing.T) {
		t.Parallel()
		s := newSurgery(t)
		slot := s.promises(days(1))
		for _, text := range []string{"", list(optouttest.Number(), "9Ndo.")} {
			if err := s.files.Put(t.Context(), slot.Key(), "", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if slot = s.reads(s.save(slot.Arrived(s.clock.Now()))); slot.State != upload.Read || s.files.Newest(slot.Key()) != nil {
			t.Errorf("%+v", slot)
		}
	})
}

func TestWhatFailsIsTriedAgainAndInTheEndSomebodyIsTold(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := optouttest.Number()
	ref := s.applied("x", n, days(5))
	slot := s.sends(list(n, "9Ndo."), days(1))
	s.files.Fate = func(method string) optouttest.Fate {
		if method == "Open" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	var log bytes.Buffer
	var waits []time.Duration
	for tries := 1; tries < upload.MostTries; tries++ {
		err := observe.New("clock-read", &log, time.Now).Invocation(t.Context(), "schedule", "r", func(ctx context.Context) error {
			return job.ReadDue(s.reader())(ctx, s.clock.Now)
		})
		slot = s.slot(slot.ID)
		if err != nil || slot.State != upload.Uploaded || slot.Tries != tries || slot.Fault != "reading-failed" || !slot.Lease.IsZero() {
			t.Fatalf("after %d tries: %+v, %v", tries, slot, err)
		}
		waits = append(waits, slot.Due.Sub(s.clock.Now()))
		s.clock.Move(slot.Due.Sub(s.clock.Now()))
	}
	if !slices.IsSorted(waits) || waits[0] != time.Minute || waits[len(waits)-1] < time.Hour {
		t.Errorf("it waits %v", waits)
	}
	if slot = s.reads(slot); slot.State != upload.Refused || slot.Refusal != upload.ReadingFailed || s.files.Newest(slot.Key()) != nil {
		t.Errorf("%+v", slot)
	}
	if s.status(ref) != optout.StatusApplied {
		t.Errorf("the form is %s", s.status(ref))
	}
	if !strings.Contains(log.String(), `"ReadPutOff":1`) || !strings.Contains(log.String(), "upload "+slot.ID+": open the file") {
		t.Errorf("the log says %s", log.String())
	}
}

// A function that is nearly out of time says so on the slot, and the next one goes on.
func TestAReadingThatCannotEndGoesOnAtTheNextTry(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := optouttest.Number()
	ref := s.applied("x", n, days(5))
	slot := s.sends(list(n, "9Ndo."), days(1))
	short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := s.reader().Read(short, slot.ID)
	if err == nil || got.State != upload.Uploaded || got.Fault != "out-of-time" || !got.Due.Equal(s.clock.Now()) || s.status(ref) != optout.StatusApplied {
		t.Errorf("%+v, %v", got, err)
	}
	if done, err := job.ReadNamed(s.reader())(short, []trigger.Named{{PK: "U#" + slot.ID, SK: "U"}}); done != 0 || err == nil {
		t.Errorf("it was begun, %v", err)
	}
	if got = s.reads(got); got.State != upload.Read || got.Fault != "" || s.status(ref) != optout.StatusChecked {
		t.Errorf("%+v", got)
	}
}

// The reader is killed after any one of its calls, whether that was done or not. Once its lease has ended another one
// comes, and all is as if nothing had happened: forms, counts and answer.
func TestAKilledReadingEndsAsAnyOther(t *testing.T) {
	t.Parallel()
	n := make([]string, 8)
	for i := range n {
		n[i] = optouttest.Number()
	}
	open := func(t *testing.T) (*surgery, []optout.Reference, upload.Slot) {
		s := newSurgery(t)
		refs := []optout.Reference{
			s.applied("0", n[0], days(5)), s.applied("1", n[1], days(5)), s.has("2", n[2]), s.has("3", n[3]), s.at("A81002").has("4", n[4]), s.has("5", ""),
			s.form("6", n[5]), s.applied("7", n[6], days(5)),
		}
		return s, refs, s.sends(list(n[0], "9Ndo.", n[2], "9Ndo.", n[4], "9Ndo.", n[5], "9Ndo.", n[7], "9Ndo.", n[6], "?"), days(1))
	}
	s, refs, slot := open(t)
	calls := 0
	count := func(string) optouttest.Fate { calls++; return optouttest.Fine }
	var mu sync.Mutex
	locked := func(f func(string) optouttest.Fate) func(string) optouttest.Fate {
		return func(method string) optouttest.Fate {
			mu.Lock()
			defer mu.Unlock()
			return f(method)
		}
	}
	s.store.Fate, s.files.Fate = locked(count), locked(count)
	want := s.reads(slot)
	s.store.Fate, s.files.Fate = nil, nil
	answer := s.files.Newest(want.AnswerKey())
	statuses := make([]optout.Status, len(refs))
	for i, ref := range refs {
		statuses[i] = s.status(ref)
	}
	if want.State != upload.Read || calls < 20 {
		t.Fatalf("%d calls, %+v", calls, want)
	}
	killed := 0
	for at := 1; at < calls; at++ {
		for _, done := range []optouttest.Fate{optouttest.Lost, optouttest.Throttle} {
			s, refs, slot := open(t)
			var mu sync.Mutex
			call := 0
			kill := func(string) optouttest.Fate {
				mu.Lock()
				defer mu.Unlock()
				switch call++; {
				case call < at:
					return optouttest.Fine
				case call == at:
					return done
				}
				return optouttest.Broken // nothing that it did afterwards was done
			}
			s.store.Fate, s.files.Fate = kill, kill
			_, err := s.reader().Read(t.Context(), slot.ID)
			s.store.Fate, s.files.Fate = nil, nil
			if err != nil {
				killed++
			}
			s.clock.Move(upload.ReadingTakes)
			for range 2 {
				if err := job.ReadDue(s.reader())(t.Context(), s.clock.Now); err != nil {
					t.Fatal(err)
				}
			}
			got := s.slot(slot.ID)
			if !bytes.Equal(s.files.Newest(got.AnswerKey()), answer) {
				t.Errorf("killed at call %d (%v): another answer\n%s", at, done, s.files.Newest(got.AnswerKey()))
			}
			if got.State != upload.Read || got.Tries != 0 || !got.Lease.IsZero() || got.Object != "" || s.files.Newest(got.Key()) != nil || fmt.Sprint(got.Answer) != fmt.Sprint(want.Answer) {
				t.Errorf("killed at call %d (%v): %+v", at, done, got)
			}
			for i, ref := range refs {
				if s.status(ref) != statuses[i] {
					t.Errorf("killed at call %d (%v): form %d is %s, want %s", at, done, i, s.status(ref), statuses[i])
				}
			}
		}
	}
	if killed < calls {
		t.Errorf("only %d readings were killed at one of %d calls", killed, calls)
	}
}

// A list that kills its reader, every time and at the same place, is tried as often as one that fails, and no more.
func TestAListThatKillsEveryReaderIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Open", "TakeTurn", "List", "Form", "Record", "Put"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			s := newSurgery(t)
			n := optouttest.Number()
			s.applied("x", n, days(5))
			slot := s.sends(list(n, "9Ndo."), days(1))
			for range upload.MostTries + 1 {
				if s.slot(slot.ID).IsEnded() {
					t.Fatal("it was given up before it was tried often enough")
				}
				var mu sync.Mutex
				killed := false
				kill := func(method string) optouttest.Fate {
					mu.Lock()
					defer mu.Unlock()
					if killed = killed || method == at; killed { // and nothing is done by it any more
						return optouttest.Broken
					}
					return optouttest.Fine
				}
				s.store.Fate, s.files.Fate = kill, kill
				_ = job.ReadDue(s.reader())(t.Context(), s.clock.Now)
				s.store.Fate, s.files.Fate = nil, nil
				s.clock.Move(upload.ReadingTakes)
			}
			slot = s.slot(slot.ID)
			if slot.State != upload.Refused || slot.Refusal.Detail == "" || s.files.Newest(slot.Key()) != nil || !slot.Lease.IsZero() {
				t.Errorf("after as many tries as there are it is %s, %+v", slot.State, slot)
			}
		})
	}
}

// Of a list that was used in part nobody is told that it was not used.
func TestAListThatWasUsedInPartIsNotSaidToBeUnused(t *testing.T) {
	t.Parallel()
	half := func(t *testing.T) (*surgery, upload.Slot, func()) {
		s := newSurgery(t)
		n := []string{optouttest.Number(), optouttest.Number()}
		s.applied("0", n[0], days(5))
		s.applied("1", n[1], days(5))
		slot := s.sends(list(n[0], "9Ndo."), days(2))
		var mu sync.Mutex
		recorded := 0
		s.store.Fate = func(method string) optouttest.Fate {
			mu.Lock()
			defer mu.Unlock()
			if method == "Record" {
				if recorded++; recorded > 1 {
					return optouttest.Broken
				}
			}
			return optouttest.Fine
		}
		if slot = s.reads(slot); slot.State != upload.Uploaded || slot.Used.IsZero() || slot.Tries != 1 {
			t.Fatalf("%+v", slot)
		}
		return s, slot, func() { s.store.Fate = nil }
	}
	t.Run("it fails for good", func(t *testing.T) {
		t.Parallel()
		s, slot, _ := half(t)
		for range upload.MostTries {
			s.clock.Move(max(0, slot.Due.Sub(s.clock.Now())))
			if slot = s.reads(slot); slot.IsEnded() {
				break
			}
		}
		if slot.State != upload.Refused || slot.Refusal != upload.FailedInPart {
			t.Errorf("%s, %+v", slot.State, slot.Refusal)
		}
	})
	t.Run("a later list comes first", func(t *testing.T) {
		t.Parallel()
		s, slot, mend := half(t)
		mend()
		if later := s.reads(s.sends(list(optouttest.Number(), "9Ndo."), days(1))); later.State != upload.Read {
			t.Fatalf("%+v", later)
		}
		s.clock.Move(slot.Due.Sub(s.clock.Now()))
		if slot = s.reads(slot); slot.State != upload.Refused || slot.Refusal != upload.Overtaken {
			t.Errorf("%s, %+v", slot.State, slot.Refusal)
		}
	})
	t.Run("it goes on", func(t *testing.T) {
		t.Parallel()
		s, slot, mend := half(t)
		mend()
		s.clock.Move(slot.Due.Sub(s.clock.Now()))
		if slot = s.reads(slot); slot.State != upload.Read || slot.Answer.Used["checked"] != 1 || slot.Answer.Forms["in-doubt"] != 1 {
			t.Errorf("%s, %+v", slot.State, slot.Refusal)
		}
	})
}

// odd is a table with a form over which the reader panics.
type odd struct {
	*optouttest.Memory
	over optout.Reference
}

func (o odd) Form(ctx context.Context, ref optout.Reference) (optout.Form, error) {
	if ref == o.over {
		panic("an item that nobody foresaw: 900 000 0009")
	}
	return o.Memory.Form(ctx, ref)
}

func TestAPanicOverAFormIsATryThatFailed(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	n := optouttest.Number()
	ref := s.applied("x", n, days(5))
	slot := s.sends(list(n, "9Ndo."), days(1))
	r := s.reader()
	r.Store = odd{s.store, ref}
	got, err := r.Read(t.Context(), slot.ID)
	if err == nil || strings.Contains(err.Error(), "900") || !strings.Contains(err.Error(), "panic") || got.Tries != 1 || got.Fault != "reading-failed" || !got.Lease.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

// stalling is a bucket whose files begin to come and go on for ever.
type stalling struct{ *optouttest.Files }

func (s stalling) Open(ctx context.Context, _, _ string) (io.ReadCloser, error) {
	return stalled{ctx}, nil
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s stalled) Close() error             { return nil }

func TestAFileThatDoesNotComeToItsEndIsATryThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSurgery(t)
		slot := s.sends(list(optouttest.Number(), "9Ndo."), days(1))
		r := s.reader()
		r.Files = stalling{s.files}
		function, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		got, err := r.Read(function, slot.ID)
		if !errors.Is(err, context.DeadlineExceeded) || function.Err() != nil || got.Tries != 1 || got.Fault != "reading-failed" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// The record of the stream that is kept as an example names a slot, which is read.
func TestASlotIsReadAsTheStreamTellsOfIt(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../events/received/stream-upload.json")
	if err != nil {
		t.Fatal(err)
	}
	var e events.DynamoDBEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	s := newSurgery(t)
	slot := s.sends(list(optouttest.Number(), "9Ndo."), days(1), func(slot *upload.Slot) { slot.ID = "7Q2ZK4M5XW3B6T2NR4HJ5VYACD" })
	var log bytes.Buffer
	out, err := trigger.Stream(observe.New("reader-stream", &log, time.Now), job.ReadNamed(s.reader()))(t.Context(), e)
	if err != nil || len(out.BatchItemFailures) > 0 || s.slot(slot.ID).State != upload.Read || !strings.Contains(log.String(), `"ReadRead":1`) {
		t.Errorf("%+v, %v, the slot is %s: %s", out, err, s.slot(slot.ID).State, log.String())
	}
}

func TestAStrangersSlotIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newSurgery(t)
	named := []trigger.Named{{PK: "U#" + strings.Repeat("A", 26), SK: "U"}, {PK: "U#x", SK: "U"}, {PK: "F#x", SK: "F"}, {}}
	if done, err := job.ReadNamed(s.reader())(t.Context(), named); done != len(named) || err != nil {
		t.Errorf("%d, %v", done, err)
	}
	s.store.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	if done, err := job.ReadNamed(s.reader())(t.Context(), named); done != 0 || !errors.Is(err, optout.ErrUnavailable) {
		t.Errorf("%d, %v", done, err)
	}
}
