// Package practice is the practices' door: pages for those who work there, who see what waits, collect it, apply it in
// their clinical system and say so, and an API for their software.
//
// A practice sees what is on its own list, and nothing else: the list's key is made of who signed in, never of what a
// request says.
package practice

import (
	"context"
	"embed"
	"net/http"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/export"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// Store is what the door asks of the table.
type Store interface {
	optout.Store
	worklist.Store
	upload.Store
}

// Door is the practices' door.
type Door struct {
	Store       Store
	Files       Files
	Keys        keyring.Keyring
	SignIn      *signin.Door // its pages are filled in by Handler
	Sender      export.Sender
	TestNumbers bool
	Practices   optout.Practices
	NHS         bool // the NHS logo may be shown
	Now         func() time.Time

	house *staff.House
}

// Route is one address of the door.
type Route struct {
	Method, Path string
	serve        func(*Door) http.HandlerFunc
}

// Routes are the door's addresses in the order in which people meet them; template.yaml has the same ones.
var Routes = []Route{
	{"GET", "/practice", page((*Door).inbox)},
	{"GET", "/practice/signed-in", func(d *Door) http.HandlerFunc { return d.SignIn.SignedIn }},
	{"GET", "/practice/choose", page((*Door).choose)},
	{"POST", "/practice/use", func(d *Door) http.HandlerFunc { return d.SignIn.Use }},
	{"POST", "/practice/sign-out", func(d *Door) http.HandlerFunc { return d.SignIn.SignOut }},
	{"GET", "/practice/stay", page((*Door).stay)},
	{"GET", "/practice/signed-out", func(d *Door) http.HandlerFunc { return d.bye }},
	{"GET", "/practice/forms/{reference}", page(onForm((*Door).form))},
	{"GET", "/practice/forms/{reference}/{page}", page(onForm((*Door).formPage))},
	{"POST", "/practice/forms/{reference}/{page}", page(onForm((*Door).act))},
	{"GET", "/practice/forms/{reference}/scans/{id}/{number}", page(onForm((*Door).scanPage))},
	{"GET", "/practice/list/{file}", page((*Door).list)},
	{"GET", "/practice/extract", page((*Door).lists)},
	{"POST", "/practice/extract", page((*Door).promise)},
	{"GET", "/practice/extract/{id}", page(onList((*Door).showList))},
	{"GET", "/practice/extract/{id}/{page}", page(onList((*Door).listPage))},
	{"GET", "/practice/counter", page((*Door).counter)},
	{"POST", "/practice/counter", page((*Door).fillCounter)},
	{"POST", "/practice/counter/confirm", page((*Door).confirmCounter)},
	{"GET", "/practice/counter/registered", page((*Door).registeredAtCounter)},
	{"GET", "/practice/settings", page((*Door).settings)},
	{"POST", "/practice/settings/{what}", page((*Door).set)},
	{"GET", "/api/practice/forms", machine((*Door).listForSoftware)},
	{"GET", "/api/practice/forms/{reference}", machine((*Door).formForSoftware)},
	{"POST", "/api/practice/forms/{reference}/{verb}", machine((*Door).actOfSoftware)},
	{"POST", "/api/practice/extract", machine((*Door).takeList)},
	{"GET", "/api/practice/extract/{id}", machine((*Door).stateForSoftware)},
	{"GET", "/api/practice/extract/{id}/answer.csv", machine((*Door).answerForSoftware)},
}

// page serves those who have signed in and have a practice in use.
func page(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session)) func(*Door) http.HandlerFunc {
	return func(d *Door) http.HandlerFunc {
		return d.SignIn.Staff(func(w http.ResponseWriter, r *http.Request, s signin.Session) { serve(d, w, r, s) })
	}
}

// machine serves the software of a practice.
func machine(serve func(*Door, http.ResponseWriter, *http.Request, optout.Actor)) func(*Door) http.HandlerFunc {
	return func(d *Door) http.HandlerFunc {
		return d.SignIn.Machine(func(w http.ResponseWriter, r *http.Request, a optout.Actor) { serve(d, w, r, a) })
	}
}

//go:embed *.gohtml
var pages embed.FS

// Handler serves the routes.
func (d *Door) Handler() http.Handler {
	bucket := func() []string { return []string{d.Files.Origin(context.Background())} }
	d.house = &staff.House{
		Home: "/practice", Service: "Summary Care Record opt-outs for practices", Controller: d.Sender.Controller, NHS: d.NHS, Pages: pages, Looks: d.Store, Now: d.Now,
		Sheets: bucket, Pictures: bucket,
		Parts: []staff.Part{
			{Text: "Forms", Href: "/practice"}, {Text: "Your list", Href: "/practice/extract"}, {Text: "Register a form", Href: "/practice/counter"}, {Text: "Your practice", Href: "/practice/settings"},
		},
	}
	d.house.Open()
	d.SignIn.Refuse, d.SignIn.Choose, d.SignIn.Bye = d.house.Refuse, d.chooseFirst, d.bye
	var routes []door.Route
	for _, r := range Routes {
		routes = append(routes, door.Route{Method: r.Method, Path: r.Path, Serve: r.serve(d)})
	}
	return door.Handler(routes, d.house.Policy(), d.house.Refuse)
}

// custody is how the practice acts on forms.
func (d *Door) custody() optout.Custody {
	return optout.Custody{Store: d.Store, Keys: d.Keys, Practices: d.Practices, Codes: d.Sender.Codes, Now: d.Now}
}

func (d *Door) today() nhs.Date { return nhs.DateOf(d.Now()) }

// choose lets somebody who works for several practices take another one: GET /practice/choose.
func (d *Door) choose(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.chooseFirst(w, r, s)
}

func (d *Door) chooseFirst(w http.ResponseWriter, r *http.Request, s signin.Session) {
	status, faults, back := 0, []staff.Fault(nil), ""
	switch {
	case r.Method == http.MethodGet && r.URL.Path != "/practice/choose":
		back = r.URL.RequestURI()
	case r.URL.Path == "/practice/use":
		status, faults, back = http.StatusUnprocessableEntity, []staff.Fault{{Field: "practice", Text: "Choose a practice."}}, r.PostForm.Get("back")
	case r.Method == http.MethodPost:
		d.house.Resend(w, r, problem.Problem{Status: http.StatusConflict, Title: "Choose which practice you are working for first"}, "/practice/choose", "Choose a practice")
		return
	}
	var options []staff.Option
	for _, p := range s.Practices {
		options = append(options, staff.Option{Value: p.String(), Text: staff.NameOf(p)})
	}
	chosen := door.Form{}
	if !s.Practice.IsZero() {
		chosen = door.Form{"practice": {s.Practice.String()}}
	}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Status: status, Title: "Which practice are you working for now?", Faults: faults,
		Data: staff.Ask{
			Above:  staff.Paragraphs("You see the forms of one practice at a time, and what you do is done for that one. Its name stands at the top of every page."),
			Action: "/practice/use", Fields: staff.Hidden("back", back) + staff.Fields{Form: chosen, Faults: faults}.One("practice", "Practice", "", options...),
			Button: nhsui.Button{Text: "Continue"},
		},
	})
}

// stay keeps somebody signed in: GET /practice/stay.
func (d *Door) stay(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.house.Staying(w, r, s)
}

// bye says that somebody has signed out: GET /practice/signed-out.
func (d *Door) bye(w http.ResponseWriter, r *http.Request) { d.house.Bye(w, r) }
