package trigger

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/problem"
)

// HTTP serves API Gateway's HTTP API (payload format 2.0) with a handler of net/http.
func HTTP(o *observe.Observer, h http.Handler) func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w := &response{header: http.Header{}, status: http.StatusOK}
		_ = o.Invocation(ctx, "http", e.RequestContext.RequestID, func(ctx context.Context) (err error) {
			defer func() {
				if p := recover(); p != nil { // the caller gets an answer, the log gets the place
					*w = response{header: w.header} // what the door says on every answer it says on this one too
					problem.Write(ctx, w, problem.Broken)
					err = fmt.Errorf("panic: %T at %s", p, where(debug.Stack()))
				}
				observe.Note(ctx, "route", e.RouteKey)
				observe.Note(ctx, "status", fmt.Sprint(w.status))
				observe.Count(ctx, fmt.Sprintf("Status%dxx", w.status/100), 1)
			}()
			if deadline, ok := ctx.Deadline(); ok { // better say "not now" than be ended in mid-sentence
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answering))
				defer cancel()
			}
			r, err := request(ctx, e)
			if err != nil {
				problem.Write(ctx, w, problem.NotFound)
				return nil
			}
			h.ServeHTTP(w, r)
			return nil
		})
		return w.event(), nil
	}
}

// answering is the time kept back for saying that there is no more of it.
const answering = 1500 * time.Millisecond

// request is the HTTP request that API Gateway received.
func request(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, e.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	unescaped, err := url.PathUnescape(e.RawPath)
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	// Not parsed as a whole: a path like //host would be taken for a host.
	r.URL = &url.URL{Path: unescaped, RawPath: e.RawPath, RawQuery: e.RawQueryString}
	for k, v := range e.Headers {
		r.Header.Set(k, v)
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	r.Host, r.RequestURI, r.RemoteAddr = r.Header.Get("Host"), r.URL.RequestURI(), e.RequestContext.HTTP.SourceIP
	r.ContentLength = int64(len(body))
	return r, nil
}

// response gathers what a handler writes.
type response struct {
	header  http.Header
	body    bytes.Buffer
	status  int
	written bool
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if !w.written && status >= 200 { // informational headers cannot be sent from a function
		w.status, w.written = status, true
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.written = true
	return w.body.Write(b)
}

// event is the answer that API Gateway understands: one value a header, cookies apart, binary bodies in base 64.
func (w *response) event() events.APIGatewayV2HTTPResponse {
	e := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.header.Values("Set-Cookie")}
	for k := range maps.Keys(w.header) {
		if k != "Set-Cookie" {
			e.Headers[k] = strings.Join(w.header.Values(k), ", ")
		}
	}
	if b := w.body.Bytes(); utf8.Valid(b) {
		e.Body = string(b)
	} else {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(b), true
	}
	return e
}

// where names the line of our own code that a panic came from, and not its values.
func where(stack []byte) string {
	for line := range strings.Lines(string(stack)) {
		line = strings.TrimSpace(line)
		if i := strings.Index(line, "/functions/"); i >= 0 && !strings.Contains(line, "/trigger/") && strings.Contains(line, ".go:") {
			place, _, _ := strings.Cut(line[i+1:], " ")
			return place
		}
	}
	return "an unknown place"
}
