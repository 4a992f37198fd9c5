package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/quota"
)

var _ = Join("patients", func(testing.TB) func() Part {
	// Nobody asks with a wrong birth date here, so that its gate has nothing to remember of a world.
	web := NewWeb("patient", patientsDoor(&directory.Shipped{}, quota.Limit{Name: "looks", Most: 20, Per: 10 * time.Minute}))
	return func() Part { return &patients{web: web} }
})

// patients send forms online: they try again, click twice, send again, change their mind, and sign for others.
type patients struct {
	web   Web
	naive bool // it is not the real one, and nothing is expected of it
	w     *World
}

// Begin implements Part.
func (p *patients) Begin(w *World) {
	p.w = w
	if w.lone != "" && w.lone != optout.Online { // onPages is another part's
		return
	}
	for range w.wants {
		who := w.People[w.Rand.IntN(len(w.People))]
		w.After(w.Soon(w.span), func() { p.send(p.form(who, nil)) })
	}
}

// patientsDoor is the door that is deployed, for the world that happens; looks limits how often one network may ask with a wrong
// birth date.
func patientsDoor(practices patient.Practices, looks quota.Limit) http.Handler {
	return patient.Door{
		Registrar: optout.Registrar{Store: reach(), Keys: ring, Now: now}, Seals: ring,
		Gate:  &quota.Gate{Counter: reach(), Hide: ring.Hide, Now: now},
		Sends: quota.Limit{Name: "forms", Per: 10 * time.Minute}, Looks: looks,
		Languages: patient.Languages, TestNumbers: true, Practices: practices, Now: now,
	}.Handler()
}

// form is what a person fills in; about: a form of theirs that it is about.
func (p *patients) form(who *Person, about *Sent) *Sent {
	w := p.w
	a := w.answers(w.Rand, who, about)
	switch n := w.Rand.IntN(12); n {
	case 0:
		a.NotRegistered = true
	case 1: // somebody else's
		a.Practice = w.Codes[w.Rand.IntN(len(w.Codes))]
	default:
		a.Practice = who.Practice
	}
	s := saying(who, a)
	if a.Kind == "choice" && w.Rand.IntN(2) == 0 { // as it goes without saying
		a.Kind = ""
	}
	body, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	s.Body = string(body)
	return w.sends(s, online(w.uuid()))
}

// online is where the form comes from that somebody sends under a key.
func online(key string) optout.Origin {
	return optout.Origin{Door: optout.Online, Client: "anonymous", Key: key}
}

// send has a form sent, again and again until there is an answer or its sender gives up.
func (p *patients) send(s *Sent) {
	s.At = p.w.Now()
	p.w.Count.Forms++
	p.try(s, 0)
	if p.w.Rand.IntN(10) == 0 {
		p.w.Did("clicked twice")
		p.try(s, 99)
	}
}

func (p *patients) post(s *Sent, hear func(Response)) {
	p.w.Send("patient", p.web, Request{
		Method: http.MethodPost, Path: "/api/forms", Body: s.Body,
		Header: map[string]string{"content-type": "application/json", "idempotency-key": s.Key, "host": "optout.example"},
	}, hear)
}

func (p *patients) try(s *Sent, times int) {
	p.post(s, func(r Response) {
		switch {
		case r.Status == http.StatusCreated:
			p.told(s, r)
		case r.Status >= 400 && r.Status < 500:
			p.w.Wrong("a form that is right was refused: %d %s; %s", r.Status, r.Body, s.Body)
		case times > 50: // the second click
		case times > 20 && !p.w.stormy:
			p.w.Wrong("form %s is not taken, and nothing fails any more: %d %s", s.ref, r.Status, r.Body)
		case p.w.stormy && (times > 6 || p.w.Rand.IntN(12) == 0):
			s.GivenUp = true
			p.w.Did("given up without an answer")
		default:
			p.w.Did("sent again without an answer")
			p.w.After(time.Second<<min(times, 10)+p.w.Soon(time.Second), func() { p.try(s, times+1) })
		}
	})
}

