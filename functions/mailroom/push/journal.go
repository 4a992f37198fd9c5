package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// record is one line of the journal. What is said in it:
//
//	open      a batch is about to be opened under Key, declared so
//	opened    it is Batch
//	file      file N is there: Name, Size, Time and SHA256
//	announce  Files are about to be announced to Batch under Key, Per envelope
//	places    the place of each of them is one of IDs
//	void      the announcement under Key came to nothing
//	received  the server has the receipt for file N, which is about to be moved to To
//	refused   the server refuses file N, which is about to be moved to To, with a note of Code and Detail
//	moved     it is there
//	gone      file N is not there any more, or not as it was, and nothing of it reached the server
type record struct {
	Is     string       `json:"is"`
	Key    string       `json:"key,omitempty"`
	As     *declaration `json:"as,omitempty"`
	Batch  string       `json:"batch,omitempty"`
	Per    string       `json:"per,omitempty"`
	N      int          `json:"n,omitempty"`
	Name   string       `json:"name,omitempty"`
	Size   int64        `json:"size,omitempty"`
	Time   int64        `json:"time,omitempty"` // of its last change, in nanoseconds
	SHA256 string       `json:"sha256,omitempty"`
	Files  []int        `json:"files,omitempty"`
	IDs    []string     `json:"ids,omitempty"`
	To     string       `json:"to,omitempty"`
	Code   string       `json:"code,omitempty"`
	Detail string       `json:"detail,omitempty"`
}

// declaration is what is said of a new batch.
type declaration struct {
	Envelopes    int    `json:"envelopes"`
	Box          string `json:"box"`
	Sequence     int    `json:"sequence"`
	DestroyAfter string `json:"destroyAfter,omitempty"`
}

// disk is the file of a journal.
type disk interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

// opener is how files are opened: the journal, which is written, and scans, which never are.
type opener struct {
	journal func(path string) (disk, error)
	scan    func(path string) (*os.File, error)
}

// onDisk opens them as they are.
var onDisk = opener{openFile, os.Open}

func openFile(path string) (disk, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }

// journal is what push has done and is about to do, one line each, on disk before it counts. It only grows.
type journal struct {
	file disk
	size int64 // of whole lines
	past []record
}

// openJournal reads what was written before. A line that a crash cut short was never acted on: it is cut off.
func openJournal(path string, open func(string) (disk, error)) (*journal, error) {
	f, err := open(path)
	if err != nil {
		return nil, sentence("The journal " + path + " cannot be opened: " + reason(err) + ".")
	}
	j := &journal{file: f}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(sentence("The journal "+path+" cannot be read: "+reason(err)+"."), f.Close())
	}
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			break
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, errors.Join(sentence("The journal "+path+" is damaged. Move the folder .push away only if you know which of the files were sent."), f.Close())
		}
		j.past = append(j.past, r)
		j.size += int64(len(line)) + 1
		b = rest
	}
	if err := errors.Join(j.cut(), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// cut takes away what is no whole line.
func (j *journal) cut() error {
	_, err := j.file.Seek(j.size, io.SeekStart)
	if err := errors.Join(j.file.Truncate(j.size), err); err != nil {
		return fmt.Errorf("cut journal: %w", err)
	}
	return nil
}

// add writes a record. Once it returns, the record outlives a power cut; if it fails, nothing may be done.
func (j *journal) add(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if _, err = j.file.Write(line); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		_ = j.cut()
		if isFull(err) {
			return sentence("The disk with the folder is full. Nothing is lost: make room, and start push again.")
		}
		return sentence("The journal cannot be written: " + reason(err) + ". Nothing is lost: see to the folder, and start push again.")
	}
	j.size += int64(len(line))
	return nil
}

func (j *journal) close() { _ = j.file.Close() }

// reason is what an error of the file system says, without the path.
func reason(err error) string {
	if at, ok := errors.AsType[*os.PathError](err); ok {
		return at.Err.Error()
	}
	if at, ok := errors.AsType[*os.LinkError](err); ok {
		return at.Err.Error()
	}
	return err.Error()
}

// syncFolder brings to disk which files a folder has.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !isNoSync(err) {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
