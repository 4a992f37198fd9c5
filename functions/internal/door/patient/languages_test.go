package patient_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/nhsui/nhsuitest"
	"example.org/optout/functions/internal/optout/optouttest"
)

var locales = os.DirFS("words")

func language(t *testing.T, of func(fs.FS) (*nhsui.Language, error)) *nhsui.Language {
	t.Helper()
	l, err := of(locales)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func parsed(t testing.TB, page string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// heard are all texts of a page that a person sees or hears, apart from what is typed into fields.
func heard(page *html.Node) (all []string) {
	for n := range page.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "script":
			all = append(all, n.Data)
		case n.Type == html.ElementNode:
			for _, a := range n.Attr {
				spoken := slices.Contains([]string{"abbr", "alt", "aria-description", "aria-label", "aria-placeholder", "aria-roledescription", "aria-valuetext", "content", "label", "placeholder", "title"}, a.Key)
				button := a.Key == "value" && slices.Contains([]string{"button", "submit", "reset"}, attr(n, "type"))
				if (spoken || button || strings.HasPrefix(a.Key, "data-i18n")) && n.Data != "meta" {
					all = append(all, a.Val)
				}
			}
		}
	}
	return all
}

// outside is what of a text stands outside of brackets, without the values that it may be filled in with.
func outside(text string) string {
	var b strings.Builder
	depth := 0
	for _, r := range text {
		switch string(r) {
		case nhsuitest.Opens:
			depth++
		case nhsuitest.Closes:
			depth--
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return reference.ReplaceAllString(known.Replace(b.String()), "")
}

var (
	reference = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]`)
	known     = func() *strings.Replacer {
		var pairs []string
		for _, v := range values {
			pairs = append(pairs, v, "")
		}
		return strings.NewReplacer(pairs...)
	}()
)

// apart takes away what sets values apart from the text they stand in.
var apart = strings.NewReplacer("<bdi>", "", "</bdi>", "")

func TestEveryWordOfAPageComesFromTheLanguage(t *testing.T) {
	t.Parallel()
	pages := map[string]bool{}
	c := newTour(t, []*nhsui.Language{language(t, nhsuitest.Pseudo)}, func(r *http.Request, page string) {
		if pages[page] {
			return
		}
		pages[page] = true
		for _, text := range heard(parsed(t, apart.Replace(page))) {
			if strings.ContainsFunc(outside(text), unicode.IsLetter) {
				t.Errorf("%s %s says %q", r.Method, r.URL, text)
			}
		}
	})
	c.everywhere()
	t.Logf("%d different pages", len(pages))
}

func TestTheCheckForWordsFindsThoseThatAreNotOfTheLanguage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"⟦Šéñð⟧": "",
		"⟦ÿéš, ⟦31 ṁàŕçĥ⟧ 1957⟧ ": "",
		"31 3 1957":                      "",
		"⟦ñàṁé⟧: Zoë":                    "",
		"⟦ĝö⟧ to ⟦çĥéçķ⟧":                " to ",
		"7F3K-9QWM-2B5T-RX4H-C":          "",
		"Moon or sun":                    " or sun",
		"⟦šéñţ⟧ 7F3K-9QWM-2B5T-RX4H-C x": "  x",
	} {
		if got := outside(text); got != want && strings.ContainsFunc(want, unicode.IsLetter) || want == "" && strings.ContainsFunc(got, unicode.IsLetter) {
			t.Errorf("outside of brackets in %q is %q, want %q", text, got, want)
		}
	}
	page := parsed(t, `<title>a</title><p aria-label=b>c<img alt=d><input placeholder=e value=typed><input type=submit value=f><script>0</script>`)
	if got := strings.Join(heard(page), ""); got != "abcdef" {
		t.Errorf("a page says %q", got)
	}
}

// Two languages at one door: what is remembered of a page in one is never shown in the other.
func TestPagesGoOnInTheLanguageThatTheyWereAskedIn(t *testing.T) {
	t.Parallel()
	var c *tour
	seen := map[string]bool{}
	english, pseudo := patient.Languages()[0], language(t, nhsuitest.Pseudo)
	c = newTour(t, []*nhsui.Language{english, pseudo}, func(r *http.Request, page string) {
		want, query := `<html lang="en" dir="ltr">`, ""
		if c.tag != "" {
			want, query = `<html lang="`+nhsuitest.Tag+`" dir="rtl">`, "lang="+nhsuitest.Tag
		}
		if seen[c.tag+page] {
			return
		}
		seen[c.tag+page] = true
		if !strings.Contains(page, want) || strings.Contains(page, nhsuitest.Opens) != (c.tag != "") {
			t.Errorf("%s %s is not in the language %q: %.100s", r.Method, r.URL, c.tag, page)
		}
		for n := range parsed(t, page).Descendants() {
			to := attr(n, "href") + attr(n, "action")
			if n.Type != html.ElementNode || n.Data == "link" || !strings.HasPrefix(to, "/") {
				continue
			}
			if _, got, _ := strings.Cut(to, "?"); got != query {
				t.Errorf("%s %s leads to %s", r.Method, r.URL, to)
			}
		}
	})
	c.everywhere()
	*c.Memory = optouttest.Memory{}
	c.Move(time.Hour)
	c.tag = nhsuitest.Tag
	c.everywhere()
	c.tag = ""
	c.journey(c.begin(), selfAnswers(), "check")
}

func TestALanguageThatIsNotSpokenIsTheFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, tag := range []string{"", "en", "xx", "EN", "ar-XB", "en&lang=ar-XB", strings.Repeat("x", 2000), "%22%3E%3Cscript%3E", "%00"} {
		for _, page := range []string{"/", "/status", "/privacy", "/nowhere"} {
			b := h.browser()
			if b.get(page + "?lang=" + tag); !strings.Contains(b.source, `<html lang="en" dir="ltr">`) || strings.Contains(b.source, "lang="+tag) && tag != "" {
				t.Errorf("%s in %.30q: %.100s", page, tag, b.source)
			}
		}
	}
	b := h.browser()
	if b.post("/form?lang=ar-XB", nil); b.status != http.StatusOK || strings.Contains(b.address, ".") {
		t.Errorf("a journey in a language that is not spoken: %d %s", b.status, b.address)
	}
	if b.get("/form/aaaaaaaa.ar-XB/choice"); b.status != http.StatusNotFound || !strings.Contains(b.source, `<html lang="en" dir="ltr">`) {
		t.Errorf("a journey begun in a language that is spoken no more: %d", b.status)
	}
}

// seldom are texts that no tour comes to.
var seldom = map[string]string{
	"help.title.internal-error": "only a mistake of ours leads there",
	"help.html.internal-error":  "only a mistake of ours leads there",
	"fault.too-much":            "only the longest answers do, which cookies_test.go has",
}

// Every text there is is said somewhere, so that nobody translates what nobody reads.
func TestNoTextIsLeftOver(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	key := regexp.MustCompile(nhsuitest.Opens + `([a-z0-9.-]+)`)
	c := newTour(t, []*nhsui.Language{language(t, nhsuitest.Keyed)}, func(_ *http.Request, page string) {
		for _, found := range key.FindAllStringSubmatch(page, -1) {
			asked[found[1]] = true
		}
	})
	c.everywhere()
	for _, code := range contracttest.API().Document.Components.Schemas["FaultCode"].Value.Enum {
		asked["fault."+fmt.Sprint(code)] = true // the rules may find it in any answer
	}
	for n := range 12 {
		asked[fmt.Sprint("month.", n+1)] = true
	}
	english := textsOf(t, locales, "en")
	for k := range english {
		if !asked[k] && seldom[k] == "" {
			t.Errorf("nothing says %s", k)
		}
		if asked[k] && seldom[k] != "" {
			t.Errorf("something says %s", k)
		}
	}
	for k := range asked {
		if _, ok := english[k]; !ok {
			t.Errorf("%s is said and is no text", k)
		}
	}
}

// textsOf are all texts of a language: short ones by their keys, long ones by the names of their files.
func textsOf(t *testing.T, words fs.FS, tag string) map[string]string {
	t.Helper()
	source, err := fs.ReadFile(words, tag+".json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Say map[string]any }
	if err := json.Unmarshal(source, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	var gather func(prefix string, tree map[string]any)
	gather = func(prefix string, tree map[string]any) {
		for name, v := range tree {
			if branch, ok := v.(map[string]any); ok {
				gather(prefix+name+".", branch)
			} else {
				all[prefix+name] = fmt.Sprint(v)
			}
		}
	}
	gather("", file.Say)
	pages, err := fs.Glob(words, tag+"/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := fs.ReadFile(words, page)
		if err != nil {
			t.Fatal(err)
		}
		all[path.Base(page)] = string(text)
	}
	return all
}

// variable is what a translation has as English has it, in whatever order: what is filled in, and where links lead.
var variable = regexp.MustCompile(`\{[^}]*\}+|href="[^"]*"`)

