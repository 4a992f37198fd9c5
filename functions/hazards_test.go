package functions_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/hazards.md says is held by a test is held by one that there is.
func TestEveryHazardIsHeldByTestsThatThereAre(t *testing.T) {
	t.Parallel()
	hazards, err := os.ReadFile("../docs/hazards.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		sources.Write(source)
		sources.WriteString("\n" + filepath.Base(path) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+|[a-z_]+_test\\.go)`").FindAllStringSubmatch(string(hazards), -1)
	if len(named) < 30 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, n := range named {
		want := "\nfunc " + n[1] + "("
		if strings.HasSuffix(n[1], ".go") {
			want = "\n" + n[1] + "\n"
		}
		if !strings.Contains(sources.String(), want) {
			t.Errorf("%s is named, and there is none", n[1])
		}
	}
	for line := range strings.Lines(string(hazards)) {
		if strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|---") && !strings.Contains(line, "| hazard |") && !strings.Contains(line, "`") {
			t.Errorf("held by nothing: %s", line)
		}
	}
}
