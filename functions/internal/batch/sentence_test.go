package batch_test

import (
	"testing"

	"example.org/optout/functions/internal/batch"
)

func TestEachCodeOfAFileSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, code := range []string{batch.Infected, batch.Unsupported, batch.Unchecked, batch.SecondFile, batch.NotRead, batch.SameBytes, batch.SameInBatch, batch.TooLarge, batch.Locked} {
		if batch.Sentence(code) == "" {
			t.Errorf("nothing is said of %s", code)
		}
	}
	if batch.Sentence("damaged") != "" {
		t.Error("the reader's own codes are said here, too")
	}
}
