package scan

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.org/optout/functions/internal/scan/scantest"
)

// whole lets files that take too long take as long as they get in the function. Otherwise the test stops them early.
var whole = flag.Bool("whole", false, "let each hostile file take its time")

// outcomes are what becomes of each class of files: the code of the refusal; or the pages that are drawn, and the codes
// of those that are not.
var outcomes = map[string]string{
	"a scanned PDF of two pages":                                "2 pages",
	"a typed PDF":                                               "1 page",
	"a photograph":                                              "1 page",
	"a TIFF of a fax":                                           "2 pages",
	"a PDF with an owner's password only":                       "1 page",
	"an empty file":                                             "empty",
	"one byte":                                                  "kind-unknown",
	"the first line of a PDF":                                   "damaged",
	"a tenth of a PDF":                                          "cut-short",
	"half a PDF":                                                "cut-short",
	"nine tenths of a PDF":                                      "cut-short",
	"a PDF without its last line":                               "cut-short",
	"half a JPEG":                                               "cut-short",
	"the first bytes of a JPEG":                                 "cut-short",
	"half a PNG":                                                "cut-short",
	"half a TIFF":                                               "cut-short",
	"a PDF with a user's password":                              "encrypted",
	"a PDF under a handler that nobody has":                     "encrypted-unknown",
	"a PDF whose table points elsewhere":                        "3 pages",
	"a PDF whose page is packed wrongly":                        "1 page", // blank, which is a hint for a person
	"a PDF whose second image is broken":                        "2 pages, page-damaged",
	"a PDF that has fewer pages than it says":                   "1 page, page-damaged, page-damaged",
	"a PDF without pages":                                       "no-pages",
	"a TIFF without pages":                                      "no-pages",
	"a TIFF whose page is outside of it":                        "cut-short",
	"a TIFF whose page is packed wrongly":                       "page-damaged",
	"a text file":                                               "kind-unknown",
	"a web page":                                                "kind-unknown",
	"a drawing (SVG)":                                           "kind-unknown",
	"a ZIP file":                                                "kind-office",
	"a document of an office program":                           "kind-office",
	"a phone's own photograph (HEIC)":                           "kind-heic",
	"a GIF":                                                     "kind-unknown",
	"a BMP":                                                     "kind-unknown",
	"a BigTIFF":                                                 "kind-bigtiff",
	"a PDF that is a ZIP file too":                              "1 page",
	"a PDF that is a web page too":                              "1 page",
	"a PDF that is a GIF too":                                   "1 page",
	"a GIF that is a script too":                                "kind-unknown",
	"a JPEG with a PDF behind it":                               "1 page",
	"a PDF that only says so":                                   "damaged",
	"a PNG that is called a PDF":                                "1 page",
	"a PDF with the EICAR test virus in it":                     "1 page",
	"a PDF with JavaScript that runs when it opens":             "1 page",
	"a PDF with an XFA form":                                    "1 page",
	"21 MB":                                                     "file-too-large",
	"a PDF of 101 pages":                                        "too-many-pages",
	"a PDF of 100 small pages":                                  "100 pages",
	"a TIFF of 101 pages":                                       "too-many-pages",
	"a PDF that says it has a billion pages":                    "1 page",
	"a PNG of 50,000 × 50,000 pixels":                           "too-many-pixels",
	"a JPEG of 65,000 × 65,000 pixels":                          "too-many-pixels",
	"a TIFF of 50,000 × 50,000 pixels":                          "too-many-pixels",
	"a PNG of 39 million pixels in grey":                        "1 page",
	"a PNG of 36 million pixels, 8 bytes each":                  "too-much-memory",
	"a PNG whose pixels never end":                              "damaged",
	"a large progressive JPEG":                                  "1 page",
	"a progressive JPEG of 40,000 scans":                        "takes-too-long",
	"a TIFF whose strip unpacks to 300 MB":                      "too-much-memory",
	"a TIFF with 40,000 strips that are all the same":           "takes-too-long",
	"a PDF whose page unpacks to 2 GB":                          "too-much-memory",
	"a PDF with an image of 50,000 × 50,000 pixels":             "too-many-pixels",
	"a PDF with an image of 6,300 × 6,300 pixels in colour":     "1 page",
	"a PDF with 400 images of 30 million pixels on a page":      "takes-too-long",
	"a PDF with a page of 26 inches among others":               "2 pages, page-too-large",
	"a PDF whose page is 200 inches long":                       "page-too-large",
	"a PDF whose page has no size":                              "1 page", // pdfium takes it for a letter
	"a PDF whose page is a hair wide":                           "page-no-area",
	"a PDF whose page lies left of nothing":                     "1 page",
	"a PDF whose page has no end":                               "1 page",
	"a PDF whose pages go round in a circle":                    "page-damaged",
	"a PDF whose pages lie 5,000 deep":                          "page-damaged",
	"a PDF with 100,000 arrays in each other":                   "1 page",
	"a PDF with 100,000 dictionaries in each other on its page": "1 page",
	"a PDF that draws itself":                                   "too-much-memory",
	"a PDF whose objects are packed in themselves":              "page-damaged",
	"a PDF whose tables go round in a circle":                   "1 page",
	"a PDF with a JBIG2 image that is none":                     "1 page", // black, as nobody's page is
	"a PDF with a JBIG2 page of 4 billion lines":                "1 page",
	"a PDF with a JPEG 2000 image that is none":                 "page-damaged",
	"a PDF with a JPEG 2000 image of 2 billion pixels a side":   "page-damaged",
	"a TIFF whose pages go round in a circle":                   "damaged",
	"a TIFF packed as JPEG":                                     "tiff-jpeg",
	"a TIFF packed in a way that nobody knows":                  "tiff-kind",
	"a TIFF of 3 bits a pixel":                                  "tiff-kind",
	"a TIFF without a width":                                    "page-no-area",
	"a TIFF of one good page and one that is cut off":           "1 page, page-damaged",
	"a PNG without pixels":                                      "damaged",
	"a PNG with a wrong checksum":                               "damaged",
}

