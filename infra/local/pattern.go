package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// pattern is a filter of an event source mapping: an object whose leaves are lists of alternatives. Exact values,
// prefix, suffix, exists, anything-but and equals-ignore-case are known; every other operator is refused.
type pattern struct {
	fields map[string]pattern
	any    []test // alternatives, if this is a leaf
}

// test judges one value; present is false if the record has no such field.
type test func(value any, present bool) bool

func parsePattern(source string) (pattern, error) {
	var v any
	if err := json.Unmarshal([]byte(source), &v); err != nil {
		return pattern{}, fmt.Errorf("the pattern is no JSON: %w", err)
	}
	if _, ok := v.(map[string]any); !ok {
		return pattern{}, fmt.Errorf("the pattern is no object")
	}
	return patternOf("the pattern", v)
}

func patternOf(name string, v any) (pattern, error) {
	switch v := v.(type) {
	case map[string]any:
		p := pattern{fields: map[string]pattern{}}
		for k, x := range v {
			if strings.HasPrefix(k, "$") {
				return p, fmt.Errorf("the operator %s is not known", k)
			}
			sub, err := patternOf(k, x)
			if err != nil {
				return p, err
			}
			p.fields[k] = sub
		}
		return p, nil
	case []any:
		var p pattern
		for _, x := range v {
			t, err := testOf(x)
			if err != nil {
				return p, err
			}
			p.any = append(p.any, t)
		}
		if len(p.any) == 0 {
			return p, fmt.Errorf("%s has no alternatives", name)
		}
		return p, nil
	}
	return pattern{}, fmt.Errorf("%s is neither an object nor a list of alternatives", name)
}

func testOf(v any) (test, error) {
	operator, ok := v.(map[string]any)
	if !ok {
		return func(got any, present bool) bool { return present && got == v }, nil
	}
	if len(operator) != 1 {
		return nil, fmt.Errorf("one operator at a time")
	}
	for name, argument := range operator {
		argumentText, isText := argument.(string)
		switch {
		case name == "exists":
			want, ok := argument.(bool)
			if !ok {
				return nil, fmt.Errorf("exists needs true or false")
			}
			return func(_ any, present bool) bool { return present == want }, nil
		case name == "prefix" && isText:
			return textTest(func(s string) bool { return strings.HasPrefix(s, argumentText) }), nil
		case name == "suffix" && isText:
			return textTest(func(s string) bool { return strings.HasSuffix(s, argumentText) }), nil
		case name == "equals-ignore-case" && isText:
			return textTest(func(s string) bool { return strings.EqualFold(s, argumentText) }), nil
		case name == "anything-but":
			list, ok := argument.([]any)
			if !ok {
				list = []any{argument}
			}
			for _, x := range list {
				if _, nested := x.(map[string]any); nested {
					return nil, fmt.Errorf("anything-but with an operator inside is not known")
				}
			}
			return func(got any, present bool) bool {
				for _, x := range list {
					if got == x {
						return false
					}
				}
				return present
			}, nil
		default:
			return nil, fmt.Errorf("the operator %s with %v is not known", name, argument)
		}
	}
	return nil, nil
}

func textTest(is func(string) bool) test {
	return func(got any, _ bool) bool {
		s, ok := got.(string)
		return ok && is(s)
	}
}

// matches tells whether a record, decoded from JSON, passes.
func (p pattern) matches(v any, present bool) bool {
	if p.any != nil {
		switch v.(type) {
		case map[string]any, []any: // alternatives are about scalars
			v, present = nil, false
		}
		for _, t := range p.any {
			if t(v, present) {
				return true
			}
		}
		return false
	}
	object, _ := v.(map[string]any)
	for k, sub := range p.fields {
		x, ok := object[k]
		if !sub.matches(x, ok) {
			return false
		}
	}
	return true
}
