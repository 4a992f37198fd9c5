package nhsui

import "html/template"

// ErrorMessage says what is wrong with an answer. An empty one marks its field as wrong and says nothing.
type ErrorMessage struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText *string       `json:"visuallyHiddenText"` // nil: Error
	ID                 string        `json:"id"`
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`
}

func (ErrorMessage) name() string { return "error-message" }

func (e ErrorMessage) resolved() Component {
	if e.VisuallyHiddenText == nil {
		e.VisuallyHiddenText = new("Error")
	} else if *e.VisuallyHiddenText == "" {
		e.VisuallyHiddenText = nil
	}
	return e
}

func (e *ErrorMessage) empty() bool { return e == nil || e.Text == "" && e.HTML == "" }
