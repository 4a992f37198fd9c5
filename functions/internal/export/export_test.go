package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.org/optout/functions/internal/export"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

var update = flag.Bool("update", false, "write testdata/golden anew")

// sender is the one of the examples.
var sender = export.Sender{Controller: "NHS Sample Board", References: "https://example.invalid/optout-reference"}

// same compares with a golden file.
func same(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is %s (%v), and the code says %s", path, want, err, got)
	}
}

func bundle(t *testing.T, s export.Sender, forms ...optout.Form) []byte {
	t.Helper()
	b, err := json.MarshalIndent(s.Bundle(forms...), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestFormsAreSpelledAsInTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, f := range samples {
		same(t, name+".json", bundle(t, sender, f))
	}
	var list bytes.Buffer
	w := csv.NewWriter(&list)
	rows := [][]string{export.Header()}
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		rows = append(rows, export.Row(samples[name], nhs.Codebook{}))
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	same(t, "rows.csv", list.Bytes())
	if files, err := filepath.Glob("testdata/golden/*"); err != nil || len(files) != len(samples)+1 {
		t.Errorf("there are %d samples and %d files, %v", len(samples), len(files), err)
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("testdata/bundle.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decoded(t *testing.T, b []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// resources are those of a bundle by their type.
func resources(t *testing.T, b []byte) map[string]map[string]any {
	t.Helper()
	var read struct {
		Entry []struct {
			Resource map[string]any `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, e := range read.Entry {
		all[e.Resource["resourceType"].(string)] = e.Resource
	}
	return all
}

func TestBundlesFitR4(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	for name, f := range samples {
		if err := schema.Validate(decoded(t, bundle(t, sender, f))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for what, b := range map[string]export.Bundle{"all forms": sender.Bundle(slices.Collect(maps.Values(samples))...), "none": sender.Bundle()} {
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(decoded(t, raw)); err != nil {
			t.Errorf("a bundle of %s: %v", what, err)
		}
	}
}

func TestWhatIsNotR4IsRefused(t *testing.T) {
	t.Parallel()
	schema, b := compile(t), bundle(t, sender, samples["routed-signed-by-parent"])
	for name, change := range map[string]struct{ resource, member, value string }{
		"a consent of no patient":             {"Consent", "patient", ""},
		"a consent without its right":         {"Consent", "policyRule", ""},
		"a consent of no category":            {"Consent", "category", "[]"},
		"a consent in an unknown status":      {"Consent", "status", `"applied"`},
		"one performer where there is a list": {"Consent", "performer", `{"display":"x"}`},
		"a provision that does neither":       {"Consent", "provision", `{"type":"withdraw","code":[{"text":"x"}]}`},
		"a task without intent":               {"Task", "intent", ""},
		"a task in our own status":            {"Task", "status", `"collected"`},
		"a task for a list":                   {"Task", "for", `[{"display":"x"}]`},
		"a time without a zone":               {"Task", "authoredOn", `"2026-11-22T12:00:00"`},
		"a name that is text":                 {"Patient", "name", `"Ada"`},
		"a forename that is no list":          {"Patient", "name", `[{"text":"Ada","given":"Ada"}]`},
		"a date as people write it":           {"Patient", "birthDate", `"31/03/1957"`},
		"an empty string":                     {"Patient", "birthDate", `""`},
		"a member that R4 does not have":      {"Patient", "nhsNumber", `"9000000009"`},
		"a proxy of nobody":                   {"RelatedPerson", "patient", ""},
		"another resource":                    {"RelatedPerson", "resourceType", `"Person"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := decoded(t, b)
			for _, e := range v.(map[string]any)["entry"].([]any) {
				r := e.(map[string]any)["resource"].(map[string]any)
				switch {
				case r["resourceType"] != change.resource:
				case change.value == "":
					delete(r, change.member)
				default:
					r[change.member] = decoded(t, []byte(change.value))
				}
			}
			if schema.Validate(v) == nil {
				t.Error("it fits")
			}
		})
	}
}

// Where an example has a member, a form of ours that has all of it has it too, as the same kind of value; what we leave
// out on purpose stands here. A profile would have to be published, and a scan and its registration are not handed over.
func TestResourcesHaveTheShapeOfTheExamples(t *testing.T) {
	t.Parallel()
	ours := resources(t, bundle(t, sender, samples["routed-signed-by-parent"]))
	leftOut := []string{"Consent.meta", "Consent.contained", "Consent.extension", "Consent.sourceAttachment"}
	elsewhere := []string{".display", "Task.requester.identifier"} // the controller has a name and no code; codes have their own words
	for resource, file := range map[string]string{"Consent": "consent-scr-optout", "Task": "task-practice-apply"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "examples", file+".example.json"))
		if err != nil {
			t.Fatal(err)
		}
		var example map[string]any
		if err := json.Unmarshal(raw, &example); err != nil {
			t.Fatal(err)
		}
		compared := 0
		var compare func(path string, want, got any)
		compare = func(path string, want, got any) {
			compared++
			if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
				t.Errorf("%s is %T, in the example %T", path, got, want)
				return
			}
			switch want := want.(type) {
			case map[string]any:
				for member, value := range want {
					at := path + "." + member
					if slices.Contains(leftOut, at) || slices.ContainsFunc(elsewhere, func(e string) bool { return strings.HasSuffix(at, e) }) {
						continue
					}
					compare(at, value, got.(map[string]any)[member])
				}
			case []any:
				for n := range min(len(want), len(got.([]any))) {
					compare(path, want[n], got.([]any)[n])
				}
			}
		}
		compare(resource, example, ours[resource])
		if compared < 20 {
			t.Errorf("only %d values of %s were compared", compared, resource)
		}
	}
}

