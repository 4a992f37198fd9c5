package sim

import (
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

var _ = Join("counters", func(tb testing.TB) func() Part {
	doors := map[string]Web{optout.Counter: practicesDoor(tb), optout.Phone: officeDoor(tb)}
	return func() Part { return &counters{doors: doors} }
})

// counters are where staff register what people say or sign: practices at their counters, and the office by telephone. They
// use the doors' own pages: one that is filled in, one that is read back, and the one with the reference.
type counters struct {
	doors    map[string]Web // by optout.Origin's Door
	w        *World
	rand     *rand.Rand // of its own: what is said at counters changes nothing that others say
	calls    []*spoken
	attached []*attachment
}

// spoken is what somebody says at a counter or by telephone, while a member of staff listens.
type spoken struct {
	*Sent
	member
	part   *counters
	at     string // address of the page
	form   url.Values
	sealed string // what was read back, once it was
}

// Begin implements Part.
func (p *counters) Begin(w *World) {
	p.w, p.rand = w, rand.New(rand.NewPCG(w.Seed, 4))
	w.fewCome(p.rand, optout.Counter, p.comes)
}

// comes has somebody come to the counter of their practice, or ring the office.
func (p *counters) comes(who *Person) {
	w := p.w
	var about *Sent
	for _, s := range w.Sent {
		if s.Person == who && s.Confirmed() && p.rand.IntN(4) == 0 {
			about = s
		}
	}
	a := w.answers(p.rand, who, about)
	a.SignedOn = nhs.DateOf(w.Now()).ISO()
	a.Reply = &optout.Reply{Safe: []string{"post"}}
	s := &spoken{part: p, at: "/practice/counter", member: member{
		Actor: optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode(who.Practice), ID: "u-9"}, groups: []string{"ods-" + who.Practice},
	}}
	door := optout.Counter
	if p.rand.IntN(3) == 0 {
		door, s.at, s.member = optout.Phone, "/office/phone", member{Actor: optout.Actor{Role: optout.Office, ID: "u-8"}, groups: []string{"office"}}
		if a.Practice = who.Practice; p.rand.IntN(4) == 0 {
			a.Practice, a.NotRegistered = "", true
		}
	}
	s.w, s.rand, s.door, s.web = w, p.rand, door, p.doors[door]
	key := uuid(p.rand)
	s.form = url.Values(staff.AnswersFilled(a))
	s.form.Set("key", key)
	s.form.Set("for", who.Practice)
	s.Sent = w.sends(saying(who, a), optout.Origin{Door: door, Client: s.String(), Key: key})
	s.At = w.Now()
	p.calls = append(p.calls, s)
	s.fill(0)
}

// insist sends a page again and again until it is answered with what it leads to, or the person goes.
func (s *spoken) insist(path string, form url.Values, times, status int, then func(Response)) {
	w := s.part.w
	s.ask(http.MethodPost, path, form, func(r Response) {
		switch {
		case r.Status == status:
			then(r)
		case !r.failed():
			w.Wrong("%s, which is right, was answered with %d: %.500s", path, r.Status, r.shown())
		case times > 50: // the second click
		case times > 20 && !w.stormy:
			w.Wrong("%s is not taken, and nothing fails any more: %d", path, r.Status)
		case w.stormy && (times > 6 || s.part.rand.IntN(12) == 0):
			s.GivenUp = true
			w.Did("counter: given up without an answer")
		default:
			w.After(time.Second<<min(times, 6)+soon(s.part.rand, time.Second), func() { s.insist(path, form, times+1, status, then) })
		}
	})
}

var sealedIn = regexp.MustCompile(`name="sealed" value="([^"]+)"`)

// fill fills in the page, whose answer is read back to the person.
func (s *spoken) fill(times int) {
	s.insist(s.at, s.form, times, http.StatusOK, func(r Response) {
		found := sealedIn.FindStringSubmatch(r.Body)
		if found == nil || !strings.Contains(html.UnescapeString(r.Body), s.Person.Surname) {
			s.part.w.Wrong("nothing can be read back of %s", s.ref)
			return
		}
		s.sealed = html.UnescapeString(found[1])
		s.part.w.Count.Forms++
		s.confirm(0)
		if s.part.rand.IntN(6) == 0 {
			s.part.w.Did("counter: clicked twice")
			s.confirm(99)
		}
	})
}

// confirm registers what was read back.
func (s *spoken) confirm(times int) {
	w := s.part.w
	s.insist(s.at+"/confirm", url.Values{"sealed": {s.sealed}, "do": {"send"}}, times, http.StatusSeeOther, func(r Response) {
		to := r.Header["Location"]
		reference, ok := strings.CutPrefix(to, s.at+"/registered?reference=")
		switch {
		case !ok:
			w.Wrong("what was read back leads to %q", to)
			return
		case s.Confirmed() && s.Reference != reference:
			w.Wrong("the reference was %s, and is now %s", s.Reference, reference)
			return
		}
		if !s.Confirmed() {
			w.Did("registered at the " + s.Door + " counter")
			if s.Door == optout.Counter && s.part.rand.IntN(2) == 0 {
				w.After(soon(s.part.rand, 8*time.Hour), func() { s.attach(0) })
			}
		}
		s.Reference, s.GivenUp = reference, false
		s.ask(http.MethodGet, to, nil, func(r Response) {
			if !r.failed() && (r.Status != http.StatusOK || !strings.Contains(r.Body, reference)) {
				w.Wrong("whoever registered %s is not shown its reference: %d", reference, r.Status)
			}
		})
	})
}

// Settle implements Part: staff try until there is an answer, or nobody waits for it any more.
func (p *counters) Settle(*World) {}

// Check implements Part.
func (p *counters) Check(w *World) {
	for _, s := range p.calls {
		if !s.Confirmed() && !s.GivenUp {
			w.Wrong("whoever said %s at a counter has still no reference", s.ref)
		}
	}
	p.checkAttachments()
}
