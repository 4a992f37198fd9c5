package optout

import (
	"context"
	"fmt"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Step is what a member of the public may see of a form: never routing, delivery, match, practice or reason
// (domain facts, safety).
type Step struct {
	Step string
	At   time.Time
}

// The public steps so far.
const (
	StepReceived = "received" // registered
	StepInHand   = "in-hand"  // from the first Advance, whatever came of it
)

// Steps are the form's public steps, oldest first.
func (f Form) Steps() []Step {
	steps := []Step{{StepReceived, f.Events[0].At}}
	if len(f.Events) > 1 {
		steps = append(steps, Step{StepInHand, f.Events[1].At})
	}
	return steps
}

// StepsOf finds a form for whoever has its reference and knows the birth date. ErrNotFound for a reference that
// does not exist and for a wrong birth date alike, after the one read.
func StepsOf(ctx context.Context, s Store, ref Reference, birth nhs.Date) ([]Step, error) {
	f, err := s.Form(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	if !f.born(birth) {
		return nil, fmt.Errorf("status: %w", ErrNotFound)
	}
	return f.Steps(), nil
}
