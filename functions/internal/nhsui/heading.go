package nhsui

import (
	"cmp"
	"html/template"
	"strconv"
)

// Heading is a heading of any level. An empty one, as the heading of a Label or Legend, makes these the heading of
// their page.
type Heading struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"`
	Caption            *Caption      `json:"caption"`
	Href               string        `json:"href"`
	Level              int           `json:"level"`   // 1
	Size               string        `json:"size"`    // xxs, xs, s, m, l, xl
	Element            string        `json:"element"` // by the level
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`
}

func (Heading) name() string { return "heading" }

func (h Heading) resolved() Component {
	return h.styled("nhsuk-heading", "nhsuk-heading-", "xxs", "xs", "s", "m", "l", "xl")
}

// styled is the heading in the class that it has in another component, and in one of the sizes that it may have
// there. It is shown by the template "heading-of".
func (h Heading) styled(class, prefix string, sizes ...string) Heading {
	size := variant(h.Classes, prefix, h.Size, sizes...)
	if size == "" {
		h.Size = ""
	} else if prefix == class+"-" {
		class = "" // nhsuk-heading-l stands alone, nhsuk-label--l beside nhsuk-label
	}
	h.Classes = classes(class, size, h.Classes)
	h.Caption = h.Caption.fitted(h.Size)
	h.Element = cmp.Or(h.Element, "h"+strconv.Itoa(cmp.Or(h.Level, 1)))
	return h
}
