package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// pattern is a filter of an event source mapping, or what a rule looks for: an object whose leaves are lists of alternative values.
type pattern map[string]any

// parsePattern reads a pattern. Operators (prefix, exists, anything-but …) are refused.
func parsePattern(source string) (pattern, error) {
	var p pattern
	if err := json.Unmarshal([]byte(source), &p); err != nil {
		return nil, fmt.Errorf("the pattern is no JSON object: %w", err)
	}
	return p, p.check()
}

func (p pattern) check() error {
	if len(p) == 0 {
		return errors.New("the pattern has no fields")
	}
	for name, v := range p {
		switch v := v.(type) {
		case map[string]any:
			if err := pattern(v).check(); err != nil {
				return err
			}
		case []any:
			if len(v) == 0 {
				return fmt.Errorf("%s has no alternatives", name)
			}
			for _, x := range v {
				switch x.(type) {
				case string, float64, bool:
				default:
					return fmt.Errorf("%s: only texts, numbers and truths are known, not %v", name, x)
				}
			}
		default:
			return fmt.Errorf("%s is neither an object nor a list of alternatives", name)
		}
	}
	return nil
}

// matches tells whether a record, decoded from JSON, passes.
func (p pattern) matches(v any) bool {
	fields, _ := v.(map[string]any)
	for name, wanted := range p {
		switch wanted := wanted.(type) {
		case map[string]any:
			if !pattern(wanted).matches(fields[name]) {
				return false
			}
		case []any:
			values, many := fields[name].([]any) // one of them is enough
			if !many {
				values = []any{fields[name]}
			}
			if !slices.ContainsFunc(values, func(v any) bool { return slices.Contains(wanted, v) }) {
				return false
			}
		}
	}
	return true
}
