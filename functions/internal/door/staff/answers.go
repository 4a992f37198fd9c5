package staff

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// A page on which staff enter what somebody wants asks in these fields, whoever said it and however: AnswersIn reads them
// out of what was filled in, and Wrong finds the field again that a rule is about. Words that differ with whether a person
// is there or a paper are given.

// Want asks what the person wants.
func (f Fields) Want(legend, help string) template.HTML {
	return f.One("want", legend, help,
		Option{"dissent", Choices["dissent"], ""}, Option{"core", Choices["core"], ""}, Option{"core-and-additional", Choices["core-and-additional"], ""},
		Option{"withdrawal", "To take back an earlier form", ""}, Option{"not-me", "To say that an earlier form was not theirs", ""})
}

// About asks about which earlier form.
func (f Fields) About() template.HTML {
	return f.Line("about", "Reference of the earlier form", "Only to take one back, or to say that it was not theirs.", 20)
}

// Names asks for the person's name.
func (f Fields) Names() template.HTML {
	return f.Line("forenames", "First and middle names", "", 0) + "\n" + f.Line("surname", "Last name", "", 0) + "\n" +
		f.Box("one-name", "The person has one name only, which is typed as the last name")
}

// Born asks for the birth date.
func (f Fields) Born() template.HTML {
	return f.Day("birth-date", "Birth date", "For example, 31 3 1957.")
}

// Number asks for the NHS number.
func (f Fields) Number(label, help string) template.HTML {
	return f.Line("nhs-number", label, help, 20)
}

// Lives asks for the address.
func (f Fields) Lives() template.HTML {
	return f.Line("line-1", "Address", "", 0) + "\n" + f.Line("line-2", "Address, second line", "", 0) + "\n" + f.Line("line-3", "Town or city", "", 20) + "\n" +
		f.Line("postcode", "Postcode", "", 10) + "\n" + f.Box("no-address", "The person has no address")
}

// Practice asks for the practice.
func (f Fields) Practice(label, help string, width int) template.HTML {
	return f.Line("practice", label, help, width) + "\n" + f.Box("not-registered", "The person is not registered with a practice")
}

// Proxy asks for whoever signs for the person.
func (f Fields) Proxy(help, open string) template.HTML {
	var capacities []Option
	for _, c := range []string{"parent", "local-authority", "attorney-health-welfare", "deputy", "best-interests"} {
		capacities = append(capacities, Option{c, Capacities[c], ""})
	}
	return f.Line("proxy-name", "Name of whoever signs for the person", help, 0) + "\n" + f.One("capacity", "By what right?", open, capacities...)
}

// Signed asks for the day.
func (f Fields) Signed(legend, help string) template.HTML { return f.Day("signed-on", legend, help) }

// Replies asks how the person may be answered.
func (f Fields) Replies(legend, help string) template.HTML {
	return f.Some("safe", legend, help,
		Option{"email", "E-mail", ""}, Option{"post", "Post", ""}, Option{"phone", "Telephone", ""}, Option{"none", "None: do not contact this person", ""}) + "\n" +
		f.Line("email", "E-mail address", "", 0) + "\n" + f.Line("phone", "Telephone number", "", 20) + "\n" +
		f.Line("format", "Format that the person needs, such as large print", "", 0) + "\n" + f.Line("language", "Language, if not English", "", 20)
}

// AnswersFilled are the fields filled in as AnswersIn would read them, with the practice.
func AnswersFilled(a optout.Answers) door.Form {
	v := url.Values{}
	set := func(field, value string) {
		if value != "" {
			v.Set(field, value)
		}
	}
	tick := func(field string, ticked bool) {
		if ticked {
			v.Set(field, "yes")
		}
	}
	set("want", cmp.Or(a.Choice, a.Kind))
	set("about", a.About)
	set("forenames", a.Subject.Forenames)
	set("surname", a.Subject.Surname)
	tick("one-name", a.Subject.OneName)
	set("nhs-number", a.Subject.NHSNumber)
	for n, line := range a.Subject.Address {
		if n > 0 && n == len(a.Subject.Address)-1 { // a town comes last
			n = len(lines) - 1
		}
		set(lines[min(n, len(lines)-1)], line)
	}
	set("postcode", a.Subject.Postcode)
	tick("no-address", a.Subject.NoAddress)
	set("practice", a.Practice)
	tick("not-registered", a.NotRegistered)
	set("signer", "self")
	if a.Proxy != nil {
		set("signer", "proxy")
		set("proxy-name", a.Proxy.Name)
		set("capacity", a.Proxy.Capacity)
	}
	if r := a.Reply; r != nil {
		v["safe"] = append(v["safe"], r.Safe...)
		if len(r.Safe) == 0 {
			set("safe", "none")
		}
		set("email", r.Email)
		set("phone", r.Phone)
		set("format", r.Format)
		set("language", r.Language)
	}
	f := WithDay(door.Form(v), "birth-date", nhs.StoredDate(a.Subject.BirthDate))
	return WithDay(f, "signed-on", nhs.StoredDate(a.SignedOn))
}

