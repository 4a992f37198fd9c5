package scan

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is a folder with what the tests share: the commands draw and warm, without the race detector, and the cache.
var built string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "scan"); err == nil {
		defer os.RemoveAll(built)
		err = command("go", "build", "-o", built, "./scantest/draw", "./warm")
	}
	if err == nil {
		err = command(filepath.Join(built, "warm"), cache())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func cache() string { return filepath.Join(built, "cache") }

func command(name string, arguments ...string) error {
	out, err := exec.CommandContext(context.Background(), name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// shared is the engine of all tests that do not change it.
var shared = sync.OnceValues(func() (*Engine, error) { return Open(cache()) })

func engine(tb testing.TB) *Engine {
	tb.Helper()
	e, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// own is an engine of the test's own.
func own(tb testing.TB) *Engine {
	tb.Helper()
	e, err := Open(cache())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

// pagesOf reads a file that must not be refused.
func pagesOf(tb testing.TB, file []byte) (all []Page) {
	tb.Helper()
	s, err := engine(tb).Read(tb.Context(), file, func(p Page) error { all = append(all, p); return nil })
	if err != nil || s.Pages != len(all) || len(all) == 0 {
		tb.Fatalf("%+v with %d pages: %v", s, len(all), err)
	}
	return all
}
