package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// The office works through its list in a real browser, in every way in which people use pages: it finds a practice,
// answers, confirms, opens again, takes a request by telephone and reaches practices otherwise. axe finds nothing on any
// page it meets.
func TestOfficePagesInABrowser(t *testing.T) {
	t.Parallel()
	inBrowser(t)
	s := start(t, t.TempDir())
	w := wanted{Base: s.patients, Issuer: s.issuer(), Walks: []string{"clerk"}, Modes: allModes, Forms: map[string][]sentForm{}}
	for _, mode := range allModes {
		w.Forms[mode] = s.forOffice(t)
	}
	found := browse(t, w)
	found.complain(t)
	t.Logf("axe looked at %d pages, in %s", found.pages(), strings.Join(w.Modes, ", "))
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, err := filepath.Abs(filepath.Join(pictures, "office"))
		if err != nil {
			t.Fatal(err)
		}
		w.Modes, w.Pictures = []string{"phone", "desktop"}, pictures
		for _, mode := range w.Modes {
			w.Forms[mode] = s.forOffice(t)
		}
		browse(t, w).complain(t)
	}
}

// forOffice sends what the walk of one mode works on: two that A81001 returns, and one that names no practice.
func (s *stack) forOffice(t *testing.T) (sent []sentForm) {
	t.Helper()
	for n, surname := range []string{"Abernathy", "O'Neill", "Brontë"} {
		f := sentForm{Surname: surname, Number: optouttest.Number()}
		f.Reference = s.sendForm(t, func(a *optout.Answers) {
			a.Subject.Surname, a.Subject.NHSNumber = f.Surname, f.Number
			if n == 2 {
				a.Practice = ""
			}
		})
		sent = append(sent, f)
	}
	for _, f := range sent {
		s.arrived(t, f.Reference)
	}
	return sent
}
