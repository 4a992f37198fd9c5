package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func generated(t *testing.T, source string) secretPlan {
	t.Helper()
	p := secretPlan{id: "Keyring", name: "local-Keyring"}
	if err := json.Unmarshal([]byte(source), &p.secretProperties); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestASecretIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secrets.json")
	plan := generated(t, `{"GenerateSecretString":{"SecretStringTemplate":"{\"version\":\"1\"}","GenerateStringKey":"index","PasswordLength":64,"ExcludePunctuation":true}}`)
	ask := func(id string) (int, map[string]any) {
		s, err := openSecrets(file, []secretPlan{plan})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"SecretId":"`+id+`"}`))
		r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var out map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		return w.Code, out
	}
	_, first := ask(secretARN("local-Keyring"))
	code, second := ask("local-Keyring")
	if code != 200 || first["SecretString"] != second["SecretString"] || first["VersionId"] != second["VersionId"] {
		t.Errorf("first %v, then %v", first, second)
	}
	var value map[string]string
	if err := json.Unmarshal([]byte(first["SecretString"].(string)), &value); err != nil {
		t.Fatal(err)
	}
	if value["version"] != "1" || len(value["index"]) != 64 || strings.ContainsAny(value["index"], punctuation) {
		t.Errorf("the secret is %v", value)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", st.Mode(), err)
	}
	if code, out := ask("local-Nobody"); code != 400 || out["__type"] != "ResourceNotFoundException" {
		t.Errorf("an unknown secret: %d %v", code, out)
	}
}

func TestPasswordsAreMadeOfWhatIsNotExcluded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, source, allowed string }{
		{"all kinds by default", `{}`, lowercase + uppercase + digits + punctuation},
		{"no punctuation", `{"ExcludePunctuation":true}`, lowercase + uppercase + digits},
		{"digits only", `{"ExcludePunctuation":"true","ExcludeLowercase":true,"ExcludeUppercase":true,"PasswordLength":4}`, digits},
		{"not these characters", `{"ExcludeCharacters":"abc","ExcludePunctuation":true}`, lowercase[3:] + uppercase + digits},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := generated(t, `{"GenerateSecretString":`+tt.source+`}`)
			got, err := generateSecret(p.secretProperties, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if want := orElse(p.GenerateSecretString.PasswordLength, 32); len(got) != want || strings.Trim(got, tt.allowed) != "" {
				t.Errorf("made %q", got)
			}
		})
	}
	impossible := generated(t, `{"GenerateSecretString":{"PasswordLength":2}}`)
	if _, err := generateSecret(impossible.secretProperties, rand.Reader); err == nil {
		t.Error("two characters of four kinds were made")
	}
}
