package optouttest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"iter"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// books are the mailroom's.
type books struct {
	batches map[string]batch.Batch
	pieces  map[batch.At]batch.Piece
	files   map[string]batch.File
	papers  map[optout.Reference]batch.At
	tallies []batch.Tally
}

// SaveBatch implements batch.Store.
func (m *Memory) SaveBatch(_ context.Context, c batch.Change) error {
	return m.do("SaveBatch", func() error {
		if m.books.batches[c.Batch.ID].Version != c.Batch.Version {
			return optout.ErrConflict
		}
		for _, p := range c.Pieces {
			if m.books.pieces[p.At].Version != p.Version {
				return optout.ErrConflict
			}
		}
		for _, s := range c.Slots {
			if m.uploads[s.ID].Version != s.Version {
				return optout.ErrConflict
			}
		}
		c.Batch.Version++
		m.books.batches[c.Batch.ID] = ownBatch(c.Batch)
		for _, p := range c.Pieces {
			m.savePiece(p)
		}
		for _, s := range c.Slots {
			s.Version++
			m.uploads[s.ID] = apart(s)
		}
		m.books.tallies = batch.Added(append(m.books.tallies, c.Counts...)...)
		return nil
	})
}

func (m *Memory) savePiece(p batch.Piece) {
	p.Version++
	m.books.pieces[p.At] = ownPiece(p)
	if !p.Form.IsZero() {
		if _, there := m.books.papers[p.Form]; !there {
			m.books.papers[p.Form] = p.At
		}
	}
}

// SavePiece implements batch.Store.
func (m *Memory) SavePiece(_ context.Context, p batch.Piece, counts ...batch.Tally) error {
	return m.do("SavePiece", func() error {
		if m.books.pieces[p.At].Version != p.Version {
			return optout.ErrConflict
		}
		m.savePiece(p)
		m.books.tallies = batch.Added(append(m.books.tallies, counts...)...)
		return nil
	})
}

// Tallies implements batch.Store.
func (m *Memory) Tallies(_ context.Context, from, to nhs.Date) (some []batch.Tally, err error) {
	err = m.do("Tallies", func() error {
		for _, t := range batch.Added(m.books.tallies...) {
			if !from.After(t.Day) && !t.Day.After(to) {
				some = append(some, t)
			}
		}
		return nil
	})
	return some, err
}

// Letters implements batch.Store.
func (m *Memory) Letters(context.Context) iter.Seq2[batch.Queued, error] {
	return m.walk("Letters", func(p batch.Piece) time.Time { return p.LetterDue() })
}

// Batch implements batch.Store.
func (m *Memory) Batch(_ context.Context, id string) (b batch.Batch, err error) {
	err = m.do("Batch", func() error {
		var there bool
		if b, there = m.books.batches[id]; !there {
			return optout.ErrNotFound
		}
		b = ownBatch(b)
		return nil
	})
	return b, err
}

// Pieces implements batch.Store.
func (m *Memory) Pieces(_ context.Context, id string) (pieces []batch.Piece, err error) {
	err = m.do("Pieces", func() error {
		for at, p := range m.books.pieces {
			if at.Batch == id {
				pieces = append(pieces, ownPiece(p))
			}
		}
		slices.SortFunc(pieces, func(a, b batch.Piece) int { return strings.Compare(a.ID, b.ID) })
		return nil
	})
	return pieces, err
}

// Piece implements batch.Store.
func (m *Memory) Piece(_ context.Context, at batch.At) (p batch.Piece, err error) {
	err = m.do("Piece", func() error {
		var there bool
		if p, there = m.books.pieces[at]; !there {
			return optout.ErrNotFound
		}
		p = ownPiece(p)
		return nil
	})
	return p, err
}

// Batches implements batch.Store.
func (m *Memory) Batches(_ context.Context, open bool, n int) (ids []string, err error) {
	err = m.do("Batches", func() error {
		ids = m.books.some(n, func(b batch.Batch) bool { return b.IsOpen() == open }, func(a, b batch.Batch) int {
			return cmp.Or(b.Opened.Compare(a.Opened), strings.Compare(b.ID, a.ID))
		})
		return nil
	})
	return ids, err
}

// IdleBatches implements batch.Store.
func (m *Memory) IdleBatches(_ context.Context, now time.Time, n int) (ids []string, err error) {
	err = m.do("IdleBatches", func() error {
		ids = m.books.some(n, func(b batch.Batch) bool { return b.IsOpen() && !b.Due().After(now) }, func(a, b batch.Batch) int {
			return cmp.Or(a.Due().Compare(b.Due()), strings.Compare(a.ID, b.ID))
		})
		return nil
	})
	return ids, err
}

