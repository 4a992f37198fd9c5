package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/problem"
)

const (
	beginCookie = "__Host-signin-"
	// beginLasts is how long a person has for the issuer's pages.
	beginLasts = 10 * time.Minute
	// mostBegun is how many sign-ins one browser has under way: tabs that find themselves signed out all begin one.
	mostBegun = 4
	// mostBack is how long an address may be that one is led back to.
	mostBack = 1000
)

// begun is a sign-in under way, in a cookie that is named by its state: what comes back with another state, or to
// another browser, finds none.
type begun struct {
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // PKCE
	Back     string `json:"b"`
}

// begin sends a person to the issuer. That asks for the password even of somebody it still knows: else a session that
// ended because nobody was at the desk could be had back by whoever comes along.
func (d *Door) begin(w http.ResponseWriter, r *http.Request) {
	i, err := d.ask(r.Context())
	if err != nil {
		d.away(w, r, err)
		return
	}
	state, b := rand.Text(), begun{Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Back: d.back(&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery})}
	sealed, err := d.seal("signin "+state, d.Now().Add(beginLasts), b)
	if err != nil {
		d.failed(w, r, "too-large")
		return
	}
	makeRoom(w, r)
	c := newCookie(beginCookie+state, sealed)
	c.MaxAge = int(beginLasts.Seconds())
	http.SetCookie(w, c)
	http.Redirect(w, r, i.oauth.AuthCodeURL(state, oidc.Nonce(b.Nonce), oauth2.S256ChallengeOption(b.Verifier), oauth2.SetAuthURLParam("prompt", "login")), http.StatusSeeOther)
}

// back is the address that a person is led back to: that at which they were, if it is one of this door.
func (d *Door) back(at *url.URL) string {
	home, address := d.For.home(), at.RequestURI()
	if (at.Path == home || strings.HasPrefix(at.Path, home+"/")) && path.Clean(at.Path) == at.Path && at.Host == "" && at.Scheme == "" &&
		strings.HasPrefix(address, home) && !strings.ContainsAny(address, "\\\r\n") && len(address) <= mostBack {
		return address
	}
	return home
}

// makeRoom drops the oldest sign-ins that a browser has under way, so that there is room for one more.
func makeRoom(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() { // the oldest come first (RFC 6265)
		if strings.HasPrefix(c.Name, beginCookie) {
			names = append(names, c.Name)
		}
	}
	for len(names) >= mostBegun {
		dropCookie(w, names[0])
		names = names[1:]
	}
}

// SignedIn is where the issuer sends people back to, with a code for their token or with a reason why not.
func (d *Door) SignedIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	state, code := q.Get("state"), q.Get("code")
	var b begun
	c, err := r.Cookie(beginCookie + state)
	if err != nil || d.unseal("signin "+state, c.Value, &b) != nil {
		d.failed(w, r, "state")
		return
	}
	dropCookie(w, c.Name)
	if code == "" {
		d.failed(w, r, "no-code")
		return
	}
	k, err := d.person(r.Context(), code, b)
	var wrong *wrongPerson
	switch {
	case errors.As(err, &wrong):
		d.failed(w, r, wrong.why)
		return
	case err != nil:
		d.away(w, r, err)
		return
	}
	if err := d.keep(w, k); err != nil {
		d.failed(w, r, "too-large")
		return
	}
	dropCookie(w, practiceCookie) // which may be another person's
	http.Redirect(w, r, b.Back, http.StatusSeeOther)
}

// wrongPerson is why nobody has signed in. It quotes nothing that anybody sent.
type wrongPerson struct{ why string }

func (e *wrongPerson) Error() string { return "nobody signed in: " + e.why }

// subject is what the domain takes for somebody's id, in which nothing personal can stand.
var subject = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// person gives a code to the issuer for a token, and opens a session for whom it names: a *wrongPerson, or an error
// that may pass.
func (d *Door) person(ctx context.Context, code string, b begun) (k kept, err error) {
	i, err := d.ask(ctx)
	if err != nil {
		return k, err
	}
	tokens, err := i.oauth.Exchange(oidc.ClientContext(ctx, d.HTTP), code, oauth2.VerifierOption(b.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode < http.StatusInternalServerError {
		return k, &wrongPerson{"code"}
	}
	if err != nil {
		return k, fmt.Errorf("%w: %w", errAway, err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	var claims struct {
		Name   string   `json:"name"`
		Groups []string `json:"cognito:groups"`
	}
	token, err := d.verify(ctx, i.people, raw, &claims)
	switch {
	case errors.Is(err, errAway):
		return k, err
	case err != nil:
		return k, &wrongPerson{"token"}
	case token.Nonce != b.Nonce:
		return k, &wrongPerson{"nonce"}
	case !subject.MatchString(token.Subject):
		return k, &wrongPerson{"subject"}
	}
	now := d.Now()
	k = kept{Person: token.Subject, Name: claims.Name, Groups: parseGroups(claims.Groups).groups, Began: now.Unix(), Seen: now.Unix()}
	_, _ = rand.Read(k.ID[:]) // which never fails
	if err := d.Sessions.OpenSession(ctx, k.Person, k.ID, now.Add(SessionLasts)); err != nil {
		return k, fmt.Errorf("open session: %w", err)
	}
	return k, nil
}

// failed says that nobody has signed in, and notes why.
func (d *Door) failed(w http.ResponseWriter, r *http.Request, why string) {
	observe.Note(r.Context(), "signin", why)
	d.Refuse(w, r, problem.SignInFailed)
}

// away says that what signing in needs cannot be reached, and logs what.
func (d *Door) away(w http.ResponseWriter, r *http.Request, err error) {
	observe.Cause(r.Context(), fmt.Errorf("sign in: %w", err))
	d.Refuse(w, r, problem.SignInNotNow)
}
