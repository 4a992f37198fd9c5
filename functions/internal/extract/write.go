package extract

import (
	"encoding/csv"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
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
			if first, size := utf8.DecodeRuneInString(cell); size > 0 && strings.ContainsRune("=+-@＝＋－＠\t\r\n", first) {
				cell = "'" + cell
			}
			safe[i] = cell
		}
		if err := out.Write(safe); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
