package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ringSize is how many lines the console remembers over all functions.
const ringSize = 20_000

// rotateAt is the size from which a log file is put aside at the next start.
const rotateAt = 10 << 20

type logLine struct {
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	Line     string    `json:"line"`
}

// logs keeps what the functions write: a file per function, and the newest lines of all in a ring.
type logs struct {
	directory string

	mu    sync.Mutex
	ring  []logLine
	start int // of the oldest line once the ring is full
	files map[string]*os.File
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
	if len(l.ring) < ringSize {
		l.ring = append(l.ring, line)
	} else {
		l.ring[l.start] = line
		l.start = (l.start + 1) % ringSize
	}
	fmt.Fprintf(f, "%s %s\n", line.At.Format("2006-01-02T15:04:05.000Z"), line.Line)
}

// lines are the remembered lines, oldest first, of one function or, if the name is empty, of all.
func (l *logs) lines(function string) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]logLine, 0, len(l.ring))
	for i := range l.ring {
		line := l.ring[(l.start+i)%len(l.ring)]
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