// AnswersIn reads answers out of what was filled in, with what is wrong before any rule is asked. It reads no practice: at
// some doors that is not asked. The day is empty where none was filled in.
func AnswersIn(f door.Form) (a optout.Answers, faults []Fault) {
	wrong := func(field, text string) { faults = append(faults, Fault{field, text}) }
	switch want := f.Get("want"); want {
	case "":
		wrong("want", "Say what the person wants.")
	case "withdrawal", "not-me":
		a.Kind, a.About = want, f.Get("about")
		if a.About == "" {
			wrong("about", "Give the reference of the form that this is about.")
		}
	default:
		a.Choice, a.About = want, f.Get("about")
	}
	birth, x := Date(f, "birth-date")
	switch {
	case x != nil:
		faults = append(faults, *x)
	case birth.IsZero():
		wrong("birth-date", "Give the birth date.")
	}
	signed, x := Date(f, "signed-on")
	if x != nil {
		faults = append(faults, *x)
	}
	a.SignedOn = signed.ISO()
	a.Subject = optout.Subject{
		Forenames: f.Get("forenames"), Surname: f.Get("surname"), OneName: f.Ticked("one-name"), BirthDate: birth.ISO(),
		NHSNumber: f.Digits("nhs-number"), Postcode: f.Get("postcode"), NoAddress: f.Ticked("no-address"),
	}
	for _, line := range lines {
		if text := f.Get(line); text != "" {
			a.Subject.Address = append(a.Subject.Address, text)
		}
	}
	name, capacity := f.Get("proxy-name"), f.Get("capacity")
	switch f.Get("signer") {
	case "":
		wrong("signer", "Say who signs or speaks.")
	case "self":
		if name != "" || capacity != "" {
			wrong("signer", "Either the person signs or somebody else does. Empty what does not belong, or choose the other.")
		}
	case "proxy":
		a.Proxy = &optout.Proxy{Name: name, Capacity: capacity}
	default:
		wrong("signer", "Choose one of the options offered.")
	}
	reply := optout.Reply{Safe: []string{}, Email: f.Get("email"), Phone: f.Digits("phone"), Format: f.Get("format"), Language: f.Get("language")}
	ways := f.All("safe")
	for _, way := range ways {
		if way != "none" {
			reply.Safe = append(reply.Safe, way)
		}
	}
	if len(reply.Safe) > 0 && len(reply.Safe) < len(ways) {
		wrong("safe", "Either some ways are safe or none is. Take one answer away.")
	}
	a.Reply = &reply
	return a, faults
}

var lines = []string{"line-1", "line-2", "line-3"}

// fields are the page's names for what answers are about.
var fields = map[string]string{
	"/choice": "want", "/kind": "want", "/about": "about", "/subject/forenames": "forenames", "/subject/surname": "surname",
	"/subject/birthDate": "birth-date", "/subject/nhsNumber": "nhs-number", "/subject/address": "line-1", "/subject/address/0": "line-1",
	"/subject/address/1": "line-2", "/subject/address/2": "line-3", "/subject/postcode": "postcode", "/practice": "practice",
	"/proxy/name": "proxy-name", "/proxy/capacity": "capacity", "/signedOn": "signed-on", "/reply/safe": "safe", "/reply/email": "email",
	"/reply/phone": "phone", "/reply/format": "format", "/reply/language": "language",
}

// Wrong adds to the faults of a page what rules found wrong with its answers, one a field.
func Wrong(faults []Fault, broken []optout.Fault) []Fault {
	for _, x := range Faults(broken, fields) {
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Field == x.Field }) {
			faults = append(faults, x)
		}
	}
	return faults
}
