package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

func TestARequestNeedsWhatItTouches(t *testing.T) {
	t.Parallel()
	const table = "arn:aws:dynamodb:eu-west-2:000000000000:table/"
	for _, tt := range []struct {
		name, operation, body string
		want                  []need
	}{
		{"an item of a table", "GetItem", `{"TableName":"T","Key":{"PK":{"S":"IndexName"}}}`, []need{{"dynamodb:GetItem", table + "T"}}},
		{"a query of a table", "Query", `{"TableName":"T"}`, []need{{"dynamodb:Query", table + "T"}}},
		{"a query of an index", "Query", `{"TableName":"T","IndexName":"due"}`, []need{{"dynamodb:Query", table + "T/index/due"}}},
		{"a scan of an index", "Scan", `{"TableName":"T","IndexName":"due"}`, []need{{"dynamodb:Scan", table + "T/index/due"}}},
		{"a table by its ARN", "PutItem", `{"TableName":"` + table + `T"}`, []need{{"dynamodb:PutItem", table + "T"}}},
		{
			"a transaction by its parts", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"A"}},{"Update":{"TableName":"B"}},{"Delete":{"TableName":"A"}},{"ConditionCheck":{"TableName":"A"}}]}`,
			[]need{{"dynamodb:PutItem", table + "A"}, {"dynamodb:UpdateItem", table + "B"}, {"dynamodb:DeleteItem", table + "A"}, {"dynamodb:ConditionCheckItem", table + "A"}},
		},
		{"a reading transaction", "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"A"}}]}`, []need{{"dynamodb:GetItem", table + "A"}}},
		{"a batch by its own name, on each table", "BatchWriteItem", `{"RequestItems":{"B":[],"A":[]}}`, []need{{"dynamodb:BatchWriteItem", table + "A"}, {"dynamodb:BatchWriteItem", table + "B"}}},
		{"a reading batch", "BatchGetItem", `{"RequestItems":{"A":{}}}`, []need{{"dynamodb:BatchGetItem", table + "A"}}},
		{"an operation that is not judged", "ExecuteStatement", `{"Statement":"SELECT"}`, nil},
		{"a part that is not known", "TransactWriteItems", `{"TransactItems":[{"Merge":{"TableName":"A"}}]}`, nil},
		{"no JSON", "GetItem", `{`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", nil)
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+tt.operation)
			if got, err := tableNeeds(r, []byte(tt.body)); !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
				t.Errorf("needs %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// complaints are what a runner says on stderr.
type complaints struct {
	mu    sync.Mutex
	lines []string
}

func (c *complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// testGuard lets one function, Door, do something.
func testGuard(c *complaints, actions ...string) *guard {
	return newGuard([]functionPlan{{id: "Door", role: role{id: "DoorRole", statements: []statement{{actions: actions, resources: []string{"*"}}}}}}, c.add)
}

// sdkClient is a client as functions have it.
func sdkClient(endpoint, key string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: region, Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""), BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
	})
}

// guardedStub is an engine that answers everything the same, behind the guard. It tells the requests it gets.
func guardedStub(t testing.TB, g *guard, c *complaints) (address string, got *[]*http.Request, bodies *[]string) {
	got, bodies = new([]*http.Request), new([]string)
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		*got, *bodies = append(*got, r), append(*bodies, string(b))
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Of-The-Engine", "yes")
		_, _ = io.WriteString(w, `{"Item":{"PK":{"S":"<ü>"}}}`)
	}))
	t.Cleanup(engine.Close)
	p, err := proxy(engine.URL, c.add)
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(g.before(guardedTables, p))
	t.Cleanup(door.Close)
	return door.URL, got, bodies
}

func apiError(t *testing.T, err error) smithy.APIError {
	t.Helper()
	var out smithy.APIError
	if !errors.As(err, &out) {
		t.Fatalf("no error of the service: %v", err)
	}
	return out
}

