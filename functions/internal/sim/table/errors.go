package table

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// invalid is a request that DynamoDB refuses for its shape.
func invalid(why string) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: why, Fault: smithy.FaultClient}
}

func invalidf(why string, args ...any) error { return invalid(fmt.Sprintf(why, args...)) }

// unknown is what DynamoDB may do and this table does not: it is refused, so that no test believes that it was done.
func unknown(what string) error { return invalidf("the simulated table does not know %s", what) }

// of says which operation failed, as the SDK does.
func of(operation string, err error) error {
	return &smithy.OperationError{ServiceID: dynamodb.ServiceID, OperationName: operation, Err: err}
}

// begin refuses what no operation knows.
func begin(ctx context.Context, options []func(*dynamodb.Options)) error {
	if err := ctx.Err(); err != nil {
		return &aws.RequestCanceledError{Err: err}
	}
	if len(options) > 0 {
		return unknown("options of a call")
	}
	return nil
}

func failedCondition(item attributes) error {
	return &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed"), Item: item}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
