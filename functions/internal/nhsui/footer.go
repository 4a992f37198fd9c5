package nhsui

import (
	"cmp"
	"html/template"
	"slices"
)

// Footer is at the bottom of every page.
type Footer struct {
	Navigation       FooterColumns `json:"navigation"`
	Columns          int           `json:"columns"` // 1, 2, 3 or 4
	Meta             FooterMeta    `json:"meta"`
	Copyright        *Content      `json:"copyright"` // nil: © NHS England; empty: none
	ContainerClasses string        `json:"containerClasses"`
	ID               string        `json:"id"`
	Classes          string        `json:"classes"`
	Attributes       Attributes    `json:"attributes"`

	Rows [][]FooterColumn `json:"-"` // follow from the navigation
}

// FooterColumns are filled from left to right, then in the next row.
type FooterColumns []FooterColumn

// FooterColumn is a group of links.
type FooterColumn struct {
	Heading Heading       `json:"heading"`
	Items   []FooterItem  `json:"items"`
	Text    string        `json:"text"`
	HTML    template.HTML `json:"html"`
	Width   string        `json:"width"` // by the number of columns
}

// FooterItem is a link.
type FooterItem struct {
	Text string        `json:"text"`
	HTML template.HTML `json:"html"`
	Href string        `json:"href"`
}

// FooterMeta are the links that every page must have, such as to an accessibility statement.
type FooterMeta struct {
	Items              []FooterItem  `json:"items"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"` // Support links
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
}

func (Footer) name() string { return "footer" }

func (f Footer) resolved() Component {
	wide := map[int]string{1: "full", 2: "one-half", 3: "one-third"}[f.Columns]
	if wide == "" {
		wide, f.Columns = "one-quarter", 4
	}
	for row := range slices.Chunk(f.Navigation, f.Columns) {
		row = slices.Clone(row)
		for n := range row {
			row[n].Width = cmp.Or(row[n].Width, wide)
			row[n].Heading.Level, row[n].Heading.Size = 2, "s"
			row[n].Heading = row[n].Heading.styled("nhsuk-footer__heading", "nhsuk-heading-", "s")
		}
		f.Rows = append(f.Rows, row)
	}
	if f.Copyright == nil {
		f.Copyright = &Content{Text: "© NHS England"}
	}
	return f
}
