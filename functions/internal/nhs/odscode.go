package nhs

import "strings"

// ODSCode is the code of a GP practice in England: a letter and five digits (Organisation Data Service). It says
// nothing about whether such a practice exists or is open; the directory does. The zero ODSCode means none.
type ODSCode struct{ code string }

var (
	errODSShape  = &Error{"practice-code-shape", "A practice code is a letter and five digits, like A81001. Leave it out if you do not know it."}
	errODSPseudo = &Error{"practice-code-not-a-practice", "That code stands for having no practice. Say that you are not registered instead."}
	errODSWales  = &Error{"practice-code-wales", "That practice is in Wales. This service is for practices in England."}
)

// ParseODSCode reads a practice code in either case, with spaces around it.
func ParseODSCode(s string) (ODSCode, error) {
	c := strings.ToUpper(strings.TrimSpace(s))
	switch {
	case len(c) != 6, c[0] < 'A', c[0] > 'Z', strings.Trim(c[1:], "0123456789") != "":
		return ODSCode{}, errODSShape
	case c == "V81997", c == "V81998", c == "V81999": // no fixed abode, unknown, not registered
		return ODSCode{}, errODSPseudo
	case c[0] == 'W':
		return ODSCode{}, errODSWales
	}
	return ODSCode{c}, nil
}

// IsZero says that no practice was given.
func (c ODSCode) IsZero() bool { return c.code == "" }

// String gives the code itself: which practices exist is public.
func (c ODSCode) String() string { return c.code }
