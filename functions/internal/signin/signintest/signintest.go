// Package signintest gives tests of doors what a browser brings of somebody who has signed in.
package signintest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/signin"
)

// Cookie is that of a session that was just opened, of a person by this subject, name and groups.
func Cookie(t testing.TB, seals keyring.Keyring, sessions signin.Sessions, now time.Time, subject, name string, groups ...string) *http.Cookie {
	t.Helper()
	var id [16]byte
	_, _ = rand.Read(id[:])
	if err := sessions.OpenSession(t.Context(), subject, id, now.Add(signin.SessionLasts)); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(map[string]any{"i": id, "p": subject, "n": name, "g": groups, "b": now.Unix(), "s": now.Unix()})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seals.Seal("session", now.Add(signin.IdleLasts), plain)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Cookie{Name: "__Host-session", Value: sealed}
}
