package main

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

// cache is the sandbox's code, compiled when this function was built (functions/internal/scan/warm). What was built
// without it is as good and takes four seconds longer to start.
//
//go:embed all:cache
var cache embed.FS

// compiled unpacks the compiled code below a folder, where the sandbox finds it, and keeps what it has to compile itself.
// "": nothing can be kept there.
func compiled(below string) string {
	to := filepath.Join(below, "compiled")
	err := fs.WalkDir(cache, "cache", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := filepath.Join(to, filepath.FromSlash(path[len("cache"):]))
		if d.IsDir() {
			return os.MkdirAll(at, 0o700)
		}
		if _, err := os.Stat(at); err == nil {
			return nil
		}
		code, err := cache.ReadFile(path)
		if err != nil {
			return err
		}
		return whole(at, code)
	})
	if err != nil {
		return ""
	}
	return to
}

// whole writes a file that others see whole or not at all: another process may unpack at the same time.
func whole(at string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(at), ".part-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), at)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
