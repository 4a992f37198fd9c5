package nhsui

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"
)

// Language is what pages say in one language: short texts by their key, and long ones as HTML of their own.
//
// To add one, copy en.json and the folder en under its tag, say in the file how it is called and read, and translate:
// pages speak whatever they find. Keys, {placeholders}, actions of templates and addresses of links stay as they are,
// and tests hold them to the English ones. Easy read is a language too, en-x-easy. Dates are put together by date.words
// from month.1 to month.12, by whose names, and the beginnings of them, people may type a month. Links to our own pages
// are written without a language: they stay in the one of their page.
type Language struct {
	Tag  string // BCP 47: en
	Dir  string // ltr or rtl
	Name string // what its speakers call it
	says map[string]string
	long *template.Template
}

// ReadLanguages reads all languages of a folder, one first and the others by their tags.
func ReadLanguages(words fs.FS, first string) ([]*Language, error) {
	files, err := fs.Glob(words, "*.json")
	if err != nil {
		return nil, err
	}
	var all []*Language
	for _, file := range files {
		l, err := ReadLanguage(words, strings.TrimSuffix(file, ".json"))
		if err != nil {
			return nil, err
		}
		if l.Tag == first {
			all = slices.Insert(all, 0, l)
		} else {
			all = append(all, l)
		}
	}
	return all, nil
}

// ReadLanguage reads <tag>.json and the folder <tag> beside it. The first is {"dir", "name", "say"}, where say is a
// tree of texts whose keys are joined by dots: {"name": {"title": "What is your name?"}} says name.title. The folder
// holds <page>.html, each a template of html/template.
func ReadLanguage(words fs.FS, tag string) (*Language, error) {
	source, err := fs.ReadFile(words, tag+".json")
	if err != nil {
		return nil, fmt.Errorf("language %s: %w", tag, err)
	}
	var file struct {
		Dir, Name string
		Say       map[string]any
	}
	if err := json.Unmarshal(source, &file); err != nil {
		return nil, fmt.Errorf("language %s: %w", tag, err)
	}
	l := &Language{Tag: tag, Dir: file.Dir, Name: file.Name, says: map[string]string{}}
	if err := l.gather("", file.Say); err != nil {
		return nil, fmt.Errorf("language %s: %w", tag, err)
	}
	if l.long, err = template.ParseFS(words, tag+"/*.html"); err != nil {
		return nil, fmt.Errorf("language %s: %w", tag, err)
	}
	return l, nil
}

func (l *Language) gather(prefix string, tree map[string]any) error {
	for name, v := range tree {
		switch v := v.(type) {
		case string:
			l.says[prefix+name] = v
		case map[string]any:
			if err := l.gather(prefix+name+".", v); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s%s is neither a text nor a tree of texts", prefix, name)
		}
	}
	return nil
}

// Has says whether there is a text for a key.
func (l *Language) Has(key string) bool { _, ok := l.says[key]; return ok }

// Between these two characters text has a direction of its own (Unicode's first strong isolate).
const isolated, further = "\u2068", "\u2069"

// Say gives the text of a key; pairs of a name and a value take the place of {name} in it. In a text that is read from
// right to left a value keeps its own direction: the groups of a phone number would change places. It panics where
// there is no such text: pages are shown in all their states by tests.
func (l *Language) Say(key string, pairs ...string) string {
	text, ok := l.says[key]
	if !ok {
		panic("language " + l.Tag + " has no " + key)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		value := pairs[i+1]
		if l.Dir == "rtl" {
			value = isolated + value + further
		}
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", value)
	}
	return text
}

// Long gives a long text, such as that of a privacy notice, filled in with data.
func (l *Language) Long(page string, data any) template.HTML {
	var b strings.Builder
	if err := l.long.ExecuteTemplate(&b, page+".html", data); err != nil {
		panic("language " + l.Tag + ": " + err.Error())
	}
	return template.HTML(b.String())
}