// drawn is what scantest/draw says.
type drawn struct {
	Cached      bool
	Code, Error string
	Pages, Peak int
	Faults      []string
	Time        float64
}

func (d drawn) outcome() string {
	if d.Code != "" {
		return d.Code
	}
	one := fmt.Sprintf("%d pages", d.Pages)
	if d.Pages == 1 {
		one = "1 page"
	}
	return strings.Join(append([]string{one}, d.Faults...), ", ")
}

// draw reads a file in a process of its own.
func draw(t *testing.T, cache, path, seconds string) (d drawn) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), made(t, "draw"), cache, path, seconds).CombinedOutput()
	if err == nil {
		err = json.Unmarshal(out, &d)
	}
	if err != nil || d.Error != "" {
		t.Errorf("%v %s %s", err, d.Error, out)
	}
	return d
}

// Each class of files comes to its end with its code, and none takes more than 512 MB or 30 s. The table that the test
// prints stands in docs/hostile-files.md.
func TestHostileFilesGetTheirCodes(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	rows, got := map[string]string{}, map[string]bool{}
	classes := scantest.Hostile()
	t.Run("in processes of their own", func(t *testing.T) {
		for _, c := range classes {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				want, seconds := outcomes[c.Name], "60"
				if want == "takes-too-long" && !*whole {
					want, seconds = "deadline", "2"
				}
				d := draw(t, made(t, "cache"), hostile(t, c.Name), seconds)
				if !d.Cached {
					t.Error("its code was compiled anew")
				}
				if d.outcome() != want {
					t.Errorf("it got %q, want %q", d.outcome(), want)
				}
				if d.Peak > 512 || d.Time > 30 {
					t.Errorf("it took %d MB and %.1f s", d.Peak, d.Time)
				}
				lock.Lock()
				defer lock.Unlock()
				rows[c.Name] = fmt.Sprintf("| %s | %s | %d | %.2f |", c.Name, outcomes[c.Name], d.Peak, d.Time)
				for code := range strings.SplitSeq(outcomes[c.Name], ", ") {
					got[code] = true
				}
			})
		}
	})
	if len(classes) < 30 || len(classes) != len(outcomes) {
		t.Errorf("%d classes, %d outcomes", len(classes), len(outcomes))
	}
	for _, c := range Codes() {
		if !got[c] {
			t.Errorf("no class gets %s", c)
		}
	}
	for _, c := range classes {
		fmt.Println(rows[c.Name])
	}
}

func TestEveryRefusalSaysWhatToDo(t *testing.T) {
	t.Parallel()
	if !slices.Contains(Codes(), "encrypted") {
		t.Errorf("the codes are %v", Codes())
	}
	for _, c := range Codes() {
		d := refuse(c).Detail()
		if !strings.HasSuffix(d, ".") || strings.Count(d, ". ") < 1 {
			t.Errorf("%s says %q", c, d)
		}
		if e := refuse(c).Error(); !strings.Contains(e, c) {
			t.Errorf("%s is the error %q", c, e)
		}
	}
}

func TestWithoutACacheTheCodeIsCompiledAndDoesTheSame(t *testing.T) {
	t.Parallel()
	noFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(noFolder, []byte("no cache can be made here"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := draw(t, noFolder, hostile(t, "a typed PDF"), "60")
	if d.Cached || d.outcome() != "1 page" {
		t.Errorf("%+v", d)
	}
}
