package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// handler is a fake function made of a Go function.
type handler func(payload []byte) ([]byte, error)

func (h handler) invoke(_ context.Context, payload []byte) ([]byte, error) { return h(payload) }

// exchange sends a request to a gateway with one function at many routes and returns the event it was given.
func exchange(t *testing.T, r *http.Request, reply string) (events.APIGatewayV2HTTPRequest, *http.Response) {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	f := handler(func(payload []byte) ([]byte, error) { return []byte(reply), json.Unmarshal(payload, &e) })
	var routes []routePlan
	for _, key := range []string{"GET /", "POST /forms", "ANY /forms/{ref}", "GET /forms/{ref}", "GET /forms/mine", "GET /files/{path+}", "ANY $default"} {
		method, path, _ := strings.Cut(key, " ")
		routes = append(routes, routePlan{function: "F", method: method, path: path})
	}
	w := httptest.NewRecorder()
	newGateway(routes, map[string]invoker{"F": f}).ServeHTTP(w, r)
	return e, w.Result()
}

func TestARequestBecomesAnEventOfFormat2(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/forms/A%20B?x=1&y=2&x=3", strings.NewReader(`{"a":1}`))
	r.Host, r.RemoteAddr = "127.0.0.1:3000", "192.0.2.7:1234"
	r.Header = http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "X-Two": {"a", "b"}, "Cookie": {"c=1; d=2", "e=3"}, "User-Agent": {"test"},
		"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"gopher"}, "Connection": {"close"},
	}
	e, _ := exchange(t, r, `{"statusCode":204}`)
	c := e.RequestContext
	for _, x := range []struct {
		what      string
		got, want any
	}{
		{"version", e.Version, "2.0"},
		{"route key", e.RouteKey, "ANY /forms/{ref}"},
		{"raw path", e.RawPath, "/forms/A%20B"},
		{"raw query", e.RawQueryString, "x=1&y=2&x=3"},
		{"query", e.QueryStringParameters, map[string]string{"x": "1,3", "y": "2"}},
		{"path parameters", e.PathParameters, map[string]string{"ref": "A B"}},
		{"cookies", e.Cookies, []string{"c=1", "d=2", "e=3"}},
		{"body", e.Body, `{"a":1}`},
		{"base 64", e.IsBase64Encoded, false},
		{"method", c.HTTP.Method, "POST"},
		{"source", c.HTTP.SourceIP, "192.0.2.7"},
		{"user agent", c.HTTP.UserAgent, "test"},
		{"domain", c.DomainName, "127.0.0.1"},
		{"stage", c.Stage, "$default"},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%s is %v, want %v", x.what, x.got, x.want)
		}
	}
	delete(e.Headers, "x-amzn-trace-id")
	if want := map[string]string{
		"content-type": "application/json; charset=utf-8", "content-length": "7", "x-two": "a,b", "user-agent": "test", "host": "127.0.0.1:3000",
		"x-forwarded-for": "203.0.113.9, 192.0.2.7", "x-forwarded-proto": "http", "x-forwarded-port": "3000",
	}; !reflect.DeepEqual(e.Headers, want) {
		t.Errorf("headers are %v, want %v", e.Headers, want)
	}
}

func TestTheMostSpecificRouteAnswers(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		"GET /":                "GET /",
		"HEAD /":               "$default",
		"POST /forms":          "POST /forms",
		"GET /forms":           "$default",
		"POST /forms/":         "$default",
		"GET /forms/mine":      "GET /forms/mine",
		"POST /forms/mine":     "ANY /forms/{ref}",
		"GET /forms/1":         "GET /forms/{ref}",
		"PUT /forms/1":         "ANY /forms/{ref}",
		"GET /forms/1/2":       "$default",
		"GET /files/a/b%2Fc/d": "GET /files/{path+}",
		"GET /files/":          "$default",
		"GET //":               "$default",
	} {
		method, path, _ := strings.Cut(request, " ")
		e, _ := exchange(t, httptest.NewRequest(method, path, nil), `{"statusCode":200}`)
		if e.RouteKey != want {
			t.Errorf("%s is answered by %s, want %s", request, e.RouteKey, want)
		}
		if strings.HasPrefix(path, "/files/a") && e.PathParameters["path"] != "a/b/c/d" {
			t.Errorf("the greedy parameter is %q", e.PathParameters["path"])
		}
	}
	w := httptest.NewRecorder()
	newGateway(nil, nil).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 404 || strings.TrimSpace(w.Body.String()) != `{"message":"Not Found"}` {
		t.Errorf("without a route: %d %s", w.Code, w.Body)
	}
}

