package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// letter is one mail in the mailbox.
type letter struct {
	ID      string            `json:"id"`
	At      time.Time         `json:"at"`
	From    string            `json:"from"`
	To      []string          `json:"to"`
	Subject string            `json:"subject"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"`
	Tags    map[string]string `json:"tags"`
}

// mailbox plays SendEmail of SES v2 and keeps what was sent.
type mailbox struct {
	identity string // a domain, or an address

	mu      sync.Mutex
	file    *os.File
	letters []letter // oldest first
}

// openMailbox reads the journal of mails. A torn last line is a mail whose sender got no answer: it is cut off.
func openMailbox(file, identity string) (*mailbox, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	m := &mailbox{identity: identity, file: f}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read mailbox: %w", err), f.Close())
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	for line := range bytes.Lines(b[:whole]) {
		var l letter
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, errors.Join(fmt.Errorf("read mailbox %s, mail %d: %w", file, len(m.letters)+1, err), f.Close())
		}
		m.letters = append(m.letters, l)
	}
	if err := f.Truncate(int64(whole)); err != nil {
		return nil, errors.Join(fmt.Errorf("cut mailbox: %w", err), f.Close())
	}
	if _, err := f.Seek(int64(whole), io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("read mailbox: %w", err), f.Close())
	}
	return m, nil
}

func (m *mailbox) close() { m.file.Close() }

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
	if _, err := m.file.Write(append(b, '\n')); err != nil {
		return err
	}
	m.letters = append(m.letters, l)
	return nil
}

// sendRequest is SendEmail's body, as far as it is played.
type sendRequest struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
	EmailTags        []struct{ Name, Value string }
	Content          struct {
		Simple *struct {
			Subject struct{ Data string }
			Body    struct{ Text, Html struct{ Data string } }
		}
		Raw *struct{ Data []byte }
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

var tagged = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,256}$`)

// read judges a request as SES does and makes a letter of it.
func (m *mailbox) read(body io.Reader, now time.Time) (letter, error) {
	var in sendRequest
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return letter{}, badRequest("the request is no JSON: %v", err)
	}
	l := letter{ID: newUUID(), At: now, From: in.FromEmailAddress, To: slices.Concat(in.Destination.ToAddresses, in.Destination.CcAddresses, in.Destination.BccAddresses), Tags: map[string]string{}}
	for _, t := range in.EmailTags {
		if !tagged.MatchString(t.Name) || !tagged.MatchString(t.Value) {
			return l, badRequest("Invalid tag %q: %q", t.Name, t.Value)
		}
		l.Tags[t.Name] = t.Value
	}
	switch c := in.Content; {
	case c.Simple != nil:
		l.Subject, l.Text, l.HTML = c.Simple.Subject.Data, c.Simple.Body.Text.Data, c.Simple.Body.Html.Data
	case c.Raw != nil:
		if err := l.readRaw(c.Raw.Data); err != nil {
			return l, badRequest("the raw message cannot be read: %v", err)
		}
	default:
		return l, badRequest("the local runner plays simple and raw content only")
	}
	if len(l.To) == 0 || len(l.To) > 50 {
		return l, badRequest("a mail needs 1 to 50 recipients, this one has %d", len(l.To))
	}
	from, err := mail.ParseAddress(l.From)
	if err != nil {
		return l, badRequest("Missing or illegal from address: %s", l.From)
	}
	_, domain, _ := strings.Cut(strings.ToLower(from.Address), "@")
	identity := strings.ToLower(m.identity)
	if strings.ToLower(from.Address) != identity && domain != identity && !strings.HasSuffix(domain, "."+identity) {
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

// readRaw takes subject, texts and what the request itself left open from a MIME message.
func (l *letter) readRaw(raw []byte) error {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return err
	}
	if l.From == "" {
		l.From = message.Header.Get("From")
	}
	if len(l.To) == 0 {
		for _, field := range []string{"To", "Cc", "Bcc"} {
			list, err := message.Header.AddressList(field)
			if err != nil && !errors.Is(err, mail.ErrHeaderNotPresent) {
				return err
			}
			for _, a := range list {
				l.To = append(l.To, a.Address)
			}
		}
	}
	return l.readPart(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
}

func (l *letter) readPart(contentType, encoding string, body io.Reader) error {
	kind, parameters, err := mime.ParseMediaType(orText(contentType, "text/plain"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := l.readPart(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	switch {
	case kind == "text/html" && l.HTML == "":
		l.HTML = string(b)
	case kind == "text/plain" && l.Text == "":
		l.Text = string(b)
	}
	return nil
}
