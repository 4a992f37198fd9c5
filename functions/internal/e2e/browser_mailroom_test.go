package e2e

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/scan/scantest"
)

// A clerk takes a batch of ten envelopes from its header sheet to the end of its books with nothing but a keyboard, with a
// supervisor who reads what is read twice and decides what is unlike, also of what is finished and read once more; and a small batch where no scripts run. Every page of
// the mailroom is visited on a narrow screen and in forced colours too. axe finds nothing on any of them.
func TestMailroomPagesInABrowser(t *testing.T) {
	t.Parallel()
	inBrowser(t)
	s := start(t, t.TempDir(), "-set", "KeyedTwice=100", "-set", "Sampled=200")
	folder := t.TempDir()
	w := func(walk string, modes ...string) wanted {
		w := wanted{Base: s.patients, Issuer: s.issuer(), Walks: []string{walk}, Modes: modes, Scans: map[string][]scanned{}}
		for _, mode := range modes {
			w.Scans[mode] = scans(t, filepath.Join(folder, walk, mode))
		}
		return w
	}
	found := browse(t, w("ten", "keyboard"), w("three", "keyboard-no-scripts"), w("mailroom", "narrow", "forced-colours"))
	found.complain(t)
	t.Logf("axe looked at %d pages", found.pages())
	var took, strokes []int
	for _, f := range found {
		if f.Piece == "" {
			continue
		}
		t.Logf("%s, %s: %s, %d ms, %d strokes", f.Walk, f.Mode, f.Piece, f.Took, f.Strokes)
		if f.Walk == "ten" && strings.HasPrefix(f.Piece, "keyed") {
			took, strokes = append(took, f.Took), append(strokes, f.Strokes)
		}
	}
	if len(took) == 0 {
		t.Fatal("nothing was keyed")
	}
	slices.Sort(took)
	slices.Sort(strokes)
	t.Logf("a form, from its page to its outcome: median of %d: %d ms, %d strokes", len(took), took[len(took)/2], strokes[len(strokes)/2])
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, err := filepath.Abs(filepath.Join(pictures, "mailroom"))
		if err != nil {
			t.Fatal(err)
		}
		ten, visits := w("ten", "desktop", "phone"), w("mailroom", "desktop", "phone")
		ten.Pictures, visits.Pictures = pictures, pictures
		browse(t, ten).complain(t)
		browse(t, visits).complain(t)
	}
}

// scanned is a file that a walk sends, and what stands on the forms in it, page by page.
type scanned struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Forms []form `json:"forms"`
}

// form is what somebody wrote on a form, as a clerk types it.
type form struct {
	Forenames string   `json:"forenames"`
	Surname   string   `json:"surname"`
	Born      [3]int   `json:"born"` // day, month, year
	Number    string   `json:"number"`
	Address   []string `json:"address"`
	Postcode  string   `json:"postcode"`
	Choice    int      `json:"choice"` // the nth of what can be asked for
	Signed    [3]int   `json:"signed"`
}

// scans are the files of a batch, as scanners and phones make them.
func scans(t *testing.T, folder string) (all []scanned) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	file := func(name string, content []byte, forms ...form) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, scanned{name, path, forms})
	}
	seed := uint64(time.Now().UnixNano())
	page := func() (image.Image, form) {
		seed++
		paper, f := filledIn(seed)
		return scantest.FormOf(paper, seed), f
	}
	p1, f1 := page()
	p2, f2 := page()
	p3, f3 := page()
	file("stack.pdf", scantest.PDF(p1, p2, p3), f1, f2, f3)
	p4, f4 := page()
	file("photograph.jpg", scantest.Photograph(p4), f4)
	p5, f5 := page()
	p6, f6 := page()
	file("fax.tiff", scantest.TIFF(scantest.Group4, p5, p6), f5, f6)
	_, f7 := page()
	file("letter.pdf", scantest.Letter("Dear Sir or Madam,\n\nplease find my form behind this letter.\n\nYours faithfully,", typed(f7)), f7, f7)
	p8, f8 := page()
	file("other-form.png", scantest.PNG(p8), f8)
	file("blank.pdf", scantest.PDF(scantest.Paper(seed, true)))
	file("scan-7.pdf", []byte("X5O!P%@AP[4\\PZX54(P^)7CC)7}$"+"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"))
	file("notes.pdf", []byte("Envelopes of Monday, to be scanned on Tuesday"))
	return all
}

// filledIn is a form by somebody made up, and what a clerk reads on it.
func filledIn(seed uint64) (scantest.Filled, form) {
	paper, on := scantest.Fill(seed), time.Now().AddDate(0, 0, -7)
	paper.Address[1], paper.Address[2], paper.Postcode = "", "Stockton-on-Tees", "TS18 1HU"
	f := form{
		Forenames: paper.Forenames, Surname: paper.Surname, Number: optouttest.Number(), Address: paper.Address[:], Postcode: paper.Postcode,
		Choice: paper.Choice, Signed: [3]int{on.Day(), int(on.Month()), on.Year()},
	}
	paper.Number, paper.Practice, paper.On = f.Number[:3]+" "+f.Number[3:6]+" "+f.Number[6:], "Densham Surgery, A81001", on.Format("2.1.06")
	if _, err := fmt.Sscanf(paper.BirthDate, "%d / %d / %d", &f.Born[0], &f.Born[1], &f.Born[2]); err != nil {
		panic("a made-up form has a birth date: " + err.Error())
	}
	return paper, f
}

// typed is a form as somebody writes it at a computer.
func typed(f form) string {
	return fmt.Sprintf("I do not want a Summary Care Record.\n\nName: %s %s\nBorn: %d.%d.%d\nNHS number: %s\nAddress: %s\n%s\nPractice: A81001",
		f.Forenames, f.Surname, f.Born[0], f.Born[1], f.Born[2], f.Number, strings.Join(f.Address, "\n"), f.Postcode)
}
