package optout

import (
	"context"
	"errors"
	"iter"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Errors that a Store gives, alone or wrapped. Whatever is none of these is for good.
var (
	ErrNotFound    = errors.New("not found")
	ErrTaken       = errors.New("reference is taken")              // the stored form comes with it
	ErrCrowded     = errors.New("person has too many forms")       // MostForms references under the person's key
	ErrConflict    = errors.New("somebody else was first")         // read again, then decide
	ErrUnavailable = errors.New("the table cannot be reached now") // it may or may not have been written
	ErrUnreadable  = errors.New("the stored item cannot be read")  // for a person to look at
)

// MostForms is how many references a person's list holds; a further form is registered without being appended
// and goes to the office.
const MostForms = 64

// Store keeps forms, persons and practices; times to the millisecond. Every implementation passes
// optouttest.Conformance.
type Store interface {
	// Register writes a new form and appends its reference to the lists of its person and its possible person,
	// all or nothing. With f.Crowded() it leaves the person's list alone; a full list of possible persons is
	// passed over, since it only flags.
	//
	// ErrTaken and the stored form if the reference exists already, whoever wrote it; ErrCrowded if the person's
	// list is full; ErrConflict and ErrUnavailable as everywhere.
	Register(ctx context.Context, f Form) (Form, error)

	// Form reads a form strongly. ErrNotFound; ErrUnreadable with at least the form's Due, where that can be read.
	Form(ctx context.Context, ref Reference) (Form, error)

	// Record writes a change, all or nothing. ErrConflict if one of its forms is not stored at the version it was
	// changed from, or if a form joins a person whose list has become full.
	Record(ctx context.Context, c Change) error

	// Person reads a person's list strongly: references in the order of arrival, none for a person without forms.
	Person(ctx context.Context, key PersonKey) ([]Reference, error)

	// Practice reads a practice and its digest strongly; one that was never written is empty, not an error.
	// ErrUnreadable as for Form.
	Practice(ctx context.Context, code nhs.ODSCode) (Practice, error)

	// SaveDigest writes p's digest on top of the version it was read at. ErrConflict if it has moved on.
	SaveDigest(ctx context.Context, p Practice) error

	// SavePractice writes what a practice decided and where it is told, on top of the version it was read at.
	// ErrConflict if it has moved on.
	SavePractice(ctx context.Context, p Practice) error

	// Waiting counts the forms on a practice's list that it has to act on; Oldest gives the first n of them, a hundred at
	// most, oldest first. They read an index: a lower bound, a little late.
	Waiting(ctx context.Context, code nhs.ODSCode) (int, error)
	Oldest(ctx context.Context, code nhs.ODSCode, n int) ([]Reference, error)

	// DueShards is how many parts the list of due things has; Due walks one of them, oldest first, up to and
	// including now. It reads an index: a hint what to look at.
	DueShards() int
	Due(ctx context.Context, shard int, now time.Time) iter.Seq2[Due, error]

	// Postpone changes when something is looked at next and nothing of what happened to it. A fault is noted until
	// the next event, and puts what is on nobody's list on the office's. ErrConflict if it is not at p.Version;
	// ErrNotFound.
	Postpone(ctx context.Context, d Due, p Postponement) error
}

// Change is what one transaction does to a form, and to whatever has to change with it.
type Change struct {
	At     time.Time     // now; zero: when the last of its events happened
	Form   Form          // with its new events on top of those that are stored
	Others []Form        // forms that change with it, likewise
	While  Form          // a form that must still be stored at the version it was read at; zero: none
	Facts  bool          // the form's facts and person are new, and written
	Joins  bool          // its reference is appended to the list of that person
	Flags  bool          // likewise of its possible person; a full list is passed over
	Tell   nhs.ODSCode   // a practice that is made due now on behalf of the form, or left due as it is; zero: none
	Asks   Asks          // what that practice is made due for
	Look   []nhs.ODSCode // practices that are made due with nothing new to be told of
}

// Asks is what a practice is told or asked for, apart from what waits for it.
type Asks struct {
	Extract bool // its list of coded patients
	Late    bool // to act: it has been told so often that the office must help
}

// Due is something that must be looked at.
type Due struct {
	Noun Noun
	ID   string // a reference's key, or an ODS code
}

// Noun is a kind of thing that can be due.
type Noun string

// What can be due.
const (
	DueForm     Noun = "form"
	DuePractice Noun = "practice"
)

// Postponement is why and until when something is not looked at.
type Postponement struct {
	Until   time.Time
	Tries   int    // failures so far
	Fault   string // set: a person has to look at it
	Version int    // of the form or digest it is about; 0: whatever is there, for items that cannot be read
}
