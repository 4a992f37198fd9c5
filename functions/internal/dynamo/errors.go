package dynamo

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/optout"
)

// kind says what an error of the table means to the domain. What was refused for its shape will be refused again;
// everything that is neither that nor a lost race may pass, and may even have been done.
func kind(operation string, err error) error {
	if err == nil {
		return nil
	}
	meaning := optout.ErrUnavailable
	var failed *types.ConditionalCheckFailedException
	var cancelled *types.TransactionCanceledException
	var conflict *types.TransactionConflictException
	var api smithy.APIError
	switch {
	case errors.As(err, &failed), errors.As(err, &conflict):
		meaning = optout.ErrConflict
	case errors.As(err, &cancelled):
		for _, r := range cancelled.CancellationReasons {
			switch aws.ToString(r.Code) {
			case "ConditionalCheckFailed", "TransactionConflict":
				meaning = optout.ErrConflict
			case "ValidationError", "ItemCollectionSizeLimitExceeded":
				return fmt.Errorf("%s: %w", operation, err)
			}
		}
	case errors.As(err, &api) && api.ErrorCode() == "ValidationException":
		return fmt.Errorf("%s: %w", operation, err)
	}
	return fmt.Errorf("%s: %w: %w", operation, meaning, err)
}
