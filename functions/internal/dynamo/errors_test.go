package dynamo

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

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

// What is read the quick way is what the layout says, and nothing else is read.
func TestTimesAreReadAsTheyAreSpelled(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"2026-11-23T09:30:00.000Z", "2026-11-23T09:30:00.007Z", "2024-02-29T23:59:59.999Z", "0001-01-01T00:00:00.000Z",
		"", "2026-11-23", "2026-11-23T09:30:00Z", "2026-11-23T09:30:00.00Z", "2026-11-23T09:30:00.0000Z", "2026-02-29T09:30:00.000Z",
		"2026-13-01T09:30:00.000Z", "2026-11-23T24:00:00.000Z", "2026-11-23T09:30:60.000Z", "2026-11-23 09:30:00.000Z", "2026-11-23T09:30+01.000Z", "2026-11-23t09:30:00.000z",
	} {
		want, refused := time.Parse(milliseconds, s)
		got, err := parseTime(s)
		if !got.Equal(want) || (err == nil) != (refused == nil) || err == nil && (got.Location() != time.UTC || stamp(got) != s) {
			t.Errorf("%q is read as %v, %v; want %v, %v", s, got, err, want, refused)
		}
	}
}
