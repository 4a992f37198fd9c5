//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lock makes the folder .push and keeps others out of it until it is let go, or this process ends, however it does.
func lock(folder string) (unlock func(), err error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, folderGone
	}
	own := filepath.Join(folder, ".push")
	if err := os.Mkdir(own, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, sentence("Nothing can be written to the folder: " + reason(err) + ".")
	}
	f, err := os.OpenFile(filepath.Join(own, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, sentence("Nothing can be written to the folder: " + reason(err) + ".")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, anotherPush
		}
		return nil, sentence("The folder cannot be kept from another push: " + reason(err) + ".")
	}
	return func() {
		// To close is not enough where a process has just been forked: until it runs its own program it has the file, too.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
	}, nil
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// isNoSync says that a file system brings folders to disk by itself.
func isNoSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP)
}