// deviations are how a language's texts differ from English ones.
func deviations(t *testing.T, words fs.FS, tag string) (all []string) {
	t.Helper()
	english, other := textsOf(t, locales, "en"), textsOf(t, words, tag)
	variables := func(text string) []string { return slices.Sorted(slices.Values(variable.FindAllString(text, -1))) }
	for key, text := range english {
		translated, ok := other[key]
		switch want, got := variables(text), variables(translated); {
		case !ok:
			all = append(all, key+" is missing")
		case !slices.Equal(want, got):
			all = append(all, fmt.Sprintf("%s has %q, English has %q", key, got, want))
		}
	}
	for key := range other {
		if _, ok := english[key]; !ok {
			all = append(all, key+" is no text in English")
		}
	}
	return slices.Sorted(slices.Values(all))
}

func TestAllLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(locales, "*.json")
	if err != nil || len(files) != len(patient.Languages()) || patient.Languages()[0].Tag != "en" {
		t.Fatalf("%d files, %d languages: %v", len(files), len(patient.Languages()), err)
	}
	for _, l := range patient.Languages() {
		for _, d := range deviations(t, locales, l.Tag) {
			t.Errorf("%s: %s", l.Tag, d)
		}
		if l.Dir != "ltr" && l.Dir != "rtl" || l.Name == "" {
			t.Errorf("%s is read %q and called %q", l.Tag, l.Dir, l.Name)
		}
	}
	pseudo, err := nhsuitest.Files(locales)
	if err != nil {
		t.Fatal(err)
	}
	if d := deviations(t, pseudo, nhsuitest.Tag); len(d) > 0 {
		t.Errorf("the pseudo-language: %q", d)
	}
}