func (b books) some(n int, which func(batch.Batch) bool, order func(a, b batch.Batch) int) (ids []string) {
	var all []batch.Batch
	for _, b := range b.batches {
		if which(b) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, order)
	for _, b := range all[:min(n, len(all))] {
		ids = append(ids, b.ID)
	}
	return ids
}

// Queue implements batch.Store.
func (m *Memory) Queue(_ context.Context, s batch.Stage) iter.Seq2[batch.Queued, error] {
	return m.walk("Queue", on(s))
}

// on says since when a piece is on a list; zero: it is not.
func on(s batch.Stage) func(batch.Piece) time.Time {
	return func(p batch.Piece) time.Time {
		if p.Stage() != s {
			return time.Time{}
		}
		return p.Waits()
	}
}

func (m *Memory) walk(method string, since func(batch.Piece) time.Time) iter.Seq2[batch.Queued, error] {
	return func(yield func(batch.Queued, error) bool) {
		var all []batch.Queued
		if err := m.do(method, func() error { all = m.books.queue(since); return nil }); err != nil {
			yield(batch.Queued{}, err)
			return
		}
		for _, q := range all {
			if !yield(q, nil) {
				return
			}
		}
	}
}

// QueueLength implements batch.Store.
func (m *Memory) QueueLength(_ context.Context, s batch.Stage) (n int, err error) {
	err = m.do("QueueLength", func() error { n = len(m.books.queue(on(s))); return nil })
	return n, err
}

func (b books) queue(since func(batch.Piece) time.Time) (all []batch.Queued) {
	for at, p := range b.pieces {
		if since := since(p); !since.IsZero() {
			all = append(all, batch.Queued{At: at, Since: since})
		}
	}
	slices.SortFunc(all, func(a, b batch.Queued) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Batch, b.Batch), strings.Compare(a.ID, b.ID))
	})
	return all
}

// FirstFile implements batch.Store.
func (m *Memory) FirstFile(_ context.Context, sha256 []byte, this batch.File) (first batch.File, err error) {
	err = m.do("FirstFile", func() error {
		key, there := hex.EncodeToString(sha256), false
		if first, there = m.books.files[key]; !there {
			m.books.files[key], first = this, this
		}
		return nil
	})
	if err != nil {
		return batch.File{}, err
	}
	return first, nil
}

// Paper implements batch.Store.
func (m *Memory) Paper(_ context.Context, form optout.Reference) (at batch.At, err error) {
	err = m.do("Paper", func() error {
		var there bool
		if at, there = m.books.papers[form]; !there {
			return optout.ErrNotFound
		}
		return nil
	})
	return at, err
}

// ownBatch and ownPiece share nothing that can be changed, and have their times as they are kept.
func ownBatch(b batch.Batch) batch.Batch {
	kept(&b.Opened, &b.Moved, &b.Closed)
	b.History = ownHistory(b.History)
	return b
}

func ownPiece(p batch.Piece) batch.Piece {
	kept(&p.Since, &p.Done, &p.Marked, &p.Lease.Until, &p.Posted)
	p.Pages, p.SHA256, p.History = slices.Clone(p.Pages), bytes.Clone(p.SHA256), ownHistory(p.History)
	p.Keyed = slices.Clone(p.Keyed)
	for n := range p.Keyed {
		kept(&p.Keyed[n].At)
		p.Keyed[n].Reading.Answers = ownAnswers(p.Keyed[n].Reading.Answers)
	}
	p.Sample.Differs = slices.Clone(p.Sample.Differs)
	for _, s := range []*batch.Said{&p.Sample.First, &p.Sample.Again} {
		kept(&s.At)
		s.Reading.Answers = ownAnswers(s.Reading.Answers)
	}
	return p
}

func ownAnswers(a optout.Answers) optout.Answers {
	a.Subject.Address = slices.Clone(a.Subject.Address)
	if a.Proxy != nil {
		proxy := *a.Proxy
		a.Proxy = &proxy
	}
	if a.Reply != nil {
		reply := *a.Reply
		reply.Safe = slices.Clone(reply.Safe)
		a.Reply = &reply
	}
	return a
}

func ownHistory(h batch.History) batch.History {
	h = slices.Clone(h)
	for n := range h {
		kept(&h[n].At)
	}
	return h
}

func kept(times ...*time.Time) {
	for _, at := range times {
		if !at.IsZero() {
			*at = at.UTC().Truncate(time.Millisecond)
		}
	}
}
