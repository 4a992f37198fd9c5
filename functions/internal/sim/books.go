package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

func number(v types.AttributeValue) int {
	n := 0
	if x, ok := v.(*types.AttributeValueMemberN); ok {
		n, _ = strconv.Atoi(x.Value)
	}
	return n
}

// pieceRow is a piece as it stands in the table.
type pieceRow struct {
	batch, id, upload, status, why, form, sum string
	first, last, envelope                     int
}

// Check implements Part: the books add up, counted from what is stored; every file that came is on them once; and what
// anybody was told is so.
func (p *post) Check(w *World) {
	if !p.comes {
		return
	}
	rows := map[string][]pieceRow{} // by batch
	for k, i := range w.Table.Items() {
		if id, ok := strings.CutPrefix(k.SK, "I#"); ok && strings.HasPrefix(k.PK, "B#") {
			r := pieceRow{
				batch: strings.TrimPrefix(k.PK, "B#"), id: id, upload: text(i["upload"]), status: text(i["status"]), why: text(i["why"]), form: text(i["form"]),
				first: number(i["first"]), last: number(i["last"]), envelope: number(i["envelope"]),
			}
			if b, ok := i["sha256"].(*types.AttributeValueMemberB); ok {
				r.sum = hex.EncodeToString(b.Value)
			}
			rows[r.batch] = append(rows[r.batch], r)
		}
	}
	files, forms := map[string][]pieceRow{}, map[string][]pieceRow{}
	for k, i := range w.Table.Items() {
		if k.SK != "B" || !strings.HasPrefix(k.PK, "B#") {
			continue
		}
		id := strings.TrimPrefix(k.PK, "B#")
		p.checkBatch(id, i, rows[id])
		for _, r := range rows[id] {
			if r.upload != "" {
				files[r.upload] = append(files[r.upload], r)
			}
			if r.status == "registered" || r.status == "held" {
				forms[r.form] = append(forms[r.form], r)
			}
		}
	}
	p.checkFiles(files)
	p.checkForms(forms)
	p.checkTold(files)
	p.checkCounted(rows)
}

// checkCounted: every sample that was read alike or judged is counted once.
func (p *post) checkCounted(rows map[string][]pieceRow) {
	w, samples, counted := p.w, 0, 0
	for id, all := range rows {
		for _, r := range all {
			piece, err := w.Store.Piece(w.Outside(), batch.At{Batch: id, ID: r.id})
			if err != nil {
				continue // of which checkTold says so
			}
			for _, e := range piece.History {
				if e.Kind == "judged" || e.Kind == "read-again" && e.Detail == "" {
					samples++
				}
			}
		}
	}
	tallies, err := w.Store.Tallies(w.Outside(), nhs.StoredDate("2000-01-01"), nhs.StoredDate("2100-01-01"))
	for _, t := range tallies {
		if t.By == "" && t.How == batch.OfSample {
			counted += t.Read[batch.Whole]
		}
	}
	if err != nil || counted != samples {
		w.Wrong("%d samples are read alike or judged, and %d are counted: %v", samples, counted, err)
	}
}

// checkBatch: both equations of a batch hold (domain facts, custody), nothing in it waits, and it is closed.
func (p *post) checkBatch(id string, b map[string]types.AttributeValue, rows []pieceRow) {
	w, count, opened := p.w, map[string]int{}, map[int]bool{}
	all := 0
	for _, r := range rows {
		if r.status == "lapsed" {
			continue
		}
		all++
		switch r.status {
		case "awaited", "checking", "waiting", "second", "disputed":
			count["waiting"]++
			w.Wrong("piece %s of batch %s is still %s (%s)", r.id, id, r.status, r.why)
		case "registered", "held", "sent-back", "other-post", "rescan", "quarantined":
			count[r.status]++
		default:
			w.Wrong("piece %s of batch %s is %q", r.id, id, r.status)
		}
		if r.envelope > 0 && r.status != "rescan" {
			opened[r.envelope] = true
		}
		if r.envelope > number(b["highest"]) {
			w.Wrong("piece %s of batch %s is of envelope %d of %d", r.id, id, r.envelope, number(b["highest"]))
		}
	}
	sum := 0
	for _, n := range count {
		sum += n
	}
	if sum != all || number(b["pieces"]) != all {
		w.Wrong("batch %s counts %d pieces, there are %d, and %d of them have an outcome or wait", id, number(b["pieces"]), all, sum)
	}
	if b["closed"] == nil {
		w.Wrong("batch %s is still open: %d of %d envelopes, %v", id, len(opened), number(b["declared"]), count)
	} else if len(opened) != number(b["declared"]) {
		w.Wrong("batch %s is closed with %d of %d envelopes", id, len(opened), number(b["declared"]))
	}
	for n := range number(b["declared"]) {
		if !opened[n+1] {
			w.Wrong("nothing is on the books of envelope %d of batch %s", n+1, id)
		}
	}
}

