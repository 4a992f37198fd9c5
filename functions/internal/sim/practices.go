package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/practice"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/export"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/signin/signintest"
	"example.org/optout/functions/internal/worklist"
)

var _ = Join("practices", func(tb testing.TB) func() Part {
	issuer, web := issuing(tb), practicesDoor(tb)
	tokens := map[string]string{}
	for _, code := range practices {
		tokens[code] = issuer.Lasting(tb, "client-"+code, worldsBegin, worldsLast)
	}
	return func() Part { return &practicesPart{tokens: tokens, web: web} }
})

// practicesDoor is the practices' door, of their software and their pages.
func practicesDoor(tb testing.TB) Web {
	door := practice.Door{
		Store: reach(), Files: files{}, Keys: ring, SignIn: signIn(issuing(tb), signin.Practice),
		Sender: export.Sender{Controller: "Testshire", References: "https://optout.example/reference"}, TestNumbers: true, Practices: elsewhere{}, Now: now,
	}
	return NewWeb("practice", door.Handler())
}

// elsewhere are the practices of the world that happens.
type elsewhere struct{ directory.Shipped }

// Known implements optout.Practices.
func (elsewhere) Known(c nhs.ODSCode) bool { return current.Known(c) }

// Destination implements optout.Practices.
func (elsewhere) Destination(c nhs.ODSCode) (nhs.ODSCode, bool) { return current.Destination(c) }

// reach is the table of the world that happens, by calls each of which may fail.
func reach() dynamo.Store { return dynamo.Over(calls(), tableName) }

// practicesPart are the practices: they collect, apply, return and correct by their software, or by the door's pages; late,
// twice, never, and out of order. They send lists in one of three histories of less than a thousand forms, and in one of nine of one form
// that are not brief.
type practicesPart struct {
	tokens map[string]string // of the practices' software
	web    Web
	w      *World
	all    []*surgery
	lists  bool // they send lists
}

// surgery is one practice, with its clinical system.
type surgery struct {
	part  *practicesPart
	code  string
	token string
	every time.Duration // between two visits; 0: it never comes by itself
	coded map[string]string
	keen  bool      // it does everything that waits
	desk  [2]member // who use the pages
	pages bool      // what is said is said by them, and not by the software

	entered bool // the software may use the door
}

// Begin implements Part.
func (p *practicesPart) Begin(w *World) {
	p.w, p.lists = w, w.Rand.IntN(3) == 0 && (w.lone == "" || w.Rand.IntN(3) == 0) && !w.brief || w.all
	for _, code := range w.Codes {
		s := &surgery{part: p, code: code, token: p.tokens[code], coded: map[string]string{}, pages: w.Rand.IntN(8) == 0 && !w.brief}
		for n := range s.desk {
			s.desk[n] = member{Actor: optout.Actor{Role: optout.Clinician, Practice: nhs.StoredODSCode(code), ID: fmt.Sprint("u-", 2+n)}, w: w, rand: w.Rand, door: "practice", web: p.web, groups: []string{"ods-" + code, "clinician"}}
		}
		s.every = []time.Duration{0, 3 * time.Hour, 12 * time.Hour, 40 * time.Hour}[w.Rand.IntN(4)]
		if w.brief {
			s.every = time.Duration(w.Rand.IntN(4)) * time.Hour
		}
		p.all = append(p.all, s)
		if s.every > 0 {
			w.After(w.Soon(s.every), s.comes)
		}
	}
}

// comes has somebody at the practice look at what waits, and come again, while faults come.
func (s *surgery) comes() {
	w := s.part.w
	if !w.stormy || w.Now().After(w.ends) {
		return
	}
	s.visit()
	w.After(s.every/2+w.Soon(s.every), s.comes)
}

// ask has the practice's software ask the door.
func (s *surgery) ask(method, path, key, body string, hear func(Response)) {
	s.enters()
	h := map[string]string{"authorization": "Bearer " + s.token, "host": "optout.example", "content-type": "application/json"}
	if key != "" {
		h["idempotency-key"] = key
	}
	s.part.w.Send("practice", s.part.web, Request{Method: method, Path: path, Header: h, Body: body}, hear)
}

