package sim

import (
	"context"
	"fmt"
	"io"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

// files is S3: every call may fail, and those that go nowhere cannot.
type files struct{}

// away is how a service fails that nobody can be in conflict over: nobody knows what became of the call.
func away(f failure) error {
	if f == conflicted {
		return nil
	}
	return optout.ErrUnavailable
}

func filesCall(ctx context.Context, name string, writes bool, effect func(*optouttest.Files) error) error {
	w := current
	err := w.call(ctx, &call{service: s3, name: name, writes: writes, effect: func() error { return effect(w.files) }, fails: away})
	if err != nil && ctx.Err() != nil { // as package bucket says that nobody waits for the answer any more
		err = fmt.Errorf("%w: %w", optout.ErrUnavailable, err)
	}
	return err
}

// Find implements upload.Files.
func (files) Find(ctx context.Context, key string) (found []upload.Object, err error) {
	err = filesCall(ctx, "find "+key, false, func(f *optouttest.Files) (err error) { found, err = f.Find(ctx, key); return err })
	return found, err
}

// Open implements upload.Files.
func (files) Open(ctx context.Context, key, version string) (body io.ReadCloser, err error) {
	err = filesCall(ctx, "open "+key, false, func(f *optouttest.Files) (err error) { body, err = f.Open(ctx, key, version); return err })
	if err != nil {
		return nil, err
	}
	return body, nil
}

// Put implements upload.Files.
func (files) Put(ctx context.Context, key, kind string, body []byte) error {
	return filesCall(ctx, "put "+key, true, func(f *optouttest.Files) error { return f.Put(ctx, key, kind, body) })
}

// Delete implements upload.Files.
func (files) Delete(ctx context.Context, key, version string) error {
	return filesCall(ctx, "delete "+key, true, func(f *optouttest.Files) error { return f.Delete(ctx, key, version) })
}

// Form, Link, Picture and Origin sign, which goes nowhere and cannot fail.

// Form implements the doors' Files.
func (files) Form(_ context.Context, f bucket.File) (bucket.Form, error) {
	return bucket.Form{Address: "https://bucket.example/", Origin: "https://bucket.example", Fields: []bucket.Field{{Name: "key", Value: f.Key}}}, nil
}

// Link implements the doors' Files.
func (files) Link(_ context.Context, key, _ string) (string, error) {
	return "https://bucket.example/" + key, nil
}

// Picture implements the doors' Files.
func (files) Picture(_ context.Context, key string) (string, error) {
	return "https://bucket.example/" + key, nil
}

// Origin implements the doors' Files.
func (files) Origin(context.Context) string { return "https://bucket.example" }
