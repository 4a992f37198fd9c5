package patient

import (
	"html/template"
	"net/url"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
)

// The interruptions ask once more where a mistake is likely. They refuse nothing, and are asked again only when what
// they are about has changed.
const (
	oldest   = 105 // years; few people are older
	youngest = 12  // years; younger children seldom fill in forms for themselves, though they may
)

// sureBirthDate asks whether somebody is as old as that.
var sureBirthDate = question{
	name:   "sure-birth-date",
	asked:  func(d Door, j *journey) bool { age, ok := d.age(j); return ok && age > oldest },
	take:   confirmed,
	offers: theBirthDate,
	fields: func(v view) template.HTML { return interruption(v, "birth-date", "birth-date") },
}

// sureYoung asks whether a young child fills the form in itself.
var sureYoung = question{
	name:   "sure-young",
	asked:  func(d Door, j *journey) bool { age, ok := d.age(j); return ok && j.Who == "self" && age < youngest },
	take:   confirmed,
	offers: theBirthDate,
	fields: func(v view) template.HTML { return interruption(v, "birth-date", "birth-date", "who") },
}

// surePractice asks whether a practice far from home is meant.
var surePractice = question{
	name: "sure-practice",
	asked: func(d Door, j *journey) bool {
		code, err := nhs.ParseODSCode(j.Answers.Practice)
		home, no := nhs.ParsePostcode(j.Answers.Subject.Postcode, false)
		return forChoice(d, j) && err == nil && no == nil && d.Practices.Far(code, home)
	},
	take: confirmed,
	offers: func(d Door, j *journey, typed url.Values) string {
		typed.Set("practice", d.chosenPractice(j))
		return ""
	},
	fields: func(v view) template.HTML { return interruption(v, "practice", "practice", "address") },
}

// theBirthDate fills in the one that was given.
func theBirthDate(d Door, j *journey, typed url.Values) string {
	date, _ := nhs.ParseDate(j.Answers.Subject.BirthDate)
	typed.Set("birth-date", day(d.language(j.Language), date))
	return ""
}

func confirmed(Door, *journey, door.Form) []wrong { return nil }

// interruption says what is unusual, with a link to each question where it could be put right.
func interruption(v view, blank string, questions ...string) template.HTML {
	page := struct {
		Panel nhsui.Panel
		Links []nhsui.Action
	}{Panel: nhsui.Panel{Heading: nhsui.Heading{Text: v.text("title")}, Text: v.text("text", blank, nhsui.Blank(blank)), Variant: "interruption"}}
	for _, q := range questions {
		page.Links = append(page.Links, nhsui.Action{Href: q, Text: v.text("change-" + q)})
	}
	return execute("interruption.gohtml", page)
}

// age of the person a journey is about, in years; ok is false before they were asked for their birth date.
func (d Door) age(j *journey) (years int, ok bool) {
	date, err := nhs.ParseBirthDate(j.Answers.Subject.BirthDate, d.today())
	if err != nil || !j.done("birth-date") || j.Answers.About != "" {
		return 0, false
	}
	return date.Age(d.today()), true
}
