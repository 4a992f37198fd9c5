package optout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Step is what a member of the public may see of a form: never routing, delivery, match, practice or reason
// (domain facts, safety).
type Step struct {
	Step string
	At   time.Time
}

// The public steps.
const (
	StepReceived        = "received"         // a door took it
	StepPaperIncomplete = "paper-incomplete" // while it is held
	StepInHand          = "in-hand"          // from the first Advance, whatever came of it
	StepFinished        = "finished"         // from the practice's word that it is applied, withdrawn or answered
	StepApplied         = "applied"          // instead, if the practice told the person so through contacts of its own
)

// Steps are the form's public steps, oldest first.
func (f Form) Steps() []Step {
	steps := []Step{{StepReceived, f.Events[0].At}}
	if f.state.Status == StatusHeld {
		return append(steps, Step{StepPaperIncomplete, f.Events[0].At})
	}
	var s State
	var inHand, finished time.Time
	for _, e := range f.Events {
		before := s
		s = s.after(e)
		if before.Status == StatusRegistered && inHand.IsZero() {
			inHand = e.At
		}
		switch {
		case !s.finished():
			finished = time.Time{}
		case finished.IsZero():
			finished = e.At
		}
	}
	if inHand.IsZero() && !finished.IsZero() { // it ended while it was held
		inHand = finished
	}
	if !inHand.IsZero() {
		steps = append(steps, Step{StepInHand, inHand})
	}
	switch {
	case finished.IsZero():
	case f.state.Told:
		steps = append(steps, Step{StepApplied, finished})
	default:
		steps = append(steps, Step{StepFinished, finished})
	}
	return steps
}

// finished says whether nothing more happens as far as the public is concerned: being in doubt never shows.
func (s State) finished() bool {
	return s.Ended() || slices.Contains([]Status{StatusApplied, StatusInDoubt}, s.Status)
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

// Promise is what whoever sends a form is told of the days to come: days on which somebody acts unless it is done
// before.
type Promise struct {
	Told     time.Time // by then the practice has been told: at most one mail a day goes out
	Found    time.Time // by then the office has found a practice for a form that names none
	Reminded time.Time // from then the practice is reminded
	Answered time.Time // by then the person is to have an answer (UK GDPR, article 12: one month)
}

// PromiseOf is that of a form received at some time.
func PromiseOf(received time.Time) Promise {
	return Promise{
		Told: nhs.Days(received, 1), Found: nhs.WorkingDays(received, officeDays),
		Reminded: nhs.WorkingDays(received, reminders[0]), Answered: nhs.Months(received, 1),
	}
}
