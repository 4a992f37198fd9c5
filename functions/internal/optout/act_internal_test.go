package optout

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestEveryFaultOfAnActHasASentence(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\bwrong\([^,]+, "([a-z-]+)"\)`).FindAllSubmatch(source, -1) {
			used++
			if faultsOfActs[string(found[1])] == "" {
				t.Errorf("%s: %s has no sentence", file, found[1])
			}
		}
	}
	if used < 10 {
		t.Errorf("only %d faults were found", used)
	}
}
