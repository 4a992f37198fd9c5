package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Reading is what a clerk reads on a piece that is a form, or a letter that says what a form would.
type Reading struct {
	Part
	Answers optout.Answers
	Letter  bool
	Number  string // what stands on the paper as an NHS number and is none: it is kept, and the form goes on without it
	Hold    string // why the form is held, one of HoldFor; "": it is not
}

// HoldFor are the reasons to hold a form (domain facts, intent guard).
var HoldFor = []string{optout.HeldForChoice, optout.HeldForSignature, optout.HeldForAge, optout.HeldForAnswers}

// Differs says in which of what is keyed twice two readings are not alike: fields of the answers, or whether it is in doubt
// and why. Of a form that is in doubt for its choice nobody has read one.
func (r Reading) Differs(from Reading) (fields []string) {
	a, b := r.Answers, from.Answers
	if r.Hold != from.Hold {
		fields = append(fields, OfOutcome)
	}
	if digits(a.Subject.NHSNumber) != digits(b.Subject.NHSNumber) || digits(r.Number) != digits(from.Number) {
		fields = append(fields, "nhsNumber")
	}
	if a.Subject.BirthDate != b.Subject.BirthDate {
		fields = append(fields, "birthDate")
	}
	if (a.Choice != b.Choice || a.Kind != b.Kind) && (r.Hold == "" || r.Hold != optout.HeldForChoice || r.Hold != from.Hold) {
		fields = append(fields, "choice")
	}
	return fields
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// Key takes what a clerk read on a piece: the form is registered or held, or waits for a second pair of eyes, or two
// readings are not alike and a supervisor decides. The answers are judged by the same rules as everybody's, of a second
// reading only what is keyed twice: what is wrong with them is an optout.Faulty, and nothing is written.
func (m Mailroom) Key(ctx context.Context, at At, by optout.Actor, r Reading) (Piece, error) {
	p, err := m.Store.Piece(ctx, at)
	if err != nil {
		return Piece{}, err
	}
	if p.Status == Registered || p.Status == Held { // said twice, or its answer was lost
		if p.Form == m.Registrar.Keys.Reference(p.Origin()) && p.lastSaid(string(p.Status), by) {
			return p, nil
		}
		return p, Decided
	}
	if err := m.mine(p, by); err != nil {
		return p, err
	}
	if p.First == 0 { // a file that nobody could read
		return p, NotNow
	}
	facts, err := m.judge(r)
	if p.Status == Second {
		err = m.judgeTwice(r)
	}
	if err != nil {
		return p, err
	}
	switch {
	case p.Twice && p.Status == Waiting: // also if it is in doubt: it is as binding as another once it is released
		did := func(p Piece) bool { return p.Status == Second }
		return m.decide(ctx, at, by, r.Part, did, func(p Piece) (Piece, []Tally, error) {
			if p.Status != Waiting {
				return p, nil, NotNow
			}
			p.Status, p.Lease = Second, Lease{}
			p.Keyed = []Keying{{By: by.String(), At: milliseconds(m.Now()), Reading: r}}
			return p.said(m.Now(), by.String(), "keyed", ""), nil, nil
		})
	case p.Status == Second:
		if differs := r.Differs(p.Keyed[0].Reading); len(differs) > 0 {
			did := func(p Piece) bool { return p.Status == Disputed && p.Why == Readings }
			return m.decide(ctx, at, by, Part{}, did, func(p Piece) (Piece, []Tally, error) {
				if p.Status != Second {
					return p, nil, NotNow
				}
				p.Status, p.Why, p.Lease = Disputed, Readings, Lease{}
				p.Keyed = append(slices.Clone(p.Keyed), Keying{By: by.String(), At: milliseconds(m.Now()), Reading: r})
				return p.said(m.Now(), by.String(), "keyed-otherwise", strings.Join(differs, " ")), nil, nil
			})
		}
		r, r.Part = p.Keyed[0].Reading, Part{}
		if facts, err = m.judge(r); err != nil { // the rules have changed meanwhile
			return p, err
		}
	}
	return m.register(ctx, p, by, r, facts)
}

// judge are the facts of a reading, or what is wrong with it. Of a form that is held, only that somebody can be named by
// it matters.
func (m Mailroom) judge(r Reading) (optout.Facts, error) {
	rules := m.Rules()
	rules.Staff = true
	if r.Hold != "" {
		if err := oneOf("hold", r.Hold, HoldFor); err != nil {
			return optout.Facts{}, err
		}
		facts, wrong := rules.Doubtful(r.Answers)
		if facts.Surname.IsZero() {
			return facts, optout.Faulty(named(wrong))
		}
		return facts, nil
	}
	facts, wrong := rules.Accept(r.Answers)
	if wrong = append(wrong, asWritten(r.Number, rules)...); len(wrong) > 0 {
		return facts, optout.Faulty(wrong)
	}
	return facts, nil
}

// twice are the answers that are keyed by two people.
var twice = []string{"/subject/nhsNumber", "/subject/birthDate", "/choice", "/kind"}

// judgeTwice says what is wrong with a second reading, of which nothing is asked but what is keyed twice.
func (m Mailroom) judgeTwice(r Reading) error {
	if r.Hold != "" {
		return oneOf("hold", r.Hold, HoldFor)
	}
	rules := m.Rules()
	rules.Staff = true
	_, wrong := rules.Doubtful(r.Answers)
	wrong = slices.DeleteFunc(wrong, func(f optout.Fault) bool { return !slices.Contains(twice, f.Pointer) })
	if wrong = append(wrong, asWritten(r.Number, rules)...); len(wrong) > 0 {
		return optout.Faulty(wrong)
	}
	return nil
}

// asWritten is what is wrong with what is said to be no NHS number.
func asWritten(number string, rules optout.Rules) (wrong []optout.Fault) {
	if number == "" {
		return nil
	}
	if n, err := nhs.ParseNumber(number, rules.TestNumbers); err == nil && !n.IsZero() {
		wrong = append(wrong, optout.Fault{Pointer: "/number", Code: "is-a-number", Detail: "This is a good NHS number. Enter it as the NHS number."})
	}
	if len([]rune(number)) > 40 || !nhs.Printable(number) {
		wrong = append(wrong, optout.Fault{Pointer: "/number", Code: "line", Detail: "Enter at most 40 characters, as they are written."})
	}
	return wrong
}

// named are the faults that keep somebody from being named.
func named(all []optout.Fault) (some []optout.Fault) {
	for _, f := range all {
		if strings.HasPrefix(f.Pointer, "/subject/") {
			some = append(some, f)
		}
	}
	if len(some) == 0 {
		some = []optout.Fault{{Pointer: "/subject/surname", Code: "missing", Detail: faults["missing"]}}
	}
	return some
}

func (p Piece) saidBy(by optout.Actor) bool {
	return len(p.History) > 0 && sameID(p.History[len(p.History)-1].By, by)
}

// register registers or holds a form and gives the piece its outcome. Whatever happens in between: the piece says first
// which form it becomes, and can become nothing else from then on; its origin is the form's, so doing it again finds the
// same form.
func (m Mailroom) register(ctx context.Context, p Piece, by optout.Actor, r Reading, facts optout.Facts) (Piece, error) {
	b, err := m.Store.Batch(ctx, p.Batch)
	if err != nil {
		return p, err
	}
	cut := p
	if _, err := m.divide(ctx, &b, &cut, r.Part); err != nil { // before anything is written
		return p, err
	}
	if p, err = m.mark(ctx, p.At, by); err != nil {
		return p, err
	}
	paper, err := m.Store.Paper(ctx, p.Form)
	if err != nil {
		return p, fmt.Errorf("register: %w", err)
	}
	form, status, why := p.Form, Rescan, again(paper.Batch, p.At)
	if paper == p.At {
		if status, why, err = m.registered(ctx, p, r, facts); err != nil {
			return p, fmt.Errorf("register: %w", err)
		}
	}
	did := func(p Piece) bool {
		return p.Status.IsOutcome() && (p.Form == form || status == Rescan && p.Status == Rescan)
	}
	return m.decide(ctx, p.At, by, r.Part, did, func(p Piece) (Piece, []Tally, error) {
		said, agreed := Said{By: by.String(), At: milliseconds(m.Now()), Status: status, Why: why, Reading: r}, ""
		if p.Status == Second {
			said.By, agreed = p.Keyed[0].By, by.String()
		}
		var counts []Tally
		asRead := why == r.Hold && status == map[bool]Status{true: Registered, false: Held}[r.Hold == ""]
		if asRead { // and is no form that was there before
			counts = m.settled(p, said, agreed)
		}
		if p.Marked = (time.Time{}); status == Rescan {
			p.Form = optout.Reference{}
		} else {
			p.Letter, p.Number = r.Letter, r.Number
		}
		p = p.ends(status, why, by.String(), m.Now())
		if asRead {
			p = m.draw(p, said, agreed)
		}
		return p, counts, nil
	})
}

// mark says on a piece which form it becomes, and that it does so now.
func (m Mailroom) mark(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		if err := m.mine(p, by); err != nil {
			return p, err
		}
		now := milliseconds(m.Now())
		p.Form, p.Marked, p.Lease = m.Registrar.Keys.Reference(p.Origin()), now, Lease{By: by.String(), Until: now.Add(LeaseLasts)}
		return p, nil
	})
}

