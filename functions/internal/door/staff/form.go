package staff

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// fact is one thing that a form says, in words.
type fact struct {
	name, value string
	copied      []copied // into another system
}

// copied is what another system takes in a field of its own, as that takes it.
type copied struct{ what, text string }

// facts are what a form says, in the order in which staff need it; what was not said is left out.
func facts(f optout.Form) (all []fact) {
	a := f.Facts
	add := func(name, value string, parts ...copied) {
		if value != "" {
			all = append(all, fact{name, value, parts})
		}
	}
	add("Wants", Wanted(a))
	if !a.About.IsZero() {
		add("About the form", a.About.String())
	}
	add("NHS number", cmp.Or(Spaced(a.NHSNumber), "Not given"), copied{"NHS number", a.NHSNumber.Digits()})
	add("Name", strings.Join(strings.Fields(a.Title.Text()+" "+a.Forenames.Text()+" "+a.Surname.Text()), " "), copied{"first names", a.Forenames.Text()}, copied{"last name", a.Surname.Text()})
	add("Birth date", birth(f))
	switch {
	case a.NoAddress:
		add("Address", "Has no address")
	default:
		add("Address", strings.Join(append(slices.Clip(a.Address), a.Postcode.Text()), ", "))
	}
	add("Signed by", cmp.Or(a.ProxyName.Text(), "The person"))
	add("By what right", Capacities[a.ProxyCapacity])
	add("Signed on", Day(a.SignedOn))
	add("Came in", Doors[f.Channel]+", "+Moment(f.State().Received))
	switch {
	case a.NotRegistered:
		add("Practice that was named", "Says that they are not registered with one")
	default:
		add("Practice that was named", cmp.Or(NameOf(a.Practice), "None"))
	}
	add("May be answered", answers(a.Reply))
	if a.Reply != nil {
		add("E-mail", a.Reply.Email)
		add("Telephone", a.Reply.Phone)
		add("Needs a format", a.Reply.Format)
		add("Language", a.Reply.Language)
	}
	return all
}

// Who says at the top of a page whose form it is about.
func Who(f optout.Form) template.HTML {
	name := cmp.Or(strings.TrimSpace(f.Facts.Forenames.Text()+" "+f.Facts.Surname.Text()), "Nobody's name could be read")
	return template.HTML(`<p><span dir="ltr">` + f.Reference.String() + `</span>: <strong><bdi>` + template.HTMLEscapeString(name) + `</bdi></strong>, born ` +
		template.HTMLEscapeString(cmp.Or(Day(f.Facts.BirthDate), "on a day that could not be read")) + `. ` + template.HTMLEscapeString(Wanted(f.Facts)) + `.</p>`)
}

// birth is a birth date with the age at which the form was signed, if that is a child's.
func birth(f optout.Form) string {
	d := Day(f.Facts.BirthDate)
	if age, child := f.Child(); child {
		d += " (" + itoa(age) + " years old when it was signed)"
	}
	return d
}

func answers(r *optout.Reply) string {
	switch {
	case r == nil:
		return "Nothing was said"
	case len(r.Safe) == 0:
		return "Do not contact this person"
	}
	ways := map[string]string{"email": "by e-mail", "post": "by post", "phone": "by telephone"}
	var all []string
	for _, w := range r.Safe {
		all = append(all, ways[w])
	}
	return strings.ToUpper(all[0][:1]) + strings.Join(all, " or ")[1:] + ", and in no other way"
}

// FactsOf shows what a form says, with buttons that copy what goes into another system.
func FactsOf(f optout.Form) nhsui.SummaryList {
	var l nhsui.SummaryList
	for _, x := range facts(f) {
		cell := nhsui.SummaryCell{HTML: apart(x.value)}
		for _, c := range x.copied {
			cell.HTML += copies(c, len(x.copied) == 1)
		}
		l.Rows = append(l.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: x.name}, Value: cell})
	}
	return l
}

// Summary shows what a form says, without buttons.
func Summary(f optout.Form) nhsui.SummaryList {
	var l nhsui.SummaryList
	for _, x := range facts(f) {
		l.Rows = append(l.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: x.name}, Value: nhsui.SummaryCell{HTML: apart(x.value)}})
	}
	return l
}

// apart is a value that may be written in another direction than the text around it.
func apart(value string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(value) + "</bdi>")
}

// copies is a button that copies a text; nothing where there is none. One that stands alone says what only aloud. Without scripts there is no button: the text can be
// marked and copied by hand.
func copies(c copied, alone bool) template.HTML {
	if c.text == "" {
		return ""
	}
	quiet := ""
	if alone {
		quiet = ` class="nhsuk-u-visually-hidden"`
	}
	return template.HTML(` <button type="button" class="nhsuk-button nhsuk-button--secondary nhsuk-button--small app-tight" data-copy="` +
		template.HTMLEscapeString(c.text) + `" hidden>Copy<span` + quiet + `> ` + template.HTMLEscapeString(c.what) + `</span></button>`)
}

