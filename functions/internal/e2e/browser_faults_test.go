package e2e

import (
	"crypto/rand"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// What walks the pages passes sound ones, and finds each fault in those that have it: the checks can fail.
func TestTheBrowserFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	inBrowser(t)
	cases := []struct {
		name, fault, walk, mode string
		found                   string // part of what is said of it
	}{
		{"a field without a label", "<input name=x>", "read", "no-scripts", "(label)"},
		{"grey on white", "<p class=grey>You will still be treated.", "read", "desktop", "(color-contrast)"},
		{"what is wider than a phone", "<p class=wide>You will still be treated.", "read", "narrow", "scrolls sideways"},
		{"what its box cuts off", "<p class=cut>You will still be treated.", "read", "narrow", "cuts off"},
		{"a script that the policy blocks", "<script>document.title = 1</script>", "read", "desktop", "Content Security Policy"},
		{"a style that the policy blocks", "<p style='color: red'>No", "read", "no-scripts", "Content Security Policy"},
		{"what comes from another host", "<img alt='' src='http://127.0.0.2:1/'>", "read", "desktop", "asks another host"},
		{"what is not there", "<img alt='' src='/nowhere'>", "read", "desktop", "gets 404"},
		{"a link to nowhere", "<a href='/nowhere'>More</a>", "read", "desktop", "answers 404"},
		{"a focus that nobody sees", "<button class=plain type=button>More</button>", "read", "keyboard", "focus cannot be seen"},
		{"a field that lets nobody out", "<input id=trap aria-label=Trap>", "read", "keyboard", "Tab never comes to"},
		{"a link that no key reaches", "<a href='/' tabindex=-1>More</a>", "read", "keyboard", "Tab never comes to"},
		{"a cookie before anything is begun", "cookie", "read", "desktop", "sets cookies"},
		{"a wrong answer that is taken", "takes anything", "self", "desktop", "for an answer"},
		{"a wrong answer that is refused with 200", "refuses with 200", "self", "desktop", "answers 200, not 422"},
		{"what was typed is forgotten", "forgets", "self", "desktop", "does not keep"},
		{"an error that leads nowhere", "leads nowhere", "self", "no-scripts", "leads nowhere"},
		{"an error that nobody is led to", "no script", "self", "desktop", "does not give the focus"},
		{"a fragment that takes the focus from an error", "keeps fragments", "self", "keyboard", "does not give the focus"},
		{"a form that is registered twice", "registers twice", "self", "keyboard", "to somebody who sends again"},
		{"two tabs that are one journey", "one journey", "tabs", "desktop", "mixes two children up"},
	}
	serve := func(fault string) string {
		server := httptest.NewServer(&fakeDoor{fault: fault, journeys: map[string]*fakeJourney{}})
		t.Cleanup(server.Close)
		return server.URL
	}
	sound := serve("")
	all := []wanted{
		{Base: sound, Walks: []string{"read"}, Modes: allModes, Paths: []string{"/", "/status"}},
		{Base: sound, Walks: []string{"self", "tabs"}, Modes: []string{"desktop", "no-scripts", "keyboard"}},
	}
	for _, c := range cases {
		all = append(all, wanted{Base: serve(c.fault), Walks: []string{c.walk}, Modes: []string{c.mode}, Paths: []string{"/"}})
	}
	found := browse(t, all...)
	// Of two clicks in a row the second may be answered first, and the receipt then looks the same each time: it is not counted how
	// often a page was looked at, but each must have been, in each way.
	looked := map[string]bool{}
	for _, f := range found.at(sound) {
		if f.Status != 0 {
			looked[fmt.Sprintf("%s, %s answers %d", f.Mode, f.Page, f.Status)] = true
		}
	}
	for _, mode := range allModes {
		pages := []string{"start answers 200", "status answers 200"}
		if slices.Contains(all[1].Modes, mode) {
			pages = append(pages, "choice answers 422", "choice answers 200", "name answers 422", "name answers 200", "check answers 200", "sent answers 200", "status answers 422")
		}
		for _, page := range pages {
			if !looked[mode+", "+page] {
				t.Errorf("nobody looked at this: %s, %s", mode, page)
			}
		}
	}
	if found.at(sound).pages() < 37 {
		t.Errorf("%d sound pages were looked at", found.at(sound).pages())
	}
	for _, said := range found.at(sound).complaints() {
		t.Errorf("of a page without a fault: %s", said)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if said := found.at(all[i+2].Base).complaints(); !strings.Contains(strings.Join(said, "\n"), c.found) {
				t.Errorf("it is not found, but %q", said)
			}
		})
	}
}

// fakeDoor has pages as the patients' door has them, with two questions only.
type fakeDoor struct {
	fault    string
	mutex    sync.Mutex
	journeys map[string]*fakeJourney
}

type fakeJourney struct {
	said      url.Values
	reference string
}

