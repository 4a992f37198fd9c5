package patient

import (
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// Practices is the directory of practices in England.
type Practices interface {
	optout.Practices
	// Search gives the open practices that a person may mean by what they typed, best first.
	Search(query string, limit int) []directory.Practice
	// Find gives the practice with this code, open or not.
	Find(code nhs.ODSCode) (directory.Practice, bool)
	// Far says that a practice is so far from a postcode that a person should be asked again.
	Far(code nhs.ODSCode, home nhs.Postcode) bool
}

// mostOffered is how many practices one search offers.
const mostOffered = 20

// askPractice asks for the GP practice, which people search for by name, town or postcode. Not to know it, and to be
// registered with none, are answers.
var askPractice = question{
	name: "practice", option: "practice", asked: forChoice,
	above: func(v view) template.HTML {
		search := struct {
			Query  nhsui.Input
			Button nhsui.Button
		}{
			v.input("q", nhsui.Input{Type: "search", Width: 20, Autocomplete: "off"}),
			nhsui.Button{Text: v.text("search"), Variant: "secondary"},
		}
		return headed(v) + execute("search.gohtml", search)
	},
	fields: func(v view) template.HTML {
		legend := "known"
		if v.lists == "0" {
			legend = "none-found"
		}
		r := nhsui.Radios{
			Name: "practice", ErrorMessage: v.fault("practice"),
			Fieldset: &nhsui.Fieldset{Legend: &nhsui.Legend{Text: v.text(legend), Size: "m"}},
		}
		offered, _ := strconv.Atoi(v.lists)
		for i := range offered {
			n := itoa(i)
			r.Items = append(r.Items, nhsui.Choice{
				Value: nhsui.Blank("code-" + n), HTML: apart(nhsui.Blank("name-" + n)), Hint: &nhsui.Hint{HTML: apart(nhsui.Blank("where-" + n))},
				Checked: v.is("offered-" + n),
			})
		}
		switch {
		case offered == mostOffered:
			r.Hint = &nhsui.Hint{Text: v.text("more", "n", itoa(offered))}
		case offered > 0:
			r.Hint = &nhsui.Hint{Text: v.text("found", "n", itoa(offered))}
		}
		if offered > 0 {
			r.Items = append(r.Items, nhsui.Choice{Divider: v.Say("page.or")})
		}
		for _, o := range []string{"unknown", "none"} {
			r.Items = append(r.Items, nhsui.Choice{Value: o, Text: v.text(o), Hint: v.hint(o + "-hint"), Checked: v.is(o)})
		}
		return join(r) + execute("searched.gohtml", nhsui.Blank("q"))
	},
	typed: func(j *journey) url.Values {
		switch {
		case j.Answers.Practice != "":
			return url.Values{"practice": {j.Answers.Practice}}
		case j.Answers.NotRegistered:
			return url.Values{"practice": {"none"}}
		case j.done("practice"):
			return url.Values{"practice": {"unknown"}}
		}
		return url.Values{}
	},
	offers: func(d Door, j *journey, typed url.Values) string {
		var found []directory.Practice
		code, _ := nhs.ParseODSCode(typed.Get("practice"))
		chosen, ok := d.Practices.Find(code)
		switch {
		case typed.Get("q") != "":
			found = d.Practices.Search(typed.Get("q"), mostOffered)
		case ok:
			found = []directory.Practice{chosen}
		default: // those around the person's home
			home, err := nhs.ParsePostcode(j.Answers.Subject.Postcode, false)
			if err != nil {
				return ""
			}
			near, _, _ := strings.Cut(home.Text(), " ")
			typed.Set("q", near)
			found = d.Practices.Search(near, mostOffered)
		}
		if ok { // it is chosen by its place among those offered, if it is one of them
			typed.Del("practice")
		}
		for i, p := range found {
			n := itoa(i)
			typed.Set("code-"+n, p.Code.String())
			typed.Set("name-"+n, directory.Spoken(p.Name))
			typed.Set("where-"+n, p.Where())
			if p.Code == code {
				typed.Set("practice", "offered-"+n)
			}
		}
		return itoa(len(found))
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		before := j.Answers.Practice
		chosen := f.Get("practice")
		j.Answers.Practice, j.Answers.NotRegistered = "", chosen == "none"
		switch chosen {
		case "":
			return []wrong{{"practice", "missing"}}
		case "none", "unknown":
		default:
			j.Answers.Practice = chosen
		}
		if j.Answers.Practice != before {
			j.forget("sure-practice")
		}
		return nil
	},
	fault: said(map[string]string{"/practice": "practice"}),
	answer: func(d Door, v view, j *journey) string {
		switch {
		case j.Answers.NotRegistered:
			return v.Say("practice.none")
		case j.Answers.Practice == "":
			return v.Say("practice.unknown")
		}
		return d.chosenPractice(j)
	},
}

// chosenPractice is the practice of a journey in words.
func (d Door) chosenPractice(j *journey) string {
	code, _ := nhs.ParseODSCode(j.Answers.Practice)
	p, _ := d.Practices.Find(code)
	return directory.Spoken(p.Name) + ", " + p.Where()
}

func itoa(n int) string { return strconv.Itoa(n) }
