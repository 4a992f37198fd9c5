package signin_test

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
	"net/url"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout/optouttest"
)

// claims are what a token says.
type claims map[string]any

var ourKey, otherKey = newKey(), newKey()

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

// jwt signs claims.
func jwt(k *rsa.PrivateKey, alg string, c claims) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := part(map[string]string{"alg": alg, "kid": "k1", "typ": "JWT"}) + "." + part(c)
	if alg == "none" {
		return signed + "."
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// fakeIssuer signs in whoever it is told to, and makes whatever token it is told to.
type fakeIssuer struct {
	*httptest.Server
	clock *optouttest.Clock
	leave bool // it says where one signs out

	mu     sync.Mutex
	codes  map[string]url.Values // what was asked for, until the code is spent
	person claims                // what is said of whoever signs in, on top of what is right
	alg    string
	key    *rsa.PrivateKey // it signs with
	served *rsa.PrivateKey // it says it signs with
	down   map[string]int  // paths that answer with this status
	asked  map[string]int  // how often a path was asked for
}

func newIssuer(t testing.TB, clock *optouttest.Clock) *fakeIssuer {
	t.Helper()
	i := &fakeIssuer{
		clock: clock, leave: true, codes: map[string]url.Values{}, person: claims{}, alg: "RS256", key: ourKey, served: ourKey,
		down: map[string]int{}, asked: map[string]int{},
	}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

// set changes what the issuer does.
func (i *fakeIssuer) set(change func(*fakeIssuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *fakeIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked[r.URL.Path]++
	if status, ok := i.down[r.URL.Path]; ok {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		said := map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "none"},
		}
		if i.leave {
			said["end_session_endpoint"] = i.URL + "/logout?theme=nhs"
		}
		_ = json.NewEncoder(w).Encode(said)
	case "/keys":
		e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(i.served.E)).Bytes())
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "e": e, "n": base64.RawURLEncoding.EncodeToString(i.served.N.Bytes()),
		}}})
	case "/token":
		code := r.PostFormValue("code")
		asked, ok := i.codes[code]
		delete(i.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if _, _, basic := r.BasicAuth(); !ok || basic || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) ||
			asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") || r.PostFormValue("client_id") != clientID {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
			return
		}
		c := claims{"nonce": asked.Get("nonce"), "aud": clientID, "token_use": "id"}
		for k, v := range i.person {
			c[k] = v
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": i.token(c)})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// token is right in all that the claims do not say.
func (i *fakeIssuer) token(c claims) string {
	now := i.clock.Now()
	whole := claims{"iss": i.URL, "sub": "7d2ae1f0-0000-4000-8000-000000000017", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	for k, v := range c {
		whole[k] = v
	}
	return jwt(i.key, i.alg, whole)
}

// access is a machine's token.
func (i *fakeIssuer) access(c claims) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	whole := claims{"token_use": "access", "client_id": machineID, "sub": machineID}
	for k, v := range c {
		whole[k] = v
	}
	return i.token(whole)
}

// authorize is what happens on the issuer's pages: it gives the address that the browser is sent back to.
func (i *fakeIssuer) authorize(t testing.TB, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme+"://"+u.Host+u.Path != i.URL+"/authorize" || q.Get("response_type") != "code" || q.Get("client_id") != clientID ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("state")) < 22 || len(q.Get("nonce")) < 22 || q.Get("prompt") != "login" ||
		q.Get("scope") != "openid profile" {
		t.Fatalf("asked for %s", at)
	}
	code := rand.Text()
	i.set(func(i *fakeIssuer) { i.codes[code] = q })
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
}
