package job

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/upload"
)

// answer says what came of each row, and of each form that no row stands for: counted, and whole as CSV. It names rows by
// their number in a spreadsheet and forms by their reference, and nobody by anything personal: who has the list has the
// people too.
func (m *matching) answer() (upload.Answer, []byte, error) {
	a := upload.Answer{
		Layout: m.list.Layout, Rows: len(m.list.Rows), Used: map[string]int{}, Faults: m.list.Faults, Forms: map[string]int{},
	}
	var text bytes.Buffer
	stands, forms := m.stand()
	err := extract.Write(&text, func(yield func([]string) bool) {
		if !yield([]string{"Row", "Outcome", "What it means", "Form"}) {
			return
		}
		for i, row := range m.list.Rows {
			line := []string{strconv.Itoa(row.Line), upload.Unknown, upload.Meaning(upload.Unknown), ""}
			switch f := stands[i]; {
			case row.Fault.Code != "":
				line[1], line[2] = row.Fault.Code, row.Fault.Detail()
				if len(a.Faulty) < upload.MostShown {
					a.Faulty = append(a.Faulty, upload.Faulty{Line: row.Line, Code: row.Fault.Code, Other: row.Fault.Line})
				}
			case f != nil:
				line[1], line[2], line[3] = f.outcome, upload.Meaning(f.outcome), f.ref.String()
			}
			if row.Fault.Code == "" {
				a.Used[line[1]]++
			}
			if !yield(line) {
				return
			}
		}
		for _, f := range forms {
			a.Forms[f.outcome]++
			if !yield([]string{"", f.outcome, upload.Meaning(f.outcome), f.ref.String()}) {
				return
			}
		}
	})
	if err != nil {
		return a, nil, fmt.Errorf("write the answer: %w", err)
	}
	if told := upload.Sum(a.Used) + upload.Sum(a.Faults); told != a.Rows {
		return a, nil, fmt.Errorf("%d rows came in and %d went out", a.Rows, told)
	}
	for _, f := range m.inOrder() {
		if f.outcome == upload.InDoubt && len(a.Doubt) < upload.MostShown {
			a.Doubt = append(a.Doubt, f.ref)
		}
	}
	return a, text.Bytes(), nil
}

// stand gives the form that each row stands for, nil for none, and the forms of which something is to be said that no
// row stands for. Of several forms of a person a row stands for the one that is furthest; all is in an order that does
// not depend on who found what first.
func (m *matching) stand() (rows []*form, others []*form) {
	rows = make([]*form, len(m.list.Rows))
	has := map[*form]bool{}
	rank := func(f *form) int { return slices.Index(upload.Outcomes, f.outcome) }
	for i, row := range m.list.Rows {
		if row.Fault.Code != "" {
			continue
		}
		for _, f := range m.of[row.Number] {
			if best := rows[i]; f.outcome != "" && (best == nil || cmp.Or(rank(f)-rank(best), byReference(f, best)) < 0) {
				rows[i] = f
			}
		}
		has[rows[i]] = true
	}
	for _, f := range m.inOrder() {
		if f.outcome != "" && f.outcome != upload.Checked && f.outcome != upload.Over && !has[f] {
			others = append(others, f)
		}
	}
	return rows, others
}

// inOrder are all forms in the order of their references.
func (m *matching) inOrder() []*form {
	all := make([]*form, 0, len(m.forms))
	for _, f := range m.forms {
		all = append(all, f)
	}
	slices.SortFunc(all, byReference)
	return all
}

func byReference(a, b *form) int { return strings.Compare(a.ref.Key(), b.ref.Key()) }
