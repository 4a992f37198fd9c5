package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed parameters.json
var parametersJSON []byte

// stopPatience is how long what is under way may take to end when the runner is stopped.
const stopPatience = 2 * time.Second

// service plays an AWS service for the functions. What it provisions it takes from the plan when it is made.
type service struct {
	name string
	// start brings it up and returns the environment by which the functions find it.
	start func(context.Context) (environment map[string]string, err error)
	stop  func()
}

// runner is everything that runs.
type runner struct {
	options
	plan     plan
	complain func(format string, args ...any)
	errorLog *log.Logger // of the servers; the same as complain

	guard     *guard
	children  *children
	builder   builder
	tree      map[string]stamp  // the files before they were first built
	builds    map[string]string // the first ones
	logs      *logs
	api       *runtimeAPI
	functions map[string]*lambda
	engine    *engine
	proxy     *http.Server      // between the functions and the engine
	objects   *objects          // nil: the template has no bucket for them
	bucketsAt string            // address at which functions and browsers find the buckets
	streams   map[string]string // the engine's ARNs, by logical id of the table
	mailbox   *mailbox
	bus       *bus
	malware   *malware // nil: the template has no plan for it
	mappings  []*mapping
	schedules *schedules
	stream    *toggle
	sweeper   *toggle
	results   *toggle // off: nothing is said of malware
	failing   *toggle // on: GuardDuty fails at all that it looks into

	patients, console, issuer string // addresses
	servers                   []*http.Server
}

// run plays the template until the context ends.
func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	o.state = below(o.root, o.state)
	if err := os.MkdirAll(o.state, 0o700); err != nil {
		return fmt.Errorf("make state folder: %w", err)
	}
	lock, err := lockState(o.state)
	if err != nil {
		return err
	}
	defer lock.Close()
	doors, err := listenDoors(o.port)
	if err != nil {
		return err
	}
	defer doors[issuerDoor].Close() // nobody serves it if the template has no user pool
	errorLog := log.New(stderr, "local: ", 0)
	r := &runner{
		options: o, complain: errorLog.Printf, errorLog: errorLog, children: newChildren(),
		functions: map[string]*lambda{}, stream: newToggle(o.stream), sweeper: newToggle(o.sweeper),
		results: newToggle(o.results), failing: newToggle(false),
		patients: "http://" + doors[0].Addr().String(), console: "http://" + doors[1].Addr().String(),
		issuer: "http://" + doors[issuerDoor].Addr().String(),
	}
	r.builder = builder{root: o.root, state: o.state, race: o.race, children: r.children}
	if err := r.read(); err != nil {
		return err
	}
	if r.logs, err = newLogs(filepath.Join(o.state, "logs")); err != nil {
		return err
	}
	defer r.logs.close()
	if len(r.plan.malware) > 0 {
		if r.malware, err = openMalware(filepath.Join(r.state, "malware.jsonl"), r.plan.malware, r.results, r.failing, r.bus, r.complain); err != nil {
			return err
		}
		defer r.malware.close()
	}

	services := r.services(doors[issuerDoor])
	defer func() {
		for _, s := range slices.Backward(services) {
			s.stop()
		}
	}()
	environment, err := r.startAll(ctx, services, stderr)
	if err != nil {
		return err
	}
	if err := r.startFunctions(environment); err != nil {
		return err
	}
	defer r.api.stop()
	return r.serve(ctx, [2]net.Listener(doors[:2]), stdout)
}

// issuerDoor is the last of the doors.
const issuerDoor = 2

