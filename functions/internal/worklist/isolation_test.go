package worklist_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/worklist"
)

// hammered is a table that two practices work on at once, each with the references of both.
type hammered struct {
	*optouttest.Memory
	*optouttest.Clock
	custody optout.Custody
	engine  optout.Engine
	staying map[optout.Reference]nhs.ODSCode // forms that never leave their practice
	moving  []optout.Reference               // forms that the office sends to and fro

	mu   sync.Mutex
	came map[string]int // how often what came of an act
}

var two = []nhs.ODSCode{nhs.StoredODSCode("A81001"), nhs.StoredODSCode("A81002")}

// words are all that a practice can say of a form, whoever has it. What ends a form, or sends it away, is left to those
// that move.
var words = map[string]func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error){
	"collect": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.Collect(ctx, ref, by, said)
	},
	"put back": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.PutBack(ctx, ref, by, said)
	},
	"apply": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.Apply(ctx, ref, by, said, optout.Application{On: nhs.DateOf(h.Now()), Code: "XaXj6"})
	},
	"correct": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.Correct(ctx, ref, by, said)
	},
	"return": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		why := optout.OtherReason
		if _, stays := h.staying[ref]; stays {
			why = optout.IdentityNotVerified
		}
		said.Text = "cannot be read"
		return h.custody.Return(ctx, ref, by, said, why)
	},
	"keep": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.Keep(ctx, ref, by, said)
	},
	"refuse": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		if h.staying[ref] == by.Practice {
			return h.custody.Keep(ctx, ref, by, said)
		}
		return h.custody.Refuse(ctx, ref, by, said, optout.Telling{On: nhs.DateOf(h.Now())})
	},
	"take back": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.TakeBack(ctx, ref, by, said, optout.TakenBack{How: "phone", On: nhs.DateOf(h.Now()), To: "me"})
	},
	"number": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.Number(ctx, ref, by, said, nhs.StoredNumber("9000000009"))
	},
	"lacks": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		return h.custody.Check(ctx, ref, by, said, optout.Listed{Run: h.Now()})
	},
	"has": func(ctx context.Context, h *hammered, ref optout.Reference, by optout.Actor, said optout.Said) (optout.Answer, error) {
		l := optout.Listed{Run: h.Now(), Choice: "dissent"}
		if h.staying[ref] == by.Practice { // which would end it
			l.Choice = "core"
		}
		return h.custody.Check(ctx, ref, by, said, l)
	},
}

