package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// guard stands before the services that functions call. It knows by the access key who is calling, and refuses what
// that function's role does not allow. Signatures are not checked: whoever is on this machine may call.
type guard struct {
	functions map[string]functionPlan // by access key
	complain  func(format string, args ...any)

	mu       sync.Mutex
	refusals map[refused]int
}

// refused is what a function was not allowed.
type refused struct {
	Function string `json:"function"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

type refusal struct {
	refused
	Count int `json:"count"`
}

func newGuard(functions []functionPlan, complain func(string, ...any)) *guard {
	g := &guard{functions: map[string]functionPlan{}, complain: complain, refusals: map[refused]int{}}
	for _, f := range functions {
		g.functions[accessKey(f.id)] = f
	}
	return g
}

// all are the refusals so far.
func (g *guard) all() []refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := []refusal{}
	for _, r := range slices.SortedFunc(maps.Keys(g.refusals), func(a, b refused) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
	}) {
		out = append(out, refusal{r, g.refusals[r]})
	}
	return out
}

// guarded is a service in the eyes of the guard.
type guarded struct {
	limit int64 // of a request's body
	// needs are what a request must be allowed. An error is what cannot be judged and so is refused.
	needs  func(r *http.Request, body []byte) ([]need, error)
	denied int    // the status of AccessDeniedException
	prefix string // of the names of errors
}

// before lets through to next what the caller's role allows, unchanged.
func (g *guard) before(s guarded, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.limit))
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			jsonError(w, http.StatusRequestEntityTooLarge, s.prefix+"RequestEntityTooLargeException", fmt.Sprintf("the request is larger than %d bytes", tooLarge.Limit))
			return
		}
		if err != nil {
			return // the caller is gone
		}
		key := callerKey(r.Header.Get("Authorization"))
		f, ok := g.functions[key]
		switch {
		case key == "":
			jsonError(w, s.denied, s.prefix+"MissingAuthenticationTokenException", "Request is missing Authentication Token")
			return
		case !ok:
			jsonError(w, s.denied, s.prefix+"UnrecognizedClientException", "The security token included in the request is invalid.")
			return
		}
		needs, err := s.needs(r, body)
		if err != nil {
			jsonError(w, http.StatusBadRequest, s.prefix+"UnknownOperationException", err.Error())
			return
		}
		if why := g.judge(f, needs); why != "" {
			jsonError(w, s.denied, s.prefix+"AccessDeniedException", why)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		next.ServeHTTP(w, r)
	})
}

// judge puts on record all that is not allowed and words the first of it as AWS does.
func (g *guard) judge(f functionPlan, needs []need) (first string) {
	for _, n := range needs {
		why := f.role.refuses(n)
		if why == "" {
			continue
		}
		text := fmt.Sprintf("User: arn:aws:sts::%s:assumed-role/%s/%s is not authorized to perform: %s on resource: %s %s",
			account, resource{ID: f.role.id}.physical(), f.physical(), n.action, n.resource, why)
		first = orText(first, text)
		g.mu.Lock()
		x := refused{f.id, n.action, n.resource}
		g.refusals[x]++
		isNew := g.refusals[x] == 1
		g.mu.Unlock()
		if isNew {
			g.complain("AccessDenied: %s", text)
		}
	}
	return first
}

// callerKey is the access key in the header of a signed request.
func callerKey(authorization string) string {
	parameters, ok := strings.CutPrefix(authorization, "AWS4-HMAC-SHA256 ")
	if !ok {
		return ""
	}
	for p := range strings.SplitSeq(parameters, ",") {
		if credential, ok := strings.CutPrefix(strings.TrimSpace(p), "Credential="); ok {
			key, _, _ := strings.Cut(credential, "/")
			return key
		}
	}
	return ""
}

var guardedTables = guarded{limit: 16 << 20, needs: tableNeeds, denied: http.StatusBadRequest, prefix: "com.amazon.coral.service#"}

// tableRequest is what of a request to DynamoDB says what it touches.
type tableRequest struct {
	TableName, IndexName string
	RequestItems         map[string]json.RawMessage // of a batch, by table
	TransactItems        []map[string]struct{ TableName string }
}

// tableNeeds are the needs of a request to DynamoDB. A batch is judged by its own name, a transaction by its parts.
func tableNeeds(r *http.Request, body []byte) ([]need, error) {
	operation := r.Header.Get("X-Amz-Target")
	name, ok := strings.CutPrefix(operation, "DynamoDB_20120810.")
	var in tableRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("the request is no JSON: %w", err)
	}
	var needs []need
	switch name {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable":
		needs = []need{{"dynamodb:" + name, tableARN(in.TableName, in.IndexName)}}
	case "BatchGetItem", "BatchWriteItem":
		for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
			needs = append(needs, need{"dynamodb:" + name, tableARN(table, "")})
		}
	case "TransactWriteItems", "TransactGetItems":
		for _, item := range in.TransactItems {
			for part, on := range item {
				action, known := map[string]string{
					"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem",
				}[part]
				if !known {
					return nil, fmt.Errorf("a transaction has no part %q", part)
				}
				needs = append(needs, need{"dynamodb:" + action, tableARN(on.TableName, "")})
			}
		}
	default:
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("the local runner cannot judge %s", orText(operation, "a request without X-Amz-Target"))
	}
	return needs, nil
}

// tableARN is the ARN of a table or of its index. A request may name the table by its ARN too.
func tableARN(table, index string) string {
	if !strings.HasPrefix(table, "arn:") {
		table = fmt.Sprintf(attributes["AWS::DynamoDB::Table.Arn"], table)
	}
	if index != "" {
		table += "/index/" + index
	}
	return table
}

var guardedSecrets = guarded{limit: 1 << 16, needs: secretNeeds, denied: http.StatusBadRequest}

func secretNeeds(r *http.Request, body []byte) ([]need, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	if !ok {
		return nil, errors.New("the local runner cannot judge a request without X-Amz-Target")
	}
	var in struct{ SecretId string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("the request is no JSON: %w", err)
	}
	if !strings.HasPrefix(in.SecretId, "arn:") {
		in.SecretId = secretARN(in.SecretId)
	}
	return []need{{"secretsmanager:" + name, in.SecretId}}, nil
}

// guardedMail judges by the identity that SES would send as: the one that was verified, if From is below it. A
// configuration set, if there is one, must be allowed too.
func guardedMail(verified string) guarded {
	return guarded{limit: 56 << 20, denied: http.StatusForbidden, needs: func(_ *http.Request, body []byte) ([]need, error) {
		var in struct{ FromEmailAddress, ConfigurationSetName string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, fmt.Errorf("the request is no JSON: %w", err)
		}
		identity := in.FromEmailAddress // the mailbox says what is wrong with it
		if from, err := mail.ParseAddress(in.FromEmailAddress); err == nil {
			if _, identity, _ = strings.Cut(strings.ToLower(from.Address), "@"); verifies(verified, from.Address) {
				identity = verified
			}
		}
		needs := []need{{"ses:SendEmail", "arn:aws:ses:" + region + ":" + account + ":identity/" + identity}}
		if in.ConfigurationSetName != "" {
			needs = append(needs, need{"ses:SendEmail", mailSetARN(in.ConfigurationSetName)})
		}
		return needs, nil
	}}
}

// proxy passes calls on to the engine at an endpoint.
func proxy(endpoint string, complain func(string, ...any)) (http.Handler, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// Amazon DynamoDB Local keeps a database for each access key, unless told otherwise: all are the runner.
			authorization := r.In.Header.Get("Authorization")
			r.Out.Header.Set("Authorization", strings.Replace(authorization, "="+callerKey(authorization)+"/", "="+runnerKey+"/", 1))
		},
		// As many connections stay open as functions may have calls under way.
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, DisableCompression: true},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, context.Canceled) {
				complain("the DynamoDB engine does not answer: %v", err)
			}
			jsonError(w, http.StatusInternalServerError, "com.amazonaws.dynamodb.v20120810#InternalServerError", "the DynamoDB engine does not answer")
		},
	}, nil
}
