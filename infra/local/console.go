package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

//go:embed console.gohtml
var consolePages string

// console shows what runs and lets a person switch it. It needs no script and asks nothing of third parties.
type console struct {
	*runner
	pages *template.Template
}

// status is everything the overview shows.
type status struct {
	Patients    string           `json:"patients"`
	Console     string           `json:"console"`
	Issuer      string           `json:"issuer"` // empty: the template has no client of a user pool
	Engine      string           `json:"engine"`
	EnginePID   int              `json:"enginePid"` // 0: somebody else's
	Objects     string           `json:"objects"`   // where functions and browsers find the buckets; empty: the template has none
	ObjectsPID  int              `json:"objectsPid"`
	State       string           `json:"state"`
	Switches    switches         `json:"switches"`
	Reload      bool             `json:"reload"` // functions follow their sources
	Functions   []functionStatus `json:"functions"`
	BuildFaults []buildFault     `json:"buildFaults"` // of functions that go on with an older build
	Streams     []mappingFigures `json:"streams"`
	Schedules   []scheduleStatus `json:"schedules"`
	Mails       int              `json:"mails"`
	Unprocessed int              `json:"unprocessed"`
	Refusals    []refusal        `json:"refusals"`  // of the guard
	LooksInto   bool             `json:"looksInto"` // the template has a plan of Malware Protection
	Findings    []finding        `json:"findings"`  // of malware, the newest of them
}

type switches struct {
	Stream       bool `json:"stream"`
	Sweeper      bool `json:"sweeper"`
	Malware      bool `json:"malware"`      // off: nothing is said of what is put
	MalwareFails bool `json:"malwareFails"` // on: GuardDuty fails at everything
}

type functionStatus struct {
	Name        string    `json:"name"`
	Invocations int64     `json:"invocations"`
	ColdStarts  int64     `json:"coldStarts"`
	Errors      int64     `json:"errors"`
	Timeouts    int64     `json:"timeouts"` // among the errors
	PIDs        []int     `json:"pids"`
	Running     int64     `json:"running"` // invocations at this moment
	Concurrency int       `json:"concurrency"`
	Built       time.Time `json:"built"`
}

type scheduleStatus struct {
	Event      string     `json:"event"`
	Expression string     `json:"expression"`
	Last       *time.Time `json:"last"`
	Next       time.Time  `json:"next"`
}

