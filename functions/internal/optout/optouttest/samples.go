package optouttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Clock is a clock that stands still until it is moved. It is safe for use from several goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Noon is when the clocks of tests start: a Sunday in winter.
var Noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// NewClock is a clock that stands at Noon.
func NewClock() *Clock { return &Clock{now: Noon} }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock, backwards too.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Rules are the rules of an anonymous door on the day of Noon, test numbers allowed.
var Rules = optout.Rules{Today: nhs.DateOf(Noon), TestNumbers: true}

// Dissent are answers of an adult who says no, with everything that may be given.
func Dissent() optout.Answers {
	return optout.Answers{
		Choice: "dissent",
		Subject: optout.Subject{
			Title: "Ms", Surname: "O'Neill", Forenames: "Ada Quillfeather", BirthDate: "1957-03-31", NHSNumber: "900 000 0009",
			Address: []string{"1 Lawson Street", "Stockton-on-Tees"}, Postcode: "TS18 1HU",
		},
		Practice: "A81001",
		Reply:    &optout.Reply{Safe: []string{"email", "post"}, Email: "ada@quillfeather.example", Format: "large print"},
	}
}

// Accepted are facts out of answers that the rules accept.
func Accepted(a optout.Answers) optout.Facts {
	f, faults := Rules.Accept(a)
	if len(faults) > 0 {
		panic(fmt.Sprint("sample answers are not accepted: ", faults))
	}
	return f
}

// Keys are keys that anybody can compute: for tests of the domain only.
type Keys struct{}

func (Keys) sum(parts ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sum[:]
}

// Reference implements optout.Keys.
func (k Keys) Reference(o optout.Origin) optout.Reference {
	return optout.NewReference([10]byte(k.sum("r", o.Door, o.Client, o.Key)[:10]))
}

// Person implements optout.Keys.
func (k Keys) Person(n nhs.Number) optout.PersonKey {
	return optout.PersonKey(hex.EncodeToString(k.sum("n", n.Digits())[:20]))
}

// Possible implements optout.Keys.
func (k Keys) Possible(s nhs.Name, b nhs.Date, p nhs.Postcode) optout.PersonKey {
	return optout.PersonKey(hex.EncodeToString(k.sum("w", s.Folded(), b.ISO(), p.Text())[:20]))
}

// Fingerprint implements optout.Keys.
func (k Keys) Fingerprint(r optout.Reference, answers []byte) []byte {
	return k.sum("f", r.Key(), string(answers))
}

// Hide gives what a quota.Gate counts under.
func (k Keys) Hide(parts ...string) string {
	return hex.EncodeToString(k.sum(append([]string{"q"}, parts...)...)[:20])
}

// Online is an origin at the patients' door; "" draws a new key.
func Online(key string) optout.Origin {
	if key == "" {
		key = rand.Text()
	}
	return optout.Origin{Door: "online", Client: "anonymous", Key: key}
}
