package table

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// done is a transaction that was done under a token.
type done struct {
	at    time.Time
	items []types.TransactWriteItem
}

// tokenLife is how long a token is remembered.
const tokenLife = 10 * time.Minute

// mostWrites is how many writes a transaction may have, and mostBytes how large their items may be together.
const (
	mostWrites = 100
	mostBytes  = 4 << 20
)

// Transact is TransactWriteItems. The SDK gives a transaction without a token one of its own, and sends it again with that;
// whoever simulates this does so, too.
func (t *Table) Transact(ctx context.Context, in *dynamodb.TransactWriteItemsInput, options ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.transact(ctx, in, options); err != nil {
		return nil, of("TransactWriteItems", err)
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func (t *Table) transact(ctx context.Context, in *dynamodb.TransactWriteItemsInput, options []func(*dynamodb.Options)) error {
	if err := begin(ctx, options); err != nil {
		return err
	}
	switch {
	case in.ReturnConsumedCapacity != "" && in.ReturnConsumedCapacity != types.ReturnConsumedCapacityNone:
		return unknown("ReturnConsumedCapacity")
	case in.ReturnItemCollectionMetrics != "" && in.ReturnItemCollectionMetrics != types.ReturnItemCollectionMetricsNone:
		return unknown("ReturnItemCollectionMetrics")
	case len(in.TransactItems) == 0:
		return invalid("1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(in.TransactItems) > mostWrites:
		return invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100")
	case in.ClientRequestToken != nil && (len(*in.ClientRequestToken) < 1 || len(*in.ClientRequestToken) > 36):
		return invalid("1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member must have length between 1 and 36")
	}
	operations := make([]operation, len(in.TransactItems))
	for n := range in.TransactItems {
		o := &operations[n]
		if err := o.of(&in.TransactItems[n]); err != nil {
			return err
		}
		if err := t.prepare(o); err != nil {
			return err
		}
		for m := range n {
			if o.misfit == nil && operations[m].write.key == o.write.key {
				return invalid("Transaction request cannot include multiple operations on one item")
			}
		}
	}
	if in.ClientRequestToken != nil {
		t.forget()
		if d := t.tokens[*in.ClientRequestToken]; d != nil {
			if !reflect.DeepEqual(d.items, in.TransactItems) {
				return &types.IdempotentParameterMismatchException{Message: aws.String("The provided client token is already in use with other parameters")}
			}
			return nil
		}
	}
	if err := t.judgeAll(operations); err != nil {
		return err
	}
	t.transactions++
	for n := range operations {
		if o := &operations[n]; o.verb != checking {
			t.commit(&o.write, t.transactions)
		}
	}
	if in.ClientRequestToken != nil {
		t.tokens[*in.ClientRequestToken] = &done{t.now(), in.TransactItems}
		t.tokenOrder = append(t.tokenOrder, *in.ClientRequestToken)
	}
	return nil
}

// judgeAll says why a transaction is cancelled, if it is: of each of its operations what is wrong with it.
func (t *Table) judgeAll(operations []operation) error {
	reasons, failed, size := make([]types.CancellationReason, len(operations)), false, 0
	for n := range operations {
		o := &operations[n]
		err := t.judge(o)
		t.writes += 2 * kilobytes(max(o.size, o.was))
		size += o.size
		reasons[n].Code = aws.String("None")
		if err == nil {
			continue
		}
		failed = true
		if c, ok := failedConditionOf(err); ok {
			reasons[n] = types.CancellationReason{Code: aws.String("ConditionalCheckFailed"), Message: c.Message, Item: c.Item}
			continue
		}
		why, ok := errors.AsType[*smithy.GenericAPIError](err)
		if !ok {
			return err
		}
		reasons[n] = types.CancellationReason{Code: aws.String("ValidationError"), Message: &why.Message}
	}
	if failed {
		codes := make([]string, len(reasons))
		for n, r := range reasons {
			codes[n] = *r.Code
		}
		return &types.TransactionCanceledException{
			Message:             aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"),
			CancellationReasons: reasons,
		}
	}
	if size > mostBytes {
		return invalid("Transaction request size exceeded: the items are larger than 4 MB together")
	}
	return nil
}

// forget drops tokens whose time is over.
func (t *Table) forget() {
	now := t.now()
	for len(t.tokenOrder) > 0 && now.Sub(t.tokens[t.tokenOrder[0]].at) > tokenLife {
		delete(t.tokens, t.tokenOrder[0])
		t.tokenOrder = t.tokenOrder[1:]
	}
}

// of reads which operation an item of a transaction is.
func (o *operation) of(i *types.TransactWriteItem) error {
	given := 0
	if u := i.Update; u != nil {
		given++
		*o = operation{
			verb: updating, table: u.TableName, key: u.Key, expressions: expressions{update: u.UpdateExpression, condition: u.ConditionExpression},
			names: u.ExpressionAttributeNames, values: u.ExpressionAttributeValues, onFailure: u.ReturnValuesOnConditionCheckFailure,
		}
		if u.UpdateExpression == nil {
			return invalid("UpdateExpression is missing")
		}
	}
	if p := i.Put; p != nil {
		given++
		*o = operation{
			verb: putting, table: p.TableName, item: p.Item, expressions: expressions{condition: p.ConditionExpression},
			names: p.ExpressionAttributeNames, values: p.ExpressionAttributeValues, onFailure: p.ReturnValuesOnConditionCheckFailure,
		}
	}
	if d := i.Delete; d != nil {
		given++
		*o = operation{
			verb: deleting, table: d.TableName, key: d.Key, expressions: expressions{condition: d.ConditionExpression},
			names: d.ExpressionAttributeNames, values: d.ExpressionAttributeValues, onFailure: d.ReturnValuesOnConditionCheckFailure,
		}
	}
	if c := i.ConditionCheck; c != nil {
		given++
		*o = operation{
			verb: checking, table: c.TableName, key: c.Key, expressions: expressions{condition: c.ConditionExpression},
			names: c.ExpressionAttributeNames, values: c.ExpressionAttributeValues, onFailure: c.ReturnValuesOnConditionCheckFailure,
		}
		if c.ConditionExpression == nil {
			return invalid("ConditionExpression is missing")
		}
	}
	if given != 1 {
		return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return nil
}
