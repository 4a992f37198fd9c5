package practice_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"example.org/optout/functions/internal/optout"
)

// What a page costs, before a table in memory: the handler alone, without the contract that tests hold it to.
func BenchmarkPages(b *testing.B) {
	h := newHouse(b)
	var refs []optout.Reference
	for range 100 {
		refs = append(refs, h.sent(nil))
	}
	who := h.manager()
	if a := who.post(at(refs[0], "collect"), "key", "k0"); a.status != http.StatusSeeOther {
		b.Fatalf("not collected: %d", a.status)
	}
	for name, path := range map[string]string{"inbox of 100": "/practice", "a form": at(refs[0], ""), "to apply it": at(refs[0], "apply"), "counter": "/practice/counter"} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header.Set("Accept", "text/html")
				r.AddCookie(who.cookies[0])
				w := httptest.NewRecorder()
				h.unchecked.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
