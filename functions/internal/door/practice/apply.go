package practice

import (
	"net/http"
	"net/url"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// beginApply is what is known already of when and how a preference was set.
func (d *Door) beginApply(f optout.Form) door.Form {
	filled := staff.WithDay(door.Form{}, "on", d.today())
	url.Values(filled).Set("number", staff.Spaced(f.Facts.NHSNumber))
	return filled
}

const otherCode = "other"

// showApply asks when and with which code the preference was set.
func (d *Door) showApply(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	beside, err := d.beside(r.Context(), s.Actor, f)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	if err := d.house.Look(r.Context(), s.Actor, "form", append([]optout.Form{f}, beside.Ours...)...); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	all := b.Key() + b.Day("on", "On which day was it set in your clinical system?", "")
	all += b.One("code", "With which code?", "", d.codes(f)...) + b.Line("other-code", "Another code", "Only if you chose “another code”.", 20)
	all += b.Line("number", "NHS number under which it was set", "Correct it if you set it under another one.", 20)
	if b := basis(f); b != nil {
		all += staff.Fields{Form: filled, Faults: faults}.One("basis", b.ask, b.help, b.options...)
	}
	var earlier []staff.Option
	for _, o := range beside.Ours {
		if st := o.State().Status; st == optout.StatusWithdrawn || st == optout.StatusAnswered || o.State().Received.After(f.State().Received) {
			continue
		}
		earlier = append(earlier, staff.Option{Value: o.Reference.String(), Text: o.Reference.String() + ": " + staff.Wanted(o.Facts), Hint: "Received " + staff.Moment(o.State().Received)})
	}
	if len(earlier) > 0 {
		all += b.Some("replaces", "In place of which earlier forms of the person?", "These are withdrawn then. Tick none if this one only stands beside them.", earlier...)
	}
	if len(earlier) > 0 || f.Facts.Choice != "dissent" {
		all += b.Box("asked", "We have checked with the person that they want to share more than before")
	}
	all += b.One("told", "Have you told the person, by a way that you have on record?", "The person reads “applied” on our pages only if you have. Otherwise they read “finished: ask your practice”.",
		staff.Option{Value: "yes", Text: "Yes"}, staff.Option{Value: "no", Text: "No"})
	all += b.Words("text", "A note, if you like", "Your practice and nobody else sees it here. Do not write down more than is needed.")
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Say that the form is applied", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{Above: staff.Who(f), Action: address(f.Reference, "apply"), Fields: all, Button: nhsui.Button{Text: "Record that it is applied", PreventDoubleClick: new(true)}},
	})
}

// codes are those that record what a form wants.
func (d *Door) codes(f optout.Form) (options []staff.Option) {
	for _, c := range staff.CodesFor(f, d.Sender.Codes) {
		if c.Code != "" {
			options = append(options, staff.Option{Value: c.Code, Text: c.Code, Hint: c.System + ": " + c.Means})
		}
	}
	return append(options, staff.Option{Value: otherCode, Text: "Another code"})
}

// decider asks how a practice decided that it may apply a form that a child or somebody else has signed.
type decider struct {
	ask, help string
	options   []staff.Option
}

// bases are how a practice can decide, in words.
var bases = map[string]string{
	optout.EvidenceSeen: "We have seen the power, order or certificate", optout.KnownToUs: "We know it from our own records",
	optout.BestInterests: "A best-interests decision was made and recorded", optout.Competent: "A clinician found that they understand what it means",
}

// basis asks what a practice has to decide about a form; nil if that is nothing.
func basis(f optout.Form) *decider {
	fit := f.Bases()
	if fit == nil {
		return nil
	}
	b := &decider{ask: "How did you decide that this child may decide?", help: "Any child may sign alone. You decide whether they understand what it means."}
	if f.Facts.ProxyCapacity != "" {
		b.ask, b.help = "How did you check that "+f.Facts.ProxyName.Text()+" may sign for this person?", "You decide what you need to see. We never ask people for documents."
	}
	for _, how := range fit {
		b.options = append(b.options, staff.Option{Value: how, Text: bases[how]})
	}
	return b
}

