package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

const (
	// bodyLimit is the largest request an HTTP API takes.
	bodyLimit = 10 << 20
	// integrationLimit is how long an HTTP API waits for a function; the function goes on.
	integrationLimit = 30 * time.Second
)

// gateway plays an HTTP API in front of the functions, payload format 2.0.
type gateway struct {
	routes []route // most specific first
	api    string  // id of the API
}

type route struct {
	routePlan
	segments []string
	function invoker
}

func newGateway(plans []routePlan, functions map[string]invoker) *gateway {
	g := &gateway{api: "local"}
	for _, p := range plans {
		g.routes = append(g.routes, route{routePlan: p, segments: strings.Split(p.path, "/"), function: functions[p.function]})
	}
	slices.SortStableFunc(g.routes, func(a, b route) int { return slices.Compare(a.rank(), b.rank()) })
	return g
}

// rank orders routes as API Gateway chooses: a literal segment before a parameter before a greedy one before
// $default; a method before ANY.
func (r route) rank() []int {
	var rank []int
	for _, s := range r.segments {
		switch {
		case s == "$default":
			rank = append(rank, 3)
		case strings.HasSuffix(s, "+}"):
			rank = append(rank, 2)
		case strings.HasPrefix(s, "{"):
			rank = append(rank, 1)
		default:
			rank = append(rank, 0)
		}
	}
	if r.method == "ANY" {
		return append(rank, 1)
	}
	return append(rank, 0)
}

// key is the route key of the event.
func (r route) key() string {
	if r.path == "$default" {
		return r.path
	}
	return r.method + " " + r.path
}

// match tells whether the route answers a request, and the values of its path parameters.
func (r route) match(method string, segments []string) (map[string]string, bool) {
	if r.method != "ANY" && r.method != method {
		return nil, false
	}
	if r.path == "$default" {
		return nil, true
	}
	var parameters map[string]string
	set := func(name, escaped string) {
		if parameters == nil {
			parameters = map[string]string{}
		}
		value, err := url.PathUnescape(escaped)
		if err != nil {
			value = escaped
		}
		parameters[name] = value
	}
	for i, s := range r.segments {
		if name, ok := strings.CutSuffix(s, "+}"); ok && i < len(segments) && segments[i] != "" {
			set(name[1:], strings.Join(segments[i:], "/"))
			return parameters, true
		}
		switch {
		case i >= len(segments):
			return nil, false
		case strings.HasPrefix(s, "{") && !strings.HasSuffix(s, "+}") && segments[i] != "":
			set(strings.Trim(s, "{}"), segments[i])
		case s != segments[i]:
			return nil, false
		}
	}
	return parameters, len(r.segments) == len(segments)
}

// ServeHTTP turns a request into an event, and the function's reply into a response.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := newUUID()
	w.Header().Set("Apigw-Requestid", requestID)
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for _, route := range g.routes {
		parameters, ok := route.match(r.Method, segments)
		if !ok {
			continue
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				message(w, http.StatusRequestEntityTooLarge, "Request Too Long")
				return
			}
			message(w, http.StatusBadRequest, "Bad Request")
			return
		}
		event := g.event(r, route, parameters, body, requestID, time.Now())
		payload, err := json.Marshal(event)
		if err != nil {
			message(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		// A client that hangs up does not stop the function.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), integrationLimit)
		defer cancel()
		type answer struct {
			body []byte
			err  error
		}
		answered := make(chan answer, 1)
		go func() {
			body, err := route.function.invoke(context.WithoutCancel(ctx), payload)
			answered <- answer{body, err}
		}()
		select {
		case a := <-answered:
			switch {
			case errors.Is(a.err, errPayloadTooLarge):
				message(w, http.StatusRequestEntityTooLarge, "Request Too Long")
			case a.err != nil:
				message(w, http.StatusInternalServerError, "Internal Server Error")
			default:
				respond(w, a.body)
			}
		case <-ctx.Done():
			message(w, http.StatusServiceUnavailable, "Service Unavailable")
		}
		return
	}
	message(w, http.StatusNotFound, "Not Found")
}

func (g *gateway) event(r *http.Request, route route, parameters map[string]string, body []byte, id string, now time.Time) events.APIGatewayV2HTTPRequest {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	domain, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain, port = r.Host, "80"
	}
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: route.key(), RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{}, PathParameters: parameters,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: route.key(), AccountID: account, Stage: "$default", APIID: g.api, RequestID: id,
			DomainName: domain, DomainPrefix: strings.Split(domain, ".")[0],
			Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.EscapedPath(), Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	for name, values := range r.Header {
		switch name {
		case "Cookie":
			for _, line := range values {
				for c := range strings.SplitSeq(line, ";") {
					if c = strings.TrimSpace(c); c != "" {
						e.Cookies = append(e.Cookies, c)
					}
				}
			}
		case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade": // between two hops
		default:
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	// What the client says about itself is kept only where API Gateway appends to it.
	if before := e.Headers["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	e.Headers["x-forwarded-for"] = source
	e.Headers["x-forwarded-proto"] = "http"
	e.Headers["x-forwarded-port"] = port
	e.Headers["host"] = r.Host
	e.Headers["content-length"] = strconv.Itoa(len(body))
	e.Headers["x-amzn-trace-id"], _, _ = strings.Cut(traceID(now), ";")
	if q := r.URL.Query(); len(q) > 0 {
		e.QueryStringParameters = map[string]string{}
		for k, v := range q {
			e.QueryStringParameters[k] = strings.Join(v, ",")
		}
	}
	switch {
	case len(body) == 0:
	case isText(r.Header.Get("Content-Type")) && utf8.Valid(body):
		e.Body = string(body)
	default:
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// isText tells whether API Gateway passes a body of this type on as it is. Everything else comes in base 64: also
// a form of a web page, JSON under a name of its own, and a body without a type.
func isText(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch kind {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// respond writes what the function replied. A reply without a status code is the body of a 200.
func respond(w http.ResponseWriter, payload []byte) {
	var r struct {
		StatusCode      *int             `json:"statusCode"`
		Headers         map[string]any   `json:"headers"`
		Cookies         []string         `json:"cookies"`
		Body            *json.RawMessage `json:"body"`
		IsBase64Encoded bool             `json:"isBase64Encoded"`
	}
	if !json.Valid(payload) {
		message(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil || fields["statusCode"] == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(payload)
		return
	}
	var body []byte
	err := json.Unmarshal(payload, &r)
	if err == nil && r.Body != nil {
		var s string
		if err = json.Unmarshal(*r.Body, &s); err == nil {
			if body = []byte(s); r.IsBase64Encoded {
				body, err = base64.StdEncoding.DecodeString(s)
			}
		}
	}
	if err != nil || r.StatusCode == nil || *r.StatusCode < 200 || *r.StatusCode > 599 {
		message(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain;charset=utf-8")
	for k, v := range r.Headers {
		switch http.CanonicalHeaderKey(k) {
		case "Connection", "Content-Length", "Transfer-Encoding": // the server's own
		default:
			h.Set(k, text(v))
		}
	}
	for _, c := range r.Cookies {
		h.Add("Set-Cookie", c)
	}
	w.WriteHeader(*r.StatusCode)
	_, _ = w.Write(body) // the client may be gone
}

// message is an answer of the gateway itself.
func message(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": text})
}
