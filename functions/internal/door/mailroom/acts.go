package mailroom

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// verb is something that is said of a batch, on a page of its own. The domain has the last word.
type verb struct {
	name, title, button, done string
	supervisor                bool
	above                     func(batch.Batch) template.HTML
	fields                    func(*Door, batch.Batch, staff.Fields) template.HTML // nil: it is said by a button alone, on the batch's page
	do                        func(*Door, context.Context, signin.Session, batch.Batch, door.Form) ([]staff.Fault, error)
}

var verbs []verb

func init() { verbs = []verb{byHand, recount, shut, reopen} }

func verbNamed(name string) (verb, bool) {
	n := slices.IndexFunc(verbs, func(x verb) bool { return x.name == name })
	if n < 0 {
		return verb{}, false
	}
	return verbs[n], true
}

// byHand puts something on the books that was not scanned.
var byHand = verb{
	name: "hand", title: "Put something in by hand", button: "Put it on the books", done: "hand",
	above: func(batch.Batch) template.HTML {
		return staff.Paragraphs("For what cannot be scanned, and for an envelope with nothing in it. A form is always scanned.")
	},
	fields: func(d *Door, b batch.Batch, f staff.Fields) template.HTML {
		var options []staff.Option
		for _, code := range batch.OtherPostIs {
			options = append(options, staff.Option{Value: string(batch.OtherPost) + " " + code, Text: reasonOf(code).text})
		}
		for _, code := range batch.SentBackFor {
			options = append(options, staff.Option{Value: string(batch.SentBack) + " " + code, Text: reasonOf(code).text, Hint: "It goes back to the sender"})
		}
		return f.Line("envelope", "Which envelope was it in?", "Its number in this batch, from 1 to "+itoa(b.Declared), 5) + f.One("what", "What is it?", "", options...)
	},
	do: func(d *Door, ctx context.Context, s signin.Session, b batch.Batch, filled door.Form) ([]staff.Fault, error) {
		envelope, faults := whole(filled, "envelope", "Say in which envelope it was, as a number.", nil)
		status, why, _ := strings.Cut(filled.Get("what"), " ")
		if why == "" {
			faults = append(faults, staff.Fault{Field: "what", Text: "Say what it is."})
		}
		if len(faults) > 0 {
			return faults, nil
		}
		_, err := d.mailroom().ByHand(ctx, b.ID, s.Actor, envelope, batch.Outcome{Status: batch.Status(status), Why: why, Key: filled.Get("key")})
		if faulty, ok := errors.AsType[optout.Faulty](err); ok {
			return staff.Faults(faulty, map[string]string{"/why": "what", "/outcome": "what"}), nil
		}
		return nil, err
	},
}

// recount changes how many envelopes a batch is said to have.
var recount = verb{
	name: "recount", title: "Count the envelopes again", button: "Change the number", done: "recounted",
	above: func(b batch.Batch) template.HTML {
		return staff.Paragraphs("It is declared that this batch has "+counted(b.Declared, "envelope", "envelopes")+".", "Count the envelopes themselves, not what is on the books. Both numbers and the reason stay in the batch's history, with who changed them, and supervisors see it.")
	},
	fields: func(d *Door, b batch.Batch, f staff.Fields) template.HTML {
		var options []staff.Option
		for _, code := range batch.RecountedFor {
			options = append(options, staff.Option{Value: code, Text: recountedFor[code]})
		}
		return f.Line("envelopes", "How many envelopes are there?", "", 5) + f.One("why", "Why is it another number?", "", options...)
	},
	do: func(d *Door, ctx context.Context, s signin.Session, b batch.Batch, filled door.Form) ([]staff.Fault, error) {
		n, faults := whole(filled, "envelopes", "Say how many envelopes there are, as a number.", nil)
		if filled.Get("why") == "" {
			faults = append(faults, staff.Fault{Field: "why", Text: "Say why it is another number."})
		}
		if len(faults) > 0 {
			return faults, nil
		}
		_, err := d.mailroom().Recount(ctx, b.ID, s.Actor, n, filled.Get("why"))
		if faulty, ok := errors.AsType[optout.Faulty](err); ok {
			return staff.Faults(faulty, nil), nil
		}
		return nil, err
	},
}

