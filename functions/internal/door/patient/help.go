package patient

import (
	"html/template"
	"net/http"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/problem"
)

// help is the page for a request that leads nowhere: what happened, and what to do.
func (d Door) help(w http.ResponseWriter, r *http.Request, status int, code string) {
	observe.Note(r.Context(), "problem", code)
	d.show(w, status, shape{page: "help", language: d.asked(r), kind: code}, func(string) string { return "" })
}

func helpBody(v view) template.HTML {
	return execute("heading.gohtml", v.text("title")) + v.html("html", "controller", v.by.Name) +
		join(nhsui.Button{Text: v.text("start"), Href: v.To("/")})
}

// refusePage answers with a problem: as a page where a browser asks for one, else as problem details.
func (d Door) refusePage(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	if door.WantsPage(r) {
		d.help(w, r, p.Status, p.Code)
		return
	}
	problem.Write(r.Context(), w, p)
}

func (d Door) nothingHere(w http.ResponseWriter, r *http.Request) {
	d.refusePage(w, r, problem.NotFound)
}

// broken says that something is wrong on our side, and logs what.
func (d Door) broken(w http.ResponseWriter, r *http.Request, err error) {
	observe.Cause(r.Context(), err)
	d.refusePage(w, r, problem.Broken)
}
