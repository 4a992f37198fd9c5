package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// builder compiles the functions as they are compiled for AWS, but for this machine.
type builder struct {
	root, state string
	race        bool
	children    *children
	log         func(string)
}

// directory is where the bootstrap of a main package is put.
func (b builder) directory(code string) string {
	return filepath.Join(b.state, "build", path.Base(code))
}

// build runs the compiler once for all functions; what has not changed is not compiled again.
func (b builder) build(ctx context.Context, functions []functionPlan) error {
	var packages []string
	for _, f := range functions {
		if p := "./" + f.code; !slices.Contains(packages, p) {
			packages = append(packages, p)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	// The compiler names binaries after their folders and may be given only one place for all: bootstrap is a
	// link to it.
	binaries := filepath.Join(b.state, "build", "bin")
	if err := os.MkdirAll(binaries, 0o700); err != nil {
		return fmt.Errorf("build functions: %w", err)
	}
	cgo, flags := "CGO_ENABLED=0", []string{"-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w"}
	if b.race {
		cgo, flags = "CGO_ENABLED=1", []string{"-trimpath", "-tags", "lambda.norpc", "-race"}
	}
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "AWS_") || strings.HasPrefix(s, "CGO_ENABLED=")
	})
	arguments := slices.Concat([]string{"build"}, flags, []string{"-o", binaries + string(filepath.Separator)}, packages)
	compiler, err := b.children.start(b.root, append(env, cgo), b.log, "go", arguments...)
	if err != nil {
		return fmt.Errorf("build functions: %w", err)
	}
	select {
	case <-compiler.dead:
	case <-ctx.Done():
		compiler.kill()
		<-compiler.dead
		return fmt.Errorf("build functions: %w", ctx.Err())
	}
	if compiler.err != nil {
		return fmt.Errorf("build functions: %w", compiler.err)
	}
	for _, p := range packages {
		name := path.Base(p)
		if err := os.MkdirAll(b.directory(p), 0o700); err != nil {
			return fmt.Errorf("build functions: %w", err)
		}
		err := os.Symlink(filepath.Join("..", "bin", name), filepath.Join(b.directory(p), "bootstrap"))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("build functions: %w", err)
		}
	}
	return nil
}
