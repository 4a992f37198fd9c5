package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// payloadLimit is how large an event and a reply may be.
	payloadLimit = 6 << 20
	// initLimit is how long a bootstrap may take to ask for its first invocation.
	initLimit = 10 * time.Second
)

// functionError is what Lambda answers when the function, not the service, has failed.
type functionError struct {
	Type    string          `json:"errorType"`
	Message string          `json:"errorMessage"`
	payload json.RawMessage // as the function sent it, if it did
}

func (e *functionError) Error() string { return e.Type + ": " + e.Message }

// runtimeAPI is the Lambda Runtime API. Each sandbox has a path prefix of its own, so one server serves them all.
type runtimeAPI struct {
	address  string
	children *children

	mu        sync.RWMutex
	sandboxes map[string]*sandbox
	closed    bool
	number    int
}

func newRuntimeAPI(address string, c *children) *runtimeAPI {
	return &runtimeAPI{address: address, children: c, sandboxes: map[string]*sandbox{}}
}

// lambda is one function: a pool of processes, each serving one invocation at a time.
type lambda struct {
	functionPlan
	env []string // complete but for what differs between sandboxes
	api *runtimeAPI
	log func(line string)

	slots     chan struct{} // one per invocation that may run at once
	mu        sync.Mutex
	idle      []*sandbox
	directory string    // holds bootstrap; changes only under api.mu too, so that none is started that is no more
	built     time.Time // when the sources were last found to make this bootstrap
	fault     string    // why the newest sources make none, as the compiler words it; empty: they do

	invocations, coldStarts, errors, timeouts, running atomic.Int64
}

// newLambda prepares a function; a process is started by the first invocation.
func newLambda(p functionPlan, directory string, endpoints map[string]string, api *runtimeAPI, log func(string)) *lambda {
	env := map[string]string{
		"PATH":                            "/usr/local/bin:/usr/bin:/bin",
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"_HANDLER":                        "bootstrap",
		"AWS_REGION":                      region,
		"AWS_DEFAULT_REGION":              region,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_NAME":        p.physical(),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(p.memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       p.logGroup,
		"AWS_ACCESS_KEY_ID":               accessKey(p.id),
		"AWS_SECRET_ACCESS_KEY":           secretKey,
		"AWS_SESSION_TOKEN":               sessionToken(accessKey(p.id)),
	}
	maps.Copy(env, endpoints)
	maps.Copy(env, p.environment)
	l := &lambda{functionPlan: p, directory: directory, built: time.Now(), api: api, log: log, slots: make(chan struct{}, p.concurrency)}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		l.env = append(l.env, k+"="+env[k])
	}
	return l
}

func (p functionPlan) physical() string { return resource{ID: p.id}.physical() }

// accessKey is the access key of a function: whoever receives a call knows by it who is calling. Temporary ones, which
// functions have, begin like this on AWS too.
func accessKey(id string) string { return "ASIALOCAL" + strings.ToUpper(id) }

// runnerKey is the access key of the runner itself.
const runnerKey = "LOCALRUNNER"

// secretKey is every function's. Only S3 checks what is signed with it.
const secretKey = "secret"

// sessionToken belongs to an access key: as on AWS, a function has it beside its keys.
func sessionToken(accessKey string) string { return "session-of-" + accessKey }

func (p functionPlan) arn() string {
	return fmt.Sprintf(attributes["AWS::Serverless::Function.Arn"], p.physical())
}

// invocation is one event on its way through a sandbox.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	done     chan reply
}

type reply struct {
	body []byte
	err  error
}

// sandbox is one process of a function.
type sandbox struct {
	lambda    *lambda
	id        string
	directory string // of its bootstrap
	process   *child
	next      chan *invocation // handed over only to a process that is waiting for it

	mu        sync.Mutex
	current   *invocation
	initError *functionError
}

// invoke runs the function once, as the Invoke API does with invocation type RequestResponse.
func (l *lambda) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > payloadLimit {
		return nil, errPayloadTooLarge
	}
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.invocations.Add(1)
	l.running.Add(1)
	defer l.running.Add(-1)
	inv := &invocation{id: newUUID(), payload: payload, done: make(chan reply, 1)}
	body, err := l.run(ctx, inv)
	if err != nil && ctx.Err() == nil {
		l.errors.Add(1)
		// What a function reports it has also logged; what befell it, it could not.
		if fe, ok := errors.AsType[*functionError](err); !ok || fe.payload == nil {
			l.log(fmt.Sprintf("RequestId: %s Error: %v", inv.id, err))
		}
	}
	return body, err
}

