package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// People at a practice work through its inbox in a real browser with nothing but a keyboard: they sign in, collect, apply,
// correct, return, decide, register at the counter, send their list and sign out, with every mistake on the way. Every page is
// visited in every other way in which people use pages. axe finds nothing on any page they meet.
func TestPracticePagesInABrowser(t *testing.T) {
	t.Parallel()
	inBrowser(t)
	s := start(t, t.TempDir())
	w := wanted{Base: s.patients, Issuer: s.issuer(), Walks: []string{"manager", "colleagues", "lists"}, Modes: []string{"keyboard"}, Forms: map[string][]sentForm{}}
	for _, mode := range allModes {
		w.Forms[mode] = s.forPractice(t)
	}
	visits, locum, paging := w, w, w
	visits.Walks, visits.Modes = []string{"practice"}, slices.DeleteFunc(slices.Clone(allModes), func(mode string) bool { return mode == "keyboard" })
	locum.Walks, locum.Modes = []string{"locum"}, allModes
	paging.Walks, paging.Modes = []string{"paging"}, []string{"desktop", "narrow", "keyboard"}
	s.crowd(t, "A81002", 101)
	found := browse(t, w, visits, locum, paging)
	found.complain(t)
	t.Logf("axe looked at %d pages, in %s", found.pages(), strings.Join(allModes, ", "))
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, err := filepath.Abs(filepath.Join(pictures, "practice"))
		if err != nil {
			t.Fatal(err)
		}
		w.Walks, w.Modes, w.Pictures = append(w.Walks, "locum"), []string{"phone", "desktop"}, pictures
		for _, mode := range w.Modes {
			w.Forms[mode] = s.forPractice(t)
		}
		browse(t, w).complain(t)
	}
}

// sentForm is a form that a walk works on.
type sentForm struct {
	Reference string `json:"reference"`
	Surname   string `json:"surname"`
	Number    string `json:"number"`
}

// forPractice sends what the walks of one mode work on to A81001, the fourth form by the person of the first one, and
// waits until they are there.
func (s *stack) forPractice(t *testing.T) (sent []sentForm) {
	t.Helper()
	for n, surname := range []string{"Quillfeather", "Abernathy", "O'Neill", "Quillfeather", "Brontë", "Featherstonehaugh", "Wrenfield"} {
		f := sentForm{Surname: surname, Number: optouttest.Number()}
		if n == 3 {
			f.Number = sent[0].Number
		}
		f.Reference = s.sendForm(t, func(a *optout.Answers) {
			a.Subject.Surname, a.Subject.NHSNumber = f.Surname, f.Number
			if n == 3 {
				a.Choice = "core-and-additional"
			}
		})
		sent = append(sent, f)
	}
	s.arrived(t, sent[len(sent)-1].Reference)
	s.arrived(t, sent[0].Reference)
	return sent
}

// crowd sends so many forms to a practice.
func (s *stack) crowd(t *testing.T, practice string, forms int) {
	t.Helper()
	last := ""
	for range forms {
		last = s.sendForm(t, func(a *optout.Answers) { a.Practice, a.Subject.NHSNumber = practice, optouttest.Number() })
	}
	s.arrived(t, last)
}

func (s *stack) sendForm(t *testing.T, change func(*optout.Answers)) (reference string) {
	t.Helper()
	a, err := s.post("/api/forms", newKey(), answers(t, "A81001", change))
	if err != nil {
		t.Fatal(err)
	}
	return a.receipt(t).Reference
}

// arrived waits until somebody has been told of a form.
func (s *stack) arrived(t *testing.T, reference string) {
	t.Helper()
	eventually(t, "the form is with its practice", func() bool {
		return len(s.steps(reference, "1957-03-31")) > 1
	})
}

// issuer is where staff sign in.
func (s *stack) issuer() string {
	s.t.Helper()
	var at struct{ Issuer string }
	s.console("/status.json", &at)
	return at.Issuer
}
