package directory

import "fmt"

// Fault is one line of a file that is not taken: where, which rule, and the word that breaks it or what to do.
type Fault struct {
	Line   int // from 1
	Code   string
	Detail string
}

func (f *Fault) Error() string {
	if f.Detail == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Code)
	}
	return fmt.Sprintf("line %d: %s (%s)", f.Line, f.Code, f.Detail)
}
