package optout

import (
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Status is where a form stands.
type Status string

// Owner is whose list a form is on.
type Owner string

// Next is what is to be done next.
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
	Routed    time.Time // when the practice was first told of it
	Reminders int
	Fault     string // why a person has to look at it
}

// reminders are the days after routing on which a practice is told again; after the last one it is told every
// reminders[len-1] days (domain facts, ladder).
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
		s.Status, s.Owner, s.Practice = StatusRouted, OwnerPractice, nhs.StoredODSCode(e.Detail["practice"])
		s.Next, s.Fault = NextRemind, ""
		s.Since, s.Routed, s.Reminders, s.Due = e.At, e.At, 0, e.At.Add(reminderAfter(0))
	case Unrouted:
		s.Status, s.Owner, s.Next, s.Fault = StatusRegistered, OwnerOffice, NextAssign, e.Detail["fault"]
		s.Since, s.Due = e.At, e.At.Add(officeDays*day)
	case Reminded:
		s.Reminders++
		s.Due = s.Routed.Add(reminderAfter(s.Reminders))
		if soonest := e.At.Add(day); s.Due.Before(soonest) { // late reminders do not come in a heap
			s.Due = soonest
		}
	case Failed:
		if s.Owner == OwnerEngine {
			s.Owner, s.Since = OwnerOffice, e.At
		}
		s.Fault, s.Due = e.Detail["fault"], e.At.Add(officeDays*day)
	}
	return s
}

// officeDays is how long the office has for what is on its list.
const officeDays = 2

// reminderAfter is how long after routing the reminder after n others is due.
func reminderAfter(n int) time.Duration {
	if n < len(reminders) {
		return time.Duration(reminders[n]) * day
	}
	last := reminders[len(reminders)-1]
	return time.Duration(last*(n-len(reminders)+2)) * day
}
