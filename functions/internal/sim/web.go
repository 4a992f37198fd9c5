package sim

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/trigger"
)

// Web is a door as API Gateway calls it.
type Web func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// webTakes is how long a door's function has.
const webTakes = 15 * time.Second

// NewWeb has a handler called as it is in its function.
func NewWeb(name string, h http.Handler) Web {
	return trigger.HTTP(observe.New(name, logs, now), h)
}

// now is the clock of the history that happens.
func now() time.Time { return current.Now() }

// Request is what a client sends.
type Request struct {
	Method, Path string
	Header       map[string]string
	Body         string
}

// Response is what it hears; Status is 0 if it hears nothing.
type Response struct {
	Status int
	Header map[string]string
	Body   string

	Cookies []string // as they are set
}

// failed says that nothing was answered, or only that something failed: the same can be sent again.
func (r Response) failed() bool { return r.Status == 0 || r.Status >= 500 }

// Send has a client send a request to a door, and hear or not hear what comes of it.
func (w *World) Send(door string, web Web, r Request, hear func(Response)) {
	lost := w.stormy && w.chance(w.weather.Net)
	if lost && w.wind.IntN(2) == 0 {
		w.fault("request lost")
		w.After(30*time.Second, func() { hear(Response{}) })
		return
	}
	path, query, _ := strings.Cut(r.Path, "?")
	e := events.APIGatewayV2HTTPRequest{RawPath: path, RawQueryString: query, RouteKey: r.Method, Headers: r.Header, Body: r.Body}
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = r.Method, "192.0.2.1"
	var out events.APIGatewayV2HTTPResponse
	w.Start(door, webTakes, func(ctx context.Context) { out, _ = web(ctx, e) }, func(err error) {
		if err == nil && w.log != nil {
			w.note("%s %s: %d %.200s", r.Method, r.Path, out.StatusCode, out.Body)
		}
		if err == nil && out.StatusCode == http.StatusInternalServerError { // whether anybody hears it or not
			w.Wrong("%s %s: something is wrong on our side: %s", r.Method, path, out.Body)
		}
		switch {
		case lost:
			w.fault("response lost")
			w.After(30*time.Second, func() { hear(Response{}) })
		case err != nil:
			hear(Response{Status: http.StatusBadGateway})
		default:
			hear(Response{out.StatusCode, out.Headers, out.Body, out.Cookies})
		}
	})
}
