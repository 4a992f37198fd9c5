package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/optout"
)

func TestAMachineIsAddedMovedListedAndRevoked(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	t.Setenv("AWS_REGION", "eu-west-2")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", aws.ToString(c.Options().BaseEndpoint))
	says := func(words string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"-table", table}, strings.Fields(words)...), &out); err != nil {
			return out.String() + "error: " + err.Error()
		}
		return out.String()
	}
	for _, step := range []struct{ words, want string }{
		{"list", ""},
		{"add software-1 a81002 another", "software-1 acts for A81002\n"},
		{"add software-2 A81001 a clinical system", "software-2 acts for A81001\n"},
		{"list", "A81001  software-2  a clinical system\nA81002  software-1  another\n"},
		{"add software-1 A81004 moved", "software-1 acts for A81004\n"},
		{"add-mailroom push-1 the scanning desk", "push-1 acts for the mailroom\n"},
		{"add-mailroom software-2 moved", "software-2 acts for the mailroom\n"},
		{"list", "A81004  software-1  moved\nmailroom  push-1  the scanning desk\nmailroom  software-2  moved\n"},
		{"add software-2 A81001 back", "software-2 acts for A81001\n"},
		{"add-mailroom push_1 x", "error: the id"},
		{"add-mailroom push-1", "error: say machines"},
		{"revoke software-2", "software-2 is let in nowhere any more\n"},
		{"list", "A81004  software-1  moved\nmailroom  push-1  the scanning desk\n"},
		{"revoke software-2", "error: software-2: not found"},
		{"add software-3 V81999 x", "error: "},
		{"add software_3 A81001 x", "error: the id"},
		{"add " + strings.Repeat("s", 40) + " A81001 x", "error: the id of a client has at most 39 letters"},
		{"add software-3 A81001", "error: say machines"},
		{"forget software-1", "error: say machines"},
		{"", "error: say machines"},
	} {
		if got := says(step.words); got != step.want && (!strings.HasPrefix(step.want, "error") || !strings.HasPrefix(got, step.want)) {
			t.Errorf("%s: %q, want %q", step.words, got, step.want)
		}
	}
	store := dynamo.New(c, table)
	for id, want := range map[string]string{"software-1": "practice A81004 software-1", "push-1": "desk push-1"} {
		if a, err := store.Client(t.Context(), id); err != nil || a.String() != want {
			t.Errorf("the door lets %s in as %s, %v", id, a, err)
		}
	}
	if _, err := store.Client(t.Context(), "software-2"); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("the door knows software-2: %v", err)
	}
	if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: "C#odd"}, "SK": &types.AttributeValueMemberS{Value: "C"}, "ods": &types.AttributeValueMemberN{Value: "7"},
	}}); err != nil {
		t.Fatal(err)
	}
	if got := says("list"); !strings.Contains(got, "A81004  software-1") || !strings.Contains(got, "error: machine odd") {
		t.Errorf("with one that cannot be read: %q", got)
	}
}
