package dynamo

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// heat counts the writes that each partition key of the table and of its indexes sees.
type heat map[string]int

// write counts one write of an item that stood at these places of the indexes and now stands at those.
func (h heat) write(k key, was, now [2]entry) {
	h["table "+k.pk]++
	for i, index := range []string{"list ", "due "} {
		if was[i] == now[i] {
			continue
		}
		for _, e := range []entry{was[i], now[i]} {
			if e.pk != "" {
				h[index+e.pk]++
			}
		}
	}
}

// placed reads where a write puts an item, from the very input that the store sends.
func placed(values map[string]types.AttributeValue, prefix string) (list, due entry) {
	r := &reader{item: values}
	if prefix == ":" {
		return entry{r.str(":lpk"), r.str(":lsk")}, entry{r.str(":dpk"), r.str(":dsk")}
	}
	return entry{r.str("LPK"), r.str("LSK")}, entry{r.str("DPK"), r.str("DSK")}
}

// At 10,000 forms a second, spread over practices as patients are, every write of a form's whole life happens 10,000
// times a second too: registering these forms, routing those of a moment ago, reminding of those of day 2, collecting,
// applying, asking for a list and checking those of weeks ago. No key may see more than 200 writes a
// second in all.
func TestNoKeyIsHot(t *testing.T) {
	t.Parallel()
	const perSecond, most, stages = 10_000, 200, 7
	practices, weights := listSizes(t)
	facts := optouttest.Accepted(optouttest.Dissent())
	random := rand.New(rand.NewPCG(1, 17))
	h, asked, s := heat{}, map[nhs.ODSCode]bool{}, Store{table: "t"}
	for n := range stages * perSecond {
		stage := n % stages
		facts.Practice = practices[pick(random, weights)]
		if random.IntN(100) < 5 {
			facts.Practice = nhs.ODSCode{} // for the office
		}
		now := optouttest.Noon.Add(time.Duration(random.IntN(1000)) * time.Millisecond)
		f := optout.Registrar{Keys: optouttest.Keys{}, Now: func() time.Time { return now }}.
			NewForm(optouttest.Online(strconv.Itoa(n)), optout.Answers{}, facts)
		f.Person, f.Possible = optout.PersonKey(fmt.Sprintf("n%d", n)), optout.PersonKey(fmt.Sprintf("w%d", n)) // people differ
		if stage == 0 {
			list, due := placed(formItem(f), "")
			h.write(formKey(f.Reference), [2]entry{}, [2]entry{list, due})
			for _, k := range []key{personKey(f.Person), possibleKey(f.Possible)} {
				w := s.appendReference(k, f.Reference).Update
				h.write(key{(&reader{item: w.Key}).str("PK"), ""}, [2]entry{}, [2]entry{})
			}
			continue
		}
		life := []optout.Event{{Kind: optout.Unrouted, Detail: map[string]string{"fault": "no-practice"}}}
		if !facts.Practice.IsZero() {
			life = []optout.Event{
				{Kind: optout.Routed, Detail: map[string]string{"practice": facts.Practice.String()}},
				{Kind: optout.Reminded},
				{Kind: optout.Reminded},
				{Kind: optout.Reminded},
				{Kind: optout.Collected},
				{Kind: optout.Applied},
				{Kind: optout.Reminded},
				{Kind: optout.Found, Detail: map[string]string{"run": stamp(now.AddDate(1, 0, 0))}},
			}
		}
		if stage > len(life) {
			continue
		}
		var was, is [2]entry
		is[0], is[1] = placed(formItem(f), "")
		for _, e := range life[:stage] {
			e.At = f.Due
			f = f.With(e)
			was = is
			is[0], is[1] = placed(s.recordForm(f, false).ExpressionAttributeValues, ":")
		}
		h.write(formKey(f.Reference), was, is)
		if f.State().Owner == optout.OwnerPractice { // somebody there claims it, looks at it and lets go
			for _, k := range []key{claimKey(f.Reference), lookKey(f.Reference, now, "x"), lookKey(f.Reference, now, "y"), claimKey(f.Reference)} {
				h.write(k, [2]entry{}, [2]entry{})
			}
		}
		if kind := life[stage-1].Kind; kind != optout.Routed && kind != optout.Reminded {
			continue // the practice is not told
		}
		_, due := placed(s.ask(facts.Practice, optout.Change{Form: f, Tell: facts.Practice}).ExpressionAttributeValues, ":")
		if asked[facts.Practice] { // due already: the write leaves its place as it is
			due = entry{}
		}
		asked[facts.Practice] = true
		h.write(digestKey(facts.Practice), [2]entry{}, [2]entry{{}, due})
	}
	for code := range asked { // one mail: claimed, then recorded
		p := optout.Practice{Code: code, Digest: digest.Digest{Version: 1, Due: optouttest.Noon.Add(time.Minute), Lease: optouttest.Noon.Add(time.Minute)}}
		list, due := placed(digestItem(p), "")
		h.write(digestKey(code), [2]entry{{}, dueEntry(optouttest.Noon, optout.Due{Noun: optout.DuePractice, ID: code.String()})}, [2]entry{list, due})
		h.write(digestKey(code), [2]entry{list, due}, [2]entry{})
	}
	lists := 0
	for code := range asked { // and all of them send a list within a minute: promised, uploaded, claimed, read, emptied
		if lists++; lists%60 > 0 {
			continue
		}
		u := upload.New(optout.Actor{Role: optout.AtPractice, Practice: code}, optouttest.Noon, false, optouttest.Noon)
		was := [2]entry{}
		for _, u := range []upload.Slot{u, u.Arrived(optouttest.Noon), u.Claimed(optouttest.Noon), u.End(upload.Read, optouttest.Noon), u.Emptied(optouttest.Noon)} {
			list, due := placed(slotItem(u), "")
			h.write(uploadKey(u.ID), was, [2]entry{list, due})
			was = [2]entry{list, due}
		}
		for range 3 { // the turn is taken, used and ended
			h.write(turnKey(code), [2]entry{}, [2]entry{})
		}
	}
	for n := range perSecond / 10 { // a bad day: every tenth form fails for good and goes to the office's list
		d := optout.Due{Noun: optout.DueForm, ID: optouttest.Keys{}.Reference(optouttest.Online(strconv.Itoa(n))).Key()}
		until := optouttest.Noon.Add(48 * time.Hour)
		h.write(key{"F#" + d.ID, ""}, [2]entry{{}, dueEntry(optouttest.Noon, d)}, [2]entry{officeEntry(until, d.ID), dueEntry(until, d)})
	}
	h.mailroom()
	keys := slices.SortedFunc(maps.Keys(h), func(a, b string) int { return h[b] - h[a] })
	if hottest := keys[0]; h[hottest] > most {
		t.Errorf("%s sees %d writes a second, more than %d", hottest, h[hottest], most)
	}
	t.Logf("hottest of %d keys at %d forms a second: %s %d, %s %d, %s %d", len(keys), perSecond, keys[0], h[keys[0]], keys[1], h[keys[1]], keys[2], h[keys[2]])
}