// shut closes a batch.
var shut = verb{
	name: "close", done: "closed",
	do: func(d *Door, ctx context.Context, s signin.Session, b batch.Batch, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().Close(ctx, b.ID, s.Actor)
		return nil, err
	},
}

// reopen opens a closed batch again.
var reopen = verb{
	name: "reopen", title: "Open the batch again", button: "Open it again", done: "reopened", supervisor: true,
	above: func(batch.Batch) template.HTML {
		return staff.Paragraphs("For an envelope that was found later, or an outcome that was wrong. That you opened it stays in its history. Close it again once its books add up.")
	},
	fields: func(*Door, batch.Batch, staff.Fields) template.HTML { return "" },
	do: func(d *Door, ctx context.Context, s signin.Session, b batch.Batch, _ door.Form) ([]staff.Fault, error) {
		_, err := d.mailroom().Reopen(ctx, b.ID, s.Actor)
		return nil, err
	},
}

// batchPage shows one of the pages about a batch: GET /mailroom/batches/{batch}/{page}.
func (d *Door) batchPage(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch) {
	switch name := r.PathValue("page"); name {
	case "header":
		d.header(w, r, s, b)
	case "files":
		d.askFiles(w, r, s, b, door.Form{"envelopes": {string(batch.OneEach)}}, 0, nil)
	case "send":
		d.send(w, r, s, b)
	default:
		x, ok := verbNamed(name)
		switch {
		case !ok || x.fields == nil:
			d.house.Refuse(w, r, problem.NotFound)
		case x.supervisor && s.Role != optout.Supervisor:
			d.house.Refuse(w, r, problem.NotForYou)
		default:
			d.ask(w, s, b, x, door.Form{}, 0, nil)
		}
	}
}

// ask shows the page of a verb, as it was filled in and with what is wrong.
func (d *Door) ask(w http.ResponseWriter, s signin.Session, b batch.Batch, x verb, filled door.Form, status int, faults []staff.Fault) {
	f := staff.Fields{Form: filled, Faults: faults}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: x.title, Part: "/mailroom", Back: batchAt(b.ID, ""), Faults: faults,
		Data: staff.Ask{
			Above: about(b) + x.above(b), Action: batchAt(b.ID, x.name), Fields: f.Key() + x.fields(d, b, f),
			Button: nhsui.Button{Text: x.button, PreventDoubleClick: new(true)},
		},
	})
}

// about says at the top of a page which batch it is about.
func about(b batch.Batch) template.HTML {
	return template.HTML(`<p>Batch <strong dir="ltr">` + batch.Show(b.ID) + `</strong>: ` + template.HTMLEscapeString(lower(place(b))) + `.</p>`)
}

// actOnBatch does one of the verbs, or makes places for files: POST /mailroom/batches/{batch}/{page}.
func (d *Door) actOnBatch(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch) {
	name := r.PathValue("page")
	if name == "files" {
		d.expect(w, r, s, b)
		return
	}
	x, ok := verbNamed(name)
	switch {
	case !ok:
		d.house.Refuse(w, r, problem.NotFound)
		return
	case x.supervisor && s.Role != optout.Supervisor:
		d.house.Refuse(w, r, problem.NotForYou)
		return
	}
	again := func(status int, faults []staff.Fault) {
		if x.fields == nil {
			d.showBooks(w, r, s, b, status, faults[0].Text)
			return
		}
		d.ask(w, s, b, x, door.Form{}, status, faults)
	}
	filled, status, code := door.ReadForm(r)
	if code != "" {
		again(status, noForm)
		return
	}
	if x.fields != nil {
		again = func(status int, faults []staff.Fault) { d.ask(w, s, b, x, filled, status, faults) }
	}
	faults, err := x.do(d, r.Context(), s, b, filled)
	if len(faults) > 0 {
		again(http.StatusUnprocessableEntity, faults)
		return
	}
	observe.Note(r.Context(), "batch", b.ID)
	d.house.Answer(w, r, err, staff.Outcome{
		Onward: batchAt(b.ID, "") + "?" + url.Values{"done": {x.done}}.Encode(), Again: again,
	})
}
