package worklist

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Owner is whose list it is: Desk, Office or a Practice. It is never made of what a request says.
type Owner struct{ key string }

// Desk and Office are one owner each for the whole country.
var (
	Desk   = Owner{"desk"}
	Office = Owner{"office"}
)

// Practice is a practice as an owner.
func Practice(c nhs.ODSCode) Owner { return Owner{c.String()} }

// Key spells the owner for keys of the table.
func (o Owner) Key() string { return o.key }

// Shared says that everybody's forms may stand on the owner's list.
func (o Owner) Shared() bool { return o == Desk || o == Office }

// Stage is how far the owner is with what is on a list, spelled for keys of the table.
type Stage string

// What an owner has to act on, what a practice said is applied, and what is done.
const (
	Open    Stage = "O"
	Applied Stage = "S"
	Done    Stage = "D"
)

// List is one of an owner's lists, oldest first unless the newest are asked for first.
type List struct {
	Owner  Owner
	Stage  Stage
	Newest bool
}

// MostEntries is how many entries a page has at most.
const MostEntries = 100

// Exact is up to what a Tally is never cut short: DynamoDB reads 1 MB of an index at once, and of an entry, which is
// little more than its keys, less than 1 KB.
const Exact = 1000

// Entry is a form, or on the office's list a practice that acts late or cannot be told.
type Entry struct {
	Reference optout.Reference
	Practice  nhs.ODSCode // of an entry without a reference
	Since     time.Time   // a form: when it was received; what stands there for its failure: when it is tried again
}

// ID is what the entry names, spelled for keys of the table.
func (e Entry) ID() string { return cmp.Or(e.Reference.Key(), e.Practice.String()) }

// ParseEntry reads what an entry names.
func ParseEntry(id string, since time.Time) (e Entry, err error) {
	e.Since = since
	if e.Reference, err = optout.ParseReference(id); err != nil {
		e.Practice, err = nhs.ParseODSCode(id)
	}
	return e, err
}

// Page is a part of a list.
type Page struct {
	Entries []Entry
	Next    Cursor // behind the last entry; "" if there are no more
}

// Cursor says where the next page of a list begins. It is safe in a URL, and no secret: it places a reader within the
// list that they may read anyway, and never decides whose that is.
type Cursor string

// Of is the list on which a form stands; the zero List for what only the engine works on. What has ended stays with the
// practice that had it, else with the office.
func Of(s optout.State) List {
	stage := Open
	switch {
	case s.Ended() && s.Owner == optout.OwnerNobody:
		stage = Done
	case s.Status == optout.StatusApplied:
		stage = Applied
	}
	switch {
	case s.Owner == optout.OwnerPractice, s.Owner == optout.OwnerNobody && !s.Practice.IsZero():
		return List{Owner: Practice(s.Practice), Stage: stage}
	case s.Owner == optout.OwnerDesk:
		return List{Owner: Desk, Stage: stage}
	case s.Owner == optout.OwnerOffice, s.Owner == optout.OwnerNobody:
		return List{Owner: Office, Stage: stage}
	}
	return List{}
}

// Behind is the entry that a cursor stands behind; the zero Entry for "". ErrCursor.
func (l List) Behind(c Cursor) (e Entry, err error) {
	if c == "" {
		return Entry{}, nil
	}
	text, _ := base64.RawURLEncoding.DecodeString(string(c))
	if words := strings.Split(string(text), " "); len(words) == 5 {
		since, _ := strconv.ParseInt(words[3], 10, 64)
		e, _ = ParseEntry(words[4], time.UnixMilli(since).UTC())
	}
	if l.cursor(e) != c { // whatever was wrong with it, or with parts of it
		return Entry{}, ErrCursor
	}
	return e, nil
}

func (l List) cursor(behind Entry) Cursor {
	text := strings.Join([]string{
		l.Owner.key, string(l.Stage), strconv.FormatBool(l.Newest), strconv.FormatInt(behind.Since.UnixMilli(), 10), behind.ID(),
	}, " ")
	return Cursor(base64.RawURLEncoding.EncodeToString([]byte(text)))
}

// Page is the page of at most n out of entries, in any order, that follows an entry; the zero Entry is before all.
func (l List) Page(entries []Entry, after Entry, n int) Page {
	n = min(n, MostEntries)
	if after != (Entry{}) {
		entries = slices.DeleteFunc(entries, func(e Entry) bool { return l.compare(e, after) <= 0 })
	}
	slices.SortFunc(entries, l.compare)
	if len(entries) <= n {
		return Page{Entries: entries}
	}
	return Page{Entries: entries[:n], Next: l.cursor(entries[n-1])}
}

func (l List) compare(a, b Entry) int {
	if l.Newest {
		a, b = b, a
	}
	return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID(), b.ID()))
}
