package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// secretARN is the ARN of a secret. AWS adds six random characters; here they are always the same.
func secretARN(physical string) string {
	return "arn:aws:secretsmanager:" + region + ":" + account + ":secret:" + physical + "-Local1"
}

// secret is the one version of a secret.
type secret struct {
	Value   string    `json:"value"`
	Version string    `json:"version"`
	Created time.Time `json:"created"`
}

// secrets plays GetSecretValue of Secrets Manager.
type secrets struct {
	byName map[string]secret
}

// openSecrets reads the secrets from a file and makes those the template asks for and the file does not have.
func openSecrets(file string, plans []secretPlan) (*secrets, error) {
	s := &secrets{byName: map[string]secret{}}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &s.byName)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	made := false
	for _, p := range plans {
		if _, ok := s.byName[p.name]; ok {
			continue
		}
		value, err := generateSecret(p.secretProperties)
		if err != nil {
			return nil, fmt.Errorf("make secret %s: %w", p.id, err)
		}
		s.byName[p.name], made = secret{Value: value, Version: newUUID(), Created: time.Now().UTC()}, true
	}
	if !made {
		return s, nil
	}
	if b, err = json.MarshalIndent(s.byName, "", "  "); err != nil {
		return nil, fmt.Errorf("write secrets: %w", err)
	}
	if err := writeAtomically(file, b); err != nil {
		return nil, fmt.Errorf("write secrets: %w", err)
	}
	return s, nil
}

const (
	alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	punctuation  = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// generateSecret makes the value that GenerateSecretString describes.
func generateSecret(p secretProperties) (string, error) {
	g := p.GenerateSecretString
	characters := alphanumeric
	if !g.ExcludePunctuation {
		characters += punctuation
	}
	password := make([]byte, orElse(g.PasswordLength, 32))
	for i := range password {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(characters))))
		if err != nil {
			return "", err
		}
		password[i] = characters[n.Int64()]
	}
	if g.SecretStringTemplate == "" {
		return string(password), nil
	}
	var template map[string]any
	if err := json.Unmarshal([]byte(g.SecretStringTemplate), &template); err != nil {
		return "", fmt.Errorf("SecretStringTemplate is no JSON object: %w", err)
	}
	template[g.GenerateStringKey] = string(password)
	b, err := json.Marshal(template)
	return string(b), err
}

// ServeHTTP answers AWS JSON 1.1.
func (s *secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := r.Header.Get("X-Amz-Target")
	if operation != "secretsmanager.GetSecretValue" {
		jsonError(w, http.StatusBadRequest, "UnknownOperationException", "the local runner does not play "+operation)
		return
	}
	var in struct{ SecretId string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
		jsonError(w, http.StatusBadRequest, "InvalidRequestException", "the request is no JSON")
		return
	}
	for name, x := range s.byName {
		arn := secretARN(name)
		if in.SecretId != name && in.SecretId != arn {
			continue
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"ARN": arn, "Name": name, "SecretString": x.Value, "VersionId": x.Version,
			"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": float64(x.Created.UnixMilli()) / 1000,
		})
		return
	}
	jsonError(w, http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// jsonError is an error of an AWS service that speaks JSON, in both ways SDKs look for its name.
func jsonError(w http.ResponseWriter, code int, name, text string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", name)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": name, "message": text, "Message": text})
}

// writeAtomically replaces a file, so that a crash leaves the old or the new one.
func writeAtomically(file string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	next := file + ".next"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}
