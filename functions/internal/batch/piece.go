package batch

import (
	"fmt"
	"strings"
	"time"

	"example.org/optout/functions/internal/optout"
)

// Status is how far a piece is.
type Status string

// How far a piece can be. Up to Disputed somebody has to act: it is waiting. The others are its outcomes; what Lapsed
// has was never there.
const (
	Awaited  Status = "awaited"  // its file has not come yet
	Checking Status = "checking" // the file has come, and is checked and read
	Waiting  Status = "waiting"  // a desk item
	Second   Status = "second"   // keyed once, and waits for somebody else to key it
	Disputed Status = "disputed" // keyed twice, and not alike: a supervisor decides

	Registered  Status = "registered"
	Held        Status = "held"
	SentBack    Status = "sent-back"
	OtherPost   Status = "other-post"
	Rescan      Status = "rescan"      // the same bytes again
	Quarantined Status = "quarantined" // a file that nobody opens

	Lapsed Status = "lapsed" // no file came
)

// Outcomes are all that a piece can come to, in the order of the ledger.
var Outcomes = []Status{Registered, Held, SentBack, OtherPost, Rescan, Quarantined}

// IsOutcome says that nobody has to act on the piece.
func (s Status) IsOutcome() bool {
	switch s {
	case Awaited, Checking, Waiting, Second, Disputed:
		return false
	}
	return true
}

// Piece is something out of an envelope that needs an outcome: some pages of a file, or a thing that was not scanned.
type Piece struct {
	At
	Version  int
	Upload   string // the slot of its file; "" if there is none
	Name     string // of the file, as the clerk knows it: it may be somebody's name
	First    int    // page of the file, from 1; 0 before it is read, and without a file
	Last     int
	Pages    []Page // from First to Last
	Envelope int    // its number in the batch, from 1; 0: nobody has said yet
	SHA256   []byte // of the file

	Status Status
	Why    string           // of an outcome, or of what keeps the piece: a code
	Form   optout.Reference // of Registered and Held; of a piece that waits: what it becomes
	Marked time.Time        // when it was said last that Form is registered now
	Letter bool             // of Registered: it came as a letter that says no, not as a form
	Number string           // of Registered: a wrong NHS number, as it is written
	Since  time.Time        // when its place was made
	Done   time.Time        // when it came to its outcome
	Twice  bool             // it is keyed by two people
	Seen   bool             // of Quarantined: a supervisor has seen it, and dealt with the paper
	Posted time.Time        // of SentBack: when it left the house, or was put away since nobody knows its sender
	Sample Sample           // of one that has its outcome: whether it is read once more, and what came of that
	Keyed  []Keying         // until it is registered
	Lease  Lease
	History
}

// At is where a piece is.
type At struct {
	Batch string
	ID    string // within the batch
}

// Page is what is known of a page before anybody looks at it.
type Page struct {
	Blank bool   // a hint: nobody skips it unseen
	Fault string // why it could not be drawn: a code
}

// Keying is what one person read on a piece.
type Keying struct {
	By      string // an optout.Actor
	At      time.Time
	Reading Reading
}

// Lease is who has a piece before them, and until when nobody else does.
type Lease struct {
	By    string // an optout.Actor; "": nobody
	Until time.Time
}

// LeaseLasts is how long a clerk has a piece before them without a word.
const LeaseLasts = 15 * time.Minute

// Held says by whom the piece is held now; "" by nobody.
func (p Piece) HeldBy(now time.Time) string {
	if p.Lease.Until.After(now) {
		return p.Lease.By
	}
	return ""
}

// idOf is the id of the piece that begins on a page of a file. Pages are found again by it, however often a file is read.
func idOf(upload string, first int) string { return fmt.Sprintf("%s-%03d", upload, first) }

// FileOf is the slot of the file to which a piece belongs by its id, "" for one without a file.
func FileOf(id string) string {
	upload, _, ok := strings.Cut(id, "-")
	if !ok || upload == byHand {
		return ""
	}
	return upload
}

const byHand = "HAND"

// FirstOf is the piece that stands for a whole file until it is divided.
func FirstOf(batch, upload string) At { return At{batch, idOf(upload, 1)} }

// Rest is where the pages of a file stand that come behind a piece, if they are a piece of their own.
func (p Piece) Rest() At { return At{p.Batch, idOf(p.Upload, p.Last+1)} }

// Origin is what makes a piece one form, however often it is keyed or sent: the file's bytes and the first page.
func (p Piece) Origin() optout.Origin {
	return optout.Origin{Door: optout.Paper, Client: optout.Paper, Key: fmt.Sprintf("%x-%d", p.SHA256, p.First)}
}

func (p Piece) said(now time.Time, by, kind, detail string) Piece {
	p.History = p.History.Said(now, by, kind, detail)
	return p
}

// ends is the piece at an outcome.
func (p Piece) ends(s Status, why string, by string, now time.Time) Piece {
	p.Status, p.Why, p.Done, p.Lease, p.Keyed, p.Sample = s, why, milliseconds(now), Lease{}, nil, Sample{}
	return p.said(now, by, string(s), why)
}

// Stage is a list of pieces that somebody has to act on.
type Stage string

// The lists of pieces: what waits to be keyed, to be keyed once more, over what somebody raised an alarm, what waits for a
// supervisor to decide, the files that nobody can read, and, of what has its outcome, what is read once more as a sample and
// what was then read otherwise. Alarms are apart, so that however much there is of the rest it stands before none of them.
const (
	Keying1   Stage = "K"
	Keying2   Stage = "S"
	Alarmed   Stage = "A"
	Supervise Stage = "V"
	Aside     Stage = "F"
	Sampled   Stage = "Q"
	Differing Stage = "E"
)

// Stages are all of them.
var Stages = []Stage{Keying1, Keying2, Alarmed, Supervise, Aside, Sampled, Differing}

// Stage is the list that the piece is on; "" for none.
func (p Piece) Stage() Stage {
	switch {
	case p.Status == Waiting:
		return Keying1
	case p.Status == Second:
		return Keying2
	case p.Status == Disputed && p.Why == Safeguarding, p.Sample.Step == Unlike && p.Sample.Again.Status == Disputed:
		return Alarmed
	case p.Status == Disputed:
		return Supervise
	case p.Status == Quarantined && !p.Seen, p.Status == Checking && p.Why != "":
		return Aside
	case p.Sample.Step == Drawn:
		return Sampled
	case p.Sample.Step == Unlike:
		return Differing
	}
	return ""
}

// ForSupervisors says that nobody else acts on what is on the list.
func (s Stage) ForSupervisors() bool {
	return s == Alarmed || s == Supervise || s == Aside || s == Differing
}

// LetterDue is since when a letter has to go back with the piece; zero, if none has.
func (p Piece) LetterDue() time.Time {
	if p.Status != SentBack || !p.Posted.IsZero() || p.Sample.Step == Unlike { // then a supervisor says first whether it goes back
		return time.Time{}
	}
	return p.Done
}

// Waits is since when the piece is on the list that it is on: what is finished, since it is.
func (p Piece) Waits() time.Time {
	if p.Sample.Step == Drawn || p.Sample.Step == Unlike {
		return p.Done
	}
	return p.Since
}
