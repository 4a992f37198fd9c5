package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	testCallback = "http://door/practice/signed-in"
	testLeave    = "http://door/practice/signed-out"
)

// startIssuer serves an issuer, which keeps its key in file.
func startIssuer(t *testing.T, file string) *issuer {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	i, err := openIssuer(file, "http://"+server.Listener.Addr().String(), []clientPlan{{"local-Staff", clientProperties{
		CallbackURLs: []string{testCallback}, LogoutURLs: []string{testLeave},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = i.handler()
	server.Start()
	t.Cleanup(server.Close)
	return i
}

// relyingParty is how a product uses the issuer: by a library that knows nothing of it.
func relyingParty(t *testing.T, i *issuer) (*oidc.Provider, oauth2.Config) {
	t.Helper()
	p, err := oidc.NewProvider(t.Context(), i.url)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return p, oauth2.Config{ClientID: "local-Staff", Endpoint: endpoint, RedirectURL: testCallback, Scopes: []string{"openid"}}
}

// visit asks for an address and gives where it leads, or its page.
func visit(t *testing.T, address string) (status int, location *url.URL, page string) {
	t.Helper()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stay.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	location, _ = r.Location()
	return r.StatusCode, location, string(b)
}

// chosen gives the code for a persona who signs in.
func chosen(t *testing.T, c oauth2.Config, verifier, persona, flaw string) string {
	t.Helper()
	_, at, page := visit(t, c.AuthCodeURL("a-state", oidc.Nonce("a-nonce"), oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("persona", persona), oauth2.SetAuthURLParam("token", flaw)))
	if at == nil || !strings.HasPrefix(at.String(), testCallback+"?") || at.Query().Get("state") != "a-state" || at.Query().Get("code") == "" {
		t.Fatalf("led to %v, %s", at, page)
	}
	return at.Query().Get("code")
}

func TestEverybodyOnThePageSignsInAsWhoTheyAre(t *testing.T) {
	t.Parallel()
	i := startIssuer(t, filepath.Join(t.TempDir(), "issuer.pem"))
	p, c := relyingParty(t, i)
	verifier := oauth2.GenerateVerifier()
	_, _, page := visit(t, c.AuthCodeURL(`"><script>`, oauth2.S256ChallengeOption(verifier)))
	if strings.Contains(page, "<script") {
		t.Errorf("the page has a script of others: %s", page)
	}
	subjects := map[string]bool{}
	for _, who := range personas {
		if !strings.Contains(page, "persona="+who.ID+"&amp;") || !strings.Contains(page, who.Name+"</a>, "+who.Is) {
			t.Errorf("%s is not on the page", who.ID)
		}
		tokens, err := c.Exchange(t.Context(), chosen(t, c, verifier, who.ID, ""), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			Name   string   `json:"name"`
			Use    string   `json:"token_use"`
			Groups []string `json:"cognito:groups"`
			Client string   `json:"client_id"`
		}
		raw, _ := tokens.Extra("id_token").(string)
		token, err := p.Verifier(&oidc.Config{ClientID: "local-Staff"}).Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Claims(&said); err != nil || token.Nonce != "a-nonce" || said.Name != who.Name || said.Use != "id" || !reflect.DeepEqual(said.Groups, who.Groups) {
			t.Errorf("%s is said to be %+v, %v", who.ID, said, err)
		}
		subjects[token.Subject] = true
		access, err := p.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(t.Context(), tokens.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if err := access.Claims(&said); err != nil || len(access.Audience) != 0 || said.Use != "access" || said.Client != "local-Staff" || access.Subject != token.Subject {
			t.Errorf("%s has the access token %+v, %v", who.ID, said, err)
		}
	}
	if len(subjects) != len(personas) || subjects[""] {
		t.Errorf("%d subjects for %d personas", len(subjects), len(personas))
	}
}

func TestACodeIsGoodOnceForWhoAskedForIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*issuer, *oauth2.Config, *string){
		"tried by another client":     func(_ *issuer, c *oauth2.Config, _ *string) { c.ClientID = "local-Other" },
		"tried with another verifier": func(_ *issuer, _ *oauth2.Config, v *string) { *v = oauth2.GenerateVerifier() },
		"tried from another address":  func(_ *issuer, c *oauth2.Config, _ *string) { c.RedirectURL = testLeave },
		"tried after five minutes and one": func(i *issuer, _ *oauth2.Config, _ *string) {
			i.now = func() time.Time { return time.Now().Add(6 * time.Minute) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := startIssuer(t, filepath.Join(t.TempDir(), "issuer.pem"))
			_, c := relyingParty(t, i)
			verifier := oauth2.GenerateVerifier()
			refused := func(what, code string, c oauth2.Config, verifier string) {
				t.Helper()
				var refusal *oauth2.RetrieveError
				if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); !errors.As(err, &refusal) || refusal.ErrorCode != "invalid_grant" {
					t.Errorf("a code %s: %v", what, err)
				}
			}
			code := chosen(t, c, verifier, "manager", "")
			if _, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
				t.Error(err)
			}
			refused("of before", code, c, verifier)
			code = chosen(t, c, verifier, "manager", "")
			other, wrong := c, verifier
			change(i, &other, &wrong)
			refused(name, code, other, wrong)
			refused("that was tried in vain", code, c, verifier)
		})
	}
}

func TestNobodyIsSentToAnUnknownAddress(t *testing.T) {
	t.Parallel()
	i := startIssuer(t, filepath.Join(t.TempDir(), "issuer.pem"))
	_, c := relyingParty(t, i)
	pkce := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	for name, address := range map[string]string{
		"another callback":  c.AuthCodeURL("s", pkce, oauth2.SetAuthURLParam("redirect_uri", testCallback+"/x")),
		"another client":    c.AuthCodeURL("s", pkce, oauth2.SetAuthURLParam("client_id", "local-Other")),
		"leaving elsewhere": i.url + "/logout?client_id=local-Staff&logout_uri=http://evil.example",
		"leaving unnamed":   i.url + "/logout?logout_uri=" + testLeave,
	} {
		if status, at, _ := visit(t, address); status != http.StatusBadRequest || at != nil {
			t.Errorf("%s: %d, led to %v", name, status, at)
		}
	}
	for name, address := range map[string]string{
		"no challenge":       c.AuthCodeURL("s"),
		"a plain challenge":  c.AuthCodeURL("s", pkce, oauth2.SetAuthURLParam("code_challenge_method", "plain")),
		"the implicit grant": c.AuthCodeURL("s", pkce, oauth2.SetAuthURLParam("response_type", "token")),
	} {
		if _, at, _ := visit(t, address+"&persona=manager"); at == nil || at.Query().Get("error") != "invalid_request" || at.Query().Has("code") {
			t.Errorf("%s: led to %v", name, at)
		}
	}
	if _, at, _ := visit(t, i.url+"/logout?client_id=local-Staff&logout_uri="+testLeave); at == nil || at.String() != testLeave {
		t.Errorf("leaving leads to %v", at)
	}
}

// machineToken asks for a machine's token.
func machineToken(t *testing.T, i *issuer, fields url.Values, client, secret string) (status int, token string) {
	t.Helper()
	fields.Set("grant_type", "client_credentials")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.url+"/oauth2/token", strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client != "" {
		r.SetBasicAuth(client, secret)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, said.Token
}

func TestAMachineGetsATokenForItsSecret(t *testing.T) {
	t.Parallel()
	i := startIssuer(t, filepath.Join(t.TempDir(), "issuer.pem"))
	p, _ := relyingParty(t, i)
	_, basic := machineToken(t, i, url.Values{}, "software-1", machineSecret)
	_, posted := machineToken(t, i, url.Values{"client_id": {"software-1"}, "client_secret": {machineSecret}}, "", "")
	for _, raw := range []string{basic, posted} {
		token, err := p.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		var said map[string]any
		if err := token.Claims(&said); err != nil || said["client_id"] != "software-1" || said["token_use"] != "access" || said["aud"] != nil || said["cognito:groups"] != nil {
			t.Errorf("it says %v, %v", said, err)
		}
	}
	for name, c := range map[string][2]string{
		"another secret": {"software-1", "x"}, "no secret": {"software-1", ""}, "nobody": {"software-9", machineSecret}, "the pages": {"local-Staff", machineSecret},
	} {
		if status, token := machineToken(t, i, url.Values{}, c[0], c[1]); status != http.StatusUnauthorized || token != "" {
			t.Errorf("%s: %d %s", name, status, token)
		}
	}
}

func TestATokenCanBeAskedToBeWrong(t *testing.T) {
	t.Parallel()
	i := startIssuer(t, filepath.Join(t.TempDir(), "issuer.pem"))
	p, c := relyingParty(t, i)
	for flaw, want := range map[string]string{flawForged: "failed to verify signature", flawExpired: "token is expired"} {
		verifier := oauth2.GenerateVerifier()
		tokens, err := c.Exchange(t.Context(), chosen(t, c, verifier, "manager", flaw), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := tokens.Extra("id_token").(string)
		_, machine := machineToken(t, i, url.Values{"token": {flaw}}, "software-1", machineSecret)
		for _, token := range []string{raw, machine} {
			if _, err := p.Verifier(&oidc.Config{SkipClientIDCheck: true}).Verify(t.Context(), token); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a token that is %s: %v", flaw, err)
			}
		}
	}
}

func TestWhatWasSignedIsGoodAfterARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state", "issuer.pem")
	_, token := machineToken(t, startIssuer(t, file), url.Values{}, "software-1", machineSecret)
	again := startIssuer(t, file)
	keys := oidc.NewRemoteKeySet(context.Background(), again.url+"/.well-known/jwks.json")
	if _, err := oidc.NewVerifier("", keys, &oidc.Config{SkipClientIDCheck: true, SkipIssuerCheck: true}).Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
	if err := writeAtomically(file, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := openIssuer(file, "", nil); err == nil || !strings.Contains(err.Error(), "holds no key") {
		t.Errorf("a file that holds no key: %v", err)
	}
}
