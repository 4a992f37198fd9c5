package office

import (
	"context"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// verb is something that the office says of a form, on a page of its own. The table of states has the last word; when
// only keeps pages from being offered that lead nowhere.
type verb struct {
	name, ask, title, button, done string
	aside                          bool // not what the office has the form for
	leaves                         bool // the form leaves the office's list
	when                           func(optout.State) bool
	about                          func(optout.State) []string
	begin                          func(*Door, optout.Form, door.Form) // fills in what is known already; nil: nothing
	fields                         func(*Door, optout.Form, staff.Fields) template.HTML
	do                             func(*Door, context.Context, signin.Session, optout.Form, door.Form) ([]staff.Fault, error)
}

var verbs []verb

func init() { verbs = []verb{confirm, assign, reply, complain, number} }

func verbNamed(name string) (verb, bool) {
	n := slices.IndexFunc(verbs, func(x verb) bool { return x.name == name })
	if n < 0 {
		return verb{}, false
	}
	return verbs[n], true
}

func always(texts ...string) func(optout.State) []string {
	return func(optout.State) []string { return texts }
}

func wrong(field, text string) []staff.Fault { return []staff.Fault{{Field: field, Text: text}} }

// mostOffered is how many practices one search offers.
const mostOffered = 20

// assign names the practice that a form goes to, where no machine could.
var assign = verb{
	name: "assign", ask: "Find a practice", title: "Which practice does the form go to?", button: "Give the form to this practice", done: "assigned", leaves: true,
	when: func(s optout.State) bool {
		return s.Owner == optout.OwnerOffice && (s.Status == optout.StatusRegistered || s.Status == optout.StatusReturned && (s.Reason == optout.OtherReason || s.Reason == optout.Deceased))
	},
	about: func(s optout.State) []string {
		because := "It is here because: " + strings.ToLower(why(s, "")[:1]) + why(s, "")[1:] + "."
		if s.Reason == optout.Deceased {
			because += " If that was a mistake, and the person lives, the form goes on."
		}
		return []string{because, "The practice is told like of every other form, and looks whether the person is its patient. Nobody else learns where the form went."}
	},
	begin: func(d *Door, f optout.Form, filled door.Form) {
		if near, _, ok := strings.Cut(f.Facts.Postcode.Text(), " "); ok { // those around the person's home
			url.Values(filled).Set("q", near)
		}
	},
	fields: func(d *Door, f optout.Form, b staff.Fields) template.HTML {
		q := b.Form.Get("q")
		all := b.Line("q", "Search for a practice", "By its name, town, postcode or code", 20) +
			nhsui.HTML(nhsui.Button{Text: "Search", Variant: "secondary", Name: "do", Value: "search"})
		var offered []directory.Practice
		if q != "" {
			offered = d.Practices.Search(q, mostOffered)
		}
		if code, err := nhs.ParseODSCode(b.Form.Get("practice")); err == nil && !slices.ContainsFunc(offered, func(p directory.Practice) bool { return p.Code == code }) {
			if p, ok := d.Practices.Find(code); ok { // what was chosen stays, whatever was searched for since
				offered = append(offered, p)
			}
		}
		if len(offered) == 0 {
			none := "Search for a practice to choose from."
			if q != "" {
				none = "No open practice is called that. Search for another name, a town or the first half of a postcode."
			}
			all += template.HTML(`<p id="practice" tabindex="-1">` + none + `</p>`)
		} else {
			var options []staff.Option
			for _, p := range offered {
				o := staff.Option{Value: p.Code.String(), Text: directory.Spoken(p.Name) + " (" + p.Code.String() + ")", Hint: p.Where()}
				if slices.Contains(f.State().Refusers, p.Code) {
					o.Hint += ". It has returned this form before"
				}
				options = append(options, o)
			}
			help := ""
			if len(offered) >= mostOffered {
				help = "These are the first " + strconv.Itoa(mostOffered) + ". Type more to see others."
			}
			all += b.One("practice", "Practices", help, options...)
		}
		return all + b.Words("text", "How you know, if you like to say", "It stays with the form, for the office alone. Do not write down more than is needed.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		code, err := nhs.ParseODSCode(filled.Get("practice"))
		if err != nil {
			return wrong("practice", "Choose a practice."), nil
		}
		_, err = d.custody().Assign(ctx, f.Reference, s.Actor, staff.SaidIn(filled), code)
		return nil, err
	},
}

// reply records that a person was told why their form is not applied.
var reply = verb{
	name: "answer", ask: "Answer the person", title: "Record how the person was answered", button: "Record the answer", done: "answered", leaves: true,
	when: func(s optout.State) bool {
		return s.Status == optout.StatusReturned && s.Reason == optout.OtherReason
	},
	about: always("The form ends here. That is right only once the person was told why it is not applied, and how to complain, to the Information Commissioner too. Answer in a way that the person said is safe. If a practice can still apply it, find that practice instead."),
	fields: func(d *Door, f optout.Form, b staff.Fields) template.HTML {
		return b.Day("told", "On which day was the person told?", "") + b.Words("text", "Why is it not applied, and how was the person told?", "It stays with the form, for the office alone.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) (faults []staff.Fault, err error) {
		on, x := staff.Date(filled, "told")
		switch {
		case x != nil:
			faults = append(faults, *x)
		case on.IsZero():
			faults = append(faults, staff.Fault{Field: "told", Text: optout.TellFirst.Detail})
		}
		if filled.Get("text") == "" {
			faults = append(faults, staff.Fault{Field: "text", Text: "Say why, and how the person was told."})
		}
		if len(faults) > 0 {
			return faults, nil
		}
		_, err = d.custody().Reply(ctx, f.Reference, s.Actor, staff.SaidIn(filled), optout.Telling{On: on})
		return nil, err
	},
}

// confirm records that a person has died.
var confirm = verb{
	name: "confirm", ask: "Confirm that the person has died", title: "Confirm that the person has died", button: "Confirm", done: "confirmed", leaves: true,
	when: func(s optout.State) bool {
		return s.Status == optout.StatusReturned && s.Reason == optout.Deceased
	},
	about: always("The form ends here. Nobody is written to, and nobody who asks with the reference is told why. If the person lives, find the practice that the form goes to instead."),
	fields: func(d *Door, f optout.Form, b staff.Fields) template.HTML {
		return b.Box("sure", "It was checked that it is this person") + b.Words("text", "How you know", "It stays with the form, for the office alone.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		if !filled.Ticked("sure") {
			return wrong("sure", "Check that it is this person, and say so."), nil
		}
		_, err := d.custody().Confirm(ctx, f.Reference, s.Actor, staff.SaidIn(filled))
		return nil, err
	},
}

// complain opens a form again that has ended.
var complain = verb{
	name: "complain", ask: "Open it again on a complaint", title: "Open the form again", button: "Open it again", done: "reopened",
	when: func(s optout.State) bool {
		return s.Status == optout.StatusWithdrawn || s.Status == optout.StatusAnswered
	},
	about: always("For a person who complains of how their form ended. It goes on as if it had just come in, and what has happened stays in its history."),
	fields: func(d *Door, f optout.Form, b staff.Fields) template.HTML {
		return b.Words("text", "What does the person complain of?", "It stays with the form, for the office alone. Do not write down more than is needed.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		if filled.Get("text") == "" {
			return wrong("text", "Say what the person complains of."), nil
		}
		_, err := d.custody().Complain(ctx, f.Reference, s.Actor, staff.SaidIn(filled))
		return nil, err
	},
}

// number adds an NHS number to a form or corrects it.
var number = verb{
	name: "number", ask: "Add or correct the NHS number", title: "Which NHS number has the person?", button: "Record the number", done: "numbered", aside: true,
	when:  func(s optout.State) bool { return !s.Ended() },
	about: always("The number that you give is the one that the form is compared by from now on. Where no practice is known yet, the person's other forms are looked for again."),
	begin: func(_ *Door, f optout.Form, filled door.Form) {
		url.Values(filled).Set("number", staff.Spaced(f.Facts.NHSNumber))
	},
	fields: func(d *Door, f optout.Form, b staff.Fields) template.HTML {
		return b.Line("number", "NHS number", "10 digits, like 943 476 5919", 20) + b.Words("text", "How you know, if you like to say", "It stays with the form, for the office alone.")
	},
	do: func(d *Door, ctx context.Context, s signin.Session, f optout.Form, filled door.Form) ([]staff.Fault, error) {
		typed := filled.Digits("number")
		n, err := nhs.ParseNumber(typed, d.TestNumbers)
		switch {
		case typed == "":
			return wrong("number", "Give the number."), nil
		case err != nil:
			return wrong("number", optout.FaultAt("", err).Detail), nil
		}
		_, err = d.custody().Number(ctx, f.Reference, s.Actor, staff.SaidIn(filled), n)
		return nil, err
	},
}

func itoa(n int) string { return strconv.Itoa(n) }
