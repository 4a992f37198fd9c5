package signintest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Issuer signs the access tokens of machines.
type Issuer struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu      sync.Mutex
	secrets map[string]string // of machines that ask for tokens themselves
}

// Secret lets a machine ask for tokens itself, with a secret; "" ends that.
func (i *Issuer) Secret(client, secret string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.secrets == nil {
		i.secrets = map[string]string{}
	}
	i.secrets[client] = secret
}

// token answers a machine that asks for one (client credentials).
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	client, secret, _ := r.BasicAuth()
	i.mu.Lock()
	known := secret != "" && i.secrets[client] == secret && r.PostFormValue("grant_type") == "client_credentials"
	i.mu.Unlock()
	if !known {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client"})
		return
	}
	signed, err := i.sign(client, time.Now(), time.Hour)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": signed, "token_type": "Bearer", "expires_in": 3600})
}

// NewIssuer listens on this machine until the test ends.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := Unserved(t, "")
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

// Unserved is an issuer with this URL that listens nowhere: Around leads to it.
func Unserved(t testing.TB, url string) *Issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{key: key, Server: &httptest.Server{URL: url}}
}

// Around is an HTTP client all of whose requests go to the issuer, within this process.
func (i *Issuer) Around() *http.Client { return &http.Client{Transport: within{i}} }

type within struct{ http.Handler }

func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	case "/keys":
		encoded := base64.RawURLEncoding.EncodeToString
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "e": encoded(big.NewInt(int64(i.key.E)).Bytes()), "n": encoded(i.key.N.Bytes()),
		}}})
	case "/token":
		i.token(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Token is a client's, good for an hour from now on.
func (i *Issuer) Token(t testing.TB, client string, now time.Time) string {
	t.Helper()
	return i.Lasting(t, client, now, time.Hour)
}

// Lasting is a client's token that is good for so long.
func (i *Issuer) Lasting(t testing.TB, client string, from time.Time, long time.Duration) string {
	t.Helper()
	signed, err := i.sign(client, from, long)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (i *Issuer) sign(client string, now time.Time, long time.Duration) (string, error) {
	head, err := json.Marshal(map[string]string{"alg": "RS256", "kid": "k1", "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": i.URL, "sub": client, "client_id": client, "token_use": "access", "iat": now.Unix(), "exp": now.Add(long).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, i.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
