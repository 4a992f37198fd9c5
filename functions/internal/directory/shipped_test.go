package directory_test

import (
	"testing"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/nhs"
)

func TestFormsGoToOpenPracticesOnly(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		known, open bool
	}{
		"A81001": {true, true},
		"A81003": {true, false}, // closed in 2017, and nobody has said who took over
		"A00000": {false, false},
	} {
		c, err := nhs.ParseODSCode(code)
		if err != nil {
			t.Fatal(err)
		}
		known := directory.Shipped{}.Known(c)
		to, open := directory.Shipped{}.Destination(c)
		if known != want.known || open != want.open || open && to != c {
			t.Errorf("%s: known %v, goes to %v, %v", code, known, to, open)
		}
	}
}
