package nhsui

import "html/template"

// SummaryList shows answers, with links to change them.
type SummaryList struct {
	Rows          []SummaryRow `json:"rows"`
	Border        *bool        `json:"border"`        // false: none
	LastRowBorder *bool        `json:"lastRowBorder"` // false: none
	Card          *Card        `json:"card"`          // around the list
	ID            string       `json:"id"`
	Classes       string       `json:"classes"`
	Attributes    Attributes   `json:"attributes"`
}

// SummaryRow is one answer.
type SummaryRow struct {
	Key        SummaryCell `json:"key"`
	Value      SummaryCell `json:"value"`
	Actions    Actions     `json:"actions"`
	Border     *bool       `json:"border"` // false: none
	Classes    string      `json:"classes"`
	Attributes Attributes  `json:"attributes"`
}

// SummaryCell is a question or an answer.
type SummaryCell struct {
	Text    string        `json:"text"`
	HTML    template.HTML `json:"html"`
	Width   string        `json:"width"` // one-third …
	Classes string        `json:"classes"`
}

func (SummaryList) name() string { return "summary-list" }

func (s SummaryList) resolved() Component {
	without := func(border *bool) bool { return border != nil && !*border }
	switch {
	case without(s.Border):
		s.Classes = classes("nhsuk-summary-list", "nhsuk-summary-list--no-border", s.Classes)
	case without(s.LastRowBorder):
		s.Classes = classes("nhsuk-summary-list", "nhsuk-summary-list--no-last-row-border", s.Classes)
	default:
		s.Classes = classes("nhsuk-summary-list", s.Classes)
	}
	var about Heading
	if s.Card != nil {
		about = s.Card.Heading
		s.Card = new(s.Card.resolved().(Card))
	}
	anyActions := false
	for _, r := range s.Rows {
		anyActions = anyActions || len(r.Actions) > 0
	}
	rows := make([]SummaryRow, len(s.Rows))
	for n, r := range s.Rows {
		last := n == len(s.Rows)-1 && without(s.LastRowBorder)
		r.Classes = classes("nhsuk-summary-list__row",
			when(anyActions && len(r.Actions) == 0, "nhsuk-summary-list__row--no-actions"),
			when(without(r.Border) && !last, "nhsuk-summary-list__row--no-border"), r.Classes)
		r.Key.Classes = classes("nhsuk-summary-list__key", width(r.Key.Width), r.Key.Classes)
		r.Value.Classes = classes("nhsuk-summary-list__value", width(r.Value.Width), r.Value.Classes)
		r.Actions = r.Actions.of(about)
		rows[n] = r
	}
	s.Rows = rows
	return s
}

// width is the class of something as wide as a part of what it is in.
func width(part string) string {
	if part == "" {
		return ""
	}
	return "nhsuk-u-width-" + part
}
