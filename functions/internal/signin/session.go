package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/problem"
)

// How long a session lasts at most, and without a request. A cookie is renewed once it is older than renewedAfter, so
// that not every answer sets one; so a session may end that much earlier than its last request says.
const (
	SessionLasts = 8 * time.Hour
	IdleLasts    = 15 * time.Minute
	renewedAfter = time.Minute
)

const (
	sessionCookie = "__Host-session"
	// practiceCookie is apart from the session, so that a tab that renews the session cannot undo what another has put
	// in use. It is not sealed: it counts only if the session allows that practice.
	practiceCookie = "__Host-practice"
)

// kept is a session as its cookie holds it.
type kept struct {
	ID     [16]byte `json:"i"`
	Person string   `json:"p"` // the issuer's subject
	Name   string   `json:"n,omitempty"`
	Groups []string `json:"g,omitempty"`
	Began  int64    `json:"b"` // seconds
	Seen   int64    `json:"s"`
}

// open reads a request's session, from its cookie and then from the table.
func (d *Door) open(r *http.Request) (k kept, p problem.Problem) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return k, problem.SignInNeeded
	}
	switch err := d.unseal("session", c.Value, &k); {
	case errors.Is(err, keyring.ErrExpired):
		return k, problem.Expired
	case err != nil:
		return k, problem.SignInNeeded
	}
	open, err := d.Sessions.SessionIsOpen(r.Context(), k.Person, k.ID)
	switch {
	case err != nil:
		observe.Cause(r.Context(), fmt.Errorf("session: %w", err))
		return k, problem.SignInNotNow
	case !open:
		return k, problem.SignedOut
	}
	return k, problem.Problem{}
}

// renew lets a session last from now on, but not longer than it may in all.
func (d *Door) renew(w http.ResponseWriter, k kept) {
	if now := d.Now(); now.Sub(time.Unix(k.Seen, 0)) > renewedAfter {
		k.Seen = now.Unix()
		if d.keep(w, k) != nil {
			return // it fitted before, and lasts as long as it did
		}
	}
}

// keep seals a session into its cookie. keyring.ErrTooLarge if it would not fit.
func (d *Door) keep(w http.ResponseWriter, k kept) error {
	expires := time.Unix(k.Seen, 0).Add(IdleLasts)
	if end := time.Unix(k.Began, 0).Add(SessionLasts); end.Before(expires) {
		expires = end
	}
	sealed, err := d.seal("session", expires, k)
	if err == nil {
		setCookie(w, sessionCookie, sealed)
	}
	return err
}

func (d *Door) seal(use string, expires time.Time, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%s: %w", use, err)
	}
	return d.Seals.Seal(use, expires, plain)
}

func (d *Door) unseal(use, sealed string, v any) error {
	plain, err := d.Seals.Unseal(use, sealed, d.Now())
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, v)
}

// setCookie keeps something in the browser until that is closed. A cookie of this prefix is set by this host only, and
// goes to no other. Lax, so that a link in a mail finds its reader signed in.
func setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, newCookie(name, value))
}

func dropCookie(w http.ResponseWriter, name string) {
	c := newCookie(name, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func newCookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