// enters has the software entered, before it first asks.
func (s *surgery) enters() {
	if s.entered {
		return
	}
	s.entered = true
	if err := s.part.w.Store.SaveClient(s.part.w.Outside(), "client-"+s.code, nhs.StoredODSCode(s.code), "software"); err != nil {
		s.part.w.Wrong("a client is not entered: %v", err)
	}
}

// listing is a form on a list.
type listing struct{ Reference, Status, Next string }

// visit looks at what waits and does something about some of it.
func (s *surgery) visit() {
	w := s.part.w
	if w.listed("L#"+s.code, worklist.Open) { // as its mail says, perhaps
		if s.pages && w.Rand.IntN(4) == 0 {
			s.somebody().open("/practice")
		}
		s.lists("waiting", "", func(forms []listing) {
			for _, f := range forms {
				s.decide(f)
			}
		})
	}
	looks, wrong := 4, 30 // one in so many visits, and so many forms
	if w.brief {          // seldom looked at, and then rather corrected: about as many are
		looks, wrong = 16, 8
	}
	if w.Rand.IntN(looks) == 0 && w.listed("L#"+s.code, worklist.Applied) {
		s.lists("applied", "", func(forms []listing) {
			for _, f := range forms {
				if w.Rand.IntN(wrong) == 0 && !s.keen {
					s.say(f.Reference, "correct", nil, nil)
				}
			}
			if len(forms) > 0 {
				s.sendList()
			}
		})
	}
}

// lists reads a list of the practice's, page by page.
func (s *surgery) lists(list, after string, each func([]listing)) {
	s.ask(http.MethodGet, "/api/practice/forms?list="+list+"&after="+url.QueryEscape(after), "", "", func(r Response) {
		var a struct {
			Forms []listing
			Next  string
		}
		if r.Status != http.StatusOK {
			return // they will come again
		}
		if err := json.Unmarshal([]byte(r.Body), &a); err != nil {
			s.part.w.Wrong("a list is %s", r.Body)
			return
		}
		each(a.Forms)
		if a.Next != "" {
			s.lists(list, a.Next, each)
		}
	})
}

// decide does something about a form that waits, or nothing.
func (s *surgery) decide(f listing) {
	w := s.part.w
	n := w.Rand.IntN(100)
	if s.keen {
		n = 50
	}
	switch f.Status {
	case "routed", "delivered":
		switch {
		case n < 10:
		case n < 16: // out of order
			s.apply(f.Reference)
		case n < 24:
			s.giveBack(f.Reference)
		default:
			var then func()
			if w.Rand.IntN(2) == 0 || w.brief {
				then = func() { s.apply(f.Reference) }
			}
			s.say(f.Reference, "collect", nil, then)
			if n > 90 {
				w.Did("collected twice at once")
				s.say(f.Reference, "collect", nil, nil)
			}
		}
	case "collected", "in-doubt":
		switch {
		case n < 15:
		case n < 20:
			s.say(f.Reference, "put-back", nil, nil)
		case n < 26:
			s.giveBack(f.Reference)
		default:
			s.apply(f.Reference)
		}
	case "returned":
		if n >= 20 {
			s.settleReturned(f)
		}
	}
}

func (s *surgery) giveBack(ref string) {
	reasons := []string{"NOT_OUR_PATIENT", "MOVED", "IDENTITY_NOT_VERIFIED", "WITHDRAWN_BY_PERSON", "SAFEGUARDING", "COERCION", "NO_LEGAL_BASIS", "DECEASED", "OTHER"}
	s.say(ref, "return", map[string]any{"reason": reasons[s.part.w.Rand.IntN(len(reasons))], "text": "said at the desk"}, nil)
}

// form is a form as somebody at the practice sees it on the screen.
func (s *surgery) form(ref string) (optout.Form, bool) {
	w := s.part.w
	r, err := optout.ParseReference(ref)
	if err != nil {
		w.Wrong("a list names %q", ref)
		return optout.Form{}, false
	}
	f, err := w.Store.Form(w.Outside(), r)
	return f, err == nil
}

