package scan

import (
	"maps"
	"slices"
)

// Refusal is why nothing of a file, or of a page, is drawn. It never quotes the file.
type Refusal struct {
	Code string // one of Codes
}

func (r *Refusal) Error() string { return "scan refused: " + r.Code }

// Detail says it to a clerk, with what to do.
func (r *Refusal) Detail() string { return sentences[r.Code] }

// Codes are all codes that a refusal can have, in order.
func Codes() []string { return slices.Sorted(maps.Keys(sentences)) }

func refuse(code string) *Refusal { return &Refusal{Code: code} }

const again = " Scan the paper again and send the new file."

// sentences are by the codes of refusals.
var sentences = map[string]string{
	// files
	"empty":             "This file is empty." + again,
	"file-too-large":    "This file has more than 20 MB. Scan fewer pages into one file, or scan at 200 dots an inch in grey, and send the new files.",
	"kind-unknown":      "This file is no PDF, JPEG, PNG or TIFF, whatever its name says. Scan the paper into one of these and send that.",
	"kind-heic":         "This photograph is in a phone's own format (HEIC). Set the phone's camera to “most compatible” (JPEG) and photograph the paper again.",
	"kind-office":       "This file is packed (a ZIP file, or a document of an office program). Print it as a PDF, or unpack it, and send what was inside.",
	"kind-bigtiff":      "This file is a TIFF of a kind that we do not read (BigTIFF). Scan the paper into a PDF and send that.",
	"encrypted":         "This PDF opens only with a password. Take the password away, or print the PDF and scan the paper, and send the new file. Do not send the password.",
	"encrypted-unknown": "This PDF is protected in a way that we cannot open. Print it and scan the paper, and send the new file.",
	"cut-short":         "This file ends in the middle, so pages may be missing. Send it again. If that does not help, scan the paper again.",
	"damaged":           "This file is damaged and cannot be opened." + again,
	"no-pages":          "There are no pages in this file." + again,
	"too-many-pages":    "There are more than 100 pages in this file. None of it was used. Scan at most 100 pages into one file.",
	"takes-too-long":    "This file takes too long to draw. Print it and scan the paper, and send the new file.",

	// pages
	"page-damaged":    "This page is damaged and cannot be drawn." + again,
	"page-too-large":  "This page is longer or wider than 25 inches (63 cm). Scan the paper itself, not a poster of it.",
	"page-no-area":    "This page has no size, so there is nothing to see of it." + again,
	"too-many-pixels": "There are more than 40 million pixels on this page. Scan it at 200 or 300 dots an inch, and send the new file.",
	"too-much-memory": "This page is packed so that it takes too much memory to draw. Scan the paper at 200 or 300 dots an inch in grey, and send the new file.",
	"tiff-jpeg":       "The pages of this TIFF are packed as JPEG, which we do not read. Scan the paper into a PDF and send that.",
	"tiff-kind":       "The pages of this TIFF are of a kind that we do not read. Scan the paper into a PDF and send that.",
}
