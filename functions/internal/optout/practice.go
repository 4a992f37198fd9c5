package optout

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/steady"
)

// Practice is what we know of a GP practice, and how far it has been told.
type Practice struct {
	Code      nhs.ODSCode
	Version   int        // of what stands before Digest
	Email     string     // its own address; "": none on file
	Decisions []Decision // oldest first; the last one holds
	Contacts  []Contact  // oldest first; the last one holds
	Chases    []Chase    // how the office tried to reach it, in the order of being told
	Digest    digest.Digest
}

// Stand is whether a practice takes part in making Summary Care Records. It decides that itself.
type Stand string

// What a practice can decide.
const (
	TakePart Stand = "take-part"
	Wait     Stand = "wait"
	Stopped  Stand = "stopped"
)

// Decision is what a practice decided, in its own words.
type Decision struct {
	Stand Stand
	Words Text
	On    nhs.Date  // its own date
	At    time.Time // when it told us
	By    string    // an Actor
}

// Contact is an address at which a practice is told, and who gave it.
type Contact struct {
	Email string
	At    time.Time
	By    string // an Actor
}

// TakesPart is so unless the practice has said otherwise. Forms reach it whatever it decided.
func (p Practice) TakesPart() bool {
	n := len(p.Decisions)
	return n == 0 || p.Decisions[n-1].Stand == TakePart
}

// mostKept is how many decisions, contacts and chases of a practice are kept.
const mostKept = 100

// Decide records a practice's own decision. Nobody else can.
func (c Custody) Decide(ctx context.Context, code nhs.ODSCode, by Actor, d Decision) (Practice, error) {
	if err := oneOf("stand", d.Stand, TakePart, Wait, Stopped); err != nil {
		return Practice{}, err
	}
	switch today := nhs.DateOf(c.Now()); {
	case utf8.RuneCountInString(string(d.Words)) > mostText:
		return Practice{}, wrong("words", "too-long")
	case d.On.IsZero():
		return Practice{}, wrong("on", "missing")
	case d.On.After(today):
		return Practice{}, wrong("on", "date-in-future")
	case !plain(by.ID), !by.may(ItsPractice, State{Practice: code, Owner: OwnerPractice}):
		return Practice{}, Forbidden
	}
	d.At, d.By = c.Now(), by.String()
	return c.changePractice(ctx, code, func(p *Practice) {
		if n := len(p.Decisions); n > 0 { // said before, and the answer was lost
			if last := p.Decisions[n-1]; last.Stand == d.Stand && last.Words == d.Words && last.On == d.On && last.By == d.By {
				return
			}
		}
		p.Decisions = kept(append(p.Decisions, d))
	})
}

// SetEmail records where a practice is told: it says so itself, or the office does. "" takes the address away. A practice
// that could not be told where it was is told at once, at the latest within a day; to say the same address again says
// that it is right after all.
func (c Custody) SetEmail(ctx context.Context, code nhs.ODSCode, by Actor, email string) (Practice, error) {
	if _, err := nhs.ParseEmail(email); email != "" && err != nil {
		return Practice{}, wrong("email", "email")
	}
	if !plain(by.ID) || !by.may(ItsPractice, State{Practice: code, Owner: OwnerPractice}) && !by.may(Office, State{}) {
		return Practice{}, Forbidden
	}
	contact := Contact{email, c.Now(), by.String()}
	p, err := c.changePractice(ctx, code, func(p *Practice) {
		if n := len(p.Contacts); n > 0 && p.Contacts[n-1].Email == email && p.Contacts[n-1].By == contact.By { // said before
			return
		}
		p.Email, p.Contacts = email, kept(append(p.Contacts, contact))
	})
	if err != nil {
		return p, err
	}
	err = steady.Insist(ctx, func() (err error) {
		if p, err = c.Store.Practice(ctx, code); err != nil {
			return fmt.Errorf("read practice: %w", err)
		}
		if p.Digest.Fault == "" {
			return nil
		}
		p.Digest = p.Digest.Mended(c.Now().UTC().Truncate(time.Millisecond))
		return c.Store.SaveDigest(ctx, p)
	}, ErrConflict)
	return p, err
}

// Chase is how the office tried to reach a practice that acts late or cannot be told.
type Chase struct {
	How  string   // post or phone
	On   nhs.Date // the day of it
	Text Text     // what came of it, in short
	At   time.Time
	By   string // an Actor
}

// mostChase is how many characters say what came of a chase.
const mostChase = 200

// Chase records that the office posted a letter to a practice or called it. That ends nothing: the practice is late until
// it acts, and cannot be told until it has an address where it can.
func (c Custody) Chase(ctx context.Context, code nhs.ODSCode, by Actor, chase Chase) (Practice, error) {
	if err := oneOf("how", chase.How, "post", "phone"); err != nil {
		return Practice{}, err
	}
	switch {
	case utf8.RuneCountInString(string(chase.Text)) > mostChase:
		return Practice{}, wrong("text", "too-long")
	case chase.On.IsZero():
		return Practice{}, wrong("on", "missing")
	case chase.On.After(nhs.DateOf(c.Now())):
		return Practice{}, wrong("on", "date-in-future")
	case !plain(by.ID), !by.may(Office, State{}):
		return Practice{}, Forbidden
	}
	chase.At, chase.By = c.Now(), by.String()
	return c.changePractice(ctx, code, func(p *Practice) {
		if n := len(p.Chases); n > 0 { // said before, and the answer was lost
			if last := p.Chases[n-1]; last.How == chase.How && last.On == chase.On && last.Text == chase.Text && last.By == chase.By {
				return
			}
		}
		p.Chases = kept(append(p.Chases, chase))
	})
}

// Chased is when the office last tried to reach the practice; zero: never.
func (p Practice) Chased() (last nhs.Date) {
	for _, c := range p.Chases {
		if last.IsZero() || c.On.After(last) {
			last = c.On
		}
	}
	return last
}

func (c Custody) changePractice(ctx context.Context, code nhs.ODSCode, change func(*Practice)) (p Practice, err error) {
	err = steady.Insist(ctx, func() error {
		if p, err = c.Store.Practice(ctx, code); err != nil {
			return fmt.Errorf("read practice: %w", err)
		}
		change(&p)
		return c.Store.SavePractice(ctx, p)
	}, ErrConflict)
	return p, err
}

func kept[T any](all []T) []T { return all[max(0, len(all)-mostKept):] }
