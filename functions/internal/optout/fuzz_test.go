package optout_test

import (
	"testing"

	"example.org/optout/functions/internal/optout"
)

func FuzzReference(f *testing.F) {
	for _, s := range []string{"0000-0000-0000-0000-0", "7F3K-9QWM-2B5T-RX4H-C", "7f3k 9qwm 2b5t rx4h c", "oooo-oooo-oooo-oooo-o", "", "U", "\u202e", "ſ000-0000-0000-0000-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := optout.ParseReference(s)
		if err != nil {
			if !r.IsZero() {
				t.Errorf("%q is an error and a reference", s)
			}
			return
		}
		if again, err := optout.ParseReference(r.String()); err != nil || again != r || len(r.Key()) != 17 {
			t.Errorf("%q is written down as %q and then %v", s, r, err)
		}
	})
}
