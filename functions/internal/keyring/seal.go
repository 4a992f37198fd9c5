package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MostSealed is how many characters something sealed may have, so that it fits a cookie with its name and attributes
// (RFC 6265: 4,096 bytes).
const MostSealed = 3800

// What can be wrong with something sealed.
var (
	ErrTooLarge = errors.New("too much to be sealed")
	ErrSeal     = errors.New("not sealed by us, for this use, or altered")
	ErrExpired  = errors.New("the seal has expired")
)

const (
	idCharacters = "abcdefghijklmnopqrstuvwxyz0123456789"
	// derivedID is the id of the seal key that is derived from the index key. It opens always: whoever has the index
	// key has everything.
	derivedID = "0"
)

// sealKey is AES-256-GCM with nonces drawn at random.
type sealKey struct {
	id   string
	aead cipher.AEAD
}

func newSealKey(id, material string) (sealKey, error) {
	key, err := hkdf.Key(sha256.New, []byte(material), nil, "seal", sha256.Size)
	if err != nil {
		return sealKey{}, fmt.Errorf("derive a seal key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealKey{}, fmt.Errorf("make a seal key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealKey{id, aead}, err
}

// Seal hides and signs what a browser keeps for us until it expires, to the second. What was sealed for one use opens
// for no other. ErrTooLarge if it would not fit a cookie.
func (k Keyring) Seal(use string, expires time.Time, plain []byte) (string, error) {
	key := k.seals[0]
	dated := append(binary.BigEndian.AppendUint64(nil, uint64(expires.Unix())), plain...)
	sealed := key.id + "." + base64.RawURLEncoding.EncodeToString(key.aead.Seal(nil, nil, dated, []byte(key.id+"."+use)))
	if len(sealed) > MostSealed {
		return "", ErrTooLarge
	}
	return sealed, nil
}

// Unseal opens what was sealed for a use. ErrSeal, ErrExpired.
func (k Keyring) Unseal(use, sealed string, now time.Time) ([]byte, error) {
	id, text, _ := strings.Cut(sealed, ".")
	if len(sealed) > MostSealed || strings.ContainsAny(text, "\r\n") { // which base64 passes over
		return nil, ErrSeal
	}
	bytes, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrSeal
	}
	for _, key := range k.seals {
		if key.id != id {
			continue
		}
		dated, err := key.aead.Open(nil, nil, bytes, []byte(id+"."+use))
		if err != nil || len(dated) < 8 {
			return nil, ErrSeal
		}
		if expires := time.Unix(int64(binary.BigEndian.Uint64(dated)), 0); !now.Before(expires) {
			return nil, ErrExpired
		}
		return dated[8:], nil
	}
	return nil, ErrSeal
}
