package nhsui

import (
	"cmp"
	"html/template"
)

// NotificationBanner tells of something that is not about the page itself.
type NotificationBanner struct {
	Title            Heading       `json:"title"` // Important, or Success
	Heading          Heading       `json:"heading"`
	Text             string        `json:"text"`
	HTML             template.HTML `json:"html"`
	Variant          string        `json:"variant"` // success
	Role             string        `json:"role"`    // region; alert for a success
	DisableAutoFocus *bool         `json:"disableAutoFocus"`
	ID               string        `json:"id"`
	Classes          string        `json:"classes"`
	Attributes       Attributes    `json:"attributes"`
}

func (NotificationBanner) name() string { return "notification-banner" }

func (b NotificationBanner) resolved() Component {
	title, role := "Important", "region"
	if b.Variant == "success" {
		title, role = "Success", "alert"
	}
	b.Title.ID = cmp.Or(b.Title.ID, "nhsuk-notification-banner-title")
	b.Title.Text, b.Title.Level = cmp.Or(b.Title.Text, title), cmp.Or(b.Title.Level, 2)
	b.Title = b.Title.styled("nhsuk-notification-banner__title", "")
	b.Heading.Level = cmp.Or(b.Heading.Level, 3)
	b.Heading = b.Heading.styled("nhsuk-notification-banner__heading", "")
	b.Role = cmp.Or(b.Role, role)
	b.Classes = classes("nhsuk-notification-banner", b.Classes,
		variant(b.Classes, "nhsuk-notification-banner--", b.Variant, "success"))
	return b
}
