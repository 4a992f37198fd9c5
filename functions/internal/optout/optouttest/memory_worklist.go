package optouttest

import (
	"context"
	"iter"
	"slices"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// place is where something stands on somebody's list.
type place struct {
	list  worklist.List
	entry worklist.Entry
}

// placeForm puts a form that was written where it belongs.
func (m *Memory) placeForm(f optout.Form) {
	delete(m.places, f.Reference.Key())
	if l := worklist.Of(f.State()); l != (worklist.List{}) {
		m.places[f.Reference.Key()] = place{l, worklist.Entry{Reference: f.Reference, Since: f.State().Received.UTC().Truncate(time.Millisecond)}}
	}
}

// toOffice puts what is on nobody's list on the office's.
func (m *Memory) toOffice(id string, since time.Time) {
	if _, listed := m.places[id]; listed {
		return
	}
	e, err := worklist.ParseEntry(id, since.UTC().Truncate(time.Millisecond))
	if err != nil {
		panic(err) // nothing else has ever been stored
	}
	m.places[id] = place{worklist.List{Owner: worklist.Office, Stage: worklist.Open}, e}
}

// toAct is what a practice has to act on.
func toAct(code nhs.ODSCode) worklist.List {
	return worklist.List{Owner: worklist.Practice(code), Stage: worklist.Open}
}

// on is what stands on a list, in any order.
func (m *Memory) on(l worklist.List) (entries []worklist.Entry) {
	l.Newest = false
	for _, p := range m.places {
		if p.list == l {
			entries = append(entries, p.entry)
		}
	}
	return entries
}

// List implements worklist.Store.
func (m *Memory) List(_ context.Context, l worklist.List, after worklist.Cursor, n int) (page worklist.Page, err error) {
	err = m.do("List", func() error {
		from, err := l.Behind(after)
		if err == nil {
			page = l.Page(m.on(l), from, n)
		}
		return err
	})
	return page, err
}

// Tally implements worklist.Store.
func (m *Memory) Tally(_ context.Context, l worklist.List) (n int, err error) {
	err = m.do("Tally", func() error {
		n = len(m.on(l))
		return nil
	})
	return n, err
}

// Claim implements worklist.Store.
func (m *Memory) Claim(_ context.Context, ref optout.Reference, c worklist.Claim, now time.Time) (held worklist.Claim, err error) {
	err = m.do("Claim", func() error {
		if held = m.claims[ref]; held.Until.After(now) && held.By != c.By {
			return worklist.ErrHeld
		}
		c.Until = c.Until.UTC().Truncate(time.Millisecond)
		held, m.claims[ref] = c, c
		return nil
	})
	if err == optout.ErrUnavailable {
		held = worklist.Claim{}
	}
	return held, err
}

// Release implements worklist.Store.
func (m *Memory) Release(_ context.Context, ref optout.Reference, by string) error {
	return m.do("Release", func() error {
		if m.claims[ref].By == by {
			delete(m.claims, ref)
		}
		return nil
	})
}

// Claimed implements worklist.Store.
func (m *Memory) Claimed(_ context.Context, refs []optout.Reference, now time.Time) (held map[optout.Reference]worklist.Claim, err error) {
	err = m.do("Claimed", func() error {
		held = map[optout.Reference]worklist.Claim{}
		for _, ref := range refs {
			if c := m.claims[ref]; c.Until.After(now) {
				held[ref] = c
			}
		}
		return nil
	})
	return held, err
}

// Look implements worklist.Store.
func (m *Memory) Look(_ context.Context, l worklist.Look, refs ...optout.Reference) error {
	return m.do("Look", func() error {
		l.At = l.At.UTC().Truncate(time.Millisecond)
		for _, ref := range refs {
			m.looks[ref] = append(m.looks[ref], l)
		}
		return nil
	})
}

// Looks implements worklist.Store.
func (m *Memory) Looks(_ context.Context, ref optout.Reference) iter.Seq2[worklist.Look, error] {
	return func(yield func(worklist.Look, error) bool) {
		var all []worklist.Look
		if err := m.do("Looks", func() error {
			all = slices.Clone(m.looks[ref])
			return nil
		}); err != nil {
			yield(worklist.Look{}, err)
			return
		}
		slices.SortStableFunc(all, func(a, b worklist.Look) int { return b.At.Compare(a.At) })
		for _, l := range all {
			if !yield(l, nil) {
				return
			}
		}
	}
}
