// Package nhsui shows the components of the NHS design system: one struct of options and one Go template each, with
// the names that the design system's own documentation uses. A test holds every one of them to the official
// fixtures of nhsuk-frontend, so that its styles and scripts find the HTML that they expect.
//
// Options named Text are escaped. Options named HTML are not: whoever fills them in vouches for them.
package nhsui

import (
	"embed"
	"html/template"
	"strings"
	"sync"
)

// Component is a component of the design system, given by its options.
type Component interface {
	// name is its template's: {{template "date-input" .BirthDate}}.
	name() string
	// resolved has everything filled in that follows from other options, so that its template only prints.
	resolved() Component
}

//go:embed *.gohtml
var sources embed.FS

// parsed is never executed, because templates that were cannot be cloned. Parsing waits for the first page: a cold
// start that only serves the API does not pay for it.
var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("nhsui").Funcs(funcs).ParseFS(sources, "*.gohtml"))
})

var own = sync.OnceValue(Templates)

var funcs = template.FuncMap{
	"resolved":   func(c Component) Component { return c.resolved() },
	"attributes": Attributes.html,
	"opening":    opening,
	"closing":    closing,
	"plurals":    func(key string, p Plurals) template.HTMLAttr { return p.html(key) },
}

// Templates are all components, to parse a page's own templates among: there, {{template "button" .Continue}}
// shows a Button.
func Templates() *template.Template { return template.Must(parsed().Clone()) }

// HTML shows a component, such as the field that belongs to a radio button. It panics where Attributes are not what
// they may be.
func HTML(c Component) template.HTML {
	var b strings.Builder
	if err := own().ExecuteTemplate(&b, c.name(), c); err != nil {
		panic("nhsui: " + err.Error())
	}
	return template.HTML(b.String())
}

// Content is text, or HTML in its place.
type Content struct {
	Text string        `json:"text"`
	HTML template.HTML `json:"html"`
}

// classes joins class names, or other words, and skips the empty ones.
func classes(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		if n != "" {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(n)
		}
	}
	return b.String()
}

// variant is the class of a variant. It is empty for a variant that is not permitted, and where the caller's own
// classes already name one.
func variant(own, prefix, value string, permitted ...string) string {
	found := false
	for _, p := range permitted {
		if own != "" && strings.Contains(own, prefix+p) {
			return ""
		}
		found = found || p == value
	}
	if !found {
		return ""
	}
	return prefix + value
}

// when is the class of something that is so.
func when(so bool, class string) string {
	if so {
		return class
	}
	return ""
}
