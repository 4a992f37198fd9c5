package optout

import (
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Status is where a form stands.
type Status string

// Owner is whose list a form is on.
type Owner string

// Step names what is to be done next.
type Next string

// Where a form stands, whose list it is on, what is next.
const (
	StatusRegistered Status = "registered"
	StatusRouted     Status = "routed"

	OwnerEngine   Owner = "engine"
	OwnerPractice Owner = "practice"
	OwnerOffice   Owner = "office"

	NextRoute  Next = "route"
	NextRemind Next = "remind"
	NextAssign Next = "assign" // for a person in the office
)

// State is what a form's events add up to.
type State struct {
	Status    Status
	Owner     Owner
	Practice  nhs.ODSCode // set when the owner is a practice
	Next      Next
	Due       time.Time // when Next must be done; zero: never
	Received  time.Time
	Since     time.Time // when the owner got it
	Reminders int
	Fault     string // why a person has to look at it
}

// reminders are the days, since a practice was first told, on which it is told again; after the last one it is
// told every reminders[len-1] days (domain facts, ladder).
var reminders = []int{2, 14, 28}

// Fold gives the state after all events of a history.
func Fold(history []Event) State {
	var s State
	for _, e := range history {
		s = s.after(e)
	}
	return s
}

func (s State) after(e Event) State {
	switch e.Kind {
	case Registered:
		s.Status, s.Owner, s.Next = StatusRegistered, OwnerEngine, NextRoute
		s.Received, s.Since, s.Due = e.At, e.At, e.At
	case Routed:
		code, _ := nhs.ParseODSCode(e.Detail["practice"])
		s.Status, s.Owner, s.Practice, s.Next, s.Fault = StatusRouted, OwnerPractice, code, NextRemind, ""
		s.Since, s.Reminders, s.Due = e.At, 0, e.At.Add(time.Duration(reminders[0])*day)
	case Unrouted:
		s.Status, s.Owner, s.Next, s.Fault = StatusRegistered, OwnerOffice, NextAssign, e.Detail["fault"]
		s.Since, s.Due = e.At, e.At.Add(officeDays*day)
	case Reminded:
		s.Reminders++
		s.Due = e.At.Add(untilReminder(s.Reminders))
	}
	return s
}

// officeDays is how long the office has for what is on its list.
const officeDays = 2

// untilReminder is how long after the nth reminder the next one follows.
func untilReminder(n int) time.Duration {
	last := len(reminders) - 1
	if n > last {
		return time.Duration(reminders[last]) * day
	}
	return time.Duration(reminders[n]-reminders[n-1]) * day
}
