package optouttest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
)

// Audit recounts batches from outside, as an auditor would who trusts no count of the mailroom's own: from the rows of the
// pieces and the forms. It says what is wrong. forms are all that may have been registered from paper, and pages how many there
// are in each file that may have been read, by its slot.
type Audit struct {
	Forms interface {
		Form(ctx context.Context, ref optout.Reference) (optout.Form, error)
	}
	Books batch.Store
	Of    []string // batches
	Paper []optout.Reference
	Pages map[string]int
}

// Faults is all that is wrong with the books; nil, if nothing is.
func (a Audit) Faults(ctx context.Context) (faults []string, err error) {
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	all, forms, pages := map[batch.At]batch.Piece{}, map[optout.Reference]batch.At{}, map[string][]int{}
	for _, id := range a.Of {
		b, err := a.Books.Batch(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read batch: %w", err)
		}
		pieces, err := a.Books.Pieces(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read pieces: %w", err)
		}
		a.equations(b, pieces, say)
		for _, p := range pieces {
			all[p.At] = p
			a.piece(p, say)
			for n := p.First; n > 0 && n <= p.Last; n++ {
				pages[p.Upload] = append(pages[p.Upload], n)
			}
			if p.Status == batch.Registered || p.Status == batch.Held {
				if other, there := forms[p.Form]; there {
					say("form %s is of %v and of %v", p.Form, other, p.At)
				}
				forms[p.Form] = p.At
			}
		}
	}
	for upload, n := range a.Pages {
		got := slices.Sorted(slices.Values(pages[upload]))
		want := make([]int, n)
		for i := range want {
			want[i] = i + 1
		}
		if len(got) > 0 && !slices.Equal(got, want) { // without any it was never read, or is a rescan
			say("of the %d pages of a file pieces have %v", n, got)
		}
	}
	for ref, at := range forms {
		if err := a.form(ctx, ref, all[at], say); err != nil {
			return nil, err
		}
	}
	for _, ref := range a.Paper {
		if err := a.accounted(ctx, ref, forms, all, say); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

// equations are counted by hand, and held against what the mailroom counts.
func (a Audit) equations(b batch.Batch, pieces []batch.Piece, say func(string, ...any)) {
	rows, waiting, outcomes, envelopes, missing := 0, 0, 0, map[int]bool{}, 0
	for _, p := range pieces {
		switch p.Status {
		case batch.Lapsed:
			continue
		case batch.Awaited, batch.Checking, batch.Waiting, batch.Second, batch.Disputed:
			waiting++
		case batch.Registered, batch.Held, batch.SentBack, batch.OtherPost, batch.Rescan, batch.Quarantined:
			outcomes++
		default:
			say("%v is %q", p.At, p.Status)
		}
		rows++
		if p.Envelope != 0 && p.Status != batch.Awaited && p.Status != batch.Rescan {
			envelopes[p.Envelope] = true
		}
		if p.Envelope > b.Highest {
			say("%v is of envelope %d of %d", p.At, p.Envelope, b.Highest)
		}
	}
	for n := range b.Declared {
		if !envelopes[n+1] {
			missing++
		}
	}
	l := batch.Count(b, pieces)
	if b.Pieces != rows || rows != waiting+outcomes || l.Waiting != waiting || l.Sum() != rows || !l.AddsUp() {
		say("%s counts %d pieces: there are %d rows, %d wait, %d have an outcome, and the ledger is %+v", b.ID, b.Pieces, rows, waiting, outcomes, l)
	}
	if l.Opened != len(envelopes) || l.Declared != b.Declared || l.Missing != missing {
		say("%s has %d envelopes opened: the ledger is %+v", b.ID, len(envelopes), l)
	}
	if !b.IsOpen() && (waiting > 0 || missing > 0 || len(envelopes) != b.Declared) {
		say("%s is closed: %d wait, %d of %d envelopes are opened", b.ID, waiting, len(envelopes), b.Declared)
	}
}

// piece is what must be so of any piece.
func (a Audit) piece(p batch.Piece, say func(string, ...any)) {
	decided := p.Status.IsOutcome()
	form := p.Status == batch.Registered || p.Status == batch.Held
	switch {
	case decided == p.Done.IsZero():
		say("%v is %s, done at %v", p.At, p.Status, p.Done)
	case decided && (len(p.Keyed) > 0 || p.Lease != batch.Lease{} && p.Status != batch.Quarantined && p.Stage() == ""):
		say("%v is %s, and still keyed %d times, held by %q", p.At, p.Status, len(p.Keyed), p.Lease.By)
	case form == p.Form.IsZero() && decided:
		say("%v is %s, of the form %q", p.At, p.Status, p.Form)
	case !form && p.Marked.IsZero() != p.Form.IsZero():
		say("%v is %s, marked at %v for %q", p.At, p.Status, p.Marked, p.Form)
	case !p.Form.IsZero() && p.Form != (Keys{}).Reference(p.Origin()):
		say("%v is of another form than its own", p.At)
	case p.First > 0 && len(p.Pages) != p.Last-p.First+1:
		say("%v has %d pages from %d to %d", p.At, len(p.Pages), p.First, p.Last)
	case !decided && p.Sample.Step != "":
		say("%v is %s, and in the sample", p.At, p.Status)
	case (p.Sample.First.By == "") != (p.Sample.Step != batch.Drawn && p.Sample.Step != batch.Unlike), (p.Sample.Again.By == "") != (p.Sample.Step != batch.Unlike), (len(p.Sample.Differs) == 0) != (p.Sample.Step != batch.Unlike):
		say("%v is %s in the sample, and what was read is kept: %t, %t, %q", p.At, p.Sample.Step, p.Sample.First.By != "", p.Sample.Again.By != "", p.Sample.Differs)
	case !p.Posted.IsZero() && p.Status != batch.SentBack:
		say("%v is %s, and has left the house", p.At, p.Status)
	case p.Status == batch.Second && len(p.Keyed) != 1:
		say("%v waits to be keyed again, and was %d times", p.At, len(p.Keyed))
	}
}

// form is what must be so of the form of a piece.
func (a Audit) form(ctx context.Context, ref optout.Reference, p batch.Piece, say func(string, ...any)) error {
	f, err := a.Forms.Form(ctx, ref)
	if errors.Is(err, optout.ErrNotFound) {
		say("%v is %s, and there is no such form", p.At, p.Status)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read form: %w", err)
	}
	if held := f.Events[0].Kind == optout.Held; f.Channel != optout.Paper || held != (p.Status == batch.Held) {
		say("%v is %s, and its form came by %s, held: %t", p.At, p.Status, f.Channel, held)
	}
	return nil
}

// accounted says whether a form that came on paper is on the books: its piece says so, or can become nothing else.
func (a Audit) accounted(ctx context.Context, ref optout.Reference, forms map[optout.Reference]batch.At, all map[batch.At]batch.Piece, say func(string, ...any)) error {
	if _, err := a.Forms.Form(ctx, ref); errors.Is(err, optout.ErrNotFound) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read form: %w", err)
	}
	at, err := a.Books.Paper(ctx, ref)
	if errors.Is(err, optout.ErrNotFound) {
		say("of form %s there is no paper", ref)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read paper: %w", err)
	}
	switch p := all[at]; {
	case p.Form != ref:
		say("form %s is of %v, which is %s, of the form %q", ref, at, p.Status, p.Form)
	case p.Status.IsOutcome() && forms[ref] != at:
		say("form %s is of %v, and on the books of %v", ref, at, forms[ref])
	}
	return nil
}
