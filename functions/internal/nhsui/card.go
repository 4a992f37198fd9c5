package nhsui

import (
	"cmp"
	"html/template"
)

// Card sets a piece of content apart, with what can be done to it.
type Card struct {
	Heading     Heading    `json:"heading"` // of level 2
	Description Content    `json:"description"`
	Actions     Actions    `json:"actions"`
	Href        string     `json:"href"`      // where the heading leads
	Clickable   bool       `json:"clickable"` // all of the card leads there
	Image       *Image     `json:"image"`
	Variant     string     `json:"variant"` // feature, primary, secondary, warning; non-urgent, urgent, emergency for care
	ID          string     `json:"id"`
	Classes     string     `json:"classes"`
	Attributes  Attributes `json:"attributes"`

	Care bool `json:"-"` // follows from the variant
}

// Image is above a card's content.
type Image struct {
	Src  string        `json:"src"`
	Alt  string        `json:"alt"`
	HTML template.HTML `json:"html"` // in its place
}

// Actions are what can be done to what a card or row shows.
type Actions []Action

// Action is a link, or a button where it has a type or no address.
type Action struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"`
	Href               string        `json:"href"`
	Type               string        `json:"type"` // submit
	Name               string        `json:"name"`
	Value              string        `json:"value"`
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`

	Of Content `json:"-"` // the card that it is on, by its heading
}

// of are the actions on a card. Where it has no heading they say what they say.
func (a Actions) of(heading Heading) Actions {
	on := make(Actions, len(a))
	for n, action := range a {
		if action.Href == "" || action.Type != "" {
			action.Href, action.Type = "", cmp.Or(action.Type, "submit")
		}
		action.Of = Content{Text: heading.Text, HTML: heading.HTML}
		on[n] = action
	}
	return on
}

func (Card) name() string { return "card" }

func (c Card) resolved() Component {
	said := c.Heading.Text != "" || c.Heading.HTML != ""
	care := variant(c.Classes, "nhsuk-card--care--", c.Variant, "non-urgent", "urgent", "emergency")
	c.Care = care != "" && said
	c.Actions = c.Actions.of(c.Heading)
	c.Heading.Level = cmp.Or(c.Heading.Level, 2)
	if c.Care {
		advice := map[string]string{"emergency": "Immediate action required", "urgent": "Urgent advice", "non-urgent": "Non-urgent advice"}
		c.Heading.VisuallyHiddenText = cmp.Or(c.Heading.VisuallyHiddenText, advice[c.Variant])
	}
	if c.Variant == "feature" {
		c.Href = ""
	}
	c.Heading = c.Heading.styled("nhsuk-card__heading", "nhsuk-heading-", "xxs", "xs", "s", "m", "l", "xl")
	c.Classes = classes("nhsuk-card", when(c.Clickable, "nhsuk-card--clickable"),
		variant(c.Classes, "nhsuk-card--", c.Variant, "feature", "primary", "secondary", "warning"),
		when(c.Care, "nhsuk-card--care"), when(c.Care, care), c.Classes)
	return c
}
