package signin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
)

// machine sends a token.
func (h *house) machine(authorization string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, address+"/api/practice/extract", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return h.browser().send(r)
}

func TestAMachineIsOfThePracticeThatOurTableSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	code, err := nhs.ParseODSCode("A81002")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.table.SaveClient(t.Context(), machineID, code, "a clinical system"); err != nil {
		t.Fatal(err)
	}
	for _, said := range []claims{nil, {"cognito:groups": []string{"ods-A81001"}, "ods": "A81001"}} {
		for _, scheme := range []string{"Bearer ", "bearer "} {
			answered(t, "a token", h.machine(scheme+h.issuer.access(said)), "practice A81002 "+machineID)
		}
	}
	for id, want := range map[string]string{strings.Repeat("m", 39): "", strings.Repeat("m", 40): problem.NotForYou.Code} { // however it came into the table
		if err := h.table.SaveClient(t.Context(), id, code, "a clinical system"); err != nil {
			t.Fatal(err)
		}
		if w := h.machine("Bearer " + h.issuer.access(claims{"client_id": id})); want == "" {
			answered(t, "an id of 39", w, "practice A81002 "+id)
		} else {
			refused(t, "an id of 40", w, problem.NotForYou)
		}
	}
	if h.issuer.asked["/keys"] != 1 {
		t.Errorf("the keys were asked for %d times", h.issuer.asked["/keys"])
	}
	past, good := optouttest.Noon.Add(-time.Second).Unix(), h.issuer.access(nil)
	for name, c := range map[string]struct {
		authorization string
		want          problem.Problem
	}{
		"no token":                       {"", problem.SignInNeeded},
		"another scheme":                 {"Basic " + good, problem.SignInNeeded},
		"a scheme and nothing":           {"Bearer ", problem.SignInNeeded},
		"what is no token":               {"Bearer x.y.z", problem.TokenNotOurs},
		"half a token":                   {"Bearer " + good[:len(good)/2], problem.TokenNotOurs},
		"an expired token":               {"Bearer " + h.issuer.access(claims{"exp": past}), problem.TokenExpired},
		"an expired and forged token":    {"Bearer " + jwt(otherKey, "RS256", claims{"iss": h.issuer.URL, "exp": past, "client_id": machineID, "token_use": "access"}), problem.TokenNotOurs},
		"a forged token":                 {"Bearer " + jwt(otherKey, "RS256", claims{"iss": h.issuer.URL, "exp": past + 60, "client_id": machineID, "token_use": "access"}), problem.TokenNotOurs},
		"a token that nobody signed":     {"Bearer " + jwt(ourKey, "none", claims{"iss": h.issuer.URL, "exp": past + 60, "client_id": machineID, "token_use": "access"}), problem.TokenNotOurs},
		"a token of another issuer":      {"Bearer " + h.issuer.access(claims{"iss": "https://other.example"}), problem.TokenNotOurs},
		"a person's id token":            {"Bearer " + h.issuer.access(claims{"token_use": "id", "aud": clientID}), problem.TokenNotOurs},
		"a token of no client":           {"Bearer " + h.issuer.access(claims{"client_id": ""}), problem.TokenNotOurs},
		"a token of an odd client":       {"Bearer " + h.issuer.access(claims{"client_id": "a#b " + fullName}), problem.TokenNotOurs},
		"a token of an unknown client":   {"Bearer " + h.issuer.access(claims{"client_id": "machine-18"}), problem.NotForYou},
		"a person's access token":        {"Bearer " + h.issuer.access(claims{"client_id": clientID, "cognito:groups": []string{"ods-A81002"}}), problem.NotForYou},
		"a token with claims of no type": {"Bearer " + h.issuer.access(claims{"client_id": 7}), problem.TokenNotOurs},
	} {
		w := h.machine(c.authorization)
		refused(t, name, w, c.want)
		if got := w.Header().Get("WWW-Authenticate"); (got != "") != (c.want.Status == http.StatusUnauthorized) {
			t.Errorf("%s: WWW-Authenticate %q", name, got)
		}
	}
	if strings.Contains(h.log.String(), "uillfeather") {
		t.Error("the log names somebody")
	}
}