// apply sets the preference in the clinical system and says so; a careless one only says so.
func (s *surgery) apply(ref string) {
	w := s.part.w
	f, ok := s.form(ref)
	if !ok {
		return
	}
	number := f.Facts.NHSNumber.Digits()
	body := map[string]any{"on": nhs.DateOf(w.Now()).ISO()}
	if number == "" {
		if sent := w.sent[f.Reference]; sent != nil {
			number = sent.Person.Number
			body["nhsNumber"] = number
		}
	}
	if number == "" {
		return
	}
	wanted := nhs.Preference(f.Facts.Choice)
	if f.Facts.Kind != "choice" { // what it is about is taken back
		wanted = nhs.Implied
	}
	code := nhs.Codebook{}.Codes(wanted).ReadV2
	body["code"] = code
	if b := f.Bases(); len(b) > 0 {
		body["basis"] = b[w.Rand.IntN(len(b))]
	}
	if s.keen || w.Rand.IntN(3) == 0 {
		body["asked"] = true
	}
	if w.Rand.IntN(3) == 0 {
		body["told"] = true
	}
	if replaced := s.earlier(f); len(replaced) > 0 && (s.keen || w.Rand.IntN(2) == 0) {
		body["replaces"] = replaced
	}
	if s.keen || w.Rand.IntN(12) > 0 {
		s.coded[number] = code
	}
	s.say(ref, "apply", body, nil)
}

// earlier are the person's forms that the practice sees beside one, and that came before it.
func (s *surgery) earlier(f optout.Form) (refs []string) {
	w := s.part.w
	if f.Person == "" {
		return nil
	}
	list, err := w.Store.Person(w.Outside(), f.Person)
	if err != nil {
		return nil
	}
	for _, r := range list {
		if r == f.Reference {
			return refs
		}
		if other, err := w.Store.Form(w.Outside(), r); err == nil && other.State().Status != optout.StatusWithdrawn && other.State().Status != optout.StatusAnswered && other.Facts.BirthDate == f.Facts.BirthDate && other.Facts.Surname.Folded() == f.Facts.Surname.Folded() {
			refs = append(refs, r.String())
		}
	}
	return refs
}

