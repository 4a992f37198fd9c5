package nhsui

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
)

// installed is where `make test` installs the design system.
const (
	root      = "../../.."
	installed = root + "/.tools/nhsuk/node_modules/nhsuk-frontend"
)

// components are all that this package shows, by the folder that their fixtures are in. A Caption has none of its own:
// headings, labels and legends prove it.
var components = map[string]Component{
	"back-link":           &BackLink{},
	"breadcrumb":          &Breadcrumb{},
	"button":              &Button{},
	"details":             &Details{},
	"error-message":       &ErrorMessage{},
	"error-summary":       &ErrorSummary{},
	"fieldset":            &Fieldset{},
	"heading":             &Heading{},
	"hint":                &Hint{},
	"inset-text":          &InsetText{},
	"label":               &Label{},
	"legend":              &Legend{},
	"notification-banner": &NotificationBanner{},
	"panel":               &Panel{},
	"skip-link":           &SkipLink{},
	"character-count":     &CharacterCount{},
	"checkboxes":          &Checkboxes{},
	"date-input":          &DateInput{},
	"input":               &Input{},
	"radios":              &Radios{},
	"select":              &Select{},
	"card":                &Card{},
	"scroll":              &Scroll{},
	"warning-callout":     &WarningCallout{},
	"summary-list":        &SummaryList{},
	"tables":              &Table{},
	"footer":              &Footer{},
	"header":              &Header{},
	"textarea":            &Textarea{},
	"tag":                 &Tag{},
}

// leftOut are the fixtures that are not compared, with the reason: "component: name, description" to reason.
var leftOut = map[string]string{}

// fixture is an official example: options, and the HTML that they give.
type fixture struct {
	Name        string          `json:"name"`
	Description string          `json:"description"` // which of those with this name
	Context     json.RawMessage `json:"context"`
	Call        *string         `json:"callBlock"`
	HTML        string          `json:"html"`
}

func (f fixture) String() string { return strings.TrimSuffix(f.Name+", "+f.Description, ", ") }

func fixtures(t *testing.T, component string) []fixture {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(installed, "dist/nhsuk/components", component, "fixtures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Fixtures []fixture }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Fixtures
}

// needFrontend skips where the design system is not installed, loudly, and fails where nothing may be skipped. What
// is installed must be what the lock file says.
func needFrontend(t *testing.T) {
	t.Helper()
	var have struct{ Version string }
	raw, err := os.ReadFile(filepath.Join(installed, "package.json"))
	if err != nil {
		const why = "nhsuk-frontend is not installed, run `make test`"
		if os.Getenv("NO_SKIP") == "1" {
			t.Fatal(why)
		}
		t.Skip("SKIPPED, no component was compared with its fixtures: " + why)
	}
	var lock struct {
		Packages map[string]struct{ Version, Resolved string }
	}
	locked, err := os.ReadFile(root + "/tools/nhsuk/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.Unmarshal(raw, &have), json.Unmarshal(locked, &lock)); err != nil {
		t.Fatal(err)
	}
	if want := lock.Packages["node_modules/nhsuk-frontend"]; have.Version != want.Version || want.Resolved != "" {
		t.Fatalf("nhsuk-frontend %s is installed, %+v is locked: run `make test`", have.Version, want)
	}
}

// Every component is proven: the options of each official fixture, rendered by our template, parse to the same tree
// as the fixture's HTML.
func TestComponentsEqualTheirFixtures(t *testing.T) {
	needFrontend(t)
	stale := maps.Clone(leftOut)
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "component\tequal\tcompared\tleft out")
	var allEqual, allCompared, allLeft int
	for _, name := range slices.Sorted(maps.Keys(components)) {
		var equal, compared int
		var skipped []string
		for _, f := range fixtures(t, name) {
			if reason, left := leftOut[name+": "+f.String()]; left {
				delete(stale, name+": "+f.String())
				skipped = append(skipped, f.String()+" ("+reason+")")
				continue
			}
			compared++
			if diff, err := difference(name, f); err != nil {
				t.Errorf("%s: %s: %v", name, f, err)
			} else if diff != "" {
				t.Errorf("%s: %s: -fixture +ours\n%s\noptions: %s", name, f, diff, f.Context)
			} else {
				equal++
			}
		}
		if equal == 0 {
			t.Errorf("%s has no fixture that it equals", name)
		}
		fmt.Fprintf(out, "%s\t%d\t%d\t%d%s\n", name, equal, compared, len(skipped), strings.Join(append([]string{""}, skipped...), "\n\t\t\t"))
		allEqual, allCompared, allLeft = allEqual+equal, allCompared+compared, allLeft+len(skipped)
	}
	fmt.Fprintf(out, "all\t%d\t%d\t%d\n", allEqual, allCompared, allLeft)
	_ = out.Flush()
	t.Logf("Fixtures of nhsuk-frontend:\n%s", &table)
	for name := range stale {
		t.Errorf("%q is left out, but there is no such fixture", name)
	}
}

