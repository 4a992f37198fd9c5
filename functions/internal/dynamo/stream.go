package dynamo

import (
	"strings"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
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

// NamedUpload is the id of the slot that a stream record with this primary key names.
func NamedUpload(pk, sk string) (id string, ok bool) {
	id = uploadID(pk)
	return id, sk == "U" && id != pk && upload.IsID(id)
}
