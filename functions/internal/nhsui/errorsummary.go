package nhsui

import "html/template"

// ErrorSummary says at the top of a page which answers are wrong, with a link to each.
type ErrorSummary struct {
	Heading          Heading     `json:"heading"`
	Description      Content     `json:"description"`
	ErrorList        []ErrorItem `json:"errorList"`
	DisableAutoFocus *bool       `json:"disableAutoFocus"`
	ID               string      `json:"id"`
	Classes          string      `json:"classes"`
	Attributes       Attributes  `json:"attributes"`
}

// ErrorItem is one wrong answer.
type ErrorItem struct {
	Text       string        `json:"text"`
	HTML       template.HTML `json:"html"`
	Href       string        `json:"href"`
	Attributes Attributes    `json:"attributes"`
}

func (ErrorSummary) name() string { return "error-summary" }

func (s ErrorSummary) resolved() Component {
	s.Heading.Level = 2
	s.Heading = s.Heading.styled("nhsuk-error-summary__heading", "")
	return s
}
