package patient

import (
	"html/template"
	"net/http"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// sent shows the reference, what happens next and when: GET /form/{journey}/sent.
func (d Door) sent(w http.ResponseWriter, r *http.Request, j *journey) {
	s := shape{page: "sent", language: j.Language, who: j.Sent.Who, kind: j.Sent.Kind, lists: "practice-unknown"}
	if s.kind == "" {
		s.kind = "choice"
	}
	if j.Sent.Practice {
		s.lists = "practice-known"
	}
	if r.URL.Query().Has("again") {
		s.note = "again"
	}
	received := time.Unix(j.Sent.At, 0)
	p := optout.PromiseOf(received)
	on := func(t time.Time) string { return day(d.language(s.language), nhs.DateOf(t)) }
	fill := map[string]string{
		"reference": j.Sent.Reference, "received": on(received), "told": on(p.Told), "found": on(p.Found), "reminded": on(p.Reminded), "answered": on(p.Answered),
	}
	d.show(w, http.StatusOK, s, func(blank string) string { return fill[blank] })
}

func sentBody(v view) template.HTML {
	page := struct {
		view
		Note  *nhsui.InsetText
		Panel nhsui.Panel
		Steps []string
		Until string
		Means string
		Close nhsui.Button
	}{
		view:  v,
		Panel: nhsui.Panel{Heading: nhsui.Heading{Text: v.text("title")}, HTML: execute("reference.gohtml", struct{ Label, Reference string }{v.text("reference"), nhsui.Blank("reference")})},
		Until: v.text("until", "date", nhsui.Blank("answered"), "controller", v.by.Name),
		Means: v.text("means"), Close: nhsui.Button{Text: v.text("close"), Variant: "secondary"},
	}
	if v.note != "" {
		page.Note = &nhsui.InsetText{Text: v.text(v.note, "date", nhsui.Blank("received")), VisuallyHiddenText: v.Say("page.information")}
	}
	steps := []string{"told", "reminded"}
	if v.lists == "practice-unknown" {
		steps = []string{"found", "told-later"}
	}
	for _, step := range append(steps, "applies") {
		page.Steps = append(page.Steps, v.text(step, "date", nhsui.Blank(step)))
	}
	return execute("sent.gohtml", page)
}

// sentBeforeBody says that other answers were sent in this journey before.
func sentBeforeBody(v view) template.HTML {
	return headed(v) + execute("reference.gohtml", struct{ Label, Reference string }{v.text("reference"), nhsui.Blank("reference")}) + v.html("html")
}
