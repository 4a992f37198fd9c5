package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// batchItem spells a batch at the version after the one it was read at.
func batchItem(b batch.Batch) item {
	i := item{}
	i.num("v", b.Version+1)
	i.num("declared", b.Declared)
	i.num("pieces", b.Pieces)
	i.num("highest", b.Highest)
	i.str("box", b.Box)
	i.num("sequence", b.Sequence)
	i.str("destroy", b.Destroy.ISO())
	i.time("opened", b.Opened)
	i.time("moved", b.Moved)
	i.time("closed", b.Closed)
	i.history(b.History)
	i.place(batchEntry(b), batchDue(b))
	return i
}

// batchAttributes are all that batchItem may write.
var batchAttributes = []string{
	"v", "declared", "pieces", "highest", "box", "sequence", "destroy", "opened", "moved", "closed", "history", "LPK", "LSK", "DPK", "DSK",
}

func readBatch(i item) (batch.Batch, error) {
	r := &reader{item: i}
	b := batch.Batch{
		ID: batchOf(r.str("PK")), Version: r.num("v"), Declared: r.num("declared"), Pieces: r.num("pieces"), Highest: r.num("highest"),
		Box: r.str("box"), Sequence: r.num("sequence"), Destroy: nhs.StoredDate(r.str("destroy")), Opened: r.time("opened"),
		Moved: r.time("moved"), Closed: r.time("closed"), History: r.history(),
	}
	if b.Version < 1 {
		r.fail("v", errors.New("is no version"))
	}
	if r.err != nil {
		return batch.Batch{}, fmt.Errorf("batch: %w: %w", optout.ErrUnreadable, r.err)
	}
	return b, nil
}

// pieceItem spells a piece at the version after the one it was read at.
func pieceItem(p batch.Piece) item {
	i := item{}
	i.num("v", p.Version+1)
	i.str("upload", p.Upload)
	i.str("name", p.Name)
	i.num("first", p.First)
	i.num("last", p.Last)
	if len(p.Pages) > 0 {
		i.maps("pages", len(p.Pages), func(n int, page item) {
			page.flag("blank", p.Pages[n].Blank)
			page.str("fault", p.Pages[n].Fault)
		})
	}
	i.num("envelope", p.Envelope)
	i.bytes("sha256", p.SHA256)
	i.str("status", string(p.Status))
	i.str("why", p.Why)
	i.str("form", p.Form.Key())
	i.time("marked", p.Marked)
	i.flag("letter", p.Letter)
	i.str("number", p.Number)
	i.time("since", p.Since)
	i.time("done", p.Done)
	i.flag("twice", p.Twice)
	i.flag("seen", p.Seen)
	if len(p.Keyed) > 0 {
		i.maps("keyed", len(p.Keyed), func(n int, keying item) {
			k := p.Keyed[n]
			keying.str("by", k.By)
			keying.time("at", k.At)
			keying.reading(k.Reading)
		})
	}
	i.str("leasedBy", p.Lease.By)
	i.time("leasedUntil", p.Lease.Until)
	i.time("posted", p.Posted)
	if p.Sample.Step != "" {
		i["sample"] = &types.AttributeValueMemberM{Value: sampleItem(p.Sample)}
	}
	i.history(p.History)
	i.place(queueEntry(p), letterDue(p))
	return i
}

func sampleItem(s batch.Sample) item {
	i := item{}
	i.str("step", string(s.Step))
	i.str("agreed", s.Agreed)
	i.str("differs", strings.Join(s.Differs, " "))
	for name, said := range map[string]batch.Said{"first": s.First, "again": s.Again} {
		if said.By == "" {
			continue
		}
		m := item{}
		m.str("by", said.By)
		m.time("at", said.At)
		m.str("status", string(said.Status))
		m.str("why", said.Why)
		m.reading(said.Reading)
		i[name] = &types.AttributeValueMemberM{Value: m}
	}
	return i
}

