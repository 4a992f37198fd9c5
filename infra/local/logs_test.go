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
	for i := range rememberedLines {
		a(fmt.Sprint("a", i))
	}
	b("b")
	all := l.lines("")
	if len(all) != rememberedLines || all[0].Line != "a1" || all[rememberedLines-1].Line != "b" {
		t.Errorf("%d lines from %s to %s", len(all), all[0].Line, all[len(all)-1].Line)
	}
	if own := l.lines("B"); len(own) != 1 || own[0].Function != "B" {
		t.Errorf("B wrote %v", own)
	}
	disk, err := os.ReadFile(filepath.Join(directory, "A.log"))
	if err != nil || strings.Count(string(disk), "\n") != rememberedLines {
		t.Errorf("%d lines on disk, %v", strings.Count(string(disk), "\n"), err)
	}
}

func TestHugeLinesDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	l, err := newLogs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	write, err := l.open("A")
	if err != nil {
		t.Fatal(err)
	}
	huge := strings.Repeat("x", rememberedBytes/4)
	for range 6 {
		write(huge)
	}
	write("last")
	if all := l.lines(""); len(all) != 4 || all[3].Line != "last" {
		t.Errorf("%d lines are remembered, want 4: three huge ones and the last", len(all))
	}
}

func TestALineIsShortenedForPeople(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		`{"time":"2026-11-22T20:00:00Z","level":"INFO","msg":"invocation","Function":"patient","route":"POST /api/forms","DurationMs":4.9,"_aws":{"Timestamp":1}}`: {"", `invocation route="POST /api/forms" DurationMs=4.9`},
		`{"level":"ERROR","msg":"no table"}`: {"ERROR", `"no table"`},
		"panic: no table":                    {"", "panic: no table"},
		`{"level":"ERROR","msg":`:            {"", `{"level":"ERROR","msg":`},
	} {
		if level, text := shorten(line); level != want[0] || text != want[1] {
			t.Errorf("%s became %q %q", line, level, text)
		}
	}
}
