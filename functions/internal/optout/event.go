package optout

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// Kind is what happened to a form. Each is the past of a verb; state.go says who may say it when, and where it puts
// the form.
type Kind string

// What can happen to a form, with what its Detail says. What a person or MESH says of it may also have the
// client's key, and the digest of a text. The schemas in events/ say it all, to the last pattern.
const (
	Registered Kind = "registered" // a door took it: rules, answers (digest), person ("crowded")
	Held       Kind = "held"       // a door took it, but it is doubtful: as registered, and why
	Wrote      Kind = "wrote"      // the person was written to about the doubt: how
	Released   Kind = "released"   // the doubt is cleared up: answers (digest), person (joined, crowded)
	Superseded Kind = "superseded" // a newer form came: newer (reference)
	Numbered   Kind = "numbered"   // an NHS number was added or corrected: number (digest), person (joined, crowded), and first and since as settled

	Settled  Kind = "settled"  // it stands beside other forms of the person: as (duplicate, linked), first (reference), since (time)
	Followed Kind = "followed" // a duplicate goes where its first one went: first, fate (open, checked, withdrawn, reopened), practice if checked, until, signed
	Routed   Kind = "routed"   // a practice has it, and was made due to be told: practice, instead (of this one)
	Unrouted Kind = "unrouted" // no practice could be found, and the office has it: fault
	Assigned Kind = "assigned" // the office named a practice: practice
	Reminded Kind = "reminded" // its practice was made due to be told again
	Closed   Kind = "closed"   // its practice has closed: practice
	Rerouted Kind = "rerouted" // its practice is not the person's
	Failed   Kind = "failed"   // what was next could not be done, for good: fault

	Delivered Kind = "delivered"   // MESH says that the practice's mailbox gave it out
	Unfetched Kind = "undelivered" // MESH says that nobody fetched it
	Rejected  Kind = "rejected"    // MESH will not carry it: fault
	Collected Kind = "collected"   // a named person opened it
	LetGo     Kind = "let-go"      // the practice left it to others there
	Applied   Kind = "applied"     // the practice set the preference: on (day), code, number (digest), told and asked ("yes"), basis, replaced (choices), after (references)
	Corrected Kind = "corrected"   // the practice took back that it was applied
	Replaced  Kind = "replaced"    // a later form was applied in its place: later (reference), until and signed (what else of the same signer goes with it)
	Restored  Kind = "restored"    // that was a mistake, and it stands again: later
	Found     Kind = "found"       // a practice's extract has it: run (time), practice
	Discarded Kind = "discarded"   // the scan is gone; its hash stays
	Missing   Kind = "missing"     // the practice's extract lacks it, or has another code: run (time), code (choice)

	Returned   Kind = "returned"   // by the practice: reason
	Decided    Kind = "decided"    // the practice decided after all: outcome (collected, answered), told (day, or "unsafe") if answered
	Withdrawn  Kind = "withdrawn"  // by the person at the practice: how, on (day), until
	Answered   Kind = "answered"   // the office told the person why not, and how to complain: told (day)
	Confirmed  Kind = "confirmed"  // the office confirmed that the person has died
	Complained Kind = "complained" // the person complained, and it opens again
)

// Event is one thing that happened to a form. Its Detail holds codes, references, times and keyed digests, never
// personal data, so that erasing a form's facts and texts leaves its history whole.
type Event struct {
	Seq    int       // 1, 2, 3 …
	At     time.Time // UTC, milliseconds; never before the event it follows
	By     string    // an Actor
	Kind   Kind
	Detail map[string]string
	Text   Text // what somebody wrote about it: kept beside, its digest is in Detail["text"]
	Hash   [sha256.Size]byte
}

// errChain means that a history does not hold together: something other than this package wrote it.
var errChain = errors.New("the chain of events is broken")

// link gives e its place and hash at the end of a history.
//
// The hash is SHA-256 over the hash before it (for the first event: SHA-256 of the reference's 17 characters) and
// the event's canonical bytes: seq, at (RFC 3339, UTC, milliseconds), by, kind, then each key and value of the
// detail in the order of the keys; every part is preceded by its length in bytes as a 4-byte big-endian number.
func (e Event) link(ref Reference, history []Event) Event {
	before := sha256.Sum256([]byte(ref.Key()))
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Seq = len(history) + 1
	if len(e.Detail) == 0 {
		e.Detail = nil
	}
	if n := len(history); n > 0 {
		before = history[n-1].Hash
		if e.At.Before(history[n-1].At) { // a clock jumped; the order is what counts
			e.At = history[n-1].At
		}
	}
	e.Hash = e.hash(before)
	return e
}

func (e Event) hash(before [sha256.Size]byte) [sha256.Size]byte {
	b := append(make([]byte, 0, 512), before[:]...)
	part := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	part(strconv.Itoa(e.Seq))
	at := len(b)
	b = e.At.AppendFormat(append(b, 0, 0, 0, 0), milliseconds)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	part(e.By)
	part(string(e.Kind))
	keys := make([]string, 0, 8)
	for k := range e.Detail {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		part(k)
		part(e.Detail[k])
	}
	return sha256.Sum256(b)
}

// milliseconds is how times are written wherever bytes must agree.
const milliseconds = "2006-01-02T15:04:05.000Z"

// verify checks every link of a history.
func verify(ref Reference, history []Event) error {
	before := sha256.Sum256([]byte(ref.Key()))
	for i, e := range history {
		if e.Seq != i+1 || e.hash(before) != e.Hash {
			return errChain
		}
		before = e.Hash
	}
	return nil
}

// size is about how many bytes a form's history takes, and what was written beside it.
func (f Form) size() (n int) {
	for _, e := range f.Events {
		n += 120 + len(e.By) + len(e.Text)
		for k, v := range e.Detail {
			n += len(k) + len(v)
		}
	}
	return n
}

// What an event's detail says under a key, or nothing.

func (e Event) time(key string) time.Time {
	t, _ := time.Parse(milliseconds, e.Detail[key])
	return t
}

func (e Event) reference(key string) Reference { return Reference{e.Detail[key]} }

func (e Event) code(key string) nhs.ODSCode { return nhs.StoredODSCode(e.Detail[key]) }

func (e Event) list(key string) []string { return strings.Fields(e.Detail[key]) }
