package mailroom

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// askWhichIsRight shows a supervisor what a finished piece came to beside what was read when it was checked:
// GET /mailroom/batches/{batch}/pieces/{piece}/judge.
func (d *Door) askWhichIsRight(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	d.showJudging(w, r, s, p, door.Form{}, 0, nil)
}

// judge takes which is right, field by field, and what was done: POST to the same address.
func (d *Door) judge(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showJudging(w, r, s, p, door.Form{}, status, noForm)
		return
	}
	j := batch.Judgment{Right: map[string]batch.Right{}, Done: filled.Get("done")}
	for _, f := range batch.ReadFields {
		j.Right[f] = batch.Right(filled.Get("right-" + f))
	}
	_, err := d.mailroom().Judge(r.Context(), p.At, s.Actor, j)
	again := func(status int, faults []staff.Fault) {
		if stored, err := d.Store.Piece(r.Context(), p.At); err == nil { // as it stands after all
			p = stored
		}
		d.showJudging(w, r, s, p, filled, status, faults)
	}
	if faulty, ok := errors.AsType[optout.Faulty](err); ok {
		names := map[string]string{}
		for _, f := range batch.ReadFields {
			names["/right/"+f] = "right-" + f
		}
		again(http.StatusUnprocessableEntity, staff.Faults(faulty, names))
		return
	}
	observe.Note(r.Context(), "piece", p.ID)
	d.house.Answer(w, r, err, staff.Outcome{Onward: "/mailroom/supervise?done=judged", Again: again})
}

type judgeView struct {
	About    template.HTML
	At       string
	Alarm    bool
	Own      string // why this supervisor should not decide; "": they can
	Came     string
	Compare  nhsui.Table
	Fields   template.HTML
	Button   nhsui.Button
	Pictures pictured
}

// showJudging shows both readings of a sample, and the pages. Whoever has read it themselves says first that nobody else can
// decide.
func (d *Door) showJudging(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece, filled door.Form, status int, faults []staff.Fault) {
	switch {
	case s.Role != optout.Supervisor:
		d.house.Refuse(w, r, problem.NotForYou)
		return
	case p.Sample.Step != batch.Unlike:
		if status == 0 {
			d.house.Refuse(w, r, problem.NotFound)
			return
		}
		d.showPiece(w, r, s, p, door.Form{"envelope": {envelopeTyped(p)}}, status, faults)
		return
	}
	b, err := d.Store.Batch(r.Context(), p.Batch)
	own := p.IsOwn(s.Actor)
	if err == nil && !own && !p.Form.IsZero() {
		err = d.house.Look(r.Context(), s.Actor, "sample", optout.Form{Reference: p.Form})
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	observe.Note(r.Context(), "piece", p.ID)
	v := judgeView{About: about(b), At: pieceAt(p.At, "judge"), Alarm: p.Stage() == batch.Alarmed}
	if own {
		v.Own, v.At = batch.OwnReading.Detail, pieceAt(p.At, "alone")
	} else {
		observe.Note(r.Context(), "looks", s.ID)
		v.Came, v.Compare = cameTo(p), heldAgainst(p.Sample)
		v.Fields, v.Button = judging(p, staff.Fields{Form: filled, Faults: faults}), nhsui.Button{Text: "Record it", PreventDoubleClick: new(true)}
		v.Pictures = pictures(p, b, door.Form{}, false)
	}
	d.house.Show(w, s, staff.Page{
		Name: "judge", Title: "Which reading is right?", Part: "/mailroom/supervise", Back: "/mailroom/supervise", Status: status, Faults: faults, Wide: true,
		Script: "desk.js", Sheet: "desk.css", Data: v,
	})
}

// cameTo says what a finished piece came to, and what that means for putting it right.
func cameTo(p batch.Piece) string {
	switch p.Status {
	case batch.Registered:
		return "It was registered, and has gone on: its reference is " + p.Form.String() + ". Nothing here changes it. If it is wrong, ring its practice, or the office, and give them the reference."
	case batch.Held:
		return "It is held: its reference is " + p.Form.String() + ". What is wrong can be put right when it is released: see Letters."
	}
	return "It came to no form. If that is wrong and its paper is in the house, take its outcome back below; if its batch is closed, open that again first. If it has left the house already, write to the sender."
}

// judging asks which reading is right in each field, and what was done.
func judging(p batch.Piece, f staff.Fields) (all template.HTML) {
	for _, field := range p.Sample.Differs {
		all += f.One("right-"+field, fields[field]+": which is right?", "",
			staff.Option{Value: string(batch.First), Text: "What it came to"}, staff.Option{Value: string(batch.Again), Text: "What was read when it was checked"}, staff.Option{Value: string(batch.Neither), Text: "Neither"})
	}
	var options []staff.Option
	for _, code := range batch.SetRightBy {
		if !batch.CanSetRight(p, code) {
			continue
		}
		options = append(options, staff.Option{Value: code, Text: donesAsked[code].text, Hint: donesAsked[code].do})
	}
	return all + f.One("done", "If what it came to is wrong, what did you do?", "Leave it open if it is right. It is recorded with your name and the time.", options...)
}

// donesAsked is what can be done about a finished piece that is wrong.
var donesAsked = map[string]reason{
	"practice":       {"I rang or wrote to its practice, and gave the reference", "Say what is wrong. The practice can correct it before it applies the form, or return it."},
	"office":         {"I told the office, and gave the reference", "Where the practice is not known, or is the wrong one."},
	batch.TakenBack:  {"I take its outcome back", "It waits at the desk again at once, and is keyed anew."},
	"sender":         {"I wrote to whoever sent it", "Where the paper has gone already."},
	"safeguarding":   {"I did what our safeguarding procedure says", ""},
	batch.LeftAsItIs: {"Nothing: nobody is worse off for it", "Never, if what is asked for is wrong."},
}

// heldAgainst is what a piece came to beside what was read when it was checked.
func heldAgainst(x batch.Sample) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Two readings", Classes: "nhsuk-u-visually-hidden"}, FirstCellIsHeader: true, Compact: true, Responsive: true,
		Head: []nhsui.Cell{{Text: "Field"}, {Text: "What it came to"}, {Text: "What was read when it was checked"}},
	}
	first, again := saidOf(x.First), saidOf(x.Again)
	for _, field := range batch.ReadFields {
		a, b, differs := first[field], again[field], slices.Contains(x.Differs, field)
		if a == "" && b == "" && !differs {
			continue
		}
		cell := func(text string) nhsui.Cell {
			return nhsui.Cell{HTML: template.HTML("<bdi>" + template.HTMLEscapeString(cmp.Or(text, "–")) + "</bdi>")}
		}
		name := nhsui.Cell{Text: fields[field]}
		if differs {
			name = nhsui.Cell{HTML: template.HTML(template.HTMLEscapeString(fields[field])+" ") + nhsui.HTML(nhsui.Tag{Text: "Differs", Colour: "orange"})}
		}
		t.Rows = append(t.Rows, []nhsui.Cell{name, cell(a), cell(b)})
	}
	return t
}