func TestWhatTheRoleAllowsReachesTheEngineUnchanged(t *testing.T) {
	t.Parallel()
	var c complaints
	g := testGuard(&c, "dynamodb:GetItem")
	address, got, bodies := guardedStub(t, g, &c)
	out, err := sdkClient(address, accessKey("Door")).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String("T"), Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "a <b> ü \x00"}},
	})
	if err != nil || !reflect.DeepEqual(out.Item["PK"], &types.AttributeValueMemberS{Value: "<ü>"}) {
		t.Fatalf("got %v, %v", out, err)
	}
	r := (*got)[0]
	var sent struct {
		Key struct{ PK struct{ S string } }
	}
	if err := json.Unmarshal([]byte((*bodies)[0]), &sent); err != nil || sent.Key.PK.S != "a <b> ü \x00" || r.ContentLength != int64(len((*bodies)[0])) {
		t.Errorf("the engine got %q, %v", (*bodies)[0], err)
	}
	if r.Header.Get("X-Amz-Target") != "DynamoDB_20120810.GetItem" || callerKey(r.Header.Get("Authorization")) != runnerKey || r.Header.Get("X-Forwarded-For") != "" {
		t.Errorf("the engine got %v", r.Header)
	}
	if len(g.all()) != 0 || len(c.lines) != 0 {
		t.Errorf("refused %v, complained %v", g.all(), c.lines)
	}
}

func TestWhatTheRoleDoesNotAllowIsAccessDenied(t *testing.T) {
	t.Parallel()
	var c complaints
	g := testGuard(&c, "dynamodb:PutItem")
	address, got, _ := guardedStub(t, g, &c)
	client := sdkClient(address, accessKey("Door"))
	const want = "User: arn:aws:sts::000000000000:assumed-role/local-DoorRole/local-Door is not authorized to perform: dynamodb:UpdateItem " +
		"on resource: arn:aws:dynamodb:eu-west-2:000000000000:table/T because no identity-based policy allows the dynamodb:UpdateItem action"
	item := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "a"}}
	for range 2 {
		_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("T"), Item: item}},
			{Update: &types.Update{TableName: aws.String("T"), Key: item, UpdateExpression: aws.String("SET a = a")}},
		}})
		if e := apiError(t, err); e.ErrorCode() != "AccessDeniedException" || e.ErrorMessage() != want {
			t.Errorf("refused with %s: %s", e.ErrorCode(), e.ErrorMessage())
		}
	}
	if len(*got) != 0 {
		t.Errorf("the engine got %d requests", len(*got))
	}
	if all := g.all(); len(all) != 1 || all[0] != (refusal{refused{"Door", "dynamodb:UpdateItem", "arn:aws:dynamodb:eu-west-2:000000000000:table/T"}, 2}) {
		t.Errorf("on record are %+v", all)
	}
	if want := []string{"AccessDenied: " + want}; !slices.Equal(c.lines, want) {
		t.Errorf("complained %q, want %q", c.lines, want)
	}
}

