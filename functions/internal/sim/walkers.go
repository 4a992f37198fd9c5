package sim

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/quota"
)

var _ = Join("walkers", func(testing.TB) func() Part {
	web := NewWeb("patient", patientsDoor(&directory.Shipped{}, quota.Limit{Name: "looks", Per: 10 * time.Minute}))
	return func() Part { return &walkers{web: web} }
})

// walkers are people who fill in the pages in a browser, one question after the other, and send what they are shown at the end:
// twice, again when no answer comes, once more from a page that they went back to, or something else from there.
type walkers struct {
	web  Web
	w    *World
	rand *rand.Rand // of its own: what they do changes nothing that others do
	all  []*walker
}

// walker is one of them.
type walker struct {
	*Sent
	part    *walkers
	says    optout.Answers
	cookies map[string]string
	before  map[string]string // the cookies when all was filled in, and nothing sent
	journey string            // address of its pages
}

// Begin implements Part.
func (p *walkers) Begin(w *World) {
	p.w, p.rand = w, rand.New(rand.NewPCG(w.Seed, 5))
	w.fewCome(p.rand, onPages, p.comes)
}

// comes has somebody begin.
func (p *walkers) comes(who *Person) {
	var about *Sent
	for _, s := range p.w.Sent {
		if s.Person == who && s.Confirmed() && p.rand.IntN(3) == 0 {
			about = s
		}
	}
	b := &walker{part: p, says: p.w.answers(p.rand, who, about), cookies: map[string]string{}}
	if b.says.Practice = who.Practice; p.rand.IntN(8) == 0 {
		b.says.Practice, b.says.NotRegistered = "", true
	}
	b.Sent = saying(who, b.says)
	p.all = append(p.all, b)
	form := url.Values{}
	if b.says.Kind != "choice" { // they come from what has become of an earlier form
		form = day(who.Birth, url.Values{"about": {b.says.About}})
		if b.says.Kind == "not-me" {
			form.Set("kind", "not-me")
		}
	}
	b.insist("/form", form, 0, func(r Response) { b.goes(r) })
}

// day fills in the day of a page that asks for one only.
func day(iso string, form url.Values) url.Values {
	for name, v := range staff.WithDay(door.Form{}, "x", nhs.StoredDate(iso)) {
		form[strings.TrimPrefix(name, "x-")] = v
	}
	return form
}

// ask has the browser ask for a page or send one, and keep what cookies come with the answer.
func (b *walker) ask(method, path string, form url.Values, hear func(Response)) {
	path, _, _ = strings.Cut(path, "#")
	var sent []string
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		sent = append(sent, name+"="+b.cookies[name])
	}
	h := map[string]string{"cookie": strings.Join(sent, "; "), "host": "optout.example", "accept": "text/html", "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
	b.part.w.Send("patient page", b.part.web, Request{Method: method, Path: path, Header: h, Body: form.Encode()}, func(r Response) {
		for _, line := range r.Cookies {
			if c, err := http.ParseSetCookie(line); err == nil && c.MaxAge < 0 {
				delete(b.cookies, c.Name)
			} else if err == nil {
				b.cookies[c.Name] = c.Value
			}
		}
		hear(r)
	})
}

// insist sends a page again and again until it is answered or its sender gives up.
func (b *walker) insist(path string, form url.Values, times int, then func(Response)) {
	w, method := b.part.w, http.MethodPost
	if form == nil {
		method = http.MethodGet
	}
	b.ask(method, path, form, func(r Response) {
		switch {
		case !r.failed():
			then(r)
		case times > 20 && !w.stormy:
			w.Wrong("%s is not answered, and nothing fails any more: %d", path, r.Status)
		case w.stormy && b.Confirmed() && times > 6: // they have their answer
		case w.stormy && (times > 6 || b.part.rand.IntN(20) == 0):
			b.GivenUp = true
			w.Did("pages: given up without an answer")
		default:
			w.After(time.Second<<min(times, 8)+soon(b.part.rand, time.Second), func() { b.insist(path, form, times+1, then) })
		}
	})
}

// goes goes where an answer leads, and does there what is asked.
func (b *walker) goes(r Response) {
	to := r.Header["Location"]
	if r.Status != http.StatusSeeOther || !strings.HasPrefix(to, "/form/") {
		b.part.w.Wrong("somebody who filled in the pages of %s is answered with %d %s: %.500s", b.journey, r.Status, to, r.shown())
		return
	}
	b.insist(to, nil, 0, func(r Response) {
		path, _, _ := strings.Cut(to, "?")
		page := path[strings.LastIndexByte(path, '/')+1:]
		switch {
		case r.Status == http.StatusSeeOther:
			b.goes(r)
		case r.Status != http.StatusOK:
			b.part.w.Wrong("%s is answered with %d: %.500s", to, r.Status, r.shown())
		case page == "sent":
			b.told(r)
		case page == "check":
			b.part.w.After(10*time.Second+soon(b.part.rand, time.Minute), func() { b.checks(strings.TrimSuffix(path, "check")) })
		default:
			form := b.answers(page)
			if form == nil {
				b.part.w.Wrong("nobody knows what to say on the page %s", to)
				return
			}
			b.part.w.After(time.Second+soon(b.part.rand, 20*time.Second), func() { b.insist(path, form, 0, b.goes) })
		}
	})
}

