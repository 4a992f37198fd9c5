package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The console remembers the newest lines of all functions, up to both of these limits.
const (
	rememberedLines = 20_000
	rememberedBytes = 32 << 20
)

// rotateAt is the size from which a log file is put aside at the next start.
const rotateAt = 10 << 20

type logLine struct {
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	Line     string    `json:"line"`
}

// logs keeps what the functions write: a file per function, and the newest lines of all in memory.
type logs struct {
	directory string

	mu     sync.Mutex
	newest []logLine // oldest first
	bytes  int       // of these lines
	files  map[string]*os.File
}

func newLogs(directory string) (*logs, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for logs: %w", err)
	}
	return &logs{directory: directory, files: map[string]*os.File{}}, nil
}

// open makes the log of a function or of the engine and returns what writes a line to it.
func (l *logs) open(name string) (func(line string), error) {
	file := filepath.Join(l.directory, name+".log")
	if st, err := os.Stat(file); err == nil && st.Size() > rotateAt {
		if err := os.Rename(file, file+".old"); err != nil {
			return nil, fmt.Errorf("put log aside: %w", err)
		}
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[name] = f
	return func(line string) { l.add(f, logLine{At: time.Now().UTC(), Function: name, Line: line}) }, nil
}

func (l *logs) add(f *os.File, line logLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = append(l.newest, line)
	for l.bytes += len(line.Line); len(l.newest) > rememberedLines || l.bytes > rememberedBytes; l.newest = l.newest[1:] {
		l.bytes -= len(l.newest[0].Line)
		l.newest[0] = logLine{} // the array goes on living until it is full
	}
	fmt.Fprintf(f, "%s %s\n", line.At.Format("2006-01-02T15:04:05.000Z"), line.Line)
}

// lines are the remembered lines, oldest first, of one function or, if the name is empty, of all.
func (l *logs) lines(function string) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]logLine, 0, len(l.newest))
	for _, line := range l.newest {
		if function == "" || line.Function == function {
			out = append(out, line)
		}
	}
	return out
}

func (l *logs) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.files {
		f.Close()
	}
}

// shorten makes of a function's JSON line what a person looks for: name=value, without what the console shows
// anyway and without the declaration of metrics. It returns the level if it is worth a look. Other lines stay.
func shorten(line string) (level, text string) {
	d := json.NewDecoder(strings.NewReader(line))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return "", line
	}
	var words []string
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return "", line
		}
		shown := string(value)
		if !strings.Contains(shown, " ") {
			shown = strings.Trim(shown, `"`)
		}
		switch {
		case name == "time" || name == "_aws" || name == "Function" || shown == "INFO":
		case name == "level":
			level = shown
		case name == "msg":
			words = append(words, shown)
		default:
			words = append(words, fmt.Sprintf("%v=%s", name, shown))
		}
	}
	return level, strings.Join(words, " ")
}