// What the practice gets of a refusal and what it gets of the two ways to take one back.
func TestARefusalDeniesAndNothingThatTakesItBackPermits(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"routed": "deny 9Ndo. XaXj6", "delivered-core": "permit 9Ndm. XaXbY", "collected-additional": "permit 9Ndn. XaXbZ",
		"collected-withdrawal": "", "collected-not-me": "", "held-nothing-read": "",
	} {
		all := resources(t, bundle(t, sender, samples[name]))
		got := ""
		if p, ok := all["Consent"]["provision"].(map[string]any); ok {
			got = p["type"].(string)
			for _, c := range p["code"].([]any)[0].(map[string]any)["coding"].([]any) {
				got += " " + c.(map[string]any)["code"].(string)
			}
		}
		if got != want || len(all["Task"]) == 0 {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if takesBack := samples[name].Facts.Kind != "choice"; takesBack == (all["Consent"] != nil) {
			t.Errorf("%s has a consent: %v", name, all["Consent"])
		}
	}
}

func TestHowFarAFormHasCome(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ consent, task, owner string }{
		"held-nothing-read": {"draft", "draft", ""},
		"registered":        {"active", "draft", ""},
		"registered-again":  {"proposed", "draft", ""}, // the practice that returned it is not asked any more
		"duplicate":         {"active", "on-hold", ""},
		"routed":            {"active", "requested", "A81001"},
		"delivered-core":    {"proposed", "received", "A81001"}, // an earlier refusal stands meanwhile
		"applied-core":      {"active", "completed", "A81001"},
		"withdrawn-core":    {"inactive", "cancelled", "A81001"},
		"applied":           {"active", "completed", "A81001"},
		"in-doubt":          {"active", "accepted", "A81001"},
		"checked":           {"active", "completed", "A81001"},
		"returned":          {"active", "rejected", "A81001"},
		"withdrawn":         {"inactive", "cancelled", "A81001"},
		"answered":          {"inactive", "rejected", "A81001"},

		"collected":            {"active", "accepted", "A81001"},
		"collected-additional": {"proposed", "accepted", "A81001"},
	} {
		all := resources(t, bundle(t, sender, samples[name]))
		owner := ""
		if o, ok := all["Task"]["owner"].(map[string]any); ok {
			owner = o["identifier"].(map[string]any)["value"].(string)
		}
		if all["Consent"]["status"] != want.consent || all["Task"]["status"] != want.task || owner != want.owner {
			t.Errorf("%s: consent %v, task %v of %q; want %+v", name, all["Consent"]["status"], all["Task"]["status"], owner, want)
		}
	}
}

