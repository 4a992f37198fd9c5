package keyring_test

import (
	"strings"
	"testing"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

const secret = `{"version":"1","index":"0123456789abcdef0123456789abcdef"}`

func open(t *testing.T, s string) keyring.Keyring {
	t.Helper()
	k, err := keyring.Open([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Keys are for ever: these values may change only with a migration.
func TestKeysAreWhatTheyAlwaysWere(t *testing.T) {
	t.Parallel()
	k := open(t, secret)
	n, _ := nhs.ParseNumber("9000000009", true)
	s, _ := nhs.ParseName("O'Neill")
	b, _ := nhs.ParseDate("1957-03-31")
	p, _ := nhs.ParsePostcode("TS18 1HU", false)
	ref := k.Reference(optout.Origin{Door: "online", Client: "anonymous", Key: "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"})
	for what, pair := range map[string][2]string{
		"reference": {ref.String(), "RYQC-M2C6-5XCB-HD3E-8"},
		"person":    {string(k.Person(n)), "NJNAM5THYUC6L23WHNJYLNB6CVRJ2GLR"},
		"possible":  {string(k.Possible(s, b, p)), "SKXI6WUFIQLED2AWHSZTASNR64VOXHIG"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %s, was %s", what, pair[0], pair[1])
		}
	}
}

// Such a key lives for minutes: another value would only start the counts anew once, and is still not meant to happen
// by accident.
func TestWhatIsHiddenIsWhatItWas(t *testing.T) {
	t.Parallel()
	if got := open(t, secret).Hide("forms", "1795348800", "203.0.113.7"); got != "HF6ZWJPI7PJJHF6VG54FZJRBXHN3H3YB" {
		t.Errorf("hidden as %s", got)
	}
}

func TestEveryPartAndEveryKeyMakesADifference(t *testing.T) {
	t.Parallel()
	k, other := open(t, secret), open(t, strings.Replace(secret, "0123", "3210", 1))
	seen := map[string]string{}
	differs := func(what, key string) {
		if was, ok := seen[key]; ok {
			t.Errorf("%s and %s have the same key", what, was)
		}
		seen[key] = what
	}
	o := optout.Origin{Door: "online", Client: "anonymous", Key: "1"}
	differs("an origin", k.Reference(o).Key())
	differs("another door", k.Reference(optout.Origin{Door: "phone", Client: o.Client, Key: o.Key}).Key())
	differs("another client", k.Reference(optout.Origin{Door: o.Door, Client: "x", Key: o.Key}).Key())
	differs("another key", k.Reference(optout.Origin{Door: o.Door, Client: o.Client, Key: "2"}).Key())
	differs("shifted parts", k.Reference(optout.Origin{Door: "onlin", Client: "eanonymous", Key: o.Key}).Key())
	differs("another secret", other.Reference(o).Key())
	one, _ := nhs.ParseNumber("9000000009", true)
	two, _ := nhs.ParseNumber("9000000017", true)
	differs("a person", string(k.Person(one)))
	differs("another person", string(k.Person(two)))
	differs("a person of another secret", string(other.Person(one)))
	differs("a person's number, hidden", k.Hide(one.Digits()))
	differs("in another place", k.Hide("", one.Digits()))
	differs("hidden by another secret", other.Hide(one.Digits()))
	differs("answers", string(k.Fingerprint(k.Reference(o), []byte("a"))))
	differs("other answers", string(k.Fingerprint(k.Reference(o), []byte("b"))))
	differs("the same answers to another form", string(k.Fingerprint(other.Reference(o), []byte("a"))))
}

func TestASecretThatIsNoneIsRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "hunter2", `{"version":"1","index":"hunter2"}`, `{"version":"2","index":"0123456789abcdef0123456789abcdef"}`, `{"index":17}`} {
		if _, err := keyring.Open([]byte(s)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", s, err)
		}
	}
}
