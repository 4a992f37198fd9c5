package patient

import (
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
)

// soonest is how long a person needs at least from the beginning to the end of a journey; a machine that is quicker
// is asked to send again, and so is whoever fills in the field that nobody sees.
const soonest = 4 * time.Second

// trap is the name of that field.
const trap = "website"

// check shows all answers and what will follow from them: GET /form/{journey}/check. A code says why what was sent
// has not been taken; note is a text for what is nobody's fault.
func (d Door) check(w http.ResponseWriter, j *journey, status int, code, note string) {
	s := d.shapeOf(j, "check")
	s.chosen, s.note = j.Answers.Choice, note
	s.back = s.To("/")
	fill := map[string]string{}
	v := view{s, d.language(s.language), d.Controller}
	var rows []string
	for _, q := range questions() {
		if !q.isAsked(d, j) {
			continue
		}
		s.back = q.name
		if q.answer == nil {
			continue
		}
		if fill[q.name] = q.answer(d, v, j); fill[q.name] != "" {
			rows = append(rows, q.name)
		}
	}
	if j.Answers.About != "" { // which is of the person whose birth date was given with it
		birth, _ := nhs.ParseDate(j.Answers.Subject.BirthDate)
		rows = append([]string{"about"}, rows...)
		fill["about"] = v.Say("about.form", "reference", j.Answers.About, "date", day(v.Language, birth))
	}
	s.lists = strings.Join(rows, " ")
	if code != "" {
		s.wrong = "send=" + code
	}
	d.show(w, status, s, func(blank string) string { return fill[blank] })
}

func checkBody(v view) template.HTML {
	page := struct {
		Heading  template.HTML
		Note     *nhsui.NotificationBanner
		Answers  nhsui.SummaryList
		Means    nhsui.WarningCallout
		Trap     *nhsui.Input
		Send     nhsui.Button
		Forget   nhsui.Button
		Declares string
	}{
		Heading: headed(v), Declares: v.text("declares"),
		Means:  nhsui.WarningCallout{Heading: nhsui.Heading{Text: v.text("means"), VisuallyHiddenText: v.Say("page.important")}, Text: v.text("consequence." + v.outcome())},
		Trap:   &nhsui.Input{Name: trap, ID: trap, Label: nhsui.Label{Text: v.text("trap")}, Autocomplete: "off", Attributes: nhsui.Attributes{"tabindex": "-1"}},
		Send:   nhsui.Button{Text: v.text("send"), ID: "send", PreventDoubleClick: new(true)},
		Forget: nhsui.Button{Text: v.text("forget"), Variant: "secondary"},
	}
	if v.wrong != "" { // whoever fell into the trap does not find it again
		page.Trap = nil
	}
	if v.note != "" {
		page.Note = &nhsui.NotificationBanner{Title: nhsui.Heading{Text: v.Say("page.important")}, Text: v.text(v.note)}
	}
	for q := range strings.FieldsSeq(v.lists) {
		page.Answers.Rows = append(page.Answers.Rows, nhsui.SummaryRow{
			Key: nhsui.SummaryCell{Text: v.row(q)}, Value: nhsui.SummaryCell{HTML: apart(nhsui.Blank(q))},
			Actions: nhsui.Actions{{Href: q, Text: v.text("change"), VisuallyHiddenText: v.row(q)}},
		})
		if questionNamed(q) == nil { // nobody was asked
			page.Answers.Rows[len(page.Answers.Rows)-1].Actions = nil
		}
	}
	return execute("check.gohtml", page)
}

// outcome is what is asked for: a choice, or to take one back.
func (v view) outcome() string {
	if v.chosen == "" {
		return v.kind
	}
	return v.chosen
}

// row names a question among the answers.
func (v view) row(question string) string {
	v.page = question
	return v.text("row")
}

// send registers the form and shows its reference: POST /form/{journey}/check. The journey's key makes a double click,
// a page that is loaded again and a cookie that is used again the same form.
func (d Door) send(w http.ResponseWriter, r *http.Request, j *journey) {
	ctx := r.Context()
	if next := d.next(j); next != "check" {
		redirect(w, j.at(next))
		return
	}
	f, status, code := door.ReadForm(r)
	switch {
	case code != "":
		d.check(w, j, status, code, "")
		return
	case f.Get(trap) != "":
		observe.Count(ctx, "TrapsSprung", 1)
		d.check(w, j, http.StatusUnprocessableEntity, "trap", "")
		return
	case d.Now().Sub(time.Unix(j.Began, 0)) < soonest:
		observe.Count(ctx, "TrapsSprung", 1)
		d.check(w, j, http.StatusUnprocessableEntity, "too-quick", "")
		return
	}
	origin := optout.Origin{Door: optout.Online, Client: "anonymous", Key: j.Key}
	facts, faults := d.rules().Accept(j.Answers)
	var receipt optout.Receipt
	var again time.Time
	var err error
	if len(faults) == 0 {
		receipt, again, err = d.within(r, origin, j.Answers, facts)
	} else { // the rules, or the day, are others now; what was sent before gets its answer all the same
		receipt, err = d.Registrar.Replay(ctx, origin, &j.Answers)
	}
	switch {
	case len(faults) > 0 && errors.Is(err, optout.ErrNotFound):
		d.askAgain(w, r, j, faults)
		return
	case errors.Is(err, errTooMany):
		d.comeAgain(w, again)
		d.check(w, j, http.StatusTooManyRequests, "too-many", "")
		return
	case errors.Is(err, optout.ErrOtherAnswers):
		s := d.shapeOf(j, "sent-before")
		ref := d.Registrar.Keys.Reference(origin).String()
		d.show(w, http.StatusConflict, s, func(string) string { return ref })
		return
	case err != nil:
		observe.Cause(ctx, err)
		w.Header().Set("Retry-After", "30")
		d.check(w, j, http.StatusServiceUnavailable, "", "not-now")
		return
	}
	note(r, receipt)
	after := &journey{ID: j.ID, Key: j.Key, Began: j.Began, Sent: &sending{
		Reference: receipt.Reference.String(), At: receipt.Received.Unix(), Kind: j.Answers.Kind,
		Who: j.Who, Practice: j.Answers.Practice != "" || j.Answers.Kind != "",
	}}
	if err := d.keep(w, r, after); err != nil {
		d.broken(w, r, err)
		return
	}
	page := "sent"
	if receipt.Replayed {
		page = "sent?again=1"
	}
	redirect(w, j.at(page))
}

// askAgain leads to the first question that has a fault now.
func (d Door) askAgain(w http.ResponseWriter, r *http.Request, j *journey, faults []optout.Fault) {
	for _, q := range questions() {
		for _, f := range faults {
			if q.fault != nil && q.fault(f.Pointer, j) != "" && q.isAsked(d, j) {
				j.forget(q.name)
				if err := d.keep(w, r, j); err != nil {
					d.broken(w, r, err)
					return
				}
				redirect(w, j.at(q.name))
				return
			}
		}
	}
	d.broken(w, r, errors.New("a fault that no question is about: "+faults[0].Pointer+" "+faults[0].Code))
}
