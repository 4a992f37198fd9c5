package patient

import (
	"html/template"
	"net/url"
	"slices"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// askWho asks whom the form is about.
var askWho = question{
	name: "who", option: "who",
	fields: func(v view) template.HTML { return join(v.radios("who", "self", "child", "adult")) },
	typed:  func(j *journey) url.Values { return url.Values{"who": {j.Who}} },
	take: func(d Door, j *journey, f door.Form) []wrong {
		who, faults := option(f, "who", "self", "child", "adult")
		same := sureYoung.asked(d, j) && !j.done("sure-young") || whoDecides.asked(d, j) // who fills in a form for the person named
		if j.Who != "" && who != j.Who && !same {                                        // what was said of one person is not true of another
			known := j.Answers.Subject.BirthDate
			j.Answers.Subject, j.Answers.Practice, j.Answers.NotRegistered = optout.Subject{}, "", false
			j.Answers.Reply, j.Lines, j.Numbered = nil, [4]string{}, false
			j.Done = slices.DeleteFunc(j.Done, func(q string) bool { return q != "choice" })
			if j.About != "" { // but that one is of the person of the earlier form
				j.Answers.Subject.BirthDate = known
				j.answered("birth-date")
			}
		}
		if who != j.Who {
			j.Answers.Proxy = nil
		}
		j.Who = who
		return faults
	},
	answer: func(_ Door, v view, j *journey) string { return v.Say("who." + j.Who) },
}

// powers are in what capacity somebody may sign, by whom the form is about (domain facts, who may sign).
var powers = map[string][]string{
	"child": {"parent", "local-authority"},
	"adult": {"attorney-health-welfare", "deputy", "best-interests"},
}

// without is the answer of those who have no such power.
const without = "none"

func forAnother(_ Door, j *journey) bool { return j.Who == "child" || j.Who == "adult" }

// askCapacity asks by what right somebody signs for another person.
var askCapacity = question{
	name: "capacity", option: "capacity", asked: forAnother,
	fields: func(v view) template.HTML {
		r := v.radios("capacity", powers[v.who]...)
		r.Items = append(r.Items, nhsui.Choice{Divider: v.Say("page.or")}, nhsui.Choice{Value: without, Text: v.text(without), Checked: v.is(without)})
		return join(r)
	},
	typed: func(j *journey) url.Values {
		if j.Answers.Proxy == nil {
			return nil
		}
		return url.Values{"capacity": {j.Answers.Proxy.Capacity}}
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		capacity, faults := option(f, "capacity", append([]string{without}, powers[j.Who]...)...)
		if j.Answers.Proxy == nil {
			j.Answers.Proxy = &optout.Proxy{}
		}
		if j.Answers.Proxy.Capacity != capacity {
			j.forget("declaration") // which says by what right
		}
		j.Answers.Proxy.Capacity = capacity
		return faults
	},
	answer: func(_ Door, v view, j *journey) string { return v.Say("capacity." + j.Answers.Proxy.Capacity) },
}

// noCapacity is an end: without such a power nobody signs for another person.
var noCapacity = question{
	name: "no-capacity", end: true,
	asked: func(d Door, j *journey) bool {
		return forAnother(d, j) && j.Answers.Proxy != nil && j.Answers.Proxy.Capacity == without
	},
	fields: headedLong,
}

// askDeclaration asks who signs, and that they may.
var askDeclaration = question{
	name: "declaration", field: "proxy-name", option: "declared", asked: forAnother,
	offers: func(_ Door, j *journey, _ url.Values) string { return j.Answers.Proxy.Capacity },
	fields: func(v view) template.HTML {
		declared := v.checkbox("declared")
		declared.Small = false
		declared.Fieldset = &nhsui.Fieldset{Legend: &nhsui.Legend{Text: v.text("legend"), Size: "m"}}
		declared.Hint = &nhsui.Hint{Text: v.text("says-" + v.lists)}
		return headed(v) + join(v.input("proxy-name", nhsui.Input{Autocomplete: "name"}), declared)
	},
	typed: func(j *journey) url.Values {
		t := url.Values{"proxy-name": {j.Answers.Proxy.Name}}
		if j.done("declaration") {
			t.Set("declared", "yes")
		}
		return t
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		j.Answers.Proxy.Name = f.Get("proxy-name")
		if !f.Ticked("declared") {
			return []wrong{{"declared", "missing"}}
		}
		return nil
	},
	fault:  said(map[string]string{"/proxy/name": "proxy-name"}),
	answer: func(_ Door, _ view, j *journey) string { return j.Answers.Proxy.Name },
}

// whoDecides is an end: at this age somebody else signs.
var whoDecides = question{
	name: "who-decides", end: true,
	asked: func(d Door, j *journey) bool {
		if j.Answers.Proxy == nil || !j.done("birth-date") {
			return false
		}
		_, faults := d.rules().Doubtful(j.Answers)
		return slices.ContainsFunc(faults, func(f optout.Fault) bool {
			return f.Pointer == "/proxy/capacity" && (f.Code == "person-decides" || f.Code == "not-for-a-child")
		})
	},
	fields: headedLong,
}

// headed is the heading of a page that asks for more than one field.
func headed(v view) template.HTML { return execute("heading.gohtml", v.text("title")) }

// headedLong is a page with a text of its own and nothing to fill in.
func headedLong(v view) template.HTML {
	return headed(v) + v.html("html")
}