func (d *fakeDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src *; form-action 'self'")
	w.Header().Set("Cache-Control", "no-store")
	if d.fault == "cookie" {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
	}
	_ = r.ParseForm()
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/style.css":
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte(fakeStyle))
	case r.URL.Path == "/script.js":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(fakeScript))
	case r.URL.Path == "/":
		d.show(w, 200, "Start", "", fakeBegin+d.markup())
	case r.URL.Path == "/form":
		id := rand.Text()
		if d.fault == "one journey" {
			id = "the-only-one"
		}
		d.journeys[id] = &fakeJourney{said: url.Values{}}
		http.Redirect(w, r, "/form/"+id+"/choice", http.StatusSeeOther)
	case r.URL.Path == "/status" && r.Form.Get("day") == "":
		d.ask(w, r, "status", "reference", r.Form)
	case r.URL.Path == "/status":
		d.show(w, 200, "Your form", "", "<p>We have received it.</p>"+fakeBegin+fakeBegin)
	case len(path) == 3 && d.journeys[path[1]] != nil:
		d.journey(w, r, d.journeys[path[1]], path[2])
	default:
		http.NotFound(w, r)
	}
}

// markup is the fault, where it is one of HTML.
func (d *fakeDoor) markup() string {
	if strings.HasPrefix(d.fault, "<") {
		return d.fault
	}
	return ""
}

func (d *fakeDoor) journey(w http.ResponseWriter, r *http.Request, j *fakeJourney, page string) {
	next := map[string]string{"choice": "name", "name": "check", "check": "sent"}[page]
	if r.Method == http.MethodPost {
		for field, values := range r.PostForm {
			j.said[field] = values
		}
		field := map[string]string{"choice": "choice", "name": "surname"}[page]
		if field != "" && r.PostForm.Get(field) == "" && d.fault != "takes anything" {
			d.ask(w, r, page, field, r.PostForm)
			return
		}
		if page == "check" {
			if j.reference != "" && d.fault != "registers twice" {
				next = "sent?again=1"
			} else {
				j.reference = rand.Text()
			}
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	switch {
	case j.reference != "" && page != "sent":
		http.Redirect(w, r, "sent?again=1", http.StatusSeeOther)
	case page == "sent":
		again := ""
		if r.Form.Has("again") {
			again = "<p>You sent it already.</p>"
		}
		d.show(w, 200, "Sent", "", again+"<div class=nhsuk-panel id=reference>"+j.reference+"</div>")
	case page == "check":
		d.show(w, 200, "Check", "", "<p>"+html.EscapeString(j.said.Get("forenames"))+"</p><form method=post><button>Confirm and send</button></form>")
	default:
		d.ask(w, r, page, "", j.said)
	}
}

// ask shows a question, with what was said of it. It is a wrong answer if a field is missing.
func (d *fakeDoor) ask(w http.ResponseWriter, r *http.Request, page, missing string, said url.Values) {
	status, action := 200, r.URL.Path
	if d.fault == "keeps fragments" {
		action = ""
	}
	switch {
	case r.Method == http.MethodGet:
		missing = ""
	case d.fault != "refuses with 200":
		status = 422
	}
	if d.fault == "forgets" {
		said = nil
	}
	var fields strings.Builder
	if page == "choice" {
		for i, o := range []string{"dissent", "core", "core-and-additional"} {
			fmt.Fprintf(&fields, "<input type=radio name=choice value=%s id=choice%s><label for=choice%[2]s>%[1]s</label>", o, strings.Repeat("-", i))
		}
	}
	for _, name := range map[string][]string{"name": {"forenames", "surname"}, "status": {"reference", "day", "month", "year"}}[page] {
		fmt.Fprintf(&fields, "<label for=%s>%[1]s</label><input name=%[1]s id=%[1]s value='%s'>", name, html.EscapeString(said.Get(name)))
	}
	d.show(w, status, page, missing, "<form method=post novalidate action='"+action+"'>"+fields.String()+"<button>Continue</button></form>")
}

func (d *fakeDoor) show(w http.ResponseWriter, status int, title, missing, body string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_ = fakePage.Execute(w, map[string]any{
		"Title": title, "Missing": missing, "Body": template.HTML(body), "Script": d.fault != "no script", "Nowhere": d.fault == "leads nowhere",
	})
}

var fakePage = template.Must(template.New("").Parse(`<!DOCTYPE html><html lang=en dir=ltr>
<title>{{if .Missing}}Error: {{end}}{{.Title}}</title><meta name=viewport content="width=device-width, initial-scale=1">
<link rel=stylesheet href=/style.css>{{if .Script}}<script type=module src=/script.js></script>{{end}}
<body><a href=#maincontent class=skip>Skip to main content</a><header><a href=/>Home</a></header><main id=maincontent><h1>{{.Title}}</h1>
{{with .Missing}}<div class=nhsuk-error-summary tabindex=-1><a href="#{{if $.Nowhere}}nowhere{{else}}{{.}}{{end}}">Say something</a></div>{{end}}{{.Body}}</main><footer><a href=/status>Your form</a></footer>`))

const (
	fakeBegin = "<form method=post action=/form><button>Start now</button></form>"
	fakeStyle = `.skip { position: absolute; left: -999px } .skip:focus { left: 0 } :focus { outline: 3px solid } a, input, button, label { display: inline-block; line-height: 28px; min-width: 28px }
.grey { color: #bbb } .wide { width: 400px } .cut { width: 40px; overflow: hidden; white-space: nowrap } .plain { outline: 0 !important }`
	fakeScript = `document.querySelector('.nhsuk-error-summary')?.focus()
document.querySelector('#trap')?.addEventListener('keydown', (e) => e.preventDefault())`
)
