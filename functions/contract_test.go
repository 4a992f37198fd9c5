package functions_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.org/optout/functions/internal/door/contracttest"
)

// codes are where codes stand in the sources, by the schema of the contract that lists them. A code that stands
// elsewhere is found by the tests that are answered with it: the contract does not have it.
var codes = map[string]map[string]*regexp.Regexp{
	"ProblemCode": {"internal/problem/*.go": regexp.MustCompile(`\{\d+, "([a-z-]+)"`)},
	"ActFaultCode": {
		"internal/optout/act.go":      regexp.MustCompile(`(?m)^\t"([a-z-]+)": `), // faultsOfActs
		"internal/door/practice/*.go": regexp.MustCompile(`\bCode: "([a-z-]+)"`),
	},
	"MailroomFaultCode": {
		"internal/batch/fault.go":        regexp.MustCompile(`(?m)^\t"([a-z-]+)": `), // faults
		"internal/door/mailroom/api*.go": regexp.MustCompile(`\bCode: "([a-z-]+)"`),
	},
	"ListRefusalCode": {
		"internal/extract/*.go":      regexp.MustCompile(`Refusal\{Code: "([a-z-]+)"`),
		"internal/upload/outcome.go": regexp.MustCompile(`Refusal\{"([a-z-]+)"`),
	},
	"FaultCode": {
		"internal/problem/*.go":    regexp.MustCompile(`\bFault\{Code: "([a-z-]+)"`),
		"internal/optout/fault.go": regexp.MustCompile(`(?m)^\t"([a-z-]+)": `),         // sentences
		"internal/nhs/*.go":        regexp.MustCompile(`\bError\{"([a-rt-z][a-z-]+)"`), // not those of configured ids, sctid-…
	},
}

// The contract lists the codes that there are, and no other.
func TestTheContractListsTheCodesThatThereAre(t *testing.T) {
	t.Parallel()
	for schema, places := range codes {
		var listed, used []string
		for _, code := range contracttest.API().Document.Components.Schemas[schema].Value.Enum {
			listed = append(listed, fmt.Sprint(code))
		}
		for glob, code := range places {
			files, err := filepath.Glob(glob)
			if err != nil {
				t.Fatal(err)
			}
			before := len(used)
			for _, file := range files {
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, found := range code.FindAllSubmatch(source, -1) {
					used = append(used, string(found[1]))
				}
			}
			if len(used) == before {
				t.Errorf("no code is found in %s", glob)
			}
		}
		slices.Sort(listed)
		slices.Sort(used)
		if !slices.Equal(listed, slices.Compact(used)) {
			t.Errorf("%s lists\n%s\nand there are\n%s", schema, strings.Join(listed, " "), strings.Join(used, " "))
		}
	}
}
