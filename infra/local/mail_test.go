package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func openTestMailbox(t *testing.T, file string) *mailbox {
	t.Helper()
	m, err := openMailbox(file, "optout.example", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

func sendTo(m *mailbox, from, to, content string) *httptest.ResponseRecorder {
	body := fmt.Sprintf(`{"FromEmailAddress":%q,"Destination":{"ToAddresses":[%q]},"Content":%s}`, from, to, content)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("POST", "/v2/email/outbound-emails", strings.NewReader(body)))
	return w
}

const simple = `{"Simple":{"Subject":{"Data":"Forms wait"},"Body":{"Text":{"Data":"3 forms"}}}}`

func TestAMailIsInTheJournalWhenItIsAnswered(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mails.jsonl")
	w := sendTo(openTestMailbox(t, file), "Opt-out <optout@optout.example>", "a81001@practice.example", simple)
	var answer struct{ MessageId string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.MessageId == "" {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	all := openTestMailbox(t, file).all()
	if len(all) != 1 || all[0].At.IsZero() {
		t.Fatalf("the journal has %+v", all)
	}
	all[0].At = letter{}.At
	if want := (letter{ID: answer.MessageId, From: "Opt-out <optout@optout.example>", To: []string{"a81001@practice.example"}, Subject: "Forms wait", Text: "3 forms"}); !reflect.DeepEqual(all[0], want) {
		t.Errorf("kept %+v, want %+v", all[0], want)
	}
}

func TestATornLastLineIsNoMail(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mails.jsonl")
	sendTo(openTestMailbox(t, file), "optout@optout.example", "one@practice.example", simple)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range []int{1, len(b) / 2, len(b) - 1} {
		if err := os.WriteFile(file, append(b[:len(b):len(b)], b[:torn]...), 0o600); err != nil {
			t.Fatal(err)
		}
		m := openTestMailbox(t, file)
		if got := len(m.all()); got != 1 {
			t.Fatalf("torn at %d: %d mails, want 1", torn, got)
		}
		sendTo(m, "optout@optout.example", "two@practice.example", simple)
		if all := openTestMailbox(t, file).all(); len(all) != 2 || all[0].To[0] != "two@practice.example" {
			t.Fatalf("torn at %d: then %+v", torn, all)
		}
	}
	if err := os.WriteFile(file, []byte("no json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openMailbox(file, "optout.example", nil, nil); err == nil {
		t.Error("a journal whose whole lines are broken was opened")
	}
}

// halfWritten is a journal on a disk that is full.
type halfWritten struct{ *os.File }

func (f halfWritten) WriteAt(b []byte, at int64) (int, error) {
	n, _ := f.File.WriteAt(b[:len(b)/2], at)
	return n, errors.New("no space left")
}

func TestAMailThatCouldNotBeWrittenSpoilsNoOther(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mails.jsonl")
	m := openTestMailbox(t, file)
	whole := m.journal.file
	m.journal.file = halfWritten{whole.(*os.File)}
	if w := sendTo(m, "optout@optout.example", "a-rather-long-address@practice.example", simple); w.Code != 500 {
		t.Errorf("answered %d though the mail was not written", w.Code)
	}
	m.journal.file = whole
	for range 2 {
		if w := sendTo(m, "optout@optout.example", "a@practice.example", simple); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	}
	if got := len(openTestMailbox(t, file).all()); got != 2 {
		t.Errorf("%d mails in the journal, want 2", got)
	}
}

func TestMailThatFailsIsNotKept(t *testing.T) {
	t.Parallel()
	m := openTestMailbox(t, filepath.Join(t.TempDir(), "mails.jsonl"))
	for _, tt := range []struct {
		from, to, content string
		code              int
		name              string
	}{
		{"optout@elsewhere.example", "a@practice.example", simple, 400, "MessageRejected"},
		{"optout@notoptout.example", "a@practice.example", simple, 400, "MessageRejected"},
		{"optout@optout.example", "reject@practice.example", simple, 400, "MessageRejected"},
		{"optout@optout.example", "throttle@practice.example", simple, 429, "TooManyRequestsException"},
		{"optout@optout.example", "down@practice.example", simple, 500, "InternalServiceException"},
		{"optout@optout.example", "nobody", simple, 400, "BadRequestException"},
		{"optout@optout.example", "a@practice.example", `{"Template":{}}`, 400, "BadRequestException"},
		{"optout@optout.example", "a@practice.example", `{}`, 400, "BadRequestException"},
	} {
		w := sendTo(m, tt.from, tt.to, tt.content)
		if w.Code != tt.code || w.Header().Get("X-Amzn-Errortype") != tt.name {
			t.Errorf("from %s to %s: %d %s, want %d %s", tt.from, tt.to, w.Code, w.Header().Get("X-Amzn-Errortype"), tt.code, tt.name)
		}
	}
	if got := m.all(); len(got) != 0 {
		t.Errorf("kept were %+v", got)
	}
	if w := sendTo(m, "optout@mail.optout.example", "a@practice.example", simple); w.Code != 200 {
		t.Errorf("from below the identity: %d", w.Code)
	}
}
