package nhs

import (
	"log/slog"
	"regexp"
	"strings"
)

// Postcode is a United Kingdom postcode in its usual form, "TS18 1HU". Forces' addresses have one too ("BF1 1AA") or
// a BFPO number in its place ("BFPO 61"). The zero Postcode means none.
type Postcode struct{ code string }

var (
	errPostcodeShape  = &Error{"postcode-shape", "That does not look like a full postcode, like TS18 1HU. Check it, or say that you have no address."}
	errPostcodePseudo = &Error{"postcode-not-a-place", "ZZ99 codes stand for having no address here. Say that you have no address instead."}
)

// The shape follows BS 7666 as the Royal Mail uses it: area, district, space, sector, unit.
var postcodeShape = regexp.MustCompile(`^(?:([A-Z]{1,2}[0-9][0-9A-Z]?)([0-9][A-Z]{2})|(BFPO)([1-9][0-9]{0,3}))$`)

// ParsePostcode reads a postcode in either case, with or without its space. The codes ZZ99, with which the NHS marks
// no fixed abode and addresses abroad, are for staff.
func ParsePostcode(s string, staff bool) (Postcode, error) {
	m := postcodeShape.FindStringSubmatch(strings.ToUpper(strings.Join(strings.Fields(s), "")))
	if m == nil {
		return Postcode{}, errPostcodeShape
	}
	out, in := m[1]+m[3], m[2]+m[4]
	if out == "ZZ99" && !staff {
		return Postcode{}, errPostcodePseudo
	}
	return Postcode{out + " " + in}, nil
}

// IsZero says that no postcode was given.
func (p Postcode) IsZero() bool { return p.code == "" }

// Text gives the postcode with its space, for the table and for the practice; "" if there is none.
func (p Postcode) Text() string { return p.code }

func (p Postcode) String() string       { return "[postcode]" }
func (p Postcode) GoString() string     { return p.String() }
func (p Postcode) LogValue() slog.Value { return hidden("postcode") }
