package nhsui

import (
	"cmp"
	"html/template"
	"strings"
)

// Table shows figures or anything else with rows and columns.
type Table struct {
	Caption           *Heading   `json:"caption"`
	Head              []Cell     `json:"head"`
	Rows              [][]Cell   `json:"rows"`
	FirstCellIsHeader bool       `json:"firstCellIsHeader"`
	Responsive        bool       `json:"responsive"` // on a small screen each row is a list
	Scroll            bool       `json:"scroll"`     // on a small screen it scrolls sideways
	Compact           bool       `json:"compact"`
	Striped           bool       `json:"striped"`
	Border            *bool      `json:"border"`        // false: none
	LastRowBorder     *bool      `json:"lastRowBorder"` // false: none
	Variant           string     `json:"variant"`       // reverse
	Card              *Card      `json:"card"`          // around the table
	ID                string     `json:"id"`
	Classes           string     `json:"classes"`
	Attributes        Attributes `json:"attributes"`

	Tabbable bool    `json:"-"` // where it scrolls, without scripts too
	Module   bool    `json:"-"` // a script sorts it
	Scroller *Scroll `json:"-"`
}

// Cell is a header or a cell.
type Cell struct {
	Text               string        `json:"text"`
	HTML               template.HTML `json:"html"`
	VisuallyHiddenText string        `json:"visuallyHiddenText"`
	Href               string        `json:"href"`
	Format             string        `json:"format"` // numeric, string; its column's
	Align              string        `json:"align"`  // left, centre, right; its column's
	Width              string        `json:"width"`  // one-third …
	Classes            string        `json:"classes"`
	Attributes         Attributes    `json:"attributes"`

	// Of headers only: the column can be sorted, by a script or, where headers have an address, by the server.
	Sort     Order  `json:"sort"`
	SortNext string `json:"sortNext"` // ascending or descending, at the next click
	// Of cells only: what the column is sorted by in place of the text.
	SortValue string `json:"sortValue"`

	IsHeader bool   `json:"-"`
	Scope    string `json:"-"`
	Role     string `json:"-"`
	Column   *Cell  `json:"-"` // the header, where a cell repeats it
}

// Order is how a column is sorted: ascending, descending, or Sortable and not sorted yet.
type Order string

// Sortable is the order of a column that is not sorted yet.
const Sortable Order = "none"

func (Table) name() string { return "table" }

func (t Table) resolved() Component {
	var sortable, byServer bool
	for _, h := range t.Head {
		sortable = sortable || h.Sort != ""
		byServer = byServer || sortable && h.Href != ""
	}
	border := ""
	if t.Border != nil && !*t.Border {
		border = "nhsuk-table--no-border"
	} else if t.LastRowBorder != nil && !*t.LastRowBorder {
		border = "nhsuk-table--no-last-row-border"
	}
	t.Classes = classes("nhsuk-table", variant(t.Classes, "nhsuk-table--", t.Variant, "reverse"),
		when(t.Compact, "nhsuk-table--compact"), when(t.Responsive, "nhsuk-table--responsive"), border,
		when(sortable, "nhsuk-table--sortable"), when(t.Striped, "nhsuk-table--striped"), t.Classes)
	t.Module = sortable && !byServer
	t.caption(sortable)
	t.Head, t.Rows = t.headers(byServer), t.cells()
	if t.Card != nil {
		t.Card = new(t.Card.resolved().(Card))
	}
	return t
}

// caption completes the caption, and has the table scroll under it.
func (t *Table) caption(sortable bool) {
	var c Heading
	if t.Caption != nil {
		c = *t.Caption
	}
	if t.Scroll {
		if t.ID != "" {
			c.ID = cmp.Or(c.ID, t.ID+"-caption")
		} else if text := []rune(strings.ToLower(strings.ReplaceAll(c.Text, " ", "-"))); len(text) > 0 {
			c.ID = cmp.Or(c.ID, "table-"+string(text[:min(len(text), 40)])+"-caption")
		}
		t.Scroller = &Scroll{LabelledBy: c.ID, Variant: t.Variant, Tabbable: t.Tabbable}
	}
	if sortable {
		c.VisuallyHiddenText = cmp.Or(c.VisuallyHiddenText, "Column headers are sortable")
	}
	if c.VisuallyHiddenText != "" {
		c.VisuallyHiddenText = "(" + c.VisuallyHiddenText + ")"
	}
	c.Element = "caption"
	t.Caption = new(c.styled("nhsuk-table__caption", "nhsuk-table__caption--", "s", "m", "l", "xl"))
}

func (t Table) headers(byServer bool) []Cell {
	headers := make([]Cell, len(t.Head))
	for n, h := range t.Head {
		h.IsHeader, h.Scope = true, "col"
		h.Role = when(t.Responsive, "columnheader")
		if byServer {
			h.SortNext = ""
		}
		h.Classes = h.class("nhsuk-table__header")
		headers[n] = h
	}
	return headers
}

func (t Table) cells() [][]Cell {
	rows := make([][]Cell, len(t.Rows))
	for n, row := range t.Rows {
		rows[n] = make([]Cell, len(row))
		for column, c := range row {
			var header Cell
			if column < len(t.Head) {
				header = t.Head[column]
			}
			if c.Format == "string" && header.Format == "numeric" {
				c.Align = cmp.Or(c.Align, "right")
			}
			c.Format, c.Align = cmp.Or(c.Format, header.Format), cmp.Or(c.Align, header.Align)
			class, role := "nhsuk-table__cell", "cell"
			if column == 0 && t.FirstCellIsHeader {
				class, role = "nhsuk-table__header", "rowheader"
				c.IsHeader, c.Scope = true, "row"
			}
			if t.Responsive {
				c.Role, c.Column = role, &header
			}
			c.Classes = c.class(class)
			rows[n][column] = c
		}
	}
	return rows
}

func (c Cell) class(own string) string {
	return classes(own, when(c.Format == "numeric", own+"--numeric"),
		variant(c.Classes, "nhsuk-u-text-align-", c.Align, "left", "centre", "right"), width(c.Width), c.Classes)
}
