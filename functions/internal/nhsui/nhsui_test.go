package nhsui

import (
	"bytes"
	"html/template"
	"io"
	"strings"
	"testing"
)

// Whatever a person typed stays text, wherever a component shows it.
func TestTextIsEscapedEverywhere(t *testing.T) {
	t.Parallel()
	const typed = `"><script>alert('x')</script>`
	all := []Component{
		BackLink{Text: typed, Href: "/", Attributes: Attributes{"lang": typed}},
		Breadcrumb{Items: []BreadcrumbItem{{Text: typed, Href: "/"}}, AriaLabel: typed},
		Button{Text: typed, Value: typed, AriaLabel: typed},
		Card{Heading: Heading{Text: typed, ID: typed}, Description: Content{Text: typed}, Actions: Actions{{Text: typed}}},
		CharacterCount{
			Name: typed, Value: typed, Maxlength: 1, TextareaDescriptionText: typed,
			CharactersAtLimitText: typed, CharactersOverLimitText: Plurals{Other: typed},
		},
		Checkboxes{Name: typed, Items: []Choice{{Text: typed, Value: typed, Hint: &Hint{Text: typed}}, {Divider: typed}}},
		DateInput{ID: typed, Values: map[string]string{"day": typed}, NamePrefix: typed},
		Details{Summary: Summary{Text: typed}, Text: typed},
		ErrorSummary{Heading: Heading{Text: typed}, ErrorList: []ErrorItem{{Text: typed, Href: "#" + typed}}},
		Footer{Meta: FooterMeta{Text: typed}, Copyright: &Content{Text: typed}},
		Header{Organisation: &Organisation{Name: typed}, Service: Service{Text: typed, Href: "/"}, Search: &Search{Name: typed}},
		Input{
			Name: typed, Value: typed, Label: Label{Text: typed, Caption: &Caption{Text: typed}},
			Hint: &Hint{Text: typed}, ErrorMessage: &ErrorMessage{Text: typed}, Prefix: &Affix{Text: typed},
		},
		InsetText{Text: typed},
		NotificationBanner{Text: typed, Title: Heading{Text: typed}, Classes: typed},
		Panel{Heading: Heading{Text: typed}, Text: typed},
		Radios{Name: typed, Items: []Choice{{Text: typed}}, Fieldset: &Fieldset{Legend: &Legend{Text: typed}}},
		Select{Name: typed, Items: []Option{{Text: typed, Value: new(typed)}}},
		SkipLink{Text: typed},
		SummaryList{Rows: []SummaryRow{{Key: SummaryCell{Text: typed}, Value: SummaryCell{Text: typed}}}},
		Table{Caption: &Heading{Text: typed}, Head: []Cell{{Text: typed}}, Rows: [][]Cell{{{Text: typed, SortValue: typed}}}},
		Tag{Text: typed},
		Textarea{Name: typed, Value: typed + "</textarea>" + typed},
		WarningCallout{Heading: Heading{Text: typed}, Text: typed},
	}
	for _, c := range all {
		shown := string(HTML(c))
		if strings.Contains(shown, "<script") {
			t.Errorf("%s shows a script: %s", c.name(), shown)
		}
		if err := balanced(shown); err != nil {
			t.Errorf("%s: %v in %s", c.name(), err, shown)
		}
		if !strings.Contains(shown, "&lt;script&gt;") {
			t.Errorf("%s does not show what was typed: %s", c.name(), shown)
		}
	}
}

func TestAddressesThatRunScriptsAreNotShown(t *testing.T) {
	t.Parallel()
	for _, c := range []Component{
		BackLink{Href: "javascript:alert(1)"},
		Button{Href: "javascript:alert(1)"},
		Heading{Text: "x", Href: "javascript:alert(1)"},
		ErrorSummary{ErrorList: []ErrorItem{{Text: "x", Href: "javascript:alert(1)"}}},
	} {
		if shown := string(HTML(c)); strings.Contains(shown, "javascript") {
			t.Errorf("%s leads to a script: %s", c.name(), shown)
		}
	}
}

func TestAttributesAreLettersDigitsDashesAndColonsAndHoldNothingThatRuns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lang", "data-test-1", "xml:lang", "aria-label", "tabindex"} {
		if _, err := (Attributes{name: "v"}).html(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "a b", `a"`, "a>", "a=b", "é", "-a", "onclick", "OnClick", "style", "href", "xlink:href", "src", "formaction"} {
		if shown, err := (Attributes{name: "v"}).html(); err == nil {
			t.Errorf("%q is shown as %s", name, shown)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a component with an attribute that it may not have was shown")
		}
	}()
	HTML(Tag{Attributes: Attributes{"onclick": "x"}})
}

func TestElementsAreElements(t *testing.T) {
	t.Parallel()
	if shown, err := opening("h1 onclick=x", "", "", nil); err == nil {
		t.Errorf("shown as %s", shown)
	}
}

