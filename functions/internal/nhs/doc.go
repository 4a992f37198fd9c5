// Package nhs holds the values of the field that cannot be wrong: what a person typed goes in, and either a value
// or an Error with a code and a sentence comes out. Everything above this package passes these values, never raw
// strings.
//
// Values that identify a person (Number, Date, Name, Postcode) never print themselves: String, GoString and
// LogValue give a placeholder, so that no log line, error or %v can carry them. Each has one plainly named method
// that gives the content to those who must write it down.
package nhs

import "log/slog"

// Error says what is wrong with a value: a code for machines and a sentence that tells a person what to do.
// It never quotes the value.
type Error struct {
	Code   string
	Detail string
}

func (e *Error) Error() string { return e.Code }

// hidden is what a personal value shows of itself.
func hidden(what string) slog.Value { return slog.StringValue("[" + what + "]") }
