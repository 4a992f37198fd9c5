package dynamo

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// Shards of the lists that belong to nobody in particular, so that none of them is hot.
const (
	dueShards    = 1024
	officeShards = 256 // of the desk's and of the office's list
	uploadShards = 16  // of what is due of uploads: nobody walks a thousand parts for some hundred of them
	batchShards  = 16  // of the lists of batches and of pieces: 100,000 pieces a day are three or four a second
)

// key is the primary key of an item.
type key struct{ pk, sk string }

func formKey(r optout.Reference) key     { return key{"F#" + r.Key(), "F"} }
func personKey(k optout.PersonKey) key   { return key{"N#" + string(k), "P"} }
func possibleKey(k optout.PersonKey) key { return key{"W#" + string(k), "P"} }
func practiceKey(c nhs.ODSCode) key      { return key{"P#" + c.String(), "P"} }
func claimKey(r optout.Reference) key    { return key{"F#" + r.Key(), "C"} }
func digestKey(c nhs.ODSCode) key        { return key{"P#" + c.String(), "D"} }
func counterKey(counted string) key      { return key{"Q#" + counted, "Q"} }
func clientKey(id string) key            { return key{"C#" + id, "C"} }
func uploadKey(id string) key            { return key{"U#" + id, "U"} }
func turnKey(c nhs.ODSCode) key          { return key{"P#" + c.String(), "X"} }
func batchKey(id string) key             { return key{batches + id, "B"} }
func pieceKey(at batch.At) key           { return key{batches + at.Batch, pieces + at.ID} }
func fileKey(sha256 []byte) key          { return key{"H#" + hex.EncodeToString(sha256), "H"} }
func paperKey(r optout.Reference) key    { return key{"F#" + r.Key(), "I"} }

const (
	batches = "B#"
	pieces  = "I#"
	tallies = "T#"
)

// batchOf is the id of the batch with this primary key or of the piece's, and atOf where the piece with it is.
func batchOf(pk string) string { return strings.TrimPrefix(pk, batches) }

func atOf(pk, sk string) batch.At {
	return batch.At{Batch: batchOf(pk), ID: strings.TrimPrefix(sk, pieces)}
}

// uploadID is the id of the slot with this partition key.
func uploadID(pk string) string { return strings.TrimPrefix(pk, "U#") }

func sessionKey(person string, id [16]byte) key {
	return key{"S#" + person, "S#" + hex.EncodeToString(id[:])}
}

// lookKey is of a look that nobody else has at that time.
func lookKey(r optout.Reference, at time.Time, nonce string) key {
	return key{"F#" + r.Key(), looks + stamp(at) + "#" + nonce}
}

const looks = "L#"

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

// uploadDue is where a slot stands in the list of due slots.
func uploadDue(u upload.Slot) entry {
	if u.Due.IsZero() {
		return entry{}
	}
	return entry{uploadShard(u.DueAs(), shard(u.ID, uploadShards)), stamp(u.Due) + "#upload#" + u.ID}
}

// uploadShard is a part of what is due of uploads of one purpose: those of extracts and of scans are not read by the same
// function, and scans that wait for a malware result in vain are shown to the office.
func uploadShard(p upload.Purpose, n int) string {
	if p == upload.Extract {
		return fmt.Sprintf("DUE#upload#%d", n)
	}
	return fmt.Sprintf("DUE#%s#%d", p, n)
}

// uploadsOf is the list of a practice's slots, and uploadEntry the place of one on it.
func uploadsOf(c nhs.ODSCode) string { return "X#" + c.String() }

// attachmentsOf is the list of a form's scans.
func attachmentsOf(r optout.Reference) string { return "X#" + r.Key() }

func uploadEntry(u upload.Slot) entry {
	switch {
	case !u.Form.IsZero():
		return entry{attachmentsOf(u.Form), stamp(u.Promised) + "#" + u.ID}
	case u.Practice.IsZero():
		return entry{}
	}
	return entry{uploadsOf(u.Practice), stamp(u.Promised) + "#" + u.ID}
}

