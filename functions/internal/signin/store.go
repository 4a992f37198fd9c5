package signin

import (
	"context"
	"time"

	"example.org/optout/functions/internal/optout"
)

// Sessions keeps which sessions are open, for all processes. Every implementation passes optouttest.Conformance, and
// gives optout.ErrUnavailable if the table cannot be reached now.
type Sessions interface {
	// OpenSession opens a session of a person. After expires it is forgotten, but nobody can say when.
	OpenSession(ctx context.Context, person string, id [16]byte, expires time.Time) error

	// SessionIsOpen reads strongly whether a session was opened and not ended.
	SessionIsOpen(ctx context.Context, person string, id [16]byte) (bool, error)

	// EndSession ends one session, EndSessions all that a person has now. What is not open stays so.
	EndSession(ctx context.Context, person string, id [16]byte) error
	EndSessions(ctx context.Context, person string) error
}

// Clients knows machines, as Sessions knows sessions.
type Clients interface {
	// Client reads strongly as whom a machine acts: for a practice, or for the mailroom (optout.Desk, no practice). There is
	// one mailroom, so that its machines act on all its batches. optout.ErrNotFound if nobody has entered the machine.
	Client(ctx context.Context, id string) (optout.Actor, error)
}
