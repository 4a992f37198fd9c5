package batch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
)

// Why post goes back to its sender: forms of other services, which are never kept here, and what does not belong here.
const (
	Type1        = "type-1"                  // a Type 1 opt-out: to the practice
	NDOP         = "national-data-opt-out"   // to the service for that
	Registration = "registration"            // with a practice
	Complaint    = "complaint"               // about somebody else's service
	Identity     = "identity-documents"      // nobody asked for them
	NotForUs     = "not-for-us"              // other things
	NotPerson    = "nobody-named"            // a form on which nobody is named, so that nothing can be held for them
	NotEngland   = "practice-not-in-england" // this service is for England
)

// SentBackFor are all reasons to send something back, and OtherPostIs all that other post can be.
var (
	SentBackFor = []string{Type1, NDOP, Registration, Complaint, Identity, NotForUs, NotPerson, NotEngland}
	OtherPostIs = []string{"covering-letter", "blank", "empty-envelope", "advertising", "message", "other"}
)

// Safeguarding is the reason for which a piece is put before a supervisor the same day: something on it says that
// somebody may come to harm.
const Safeguarding = "safeguarding"

// Outcome is what a clerk says of a piece that is no form. What it covers and where it lies is in Part.
type Outcome struct {
	Part
	Status Status // SentBack, OtherPost or Rescan
	Why    string
	Key    string // of what is put in by hand: said again under it, it is one thing; "": it never is
}

// Part is which pages of a piece are meant, and whose envelope they are from.
type Part struct {
	Last     int  // page with which it ends; 0: all of the piece
	Envelope int  // 0: as it is
	Same     bool // what is left over is from the same envelope; otherwise from the next one
}

// Take gives a piece to a clerk for a while. Taken, if somebody else has it.
func (m Mailroom) Take(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		switch now := m.Now(); {
		case p.Stage() == "":
			return p, NotNow
		case p.Stage().ForSupervisors() && by.Role != optout.Supervisor:
			return p, Supervisor
		case p.Stage() == Keying2 && p.keyedBy(by):
			return p, NotTwice
		case p.Stage() == Sampled && p.passed(by):
			return p, NotAgain
		case p.IsOwn(by):
			return p, OwnReading
		case p.HeldBy(now) != "" && p.HeldBy(now) != by.String():
			return p, Taken
		default:
			p.Lease = Lease{By: by.String(), Until: milliseconds(now.Add(LeaseLasts))}
			return p, nil
		}
	})
}

// PutBack gives a piece back that a clerk had taken.
func (m Mailroom) PutBack(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		if p.Lease.By != by.String() {
			return p, errNothing
		}
		p.Lease = Lease{}
		return p, nil
	})
}

// lease changes a piece whose place in the ledger stays: its batch is not touched.
func (m Mailroom) lease(ctx context.Context, at At, do func(Piece) (Piece, error)) (Piece, error) {
	return m.count(ctx, at, func(p Piece) (Piece, []Tally, error) {
		next, err := do(p)
		return next, nil, err
	})
}

// count is lease where something is counted with it.
func (m Mailroom) count(ctx context.Context, at At, do func(Piece) (Piece, []Tally, error)) (p Piece, err error) {
	err = steady.Insist(ctx, func() error {
		if p, err = m.Store.Piece(ctx, at); err != nil {
			return err
		}
		next, counts, err := do(p)
		if err != nil {
			return err
		}
		if err := m.Store.SavePiece(ctx, next, counts...); err != nil {
			return err
		}
		p = next
		p.Version++
		return nil
	}, optout.ErrConflict, optout.ErrUnavailable)
	if errors.Is(err, errNothing) {
		return p, nil
	}
	return p, later(err)
}

// Next takes the piece that has waited longest on a list, of one batch if that is named. optout.ErrNotFound, if there is
// none for this clerk.
func (m Mailroom) Next(ctx context.Context, s Stage, by optout.Actor, batch string) (Piece, error) {
	looked := 0
	for q, err := range m.waiting(ctx, s, batch) {
		if err != nil {
			return Piece{}, err
		}
		if looked++; s == Sampled && looked > mostPassedOver { // of those many are this person's own
			break
		}
		if s == Sampled && m.Now().Sub(q.Since) > sampleWaits {
			if m.expire(ctx, q.At) == nil {
				continue
			}
		}
		p, err := m.Take(ctx, q.At, by)
		if _, refused := errors.AsType[*optout.Refusal](err); refused || errors.Is(err, optout.ErrNotFound) || errors.Is(err, optout.ErrUnreadable) {
			continue // an index is a hint, and what cannot be read keeps nobody from the rest
		}
		return p, err
	}
	return Piece{}, optout.ErrNotFound
}

