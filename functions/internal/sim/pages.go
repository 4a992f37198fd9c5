package sim

import (
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin/signintest"
)

// member is a member of the staff behind a door, who uses its pages.
type member struct {
	optout.Actor
	w      *World
	rand   *rand.Rand // from which what they do is drawn
	door   string     // as its function is called
	web    Web        // of it
	groups []string   // of the issuer's, that let them in
}

// ask has somebody, who has just signed in, ask for a page or send one.
func (m member) ask(method, path string, form url.Values, hear func(Response)) {
	m.send(method, path, "text/html", form, hear)
}

func (m member) send(method, path, accept string, form url.Values, hear func(Response)) {
	path, _, _ = strings.Cut(path, "#") // which browsers keep to themselves
	c := signintest.Cookie(m.w.tb, ring, m.w.Store, m.w.Now(), m.ID, "Nina Cole", m.groups...)
	h := map[string]string{"cookie": c.Name + "=" + c.Value, "host": "optout.example", "accept": accept, "content-type": "application/x-www-form-urlencoded"}
	m.w.Send(m.door+" page", m.web, Request{Method: method, Path: path, Header: h, Body: form.Encode()}, hear)
}

// scripts has a page's script ask again and again, until it is answered or has tried so many times more.
func (m member) scripts(method, path string, form url.Values, times int, hear func(Response)) {
	m.send(method, path, "application/json", form, m.again(times, hear, func() { m.scripts(method, path, form, times-1, hear) }))
}

// again tries again after a while what has failed, if there are tries left, and else hears what came of it. Once nothing fails any
// more there are enough.
func (m member) again(times int, hear func(Response), try func()) func(Response) {
	return func(r Response) {
		switch {
		case !r.failed():
		case !m.w.stormy && times < -20:
			m.w.Wrong("a page is not answered, and nothing fails any more: %d %.500s", r.Status, r.shown())
		case times > 0 || !m.w.stormy:
			m.w.After(time.Second<<min(max(8-times, 0), 6)+soon(m.rand, time.Second), try)
			return
		}
		hear(r)
	}
}

// insist has somebody send a page again and again, until it is answered or they have tried so many times more.
func (m member) insist(path string, form url.Values, times int, hear func(Response)) {
	m.ask(http.MethodPost, path, form, m.again(times, hear, func() { m.insist(path, form, times-1, hear) }))
}

// look has somebody open a page, and try again if it does not come.
func (m member) look(path string, times int, hear func(Response)) {
	m.ask(http.MethodGet, path, nil, m.again(times, hear, func() { m.look(path, times-1, hear) }))
}

// Word is something that somebody said of a form.
type Word struct {
	By                   string // a practice's code; "": the office or the mailroom
	Reference, Verb, Key string
	Heard                bool   // the answer was that it is so
	then                 func() // what follows
}

// hears has somebody hear that it is so.
func (w *Word) hears() {
	if !w.Heard && w.then != nil {
		w.then()
	}
	w.Heard = true
}

// say has somebody say something of a form by a page. They may click twice, and look where it leads; then is what follows once it is
// done.
func (m member) say(verb string, ref optout.Reference, path string, form url.Values, then func()) {
	word := &Word{By: m.Practice.String(), Reference: ref.String(), Verb: verb, Key: uuid(m.rand), then: then}
	m.w.Words = append(m.w.Words, word)
	m.w.Did("page: " + verb)
	form.Set("key", word.Key)
	m.insist(path, form, 6, func(r Response) { m.hear(word, form, r) })
	if m.rand.IntN(12) == 0 {
		m.w.Did("page: clicked twice")
		m.insist(path, form, 6, func(r Response) { m.hear(word, form, r) })
	}
}

// hear has somebody hear what came of what they said of a form.
func (m member) hear(word *Word, form url.Values, r Response) {
	switch {
	case r.failed():
	case r.Status == http.StatusSeeOther:
		if !word.Heard {
			m.w.Did("page done: " + word.Verb)
		}
		word.hears()
		if m.rand.IntN(4) == 0 && (m.Role != optout.Office || m.w.reads(m.rand)) { // which goes back to its list
			m.follow(r)
		}
	case r.Status == http.StatusConflict, r.Status == http.StatusNotFound: // it stands elsewhere by now
		if m.w.stands(word, true) || word.Heard && !m.w.stands(word, false) {
			m.w.Wrong("%s %s is so, and is refused: %d %.500s", word.Verb, word.Reference, r.Status, r.shown())
		}
	case r.Status == http.StatusUnprocessableEntity && word.Verb == "assign" && !m.w.isOpen(form.Get("practice")): // it has closed since
	default:
		m.w.Wrong("%s %s, which is right, was answered with %d: %s; %.500s", word.Verb, word.Reference, r.Status, form.Encode(), r.shown())
	}
}

