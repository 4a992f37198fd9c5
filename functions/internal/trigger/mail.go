package trigger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/observe"
)

// MailNews is what SES says of a mail that it has taken.
type MailNews struct {
	Practice string // as the mail's tag says
	ID       string // as SES gave it to whoever sent the mail
	News     digest.News
}

// sesEvent is the part that matters here of what SES publishes to EventBridge (SES developer guide, contents of event
// data that Amazon SES publishes to EventBridge). The rest quotes addresses.
type sesEvent struct {
	EventType string `json:"eventType"`
	Bounce    struct {
		BounceType string `json:"bounceType"`
	} `json:"bounce"`
	Mail struct {
		MessageID string              `json:"messageId"`
		Tags      map[string][]string `json:"tags"`
	} `json:"mail"`
}

// Mail serves what SES publishes of a mail. An event that says nothing of a mail of ours is noted and is no error: it
// would say the same again.
func Mail(o *observe.Observer, handle func(context.Context, MailNews) error) func(context.Context, events.EventBridgeEvent) error {
	return func(ctx context.Context, e events.EventBridgeEvent) error {
		return o.Invocation(ctx, "mail", requestID(ctx), func(ctx context.Context) error {
			var s sesEvent
			if err := json.Unmarshal(e.Detail, &s); err != nil { // its words may quote an address
				observe.Note(ctx, "news", "unreadable")
				return nil
			}
			n := MailNews{ID: s.Mail.MessageID, News: s.news()}
			if tags := s.Mail.Tags["practice"]; len(tags) == 1 {
				n.Practice = tags[0]
			}
			if e.Source != "aws.ses" || n.News == "" || n.ID == "" || n.Practice == "" {
				observe.Note(ctx, "news", "none")
				return nil
			}
			observe.Note(ctx, "news", string(n.News))
			if err := handle(ctx, n); err != nil {
				return fmt.Errorf("mail: %w", err)
			}
			return nil
		})
	}
}

// news is what an event says in our words. Of a bounce that SES calls neither permanent nor transient nobody knows
// whether there is anybody: the office had better look.
func (s sesEvent) news() digest.News {
	switch {
	case s.EventType == "Bounce" && s.Bounce.BounceType == "Transient":
		return digest.BouncedForNow
	case s.EventType == "Bounce":
		return digest.Bounced
	case s.EventType == "Complaint":
		return digest.Complained
	case s.EventType == "Reject":
		return digest.Rejected
	}
	return ""
}
