package nhsui

import (
	"cmp"
	"html/template"
)

// Button is a button, or a link that looks like one: where it has an address and no type.
type Button struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	Type               string        `json:"type"` // submit
	Name               string        `json:"name"`
	Value              string        `json:"value"`
	Href               string        `json:"href"`
	Disabled           bool          `json:"disabled"`
	PreventDoubleClick *bool         `json:"preventDoubleClick"`
	Icon               *Icon         `json:"icon"`
	Variant            string        `json:"variant"` // secondary, secondary-solid, reverse, brand, warning, login
	Small              bool          `json:"small"`
	AriaLabel          string        `json:"ariaLabel"`
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`
}

func (Button) name() string { return "button" }

func (b Button) resolved() Component {
	if b.Href == "" || b.Type != "" {
		b.Href, b.Type = "", cmp.Or(b.Type, "submit")
	}
	b.Classes = classes("nhsuk-button",
		variant(b.Classes, "nhsuk-button--", b.Variant, "secondary", "secondary-solid", "reverse", "brand", "warning", "login"),
		when(b.Icon != nil, "nhsuk-button--icon"), when(b.Small, "nhsuk-button--small"), b.Classes)
	return b
}

// Icon stands beside a button's text, or in its place.
type Icon struct {
	Name      string `json:"name"`      // arrow-left, search, user …
	Placement string `json:"placement"` // start or end
}
