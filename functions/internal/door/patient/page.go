package patient

import (
	"cmp"
	"embed"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
)

// shape is all that decides how a page looks, apart from what fills its blanks. A page is made from its shape alone,
// so that whoever gets a page of the same shape gets the same one; what people type is only ever in blanks.
type shape struct {
	page     string // its name, and the first part of the keys of its words
	language string // tag
	who      string // self, child or adult: whom a form is about
	kind     string // choice, withdrawal, not-me, or changed: another choice than that of an earlier form
	chosen   string // options that are chosen, joined by spaces
	back     string // where the link back leads; "": none
	lists    string // what is listed or offered, joined by spaces
	note     string // key of a further text
	wrong    string // field=code, joined by spaces
}

// view is a page in the making.
type view struct {
	shape
	*nhsui.Language
	by Controller
}

// bodies are the pages, by their names.
var bodies = sync.OnceValue(func() map[string]func(view) template.HTML {
	all := map[string]func(view) template.HTML{
		"start": startBody, "check": checkBody, "sent": sentBody, "sent-before": sentBeforeBody,
		"status": statusBody, "steps": stepsBody, "help": helpBody,
	}
	for _, q := range questions() {
		all[q.name] = func(v view) template.HTML { return questionBody(v, q) }
	}
	for _, name := range readings {
		all[name] = readingBody
	}
	return all
})

// mostSheets is how many pages are remembered. There are some hundreds of shapes without faults.
const mostSheets = 2000

// sheets remember the pages that were made.
type sheets struct {
	mutex  sync.RWMutex
	made   map[shape]*nhsui.Sheet
	static sync.Map // of shape to http.Handler: pages that are the same for everybody
}

func (d Door) sheet(s shape) *nhsui.Sheet {
	d.sheets.mutex.RLock()
	sheet, ok := d.sheets.made[s]
	d.sheets.mutex.RUnlock()
	if ok {
		return sheet
	}
	sheet = nhsui.NewSheet(d.whole(view{s, d.language(s.language), d.Controller}))
	if s.wrong == "" || s.chosen == "" { // what is chosen in vain may be anything, and is not kept
		d.sheets.mutex.Lock()
		defer d.sheets.mutex.Unlock()
		for other := range d.sheets.made {
			if len(d.sheets.made) < mostSheets {
				break
			}
			delete(d.sheets.made, other) // any one, so that whoever asks for odd pages keeps no common one out for long
		}
		d.sheets.made[s] = sheet
	}
	return sheet
}

// show answers with a page.
func (d Door) show(w http.ResponseWriter, status int, s shape, fill func(blank string) string) {
	page := d.sheet(s).Fill(fill)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
}

//go:embed *.gohtml
var templateSources embed.FS

// templates are those of our pages, among the design system's components.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(nhsui.Templates().ParseFS(templateSources, "*.gohtml"))
})

func execute(name string, data any) template.HTML {
	var b strings.Builder
	if err := templates().ExecuteTemplate(&b, name, data); err != nil {
		panic("page: " + err.Error())
	}
	return template.HTML(b.String())
}

