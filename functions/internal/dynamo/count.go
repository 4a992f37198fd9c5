package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/optout"
)

// Count implements quota.Counter: one update, which the SDK may repeat and so count twice. A counter that has expired
// stays until DynamoDB gets to it, days later perhaps. That is never reached, since the caller puts the window's number
// into the key.
func (s Store) Count(ctx context.Context, key string, expires time.Time) (int, error) {
	values := item{}
	values.num(":one", 1)
	values.num(":expires", int(expires.Unix())) // what DynamoDB wants of this attribute
	out, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(counterKey(key)), ExpressionAttributeValues: values, ReturnValues: types.ReturnValueUpdatedNew,
		UpdateExpression: aws.String("SET expires = if_not_exists(expires, :expires) ADD n :one"),
	})
	if err != nil {
		return 0, kind("count", err)
	}
	return readCount(out.Attributes)
}

// Counted implements quota.Counter.
func (s Store) Counted(ctx context.Context, key string) (int, error) {
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(counterKey(key)), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return 0, kind("read count", err)
	}
	return readCount(out.Item)
}

func readCount(i item) (int, error) {
	r := &reader{item: i}
	n := r.num("n")
	if r.err != nil {
		return 0, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return n, nil
}
