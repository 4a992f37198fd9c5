package optout_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"example.org/optout/functions/internal/optout"
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func someReference(t *testing.T) optout.Reference {
	t.Helper()
	var bits [10]byte
	if _, err := rand.Read(bits[:]); err != nil {
		t.Fatal(err)
	}
	return optout.NewReference(bits)
}

func TestAReferenceIsReadHoweverItIsCopied(t *testing.T) {
	t.Parallel()
	for range 100 {
		r := someReference(t)
		if len(r.Key()) != 17 || len(r.String()) != 21 {
			t.Fatalf("%q, %q", r.Key(), r.String())
		}
		spoken := strings.NewReplacer("0", "o", "1", "l", "-", " ").Replace(strings.ToLower(r.String()))
		for _, s := range []string{r.String(), r.Key(), spoken, " " + r.String() + " "} {
			if got, err := optout.ParseReference(s); err != nil || got != r {
				t.Errorf("%q is read as %v, %v; want %v", s, got, err, r)
			}
		}
	}
	for _, s := range []string{"", "7F3K", "UUUU-UUUU-UUUU-UUUU-U", strings.Repeat("0", 18), "0000-0000-0000-000!-0"} {
		if _, err := optout.ParseReference(s); err == nil {
			t.Errorf("%q is taken for a reference", s)
		}
	}
}

func TestEveryWrongCharacterAndEverySwapIsCaught(t *testing.T) {
	t.Parallel()
	for range 50 {
		good := someReference(t).Key()
		for i := range len(good) {
			for _, c := range alphabet {
				if wrong := good[:i] + string(c) + good[i+1:]; wrong != good {
					if _, err := optout.ParseReference(wrong); err == nil {
						t.Fatalf("%s passes for %s", wrong, good)
					}
				}
			}
			for j := range i {
				swapped := []byte(good)
				swapped[i], swapped[j] = good[j], good[i]
				if _, err := optout.ParseReference(string(swapped)); err == nil && string(swapped) != good {
					t.Fatalf("%s passes for %s", swapped, good)
				}
			}
		}
	}
}