// saidOf is what somebody said of a piece, by field, in words.
func saidOf(x batch.Said) map[string]string {
	all := map[string]string{batch.OfOutcome: standings[x.Status].Text}
	switch {
	case x.Status == batch.Disputed:
		all[batch.OfOutcome] = reasonOf(batch.Safeguarding).text
	case x.Why != "":
		all[batch.OfOutcome] += ": " + lower(reasonOf(x.Why).text)
	}
	if x.Status != batch.Registered && x.Status != batch.Held {
		return all
	}
	a := x.Reading.Answers
	all[batch.OfChoice] = staff.Wanted(optout.Facts{Kind: a.Kind, Choice: a.Choice})
	if a.About != "" {
		all[batch.OfChoice] += " " + a.About
	}
	all[batch.OfForenames], all[batch.OfSurname], all[batch.OfBirth] = a.Subject.Forenames, a.Subject.Surname, staff.Day(nhs.StoredDate(a.Subject.BirthDate))
	if all[batch.OfNumber] = a.Subject.NHSNumber; x.Reading.Number != "" {
		all[batch.OfNumber] = x.Reading.Number + " (as written)"
	}
	all[batch.OfAddress], all[batch.OfPostcode] = strings.Join(a.Subject.Address, ", "), a.Subject.Postcode
	if a.Subject.NoAddress {
		all[batch.OfAddress] = "None"
	}
	if all[batch.OfPractice] = a.Practice; a.NotRegistered {
		all[batch.OfPractice] = "Not registered with one"
	}
	if a.Proxy != nil {
		all[batch.OfSigner] = a.Proxy.Name + ", " + a.Proxy.Capacity
	}
	all[batch.OfSigned] = staff.Day(nhs.StoredDate(a.SignedOn))
	if a.Reply != nil {
		all[batch.OfReply] = cmp.Or(strings.Join(slices.DeleteFunc([]string{strings.Join(a.Reply.Safe, ", "), a.Reply.Email, a.Reply.Phone, a.Reply.Format, a.Reply.Language}, func(t string) bool { return t == "" }), "; "), "Not at all")
	}
	return all
}

// sampleText says how far a finished piece is with being checked.
func sampleText(p batch.Piece) string {
	return map[batch.Step]string{
		batch.Drawn: "Not yet: it is in the sample", batch.Alike: "Read once more, and nothing was wrong",
		batch.Unlike: "Read once more, and otherwise: " + fieldsOf(p.Sample.Differs), batch.Judged: "Read once more, and decided: see below",
	}[p.Sample.Step]
}