// batchEntry is where a batch stands on the list of all that are open or closed, and batchDue among those to which nothing
// happens.
func batchEntry(b batch.Batch) entry {
	return entry{batchesPart(shard(b.ID, batchShards)), openOrClosed(b.IsOpen()) + "#" + stamp(b.Opened) + "#" + b.ID}
}

func batchesPart(n int) string { return fmt.Sprintf("L#batches#%d", n) }

func openOrClosed(open bool) string {
	if open {
		return "O"
	}
	return "D"
}

func batchDue(b batch.Batch) entry {
	if b.Due().IsZero() {
		return entry{}
	}
	return entry{batchDuePart(shard(b.ID, batchShards)), stamp(b.Due()) + "#batch#" + b.ID}
}

func batchDuePart(n int) string { return fmt.Sprintf("DUE#batch#%d", n) }

// queueEntry is where a piece stands among those that wait; pieces of one batch are spread, too.
func queueEntry(p batch.Piece) entry {
	if p.Stage() == "" {
		return entry{}
	}
	return entry{queuePart(shard(p.ID, batchShards)), string(p.Stage()) + "#" + stamp(p.Waits()) + "#" + p.Batch + "#" + p.ID}
}

func queuePart(n int) string { return fmt.Sprintf("L#keying#%d", n) }

// letterDue is where a piece stands among those with which a letter has to go back.
func letterDue(p batch.Piece) entry {
	since := p.LetterDue()
	if since.IsZero() {
		return entry{}
	}
	return entry{letterPart(shard(p.ID, batchShards)), stamp(since) + "#letter#" + p.Batch + "#" + p.ID}
}

func letterPart(n int) string { return fmt.Sprintf("DUE#letter#%d", n) }

// tallyKey is of what one person has read on a day; tallyPart is a part of all that.
func tallyKey(t batch.Tally) key {
	return key{tallyPart(shard(t.By, batchShards)), tallies + t.Day.ISO() + "#" + t.How + "#" + t.By}
}

func tallyPart(n int) string { return fmt.Sprintf("%s%d", tallies, n) }

// dueOf reads a due entry's sort key.
func dueOf(sk string) (time.Time, optout.Due, error) {
	parts := strings.SplitN(sk, "#", 3)
	if len(parts) != 3 {
		return time.Time{}, optout.Due{}, fmt.Errorf("due entry has %d parts", len(parts))
	}
	at, err := parseTime(parts[0])
	return at, optout.Due{Noun: optout.Noun(parts[1]), ID: parts[2]}, err
}

// listPart is one of the partitions of an owner's lists: those of the desk and the office are spread so that neither is
// hot.
func listPart(o worklist.Owner, n int) string {
	if o.Shared() {
		return fmt.Sprintf("L#%s#%d", o.Key(), n)
	}
	return "L#" + o.Key()
}

func listParts(o worklist.Owner) uint32 {
	if o.Shared() {
		return officeShards
	}
	return 1
}

// placeOn is a place on a list.
func placeOn(l worklist.List, at time.Time, id string) entry {
	return entry{listPart(l.Owner, shard(id, listParts(l.Owner))), string(l.Stage) + "#" + stamp(at) + "#" + id}
}

// placeOf reads a place's sort key.
func placeOf(sk string) (worklist.Entry, error) {
	parts := strings.SplitN(sk, "#", 3)
	if len(parts) != 3 {
		return worklist.Entry{}, fmt.Errorf("list entry has %d parts", len(parts))
	}
	since, err := parseTime(parts[1])
	if err != nil {
		return worklist.Entry{}, err
	}
	return worklist.ParseEntry(parts[2], since)
}

// officeEntry is a place among what the office has to act on.
func officeEntry(since time.Time, id string) entry {
	return placeOn(worklist.List{Owner: worklist.Office, Stage: worklist.Open}, since, id)
}

// listEntry is the place of a form on somebody's list, by when it was received.
func listEntry(f optout.Form) entry {
	l := worklist.Of(f.State())
	if l == (worklist.List{}) {
		return entry{}
	}
	return placeOn(l, f.State().Received, f.Reference.Key())
}

func shard(id string, of uint32) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % of)
}

const milliseconds = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(milliseconds) }
