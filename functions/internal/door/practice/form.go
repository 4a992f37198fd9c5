package practice

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// onForm serves a form that is on the practice's own list. Every other one is not there, whether it exists or not.
func onForm(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session, optout.Form)) func(*Door, http.ResponseWriter, *http.Request, signin.Session) {
	return func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		f, err := d.own(r.Context(), r.PathValue("reference"), s.Actor)
		first := f.State().Of
		if errors.Is(err, optout.ErrNotFound) && !first.IsZero() && r.Method == http.MethodGet { // it repeats one that may be here
			if of, failed := d.own(r.Context(), first.String(), s.Actor); failed == nil {
				staff.See(w, address(of.Reference, "")+"?done=follows")
				return
			}
		}
		switch {
		case errors.Is(err, optout.ErrNotFound) && staff.SentBefore(r, s, f):
			staff.See(w, "/practice?done=before")
		case errors.Is(err, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NotOnYourList)
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			serve(d, w, r, s, f)
		}
	}
}

// own reads a form of the actor's practice. optout.ErrNotFound, with the form if there is one, for every other one, and
// for what cannot be read: whose that is nobody knows.
func (d *Door) own(ctx context.Context, reference string, a optout.Actor) (optout.Form, error) {
	ref, err := optout.ParseReference(reference)
	if err != nil {
		return optout.Form{}, optout.ErrNotFound
	}
	f, err := d.Store.Form(ctx, ref)
	if errors.Is(err, optout.ErrUnreadable) || err == nil && !owns(a, f) {
		err = optout.ErrNotFound
	}
	return f, err
}

// owns says whether a form is on the list of an actor's practice, or ended there.
func owns(a optout.Actor, f optout.Form) bool {
	return !a.Practice.IsZero() && worklist.Of(f.State()).Owner == worklist.Practice(a.Practice)
}

// collected says whether a named person at the practice has opened a form: only then is shown what is personal in it.
func collected(f optout.Form) bool {
	return f.State().Status != optout.StatusRouted && f.State().Status != optout.StatusDelivered
}

// form shows a form: before it is collected what is due, afterwards everything that is needed to code it.
// GET /practice/forms/{reference}.
func (d *Door) form(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	d.showForm(w, r, s, f, 0, "")
}

