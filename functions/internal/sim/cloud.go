package sim

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/dynamo"
)

// The services that calls go to.
const (
	dynamoDB = "DynamoDB"
	ses      = "SES"
	s3       = "S3"
)

// errAnswerLost is what a client's library gives when the connection breaks.
var errAnswerLost = errors.New("connection reset by peer")

// calls are the table's, each of which may fail. A World is asked for by each: the doors that use them outlive it.
func calls() dynamo.Calls {
	return dynamo.Calls{
		Get: func(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.GetItemOutput, err error) {
			w := current
			err = w.call(ctx, &call{service: dynamoDB, what: func() string { return "get " + keyOf(in.Key) }, fails: callFails, effect: func() (err error) {
				out, err = w.Table.Get(ctx, in)
				return err
			}})
			return whole(out, err)
		},
		Update: func(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
			w := current
			err = w.call(ctx, &call{service: dynamoDB, what: func() string { return "update " + keyOf(in.Key) }, writes: true, fails: callFails, effect: func() (err error) {
				out, err = w.Table.Update(ctx, in)
				return err
			}})
			return whole(out, err)
		},
		Query: func(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (out *dynamodb.QueryOutput, err error) {
			w := current
			err = w.call(ctx, &call{service: dynamoDB, what: func() string { return "query " + aws.ToString(in.IndexName) + valuesOf(in.ExpressionAttributeValues) }, fails: callFails, effect: func() (err error) {
				out, err = w.Table.Query(ctx, in)
				return err
			}})
			return whole(out, err)
		},
		Transact: func(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
			w := current
			err = w.call(ctx, &call{service: dynamoDB, what: func() string { return "transact " + firstOf(in.TransactItems) }, writes: true, fails: transactionFails, effect: func() (err error) {
				if in.ClientRequestToken == nil { // as the client's library does, so that its own repeats are known
					in.ClientRequestToken = aws.String(w.token())
				}
				out, err = w.Table.Transact(ctx, in)
				return err
			}})
			return whole(out, err)
		},
	}
}

// whole gives no answer beside an error: that of a try whose answer was lost must not be seen.
func whole[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// callFails is how DynamoDB fails, and transactionFails how it does where much is written at once.
func callFails(f failure) error {
	switch f {
	case unanswered:
		return errAnswerLost
	case conflicted:
		return &types.TransactionConflictException{Message: aws.String("conflict")}
	}
	return &types.ProvisionedThroughputExceededException{Message: aws.String("throttled")}
}

func transactionFails(f failure) error {
	switch f {
	case unanswered:
		return errAnswerLost
	case conflicted:
		return &types.TransactionCanceledException{Message: aws.String("conflict"), CancellationReasons: []types.CancellationReason{{Code: aws.String("TransactionConflict")}}}
	}
	return &types.TransactionCanceledException{Message: aws.String("throttled"), CancellationReasons: []types.CancellationReason{{Code: aws.String("ThrottlingError")}}}
}

func keyOf(k map[string]types.AttributeValue) string { return text(k["PK"]) + " " + text(k["SK"]) }

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// valuesOf is what a query asks for: those of its values that tell it from others.
func valuesOf(values map[string]types.AttributeValue) (all string) {
	for _, name := range []string{":shard", ":list", ":pk", ":part", ":stage", ":first"} {
		if v := text(values[name]); v != "" {
			all += " " + v
		}
	}
	return all
}

func firstOf(writes []types.TransactWriteItem) string {
	switch w := writes[0]; {
	case w.Put != nil:
		return keyOf(w.Put.Item)
	case w.Update != nil:
		return keyOf(w.Update.Key)
	}
	return ""
}

// lag is how long an index takes to show a write.
func (w *World) lag(string) time.Duration {
	if !w.stormy || !w.chance(w.weather.Stale) {
		return 0
	}
	w.fault("index shows it late")
	d := time.Duration(w.wind.Int64N(int64(30 * time.Second)))
	w.After(d, func() {}) // the world looks what is due then
	return d
}

// troubled marks the mails of a process as ones of which it may not have told.
func (w *World) troubled(p *process) {
	for n := range w.Mails {
		if w.Mails[n].by == p {
			w.Mails[n].Unsure = true
		}
	}
}

// Mail is one that SES carried.
type Mail struct {
	At       time.Time
	Practice string
	Unsure   bool // something befell whoever sent it, who may not know or not have told
	by       *process
}

// send is SES.
func (w *World) send(ctx context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	var id string
	err := w.call(ctx, &call{service: ses, name: "mail " + aws.ToString(in.EmailTags[0].Value), writes: true, effect: func() error {
		practice := aws.ToString(in.EmailTags[0].Value)
		if w.stormy && w.chance(w.weather.Mail) {
			w.fault("mail refused for good")
			return &smithy.GenericAPIError{Code: "MessageRejected"}
		}
		id = w.token()
		p, _ := ctx.Value(processKey{}).(*process)
		w.Mails = append(w.Mails, Mail{At: w.Now(), Practice: practice, by: p})
		w.note("mail to %s", practice)
		if w.stormy && w.hearsOfMail != nil && w.chance(w.weather.Mail) {
			w.fault("mail comes back")
			w.hearsOfMail(w, practice, id)
		}
		return nil
	}, fails: func(f failure) error {
		switch f {
		case unanswered:
			return errAnswerLost
		case refused:
			return &smithy.GenericAPIError{Code: "TooManyRequestsException"}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return &sesv2.SendEmailOutput{MessageId: &id}, nil
}

// token is a name that nothing else has.
func (w *World) token() string {
	w.serial++
	return "t-" + itoa(w.serial)
}
