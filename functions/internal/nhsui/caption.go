package nhsui

import (
	"cmp"
	"html/template"
)

// Caption is a smaller line above or below a heading, label or legend.
type Caption struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Placement  string        `json:"placement"` // start or end: inside; before or after: outside
	Size       string        `json:"size"`      // m, l, xl, xxl
	Element    string        `json:"element"`   // span
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (Caption) name() string { return "caption" }

func (c Caption) resolved() Component {
	const class = "nhsuk-caption"
	c.Classes = classes(
		cmp.Or(variant(c.Classes, class+"-", c.Size, "m", "l", "xl", "xxl"), class),
		when(c.Placement == "after" || c.Placement == "end", class+"--bottom"), c.Classes)
	c.Element = cmp.Or(c.Element, "span")
	return c
}

// fitted is the caption in the size of what it belongs to, or nil where it says nothing.
func (c *Caption) fitted(size string) *Caption {
	if c == nil || c.Text == "" && c.HTML == "" {
		return nil
	}
	f := *c
	f.Size = cmp.Or(c.Size, size)
	f.Placement = cmp.Or(c.Placement, "start")
	return &f
}
