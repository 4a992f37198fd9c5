package contracttest_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.org/optout/functions/internal/door/contracttest"
	"example.org/optout/infra"
)

// said is an answer to POST /api/status, as it is in the contract unless a test changes it.
type said struct {
	method, path string
	status       int
	header       http.Header
	body         string
}

func (s said) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), s.header)
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

const (
	steps   = `{"steps":[{"step":"received","at":"2026-11-22T12:00:00Z"}]}`
	problem = `{"type":"urn:optout:problem:no-such-form","title":"No such form","status":404,"code":"no-such-form","detail":"Check both.","errors":[{"pointer":"/a/0","code":"date-shape","detail":"Check it."}]}`
)

func ours(contentType string) http.Header {
	return http.Header{
		"Content-Type": {contentType}, "Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'; img-src 'self'"},
		"Strict-Transport-Security": {"max-age=31536000; includeSubDomains"}, "X-Content-Type-Options": {"nosniff"},
		"Referrer-Policy": {"same-origin"}, "Cross-Origin-Resource-Policy": {"same-origin"},
	}
}

func TestWhatDeviatesFromTheContractIsReported(t *testing.T) {
	t.Parallel()
	ok := func(s *said) {}
	unknown := func(s *said) { s.status, s.header, s.body = 404, ours("application/problem+json"), problem }
	gateway := func(s *said) {
		s.status, s.header, s.body = 503, http.Header{"Content-Type": {"application/json"}, "Apigw-Requestid": {"1"}}, `{"message":"Service Unavailable"}`
	}
	swap := func(old, new string) func(*said) {
		return func(s *said) { s.body = strings.Replace(s.body, old, new, 1) }
	}
	set := func(name, value string) func(*said) {
		return func(s *said) {
			if s.header.Set(name, value); value == "" {
				s.header[name] = nil // sends none, not even one that is guessed
			}
		}
	}
	for name, c := range map[string]struct {
		from, change func(*said)
		want         string // in each report; empty: none
	}{
		"an answer as documented":              {ok, ok, ""},
		"a problem as documented":              {unknown, ok, ""},
		"an answer of the gateway itself":      {gateway, ok, ""},
		"a status that nobody documents":       {ok, func(s *said) { s.status = 202 }, "status is not in the contract"},
		"a redirect":                           {ok, func(s *said) { s.status = 308 }, "status is not in the contract"},
		"the status of another operation":      {ok, func(s *said) { s.status = 201 }, "status is not in the contract"},
		"another status for a problem":         {unknown, func(s *said) { s.status = 400 }, "/status"},
		"another method's answer":              {ok, func(s *said) { s.method = "GET" }, "status is not in the contract"},
		"another address's answer":             {ok, func(s *said) { s.path = "/api/stat" }, "status is not in the contract"},
		"a page's answer":                      {ok, func(s *said) { s.method, s.path = "GET", "/openapi.yaml" }, "Cache-Control"},
		"no content type":                      {ok, set("Content-Type", ""), "Content-Type"},
		"another content type":                 {ok, set("Content-Type", "text/plain"), "Content-Type"},
		"a problem as plain JSON":              {unknown, set("Content-Type", "application/json"), "Content-Type"},
		"an unknown field":                     {ok, swap(`{"steps"`, `{"practice":"A81001","steps"`), "practice"},
		"an unknown field inside":              {ok, swap(`{"step"`, `{"practice":"A81001","step"`), "practice"},
		"an unknown field in a problem":        {unknown, swap(`{"type"`, `{"instance":"/1","type"`), "instance"},
		"an unknown field in a fault":          {unknown, swap(`{"pointer"`, `{"value":"1","pointer"`), "'value'"},
		"a field that is missing":              {ok, swap(`"step":"received",`, ``), `"step"`},
		"a value of another type":              {ok, swap(`"received"`, `1`), "/steps/0/step"},
		"a value that nobody documents":        {ok, swap(`"received"`, `"on-paper"`), "/steps/0/step"},
		"a time that is not UTC":               {ok, swap(`12:00:00Z`, `12:00:00+01:00`), "/steps/0/at"},
		"a list with nothing in it":            {ok, func(s *said) { s.body = `{"steps":[]}` }, "/steps"},
		"half a body":                          {ok, func(s *said) { s.body = s.body[:20] }, "decode"},
		"no body":                              {ok, func(s *said) { s.body = "" }, "decode"},
		"a code that nobody documents":         {unknown, swap(`"code":"no-such-form"`, `"code":"unheard-of"`), "/code"},
		"a code of another problem":            {unknown, swap(`"code":"no-such-form"`, `"code":"not-found"`), "/code"},
		"a fault's code that nobody documents": {unknown, swap(`date-shape`, `date-of-doom`), "/errors/0/code"},
		"a pointer that quotes":                {unknown, swap(`/a/0`, `/O'Neill`), "/errors/0/pointer"},
		"a header that is missing":             {ok, set("Cache-Control", ""), "Cache-Control"},
		"a header with another value":          {ok, set("Cache-Control", "public"), "Cache-Control"},
		"a header that nobody documents":       {ok, set("Set-Cookie", "a=1"), "the header Set-Cookie"},
		"a header of another answer":           {ok, set("Idempotency-Replayed", "true"), "the header Idempotency-Replayed"},
		"a header of ours from the gateway":    {gateway, set("Cache-Control", "no-store"), "the header Cache-Control"},
		"an unknown field from the gateway":    {gateway, swap(`{`, `{"code":1,`), "'code'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := said{"POST", "/api/status", 200, ours("application/json"), steps}
			c.from(&s)
			c.change(&s)
			var reports []string
			report := func(format string, args ...any) { reports = append(reports, fmt.Sprintf(format, args...)) }

			got := httptest.NewRecorder()
			contracttest.Handler(s, report).ServeHTTP(got, httptest.NewRequest(s.method, s.path, nil))
			if got.Code != s.status || got.Body.String() != s.body || got.Header().Get("Content-Type") != s.header.Get("Content-Type") {
				t.Errorf("the answer is changed on its way: %d %v %s", got.Code, got.Header(), got.Body)
			}
			server := httptest.NewServer(s)
			defer server.Close()
			r, err := http.NewRequest(s.method, server.URL+s.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := contracttest.Client(report).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if body, err := io.ReadAll(answer.Body); err != nil || string(body) != s.body || answer.StatusCode != s.status {
				t.Errorf("the answer is changed on its way: %d %s %v", answer.StatusCode, body, err)
			}
			if fits := c.want == ""; fits && len(reports) > 0 || !fits && len(reports) != 2 {
				t.Errorf("%d reports", len(reports))
			}
			for _, r := range reports {
				if why, _, _ := strings.Cut(r, "\n"); !strings.Contains(why, c.want) {
					t.Errorf("reported without %q: %s", c.want, r)
				}
			}
		})
	}
}

func TestAContractWhoseExamplesDoNotFitIsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{
		"an answer's":           {"received: \"2026-11-22T12:00:00Z\", status: received", "received: \"2026-11-22T12:00:00Z\", status: lost"},
		"a problem's":           {"code: no-such-form\n                detail", "code: not-found\n                detail"},
		"a request's":           {"choice: core\n", "choice: half\n"},
		"a field's that is not": {"capacity: parent }", "capacity: parent, age: 40 }"},
		"none, but a reference": {"responses/NotFound", "responses/Nowhere"},
		"none, but $default":    {"/$default:", "/default:"},
		"none, but its method":  {"apigateway-any-method", "apigateway-no-method"},
	} {
		broken := bytes.Replace(infra.OpenAPI, []byte(c[0]), []byte(c[1]), 1)
		if _, err := contracttest.Read(broken); err == nil || bytes.Equal(broken, infra.OpenAPI) {
			t.Errorf("an example that does not fit, %s, goes unnoticed", name)
		}
	}
}

// An object that is open would let unknown fields pass.
func TestEveryObjectOfTheContractIsClosed(t *testing.T) {
	t.Parallel()
	objects := 0
	for name, s := range contracttest.API().Document.Components.Schemas {
		err := s.WalkSubtree(func(at string, s *openapi3.SchemaRef) error {
			if s.Value.Type.Is("object") {
				objects++
				if closed := s.Value.AdditionalProperties.Has; closed == nil || *closed {
					t.Errorf("%s%s takes any field", name, at)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if objects < 8 {
		t.Errorf("only %d objects", objects)
	}
}
