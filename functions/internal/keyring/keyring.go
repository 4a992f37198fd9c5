// Package keyring makes references, person keys and fingerprints from the service's index key. Everything here is
// a keyed hash, so that nobody without the key can tell whose a key is, and everything here but what Hide makes is for
// ever: another key, or another spelling of what is hashed, is a migration that reads both.
package keyring

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Keyring implements optout.Keys, and seals what others keep for us.
type Keyring struct {
	references, persons, possible, fingerprints, quotas []byte
	seals                                               []sealKey // the first one seals, all of them open
}

var _ optout.Keys = Keyring{}

// leastKey is how many characters of key material the index key must have.
const leastKey = 32

// Open reads the secret: {"version":"1","index":"<at least 32 characters>","seals":[{"id":"b","key":"<the same>"},…]}.
// Each use gets a key of its own, derived with HKDF-SHA-256. Seal keys rotate: a new one is put last, then first once
// every process has read the secret again, and an old one is taken out once all that it sealed has expired. Without
// any, one is derived from the index key.
func Open(secret []byte) (Keyring, error) {
	var s struct {
		Version, Index string
		Seals          []struct{ ID, Key string }
	}
	if err := json.Unmarshal(secret, &s); err != nil {
		return Keyring{}, errors.New("the keyring secret is not JSON") // the cause may quote the secret
	}
	if s.Version != "1" || len(s.Index) < leastKey {
		return Keyring{}, fmt.Errorf("the keyring secret needs version 1 and an index key of %d characters or more", leastKey)
	}
	var k Keyring
	for use, to := range map[string]*[]byte{
		"reference": &k.references, "person": &k.persons, "possible person": &k.possible, "fingerprint": &k.fingerprints,
		"quota": &k.quotas,
	} {
		key, err := hkdf.Key(sha256.New, []byte(s.Index), nil, use, sha256.Size)
		if err != nil {
			return Keyring{}, fmt.Errorf("derive the %s key: %w", use, err)
		}
		*to = key
	}
	for _, given := range s.Seals {
		if len(given.ID) == 0 || len(given.ID) > 8 || strings.Trim(given.ID, idCharacters) != "" || len(given.Key) < leastKey || given.ID == derivedID {
			return Keyring{}, fmt.Errorf("a seal key needs an id of 1 to 8 small letters and digits, not %s, and %d characters or more", derivedID, leastKey)
		}
		if slices.ContainsFunc(k.seals, func(other sealKey) bool { return other.id == given.ID }) {
			return Keyring{}, fmt.Errorf("two seal keys have the id %s", given.ID)
		}
		key, err := newSealKey(given.ID, given.Key)
		if err != nil {
			return Keyring{}, err
		}
		k.seals = append(k.seals, key)
	}
	derived, err := newSealKey(derivedID, s.Index)
	if err != nil {
		return Keyring{}, err
	}
	k.seals = append(k.seals, derived)
	return k, nil
}

// Reference implements optout.Keys.
func (k Keyring) Reference(o optout.Origin) optout.Reference {
	return optout.NewReference([10]byte(digest(k.references, o.Door, o.Client, o.Key)[:10]))
}

// Person implements optout.Keys.
func (k Keyring) Person(n nhs.Number) optout.PersonKey { return short(digest(k.persons, n.Digits())) }

// Possible implements optout.Keys.
func (k Keyring) Possible(surname nhs.Name, birth nhs.Date, postcode nhs.Postcode) optout.PersonKey {
	return short(digest(k.possible, surname.Folded(), birth.ISO(), postcode.Text()))
}

// Fingerprint implements optout.Keys.
func (k Keyring) Fingerprint(r optout.Reference, answers []byte) []byte {
	return digest(k.fingerprints, r.Key(), string(answers))
}

// Hide gives a key under which a quota.Gate counts something of somebody's, and from which nobody can tell whose.
func (k Keyring) Hide(parts ...string) string { return string(short(digest(k.quotas, parts...))) }

// digest is HMAC-SHA-256 over parts, each preceded by its length so that no two lists of parts are alike.
func digest(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// short spells 160 bits of a digest: plenty for 60 million people, and half the bytes of a table key.
func short(d []byte) optout.PersonKey {
	return optout.PersonKey(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(d[:20]))
}
