package patient_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Whatever is sent to whichever page: it leads on, or the page says in sentences what is wrong, and is still our page.
func FuzzForm(f *testing.F) {
	h := newHouse(f)
	pages := append(append([]string{}, asking...), "check", "status", "form")
	at := map[string]*browser{"status": h.strict(f), "form": h.strict(f)}
	at["status"].address, at["form"].address = "/status", "/form"
	for n, page := range pages {
		if at[page] == nil {
			at[page] = h.standingOn(quiet{}, page)
		}
		f.Add(n, pairs(everything()[page]...).Encode())
		f.Add(n, "")
	}
	for _, value := range odd {
		for n, page := range pages {
			if len(value) < 1000 && slices.Contains([]string{"declaration", "address", "status"}, page) {
				form := pairs(everything()[page]...)
				for field := range form {
					form.Set(field, value)
				}
				f.Add(n, form.Encode())
			}
		}
	}
	for _, body := range []string{"%", "a;b", "safe=email&safe=none", "day=29&month=feb&year=1900", "reference=0000-0000-0000-0000-0&day=1&month=1&year=2000", "website=x", "about=0&kind=not-me", "practice=offered-0&q=leeds"} {
		for n := range pages {
			f.Add(n, body)
		}
	}
	f.Fuzz(func(t *testing.T, n int, body string) {
		h.log.Reset()
		page := pages[uint(n)%uint(len(pages))]
		b := at[page].twin()
		b.t, b.handler = t, h.unchecked
		answer := b.raw(http.MethodPost, b.address, body)
		switch b.status {
		case http.StatusSeeOther:
			to := answer.Header.Get("Location")
			if b.get(to); b.status != http.StatusOK {
				t.Errorf("%s leads to %s, which is answered %d", page, to, b.status)
			}
			b.holds()
		case 200, 400, 404, 409, 413, 422:
			b.holds()
			if b.status >= 400 && page != "form" && b.text("nhsuk-error-summary") == "" {
				t.Errorf("%s is answered %d without help", page, b.status)
			}
		default:
			t.Errorf("%s is answered %d", page, b.status)
		}
		form, _ := url.ParseQuery(body)
		for _, field := range []string{"forenames", "surname", "line-1", "proxy-name", "email"} {
			if typed := strings.TrimSpace(form.Get(field)); len(typed) > 12 && strings.Contains(h.log.String(), typed) {
				t.Errorf("the log has what was typed: %s", h.log.String())
			}
		}
	})
}

// Whatever stands in a cookie: what we sealed for this journey opens it, and nothing else opens anything.
func FuzzCookie(f *testing.F) {
	h := newHouse(f)
	one, other := h.standingOn(quiet{}, "address"), h.standingOn(quiet{}, "check")
	sealed := func(b *browser) string { return b.cookies[cookieName+b.journey()] }
	for _, id := range []string{one.journey(), other.journey(), "", "aaaaaaaa", "%2e%2e", strings.Repeat("a", 300)} {
		for _, value := range []string{sealed(one), sealed(other), "", "0.", "0.AAAA", "1." + sealed(one)[2:]} {
			f.Add(id, value)
			f.Add(id, value[:len(value)/2]+"\n")
		}
	}
	f.Fuzz(func(t *testing.T, id, value string) {
		h.log.Reset()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, page := range []string{"address", "check", "sent"} {
				r, err := http.NewRequest(method, "https://optout.example/", strings.NewReader("no-address=yes"))
				if err != nil {
					t.Fatal(err)
				}
				r.URL.Path = "/form/" + id + "/" + page
				r.Header = http.Header{"Accept": {"text/html"}, "Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {cookieName + id + "=" + value}}
				w := httptest.NewRecorder()
				h.unchecked.ServeHTTP(w, r)
				c, err := r.Cookie(cookieName + id)
				if err == nil {
					_, err = seals.Unseal("journey "+id, c.Value, h.Now())
				}
				if opened := w.Code != http.StatusNotFound; opened && err != nil || w.Code >= 500 {
					t.Errorf("%s %q is answered %d, and unsealed as %v", method, r.URL.Path, w.Code, err)
				}
				if err != nil && w.Header().Get("Set-Cookie") != "" {
					t.Errorf("%s %q sets %s", method, r.URL.Path, w.Header().Get("Set-Cookie"))
				}
				if w.Code == http.StatusSeeOther {
					continue
				}
				b := &browser{t: t, address: r.URL.Path, status: w.Code, source: w.Body.String()}
				if b.page, err = html.Parse(strings.NewReader(b.source)); err != nil {
					t.Fatal(err)
				}
				b.holds()
			}
		}
	})
}
