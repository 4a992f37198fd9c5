//go:build !unix

package main

import (
	"errors"
	"os"
	"path/filepath"
)

// lock makes the folder .push and keeps others out of it until it is let go. Where there is no flock, a file that cannot be
// deleted while it is open does the same.
func lock(folder string) (unlock func(), err error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, folderGone
	}
	own := filepath.Join(folder, ".push")
	if err := os.Mkdir(own, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, sentence("Nothing can be written to the folder: " + reason(err) + ".")
	}
	name := filepath.Join(own, "lock")
	_ = os.Remove(name) // it stays where somebody has it open
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, anotherPush
	}
	return func() { _ = f.Close(); _ = os.Remove(name) }, nil
}

func isFull(error) bool { return false }

// isNoSync says that a file system brings folders to disk by itself.
func isNoSync(error) bool { return true }