// Code is a code with which a preference can be recorded.
type Code struct{ System, Code, Means string }

// CodesFor are the codes with which a practice can record what a form wants; "" where a system's is not known here. What
// takes an earlier form back is recorded with what holds once more, of which there are two, by codes that are known.
func CodesFor(f optout.Form, book nhs.Codebook) (all []Code) {
	wants := []nhs.Preference{nhs.Preference(f.Facts.Choice)}
	if f.Facts.Choice == "" {
		wants = []nhs.Preference{nhs.Implied, nhs.CoreAndAdditional}
	}
	for _, p := range wants {
		codes := book.Codes(p)
		for _, c := range []Code{{"Read v2", codes.ReadV2, preferences[p]}, {"CTV3", codes.CTV3, preferences[p]}, {"SNOMED CT", codes.SNOMED, preferences[p]}} {
			if c.Code != "" || len(wants) == 1 {
				all = append(all, c)
			}
		}
	}
	return all
}

var preferences = map[nhs.Preference]string{
	nhs.Dissent: "express dissent", nhs.Core: "express consent, core", nhs.CoreAndAdditional: "express consent, core and additional", nhs.Implied: "implied consent",
}

// CodesOf shows the codes with which a practice can record what a form wants, each to be copied.
func CodesOf(f optout.Form, book nhs.Codebook) (rows []nhsui.SummaryRow) {
	for _, c := range CodesFor(f, book) {
		cell := nhsui.SummaryCell{Text: "Not known here. Look it up in your clinical system."}
		if c.Code != "" {
			cell = nhsui.SummaryCell{HTML: template.HTML("<code>"+template.HTMLEscapeString(c.Code)+"</code>") + copies(copied{c.System + " code", c.Code}, true)}
		}
		rows = append(rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: c.System + ": " + c.Means}, Value: cell})
	}
	return rows
}

