package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheNewestLinesAreRememberedAndAllAreOnDisk(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	l, err := newLogs(directory)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	a, err := l.open("A")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.open("B")
	if err != nil {
		t.Fatal(err)
	}
	for i := range ringSize {
		a(fmt.Sprint("a", i))
	}
	b("b")
	all := l.lines("")
	if len(all) != ringSize || all[0].Line != "a1" || all[ringSize-1].Line != "b" {
		t.Errorf("%d lines from %s to %s", len(all), all[0].Line, all[len(all)-1].Line)
	}
	if own := l.lines("B"); len(own) != 1 || own[0].Function != "B" {
		t.Errorf("B wrote %v", own)
	}
	disk, err := os.ReadFile(filepath.Join(directory, "A.log"))
	if err != nil || strings.Count(string(disk), "\n") != ringSize {
		t.Errorf("%d lines on disk, %v", strings.Count(string(disk), "\n"), err)
	}
}