func TestOnlySomeTypesOfBodyAreText(t *testing.T) {
	t.Parallel()
	for contentType, text := range map[string]bool{
		"application/json": true, "application/xml": true, "application/javascript": true, "text/plain; charset=utf-8": true,
		"application/x-www-form-urlencoded": false, "multipart/form-data; boundary=x": false, "application/fhir+json": false, "application/octet-stream": false, "": false,
	} {
		r := httptest.NewRequest("POST", "/forms", strings.NewReader("a=b"))
		r.Header.Set("Content-Type", contentType)
		if e, _ := exchange(t, r, `{"statusCode":200}`); e.IsBase64Encoded == text || e.Body != map[bool]string{true: "a=b", false: "YT1i"}[text] {
			t.Errorf("%q: body %q, base 64 %v", contentType, e.Body, e.IsBase64Encoded)
		}
	}
	r := httptest.NewRequest("POST", "/forms", strings.NewReader("\xff"))
	r.Header.Set("Content-Type", "text/plain")
	if e, _ := exchange(t, r, `{}`); !e.IsBase64Encoded {
		t.Error("a text that is no UTF-8 was passed on as it is")
	}
}

func TestAReplyBecomesAResponse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reply string
		code        int
		body        string
		headers     http.Header
	}{
		{"with headers and cookies", `{"statusCode":201,"headers":{"x-a":"1","content-type":"text/html"},"cookies":["a=1; Secure","b=2"],"body":"hello"}`, 201, "hello", http.Header{"X-A": {"1"}, "Content-Type": {"text/html"}, "Set-Cookie": {"a=1; Secure", "b=2"}}},
		{"in base 64", `{"statusCode":200,"isBase64Encoded":true,"body":"aGVsbG8="}`, 200, "hello", http.Header{"Content-Type": {"text/plain;charset=utf-8"}}},
		{"without a status code is all body", `{"answer":42}`, 200, `{"answer":42}`, http.Header{"Content-Type": {"application/json"}}},
		{"that is a text is all body", `"hello"`, 200, `"hello"`, http.Header{"Content-Type": {"application/json"}}},
		{"whose body is no text is an error", `{"statusCode":200,"body":{"a":1}}`, 500, `{"message":"Internal Server Error"}`, nil},
		{"with broken base 64 is an error", `{"statusCode":200,"isBase64Encoded":true,"body":"%"}`, 500, `{"message":"Internal Server Error"}`, nil},
		{"with a status that is none is an error", `{"statusCode":1}`, 500, `{"message":"Internal Server Error"}`, nil},
	} {
		t.Run("a reply "+tt.name, func(t *testing.T) {
			t.Parallel()
			_, w := exchange(t, httptest.NewRequest("GET", "/", nil), tt.reply)
			b, err := io.ReadAll(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if w.StatusCode != tt.code || strings.TrimSpace(string(b)) != tt.body {
				t.Errorf("answered %d %s, want %d %s", w.StatusCode, b, tt.code, tt.body)
			}
			for k, v := range tt.headers {
				if !reflect.DeepEqual(w.Header[k], v) {
					t.Errorf("%s is %q, want %q", k, w.Header[k], v)
				}
			}
		})
	}
}

func TestTheGatewayAnswersForAFunctionThatCannot(t *testing.T) {
	t.Parallel()
	ask := func(f invoker, body io.Reader) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		newGateway([]routePlan{{function: "F", method: "ANY", path: "$default"}}, map[string]invoker{"F": f}).ServeHTTP(w, httptest.NewRequest("POST", "/", body))
		return w
	}
	failing := handler(func([]byte) ([]byte, error) { return nil, &functionError{Type: "secret", Message: "detail"} })
	if w := ask(failing, nil); w.Code != 500 || strings.TrimSpace(w.Body.String()) != `{"message":"Internal Server Error"}` {
		t.Errorf("a failing function: %d %s", w.Code, w.Body)
	}
	if w := ask(failing, bytes.NewReader(make([]byte, bodyLimit+1))); w.Code != 413 || strings.TrimSpace(w.Body.String()) != `{"message":"Request Too Long"}` {
		t.Errorf("a large request: %d %s", w.Code, w.Body)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := ask(handler(func([]byte) ([]byte, error) { time.Sleep(time.Minute); return nil, nil }), nil)
		if w.Code != 503 || time.Since(began) != integrationLimit {
			t.Errorf("a slow function: %d after %v", w.Code, time.Since(began))
		}
		time.Sleep(time.Minute)
	})
}