// Compare shows forms of one person side by side, and marks what they do not say alike.
func Compare(forms []optout.Form) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Forms of this person side by side", Size: "m"}, FirstCellIsHeader: true, Scroll: true, Tabbable: true,
		Head: []nhsui.Cell{{Text: "Says"}},
	}
	var names []string
	says := make([]map[string]string, len(forms))
	for n, f := range forms {
		head := nhsui.Cell{HTML: template.HTML("<span dir=\"ltr\">" + template.HTMLEscapeString(f.Reference.String()) + "</span>")}
		if n == 0 {
			head.HTML += "<br>this form"
		}
		t.Head = append(t.Head, head)
		says[n] = map[string]string{}
		for _, x := range append(facts(f), fact{name: "Stands", value: Standing(f.State()).Text}) {
			says[n][x.name] = x.value
			if !slices.Contains(names, x.name) {
				names = append(names, x.name)
			}
		}
	}
	for _, name := range names {
		row := []nhsui.Cell{{Text: name}}
		differs := slices.ContainsFunc(says, func(s map[string]string) bool { return s[name] != says[0][name] })
		if differs {
			row[0] = nhsui.Cell{HTML: template.HTML(template.HTMLEscapeString(name)+" ") + nhsui.HTML(nhsui.Tag{Text: "Differs", Colour: "orange"})}
		}
		for _, s := range says {
			row = append(row, nhsui.Cell{HTML: apart(cmp.Or(s[name], "–"))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Happened is one line of a form's history in words.
type Happened struct{ When, What, Who, Text string }

// HistoryFor is a form's history as an actor may see it: for a practice, how it came in and what happened since the
// practice was given it; words of others stay theirs.
func HistoryFor(f optout.Form, a optout.Actor) (all []Happened) {
	from := 0
	if a.Practice.String() != "" {
		for n, e := range f.Events {
			if (e.Kind == optout.Routed || e.Kind == optout.Assigned) && e.Detail["practice"] == a.Practice.String() {
				from = n
			}
		}
	}
	for n, e := range f.Events {
		if n > 0 && n < from {
			continue
		}
		who, own := By(e.By, a)
		h := Happened{When: Moment(e.At), What: EventText(e, a.Practice.IsZero()), Who: who}
		if own {
			h.Text = string(e.Text)
		}
		all = append(all, h)
	}
	return all
}

// By is who did something, as an actor may know it; own: somebody at the same desk or practice.
func By(by string, a optout.Actor) (who string, own bool) {
	if text, ok := Doors[by]; ok {
		return "the person, " + strings.ToLower(text[:1]) + text[1:], true
	}
	parts := append(strings.Fields(by), "", "", "")
	role, practice, id := optout.Role(parts[0]), parts[1], parts[2]
	if id == "" {
		practice, id = "", parts[1]
	}
	you := ""
	if id != "" && id == a.ID {
		you = " (you)"
	}
	switch role {
	case optout.AtPractice, optout.Clinician:
		what := "Your practice"
		if a.Practice.IsZero() {
			what = "Practice " + practice
		} else if practice != a.Practice.String() {
			return "Another practice", false
		}
		if role == optout.Clinician {
			what += ", a clinician"
		}
		return what + you, true
	case optout.Office:
		return "The office" + you, a.Role == optout.Office
	case optout.Desk, optout.Supervisor:
		return "The mailroom" + you, a.Practice.IsZero()
	case optout.MESH:
		return "MESH", true
	case optout.Machine:
		return "This service", true
	}
	return "", false
}

// EventText is what happened, in words; all: for the office, which may know of every practice.
func EventText(e optout.Event, all bool) string {
	d := e.Detail
	at := func(key string) string {
		if all && d[key] != "" {
			return " " + NameOf(nhs.StoredODSCode(d[key]))
		}
		return ""
	}
	day := func(key string) string { return Day(nhs.StoredDate(d[key])) }
	switch e.Kind {
	case optout.Registered:
		return "It was registered"
	case optout.Held:
		return "It was held, to be cleared up with the person"
	case optout.Wrote:
		return "The person was written to"
	case optout.Released:
		return "What was unclear has been cleared up"
	case optout.Superseded:
		return "A newer form came in its place"
	case optout.Numbered:
		return "An NHS number was added or corrected"
	case optout.Settled:
		if d["as"] == "duplicate" {
			return "It says the same as an earlier form, and follows that one"
		}
		return "It stands beside other forms of the person"
	case optout.Followed:
		return "It followed the form that it repeats"
	case optout.Routed:
		return "It was given to the practice" + at("practice")
	case optout.Unrouted:
		return "No practice could be found for it"
	case optout.Assigned:
		return "The office gave it to the practice" + at("practice")
	case optout.Reminded:
		return "The practice was reminded"
	case optout.Closed:
		return "Its practice has closed" + at("practice")
	case optout.Rerouted:
		return "Another practice was looked for"
	case optout.Failed:
		return "Something about it could not be done (" + d["fault"] + ")"
	case optout.Delivered:
		return "It was delivered by MESH"
	case optout.Unfetched:
		return "Nobody fetched it from MESH"
	case optout.Rejected:
		return "MESH would not carry it (" + d["fault"] + ")"
	case optout.Collected:
		return "It was collected"
	case optout.LetGo:
		return "It was put back"
	case optout.Applied:
		s := "It was applied on " + day("on") + " with the code " + d["code"]
		if d["told"] == "yes" {
			s += ", and the person was told"
		}
		return s
	case optout.Corrected:
		return "That it was applied was taken back"
	case optout.Replaced:
		return "A later form was applied in its place"
	case optout.Restored:
		return "It stands again: a later form was not applied in its place after all"
	case optout.Found:
		return "A list of coded patients shows it"
	case optout.Missing:
		if d["code"] != "" {
			return "A list of coded patients shows another code"
		}
		return "A list of coded patients does not show it"
	case optout.Discarded:
		return "Its scan was deleted"
	case optout.Returned:
		return "It was returned: " + ReasonText(optout.Reason(d["reason"]))
	case optout.Decided:
		if d["outcome"] == "answered" {
			return "It was decided not to apply it" + toldText(d["told"])
		}
		return "It was decided to go on with it"
	case optout.Withdrawn:
		return "The person took it back on " + day("on")
	case optout.Answered:
		return "The person was answered" + toldText(d["told"])
	case optout.Confirmed:
		return "The office confirmed that the person has died"
	case optout.Complained:
		return "The person complained, and it was opened again"
	}
	return string(e.Kind)
}

func toldText(told string) string {
	switch told {
	case "":
		return ""
	case "unsafe":
		return "; a clinician recorded that telling the person is unsafe"
	}
	return "; the person was told on " + Day(nhs.StoredDate(told))
}

// LookText is what somebody was shown, in words, by the code that the doors write down.
var LookText = map[string]string{
	"form": "The form", "print": "The form, to be printed", "csv": "The form, in a list", "fhir": "The form, for software", "beside": "The form, beside another one",
	"entered": "The form, as they entered it", "scan": "The paper, as it was scanned",
}

// Since is a time as an entry of a list shows it: when, and how long ago.
func Since(t, now time.Time) string { return t.In(london).Format("2 Jan 2006") + ", " + Ago(t, now) }
