package problem

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.org/optout/functions/internal/optout"
)

// Faults of a body that is JSON but not what is asked for.
var (
	faultUnknown   = optout.Fault{Code: "unknown-field", Detail: "There is no such field. Leave it out, or check its spelling in /openapi.yaml."}
	faultTwice     = optout.Fault{Code: "field-given-twice", Detail: "This field stands here twice. Leave one out: we do not guess which is meant."}
	faultWrongType = optout.Fault{Code: "wrong-type", Detail: "This has another type than it should. See /openapi.yaml."}
	faultTooDeep   = optout.Fault{Code: "too-deep", Detail: "Lists and objects are nested deeper here than any form needs."}
)

// deepest is how far a body may be nested; answers need 3.
const deepest = 16

// Decode reads one JSON object into v, to the letter: known fields only, each at most once and in its exact
// spelling. What is wrong is a problem with a fault that points to it; nil faults mean that v is filled.
func Decode(body []byte, v any) (Problem, []optout.Fault) {
	if depth(body) > deepest {
		return WrongAnswers, []optout.Fault{faultTooDeep}
	}
	if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
		return NotJSON, []optout.Fault{{Code: NotJSON.Code, Detail: NotJSON.Detail}}
	}
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(true))
	if err == nil {
		return Problem{}, nil
	}
	fault, at := faultWrongType, ""
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		fault, at = faultTwice, string(syntax.JSONPointer)
	case errors.As(err, &meaning):
		at = string(meaning.JSONPointer)
		if errors.Is(err, json.ErrUnknownName) {
			fault = faultUnknown
		}
	}
	fault.Pointer = shown(at)
	return WrongAnswers, []optout.Fault{fault}
}

// shown is a pointer without what it could quote of the sender: names that are no plain field names stay out.
func shown(pointer string) string {
	const most = 100
	plain := func(r rune) rune {
		if r == '/' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '?'
	}
	if len(pointer) > most {
		pointer = pointer[:most]
	}
	return strings.Map(plain, pointer)
}

// depth is how deep brackets are nested outside of strings, whether or not the rest is JSON.
func depth(body []byte) (deep int) {
	level, quoted, escaped := 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deep = max(deep, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deep
}
