package optouttest_test

import (
	"testing"

	"example.org/optout/functions/internal/optout/optouttest"
)

func TestMemory(t *testing.T) {
	optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
		m := &optouttest.Memory{}
		return optouttest.Subject{Store: m, Counter: m, Worklist: m, Uploads: m, Books: m, Sessions: m, Clients: m, Possible: m.Possible}
	})
}

func TestSixteenAtOnePieceLeaveBooksThatAddUp(t *testing.T) {
	t.Parallel()
	m := &optouttest.Memory{}
	optouttest.MailClerks(t, m, m, 300)
}
