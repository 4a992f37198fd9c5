package batch

import (
	"context"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// Renew makes the place of a file that has not come a new one: from now on it is waited for as long as at the beginning,
// also if it was given up. A place to which a file has come stays as it is. optout.ErrNotFound, if it is no place of a
// batch.
func (m Mailroom) Renew(ctx context.Context, slots upload.Store, id string, by optout.Actor) (s upload.Slot, err error) {
	if s, err = slots.Upload(ctx, id); err != nil {
		return s, err
	}
	if s.For != upload.Scan || s.Batch == "" {
		return s, optout.ErrNotFound
	}
	_, err = m.change(ctx, s.Batch, func(b *Batch) (Change, error) {
		if s, err = slots.Upload(ctx, id); err != nil {
			return Change{}, err
		}
		p, err := m.Store.Piece(ctx, FirstOf(s.Batch, id))
		switch {
		case err != nil:
			return Change{}, err
		case s.State != upload.Promised && s.State != upload.Expired, p.Status != Awaited && p.Status != Lapsed:
			return Change{}, errNothing
		case !b.IsOpen():
			return Change{}, Closed
		case s.State == upload.Promised && p.Status == Awaited && m.Now().Sub(s.Promised) < upload.Waits-2*upload.Lasts:
			return Change{}, errNothing // a form that is signed now ends long before the place is given up
		case p.Status == Lapsed && b.Pieces >= MostPieces:
			return Change{}, Crowded
		}
		if p.Status == Lapsed {
			b.Pieces++
			p.Status, p.Done = Awaited, time.Time{}
		}
		fresh := upload.NewScan(by, s.Batch, m.Now())
		fresh.ID, fresh.Version, fresh.By = s.ID, s.Version, s.By
		return Change{Pieces: []Piece{p.said(m.Now(), by.String(), "expected", "again")}, Slots: []upload.Slot{fresh}}, nil
	})
	if err != nil {
		return s, err
	}
	return slots.Upload(ctx, id)
}