// stands says that a word is in its form's history under its own key, or that the same was said from there by another key. Of what
// was said before nothing is written again, so that it is judged anew once the form has moved on.
func (w *World) stands(word *Word, own bool) bool {
	ref, err := optout.ParseReference(word.Reference)
	f, failed := w.Store.Form(w.Outside(), ref)
	return err == nil && failed == nil && slices.ContainsFunc(f.Events, func(e optout.Event) bool {
		key := e.Detail["key"]
		return slices.Contains(verbs[word.Verb], e.Kind) && practiceOf(e.By) == word.By && key != "" && (key == word.Key) == own
	})
}

// follow has somebody go where an answer leads them.
func (m member) follow(r Response) {
	m.open(r.Header["Location"])
}

// open has somebody open a page that is there.
func (m member) open(path string) {
	m.ask(http.MethodGet, path, nil, func(r Response) {
		if !r.failed() && r.Status != http.StatusOK {
			m.w.Wrong("%s is answered with %d: %.500s", path, r.Status, r.shown())
		}
	})
}

// today fills in a day of a page.
func (w *World) today(field string, form url.Values) url.Values {
	return url.Values(staff.WithDay(door.Form(form), field, nhs.DateOf(w.Now())))
}

// shown is what somebody reads on a page, or what else the answer is.
func (r Response) shown() string {
	_, main, page := strings.Cut(r.Body, "<main")
	if !page {
		return r.Body
	}
	return strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString("<main"+main, " "))), " ")
}

var markup = regexp.MustCompile(`(?s)<[^>]*>`)

// practiceOf is the practice of an actor as events spell them; "" of somebody who is at none.
func practiceOf(by string) string {
	if f := strings.Fields(by); len(f) > 2 {
		return f[1]
	}
	return ""
}

// verbs are what stands in a form's history of what was said.
var verbs = map[string][]optout.Kind{
	"collect": {optout.Collected}, "put-back": {optout.LetGo}, "apply": {optout.Applied}, "correct": {optout.Corrected}, "return": {optout.Returned},
	"decide": {optout.Decided}, "withdraw": {optout.Withdrawn}, "keep": {optout.Decided},
	"assign": {optout.Assigned}, "answer": {optout.Answered}, "confirm": {optout.Confirmed}, "complain": {optout.Complained},
	"wrote": {optout.Wrote}, "release": {optout.Released},
}

// isVerb says that an event is one of what was said.
func isVerb(k optout.Kind) bool {
	for _, kinds := range verbs {
		if slices.Contains(kinds, k) {
			return true
		}
	}
	return false
}

// checkWords: what was answered stands on record, once, and what people said stands there only if somebody did.
func (w *World) checkWords(forms []optout.Form) {
	type one struct{ reference, word string }
	said, events, kinds := map[one]*Word{}, map[one]int{}, map[one]bool{} // by key, by key, by kind and whose it is
	for _, word := range w.Words {
		said[one{word.Reference, word.Key}] = word
	}
	for _, f := range forms {
		ref := f.Reference.String()
		for _, e := range f.Events {
			key := e.Detail["key"]
			if key != "" {
				events[one{ref, key}]++
			}
			kinds[one{ref, string(e.Kind) + " " + practiceOf(e.By)}] = true
			if !isVerb(e.Kind) {
				continue
			}
			if word := said[one{ref, key}]; word == nil || !slices.Contains(verbs[word.Verb], e.Kind) || word.By != practiceOf(e.By) {
				w.Wrong("form %s was %s by %s, and nobody said so", f.Reference, e.Kind, e.By)
			}
		}
	}
	for _, word := range w.Words {
		n := events[one{word.Reference, word.Key}]
		// What was said before, by another key, is not written down again.
		stands := n > 0 || slices.ContainsFunc(verbs[word.Verb], func(k optout.Kind) bool { return kinds[one{word.Reference, string(k) + " " + word.By}] })
		switch {
		case n > 1:
			w.Wrong("%s %s stands %d times in its history", word.Verb, word.Reference, n)
		case word.Heard && !stands:
			w.Wrong("%q was told that %s %s is so, and its history does not have it", word.By, word.Verb, word.Reference)
		}
	}
}