// Two practices at once, three people each, with the references of both and the same few keys: whatever one says of
// what the other has is FORBIDDEN, or is known again with nothing of the form but its reference; nothing of the one
// stands in the histories of the other, nothing personal in any answer, and neither sees or ends the other's lists and
// claims.
func TestTwoPracticesHammeringEachOthersReferences(t *testing.T) {
	t.Parallel()
	m := &optouttest.Memory{}
	h := &hammered{Memory: m, Clock: optouttest.NewClock(), staying: map[optout.Reference]nhs.ODSCode{}, came: map[string]int{}}
	h.custody = optout.Custody{Store: m, Keys: optouttest.Keys{}, Now: h.Now}
	h.engine = optout.Engine{Store: m, Post: &optouttest.Mailbox{}, Now: h.Now}
	var refs, claimed []optout.Reference
	for n := range 24 {
		a := optouttest.Dissent()
		a.Subject.NHSNumber, a.Practice = optouttest.Number(), two[n%2].String()
		r := optout.Registrar{Store: m, Keys: optouttest.Keys{}, Now: h.Now}
		receipt, err := r.Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
		if err != nil {
			t.Fatal(err)
		}
		ref := receipt.Reference
		h.advance(t, ref)
		refs = append(refs, ref)
		if n < 12 {
			h.staying[ref] = two[n%2]
		} else {
			h.moving = append(h.moving, ref)
		}
		if n < 6 { // somebody there is at work on it all the time
			claimed = append(claimed, ref)
			if _, err := m.Claim(t.Context(), ref, worklist.Claim{By: keeper(two[n%2]), Until: h.Now().AddDate(1, 0, 0)}, h.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	const acts = 600 // of each person
	var people, office sync.WaitGroup
	for n := range 6 {
		by := optout.Actor{Role: []optout.Role{optout.AtPractice, optout.Clinician}[n/2%2], Practice: two[n%2], ID: fmt.Sprint("u-", n)}
		random := rand.New(rand.NewPCG(uint64(n), 6))
		people.Go(func() {
			for range acts {
				h.Move(time.Millisecond)
				ref := refs[random.IntN(len(refs))]
				verbs := slices.Sorted(maps.Keys(words))
				h.hammer(t, ref, verbs[random.IntN(len(verbs))], by, []string{"", "", "k-1", "k-2", "k-3", "k-4"}[random.IntN(6)])
				if random.IntN(10) == 0 {
					h.look(t, by, claimed)
				}
			}
		})
	}
	done := make(chan struct{})
	office.Go(func() { // what one has returned, the other gets
		for round := 0; ; round++ {
			for n, ref := range h.moving {
				h.advance(t, ref)
				_, err := h.custody.Assign(t.Context(), ref, optout.Actor{Role: optout.Office, ID: "u-9"}, optout.Said{}, two[(round+n)%2])
				h.refused(t, "assign", err)
				if f, err := m.Form(t.Context(), ref); err == nil && (f.State().Status == optout.StatusAnswered || f.State().Status == optout.StatusWithdrawn) {
					_, err = h.custody.Complain(t.Context(), ref, optout.Actor{Role: optout.Office, ID: "u-9"}, optout.Said{})
					h.refused(t, "complain", err)
				}
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	people.Wait()
	close(done)
	office.Wait()

	for _, ref := range refs {
		f, err := m.Form(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		for n, e := range f.Events {
			who := strings.Fields(e.By)
			if n == 0 || who[0] != "practice" && who[0] != "clinician" {
				continue
			}
			if has := optout.Fold(f.Events[:n]).Practice.String(); who[1] != has {
				t.Errorf("%s by %s in the history of what %s has", e.Kind, e.By, has)
			}
		}
		if at := h.staying[ref]; !at.IsZero() && (f.State().Practice != at || f.State().Ended()) {
			t.Errorf("a form of %s is %+v", at, f.State())
		}
	}
	held, err := m.Claimed(t.Context(), claimed, h.Now())
	for n, ref := range claimed {
		if err != nil || held[ref].By != keeper(two[n%2]) {
			t.Errorf("claim %d is %v, %v", n, held[ref], err)
		}
	}
	for _, want := range []string{"of the other's: FORBIDDEN", "of its own: done", "of its own: known again", "of what moves: FORBIDDEN", "of what moves: done", "of what moves: known again, its reference alone"} {
		if h.came[want] == 0 { // how often each comes is chance: who is first among six at once
			t.Errorf("%s: never", want)
		}
	}
	t.Logf("%d acts: %v", 6*acts, h.came)
}

func keeper(at nhs.ODSCode) string { return "practice " + at.String() + " u-8" }

func (h *hammered) advance(t *testing.T, ref optout.Reference) {
	t.Helper()
	_, err := h.engine.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()})
	if err != nil && !errors.Is(err, optout.ErrConflict) && !optout.Recorded(err) {
		t.Error(err)
	}
}

// refused takes a refusal for an answer, and that others were always first; it gives the code.
func (h *hammered) refused(t *testing.T, what string, err error) string {
	t.Helper()
	var r *optout.Refusal
	var f optout.Faulty
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return r.Code
	case errors.As(err, &f):
		return f[0].Code
	case !errors.Is(err, optout.ErrUnavailable):
		t.Errorf("%s: %v", what, err)
	}
	return "unavailable"
}

// hammer has somebody say something of a form, and holds the answer to what they may know.
func (h *hammered) hammer(t *testing.T, ref optout.Reference, verb string, by optout.Actor, key string) {
	t.Helper()
	a, err := words[verb](t.Context(), h, ref, by, optout.Said{Key: key})
	code := h.refused(t, verb, err)
	whose, stays := h.staying[ref]
	came, s := "of what moves: ", a.Form.State()
	bare := a.Form.Version() == 0 && a.Form.Facts.Surname.IsZero() && a.Form.Facts.BirthDate.IsZero() && a.Form.Person == ""
	switch {
	case stays && whose == by.Practice:
		came = "of its own: "
	case stays:
		came = "of the other's: "
		if code != optout.Forbidden.Code && code != "unavailable" {
			t.Errorf("%s by %s of what %s has: %q, %+v", verb, by, whose, code, a)
		}
	}
	if !bare && (s.Practice != by.Practice || s.Owner != optout.OwnerPractice && !s.Ended()) {
		t.Errorf("%s by %s: it is shown what %s has: %+v", verb, by, s.Practice, s)
	}
	switch {
	case err != nil:
		came += code
	case a.Repeat && strings.Fields(a.Event.By)[1] != by.Practice.String():
		t.Errorf("%s by %s: it gets the answer of %s", verb, by, a.Event.By)
	case a.Repeat && bare:
		came += "known again, its reference alone"
	case a.Repeat:
		came += "known again"
	default:
		came += "done"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.came[came]++
}

// look has somebody look through the lists of their practice, and reach for what others hold.
func (h *hammered) look(t *testing.T, by optout.Actor, claimed []optout.Reference) {
	t.Helper()
	its, theirs := two[0], two[1]
	if by.Practice != its {
		its, theirs = theirs, its
	}
	for _, stage := range []worklist.Stage{worklist.Open, worklist.Applied, worklist.Done} {
		l, others := worklist.List{Owner: worklist.Practice(its), Stage: stage}, worklist.List{Owner: worklist.Practice(theirs), Stage: stage}
		page, err := h.List(t.Context(), l, "", 2)
		if err != nil {
			t.Error(err)
			return
		}
		if page.Next != "" {
			if _, err := h.List(t.Context(), others, page.Next, 2); !errors.Is(err, worklist.ErrCursor) {
				t.Errorf("the other's list after a place in this one: %v", err)
			}
		}
		forms, err := worklist.Forms(t.Context(), h, l, append(page.Entries, worklist.Entry{Reference: claimed[0]}, worklist.Entry{Reference: claimed[1]}, worklist.Entry{Reference: h.moving[0]}))
		if err != nil {
			t.Error(err)
		}
		for _, f := range forms {
			if f.State().Practice != its {
				t.Errorf("on the list of %s: what %s has", its, f.State().Practice)
			}
		}
	}
	for _, ref := range claimed {
		if err := h.Release(t.Context(), ref, by.String()); err != nil {
			t.Error(err)
		}
		if _, err := h.Claim(t.Context(), ref, worklist.Claim{By: by.String(), Until: h.Now().Add(time.Minute)}, h.Now()); !errors.Is(err, worklist.ErrHeld) {
			t.Errorf("%s gets what %s holds: %v", by, keeper(h.staying[ref]), err)
		}
	}
	for _, err := range []error{decide(t, h, theirs, by), setEmail(t, h, theirs, by)} {
		if !errors.Is(err, optout.Forbidden) {
			t.Errorf("%s decides for %s: %v", by, theirs, err)
		}
	}
}

func decide(t *testing.T, h *hammered, code nhs.ODSCode, by optout.Actor) error {
	_, err := h.custody.Decide(t.Context(), code, by, optout.Decision{Stand: optout.Stopped, On: nhs.DateOf(h.Now())})
	return err
}

func setEmail(t *testing.T, h *hammered, code nhs.ODSCode, by optout.Actor) error {
	_, err := h.custody.SetEmail(t.Context(), code, by, "ours@practice.example")
	return err
}
