package patient

import (
	"html/template"
	"net/url"
	"slices"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhsui"
)

// choices are what a person can want; whoever comes from an earlier form can also take that one back.
var choices = []string{"dissent", "core", "core-and-additional"}

// askChoice asks what a person wants.
var askChoice = question{
	name: "choice", option: "choice",
	asked: func(_ Door, j *journey) bool { return j.Answers.Kind != "not-me" },
	fields: func(v view) template.HTML {
		options := choices
		if v.kind == "changed" || v.kind == "withdrawal" {
			options = append([]string{"withdrawal"}, choices...)
		}
		return join(v.radios("choice", options...), nhsui.InsetText{HTML: execute("means.gohtml", v), VisuallyHiddenText: v.Say("page.information")})
	},
	typed: func(j *journey) url.Values {
		if j.Answers.Kind == "withdrawal" {
			return url.Values{"choice": {"withdrawal"}}
		}
		return url.Values{"choice": {j.Answers.Choice}}
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		options := choices
		if j.About != "" {
			options = append([]string{"withdrawal"}, choices...)
		}
		c, faults := option(f, "choice", options...)
		j.Answers.Kind, j.Answers.Choice, j.Answers.About = "", c, ""
		if c == "withdrawal" {
			j.Answers.Kind, j.Answers.Choice, j.Answers.About = "withdrawal", "", j.About
			j.unsay()
		}
		return faults
	},
	answer: func(_ Door, v view, j *journey) string {
		if j.Answers.Kind == "withdrawal" {
			return v.Say("choice.withdrawal")
		}
		return v.Say("choice." + j.Answers.Choice)
	},
}

// unsay takes back what is only asked of a choice: what does not stand among the answers to be checked is not sent.
func (j *journey) unsay() {
	s := &j.Answers.Subject
	s.Address, s.Postcode, s.NoAddress, j.Lines = nil, "", false, [4]string{}
	j.Answers.Practice, j.Answers.NotRegistered = "", false
	j.forget("address", "practice", "sure-practice")
	if j.Answers.Reply != nil && slices.Contains(j.Answers.Reply.Safe, "post") { // where would a letter go
		j.forget("reply")
	}
}
