package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// journal is a file with something in JSON on each line, oldest first.
type journal struct {
	file interface {
		io.WriterAt
		io.Closer
	}
	size int64 // of the whole lines
}

// openJournal reads a journal. A torn last line was never acknowledged: it is not read, and the next one is written over
// it.
func openJournal[T any](file string) (*journal, []T, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	read, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	j := &journal{file: f, size: int64(bytes.LastIndexByte(read, '\n') + 1)}
	var all []T
	for line := range bytes.Lines(read[:j.size]) {
		var one T
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s, line %d: %w", file, len(all)+1, err), f.Close())
		}
		all = append(all, one)
	}
	return j, all, nil
}

// add writes a line. Whoever calls it sees to it that nobody else does meanwhile.
func (j *journal) add(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if _, err := j.file.WriteAt(b, j.size); err != nil {
		return err
	}
	j.size += int64(len(b))
	return nil
}

func (j *journal) close() { j.file.Close() }
