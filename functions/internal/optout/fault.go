package optout

import (
	"errors"

	"example.org/optout/functions/internal/nhs"
)

// Fault is one thing wrong with some answers: where (a JSON pointer into the answers), which rule (a code that
// never changes) and what to do about it (a sentence for a person). It never quotes what was said.
type Fault struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// FaultAt is the fault of a value that was refused: by nhs, by a rule of this package or with ErrReference.
func FaultAt(pointer string, err error) Fault {
	if e, ok := errors.AsType[*nhs.Error](err); ok {
		return Fault{pointer, e.Code, e.Detail}
	}
	code := broken("reference")
	errors.As(err, &code)
	return Fault{pointer, string(code), sentences[code]}
}

// broken is a rule of this package that does not hold, by its code.
type broken string

func (b broken) Error() string { return string(b) }

// sentences are what people read for the rules that do not bring their own sentence.
var sentences = map[broken]string{
	"missing":             "This is needed. Fill it in.",
	"not-an-option":       "Choose one of the options offered.",
	"too-many":            "There are too many of these. Leave some out.",
	"too-long":            "This is too long. Shorten it.",
	"said-twice":          "The same thing is said twice. Leave one out.",
	"reference":           "That is not a reference. Check each character; it has 17 letters and digits.",
	"line":                "A line may have at most 100 printable characters. Shorten it or type it again.",
	"choice-missing":      "Say what you want: dissent, core or core-and-additional.",
	"choice-unexpected":   "A withdrawal or a report that it was not you makes no choice. Leave the choice out.",
	"about-missing":       "Give the reference of the form that this is about.",
	"about-unexpected":    "A choice stands by itself. Leave the reference of another form out.",
	"practice":            "No practice in England has this code. Check it, or leave it out if you do not know it.",
	"forenames-or-none":   "Either give forenames or say that there is only one name, not both.",
	"practice-or-none":    "Either give a practice or say that you are not registered, not both.",
	"address-or-none":     "Either give an address or say that you have none, not both.",
	"signed-in-future":    "The day of signing has not come yet. Check it.",
	"signed-before-birth": "The day of signing is not after the day of birth. Check both dates.",
	"person-decides":      "From 16 people decide for themselves. Let the person sign, or give a power that covers an adult who cannot decide.",
	"not-for-a-child":     "For a child under 16 a person with parental responsibility signs, or the local authority that has it.",
	"signed-by-clock":     "Forms sent here are dated by our clock. Leave the date of signing out.",
	"reply-no-address":    "To be answered by e-mail, give an e-mail address.",
	"reply-no-number":     "To be answered by telephone, give a telephone number.",
}
