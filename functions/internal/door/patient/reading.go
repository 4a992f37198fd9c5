package patient

import (
	"html/template"
	"net/http"

	"example.org/optout/functions/internal/nhsui"
)

// Controller is the data controller that runs the service, as its pages name it.
type Controller struct {
	Name              string // on every page
	Contact           string // how to reach it: an e-mail address, a telephone number; "" if none is given
	ProtectionOfficer string // how to reach its data protection officer; "" if none is given
	NHS               bool   // it may use the NHS logo
}

// Reviewed is when the pages that people sign off were last looked at as a whole.
const Reviewed = "2026-11-23"

// readings are pages to read, each a long text of the language.
var readings = []string{"elsewhere", "privacy", "cookies", "accessibility"}

// reading gives the handler of one of them: GET /privacy and so on.
func reading(page string) func(Door, http.ResponseWriter, *http.Request) {
	return func(d Door, w http.ResponseWriter, r *http.Request) {
		s := shape{page: page, language: d.asked(r)}
		s.back = s.To("/")
		d.static(w, r, s)
	}
}

func readingBody(v view) template.HTML { return headed(v) + v.long(v.page) }

// long is a long text of the language, with what it may name.
func (v view) long(page string) template.HTML {
	start := struct {
		view
		Start nhsui.Button
	}{v, nhsui.Button{Text: v.Say("page.start"), PreventDoubleClick: new(true)}}
	return v.leading(v.Long(page, struct {
		Controller, Contact, ProtectionOfficer, Start template.HTML
		JourneyLasts, Reviewed                        string
	}{
		apart(v.by.Name), apart(v.by.Contact), apart(v.by.ProtectionOfficer), execute("start.gohtml", start),
		v.Say("page.journey-lasts"), v.Say("page.reviewed"),
	}))
}

// asset serves styles, scripts and icons: GET /assets/{file}.
func (d Door) asset(w http.ResponseWriter, r *http.Request) {
	if !nhsui.ServeAsset(w, r, r.PathValue("file")) {
		d.nothingHere(w, r)
	}
}

// start says what this service is and begins a journey: GET /.
func (d Door) start(w http.ResponseWriter, r *http.Request) {
	d.static(w, r, shape{page: "start", language: d.asked(r)})
}

func startBody(v view) template.HTML {
	return headed(v) + v.long("start")
}

// static shows a page that is the same for everybody.
func (d Door) static(w http.ResponseWriter, r *http.Request, s shape) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	page, ok := d.sheets.static.Load(s)
	if !ok {
		page = nhsui.Packed(d.sheet(s).Fill(func(string) string { return "" }))
		d.sheets.static.Store(s, page)
	}
	page.(http.Handler).ServeHTTP(w, r)
}
