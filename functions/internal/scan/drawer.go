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
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// mostMemory is the sandbox's limit as wazero knows it, in pages of 64 KiB. Ours (memory.most) is lower, so that we are
// asked, and know of what was refused.
const mostMemory = 1 << 30 >> 16

// noFiles is what pdfium sees of the machine's files. By default it would be all of them.
var noFiles = wazero.NewFSConfig()

// drawer draws pages, in the sandbox's own process.
type drawer struct {
	cached  bool
	pool    pdfium.Pool
	memory  *memory
	release func() error
	gates   limits
}

// openDrawer makes pdfium ready. Its code comes from the cache in a directory; if it is not there, or cannot be read, or
// cannot be kept there, it is compiled all the same.
func openDrawer(cacheDirectory string) (*drawer, error) {
	before := files(cacheDirectory)
	d, err := compile(cacheDirectory)
	if err == nil {
		d.cached = len(before) > 0 && maps.Equal(before, files(cacheDirectory))
		return d, nil
	}
	if cacheDirectory == "" {
		return nil, err
	}
	return compile("")
}

// Warm fills a directory with the code that Open finds there. It holds for this version of the code, and for processors
// with the architecture and the features of this one.
func Warm(cacheDirectory string) error {
	d, err := compile(cacheDirectory)
	if err != nil {
		return fmt.Errorf("warm cache: %w", err)
	}
	return d.close()
}

func compile(cacheDirectory string) (d *drawer, err error) {
	config := wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(mostMemory)
	d = &drawer{memory: &memory{most: gates.decoded}, gates: gates, release: func() error { return nil }}
	if cacheDirectory != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDirectory)
		if err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(cache)
		d.release = func() error { return cache.Close(context.Background()) }
	}
	d.pool, err = webassembly.Init(webassembly.Config{
		Context:       experimental.WithMemoryAllocator(context.Background(), d.memory),
		MaxTotal:      1,
		FSConfig:      noFiles,
		RuntimeConfig: config,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return nil, errors.Join(err, d.release())
	}
	return d, nil
}

func (d *drawer) close() error {
	if err := errors.Join(d.pool.Close(), d.release()); err != nil {
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
