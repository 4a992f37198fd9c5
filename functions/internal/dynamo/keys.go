package dynamo

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Shards of the lists that belong to nobody in particular, so that none of them is hot.
const (
	dueShards    = 1024
	officeShards = 256 // of the desk's and of the office's list
)

// key is the primary key of an item.
type key struct{ pk, sk string }

func formKey(r optout.Reference) key     { return key{"F#" + r.Key(), "F"} }
func personKey(k optout.PersonKey) key   { return key{"N#" + string(k), "P"} }
func possibleKey(k optout.PersonKey) key { return key{"W#" + string(k), "P"} }
func practiceKey(c nhs.ODSCode) key      { return key{"P#" + c.String(), "P"} }
func digestKey(c nhs.ODSCode) key        { return key{"P#" + c.String(), "D"} }

// entry is a place in an index; the zero entry is none.
type entry struct{ pk, sk string }

// dueEntry is where a thing stands in the list of what is due.
func dueEntry(at time.Time, d optout.Due) entry {
	if at.IsZero() {
		return entry{}
	}
	return entry{dueShard(shard(d.ID, dueShards)), stamp(at) + "#" + string(d.Noun) + "#" + d.ID}
}

func dueShard(n int) string { return fmt.Sprintf("DUE#%d", n) }

// dueOf reads a due entry's sort key.
func dueOf(sk string) (time.Time, optout.Due, error) {
	parts := strings.SplitN(sk, "#", 3)
	if len(parts) != 3 {
		return time.Time{}, optout.Due{}, fmt.Errorf("due entry has %d parts", len(parts))
	}
	at, err := time.Parse(milliseconds, parts[0])
	return at, optout.Due{Noun: optout.Noun(parts[1]), ID: parts[2]}, err
}

// A list holds what its owner has to act on, then what a practice said is applied, then what is done.
const (
	openForms    = "O#"
	appliedForms = "S#"
	doneForms    = "D#"
)

func practiceList(c nhs.ODSCode) string { return "L#" + c.String() }

// officeEntry is a place among what the office has to act on.
func officeEntry(since time.Time, id string) entry {
	return sharedEntry("office", openForms, since, id)
}

// sharedEntry is a place on the list of the desk or the office, which are spread so that neither is hot.
func sharedEntry(list, stage string, at time.Time, id string) entry {
	return entry{fmt.Sprintf("L#%s#%d", list, shard(id, officeShards)), stage + stamp(at) + "#" + id}
}

// listEntry is the place of a form on somebody's list, oldest received first; what only the engine works on is on
// none. What has ended stays on the list of the practice that had it, else on the office's.
func listEntry(f optout.Form) entry {
	s, id := f.State(), f.Reference.Key()
	stage := openForms
	switch {
	case s.Ended() && s.Owner == optout.OwnerNobody:
		stage = doneForms
	case s.Status == optout.StatusApplied:
		stage = appliedForms
	}
	switch {
	case s.Owner == optout.OwnerPractice, s.Owner == optout.OwnerNobody && !s.Practice.IsZero():
		return entry{practiceList(s.Practice), stage + stamp(s.Received) + "#" + id}
	case s.Owner == optout.OwnerDesk:
		return sharedEntry("desk", stage, s.Received, id)
	case s.Owner == optout.OwnerOffice, s.Owner == optout.OwnerNobody:
		return sharedEntry("office", stage, s.Received, id)
	}
	return entry{}
}

func shard(id string, of uint32) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % of)
}

const milliseconds = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(milliseconds) }
