package optout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// others are the other forms of the same person, in the order of arrival, and how many of them came before f: all, if
// it is not on the person's list. One that cannot be read is passed over: it is on the office's list for that.
func others(ctx context.Context, s Store, f Form) (found []Form, before int, err error) {
	if f.Person == "" {
		return nil, 0, nil
	}
	list, err := s.Person(ctx, f.Person)
	if err != nil {
		return nil, 0, fmt.Errorf("read the person's list: %w", err)
	}
	before = -1
	for _, ref := range list {
		if ref == f.Reference {
			before = len(found)
			continue
		}
		other, err := s.Form(ctx, ref)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable):
		case err != nil:
			return nil, 0, fmt.Errorf("read another form of the person: %w", err)
		case other.samePerson(f):
			found = append(found, other)
		}
	}
	if before < 0 {
		before = len(found)
	}
	return found, before, nil
}

// links is what an event says of a person's other forms: the earliest, and since when the person has been waiting.
func links(others []Form) []string {
	if len(others) == 0 {
		return nil
	}
	since := others[0].state.Received
	for _, o := range others {
		if o.state.Received.Before(since) {
			since = o.state.Received
		}
	}
	return []string{"first", others[0].Reference.Key(), "since", since.Format(milliseconds)}
}

// settle looks whether the person has other forms. Machines link and never close: a form that repeats one that is
// still open follows it from now on; any other goes its own way beside them, and both are shown to the practice.
// Without other forms there is nothing to write down, and it is routed at once.
func (e Engine) settle(ctx context.Context, f Form, now time.Time) (Change, error) {
	if f.Crowded() {
		return e.route(ctx, f, now)
	}
	all, earlier, err := others(ctx, e.Store, f)
	if err != nil {
		return Change{}, err
	}
	beside, before := all, all[:earlier]
	if f.Events[0].Kind != Held { // what has come since looks for itself; but it may be long since a held form came
		beside = before
	}
	if about, err := f.about(ctx, e.Store); err != nil {
		return Change{}, err
	} else if about.Version() > 0 && !slices.ContainsFunc(beside, func(o Form) bool { return o.Reference == about.Reference }) {
		beside = append([]Form{about}, beside...)
	}
	if len(beside) == 0 {
		return e.route(ctx, f, now)
	}
	first, as := beside[0], "linked"
	if n := repeated(append(slices.Clip(before), f)); n >= 0 && !f.state.Apart {
		first, as = before[n], "duplicate"
	}
	detail := map[string]string{"as": as}
	for pair := range slices.Chunk(links(beside), 2) {
		detail[pair[0]] = pair[1]
	}
	detail["first"] = first.Reference.Key()
	return Change{Form: f.With(Event{At: now, By: engine.String(), Kind: Settled, Detail: detail}), While: first}, nil
}

// about is the form that a withdrawal or a not-me is about, if there is one and it is of somebody born on the same day.
func (f Form) about(ctx context.Context, s Store) (Form, error) {
	if f.Facts.About.IsZero() {
		return Form{}, nil
	}
	about, err := s.Form(ctx, f.Facts.About)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable), err == nil && !about.born(f.Facts.BirthDate):
		return Form{}, nil
	case err != nil:
		return Form{}, fmt.Errorf("read the form it is about: %w", err)
	}
	return about, nil
}

// repeated finds the form that the last one of a person's forms only says again; -1 if it says something new.
//
// A form repeats the earliest that was open when it arrived, and not held, and has the same answer, signer and practice. Not across
// another answer of the person: who says no, then yes, then no again has said something new. All this is judged as of
// its arrival, so it does not matter how soon after that a form is looked at, nor which one is looked at first. What
// became of the first since is for follow to see; where that would only open the form again, it is no first.
func repeated(all []Form) int {
	firsts := make([]int, len(all)) // by position, as of arrival
	openAt := func(n int, t time.Time) bool {
		s := all[n].stateAt(t)
		if s.Status == StatusHeld { // nobody knows yet what it says, or who signed it
			return false
		}
		for ; !s.Ended() && !s.Apart && firsts[n] >= 0; n = firsts[n] {
			if s = all[firsts[n]].stateAt(t); s.Ended() {
				return all[n].fate(all[firsts[n]], s) == "reopened"
			}
		}
		return !s.Ended()
	}
	last := len(all) - 1
	for n, f := range all {
		firsts[n] = -1
		for i := n - 1; i >= 0 && all[i].sameAnswer(f); i-- {
			o := all[i]
			if o.sameSigner(f) && o.Facts.Practice == f.Facts.Practice && openAt(i, f.state.Received) &&
				(n < last || f.fate(o, o.state) != "reopened") {
				firsts[n] = i
			}
		}
	}
	return firsts[last]
}

// stateAt is how the form stood at some time, at the earliest when it arrived.
func (f Form) stateAt(t time.Time) State {
	n := slices.IndexFunc(f.Events, func(e Event) bool { return e.At.After(t) })
	if n < 0 {
		return f.state
	}
	return Fold(f.Events[:max(n, 1)])
}

// follow looks where the first form has gone, and takes the duplicate there.
func (e Engine) follow(ctx context.Context, f Form, now time.Time) (Change, error) {
	first, err := e.Store.Form(ctx, f.state.Of)
	if err != nil {
		return Change{}, fmt.Errorf("read the first form: %w", err)
	}
	fate := f.fate(first, first.state)
	if fate == "" && f.state.Owner == OwnerFirst {
		return Change{}, nil
	}
	detail := map[string]string{"fate": cmp.Or(fate, "open"), "first": first.Reference.Key()}
	if whose := first.state.Practice; fate == "checked" && !whose.IsZero() {
		detail["practice"] = whose.String()
	}
	if fate == "withdrawn" {
		for _, goes := range []string{"until", "signed"} {
			if as := first.caused().Detail[goes]; as != "" {
				detail[goes] = as
			}
		}
	}
	return Change{Form: f.With(Event{At: now, By: engine.String(), Kind: Followed, Detail: detail}), While: first}, nil
}

// fate is what becomes of a duplicate as its first form stood; "" if nothing new. It ends as the first one does only
// if that was checked, or withdrawn by whoever signed both, after the duplicate was sent and signed; otherwise it
// opens again.
func (f Form) fate(first Form, s State) string {
	switch {
	case !first.samePerson(f): // a number was corrected
		return "reopened"
	case s.Status == StatusChecked:
		return "checked"
	case s.Status == StatusWithdrawn && first.Events[s.cause-1].takesAlong(f):
		return "withdrawn"
	case s.Ended():
		return "reopened"
	}
	return ""
}

// takesAlong says whether what withdrew a form withdraws a duplicate of it too.
func (e Event) takesAlong(f Form) bool {
	signed := nhs.StoredDate(e.Detail["signed"])
	return f.state.Received.Before(e.time("until")) && (signed.IsZero() || !f.Facts.SignedOn.After(signed))
}

// Beside are a form's person's other forms, and the one that it is about if that is another one, in the order of arrival:
// what a practice sees side by side.
func Beside(ctx context.Context, s Store, f Form) ([]Form, error) {
	all, _, err := others(ctx, s, f)
	if err != nil {
		return nil, err
	}
	about, err := f.about(ctx, s)
	if err != nil {
		return nil, err
	}
	if about.Version() > 0 && !slices.ContainsFunc(all, func(o Form) bool { return o.Reference == about.Reference }) {
		all = append([]Form{about}, all...)
	}
	return all, nil
}
