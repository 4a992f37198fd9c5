package nhsui

import (
	"testing"
	"testing/fstest"
)

func TestLanguagesAreAllThatThereAre(t *testing.T) {
	t.Parallel()
	words := fstest.MapFS{}
	for tag, dir := range map[string]string{"cy": "ltr", "en": "ltr", "ur": "rtl"} {
		words[tag+".json"] = &fstest.MapFile{Data: []byte(`{"dir": "` + dir + `", "name": "` + tag + `", "say": {"call": {"us": "({number})"}}}`)}
		words[tag+"/page.html"] = &fstest.MapFile{Data: []byte("<p>{{.}} " + tag)}
	}
	all, err := ReadLanguages(words, "en")
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for i, want := range []struct{ tag, dir, call, page string }{
		{"en", "ltr", "(01632 960 001)", "<p>&lt; en"},
		{"cy", "ltr", "(01632 960 001)", "<p>&lt; cy"},
		{"ur", "rtl", "(\u206801632 960 001\u2069)", "<p>&lt; ur"}, // or its groups would change places
	} {
		l := all[i]
		if l.Tag != want.tag || l.Dir != want.dir || l.Say("call.us", "number", "01632 960 001") != want.call || string(l.Long("page", "<")) != want.page {
			t.Errorf("the language %d is %q, read %q, and says %q, %q", i, l.Tag, l.Dir, l.Say("call.us", "number", "01632 960 001"), l.Long("page", "<"))
		}
	}
}

func TestALanguageThatCannotBeReadIsNone(t *testing.T) {
	t.Parallel()
	page := &fstest.MapFile{Data: []byte("<p>")}
	for name, words := range map[string]fstest.MapFS{
		"no JSON":                          {"en.json": {Data: []byte("{")}, "en/page.html": page},
		"a number among its texts":         {"en.json": {Data: []byte(`{"say": {"a": 1}}`)}, "en/page.html": page},
		"no folder":                        {"en.json": {Data: []byte(`{"say": {}}`)}},
		"a long text that is no template":  {"en.json": {Data: []byte(`{"say": {}}`)}, "en/page.html": {Data: []byte("{{")}},
		"another language beside a folder": {"cy.json": {Data: []byte(`{"say": {}}`)}, "en/page.html": page},
	} {
		if all, err := ReadLanguages(words, "en"); err == nil {
			t.Errorf("%s: %v", name, all)
		}
	}
}
