package office

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
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

// address is that of a form's page.
func address(ref optout.Reference, page string) string { return staff.FormAt("/office", ref, page) }

// onForm serves a form, whoever has it.
func onForm(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session, optout.Form)) func(*Door, http.ResponseWriter, *http.Request, signin.Session) {
	return func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		ref, err := optout.ParseReference(r.PathValue("reference"))
		if err != nil {
			d.house.Refuse(w, r, problem.NoReference)
			return
		}
		f, err := d.Store.Form(r.Context(), ref)
		switch {
		case errors.Is(err, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NoReference)
		case errors.Is(err, optout.ErrUnreadable):
			w.Header().Set("Retry-After", "3600")
			d.house.Show(w, s, staff.Page{
				Name: "unreadable", Status: http.StatusServiceUnavailable, Title: "Form " + ref.String(), Part: "/office", Back: "/office", Data: faultText("unreadable"),
			})
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			serve(d, w, r, s, f)
		}
	}
}

// form shows all that is needed to decide about a form: GET /office/forms/{reference}.
func (d *Door) form(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	d.showForm(w, r, s, f, 0, "")
}

// showForm shows a form, with why something was not done.
func (d *Door) showForm(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, status int, note string) {
	ctx, now, st := r.Context(), d.Now(), f.State()
	beside, err := optout.Beside(ctx, d.Store, f)
	if err == nil {
		err = d.house.Look(ctx, s.Actor, "form", f)
	}
	if err == nil {
		err = d.house.Look(ctx, s.Actor, "beside", beside...)
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := formView{
		At: address(f.Reference, ""), Note: note, Standing: standing(st), Owner: ownerText(st), Next: staff.NextText(st),
		Since: staff.Since(st.Since, now), First: staff.Since(st.First, now), Facts: staff.FactsOf(f), History: history(f, s), Supervisor: s.Supervisor,
	}
	if st.Owner == optout.OwnerOffice || f.Fault != "" {
		v.Why = why(st, f.Fault)
	}
	if due := st.Deadline(); !due.IsZero() {
		v.Due = new(staff.DueIn(due, now))
	}
	if len(beside) > 0 {
		v.Beside = new(staff.Compare(append([]optout.Form{f}, beside...)))
	}
	for _, x := range verbs {
		if x.when(st) {
			v.Acts = append(v.Acts, act{x.ask, v.At + "/" + x.name, x.aside})
		}
	}
	d.house.Show(w, s, staff.Page{
		Name: "form", Status: status, Title: "Form " + f.Reference.String(), Part: "/office", Back: "/office", Wide: true, Done: done[r.URL.Query().Get("done")], Data: v,
	})
}

// toOffice are the reasons for which a practice returns a form to the office, or to a practice that the office may have to
// find: what it wrote then, it wrote to the office.
var toOffice = []optout.Reason{optout.OtherReason, optout.Deceased, optout.NotOurPatient, optout.HasMoved}

// history is what has happened to a form, in words. What a practice wrote is shown where it wrote to the office; what it
// wrote of a doubt that it settles itself, of safeguarding say, is not for the office to read.
func history(f optout.Form, s signin.Session) []staff.Happened {
	all := staff.HistoryFor(f, s.Actor)
	for n, e := range f.Events {
		why := optout.Reason(e.Detail["reason"])
		ofPractice := strings.HasPrefix(e.By, string(optout.AtPractice)+" ") || strings.HasPrefix(e.By, string(optout.Clinician)+" ")
		if ofPractice && (e.Kind != optout.Returned || !slices.Contains(toOffice, why)) {
			all[n].Text = ""
		}
	}
	return all
}

type formView struct {
	At, Note, Why string
	Standing      nhsui.Tag
	Due           *nhsui.Tag
	Owner, Next   string
	Since, First  string
	Facts         nhsui.SummaryList
	Beside        *nhsui.Table
	History       []staff.Happened
	Acts          []act
	Supervisor    bool
}

// act is something that can be done with a form, on a page of its own.
type act struct {
	Text, Href string
	Secondary  bool
}

// formPage shows one of the pages about a form: GET /office/forms/{reference}/{page}.
func (d *Door) formPage(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	name := r.PathValue("page")
	if name == "looks" {
		d.looks(w, r, s, f)
		return
	}
	x, ok := verbNamed(name)
	switch {
	case !ok:
		d.house.Refuse(w, r, problem.NotFound)
	case !x.when(f.State()):
		d.showForm(w, r, s, f, http.StatusConflict, optout.NotNow.Detail)
	default:
		filled := door.Form{}
		if x.begin != nil {
			x.begin(d, f, filled)
		}
		d.ask(w, r, s, f, x, filled, 0, nil)
	}
}

// ask shows the page of a verb, as it was filled in and with what is wrong.
func (d *Door) ask(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, x verb, filled door.Form, status int, wrong []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: wrong}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: x.title, Part: "/office", Back: address(f.Reference, ""), Faults: wrong,
		Data: staff.Ask{
			Above: staff.Who(f) + staff.Paragraphs(x.about(f.State())...), Action: address(f.Reference, x.name),
			Fields: b.Key() + x.fields(d, f, b), Button: nhsui.Button{Text: x.button, PreventDoubleClick: new(true)},
		},
	})
}