// whole is a page from its first to its last line.
func (d Door) whole(v view) string {
	footer := nhsui.Footer{
		Meta:      nhsui.FooterMeta{VisuallyHiddenText: v.Say("page.support")},
		Copyright: &nhsui.Content{Text: v.Say("page.run-by", "controller", v.by.Name)},
	}
	for _, name := range append([]string{"status"}, readings...) {
		footer.Meta.Items = append(footer.Meta.Items, nhsui.FooterItem{Text: v.Say("page." + name), Href: v.To("/" + name)})
	}
	frame := nhsui.Frame{
		Tag: v.Tag, Dir: v.Dir, Logo: v.by.NHS, Scripts: v.scripted(), Footer: &footer, Body: bodies()[v.page](v),
		Title: v.Say("page.title", "title", v.text("title"), "service", v.Say("page.service")),
		Skip:  &nhsui.SkipLink{Text: v.Say("page.skip")},
		Header: &nhsui.Header{
			Logo:         nhsui.Logo{Alt: v.Say("page.nhs"), AriaLabel: v.home()},
			WithoutLogo:  !v.by.NHS,
			Organisation: &nhsui.Organisation{Name: v.by.Name},
			Service:      nhsui.Service{Text: v.Say("page.service"), Href: v.To("/")},
		},
	}
	if v.back != "" {
		frame.Back = &nhsui.BackLink{Text: v.Say("page.back"), Href: v.back}
	}
	if v.wrong != "" {
		frame.Title = v.Say("page.error-title", "title", frame.Title)
		frame.Errors = &nhsui.ErrorSummary{Heading: nhsui.Heading{Text: v.Say("page.problem")}}
		place := func(w wrong) int { return strings.Index(string(frame.Body), `id="`+anchor(w)+`"`) }
		faults := v.faults()
		slices.SortStableFunc(faults, func(a, b wrong) int { return place(a) - place(b) }) // as the fields stand on the page
		for _, w := range faults {
			frame.Errors.ErrorList = append(frame.Errors.ErrorList, nhsui.ErrorItem{Text: v.sentence(w), Href: "#" + anchor(w)})
		}
	}
	return frame.HTML()
}

// scripted says that a page has what scripts improve. The others, and the first page above all, load none.
func (v view) scripted() bool {
	return v.page == "check" || v.page == "status" || questionNamed(v.page) != nil
}

// wrong is a fault of what was typed into a field of a page.
type wrong struct{ field, code string }

// To is an address of ours, in the page's language where that is another than the first.
func (s shape) To(address string) string {
	if s.language == "" {
		return address
	}
	return address + "?" + url.Values{"lang": {s.language}}.Encode()
}

// home says where the header leads, in the words that are seen there.
func (v view) home() string {
	owner := v.by.Name
	if v.by.NHS {
		owner = v.Say("page.nhs") + " " + owner
	}
	return v.Say("page.home", "owner", owner, "service", v.Say("page.service"))
}

// text says a text of this page, for the kind of form and for whom it is about where these make a difference.
func (v view) text(key string, pairs ...string) string {
	found, ok := v.find(v.page + "." + key)
	if !ok {
		found = v.page + "." + key // which says what is missing
	}
	return v.Say(found, pairs...)
}

// maybe is text, or "" where there is none.
func (v view) maybe(key string, pairs ...string) string {
	if found, ok := v.find(v.page + "." + key); ok {
		return v.Say(found, pairs...)
	}
	return ""
}

// html is a text that is HTML; values in it are escaped.
func (v view) html(key string, pairs ...string) template.HTML {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = template.HTMLEscapeString(pairs[i])
	}
	return v.leading(template.HTML(v.text(key, pairs...)))
}

var inside = regexp.MustCompile(`href="(/[a-z]*)"`)

// leading is a text whose links to our other pages stay in its language.
func (v view) leading(text template.HTML) template.HTML {
	return template.HTML(inside.ReplaceAllStringFunc(string(text), func(href string) string {
		return `href="` + v.To(inside.FindStringSubmatch(href)[1]) + `"`
	}))
}

// apart is a value that may be written in another direction than the text around it; "" if there is none.
func apart(value string) template.HTML {
	if value == "" {
		return ""
	}
	return template.HTML("<bdi>" + template.HTMLEscapeString(value) + "</bdi>")
}

func (v view) find(key string) (string, bool) {
	for _, k := range [...]string{key, key + "." + v.kind + "." + v.who, key + "." + v.kind, key + "." + v.who, key + ".else"} {
		if v.Has(k) {
			return k, true
		}
	}
	return "", false
}

func (v view) hint(key string) *nhsui.Hint {
	if t := v.maybe(key); t != "" {
		return &nhsui.Hint{Text: t}
	}
	return nil
}

// faults are what is wrong with a page.
func (v view) faults() (all []wrong) {
	for w := range strings.FieldsSeq(v.wrong) {
		field, code, _ := strings.Cut(w, "=")
		all = append(all, wrong{field, code})
	}
	return all
}

