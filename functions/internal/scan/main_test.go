package scan

import (
	"context"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"example.org/optout/functions/internal/scan/scantest"
)

// built is a folder with what the tests share: commands without the race detector, the cache, and the hostile files.
var built string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "scan"); err == nil {
		defer os.RemoveAll(built)
		err = command("go", "build", "-o", built, "./scantest/draw", "./scantest/make", "./warm")
	}
	if err == nil {
		var both errgroup.Group
		both.Go(func() error { return command(filepath.Join(built, "warm"), cache()) })
		both.Go(func() error { return command(filepath.Join(built, "make"), filepath.Join(built, "files")) })
		err = both.Wait()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if e, err := shared(); err == nil {
		err = e.Close()
		if err != nil {
			return 1
		}
	}
	return code
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
var shared = sync.OnceValues(open)

// open is an engine whose sandbox is a command without the race detector.
func open() (*Engine, error) { return OpenProgram(filepath.Join(built, "draw"), cache()) }

func engine(tb testing.TB) *Engine {
	tb.Helper()
	e, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
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

// hostile is where the file of a class is.
func hostile(tb testing.TB, name string) string {
	tb.Helper()
	i := slices.IndexFunc(scantest.Hostile(), func(c scantest.Class) bool { return c.Name == name })
	if i < 0 {
		tb.Fatalf("no class is %s", name)
	}
	return filepath.Join(built, "files", fmt.Sprintf("%02d", i))
}

// form is one that several tests look at, and change nothing of.
var form = sync.OnceValue(func() *image.RGBA { return scantest.Form(1) })
