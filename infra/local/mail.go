package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// letter is one mail in the mailbox.
type letter struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// mailbox plays SendEmail of SES v2 and keeps what was sent.
type mailbox struct {
	identity string // a domain, or an address

	mu      sync.Mutex
	journal interface { // a letter a line
		io.WriterAt
		io.Closer
	}
	size    int64    // of the journal's whole lines
	letters []letter // oldest first
}

// openMailbox reads the journal of mails. A torn last line is a mail whose sender got no answer: it is not read, and
// the next mail is written over it.
func openMailbox(file, identity string) (*mailbox, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read mailbox: %w", err), f.Close())
	}
	m := &mailbox{identity: identity, journal: f, size: int64(bytes.LastIndexByte(b, '\n') + 1)}
	for line := range bytes.Lines(b[:m.size]) {
		var l letter
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, errors.Join(fmt.Errorf("read mailbox %s, mail %d: %w", file, len(m.letters)+1, err), f.Close())
		}
		m.letters = append(m.letters, l)
	}
	return m, nil
}

func (m *mailbox) close() { m.journal.Close() }

// all are the mails, newest first.
func (m *mailbox) all() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.letters)
	slices.Reverse(out)
	return out
}

// keep writes a mail to the journal before anyone is told that it was sent.
func (m *mailbox) keep(l letter) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b = append(b, '\n')
	if _, err := m.journal.WriteAt(b, m.size); err != nil {
		return err
	}
	m.size += int64(len(b))
	m.letters = append(m.letters, l)
	return nil
}

// sendRequest is SendEmail's body, as far as it is played; whatever else a request has is refused.
type sendRequest struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses []string }
	Content          struct {
		Simple struct {
			Subject struct{ Data string }
			Body    struct{ Text struct{ Data string } }
		}
	}
}

// sesError is an error of SES.
type sesError struct {
	code       int
	name, text string
}

func (e sesError) Error() string { return e.name + ": " + e.text }

func badRequest(format string, args ...any) error {
	return sesError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...)}
}

// ServeHTTP answers POST /v2/email/outbound-emails.
func (m *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		jsonError(w, http.StatusNotFound, "UnknownOperationException", "the local runner plays SendEmail only")
		return
	}
	l, err := m.read(http.MaxBytesReader(w, r.Body, 56<<20), time.Now().UTC())
	if err == nil {
		err = m.keep(l)
	}
	var se sesError
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"MessageId": l.ID})
	case errors.As(err, &se):
		jsonError(w, se.code, se.name, se.text)
	default:
		jsonError(w, http.StatusInternalServerError, "InternalServiceException", err.Error())
	}
}

// verifies says whether an address may be sent from when the identity, a domain or an address, is verified.
func verifies(identity, address string) bool {
	identity, address = strings.ToLower(identity), strings.ToLower(address)
	_, domain, _ := strings.Cut(address, "@")
	return address == identity || domain == identity || strings.HasSuffix(domain, "."+identity)
}

// read judges a request as SES does and makes a letter of it.
func (m *mailbox) read(body io.Reader, now time.Time) (letter, error) {
	var in sendRequest
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return letter{}, badRequest("the local runner cannot play this request: %v", err)
	}
	content := in.Content.Simple
	l := letter{
		ID: newUUID(), At: now, From: in.FromEmailAddress, To: in.Destination.ToAddresses,
		Subject: content.Subject.Data, Text: content.Body.Text.Data,
	}
	if l.Subject == "" || l.Text == "" {
		return l, badRequest("a mail needs a subject and a text")
	}
	if len(l.To) == 0 || len(l.To) > 50 {
		return l, badRequest("a mail needs 1 to 50 recipients, this one has %d", len(l.To))
	}
	from, err := mail.ParseAddress(l.From)
	if err != nil {
		return l, badRequest("Missing or illegal from address: %s", l.From)
	}
	if !verifies(m.identity, from.Address) {
		return l, sesError{http.StatusBadRequest, "MessageRejected", "Email address is not verified. The following identities failed the check in region " + strings.ToUpper(region) + ": " + from.Address}
	}
	for _, recipient := range l.To {
		to, err := mail.ParseAddress(recipient)
		if err != nil {
			return l, badRequest("Illegal address: %s", recipient)
		}
		switch local, _, _ := strings.Cut(to.Address, "@"); local {
		case "reject":
			return l, sesError{http.StatusBadRequest, "MessageRejected", "the recipient asks for a rejection"}
		case "throttle":
			return l, sesError{http.StatusTooManyRequests, "TooManyRequestsException", "the recipient asks for throttling"}
		case "down":
			return l, sesError{http.StatusInternalServerError, "InternalServiceException", "the recipient asks for a failure"}
		}
	}
	return l, nil
}
