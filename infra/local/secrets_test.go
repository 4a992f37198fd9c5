package main

import (
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
