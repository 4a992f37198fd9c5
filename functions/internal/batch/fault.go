package batch

import (
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// faults are the sentences that the mailroom reads.
var faults = map[string]string{
	"missing":        "This is needed. Fill it in.",
	"not-an-option":  "Choose one of the options offered.",
	"out-of-range":   "That number is not possible here. Check it.",
	"box":            "A box is named by at most 20 letters, digits and dashes.",
	"date-in-past":   "That day is over. Check the date.",
	"too-many":       "That is none, or too many at once. Send at most 40 files at a time.",
	"pages":          "These are not pages of the piece. Check where it ends.",
	"read-the-paper": "Fill in what is wrong, or say that it stands so on the paper.",
}

func wrong(field, code string) error {
	return optout.Faulty{{Pointer: "/" + field, Code: code, Detail: faults[code]}}
}

func inRange(field string, n, from, to int) error {
	if n < from || n > to {
		return wrong(field, "out-of-range")
	}
	return nil
}

func oneOf(field, value string, offered []string) error {
	if slices.Contains(offered, value) {
		return nil
	}
	return wrong(field, "not-an-option")
}

// faults are all that is wrong with a declaration.
func (d Declaration) faults(now time.Time) error {
	var all optout.Faulty
	add := func(err error) {
		if f, ok := err.(optout.Faulty); ok {
			all = append(all, f...)
		}
	}
	add(inRange("envelopes", d.Envelopes, 1, MostEnvelopes))
	switch plain := strings.Trim(d.Box, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"); {
	case d.Box == "":
		add(wrong("box", "missing"))
	case plain != "" || len(d.Box) > 20:
		add(wrong("box", "box"))
	}
	add(inRange("sequence", d.Sequence, 1, 9999))
	if !d.Destroy.IsZero() && !d.Destroy.After(nhs.DateOf(now)) {
		add(wrong("destroy", "date-in-past"))
	}
	if len(all) > 0 {
		return all
	}
	return nil
}