// What was right is right until it expires, if the table still lets its machine in.
func TestATokenThatWasRightIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	code := nhs.StoredODSCode("A81002")
	if err := h.table.SaveClient(t.Context(), machineID, code, "a clinical system"); err != nil {
		t.Fatal(err)
	}
	ends := h.clock.Now().Add(time.Hour).Truncate(time.Second)
	token := "Bearer " + h.issuer.access(claims{"exp": ends.Unix()})
	in := "practice A81002 " + machineID
	for range 2 {
		answered(t, "a token", h.machine(token), in)
	}
	for _, at := range []int{len(token) - 2, len(token) - 200} { // the last letter has bits that say nothing
		other := "A"
		if token[at:at+1] == other {
			other = "B"
		}
		refused(t, "one with another signature", h.machine(token[:at]+other+token[at+1:]), problem.TokenNotOurs)
	}
	if err := h.table.SaveClient(t.Context(), machineID, nhs.StoredODSCode("A81003"), "moved"); err != nil {
		t.Fatal(err)
	}
	answered(t, "a token of what has moved", h.machine(token), "practice A81003 "+machineID)
	if err := h.table.SaveMailroomClient(t.Context(), machineID, "not a practice's any more"); err != nil {
		t.Fatal(err)
	}
	refused(t, "a token of what is let in no more", h.machine(token), problem.NotForYou)
	if err := h.table.SaveClient(t.Context(), machineID, code, "a clinical system"); err != nil {
		t.Fatal(err)
	}
	h.clock.Move(ends.Sub(h.clock.Now()) - time.Minute)
	answered(t, "a token in its last minute", h.machine(token), in)
	h.clock.Move(time.Minute)
	answered(t, "a token in its last moment", h.machine(token), in)
	h.clock.Move(time.Second)
	refused(t, "a token that has expired since", h.machine(token), problem.TokenExpired)
}

// What was found to be right is remembered: it stays so for ten minutes after the issuer has withdrawn the key, and no longer.
func TestATokenIsRememberedForTenMinutes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.table.SaveClient(t.Context(), machineID, nhs.StoredODSCode("A81002"), "a clinical system"); err != nil {
		t.Fatal(err)
	}
	in := "practice A81002 " + machineID
	tokens := make([]string, 1002) // of which the first is forgotten with the last but one
	for n := range tokens {
		tokens[n] = "Bearer " + h.issuer.access(claims{"jti": n})
		if n < 1001 {
			answered(t, "a token", h.machine(tokens[n]), in)
		}
	}
	h.issuer.set(func(i *fakeIssuer) { i.key, i.served = otherKey, otherKey })
	answered(t, "a token of the new key", h.machine("Bearer "+h.issuer.access(nil)), in)
	refused(t, "a token that was never sent, of the key withdrawn", h.machine(tokens[1001]), problem.TokenNotOurs)
	refused(t, "a token forgotten for others", h.machine(tokens[0]), problem.TokenNotOurs)
	answered(t, "a token remembered", h.machine(tokens[1000]), in)
	h.clock.Move(10 * time.Minute)
	answered(t, "a token remembered, at last", h.machine(tokens[1000]), in)
	h.clock.Move(time.Millisecond)
	refused(t, "a token remembered no more", h.machine(tokens[1000]), problem.TokenNotOurs)
}

func TestASessionIsNoTokenForMachines(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.says(manager())
	b := h.browser()
	b.signIn("/practice")
	refused(t, "a cookie", b.do(http.MethodPost, "/api/practice/extract", nil), problem.SignInNeeded)
}

// A practice's software and the mailroom's have doors of their own, and no person's role opens the other's.
func TestAMachineIsLetInAtItsOwnDoorOnly(t *testing.T) {
	t.Parallel()
	for audience, c := range map[signin.Audience]struct{ in, as, out string }{
		signin.Practice: {"of-a-practice", "practice A81002 of-a-practice", "of-the-mailroom"},
		signin.Mailroom: {"of-the-mailroom", "desk of-the-mailroom", "of-a-practice"},
		signin.Office:   {"", "", "of-the-mailroom"},
	} {
		h := newHouseFor(t, audience)
		if err := errors.Join(
			h.table.SaveClient(t.Context(), "of-a-practice", nhs.StoredODSCode("A81002"), "a clinical system"),
			h.table.SaveMailroomClient(t.Context(), "of-the-mailroom", "a scanner"),
		); err != nil {
			t.Fatal(err)
		}
		if c.in != "" {
			answered(t, "its own at "+string(audience), h.machine("Bearer "+h.issuer.access(claims{"client_id": c.in})), c.as)
		}
		refused(t, "another's at "+string(audience), h.machine("Bearer "+h.issuer.access(claims{"client_id": c.out, "cognito:groups": []string{"mailroom", "ods-A81002"}})), problem.NotForYou)
	}
}

// What a request of software costs before anybody looks what it asks for: with a token that was sent before, and with a new one.
func BenchmarkAMachineIsLetIn(b *testing.B) {
	for name, renewed := range map[string]bool{"a token sent before": false, "a new token": true} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b)
			if err := h.table.SaveClient(b.Context(), machineID, nhs.StoredODSCode("A81002"), "a clinical system"); err != nil {
				b.Fatal(err)
			}
			sent := make([]string, 1)
			if renewed {
				sent = make([]string, b.N)
			}
			for n := range sent {
				sent[n] = "Bearer " + h.issuer.access(claims{"jti": n})
			}
			let := h.door.Machine(func(http.ResponseWriter, *http.Request, optout.Actor) {})
			b.ReportAllocs()
			b.ResetTimer()
			for n := range b.N {
				r := httptest.NewRequest(http.MethodPost, address+"/api/practice/extract", nil)
				r.Header.Set("Authorization", sent[n%len(sent)])
				w := httptest.NewRecorder()
				if let(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
