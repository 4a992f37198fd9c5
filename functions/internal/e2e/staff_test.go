package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/nhs"
)

// caller is somebody at work: a browser with cookies, or software with a token. It takes the stack for one of https, as
// browsers take this machine.
type caller struct {
	s       *stack
	token   string
	cookies map[string]string
}

// told is what a caller is answered.
type told struct {
	code   int
	header http.Header
	body   string
}

// software is that of a practice, with a token of the stack's issuer.
func (s *stack) software(practice string) (*caller, error) {
	if err := dynamo.New(s.engine(), "local-Table").SaveClient(s.t.Context(), "software-1", nhs.StoredODSCode(practice), "a clinical system"); err != nil {
		return nil, err
	}
	return s.machine("software-1")
}

// machine is software of that name, with a token of the stack's issuer.
func (s *stack) machine(id string) (*caller, error) {
	var at struct{ Issuer string }
	s.ask("/status.json", &at)
	r, err := http.PostForm(at.Issuer+"/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {"local-secret"}})
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var said struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil || said.Token == "" {
		return nil, fmt.Errorf("no token: %d %w", r.StatusCode, err)
	}
	return &caller{s: s, token: said.Token}, nil
}

// signIn has a persona of the stack's issuer sign in at a door, by way of the issuer's page.
func (s *stack) signIn(home, persona string) (*caller, error) {
	b := &caller{s: s, cookies: map[string]string{}}
	begun, err := b.send(http.MethodGet, home, "", "")
	if err != nil || begun.code != http.StatusSeeOther && begun.code != http.StatusFound {
		return nil, fmt.Errorf("nobody is asked to sign in: %d %s %w", begun.code, begun.body, errors.Join(err, s.denied()))
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stay.Get(begun.header.Get("Location") + "&persona=" + persona)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	back := r.Header.Get("Location")
	if a, err := b.send(http.MethodGet, strings.TrimPrefix(back, s.patients), "", ""); err != nil || a.code != http.StatusSeeOther {
		return nil, fmt.Errorf("not signed in at %s: %d %s %w", back, a.code, a.body, errors.Join(err, s.denied()))
	}
	return b, nil
}

// get asks for a page.
func (c *caller) get(path string) (told, error) { return c.send(http.MethodGet, path, "", "") }

// does fills in a form, and gives where that led; an error if it led nowhere.
func (c *caller) does(path string, pairs ...string) (string, error) {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	a, err := c.fill(path, form)
	if err == nil && a.code != http.StatusSeeOther {
		err = fmt.Errorf("%s is answered with %d %s", path, a.code, a.body)
	}
	return a.header.Get("Location"), err
}

// fill fills in a form.
func (c *caller) fill(path string, form url.Values) (told, error) {
	return c.send(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

// send sends something to a door and follows nowhere. What it is answered is held to the contract.
func (c *caller) send(method, path, media, body string) (told, error) {
	r, err := http.NewRequest(method, c.s.patients+path, strings.NewReader(body))
	if err != nil {
		return told{}, err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
		if method == http.MethodPost {
			r.Header.Set("Idempotency-Key", newKey())
		}
	} else {
		r.Header.Set("Accept", "text/html")
	}
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := *c.s.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return told{}, err
	}
	defer resp.Body.Close()
	for _, set := range resp.Cookies() {
		if c.cookies[set.Name] = set.Value; set.MaxAge < 0 {
			delete(c.cookies, set.Name)
		}
	}
	text, err := io.ReadAll(resp.Body)
	return told{resp.StatusCode, resp.Header, string(text)}, err
}