// mailroom counts, beside all else, what the mailroom writes in a second of a day of 100,000 pieces, which are four a second,
// that is far busier than any: a hundred clerks at work on a batch each end a piece in it, twenty of them announce forty files at
// once, of three batches forty files come each, and are read.
func (h heat) mailroom() {
	const clerks, announcing, coming = 100, 20, 3
	now, by := optouttest.Noon, optout.Actor{Role: optout.Desk, ID: "u-17"}
	places := func(i item) [2]entry {
		list, due := placed(i, "")
		return [2]entry{list, due}
	}
	for n := range clerks {
		b, err := batch.New(batch.Declaration{Envelopes: 100, Box: "B", Sequence: 1}, by, now)
		if err != nil {
			panic(err)
		}
		piece := func(status batch.Status) batch.Piece {
			id := upload.NewScan(by, b.ID, now).ID
			return batch.Piece{At: batch.FirstOf(b.ID, id), Since: now, Status: status, First: 1, SHA256: []byte(id)}
		}
		moves := func(p batch.Piece, to batch.Status) batch.Piece {
			was := places(pieceItem(p))
			p.Status = to
			h.write(pieceKey(p.At), was, places(pieceItem(p)))
			return p
		}
		changes := func() {
			was := places(batchItem(b))
			b.Moved = b.Moved.Add(time.Millisecond)
			h.write(batchKey(b.ID), was, places(batchItem(b)))
		}
		p := piece(batch.Waiting)
		paper := paperKey(optouttest.Keys{}.Reference(p.Origin()))
		left := piece(batch.Waiting)
		for _, to := range []batch.Status{batch.Waiting, batch.Waiting, batch.Registered} { // it is taken, its form is to come, and has come
			p = moves(p, to)
		}
		h.write(paper, [2]entry{}, [2]entry{})
		h.write(paper, [2]entry{}, [2]entry{})
		h.write(pieceKey(left.At), [2]entry{}, places(pieceItem(left)))
		changes()
		if n < announcing {
			changes()
		}
		for range batch.MostAtOnce {
			u := upload.NewScan(by, b.ID, now)
			if n < announcing {
				p := piece(batch.Awaited)
				h.write(uploadKey(u.ID), [2]entry{}, places(slotItem(u)))
				h.write(pieceKey(p.At), [2]entry{}, places(pieceItem(p)))
			} else if n < announcing+coming {
				for _, to := range []upload.Slot{u.Arrived(now), u.Claimed(now), u.End(upload.Read, now), u.Emptied(now)} {
					h.write(uploadKey(u.ID), places(slotItem(u)), places(slotItem(to)))
					u = to
				}
				h.write(fileKey([]byte(u.ID)), [2]entry{}, [2]entry{})
				moves(moves(piece(batch.Awaited), batch.Checking), batch.Waiting)
			}
		}
	}
}

