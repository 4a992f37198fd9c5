package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// What can come of sending a file to the bucket, beside that it is there and errTransient.
var (
	errForm       = errors.New("the form is not taken")
	errUnreadable = errors.New("the file cannot be read")
)

// bucketRefuses are what the bucket itself refuses of a file, by its code, as the server would say it.
var bucketRefuses = map[string][2]string{
	"EntityTooLarge": {"file-too-large", "This file has more bytes than are taken. Scan fewer pages into one file."},
	"EntityTooSmall": {"empty", "This file is empty. Scan the paper again and send the new file."},
}

// stall is how long nothing of a file may go out before it is begun again.
const stall = time.Minute

// upload sends a file by a form, from the disk. The end of the request goes out only if what went before is what the
// journal has: a file that changes meanwhile never arrives. progress is told of every part that goes out.
func (v *server) upload(ctx context.Context, client *http.Client, open func(path string) (*os.File, error), folder string, f record, at *place, progress func(n int)) error {
	file, err := open(filepath.Join(folder, f.Name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errChanged
	case err != nil:
		return fmt.Errorf("%w: %s", errUnreadable, reason(err))
	}
	defer file.Close()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	for _, x := range at.Fields {
		if err := form.WriteField(x.Name, x.Value); err != nil {
			return err
		}
	}
	if _, err := form.CreateFormFile("file", "scan"); err != nil { // no name goes out but the one that was announced
		return err
	}
	start := head.Len()
	if err := form.Close(); err != nil {
		return err
	}
	whole := head.Bytes()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body := &fileBody{
		head: bytes.NewReader(whole[:start]), file: io.LimitReader(file, f.Size), tail: bytes.NewReader(whole[start:]), hash: sha256.New(), progress: progress,
		check: func(sum string) error {
			now, err := foundIn(folder, f.Name)
			if err != nil || sum != f.SHA256 || now != (found{f.Name, f.Size, f.Time}) {
				return errChanged
			}
			return nil
		},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Address, body)
	if err != nil {
		return err
	}
	r.ContentLength = int64(len(whole)) + f.Size
	r.Header.Set("Content-Type", form.FormDataContentType())
	go body.guard(ctx, cancel)
	answer, err := client.Do(r)
	if why := body.failed.Load(); why != nil {
		if answer != nil {
			_ = answer.Body.Close()
		}
		return *why
	}
	if err != nil {
		return transient(err)
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	var why struct{ Code string }
	_ = xml.Unmarshal(said, &why)
	refused, isRefused := bucketRefuses[why.Code]
	switch {
	case answer.StatusCode == http.StatusCreated, answer.StatusCode == http.StatusNoContent, answer.StatusCode == http.StatusOK:
		return nil
	case isRefused:
		return &problem{Status: answer.StatusCode, Code: refused[0], Detail: refused[1]}
	case answer.StatusCode >= 500, answer.StatusCode == http.StatusTooManyRequests:
		return transient(fmt.Errorf("the bucket says %d %s", answer.StatusCode, why.Code))
	}
	return fmt.Errorf("%w: %d %s", errForm, answer.StatusCode, why.Code)
}

// fileBody is a form with a file in it, as it goes out.
type fileBody struct {
	head, tail *bytes.Reader
	file       io.Reader
	hash       hash.Hash
	progress   func(int)
	check      func(sum string) error
	checked    bool
	failed     atomic.Pointer[error] // why it does not end
	gone       atomic.Int64          // bytes
}

func (b *fileBody) Read(p []byte) (int, error) {
	if b.head.Len() > 0 {
		return b.head.Read(p)
	}
	if !b.checked {
		n, err := b.file.Read(p)
		b.hash.Write(p[:n])
		b.gone.Add(int64(n))
		b.progress(n)
		switch {
		case n > 0:
			return n, nil
		case err != nil && !errors.Is(err, io.EOF):
			return 0, b.fail(fmt.Errorf("%w: %s", errUnreadable, reason(err)))
		case err == nil:
			return 0, nil
		}
		b.checked = true
		if err := b.check(hex.EncodeToString(b.hash.Sum(nil))); err != nil {
			return 0, b.fail(err)
		}
	}
	return b.tail.Read(p)
}

func (b *fileBody) fail(err error) error {
	b.failed.Store(&err)
	return err
}

// guard ends a request of which nothing has gone out for a while.
func (b *fileBody) guard(ctx context.Context, cancel context.CancelCauseFunc) {
	t := time.NewTicker(stall)
	defer t.Stop()
	for before := int64(-1); ; {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			now := b.gone.Load()
			if now == before && b.tail.Len() > 0 {
				cancel(errors.New("nothing goes out"))
				return
			}
			before = now
		}
	}
}
