package main

import (
	"encoding/json"
	"testing"
)

func TestPatternsFilterAsEventBridgeDoes(t *testing.T) {
	t.Parallel()
	const record = `{"eventName":"INSERT","dynamodb":{"Keys":{"PK":{"S":"F#1"},"SK":{"S":"F"}},"NewImage":{"n":{"N":"5"},"gone":{"NULL":true},"many":{"SS":["a","b"]}}}}`
	for _, tt := range []struct {
		name, pattern string
		want          bool
	}{
		{"every field must match", `{"eventName":["INSERT"],"dynamodb":{"Keys":{"SK":{"S":["F"]}}}}`, true},
		{"one wrong field is enough to fail", `{"eventName":["INSERT"],"dynamodb":{"Keys":{"SK":{"S":["D"]}}}}`, false},
		{"one alternative is enough", `{"eventName":["MODIFY","INSERT"]}`, true},
		{"no alternative matches", `{"eventName":["MODIFY","REMOVE"]}`, false},
		{"a field that is not there does not match", `{"nothing":["INSERT"]}`, false},
		{"one of many values is enough", `{"dynamodb":{"NewImage":{"many":{"SS":["b","c"]}}}}`, true},
		{"none of many values matches", `{"dynamodb":{"NewImage":{"many":{"SS":["c"]}}}}`, false},
		{"a truth is no text", `{"dynamodb":{"NewImage":{"gone":{"NULL":["true"]}}}}`, false},
		{"an object is no value", `{"dynamodb":["INSERT"]}`, false},
		{"a truth is a truth", `{"dynamodb":{"NewImage":{"gone":{"NULL":[true]}}}}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := parsePattern(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal([]byte(record), &v); err != nil {
				t.Fatal(err)
			}
			if got := p.matches(v); got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPatternsThatAreNotUnderstoodAreRefused(t *testing.T) {
	t.Parallel()
	for _, source := range []string{`[]`, `{"a":"b"}`, `{"a":[]}`, `{"a":[{"prefix":"x"}]}`, `{"a":[["b"]]}`, `{"a":[null]}`, `{}`, `{"a":{}}`, `{"$or":[{"a":["b"]}]}`, `{`} {
		if _, err := parsePattern(source); err == nil {
			t.Errorf("%s was accepted", source)
		}
	}
}
