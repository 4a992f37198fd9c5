package practice

import (
	"net/http"
	"slices"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// stands are what a practice can decide, in words.
var stands = map[optout.Stand][2]string{
	optout.TakePart: {"We take part", "We make Summary Care Records, and apply the forms that come in."},
	optout.Wait:     {"We wait", "We do not make any yet. Forms are kept for us, and we are reminded once a month."},
	optout.Stopped:  {"We have stopped", "We make none any more. Forms are kept for us, and we are reminded once a month."},
}

// settings show what the practice has decided for itself and where it is told: GET /practice/settings.
func (d *Door) settings(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.showSettings(w, r, s, door.Form{}, 0, nil)
}

func (d *Door) showSettings(w http.ResponseWriter, r *http.Request, s signin.Session, filled door.Form, status int, faults []staff.Fault) {
	p, err := d.Store.Practice(r.Context(), s.Practice)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	about := filled.Get("about")
	var decided, told door.Form
	if about == "decision" {
		decided = filled
	} else {
		decided = staff.WithDay(door.Form{}, "on", d.today())
		if n := len(p.Decisions); n > 0 {
			decided["stand"] = []string{string(p.Decisions[n-1].Stand)}
		}
	}
	if told = filled; about != "email" {
		told = door.Form{"email": {p.Email}}
	}
	b := staff.Fields{Form: decided, Faults: faults}
	var options []staff.Option
	for _, st := range []optout.Stand{optout.TakePart, optout.Wait, optout.Stopped} {
		options = append(options, staff.Option{Value: string(st), Text: stands[st][0], Hint: stands[st][1]})
	}
	v := settingsView{
		Name: staff.NameOf(s.Practice), TakesPart: len(p.Decisions) == 0,
		Decision: staff.Ask{
			Action: "/practice/settings/decision", Button: nhsui.Button{Text: "Record the decision"},
			Fields: staff.For(s) + b.One("stand", "What has your practice decided?", "Only your practice decides this. Forms reach you whatever it is.", options...) +
				b.Day("on", "On which day?", "") + b.Words("words", "In your own words", "This is kept with the decision."),
		},
		Contact: staff.Ask{
			Action: "/practice/settings/email", Button: nhsui.Button{Text: "Record the address"},
			Fields: staff.For(s) + staff.Fields{Form: told, Faults: faults}.Line("email", "E-mail address at which your practice is told that forms wait", "A shared address that somebody reads every working day. Nothing about patients is ever sent to it. Leave it empty to have it taken away.", 0),
		},
	}
	for _, x := range slices.Backward(p.Decisions) {
		who, _ := staff.By(x.By, s.Actor)
		v.Decisions = append(v.Decisions, staff.Happened{When: staff.Day(x.On), What: stands[x.Stand][0], Who: who + ", " + staff.Moment(x.At), Text: string(x.Words)})
	}
	for _, x := range slices.Backward(p.Contacts) {
		who, _ := staff.By(x.By, s.Actor)
		what := "E-mail goes to " + x.Email
		if x.Email == "" {
			what = "The address was taken away"
		}
		v.Contacts = append(v.Contacts, staff.Happened{When: staff.Moment(x.At), What: what, Who: who})
	}
	if !p.Digest.Sent.IsZero() {
		v.Told = staff.Moment(p.Digest.Sent)
	}
	switch p.Digest.Fault {
	case "":
	case "no-address":
		v.Fault = "We have no address for you, and so could not tell you that forms wait. Give us one."
	default:
		v.Fault = "Our last mail to you could not be delivered. Check the address."
	}
	d.house.Show(w, s, staff.Page{Name: "settings", Status: status, Title: "Your practice", Part: "/practice/settings", Faults: faults, Done: done[r.URL.Query().Get("done")], Data: v})
}

type settingsView struct {
	Name                string
	TakesPart           bool // because nothing else was said
	Decision, Contact   staff.Ask
	Decisions, Contacts []staff.Happened
	Told, Fault         string
}

// set records a decision of the practice, or where it is told: POST /practice/settings/{what}.
func (d *Door) set(w http.ResponseWriter, r *http.Request, s signin.Session) {
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showSettings(w, r, s, door.Form{}, status, []staff.Fault{{Text: "What was sent is no form, or far too large a one. Nothing was changed."}})
		return
	}
	what := r.PathValue("what")
	filled["about"] = []string{what}
	if wrong := staff.Elsewhere(filled, s); wrong != nil {
		d.showSettings(w, r, s, filled, http.StatusConflict, []staff.Fault{*wrong})
		return
	}
	var err error
	switch what {
	case "decision":
		on, x := staff.Date(filled, "on")
		if x != nil {
			d.showSettings(w, r, s, filled, http.StatusUnprocessableEntity, []staff.Fault{*x})
			return
		}
		_, err = d.custody().Decide(r.Context(), s.Practice, s.Actor, optout.Decision{Stand: optout.Stand(filled.Get("stand")), Words: optout.Text(filled.Get("words")), On: on})
	case "email":
		_, err = d.custody().SetEmail(r.Context(), s.Practice, s.Actor, filled.Get("email"))
	default:
		d.house.Refuse(w, r, problem.NotFound)
		return
	}
	d.house.Answer(w, r, err, staff.Outcome{Onward: "/practice/settings?done=" + what, Again: func(status int, faults []staff.Fault) {
		d.showSettings(w, r, s, filled, status, faults)
	}})
}