// answers are what somebody fills in on a page; nil where they do not know what.
func (b *walker) answers(page string) url.Values {
	a := b.says
	one := func(field, value string) url.Values { return url.Values{field: {value}} }
	yes := map[bool]string{true: "yes", false: "no"}
	switch page {
	case "choice":
		if a.Kind == "withdrawal" {
			return one("choice", a.Kind)
		}
		return one("choice", a.Choice)
	case "who":
		switch {
		case a.Proxy == nil:
			return one("who", "self")
		case a.Proxy.Capacity == "parent":
			return one("who", "child")
		}
		return one("who", "adult")
	case "capacity":
		return one("capacity", a.Proxy.Capacity)
	case "declaration":
		return url.Values{"proxy-name": {a.Proxy.Name}, "declared": {"yes"}}
	case "name":
		return url.Values{"forenames": {a.Subject.Forenames}, "surname": {a.Subject.Surname}}
	case "birth-date":
		return day(a.Subject.BirthDate, url.Values{})
	case "nhs-number":
		return one("known", yes[a.Subject.NHSNumber != ""])
	case "which-number":
		return one("nhs-number", a.Subject.NHSNumber)
	case "address":
		return url.Values{"line-1": {a.Subject.Address[0]}, "postcode": {a.Subject.Postcode}}
	case "practice":
		if a.NotRegistered {
			return one("practice", "none")
		}
		return one("practice", a.Practice)
	case "reply":
		if a.Kind == "choice" && b.part.rand.IntN(2) == 0 {
			return one("safe", "post")
		}
		return one("safe", "none")
	case "format":
		return one("format", "standard")
	case "language":
		return one("language", "english")
	case "sure-young", "sure-practice", "sure-birth-date":
		return url.Values{}
	}
	return nil
}

// checks sends what was filled in, once it was looked through. From then on the form may be registered, whatever comes back: under the
// key that the browser keeps sealed.
func (b *walker) checks(journey string) {
	w, rand := b.part.w, b.part.rand
	if b.journey == "" {
		b.journey, b.before = journey, maps.Clone(b.cookies)
		id := strings.Trim(strings.TrimPrefix(journey, "/form/"), "/")
		plain, err := ring.Unseal("journey "+id, b.cookies["__Host-journey-"+id], w.Now())
		var kept struct {
			Key string `json:"k"`
		}
		if err != nil || json.Unmarshal(plain, &kept) != nil || kept.Key == "" {
			w.Wrong("the browser has not kept the journey %s: %v", id, err)
			return
		}
		b.At = w.Now()
		w.sends(b.Sent, online(kept.Key))
		w.Count.Forms++
	}
	b.insist(journey+"check", url.Values{}, 0, b.goes)
	if rand.IntN(8) == 0 {
		w.Did("pages: clicked twice")
		b.insist(journey+"check", url.Values{}, 0, b.goes)
	}
}

var referenceIn = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}-[0-9A-Z]\b`)

// told is that somebody sees the page with the reference, the same one as before if there was one.
func (b *walker) told(r Response) {
	w, rand := b.part.w, b.part.rand
	reference := referenceIn.FindString(r.shown())
	switch {
	case reference == "":
		w.Wrong("the page of what was sent shows no reference: %.500s", r.shown())
		return
	case b.Confirmed() && b.Reference != reference:
		w.Wrong("the reference was %s, and is now %s", b.Reference, reference)
		return
	case b.Confirmed():
		return
	}
	b.Reference, b.GivenUp = reference, false
	w.Did("registered on the pages")
	if !w.stormy {
		return
	}
	later := soon(rand, 20*time.Hour)
	switch rand.IntN(6) {
	case 0:
		w.After(later, func() { b.sendsAgain() })
	case 1:
		w.After(later, func() { b.sendsOther() })
	case 2:
		w.Did("pages: asked how far it is")
		b.insist("/status", day(b.Person.Birth, url.Values{"reference": {b.Reference}}), 7, func(r Response) {
			if r.Status != http.StatusOK {
				w.Wrong("whoever sent %s on the pages is told %d: %.500s", b.Reference, r.Status, r.shown())
			}
		})
	}
}

// sendsAgain sends what was sent from a page that somebody went back to: it is the same form.
func (b *walker) sendsAgain() {
	b.part.w.Did("pages: gone back to, and sent again")
	b.cookies = maps.Clone(b.before)
	b.insist(b.journey+"check", url.Values{}, 7, b.goes)
}

// sendsOther sends something else from there: nothing is registered, and they are told what was.
func (b *walker) sendsOther() {
	if b.says.Kind != "choice" {
		return
	}
	w := b.part.w
	w.Did("pages: gone back to, and sent otherwise")
	b.cookies = maps.Clone(b.before)
	other := "dissent"
	if b.says.Choice == other {
		other = "core"
	}
	b.insist(b.journey+"choice", url.Values{"choice": {other}}, 7, func(Response) {
		b.insist(b.journey+"check", url.Values{}, 7, func(r Response) {
			if r.Status != http.StatusConflict || !strings.Contains(r.shown(), b.Reference) {
				w.Wrong("%s was sent otherwise from a page that somebody went back to, and the answer is %d: %.500s", b.Reference, r.Status, r.shown())
			}
		})
	})
}

// Settle implements Part: whoever has begun tries until there is an answer.
func (p *walkers) Settle(*World) {}

// Check implements Part. What became of the forms is asked of all that came online (patients.Check).
func (p *walkers) Check(w *World) {
	for _, b := range p.all {
		if !b.Confirmed() && !b.GivenUp {
			w.Wrong("whoever fills in the pages of %s has still no answer", b.journey)
		}
	}
}