// say says something of a form by software, again and again until it is answered, or by a page; then is what follows once it is
// done.
func (s *surgery) say(ref, verb string, more map[string]any, then func()) {
	w := s.part.w
	if s.pages {
		s.page(ref, verb, more, then)
		return
	}
	body := map[string]any{"person": "u-1"}
	for k, v := range more {
		body[k] = v
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	word := &Word{By: s.code, Reference: ref, Verb: verb, Key: w.uuid(), then: then}
	w.Words = append(w.Words, word)
	w.Did("practice: " + verb)
	s.insist(word, string(raw), 0)
	if w.Rand.IntN(15) == 0 {
		w.Did("practice: said twice at once")
		s.insist(word, string(raw), 99)
	}
}

// somebody is one of those who use the pages.
func (s *surgery) somebody() member { return s.desk[s.part.w.Rand.IntN(len(s.desk))] }

// page says something of a form by its page, with the same answers.
func (s *surgery) page(ref, verb string, more map[string]any, then func()) {
	form := url.Values{"for": {s.code}, "told": {"no"}}
	for k, v := range more {
		switch v := v.(type) {
		case bool:
			form.Set(k, "yes")
		case []string:
			form[k] = v
		case string:
			form.Set(cmp.Or(map[string]string{"nhsNumber": "number"}[k], k), v)
		}
	}
	if on := form.Get("on"); on != "" {
		form = url.Values(staff.WithDay(door.Form(form), "on", nhs.StoredDate(on)))
	}
	r, err := optout.ParseReference(ref)
	if err != nil {
		panic(err)
	}
	at, by := "/practice/forms/"+ref+"/"+verb, s.somebody()
	if w := s.part.w; w.Rand.IntN(3) == 0 { // whoever opens the page is at work on the form, and keeps it from colleagues
		by.ask(http.MethodGet, at, nil, func(Response) {})
		w.After(w.Soon(time.Minute), func() { by.say(verb, r, at, form, then) })
		return
	}
	by.say(verb, r, at, form, then)
}

func (s *surgery) insist(word *Word, body string, times int) {
	w := s.part.w
	s.ask(http.MethodPost, "/api/practice/forms/"+word.Reference+"/"+word.Verb, word.Key, body, func(r Response) {
		switch {
		case r.Status == http.StatusOK:
			word.hears()
			if w.Rand.IntN(20) == 0 && times < 50 {
				w.Did("practice: said again")
				s.insist(word, body, 99)
			}
		case !r.failed():
			switch {
			case word.Heard && (w.stands(word, true) || !w.stands(word, false)):
				w.Wrong("%s %s was so, and is now refused: %s", word.Verb, word.Reference, r.Body)
			case r.Status == http.StatusBadRequest, r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
				w.Wrong("%s %s was refused: %d %s; %s", word.Verb, word.Reference, r.Status, r.Body, body)
			}
		case times < 8:
			w.After(time.Second<<times+w.Soon(time.Second), func() { s.insist(word, body, times+1) })
		}
	})
}

// settleReturned has a practice decide on what it returned itself. Software cannot.
func (s *surgery) settleReturned(f listing) {
	w := s.part.w
	form, ok := s.form(f.Reference)
	if !ok {
		return
	}
	why := url.Values{"for": {s.code}, "text": {"We have talked with them."}}
	verb := "decide"
	switch reason := form.State().Reason; {
	case reason == optout.WithdrawnByPerson && w.Rand.IntN(4) > 0:
		verb, why = "withdraw", w.today("on", url.Values{"for": {s.code}, "how": {"in-person"}, "to": {"Nina Cole"}})
	case reason == optout.WithdrawnByPerson:
		verb = "keep"
	case form.State().Next != optout.NextDecide: // it is not theirs to decide
		return
	case w.Rand.IntN(2) == 0:
		why.Set("outcome", "keep")
	default:
		why.Set("outcome", "refuse")
		why = w.today("told", why)
	}
	s.somebody().say(verb, form.Reference, "/practice/forms/"+f.Reference+"/"+verb, why, nil)
}

// sendList sends the practice's list of coded patients, whole or not, of now or of some time ago.
func (s *surgery) sendList() {
	w := s.part.w
	if !s.part.lists {
		return
	}
	run := w.Now()
	rows := []string{"NHS number,Code"}
	numbers := make([]string, 0, len(s.coded))
	for n := range s.coded {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if s.keen || w.Rand.IntN(30) > 0 {
			rows = append(rows, n+","+s.coded[n])
		}
	}
	if !s.keen && w.Rand.IntN(4) == 0 {
		run = run.Add(-w.Soon(48 * time.Hour))
	}
	w.Did("practice: list")
	s.enters()
	body := strings.Join(rows, "\n") + "\n"
	h := map[string]string{"authorization": "Bearer " + s.token, "host": "optout.example", "content-type": "text/csv"}
	path := "/api/practice/extract?sure=yes&run=" + url.QueryEscape(run.Format(time.RFC3339Nano))
	s.part.w.Send("practice", s.part.web, Request{Method: http.MethodPost, Path: path, Header: h, Body: body}, func(r Response) {
		if r.Status == http.StatusBadRequest {
			w.Wrong("a list was refused: %s", r.Body)
		}
	})
}

// Settle implements Part: every practice comes every day, and does whatever waits, until nothing does.
func (p *practicesPart) Settle(w *World) {
	for _, s := range p.all {
		s.keen = true
		var again func(days int)
		again = func(days int) {
			if w.listed("L#"+s.code, worklist.Open) {
				s.visit()
			}
			if w.listed("L#"+s.code, worklist.Applied) {
				s.sendList()
			}
			if days < 12 && w.unfinished() {
				w.After(24*time.Hour, func() { again(days + 1) })
			}
		}
		w.After(time.Hour, func() { again(0) })
	}
}

// Check implements Part: see World.checkWords.
func (p *practicesPart) Check(*World) {}

// Software's tokens begin before any world, and last longer.
var (
	worldsBegin = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	worldsLast  = 10 * 365 * 24 * time.Hour
)

// issuing is whoever says of all worlds who people and machines are.
func issuing(tb testing.TB) *signintest.Issuer {
	issuer.Do(func() { issuer.Issuer = signintest.Unserved(tb, "https://issuer.example") })
	return issuer.Issuer
}

var issuer struct {
	sync.Once
	*signintest.Issuer
}

// signIn signs people and machines in by an issuer.
func signIn(i *signintest.Issuer, a signin.Audience) *signin.Door {
	return &signin.Door{
		For: a, Address: "https://optout.example", Issuer: i.URL, ClientID: "pages", HTTP: i.Around(), Seals: ring, Sessions: reach(), Clients: reach(), Now: now,
	}
}
