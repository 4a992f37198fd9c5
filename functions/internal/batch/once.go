package batch

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// OpenOnce opens a batch under a client's key. The same key again gives the batch as it stands now, and repeat;
// optout.ErrOtherAnswers, if it was opened under the key with another declaration.
func (m Mailroom) OpenOnce(ctx context.Context, by optout.Actor, key string, d Declaration) (b Batch, repeat bool, err error) {
	id := m.Registrar.Keys.Reference(optout.Origin{Door: "batch", Client: by.ID, Key: key}).Key()
	repeat = true
	err = steady.Insist(ctx, func() error {
		b, err = m.Store.Batch(ctx, id)
		if !errors.Is(err, optout.ErrNotFound) {
			return err
		}
		if b, err = New(d, by, m.Now()); err != nil {
			return err
		}
		b.ID = id
		if err = m.Store.SaveBatch(ctx, Change{Batch: b}); err == nil {
			b.Version++
			repeat = false
		}
		return err
	}, optout.ErrConflict, optout.ErrUnavailable) // of two that open it at once, one finds the other's; a lost answer is found
	switch {
	case err != nil:
		return Batch{}, false, unresolved("open batch", err)
	case !b.declared(d):
		return Batch{}, false, optout.ErrOtherAnswers
	}
	return b, repeat, nil
}

// declared says that the batch was opened with this declaration.
func (b Batch) declared(d Declaration) bool {
	recounted := slices.ContainsFunc(b.History, func(e Event) bool { return e.Kind == "recounted" })
	return b.Box == d.Box && b.Sequence == d.Sequence && b.Destroy == d.Destroy && (recounted || b.Declared == d.Envelopes)
}

// ExpectOnce makes places for files under a client's key, as Expect does. The same key again gives the same places as
// they stand now, whatever has become of the batch, and repeat; optout.ErrOtherAnswers, if they were made for other names.
func (m Mailroom) ExpectOnce(ctx context.Context, id string, by optout.Actor, key string, names []string, e Envelopes) (pieces []Piece, slots []upload.Slot, repeat bool, err error) {
	if err := expectable(names, e); err != nil {
		return nil, nil, false, err
	}
	secret := m.Registrar.Keys.Reference(optout.Origin{Door: "scans " + id, Client: by.ID, Key: key})
	for n := range names {
		s := upload.NewScan(by, id, m.Now())
		s.ID = slotID(secret, n)
		slots = append(slots, s)
	}
	if pieces, err = m.expected(ctx, id, secret, names); err != nil || len(pieces) > 0 {
		return pieces, slots, true, err
	}
	pieces, there, err := m.expect(ctx, id, by, names, e, slots)
	switch {
	case err != nil:
		return nil, nil, false, err
	case there: // another request under the key has come in between, or our own answer was lost
		pieces, err = m.expected(ctx, id, secret, names)
		return pieces, slots, true, err
	}
	return pieces, slots, false, nil
}

// slotID is the id of the nth slot that is made under a client's key, as hard to guess as the secret that the keyring makes
// of it.
func slotID(secret optout.Reference, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "slot %s %d", secret.Key(), n))
	return base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// expected are the pieces that a client's key has made; none, if it was never used.
func (m Mailroom) expected(ctx context.Context, id string, secret optout.Reference, names []string) ([]Piece, error) {
	piece := func(ctx context.Context, n int) (p Piece, there bool, err error) {
		switch p, err = m.Store.Piece(ctx, FirstOf(id, slotID(secret, n))); {
		case errors.Is(err, optout.ErrNotFound):
			return p, false, nil
		case err != nil:
			return p, false, fmt.Errorf("read piece: %w", err)
		}
		return p, true, nil
	}
	if _, used, err := piece(ctx, 0); err != nil || !used {
		return nil, err
	}
	pieces := make([]Piece, min(len(names)+1, MostAtOnce))
	err := worklist.Each(ctx, len(pieces), func(ctx context.Context, n int) error {
		p, there, err := piece(ctx, n)
		switch {
		case err != nil:
			return err
		case there != (n < len(names)), there && p.Name != clipped(names[n]):
			return optout.ErrOtherAnswers
		}
		pieces[n] = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	return pieces[:len(names)], nil
}

// Renew makes the place of a file that has not come a new one: from now on it is waited for as long as at the beginning,
// also if it was given up. A place to which a file has come stays as it is.
func (m Mailroom) Renew(ctx context.Context, slots upload.Store, id string, by optout.Actor) (s upload.Slot, err error) {
	if s, err = slots.Upload(ctx, id); err != nil {
		return s, err
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

// unresolved is an error of something that was tried again and again: what conflicts then is away.
func unresolved(operation string, err error) error {
	if errors.Is(err, optout.ErrConflict) {
		err = fmt.Errorf("%w: %w", optout.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// Following is where the piece is that begins on the page after this one, if there is one.
func (p Piece) Following() At { return At{p.Batch, idOf(p.Upload, p.Last+1)} }