// fault is the message beside a field; nil if nothing is wrong with it.
func (v view) fault(field string) *nhsui.ErrorMessage {
	for _, w := range v.faults() {
		if w.field == field {
			return &nhsui.ErrorMessage{Text: v.sentence(w), VisuallyHiddenText: new(v.Say("page.error"))}
		}
	}
	return nil
}

// sentence is what a person reads of a fault: the page's own words for it, or those that hold everywhere.
func (v view) sentence(w wrong) string {
	if t := v.maybe("wrong." + w.field + "." + w.code); t != "" {
		return t
	}
	return v.Say("fault." + w.code)
}

// parts are the fields of a date that faults are about, where these are not about all of it.
var parts = map[string]string{"day-missing": "day", "month-missing": "month", "year-missing": "year", "year-short": "year"}

// anchor is the id of the field that a fault leads to: of a date, the part that is wrong, or the first.
func anchor(w wrong) string {
	if w.field == "birth-date" {
		return "birth-date-" + cmp.Or(parts[w.code], "day")
	}
	return w.field
}

// is says whether an option is chosen.
func (v view) is(option string) bool { return slices.Contains(strings.Fields(v.chosen), option) }

// heading is the page's h1, as the legend or label of its only question.
func (v view) heading() *nhsui.Heading {
	return &nhsui.Heading{Text: v.text("title"), Size: "l"}
}

// radios ask the page's question, with these options.
func (v view) radios(field string, options ...string) nhsui.Radios {
	r := nhsui.Radios{
		Name: field, Hint: v.hint("hint"), ErrorMessage: v.fault(field),
		Fieldset: &nhsui.Fieldset{Legend: &nhsui.Legend{Heading: v.heading()}},
	}
	for _, o := range options {
		r.Items = append(r.Items, nhsui.Choice{Value: o, Text: v.text(o), Hint: v.hint(o + "-hint"), Checked: v.is(o)})
	}
	return r
}

// checkbox is one box beside other fields.
func (v view) checkbox(field string) nhsui.Checkboxes {
	return nhsui.Checkboxes{
		Name: field, ErrorMessage: v.fault(field), Small: true,
		Items: []nhsui.Choice{{Value: "yes", Text: v.text(field), Checked: v.is("yes")}},
	}
}

// input is a field for one line.
func (v view) input(field string, i nhsui.Input) nhsui.Input {
	i.Name, i.Value = field, nhsui.Blank(field)
	i.Label.Text, i.Hint, i.ErrorMessage = v.maybe(field), v.hint(field+"-hint"), v.fault(field)
	i.Spellcheck = new(false)
	i.Attributes = nhsui.Attributes{"dir": "auto"} // as what is typed, which may be a number or a name in any script
	return i
}

// birthDate is the field for a birth date.
func (v view) birthDate(legend *nhsui.Legend) nhsui.DateInput {
	part := func(name string) nhsui.DatePart {
		wrong := slices.ContainsFunc(v.faults(), func(w wrong) bool { return w.field == "birth-date" && parts[w.code] == name })
		return nhsui.DatePart{Label: nhsui.Label{Text: v.Say("date." + name)}, Value: nhsui.Blank(name), Error: wrong}
	}
	date := nhsui.DateInput{
		ID: "birth-date", Day: part("day"), Month: part("month"), Year: part("year"),
		Fieldset: &nhsui.Fieldset{Legend: legend}, Hint: v.hint("birth-date-hint"), ErrorMessage: v.fault("birth-date"),
	}
	if v.who == "self" && v.page == "birth-date" { // a browser knows the birthday of whoever uses it
		date.Day.Autocomplete, date.Month.Autocomplete, date.Year.Autocomplete = "bday-day", "bday-month", "bday-year"
	}
	return date
}

// join shows one component after the other.
func join(components ...nhsui.Component) (all template.HTML) {
	for _, c := range components {
		all += nhsui.HTML(c)
	}
	return all
}

// day says a date in words.
func day(l *nhsui.Language, d nhs.Date) string {
	iso := d.ISO()
	if iso == "" {
		return ""
	}
	return l.Say("date.words", "day", strings.TrimPrefix(iso[8:], "0"), "month", l.Say("month."+strings.TrimPrefix(iso[5:7], "0")), "year", iso[:4])
}
