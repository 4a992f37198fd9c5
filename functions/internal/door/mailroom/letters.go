package mailroom

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// held are the forms that the mailroom holds, to be cleared up with the person.
var held = worklist.List{Owner: worklist.Desk, Stage: worklist.Open}

// letters lists to whom the mailroom has to write: people whose form is held, and senders of what goes back: GET
// /mailroom/letters. It has nothing personal in it.
func (d *Door) letters(w http.ResponseWriter, r *http.Request, s signin.Session) {
	ctx, after := r.Context(), worklist.Cursor(r.URL.Query().Get("after"))
	listed, err := d.Store.List(ctx, held, after, worklist.MostEntries)
	if errors.Is(err, worklist.ErrCursor) { // of another list, or no cursor at all
		staff.See(w, "/mailroom/letters")
		return
	}
	var forms []optout.Form
	if err == nil {
		forms, err = worklist.Forms(ctx, d.Store, held, listed.Entries)
	}
	var back []batch.Piece
	var more bool
	if err == nil {
		back, more, err = d.goesBack(ctx)
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := lettersView{More: more, Most: mostLetters}
	v.Held = nhsui.Table{
		Caption: &nhsui.Heading{Text: "Forms that are held", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Form"}, {Text: "Why"}, {Text: "Since"}, {Text: "Written to"}, {Text: "Next letter"}},
	}
	for _, f := range forms {
		row := []nhsui.Cell{{HTML: linkTo(formAt(f.Reference, ""), f.Reference.String())}, {Text: "It cannot be read at the moment"}, {}, {}, {}}
		if f.Version() > 0 {
			st := f.State()
			row = []nhsui.Cell{row[0], {Text: reasonOf(heldFor(f)).text}, {Text: staff.Since(st.Received, d.Now())}, {Text: times(st.Reminders)}, {HTML: nhsui.HTML(staff.DueIn(st.Deadline(), d.Now()))}}
		}
		v.Held.Rows = append(v.Held.Rows, row)
	}
	if listed.Next != "" {
		v.Next = "/mailroom/letters?after=" + string(listed.Next)
	}
	if after != "" {
		v.First = "/mailroom/letters"
	}
	v.Back = nhsui.Table{
		Caption: &nhsui.Heading{Text: "Post that goes back to its sender", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Piece"}, {Text: "What it is"}, {Text: "Batch"}, {Text: "Since"}, {Text: "Letter"}, {Text: "When it has gone"}},
	}
	for _, p := range back {
		v.Back.Rows = append(v.Back.Rows, []nhsui.Cell{
			{HTML: template.HTML(`<a href="` + template.HTMLEscapeString(pieceAt(p.At, "")) + `"><bdi>` + template.HTMLEscapeString(nameOf(p)) + `</bdi></a>`)},
			{Text: reasonOf(p.Why).text},
			{HTML: linkTo(batchAt(p.Batch, ""), batch.Show(p.Batch)) + template.HTML("<br>envelope "+template.HTMLEscapeString(lower(envelopeOf(p))))},
			{Text: staff.Since(p.Done, d.Now())},
			{HTML: template.HTML(`<a href="` + template.HTMLEscapeString(pieceAt(p.At, "letter")) + `">Letter<span class="nhsuk-u-visually-hidden"> that goes back with ` + template.HTMLEscapeString(nameOf(p)) + `</span></a>`)},
			{HTML: template.HTML(`<form method="post" action="` + template.HTMLEscapeString(pieceAt(p.At, "posted")) + `?from=letters" novalidate>` + postedButton("posted", "It is posted", p) + ` ` + postedButton("kept", "No sender known", p) + `</form>`)},
		})
	}
	d.house.Show(w, s, staff.Page{Name: "letters", Title: "Letters", Part: "/mailroom/letters", Wide: true, Done: done[r.URL.Query().Get("done")], Data: v})
}

// postedButton says what became of a letter.
func postedButton(how, text string, p batch.Piece) string {
	return `<button class="nhsuk-button nhsuk-button--secondary nhsuk-button--small app-tight" name="how" value="` + how + `" data-module="nhsuk-button" data-prevent-double-click="true">` + text +
		`<span class="nhsuk-u-visually-hidden">: ` + template.HTMLEscapeString(nameOf(p)) + `</span></button>`
}

type lettersView struct {
	Held, Back  nhsui.Table
	Next, First string
	More        bool
	Most        int
}

// mostLetters is how many pieces that go back are shown.
const mostLetters = 100

func times(n int) string {
	switch n {
	case 0:
		return "Not yet"
	case 1:
		return "Once"
	}
	return itoa(n) + " times"
}

// goesBack are the pieces that go back to their senders and have not gone yet, of all batches, the one that has waited longest
// first.
func (d *Door) goesBack(ctx context.Context) (back []batch.Piece, more bool, err error) {
	back, more, err = d.walked(ctx, d.Store.Letters(ctx), mostLetters)
	back = slices.DeleteFunc(back, func(p batch.Piece) bool { return p.LetterDue().IsZero() }) // an index is a hint
	slices.SortStableFunc(back, func(a, b batch.Piece) int { return a.Done.Compare(b.Done) })
	return back, more, err
}

// letter is one that is printed and posted: paragraphs of plain words.
type letter struct {
	To       []string // lines of the address; none: it is written by hand
	Greeting string
	Says     []string
	Contact  string
	From     string
	Day      string
	Of       string // the reference of what it is about
	Back     string // where the link back leads
	Note     string // to the clerk, not printed
}

// showLetter shows a letter to be printed.
func (d *Door) showLetter(w http.ResponseWriter, s signin.Session, title string, l letter) {
	l.From, l.Contact, l.Day = d.Controller, d.Contact, staff.Day(d.today())
	d.house.Show(w, s, staff.Page{Name: "letter", Title: title, Plain: true, Data: l})
}

// heldSays is what a person is asked, by why their form is held.
var heldSays = map[string]string{
	optout.HeldForChoice:    "On the form there is no choice ticked, or more than one. So we do not know which one you want.",
	optout.HeldForSignature: "The form has neither a signature nor a mark. So we do not know whether it is what you want.",
	optout.HeldForAge:       "The form was signed a long time ago, or we cannot read when. So we do not know whether it is still what you want.",
	optout.HeldForAnswers:   "Something on the form that we need is missing, or we cannot read it.",
}

// heldLetter is the letter to a person whose form is held.
func heldLetter(f optout.Form) letter {
	a := f.Facts
	name := strings.TrimSpace(a.Forenames.Text() + " " + a.Surname.Text())
	says := []string{
		"Thank you for your form about your Summary Care Record. We received it on " + staff.Day(nhs.DateOf(f.State().Received)) + ".",
		cmp.Or(heldSays[heldFor(f)], heldSays[optout.HeldForAnswers]),
		"Please fill in the form that comes with this letter and send it back, or tell us on the telephone. You do not have to prove who you are, and you need not send documents.",
		"Nobody guesses what you want. We keep your form, and we do not close it because we hear nothing.",
		"You will still be treated, whatever you choose. But if you have no Summary Care Record, staff elsewhere, such as in A&E, may not see your medicines, allergies and bad reactions, even when you cannot tell them.",
	}
	to := append([]string{name}, a.Address...)
	return letter{To: append(to, a.Postcode.Text()), Greeting: "Dear " + name, Says: says, Of: f.Reference.String()}
}

// backSays is what a sender is told, by why their post goes back.
var backSays = map[string][]string{
	batch.Type1:        {"You sent us a Type 1 opt-out. It stops your GP practice sharing data that shows who you are for anything but your own care. It is not about your Summary Care Record, and we cannot record it.", "Please give it to your GP practice. Only your practice can record it."},
	batch.NDOP:         {"You sent us a National Data Opt-out. It is about health data that is used for research and planning. It is not about your Summary Care Record, and we cannot record it.", "You can make this choice on the NHS website, www.nhs.uk/your-nhs-data-matters, in the NHS App or by telephone."},
	batch.Registration: {"You sent us a form to register with a GP practice. We cannot pass it on.", "Please give it to the practice that you want to register with."},
	batch.Complaint:    {"You sent us a complaint about another service. We cannot answer it, and we have not passed it on, because you may not want that.", "Please send it to that service. Your GP practice or your local Healthwatch can tell you where it goes."},
	batch.Identity:     {"You sent us documents that prove who you are. We did not ask for them, and nobody needs them to make a choice about a Summary Care Record.", "We send them back unused. If a form came with them, it goes on without them."},
	batch.NotForUs:     {"You sent us something that is not for this service, which records choices about Summary Care Records.", "We send it back so that you can send it where it belongs."},
	batch.NotPerson:    {"You sent us a form about a Summary Care Record on which no name can be read. Without a name we cannot do what it asks.", "Please fill in your name and your birth date, and send the form again. You need not send documents."},
	batch.NotEngland:   {"You sent us a form for a practice that is not in England. This service is for practices in England, and we cannot pass the form on.", "Please give it to your practice."},
}

// sentBackLetter is the letter that goes back with post: GET /mailroom/batches/{batch}/pieces/{piece}/letter. Who sent it
// is known from the envelope alone.
func (d *Door) sentBackLetter(w http.ResponseWriter, _ *http.Request, s signin.Session, p batch.Piece) {
	says := backSays[p.Why]
	if says == nil {
		says = backSays[batch.NotForUs]
	}
	d.showLetter(w, s, "We send this back to you", letter{
		Greeting: "Dear Sir or Madam", Says: says, Of: batch.Show(p.Batch) + ", envelope " + envelopeOf(p), Back: pieceAt(p.At, ""),
		Note: "Write the address by hand, as it stands on the envelope or on what was in it. If you know who sent it, write their name in the greeting. If nobody knows, keep the piece with the batch's paper.",
	})
}
