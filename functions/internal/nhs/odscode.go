package nhs

// ODSCode is the code of a GP practice in England: a letter and five digits (Organisation Data Service). It says
// nothing about whether such a practice exists or is open; the directory does. The zero ODSCode means none.
type ODSCode struct{ code string }

var (
	errODSShape  = &Error{"practice-code-shape", "A practice code is a letter and five digits, like A81001. Leave it out if you do not know it."}
	errODSPseudo = &Error{"practice-code-not-a-practice", "That code stands for having no practice. Say that you are not registered instead."}
	errODSWales  = &Error{"practice-code-wales", "That practice is in Wales. This service is for practices in England."}
)

// ParseODSCode reads a practice code in either case, with spaces and dashes anywhere.
func ParseODSCode(s string) (ODSCode, error) {
	q := squeeze(s)
	if q.shape() != "A99999" {
		return ODSCode{}, errODSShape
	}
	switch c := q.text(); {
	case c == "V81997", c == "V81998", c == "V81999": // no fixed abode, unknown, not registered
		return ODSCode{}, errODSPseudo
	case c[0] == 'W':
		return ODSCode{}, errODSWales
	default:
		return ODSCode{c}, nil
	}
}

// IsZero says that no practice was given.
func (c ODSCode) IsZero() bool { return c.code == "" }

// String gives the code itself: which practices exist is public.
func (c ODSCode) String() string { return c.code }
