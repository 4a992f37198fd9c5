package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"
)

//go:embed issuer.gohtml
var issuerPage string

// persona is somebody who can sign in here, without a password.
type persona struct {
	ID, Name, Is string
	Groups       []string
}

// subject is the persona's, today and tomorrow, in the shape of Cognito's.
func (p persona) subject() string {
	sum := sha256.Sum256([]byte(p.ID))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

var personas = []persona{
	{"manager", "Helen Marsh", "practice manager of A81001", []string{"ods-A81001"}},
	{"receptionist", "Tom Reed", "receptionist of A81001", []string{"ods-A81001"}},
	{"clinician", "Dr Amara Obi", "clinician of A81001", []string{"clinician", "ods-A81001"}},
	{"locum", "Dr Lucy Finch", "locum of A81001, A81002 and A81004", []string{"clinician", "ods-A81001", "ods-A81002", "ods-A81004"}},
	{"neighbour", "Joe Tan", "practice manager of A81002", []string{"ods-A81002"}},
	{"clerk", "Sam Holt", "mailroom clerk", []string{"mailroom"}},
	{"supervisor", "Ruth Kaya", "supervisor of mailroom and office", []string{"mailroom", "office", "supervisor"}},
	{"office", "Nina Cole", "office clerk", []string{"office"}},
	{"nobody", "Max Blake", "of no group", nil},
}

// machines are clients that ask for tokens of their own. On AWS each is made by hand and has a secret of its own. Whose
// they are is for the product's table to say.
var machines = []string{"software-1", "software-2", "push-1"}

const machineSecret = "local-secret"

// Flaws that a token can be asked to have.
const (
	flawForged  = "forged"  // signed by another key, under the id of ours
	flawExpired = "expired" // an hour ago
)

const (
	codeLasts  = 5 * time.Minute
	tokenLasts = time.Hour
)

// issuer plays a Cognito user pool: OpenID Connect's code flow with PKCE for people, client credentials for machines.
type issuer struct {
	url         string
	clients     []clientPlan
	key, forger *rsa.PrivateKey
	now         func() time.Time
	page        *template.Template

	mu    sync.Mutex
	codes map[string]asked
}

// asked is what a code stands for.
type asked struct {
	persona
	request url.Values
	at      time.Time
}

// openIssuer reads the key from a file, or makes it, so that what was signed before a restart is good after it.
func openIssuer(file, url string, clients []clientPlan) (*issuer, error) {
	i := &issuer{url: url, clients: clients, now: time.Now, codes: map[string]asked{}}
	b, err := os.ReadFile(file)
	switch {
	case err == nil:
		block, _ := pem.Decode(b)
		if block == nil {
			return nil, fmt.Errorf("%s holds no key", file)
		}
		if i.key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	case errors.Is(err, os.ErrNotExist):
		if i.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
		if err := writeAtomically(file, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(i.key)})); err != nil {
			return nil, fmt.Errorf("write key: %w", err)
		}
	default:
		return nil, fmt.Errorf("read key: %w", err)
	}
	if i.forger, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	i.page, err = template.New("issuer").Parse(issuerPage)
	return i, err
}

