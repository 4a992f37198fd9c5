// Command draw reads one file as functions/internal/scan does and says what that took: draw CACHE FILE SECONDS. It is a process
// of its own for each file, so that what the file takes at most can be told, and without the race detector, which takes
// several times as much.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.org/optout/functions/internal/scan"
)

// Drawn is what it says.
type Drawn struct {
	Cached bool
	Kind   scan.Kind
	Code   string   // why the file was refused; "" if it was not; "deadline" if it was still at it after so many seconds
	Pages  int      // that were drawn
	Faults []string // of pages that were not
	Peak   int      // memory in MB: the most that the process ever had, and the most that the sandbox had
	Time   float64  // seconds for the file, without getting ready
	Error  string   // ours
}

func main() {
	var d Drawn
	if err := draw(&d); err != nil {
		d.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(d); err != nil {
		os.Exit(1)
	}
}

func draw(d *Drawn) error {
	e, err := scan.Open(os.Args[1])
	if err != nil {
		return err
	}
	d.Cached = e.Cached
	file, err := os.ReadFile(os.Args[2])
	if err != nil {
		return err
	}
	seconds, err := time.ParseDuration(os.Args[3] + "s")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), seconds)
	defer cancel()
	start := time.Now()
	s, err := e.Read(ctx, file, func(p scan.Page) error {
		if p.Fault != nil {
			d.Faults = append(d.Faults, p.Fault.Code)
		} else {
			d.Pages++
		}
		return nil
	})
	d.Time, d.Kind = time.Since(start).Seconds(), s.Kind
	if r, refused := errors.AsType[*scan.Refusal](err); refused {
		d.Code, err = r.Code, nil
	} else if errors.Is(err, context.DeadlineExceeded) {
		d.Code, err = "deadline", nil
	}
	err = errors.Join(err, e.Close())
	var sandbox syscall.Rusage
	if failed := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &sandbox); failed != nil {
		return failed
	}
	if d.Peak = peak(); d.Peak == 0 {
		return errors.Join(err, errors.New("no peak of memory in /proc/self/status"))
	}
	d.Peak += int(sandbox.Maxrss+1023) >> 10
	return err
}

// peak is the kernel's VmHWM.
func peak() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kb, _ := strconv.Atoi(f[1])
			return (kb + 1023) >> 10
		}
	}
	return 0
}
