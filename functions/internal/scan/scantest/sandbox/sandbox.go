// Package sandbox opens functions/internal/scan's engine for tests, whose own binaries are no good sandboxes: built for the
// race detector they would take minutes for a page.
package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"example.org/optout/functions/internal/scan"
)

// Open is an engine, closed with the test. The first one of all tests compiles pdfium, which takes seconds; what it
// compiled stays in the user's cache folder.
func Open(tb testing.TB) *scan.Engine {
	tb.Helper()
	program, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	e, err := scan.OpenProgram(program, Cache())
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

// Cache is where compiled code stays.
func Cache() string {
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir()
	}
	return filepath.Join(folder, "optout", "scan")
}

// built is a program that imports scan, in the same folder: Go's own cache makes it again in no time.
var built = sync.OnceValues(func() (string, error) {
	program := filepath.Join(Cache(), fmt.Sprintf("draw-%d", os.Getpid()))
	if err := os.MkdirAll(Cache(), 0o700); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", program, "example.org/optout/functions/internal/scan/scantest/draw").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build sandbox: %w: %s", err, out)
	}
	return program, nil
})
