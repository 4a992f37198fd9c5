package practice

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/worklist"
)

// listed is a form on a list for software: nothing personal.
type listed struct {
	Reference string `json:"reference"`
	Status    string `json:"status"`
	Next      string `json:"next,omitempty"`
	Since     string `json:"since"`         // the person waits since
	Due       string `json:"due,omitempty"` // by when the practice should have acted
}

// listForSoftware lists what is on the practice's list: GET /api/practice/forms?list=waiting&after=….
func (d *Door) listForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	ctx, q := r.Context(), r.URL.Query()
	l := worklist.List{Owner: worklist.Practice(a.Practice)}
	for _, x := range lists {
		if x.name == q.Get("list") || q.Get("list") == "" && x.name == "waiting" {
			l.Stage, l.Newest = x.stage, x.newest
		}
	}
	if l.Stage == "" {
		problem.Write(ctx, w, problem.WrongAnswers, optout.Fault{Pointer: "/list", Code: "not-an-option", Detail: "Ask for waiting, applied or done."})
		return
	}
	page, err := d.Store.List(ctx, l, worklist.Cursor(q.Get("after")), worklist.MostEntries)
	if errors.Is(err, worklist.ErrCursor) {
		problem.Write(ctx, w, problem.WrongAnswers, optout.Fault{Pointer: "/after", Code: "not-a-cursor", Detail: "Send what the answer before said as next, unchanged, or leave it out."})
		return
	}
	var forms []optout.Form
	if err == nil {
		forms, err = worklist.Forms(ctx, d.Store, l, page.Entries)
	}
	if err != nil {
		problem.Error(ctx, w, err)
		return
	}
	answer := struct {
		Forms []listed `json:"forms"`
		Next  string   `json:"next,omitempty"`
	}{[]listed{}, string(page.Next)}
	for _, f := range forms {
		if f.Version() > 0 {
			answer.Forms = append(answer.Forms, listing(f))
		}
	}
	door.WriteJSON(w, http.StatusOK, answer)
}

func listing(f optout.Form) listed {
	s := f.State()
	l := listed{Reference: f.Reference.String(), Status: string(s.Status), Next: string(s.Next), Since: s.First.UTC().Format(time.RFC3339)}
	if due := s.Deadline(); !due.IsZero() {
		l.Due = due.UTC().Format(time.RFC3339)
	}
	return l
}

// formForSoftware gives a form that is collected as FHIR R4, to somebody whom the software names: it is written down that
// they looked. GET /api/practice/forms/{reference}?person=….
func (d *Door) formForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	person := r.URL.Query().Get("person")
	if !named.MatchString(person) {
		problem.Write(r.Context(), w, problem.WrongAnswers, unnamed)
		return
	}
	a.ID += "-" + person
	f, err := d.own(r.Context(), r.PathValue("reference"), a)
	switch {
	case errors.Is(err, optout.ErrNotFound):
		problem.Write(r.Context(), w, problem.NotOnYourList)
	case err != nil:
		problem.Error(r.Context(), w, err)
	case !collected(f):
		problem.Write(r.Context(), w, problem.CollectFirst)
	default:
		if err := d.bundle(w, r, a, f); err != nil {
			problem.Error(r.Context(), w, err)
		}
	}
}

// said is what software sends with a verb; each verb takes its own part of it.
type said struct {
	Person   string   `json:"person"`
	Text     string   `json:"text,omitempty"`
	On       string   `json:"on,omitempty"`
	Code     string   `json:"code,omitempty"`
	Number   string   `json:"nhsNumber,omitempty"`
	Told     bool     `json:"told,omitempty"`
	Asked    bool     `json:"asked,omitempty"`
	Basis    string   `json:"basis,omitempty"`
	Replaces []string `json:"replaces,omitempty"`
	Reason   string   `json:"reason,omitempty"`
}

var (
	// uuid is RFC 9562's text form, as at POST /api/forms.
	uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	// named is how software names the person who did it: its own id of them, in which no name can stand.
	named = regexp.MustCompile(`^[A-Za-z0-9-]{1,24}$`)
)

// unnamed is the fault of what nobody is said to have done.
var unnamed = optout.Fault{Pointer: "/person", Code: "not-plain", Detail: "Send your own id of the named person who does this: at most 24 letters, digits and dashes, never a name."}

