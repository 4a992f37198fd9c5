package nhsui

import (
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Attributes are further attributes of a component's element, such as lang or data-…. Their values are escaped.
// Their names are letters, digits, dashes and colons; names whose values are addresses, styles or scripts are refused,
// because only a template's own attributes are checked for what they hold.
type Attributes map[string]string

var (
	plain    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9:-]*$`)
	powerful = regexp.MustCompile(`(?i)^(on.*|style|(xlink:)?href|src|srcdoc|srcset|(form)?action)$`)
	element  = regexp.MustCompile(`^[a-z]+[1-6]?$`)
)

func (a Attributes) html() (template.HTMLAttr, error) {
	if len(a) == 0 {
		return "", nil
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !plain.MatchString(name) || powerful.MatchString(name) {
			return "", fmt.Errorf("%q is not an attribute that can be given", name)
		}
		attribute(&b, name, a[name])
	}
	return template.HTMLAttr(b.String()), nil
}

func attribute(b *strings.Builder, name, value string) {
	b.WriteByte(' ')
	b.WriteString(name)
	b.WriteString(`="`)
	b.WriteString(template.HTMLEscapeString(value))
	b.WriteByte('"')
}

// opening opens an element whose name is an option, which html/template has no place for.
func opening(name, classes, id string, a Attributes) (template.HTML, error) {
	if !element.MatchString(name) {
		return "", fmt.Errorf("%q is not an element", name)
	}
	further, err := a.html()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteByte('<')
	b.WriteString(name)
	if classes != "" {
		attribute(&b, "class", classes)
	}
	if id != "" {
		attribute(&b, "id", id)
	}
	b.WriteString(string(further))
	b.WriteByte('>')
	return template.HTML(b.String()), nil
}

func closing(name string) template.HTML { return template.HTML("</" + name + ">") }

// Plurals are a message that a script shows, by the plural rules of a language.
type Plurals struct {
	Zero  string `json:"zero"`
	One   string `json:"one"`
	Two   string `json:"two"`
	Few   string `json:"few"`
	Many  string `json:"many"`
	Other string `json:"other"`
}

func (p Plurals) html(key string) template.HTMLAttr {
	var b strings.Builder
	for _, m := range [...]struct{ rule, text string }{
		{".zero", p.Zero}, {".one", p.One}, {".two", p.Two}, {".few", p.Few}, {".many", p.Many}, {".other", p.Other},
	} {
		if m.text != "" {
			attribute(&b, "data-i18n."+key+m.rule, m.text)
		}
	}
	return template.HTMLAttr(b.String())
}
