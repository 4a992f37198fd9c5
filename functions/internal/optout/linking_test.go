package optout_test

import (
	"testing"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestFormsOfOnePersonEndAlikeHoweverTheyAreLookedAt(t *testing.T) {
	t.Parallel()
	optouttest.Linking(t, func(*testing.T) optout.Store { return &optouttest.Memory{} }, 0)
}