// apply records that the practice has set the preference: POST /practice/forms/{reference}/apply.
func (d *Door) apply(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	a, faults := d.application(filled)
	if len(faults) > 0 {
		d.showApply(w, r, s, f, filled, http.StatusUnprocessableEntity, faults)
		return
	}
	_, err := d.custody().Apply(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled), a)
	d.letGo(r.Context(), err, f, s)
	d.answer(w, r, s, f, err, "/practice?done=applied", func(status int, faults []staff.Fault) {
		for n, x := range faults {
			if x.Field == "code" && filled.Get("code") == otherCode {
				faults[n].Field = "other-code"
			}
		}
		d.showApply(w, r, s, f, filled, status, faults)
	})
}

// application reads what a practice says of how it applied a form.
func (d *Door) application(filled door.Form) (a optout.Application, faults []staff.Fault) {
	wrong := func(field, text string) { faults = append(faults, staff.Fault{Field: field, Text: text}) }
	on, x := staff.Date(filled, "on")
	switch {
	case x != nil:
		faults = append(faults, *x)
	case on.IsZero():
		wrong("on", "Give the day on which it was set.")
	}
	a = optout.Application{On: on, Code: filled.Get("code"), Told: filled.Get("told") == "yes", Asked: filled.Ticked("asked"), Basis: filled.Get("basis")}
	switch {
	case a.Code == "":
		wrong("code", "Choose the code.")
	case a.Code == otherCode:
		if a.Code = filled.Get("other-code"); a.Code == "" {
			wrong("other-code", "Type the code.")
		}
	}
	if typed := filled.Digits("number"); typed != "" {
		n, err := nhs.ParseNumber(typed, d.TestNumbers)
		if err != nil {
			wrong("number", optout.FaultAt("", err).Detail)
		}
		a.Number = n
	}
	if told := filled.Get("told"); told != "yes" && told != "no" {
		wrong("told", "Say whether you have told the person.")
	}
	for _, typed := range filled.All("replaces") {
		ref, err := optout.ParseReference(typed)
		if err != nil {
			wrong("replaces", "Choose among the forms offered.")
			continue
		}
		a.Replaces = append(a.Replaces, ref)
	}
	return a, faults
}

// beginNumber is the NHS number that a form has.
func (d *Door) beginNumber(f optout.Form) door.Form {
	return door.Form{"number": {staff.Spaced(f.Facts.NHSNumber)}}
}

// showNumber asks for another NHS number.
func (d *Door) showNumber(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form, status int, faults []staff.Fault) {
	if err := d.house.Look(r.Context(), s.Actor, "form", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	b := staff.Fields{Form: filled, Faults: faults}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Correct the NHS number", Part: "/practice", Back: address(f.Reference, ""), Faults: faults,
		Data: staff.Ask{
			Above:  staff.Who(f) + staff.Paragraphs("The number that you give is the one that the form is compared by from now on. What was written at first stays in its history as a digest."),
			Action: address(f.Reference, "number"), Fields: b.Key() + b.Line("number", "NHS number", "10 digits, like 943 476 5919", 20), Button: nhsui.Button{Text: "Record the number"},
		},
	})
}

// number gives a form another NHS number: POST /practice/forms/{reference}/number.
func (d *Door) number(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	again := func(status int, faults []staff.Fault) { d.showNumber(w, r, s, f, filled, status, faults) }
	typed := filled.Digits("number")
	n, err := nhs.ParseNumber(typed, d.TestNumbers)
	switch {
	case typed == "":
		again(http.StatusUnprocessableEntity, []staff.Fault{{Field: "number", Text: "Give the number."}})
		return
	case err != nil:
		again(http.StatusUnprocessableEntity, []staff.Fault{{Field: "number", Text: optout.FaultAt("", err).Detail}})
		return
	}
	_, err = d.custody().Number(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled), n)
	d.answer(w, r, s, f, err, address(f.Reference, "")+"?done=numbered", again)
}
