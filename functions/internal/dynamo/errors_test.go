package dynamo

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/optout"
)

// What is a lost race, what may pass, and what will be refused again: on AWS this decides between trying again and a
// person's list. Local engines never give most of these.
func TestWhatAnErrorOfTheTableMeans(t *testing.T) {
	t.Parallel()
	cancelled := func(codes ...string) error {
		e := &types.TransactionCanceledException{}
		for _, c := range codes {
			e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(c)})
		}
		return fmt.Errorf("operation error: %w", e)
	}
	other := errors.New("for good")
	for name, c := range map[string]struct{ err, want error }{
		"condition failed":                {&types.ConditionalCheckFailedException{}, optout.ErrConflict},
		"transaction conflict, single":    {&types.TransactionConflictException{}, optout.ErrConflict},
		"transaction conflict, cancelled": {cancelled("None", "TransactionConflict"), optout.ErrConflict},
		"condition in a transaction":      {cancelled("ConditionalCheckFailed", "None"), optout.ErrConflict},
		"throttled in a transaction":      {cancelled("None", "ThrottlingError"), optout.ErrUnavailable},
		"too large, in a transaction":     {cancelled("ValidationError", "None"), other},
		"transaction under way":           {&types.TransactionInProgressException{}, optout.ErrUnavailable},
		"throttled":                       {&types.ProvisionedThroughputExceededException{}, optout.ErrUnavailable},
		"request limit":                   {&types.RequestLimitExceeded{}, optout.ErrUnavailable},
		"their fault":                     {&types.InternalServerError{}, optout.ErrUnavailable},
		"not allowed, perhaps not yet":    {&smithy.GenericAPIError{Code: "AccessDeniedException"}, optout.ErrUnavailable},
		"refused for its shape":           {&smithy.GenericAPIError{Code: "ValidationException"}, other},
		"no answer":                       {errors.New("connection reset"), optout.ErrUnavailable},
		"out of time":                     {context.DeadlineExceeded, optout.ErrUnavailable},
	} {
		got := kind("test", c.err)
		if c.want == other {
			if errors.Is(got, optout.ErrConflict) || errors.Is(got, optout.ErrUnavailable) || got == nil {
				t.Errorf("%s means %v, want neither conflict nor unavailable", name, got)
			}
			continue
		}
		if !errors.Is(got, c.want) || !errors.Is(got, c.err) && !errors.As(got, new(*types.TransactionCanceledException)) {
			t.Errorf("%s means %v, want %v", name, got, c.want)
		}
	}
	if kind("test", nil) != nil {
		t.Error("no error is one")
	}
}
