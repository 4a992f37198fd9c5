package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// call is one operation of DynamoDB.
type call[In, Out any] func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

// calls are the operations that the store uses, held one by one: behind an interface or in a field, the whole
// client with its sixty operations would be linked into every function (docs/decisions/0007).
type calls struct {
	get      call[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	put      call[dynamodb.PutItemInput, dynamodb.PutItemOutput]
	update   call[dynamodb.UpdateItemInput, dynamodb.UpdateItemOutput]
	query    call[dynamodb.QueryInput, dynamodb.QueryOutput]
	transact call[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]
}

// New is the store in a table.
func New(c *dynamodb.Client, table string) Store {
	return Store{calls: calls{c.GetItem, c.PutItem, c.UpdateItem, c.Query, c.TransactWriteItems}, table: table}
}