// actOfSoftware does one of the verbs that software can say: POST /api/practice/forms/{reference}/{verb}. A repeat under
// the same key gets the first answer.
func (d *Door) actOfSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	ctx, verb := r.Context(), r.PathValue("verb")
	key := strings.ToLower(strings.TrimSpace(r.Header.Get("Idempotency-Key")))
	var x said
	switch {
	case key == "":
		problem.Write(ctx, w, problem.KeyMissing)
		return
	case !uuid.MatchString(key):
		problem.Write(ctx, w, problem.KeyNotUUID)
		return
	}
	if p, faults := door.ReadJSON(r, &x); p.Code != "" {
		problem.Write(ctx, w, p, faults...)
		return
	}
	ref, err := optout.ParseReference(r.PathValue("reference"))
	if err != nil {
		problem.Write(ctx, w, problem.NotOnYourList)
		return
	}
	if !named.MatchString(x.Person) {
		problem.Write(ctx, w, problem.WrongAnswers, unnamed)
		return
	}
	a.ID += "-" + x.Person
	if until, held, err := d.claimed(ctx, ref, a, key); err != nil {
		problem.Error(ctx, w, err)
		return
	} else if held {
		p := problem.Claimed
		p.Detail = "Nothing was changed. Send it again when they have let go of it: at the latest at " + staff.Clock(until) + ", by the clock in England."
		problem.Write(ctx, w, p)
		return
	}
	with := optout.Said{Key: key, Text: optout.Text(x.Text)}
	var done optout.Answer
	switch c := d.custody(); verb {
	case "collect":
		done, err = c.Collect(ctx, ref, a, with)
	case "put-back":
		done, err = c.PutBack(ctx, ref, a, with)
	case "return":
		done, err = c.Return(ctx, ref, a, with, optout.Reason(x.Reason))
	case "correct":
		done, err = c.Correct(ctx, ref, a, with)
	case "apply":
		application, faults := d.applicationOf(x)
		if len(faults) > 0 {
			problem.Write(ctx, w, problem.WrongAnswers, faults...)
			return
		}
		done, err = c.Apply(ctx, ref, a, with, application)
	default:
		problem.Write(ctx, w, problem.NotFound)
		return
	}
	faulty, isFaulty := errors.AsType[optout.Faulty](err)
	refusal, isRefusal := errors.AsType[*optout.Refusal](err)
	switch {
	case errors.Is(err, optout.ErrNotFound), isRefusal && refusal == optout.Forbidden: // alike, so that nobody learns which forms there are
		problem.Write(ctx, w, problem.NotOnYourList)
	case isFaulty:
		for n := range faulty {
			if faulty[n].Pointer == "/number" { // as software calls it
				faulty = slices.Clone(faulty)
				faulty[n].Pointer = "/nhsNumber"
			}
		}
		problem.Write(ctx, w, problem.WrongAnswers, faulty...)
	case isRefusal:
		problem.Write(ctx, w, problem.Refused(refusal))
	case err != nil:
		problem.Error(ctx, w, err)
	default:
		if done.Repeat {
			w.Header().Set("Idempotency-Replayed", "true")
		}
		observe.Note(ctx, "reference", ref.String())
		answer := struct {
			Reference string `json:"reference"`
			Event     string `json:"event"`
			At        string `json:"at"`
		}{ref.String(), string(done.Event.Kind), done.Event.At.UTC().Format(time.RFC3339)}
		door.WriteJSON(w, http.StatusOK, answer)
	}
}

// claimed says until when somebody keeps a form of the practice to themselves, unless what is said under a key was said
// before: that gets its first answer, whoever is at work on the form by now. Software claims nothing.
func (d *Door) claimed(ctx context.Context, ref optout.Reference, a optout.Actor, key string) (until time.Time, held bool, err error) {
	claims, err := d.Store.Claimed(ctx, []optout.Reference{ref}, d.Now())
	c, held := claims[ref]
	if err != nil || !held {
		return time.Time{}, false, err
	}
	f, err := d.own(ctx, ref.String(), a)
	switch {
	case errors.Is(err, optout.ErrNotFound): // the practice learns nothing of it
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, err
	}
	again := slices.ContainsFunc(f.Events, func(e optout.Event) bool { return e.Detail["key"] == key })
	return c.Until, !again, nil
}

// applicationOf reads what software says of how a form was applied.
func (d *Door) applicationOf(x said) (a optout.Application, faults []optout.Fault) {
	a = optout.Application{Code: x.Code, Told: x.Told, Asked: x.Asked, Basis: x.Basis}
	var err error
	if x.On != "" {
		if a.On, err = nhs.ParseDate(x.On); err != nil {
			faults = append(faults, optout.FaultAt("/on", err))
		}
	}
	if x.Number != "" {
		if a.Number, err = nhs.ParseNumber(x.Number, d.TestNumbers); err != nil {
			faults = append(faults, optout.FaultAt("/nhsNumber", err))
		}
	}
	for _, typed := range x.Replaces {
		ref, err := optout.ParseReference(typed)
		if err != nil {
			faults = append(faults, optout.FaultAt("/replaces", optout.ErrReference))
			continue
		}
		a.Replaces = append(a.Replaces, ref)
	}
	return a, faults
}
