package e2e

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/nhsui/nhsuitest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/quota"
)

// The pages hold words that are longer than English ones, with marks above and below, and stand from right to left.
func TestPagesInAnotherLanguageInABrowser(t *testing.T) {
	t.Parallel()
	inBrowser(t)
	w := wanted{Base: foreign(t), Walks: []string{"read", "self", "child"}, Modes: []string{"desktop", "narrow", "no-scripts"}}
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		pictures, err := filepath.Abs(filepath.Join(pictures, nhsuitest.Tag))
		if err != nil {
			t.Fatal(err)
		}
		w.Pictures = pictures
	}
	found := browse(t, w)
	found.complain(t)
	if found.pages() < 90 {
		t.Errorf("only %d pages were looked at", found.pages())
	}
	t.Logf("axe looked at %d pages, in %s", found.pages(), strings.Join(w.Modes, ", "))
}

// foreign serves the patients' pages in a language that nobody speaks, before a table in memory.
func foreign(t *testing.T) (address string) {
	t.Helper()
	language, err := nhsuitest.Pseudo(os.DirFS("../door/patient/words"))
	if err != nil {
		t.Fatal(err)
	}
	seals, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz"}`))
	if err != nil {
		t.Fatal(err)
	}
	memory := &optouttest.Memory{}
	server := httptest.NewServer(patient.Door{
		Registrar:  optout.Registrar{Store: memory, Keys: seals, Now: time.Now},
		Seals:      seals,
		Controller: patient.Controller{Name: "Testshire Integrated Care Board", Contact: "01632 960 001"}, TestNumbers: true, Practices: directory.Shipped{},
		Languages: func() []*nhsui.Language { return []*nhsui.Language{language} },
		Gate:      &quota.Gate{Counter: memory, Hide: seals.Hide, Now: time.Now}, Now: time.Now,
	}.Handler())
	t.Cleanup(server.Close)
	return server.URL
}
