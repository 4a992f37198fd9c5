package upload

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// State is how far an upload is.
type State string

// How far an upload can be. The last three are its ends.
const (
	Promised State = "promised" // nobody has said that the file is there
	Uploaded State = "uploaded" // it is there, or somebody says so
	Read     State = "read"     // and was used whole
	Refused  State = "refused"  // and nothing more of it is used
	Expired  State = "expired"  // it never came
)

// Purpose is what a file is for.
type Purpose string

// What files are for.
const (
	Extract Purpose = "extract" // a practice's own list of the patients for whom a preference is coded
	Scan    Purpose = "scan"    // of paper: in a batch of the mailroom, or of a form that a practice registered
)

// Unanswered is what nothing is for: apart from other scans, those of practices' forms are due that the malware check gives no
// answer on, so that the office finds them (DueAs).
const Unanswered Purpose = "unanswered"

const (
	// Lasts is how long a file may begin to come after its slot was made.
	Lasts = 15 * time.Minute
	// Waits is how long a file may take to come; until then it is looked for every LooksEvery.
	Waits      = time.Hour
	LooksEvery = 20 * time.Minute
	// Lingers is how long after its slot was made a file may still come to a slot that has ended, sent a second time or too
	// late. Then the slot is emptied once more.
	Lingers = 2 * time.Hour
	// ReadingTakes is how long a reader has an upload to itself: longer than any reader lives, so that an expired lease
	// means that it is gone.
	ReadingTakes = 6 * time.Minute
	// MostOfScan is how large a scan may be, in bytes.
	MostOfScan = 20 << 20
	// MostAsked is how often a malware result is asked for again before somebody is told; it is asked for all the same.
	MostAsked = 2
	// MostTries is how often reading is tried before a person has to act.
	MostTries = 8
	// MostShown is how many forms in doubt, and how many rows that are not used, a slot names itself.
	MostShown = 100
)

// Slot is a place for one file, and what became of it. It holds nothing personal.
type Slot struct {
	ID       string // 26 characters that nobody can guess
	Version  int    // how often it was written
	For      Purpose
	Practice nhs.ODSCode // whose it is
	By       string      // an optout.Actor
	Run      time.Time   // of an extract: when the practice ran its list
	Sure     bool        // the practice says that it is the right list, whatever it lacks
	Batch    string      // of a scan: the batch of the mailroom that it belongs to; or
	Form     optout.Reference

	State    State
	Promised time.Time
	Uploaded time.Time // when it was said or seen to be there
	Ended    time.Time

	Due    time.Time // when it is looked at next; zero: never
	Lease  time.Time // until when one reader has it to itself
	Tries  int       // how often something was begun in a row that came to nothing yet
	Fault  string    // what the last one was, as a code
	Object string    // which version of the file is read; "" before it is found, and once it is gone

	Pages   int    // of a scan that was read
	Malware string // of a scan: the malware result on this version; "": none yet
	Asked   int    // how often it was asked for again

	Used    time.Time // since when what it says may be on record of forms; zero: it is of none
	SHA256  []byte    // of the file as it came
	Refusal Refusal
	Answer  Answer
}

// Refusal is why nothing more of a file is used.
type Refusal struct {
	Code   string // never changes
	Detail string // for a person to act on; it never quotes the file
}

// Answer is what came of an extract that was read.
type Answer struct {
	Layout string         // by whose name its columns were found
	Rows   int            // below the header
	Used   map[string]int // rows that were used, by outcome
	Faults map[string]int // rows that were not, by code; with Used their sum is Rows
	Forms  map[string]int // the practice's forms that no row stands for, by outcome
	Doubt  []optout.Reference
	Faulty []Faulty
}

// Faulty is a row that was not used.
type Faulty struct {
	Line  int    // the row, as a spreadsheet counts
	Code  string // of its fault
	Other int    // the other row, where the fault is between two
}

// New is a slot for a practice's extract, of which nothing is uploaded yet.
func New(by optout.Actor, run time.Time, sure bool, now time.Time) Slot {
	return Slot{
		ID: rand.Text(), For: Extract, Practice: by.Practice, By: by.String(), Run: milliseconds(run), Sure: sure,
		State: Promised, Promised: milliseconds(now), Due: milliseconds(now.Add(LooksEvery)),
	}
}

// NewScan is a slot for a scan in a batch, of which nothing is uploaded yet.
func NewScan(by optout.Actor, batch string, now time.Time) Slot {
	return Slot{
		ID: rand.Text(), For: Scan, Batch: batch, By: by.String(),
		State: Promised, Promised: milliseconds(now), Due: milliseconds(now.Add(LooksEvery)),
	}
}

// Under is a new slot as the one that is made under a key: made again under it, it is the same.
func (s Slot) Under(key string) Slot {
	sum := sha256.Sum256([]byte("slot\n" + s.By + "\n" + s.Batch + "\n" + key))
	s.ID = base32.StdEncoding.EncodeToString(sum[:])[:26]
	return s
}

