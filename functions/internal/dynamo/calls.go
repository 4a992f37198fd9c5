package dynamo

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// Call is one operation of DynamoDB.
type Call[In, Out any] func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

// Calls are the operations that the store uses, held one by one: behind an interface or in a field, the whole
// client with its sixty operations would be linked into every function (docs/decisions/0007).
type Calls struct {
	Get      Call[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	Update   Call[dynamodb.UpdateItemInput, dynamodb.UpdateItemOutput]
	Query    Call[dynamodb.QueryInput, dynamodb.QueryOutput]
	Transact Call[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]
}

// Open is the store in a table of the account and region that c configures.
func Open(c aws.Config, table string) Store {
	return New(dynamodb.NewFromConfig(c, func(o *dynamodb.Options) {
		o.EndpointResolverV2 = &resolveOnce{resolver: o.EndpointResolverV2}
	}), table)
}

// New is the store in a table that a client reaches.
func New(c *dynamodb.Client, table string) Store {
	return Over(Calls{c.GetItem, c.UpdateItem, c.Query, c.TransactWriteItems}, table)
}

// Over is the store in a table that these calls reach: those of a client, or of a simulated table.
func Over(c Calls, table string) Store {
	return Store{c, table}
}

// resolveOnce remembers where the table is. The SDK works it out for every call, from rules whose regular
// expressions it compiles anew each time: 40 % of a registration's CPU time (docs/performance.md).
type resolveOnce struct {
	resolver dynamodb.EndpointResolverV2
	mu       sync.Mutex
	at       *smithyendpoints.Endpoint
}

// ResolveEndpoint implements dynamodb.EndpointResolverV2 for a client whose parameters never change.
func (r *resolveOnce) ResolveEndpoint(ctx context.Context, p dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		e, err := r.resolver.ResolveEndpoint(ctx, p)
		if err != nil {
			return e, err
		}
		r.at = &e
	}
	e := *r.at
	e.Headers = e.Headers.Clone()
	return e, nil
}
