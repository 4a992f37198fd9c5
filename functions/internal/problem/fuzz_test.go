package problem_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/problem"
)

// Whatever a body holds, it becomes facts, or faults that each have a code, a sentence and a plain pointer.
func FuzzAnswers(f *testing.F) {
	good, err := json.Marshal(optouttest.Dissent())
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		string(good), "", "null", "[]", "{}", `{"choice":"dissent"`, `{"choice":"dissent","choice":"core"}`, `{"Choice":"core"}`,
		`{"subject":{"address":["a",1]}}`, `{"reply":{"safe":[]}}`, `{"kind":"withdrawal","about":"7F3K-9QWM-2B5T-RX4H-C","subject":{}}`,
		strings.Repeat("[", 200), `{"a/b~c\u0000":1}`, "\xff", `{"subject":{"surname":"\ud800"}}`, `{"proxy":null,"notRegistered":true}`,
		`{"choice":"core","subject":{"surname":"Suharti","oneName":true,"birthDate":"1988-11-02"}}`, `{"subject":{"oneName":1}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a optout.Answers
		p, faults := problem.Decode(body, &a)
		if p.Code == "" {
			var facts optout.Facts
			if facts, faults = optouttest.Rules.Accept(a); len(faults) == 0 {
				if facts.Surname.IsZero() || facts.Forenames.IsZero() != facts.OneName || facts.BirthDate.IsZero() || facts.Kind == "" || (facts.Kind == "choice") != (facts.Choice != "") {
					t.Errorf("accepted without what it takes: %q", body)
				}
				return
			}
		}
		if len(faults) == 0 {
			t.Fatalf("neither facts nor faults: %q", body)
		}
		for _, f := range faults {
			if f.Code == "" || f.Detail == "" || f.Pointer != "" && f.Pointer[0] != '/' || strings.ContainsAny(f.Pointer, "\x00\n\"<") || len(f.Pointer) > 110 {
				t.Errorf("fault %+v of %q", f, body)
			}
		}
	})
}
