package nhs

import (
	"strings"
	"unicode"
)

var (
	errEmail = &Error{"email", "That is not an e-mail address. Check it."}
	errPhone = &Error{"phone", "That is not a telephone number. Use the digits 0 to 9, spaces and a + at the start."}
)

// ParseEmail reads an address that mail can be sent to, in any script (RFC 5321, RFC 6531): a local part that needs no
// quotes, an @, a domain of two labels or more; at most 254 bytes.
func ParseEmail(s string) (string, error) {
	local, domain, _ := strings.Cut(s, "@")
	if len(s) > 254 || !dotted(local, "!#$%&'*+-/=?^_`{|}~") || !dotted(domain, "-") || !strings.Contains(domain, ".") {
		return "", errEmail
	}
	return s, nil
}

// dotted says that s has letters, digits, marks and these others, and a dot only between them.
func dotted(s, others string) bool {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune(others, r)
	}
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.ContainsFunc(word, odd) {
			return false
		}
	}
	return true
}

// ParsePhone reads a telephone number as people write it: 7 to 15 digits (ITU E.164).
func ParsePhone(s string) (string, error) {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0, r == ' ', r == '-', r == '(', r == ')':
		default:
			return "", errPhone
		}
	}
	if digits < 7 || digits > 15 {
		return "", errPhone
	}
	return s, nil
}
