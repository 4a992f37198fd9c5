package practice

import (
	"net/http"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// showReturn asks why a form is returned.
func (d *Door) showReturn(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	var reasons []staff.Option
	for _, x := range staff.Reasons {
		reasons = append(reasons, staff.Option{Value: string(x.Code), Text: x.Text, Hint: x.Follow})
	}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Return the form", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above:  staff.Who(f) + staff.Paragraphs("To return a form is not to end it: each reason is work for somebody. There is no other reason to refuse a competent adult."),
			Action: address(f.Reference, "return"),
			Fields: b.Key() + b.One("reason", "Why?", "", reasons...) + b.Words("text", "In your words", "Needed for another reason. Do not write down more than whoever acts next has to know."),
			Button: nhsui.Button{Text: "Return the form", PreventDoubleClick: new(true)},
		},
	})
}

// giveBack returns a form with a coded reason: POST /practice/forms/{reference}/return.
func (d *Door) giveBack(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	again := func(status int, faults []staff.Fault) { d.showReturn(w, r, s, f, filled, status, faults) }
	why := optout.Reason(filled.Get("reason"))
	if why == "" {
		again(http.StatusUnprocessableEntity, []staff.Fault{{Field: "reason", Text: "Say why."}})
		return
	}
	_, err := d.custody().Return(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled), why)
	d.letGo(r.Context(), err, f, s)
	d.answer(w, r, s, f, err, "/practice?done=returned", again)
}

// showCorrect asks whether an application was a mistake.
func (d *Door) showCorrect(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Take back that the form is applied", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above:  staff.Who(f) + staff.Paragraphs("The form is yours to do again, and its days count anew. Earlier forms in whose place it was applied stand again. That you said it was applied stays in its history, and so does this."),
			Action: address(f.Reference, "correct"), Fields: b.Key() + b.Words("text", "What went wrong, if you like to say", ""),
			Button: nhsui.Button{Text: "Take it back", Variant: "warning", PreventDoubleClick: new(true)},
		},
	})
}

// correct takes back that a form is applied: POST /practice/forms/{reference}/correct.
func (d *Door) correct(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	_, err := d.custody().Correct(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled))
	d.answer(w, r, s, f, err, address(f.Reference, "")+"?done=corrected", func(status int, faults []staff.Fault) {
		d.showCorrect(w, r, s, f, filled, status, faults)
	})
}
