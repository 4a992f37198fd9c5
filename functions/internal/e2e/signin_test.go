package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// A door that signs in at the stack's issuer and keeps its sessions in the stack's table lets in whom the issuer
// signed, as what it says they are, and nobody with a token that is forged or has expired.
func TestADoorSignsInAtTheStacksIssuer(t *testing.T) {
	s := start(t, t.TempDir(), "-stream=off", "-sweeper=off")
	var at struct{ Issuer, Engine string }
	s.console("/status.json", &at)
	table := dynamo.New(dynamodb.New(dynamodb.Options{
		Region: "eu-west-2", BaseEndpoint: &at.Engine, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		DisableValidateResponseChecksum: true,
	}), "local-Table")
	ring, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdef0123456789abcdef"}`))
	if err != nil {
		t.Fatal(err)
	}
	door := &signin.Door{
		For: signin.Practice, Address: s.patients, Issuer: at.Issuer, ClientID: "local-Staff", HTTP: &http.Client{Timeout: 10 * time.Second},
		Seals: ring, Sessions: table, Clients: table, Now: time.Now,
		Refuse: func(w http.ResponseWriter, r *http.Request, p problem.Problem) { problem.Write(r.Context(), w, p) },
		Choose: func(w http.ResponseWriter, _ *http.Request, s signin.Session) { fmt.Fprint(w, s.Practices) },
		Bye:    func(http.ResponseWriter, *http.Request) {},
	}
	page := door.Staff(func(w http.ResponseWriter, _ *http.Request, s signin.Session) {
		fmt.Fprintf(w, "%s %s", s.Role, s.Practice)
	})
	// serve answers as the door would, with the cookies of an answer before.
	serve := func(h http.HandlerFunc, method, address string, before *httptest.ResponseRecorder) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest(method, address, nil), httptest.NewRecorder()
		if before != nil {
			for _, c := range before.Result().Cookies() {
				r.AddCookie(c)
			}
		}
		h(w, r)
		return w
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for who, want := range map[string]string{
		"manager": "practice A81001", "clinician": "clinician A81001", "locum": "[A81001 A81002 A81004]", "neighbour": "practice A81002",
		"office": "not-for-you", "nobody": "not-for-you", "manager&token=forged": "sign-in-failed", "manager&token=expired": "sign-in-failed",
	} {
		begun := serve(page, http.MethodGet, "/practice", nil)
		r, err := stay.Get(begun.Header().Get("Location") + "&persona=" + who)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		w := serve(door.SignedIn, http.MethodGet, r.Header.Get("Location"), begun)
		if w.Code == http.StatusSeeOther {
			session := w
			w = serve(page, http.MethodGet, "/practice", session)
			serve(door.SignOut, http.MethodPost, "/practice/sign-out", session)
			if out := serve(page, http.MethodPost, "/practice", session); !strings.Contains(out.Body.String(), `"signed-out"`) {
				t.Errorf("%s has signed out and is answered with %s", who, out.Body)
			}
		}
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is answered with %d %s, want %s", who, w.Code, w.Body, want)
		}
	}

	code, err := nhs.ParseODSCode("A81004")
	if err != nil {
		t.Fatal(err)
	}
	if err := table.SaveClient(t.Context(), "software-1", code, "a clinical system"); err != nil {
		t.Fatal(err)
	}
	machine := door.Machine(func(w http.ResponseWriter, _ *http.Request, a optout.Actor) { fmt.Fprint(w, a) })
	for asked, want := range map[string]string{
		"software-1": "practice A81004 software-1", "software-2": "not-for-you", "software-1 forged": "token-not-ours", "software-1 expired": "token-expired",
	} {
		client, flaw, _ := strings.Cut(asked, " ")
		r, err := http.PostForm(at.Issuer+"/oauth2/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {"local-secret"}, "token": {flaw},
		})
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			Token string `json:"access_token"`
		}
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		w, q := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api/practice/extract", nil)
		q.Header.Set("Authorization", "Bearer "+said.Token)
		if machine(w, q); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is answered with %d %s, want %s", asked, w.Code, w.Body, want)
		}
	}
}
