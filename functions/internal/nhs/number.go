package nhs

import (
	"log/slog"
	"strings"
)

// Number is an NHS number that passed its check digit and lies in a range this service takes. The zero Number
// means that none was given.
type Number struct{ digits string }

// Faults of an NHS number. Source: NHS Data Dictionary, "NHS NUMBER"; ranges as tabled in the domain facts.
var (
	errNumberShape             = &Error{"nhs-number-shape", "An NHS number has 10 digits (0 to 9), like 943 476 5919. Check it, or leave it blank and go on."}
	errNumberNationalInsurance = &Error{"nhs-number-is-national-insurance", "That looks like a National Insurance number. An NHS number has 10 digits. Leave it blank if you do not know it."}
	errNumberRepeated          = &Error{"nhs-number-repeated-digit", "An NHS number is never the same digit ten times. Check it, or leave it blank and go on."}
	errNumberExample           = &Error{"nhs-number-example", "That is the example number printed on our pages. Enter your own, or leave it blank and go on."}
	errNumberCheck             = &Error{"nhs-number-check-digit", "That NHS number has a mistake in it: its last digit does not fit the others. Check it, or leave it blank and go on."}
	errNumberScotland          = &Error{"nhs-number-scotland", "That is a number from Scotland. Leave it blank and go on; this service is for practices in England."}
	errNumberNorthernIreland   = &Error{"nhs-number-northern-ireland", "That is a number from Northern Ireland. Leave it blank and go on; this service is for practices in England."}
	errNumberIreland           = &Error{"nhs-number-ireland", "That is a number from Ireland. Leave it blank and go on; this service is for practices in England."}
	errNumberTest              = &Error{"nhs-number-test", "NHS numbers that begin with 9 are for tests and are never given to people. Check it, or leave it blank and go on."}
	errNumberUnissued          = &Error{"nhs-number-not-issued", "No NHS number begins like that. Check it, or leave it blank and go on."}
)

// Range of an NHS number's first three digits, as the data dictionary gives them out.
func numberRange(digits string) *Error {
	switch p := digits[:3]; {
	case p >= "400" && p <= "499", p >= "600" && p <= "799":
		return nil // England, Wales and the Isle of Man
	case p >= "010" && p <= "311":
		return errNumberScotland
	case p >= "320" && p <= "399":
		return errNumberNorthernIreland
	case p >= "800" && p <= "859":
		return errNumberIreland
	case p >= "900":
		return errNumberTest
	default:
		return errNumberUnissued
	}
}

// ParseNumber reads an NHS number as people write it: spaces and dashes anywhere. With testNumbers the range
// 900 000 0000 and up, which is never issued, is taken too.
func ParseNumber(s string, testNumbers bool) (Number, error) {
	q := squeeze(s)
	switch q.shape() {
	case "9999999999":
	case "AA999999A":
		return Number{}, errNumberNationalInsurance
	default:
		return Number{}, errNumberShape
	}
	d := q.text()
	switch {
	case strings.Count(d, d[:1]) == len(d):
		return Number{}, errNumberRepeated
	case d == "9991234567": // NHS.UK's printed example, which fails its own check
		return Number{}, errNumberExample
	case !checkDigit(d):
		return Number{}, errNumberCheck
	}
	if err := numberRange(d); err != nil && (err != errNumberTest || !testNumbers) {
		return Number{}, err
	}
	return Number{d}, nil
}

// checkDigit is modulus 11 over ten digits (NHS Data Dictionary): weights 10 to 2, eleven minus the remainder is
// the last digit, 11 counts as 0 and 10 is never valid.
func checkDigit(d string) bool {
	sum := 0
	for i := range 9 {
		sum += int(d[i]-'0') * (10 - i)
	}
	r := 11 - sum%11
	if r == 11 {
		r = 0
	}
	return r == int(d[9]-'0')
}

// IsZero says that no number was given.
func (n Number) IsZero() bool { return n.digits == "" }

// Digits gives the ten digits, for the table and for the practice; "" if there is none.
func (n Number) Digits() string { return n.digits }

func (n Number) String() string       { return "[NHS number]" }
func (n Number) GoString() string     { return n.String() }
func (n Number) LogValue() slog.Value { return hidden("NHS number") }