// listSizes gives practices and, up to and including each, how many patients are registered.
func listSizes(t *testing.T) (codes []nhs.ODSCode, upTo []int) {
	t.Helper()
	file, err := os.Open("testdata/list-size-2021-01.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[1])
		code, odd := nhs.ParseODSCode(row[0])
		if err != nil || odd != nil {
			continue
		}
		sum += n
		codes, upTo = append(codes, code), append(upTo, sum)
	}
	if len(codes) < 6000 {
		t.Fatalf("only %d practices", len(codes))
	}
	return codes, upTo
}

func pick(r *rand.Rand, upTo []int) int {
	i, _ := slices.BinarySearch(upTo, r.IntN(upTo[len(upTo)-1])+1)
	return i
}

func TestDueEntriesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, d := range []optout.Due{{Noun: optout.DueForm, ID: "00000000000000000"}, {Noun: optout.DuePractice, ID: "A81001"}} {
		at := optouttest.Noon.Add(123 * time.Millisecond)
		gotAt, got, err := dueOf(dueEntry(at, d).sk)
		if err != nil || got != d || !gotAt.Equal(at) {
			t.Errorf("%v at %v is read as %v at %v, %v", d, at, got, gotAt, err)
		}
	}
	for _, s := range []string{"", "x", "2026#form", "soon#form#1"} {
		if _, _, err := dueOf(s); err == nil {
			t.Errorf("%q is read as a due entry", s)
		}
	}
	if (dueEntry(time.Time{}, optout.Due{}) != entry{}) {
		t.Error("what is never due stands in the list of what is")
	}
}

func TestListEntriesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	ref := optouttest.Keys{}.Reference(optouttest.Online("x"))
	for _, want := range []worklist.Entry{
		{Reference: ref, Since: optouttest.Noon.Add(123 * time.Millisecond)}, {Practice: optouttest.Accepted(optouttest.Dissent()).Practice, Since: optouttest.Noon},
	} {
		if got, err := placeOf(officeEntry(want.Since, want.ID()).sk); err != nil || got != want {
			t.Errorf("%v is read as %v, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "O#", "O#soon#A81001", "O#2026-11-22T12:00:00.000Z", "O#2026-11-22T12:00:00.000Z#x"} {
		if _, err := placeOf(s); err == nil {
			t.Errorf("%q is read as a list entry", s)
		}
	}
}

func TestAStreamRecordNamesSlotsToTheirReaderOnly(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("A", 26)
	for k, want := range map[key]bool{
		{"U#" + id, "U"}: true, {"U#" + id, "F"}: false, {id, "U"}: false, {"U#x", "U"}: false, {"P#A81001", "X"}: false, {"", ""}: false,
		{"B#" + id, "B"}: false, {"B#x", "I#" + id + "-001"}: false, {"H#" + id, "H"}: false,
	} {
		if got, ok := NamedUpload(k.pk, k.sk); ok != want || ok && got != id {
			t.Errorf("%v names %q", k, got)
		}
		if d, ok := Named(k.pk, k.sk); ok {
			t.Errorf("%v names %v to be advanced", k, d)
		}
	}
}

func TestAStreamRecordNamesFormsAndDigestsOnly(t *testing.T) {
	t.Parallel()
	for k, want := range map[key]optout.Due{
		{"F#00000000000000000", "F"}:      {Noun: optout.DueForm, ID: "00000000000000000"},
		{"P#A81001", "D"}:                 {Noun: optout.DuePractice, ID: "A81001"},
		{"P#A81001", "P"}:                 {},
		{"F#00000000000000000", "L#2026"}: {},
		{"F#00000000000000000", "C"}:      {},
		{"N#x", "P"}:                      {},
		{"Q#x", "Q"}:                      {},
		{"B#x", "B"}:                      {},
		{"B#x", "I#x-001"}:                {},
		{"H#x", "H"}:                      {},
		{"F#00000000000000000", "I"}:      {},
		{"", ""}:                          {},
	} {
		if got, ok := Named(k.pk, k.sk); got != want || ok != (want != optout.Due{}) {
			t.Errorf("%v names %v", k, got)
		}
	}
}
