// Command warm fills a folder with the code that functions/internal/scan.Open finds there, so that a function's package
// brings it along: go run ./functions/internal/scan/warm FOLDER. Run it on the processor that the function runs on; on
// another one the code is compiled anew, which takes seconds.
package main

import (
	"fmt"
	"os"

	"example.org/optout/functions/internal/scan"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: warm FOLDER")
		os.Exit(2)
	}
	if err := scan.Warm(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
