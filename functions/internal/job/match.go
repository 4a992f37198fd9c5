package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// matching holds a practice's forms against its list. What came of a form is seen in its state afterwards and nowhere
// else: whoever does it again, all or the rest, comes to the same.
type matching struct {
	Reader
	slot upload.Slot
	list *extract.Extract
	by   optout.Actor

	mu    sync.Mutex // guards forms
	forms map[optout.Reference]*form
	of    map[nhs.Number][]*form
}

// form is what of one of the practice's forms matters here: some hundred bytes, where the form takes thousands.
type form struct {
	ref     optout.Reference
	number  nhs.Number
	whose   string // surname and birth date: with the number, who it is
	outcome string // one of upload's; "": nothing to say
	asks    bool   // the list may say something new of it
	spoken  bool   // the practice has said, or shown, that it is applied
	said    bool   // it makes a choice, and was said or found to be applied before the list was run: its person must be there
	gone    bool   // it takes one back, was said to be applied before the list was run, and is proved by who is not there
	absent  bool   // its person is not there, which says something new of it, or has said it when this list was read before
}

// fewest is from how many forms on that were applied a list which shows not one person with a form is taken for a wrong
// file.
const fewest = 5

// match finds what the list says of each form and records it. A refusal is why nothing of the list is used.
func (m *matching) match(ctx context.Context) (upload.Refusal, error) {
	turn := upload.Turn{Practice: m.slot.Practice, ID: m.slot.ID, Until: m.slot.Lease, Run: m.slot.Run}
	if refused, err := m.takeTurn(ctx, turn); err != nil || refused != (upload.Refusal{}) {
		return refused, err
	}
	for _, stage := range []worklist.Stage{worklist.Open, worklist.Applied, worklist.Done} {
		if err := m.gather(ctx, worklist.List{Owner: worklist.Practice(m.slot.Practice), Stage: stage}); err != nil {
			return upload.Refusal{}, err
		}
	}
	if !m.slot.Sure && m.slot.Used.IsZero() && m.strange() {
		return upload.NoneOfYours, nil
	}
	m.doubtAbsence()
	m.doubtNumbers()
	turn.Uses = true // from here on it counts
	if refused, err := m.takeTurn(ctx, turn); err != nil || refused != (upload.Refusal{}) {
		return refused, err
	}
	if err := m.use(ctx); err != nil {
		return upload.Refusal{}, err
	}
	var ask []*form
	for _, f := range m.forms {
		if f.asks {
			ask = append(ask, f)
		}
	}
	slices.SortFunc(ask, func(a, b *form) int { return strings.Compare(a.ref.Key(), b.ref.Key()) }) // whoever reads it again does the same in the same order
	return upload.Refusal{}, m.each(ctx, len(ask), func(ctx context.Context, n int) error { return m.check(ctx, ask[n]) })
}

// use puts on record that the list is used, before anything that it says is: whatever comes of it later, a part of it
// may stand.
func (m *matching) use(ctx context.Context) (err error) {
	if !m.slot.Used.IsZero() {
		return nil
	}
	used := m.slot
	used.Used = m.Now()
	if used, err = m.Store.SaveUpload(ctx, used); err != nil {
		return fmt.Errorf("save that it is used: %w", err)
	}
	m.slot = used
	return nil
}

func (m *matching) takeTurn(ctx context.Context, t upload.Turn) (upload.Refusal, error) {
	switch held, err := m.Store.TakeTurn(ctx, t, m.Now()); {
	case errors.Is(err, upload.ErrOlder):
		return upload.OlderList, nil
	case errors.Is(err, upload.ErrBusy):
		return upload.Refusal{}, busyError{held.Until}
	case err != nil:
		return upload.Refusal{}, fmt.Errorf("take turn: %w", err)
	}
	return upload.Refusal{}, nil
}

