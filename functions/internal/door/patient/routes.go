// Package patient is the patients' door: pages and API for people who say what they want, and for those who ask
// what became of it. Patients never log in; nothing here tells whether a person exists or where they are
// registered.
package patient

import (
	"cmp"
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/quota"
)

// Door is the patients' door.
type Door struct {
	Registrar   optout.Registrar
	Seals       keyring.Keyring // seals what browsers keep
	Controller  Controller
	TestNumbers bool
	Practices   Practices
	Languages   func() []*nhsui.Language // the first is spoken unless another is asked for
	Gate        *quota.Gate
	Sends       quota.Limit // forms from one network
	Looks       quota.Limit // wrong birth dates that one network gives for one reference
	Now         func() time.Time

	sheets *sheets
}

// Route is one address of the door.
type Route struct {
	Method, Path string
	serve        func(Door, http.ResponseWriter, *http.Request)
}

// Routes are the door's addresses in the order in which a person meets them; template.yaml has the same ones.
var Routes = []Route{
	{"GET", "/", Door.start},
	{"POST", "/form", Door.begin},
	{"GET", "/form/{journey}/{page}", Door.ask},
	{"POST", "/form/{journey}/{page}", Door.answer},
	{"GET", "/status", Door.askStatus},
	{"POST", "/status", Door.showStatus},
	{"GET", "/elsewhere", reading("elsewhere")},
	{"GET", "/privacy", reading("privacy")},
	{"GET", "/cookies", reading("cookies")},
	{"GET", "/accessibility", reading("accessibility")},
	{"GET", "/assets/{file}", Door.asset},
	{"POST", "/api/forms", Door.register},
	{"POST", "/api/status", Door.status},
	{"GET", "/openapi.yaml", Door.contract},
}

//go:embed words
var words embed.FS

// Languages are those that the pages speak: all there are in words, English first. They are read by the first page, so
// that a cold start that only serves the API does not pay for them.
var Languages = sync.OnceValue(func() []*nhsui.Language {
	all, err := fs.Sub(words, "words")
	if err != nil {
		panic("pages: " + err.Error())
	}
	languages, err := nhsui.ReadLanguages(all, "en")
	if err != nil {
		panic("pages: " + err.Error())
	}
	return languages
})

// language is the one with a tag, or the first.
func (d Door) language(tag string) *nhsui.Language {
	all := d.Languages()
	i := slices.IndexFunc(all, func(l *nhsui.Language) bool { return l.Tag == tag })
	return all[max(i, 0)]
}

// asked is the tag of the language that a request asks for, or goes on in; "" for the first.
func (d Door) asked(r *http.Request) string {
	inside, _ := strings.CutPrefix(r.URL.Path, "/form/")
	journey, _, _ := strings.Cut(inside, "/")
	return cmp.Or(d.languageOf(journey), d.known(r.URL.Query().Get("lang")))
}

func (d Door) known(tag string) string {
	if l := d.language(tag); l.Tag == tag && l != d.Languages()[0] {
		return tag
	}
	return ""
}

// Handler serves the routes.
func (d Door) Handler() http.Handler {
	d.sheets = &sheets{made: map[shape]*nhsui.Sheet{}}
	var routes []door.Route
	for _, r := range Routes {
		routes = append(routes, door.Route{Method: r.Method, Path: r.Path, Serve: func(w http.ResponseWriter, q *http.Request) { r.serve(d, w, q) }})
	}
	return door.Handler(routes, policy, d.refusePage)
}

// policy is what pages may load, and where their forms may lead: to us alone.
var policy = "default-src 'none'; style-src 'self'; script-src 'self' " + nhsui.EarlyScriptSource() + "; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (d Door) today() nhs.Date { return nhs.DateOf(d.Now()) }
