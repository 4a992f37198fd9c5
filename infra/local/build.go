package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
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
}

// build runs the compiler once for all the main packages and returns the folder of each one's bootstrap. What has not
// changed is not compiled again. Each line that the compiler writes goes to log.
func (b builder) build(ctx context.Context, log func(line string), codes ...string) (map[string]string, error) {
	directories := map[string]string{}
	if len(codes) == 0 {
		return directories, nil
	}
	// The compiler names binaries after their folders and may be given only one place for all.
	if err := os.MkdirAll(b.binaries(), 0o700); err != nil {
		return nil, fmt.Errorf("build functions: %w", err)
	}
	arguments := slices.Concat([]string{"build"}, b.flags(), []string{"-o", b.binaries() + string(filepath.Separator)}, packages(codes))
	compiler, err := b.children.start(b.root, b.environment(), log, "go", arguments...)
	if err != nil {
		return nil, fmt.Errorf("build functions: %w", err)
	}
	select {
	case <-compiler.dead:
	case <-ctx.Done():
		compiler.kill()
		<-compiler.dead
		return nil, fmt.Errorf("build functions: %w", ctx.Err())
	}
	if compiler.err != nil {
		return nil, fmt.Errorf("build functions: %w", compiler.err)
	}
	for _, code := range codes {
		if directories[code], err = b.publish(code); err != nil {
			return nil, fmt.Errorf("build functions: %w", err)
		}
	}
	return directories, nil
}

// environment is the compiler's.
func (b builder) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "AWS_") || strings.HasPrefix(s, "CGO_ENABLED=")
	})
	if b.race {
		return append(env, "CGO_ENABLED=1")
	}
	return append(env, "CGO_ENABLED=0")
}

// flags are the compiler's. The state of the version control is left out: a commit makes no new binary.
func (b builder) flags() []string {
	flags := []string{"-trimpath", "-buildvcs=false", "-tags", "lambda.norpc"}
	if b.race {
		return append(flags, "-race")
	}
	return append(flags, "-ldflags", "-s -w")
}

// packages are the main packages in these folders, as the compiler wants them named.
func packages(codes []string) (names []string) {
	for _, code := range codes {
		names = append(names, "./"+code)
	}
	return names
}

func (b builder) binaries() string { return filepath.Join(b.state, "build", "bin") }

// builds is where the builds of a main package are.
func (b builder) builds(code string) string {
	return filepath.Join(b.state, "build", path.Base(code))
}

// publish gives the newest binary of a main package a folder that is named after its content, so that no binary ever
// takes the place of another one, which may run, and one that is the same has the folder it had. The compiler writes
// a new file each time, never into the one that is linked here.
func (b builder) publish(code string) (directory string, err error) {
	binary := filepath.Join(b.binaries(), path.Base(code))
	f, err := os.Open(binary)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content := sha256.New()
	if _, err := io.Copy(content, f); err != nil {
		return "", err
	}
	directory = filepath.Join(b.builds(code), fmt.Sprintf("%x", content.Sum(nil)[:8]))
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return "", err
	}
	if err := os.Link(binary, filepath.Join(directory, "bootstrap")); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return directory, nil
}

// prune removes all builds of a main package but one. A process that still runs another needs its file no more.
func (b builder) prune(code, keep string) error {
	builds, err := os.ReadDir(b.builds(code))
	for _, x := range builds {
		if x.Name() != filepath.Base(keep) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(b.builds(code), x.Name())))
		}
	}
	return err
}
