package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func rule(t *testing.T, function, source string) rulePlan {
	t.Helper()
	p, err := parsePattern(source)
	if err != nil {
		t.Fatal(err)
	}
	return rulePlan{function: function, event: "Rule", retries: 2, pattern: p}
}

const forMail = `{"source":["aws.ses"],"detail-type":["Email Bounced","Email Complaint Received","Email Rejected"]}`

func TestAnEventReachesEveryFunctionThatHasARuleForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c complaints
		a, b, other := &script{}, &script{failures: 1}, &script{}
		x := &bus{complain: c.add, rules: []rulePlan{rule(t, "A", forMail), rule(t, "B", `{"detail":{"kind":["x"]}}`), rule(t, "Other", `{"source":["aws.s3"]}`)}}
		if err := x.put("aws.ses", "Email Bounced", nil, nil); err != nil {
			t.Errorf("before the bus is open: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		x.open(ctx, map[string]invoker{"A": a, "B": b, "Other": other})
		if err := x.put("aws.ses", "Email Bounced", []string{"arn"}, map[string]any{"kind": []string{"w", "x"}}); err != nil {
			t.Fatal(err)
		}
		x.deliver.Wait()
		cancel()
		x.wait()
		if err := x.put("aws.ses", "Email Bounced", nil, nil); err != nil {
			t.Errorf("after the bus is closed: %v", err)
		}
		if len(a.seen()) != 1 || len(b.seen()) != 2 || len(other.seen()) != 0 || len(c.lines) != 0 {
			t.Fatalf("A got %d, B %d, the other %d; complaints %v", len(a.seen()), len(b.seen()), len(other.seen()), c.lines)
		}
		if first, again := b.seen()[0], b.seen()[1]; !reflect.DeepEqual(first, again) || first["source"] != "aws.ses" || first["detail-type"] != "Email Bounced" || fmt.Sprint(first["resources"]) != "[arn]" {
			t.Errorf("B got %v, then %v", first, again)
		}
	})
}

func TestAnEventThatFailsForGoodIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c complaints
		f := &script{failures: 99}
		x := &bus{complain: c.add, rules: []rulePlan{rule(t, "F", forMail)}}
		x.open(t.Context(), map[string]invoker{"F": f})
		if err := x.put("aws.ses", "Email Rejected", nil, nil); err != nil {
			t.Fatal(err)
		}
		x.deliver.Wait()
		if len(f.seen()) != 3 || !slices.Equal(c.lines, []string{"F/Rule: Email Rejected failed for good: Asked: to fail"}) {
			t.Errorf("%d attempts, complaints %q", len(f.seen()), c.lines)
		}
	})
}

// sendTagged sends a mail with a configuration set and a tag.
func sendTagged(m *mailbox, set, tag string, to ...string) *httptest.ResponseRecorder {
	body, err := json.Marshal(map[string]any{
		"FromEmailAddress": "optout@optout.example", "Destination": map[string]any{"ToAddresses": to}, "Content": json.RawMessage(simple),
		"ConfigurationSetName": set, "EmailTags": []map[string]string{{"Name": "practice", "Value": tag}},
	})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("POST", "/v2/email/outbound-emails", strings.NewReader(string(body))))
	return w
}

func TestAMailComesBackWhereItsConfigurationSetSaysSo(t *testing.T) {
	t.Parallel()
	f := &script{}
	var c complaints
	x := &bus{complain: c.add, rules: []rulePlan{rule(t, "F", forMail)}}
	x.open(t.Context(), map[string]invoker{"F": f})
	m, err := openMailbox(filepath.Join(t.TempDir(), "mails.jsonl"), "optout.example", []mailSet{{"local-Mail", []string{"bounce", "complaint", "reject"}}, {"local-Quiet", nil}}, x)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	for _, tt := range []struct {
		set, to string
		want    string // detail-type
	}{
		{"local-Mail", "a81001@practice.example", ""},
		{"local-Mail", "bounce@practice.example", "Email Bounced"},
		{"local-Mail", "Practice <bounce+a81001@practice.example>", "Email Bounced"},
		{"local-Mail", "complaint@practice.example", "Email Complaint Received"},
		{"local-Mail", "virus@practice.example", "Email Rejected"},
		{"local-Mail", "bouncer@practice.example", ""},
		{"local-Quiet", "bounce@practice.example", ""},
		{"", "bounce@practice.example", ""},
	} {
		before := len(f.seen())
		w := sendTagged(m, tt.set, "A81001", "b@practice.example", tt.to)
		x.deliver.Wait()
		var answer struct{ MessageId string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || m.all()[0].ID != answer.MessageId {
			t.Fatalf("%s is answered %d %s", tt.to, w.Code, w.Body)
		}
		got := f.seen()[before:]
		if tt.want == "" {
			if len(got) != 0 {
				t.Errorf("%s by %q comes back as %v", tt.to, tt.set, got)
			}
			continue
		}
		if len(got) != 1 || got[0]["detail-type"] != tt.want {
			t.Fatalf("%s comes back as %v, want %s", tt.to, got, tt.want)
		}
		detail := got[0]["detail"].(map[string]any)
		about := detail["mail"].(map[string]any)
		tags := about["tags"].(map[string]any)
		if about["messageId"] != answer.MessageId || fmt.Sprint(about["destination"]) != "[b@practice.example "+tt.to+"]" || fmt.Sprint(tags["practice"]) != "[A81001]" || fmt.Sprint(tags["ses:configuration-set"]) != "[local-Mail]" {
			t.Errorf("%s is told of as %v", tt.to, about)
		}
	}
	for _, tt := range []struct {
		set, tag string
		code     int
		name     string
	}{
		{"local-Other", "A81001", 404, "NotFoundException"},
		{"local-Mail", "A81001 or so", 400, "BadRequestException"},
		{"local-Mail", "", 400, "BadRequestException"},
	} {
		if w := sendTagged(m, tt.set, tt.tag, "a@practice.example"); w.Code != tt.code || w.Header().Get("X-Amzn-Errortype") != tt.name {
			t.Errorf("by %q with the tag %q: %d %s", tt.set, tt.tag, w.Code, w.Header().Get("X-Amzn-Errortype"))
		}
	}
}

// What the runner sends has every field of the example, and no other, and passes the template's rule.
func TestAMailThatComesBackIsToldOfAsInTheExample(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "events", "received", "mail-bounced.json"))
	if err != nil {
		t.Fatal(err)
	}
	var example map[string]any
	if err := json.Unmarshal(b, &example); err != nil {
		t.Fatal(err)
	}
	if !rule(t, "F", forMail).pattern.matches(example) {
		t.Error("the example does not pass the rule")
	}
	f := &script{}
	x := &bus{rules: []rulePlan{rule(t, "F", forMail)}}
	x.open(t.Context(), map[string]invoker{"F": f})
	m, err := openMailbox(filepath.Join(t.TempDir(), "mails.jsonl"), "optout.example", []mailSet{{"local-Mail", []string{"bounce"}}}, x)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	sendTagged(m, "local-Mail", "A81001", "bounce@practice.example")
	x.deliver.Wait()
	if got, want := shapeOfJSON(f.seen()[0]), shapeOfJSON(example); !reflect.DeepEqual(got, want) {
		t.Errorf("sent is\n%v\nwant\n%v", got, want)
	}
}

// shapeOfJSON is a value without what it says: its fields, and the kinds of its leaves.
func shapeOfJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = shapeOfJSON(x)
		}
		return out
	case []any:
		if len(v) == 0 {
			return nil
		}
		return []any{shapeOfJSON(v[0])}
	}
	return fmt.Sprintf("%T", v)
}
