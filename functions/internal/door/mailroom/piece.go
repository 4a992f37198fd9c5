package mailroom

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// pieceBooks shows how far a piece is and what happened to it: GET /mailroom/batches/{batch}/pieces/{piece}. What is on the
// paper is shown at the desk.
func (d *Door) pieceBooks(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	d.showPiece(w, r, s, p, door.Form{"envelope": {envelopeTyped(p)}}, 0, nil)
}

func envelopeTyped(p batch.Piece) string {
	if p.Envelope == 0 {
		return ""
	}
	return itoa(p.Envelope)
}

// showPiece shows a piece, as its form was filled in and with why something was not done.
func (d *Door) showPiece(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece, filled door.Form, status int, faults []staff.Fault) {
	b, err := d.Store.Batch(r.Context(), p.Batch)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	at := pieceAt(p.At, "")
	v := pieceView{About: about(b), At: at, Tag: standing(p), Do: reasonOf(p.Why).do, History: happened(p.History, s.Actor)}
	add := func(key, text string) {
		if text != "" {
			v.Facts.Rows = append(v.Facts.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: key}, Value: nhsui.SummaryCell{HTML: template.HTML("<bdi>" + template.HTMLEscapeString(text) + "</bdi>")}})
		}
	}
	add("File", nameOf(p))
	add("Envelope", envelopeOf(p))
	add("Pages", pagesOf(p))
	for n, page := range p.Pages {
		if page.Fault != "" {
			add("Page "+itoa(p.First+n), reasonOf(page.Fault).text+". "+reasonOf(page.Fault).do)
		}
	}
	add("Why", reasonOf(p.Why).text)
	add("Who has it", who(p.HeldBy(d.Now()), s))
	supervises := s.Role == optout.Supervisor
	if supervises {
		add("Checked", sampleText(p))
	}
	if supervises && p.Number != "" {
		if !p.Form.IsZero() {
			if err := d.house.Look(r.Context(), s.Actor, "number", optout.Form{Reference: p.Form}); err != nil {
				d.house.Fail(w, r, err)
				return
			}
		}
		add("NHS number as written, which is none", p.Number)
	}
	if !p.Form.IsZero() {
		add("Form", p.Form.String())
	}
	if p.Status == batch.Held {
		v.Form = formAt(p.Form, "")
	}
	if p.Status == batch.SentBack {
		v.Letter, v.Unposted = at+"/letter", !p.LetterDue().IsZero()
		v.Posted = supervises && !p.Posted.IsZero()
	}
	if supervises && p.Sample.Step == batch.Unlike {
		v.Judge = at + "/judge"
	}
	v.Drawn = supervises && p.Stage() == batch.Sampled
	if v.Drawn && p.IsOwn(s.Actor) {
		v.Own = batch.OwnReading.Detail
	}
	open := b.IsOpen()
	v.Undo = open && batch.CanUndo(p)
	v.Settle = supervises && p.Status == batch.Quarantined && !p.Seen
	if open {
		f := staff.Fields{Form: filled, Faults: faults}
		v.Envelope = &staff.Ask{
			Action: at + "/envelope", Fields: f.Line("envelope", "Number of its envelope", "", 5),
			Button: nhsui.Button{Text: "Put it into this envelope", Variant: "secondary", PreventDoubleClick: new(true)},
		}
	}
	d.house.Show(w, s, staff.Page{
		Name: "piece", Title: cmp.Or(pieceTitle(p), "A piece"), Part: "/mailroom", Back: batchAt(p.Batch, ""), Status: status, Faults: faults,
		Done: done[r.URL.Query().Get("done")], Data: v,
	})
}

// pieceTitle names a piece without what somebody called its file.
func pieceTitle(p batch.Piece) string {
	switch {
	case p.Envelope == 0:
		return "A piece in no envelope yet"
	}
	return "A piece in envelope " + itoa(p.Envelope)
}

