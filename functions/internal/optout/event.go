package optout

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Kind is what happened to a form.
type Kind string

// What can happen to a form.
const (
	Registered Kind = "registered" // a door registered it
	Routed     Kind = "routed"     // a practice has it, and was made due to be told
	Unrouted   Kind = "unrouted"   // no practice could be found: the office has it
	Reminded   Kind = "reminded"   // its practice was made due to be told again
	Failed     Kind = "failed"     // what was next could not be done, for good: a person has to look
)

// Event is one thing that happened to a form. Its Detail holds codes and keyed digests, never personal data, so
// that erasing a form's facts leaves its history whole.
type Event struct {
	Seq    int       // 1, 2, 3 …
	At     time.Time // UTC, milliseconds; never before the event it follows
	By     string    // a door, "engine", later a member of staff
	Kind   Kind
	Detail map[string]string
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
	b := slices.Clone(before[:])
	part := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	part(strconv.Itoa(e.Seq))
	part(e.At.Format(milliseconds))
	part(e.By)
	part(string(e.Kind))
	for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
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
