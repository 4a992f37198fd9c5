package optout

import (
	"iter"
	"slices"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Status is where a form stands.
type Status string

// Where a form can stand.
const (
	StatusHeld       Status = "held"
	StatusRegistered Status = "registered"
	StatusRouted     Status = "routed"
	StatusDelivered  Status = "delivered"
	StatusCollected  Status = "collected"
	StatusApplied    Status = "applied"
	StatusInDoubt    Status = "in-doubt"
	StatusChecked    Status = "checked"
	StatusReturned   Status = "returned"
	StatusDuplicate  Status = "duplicate"
	StatusWithdrawn  Status = "withdrawn"
	StatusAnswered   Status = "answered"
)

// Owner is whose list a form is on.
type Owner string

// Whose list a form can be on.
const (
	OwnerEngine   Owner = "engine"
	OwnerDesk     Owner = "desk"
	OwnerPractice Owner = "practice"
	OwnerOffice   Owner = "office"
	OwnerFirst    Owner = "first"  // whoever has the form that this one repeats
	OwnerNobody   Owner = "nobody" // it has ended
)

// Next is what is to be done next, by the engine or by a person.
type Next string

// What can be next.
const (
	NextWrite    Next = "write"    // the desk writes to the person
	NextSettle   Next = "settle"   // the engine looks for other forms of the person
	NextRoute    Next = "route"    // the engine finds a practice
	NextAssign   Next = "assign"   // the office finds one
	NextRemind   Next = "remind"   // the practice is told again
	NextExtract  Next = "extract"  // the practice is asked for its list of coded patients
	NextReroute  Next = "reroute"  // the engine finds another practice
	NextDecide   Next = "decide"   // the practice decides: is it the person, has anybody the right
	NextWithdraw Next = "withdraw" // the practice records how, when and to whom the person withdrew it, or that nobody did
	NextAnswer   Next = "answer"   // the office answers the person, or assigns a practice
	NextConfirm  Next = "confirm"  // the office confirms that the person has died, or assigns a practice
	NextFollow   Next = "follow"   // the engine looks where the first form has gone
	NextDiscard  Next = "discard"  // the scan has served its purpose
)

// Reason is why a practice returned a form (domain facts, when a practice does not apply it).
type Reason string

// Why a practice can return a form.
const (
	NotOurPatient       Reason = "NOT_OUR_PATIENT"
	HasMoved            Reason = "MOVED"
	IdentityNotVerified Reason = "IDENTITY_NOT_VERIFIED"
	WithdrawnByPerson   Reason = "WITHDRAWN_BY_PERSON"
	Safeguarding        Reason = "SAFEGUARDING"
	Coercion            Reason = "COERCION"
	NoLegalBasis        Reason = "NO_LEGAL_BASIS"
	Deceased            Reason = "DECEASED"
	OtherReason         Reason = "OTHER"
)

// move is a row of the table of states: where a form stands, what is said of it, by whom, and where that puts it.
type move struct {
	from []Status
	verb Kind
	by   Role
	to   Status                  // "": where it stood
	when func(State, Event) bool // nil: always
}

var (
	open    = []Status{StatusHeld, StatusRegistered, StatusRouted, StatusDelivered, StatusCollected, StatusApplied, StatusInDoubt, StatusReturned, StatusDuplicate}
	atDoor  = []Status{StatusRouted, StatusDelivered, StatusCollected, StatusInDoubt} // the practice has not applied it yet
	refused = []Reason{Safeguarding, Coercion, NoLegalBasis}                          // for a clinician to decide
)

// moves is the whole table of states. What is in no row moves nothing.
var moves = []move{
	{in(StatusHeld), Released, Supervisor, StatusRegistered, nil},
	{in(StatusHeld), Superseded, Supervisor, StatusAnswered, nil},
	{in(StatusHeld), Wrote, Desk, "", func(s State, e Event) bool { return !e.At.Before(s.Due) }},

	{in(StatusRegistered), Settled, Machine, StatusDuplicate, says("as", "duplicate")},
	{in(StatusRegistered), Settled, Machine, StatusRegistered, nil},
	{in(StatusRegistered), Routed, Machine, StatusRouted, nil},
	{in(StatusRegistered), Unrouted, Machine, StatusRegistered, nil},
	{in(StatusRegistered), Assigned, Office, StatusRouted, func(s State, _ Event) bool { return s.Owner == OwnerOffice }},

	{in(StatusRouted), Delivered, MESH, StatusDelivered, nil},
	{in(StatusRouted), Unfetched, MESH, "", nil}, // MESH says so of what was never acknowledged
	{in(StatusDelivered), Unfetched, MESH, StatusRouted, nil},
	{in(StatusRouted, StatusDelivered), Rejected, MESH, StatusRegistered, nil},

	{in(StatusRouted, StatusDelivered), Collected, ItsPractice, StatusCollected, nil},
	{in(StatusCollected), LetGo, ItsPractice, StatusRouted, nil},
	{in(StatusCollected, StatusInDoubt), Applied, ItsPractice, StatusApplied, nil},
	{in(StatusApplied), Corrected, ItsPractice, StatusCollected, nil},
	{in(StatusApplied, StatusChecked), Missing, ItsPractice, StatusInDoubt, fresh},
	{append(in(StatusApplied, StatusReturned), atDoor...), Found, ItsPractice, StatusChecked, fresh}, // which was given it: docs/decisions/0019
	{append(in(StatusChecked), open...), Replaced, AnyPractice, StatusWithdrawn, nil},
	{in(StatusWithdrawn), Restored, AnyPractice, StatusHeld, doubtful},
	{in(StatusWithdrawn), Restored, AnyPractice, StatusRegistered, nil},

	{atDoor, Returned, ItsPractice, StatusReturned, nil},
	{in(StatusReturned), Rerouted, Machine, StatusRegistered, returnedAs(NotOurPatient, HasMoved)},
	{in(StatusReturned), Decided, Clinician, StatusCollected, both(returnedAs(refused...), says("outcome", "collected"))},
	{in(StatusReturned), Decided, Clinician, StatusAnswered, both(returnedAs(refused...), says("outcome", "answered"))},
	{in(StatusReturned), Decided, ItsPractice, StatusCollected, both(returnedAs(IdentityNotVerified, WithdrawnByPerson), says("outcome", "collected"))},
	{in(StatusReturned), Decided, ItsPractice, StatusAnswered, both(returnedAs(IdentityNotVerified), says("outcome", "answered"))},
	{in(StatusReturned), Withdrawn, ItsPractice, StatusWithdrawn, returnedAs(WithdrawnByPerson)},
	{in(StatusReturned), Assigned, Office, StatusRegistered, returnedAs(OtherReason, Deceased)},
	{in(StatusReturned), Answered, Office, StatusAnswered, returnedAs(OtherReason)},
	{in(StatusReturned), Confirmed, Office, StatusAnswered, returnedAs(Deceased)},

	{in(StatusDuplicate), Followed, Machine, StatusChecked, says("fate", "checked")},
	{in(StatusDuplicate), Followed, Machine, StatusWithdrawn, says("fate", "withdrawn")},
	{in(StatusDuplicate), Followed, Machine, StatusRegistered, says("fate", "reopened")},
	{in(StatusDuplicate), Followed, Machine, "", nil},
	{in(StatusDuplicate), Numbered, Desk, StatusRegistered, anotherPerson},
	{in(StatusDuplicate), Numbered, Office, StatusRegistered, anotherPerson},
	{in(StatusWithdrawn, StatusAnswered), Complained, Office, StatusHeld, doubtful},
	{in(StatusWithdrawn, StatusAnswered), Complained, Office, StatusRegistered, nil},

	{open, Closed, Machine, StatusRegistered, nil},
	{open, Numbered, Desk, "", nil},
	{open, Numbered, Office, "", nil},
	{open, Numbered, ItsPractice, "", nil},
	{open, Reminded, Machine, "", nil},
	{append(in(StatusChecked), open...), Failed, Machine, "", nil},
	{in(StatusChecked), Discarded, Machine, "", nil},
}

func in(s ...Status) []Status { return s }

// returnedAs holds for a form returned for one of these reasons.
func returnedAs(reasons ...Reason) func(State, Event) bool {
	return func(s State, _ Event) bool { return slices.Contains(reasons, s.Reason) }
}

// says holds for an event whose detail says so.
func says(key, value string) func(State, Event) bool {
	return func(_ State, e Event) bool { return e.Detail[key] == value }
}

func both(a, b func(State, Event) bool) func(State, Event) bool {
	return func(s State, e Event) bool { return a(s, e) && b(s, e) }
}

// doubtful holds for a form that was held and never released.
func doubtful(s State, _ Event) bool { return s.Doubtful }

// anotherPerson holds for a number that makes a form somebody else's.
func anotherPerson(_ State, e Event) bool { return e.Detail["person"] != "" }

// fresh holds for a list of coded patients that was run after what is known already, and for one that lacks a form,
// after the form was said to be applied: late news turns nothing back.
func fresh(s State, e Event) bool {
	run := e.time("run")
	return run.After(s.Evidence) && (e.Kind != Missing || run.After(s.Said))
}

// State is what a form's events add up to.
type State struct {
	Status    Status
	Owner     Owner
	Practice  nhs.ODSCode // who has it, or had it last
	Reason    Reason      // while it is returned
	Next      Next
	Due       time.Time     // when Next is looked at by the engine, or due from the desk; zero: never
	Received  time.Time     // when a door took it
	First     time.Time     // since when the person has been waiting: of all their forms
	Of        Reference     // the earliest of the person's other forms, or the one that this one repeats
	Since     time.Time     // when the owner got it
	Clock     time.Time     // from when the owner's days count
	Reminders int           // since then
	Fault     string        // why a person has to look at it
	Bound     nhs.ODSCode   // where it is to be routed, if not where the person said
	Refusers  []nhs.ODSCode // who returned it
	Said      time.Time     // when it was said to be applied
	Evidence  time.Time     // a list of coded patients run until then says nothing new
	Replaced  []string      // the choices it took the place of when it was applied
	Told      bool          // by the practice, through its own recorded contacts
	Doubtful  bool          // it was held, and never released
	Apart     bool          // a person opened it again or cleared it up: it repeats no other form any more
	Crowded   bool          // it is not on its person's list, which was full
	cause     int           // seq of the event that put it where it stands
	scanned   bool          // there is a scan of it
}

// Ended says that the form is on nobody's list.
func (s State) Ended() bool { return !slices.Contains(open, s.Status) }

// reminders are the days after which a practice is told again; after the last one it is told every
// reminders[len-1] days (domain facts, ladder). The first are working days, the others days of the calendar.
var reminders = []int{2, 14, 28}

const (
	officeDays  = 2  // working days that the office has
	extractDays = 35 // after which a practice is asked to show that what it applied is coded
	scanDays    = 90 // that a scan is kept after its form was checked
)

// Deadline is by when whoever has the form should have done what is next; zero where that is nothing for a person to do.
//
// It counts from when the work came about, and being told of it again moves nothing: Due is when the engine, or the desk,
// looks at the form next, and goes on and on. A practice should act before it is reminded the first time, show that what it
// applied is coded within 35 days, and decide on what it returned within a month, in which a request of a person is to be
// answered (UK GDPR, article 12).
func (s State) Deadline() time.Time {
	switch s.Owner {
	case OwnerDesk: // what the desk owes next is the next letter
		return s.Due
	case OwnerPractice:
		switch s.Next {
		case NextExtract:
			return nhs.Days(s.Clock, extractDays)
		case NextDecide, NextWithdraw:
			return nhs.Months(s.Clock, 1)
		}
		return nhs.WorkingDays(s.Clock, reminders[0])
	case OwnerOffice:
		if s.Next == NextAnswer {
			return nhs.Months(s.Since, 1)
		}
		return nhs.WorkingDays(s.Since, officeDays)
	}
	return time.Time{}
}

// Fold gives the state after all events of a history.
func Fold(history []Event) State {
	var s State
	for _, e := range history {
		s = s.after(e)
	}
	return s
}

// movesOf are the rows of the table by verb, in its order.
var movesOf = func() map[Kind][]move {
	by := map[Kind][]move{}
	for _, m := range moves {
		by[m.verb] = append(by[m.verb], m)
	}
	return by
}()

// rows are the rows of the table that an event can stand for; several differ only in who may say it.
func (s State) rows(e Event) iter.Seq[move] {
	return func(yield func(move) bool) {
		for _, m := range movesOf[e.Kind] {
			if slices.Contains(m.from, s.Status) && (m.when == nil || m.when(s, e)) && !yield(m) {
				return
			}
		}
	}
}

func (s State) after(e Event) State {
	if e.Kind == Registered || e.Kind == Held {
		s = State{Received: e.At, First: e.At, Evidence: e.At, scanned: e.By == Paper, Doubtful: e.Kind == Held}.joined(e)
		if s.Doubtful {
			return s.enter(StatusHeld, e)
		}
		return s.enter(StatusRegistered, e)
	}
	for m := range s.rows(e) {
		if m.to == "" {
			return s.note(e)
		}
		s.Fault, s.cause = "", e.Seq
		return s.enter(m.to, e)
	}
	return s // news that moves nothing
}

// note is what an event changes that leaves a form where it stands.
func (s State) note(e Event) State {
	switch e.Kind {
	case Wrote, Reminded:
		s.Reminders++
		s.Fault, s.Due = "", s.reminder()
		if soonest := nhs.WorkingDays(e.At, 1); s.Due.Before(soonest) { // late reminders do not come in a heap
			s.Due = soonest
		}
	case Numbered:
		s = s.joined(e).linked(e)
		if s.Status == StatusRegistered { // who else's form it is may be known now
			s.Owner, s.Next, s.Since, s.Due, s.Fault = OwnerEngine, NextSettle, e.At, e.At, ""
		}
	case Followed:
		s.Owner, s.Fault, s.Due = OwnerFirst, "", nhs.Days(e.At, 1)
	case Discarded:
		s.Owner, s.Next, s.Due, s.Fault = OwnerNobody, "", time.Time{}, ""
	case Failed:
		if s.Owner != OwnerPractice && s.Owner != OwnerDesk && s.Owner != OwnerOffice {
			s.Owner, s.Since = OwnerOffice, e.At
		}
		s.Fault, s.Due = e.Detail["fault"], nhs.WorkingDays(e.At, officeDays)
	}
	return s
}

// joined takes over whether a form found room on the list of a person that is new to it.
func (s State) joined(e Event) State {
	if is := e.Detail["person"]; is != "" {
		s.Crowded, s.Of, s.First = is == "crowded", Reference{}, s.Received
	}
	return s
}

// linked takes over what an event says about the person's other forms.
func (s State) linked(e Event) State {
	if first := e.reference("first"); !first.IsZero() {
		s.Of = first
	}
	if since := e.time("since"); !since.IsZero() && since.Before(s.First) {
		s.First = since
	}
	return s
}

// enter puts a form where an event says: whose it is then, what is next, and by when.
func (s State) enter(to Status, e Event) State {
	s.Status = to
	if to != StatusReturned {
		s.Reason = ""
	}
	switch to {
	case StatusHeld:
		s.restart(e)
		s.Apart = e.Kind != Held
		s.give(e, OwnerDesk, NextWrite, s.reminder())
	case StatusRegistered:
		s.register(e)
	case StatusDuplicate:
		s = s.linked(e)
		s.give(e, OwnerFirst, NextFollow, nhs.Days(e.At, 1))
	case StatusRouted:
		if e.Kind == Routed || e.Kind == Assigned {
			s.Practice, s.Bound = e.code("practice"), nhs.ODSCode{}
			s.restart(e)
		}
		s.give(e, OwnerPractice, NextRemind, s.reminder())
	case StatusDelivered, StatusCollected:
		if e.Kind == Corrected || e.Kind == Decided { // the practice's days begin again
			s.restart(e)
		}
		if e.Kind == Decided {
			s.Refusers = slices.DeleteFunc(slices.Clone(s.Refusers), func(c nhs.ODSCode) bool { return c == s.Practice })
		}
		if e.Kind == Corrected {
			s.Evidence, s.Said, s.Replaced, s.Told = e.At, time.Time{}, nil, false
		}
		s.give(e, OwnerPractice, NextRemind, s.reminder())
	case StatusApplied:
		s.restart(e)
		s.Said, s.Replaced, s.Told = e.At, e.list("replaced"), e.Detail["told"] == "yes"
		s.give(e, OwnerPractice, NextExtract, s.reminder())
	case StatusInDoubt:
		s.restart(e)
		s.Evidence = e.time("run")
		s.give(e, OwnerPractice, NextRemind, s.reminder())
	case StatusReturned:
		s.restart(e)
		s.giveBack(e)
	case StatusChecked, StatusWithdrawn, StatusAnswered:
		if e.Kind == Found {
			s.Evidence = e.time("run")
		}
		if whose := e.code("practice"); !whose.IsZero() {
			s.Practice = whose
		}
		s.Told = s.Told && to == StatusChecked
		s.give(e, OwnerNobody, "", time.Time{})
		if s.scanned && to == StatusChecked {
			s.Next, s.Due = NextDiscard, nhs.Days(e.At, scanDays)
		}
	}
	return s
}

// register puts a form, new or opened again, on the way to a practice.
func (s *State) register(e Event) {
	s.Told, s.Replaced, s.Said = false, nil, time.Time{}
	next := NextRoute
	switch e.Kind {
	case Unrouted, Rejected:
		s.Fault = e.Detail["fault"]
		s.give(e, OwnerOffice, NextAssign, nhs.WorkingDays(e.At, officeDays))
		return
	case Settled:
		*s = s.linked(e)
	case Closed, Assigned:
		s.Bound = e.code("practice")
	case Rerouted:
	default:
		*s = s.joined(e)
		s.Evidence, next = e.At, NextSettle
		s.Doubtful = s.Doubtful && e.Kind != Released
		s.Apart = s.Apart || e.Kind == Complained || e.Kind == Restored || e.Kind == Released
	}
	s.give(e, OwnerEngine, next, e.At)
}

// giveBack says whose work a returned form is: a return is no end (domain facts, when a practice does not apply it).
func (s *State) giveBack(e Event) {
	s.Refusers = append(slices.Clip(s.Refusers), s.Practice)
	s.Said, s.Told, s.Replaced = time.Time{}, false, nil
	switch s.Reason = Reason(e.Detail["reason"]); s.Reason {
	case NotOurPatient, HasMoved:
		s.give(e, OwnerEngine, NextReroute, e.At)
	case WithdrawnByPerson:
		s.give(e, OwnerPractice, NextWithdraw, e.At)
	case Deceased:
		s.give(e, OwnerOffice, NextConfirm, nhs.WorkingDays(e.At, officeDays))
	case OtherReason:
		s.give(e, OwnerOffice, NextAnswer, nhs.Months(e.At, 1))
	default:
		s.give(e, OwnerPractice, NextDecide, s.reminder())
	}
}

// give gives a form to an owner, who has something to do by some time.
func (s *State) give(e Event, o Owner, n Next, due time.Time) {
	if o != s.Owner || s.Clock.Equal(e.At) {
		s.Since = e.At
	}
	s.Owner, s.Next, s.Due = o, n, due
}

// restart begins the days of the owner anew.
func (s *State) restart(e Event) { s.Clock, s.Reminders = e.At, 0 }

// reminder is when the owner is told again, after as many times as it was told already.
func (s State) reminder() time.Time {
	n := s.Reminders
	switch s.Status {
	case StatusApplied:
		return nhs.Months(nhs.Days(s.Clock, extractDays), n)
	case StatusReturned:
		if s.Next == NextWithdraw { // which was due at once
			n--
		}
		return nhs.Months(s.Clock, n+1)
	case StatusHeld: // at once, then as a practice is told the second and third time
		if n == 0 {
			return s.Clock
		}
	}
	switch last := reminders[len(reminders)-1]; {
	case n == 0:
		return nhs.WorkingDays(s.Clock, reminders[0])
	case n < len(reminders):
		return nhs.Days(s.Clock, reminders[n])
	default:
		return nhs.Days(s.Clock, last*(n-len(reminders)+2))
	}
}
