package optout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// others are the other forms of the same person, in the order of arrival: those before it on the person's list, or all
// if it is not on that list. One that cannot be read is passed over: it is on the office's list for that.
func others(ctx context.Context, s Store, f Form) (found []Form, err error) {
	if f.Person == "" || f.Crowded() {
		return nil, nil
	}
	list, err := s.Person(ctx, f.Person)
	if err != nil {
		return nil, fmt.Errorf("read the person's list: %w", err)
	}
	if n := slices.Index(list, f.Reference); n >= 0 {
		list = list[:n]
	}
	for _, ref := range list {
		other, err := s.Form(ctx, ref)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable):
		case err != nil:
			return nil, fmt.Errorf("read an earlier form: %w", err)
		case other.samePerson(f):
			found = append(found, other)
		}
	}
	return found, nil
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
	before, err := others(ctx, e.Store, f)
	if err != nil {
		return Change{}, err
	}
	if about, err := f.about(ctx, e.Store); err != nil {
		return Change{}, err
	} else if about.Version() > 0 && !slices.ContainsFunc(before, func(o Form) bool { return o.Reference == about.Reference }) {
		before = append([]Form{about}, before...)
	}
	if len(before) == 0 {
		return e.route(ctx, f, now)
	}
	first, as := before[0], "linked"
	if n := repeated(append(before, f)); n >= 0 {
		first, as = before[n], "duplicate"
	}
	detail := map[string]string{"as": as}
	for pair := range slices.Chunk(links(before), 2) {
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
// A form repeats the earliest that was open when it arrived and has the same answer, signer and practice. Not across
// another answer of the person: who says no, then yes, then no again has said something new. All this is judged as of
// its arrival, so it does not matter how soon after that a form is looked at, nor which one is looked at first. What
// became of the first since is for follow to see; where that would only open the form again, it is no first.
func repeated(all []Form) int {
	firsts := make([]int, len(all)) // by position, as of arrival
	openAt := func(n int, t time.Time) bool {
		s := all[n].stateAt(t)
		for ; !s.Ended() && firsts[n] >= 0; n = firsts[n] {
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
	if fate == "" {
		return Change{}, nil
	}
	detail := map[string]string{"fate": fate, "first": first.Reference.Key()}
	if until := first.caused().Detail["until"]; fate == "withdrawn" && until != "" {
		detail["until"] = until
	}
	return Change{Form: f.With(Event{At: now, By: engine.String(), Kind: Followed, Detail: detail}), While: first}, nil
}

// fate is what becomes of a duplicate as its first form stood; "" if nothing new. It ends as the first one does only
// if that was checked, or withdrawn by whoever signed both, after the duplicate was sent (until); otherwise it opens
// again.
func (f Form) fate(first Form, s State) string {
	switch {
	case !first.samePerson(f): // a number was corrected
		return "reopened"
	case s.Status == StatusChecked:
		return "checked"
	case s.Status == StatusWithdrawn && f.state.Received.Before(first.Events[s.cause-1].time("until")):
		return "withdrawn"
	case s.Ended():
		return "reopened"
	default:
		if applied := s.Status == StatusApplied || s.Status == StatusInDoubt || s.FirstDone; applied != f.state.FirstDone {
			return map[bool]string{true: "applied", false: "open"}[applied]
		}
	}
	return ""
}