type pieceView struct {
	About        template.HTML
	At           string
	Tag          nhsui.Tag
	Do           string
	Facts        nhsui.SummaryList
	Form, Letter string
	Judge        string
	Undo, Settle bool
	Unposted     bool
	Posted       bool // which a supervisor may take back
	Drawn        bool // for the sample, which a supervisor may end unread
	Own          string
	Envelope     *staff.Ask
	History      []staff.Happened
}

// pieceVerb is something that is said of a piece on its page.
type pieceVerb struct {
	name, done string
	supervisor bool
	do         func(*Door, context.Context, signin.Session, batch.Piece, door.Form) ([]staff.Fault, error)
}

var pieceVerbs = []pieceVerb{
	{"envelope", "envelope", false, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, filled door.Form) ([]staff.Fault, error) {
		n, faults := whole(filled, "envelope", "Say in which envelope it was, as a number.", nil)
		if len(faults) > 0 {
			return faults, nil
		}
		_, err := d.mailroom().InEnvelope(ctx, p.At, s.Actor, n)
		return nil, err
	}},
	{"undo", "undone", false, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().Undo(ctx, p.At, s.Actor)
		return nil, err
	}},
	{"posted", "posted", false, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, filled door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().Posted(ctx, p.At, s.Actor, filled.Get("how"))
		if _, ok := errors.AsType[optout.Faulty](err); ok {
			return []staff.Fault{{Text: "Say whether the letter went, or nobody knows who sent it."}}, nil
		}
		return nil, err
	}},
	{"not-posted", "not-posted", true, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().NotPosted(ctx, p.At, s.Actor)
		return nil, err
	}},
	{"end-sample", "sample-ended", true, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().EndSample(ctx, p.At, s.Actor)
		return nil, err
	}},
	{"alone", "alone", true, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().Alone(ctx, p.At, s.Actor)
		return nil, err
	}},
	{"settle", "settled", true, func(d *Door, ctx context.Context, s signin.Session, p batch.Piece, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().Settle(ctx, p.At, s.Actor)
		return nil, err
	}},
}

// setPiece does one of these: POST /mailroom/batches/{batch}/pieces/{piece}/{what}.
func (d *Door) setPiece(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	if r.PathValue("what") == "judge" {
		d.judge(w, r, s, p)
		return
	}
	n := slices.IndexFunc(pieceVerbs, func(x pieceVerb) bool { return x.name == r.PathValue("what") })
	switch {
	case n < 0:
		d.house.Refuse(w, r, problem.NotFound)
		return
	case pieceVerbs[n].supervisor && s.Role != optout.Supervisor:
		d.house.Refuse(w, r, problem.NotForYou)
		return
	}
	x := pieceVerbs[n]
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showPiece(w, r, s, p, door.Form{}, status, noForm)
		return
	}
	again := func(status int, faults []staff.Fault) {
		if now, err := d.Store.Piece(r.Context(), p.At); err == nil { // as it stands after all
			p = now
		}
		d.showPiece(w, r, s, p, filled, status, faults)
	}
	faults, err := x.do(d, r.Context(), s, p, filled)
	if len(faults) > 0 {
		again(http.StatusUnprocessableEntity, faults)
		return
	}
	onward := pieceAt(p.At, "")
	switch from := r.URL.Query().Get("from"); {
	case from == "supervise" && x.name == "settle":
		onward = "/mailroom/supervise"
	case from == "letters" && x.name == "posted":
		onward = "/mailroom/letters"
	case x.name == "alone":
		onward = pieceAt(p.At, "judge")
	}
	observe.Note(r.Context(), "batch", p.Batch)
	d.house.Answer(w, r, err, staff.Outcome{Onward: onward + "?done=" + x.done, Again: again})
}

// piecePage shows a page about a piece: GET /mailroom/batches/{batch}/pieces/{piece}/{what}.
func (d *Door) piecePage(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	switch what := r.PathValue("what"); {
	case what == "letter" && p.Status == batch.SentBack:
		d.sentBackLetter(w, r, s, p)
	case what == "judge":
		d.askWhichIsRight(w, r, s, p)
	default:
		d.house.Refuse(w, r, problem.NotFound)
	}
}
