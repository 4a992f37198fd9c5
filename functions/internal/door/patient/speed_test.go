package patient_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
)

// quick is the door before a table in memory as it runs where nobody looks: its lines are written and thrown away,
// and no answer is held to the contract.
func quick(t testing.TB) (*house, http.Handler) {
	var serve http.Handler
	h := newHouseWith(t, func(d *patient.Door) { serve = d.Handler() })
	observer := observe.New("patient", io.Discard, h.Now)
	return h, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = observer.Invocation(r.Context(), "http", "test", func(ctx context.Context) error {
			serve.ServeHTTP(w, r.WithContext(ctx))
			return nil
		})
	})
}

// request is what a browser sends.
func request(method, address, form string, cookies ...*http.Cookie) *http.Request {
	r, err := http.NewRequest(method, "https://optout.example"+address, strings.NewReader(form))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// kept is what a browser keeps of a journey that has come to a page: its name, and what its cookie says unsealed.
func kept(h *house, page string) (id, plain string) {
	b := h.browser()
	b.begin()
	h.Move(time.Minute)
	answers := selfAnswers()
	answers["check"] = nil
	b.walk(answers, page)
	id = strings.Split(b.address, "/")[2]
	opened, err := seals.Unseal("journey "+id, b.cookies["__Host-journey-"+id], h.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return id, string(opened)
}

// resealed is the cookie of another journey with the same answers, by another person.
func resealed(h *house, id, plain string, n int64) *http.Cookie {
	number := ""
	for check := range 10 { // no number has the check digit 10; few enough to leave theirs out
		if s := fmt.Sprintf("9%08d%d", n, check); number == "" {
			if _, err := nhs.ParseNumber(s, true); err == nil {
				number = s
			}
		}
	}
	other := strings.NewReplacer(`"k":"`, fmt.Sprintf(`"k":"%d-`, n), `"nhsNumber":"943 476 5919"`, fmt.Sprintf(`"nhsNumber":%q`, number)).Replace(plain)
	sealed, err := seals.Seal("journey "+id, h.Now().Add(time.Hour), []byte(other))
	if err != nil {
		panic(err)
	}
	return &http.Cookie{Name: "__Host-journey-" + id, Value: sealed}
}

// cpu is the CPU time that the test has used so far: what counts where others use the machine too.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkJourney is what a person's way costs the handler who answers everything at once: the start page, the last
// question answered, all answers shown, and sent. Every journey is another person's.
func BenchmarkJourney(b *testing.B) {
	h, handler := quick(b)
	id, plain := kept(h, "language")
	var people atomic.Int64
	var mutex sync.Mutex
	var all []time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	b.RunParallel(func(pb *testing.PB) {
		var took []time.Duration
		for pb.Next() {
			began := time.Now()
			cookie := resealed(h, id, plain, people.Add(1))
			for _, step := range []struct {
				method, address, form string
				status                int
			}{
				{http.MethodGet, "/", "", http.StatusOK},
				{http.MethodPost, "/form/" + id + "/language", "language=english", http.StatusSeeOther},
				{http.MethodGet, "/form/" + id + "/check", "", http.StatusOK},
				{http.MethodPost, "/form/" + id + "/check", "website=", http.StatusSeeOther},
			} {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, request(step.method, step.address, step.form, cookie))
				if w.Code != step.status {
					b.Errorf("%s %s is answered %d", step.method, step.address, w.Code)
					return
				}
				if set := w.Result().Cookies(); len(set) > 0 {
					cookie = set[0]
				}
			}
			took = append(took, time.Since(began))
		}
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, took...)
	})
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "µs-CPU")
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "journeys/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}

// pages are requests for one page each, which was shown before, by what it is.
func pages(h *house) map[string]func() *http.Request {
	at := func(page string) func(address, form string) func() *http.Request {
		id, plain := kept(h, page)
		cookie := resealed(h, id, plain, 1)
		return func(address, form string) func() *http.Request {
			method := http.MethodGet
			if form != "" {
				method = http.MethodPost
			}
			return func() *http.Request { return request(method, "/form/"+id+"/"+address, form, cookie) }
		}
	}
	who, fresh, number, check, sent := at("who"), at("name"), at("which-number"), at("check"), at("sent")
	person := url.Values{"reference": {h.send("POST", "/api/forms", key, dissent(h.t, nil)).receipt(h.t).Reference}, "day": {"31"}, "month": {"3"}, "year": {"1957"}}
	return map[string]func() *http.Request{
		"start":                       func() *http.Request { return request(http.MethodGet, "/", "") },
		"question":                    fresh("name", ""),
		"question with its answer":    check("name", ""),
		"question with twenty offers": check("practice?q=Stockton", ""),
		"question with a fault":       number("which-number", "nhs-number=943+476+5918"),
		"question that is made anew":  who("who", "who=Quillfeather"), // which is none of the answers
		"check":                       check("check", ""),
		"sent":                        sent("sent", ""),
		"steps":                       func() *http.Request { return request(http.MethodPost, "/status", person.Encode()) },
		"help":                        func() *http.Request { return request(http.MethodGet, "/nowhere", "") },
	}
}

// BenchmarkPages is what one page costs the handler.
func BenchmarkPages(b *testing.B) {
	h, handler := quick(b)
	all := pages(h)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, all[name]())
				if w.Body.Len() < 1000 {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "µs-CPU")
		})
	}
}

// To make a page takes many times the work of filling it in again, faults and all. This test is alone while it runs:
// it counts allocations.
func TestAPageIsMadeOnce(t *testing.T) {
	h, handler := quick(t)
	allocations := func(page func() *http.Request) (n, status int) {
		n = int(testing.AllocsPerRun(20, func() {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, page())
			status = w.Code
		}))
		return n, status
	}
	for name, page := range pages(h) {
		least, most, want := 1, 250, http.StatusOK
		switch name {
		case "question with twenty offers": // which are searched for each time
			most = 1300
		case "question with a fault":
			want = http.StatusUnprocessableEntity
		case "question that is made anew": // lest what was answered be remembered with its page
			least, most, want = 400, 2000, http.StatusUnprocessableEntity
		case "help":
			want = http.StatusNotFound
		}
		if n, status := allocations(page); n < least || n > most || status != want {
			t.Errorf("%s: %d allocations, want %d to %d; status %d, want %d", name, n, least, most, status, want)
		}
	}
}
