// Package staff is what the doors of people at work share: the frame of their pages, how a form is shown in words, how
// a request is entered and read back, and how what somebody did wrong is said.
//
// Staff work in English, and their words stand in their pages (docs/decisions/0016).
package staff

import (
	"cmp"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// House is the frame of a door's pages.
type House struct {
	Home       string // address of its first page
	Service    string // its name
	Controller string // the data controller's name
	NHS        bool   // the NHS logo may be shown
	Parts      []Part
	Pages      fs.FS           // *.gohtml, one a page
	Sheets     func() []string // further origins that pages may send forms to, such as a bucket; nil: none
	Calls      func() []string // likewise, that scripts may send files to
	Pictures   func() []string // likewise, that pictures are shown from
	Looks      worklist.Store
	Now        func() time.Time

	parsed func() *template.Template
}

// Part is a part of the door that every page leads to.
type Part struct {
	Text, Href string
	Supervised bool // it is for supervisors, and only they see it
}

// Page is one page.
type Page struct {
	Name    string // its template is Name.gohtml
	Status  int    // 0: 200
	Title   string
	Part    string // address of the part that it belongs to
	Back    string // where the link back leads; "": none
	Wide    bool   // lists, and forms side by side
	Plain   bool   // to be printed: without header and footer
	Refresh int    // seconds until it is loaded again; 0: never
	Script  string // a file beside the common script, for this page alone; "": none
	Sheet   string // likewise, of styles
	Done    string // what has just been done
	Faults  []Fault
	Data    any
}

// Fault is what is wrong with a field of a page; of the page as a whole if Field is "".
type Fault struct{ Field, Text string }

//go:embed *.gohtml
var shared embed.FS

// Open reads the templates when the first page is shown.
func (h *House) Open() {
	h.parsed = sync.OnceValue(func() *template.Template {
		all := template.Must(nhsui.Templates().Funcs(words).ParseFS(shared, "*.gohtml"))
		return template.Must(all.ParseFS(h.Pages, "*.gohtml"))
	})
}

// Policy is the Content-Security-Policy of the pages.
func (h *House) Policy() string {
	and := func(others func() []string) string {
		all := []string{"'self'"}
		if others != nil {
			all = append(all, others()...)
		}
		return strings.Join(all, " ")
	}
	return "default-src 'none'; style-src 'self'; script-src 'self' " + nhsui.EarlyScriptSource() +
		"; img-src " + and(h.Pictures) + "; connect-src " + and(h.Calls) + "; form-action " + and(h.Sheets) + "; base-uri 'none'; frame-ancestors 'none'"
}

// shown is what a page's template sees.
type shown struct {
	Page
	Session signin.Session
	H1      template.HTML
	Stay    string // address of the page that keeps somebody signed in
}

// Wrong is the error message beside a field; nil if nothing is wrong with it.
func (s shown) Wrong(field string) *nhsui.ErrorMessage {
	for _, f := range s.Faults {
		if f.Field == field && field != "" {
			return &nhsui.ErrorMessage{Text: f.Text}
		}
	}
	return nil
}

// Show answers with a page, for whoever has signed in; the zero Session for somebody who has not.
func (h *House) Show(w http.ResponseWriter, s signin.Session, p Page) {
	var body strings.Builder
	h1 := template.HTML(`<h1 class="nhsuk-heading-l">` + template.HTMLEscapeString(p.Title) + `</h1>`)
	if p.Done != "" {
		banner := nhsui.NotificationBanner{Variant: "success", Text: p.Done, DisableAutoFocus: new(false)}
		body.WriteString(string(nhsui.HTML(banner)))
	}
	if err := h.parsed().ExecuteTemplate(&body, p.Name+".gohtml", shown{p, s, h1, h.Home + Stay}); err != nil {
		panic("page " + p.Name + ": " + err.Error())
	}
	f := nhsui.Frame{Tag: "en", Dir: "ltr", Title: p.Title + " – " + h.Service, Logo: h.NHS, Scripts: true, Wide: p.Wide, Refresh: p.Refresh, Script: p.Script, Sheet: p.Sheet, Body: template.HTML(body.String())}
	if !p.Plain {
		f.Skip, f.Header = &nhsui.SkipLink{Text: "Skip to main content"}, h.header(s, p.Part)
		f.Footer = &nhsui.Footer{
			Meta:      nhsui.FooterMeta{VisuallyHiddenText: "Support links", Items: []nhsui.FooterItem{{Text: "Accessibility", Href: "/accessibility"}, {Text: "Privacy", Href: "/privacy"}}},
			Copyright: &nhsui.Content{Text: "This service is run by " + h.Controller + "."},
		}
	}
	if p.Back != "" {
		f.Back = &nhsui.BackLink{Text: "Back", Href: p.Back}
	}
	if len(p.Faults) > 0 {
		f.Title = "Error: " + f.Title
		f.Errors = &nhsui.ErrorSummary{Heading: nhsui.Heading{Text: "There is a problem"}}
		place := func(x Fault) int { return strings.Index(string(f.Body), `id="`+x.Field+`"`) }
		faults := slices.Clone(p.Faults)
		slices.SortStableFunc(faults, func(a, b Fault) int { return place(a) - place(b) }) // as the fields stand on the page
		for _, x := range faults {
			item := nhsui.ErrorItem{Text: x.Text}
			if id := anchor(string(f.Body), x.Field); id != "" {
				item.Href = "#" + id
			}
			f.Errors.ErrorList = append(f.Errors.ErrorList, item)
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(cmp.Or(p.Status, http.StatusOK))
	_, _ = w.Write([]byte(f.HTML()))
}

// anchor is the id of a field: of a date, its first part; "" for what has none on the page.
func anchor(body, field string) string {
	for _, id := range []string{field + "-day", field} {
		if strings.Contains(body, `id="`+id+`"`) {
			return id
		}
	}
	return ""
}

func (h *House) header(s signin.Session, part string) *nhsui.Header {
	head := &nhsui.Header{
		Logo:         nhsui.Logo{Alt: "NHS", AriaLabel: h.Controller + " " + h.Service + ", first page"},
		WithoutLogo:  !h.NHS,
		Organisation: &nhsui.Organisation{Name: h.Controller},
		Service:      nhsui.Service{Text: h.Service, Href: h.Home},
	}
	if s.ID == "" {
		return head
	}
	account := nhsui.Account{Items: []nhsui.AccountItem{{Text: cmp.Or(s.Name, "Signed in"), Icon: true}}}
	if in := (nhsui.AccountItem{Text: NameOf(s.Practice)}); in.Text != "" {
		if len(s.Practices) > 1 {
			in.Href, in.Text = h.Home+"/choose", in.Text+": change"
		}
		account.Items = append(account.Items, in)
	}
	account.Items = append(account.Items, nhsui.AccountItem{Text: "Sign out", Action: h.Home + "/sign-out"})
	head.Account = &account
	if s.Role == "" || len(s.Practices) > 0 && s.Practice.IsZero() { // it is not for them, or a practice has to be chosen first
		return head
	}
	head.Navigation = &nhsui.Navigation{}
	for _, p := range h.Parts {
		if p.Supervised && !s.Supervisor {
			continue
		}
		head.Navigation.Items = append(head.Navigation.Items, nhsui.NavigationItem{Text: p.Text, Href: p.Href, Active: p.Href == part})
	}
	return head
}

// Bye says that somebody has signed out.
func (h *House) Bye(w http.ResponseWriter, _ *http.Request) {
	h.Show(w, signin.Session{}, Page{Name: "signed-out", Title: "You have signed out", Data: h.Home})
}

// Faults of an act are said beside the fields that they are about; names are those of the page's fields, by the domain's
// pointers.
func Faults(faults []optout.Fault, names map[string]string) (all []Fault) {
	for _, f := range faults {
		field, _ := strings.CutPrefix(f.Pointer, "/")
		list := strings.TrimRight(strings.TrimRight(f.Pointer, "0123456789"), "/") // of several that share a field
		all = append(all, Fault{cmp.Or(names[f.Pointer], names[list], field), f.Detail})
	}
	return all
}

// Date is the day that was filled in under name-day, name-month and name-year; a Fault if that is none.
func Date(f door.Form, name string) (nhs.Date, *Fault) {
	day, month, year := f.Digits(name+"-day"), f.Digits(name+"-month"), f.Digits(name+"-year")
	wrong := func(text string) (nhs.Date, *Fault) { return nhs.Date{}, &Fault{name, text} }
	switch {
	case day == "" && month == "" && year == "":
		return nhs.Date{}, nil
	case day == "" || month == "" || year == "":
		return wrong("Give day, month and year.")
	case len(year) < 4:
		return wrong("Give the year with four digits.")
	}
	d, err := nhs.ParseDate(year + "-" + two(numbered(month)) + "-" + two(day))
	if err != nil {
		return wrong("There is no such day. Check it.")
	}
	return d, nil
}

// numbered is the number of a month, whose name may have been typed.
func numbered(month string) string {
	if len(month) >= 3 {
		for m := time.January; m <= time.December; m++ {
			if strings.HasPrefix(strings.ToLower(m.String()), strings.ToLower(month)) {
				return two(itoa(int(m)))
			}
		}
	}
	return month
}

// two are two digits where there was one.
func two(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}