var errPayloadTooLarge = errors.New("the event is larger than 6 MB")

// run hands the invocation to a process. A process that was found idle but dies before it has taken the
// invocation is replaced by a new one.
func (l *lambda) run(ctx context.Context, inv *invocation) ([]byte, error) {
	for {
		b, cold, err := l.take()
		if err != nil {
			return nil, err
		}
		taken, body, err := b.run(ctx, inv)
		if !taken && !cold && ctx.Err() == nil {
			continue
		}
		return body, err
	}
}

// take finds an idle process or starts one.
func (l *lambda) take() (b *sandbox, cold bool, err error) {
	l.mu.Lock()
	for len(l.idle) > 0 {
		b := l.idle[len(l.idle)-1]
		l.idle = l.idle[:len(l.idle)-1]
		select {
		case <-b.process.dead:
		default:
			l.mu.Unlock()
			return b, false, nil
		}
	}
	l.mu.Unlock()
	b, err = l.api.start(l)
	return b, true, err
}

// start runs a new process of a function.
func (a *runtimeAPI) start(l *lambda) (*sandbox, error) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil, errors.New("the runner is stopping")
	}
	a.number++
	b := &sandbox{lambda: l, id: fmt.Sprintf("%s-%d", l.id, a.number), directory: l.directory, next: make(chan *invocation)}
	a.sandboxes[b.id] = b
	env := append(slices.Clone(l.env),
		"LAMBDA_TASK_ROOT="+b.directory,
		"AWS_LAMBDA_RUNTIME_API="+a.address+"/"+b.id,
		fmt.Sprintf("AWS_LAMBDA_LOG_STREAM_NAME=%s/[$LATEST]%x", time.Now().UTC().Format("2006/01/02"), randomBytes(16)),
	)
	var err error
	// Under the lock: a process is either started before stop or not at all.
	if b.process, err = a.children.start(b.directory, env, l.log, filepath.Join(b.directory, "bootstrap")); err != nil {
		delete(a.sandboxes, b.id)
		a.mu.Unlock()
		return nil, &functionError{Type: "Runtime.InvalidEntrypoint", Message: err.Error()}
	}
	a.mu.Unlock()
	l.coldStarts.Add(1)
	go func() {
		<-b.process.dead
		a.mu.Lock()
		delete(a.sandboxes, b.id)
		a.mu.Unlock()
	}()
	return b, nil
}

// run waits for the process to take the invocation and to answer it.
func (b *sandbox) run(ctx context.Context, inv *invocation) (taken bool, body []byte, err error) {
	starting := time.NewTimer(initLimit)
	defer starting.Stop()
	select {
	case b.next <- inv:
	case <-b.process.dead:
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.initError != nil {
			return false, nil, b.initError
		}
		return false, nil, &functionError{Type: "Runtime.ExitError", Message: fmt.Sprintf("the process ended before its first invocation: %v", b.process.err)}
	case <-starting.C:
		b.process.kill()
		return false, nil, &functionError{Type: "Sandbox.Timedout", Message: fmt.Sprintf("no request for an invocation within %v", initLimit)}
	case <-ctx.Done():
		b.process.kill()
		return false, nil, ctx.Err()
	}
	deadline := time.NewTimer(b.lambda.timeout)
	defer deadline.Stop()
	select {
	case r := <-inv.done:
		b.rest()
		return true, r.body, r.err
	case <-b.process.dead:
		select {
		case r := <-inv.done: // answered, then died
			return true, r.body, r.err
		default:
		}
		return true, nil, &functionError{Type: "Runtime.ExitError", Message: fmt.Sprintf("the process ended before it answered: %v", b.process.err)}
	case <-deadline.C:
		b.process.kill()
		b.lambda.timeouts.Add(1)
		return true, nil, &functionError{Type: "Sandbox.Timedout", Message: fmt.Sprintf("Task timed out after %.2f seconds", b.lambda.timeout.Seconds())}
	case <-ctx.Done():
		b.process.kill()
		return true, nil, ctx.Err()
	}
}

