package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/practice"
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

// Word is something that somebody said of a form.
type Word struct {
	Practice, Reference, Verb, Key string
	Heard                          bool // the answer was that it is so
	then                           func()
}

// practicesPart are the practices: they collect, apply, return and correct by their software; late, twice, never, and out
// of order. They send lists in one of three histories of less than a thousand forms, and in one of nine of one form.
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
	words []*Word
	keen  bool // it does everything that waits
}

// Begin implements Part.
func (p *practicesPart) Begin(w *World) {
	p.w, p.lists = w, w.Rand.IntN(3) == 0 && (w.lone == "" || w.Rand.IntN(3) == 0) || w.all
	for _, code := range w.Codes {
		s := &surgery{part: p, code: code, token: p.tokens[code], coded: map[string]string{}}
		if err := w.Store.SaveClient(w.Outside(), "client-"+code, nhs.StoredODSCode(code), "software"); err != nil {
			w.Wrong("a client is not entered: %v", err)
		}
		s.every = []time.Duration{0, 3 * time.Hour, 12 * time.Hour, 40 * time.Hour}[w.Rand.IntN(4)]
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
	h := map[string]string{"authorization": "Bearer " + s.token, "host": "optout.example", "content-type": "application/json"}
	if key != "" {
		h["idempotency-key"] = key
	}
	s.part.w.Send("practice", s.part.web, Request{Method: method, Path: path, Header: h, Body: body}, hear)
}

// listing is a form on a list.
type listing struct{ Reference, Status, Next string }

// visit looks at what waits and does something about some of it.
func (s *surgery) visit() {
	w := s.part.w
	if w.listed("L#"+s.code, worklist.Open) { // as its mail says, perhaps
		s.page("waiting", "", func(forms []listing) {
			for _, f := range forms {
				s.decide(f)
			}
		})
	}
	if w.Rand.IntN(4) == 0 && w.listed("L#"+s.code, worklist.Applied) {
		s.page("applied", "", func(forms []listing) {
			for _, f := range forms {
				if w.Rand.IntN(30) == 0 && !s.keen {
					s.say(f.Reference, "correct", nil)
				}
			}
			if len(forms) > 0 {
				s.sendList()
			}
		})
	}
}

// page reads a list of the practice's, page by page.
func (s *surgery) page(list, after string, each func([]listing)) {
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
			s.page(list, a.Next, each)
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
			word := s.say(f.Reference, "collect", nil)
			if w.Rand.IntN(2) == 0 {
				word.then = func() { s.apply(f.Reference) }
			}
			if n > 90 {
				w.Did("collected twice at once")
				s.say(f.Reference, "collect", nil)
			}
		}
	case "collected", "in-doubt":
		switch {
		case n < 15:
		case n < 20:
			s.say(f.Reference, "put-back", nil)
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
	s.say(ref, "return", map[string]any{"reason": reasons[s.part.w.Rand.IntN(len(reasons))], "text": "said at the desk"})
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
	s.say(ref, "apply", body)
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

// say says something of a form by software, again and again until it is answered.
func (s *surgery) say(ref, verb string, more map[string]any) *Word {
	w := s.part.w
	body := map[string]any{"person": "u-1"}
	for k, v := range more {
		body[k] = v
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	word := &Word{Practice: s.code, Reference: ref, Verb: verb, Key: w.uuid()}
	s.words = append(s.words, word)
	w.Words = append(w.Words, word)
	w.Did("practice: " + verb)
	s.insist(word, string(raw), 0)
	if w.Rand.IntN(15) == 0 {
		w.Did("practice: said twice at once")
		s.insist(word, string(raw), 99)
	}
	return word
}

func (s *surgery) insist(word *Word, body string, times int) {
	w := s.part.w
	s.ask(http.MethodPost, "/api/practice/forms/"+word.Reference+"/"+word.Verb, word.Key, body, func(r Response) {
		switch {
		case r.Status == http.StatusOK:
			if !word.Heard && word.then != nil {
				word.then()
			}
			word.Heard = true
			if w.Rand.IntN(20) == 0 && times < 50 {
				w.Did("practice: said again")
				s.insist(word, body, 99)
			}
		case r.Status != 0 && r.Status < 500:
			switch {
			case word.Heard && !s.saidBefore(word):
				w.Wrong("%s %s was so, and is now refused: %s", word.Verb, word.Reference, r.Body)
			case r.Status == http.StatusBadRequest, r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
				w.Wrong("%s %s was refused: %d %s; %s", word.Verb, word.Reference, r.Status, r.Body, body)
			}
		case times < 8:
			w.After(time.Second<<times+w.Soon(time.Second), func() { s.insist(word, body, times+1) })
		}
	})
}

// saidBefore says that a word was answered because the practice had said the same already, by another key. Of that one nothing is
// written, so that it is judged anew once the form has moved on.
func (s *surgery) saidBefore(word *Word) bool {
	f, ok := s.form(word.Reference)
	has := func(e optout.Event, own bool) bool {
		key, by := e.Detail["key"], strings.Fields(e.By)
		return slices.Contains(verbs[word.Verb], e.Kind) && len(by) > 1 && by[1] == s.code && key != "" && (key == word.Key) == own
	}
	return ok && slices.ContainsFunc(f.Events, func(e optout.Event) bool { return has(e, false) }) && !slices.ContainsFunc(f.Events, func(e optout.Event) bool { return has(e, true) })
}

// settleReturned has a practice decide on what it returned itself; software cannot, so it is done on the page.
func (s *surgery) settleReturned(f listing) {
	w := s.part.w
	form, ok := s.form(f.Reference)
	if !ok {
		return
	}
	by := optout.Actor{Role: optout.Clinician, Practice: nhs.StoredODSCode(s.code), ID: "u-2"}
	today := nhs.DateOf(w.Now())
	key := w.uuid()
	word := &Word{Practice: s.code, Reference: f.Reference, Verb: "decide", Key: key}
	w.Words = append(w.Words, word)
	n := w.Rand.IntN(2)
	w.Act("decide", func(ctx context.Context, c optout.Custody) (err error) {
		said := optout.Said{Key: key}
		switch form.State().Reason {
		case optout.WithdrawnByPerson:
			_, err = c.TakeBack(ctx, form.Reference, by, said, optout.TakenBack{How: "in-person", On: today, To: "reception"})
		case optout.IdentityNotVerified, optout.Safeguarding, optout.Coercion, optout.NoLegalBasis:
			if n == 0 {
				_, err = c.Keep(ctx, form.Reference, by, said)
			} else {
				_, err = c.Refuse(ctx, form.Reference, by, said, optout.Telling{On: today})
			}
		default: // it is not theirs to decide
			return optout.NotNow
		}
		return err
	}, func(err error) { word.Heard = err == nil })
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

// Check implements Part: what was answered stands on record, once, and nothing stands there that nobody said.
func (p *practicesPart) Check(w *World) {
	type one struct{ reference, word string }
	applies, events, kinds := map[one]bool{}, map[one]int{}, map[one]bool{} // by key, by key, by kind and practice
	for _, word := range w.Words {
		if word.Verb == "apply" {
			applies[one{word.Reference, word.Key}] = true
		}
	}
	for _, f := range w.Forms() {
		ref := f.Reference.String()
		for _, e := range f.Events {
			if key := e.Detail["key"]; key != "" {
				events[one{ref, key}]++
			}
			if by := strings.Fields(e.By); len(by) > 1 {
				kinds[one{ref, string(e.Kind) + " " + by[1]}] = true
			}
			if e.Kind == optout.Applied && !applies[one{ref, e.Detail["key"]}] {
				w.Wrong("form %s says that it was applied, and no practice did", f.Reference)
			}
		}
	}
	for _, word := range w.Words {
		n := events[one{word.Reference, word.Key}]
		// What was said before, by another key, is not written down again.
		stands := n > 0 || slices.ContainsFunc(verbs[word.Verb], func(k optout.Kind) bool { return kinds[one{word.Reference, string(k) + " " + word.Practice}] })
		switch {
		case n > 1:
			w.Wrong("%s %s stands %d times in its history", word.Verb, word.Reference, n)
		case word.Heard && !stands:
			w.Wrong("%s was told that %s %s is so, and its history does not have it", word.Practice, word.Verb, word.Reference)
		}
	}
}

// verbs are what stands in a form's history of what a practice said.
var verbs = map[string][]optout.Kind{
	"collect": {optout.Collected}, "put-back": {optout.LetGo}, "apply": {optout.Applied}, "correct": {optout.Corrected}, "return": {optout.Returned},
	"decide": {optout.Decided, optout.Withdrawn},
}

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
