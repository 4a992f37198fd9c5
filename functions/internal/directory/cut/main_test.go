package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.org/optout/functions/internal/directory"
)

func TestTheCommandSaysWhatItTookAndWhatItRefused(t *testing.T) {
	t.Parallel()
	rows, err := os.ReadFile("../testdata/ods-newer.csv")
	if err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(t.TempDir(), "epraccur.csv"), filepath.Join(t.TempDir(), "out.gz")
	spoilt := strings.Replace(string(rows), "TS18 2AW", "TS18", 1) + strings.SplitAfter(string(rows), "\n")[0]
	if err := os.WriteFile(from, []byte(spoilt), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{from, to}, &out); err != nil {
		t.Fatal(err)
	}
	const want = "refused: line 2: postcode-shape (A81002)\nrefused: line 19: code-twice (A81001)\n19 rows read = 17 taken + 2 refused; "
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("%q, want %q", out.String(), want)
	}
	file, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := directory.Parse(file, []byte("closed,successor,from\n")); err != nil {
		t.Error(err)
	}
}

func TestTheCommandWritesNothingWhenItFails(t *testing.T) {
	t.Parallel()
	from, to := filepath.Join(t.TempDir(), "epraccur.csv"), filepath.Join(t.TempDir(), "out.gz")
	if err := os.WriteFile(from, []byte("Code,Name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"no practice in the file": {from, to},
		"no such file":            {from + ".none", to},
		"one file named":          {from},
	} {
		var out strings.Builder
		if err := run(args, &out); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s: a file is written", name)
		}
	}
}
