package office

import (
	"net/http"
	"slices"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// practiceAddress is that of a practice's page.
func practiceAddress(code nhs.ODSCode) string { return "/office/practices/" + code.String() }

// practices finds a practice by its name, town, postcode or code: GET /office/practices.
func (d *Door) practices(w http.ResponseWriter, r *http.Request, s signin.Session) {
	v := struct {
		Query string
		Found []practiceFound
		Full  bool
	}{Query: r.URL.Query().Get("q")}
	if code, err := nhs.ParseODSCode(v.Query); err == nil { // closed ones, too
		if p, ok := d.Practices.Find(code); ok {
			v.Found = append(v.Found, foundAs(p))
		}
	} else if v.Query != "" {
		for _, p := range d.Practices.Search(v.Query, mostOffered) {
			v.Found = append(v.Found, foundAs(p))
		}
	}
	v.Full = len(v.Found) == mostOffered
	d.house.Show(w, s, staff.Page{Name: "practices", Title: "Find a practice", Part: "/office/practices", Data: v})
}

type practiceFound struct{ Code, Name, Where, Href, Status string }

func foundAs(p directory.Practice) practiceFound {
	f := practiceFound{Code: p.Code.String(), Name: directory.Spoken(p.Name), Where: p.Where(), Href: practiceAddress(p.Code)}
	if p.Status != directory.Open {
		f.Status = p.Status.String()
	}
	return f
}

// practice shows what is known of a practice: GET /office/practices/{code}.
func (d *Door) practice(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.showPractice(w, r, s, "", door.Form{}, 0, nil)
}

// showPractice shows a practice, with one of its forms, email or chase, as it was filled in and with what is wrong.
func (d *Door) showPractice(w http.ResponseWriter, r *http.Request, s signin.Session, about string, filled door.Form, status int, wrong []staff.Fault) {
	ctx, now := r.Context(), d.Now()
	code, err := nhs.ParseODSCode(r.PathValue("code"))
	known, ok := d.Practices.Find(code)
	if err != nil || !ok {
		d.house.Refuse(w, r, problem.NoPractice)
		return
	}
	p, err := d.Store.Practice(ctx, code)
	waiting := 0
	if err == nil {
		waiting, err = d.Store.Waiting(ctx, code)
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := practiceView{practiceFound: foundAs(known), Tags: tags(p), Stand: standText(p), Waiting: waiting}
	since, listed := p.Digest.OfficeSince()
	if listed {
		v.Since = staff.Since(since, now)
	}
	if p.Digest.Fault != "" {
		v.Fault = faultText(p.Digest.Fault)
	}
	v.Tried = daysAgo(p.Chased(), now)
	email, chase := door.Form{"email": {p.Email}}, staff.WithDay(door.Form{}, "on", d.today())
	switch about {
	case "email":
		email = filled
	case "chase":
		chase = filled
	}
	b := staff.Fields{Form: email, Faults: wrong}
	v.Email = staff.Ask{
		Action: practiceAddress(code) + "/email", Button: nhsui.Button{Text: "Record the address"},
		Fields: b.Line("email", "E-mail address at which the practice is told that forms wait", "A shared address that somebody there reads every working day. What waits is told there at once if it could not be told before. Leave it empty to take the address away.", 0),
	}
	b = staff.Fields{Form: chase, Faults: wrong}
	v.Chase = staff.Ask{
		Action: practiceAddress(code) + "/chase", Button: nhsui.Button{Text: "Record it", PreventDoubleClick: new(true)},
		Fields: b.One("how", "What did you do?", "It ends nothing: the practice stays on the list until it acts, or can be told.", staff.Option{Value: "post", Text: ways["post"]}, staff.Option{Value: "phone", Text: ways["phone"]}) +
			b.Day("on", "On which day?", "") + b.Words("text", "What came of it, in short", "At most 200 characters, and nothing about a patient."),
	}
	for _, c := range slices.Backward(p.Chases) {
		who, _ := staff.By(c.By, s.Actor)
		v.Chases = append(v.Chases, staff.Happened{When: staff.Day(c.On), What: ways[c.How], Who: who + ", recorded " + staff.Moment(c.At), Text: string(c.Text)})
	}
	for _, x := range slices.Backward(p.Decisions) {
		who, _ := staff.By(x.By, s.Actor)
		v.Decisions = append(v.Decisions, staff.Happened{When: staff.Day(x.On), What: stands[x.Stand], Who: who + ", " + staff.Moment(x.At), Text: string(x.Words)})
	}
	for _, x := range slices.Backward(p.Contacts) {
		who, _ := staff.By(x.By, s.Actor)
		what := "E-mail goes to " + x.Email
		if x.Email == "" {
			what = "The address was taken away"
		}
		v.Contacts = append(v.Contacts, staff.Happened{When: staff.Moment(x.At), What: what, Who: who})
	}
	v.Mails = mails(p)
	d.house.Show(w, s, staff.Page{
		Name: "practice", Status: status, Title: staff.NameOf(code), Part: "/office/practices", Back: "/office", Faults: wrong, Done: done[r.URL.Query().Get("done")], Data: v,
	})
}

type practiceView struct {
	practiceFound
	Tags                        []nhsui.Tag
	Since, Fault, Tried, Stand  string
	Waiting                     int
	Email, Chase                staff.Ask
	Chases, Decisions, Contacts []staff.Happened
	Mails                       *nhsui.Table
}

// mails are the latest mails to a practice, newest first; nil if there was none.
func mails(p optout.Practice) *nhsui.Table {
	if len(p.Digest.Attempts) == 0 {
		return nil
	}
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "The latest mails to the practice", Size: "m"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "When"}, {Text: "To"}, {Text: "Forms"}, {Text: "What became of it"}},
	}
	for _, a := range slices.Backward(p.Digest.Attempts) {
		t.Rows = append(t.Rows, []nhsui.Cell{{Text: staff.Moment(a.At)}, {Text: a.To}, {Text: "At least " + itoa(a.AtLeast)}, {Text: outcomeText(a.Outcome)}})
	}
	return &t
}