// decoded is the component with a fixture's options.
func decoded(component string, f fixture) (Component, error) {
	given, err := options(component, f)
	if err != nil {
		return nil, err
	}
	c := reflect.New(reflect.TypeOf(components[component]).Elem()).Interface().(Component)
	return c, strict(given, c)
}

// difference is empty where our HTML is the fixture's.
func difference(component string, f fixture) (string, error) {
	c, err := decoded(component, f)
	if err != nil {
		return "", err
	}
	ours := string(HTML(c))
	if err := balanced(ours); err != nil {
		return "", fmt.Errorf("%w in %s", err, ours)
	}
	want, err := outline(f.HTML)
	if err != nil {
		return "", err
	}
	have, err := outline(ours)
	return cmp.Diff(want, have), err
}

// Fixtures use few of these, pages any.
func TestEveryComponentShowsItsIDClassesAndAttributes(t *testing.T) {
	needFrontend(t)
	t.Parallel()
	for name := range components {
		c, err := decoded(name, fixtures(t, name)[0])
		if err != nil {
			t.Fatal(err)
		}
		v := reflect.ValueOf(c).Elem()
		wants := map[string]string{"ID": `id="given"`, "Classes": "given-class", "Attributes": ` data-given="&lt;"`}
		v.FieldByName("Attributes").Set(reflect.ValueOf(Attributes{"data-given": "<"}))
		v.FieldByName("Classes").SetString("given-class")
		if id := v.FieldByName("ID"); id.IsValid() {
			id.SetString("given")
		} else {
			t.Errorf("%s takes no id", name)
		}
		shown := string(HTML(c))
		for option, want := range wants {
			if strings.Count(shown, want) != 1 {
				t.Errorf("%s shows its %s %d times: %s", name, option, strings.Count(shown, want), shown)
			}
		}
	}
}

// Otherwise an option that we leave unread would be proven by the fixtures that do not need it.
func TestOptionsThatAreNotKnownAreRefused(t *testing.T) {
	t.Parallel()
	for component, context := range map[string]string{
		"tag":          `{"text": "x", "sise": "l"}`,
		"input":        `{"name": "x", "label": {"text": "x", "sise": "l"}}`,
		"radios":       `{"name": "x", "items": [{"text": "x", "hint": {"text": "x", "sise": "l"}}]}`,
		"summary-list": `{"rows": [{"actions": {"items": [{"sise": "l"}]}}]}`,
		"tables":       `{"rows": [[{"text": "x", "sise": "l"}]]}`,
		"footer":       `{"navigation": {"sise": "l"}}`,
	} {
		if c, err := decoded(component, fixture{Context: json.RawMessage(context)}); err == nil {
			t.Errorf("%s was read as %+v", context, c)
		}
	}
}
