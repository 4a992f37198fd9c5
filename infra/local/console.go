package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
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
	mux   *http.ServeMux
}

// status is everything the overview shows.
type status struct {
	Patients    string           `json:"patients"`
	Console     string           `json:"console"`
	Engine      string           `json:"engine"`
	EnginePID   int              `json:"enginePid"` // 0: somebody else's
	State       string           `json:"state"`
	Switches    switches         `json:"switches"`
	Functions   []functionStatus `json:"functions"`
	Streams     []mappingFigures `json:"streams"`
	Schedules   []scheduleStatus `json:"schedules"`
	Mails       int              `json:"mails"`
	Unprocessed int              `json:"unprocessed"`
}

type switches struct {
	Stream  bool `json:"stream"`
	Sweeper bool `json:"sweeper"`
}

type functionStatus struct {
	Name        string `json:"name"`
	Invocations int64  `json:"invocations"`
	ColdStarts  int64  `json:"coldStarts"`
	Errors      int64  `json:"errors"`
	Timeouts    int64  `json:"timeouts"` // among the errors
	PIDs        []int  `json:"pids"`
	Running     int64  `json:"running"` // invocations at this moment
	Concurrency int    `json:"concurrency"`
}

type scheduleStatus struct {
	Event      string     `json:"event"`
	Expression string     `json:"expression"`
	Last       *time.Time `json:"last"`
	Next       time.Time  `json:"next"`
}

func newConsole(r *runner) (http.Handler, error) {
	pages, err := template.New("console").Funcs(template.FuncMap{
		"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	}).Parse(consolePages)
	if err != nil {
		return nil, fmt.Errorf("read console pages: %w", err)
	}
	c := &console{runner: r, pages: pages, mux: http.NewServeMux()}
	c.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { c.page(w, "overview", c.status()) })
	c.mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, c.status()) })
	c.mux.HandleFunc("GET /mail", func(w http.ResponseWriter, _ *http.Request) { c.showMail(w) })
	c.mux.HandleFunc("GET /mail.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, notNil(c.mailbox.all())) })
	c.mux.HandleFunc("GET /logs", c.showLogs)
	c.mux.HandleFunc("GET /logs.json", func(w http.ResponseWriter, q *http.Request) {
		writeJSON(w, c.logs.lines(q.FormValue("function")))
	})
	c.mux.HandleFunc("GET /items", c.showItems)
	c.mux.HandleFunc("GET /items.json", c.itemsJSON)
	c.mux.HandleFunc("POST /switch", c.flip)
	c.mux.HandleFunc("POST /schedule", c.send)
	return http.NewCrossOriginProtection().Handler(headers(c.mux)), nil
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

func (c *console) page(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := c.pages.ExecuteTemplate(&b, name, data); err != nil {
		c.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}

// fail is for the developer who looks at it: it says what went wrong.
func (c *console) fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
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
		Switches:  switches{Stream: c.stream.isOn(), Sweeper: c.sweeper.isOn()},
		Functions: []functionStatus{}, Streams: []mappingFigures{}, Schedules: []scheduleStatus{},
		Mails: len(c.mailbox.all()),
	}
	if process := c.runner.engine.process.Load(); process != nil {
		s.EnginePID = process.pid
	}
	for _, p := range c.plan.functions {
		f := c.functions[p.id]
		s.Functions = append(s.Functions, functionStatus{
			Name: p.id, Invocations: f.invocations.Load(), ColdStarts: f.coldStarts.Load(), Errors: f.errors.Load(), Timeouts: f.timeouts.Load(),
			PIDs: c.api.pids(f), Running: f.running.Load(), Concurrency: p.concurrency,
		})
	}
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
	return s
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
	c.page(w, "mail", data)
}

func (c *console) showLogs(w http.ResponseWriter, r *http.Request) {
	const shown = 2000
	data := struct {
		Function  string
		Functions []string
		Lines     []logLine
		Left      int
	}{Function: r.FormValue("function"), Lines: c.logs.lines(r.FormValue("function"))}
	for _, p := range c.plan.functions {
		data.Functions = append(data.Functions, p.id)
	}
	data.Functions = append(data.Functions, "engine")
	if data.Left = max(len(data.Lines)-shown, 0); data.Left > 0 {
		data.Lines = data.Lines[data.Left:]
	}
	c.page(w, "logs", data)
}

