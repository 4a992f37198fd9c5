// Command cut makes the file of practices that package directory compiles in:
//
//	go run ./functions/internal/directory/cut epraccur.csv functions/internal/directory/practices.txt.gz
//
// The first file is what the Organisation Data Service publishes as epraccur, without a header, in either layout.
// Every row that is refused is printed with its number and the reason, then the sum: rows read = taken + refused.
// Nothing is written if no row can be taken or if what was made cannot be read back.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"example.org/optout/functions/internal/directory"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("cut: say which file to read and which to write: cut <epraccur.csv> <out.gz>")
	}
	ods, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("cut: %w", err)
	}
	file, rows, faults, err := directory.Cut(ods)
	for _, f := range faults {
		fmt.Fprintf(out, "refused: %v\n", f)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d rows read = %d taken + %d refused; %d bytes\n", rows, rows-len(faults), len(faults), len(file))
	return os.WriteFile(args[1], file, 0o644)
}