// checkFiles: every file that came is on the books, each of its pages once, or stands there as what nobody reads.
func (p *post) checkFiles(files map[string][]pieceRow) {
	w := p.w
	for _, s := range p.scans {
		if len(s.sent) == 0 {
			continue
		}
		slot, err := w.Store.Upload(w.Outside(), s.id)
		if err != nil {
			w.Wrong("the place %s cannot be read: %v", s.id, err)
			continue
		}
		pages, whole, apart := map[int]int{}, 0, map[string]int{}
		for _, r := range files[s.id] {
			switch {
			case r.status == "quarantined" && r.why == batch.SecondFile:
				apart[r.id]++
			case r.status == "lapsed", r.status == "awaited":
				w.Wrong("a file came to %s, and its piece is %s", s.id, r.status)
			case r.first == 0:
				whole++
			default:
				for n := r.first; n <= r.last; n++ {
					pages[n]++
				}
			}
		}
		first := s.sent[0]
		for _, v := range s.sent {
			if v.id == slot.Object {
				first = v
			}
		}
		if slot.State == upload.Read && slot.Object != first.id {
			w.Wrong("of %s version %s was read, which never came", s.id, slot.Object)
		}
		if len(pages) > 0 {
			for n := range p.sheets[first.sum].Pages {
				if pages[n+1] != 1 {
					w.Wrong("page %d of the file at %s is on the books %d times", n+1, s.id, pages[n+1])
				}
			}
			if len(pages) != len(p.sheets[first.sum].Pages) || whole > 0 {
				w.Wrong("the file at %s has %d pages, and on the books %d and %d whole ones", s.id, len(p.sheets[first.sum].Pages), len(pages), whole)
			}
		} else if whole != 1 {
			w.Wrong("the file at %s is on the books %d times", s.id, whole)
		}
		for _, v := range s.sent {
			if v.id == first.id {
				continue
			}
			sum := sha256.Sum256([]byte(v.id))
			at := fmt.Sprintf("%s-%x", s.id, sum[:6])
			if n := apart[at]; n == 0 && (v.sum != first.sum || len(slot.SHA256) == 0) {
				w.Wrong("version %s of %s is not on the books", v.id, s.id)
			}
			delete(apart, at)
		}
		if len(apart) > 0 {
			w.Wrong("at %s are %d files on the books that never came", s.id, len(apart))
		}
	}
}

// checkForms: each form that came on paper is on the books once, and says what somebody read.
func (p *post) checkForms(on map[string][]pieceRow) {
	w := p.w
	for _, f := range w.Forms() {
		if f.Channel != optout.Paper {
			continue
		}
		ref := f.Reference.String()
		rows := on[f.Reference.Key()]
		if len(rows) != 1 {
			w.Wrong("form %s is on the books %d times", ref, len(rows))
		} else if held := f.Events[0].Kind == optout.Held; held != (rows[0].status == "held") {
			w.Wrong("form %s is %s on the books, and began as %s", ref, rows[0].status, f.Events[0].Kind)
		}
		if f.Facts.Choice != "" && !slices.Contains(p.choices[ref], f.Facts.Choice) {
			w.Wrong("form %s asks for %s, and on its paper was read %q", ref, f.Facts.Choice, p.choices[ref])
		}
		delete(on, f.Reference.Key())
	}
	if len(on) > 0 {
		w.Wrong("%d forms are on the books and nowhere else", len(on))
	}
}

// checkTold: what anybody was told of a piece, a batch or a file is on record, and nothing before it has changed.
func (p *post) checkTold(files map[string][]pieceRow) {
	w := p.w
	for _, told := range p.pieces {
		now, err := w.Store.Piece(w.Outside(), told.At)
		switch {
		case err != nil:
			w.Wrong("piece %v cannot be read: %v", told.At, err)
		case !begins(now.History, told.History):
			w.Wrong("of piece %v was told %v, and on record is %v", told.At, told.History, now.History)
		case (told.Status == batch.Registered || told.Status == batch.Held) && (now.Status != told.Status || now.Form != told.Form):
			w.Wrong("piece %v was %s as %s, and is %s as %s", told.At, told.Status, told.Form, now.Status, now.Form)
		case !bytes.Equal(now.SHA256, told.SHA256) && len(told.SHA256) > 0:
			w.Wrong("piece %v is of other bytes than before", told.At)
		}
	}
	for _, told := range p.books {
		now, err := w.Store.Batch(w.Outside(), told.ID)
		if err != nil || !begins(now.History, told.History) {
			w.Wrong("of batch %s was told %v, and on record is %v: %v", told.ID, told.History, now.History, err)
		}
	}
	for _, told := range p.receipts {
		now, err := w.Store.Upload(w.Outside(), told.File)
		switch {
		case err != nil || now.State == upload.Promised || now.State == upload.Expired:
			w.Wrong("a receipt was given for %s, which is %s: %v", told.File, now.State, err)
		case len(files[told.File]) == 0:
			w.Wrong("a receipt was given for %s, which is on no books", told.File)
		case told.SHA256 != "" && told.SHA256 != hex.EncodeToString(now.SHA256):
			w.Wrong("%s was %s, and is %x", told.File, told.SHA256, now.SHA256)
		case (told.State == string(upload.Read) || told.State == string(upload.Refused)) && told.State != string(now.State):
			w.Wrong("%s was %s, and is %s", told.File, told.State, now.State)
		}
	}
}

// begins says that a history goes on from another one.
func begins(h, with batch.History) bool {
	return len(h) >= len(with) && slices.EqualFunc(h[:len(with)], with, func(a, b batch.Event) bool {
		return a.At.Equal(b.At) && a.By == b.By && a.Kind == b.Kind && a.Detail == b.Detail
	})
}
