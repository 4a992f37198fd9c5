package scan

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// Engine draws pages. It is made once for a process and reads one file at a time; whoever comes meanwhile waits.
type Engine struct {
	// Cached says that pdfium's code was ready in the cache. If not, it was compiled, which takes some seconds for each
	// file and changes nothing else: the cache was made for another processor, or another version.
	Cached bool

	program, cache string
	time           time.Duration

	one  sync.Mutex
	next *process // waits for the next file; nil if it must be started first
}

// Open makes the engine ready. Its code comes from the cache in a directory that Warm filled, which may be read-only. If it
// is not there, or is another processor's, the code is compiled, and kept there if that can be done. With "" it is
// compiled and not kept.
func Open(cacheDirectory string) (*Engine, error) {
	self := "/proc/self/exe" // which is this program even when its file was replaced
	if _, err := os.Stat(self); err != nil {
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("open sandbox: %w", err)
		}
	}
	return OpenProgram(self, cacheDirectory)
}

// OpenProgram is Open with another program as the sandbox, which must import this package. It is for tests: theirs may be
// built for the race detector, which takes a hundred times as long, and no cache is found for a test's binary.
func OpenProgram(program, cacheDirectory string) (*Engine, error) {
	e := &Engine{program: program, cache: cacheDirectory, time: gates.time}
	p, err := e.start()
	if err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	if e.Cached, err = p.ready(); err != nil {
		p.end()
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	e.next = p
	return e, nil
}

// Close ends the engine.
func (e *Engine) Close() error {
	e.one.Lock()
	defer e.one.Unlock()
	if e.next != nil {
		e.next.end()
		e.next = nil
	}
	return nil
}

// Read calls page for each page of a file, in order. A *Refusal as its error is the file's own fault; any other error is
// ours, the callback's, or the context's.
//
// A page that cannot be drawn comes with its Fault and the others come all the same. If no page can be drawn the file is
// refused for what is wrong with the first, and page is never called. Only a file that takes too long may be refused
// after pages of it came. That the sandbox dies is ours: it may go better the next time.
func (e *Engine) Read(ctx context.Context, file []byte, page func(Page) error) (s Summary, err error) {
	if s.Kind, err = sniff(file); err != nil {
		return s, err
	}
	e.one.Lock()
	defer e.one.Unlock()
	p := e.next
	if e.next = nil; p == nil {
		if p, err = e.start(); err != nil {
			return s, fmt.Errorf("start sandbox: %w", err)
		}
	}
	s, err = e.read(ctx, p, file, s, page)
	p.end()
	e.next, _ = e.start() // for the next file, while nobody waits; if it fails then, that is soon enough to say so
	if _, refused := errors.AsType[*Refusal](err); err != nil && !refused {
		err = fmt.Errorf("read scan: %w", err)
	}
	return s, err
}

func (e *Engine) read(ctx context.Context, p *process, file []byte, s Summary, page func(Page) error) (Summary, error) {
	defer context.AfterFunc(ctx, p.kill)()
	if _, err := p.ready(); err != nil {
		return s, errors.Join(ctx.Err(), err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.time, refuse("takes-too-long"))
	defer cancel()
	defer context.AfterFunc(ctx, p.kill)()
	go p.send(file)
	for {
		var m message
		err := p.out.Decode(&m)
		switch {
		case context.Cause(ctx) != nil:
			return s, context.Cause(ctx)
		case err != nil:
			return s, fmt.Errorf("sandbox ended: %w", err)
		case m.Page != nil:
			s.Pages++
			if err := page(*m.Page); err != nil {
				return s, err
			}
		case m.Refusal != nil:
			return s, m.Refusal
		case m.Error != "":
			return s, errors.New(m.Error)
		default:
			return s, nil
		}
	}
}

// message is what the sandbox says: first that it is ready, then a page or more, and at the end a message of nothing, or
// of what went wrong.
type message struct {
	Ready, Cached bool
	Page          *Page
	Refusal       *Refusal
	Error         string
}

// process is the sandbox as it is seen from outside.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *gob.Decoder
	once   sync.Once
	cached bool
	failed error
}

// name is what the program is called when it is the sandbox.
const name = "scan-sandbox"

func (e *Engine) start() (*process, error) {
	p := &process{cmd: &exec.Cmd{Path: e.program, Args: []string{name, e.cache}, Env: []string{}}}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, gob.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// ready waits until the sandbox is.
func (p *process) ready() (cached bool, err error) {
	p.once.Do(func() {
		var m message
		p.failed = p.out.Decode(&m)
		if p.failed == nil && !m.Ready {
			p.failed = errors.New(m.Error)
		}
		p.cached = m.Cached
	})
	return p.cached, p.failed
}

// send gives it the file. If it has ended meanwhile, reading says so.
func (p *process) send(file []byte) {
	if _, err := p.in.Write(file); err == nil {
		_ = p.in.Close()
	}
}

func (p *process) kill() { _ = p.cmd.Process.Kill() } // which fails only if it has ended

// end is safe in whatever state it is.
func (p *process) end() {
	p.kill()
	_ = p.cmd.Wait() // it was killed, and says so
}

// In a process that is called so, the program is the sandbox and nothing else of it runs.
func init() {
	if len(os.Args) == 2 && os.Args[0] == name {
		serve(os.Args[1], os.Stdin, gob.NewEncoder(os.Stdout))
		os.Exit(0)
	}
}

// Limits of the sandbox's process besides those of a file: whoever started it may have been killed.
const (
	mostCPU  = 60        // seconds, of all its processors
	mostHeap = 320 << 20 // from which on it collects garbage however often it takes
)

// serve is the sandbox's life: it gets ready, reads one file, and ends. What it cannot write nobody waits for.
func serve(cacheDirectory string, in io.Reader, out *gob.Encoder) {
	debug.SetMemoryLimit(mostHeap)
	d, err := openDrawer(cacheDirectory)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: mostCPU, Max: mostCPU})
	}
	if err != nil {
		_ = out.Encode(message{Error: err.Error()})
		return
	}
	if out.Encode(message{Ready: true, Cached: d.cached}) != nil {
		return
	}
	file, err := io.ReadAll(io.LimitReader(in, MostBytes+1))
	if err != nil || len(file) == 0 {
		return // whoever started it is gone
	}
	_, err = d.read(context.Background(), file, func(p Page) error { return out.Encode(message{Page: &p}) })
	var last message
	if r, refused := errors.AsType[*Refusal](err); refused {
		last.Refusal = r
	} else if err != nil {
		last.Error = err.Error()
	}
	_ = out.Encode(last)
}