// IsID says that s has the shape of a slot's id. Whatever else it is, it names no slot.
func IsID(s string) bool {
	return len(s) == 26 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Key is where the file is put, and AnswerKey where the answer to it is.
func (s Slot) Key() string       { return prefixes[s.For] + s.ID }
func (s Slot) AnswerKey() string { return "answers/" + s.ID + ".csv" }

var prefixes = map[Purpose]string{Extract: "extracts/", Scan: "scans/"}

// NewAttachment is a slot for a scan of the paper from which a practice registered a form.
func NewAttachment(by optout.Actor, form optout.Reference, now time.Time) Slot {
	s := NewScan(by, "", now)
	s.Practice, s.Form = by.Practice, form
	return s
}

// IDOf is the id of the slot for whose file this is the key of a scan; "" if it is none.
func IDOf(key string) string {
	if id, ok := strings.CutPrefix(key, prefixes[Scan]); ok && IsID(id) {
		return id
	}
	return ""
}

// PageKey is where the picture of a page of a scan is, counted from 1.
func PageKey(id string, page int) string { return fmt.Sprintf("pages/%s/%03d.jpg", id, page) }

// IsEnded says that nothing more comes of the slot.
func (s Slot) IsEnded() bool { return s.State == Read || s.State == Refused || s.State == Expired }

// IsUnanswered says that the malware check gives no answer on the file, although it was asked again and again.
func (s Slot) IsUnanswered() bool {
	return s.State == Uploaded && s.Malware == "" && s.Asked >= MostAsked
}

// DueAs is under which purpose a slot is due: its own, or Unanswered. Of the mailroom's scans its books tell.
func (s Slot) DueAs() Purpose {
	if s.IsUnanswered() && s.Batch == "" {
		return Unanswered
	}
	return s.For
}

// HasAnswer says that there is a file that tells what came of each row: the bucket keeps it for 30 days.
func (s Slot) HasAnswer(now time.Time) bool {
	return s.State == Read && now.Before(s.Ended.AddDate(0, 0, 30))
}

// Actor is who made the slot.
func (s Slot) Actor() optout.Actor {
	who := append(strings.Fields(s.By), "", "", "")
	return optout.Actor{Role: optout.Role(who[0]), Practice: nhs.StoredODSCode(who[1]), ID: who[2]}
}

// Arrived is the slot once somebody says that the file is there: it is looked at now, also if it was waited for in vain.
// Saying it again, or after another end, changes nothing; nor does it do harm if it is not so, for then all is as before.
func (s Slot) Arrived(now time.Time) Slot {
	if s.State == Promised || s.State == Expired {
		s.State, s.Uploaded, s.Ended, s.Due = Uploaded, milliseconds(now), time.Time{}, milliseconds(now)
	}
	return s
}

// Missed is the slot when the file is not there: it is waited for, and in the end no more.
func (s Slot) Missed(now time.Time) Slot {
	s.Lease, s.Tries, s.Fault = time.Time{}, 0, ""
	if ends := s.Promised.Add(Waits); now.Before(ends) {
		s.State, s.Uploaded = Promised, time.Time{}
		s.Due = milliseconds(earlier(now.Add(LooksEvery), ends))
		return s
	}
	s.State, s.Ended = Expired, milliseconds(now)
	return s.Emptied(now)
}

// Claimed is the slot in the hands of a reader. That is a try from its beginning: a reader that is killed counts nothing.
func (s Slot) Claimed(now time.Time) Slot {
	s.Tries++
	s.Lease = milliseconds(now.Add(ReadingTakes))
	s.Due = s.Lease
	return s
}

// PutOff is the slot after its reading came to nothing, for a reason that may pass.
func (s Slot) PutOff(until time.Time, fault string) Slot {
	s.Lease, s.Due, s.Fault = time.Time{}, milliseconds(until), fault
	return s
}

// End is the slot at an end, in the same hands until the file is gone.
func (s Slot) End(state State, now time.Time) Slot {
	s.State, s.Ended, s.Tries, s.Fault = state, milliseconds(now), 0, ""
	return s
}

// Emptied is the slot at its end once there is no file any more.
func (s Slot) Emptied(now time.Time) Slot {
	s.Object = ""
	return s.Settled(now)
}

// Settled is the slot at its end once nothing is left to do. It is looked at once more when no other file can come.
func (s Slot) Settled(now time.Time) Slot {
	s.Due, s.Lease, s.Tries, s.Fault = time.Time{}, time.Time{}, 0, ""
	if last := s.Promised.Add(Lingers); now.Before(last) {
		s.Due = milliseconds(last)
	}
	return s
}

// Sum is how many rows or forms there are of all outcomes.
func Sum(outcomes map[string]int) (n int) {
	for _, of := range outcomes {
		n += of
	}
	return n
}

func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func earlier(a, b time.Time) time.Time {
	return slices.MinFunc([]time.Time{a, b}, time.Time.Compare)
}

// Newest orders slots as they are listed.
func Newest(a, b Slot) int {
	return cmp.Or(b.Promised.Compare(a.Promised), strings.Compare(b.ID, a.ID))
}
