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

// folder has in it what the tests share: commands without the race detector, the cache, and the files that they made.
var folder string

// built fills the folder for the first test that needs it; fuzzing needs none of it.
var built = sync.OnceValue(func() (err error) {
	if folder, err = os.MkdirTemp("", "scan"); err != nil {
		return err
	}
	if err := command("go", "build", "-o", folder, "./scantest/draw", "./scantest/make", "./warm"); err != nil {
		return err
	}
	var both errgroup.Group
	both.Go(func() error { return command(filepath.Join(folder, "warm"), filepath.Join(folder, "cache")) })
	both.Go(func() error { return command(filepath.Join(folder, "make"), filepath.Join(folder, "files")) })
	return both.Wait()
})

// made is something in that folder.
func made(tb testing.TB, name string) string {
	tb.Helper()
	if err := built(); err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(folder, name)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if folder != "" {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

func command(name string, arguments ...string) error {
	out, err := exec.CommandContext(context.Background(), name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// open is an engine whose sandbox is a command without the race detector.
func open(tb testing.TB) *Engine {
	tb.Helper()
	e, err := OpenProgram(made(tb, "draw"), made(tb, "cache"))
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
	s, err := open(tb).Read(tb.Context(), file, func(p Page) error { all = append(all, p); return nil })
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
	return filepath.Join(made(tb, "files"), fmt.Sprintf("%02d", i))
}

// sample is a file that was made before, and picture what is on one that is raw. Several tests look at them, and change nothing.
func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	file, err := os.ReadFile(filepath.Join(made(tb, "files"), name))
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

func picture(tb testing.TB, name string) *image.RGBA {
	tb.Helper()
	return scantest.Picture(sample(tb, name+".raw"))
}
