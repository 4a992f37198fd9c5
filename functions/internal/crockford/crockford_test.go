package crockford_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"example.org/optout/functions/internal/crockford"
)

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

func spelled(t *testing.T) string {
	t.Helper()
	var bits [10]byte
	if _, err := rand.Read(bits[:]); err != nil {
		t.Fatal(err)
	}
	return crockford.Spell(bits)
}

func TestCharactersAreReadHoweverTheyAreCopied(t *testing.T) {
	t.Parallel()
	for range 100 {
		want := spelled(t)
		if len(want) != crockford.Length {
			t.Fatal(want)
		}
		grouped := want[:4] + "-" + want[4:8] + "\u2011" + want[8:12] + " " + want[12:]
		spoken := strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(grouped))
		for _, s := range []string{want, grouped, spoken, " " + want + " "} {
			if got, ok := crockford.Read(s); !ok || got != want {
				t.Errorf("%q is read as %v; want %v", s, got, want)
			}
		}
	}
	for _, s := range []string{"", "7F3K", "UUUU-UUUU-UUUU-UUUU-U", strings.Repeat("0", 18), "0000-0000-0000-000!-0", strings.Repeat("-", 1000) + strings.Repeat("0", 17)} {
		if _, ok := crockford.Read(s); ok {
			t.Errorf("%q is read", s)
		}
	}
}

func TestEveryWrongCharacterAndEverySwapIsCaught(t *testing.T) {
	t.Parallel()
	for range 50 {
		good := spelled(t)
		for i := range len(good) {
			for _, c := range alphabet {
				if wrong := good[:i] + string(c) + good[i+1:]; wrong != good {
					if _, ok := crockford.Read(wrong); ok {
						t.Fatalf("%s passes for %s", wrong, good)
					}
				}
			}
			for j := range i {
				swapped := []byte(good)
				swapped[i], swapped[j] = good[j], good[i]
				if _, ok := crockford.Read(string(swapped)); ok && string(swapped) != good {
					t.Fatalf("%s passes for %s", swapped, good)
				}
			}
		}
	}
}