// below makes a path absolute, seen from the root.
func below(root, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// listenDoors opens the patients' door, the console and the issuer, so that a port that is taken is found at once.
func listenDoors(port int) ([3]net.Listener, error) {
	var doors [3]net.Listener
	for i := range doors {
		wanted := 0
		if port > 0 {
			wanted = port + i
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", wanted))
		if err != nil {
			return doors, fmt.Errorf("port %d is taken: choose another with PORT= or -port (%w)", wanted, err)
		}
		doors[i] = l
	}
	return doors, nil
}

// read resolves the template and makes the plan.
func (r *runner) read() error {
	defaults := map[string]string{}
	if err := json.Unmarshal(parametersJSON, &defaults); err != nil {
		return fmt.Errorf("read local parameters: %w", err)
	}
	defaults["Architecture"] = orText(map[string]string{"amd64": "x86_64"}[runtime.GOARCH], runtime.GOARCH)
	defaults["Address"] = r.patients
	s, err := loadStack(below(r.root, r.template), r.settings, defaults, addresses{api: r.patients, issuer: r.issuer})
	if err != nil {
		return err
	}
	r.plan = planOf(s)
	r.guard = newGuard(r.plan.functions, r.complain)
	r.bus = &bus{rules: r.plan.rules, complain: r.complain}
	return s.err(r.template)
}

// services are those that the functions may call. A further one is one more entry: it is made of the plan, started
// before the functions, and stopped after them.
func (r *runner) services(issuerDoor net.Listener) []service {
	all := []service{
		{name: "DynamoDB", start: r.startDynamoDB, stop: func() {
			if r.proxy != nil {
				r.proxy.Close()
			}
			if r.engine != nil {
				r.engine.close()
			}
		}},
		r.webService("Secrets Manager", "AWS_ENDPOINT_URL_SECRETS_MANAGER", func() (http.Handler, error) {
			s, err := openSecrets(filepath.Join(r.state, "secrets.json"), r.plan.secrets)
			return r.guard.before(guardedSecrets, s), err
		}),
		r.webService("SES", "AWS_ENDPOINT_URL_SESV2", func() (handler http.Handler, err error) {
			r.mailbox, err = openMailbox(filepath.Join(r.state, "mails.jsonl"), r.plan.identity, r.plan.mailSets, r.bus)
			return r.guard.before(guardedMail(r.plan.identity), r.mailbox), err
		}),
		r.webService("other services, to refuse them", "AWS_ENDPOINT_URL", func() (http.Handler, error) {
			return http.HandlerFunc(r.unplayed), nil
		}),
	}
	if len(r.plan.clients) > 0 {
		all = append(all, r.issuerService(issuerDoor))
	}
	if buckets := r.plan.objectBuckets(); len(buckets) > 0 {
		all = append(all, r.objectsService(buckets))
	}
	if len(r.plan.malware) > 0 {
		all = append(all, r.webService("GuardDuty", "AWS_ENDPOINT_URL_GUARDDUTY", func() (http.Handler, error) {
			return r.guard.before(guardedMalware, r.malware), nil
		}))
	}
	return all
}

// issuerService plays the user pool. The functions find it by the template, as its ProviderURL.
func (r *runner) issuerService(l net.Listener) service {
	var server *http.Server
	return service{
		name: "Cognito",
		start: func(context.Context) (map[string]string, error) {
			i, err := openIssuer(filepath.Join(r.state, "issuer.pem"), r.issuer, r.plan.clients)
			if err != nil {
				return nil, err
			}
			server = r.serveOn(l, i.handler())
			return nil, nil
		},
		stop: func() {
			if server != nil {
				server.Close()
			}
		},
	}
}

// objectsService plays S3.
func (r *runner) objectsService(buckets []bucketPlan) service {
	var server *http.Server
	return service{
		name: "S3",
		start: func(ctx context.Context) (map[string]string, error) {
			output, err := r.logs.open("objects")
			if err != nil {
				return nil, err
			}
			keys := slices.Sorted(maps.Keys(r.guard.functions))
			if r.objects, err = startObjects(ctx, r.children, filepath.Join(r.state, "objects"), keys, output, r.complain); err != nil {
				return nil, err
			}
			if err := r.objects.provision(ctx, buckets); err != nil {
				return nil, err
			}
			put := func(context.Context, objectVersion) {}
			if r.malware != nil {
				r.malware.client, put = r.objects.client, r.malware.put
			}
			h, err := r.guard.beforeObjects(r.objects.endpoint, put)
			if err != nil {
				return nil, err
			}
			server, r.bucketsAt, err = r.serveAnywhere(h)
			return map[string]string{"AWS_ENDPOINT_URL_S3": "http://" + r.bucketsAt}, err
		},
		stop: func() {
			if server != nil {
				server.Close()
			}
			if r.objects != nil {
				r.objects.close()
			}
		},
	}
}

// unplayed keeps a call to any other service on this machine and makes it fail by name.
func (r *runner) unplayed(w http.ResponseWriter, q *http.Request) {
	what := orText(q.Header.Get("X-Amz-Target"), q.Method+" "+q.URL.Path)
	r.complain("a function called a service that is not played: %s", what)
	jsonError(w, http.StatusNotImplemented, "NotImplemented", "the local runner does not play "+what)
}

func (r *runner) webService(name, variable string, handler func() (http.Handler, error)) service {
	var server *http.Server
	return service{
		name: name,
		start: func(context.Context) (map[string]string, error) {
			h, err := handler()
			if err != nil {
				return nil, err
			}
			var address string
			server, address, err = r.serveAnywhere(h)
			return map[string]string{variable: "http://" + address}, err
		},
		stop: func() {
			if server != nil {
				server.Close()
			}
		},
	}
}

// serveAnywhere serves on a free port of this machine.
func (r *runner) serveAnywhere(h http.Handler) (*http.Server, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	return r.serveOn(l, h), l.Addr().String(), nil
}

func (r *runner) serveOn(l net.Listener, h http.Handler) *http.Server {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: r.errorLog}
	go server.Serve(l)
	return server
}

func (r *runner) startDynamoDB(ctx context.Context) (map[string]string, error) {
	if r.endpoint != "" {
		r.engine = newEngine(r.endpoint)
	} else {
		path, err := findEngine(r.options.engine, r.root)
		if err != nil {
			return nil, err
		}
		output, err := r.logs.open("engine")
		if err != nil {
			return nil, err
		}
		if r.engine, err = startEngine(ctx, r.children, path, filepath.Join(r.state, "table.db"), output, r.complain); err != nil {
			return nil, err
		}
	}
	var err error
	if r.streams, err = r.engine.provision(ctx, r.plan.tables); err != nil {
		return nil, err
	}
	h, err := proxy(r.engine.endpoint, r.complain)
	if err != nil {
		return nil, err
	}
	var address string
	r.proxy, address, err = r.serveAnywhere(r.guard.before(guardedTables, h))
	return map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "http://" + address}, err
}