func TestACallerThatIsNoFunctionIsRefused(t *testing.T) {
	t.Parallel()
	var c complaints
	address, got, _ := guardedStub(t, testGuard(&c, "*"), &c)
	_, err := sdkClient(address, "AKIDSOMEBODY").GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("T"), Key: map[string]types.AttributeValue{}})
	if e := apiError(t, err); e.ErrorCode() != "UnrecognizedClientException" {
		t.Errorf("refused with %v", e)
	}
	answer, err := http.Post(address, "application/x-amz-json-1.0", strings.NewReader(`{"TableName":"T"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != 400 || !strings.Contains(string(b), `"com.amazon.coral.service#MissingAuthenticationTokenException"`) {
		t.Errorf("without a signature: %d %s", answer.StatusCode, b)
	}
	if len(*got) != 0 {
		t.Errorf("the engine got %d requests", len(*got))
	}
}

func TestARequestMayHave16MB(t *testing.T) {
	t.Parallel()
	var c complaints
	g := testGuard(&c, "*")
	for _, tt := range []struct{ size, want int }{{16 << 20, 200}, {16<<20 + 1, 413}} {
		body := `{"TableName":"T"}`
		r := httptest.NewRequest("POST", "/", strings.NewReader(body+strings.Repeat(" ", tt.size-len(body))))
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host, Credential="+accessKey("Door")+"/2026/x")
		w := httptest.NewRecorder()
		g.before(guardedTables, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })).ServeHTTP(w, r)
		if w.Code != tt.want || tt.want == 200 && w.Body.Len() != tt.size {
			t.Errorf("%d bytes: %d, passed on %d bytes", tt.size, w.Code, w.Body.Len())
		}
	}
}

func TestAnEngineThatIsAwayIsAFailureOfTheService(t *testing.T) {
	t.Parallel()
	var c complaints
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	p, err := proxy(away.URL, c.add)
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(testGuard(&c, "*").before(guardedTables, p))
	defer door.Close()
	_, err = sdkClient(door.URL, accessKey("Door")).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("T"), Key: map[string]types.AttributeValue{}})
	if e := apiError(t, err); e.ErrorCode() != "InternalServerError" {
		t.Errorf("failed with %v", e)
	}
	if len(c.lines) != 1 || !strings.HasPrefix(c.lines[0], "the DynamoDB engine does not answer: ") {
		t.Errorf("complained %q", c.lines)
	}
}

func TestAMailNeedsItsConfigurationSetToo(t *testing.T) {
	t.Parallel()
	const ses = "arn:aws:ses:eu-west-2:000000000000:"
	got, err := guardedMail("optout.example").needs(nil, []byte(`{"FromEmailAddress":"a@optout.example","ConfigurationSetName":"local-Mail"}`))
	if want := []need{{"ses:SendEmail", ses + "identity/optout.example"}, {"ses:SendEmail", ses + "configuration-set/local-Mail"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("needs %v, %v; want %v", got, err, want)
	}
}

func TestMailAndSecretsAreGuardedToo(t *testing.T) {
	t.Parallel()
	const mine, secret = "arn:aws:ses:eu-west-2:000000000000:identity/optout.example", "arn:aws:secretsmanager:eu-west-2:000000000000:secret:local-Keyring-Local1"
	for _, tt := range []struct {
		name             string
		service          guarded
		target, body     string
		action, resource string
		denied           int
	}{
		{"mail is sent as the domain of From", guardedMail("optout.example"), "", `{"FromEmailAddress":"Opt-out <a@OptOut.example>"}`, "ses:SendEmail", mine, 403},
		{"mail of a subdomain is sent as the domain that was verified", guardedMail("optout.example"), "", `{"FromEmailAddress":"a@x.optout.example"}`, "ses:SendEmail", mine, 403},
		{"mail of a stranger is sent as the stranger", guardedMail("optout.example"), "", `{"FromEmailAddress":"a@elsewhere.example"}`, "ses:SendEmail", strings.Replace(mine, "optout", "elsewhere", 1), 403},
		{"a secret is asked for by its ARN", guardedSecrets, "secretsmanager.GetSecretValue", `{"SecretId":"` + secret + `"}`, "secretsmanager:GetSecretValue", secret, 400},
		{"a secret is asked for by its name", guardedSecrets, "secretsmanager.GetSecretValue", `{"SecretId":"local-Keyring"}`, "secretsmanager:GetSecretValue", secret, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, allowed := range []bool{true, false} {
				var c complaints
				s := statement{actions: []string{tt.action}, resources: []string{tt.resource}}
				if !allowed {
					s.resources[0] += "2"
				}
				g := newGuard([]functionPlan{{id: "Door", role: role{id: "DoorRole", statements: []statement{s}}}}, c.add)
				r := httptest.NewRequestWithContext(context.Background(), "POST", "/", strings.NewReader(tt.body))
				r.Header.Set("X-Amz-Target", tt.target)
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+accessKey("Door")+"/x")
				w := httptest.NewRecorder()
				g.before(tt.service, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })).ServeHTTP(w, r)
				if allowed && (w.Code != 200 || w.Body.String() != tt.body) {
					t.Errorf("allowed, it got %d %s", w.Code, w.Body)
				}
				if all := g.all(); !allowed && (w.Code != tt.denied || !strings.Contains(w.Body.String(), "AccessDeniedException") || len(all) != 1 || all[0].Action != tt.action || all[0].Resource != tt.resource) {
					t.Errorf("not allowed, it got %d %s; on record is %v", w.Code, w.Body, all)
				}
			}
		})
	}
}

// BenchmarkGuard is what a call of a table takes through the guard, and without it.
func BenchmarkGuard(b *testing.B) {
	var c complaints
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer engine.Close()
	p, err := proxy(engine.URL, c.add)
	if err != nil {
		b.Fatal(err)
	}
	door := httptest.NewServer(testGuard(&c, "*").before(guardedTables, p))
	defer door.Close()
	item := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: strings.Repeat("a", 2000)}}
	for name, address := range map[string]string{"without": engine.URL, "through": door.URL} {
		b.Run(name, func(b *testing.B) {
			client := sdkClient(address, accessKey("Door"))
			for b.Loop() {
				if _, err := client.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: aws.String("T"), Item: item}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