// rest puts the process back among the idle ones, or ends it if its bootstrap has been replaced since it began.
func (b *sandbox) rest() {
	b.lambda.mu.Lock()
	defer b.lambda.mu.Unlock()
	if b.directory != b.lambda.directory {
		b.process.kill()
		return
	}
	b.lambda.idle = append(b.lambda.idle, b)
}

// swap has further invocations run the bootstrap in a folder; those under way go on with the process they have. It
// tells whether that is another bootstrap than before. Afterwards no process can be started from the folder before.
func (l *lambda) swap(directory string, built time.Time) bool {
	l.api.mu.Lock()
	defer l.api.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.built, l.fault = built, ""
	if directory == l.directory {
		return false
	}
	l.directory = directory
	for _, b := range l.idle {
		b.process.kill()
	}
	l.idle = nil
	return true
}

// keep goes on with the bootstrap there is, because there is no newer one.
func (l *lambda) keep(fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// build says when the bootstrap was last built, and why there is no newer one, if there should be.
func (l *lambda) build() (built time.Time, fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.built, l.fault
}

// pids are the processes of a function.
func (a *runtimeAPI) pids(l *lambda) []int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	pids := []int{}
	for _, b := range a.sandboxes {
		if b.lambda == l {
			pids = append(pids, b.process.pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// stop kills every process and refuses new ones.
func (a *runtimeAPI) stop() {
	a.mu.Lock()
	a.closed = true
	running := slices.Collect(maps.Values(a.sandboxes))
	a.mu.Unlock()
	for _, b := range running {
		b.process.kill()
	}
	for _, b := range running {
		<-b.process.dead
	}
}

// ServeHTTP answers the processes.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	a.mu.RLock()
	b := a.sandboxes[id]
	a.mu.RUnlock()
	operation, ok := strings.CutPrefix(rest, "2018-06-01/runtime/")
	if b == nil || !ok {
		http.NotFound(w, r)
		return
	}
	invocationID, verb, _ := strings.Cut(strings.TrimPrefix(operation, "invocation/"), "/")
	switch {
	case operation == "invocation/next" && r.Method == http.MethodGet:
		b.serveNext(w, r)
	case operation == "init/error" && r.Method == http.MethodPost:
		b.mu.Lock()
		b.initError = readError(r)
		b.mu.Unlock()
		accepted(w)
	case verb == "response" && r.Method == http.MethodPost:
		body, err := io.ReadAll(io.LimitReader(r.Body, payloadLimit+1))
		answer := reply{body: body}
		if len(body) > payloadLimit {
			answer = reply{err: &functionError{Type: "Function.ResponseSizeTooLarge", Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", payloadLimit)}}
		}
		if err != nil {
			return // the process died while it was answering
		}
		b.answer(w, invocationID, answer)
	case verb == "error" && r.Method == http.MethodPost:
		b.answer(w, invocationID, reply{err: readError(r)})
	default:
		http.NotFound(w, r)
	}
}

func (b *sandbox) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case inv := <-b.next:
		inv.deadline = time.Now().Add(b.lambda.timeout)
		b.mu.Lock()
		b.current = inv
		b.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", b.lambda.arn())
		h.Set("Lambda-Runtime-Trace-Id", traceID(inv.deadline))
		_, _ = w.Write(inv.payload) // if it is gone, its end is noticed
	case <-r.Context().Done():
	case <-b.process.dead:
	}
}

// answer ends the current invocation; anything else is refused, as on AWS.
func (b *sandbox) answer(w http.ResponseWriter, id string, r reply) {
	b.mu.Lock()
	inv := b.current
	if inv != nil && inv.id == id {
		b.current = nil
	}
	b.mu.Unlock()
	if inv == nil || inv.id != id {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`)
		return
	}
	if e, ok := errors.AsType[*functionError](r.err); ok && e.Type == "Function.ResponseSizeTooLarge" {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	} else {
		accepted(w)
	}
	inv.done <- r
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func readError(r *http.Request) *functionError {
	body, _ := io.ReadAll(io.LimitReader(r.Body, payloadLimit))
	e := &functionError{payload: body}
	if json.Unmarshal(body, e) != nil || e.Type == "" {
		e.Type = orText(r.Header.Get("Lambda-Runtime-Function-Error-Type"), "Runtime.Unknown")
	}
	return e
}

func traceID(t time.Time) string {
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", t.Unix(), randomBytes(12), randomBytes(8))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func newUUID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
