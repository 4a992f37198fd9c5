// Package patient is the patients' door: pages and API for people who say what they want, and for those who ask
// what became of it. Patients never log in; nothing here tells whether a person exists or where they are
// registered.
package patient

import (
	"net/http"
	"path"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// Door is the patients' door.
type Door struct {
	Registrar   optout.Registrar
	Controller  string // name of the data controller, on every page
	TestNumbers bool
	Practices   optout.Practices
	Now         func() time.Time
}

// Route is one address of the door.
type Route struct {
	Method, Path string
	serve        func(Door, http.ResponseWriter, *http.Request)
}

// Routes are the door's addresses in the order in which a person meets them; template.yaml has the same ones.
var Routes = []Route{
	{"GET", "/", Door.start},
	{"POST", "/api/forms", Door.register},
	{"POST", "/api/status", Door.status},
	{"GET", "/openapi.yaml", Door.contract},
}

// Handler serves the routes.
func (d Door) Handler() http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range Routes {
		path := r.Path
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc(r.Method+" "+path, func(w http.ResponseWriter, q *http.Request) { r.serve(d, w, q) })
		allowed[path] = append(allowed[path], r.Method)
	}
	for path, methods := range allowed {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			problem.Write(q.Context(), w, problem.NotAllowed)
		})
	}
	nothing := func(w http.ResponseWriter, q *http.Request) { problem.Write(q.Context(), w, problem.NotFound) }
	mux.HandleFunc("/", nothing)

	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		problem.Write(q.Context(), w, problem.CrossOrigin)
	}))
	return headers(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if path.Clean(q.URL.Path) != q.URL.Path { // the mux would send the client elsewhere
			nothing(w, q)
			return
		}
		mux.ServeHTTP(w, q)
	})))
}

// headers are on every answer: nothing of another site is loaded, and nobody frames, sniffs or follows us.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' "+styleHash+"; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func (d Door) today() nhs.Date { return nhs.DateOf(d.Now()) }
