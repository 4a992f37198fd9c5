package notice

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.org/optout/functions/internal/digest"
)

var update = flag.Bool("update", false, "write the examples in events/notice anew")

// here is the practices' door.
const here = "https://optout.example/practice"

const described = "../../../events/notice"

// mail is what a practice gets and why, as events/notice describes it. It is made of a Notice by conversion: a field
// that is added there must be described before this compiles.
type mail struct {
	notice
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

type notice struct {
	Practice string `json:"practice"`
	To       string `json:"to"`
	AtLeast  int    `json:"atLeast"`
	Oldest   int    `json:"oldest"`
	Extract  bool   `json:"extract"`
}

func mailOf(n digest.Notice) mail {
	subject, body := words(n, here)
	return mail{notice(n), subject, body}
}

// unfit says why a mail does not fit its description; nil if it does.
func (m mail) unfit(t *testing.T) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(described, "schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.json(t)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(v)
}

func (m mail) json(t *testing.T) []byte {
	t.Helper()
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestMailsAreAsDescribed(t *testing.T) {
	t.Parallel()
	examples := map[string]digest.Notice{
		"one-form":         {Practice: "A81001", To: "a81001@practice.example", AtLeast: 1},
		"many-forms":       {Practice: "A81001", To: "forms@densham.example", AtLeast: 1234, Oldest: 17},
		"list-wanted":      {Practice: "A81001", To: "a81001@practice.example", AtLeast: 3, Oldest: 1, Extract: true},
		"only-list-wanted": {Practice: "A81001", To: "a81001@practice.example", Extract: true},
	}
	for name, n := range examples {
		m, path := mailOf(n), filepath.Join(described, "examples", name+".json")
		if err := m.unfit(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if *update {
			if err := os.WriteFile(path, m.json(t), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, m.json(t)) {
			t.Errorf("%s is %s (%v), and the code says %s", name, got, err, m.json(t))
		}
	}
	if files, err := filepath.Glob(filepath.Join(described, "examples", "*")); err != nil || len(files) != len(examples) {
		t.Errorf("there are %d examples and %d files, %v", len(examples), len(files), err)
	}
}

// The description has no room for anything about a patient.
func TestAMailThatSaysMoreIsNotAsDescribed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*mail){
		"a name in the subject":     func(m *mail) { m.Subject += " from Ada O'Neill" },
		"a form's reference in it":  func(m *mail) { m.Subject = "X99K-4GWJ-YT1C-6XZB-P: " + m.Subject },
		"an NHS number in the text": func(m *mail) { m.Text += "900 000 0009\n" },
		"an NHS number for a count": func(m *mail) { _, m.Text = words(digest.Notice{AtLeast: 9000000009, Extract: true}, here) },
		"a form's reference in its link": func(m *mail) {
			m.Text = strings.Replace(m.Text, "/practice\n", "/practice/forms/X99K-4GWJ-YT1C-6XZB-P\n", 1)
		},
		"another text":            func(m *mail) { m.Text = "Mrs O'Neill has opted out." },
		"no text":                 func(m *mail) { m.Text = "" },
		"no practice's code":      func(m *mail) { m.Practice = "Densham Surgery" },
		"nobody to send it to":    func(m *mail) { m.To = "" },
		"two addresses":           func(m *mail) { m.To = "a81001@practice.example, ada@quillfeather.example" },
		"fewer forms than none":   func(m *mail) { m.AtLeast = -1 },
		"nothing to ask for":      func(m *mail) { *m = mailOf(digest.Notice{Practice: m.Practice, To: m.To}) },
		"a list nobody wants":     func(m *mail) { m.Extract = false },
		"no word of forms":        func(m *mail) { _, m.Text = words(digest.Notice{Extract: true}, here) },
		"no word of the list":     func(m *mail) { _, m.Text = words(digest.Notice{AtLeast: 3}, here) },
		"a subject without forms": func(m *mail) { m.Subject, _ = words(digest.Notice{Extract: true}, here) },
		"forms that do not wait":  func(m *mail) { m.AtLeast = 0 },
		"the same said twice":     func(m *mail) { m.Text += m.Text },
	} {
		m := mailOf(digest.Notice{Practice: "A81001", To: "a81001@practice.example", AtLeast: 3, Extract: true})
		change(&m)
		if m.unfit(t) == nil {
			t.Errorf("a mail with %s is as described", name)
		}
	}
}