// showForm shows a form, with why something was not done.
func (d *Door) showForm(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, status int, note string) {
	ctx, now := r.Context(), d.Now()
	held, mine, err := d.heldBy(ctx, f.Reference, s)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := formView{OnPaper: onPaper(f), Reference: f.Reference.String(), At: address(f.Reference, ""), State: f.State(), Standing: staff.Standing(f.State()), Next: staff.NextText(f.State()), Key: staff.Fields{}.Key(), Held: held}
	if !mine.IsZero() && !f.State().Ended() {
		v.Mine = staff.Clock(mine)
	}
	if due := f.State().Deadline(); !due.IsZero() {
		v.Due = new(staff.DueIn(due, now))
	}
	page := staff.Page{Status: status, Title: "Form " + f.Reference.String(), Part: "/practice", Back: "/practice?list=" + listOf(f), Done: done[r.URL.Query().Get("done")], Wide: true}
	v.Note = note
	if !collected(f) {
		page.Name, page.Data = "waiting", v
		d.house.Show(w, s, page)
		return
	}
	beside, err := d.beside(ctx, s.Actor, f)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	if err := d.house.Look(ctx, s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	if err := d.house.Look(ctx, s.Actor, "beside", beside.Ours...); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v.Facts, v.Others = staff.FactsOf(f), beside
	v.Codes = nhsui.SummaryList{Rows: staff.CodesOf(f, d.Sender.Codes)}
	v.Deciding = deciding(f)
	v.History = staff.HistoryFor(f, s.Actor)
	if len(beside.Ours) > 0 {
		t := staff.Compare(append([]optout.Form{f}, beside.Ours...))
		v.Beside = &t
	}
	if v.Held == "" {
		v.Acts = acts(f, s)
	}
	page.Name, page.Data = "form", v
	d.house.Show(w, s, page)
}

// listOf is the list of the inbox on which a form stands.
func listOf(f optout.Form) string {
	for _, l := range lists {
		if l.stage == worklist.Of(f.State()).Stage {
			return l.name
		}
	}
	return lists[0].name
}

type formView struct {
	OnPaper       bool
	Reference, At string
	State         optout.State
	Standing      nhsui.Tag
	Due           *nhsui.Tag
	Next          string
	Note          string
	Key           template.HTML
	Held          string // who else is at work on it, in words; "": nobody
	Mine          string // until when it is kept to whoever looks; "": it is not
	Facts, Codes  nhsui.SummaryList
	Deciding      []nhsui.InsetText
	Beside        *nhsui.Table
	Others        others
	History       []staff.Happened
	Acts          []act
}

// act is something that can be done with a form: on a page of its own, or at once.
type act struct {
	Text, Page, Verb string
	Secondary        bool
}

// acts are what can be done with a form as it stands.
func acts(f optout.Form, s signin.Session) []act {
	switch st := f.State(); {
	case st.Status == optout.StatusCollected, st.Status == optout.StatusInDoubt:
		all := []act{{Text: "Say that it is applied", Page: "apply"}, {Text: "Return it", Page: "return", Secondary: true}, {Text: "Correct the NHS number", Page: "number", Secondary: true}}
		if st.Status == optout.StatusCollected {
			all = append(all, act{Text: "Put it back for others", Verb: "put-back", Secondary: true})
		}
		return all
	case st.Status == optout.StatusApplied:
		return []act{{Text: "Take back that it is applied", Page: "correct", Secondary: true}}
	case st.Next == optout.NextDecide && (st.Reason == optout.IdentityNotVerified || s.Role == optout.Clinician):
		return []act{{Text: "Decide", Page: "decide"}}
	case st.Next == optout.NextWithdraw:
		return []act{{Text: "Record how it was taken back", Page: "withdraw"}, {Text: "It was returned by mistake", Page: "keep", Secondary: true}}
	}
	return nil
}

// deciding is what the practice has to decide before it applies a form (domain facts, who may sign).
func deciding(f optout.Form) (all []nhsui.InsetText) {
	say := func(html template.HTML) { all = append(all, nhsui.InsetText{HTML: html}) }
	if _, child := f.Child(); child && f.Facts.ProxyCapacity == "" {
		say("<p><strong>A child under 16 signed this alone.</strong> Any child may. You decide whether they understand what it means, and record how you decided when you say that it is applied. Do not ask for a parent. Answer the child in the way they said is safe.</p>")
	}
	if f.Facts.ProxyCapacity != "" {
		say("<p><strong>Somebody else signed for this person.</strong> You check that they have the right to, and record how when you say that it is applied. If they have not, return the form: a clinician at your practice decides then.</p>")
	}
	if f.State().Next == optout.NextDecide && f.State().Reason != optout.IdentityNotVerified {
		say("<p><strong>A clinician decides about this form.</strong> It was returned: " + template.HTML(template.HTMLEscapeString(staff.ReasonText(f.State().Reason))) + ".</p>")
	}
	return all
}

// others are a person's other forms, as a practice may know of them.
type others struct {
	Ours      []optout.Form      // that the practice has collected, and what only repeats these
	Waiting   []optout.Reference // that wait on its list
	Elsewhere int                // that it has not got
}

// beside are the other forms of a form's person.
func (d *Door) beside(ctx context.Context, a optout.Actor, f optout.Form) (o others, err error) {
	all, err := optout.Beside(ctx, d.Store, f)
	if err != nil {
		return o, err
	}
	for _, x := range all {
		follows := x.State().Status == optout.StatusDuplicate && (x.State().Of == f.Reference || slices.ContainsFunc(o.Ours, func(y optout.Form) bool { return y.Reference == x.State().Of }))
		switch {
		case owns(a, x) && collected(x), follows:
			o.Ours = append(o.Ours, x)
		case owns(a, x):
			o.Waiting = append(o.Waiting, x.Reference)
		default:
			o.Elsewhere++
		}
	}
	return o, nil
}

// claimLasts is how long a form is one person's.
const claimLasts = 30 * time.Minute

// heldBy says in words who else is at work on a form, "" if nobody is; or until when it is kept to this person.
func (d *Door) heldBy(ctx context.Context, ref optout.Reference, s signin.Session) (other string, mine time.Time, err error) {
	claims, err := d.Store.Claimed(ctx, []optout.Reference{ref}, d.Now())
	c, held := claims[ref]
	switch {
	case err != nil || !held:
		return "", mine, err
	case c.By == s.String():
		return "", c.Until, nil
	}
	return atWork(c, s), mine, nil
}

// verbs are what can be done with a form: POST /practice/forms/{reference}/{page}.
var verbs = map[string]func(*Door, http.ResponseWriter, *http.Request, signin.Session, optout.Form, door.Form){
	"collect": (*Door).collect, "claim": (*Door).claim, "release": (*Door).release, "put-back": (*Door).putBack,
	"apply": (*Door).apply, "return": (*Door).giveBack, "number": (*Door).number, "correct": (*Door).correct, "decide": (*Door).decide, "withdraw": (*Door).withdraw, "keep": (*Door).keep,
	"scan": (*Door).attach,
}

// act does one of the verbs, unless a colleague is at work on the form.
func (d *Door) act(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	name := r.PathValue("page")
	verb, ok := verbs[name]
	if !ok {
		d.house.Refuse(w, r, problem.NotFound)
		return
	}
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showForm(w, r, s, f, status, "What was sent is no form, or far too large a one. Nothing was changed.")
		return
	}
	again := func(status int, faults []staff.Fault) { askers[name](d, w, r, s, f, filled, status, faults) }
	if askers[name] == nil || !collected(f) {
		again = nil
	}
	held, _, err := d.heldBy(r.Context(), f.Reference, s)
	switch {
	case err != nil:
		d.house.Answer(w, r, err, staff.Outcome{Again: again})
	case held == "" || f.Knows(s.Actor, filled.Get("key")): // what was recorded is answered, whoever is at work on the form by now
		verb(d, w, r, s, f, filled)
	case again != nil:
		again(http.StatusConflict, []staff.Fault{{Text: "Nothing was changed: " + held + "."}})
	default:
		d.showForm(w, r, s, f, http.StatusConflict, "Nothing was changed: "+held+".")
	}
}

