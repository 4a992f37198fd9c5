package sim

import (
	"net/url"
	"testing"
	"time"

	"example.org/optout/functions/internal/door/office"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

var _ = Join("office", func(tb testing.TB) func() Part {
	web := officeDoor(tb)
	return func() Part { return &officePart{web: web} }
})

// officeDoor is the office's door, for all histories.
func officeDoor(tb testing.TB) Web {
	door := office.Door{Store: reach(), Keys: ring, SignIn: signIn(issuing(tb), signin.Office), Controller: "Testshire", TestNumbers: true, Practices: elsewhere{}, Now: now}
	return NewWeb("office", door.Handler())
}

// officePart is the office: it finds practices for forms that have none, answers what was returned for other reasons, and
// hears complaints; all of it on its pages.
type officePart struct {
	w   *World
	web Web
	by  member
}

// Begin implements Part.
func (o *officePart) Begin(w *World) {
	o.w, o.by = w, member{Actor: optout.Actor{Role: optout.Office, ID: "u-3"}, w: w, rand: w.Rand, door: "office", web: o.web, groups: []string{"office"}}
	w.After(w.Soon(24*time.Hour), o.comes)
}

func (o *officePart) comes() {
	w := o.w
	if !w.stormy || w.Now().After(w.ends) {
		return
	}
	o.look(false)
	w.After(12*time.Hour+w.Soon(24*time.Hour), o.comes)
}

// look goes through the office's list.
func (o *officePart) look(keen bool) {
	w := o.w
	if !w.listed("L#"+worklist.Office.Key()+"#", worklist.Open) { // whose 256 parts are not worth asking then
		return
	}
	if w.Rand.IntN(32) == 0 && w.reads(w.Rand) { // it reads all parts of the list
		o.by.open("/office")
	}
	for _, ref := range w.onList(worklist.Office, worklist.Open) {
		if !keen && w.Rand.IntN(4) == 0 {
			continue
		}
		f, err := w.Store.Form(w.Outside(), ref)
		if err != nil {
			continue
		}
		switch f.State().Next {
		case optout.NextAssign:
			to := w.Codes[len(w.Codes)-1]
			if s := w.sent[ref]; s != nil && w.isOpen(s.Person.Practice) {
				to = s.Person.Practice
			}
			o.say("assign", f.Reference, url.Values{"practice": {to}})
		case optout.NextAnswer:
			o.say("answer", f.Reference, w.today("told", url.Values{"text": {"It was explained by letter."}}))
		case optout.NextConfirm:
			o.say("confirm", f.Reference, url.Values{"sure": {"yes"}, "text": {"The practice has the certificate."}})
		}
	}
	if keen || w.Rand.IntN(3) > 0 {
		return
	}
	for _, s := range w.Sent { // somebody complains about what has ended
		if !s.Confirmed() || w.Rand.IntN(10) > 0 {
			continue
		}
		o.say("complain", s.ref, url.Values{"text": {"It was never asked for."}})
		return
	}
}

// say has the office say something of a form on its page.
func (o *officePart) say(verb string, ref optout.Reference, form url.Values) {
	o.by.say(verb, ref, "/office/forms/"+ref.String()+"/"+verb, form, nil)
}

// isOpen says whether a practice is.
func (w *World) isOpen(code string) bool {
	c := nhs.StoredODSCode(code)
	to, ok := w.Destination(c)
	return ok && to == c
}

// Settle implements Part: the office comes every day.
func (o *officePart) Settle(w *World) {
	var again func(days int)
	again = func(days int) {
		o.look(true)
		if days < 12 && w.unfinished() {
			w.After(24*time.Hour, func() { again(days + 1) })
		}
	}
	w.After(2*time.Hour, func() { again(0) })
}

// Check implements Part.
func (o *officePart) Check(*World) {}
