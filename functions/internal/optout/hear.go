package optout

import (
	"context"
	"fmt"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// Hear takes in what the carrier says of a mail to a practice, which it knows by its own id. It may come late, more
// than once and in any order; of a mail that is not kept any more, or never was, nothing follows.
//
// ToOffice if the practice cannot be told any more, Moved if something else was noted, Nothing if not. ErrUnavailable
// if the mail may be just being recorded, too: the same may simply be said again.
func (e Engine) Hear(ctx context.Context, code nhs.ODSCode, id string, n digest.News) (did Outcome, err error) {
	err = steady.Insist(ctx, func() (err error) { did, err = e.hear(ctx, code, id, n); return err }, ErrConflict, ErrUnavailable)
	if err != nil {
		return Nothing, fmt.Errorf("hear of a mail: %w", err)
	}
	return did, nil
}

func (e Engine) hear(ctx context.Context, code nhs.ODSCode, id string, n digest.News) (Outcome, error) {
	p, err := e.Store.Practice(ctx, code)
	if err != nil {
		return Nothing, fmt.Errorf("read practice: %w", err)
	}
	now := e.Now().UTC().Truncate(time.Millisecond)
	was, news := p.Digest, false
	p.Digest, news = was.Heard(id, n, e.address(p), now)
	switch {
	case !news && !was.Knows(id) && was.Lease.After(now): // its sender has not written it down yet
		return Nothing, fmt.Errorf("a mail is being sent: %w", ErrUnavailable)
	case !news:
		return Nothing, nil
	}
	if err := e.saveDigest(ctx, p); err != nil {
		return Nothing, err
	}
	if was.Fault == "" && p.Digest.Fault != "" {
		return ToOffice, nil
	}
	return Moved, nil
}