// act does one of the verbs: POST /office/forms/{reference}/{page}.
func (d *Door) act(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	x, ok := verbNamed(r.PathValue("page"))
	if !ok {
		d.house.Refuse(w, r, problem.NotFound)
		return
	}
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showForm(w, r, s, f, status, "What was sent is no form, or far too large a one. Nothing was changed.")
		return
	}
	again := func(status int, wrong []staff.Fault) { d.ask(w, r, s, f, x, filled, status, wrong) }
	if filled.Get("do") == "search" && x.name == "assign" {
		again(0, nil)
		return
	}
	wrong, err := x.do(d, r.Context(), s, f, filled)
	if len(wrong) > 0 {
		again(http.StatusUnprocessableEntity, wrong)
		return
	}
	observe.Note(r.Context(), "reference", f.Reference.String())
	onward := address(f.Reference, "") + "?done=" + x.done
	if x.leaves {
		onward = "/office?done=" + x.done
	}
	d.answer(w, r, s, f, err, onward, again)
}

// answer shows what came of an act about a form.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, err error, onward string, again func(status int, wrong []staff.Fault)) {
	o := staff.Outcome{Onward: onward, Again: again}
	if _, refused := errors.AsType[*optout.Refusal](err); refused {
		now, failed := d.Store.Form(r.Context(), f.Reference)
		if failed != nil {
			err = failed
		}
		o.Stands = func(status int, note string) { d.showForm(w, r, s, now, status, note) }
	}
	d.house.Answer(w, r, err, o)
}

// mostLooks is how many looks one page shows.
const mostLooks = 500

// looks show a supervisor who was shown the form, when and what of it: GET /office/forms/{reference}/looks.
func (d *Door) looks(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	if !s.Supervisor {
		d.house.Refuse(w, r, problem.NotForYou)
		return
	}
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Looks, newest first", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "When"}, {Text: "Who"}, {Text: "What was shown"}},
	}
	for l, err := range d.Store.Looks(r.Context(), f.Reference) {
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		if len(t.Rows) == mostLooks {
			break
		}
		who, _ := staff.By(l.By, s.Actor)
		id := optout.IDOf(l.By)
		t.Rows = append(t.Rows, []nhsui.Cell{
			{Text: staff.Moment(l.At)},
			{HTML: template.HTML(template.HTMLEscapeString(who) + `<br><span class="nhsuk-u-secondary-text-colour nhsuk-body-s" dir="ltr">` + template.HTMLEscapeString(id) + `</span>`)},
			{Text: cmp.Or(staff.LookText[l.What], l.What)},
		})
	}
	d.house.Show(w, s, staff.Page{
		Name: "looks", Title: "Who has looked at form " + f.Reference.String(), Part: "/office", Back: address(f.Reference, ""),
		Data: struct {
			Table nhsui.Table
			Most  int
			More  bool
		}{t, mostLooks, len(t.Rows) == mostLooks},
	})
}