func readSample(r *reader) batch.Sample {
	s := batch.Sample{Step: batch.Step(r.str("step")), Agreed: r.str("agreed"), Differs: strings.Fields(r.str("differs"))}
	if len(s.Differs) == 0 {
		s.Differs = nil
	}
	for name, said := range map[string]*batch.Said{"first": &s.First, "again": &s.Again} {
		r.inner(name, func(r *reader) {
			*said = batch.Said{By: r.str("by"), At: r.time("at"), Status: batch.Status(r.str("status")), Why: r.str("why"), Reading: r.reading()}
		})
	}
	return s
}

// pieceAttributes are all that pieceItem may write.
var pieceAttributes = []string{
	"v", "upload", "name", "first", "last", "pages", "envelope", "sha256", "status", "why", "form", "marked", "letter", "number", "since", "done", "twice",
	"seen", "keyed", "leasedBy", "leasedUntil", "posted", "sample", "history", "LPK", "LSK", "DPK", "DSK",
}

func readPiece(i item) (batch.Piece, error) {
	r := &reader{item: i}
	p := batch.Piece{
		At: atOf(r.str("PK"), r.str("SK")), Version: r.num("v"), Upload: r.str("upload"), Name: r.str("name"), First: r.num("first"), Last: r.num("last"),
		Envelope: r.num("envelope"), SHA256: r.bytes("sha256"), Status: batch.Status(r.str("status")), Why: r.str("why"),
		Form: parsed(r, "form", optout.ParseReference), Marked: r.time("marked"), Letter: r.flag("letter"), Number: r.str("number"), Since: r.time("since"), Done: r.time("done"),
		Twice: r.flag("twice"), Seen: r.flag("seen"), Lease: batch.Lease{By: r.str("leasedBy"), Until: r.time("leasedUntil")}, Posted: r.time("posted"), History: r.history(),
	}
	r.inner("sample", func(r *reader) { p.Sample = readSample(r) })
	r.each("pages", func(r *reader) {
		p.Pages = append(p.Pages, batch.Page{Blank: r.flag("blank"), Fault: r.str("fault")})
	})
	r.each("keyed", func(r *reader) {
		p.Keyed = append(p.Keyed, batch.Keying{By: r.str("by"), At: r.time("at"), Reading: r.reading()})
	})
	switch {
	case p.Version < 1:
		r.fail("v", errors.New("is no version"))
	case p.Status == "":
		r.fail("status", errors.New("is none"))
	case p.First > 0 && len(p.Pages) != p.Last-p.First+1:
		r.fail("pages", errors.New("are not from first to last"))
	case p.Status == batch.Second && len(p.Keyed) == 0:
		r.fail("keyed", errors.New("is empty"))
	}
	if r.err != nil {
		return batch.Piece{}, fmt.Errorf("piece: %w: %w", optout.ErrUnreadable, r.err)
	}
	return p, nil
}

// reading spells what a person read. The answers are text, as a client would send them: only one who keys them again and
// a supervisor who decides read them.
func (i item) reading(g batch.Reading) {
	i.num("last", g.Last)
	i.num("envelope", g.Envelope)
	i.flag("same", g.Same)
	i.flag("letter", g.Letter)
	i.str("number", g.Number)
	i.str("hold", g.Hold)
	answers, err := json.Marshal(g.Answers)
	if err != nil {
		panic("answers are plain data: " + err.Error())
	}
	i.str("answers", string(answers))
}

func (r *reader) reading() batch.Reading {
	g := batch.Reading{
		Part:   batch.Part{Last: r.num("last"), Envelope: r.num("envelope"), Same: r.flag("same")},
		Letter: r.flag("letter"), Number: r.str("number"), Hold: r.str("hold"),
	}
	if err := json.Unmarshal([]byte(r.str("answers")), &g.Answers); err != nil {
		r.fail("answers", errors.New("are no answers")) // the error might quote them
	}
	return g
}