// startAll starts the services while the compiler runs.
func (r *runner) startAll(ctx context.Context, services []service, stderr io.Writer) (map[string]string, error) {
	began := time.Now()
	var mu sync.Mutex
	progress := func(what string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			fmt.Fprintf(stderr, "%-32s %4d ms\n", what, time.Since(began).Milliseconds())
		}
	}
	environment := map[string]string{}
	errs := make([]error, len(services)+1)
	var starting sync.WaitGroup
	starting.Go(func() {
		if r.reload {
			r.tree = look(r.root, r.state)
		}
		r.builds, errs[len(services)] = r.builder.build(ctx, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(stderr, line)
		}, r.plan.codes()...)
		progress("functions built", errs[len(services)])
	})
	for i, s := range services {
		starting.Go(func() {
			added, err := s.start(ctx)
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.name, err)
			}
			progress(s.name, err)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(environment, added)
		})
	}
	starting.Wait()
	return environment, errors.Join(errs...)
}

func (r *runner) startFunctions(environment map[string]string) error {
	r.api = newRuntimeAPI("", r.children)
	server, address, err := r.serveAnywhere(r.api)
	if err != nil {
		return err
	}
	r.api.address = address
	r.servers = append(r.servers, server)
	for code, directory := range r.builds {
		if err := r.builder.prune(code, directory); err != nil {
			return fmt.Errorf("remove old builds: %w", err)
		}
	}
	invokers := map[string]invoker{}
	for _, p := range r.plan.functions {
		output, err := r.logs.open(p.id)
		if err != nil {
			return err
		}
		f := newLambda(p, r.builds[p.code], environment, r.api, output)
		r.functions[p.id], invokers[p.id] = f, f
	}
	r.schedules = &schedules{plans: r.plan.schedules, functions: invokers, on: r.sweeper, complain: r.complain}
	for _, p := range r.plan.mappings {
		m := &mapping{mappingPlan: p, function: invokers[p.function], on: r.stream, complain: r.complain}
		m.giveUp = func(g given) error { return r.keepUnprocessed(p, g) }
		table := r.plan.tables[slices.IndexFunc(r.plan.tables, func(t tablePlan) bool { return t.id == p.table })]
		m.stream = tableStream{client: r.engine.streams, engineARN: r.streams[p.table], eventARN: p.streamARN, partition: table.partitionKey()}
		file := filepath.Join(r.state, "checkpoints", strings.ReplaceAll(p.name(), "/", "-")+".json")
		if m.checkpoint, err = openCheckpoint(file, r.streams[p.table]); err != nil {
			return err
		}
		r.mappings = append(r.mappings, m)
	}
	return nil
}