// items looks into the table a request names, or the first.
func (c *console) items(r *http.Request) (tableItems, error) {
	name := r.FormValue("table")
	for _, t := range c.plan.tables {
		if name == "" || t.id == name {
			return tableItems{db: c.runner.engine.db, table: t}, nil
		}
	}
	return tableItems{}, fmt.Errorf("the template has no table %s", name)
}

func (c *console) showItems(w http.ResponseWriter, r *http.Request) {
	var data struct {
		Table, PK, SK, Ref string
		One                bool
		Item               string
		Keys               []itemKey
		Next               *itemKey
		Whole              []string // items of a form's partition
	}
	t, err := c.items(r)
	if err != nil {
		c.fail(w, err)
		return
	}
	data.Table, data.PK, data.SK, data.Ref = t.table.id, r.FormValue("pk"), r.FormValue("sk"), strings.TrimSpace(r.FormValue("ref"))
	switch {
	case data.Ref != "":
		var items []map[string]any
		if items, err = t.partition(r.Context(), "F#"+data.Ref); err != nil {
			break
		}
		for _, item := range items {
			var shown string
			if shown, err = legible(item); err != nil {
				break
			}
			data.Whole = append(data.Whole, shown)
		}
	case data.PK != "":
		data.One = true
		data.Item, err = t.item(r.Context(), itemKey{data.PK, data.SK})
	default:
		var after *itemKey
		if r.FormValue("after-pk") != "" {
			after = &itemKey{r.FormValue("after-pk"), r.FormValue("after-sk")}
		}
		data.Keys, data.Next, err = t.page(r.Context(), after)
	}
	if err != nil {
		c.fail(w, err)
		return
	}
	c.page(w, "items", data)
}

// itemsJSON answers the items of a partition, or a page of keys.
func (c *console) itemsJSON(w http.ResponseWriter, r *http.Request) {
	t, err := c.items(r)
	if err == nil && r.FormValue("pk") != "" {
		var items []map[string]any
		if items, err = t.partition(r.Context(), r.FormValue("pk")); err == nil {
			writeJSON(w, items)
			return
		}
	}
	var page struct {
		Keys []itemKey `json:"keys"`
		Next *itemKey  `json:"next"`
	}
	if err == nil {
		var after *itemKey
		if r.FormValue("after-pk") != "" {
			after = &itemKey{r.FormValue("after-pk"), r.FormValue("after-sk")}
		}
		page.Keys, page.Next, err = t.page(r.Context(), after)
	}
	if err != nil {
		c.fail(w, err)
		return
	}
	page.Keys = notNil(page.Keys)
	writeJSON(w, page)
}

// flip turns the stream or the sweeper on or off.
func (c *console) flip(w http.ResponseWriter, r *http.Request) {
	t, ok := map[string]*toggle{"stream": c.stream, "sweeper": c.sweeper}[r.PostFormValue("what")]
	on := r.PostFormValue("on")
	if !ok || on != "true" && on != "false" {
		http.Error(w, "what=stream|sweeper and on=true|false are needed", http.StatusBadRequest)
		return
	}
	t.set(on == "true")
	if wantsJSON(r) {
		writeJSON(w, switches{Stream: c.stream.isOn(), Sweeper: c.sweeper.isOn()})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// send fires schedules with a time of one's choice and answers what the functions replied.
func (c *console) send(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if given := strings.TrimSpace(r.PostFormValue("time")); given != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, given); err != nil {
			http.Error(w, "time must be like 2026-11-22T20:00:00Z", http.StatusBadRequest)
			return
		}
	}
	replies, err := c.schedules.send(context.WithoutCancel(r.Context()), r.PostFormValue("event"), at)
	if errors.Is(err, errNoSuchSchedule) {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if !wantsJSON(r) && err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": err.Error(), "replies": replies})
		return
	}
	writeJSON(w, replies)
}

// wantsJSON tells a program from a browser.
func wantsJSON(r *http.Request) bool {
	return slices.ContainsFunc(strings.Split(r.Header.Get("Accept"), ","), func(s string) bool {
		kind, _, _ := strings.Cut(strings.TrimSpace(s), ";")
		return kind == "application/json"
	})
}
