package extract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is why a row is not used. It never quotes the row.
type Fault struct {
	Code string // one of those tabled below; "" if nothing is wrong
	Line int    // the other row, where the fault is between two
}

// Detail says it to a person at the practice.
func (f Fault) Detail() string {
	return strings.ReplaceAll(sentences[f.Code], "{row}", strconv.Itoa(f.Line))
}

// Refusal is why nothing of a file is used. It never quotes the file.
type Refusal struct {
	Code   string   // one of those tabled below
	Line   int      // where it was seen; 0 if that is nowhere
	Looked []string // the names of columns that were looked for
}

func (r *Refusal) Error() string { return fmt.Sprintf("extract refused: %s (line %d)", r.Code, r.Line) }

// Detail says it to a person at the practice.
func (r *Refusal) Detail() string {
	return strings.NewReplacer("{row}", strconv.Itoa(r.Line), "{names}", strings.Join(r.Looked, ", ")).Replace(sentences[r.Code])
}

// misses are what can be wrong with a header, from far off to nearly right.
var misses = []string{"quote-open", "no-number-column", "no-code-column", "column-twice"}

// closer makes r the other refusal of the same header if that came closer, and joins what both looked for if they are
// of one kind.
func (r *Refusal) closer(other *Refusal) {
	switch a, b := slices.Index(misses, r.Code), slices.Index(misses, other.Code); {
	case a < b:
		r.Code, r.Looked = other.Code, slices.Clone(other.Looked)
	case a == b:
		for _, name := range other.Looked {
			if !slices.Contains(r.Looked, name) {
				r.Looked = append(r.Looked, name)
			}
		}
	}
}

const again = " Correct it in your clinical system and send a new list."

// sentences are by the codes of faults and refusals; those of NHS numbers are nhs's own codes, whose sentences are for
// patients.
var sentences = map[string]string{
	// rows
	"row-too-long":                     "This row is far too long to be one. Look for a quotation mark or a line end that is missing in it.",
	"row-cells":                        "This row has more or fewer cells than the header. Send a new list.",
	"row-quotes":                       "There is a quotation mark inside a cell of this row. Leave that column out and send a new list.",
	"number-missing":                   "There is no NHS number in this row, so nobody can tell whose it is." + again,
	"nhs-number-shape":                 "An NHS number has 10 digits, like 943 476 5919." + again,
	"nhs-number-is-national-insurance": "That looks like a National Insurance number." + again,
	"nhs-number-repeated-digit":        "An NHS number is never the same digit ten times." + again,
	"nhs-number-example":               "That is the example number that is printed on pages, nobody's." + again,
	"nhs-number-check-digit":           "There is a mistake in this NHS number: its last digit does not fit the others." + again,
	"nhs-number-scotland":              "That is a number from Scotland. Forms here are for practices in England.",
	"nhs-number-northern-ireland":      "That is a number from Northern Ireland. Forms here are for practices in England.",
	"nhs-number-ireland":               "That is a number from Ireland. Forms here are for practices in England.",
	"nhs-number-test":                  "NHS numbers that begin with 9 are for tests and are never given to people." + again,
	"nhs-number-not-issued":            "No NHS number begins like that." + again,
	"code-missing":                     "There is no code in this row." + again,
	"code-unknown":                     "This code stands for no Summary Care Record preference that we know. Nobody is put in doubt by it.",
	"codes-differ":                     "The codes in this row stand for different preferences." + again,
	"date-unreadable":                  "We cannot read the date in this row. Write it as 31/03/2026 or 2026-03-31.",
	"number-again":                     "Row {row} says the same of this NHS number. It is counted once.",
	"number-contradicted":              "The rows with this NHS number, row {row} among them, do not all say the same, or not clearly. None of them is used." + again,

	// files
	"empty":            "This file is empty. Run the list again and send the new file.",
	"no-rows":          "There is nothing below the header of this file. We take that for a mistake, not for a list of nobody: check the search and run it again.",
	"no-number-column": "We found no column for the NHS number. In the first row we looked for: {names}.",
	"no-code-column":   "We found no column for the code. In the first row we looked for: {names}.",
	"column-twice":     "Two columns could be meant by the same name, out of: {names}. Leave one out.",
	"header-too-long":  "The first row is far too long to be a header. Check that this is the right file.",
	"not-text":         "This is no text file. If it is a spreadsheet, save it as “CSV UTF-8” and send that.",
	"encoding":         "There are characters in row {row} that cannot be read. Save the list as “CSV UTF-8”. Columns with names or addresses are not needed: leave them out.",
	"quote-open":       "A quotation mark in row {row} is not closed where its cell ends, or a cell holds a line break, so nobody can tell where rows end. Leave that column out and send a new list.",
	"too-many-rows":    "This list has more than 100,000 rows. Nothing of it was used. List only the patients for whom a preference is coded.",
	"too-large":        "This file has more than 64 MB. Nothing of it was used. Leave out the columns that are not needed: NHS number, code and date are enough.",
}