// each does n things, several at a time, while there is time to begin with one more. A panic over one of them is its
// failure, and not the end of whatever else the function does.
func (m *matching) each(ctx context.Context, n int, do func(context.Context, int) error) error {
	return worklist.Each(ctx, n, func(ctx context.Context, n int) (err error) {
		defer steady.Survive(&err)
		if !timeLeft(ctx) {
			return errNoTime
		}
		return do(ctx, n)
	})
}

// gather reads strongly what stands on a list of the practice. What has moved on to another list of its own meanwhile
// is its own all the same.
func (m *matching) gather(ctx context.Context, l worklist.List) error {
	for after := worklist.Cursor(""); ; {
		page, err := m.Store.List(ctx, l, after, worklist.MostEntries)
		if err != nil {
			return fmt.Errorf("list forms: %w", err)
		}
		err = m.each(ctx, len(page.Entries), func(ctx context.Context, n int) error {
			ref := page.Entries[n].Reference
			if ref.IsZero() || m.has(ref) {
				return nil
			}
			f, err := m.Store.Form(ctx, ref)
			switch {
			case errors.Is(err, optout.ErrNotFound):
				return nil
			case errors.Is(err, optout.ErrUnreadable): // the office has it for that
				m.keep(&form{ref: ref, outcome: upload.NotCompared})
				return nil
			case err != nil:
				return fmt.Errorf("read form: %w", err)
			}
			if m.owns(f) {
				m.keep(m.brief(f))
			}
			return nil
		})
		if err != nil {
			return err
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// owns says that a form is on one of the practice's lists.
func (m *matching) owns(f optout.Form) bool {
	return worklist.Of(f.State()).Owner == worklist.Practice(m.slot.Practice)
}

func (m *matching) has(ref optout.Reference) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forms[ref] != nil
}

func (m *matching) keep(f *form) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forms[f.ref] != nil {
		return
	}
	m.forms[f.ref] = f
	if !f.number.IsZero() {
		m.of[f.number] = append(m.of[f.number], f)
	}
}

// brief is what of a form matters here. It shares no memory with the form, which goes.
func (m *matching) brief(f optout.Form) *form {
	s, choice := f.State(), f.Facts.Kind == "choice"
	before := m.slot.Run.After(s.Said) && m.slot.Run.After(s.Evidence)
	b := &form{
		ref: f.Reference, number: nhs.StoredNumber(strings.Clone(f.Facts.NHSNumber.Digits())),
		whose: f.Facts.Surname.Folded() + " " + f.Facts.BirthDate.ISO(), outcome: m.outcome(f),
		asks: m.asks(f), spoken: !s.Said.IsZero() || s.Status == optout.StatusChecked, said: choice && (s.Status == optout.StatusChecked || s.Status == optout.StatusApplied && m.slot.Run.After(s.Said)),
		gone: !choice && before && (s.Status == optout.StatusApplied || s.Status == optout.StatusInDoubt),
	}
	if coded, known := m.list.Choice(b.number); known && coded == "" {
		already := m.slot.Run.Equal(s.Evidence) && (choice && s.Status == optout.StatusInDoubt || !choice && s.Status == optout.StatusChecked)
		b.absent = b.said && before || b.gone || already
	}
	return b
}

// asks says whether the list may say something new of a form. What may not be said, the table of states says; this only
// saves asking it of each form that simply waits.
func (m *matching) asks(f optout.Form) bool {
	choice, known := m.list.Choice(f.Facts.NHSNumber)
	s := f.State()
	own := f.Facts.Kind == "choice" && string(choice) == f.Facts.Choice && choice != ""
	switch {
	case !known, !m.slot.Run.After(s.Evidence), f.Facts.Kind != "choice" && !m.slot.Run.After(s.Said):
		return false
	case s.Status == optout.StatusWithdrawn, s.Status == optout.StatusAnswered:
		return false
	case s.Status == optout.StatusChecked:
		return !own
	case s.Status == optout.StatusApplied, s.Status == optout.StatusInDoubt:
		return true
	}
	return own
}

// outcome is what is told of a form of the practice, as it stands.
func (m *matching) outcome(f optout.Form) string {
	_, known := m.list.Choice(f.Facts.NHSNumber)
	switch s := f.State().Status; {
	case s == optout.StatusWithdrawn, s == optout.StatusAnswered:
		return upload.Over
	case s == optout.StatusChecked:
		return upload.Checked
	case f.Facts.NHSNumber.IsZero():
		return upload.NoNumber
	case !known:
		return upload.NotCompared
	case s == optout.StatusInDoubt:
		return upload.InDoubt
	case s == optout.StatusApplied:
		return upload.AppliedLater
	}
	return upload.Waiting
}

// strange says that the list is more likely a wrong file than right: it shows nobody who has a form, where so many must
// be in it, or where one who is not would prove something.
func (m *matching) strange() bool {
	said, gone := 0, false
	for _, f := range m.forms {
		if f.number.IsZero() {
			continue
		}
		if choice, known := m.list.Choice(f.number); choice != "" || !known {
			return false // its person is there
		}
		if gone = gone || f.gone; f.said {
			said++
		}
	}
	return said >= fewest || gone
}

// nameless is of how many absent people one may be in a row whose number nobody can read: a tenth.
const nameless = 10

// doubtAbsence takes nobody's absence for a fact if those who are not there may well stand in the rows whose number nobody
// can read, as when a spreadsheet has made 9.00E+09 of it.
func (m *matching) doubtAbsence() {
	absent := 0
	for _, f := range m.forms {
		if f.absent {
			absent++
		}
	}
	if m.list.Nameless*nameless <= absent {
		return
	}
	for _, f := range m.forms {
		if f.absent && f.asks {
			f.asks = false
			if f.outcome != upload.InDoubt {
				f.outcome = upload.NotCompared
			}
		}
	}
}

// doubtNumbers closes no form by its number alone that the practice never said is applied, where forms under that number
// name different people: a person is a number, a surname and a birth date (domain facts), and a list has the number.
func (m *matching) doubtNumbers() {
	for _, forms := range m.of {
		if !slices.ContainsFunc(forms, func(f *form) bool { return f.whose != forms[0].whose }) {
			continue
		}
		for _, f := range forms {
			if f.asks && !f.spoken {
				f.asks, f.outcome = false, upload.NotCompared
			}
		}
	}
}

// check holds a form against the list, and sees where it stands then.
func (m *matching) check(ctx context.Context, f *form) error {
	after, err := m.hold(ctx, f.ref, f.number)
	if err != nil || after.Version() == 0 {
		return err
	}
	f.outcome = ""
	if m.owns(after) {
		f.outcome = m.outcome(after)
	}
	return nil
}

// hold records what the list says of a form, and gives the form as it stands then. The key says by which list, and so
// that it is said once.
func (m *matching) hold(ctx context.Context, ref optout.Reference, number nhs.Number) (optout.Form, error) {
	choice, known := m.list.Choice(number)
	if !known {
		return optout.Form{}, nil
	}
	custody := optout.Custody{Store: m.Store, Codes: m.Codes, Now: m.Now}
	a, err := custody.Check(ctx, ref, m.by, optout.Said{Key: m.slot.ID}, optout.Listed{Run: m.slot.Run, Choice: string(choice)})
	if err == nil && a.Form.Version() > 0 {
		return a.Form, nil
	}
	if refused := new(optout.Refusal); err != nil && !errors.As(err, &refused) {
		return optout.Form{}, fmt.Errorf("check form: %w", err)
	}
	f, err := m.Store.Form(ctx, ref) // which stands where the list says nothing of it, or with somebody else
	if err != nil {
		return optout.Form{}, fmt.Errorf("read form: %w", err)
	}
	return f, nil
}