// mostPassedOver is how many pieces of the sample are looked at for one that somebody may read again.
const mostPassedOver = 200

// waiting walks a list, or what of it is in one batch: of that the batch itself is asked, so that what was left over a moment
// ago is there, and nobody walks through a million others.
func (m Mailroom) waiting(ctx context.Context, s Stage, batch string) iter.Seq2[Queued, error] {
	if batch == "" {
		return m.Store.Queue(ctx, s)
	}
	return func(yield func(Queued, error) bool) {
		pieces, err := m.Store.Pieces(ctx, batch)
		if err != nil {
			yield(Queued{}, err)
			return
		}
		slices.SortStableFunc(pieces, func(a, b Piece) int { return a.Waits().Compare(b.Waits()) })
		for _, p := range pieces {
			if p.Stage() == s && !yield(Queued{p.At, p.Waits()}, nil) {
				return
			}
		}
	}
}

// HasOutcome gives a piece, or part of it, an outcome that makes no form of it.
func (m Mailroom) HasOutcome(ctx context.Context, at At, by optout.Actor, o Outcome) (Piece, error) {
	switch o.Status {
	case SentBack:
		if err := oneOf("why", o.Why, SentBackFor); err != nil {
			return Piece{}, err
		}
	case OtherPost:
		if err := oneOf("why", o.Why, OtherPostIs); err != nil {
			return Piece{}, err
		}
	case Rescan:
		o.Why = "seen"
	default:
		return Piece{}, wrong("outcome", "not-an-option")
	}
	did := func(p Piece) bool {
		return p.Status == o.Status && p.Why == o.Why && (o.Last == 0 || o.Last == p.Last) && p.lastSaid(string(o.Status), by)
	}
	return m.decide(ctx, at, by, o.Part, did, func(p Piece) (Piece, []Tally, error) {
		switch going, err := m.isMarked(ctx, p); {
		case err != nil:
			return p, nil, err
		case going:
			return p, nil, Marked
		}
		p.Form, p.Marked = optout.Reference{}, time.Time{}
		said := Said{By: by.String(), At: milliseconds(m.Now()), Status: o.Status, Why: o.Why}
		counts := m.settled(p, said, "")
		return m.draw(p.ends(o.Status, o.Why, by.String(), m.Now()), said, ""), counts, nil
	})
}

// Alarm puts a piece before a supervisor: something on it says that somebody may come to harm. It is not lost to the
// ledger meanwhile: it waits.
func (m Mailroom) Alarm(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	var raised Piece
	_, err := m.act(ctx, at.Batch, func(b *Batch) ([]Piece, error) {
		p, err := m.Store.Piece(ctx, at)
		if err != nil {
			return nil, err
		}
		if raised = p; p.Status == Disputed && p.Why == Safeguarding {
			return nil, errNothing
		}
		switch err := m.mine(p, by); {
		case err != nil && !errors.Is(err, NotTwice) && !errors.Is(err, OwnReading): // whoever has keyed it may have seen what they say only then
			return nil, err
		case p.First == 0: // nobody has seen it
			return nil, NotNow
		}
		if _, err := m.divide(ctx, b, &p, Part{}); err != nil {
			return nil, err
		}
		p.Status, p.Why, p.Lease = Disputed, Safeguarding, Lease{}
		raised = p.said(m.Now(), by.String(), "alarm", Safeguarding)
		return written(&raised), nil
	})
	return raised, err
}

// ByHand puts something on the books that was not scanned: an empty envelope, a thing.
func (m Mailroom) ByHand(ctx context.Context, batch string, by optout.Actor, envelope int, o Outcome) (Piece, error) {
	if err := inRange("envelope", envelope, 1, 2*MostEnvelopes); err != nil {
		return Piece{}, err
	}
	offered := SentBackFor
	switch o.Status {
	case SentBack:
	case OtherPost:
		offered = OtherPostIs
	default:
		return Piece{}, wrong("outcome", "not-an-option")
	}
	if err := oneOf("why", o.Why, offered); err != nil {
		return Piece{}, err
	}
	now := milliseconds(m.Now())
	p := Piece{At: At{batch, byHand + "-" + idFor(by, o.Key)}, Envelope: envelope, Since: now}
	p = p.ends(o.Status, o.Why, by.String(), now)
	var put Piece
	_, err := m.act(ctx, batch, func(b *Batch) ([]Piece, error) {
		switch there, err := m.Store.Piece(ctx, p.At); {
		case err == nil: // our own answer was lost on the way, or it was said before
			put = there
			return nil, errNothing
		case !errors.Is(err, optout.ErrNotFound):
			return nil, err
		case b.Pieces >= MostPieces:
			return nil, Crowded
		}
		if err := b.has(envelope); err != nil {
			return nil, err
		}
		b.Pieces, b.Highest = b.Pieces+1, max(b.Highest, envelope)
		put = p
		return written(&put), nil
	})
	return put, err
}

