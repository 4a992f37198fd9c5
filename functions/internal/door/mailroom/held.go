package mailroom

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// formAt is the address of a held form's page, or of another page about it.
func formAt(ref optout.Reference, page string) string { return staff.FormAt("/mailroom", ref, page) }

// onForm serves a form that the mailroom holds. That of anybody else is none.
func onForm(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session, optout.Form)) func(*Door, http.ResponseWriter, *http.Request, signin.Session) {
	return func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		ref, err := optout.ParseReference(r.PathValue("reference"))
		if err != nil {
			d.house.Refuse(w, r, problem.NotHeld)
			return
		}
		switch f, err := d.Store.Form(r.Context(), ref); {
		case err == nil && f.State().Owner != optout.OwnerDesk && staff.SentBefore(r, s, f):
			staff.See(w, "/mailroom/letters?done=before")
		case errors.Is(err, optout.ErrNotFound), err == nil && f.State().Owner != optout.OwnerDesk:
			d.house.Refuse(w, r, problem.NotHeld)
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			serve(d, w, r, s, f)
		}
	}
}

// heldFor is why a form is held: a code.
func heldFor(f optout.Form) (why string) {
	for _, e := range f.Events {
		if e.Kind == optout.Held {
			why = e.Detail["why"]
		}
	}
	return why
}

// form shows a form that is held: GET /mailroom/forms/{reference}.
func (d *Door) form(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	d.showForm(w, r, s, f, 0, "")
}

// showForm shows a form, with why something was not done.
func (d *Door) showForm(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, status int, note string) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	st, why := f.State(), reasonOf(heldFor(f))
	v := formView{
		At: formAt(f.Reference, ""), Note: note, Tag: staff.Standing(st), Why: lower(why.text), Written: times(st.Reminders), Facts: staff.FactsOf(f), History: staff.HistoryFor(f, s.Actor),
	}
	if due := st.Deadline(); !due.IsZero() {
		v.Due = new(staff.DueIn(due, d.Now()))
	}
	for _, x := range formVerbs {
		if !x.supervisor || s.Role == optout.Supervisor {
			v.Acts = append(v.Acts, formAct{x.ask, v.At + "/" + x.name, x.supervisor})
		}
	}
	d.house.Show(w, s, staff.Page{
		Name: "form", Title: "Form " + f.Reference.String(), Part: "/mailroom/letters", Back: "/mailroom/letters", Wide: true, Status: status, Done: done[r.URL.Query().Get("done")], Data: v,
	})
}

type formView struct {
	At, Note     string
	Tag          nhsui.Tag
	Due          *nhsui.Tag
	Why, Written string
	Facts        nhsui.SummaryList
	History      []staff.Happened
	Acts         []formAct
}

type formAct struct {
	Text, Href string
	Secondary  bool
}

// formVerb is something that is said of a held form, on a page of its own. The table of states has the last word.
type formVerb struct {
	name, ask, title, button, done string
	supervisor, leaves             bool
	about                          func(optout.Form) template.HTML
	begin                          func(optout.Form) door.Form // what is known already
	fields                         func(*Door, optout.Form, staff.Fields) template.HTML
	do                             func(*Door, context.Context, signin.Session, optout.Form, door.Form) ([]staff.Fault, error)
}

var formVerbs []formVerb

func init() { formVerbs = []formVerb{wrote, release, supersede} }

// wrote records that the person was written to.
var wrote = formVerb{
	name: "wrote", ask: "Record that the person was written to", title: "How was the person written to?", button: "Record it", done: "wrote", leaves: true,
	about: func(f optout.Form) template.HTML { return staff.Paragraphs(safeWays(f)) },
	fields: func(_ *Door, _ optout.Form, b staff.Fields) template.HTML {
		return b.One("how", "How?", "", staff.Option{Value: "post", Text: "By post"}, staff.Option{Value: "phone", Text: "By telephone"},
			staff.Option{Value: "email", Text: "By e-mail"}, staff.Option{Value: "practice", Text: "Through their practice"}) +
			b.Words("text", "What was said, if you like to say", "It stays with the form, for the mailroom and the office. Do not write down more than is needed.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		if filled.Get("how") == "" {
			return []staff.Fault{{Field: "how", Text: "Say how."}}, nil
		}
		_, err := d.custody().Wrote(ctx, f.Reference, s.Actor, staff.SaidIn(filled), filled.Get("how"))
		return nil, err
	},
}

