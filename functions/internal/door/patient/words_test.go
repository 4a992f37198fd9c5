package patient_test

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"example.org/optout/functions/internal/door/contracttest"
)

// sayingNo is what everybody must have read who says no (domain facts, wording that people need).
const sayingNo = "You will still be treated. But staff elsewhere, such as in A&E, may not see your medicines, allergies and " +
	"bad reactions, even when you cannot tell them. A record that already exists is hidden, not erased."

// elsewhere are the addresses outside of this service that pages may lead to.
var elsewhere = []string{
	"https://111.nhs.uk/",
	"https://ico.org.uk/make-a-complaint/",
	"https://www.equalityadvisoryservice.com/",
	"https://www.nhs.uk/nhs-app/",
	"https://www.nhs.uk/your-nhs-data-matters/",
	"https://www.w3.org/TR/WCAG22/",
}

// unwanted is what no page says: it is untrue here (domain facts), or the NHS's content style avoids it.
var unwanted = regexp.MustCompile(`(?i)care (is|will|does)( not|n't)( be)? affect|\b(please|invalid|sorry|e-mail|click here)\b`)

// said is what long texts are filled in with, at the door of a controller who configured all or the least.
type said struct{ Controller, Contact, ProtectionOfficer, JourneyLasts, Reviewed, Start string }

var most = said{"Testshire <Board>", "help@board.example", "dpo@board.example", "24 hours", "22 November 2026", ""}

// shown is a long text as a browser reads it.
func shown(t *testing.T, file string, with said) (source string, body *html.Node) {
	t.Helper()
	page, err := template.ParseFiles(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := page.Execute(&out, with); err != nil {
		t.Fatal(err)
	}
	body = &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(out.String()), body)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	return out.String(), body
}

// text is all that is said in a node, in one line.
func text(n *html.Node) string {
	var all strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			all.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestLongTextsArePlainAndWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("words/en/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no long texts", err)
	}
	for _, file := range files {
		for name, with := range map[string]said{
			"with all that a controller may configure":       most,
			"with the least that a controller may configure": {Controller: most.Controller, JourneyLasts: most.JourneyLasts, Reviewed: most.Reviewed},
		} {
			t.Run(filepath.Base(file)+" "+name, func(t *testing.T) {
				t.Parallel()
				source, body := shown(t, file, with)
				if open := unclosed(source); open != "" {
					t.Errorf("%s is not closed where it should be", open)
				}
				if found := unwanted.FindString(text(body)); found != "" {
					t.Errorf("it says %q", found)
				}
				level := 1 // the page's own h1 stands above
				for n := range body.Descendants() {
					if n.Type == html.ElementNode {
						level = checkElement(t, n, level)
					}
				}
			})
		}
	}
}

// checkElement holds an element to what a long text may have, after a heading of this level, and gives the level after.
func checkElement(t *testing.T, n *html.Node, level int) int {
	t.Helper()
	plain := []string{"a", "caption", "div", "h2", "h3", "li", "ol", "p", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
	if !slices.Contains(plain, n.Data) {
		t.Errorf("there is <%s>", n.Data)
	}
	for _, a := range n.Attr {
		if !slices.Contains([]string{"aria-hidden", "class", "href", "role", "scope"}, a.Key) {
			t.Errorf("<%s> has %s", n.Data, a.Key)
		}
	}
	if to := attribute(n, "href"); n.Data == "a" && !slices.Contains(elsewhere, to) && !regexp.MustCompile(`^/[a-z]*$`).MatchString(to) {
		t.Errorf("a link leads to %q", to)
	}
	if n.Data == "h2" || n.Data == "h3" {
		now := int(n.Data[1] - '0')
		if now > level+1 {
			t.Errorf("%q is h%d after h%d", text(n), now, level)
		}
		return now
	}
	return level
}

// unclosed is the first element that is not closed, or not in its order: browsers mend that in silence, and then the
// rest of the page stands inside.
func unclosed(source string) string {
	var open []string
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				return z.Err().Error()
			}
			return strings.Join(open, ", ")
		case html.StartTagToken:
			open = append(open, z.Token().Data)
		case html.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				return "/" + name
			}
			open = open[:len(open)-1]
		}
	}
}

func TestTheStartPageSaysWhatSayingNoMeans(t *testing.T) {
	t.Parallel()
	source, body := shown(t, "words/en/start.html", most)
	boxed := false
	for n := range body.Descendants() {
		boxed = boxed || attribute(n, "class") == "nhsuk-inset-text" && text(n) == "Information: "+sayingNo
	}
	if !boxed {
		t.Error("what saying no means does not stand in a box of its own, word for word")
	}
	for _, must := range []string{
		"change your mind at any time by the same route", "Type 1 opt-out", "National Data Opt-out", "Any NHS site can see it",
		"Testshire <Board>: help@board.example",
	} {
		if !strings.Contains(text(body), must) {
			t.Errorf("it does not say %q", must)
		}
	}
	if strings.Contains(source, "https://") {
		t.Error("the first page leads out of the service")
	}
}

func TestLongTextsNameWhomToAsk(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct{ all, least string }{
		"start":         {"contact Testshire <Board>: help@board.example", "contact Testshire <Board>."},
		"elsewhere":     {"complain to Testshire <Board>: help@board.example", "complain to Testshire <Board>."},
		"accessibility": {"Contact Testshire <Board>: help@board.example", "prepared on 22 November 2026."},
		"privacy":       {"our data protection officer: dpo@board.example", "ask us how to contact our data protection officer."},
		"cookies":       {"__Host-journey-…", "after 24 hours"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			_, full := shown(t, "words/en/"+file+".html", most)
			_, bare := shown(t, "words/en/"+file+".html", said{Controller: most.Controller, JourneyLasts: "24 hours", Reviewed: most.Reviewed})
			if !strings.Contains(text(full), c.all) || !strings.Contains(text(bare), c.least) {
				t.Errorf("want %q in\n%s\nand %q in\n%s", c.all, text(full), c.least, text(bare))
			}
		})
	}
}

// A person at a page reads other words for a fault than a client of the API: the pages have no JSON to mend.
func TestEveryFaultHasASentenceForThePages(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("words/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var words struct {
		Say struct{ Fault map[string]string }
	}
	if err := json.Unmarshal(source, &words); err != nil {
		t.Fatal(err)
	}
	sentences := words.Say.Fault
	for _, code := range contracttest.API().Document.Components.Schemas["FaultCode"].Value.Enum {
		if sentences[fmt.Sprint(code)] == "" {
			t.Errorf("%s has no sentence", code)
		}
	}
	for code, s := range sentences {
		if several := strings.Contains(s, ". "); strings.HasSuffix(s, ".") != several { // as the NHS's own messages
			t.Errorf("%s: a full stop ends each of several sentences and not a single one: %q", code, s)
		}
		if found := unwanted.FindString(s); found != "" || strings.Contains(s, "field") {
			t.Errorf("%s is not for people: %q", code, s)
		}
	}
}