// askers show the pages on which something is said of a form, as they were filled in and with what is wrong.
var askers map[string]func(*Door, http.ResponseWriter, *http.Request, signin.Session, optout.Form, door.Form, int, []staff.Fault)

func init() {
	askers = map[string]func(*Door, http.ResponseWriter, *http.Request, signin.Session, optout.Form, door.Form, int, []staff.Fault){
		"apply": (*Door).showApply, "return": (*Door).showReturn, "number": (*Door).showNumber, "correct": (*Door).showCorrect, "decide": (*Door).showDecide, "withdraw": (*Door).showWithdraw, "keep": (*Door).showKeep,
	}
}

// begun are what is filled in already when such a page is opened; where there is nothing, nothing.
var begun = map[string]func(*Door, optout.Form) door.Form{"apply": (*Door).beginApply, "number": (*Door).beginNumber}

// formPage shows one of the pages about a form, once it is collected: GET /practice/forms/{reference}/{page}. Whoever
// opens one on which something is typed is at work on the form from then on.
func (d *Door) formPage(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	name := r.PathValue("page")
	show, asks := askers[name]
	filled := door.Form{}
	switch {
	case !asks && name != "print" && name != "fhir" && (name != "scan" || !onPaper(f)):
		d.house.Refuse(w, r, problem.NotFound)
	case name == "scan":
		d.scan(w, r, s, f)
	case !collected(f):
		staff.See(w, address(f.Reference, ""))
	case name == "print":
		d.print(w, r, s, f)
	case name == "fhir":
		d.fhir(w, r, s, f)
	case d.take(w, r, s, f):
		if begin := begun[name]; begin != nil {
			filled = begin(d, f)
		}
		show(d, w, r, s, f, filled, 0, nil)
	}
}

// asked are the fields in which is said what a refusal asks for.
var asked = map[*optout.Refusal]string{optout.AskThePerson: "asked", optout.NotEarlier: "replaces", optout.TellFirst: "told"}

// answer shows what came of an act: on to where it leads, the page again with what is wrong, or the form as it stands
// now. Of one that has gone elsewhere meanwhile nothing is shown.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, err error, onward string, again func(status int, faults []staff.Fault)) {
	o := staff.Outcome{Onward: onward, Again: again, Fields: asked}
	if _, refused := errors.AsType[*optout.Refusal](err); refused {
		now, failed := d.own(r.Context(), f.Reference.String(), s.Actor)
		switch {
		case errors.Is(failed, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NotOnYourList)
			return
		case failed != nil:
			err = failed
		default:
			o.Stands = func(status int, note string) { d.showForm(w, r, s, now, status, note) }
		}
	}
	d.house.Answer(w, r, err, o)
}
