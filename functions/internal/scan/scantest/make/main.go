// Command make writes scantest's hostile files into a folder, 00, 01 … in their order, and their names into names; and its
// samples: go run ./functions/internal/scan/scantest/make FOLDER. Made here they do not count as memory of whoever reads them,
// and packing gigabytes is not watched for races.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"example.org/optout/functions/internal/scan/scantest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: make FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	put := func(name string, file func() []byte) {
		all.Go(func() error { return os.WriteFile(filepath.Join(folder, name), file(), 0o600) })
	}
	var names []string
	for i, c := range scantest.Hostile() {
		names = append(names, c.Name)
		put(fmt.Sprintf("%02d", i), c.Make)
	}
	for _, s := range scantest.Samples() {
		put(s.Name, s.Make)
	}
	put("names", func() []byte { return []byte(strings.Join(names, "\n") + "\n") })
	return all.Wait()
}
