// Package office is the office's door: pages for those who look after what machines and practices could not go on with.
// They find a practice for a form, answer people, chase practices that act late or cannot be told, and take requests by
// telephone.
//
// The office may open every form by its reference, because people call about theirs. Every look is written down before
// anything is shown, and supervisors see the looks.
package office

import (
	"embed"
	"net/http"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// Store is what the door asks of the table.
type Store interface {
	optout.Store
	worklist.Store
	batch.Store
	upload.Store
}

// Practices is the directory of practices in England.
type Practices interface {
	optout.Practices
	// Search gives the open practices that somebody may mean by what they typed, best first.
	Search(query string, limit int) []directory.Practice
	// Find gives the practice with this code, open or not.
	Find(code nhs.ODSCode) (directory.Practice, bool)
}

// Door is the office's door.
type Door struct {
	Store       Store
	Keys        keyring.Keyring
	SignIn      *signin.Door // its pages are filled in by Handler
	Controller  string       // the data controller's name
	NHS         bool         // the NHS logo may be shown
	TestNumbers bool
	Practices   Practices
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
	{"GET", "/office", page((*Door).list)},
	{"GET", "/office/signed-in", func(d *Door) http.HandlerFunc { return d.SignIn.SignedIn }},
	{"POST", "/office/sign-out", func(d *Door) http.HandlerFunc { return d.SignIn.SignOut }},
	{"GET", "/office/stay", page((*Door).stay)},
	{"GET", "/office/signed-out", func(d *Door) http.HandlerFunc { return d.bye }},
	{"GET", "/office/forms/{reference}", page(onForm((*Door).form))},
	{"GET", "/office/forms/{reference}/{page}", page(onForm((*Door).formPage))},
	{"POST", "/office/forms/{reference}/{page}", page(onForm((*Door).act))},
	{"GET", "/office/practices", page((*Door).practices)},
	{"GET", "/office/practices/{code}", page((*Door).practice)},
	{"POST", "/office/practices/{code}/{what}", page((*Door).setPractice)},
	{"GET", "/office/phone", page((*Door).phone)},
	{"POST", "/office/phone", page((*Door).fillPhone)},
	{"POST", "/office/phone/confirm", page((*Door).confirmPhone)},
	{"GET", "/office/phone/registered", page((*Door).registeredByPhone)},
}

// page serves those who have signed in.
func page(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session)) func(*Door) http.HandlerFunc {
	return func(d *Door) http.HandlerFunc {
		return d.SignIn.Staff(func(w http.ResponseWriter, r *http.Request, s signin.Session) { serve(d, w, r, s) })
	}
}

//go:embed *.gohtml
var pages embed.FS

// Handler serves the routes.
func (d *Door) Handler() http.Handler {
	d.house = &staff.House{
		Home: "/office", Service: "Summary Care Record opt-outs: the office", Controller: d.Controller, NHS: d.NHS, Pages: pages, Looks: d.Store, Now: d.Now,
		Parts: []staff.Part{{Text: "To do", Href: "/office"}, {Text: "Telephone request", Href: "/office/phone"}, {Text: "Practices", Href: "/office/practices"}},
	}
	d.house.Open()
	d.SignIn.Refuse, d.SignIn.Bye = d.house.Refuse, d.bye
	var routes []door.Route
	for _, r := range Routes {
		routes = append(routes, door.Route{Method: r.Method, Path: r.Path, Serve: r.serve(d)})
	}
	return door.Handler(routes, d.house.Policy(), d.house.Refuse)
}

// custody is how the office acts on forms and practices.
func (d *Door) custody() optout.Custody {
	return optout.Custody{Store: d.Store, Keys: d.Keys, Practices: d.Practices, Now: d.Now}
}

func (d *Door) today() nhs.Date { return nhs.DateOf(d.Now()) }

// stay keeps somebody signed in: GET /office/stay.
func (d *Door) stay(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.house.Staying(w, r, s)
}

// bye says that somebody has signed out: GET /office/signed-out.
func (d *Door) bye(w http.ResponseWriter, r *http.Request) { d.house.Bye(w, r) }

// done are what has just been done, by what the address says.
var done = map[string]string{
	"assigned": "The form goes to the practice that you named.", "answered": "It is recorded that the person was answered. The form ends there.",
	"confirmed": "It is recorded that the person has died. The form ends there, and nobody is written to.",
	"reopened":  "The form is open again.", "numbered": "The NHS number is recorded.",
	"email": "The address is recorded.", "chased": "It is recorded how you tried to reach the practice.",
}