// release lets a held form go on with what is known now.
var release = formVerb{
	name: "release", ask: "It is cleared up: let the form go on", title: "What does the person want?", button: "Let the form go on", done: "released", supervisor: true, leaves: true,
	about: func(optout.Form) template.HTML {
		return staff.Paragraphs("Fill in what the person has made clear, by letter or on the telephone. What could be read on the form is filled in. Never guess.")
	},
	begin: func(f optout.Form) door.Form {
		filled := staff.AnswersFilled(answersOf(f.Facts))
		if heldFor(f) == optout.HeldForChoice { // what was read there is what is in doubt
			url.Values(filled).Del("want")
		}
		return filled
	},
	fields: func(_ *Door, _ optout.Form, b staff.Fields) template.HTML {
		return b.Want("What does the person want?", "") + b.About() + b.Names() + b.Born() + b.Number("NHS number, if known", "10 digits, like 943 476 5919") + b.Lives() +
			b.Practice("Code of the person's practice", "A letter and five digits, like A81001", 10) +
			b.One("signer", "Who signs?", "", staff.Option{Value: "self", Text: "The person"}, staff.Option{Value: "proxy", Text: "Somebody else, who has the right to"}) +
			b.Proxy("Leave it empty if the person signs.", "Leave this open if the person signs.") + b.Signed("Signed, or asked for, on", "When the person made it clear. Leave this empty if it was today.") +
			b.Replies("Which ways of answering are safe?", "") + b.Words("text", "How it was cleared up", "It stays with the form, for the mailroom and the office. Do not write down more than is needed.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		a, faults := staff.AnswersIn(filled)
		a.Practice, a.NotRegistered = filled.Get("practice"), filled.Ticked("not-registered")
		if len(filled.All("safe")) == 0 { // nothing was said of it
			a.Reply = nil
		}
		if a.SignedOn == "" {
			a.SignedOn = d.today().ISO()
		}
		if filled.Get("text") == "" {
			faults = append(faults, staff.Fault{Field: "text", Text: "Say how it was cleared up."})
		}
		facts, broken := d.rules().Accept(a)
		if faults = staff.Wrong(faults, broken); len(faults) > 0 {
			return faults, nil
		}
		_, err := d.custody().Release(ctx, f.Reference, s.Actor, staff.SaidIn(filled), a, facts)
		return nil, err
	},
}

// answersOf are the answers that the facts of a form would have come from.
func answersOf(f optout.Facts) optout.Answers {
	a := optout.Answers{
		Choice: f.Choice, Practice: f.Practice.String(), NotRegistered: f.NotRegistered, Reply: f.Reply,
		Subject: optout.Subject{
			Surname: f.Surname.Text(), Forenames: f.Forenames.Text(), OneName: f.OneName, BirthDate: f.BirthDate.ISO(), NHSNumber: staff.Spaced(f.NHSNumber),
			Address: f.Address, Postcode: f.Postcode.Text(), NoAddress: f.NoAddress,
		},
	}
	if f.Kind != "choice" {
		a.Kind = f.Kind
	}
	if !f.About.IsZero() {
		a.About = f.About.String()
	}
	if !f.ProxyName.IsZero() {
		a.Proxy = &optout.Proxy{Name: f.ProxyName.Text(), Capacity: f.ProxyCapacity}
	}
	return a
}

// supersede ends a held form in whose place a newer one came.
var supersede = formVerb{
	name: "supersede", ask: "A newer form came in its place", title: "Which form came in its place?", button: "End this form", done: "superseded", supervisor: true, leaves: true,
	about: func(optout.Form) template.HTML {
		return staff.Paragraphs("For a person who has filled in a new form. This one ends, and the newer one goes on. It has to be of the same person, received later, and not on hold itself.")
	},
	fields: func(_ *Door, _ optout.Form, b staff.Fields) template.HTML {
		return b.Line("newer", "Reference of the newer form", "", 20) + b.Words("text", "How you know, if you like to say", "It stays with the form, for the mailroom and the office.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		newer, err := optout.ParseReference(filled.Get("newer"))
		if err != nil {
			return []staff.Fault{{Field: "newer", Text: problem.NoReference.Detail}}, nil
		}
		_, err = d.custody().Supersede(ctx, f.Reference, s.Actor, staff.SaidIn(filled), newer)
		return nil, err
	},
}

// safeWays says how a person may be reached.
func safeWays(f optout.Form) string {
	r := f.Facts.Reply
	switch {
	case r == nil:
		return "Nothing was said about how the person may be answered. Write to the address on the form; where there is none, go through the practice."
	case len(r.Safe) == 0:
		return "The person asked not to be contacted. Go through their practice, and write to nobody else."
	}
	ways := map[string]string{"email": "by e-mail", "post": "by post", "phone": "by telephone"}
	var all []string
	for _, x := range r.Safe {
		all = append(all, ways[x])
	}
	return "The person may be answered " + strings.Join(all, " or ") + ", and in no other way. If that does not work, go through their practice."
}

// formPage shows one of the pages about a held form: GET /mailroom/forms/{reference}/{page}.
func (d *Door) formPage(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	if r.PathValue("page") == "letter" {
		d.letter(w, r, s, f)
		return
	}
	x, ok := formVerbNamed(r.PathValue("page"))
	switch {
	case !ok:
		d.house.Refuse(w, r, problem.NotFound)
	case x.supervisor && s.Role != optout.Supervisor:
		d.house.Refuse(w, r, problem.NotForYou)
	default:
		filled := door.Form{}
		if x.begin != nil {
			filled = x.begin(f)
		}
		d.askOfForm(w, r, s, f, x, filled, 0, nil)
	}
}

func formVerbNamed(name string) (formVerb, bool) {
	n := slices.IndexFunc(formVerbs, func(x formVerb) bool { return x.name == name })
	if n < 0 {
		return formVerb{}, false
	}
	return formVerbs[n], true
}

// letter is the letter to the person, to be printed; none where post is not safe.
func (d *Door) letter(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	a := f.Facts
	if unsafe := a.Reply != nil && !slices.Contains(a.Reply.Safe, "post"); unsafe || len(a.Address) == 0 {
		note := safeWays(f)
		if !unsafe {
			note = "There is no address on this form to write to. " + note
		}
		d.showForm(w, r, s, f, http.StatusConflict, note)
		return
	}
	if err := d.house.Look(r.Context(), s.Actor, "print", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	l := heldLetter(f)
	l.Back = formAt(f.Reference, "")
	l.Note = "Put a new form into the envelope. When the letter has gone, record that the person was written to."
	d.showLetter(w, s, "We need to ask you about your form", l)
}

// askOfForm shows the page of a verb, as it was filled in and with what is wrong.
func (d *Door) askOfForm(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, x formVerb, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: x.title, Part: "/mailroom/letters", Back: formAt(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above: staff.Who(f) + x.about(f), Action: formAt(f.Reference, x.name), Fields: b.Key() + x.fields(d, f, b),
			Button: nhsui.Button{Text: x.button, PreventDoubleClick: new(true)},
		},
	})
}

// actOnForm does one of the verbs: POST /mailroom/forms/{reference}/{page}.
func (d *Door) actOnForm(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	x, ok := formVerbNamed(r.PathValue("page"))
	switch {
	case !ok:
		d.house.Refuse(w, r, problem.NotFound)
		return
	case x.supervisor && s.Role != optout.Supervisor:
		d.house.Refuse(w, r, problem.NotForYou)
		return
	}
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showForm(w, r, s, f, status, noForm[0].Text)
		return
	}
	again := func(status int, faults []staff.Fault) { d.askOfForm(w, r, s, f, x, filled, status, faults) }
	faults, err := x.do(d, r.Context(), s, f, filled)
	if len(faults) > 0 {
		again(http.StatusUnprocessableEntity, faults)
		return
	}
	observe.Note(r.Context(), "reference", f.Reference.String())
	d.house.Answer(w, r, err, staff.Outcome{
		Onward: "/mailroom/letters?done=" + x.done, Again: again,
		Stands: func(status int, note string) { d.showForm(w, r, s, f, status, note) },
	})
}