// unprocessed is the folder of what mappings have given up.
func (r *runner) unprocessed() string { return filepath.Join(r.state, "unprocessed") }

// keepUnprocessed writes what was given up, if the mapping has a destination for it.
func (r *runner) keepUnprocessed(m mappingPlan, g given) error {
	if m.onFailure == "" {
		return nil
	}
	now := time.Now()
	b, err := failureRecord(m, r.functions[m.function].arn(), g, now)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s-%s-%s.json", m.function, m.event, now.UTC().Format("2006-01-02T15.04.05"), newUUID())
	return writeAtomically(filepath.Join(r.unprocessed(), name), b)
}

// serve opens the doors, says so, and when the context ends closes everything in order.
func (r *runner) serve(ctx context.Context, doors [2]net.Listener, stdout io.Writer) error {
	console, err := newConsole(r)
	if err != nil {
		return err
	}
	working, stopWorking := context.WithCancel(ctx)
	defer stopWorking()
	r.bus.open(working, r.schedules.functions)
	if r.malware != nil {
		r.malware.open(working)
	}
	failed := make(chan error, len(doors))
	var servers []*http.Server
	for i, h := range []http.Handler{newGateway(r.plan.routes, r.schedules.functions), console} {
		server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: r.errorLog}
		servers = append(servers, server)
		go func() {
			if err := server.Serve(doors[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve: %w", err)
			}
		}()
	}
	var workers sync.WaitGroup
	for _, m := range r.mappings {
		workers.Go(func() { m.run(working) })
	}
	workers.Go(func() { r.schedules.run(working) })
	workers.Go(r.bus.wait)
	if r.malware != nil {
		workers.Go(func() { r.malware.catchUp(working) })
		workers.Go(r.malware.wait)
	}
	if r.reload {
		workers.Go(func() { newReloader(r.builder, r.functions, r.tree, r.complain).run(working) })
	}

	fmt.Fprintf(stdout, "%-9s %s\n%-9s %s\nready %s\n", "patients", r.patients, "console", r.console, r.patients)
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	stopWorking()
	patience, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	for _, s := range servers {
		workers.Go(func() {
			if s.Shutdown(patience) != nil {
				s.Close()
			}
		})
	}
	idle := make(chan struct{})
	go func() {
		workers.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-patience.Done():
	}
	r.api.stop()
	for _, s := range r.servers {
		s.Close()
	}
	<-idle // what was under way has lost its process and ends too
	if r.mailbox != nil {
		defer r.mailbox.close()
	}
	return err
}
