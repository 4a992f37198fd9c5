// Package extract reads a practice's extract, its own list of the patients for whom a preference is coded, and writes
// lists that open in a spreadsheet without harm.
//
// An extract closes forms and puts others in doubt, so nothing of it is used before all of it is read. Either the whole
// file is refused, by a Refusal with a code, or every row that stands in it comes out, in order: with a number and a
// choice, or with a Fault. Rows in = rows out; nothing is cut off, guessed or put right.
//
// A line is a row, so that a row's number here is its number in a spreadsheet. A cell that holds a line break, or a
// quotation mark that is never closed, leaves nobody sure where rows end: such a file is refused.
//
// # Cost
//
// The file is read once and not kept, nor is anything of columns that are not needed: what stays is some 160 bytes a
// row, however wide the rows are (docs/performance.md). MostRows and MostBytes bound it.
package extract
