package job

import (
	"context"
	"fmt"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
)

// Hear takes in what became of a mail after the carrier had taken it, and counts what came of that.
func Hear(e optout.Engine) func(context.Context, trigger.MailNews) error {
	return func(ctx context.Context, n trigger.MailNews) error {
		code, err := nhs.ParseODSCode(n.Practice)
		if err != nil { // no mail of ours
			observe.Count(ctx, "MailNewsNothing", 1)
			return nil
		}
		did, err := e.Hear(ctx, code, n.ID, n.News)
		if err != nil {
			return fmt.Errorf("practice %s: %w", code, err)
		}
		observe.Count(ctx, metric("MailNews", string(did)), 1)
		return nil
	}
}
