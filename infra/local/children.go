package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// children starts processes that do not outlive the runner. Each is the leader of a process group of its own, so
// that a terminal's Ctrl-C reaches only the runner, which then stops them in order.
type children struct {
	starts chan func()
}

func newChildren() *children {
	c := &children{starts: make(chan func())}
	go func() {
		// The kernel sends a child its death signal when the thread that forked it ends, not when the process
		// does: all children are forked from this one thread, which is never given back.
		runtime.LockOSThread()
		for start := range c.starts {
			start()
		}
	}()
	return c
}

// child is a running process.
type child struct {
	pid  int
	dead chan struct{} // closed when the process has ended and its output is read
	err  error         // how it ended; set before dead is closed
	last atomic.Value  // the last line it wrote
}

// start runs a command in an environment of exactly env, and hands each line it writes to log.
func (c *children) start(directory string, env []string, log func(line string), name string, arguments ...string) (*child, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd := exec.Command(name, arguments...)
	cmd.Dir = directory
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = ownGroup()
	started := make(chan error)
	c.starts <- func() { started <- cmd.Start() }
	err = <-started
	w.Close()
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ch := &child{pid: cmd.Process.Pid, dead: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		readLines(r, func(line string) {
			if line != "" {
				ch.last.Store(line)
			}
			log(line)
		})
	}()
	go func() {
		ch.err = cmd.Wait()
		// A grandchild may hold the pipe open: what was written by now is read, the rest is not waited for.
		select {
		case <-read:
		case <-time.After(time.Second):
		}
		r.Close()
		close(ch.dead)
	}()
	return ch, nil
}

// longestLine is where CloudWatch Logs cuts an event.
const longestLine = 256 << 10

// readLines hands on each line; a line that is too long comes in parts, so that its writer is never blocked.
func readLines(r io.Reader, log func(line string)) {
	b := bufio.NewReaderSize(r, longestLine)
	continued := false
	for {
		line, more, err := b.ReadLine()
		if err != nil {
			return
		}
		if len(line) > 0 || !continued {
			log(string(line))
		}
		continued = more
	}
}

// kill ends the process and everything in its group at once.
func (c *child) kill() {
	_ = syscall.Kill(-c.pid, syscall.SIGKILL) // it may be dead already
}

// stop asks the process to end and kills it if it does not in time.
func (c *child) stop(patience time.Duration) {
	_ = syscall.Kill(c.pid, syscall.SIGTERM)
	select {
	case <-c.dead:
	case <-time.After(patience):
		c.kill()
		<-c.dead
	}
}

// kept is a child that is started again whenever it ends, until it is closed.
type kept struct {
	process atomic.Pointer[child]
	done    chan struct{} // closed when the child has been stopped for good
	stop    context.CancelFunc
}

// keep starts a child and has it run from then on. A child that ends again and again is started less and less often;
// one that does not even start the first five times is given up.
func keep(ctx context.Context, name string, start func(context.Context) (*child, error), complain func(string, ...any)) (*kept, error) {
	process, err := start(ctx)
	// After a runner was killed its engine may still hold the file for a moment.
	for tries, nap := 1, 100*time.Millisecond; err != nil && tries < 5 && pause(ctx, nap); tries, nap = tries+1, 2*nap {
		complain("%s does not start (%v); starting it again", name, err)
		process, err = start(ctx)
	}
	if err != nil {
		return nil, err
	}
	k := &kept{done: make(chan struct{})}
	k.process.Store(process)
	var supervision context.Context
	supervision, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(k.done)
		const shortest = 100 * time.Millisecond
		nap := shortest
		for {
			began := time.Now()
			select {
			case <-process.dead:
				complain("%s has ended (%v); starting it again", name, process.err)
			case <-supervision.Done():
				process.stop(5 * time.Second)
				return
			}
			if time.Since(began) > time.Minute {
				nap = shortest
			}
			for running := false; !running; nap = min(2*nap, 10*time.Second) {
				if !pause(supervision, nap) {
					return
				}
				next, err := start(supervision)
				if running = err == nil; running {
					process = next
					k.process.Store(process)
				} else if supervision.Err() == nil {
					complain("%s does not start: %v", name, err)
				}
			}
		}
	}()
	return k, nil
}

func (k *kept) pid() int { return k.process.Load().pid }

func (k *kept) close() {
	k.stop()
	<-k.done
}

// lockState keeps a second runner from the same state folder for as long as the returned file is open.
func lockState(directory string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(directory, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another runner is using %s: stop it, or give this one a folder of its own with -state", directory)
		}
		return nil, fmt.Errorf("lock state folder: %w", err)
	}
	return f, nil
}
