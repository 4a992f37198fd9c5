package nhs

import "log/slog"

// Postcode is a United Kingdom postcode in its usual form, "TS18 1HU". Forces' addresses have one too ("BF1 1AA") or
// a BFPO number in its place ("BFPO 61"). The zero Postcode means none.
type Postcode struct{ code string }

var (
	errPostcodeShape  = &Error{"postcode-shape", "That does not look like a full postcode, like TS18 1HU. Check it, or say that you have no address."}
	errPostcodePseudo = &Error{"postcode-not-a-place", "ZZ99 codes stand for having no address here. Say that you have no address instead."}
)

// ParsePostcode reads a postcode in either case, with spaces and dashes anywhere. The codes ZZ99, with which the NHS
// marks no fixed abode and addresses abroad, are for staff.
func ParsePostcode(s string, staff bool) (Postcode, error) {
	q := squeeze(s)
	c, out := q.text(), 4 // characters before the space
	switch q.shape() {
	case "A99AA", "A999AA", "A9A9AA", "AA99AA", "AA999AA", "AA9A9AA": // BS 7666: area and district, sector and unit
		out = len(c) - 3
	case "AAAA9", "AAAA99", "AAAA999", "AAAA9999": // British Forces Post Office
		if c[:out] != "BFPO" || c[out] == '0' {
			return Postcode{}, errPostcodeShape
		}
	default:
		return Postcode{}, errPostcodeShape
	}
	if c[:out] == "ZZ99" && !staff {
		return Postcode{}, errPostcodePseudo
	}
	return Postcode{c[:out] + " " + c[out:]}, nil
}

// IsZero says that no postcode was given.
func (p Postcode) IsZero() bool { return p.code == "" }

// Text gives the postcode with its space, for the table and for the practice; "" if there is none.
func (p Postcode) Text() string { return p.code }

func (p Postcode) String() string       { return "[postcode]" }
func (p Postcode) GoString() string     { return p.String() }
func (p Postcode) LogValue() slog.Value { return hidden("postcode") }
