package nhsui

import "html/template"

// Tag shows the status of something.
type Tag struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Colour     Colour        `json:"colour"`
	Border     *bool         `json:"border"`
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

// Colour is white, grey, green, aqua-green, blue, purple, pink, red, orange, yellow or NoColour.
type Colour string

// NoColour is for a tag that is black on white.
const NoColour Colour = "no-colour"

func (Tag) name() string { return "tag" }

func (t Tag) resolved() Component {
	colour := variant(t.Classes, "nhsuk-tag--", string(t.Colour),
		"white", "grey", "green", "aqua-green", "blue", "purple", "pink", "red", "orange", "yellow", string(NoColour))
	t.Classes = classes("nhsuk-tag", colour, when(t.Border != nil && !*t.Border, "nhsuk-tag--no-border"), t.Classes)
	return t
}
