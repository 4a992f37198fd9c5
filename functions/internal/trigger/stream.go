package trigger

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"example.org/optout/functions/internal/observe"
)

// Named is the primary key of an item that a stream record tells of. The record's images are not handed on: they
// are old by the time anybody acts.
type Named struct{ PK, SK string }

// Stream serves a slice of the table's stream. handle gives the index of the first record it could not deal with,
// or len(named): the service sends everything from there on again. Which record that is, is said by its
// SequenceNumber.
func Stream(o *observe.Observer, handle func(ctx context.Context, named []Named) (int, error)) func(context.Context, events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		var out events.DynamoDBEventResponse
		_ = o.Invocation(ctx, "stream", requestID(ctx), func(ctx context.Context) error {
			observe.Count(ctx, "Records", len(e.Records))
			named := make([]Named, len(e.Records))
			for i, r := range e.Records {
				named[i] = Named{text(r.Change.Keys["PK"]), text(r.Change.Keys["SK"])}
			}
			done, err := handle(ctx, named)
			if done < len(e.Records) {
				out.BatchItemFailures = []events.DynamoDBBatchItemFailure{{ItemIdentifier: e.Records[done].Change.SequenceNumber}}
			}
			if err != nil {
				return fmt.Errorf("record %d of %d: %w", done+1, len(e.Records), err)
			}
			return nil
		})
		return out, nil
	}
}

// text is a string attribute's value, "" for any other type (the library's own accessor panics).
func text(a events.DynamoDBAttributeValue) string {
	if a.DataType() != events.DataTypeString {
		return ""
	}
	return a.String()
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