// Every reference into the bundle leads to a resource of the same form, and no two resources are taken for one.
func TestReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	b := bundle(t, sender, slices.Collect(maps.Values(samples))...)
	var read struct {
		Entry []struct {
			FullURL  string          `json:"fullUrl"`
			Resource json.RawMessage `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	there, followed := map[string]bool{}, 0
	for _, e := range read.Entry {
		if there[e.FullURL] {
			t.Errorf("%s is there twice", e.FullURL)
		}
		there[e.FullURL] = true
	}
	for _, e := range read.Entry {
		for _, part := range strings.Split(string(e.Resource), `"reference": "`)[1:] {
			to, _, _ := strings.Cut(part, `"`)
			followed++
			if !there[to] {
				t.Errorf("%s leads nowhere", to)
			}
		}
	}
	if len(there) < 50 || followed < 80 {
		t.Errorf("%d resources, %d references", len(there), followed)
	}
}

// No code of SNOMED CT is known until one is configured. The id here is of a disease: which ids stand for a preference is
// not known to these tests either.
func TestOnlyConfiguredIdsOfSNOMEDCTAreWritten(t *testing.T) {
	t.Parallel()
	const system, configured = "http://snomed.info/sct", "22298006"
	book, err := nhs.NewCodebook(map[nhs.Preference]string{nhs.Dissent: configured})
	if err != nil {
		t.Fatal(err)
	}
	knowing := sender
	knowing.Codes = book
	for name, f := range samples {
		row, want := export.Row(f, book), f.Facts.Choice == "dissent"
		if b := string(bundle(t, sender, f)); strings.Contains(b, system) {
			t.Errorf("%s has a code of SNOMED CT that nobody configured", name)
		}
		if b := string(bundle(t, knowing, f)); strings.Contains(b, system) != want || strings.Contains(b, `"`+configured+`"`) != want {
			t.Errorf("%s has a code of SNOMED CT: want %v, got %s", name, want, b)
		}
		if slices.Contains(row, "SCTID "+configured) != want || strings.Contains(strings.Join(row, " "), "SCTID") != want {
			t.Errorf("the row of %s has a code of SNOMED CT: want %v, got %v", name, want, row)
		}
	}
}

// A sample has all that may be said; what coding does not need is in no export, and an export is in no log.
func TestNothingElseIsHandedOver(t *testing.T) {
	t.Parallel()
	f := after("talkative", saying(func(a *optout.Answers) { a.Reply.Phone, a.Reply.Language = "01642 672351", "Urdu" }), routed, collected)
	e := optout.Event{At: optouttest.Noon, By: "practice A81001 u-17", Kind: optout.Returned, Detail: map[string]string{"reason": "COERCION"}, Text: "she is afraid of him"}
	f = f.With(e)
	all := string(bundle(t, sender, f)) + strings.Join(export.Row(f, nhs.Codebook{}), ",")
	for _, private := range []string{
		"Ms", "quillfeather.example", "large print", "01642", "Urdu", "email", "u-17", "afraid", "COERCION", string(f.Person), string(f.Possible), f.Attempt,
	} {
		if strings.Contains(all, private) {
			t.Errorf("%q is handed over", private)
		}
	}
	b := sender.Bundle(f)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, b); got != "[forms]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got := b.LogValue().String(); got != "[forms]" {
		t.Errorf("a log says %s", got)
	}
}

func TestARowHasACellForEveryColumn(t *testing.T) {
	t.Parallel()
	cell := func(name, column string) string {
		return export.Row(samples[name], nhs.Codebook{})[slices.Index(export.Header(), column)]
	}
	for name, f := range samples {
		if got, want := len(export.Row(f, nhs.Codebook{})), len(export.Header()); got != want {
			t.Errorf("%s has %d cells, want %d", name, got, want)
		}
	}
	for name, want := range map[string][2]string{
		"routed":                           {"wanted", "Patient does not want a Summary Care Record"},
		"delivered-core":                   {"Read v2", "9Ndm."},
		"collected-additional":             {"CTV3", "XaXbZ"},
		"checked":                          {"SNOMED CT", ""},
		"collected-not-me":                 {"Read v2", ""},
		"registered-one-name-nothing-else": {"forenames", ""},
		"routed-signed-by-deputy":          {"by what right", "Court-appointed deputy for personal welfare"},
		"held-withdrawal-of-something":     {"by what right", "Not known yet"},
		"routed-looks-like-a-formula":      {"surname", `=HYPERLINK("x")`},  // as it is: the writer makes it safe
		"duplicate":                        {"waiting since", "2026-11-01"}, // since the first of the person's forms
		"in-doubt":                         {"answer by", "2026-12-22"},
	} {
		if got := cell(name, want[0]); got != want[1] {
			t.Errorf("%s: %s is %q, want %q", name, want[0], got, want[1])
		}
	}
}