func newConsole(r *runner) (http.Handler, error) {
	pages, err := template.New("console").Funcs(template.FuncMap{
		"now":     time.Now,
		"results": func() []string { return slices.Sorted(maps.Keys(malwareStatuses)) },
		"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}).Parse(consolePages)
	if err != nil {
		return nil, fmt.Errorf("read console pages: %w", err)
	}
	c := &console{runner: r, pages: pages}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { c.page(w, http.StatusOK, "overview", c.status()) })
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.status()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		c.fail(w, q, http.StatusNotFound, fmt.Errorf("the console has no page %s", q.URL.Path))
	})
	mux.HandleFunc("GET /mail", func(w http.ResponseWriter, _ *http.Request) { c.showMail(w) })
	mux.HandleFunc("GET /mail.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, notNil(c.mailbox.all())) })
	mux.HandleFunc("GET /logs", c.showLogs)
	mux.HandleFunc("GET /logs.json", func(w http.ResponseWriter, q *http.Request) {
		writeJSON(w, c.logs.lines(q.FormValue("function")))
	})
	mux.HandleFunc("GET /items", c.showItems)
	mux.HandleFunc("GET /items.json", c.itemsJSON)
	mux.HandleFunc("POST /switch", c.flip)
	mux.HandleFunc("POST /schedule", c.send)
	mux.HandleFunc("GET /malware.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.findings()) })
	mux.HandleFunc("POST /malware", c.sendFinding)
	return http.NewCrossOriginProtection().Handler(headers(mux)), nil
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (c *console) page(w http.ResponseWriter, code int, name string, data any) {
	var b bytes.Buffer
	if err := c.pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = b.WriteTo(w)
}

// fail is for the developer who looks at it: it says what went wrong.
func (c *console) fail(w http.ResponseWriter, r *http.Request, code int, err error) {
	if wantsJSON(r) {
		http.Error(w, err.Error(), code)
		return
	}
	c.page(w, code, "fault", err.Error())
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func (c *console) status() status {
	s := status{
		Patients: c.patients, Console: c.runner.console, Engine: c.runner.engine.endpoint, State: c.state,
		Switches: c.switches(), LooksInto: c.malware != nil,
		Reload: c.reload, Functions: []functionStatus{}, Streams: []mappingFigures{}, Schedules: []scheduleStatus{},
		Mails: len(c.mailbox.all()), Refusals: c.guard.all(),
	}
	if len(c.plan.clients) > 0 {
		s.Issuer = c.runner.issuer
	}
	if process := c.runner.engine.process; process != nil {
		s.EnginePID = process.pid()
	}
	if c.objects != nil {
		s.Objects, s.ObjectsPID = "http://"+c.bucketsAt, c.objects.process.pid()
	}
	var functions []*lambda
	for _, p := range c.plan.functions {
		f := c.functions[p.id]
		functions = append(functions, f)
		built, _ := f.build()
		s.Functions = append(s.Functions, functionStatus{
			Name: p.id, Invocations: f.invocations.Load(), ColdStarts: f.coldStarts.Load(), Errors: f.errors.Load(), Timeouts: f.timeouts.Load(),
			PIDs: c.api.pids(f), Running: f.running.Load(), Concurrency: p.concurrency, Built: built,
		})
	}
	s.BuildFaults = buildFaults(functions)
	for _, m := range c.mappings {
		s.Streams = append(s.Streams, m.snapshot())
	}
	for _, p := range c.plan.schedules {
		x := scheduleStatus{Event: p.name(), Expression: p.expression, Next: p.when.next(time.Now())}
		if last := c.schedules.lastTime(p.name()); !last.IsZero() {
			x.Last = &last
		}
		s.Schedules = append(s.Schedules, x)
	}
	if kept, err := os.ReadDir(c.unprocessed()); err == nil {
		s.Unprocessed = len(kept)
	}
	s.Findings = c.findings()
	s.Findings = s.Findings[:min(len(s.Findings), shownFindings)]
	return s
}

// shownFindings is how many findings the overview has; all are in /malware.json.
const shownFindings = 20

// findings are what was said of malware, newest first.
func (c *console) findings() []finding {
	if c.malware == nil {
		return []finding{}
	}
	return c.malware.all()
}

func (c *console) switches() switches {
	return switches{Stream: c.stream.isOn(), Sweeper: c.sweeper.isOn(), Malware: c.results.isOn(), MalwareFails: c.failing.isOn()}
}

func (c *console) showMail(w http.ResponseWriter) {
	const shown = 200
	data := struct {
		Letters []letter
		Left    int
	}{Letters: c.mailbox.all()}
	if data.Left = max(len(data.Letters)-shown, 0); data.Left > 0 {
		data.Letters = data.Letters[:shown]
	}
	c.page(w, http.StatusOK, "mail", data)
}

func (c *console) showLogs(w http.ResponseWriter, r *http.Request) {
	const shown = 500
	type line struct {
		logLine
		Level, Text string
	}
	data := struct {
		Function, Directory string
		Functions           []string
		Lines               []line
		Left                int
	}{Function: r.FormValue("function"), Directory: c.logs.directory}
	for _, p := range c.plan.functions {
		data.Functions = append(data.Functions, p.id)
	}
	data.Functions = append(data.Functions, "engine")
	if c.objects != nil {
		data.Functions = append(data.Functions, "objects")
	}
	all := c.logs.lines(data.Function)
	data.Left = max(len(all)-shown, 0)
	for _, l := range slices.Backward(all[data.Left:]) {
		level, text := shorten(l.Line)
		data.Lines = append(data.Lines, line{l, level, text})
	}
	c.page(w, http.StatusOK, "logs", data)
}

// flip turns the stream, the sweeper, or what is said of malware on or off.
func (c *console) flip(w http.ResponseWriter, r *http.Request) {
	t, ok := map[string]*toggle{"stream": c.stream, "sweeper": c.sweeper, "malware": c.results, "malware-fails": c.failing}[r.PostFormValue("what")]
	on := r.PostFormValue("on")
	if !ok || on != "true" && on != "false" {
		c.fail(w, r, http.StatusBadRequest, errors.New("what=stream|sweeper|malware|malware-fails and on=true|false are needed"))
		return
	}
	t.set(on == "true")
	if wantsJSON(r) {
		writeJSON(w, c.switches())
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// send fires a schedule with a time of one's choice and answers what the function replied.
func (c *console) send(w http.ResponseWriter, r *http.Request) {
	event, at := r.PostFormValue("event"), time.Now()
	if given := strings.TrimSpace(r.PostFormValue("time")); given != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, given); err != nil {
			c.fail(w, r, http.StatusBadRequest, fmt.Errorf("the time %q cannot be read: it must be like 2026-11-22T20:00:00Z", given))
			return
		}
	}
	reply, err := c.schedules.send(context.WithoutCancel(r.Context()), event, at)
	switch {
	case errors.Is(err, errNoSuchSchedule):
		c.fail(w, r, http.StatusNotFound, err)
	case err != nil:
		c.fail(w, r, http.StatusBadGateway, err)
	case wantsJSON(r):
		writeJSON(w, map[string]json.RawMessage{event: reply})
	default:
		c.page(w, http.StatusOK, "sent", struct {
			Event, Reply string
			At           time.Time
		}{event, string(reply), at})
	}
}

// sendFinding has GuardDuty say something of an object, once more or for the first time (malware.send): key, and bucket,
// version and result as one likes.
func (c *console) sendFinding(w http.ResponseWriter, r *http.Request) {
	if c.malware == nil {
		c.fail(w, r, http.StatusNotFound, errNoPlan)
		return
	}
	o := objectVersion{Bucket: r.PostFormValue("bucket"), Key: r.PostFormValue("key"), Version: r.PostFormValue("version")}
	sent, err := c.malware.send(r.Context(), o, r.PostFormValue("result"))
	switch {
	case errors.Is(err, errNoResult):
		c.fail(w, r, http.StatusBadRequest, err)
	case errors.Is(err, errNoPlan) || errors.Is(err, errNoObject):
		c.fail(w, r, http.StatusNotFound, err)
	case err != nil:
		c.fail(w, r, http.StatusBadGateway, err)
	case wantsJSON(r):
		writeJSON(w, sent)
	default:
		http.Redirect(w, r, "/#malware", http.StatusSeeOther)
	}
}

// wantsJSON tells a program from a browser.
func wantsJSON(r *http.Request) bool {
	return slices.ContainsFunc(strings.Split(r.Header.Get("Accept"), ","), func(s string) bool {
		kind, _, _ := strings.Cut(strings.TrimSpace(s), ";")
		return kind == "application/json"
	})
}