func (i item) history(h batch.History) {
	i.maps("history", len(h), func(n int, e item) {
		e.time("at", h[n].At)
		e.str("by", h[n].By)
		e.str("kind", h[n].Kind)
		e.str("detail", h[n].Detail)
	})
}

func (r *reader) history() (h batch.History) {
	r.each("history", func(r *reader) {
		h = append(h, batch.Event{At: r.time("at"), By: r.str("by"), Kind: r.str("kind"), Detail: r.str("detail")})
	})
	return h
}

// maps is a list of n maps.
func (i item) maps(name string, n int, spell func(n int, i item)) {
	l := make([]types.AttributeValue, n)
	for n := range l {
		m := item{}
		spell(n, m)
		l[n] = &types.AttributeValueMemberM{Value: m}
	}
	i[name] = &types.AttributeValueMemberL{Value: l}
}

// readQueued reads a place on the list of pieces that wait.
func readQueued(i item) (batch.Queued, error) {
	r := &reader{item: i}
	q := batch.Queued{At: atOf(r.str("PK"), r.str("SK"))}
	_, at, _ := strings.Cut(r.str("LSK"), "#")
	at, _, _ = strings.Cut(at, "#")
	var err error
	if q.Since, err = parseTime(at); err != nil {
		r.fail("LSK", err)
	}
	if r.err != nil {
		return batch.Queued{}, fmt.Errorf("queue: %w: %w", optout.ErrUnreadable, r.err)
	}
	return q, nil
}

// readLetter reads a place on the list of letters that have not gone.
func readLetter(i item) (batch.Queued, error) {
	r := &reader{item: i}
	q := batch.Queued{At: atOf(r.str("PK"), r.str("SK"))}
	at, _, _ := strings.Cut(r.str("DSK"), "#")
	var err error
	if q.Since, err = parseTime(at); err != nil {
		r.fail("DSK", err)
	}
	if r.err != nil {
		return batch.Queued{}, fmt.Errorf("letters: %w: %w", optout.ErrUnreadable, r.err)
	}
	return q, nil
}

// What a tally counts: attributes of an item begin so, and name the field after it.
const (
	readIn  = "read-"
	wrongIn = "wrong-"
)

// tallyItem spells what is added to a tally.
func tallyItem(t batch.Tally) item {
	i := item{}
	for field, n := range t.Read {
		i.num(readIn+field, n)
	}
	for field, n := range t.Wrong {
		i.num(wrongIn+field, n)
	}
	return i
}

func readTally(i item) (batch.Tally, error) {
	r := &reader{item: i}
	t := batch.Tally{Read: map[string]int{}, Wrong: map[string]int{}}
	parts := strings.SplitN(strings.TrimPrefix(r.str("SK"), tallies), "#", 3)
	if len(parts) != 3 {
		r.fail("SK", errors.New("has not three parts"))
	} else {
		t.Day, t.How, t.By = nhs.StoredDate(parts[0]), parts[1], parts[2]
	}
	for name := range i {
		if field, ok := strings.CutPrefix(name, readIn); ok {
			t.Read[field] = r.num(name)
		} else if field, ok := strings.CutPrefix(name, wrongIn); ok {
			t.Wrong[field] = r.num(name)
		}
	}
	if r.err != nil {
		return batch.Tally{}, fmt.Errorf("tally: %w: %w", optout.ErrUnreadable, r.err)
	}
	return t, nil
}

// readFirst reads what was said first of bytes or of a form.
func readFirst(i item, name string) (batch.File, error) {
	r := &reader{item: i}
	f := batch.File{Batch: r.str("batch"), Upload: r.str(name)}
	if f.Batch == "" || f.Upload == "" {
		r.fail(name, errors.New("is not there"))
	}
	if r.err != nil {
		return batch.File{}, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return f, nil
}
