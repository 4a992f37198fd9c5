package staff

import (
	"crypto/rand"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// Ask is the data of the page "ask": one form of fields and a button.
type Ask struct {
	Above  template.HTML
	Action string
	Fields template.HTML
	Button nhsui.Button
	Below  template.HTML
}

// Fields shows the fields of a form as it was filled in last, with what is wrong beside them.
type Fields struct {
	Form   door.Form
	Faults []Fault
}

// Option is one that can be chosen.
type Option struct{ Value, Text, Hint string }

func (f Fields) wrong(field string) *nhsui.ErrorMessage {
	for _, x := range f.Faults {
		if x.Field == field {
			return &nhsui.ErrorMessage{Text: x.Text}
		}
	}
	return nil
}

func hint(text string) *nhsui.Hint {
	if text == "" {
		return nil
	}
	return &nhsui.Hint{Text: text}
}

// Line asks for one line; width is its length in characters: 5, 10, 20 or 30; 0: the whole width.
func (f Fields) Line(name, label, help string, width int) template.HTML {
	return nhsui.HTML(nhsui.Input{
		Name: name, Value: f.Form.Get(name), Label: nhsui.Label{Text: label}, Hint: hint(help), ErrorMessage: f.wrong(name), Width: width,
		Autocomplete: "off", Spellcheck: new(false),
	})
}

// Words asks for something in somebody's own words.
func (f Fields) Words(name, label, help string) template.HTML {
	return nhsui.HTML(nhsui.Textarea{
		Name: name, Value: f.Form.Get(name), Label: nhsui.Label{Text: label}, Hint: hint(help), ErrorMessage: f.wrong(name), Rows: 3, Autocomplete: "off",
	})
}

// One asks to choose one.
func (f Fields) One(name, legend, help string, options ...Option) template.HTML {
	r := nhsui.Radios{Name: name, Hint: hint(help), ErrorMessage: f.wrong(name), Fieldset: &nhsui.Fieldset{Legend: &nhsui.Legend{Text: legend, Size: "s"}}, Small: true}
	for _, o := range options {
		r.Items = append(r.Items, nhsui.Choice{Value: o.Value, Text: o.Text, Hint: hint(o.Hint), Checked: f.Form.Get(name) == o.Value})
	}
	return nhsui.HTML(r)
}

// Some asks to tick any.
func (f Fields) Some(name, legend, help string, options ...Option) template.HTML {
	c := nhsui.Checkboxes{Name: name, Hint: hint(help), ErrorMessage: f.wrong(name), Fieldset: &nhsui.Fieldset{Legend: &nhsui.Legend{Text: legend, Size: "s"}}, Small: true}
	for _, o := range options {
		c.Items = append(c.Items, nhsui.Choice{Value: o.Value, Text: o.Text, Hint: hint(o.Hint), Checked: slices.Contains(f.Form.All(name), o.Value)})
	}
	return nhsui.HTML(c)
}

// Box asks to tick one box.
func (f Fields) Box(name, text string) template.HTML {
	return nhsui.HTML(nhsui.Checkboxes{
		Name: name, ErrorMessage: f.wrong(name), Small: true, Items: []nhsui.Choice{{Value: "yes", Text: text, Checked: f.Form.Ticked(name)}},
	})
}

// Day asks for a day.
func (f Fields) Day(name, legend, help string) template.HTML {
	part := func(n, label string) nhsui.DatePart {
		return nhsui.DatePart{Field: name + "-" + n, Label: nhsui.Label{Text: label}, Value: f.Form.Get(name + "-" + n)}
	}
	return nhsui.HTML(nhsui.DateInput{
		ID: name, Day: part("day", "Day"), Month: part("month", "Month"), Year: part("year", "Year"), Hint: hint(help), ErrorMessage: f.wrong(name),
		Fieldset: &nhsui.Fieldset{Legend: &nhsui.Legend{Text: legend, Size: "s"}},
	})
}

// Key is a new idempotency key for a form, or the one that it has: a double click says the same once.
func (f Fields) Key() template.HTML {
	key := f.Form.Get("key")
	if key == "" {
		key = rand.Text()
	}
	return Hidden("key", key)
}

// Hidden keeps something in a form.
func Hidden(name, value string) template.HTML {
	return template.HTML(`<input type="hidden" name="` + template.HTMLEscapeString(name) + `" value="` + template.HTMLEscapeString(value) + `">`)
}

// For keeps in a form for which practice the page that it stands on was shown.
func For(s signin.Session) template.HTML { return Hidden("for", s.Practice.String()) }

// Elsewhere is the Fault of a form that was filled in for another practice than the one in use now: which that is holds
// for all tabs. nil if it was filled in for this one. What comes without a word of it, from none of our pages, is taken
// of whoever works for one practice only, and so can mean no other.
func Elsewhere(f door.Form, s signin.Session) *Fault {
	page := f.Get("for")
	if page == s.Practice.String() || page == "" && len(s.Practices) < 2 {
		return nil
	}
	url.Values(f).Set("for", s.Practice.String()) // to be sent again, if that is meant
	text := "You are working for " + NameOf(s.Practice) + " now, and this page was for another practice. Nothing was changed. Send it again if it is for " + NameOf(s.Practice) + ", or change the practice at the top first."
	return &Fault{"", text}
}

// WithDay is a form in which a day is filled in that was not.
func WithDay(f door.Form, name string, d nhs.Date) door.Form {
	if iso := d.ISO(); iso != "" {
		url.Values(f).Set(name+"-day", strings.TrimPrefix(iso[8:], "0"))
		url.Values(f).Set(name+"-month", strings.TrimPrefix(iso[5:7], "0"))
		url.Values(f).Set(name+"-year", iso[:4])
	}
	return f
}

// SaidIn is what goes with an act: the key of the page's form, and words of one's own.
func SaidIn(f door.Form) optout.Said {
	return optout.Said{Key: f.Get("key"), Text: optout.Text(f.Get("text"))}
}

// Paragraphs are texts, one after the other.
func Paragraphs(texts ...string) (all template.HTML) {
	for _, t := range texts {
		if t != "" {
			all += template.HTML("<p>" + template.HTMLEscapeString(t) + "</p>\n")
		}
	}
	return all
}