// isMarked says that the form of a piece is there, or may come yet. Whoever registers it is gone once a lease would have
// ended: no function runs that long.
func (m Mailroom) isMarked(ctx context.Context, p Piece) (bool, error) {
	if p.Form.IsZero() {
		return false, nil
	}
	if m.Now().Before(p.Marked.Add(LeaseLasts)) {
		return true, nil
	}
	_, err := m.Registrar.Store.Form(ctx, p.Form)
	if errors.Is(err, optout.ErrNotFound) {
		return false, nil
	}
	return true, err
}

// registered registers or holds the form of a piece, and says what the piece is for it. A form that was there is what it
// is, whatever is said of it now.
func (m Mailroom) registered(ctx context.Context, p Piece, r Reading, facts optout.Facts) (status Status, why string, err error) {
	var receipt optout.Receipt
	if r.Hold != "" {
		status, why = Held, r.Hold
		receipt, err = m.Registrar.Hold(ctx, p.Origin(), r.Answers, facts, r.Hold)
	} else {
		status = Registered
		receipt, err = m.Registrar.Register(ctx, p.Origin(), r.Answers, facts)
	}
	other := errors.Is(err, optout.ErrOtherAnswers) // somebody keyed it before, and it did not reach the books: that form stands
	if err != nil && !other || err == nil && !receipt.Replayed {
		return status, why, err
	}
	f, err := m.Registrar.Store.Form(ctx, p.Form)
	if err != nil {
		return status, why, err
	}
	status, why = Registered, ""
	if e := f.Events[0]; e.Kind == optout.Held {
		status, why = Held, e.Detail["why"]
	} else if other {
		why = "keyed-before"
	}
	return status, why, nil
}
