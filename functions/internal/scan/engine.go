package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// mostMemory is the sandbox's limit as wazero knows it, in pages of 64 KiB. Ours (memory.most) is lower, so that we are
// asked, and know of what was refused.
const mostMemory = 1 << 30 >> 16

// Open makes the sandbox ready. Its code comes from the cache in a directory that Warm filled; that may be read-only.
// If it is not there, or is another processor's, the code is compiled, and kept there if that can be done. With "" it is
// compiled and not kept.
func Open(cacheDirectory string) (*Engine, error) {
	before := files(cacheDirectory)
	e, err := open(cacheDirectory)
	if err == nil {
		e.Cached = len(before) > 0 && maps.Equal(before, files(cacheDirectory))
		return e, nil
	}
	if cacheDirectory == "" {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	// What is in the cache cannot be read, or what was compiled cannot be written into it.
	if e, err = open(""); err != nil {
		return nil, fmt.Errorf("open sandbox: %w", err)
	}
	return e, nil
}

// Warm fills a directory with the code that Open finds there. It holds for this version of the code, and for processors
// with the architecture and the features of this one.
func Warm(cacheDirectory string) error {
	e, err := open(cacheDirectory)
	if err != nil {
		return fmt.Errorf("warm cache: %w", err)
	}
	return e.Close()
}

func open(cacheDirectory string) (e *Engine, err error) {
	config := wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(mostMemory).
		WithCloseOnContextDone(true)
	e = &Engine{leash: &leash{Context: context.Background()}, gates: gates, release: func() error { return nil }}
	if cacheDirectory != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDirectory)
		if err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(cache)
		e.release = func() error { return cache.Close(context.Background()) }
	}
	e.pool, err = webassembly.Init(webassembly.Config{
		Context:       e.leash,
		MaxTotal:      1,
		FSConfig:      wazero.NewFSConfig(), // no files: by default it would be all of the machine's
		RuntimeConfig: config,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

// Close ends the sandbox. No file may be in it.
func (e *Engine) Close() error {
	if err := errors.Join(e.pool.Close(), e.release()); err != nil {
		return fmt.Errorf("close sandbox: %w", err)
	}
	return nil
}

// files are those of a directory, and when they were written.
func files(directory string) map[string]time.Time {
	found := map[string]time.Time{}
	if directory == "" {
		return found
	}
	_ = filepath.WalkDir(directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := os.Stat(path); err == nil {
			found[path] = info.ModTime()
		}
		return nil
	})
	return found
}

// leash is the context that sandboxes are born under. The pool takes one context for all its life, and each file has
// one of its own: a sandbox that is made while a file holds the leash ends with that file's context.
type leash struct {
	sync.Mutex
	context.Context
}

func (l *leash) held() context.Context {
	l.Lock()
	defer l.Unlock()
	return l.Context
}

// hold puts the leash into a file's hand until release is called.
func (l *leash) hold(ctx context.Context) (release func()) {
	l.Lock()
	defer l.Unlock()
	before := l.Context
	l.Context = ctx
	return func() {
		l.Lock()
		defer l.Unlock()
		l.Context = before
	}
}

func (l *leash) Deadline() (time.Time, bool) { return l.held().Deadline() }
func (l *leash) Done() <-chan struct{}       { return l.held().Done() }
func (l *leash) Err() error                  { return l.held().Err() }
func (l *leash) Value(key any) any           { return l.held().Value(key) }