// setPractice records where a practice is told, or how it was chased: POST /office/practices/{code}/{what}. What a
// practice decides it decides itself.
func (d *Door) setPractice(w http.ResponseWriter, r *http.Request, s signin.Session) {
	code, err := nhs.ParseODSCode(r.PathValue("code"))
	if _, ok := d.Practices.Find(code); err != nil || !ok {
		d.house.Refuse(w, r, problem.NoPractice)
		return
	}
	what := r.PathValue("what")
	filled, status, wrongCode := door.ReadForm(r)
	again := func(status int, faults []staff.Fault) { d.showPractice(w, r, s, what, filled, status, faults) }
	switch {
	case what != "email" && what != "chase":
		d.house.Refuse(w, r, problem.NotFound)
	case wrongCode != "":
		d.showPractice(w, r, s, "", nil, status, wrong("", "What was sent is no form, or far too large a one. Nothing was changed."))
	case what == "email":
		_, err = d.custody().SetEmail(r.Context(), code, s.Actor, filled.Get("email"))
		d.house.Answer(w, r, err, staff.Outcome{Onward: practiceAddress(code) + "?done=email", Again: again})
	default:
		on, x := staff.Date(filled, "on")
		if x != nil {
			again(http.StatusUnprocessableEntity, []staff.Fault{*x})
			return
		}
		_, err = d.custody().Chase(r.Context(), code, s.Actor, optout.Chase{How: filled.Get("how"), On: on, Text: optout.Text(filled.Get("text"))})
		d.house.Answer(w, r, err, staff.Outcome{Onward: practiceAddress(code) + "?done=chased", Again: again})
	}
}
