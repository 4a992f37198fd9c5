package extract

import (
	"encoding/csv"
	"io"
	"iter"
	"strings"
)

// Write writes rows as CSV that a spreadsheet program opens as what it is: UTF-8 with its mark, and no cell in it is run
// as a formula, whoever filled it (OWASP, "CSV Injection"). A cell that might be begins with an apostrophe.
func Write(w io.Writer, rows iter.Seq[[]string]) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for row := range rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = harmless(cell)
		}
		if err := out.Write(safe); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless is a cell that no spreadsheet takes for a formula: those begin with one of these characters, after what is
// not seen too, and one apostrophe before makes them text. A line end would begin a cell anew.
func harmless(cell string) string {
	cell = strings.NewReplacer("\r", " ", "\n", " ").Replace(cell)
	if strings.IndexAny(strings.TrimLeft(cell, " \t\u00a0\u200b\ufeff"), "=+-@|%＝＋－＠") == 0 || strings.HasPrefix(cell, "\t") {
		return "'" + cell
	}
	return cell
}
