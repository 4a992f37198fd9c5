package practice

import (
	"net/http"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// showDecide asks what became of the doubt for which a form was returned.
func (d *Door) showDecide(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	all := b.Key() + b.One("outcome", "What do you decide?", "",
		staff.Option{Value: "keep", Text: "Go on with it", Hint: "It is this person, and they have the right. You apply it."},
		staff.Option{Value: "refuse", Text: "Do not apply it", Hint: "Only once the person was told why, and how to complain, to the Information Commissioner too."})
	all += b.Day("told", "When was the person told why, and how to complain?", "Only if you do not apply it.")
	if s.Role == optout.Clinician {
		all += b.Box("unsafe", "I am a clinician and record that telling the person is unsafe")
	}
	all += b.Words("text", "Your reasons", "They stay with the form at your practice.")
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Decide about the form", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above:  staff.Who(f) + staff.Paragraphs("It was returned: "+staff.ReasonText(f.State().Reason)+"."),
			Action: address(f.Reference, "decide"), Fields: all, Button: nhsui.Button{Text: "Record the decision", PreventDoubleClick: new(true)},
		},
	})
}

// decide ends the doubt about a returned form, one way or the other: POST /practice/forms/{reference}/decide.
func (d *Door) decide(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	again := func(status int, faults []staff.Fault) { d.showDecide(w, r, s, f, filled, status, faults) }
	told, x := staff.Date(filled, "told")
	switch outcome := filled.Get("outcome"); {
	case outcome != "keep" && outcome != "refuse":
		again(http.StatusUnprocessableEntity, []staff.Fault{{Field: "outcome", Text: "Say what you decide."}})
		return
	case x != nil:
		again(http.StatusUnprocessableEntity, []staff.Fault{*x})
		return
	case filled.Get("text") == "":
		again(http.StatusUnprocessableEntity, []staff.Fault{{Field: "text", Text: "Give your reasons."}})
		return
	case outcome == "keep":
		_, err := d.custody().Keep(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled))
		d.answer(w, r, s, f, err, address(f.Reference, "")+"?done=decided", again)
		return
	}
	_, err := d.custody().Refuse(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled), optout.Telling{On: told, Unsafe: filled.Ticked("unsafe")})
	d.letGo(r.Context(), err, f, s)
	d.answer(w, r, s, f, err, "/practice?done=decided", again)
}

// showWithdraw asks how a person took a form back.
func (d *Door) showWithdraw(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	all := b.Key() + b.One("how", "How did the person take it back?", "",
		staff.Option{Value: "in-person", Text: "In person"}, staff.Option{Value: "phone", Text: "By telephone"}, staff.Option{Value: "post", Text: "By post"}, staff.Option{Value: "email", Text: "By e-mail"})
	all += b.Day("on", "When?", "") + b.Line("to", "To whom?", "The name of whoever heard or read it.", 30) + b.Words("text", "In your words, if you like", "")
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Record that the person took it back", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above:  staff.Who(f) + staff.Paragraphs("Nobody may ask a person to take a form back. Record it only if they did so of their own accord."),
			Action: address(f.Reference, "withdraw"), Fields: all, Button: nhsui.Button{Text: "Record it", PreventDoubleClick: new(true)},
		},
	})
}

// withdraw records how a person took a form back: POST /practice/forms/{reference}/withdraw.
func (d *Door) withdraw(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	again := func(status int, faults []staff.Fault) { d.showWithdraw(w, r, s, f, filled, status, faults) }
	on, x := staff.Date(filled, "on")
	if x != nil {
		again(http.StatusUnprocessableEntity, []staff.Fault{*x})
		return
	}
	taken := optout.TakenBack{How: filled.Get("how"), On: on, To: optout.Text(filled.Get("to"))}
	_, err := d.custody().TakeBack(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled), taken)
	d.letGo(r.Context(), err, f, s)
	d.answer(w, r, s, f, err, "/practice?done=withdrawn", again)
}

// showKeep asks what happened where nobody took a form back.
func (d *Door) showKeep(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "It was returned by mistake", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above:  staff.Who(f) + staff.Paragraphs("Say so only if the person did not take it back. The form is yours to do again, and your days to act begin anew."),
			Action: address(f.Reference, "keep"), Fields: b.Key() + b.Words("text", "What happened?", "It stays with the form at your practice. Do not write down more than is needed."),
			Button: nhsui.Button{Text: "Go on with the form", PreventDoubleClick: new(true)},
		},
	})
}

// keep records that a form was returned by mistake: the person did not take it back. POST /practice/forms/{reference}/keep.
func (d *Door) keep(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	again := func(status int, faults []staff.Fault) { d.showKeep(w, r, s, f, filled, status, faults) }
	if filled.Get("text") == "" {
		again(http.StatusUnprocessableEntity, []staff.Fault{{Field: "text", Text: "Say what happened."}})
		return
	}
	_, err := d.custody().Keep(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled))
	d.answer(w, r, s, f, err, address(f.Reference, "")+"?done=decided", again)
}
