package worklist

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"example.org/optout/functions/internal/optout"
)

// atOnce is how many calls of the table one request makes at a time.
const atOnce = 16

// Each does n things, several at a time, until one of them fails; it gives that error.
func Each(ctx context.Context, n int, do func(ctx context.Context, n int) error) error {
	if n == 1 {
		return do(ctx, 0)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

// Forms reads strongly the forms that entries of a list name, in their order, and leaves out those that have moved on:
// of whatever comes with facts, the owner of the list is the owner now. A form that cannot be read stays on its list
// until somebody has mended it, and comes as a bare reference, at version 0.
func Forms(ctx context.Context, store optout.Store, l List, entries []Entry) ([]optout.Form, error) {
	l.Newest = false
	return read(ctx, entries, func(ctx context.Context, e Entry) (optout.Form, bool, error) {
		if e.Reference.IsZero() {
			return optout.Form{}, false, nil
		}
		switch f, err := store.Form(ctx, e.Reference); {
		case errors.Is(err, optout.ErrNotFound):
			return optout.Form{}, false, nil
		case errors.Is(err, optout.ErrUnreadable):
			return optout.Form{Reference: e.Reference}, true, nil
		default:
			at := Of(f.State())
			if at == (List{}) && f.Fault != "" { // what the engine cannot go on with
				at = List{Owner: Office, Stage: Open}
			}
			return f, at == l, err
		}
	})
}

// Practices reads strongly the practices that entries of the office's list name, in their order, and leaves out those
// that the office need not help any more. One that cannot be read comes as a bare code.
func Practices(ctx context.Context, store optout.Store, entries []Entry) ([]optout.Practice, error) {
	return read(ctx, entries, func(ctx context.Context, e Entry) (optout.Practice, bool, error) {
		if e.Practice.IsZero() {
			return optout.Practice{}, false, nil
		}
		p, err := store.Practice(ctx, e.Practice)
		if errors.Is(err, optout.ErrUnreadable) {
			return optout.Practice{Code: e.Practice}, true, nil
		}
		_, listed := p.Digest.OfficeSince()
		return p, listed, err
	})
}

// read reads what each entry names, and gives what is still there.
func read[T any](ctx context.Context, entries []Entry, one func(context.Context, Entry) (T, bool, error)) (found []T, err error) {
	all, there := make([]T, len(entries)), make([]bool, len(entries))
	err = Each(ctx, len(entries), func(ctx context.Context, n int) (err error) {
		all[n], there[n], err = one(ctx, entries[n])
		return err
	})
	if err != nil {
		return nil, err
	}
	for n, v := range all {
		if there[n] {
			found = append(found, v)
		}
	}
	return found, nil
}