// told is that a sender has the answer, the same one as before if there was one. What they do next is up to them.
func (p *patients) told(s *Sent, r Response) {
	w := p.w
	var a struct{ Reference, Received, Status string }
	if err := json.Unmarshal([]byte(r.Body), &a); err != nil || a.Reference == "" || a.Status != "received" {
		w.Wrong("the answer is %s", r.Body)
		return
	}
	if s.Confirmed() {
		if s.Answer != r.Body {
			w.Wrong("the answer was %s, and is now %s", s.Answer, r.Body)
		}
		return
	}
	s.Reference, s.Answer, s.GivenUp = a.Reference, r.Body, false
	w.Did("registered online")
	if !w.stormy {
		return
	}
	switch n := w.Rand.IntN(40); {
	case n < 4:
		w.After(w.Soon(w.span), func() {
			w.Did("sent again with the same key")
			p.try(s, 99)
		})
	case n < 6:
		w.After(w.Soon(w.span), func() { p.other(s) })
	case n < 10:
		w.After(w.Soon(w.span), func() { p.ask(s) })
	case w.lone != "": // what follows is another form
	case n < 14:
		w.After(w.Soon(w.span), func() {
			again := *s
			again.Reference, again.Answer = "", ""
			w.Did("sent again with a new key")
			p.send(w.sends(&again, online(w.uuid())))
		})
	case n < 18:
		w.After(w.Soon(w.span), func() {
			w.Did("changed their mind")
			p.send(p.form(s.Person, nil))
		})
	case n < 20:
		w.After(w.Soon(w.span), func() {
			w.Did("wrote about a form")
			p.send(p.form(s.Person, s))
		})
	}
}

// other sends something else under a key that was answered: it must be refused.
func (p *patients) other(s *Sent) {
	other := *s
	other.Body = `{"choice":"dissent","subject":{"surname":"Other","forenames":"Body","birthDate":"1960-01-01","postcode":"TS18 1HU","address":["2 Lawson Street"]},"notRegistered":true}`
	p.w.Did("sent something else with the same key")
	p.post(&other, func(r Response) {
		if r.Status == http.StatusCreated {
			p.w.Wrong("other answers under a key were registered: %s", r.Body)
		}
	})
}

// ask asks how far a form is.
func (p *patients) ask(s *Sent) {
	p.w.Did("asked how far it is")
	p.status(s, func(r Response) {
		if r.Status == http.StatusNotFound {
			p.w.Wrong("whoever sent %s is told that there is no such form", s.Reference)
		}
	})
}

func (p *patients) status(s *Sent, hear func(Response)) {
	p.w.Send("patient", p.web, Request{
		Method: http.MethodPost, Path: "/api/status", Body: fmt.Sprintf(`{"reference":%q,"birthDate":%q}`, s.Reference, s.Person.Birth),
		Header: map[string]string{"content-type": "application/json", "host": "optout.example"},
	}, hear)
}

// Settle implements Part.
func (p *patients) Settle(w *World) {
	for _, s := range w.Sent {
		if s.Door == optout.Online && s.Body != "" && !s.Confirmed() && !s.GivenUp {
			p.try(s, 0)
		}
	}
}

// mostAskedAgain is how many senders ask for their answer once more at the end of a history.
const mostAskedAgain = 40

// Check implements Part: every answer is still the answer, and shows what became of the form.
func (p *patients) Check(w *World) {
	if p.naive {
		return
	}
	asked := 0
	for _, s := range w.Sent {
		if s.Door == optout.Online && s.Body != "" && !s.Confirmed() && !s.GivenUp {
			w.Wrong("whoever sent %s has still no answer", s.ref)
		}
		if s.Door != optout.Online || !s.Confirmed() || asked >= mostAskedAgain {
			continue
		}
		if s.Body != "" {
			asked++
			p.post(s, func(r Response) {
				if r.Status != http.StatusCreated || r.Body != s.Answer || r.Header["Idempotency-Replayed"] != "true" {
					w.Wrong("the answer was %s, and is %d %s in the end", s.Answer, r.Status, r.Body)
				}
			})
		}
		p.status(s, func(r Response) {
			var a struct {
				Steps []struct{ Step string }
			}
			if err := json.Unmarshal([]byte(r.Body), &a); r.Status != http.StatusOK || err != nil || len(a.Steps) == 0 {
				w.Wrong("whoever sent %s is told %d %s", s.Reference, r.Status, r.Body)
				return
			}
			for _, step := range a.Steps {
				if !slices.Contains([]string{"received", "in-hand", "paper-incomplete", "finished", "applied"}, step.Step) {
					w.Wrong("%s shows a step %q", s.Reference, step.Step)
				}
			}
		})
	}
	w.until(w.Now().Add(time.Minute))
}
