package mailroom

import (
	"strconv"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/directory"
)

// pagesText says which pages of its file a piece has; "" for one without a file.
func pagesText(p batch.Piece) string {
	switch {
	case p.First == 0:
		return ""
	case p.First == p.Last:
		return "page " + strconv.Itoa(p.First)
	}
	return "pages " + strconv.Itoa(p.First) + " to " + strconv.Itoa(p.Last)
}

// whereText says where in its batch a piece is.
func whereText(p batch.Piece) string {
	var all []string
	if p.Envelope > 0 {
		all = append(all, "envelope "+strconv.Itoa(p.Envelope))
	}
	if text := pagesText(p); text != "" {
		all = append(all, text)
	}
	if len(all) == 0 {
		return "not read yet"
	}
	return strings.Join(all, ", ")
}

// pageList names pages: 2, 4 and 5.
func pageList(pages []int) string {
	var b strings.Builder
	for n, p := range pages {
		switch {
		case n > 0 && n == len(pages)-1:
			b.WriteString(" and ")
		case n > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(p))
	}
	return b.String()
}

// spoken is a practice's name as it is read out.
func spoken(p directory.Practice) string { return directory.Spoken(p.Name) }
