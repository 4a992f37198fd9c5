// Package nhsuitest makes languages that nobody speaks, to see in tests what pages do with words that are not English.
package nhsuitest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing/fstest"
	"unicode"

	"example.org/optout/functions/internal/nhsui"
)

// Tag is the pseudo-language's: a language that is read from right to left (ar), for tests (the region XB).
const Tag = "ar-XB"

// Opens and Closes stand around every text of the pseudo-language, so that a text that is none of it stands out.
const Opens, Closes = "⟦", "⟧"

// Pseudo is the English of these words in letters with accents, a third longer, between brackets and on pages that are
// read from right to left. What a text is filled in with, its HTML and its entities stay as they are.
func Pseudo(words fs.FS) (*nhsui.Language, error) {
	return made(words, func(_, text string) string { return bracketed(text) })
}

// Keyed says its key in place of every text, with what that is filled in with; of a long text, the name of its page.
func Keyed(words fs.FS) (*nhsui.Language, error) {
	return made(words, func(key, text string) string {
		return Opens + key + strings.Join(append([]string{""}, filled.FindAllString(text, -1)...), " ") + Closes
	})
}

// Files are the words as Pseudo has them: a file of texts, and a folder of long ones.
func Files(words fs.FS) (fs.FS, error) {
	return files(words, func(_, text string) string { return bracketed(text) })
}

func made(words fs.FS, say func(key, text string) string) (*nhsui.Language, error) {
	all, err := files(words, say)
	if err != nil {
		return nil, err
	}
	return nhsui.ReadLanguage(all, Tag)
}

func files(words fs.FS, say func(key, text string) string) (fs.FS, error) {
	source, err := fs.ReadFile(words, "en.json")
	if err != nil {
		return nil, fmt.Errorf("pseudo-language: %w", err)
	}
	var english struct {
		Dir  string         `json:"dir"`
		Name string         `json:"name"`
		Say  map[string]any `json:"say"`
	}
	if err := json.Unmarshal(source, &english); err != nil {
		return nil, fmt.Errorf("pseudo-language: %w", err)
	}
	english.Dir, english.Name = "rtl", bracketed(english.Name)
	change(english.Say, "", say)
	changed, err := json.Marshal(english)
	if err != nil {
		return nil, fmt.Errorf("pseudo-language: %w", err)
	}
	all := fstest.MapFS{Tag + ".json": {Data: changed}}
	pages, err := fs.Glob(words, "en/*.html")
	if err != nil {
		return nil, fmt.Errorf("pseudo-language: %w", err)
	}
	for _, page := range pages {
		text, err := fs.ReadFile(words, page)
		if err != nil {
			return nil, fmt.Errorf("pseudo-language: %w", err)
		}
		all[Tag+"/"+path.Base(page)] = &fstest.MapFile{Data: []byte(say(path.Base(page), string(text)))}
	}
	return all, nil
}

func change(tree map[string]any, prefix string, say func(key, text string) string) {
	for name, v := range tree {
		switch v := v.(type) {
		case string:
			tree[name] = say(prefix+name, v)
		case map[string]any:
			change(v, prefix+name+".", say)
		}
	}
}

var (
	filled = regexp.MustCompile(`\{\{.*?\}\}|\{[a-z-]+\}`) // at another time
	tags   = regexp.MustCompile(`<[^>]*>`)
	kept   = regexp.MustCompile(filled.String() + `|&[a-z]+;`)
)

// bracketed changes what is said between tags.
func bracketed(text string) string {
	return between(tags, text, func(said string) string {
		begins, ends := strings.TrimLeftFunc(said, unicode.IsSpace), strings.TrimRightFunc(said, unicode.IsSpace)
		letters := 0
		accented := between(kept, strings.TrimSpace(said), func(s string) string {
			letters += len([]rune(s))
			return accents.Replace(s)
		})
		if !strings.ContainsFunc(kept.ReplaceAllString(said, ""), unicode.IsLetter) {
			return said
		}
		return said[:len(said)-len(begins)] + Opens + accented + longer(letters) + Closes + said[len(ends):]
	})
}

// between changes what stands between the matches of an expression.
func between(e *regexp.Regexp, text string, change func(string) string) string {
	var b strings.Builder
	at := 0
	for _, m := range e.FindAllStringIndex(text, -1) {
		b.WriteString(change(text[at:m[0]]))
		b.WriteString(text[m[0]:m[1]])
		at = m[1]
	}
	b.WriteString(change(text[at:]))
	return b.String()
}

// longer is a third of a text more, in letters that are read from right to left: "longer words", again and again.
func longer(letters int) string {
	const more = " كلمات أطول"
	n := (letters + 2) / 3
	words := []rune(strings.Repeat(more, n/len([]rune(more))+1))
	return strings.TrimRight(string(words[:n+1]), " ")
}

var accents = strings.NewReplacer(strings.Fields(
	"a à b ɓ c ç d ð e é f ƒ g ĝ h ĥ i î j ĵ k ķ l ļ m ṁ n ñ o ö p þ q ǫ r ŕ s š t ţ u û v ṽ w ŵ x ẋ y ý z ž " +
		"A À B Ɓ C Ç D Ð E É F Ƒ G Ĝ H Ĥ I Î J Ĵ K Ķ L Ļ M Ṁ N Ñ O Ö P Þ Q Ǫ R Ŕ S Š T Ţ U Û V Ṽ W Ŵ X Ẋ Y Ý Z Ž")...)
