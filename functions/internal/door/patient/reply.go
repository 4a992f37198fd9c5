package patient

import (
	"html/template"
	"net/url"
	"slices"
	"strings"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// noContact is the answer of those whom nobody shall write to or call.
const noContact = "none"

// askReply asks which ways of replying are safe. "Do not contact me" is an answer.
var askReply = question{
	name: "reply", option: "safe",
	offers: func(_ Door, j *journey, _ url.Values) string { return strings.Join(ways(j), " ") },
	fields: func(v view) template.HTML {
		boxes := nhsui.Checkboxes{
			Name: "safe", Hint: v.hint("hint"), ErrorMessage: v.fault("safe"),
			Fieldset: &nhsui.Fieldset{Legend: &nhsui.Legend{Heading: v.heading()}},
		}
		for _, way := range strings.Fields(v.lists) {
			c := nhsui.Choice{Value: way, Text: v.text("by-" + way), Hint: v.hint("by-" + way + "-hint"), Checked: v.is(way)}
			switch way {
			case "email":
				c.Conditional = &nhsui.Conditional{HTML: nhsui.HTML(v.input(way, nhsui.Input{Type: "email", Autocomplete: "email"}))}
			case "phone":
				c.Conditional = &nhsui.Conditional{HTML: nhsui.HTML(v.input(way, nhsui.Input{Type: "tel", Width: 20, Autocomplete: "tel"}))}
			}
			boxes.Items = append(boxes.Items, c)
		}
		boxes.Items = append(boxes.Items, nhsui.Choice{Divider: v.Say("page.or")}, nhsui.Choice{
			Value: noContact, Text: v.text(noContact), Hint: v.hint(noContact + "-hint"), Checked: v.is(noContact), Behaviour: "exclusive",
		})
		return join(boxes)
	},
	typed: func(j *journey) url.Values {
		r := j.Answers.Reply
		if r == nil {
			return nil
		}
		t := url.Values{"safe": r.Safe, "email": {r.Email}, "phone": {r.Phone}}
		if len(r.Safe) == 0 {
			t["safe"] = []string{noContact}
		}
		return t
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		r := optout.Reply{Safe: []string{}}
		if j.Answers.Reply != nil {
			r.Format, r.Language = j.Answers.Reply.Format, j.Answers.Reply.Language
		}
		j.Answers.Reply = &r
		chosen := f["safe"]
		switch {
		case len(chosen) == 0:
			return []wrong{{"safe", "missing"}}
		case slices.Contains(chosen, noContact) && len(chosen) > 1:
			return []wrong{{"safe", "none-or-ways"}}
		case slices.Contains(chosen, noContact):
			r.Format, r.Language = "", "" // and who has a way after all is asked again
			j.forget("format", "which-format", "language", "which-language")
			return nil
		}
		for _, way := range ways(j) {
			if slices.Contains(chosen, way) {
				r.Safe = append(r.Safe, way)
			}
		}
		if len(r.Safe) < len(chosen) {
			return []wrong{{"safe", "not-an-option"}}
		}
		if slices.Contains(r.Safe, "email") {
			r.Email = f.Get("email")
		}
		if slices.Contains(r.Safe, "phone") {
			r.Phone = f.Digits("phone")
		}
		return nil
	},
	fault: said(map[string]string{"/reply/email": "email", "/reply/phone": "phone", "/reply/safe": "safe"}),
	answer: func(_ Door, v view, j *journey) string {
		r := j.Answers.Reply
		if len(r.Safe) == 0 {
			return v.Say("reply.none")
		}
		var said []string
		for _, way := range r.Safe {
			text := v.Say("reply.by-" + way)
			switch way {
			case "email":
				text = v.Say("reply.at", "way", text, "contact", r.Email)
			case "phone":
				text = v.Say("reply.at", "way", text, "contact", r.Phone)
			}
			said = append(said, text)
		}
		return strings.Join(said, "; ")
	},
}

// ways of replying there are in a journey: no letter without an address.
func ways(j *journey) []string {
	if len(j.Answers.Subject.Address) == 0 {
		return []string{"email", "phone"}
	}
	return []string{"email", "phone", "post"}
}

// mayReply says that there is a safe way, so that it matters how a reply is written.
func mayReply(_ Door, j *journey) bool {
	return j.Answers.Reply != nil && (len(j.Answers.Reply.Safe) > 0)
}

// formats are those of the Accessible Information Standard that people ask for most, and languages those of most
// replies. The first of each goes without saying; any other can be typed.
var (
	formats   = []string{"standard", "large-print", "easy-read", "braille", "audio", "british-sign-language"}
	languages = []string{"english"}
)

var (
	askFormat, whichFormat     = orOther("format", formats, "/reply/format", func(r *optout.Reply) *string { return &r.Format })
	askLanguage, whichLanguage = orOther("language", languages, "/reply/language", func(r *optout.Reply) *string { return &r.Language })
)

// other stands for an answer that is not among the options, until it is typed.
const other = "other"

// orOther are two questions: which of some options, and which other if none of them.
func orOther(name string, options []string, pointer string, of func(*optout.Reply) *string) (which, another question) {
	listed := func(answer string) bool { return answer == "" || slices.Contains(options, answer) }
	which = question{
		name: name, option: name, asked: mayReply,
		fields: func(v view) template.HTML { return join(v.radios(name, append(slices.Clip(options), other)...)) },
		typed: func(j *journey) url.Values {
			switch answer := *of(j.Answers.Reply); {
			case !listed(answer):
				return url.Values{name: {other}}
			case answer == "" && j.done(name):
				return url.Values{name: {options[0]}}
			default:
				return url.Values{name: {answer}}
			}
		},
		take: func(_ Door, j *journey, f door.Form) []wrong {
			chosen, faults := option(f, name, append(slices.Clip(options), other)...)
			switch answer := of(j.Answers.Reply); {
			case chosen == options[0]:
				*answer = ""
			case chosen != other:
				*answer = chosen
			case listed(*answer):
				*answer = other
				j.forget("which-" + name)
			}
			return faults
		},
		answer: func(_ Door, v view, j *journey) string {
			switch answer := *of(j.Answers.Reply); {
			case !listed(answer):
				return "" // it stands there itself
			case answer == "":
				return v.Say(name + "." + options[0])
			default:
				return v.Say(name + "." + answer)
			}
		},
	}
	another = question{
		name: "which-" + name, field: name,
		asked: func(d Door, j *journey) bool { return mayReply(d, j) && !listed(*of(j.Answers.Reply)) },
		fields: func(v view) template.HTML {
			in := v.input(name, nhsui.Input{Width: 20})
			in.Label = nhsui.Label{Heading: v.heading()}
			return join(in)
		},
		typed: func(j *journey) url.Values {
			if answer := *of(j.Answers.Reply); answer != other {
				return url.Values{name: {answer}}
			}
			return nil
		},
		take: func(_ Door, j *journey, f door.Form) []wrong {
			typed := f.Get(name)
			if typed == "" {
				return []wrong{{name, "missing"}}
			}
			*of(j.Answers.Reply) = typed
			return nil
		},
		fault:  said(map[string]string{pointer: name}),
		answer: func(_ Door, _ view, j *journey) string { return *of(j.Answers.Reply) },
	}
	return which, another
}
