package patient

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/quota"
)

// askStatus asks for a reference and a birth date: GET /status.
func (d Door) askStatus(w http.ResponseWriter, r *http.Request) {
	s := shape{page: "status", language: d.asked(r)}
	s.back = s.To("/")
	d.static(w, r, s)
}

// showStatus shows the public steps of a form to whoever has its reference and knows the birth date: POST /status.
// A wrong pair and an unknown reference are answered alike, after the same work.
func (d Door) showStatus(w http.ResponseWriter, r *http.Request) {
	s := shape{page: "status", language: d.asked(r)}
	s.back = s.To("/")
	f, status, code := door.ReadForm(r)
	if code != "" {
		s.wrong = "reference=" + code
		d.show(w, status, s, url.Values{}.Get)
		return
	}
	var faults []string
	ref, err := optout.ParseReference(f.Get("reference"))
	switch {
	case f.Get("reference") == "":
		faults = append(faults, "reference=missing")
	case err != nil:
		faults = append(faults, "reference=reference")
	}
	iso, code := d.date(s.language, f)
	birth, err := nhs.ParseBirthDate(iso, d.today())
	switch {
	case code != "":
		faults = append(faults, "birth-date="+code)
	case err != nil:
		faults = append(faults, "birth-date="+optout.FaultAt("", err).Code)
	}
	if s.wrong = strings.Join(faults, " "); s.wrong != "" {
		d.show(w, http.StatusUnprocessableEntity, s, url.Values(f).Get)
		return
	}
	steps, again, err := d.stepsOf(r, ref, birth)
	switch {
	case errors.Is(err, errTooMany):
		d.comeAgain(w, again)
		s.wrong = "reference=too-many"
		d.show(w, http.StatusTooManyRequests, s, url.Values(f).Get)
		return
	case errors.Is(err, optout.ErrNotFound):
		s.wrong = "reference=no-such-form"
		d.show(w, http.StatusNotFound, s, url.Values(f).Get)
		return
	case err != nil:
		observe.Cause(r.Context(), err)
		w.Header().Set("Retry-After", "30")
		d.help(w, r, http.StatusServiceUnavailable, "not-now")
		return
	}
	s.page, s.back = "steps", s.To("/status")
	fill := map[string]string{"about": ref.String(), "day": iso[8:], "month": iso[5:7], "year": iso[:4]}
	var shown []string
	for _, step := range steps {
		shown = append(shown, step.Step)
		fill["at-"+step.Step] = day(d.language(s.language), nhs.DateOf(step.At))
	}
	s.lists = strings.Join(shown, " ")
	d.show(w, http.StatusOK, s, func(blank string) string { return fill[blank] })
}

// stepsOf are the public steps of a form, unless somebody in this network has been guessing its birth date: then that
// network waits for that form until again, and nobody else does, nor for any other.
func (d Door) stepsOf(r *http.Request, ref optout.Reference, birth nhs.Date) (steps []optout.Step, again time.Time, err error) {
	guesser := quota.Network(r.RemoteAddr) + " " + ref.Key()
	if full, again := d.Gate.Full(r.Context(), d.Looks, guesser); full {
		return nil, again, errTooMany
	}
	steps, err = optout.StepsOf(r.Context(), d.Registrar.Store, ref, birth)
	if errors.Is(err, optout.ErrNotFound) {
		d.Gate.Take(r.Context(), d.Looks, guesser)
	}
	return steps, time.Time{}, err
}

func statusBody(v view) template.HTML {
	return execute("status.gohtml", struct {
		view
		Heading   template.HTML
		Reference nhsui.Input
		BirthDate nhsui.DateInput
		Show      nhsui.Button
	}{
		v, headed(v),
		v.input("reference", nhsui.Input{Width: 20, Code: true, Autocomplete: "off"}),
		v.birthDate(&nhsui.Legend{Text: v.text("birth-date"), Size: "s"}),
		nhsui.Button{Text: v.text("show")},
	})
}

func stepsBody(v view) template.HTML {
	page := struct {
		view
		Heading, Reference template.HTML
		Steps              nhsui.SummaryList
		Now                string
		About              map[string]string
		NotMe, Changed     nhsui.Button
	}{
		view: v, Heading: headed(v), About: map[string]string{},
		NotMe:     nhsui.Button{Text: v.text("not-me"), Variant: "secondary"},
		Changed:   nhsui.Button{Text: v.text("changed"), Variant: "secondary"},
		Reference: execute("reference.gohtml", struct{ Label, Reference string }{v.text("reference"), nhsui.Blank("about")}),
	}
	for step := range strings.FieldsSeq(v.lists) {
		page.Steps.Rows = append(page.Steps.Rows, nhsui.SummaryRow{
			Key: nhsui.SummaryCell{Text: v.text("step." + step)}, Value: nhsui.SummaryCell{Text: nhsui.Blank("at-" + step)},
		})
		page.Now = v.text("now." + step)
	}
	for _, field := range []string{"about", "day", "month", "year"} {
		page.About[field] = nhsui.Blank(field)
	}
	return execute("steps.gohtml", page)
}

// status is the same for software: POST /api/status.
func (d Door) status(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var asked struct {
		Reference string `json:"reference"`
		BirthDate string `json:"birthDate"`
	}
	if p, faults := door.ReadJSON(r, &asked); p.Code != "" {
		problem.Write(ctx, w, p, faults...)
		return
	}
	ref, err := optout.ParseReference(asked.Reference)
	var faults []optout.Fault
	if err != nil {
		faults = append(faults, optout.FaultAt("/reference", err))
	}
	birth, err := nhs.ParseDate(asked.BirthDate)
	if err != nil {
		faults = append(faults, optout.FaultAt("/birthDate", err))
	}
	if len(faults) > 0 {
		problem.Write(ctx, w, problem.WrongAnswers, faults...)
		return
	}
	steps, again, err := d.stepsOf(r, ref, birth)
	switch {
	case errors.Is(err, errTooMany):
		d.comeAgain(w, again)
		problem.Write(ctx, w, problem.TooMany)
		return
	case err != nil:
		problem.Error(ctx, w, err)
		return
	}
	type step struct {
		Step string `json:"step"`
		At   string `json:"at"`
	}
	shown := make([]step, len(steps))
	for i, s := range steps {
		shown[i] = step{s.Step, s.At.UTC().Format(time.RFC3339)}
	}
	door.WriteJSON(w, http.StatusOK, map[string][]step{"steps": shown})
}
