package config_test

import (
	"context"
	"strings"
	"testing"

	"example.org/optout/functions/internal/config"
)

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	names := []string{"KEYRING", "CONTROLLER", "NHS_LOGO", "TEST_NUMBERS", "FORMS_PER_NETWORK", "LOOKS_PER_NETWORK"}
	for _, name := range names {
		t.Setenv(name, "")
	}
	t.Setenv("TABLE", "table")
	_, err := config.Read[config.Patient]()
	if err == nil {
		t.Fatal("a configuration with holes is taken")
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing and not named in %v", name, err)
		}
	}
	t.Setenv("KEYRING", "arn")
	t.Setenv("CONTROLLER", "us")
	t.Setenv("LOOKS_PER_NETWORK", "0")
	typed := [][2]string{{"TEST_NUMBERS", "true"}, {"NHS_LOGO", "false"}, {"FORMS_PER_NETWORK", "600"}}
	for _, v := range typed {
		t.Setenv(v[0], v[1])
	}
	for _, v := range typed {
		t.Setenv(v[0], "maybe")
		if _, err := config.Read[config.Patient](); err == nil {
			t.Errorf("%s=maybe is taken", v[0])
		}
		t.Setenv(v[0], v[1])
	}
	if c, err := config.Read[config.Patient](); err != nil || !c.TestNumbers || c.Table != "table" || c.FormsPerNetwork != 600 || c.LooksPerNetwork != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestClientsAreLedByTheirOwnVariable(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	if _, err := config.AWS(); err == nil {
		t.Error("no region is taken")
	}
	t.Setenv("AWS_REGION", "eu-west-2")
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
	c, err := config.AWS()
	if err != nil {
		t.Fatal(err)
	}
	source, ok := c.ConfigSources[0].(interface {
		GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
	})
	if !ok {
		t.Fatal("the SDK will not find the endpoints")
	}
	if url, found, _ := source.GetServiceBaseEndpoint(t.Context(), "Secrets Manager"); !found || url != "http://127.0.0.1:1" {
		t.Errorf("Secrets Manager is at %q, %v", url, found)
	}
	if _, found, _ := source.GetServiceBaseEndpoint(t.Context(), "DynamoDB"); found {
		t.Error("DynamoDB has an endpoint that nobody set")
	}
}