// CanUndo says that the outcome of a piece can be taken back as long as its batch is open: nothing has left the house, and
// there are pages to key. A supervisor says first whether it is wrong, if it was read otherwise in the sample.
func CanUndo(p Piece) bool { return p.inHouse() && p.Sample.Step != Unlike }

// inHouse says that a piece that came to no form has not left the house, and that it has pages to key.
func (p Piece) inHouse() bool {
	return slices.Contains(reopenable, p.Status) && p.First > 0 && p.Posted.IsZero()
}

// Undo takes an outcome back as long as nothing has left the house: the piece waits again.
func (m Mailroom) Undo(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	var undone Piece
	_, err := m.act(ctx, at.Batch, func(*Batch) ([]Piece, error) {
		p, err := m.Store.Piece(ctx, at)
		switch {
		case err != nil:
			return nil, err
		case p.Status == Waiting:
			undone = p
			return nil, errNothing
		case !CanUndo(p): // what has no pages waits for nobody
			return nil, NotNow
		case p.supervised() && by.Role != optout.Supervisor: // a supervisor has decided it
			return nil, Supervisor
		}
		undone = m.undone(p, by)
		return written(&undone), nil
	})
	return undone, err
}

// undone is a piece whose outcome is taken back.
func (m Mailroom) undone(p Piece, by optout.Actor) Piece {
	p.Status, p.Why, p.Done, p.Lease, p.Sample = Waiting, "", time.Time{}, Lease{}, Sample{}
	if p.alarmed() {
		p.Status, p.Why = Disputed, Safeguarding
	}
	return p.said(m.Now(), by.String(), "undone", "")
}

// alarmed says that somebody has seen a risk to someone on the piece, and supervised that it was before a supervisor for
// that or another reason.
func (p Piece) alarmed() bool { return p.had("alarm") }

func (p Piece) supervised() bool { return p.had("alarm", "keyed-otherwise", "judged") }

func (p Piece) had(kinds ...string) bool {
	return slices.ContainsFunc(p.History, func(e Event) bool { return slices.Contains(kinds, e.Kind) })
}

// Settle notes that a supervisor has seen to a file that nobody opens: the paper is scanned again, or is gone.
func (m Mailroom) Settle(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	if by.Role != optout.Supervisor {
		return Piece{}, Supervisor
	}
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		switch {
		case p.Status != Quarantined:
			return p, NotNow
		case p.Seen:
			return p, errNothing
		}
		p.Seen = true
		return p.said(m.Now(), by.String(), "seen", ""), nil
	})
}

// has refuses a number that no envelope of the batch can have: a slip of the hand must not stand in for an envelope
// that is missing. One beyond those declared is possible, since they may have been counted wrongly; the batch does not close
// with it (Ledger).
func (b Batch) has(envelope int) error {
	if most := max(b.Declared, b.Highest) + 1; envelope < 1 || envelope > most {
		return optout.Faulty{{Pointer: "/envelope", Code: "out-of-range", Detail: fmt.Sprintf("The envelopes of this batch are numbered from 1 to %d. Check the number, or count the envelopes again.", most-1)}}
	}
	return nil
}

// InEnvelope says from which envelope a piece is.
func (m Mailroom) InEnvelope(ctx context.Context, at At, by optout.Actor, envelope int) (Piece, error) {
	if err := inRange("envelope", envelope, 1, 2*MostEnvelopes); err != nil {
		return Piece{}, err
	}
	var moved Piece
	_, err := m.act(ctx, at.Batch, func(b *Batch) ([]Piece, error) {
		p, err := m.Store.Piece(ctx, at)
		if err != nil {
			return nil, err
		}
		if moved = p; p.Envelope == envelope {
			return nil, errNothing
		}
		if err := b.has(envelope); err != nil {
			return nil, err
		}
		p.Envelope, b.Highest = envelope, max(b.Highest, envelope)
		moved = p.said(m.Now(), by.String(), "envelope", fmt.Sprint(envelope))
		return written(&moved), nil
	})
	return moved, err
}

