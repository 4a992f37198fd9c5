package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// allModes are the ways in which every page is walked; a phone's is for pictures.
var allModes = []string{"desktop", "narrow", "no-scripts", "keyboard", "forced-colours"}

// mostFirstBytes is what the first page may cost somebody who was never here, with all that it needs.
const mostFirstBytes = 25 << 10

// People walk the patients' pages in a real browser, with and without scripts, with nothing but a keyboard, on the
// narrowest screen and in forced colours. axe finds nothing on any page they meet.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	inBrowser(t)
	w := wanted{Base: start(t, t.TempDir()).patients, Walks: []string{"weight", "read", "self", "child", "adult", "ends", "undo", "lost", "tabs"}, Modes: allModes}
	found := browse(t, w)
	found.complain(t)
	for _, f := range found {
		if f.Walk == "weight" && f.Bytes > 0 {
			t.Logf("the first page costs %d bytes in %d requests", f.Bytes, f.Requests)
			if f.Bytes > mostFirstBytes {
				t.Errorf("the first page costs %d bytes, more than %d", f.Bytes, mostFirstBytes)
			}
		}
	}
	t.Logf("axe looked at %d pages, in %s", found.pages(), strings.Join(w.Modes, ", "))
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, err := filepath.Abs(pictures)
		if err != nil {
			t.Fatal(err)
		}
		w.Walks, w.Modes, w.Pictures = []string{"read", "self"}, []string{"phone", "desktop"}, pictures
		browse(t, w).complain(t)
	}
}

// wanted is what to walk: the pages at an address, in some modes.
type wanted struct {
	Base     string   `json:"base"`
	Walks    []string `json:"walks"`
	Modes    []string `json:"modes"`
	Paths    []string `json:"paths,omitempty"`    // for the walk "read", in place of the pages there are
	Pictures string   `json:"pictures,omitempty"` // folder for a picture of every page

	Issuer string                `json:"issuer,omitempty"` // where staff sign in
	Forms  map[string][]sentForm `json:"forms,omitempty"`  // what a walk works on, by mode
	Scans  map[string][]scanned  `json:"scans,omitempty"`  // what it sends to the mailroom, by mode
}

// finding is one line of what the browser says: a page that was judged, a failure, or a figure.
type finding struct {
	Base, Walk, Mode, Page, URL string
	Status                      int
	Violations                  []struct {
		ID, Help string
		Nodes    []string
	}
	Failure         string
	Bytes, Requests int
	Seconds         float64 // a walk took; it is over
	Piece           string  // was keyed, in so many milliseconds and strokes
	Took, Strokes   int
}

type findings []finding

// complaints are sentences about all that is wrong.
func (all findings) complaints() (said []string) {
	for _, f := range all {
		where := fmt.Sprintf("%s, %s, page %q: ", f.Walk, f.Mode, f.Page)
		if f.Failure != "" {
			said = append(said, where+f.Failure)
		}
		for _, v := range f.Violations {
			said = append(said, fmt.Sprintf("%s%s (%s): %s", where, v.Help, v.ID, strings.Join(v.Nodes, "  ")))
		}
	}
	return said
}

func (all findings) complain(t *testing.T) {
	t.Helper()
	for _, said := range all.complaints() {
		t.Error(said)
	}
}

// at is what was found at one address.
func (all findings) at(base string) (some findings) {
	for _, f := range all {
		if f.Base == base {
			some = append(some, f)
		}
	}
	return some
}

// pages is how many pages axe looked at; the same one is looked at once in each mode.
func (all findings) pages() (n int) {
	for _, f := range all {
		if f.Status != 0 {
			n++
		}
	}
	return n
}

// inBrowser skips a test where there is no browser, or nothing to drive it, and gives where the latter is.
func inBrowser(t *testing.T) (modules string) {
	t.Helper()
	missing := ""
	if _, err := os.Stat(cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium")); err != nil {
		missing = "no Chromium (apt-get install chromium, or set CHROMIUM)"
	}
	installed, _ := filepath.Glob(filepath.Join(root, ".tools/browser/installed-*"))
	if len(installed) == 0 {
		missing = "nothing drives a browser: run `make test`"
	}
	if missing != "" && os.Getenv("NO_SKIP") == "1" {
		t.Fatal(missing)
	}
	if missing != "" {
		t.Skip("SKIPPED, no page was looked at in a browser: " + missing)
	}
	modules, err := filepath.Abs(filepath.Join(root, ".tools/browser/node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

// browse walks in a browser and gives what was found.
func browse(t *testing.T, w ...wanted) (all findings) {
	t.Helper()
	arguments, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "browser/main.mjs", string(arguments))
	cmd.Env = append(os.Environ(), "NODE_PATH="+inBrowser(t))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the browser: %v\n%s", err, said.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var f finding
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}