// The logo is a trade mark: it is on no page of a controller that may not use it.
func TestHeaderWithoutLogoSaysWhoseItIsInWords(t *testing.T) {
	t.Parallel()
	h := Header{WithoutLogo: true, Organisation: &Organisation{Name: "Anytown Practice"}, Service: Service{Text: "Choices", Href: "/"}}
	shown := string(HTML(h))
	for _, want := range []string{"Anytown Practice", "Choices", `aria-label="Anytown Practice Choices homepage"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in %s", want, shown)
		}
	}
	for _, not := range []string{"<svg", "<img", "NHS"} {
		if strings.Contains(shown, not) {
			t.Errorf("%q is in %s", not, shown)
		}
	}
}

// What a person typed comes back as it was, even where a parser would drop the first line break.
func TestTextareaKeepsTheFirstLineBreak(t *testing.T) {
	t.Parallel()
	lines, err := outline(string(HTML(Textarea{Name: "note", Value: "\n\nx"})))
	if err != nil || !strings.Contains(strings.Join(lines, ""), `"\n\nx"`) {
		t.Errorf("%q, %v", lines, err)
	}
}

// Showing a component fills in a copy: the same options can be shown again, and at the same time.
func TestShowingChangesNoOptions(t *testing.T) {
	t.Parallel()
	for _, c := range examplePage().Parts {
		first := HTML(c)
		if again := HTML(c); first != again {
			t.Errorf("%s is shown as\n%s\nthen as\n%s", c.name(), first, again)
		}
	}
}

type examples struct {
	Header  Header
	Skip    SkipLink
	Back    BackLink
	Errors  ErrorSummary
	Number  Input
	Birth   DateInput
	Choice  Radios
	Details Details
	Send    Button
	Footer  Footer
	Parts   []Component
}

// examplePage is a page as a door has it: ten components, some of them answered wrongly.
func examplePage() examples {
	e := examples{
		Header: Header{WithoutLogo: true, Organisation: &Organisation{Name: "Anytown Practice"}, Service: Service{Text: "Choices", Href: "/"}},
		Back:   BackLink{Href: "/before"},
		Errors: ErrorSummary{Heading: Heading{Text: "There is a problem"}, ErrorList: []ErrorItem{{Text: "Enter a date", Href: "#birth-day"}}},
		Number: Input{
			Name: "number", Width: 10, Inputmode: "numeric", Label: Label{Text: "NHS number", Size: "s"},
			Hint: &Hint{Text: "10 digits"}, Value: "999 123 4567",
		},
		Birth: DateInput{
			ID: "birth", NamePrefix: "birth", Values: map[string]string{"day": "31"},
			Fieldset: &Fieldset{Legend: &Legend{Text: "Date of birth", Size: "m"}}, Hint: &Hint{Text: "For example, 31 3 1957"},
			ErrorMessage: &ErrorMessage{Text: "Enter a date"},
		},
		Choice: Radios{
			Name: "choice", Value: "dissent", Fieldset: &Fieldset{Legend: &Legend{Heading: &Heading{Text: "Your choice"}, Size: "l"}},
			Items: []Choice{{Value: "dissent", Text: "No record", Hint: &Hint{Text: "Nothing is shared"}}, {Value: "core", Text: "Medicines only"}, {Value: "full", Text: "All"}},
		},
		Details: Details{Summary: Summary{Text: "Where to find it"}, Text: "On any letter."},
		Send:    Button{Text: "Continue", PreventDoubleClick: new(true)},
		Footer:  Footer{Meta: FooterMeta{Items: []FooterItem{{Text: "Accessibility", Href: "/accessibility"}}}, Copyright: &Content{Text: "Anytown Practice"}},
	}
	e.Parts = []Component{e.Header, e.Skip, e.Back, e.Errors, e.Number, e.Birth, e.Choice, e.Details, e.Send, e.Footer}
	return e
}

const examplePageSource = `<!DOCTYPE html><html lang="en"><body>
{{template "skip-link" .Skip}}{{template "header" .Header}}<main id="maincontent">{{template "back-link" .Back}}
{{template "error-summary" .Errors}}<form method="post">{{template "input" .Number}}{{template "date-input" .Birth}}
{{template "radios" .Choice}}{{template "details" .Details}}{{template "button" .Send}}</form></main>
{{template "footer" .Footer}}</body></html>`

func TestPagesAreWrittenWithTheTemplates(t *testing.T) {
	t.Parallel()
	page := template.Must(Templates().New("page").Parse(examplePageSource))
	var b bytes.Buffer
	if err := page.Execute(&b, examplePage()); err != nil {
		t.Fatal(err)
	}
	for _, c := range examplePage().Parts {
		if !strings.Contains(b.String(), string(HTML(c))) {
			t.Errorf("the page does not show %s as it is shown alone", c.name())
		}
	}
}

func BenchmarkPage(b *testing.B) {
	page := template.Must(Templates().New("page").Parse(examplePageSource))
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := page.Execute(&out, examplePage()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "B/page")
}

func BenchmarkComponent(b *testing.B) {
	for _, c := range examplePage().Parts {
		b.Run(c.name(), func(b *testing.B) {
			for b.Loop() {
				HTML(c)
			}
		})
	}
}

// BenchmarkFirstPage is what the first page of a cold start pays on top of its own time, once: parsing all components
// and working out the contexts of those that it shows.
func BenchmarkFirstPage(b *testing.B) {
	for b.Loop() {
		all := template.Must(template.New("nhsui").Funcs(funcs).ParseFS(sources, "*.gohtml"))
		page := template.Must(template.Must(all.Clone()).New("page").Parse(examplePageSource))
		if err := page.Execute(io.Discard, examplePage()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValues is what html/template itself takes for a hundred values: no page of that many can be faster.
func BenchmarkValues(b *testing.B) {
	values := template.Must(template.New("values").Parse(`{{range .}}<p id="{{.}}">{{.}}</p>{{end}}`))
	words := strings.Fields(strings.Repeat("word ", 50))
	for b.Loop() {
		if err := values.Execute(io.Discard, words); err != nil {
			b.Fatal(err)
		}
	}
}
