package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// screen is where push says what it does: in one line that changes on a terminal, in plain lines elsewhere.
type screen struct {
	out  io.Writer
	live bool // a terminal

	mu                  sync.Mutex
	files, done         int
	bytes, gone         int64 // all that is to go out, and what has
	began, told         time.Time
	shown               string
	everyLine, everyNow time.Duration
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, began: time.Now(), everyLine: 10 * time.Second, everyNow: 200 * time.Millisecond}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		s.live = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

// line says something that stays.
func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintf(s.out, format+"\n", args...)
	s.show()
}

// more says that a file is to go out, and went that a part of one did; a part that has to go again is less than nothing.
func (s *screen) more(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files, s.bytes = s.files+1, s.bytes+bytes
}

func (s *screen) went(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone += n
	every := s.everyLine
	if s.live {
		every = s.everyNow
	}
	if time.Since(s.told) < every {
		return
	}
	s.told = time.Now()
	s.clear()
	s.shown = s.progress()
	if s.live {
		s.show()
	} else {
		fmt.Fprintln(s.out, s.shown)
	}
}

// sent says that a file is done with.
func (s *screen) sent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
}

// refused says that a file is done with, and that nothing of it goes out.
func (s *screen) refused(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.bytes = s.done+1, s.bytes-bytes
}

func (s *screen) progress() string {
	seconds := max(time.Since(s.began).Seconds(), 0.001)
	return fmt.Sprintf("%d of %d files, %.1f of %.1f MB, %.1f MB/s", s.done, s.files, float64(s.gone)/1e6, float64(s.bytes)/1e6, float64(s.gone)/1e6/seconds)
}

func (s *screen) clear() {
	if s.live && s.shown != "" {
		fmt.Fprintf(s.out, "\r%*s\r", len(s.shown), "")
	}
}

func (s *screen) show() {
	if s.live && s.shown != "" {
		fmt.Fprint(s.out, s.shown)
	}
}

// end says how far everything came.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.shown = ""
	if s.files > 0 {
		fmt.Fprintln(s.out, s.progress())
	}
}