func TestALanguageThatSaysSomethingElseIsFound(t *testing.T) {
	t.Parallel()
	broken := fstest.MapFS{}
	if err := fs.WalkDir(locales, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(locales, file)
		broken["xx"+strings.TrimPrefix(file, "en")] = &fstest.MapFile{Data: content}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	change := func(file, from, to string) {
		content := string(broken[file].Data)
		if !strings.Contains(content, from) {
			t.Fatalf("%s has no %q", file, from)
		}
		broken[file].Data = []byte(strings.Replace(content, from, to, 1))
	}
	change("xx.json", `"run-by": "Run by {controller}"`, `"run-by": "Run by {kontroller}"`)
	change("xx.json", `"skip"`, `"skipp"`)
	change("xx/cookies.html", "{{.JourneyLasts}}", "24 hours")
	change("xx/elsewhere.html", `href="/status"`, `href="/statws"`)
	delete(broken, "xx/privacy.html")
	got := deviations(t, broken, "xx")
	for i, want := range []string{"cookies.html has", "elsewhere.html has", "page.run-by has", "page.skip is missing", "page.skipp is no text", "privacy.html is missing"} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("want %q in %q", want, got)
		}
	}
}

// Templates have structure, and no words.
func TestTemplatesSayNothingThemselves(t *testing.T) {
	t.Parallel()
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	files, err := filepath.Glob("*.gohtml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range heard(parsed(t, action.ReplaceAllString(string(source), ""))) {
			if strings.ContainsFunc(text, unicode.IsLetter) {
				t.Errorf("%s says %q", file, text)
			}
		}
	}
}

func TestMonthsAreUnderstoodAsTheyAreCalled(t *testing.T) {
	t.Parallel()
	english, pseudo := patient.Languages()[0], language(t, nhsuitest.Pseudo)
	march := pseudo.Say("month.3")
	for name, c := range map[string]struct {
		language *nhsui.Language
		typed    string
		month    string // "": not understood
	}{
		"a number":                            {english, "3", "March"},
		"a name":                              {english, "March", "March"},
		"a name without its capital":          {english, "march", "March"},
		"a name in capitals":                  {english, "MARCH", "March"},
		"a short name":                        {english, "mar", "March"},
		"a short name between spaces":         {english, " Sept ", "September"},
		"what begins two names":               {english, "ju", ""},
		"what begins one of the two":          {english, "jun", "June"},
		"a number in Arabic digits":           {english, "٣", "March"},
		"a name of another language":          {english, march, ""},
		"no name":                             {english, "brumaire", ""},
		"a name in its own language":          {pseudo, march, march},
		"a short name in its own language":    {pseudo, "⟦ṁàŕ", march},
		"one in capitals":                     {pseudo, strings.ToUpper(march), march},
		"what begins all names":               {pseudo, "⟦", ""},
		"a number on another language's page": {pseudo, "03", march},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newHouseWith(t, func(d *patient.Door) { d.Languages = func() []*nhsui.Language { return []*nhsui.Language{c.language} } }).browser()
			b.begin()
			b.walk(selfAnswers(), "birth-date")
			b.fill("day", "30", "month", c.typed, "year", "1957")
			if understood := b.status == http.StatusOK; understood != (c.month != "") {
				t.Fatalf("answered %d", b.status)
			}
			if c.month == "" {
				return
			}
			answers := maps.Clone(selfAnswers())
			answers["birth-date"] = []string{"day", "30", "month", c.typed, "year", "1957"}
			b.walk(answers, "check")
			if !strings.Contains(textOf(b.page), c.month) {
				t.Errorf("%s is not on the page with all answers: %s", c.month, b.text("nhsuk-summary-list"))
			}
		})
	}
}
