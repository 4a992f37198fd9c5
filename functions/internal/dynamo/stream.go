package dynamo

import (
	"strings"

	"example.org/optout/functions/internal/optout"
)

// Named is what a stream record with this primary key names to be looked at; ok is false for items that nobody
// waits for.
func Named(pk, sk string) (d optout.Due, ok bool) {
	noun, id, _ := strings.Cut(pk, "#")
	switch {
	case noun == "F" && sk == "F":
		return optout.Due{Noun: optout.DueForm, ID: id}, true
	case noun == "P" && sk == "D":
		return optout.Due{Noun: optout.DuePractice, ID: id}, true
	}
	return optout.Due{}, false
}
