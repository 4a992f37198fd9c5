package optouttest_test

import (
	"context"
	"testing"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestMemory(t *testing.T) {
	optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
		m := &optouttest.Memory{}
		return optouttest.Subject{Store: m, References: func(ctx context.Context, k optout.PersonKey, _ bool) ([]optout.Reference, error) {
			return m.References(ctx, k)
		}}
	})
}
