package main

import (
	"encoding/json"
	"testing"
)

func TestPatternsFilterAsEventBridgeDoes(t *testing.T) {
	t.Parallel()
	const record = `{"eventName":"INSERT","dynamodb":{"Keys":{"PK":{"S":"F#1"},"SK":{"S":"F"}},"NewImage":{"n":{"N":"5"},"gone":{"NULL":true}}}}`
	for _, tt := range []struct {
		name, pattern string
		want          bool
	}{
		{"every field must match", `{"eventName":["INSERT"],"dynamodb":{"Keys":{"SK":{"S":["F"]}}}}`, true},
		{"one wrong field is enough to fail", `{"eventName":["INSERT"],"dynamodb":{"Keys":{"SK":{"S":["D"]}}}}`, false},
		{"one alternative is enough", `{"eventName":["MODIFY","INSERT"]}`, true},
		{"no alternative matches", `{"eventName":["MODIFY","REMOVE"]}`, false},
		{"a prefix matches", `{"dynamodb":{"Keys":{"PK":{"S":[{"prefix":"F#"}]}}}}`, true},
		{"a suffix does not match", `{"dynamodb":{"Keys":{"PK":{"S":[{"suffix":"2"}]}}}}`, false},
		{"case may be ignored", `{"eventName":[{"equals-ignore-case":"insert"}]}`, true},
		{"a field that must exist does", `{"dynamodb":{"NewImage":{"n":{"N":[{"exists":true}]}}}}`, true},
		{"a field that must not exist does not", `{"dynamodb":{"OldImage":{"n":{"N":[{"exists":false}]}}}}`, true},
		{"exists is about leaves", `{"dynamodb":{"NewImage":[{"exists":true}]}}`, false},
		{"anything but what it is", `{"eventName":[{"anything-but":["INSERT"]}]}`, false},
		{"anything but something else", `{"eventName":[{"anything-but":"REMOVE"}]}`, true},
		{"anything but needs a value", `{"nothing":[{"anything-but":"REMOVE"}]}`, false},
		{"a truth is no text", `{"dynamodb":{"NewImage":{"gone":{"NULL":["true"]}}}}`, false},
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
			if got := p.matches(v, true); got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPatternsThatAreNotUnderstoodAreRefused(t *testing.T) {
	t.Parallel()
	for _, source := range []string{`[]`, `{"a":"b"}`, `{"a":[]}`, `{"a":[{"numeric":["=",1]}]}`, `{"a":[{"prefix":{"x":1}}]}`, `{"$or":[{"a":["b"]}]}`, `{"a":[{"prefix":"a","suffix":"b"}]}`, `{"a":[{"anything-but":[{"prefix":"x"}]}]}`, `{`} {
		if _, err := parsePattern(source); err == nil {
			t.Errorf("%s was accepted", source)
		}
	}
}
