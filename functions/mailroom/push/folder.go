package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Where files go that are done with, and what stands between push and its folder.
const (
	sentFolder    = "sent"
	refusedFolder = "refused"

	folderGone  = sentence("The folder is not there, or cannot be read. Nothing is lost: bring it back, and start push again.")
	anotherPush = sentence("Another push is at work on this folder. Leave it to that one, or end it first.")
)

// kinds are what is sent, by the ends of names.
var kinds = []string{".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff"}

// isTemporary tells a name that a program gives to a file while it writes it.
func isTemporary(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.HasSuffix(name, "~") ||
		slices.Contains([]string{".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload"}, strings.ToLower(filepath.Ext(name)))
}

// found is a file in the folder as it is now.
type found struct {
	name string
	size int64
	time int64 // of its last change
}

func foundIn(folder, name string) (found, error) {
	info, err := os.Lstat(filepath.Join(folder, name))
	if err != nil {
		return found{}, err
	}
	if !info.Mode().IsRegular() {
		return found{}, os.ErrInvalid
	}
	return found{name, info.Size(), info.ModTime().UnixNano()}, nil
}

// watch knows since when each file of the folder is as it is.
type watch struct {
	folder string
	quiet  time.Duration
	since  map[string]seenSince
	left   map[string]bool // names that were named as left alone
}

type seenSince struct {
	found
	at time.Time
}

// look gives the files that are complete, those that are not yet, and the names of others that are left alone and were not
// named before; each in order.
func (w *watch) look(now time.Time) (complete, growing []found, others []string, err error) {
	entries, err := os.ReadDir(w.folder)
	if err != nil {
		return nil, nil, nil, folderGone
	}
	there := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		if isTemporary(name) || e.IsDir() && (name == sentFolder || name == refusedFolder) {
			continue
		}
		f, err := foundIn(w.folder, name)
		switch {
		case errors.Is(err, os.ErrNotExist): // it has just been renamed
			continue
		case err != nil, !slices.Contains(kinds, strings.ToLower(filepath.Ext(name))):
			if !w.left[name] {
				w.left[name] = true
				others = append(others, name)
			}
			continue
		}
		there[name] = true
		if s := w.since[name]; s.found != f {
			w.since[name] = seenSince{f, now}
		}
		if now.Sub(w.since[name].at) >= w.quiet {
			complete = append(complete, f)
		} else {
			growing = append(growing, f)
		}
	}
	for name := range w.since {
		if !there[name] {
			delete(w.since, name)
		}
	}
	return complete, growing, others, nil
}

// sum is the SHA-256 of a file that is as it was found; errChanged, if it is not.
func sum(open func(path string) (*os.File, error), folder string, f found) (string, error) {
	file, err := open(filepath.Join(folder, f.name))
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return "", err
	}
	if now, err := foundIn(folder, f.name); n != f.size || err != nil || now != f {
		return "", errChanged
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

var errChanged = errors.New("the file has changed")

// free is a name in a folder under our own that no file has and none is promised: "a.pdf", "a (2).pdf" …
func free(folder, under, name string, promised map[string]bool) string {
	end := filepath.Ext(name)
	for n := 1; ; n++ {
		to := filepath.Join(under, name)
		if n > 1 {
			to = filepath.Join(under, fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, end), n, end))
		}
		if _, err := os.Lstat(filepath.Join(folder, to)); errors.Is(err, os.ErrNotExist) && !promised[to] {
			return to
		}
	}
}
