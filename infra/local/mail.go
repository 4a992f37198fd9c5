package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"regexp"
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

	ConfigurationSet string              `json:"configurationSet,omitempty"`
	Tags             map[string][]string `json:"tags,omitempty"`
}

// mailbox plays SendEmail of SES v2 and keeps what was sent.
type mailbox struct {
	identity string // a domain, or an address
	sets     []mailSet
	bus      *bus

	mu      sync.Mutex
	journal *journal
	letters []letter // oldest first
}

// openMailbox reads the journal of mails. A torn last line is a mail whose sender got no answer.
func openMailbox(file, identity string, sets []mailSet, b *bus) (*mailbox, error) {
	m := &mailbox{identity: identity, sets: sets, bus: b}
	var err error
	if m.journal, m.letters, err = openJournal[letter](file); err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	return m, nil
}

func (m *mailbox) close() { m.journal.close() }

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
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.journal.add(l); err != nil {
		return err
	}
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
	ConfigurationSetName string
	EmailTags            []struct{ Name, Value string }
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
		_ = http.NewResponseController(w).Flush() // whoever sent it hears of that first
		if err := m.comeBack(l); err != nil {
			m.bus.complain("a mail does not come back: %v", err)
		}
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
	if err := m.readTags(&l, in); err != nil {
		return l, err
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

// inTag is what a name or a value of a tag may be made of.
var inTag = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// readTags finds the configuration set of a mail and its tags, which events about it will carry.
func (m *mailbox) readTags(l *letter, in sendRequest) error {
	if l.ConfigurationSet = in.ConfigurationSetName; l.ConfigurationSet != "" && !slices.ContainsFunc(m.sets, func(s mailSet) bool { return s.name == l.ConfigurationSet }) {
		return sesError{http.StatusNotFound, "NotFoundException", "Configuration set <" + l.ConfigurationSet + "> does not exist."}
	}
	if len(in.EmailTags) > 50 {
		return badRequest("a mail has 50 tags at most, this one has %d", len(in.EmailTags))
	}
	for _, t := range in.EmailTags {
		if !inTag.MatchString(t.Name) || !inTag.MatchString(t.Value) {
			return badRequest("the tag %q with the value %q: both must be 1 to 256 letters, digits, _ or -", t.Name, t.Value)
		}
		if l.Tags == nil {
			l.Tags = map[string][]string{}
		}
		l.Tags[t.Name] = append(l.Tags[t.Name], t.Value)
	}
	return nil
}

// mailSetARN is the ARN of a configuration set.
func mailSetARN(name string) string {
	return "arn:aws:ses:" + region + ":" + account + ":configuration-set/" + name
}

// comeBack tells of a mail what its recipients ask for by their local parts, if the configuration set of the mail has
// such events put on the bus.
func (m *mailbox) comeBack(l letter) error {
	n := slices.IndexFunc(m.sets, func(s mailSet) bool { return s.name == l.ConfigurationSet })
	if n < 0 {
		return nil
	}
	recipients := map[string][]string{}
	for _, to := range l.To {
		if a, err := mail.ParseAddress(to); err == nil {
			local, _, _ := strings.Cut(a.Address, "@")
			local, _, _ = strings.Cut(local, "+")
			kind := map[string]string{"bounce": "bounce", "complaint": "complaint", "virus": "reject"}[local]
			recipients[kind] = append(recipients[kind], a.Address)
		}
	}
	for _, kind := range m.sets[n].puts {
		if len(recipients[kind]) == 0 {
			continue
		}
		if err := m.bus.put("aws.ses", mailEvents[kind], []string{mailSetARN(l.ConfigurationSet)}, m.mailEvent(l, kind, recipients[kind])); err != nil {
			return err
		}
	}
	return nil
}

// mailEvent is what SES says of a mail ("Contents of event data that Amazon SES publishes", Amazon SES Developer
// Guide).
func (m *mailbox) mailEvent(l letter, kind string, recipients []string) map[string]any {
	const stamp = "2006-01-02T15:04:05.000Z"
	now, feedback := time.Now().UTC().Format(stamp), newUUID()
	var of []map[string]string
	for _, r := range recipients {
		one := map[string]string{"emailAddress": r}
		if kind == "bounce" {
			one["action"], one["status"], one["diagnosticCode"] = "failed", "5.1.1", "smtp; 550 5.1.1 user unknown"
		}
		of = append(of, one)
	}
	said := map[string]any{
		"bounce": map[string]any{
			"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": of,
			"timestamp": now, "feedbackId": feedback, "reportingMTA": "dsn; mail.local",
		},
		"complaint": map[string]any{
			"complainedRecipients": of, "timestamp": now, "feedbackId": feedback, "complaintSubType": nil,
			"complaintFeedbackType": "abuse", "userAgent": "Local", "arrivalDate": now,
		},
		"reject": map[string]any{"reason": "Bad content"},
	}[kind]
	tags := map[string][]string{
		"ses:operation": {"SendEmail"}, "ses:configuration-set": {l.ConfigurationSet}, "ses:source-ip": {"127.0.0.1"}, "ses:from-domain": {m.identity},
	}
	maps.Copy(tags, l.Tags)
	return map[string]any{
		"eventType": strings.ToUpper(kind[:1]) + kind[1:], kind: said,
		"mail": map[string]any{
			"timestamp": l.At.Format(stamp), "messageId": l.ID, "source": l.From, "sendingAccountId": account,
			"sourceArn":   "arn:aws:ses:" + region + ":" + account + ":identity/" + m.identity,
			"destination": l.To, "headersTruncated": false, "tags": tags,
			"headers": []map[string]string{
				{"name": "From", "value": l.From},
				{"name": "To", "value": strings.Join(l.To, ", ")},
				{"name": "Subject", "value": l.Subject},
				{"name": "MIME-Version", "value": "1.0"},
				{"name": "Content-Type", "value": "text/plain; charset=UTF-8"},
			},
			"commonHeaders": map[string]any{"from": []string{l.From}, "to": l.To, "messageId": l.ID, "subject": l.Subject},
		},
	}
}
