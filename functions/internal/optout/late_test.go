package optout_test

import (
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// home brings a form, wherever it stands, to a practice that has not touched it yet: by what people and the engine do.
func (h *house) home(ref optout.Reference, at nhs.ODSCode) {
	h.t.Helper()
	for range 12 {
		h.Move(time.Minute)
		s := h.form(ref).State()
		its := optout.Actor{Role: optout.Clinician, Practice: s.Practice, ID: "u-7"}
		var err error
		switch {
		case s.Status == optout.StatusRouted && s.Practice == at && h.form(ref).Events[h.form(ref).Version()-1].Kind == optout.Routed:
			return
		case s.Status == optout.StatusHeld:
			_, err = acts["rel"].do(h, ref, supervisor)
		case s.Status == optout.StatusRegistered && s.Owner == optout.OwnerEngine, s.Status == optout.StatusReturned && s.Owner == optout.OwnerEngine:
			h.advance(ref)
		case s.Status == optout.StatusRegistered, s.Status == optout.StatusReturned && s.Reason == optout.OtherReason:
			_, err = h.custody.Assign(h.t.Context(), ref, office, said(""), at)
		case s.Status == optout.StatusRouted, s.Status == optout.StatusDelivered, s.Status == optout.StatusCollected, s.Status == optout.StatusInDoubt:
			_, err = h.custody.Return(h.t.Context(), ref, its, said("elsewhere"), optout.OtherReason)
		case s.Status == optout.StatusApplied:
			_, err = h.custody.Correct(h.t.Context(), ref, its, said(""))
		case s.Status == optout.StatusChecked:
			_, err = h.custody.Check(h.t.Context(), ref, its, said(""), optout.Listed{Run: h.Now()})
		case s.Status == optout.StatusReturned && s.Reason == optout.Deceased:
			_, err = h.custody.Confirm(h.t.Context(), ref, office, said(""))
		case s.Status == optout.StatusReturned && s.Reason == optout.WithdrawnByPerson:
			_, err = h.custody.TakeBack(h.t.Context(), ref, its, said(""), optout.TakenBack{How: "post", On: nhs.DateOf(h.Now()), To: "me"})
		case s.Status == optout.StatusReturned:
			_, err = h.custody.Keep(h.t.Context(), ref, its, said(""))
		default:
			_, err = h.custody.Complain(h.t.Context(), ref, office, said(""))
		}
		if err != nil {
			h.t.Fatalf("%s: %v", s.Status, err)
		}
	}
	h.t.Fatalf("it does not come home: %+v", h.form(ref).State())
}

// onwards are what leads from there to each state: verbs of the table of acts, reasons for a return, or the engine.
var onwards = map[string]string{
	"registered": "col SAFEGUARDING ref com",
	"unrouted":   "rej",
	"routed":     "",
	"delivered":  "del",
	"collected":  "col",
	"applied":    "col app",
	"in doubt":   "col app lac",
	"checked":    "col app has",

	"not our patient":       "NOT_OUR_PATIENT",
	"moved":                 "MOVED",
	"identity not verified": "IDENTITY_NOT_VERIFIED",
	"safeguarding":          "SAFEGUARDING",
	"coercion":              "COERCION",
	"no legal basis":        "NO_LEGAL_BASIS",
	"deceased":              "DECEASED",
	"other":                 "OTHER",
	"withdrawn by person":   "WITHDRAWN_BY_PERSON",

	"withdrawn":              "WITHDRAWN_BY_PERSON tak",
	"answered":               "SAFEGUARDING ref",
	"answered by the office": "OTHER rep",
	"answered, deceased":     "DECEASED con",
}

// onward takes it there, by people of the practice that has it.
func (h *house) onward(ref optout.Reference, at nhs.ODSCode, state string) {
	h.t.Helper()
	for _, step := range strings.Fields(onwards[state]) {
		h.Move(time.Minute)
		var err error
		if by := acts[step].by; by.Role != "" {
			if !by.Practice.IsZero() {
				by.Practice, by.ID = at, "u-7"
			}
			_, err = acts[step].do(h, ref, by)
		} else {
			_, err = h.custody.Return(h.t.Context(), ref, optout.Actor{Role: optout.AtPractice, Practice: at, ID: "u-7"}, said("in words of its own"), optout.Reason(step))
		}
		if err != nil {
			h.t.Fatalf("%s: %v", step, err)
		}
	}
}

// begins is where each verb is said first.
var begins = map[string]string{
	"wro": "held", "rel": "held", "sup": "held", "ass": "unrouted", "del": "routed", "unf": "delivered", "rej": "routed",
	"col": "routed", "put": "collected", "app": "collected", "cor": "applied", "ret": "collected", "has": "collected", "lac": "applied",
	"kee": "safeguarding", "ref": "safeguarding", "tak": "withdrawn by person", "rep": "other", "con": "deceased", "com": "answered",
	"num": "routed", "nud": "registered",
}

// elsewise are the states to which other ways lead: from where something was said of a form that is held, or new.
var elsewise = map[string]func(h *house, ref optout.Reference, verb string){
	"held": func(h *house, ref optout.Reference, verb string) {
		if verb != "sup" {
			h.say(ref, "sup")
		}
		h.say(ref, "com")
	},
	"answered while held": func(h *house, ref optout.Reference, verb string) {
		if verb == "sup" {
			h.say(ref, "com")
		}
		h.say(ref, "sup")
	},
	"duplicate": func(h *house, ref optout.Reference, _ string) { h.advance(ref) },
}

// What comes of saying something once more a day later, when the form has moved on: the verb was said as in the table
// of states, other people have done all that leads to the state of the row since, at the same practice.
//
// Two cells in one: under the key that it was said under, and under none. r is the first answer with nothing of the form
// but its reference, because the practice has it no more. L: too late, whoever was told was told
// before it was returned last (date-too-early). A dot: nothing leads there.
const late = `
state                  | wro rel sup  ass  | del  unf  rej  | col  put  app  cor  ret  | has lac  | kee  ref tak  | rep  con  com  | num nud
held                   | =o  .   =ans .    | .    .    .    | .    .    .    .    .    | .   .    | .    .   .    | .    .    .    | .   =o
registered             | =N  =N  =N   =N   | =N   =N   =N   | rF   rF   rF   rF   rF   | rF  rF   | rF   rF  rF   | =N   =N   ==   | rF  =o
unrouted               | =N  =N  =N   =rou | =N   =N   ==   | rF   rF   rF   rF   rF   | rF  rF   | rF   rF  rF   | =N   =N   =N   | rF  =o
routed                 | =N  =N  =N   =N   | =del =o   =reg | =col =N   =N   =N   =ret | =N  =N   | =N   =N  =N   | =N   =N   =N   | =o  =o
delivered              | =N  =N  =N   =N   | ==   =rou =reg | =col =N   =N   =N   =ret | =N  =N   | =N   =N  =N   | =N   =N   =N   | =o  =o
collected              | =N  =N  =N   =N   | =e   =e   =e   | ==   =rou =app =N   =ret | =N  =N   | =N   =N  =N   | =N   =N   =N   | =o  =o
applied                | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   ==   =col =N   | =N  =N   | =N   =N  =N   | =N   =N   =N   | =o  =o
in doubt               | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   =app =N   =ret | =N  ==   | =N   =N  =N   | =N   =N   =N   | =o  =o
checked                | =e  =e  =e   =e   | =e   =e   =e   | =e   =e   =e   =e   =e   | ==  =e   | =e   =e  =e   | =e   =e   =e   | =e  =e
not our patient        | =N  =N  =N   =N   | =e   =e   =e   | rF   rF   rF   rF   rF   | rF  rF   | rF   rF  rF   | =N   =N   =N   | rF  =o
moved                  | =N  =N  =N   =N   | =e   =e   =e   | rF   rF   rF   rF   rF   | rF  rF   | rF   rF  rF   | =N   =N   =N   | rF  =o
identity not verified  | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   =N   =N   =N   | =N  =N   | =col =L  =N   | =N   =N   =N   | =o  =o
safeguarding           | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   =N   =N   =N   | =N  =N   | =col =L  =N   | =N   =N   =N   | =o  =o
coercion               | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   =N   =N   =N   | =N  =N   | =col =L  =N   | =N   =N   =N   | =o  =o
no legal basis         | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   =N   =N   =N   | =N  =N   | =col =L  =N   | =N   =N   =N   | =o  =o
deceased               | =N  =N  =N   =reg | =e   =e   =e   | rF   rF   rF   rF   rF   | rF  rF   | rF   rF  rF   | =N   =ans =N   | rF  =o
other                  | =N  =N  =N   =reg | =e   =e   =e   | rF   rF   rF   rF   rF   | rF  rF   | rF   rF  rF   | =L   =N   =N   | rF  =o
withdrawn by person    | =N  =N  =N   =N   | =e   =e   =e   | =N   =N   =N   =N   =N   | =N  =N   | =col =N  =wit | =N   =N   =N   | =o  =o
duplicate              | .   .   .    .    | .    .    .    | .    .    .    .    .    | .   .    | .    .   .    | .    .    .    | .   =o
withdrawn              | =e  =e  =e   =e   | =e   =e   =e   | =e   =e   =e   =e   =e   | =e  =e   | =e   =e  ==   | =e   =e   =reg | =e  =e
answered               | =e  =e  =e   =e   | =e   =e   =e   | =e   =e   =e   =e   =e   | =e  =e   | =e   =e  =e   | =e   =e   =reg | =e  =e
answered by the office | =e  =e  =e   =e   | =e   =e   =e   | =e   =e   =e   =e   =e   | =e  =e   | =e   =e  =e   | =e   =e   =reg | =e  =e
answered, deceased     | =e  =e  =e   =e   | =e   =e   =e   | =e   =e   =e   =e   =e   | =e  =e   | =e   =e  =e   | =e   ==   =reg | =e  =e
answered while held    | =e  .   ==   .    | .    .    .    | .    .    .    .    .    | .   .    | .    .   .    | .    .    .    | .   =e
`

// And when it has moved on to another practice, which has brought it to the state of the row: said by the first
// practice, or of its mailbox.
const lateElsewhere = `
state                  | del unf rej | col put app cor ret | has lac | kee ref tak | num
registered             | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
unrouted               | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
routed                 | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
delivered              | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
collected              | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
applied                | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
in doubt               | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
checked                | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
not our patient        | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
moved                  | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
identity not verified  | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
safeguarding           | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
coercion               | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
no legal basis         | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
deceased               | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
other                  | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
withdrawn by person    | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
withdrawn              | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
answered               | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
answered by the office | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
answered, deceased     | =F  =F  =F  | rF  rF  rF  rF  rF  | rF  rF  | rF  rF  rF  | rF
`

func TestWhatComesLateGetsTheFirstAnswerOrMovesNothingBack(t *testing.T) {
	t.Parallel()
	judged := 0
	for table, at := range map[string]nhs.ODSCode{late: densham, lateElsewhere: elsewhere} {
		verbs, states := tabled(t, table)
		for state, cells := range states {
			for n, verb := range verbs {
				if cells[n] == "." {
					continue
				}
				got := ""
				for _, key := range []string{aKey, ""} {
					judged++
					got += lateNews(t, state, at, verb, key)
				}
				if got != cells[n] {
					t.Errorf("%s at %s, %s: %s, want %s", state, at, verb, got, cells[n])
				}
			}
		}
		if at == densham && len(states) != len(reach) {
			t.Errorf("%d states of %d", len(states), len(reach))
		}
	}
	t.Logf("%d cells", judged)
}

// lateNews has a verb said, the form moved on, and the verb said once more, under a key or none.
func lateNews(t *testing.T, state string, at nhs.ODSCode, verb, key string) string {
	t.Helper()
	h := newHouse(t)
	if state == "duplicate" { // of what somebody with its new number has sent
		h.advance(h.register(func(a *optout.Answers) { a.Subject.NHSNumber = h.number.Digits() }))
		h.Move(time.Minute)
	}
	begin := begins[verb]
	if strings.HasSuffix(state, "held") {
		begin = "held"
	}
	ref := reach[begin](h)
	h.Move(time.Minute)
	h.key, h.run = aKey, h.Now()
	h.say(ref, verb)
	said := h.run
	h.key, h.run = "", time.Time{}
	h.Move(24 * time.Hour)
	if other := elsewise[state]; other != nil {
		other(h, ref, verb)
	} else {
		h.home(ref, at)
		h.onward(ref, at, state)
	}
	if got := h.form(ref).State().Status; got != stands(state) {
		t.Fatalf("%s at %s after %s: it is %s", state, at, verb, got)
	}
	h.Move(time.Minute)
	h.key, h.run = key, said
	got := h.outcome(verb, ref, acts[verb].by)
	switch {
	case got == "=" && bare(h.answer):
		return "r"
	case got == "faulty: date-too-early":
		return "L"
	}
	return got
}

// stands is the status of a form in a state of the tables.
func stands(state string) optout.Status {
	switch first, _, _ := strings.Cut(state, " "); {
	case state == "unrouted":
		return optout.StatusRegistered
	case state == "in doubt":
		return optout.StatusInDoubt
	case state == "withdrawn by person", onwards[state] == strings.ToUpper(onwards[state]) && onwards[state] != "":
		return optout.StatusReturned
	default:
		return optout.Status(strings.TrimSuffix(first, ","))
	}
}
