// Package door is what all doors share: how their routes are served, which headers stand on every answer, and how a
// form of a page and a JSON body are read.
package door

import (
	"net/http"
	"path"
	"strings"

	"example.org/optout/functions/internal/problem"
)

// Route is one address of a door; template.yaml has the same ones.
type Route struct {
	Method, Path string
	Serve        http.HandlerFunc
}

// Handler serves routes. What is none of them, takes another method or comes from another site is refused; policy is
// the Content-Security-Policy of every answer that does not set another.
func Handler(routes []Route, policy string, refuse func(http.ResponseWriter, *http.Request, problem.Problem)) http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range routes {
		at := r.Path
		if strings.HasSuffix(at, "/") {
			at += "{$}"
		}
		mux.HandleFunc(r.Method+" "+at, r.Serve)
		allowed[at] = append(allowed[at], r.Method)
	}
	for at, methods := range allowed {
		mux.HandleFunc(at, func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			refuse(w, q, problem.NotAllowed)
		})
	}
	nothing := func(w http.ResponseWriter, q *http.Request) { refuse(w, q, problem.NotFound) }
	mux.HandleFunc("/", nothing)

	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { refuse(w, q, problem.CrossOrigin) }))
	return headers(policy, guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if path.Clean(q.URL.Path) != q.URL.Path { // the mux would send the client elsewhere
			nothing(w, q)
			return
		}
		mux.ServeHTTP(w, q)
	})))
}

// headers are on every answer: nothing of another site is loaded, and nobody frames, sniffs or follows us.
func headers(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, older browsers say of our own forms that they come from nowhere
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// WantsPage says whether a request is answered with a page rather than with JSON.
func WantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