func (i *issuer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /.well-known/jwks.json", i.keys)
	mux.HandleFunc("GET /oauth2/authorize", i.authorize)
	mux.HandleFunc("POST /oauth2/token", i.token)
	mux.HandleFunc("GET /logout", i.logout)
	return headers(mux)
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer": i.url, "authorization_endpoint": i.url + "/oauth2/authorize", "token_endpoint": i.url + "/oauth2/token",
		"jwks_uri": i.url + "/.well-known/jwks.json", "end_session_endpoint": i.url + "/logout",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "scopes_supported": []string{"openid", "profile"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	encode := base64.RawURLEncoding.EncodeToString
	writeJSON(w, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": i.keyID(),
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
}

func (i *issuer) keyID() string {
	sum := sha256.Sum256(i.key.N.Bytes())
	return hex.EncodeToString(sum[:8])
}

// authorize shows who can sign in, and sends whoever was chosen back with a code. A request for a token with a flaw
// says so as token=forged or token=expired.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !slices.ContainsFunc(i.clients, func(c clientPlan) bool {
		return c.name == q.Get("client_id") && slices.Contains(c.CallbackURLs, q.Get("redirect_uri"))
	}) { // nobody is sent to an address that is not known
		http.Error(w, "The template has no such client, or the client no such CallbackURL.", http.StatusBadRequest)
		return
	}
	back := func(said url.Values) {
		said.Set("state", q.Get("state"))
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+said.Encode(), http.StatusFound)
	}
	if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" {
		back(url.Values{"error": {"invalid_request"}, "error_description": {"needs a code and a challenge of PKCE"}})
		return
	}
	n := slices.IndexFunc(personas, func(p persona) bool { return p.ID == q.Get("persona") })
	if n < 0 {
		type link struct {
			persona
			Href string
		}
		var links []link
		for _, p := range personas {
			q.Set("persona", p.ID)
			links = append(links, link{p, "/oauth2/authorize?" + q.Encode()})
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = i.page.Execute(w, links)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = asked{personas[n], q, i.now()}
	i.mu.Unlock()
	back(url.Values{"code": {code}})
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
	}
	client, secret, basic := r.BasicAuth()
	if !basic {
		client, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	answer := map[string]any{"token_type": "Bearer", "expires_in": tokenLasts / time.Second}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		i.mu.Lock()
		a, ok := i.codes[r.PostFormValue("code")]
		delete(i.codes, r.PostFormValue("code")) // a code is good once, and gone if it was tried in vain
		i.mu.Unlock()
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || i.now().Sub(a.at) > codeLasts || a.request.Get("client_id") != client || a.request.Get("redirect_uri") != r.PostFormValue("redirect_uri") ||
			a.request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			fail(http.StatusBadRequest, "invalid_grant")
			return
		}
		who, flaw := map[string]any{"sub": a.subject(), "auth_time": a.at.Unix()}, a.request.Get("token")
		if len(a.Groups) > 0 {
			who["cognito:groups"] = a.Groups
		}
		id, access := maps.Clone(who), maps.Clone(who)
		maps.Copy(id, map[string]any{"token_use": "id", "aud": client, "name": a.Name, "cognito:username": a.subject(), "nonce": a.request.Get("nonce")})
		maps.Copy(access, map[string]any{"token_use": "access", "client_id": client, "username": a.subject(), "scope": a.request.Get("scope"), "version": 2})
		answer["id_token"], answer["access_token"] = i.sign(id, flaw), i.sign(access, flaw)
	case "client_credentials":
		if !slices.Contains(machines, client) || secret != machineSecret {
			fail(http.StatusUnauthorized, "invalid_client")
			return
		}
		answer["access_token"] = i.sign(map[string]any{
			"sub": client, "token_use": "access", "client_id": client, "auth_time": i.now().Unix(), "version": 2,
		}, r.PostFormValue("token"))
	default:
		fail(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	writeJSON(w, answer)
}

// sign makes a JWT (RFC 7519), with a flaw if one is asked for.
func (i *issuer) sign(claims map[string]any, flaw string) string {
	now, key := i.now(), i.key
	switch flaw {
	case flawForged:
		key = i.forger
	case flawExpired:
		now = now.Add(-2 * tokenLasts)
	}
	maps.Copy(claims, map[string]any{"iss": i.url, "iat": now.Unix(), "exp": now.Add(tokenLasts).Unix(), "jti": newUUID()})
	part := func(v any) string {
		b, _ := json.Marshal(v) // plain data
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := part(map[string]string{"alg": "RS256", "typ": "JWT", "kid": i.keyID()}) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic("issuer: " + err.Error()) // the key is too small for a hash
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// logout has nothing to forget: who signs in is always asked.
func (i *issuer) logout(w http.ResponseWriter, r *http.Request) {
	to := r.FormValue("logout_uri")
	if !slices.ContainsFunc(i.clients, func(c clientPlan) bool {
		return c.name == r.FormValue("client_id") && slices.Contains(c.LogoutURLs, to)
	}) {
		http.Error(w, "The template has no such client, or the client no such LogoutURL.", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}
