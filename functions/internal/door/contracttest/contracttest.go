// Package contracttest holds answers to the API's contract, infra/openapi.yaml. It stands between a test and what
// answers, so that every answer a test gets is checked without the test asking for it.
package contracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"example.org/optout/infra"
)

// Contract is a description of an API.
type Contract struct {
	Document  *openapi3.T
	Otherwise *openapi3.Operation // what is answered where the document has no operation
	router    routers.Router
}

// API is the contract of every door.
var API = sync.OnceValue(func() *Contract {
	c, err := Read(infra.OpenAPI)
	if err != nil {
		panic("the API's contract: " + err.Error())
	}
	return c
})

func init() { openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder) }

// Read reads a contract. One whose own examples do not fit it is none.
func Read(source []byte) (*Contract, error) {
	document, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, err
	}
	router, err := legacy.NewRouter(document) // validates the document and its examples
	if err != nil {
		return nil, err
	}
	otherwise, err := defaultRoute(document)
	if err != nil {
		return nil, fmt.Errorf("$default: %w", err)
	}
	return &Contract{document, otherwise, router}, nil
}

// defaultRoute reads API Gateway's word for what has no operation. OpenAPI has none, so that the loader passes over
// it and over the references in it.
func defaultRoute(d *openapi3.T) (*openapi3.Operation, error) {
	item := d.Paths.Value("/$default")
	if item == nil {
		return nil, errors.New("there is none")
	}
	source, err := json.Marshal(item.Extensions["x-amazon-apigateway-any-method"])
	if err != nil {
		return nil, err
	}
	var o openapi3.Operation
	if err := json.Unmarshal(source, &o); err != nil {
		return nil, err
	}
	if o.Responses.Len() == 0 {
		return nil, errors.New("it has no answers")
	}
	for status, r := range o.Responses.Map() {
		component, ok := d.Components.Responses[path.Base(r.Ref)]
		if !ok {
			return nil, fmt.Errorf("%s refers to %q, which is not there", status, r.Ref)
		}
		r.Value = component.Value
	}
	return &o, nil
}

// Gateway is the schema of what the gateway in front of the doors answers itself, without any header of theirs.
const Gateway = "#/components/schemas/Gateway"

// carriers are the headers that HTTP and the gateway add to an answer.
var carriers = []string{"Content-Length", "Content-Type", "Date", "Apigw-Requestid"}

// Deviation says what in an answer is not as the contract has it: its status, a header or its value, its content
// type, a field of its body or its value. It is nil if all is.
func (c *Contract) Deviation(r *http.Request, status int, header http.Header, body []byte) error {
	here := &http.Request{Method: r.Method, URL: &url.URL{Path: r.URL.Path}} // wherever it was sent to
	route, _, err := c.router.FindRoute(here)
	if err != nil {
		route = &routers.Route{Spec: c.Document, Operation: c.Otherwise}
	}
	response := route.Operation.Responses.Status(status)
	if response == nil {
		return errors.New("this status is not in the contract")
	}
	headers, media := response.Value.Headers, response.Value.Content.Get(header.Get("Content-Type"))
	gateways := media != nil && media.Schema.Ref == Gateway
	if gateways {
		headers = nil
	}
	for name := range header {
		if _, ok := headers[name]; !ok && !slices.Contains(carriers, name) {
			return fmt.Errorf("the header %s is not in the contract", name)
		}
	}
	if gateways { // OpenAPI knows headers by status alone, and would require ours
		var said any
		if err := json.Unmarshal(body, &said); err != nil {
			return err
		}
		return media.Schema.Value.VisitJSON(said, openapi3.EnableJSONSchema2020())
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: here, Route: route},
		Status:                 status,
		Header:                 header,
	}
	return openapi3filter.ValidateResponse(context.Background(), answer.SetBodyBytes(body))
}

// Handler serves with another handler and reports each of its answers that deviates from the contract.
func Handler(next http.Handler, report func(format string, args ...any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := httptest.NewRecorder()
		next.ServeHTTP(said, r)
		answer := said.Result()
		check(r, answer.StatusCode, answer.Header, said.Body.Bytes(), report)
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(said.Body.Bytes())
	})
}

// Client sends over the network and reports each answer that deviates from the contract.
func Client(report func(format string, args ...any)) *http.Client {
	return &http.Client{Transport: transport(report)}
}

type transport func(format string, args ...any)

func (report transport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	check(r, answer.StatusCode, answer.Header, body, report)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

func check(r *http.Request, status int, header http.Header, body []byte, report func(string, ...any)) {
	if err := API().Deviation(r, status, header, body); err != nil {
		why, _, _ := strings.Cut(err.Error(), "\nSchema:") // the schema stands in the contract, the value below
		report("%s %s is answered as the contract does not have it: %s\n%d %v\n%s", r.Method, r.URL.Path, why, status, header, body)
	}
}