// decide changes a piece that a clerk has before them. What is left of it beyond the part becomes a piece of its own. did
// says that it looks as if that had been done: then, if this clerk did it, it was, and the answer was lost on the way.
func (m Mailroom) decide(ctx context.Context, at At, by optout.Actor, part Part, did func(Piece) bool, do func(Piece) (Piece, []Tally, error)) (Piece, error) {
	var decided Piece
	_, err := m.open(ctx, at.Batch, func(b *Batch) (c Change, err error) {
		p, err := m.Store.Piece(ctx, at)
		if err != nil {
			return c, err
		}
		if decided = p; did(p) && p.saidBy(by) {
			return c, errNothing
		}
		if err := m.mine(p, by); err != nil {
			return c, err
		}
		rest, err := m.divide(ctx, b, &p, part)
		if err != nil {
			return c, err
		}
		if decided, c.Counts, err = do(p); err != nil {
			return c, err
		}
		c.Pieces = append(written(&decided), rest...)
		return c, nil
	})
	return decided, err
}

// written are pieces to write: the one that a clerk is told of, which is then as it is stored.
func written(p *Piece) []Piece {
	all := []Piece{*p}
	p.Version++
	return all
}

// mine refuses an act on a piece that is not before this clerk.
func (m Mailroom) mine(p Piece, by optout.Actor) error {
	switch held := p.HeldBy(m.Now()); {
	case p.Status.IsOutcome():
		return Decided
	case p.Stage() == "":
		return NotNow
	case p.Stage().ForSupervisors() && by.Role != optout.Supervisor:
		return Supervisor
	case p.Stage() == Keying2 && p.keyedBy(by):
		return NotTwice
	case p.IsOwn(by):
		return OwnReading
	case held != "" && held != by.String():
		return Taken
	}
	return nil
}

func (p Piece) keyedBy(by optout.Actor) bool {
	return slices.ContainsFunc(p.Keyed, func(k Keying) bool { return sameID(k.By, by) })
}

// sameID compares people, as whatever they act.
func sameID(actor string, by optout.Actor) bool {
	return actor != "" && optout.IDOf(actor) == by.ID
}

// divide cuts a piece off behind the part, and gives what is left as a piece that waits.
func (m Mailroom) divide(ctx context.Context, b *Batch, p *Piece, part Part) (rest []Piece, err error) {
	whole := part.Last == 0 || part.Last == p.Last
	if part.Envelope != 0 {
		if err := b.has(part.Envelope); err != nil {
			return nil, err
		}
		p.Envelope = part.Envelope
	}
	var free *numbers
	if p.Envelope == 0 || !whole && !part.Same {
		if free, err = m.free(ctx, *b); err != nil {
			return nil, err
		}
	}
	if p.Envelope == 0 {
		p.Envelope = free.next()
	} else if free != nil {
		free.take(p.Envelope)
	}
	b.Highest = max(b.Highest, p.Envelope)
	switch {
	case whole:
		return nil, nil
	case part.Last < p.First, part.Last > p.Last:
		return nil, wrong("last", "pages")
	case b.Pieces >= MostPieces:
		return nil, Crowded
	}
	left := Piece{
		At: At{p.Batch, idOf(p.Upload, part.Last+1)}, Upload: p.Upload, Name: p.Name, First: part.Last + 1, Last: p.Last,
		Pages: p.Pages[part.Last-p.First+1:], SHA256: p.SHA256, Status: Waiting, Since: p.Since, Envelope: p.Envelope,
		Twice: m.twice(idOf(p.Upload, part.Last+1)),
	}
	if !part.Same {
		left.Envelope = free.next()
		b.Highest = max(b.Highest, left.Envelope)
	}
	p.Last, p.Pages = part.Last, p.Pages[:part.Last-p.First+1]
	b.Pieces++
	return []Piece{left.said(m.Now(), machine, "left-over", p.ID)}, nil
}

// numbers are those of a batch's envelopes: which an envelope has, and which some place was ever given.
type numbers struct {
	declared     int
	taken, given map[int]bool
}

// free are the numbers of a batch's envelopes, from which the next one is taken. A place to which no file came, and another
// scan of what was opened, take none up.
func (m Mailroom) free(ctx context.Context, b Batch) (*numbers, error) {
	pieces, err := m.Store.Pieces(ctx, b.ID)
	n := &numbers{b.Declared, map[int]bool{}, map[int]bool{}}
	for _, p := range pieces {
		n.given[p.Envelope] = true
		if p.Status != Lapsed && p.Status != Rescan {
			n.taken[p.Envelope] = true
		}
	}
	return n, err
}

// next is the first number of those declared that nothing had yet, then the first that nothing has any more, then the first
// beyond. From then on an envelope has it.
func (n *numbers) next() int {
	for _, used := range []map[int]bool{n.given, n.taken} {
		for free := 1; free <= n.declared; free++ {
			if !used[free] {
				return n.take(free)
			}
		}
	}
	for free := n.declared + 1; ; free++ {
		if !n.taken[free] {
			return n.take(free)
		}
	}
}

func (n *numbers) take(number int) int {
	n.taken[number], n.given[number] = true, true
	return number
}
