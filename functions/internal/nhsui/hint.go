package nhsui

import "html/template"

// Hint helps to answer a question.
type Hint struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	ID         string        `json:"id"`
	Classes    string        `json:"classes"`
	Attributes Attributes    `json:"attributes"`
}

func (Hint) name() string { return "hint" }

func (h Hint) resolved() Component { return h }

func (h *Hint) empty() bool { return h == nil || h.Text == "" && h.HTML == "" }
