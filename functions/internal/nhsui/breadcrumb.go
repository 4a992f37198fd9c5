package nhsui

import (
	"cmp"
	"html/template"
)

// Breadcrumb shows where a page is in a site. On a small screen it is a BackLink to the last item.
type Breadcrumb struct {
	Items      []BreadcrumbItem `json:"items"`
	AriaLabel  string           `json:"ariaLabel"` // Breadcrumb
	BackLink   BackLink         `json:"backLink"`  // what is missing is taken from the last item
	Variant    string           `json:"variant"`   // reverse
	ID         string           `json:"id"`
	Classes    string           `json:"classes"`
	Attributes Attributes       `json:"attributes"`
}

// BreadcrumbItem is a page above this one.
type BreadcrumbItem struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Href       string        `json:"href"`
	Attributes Attributes    `json:"attributes"`
}

func (Breadcrumb) name() string { return "breadcrumb" }

func (b Breadcrumb) resolved() Component {
	b.Classes = classes("nhsuk-breadcrumb", variant(b.Classes, "nhsuk-breadcrumb--", b.Variant, "reverse"), b.Classes)
	back := &b.BackLink
	back.VisuallyHiddenText = cmp.Or(back.VisuallyHiddenText, "Back to")
	back.Variant = cmp.Or(back.Variant, b.Variant)
	if n := len(b.Items); n > 0 {
		last := b.Items[n-1]
		if back.HTML == "" {
			back.Text = cmp.Or(back.Text, last.Text)
		}
		back.Href = cmp.Or(back.Href, last.Href)
		if back.Attributes == nil {
			back.Attributes = last.Attributes
		}
	}
	return b
}
