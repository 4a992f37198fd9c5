package optout

import (
	"context"
	"errors"

	"example.org/optout/functions/internal/nhs"
)

// Why paper is held: ours to clear up with the person, never to guess, and never closed for silence (domain facts,
// intent guard).
const (
	HeldForChoice    = "choice"    // none, or more than one
	HeldForSignature = "signature" // neither signature nor mark
	HeldForAge       = "age"       // of the paper
	HeldForAnswers   = "answers"   // something else that the rules ask for
)

// Wrote records that the desk has written to the person of a held form: due on days 0, 14 and 28, then every 28 days.
func (c Custody) Wrote(ctx context.Context, ref Reference, by Actor, said Said, how string) (Answer, error) {
	if err := oneOf("how", how, "post", "phone", "email", "practice"); err != nil {
		return Answer{}, err
	}
	return c.simple(ctx, ref, by, Wrote, said, "how", how)
}

// Release lets a held form go on: the doubt is cleared up. a and facts are what the person has made of it meanwhile,
// accepted by the rules; a repeat is known by the answers of old.
func (c Custody) Release(ctx context.Context, ref Reference, by Actor, said Said, a Answers, facts Facts) (Answer, error) {
	if facts.Surname.IsZero() || facts.BirthDate.IsZero() || facts.Kind == "choice" && facts.Choice == "" {
		return Answer{}, wrong("answers", "incomplete")
	}
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		cleared := f
		cleared.Facts = facts
		person, possible := keysOf(c.Keys, facts)
		cleared.Person, cleared.Possible = person, possible
		detail := []string{"answers", c.digest(f, string(canonical(a)))}
		joins := false
		if person != f.Person && person != "" {
			room, err := c.room(ctx, cleared)
			if err != nil {
				return Change{}, err
			}
			detail, joins = append(detail, "person", room), room == ""
		}
		return Change{Form: cleared.With(c.event(f, by, Released, said, detail...)), Facts: true, Joins: joins}, nil
	})
}

// Supersede ends a held form because the person has sent a newer one.
func (c Custody) Supersede(ctx context.Context, ref Reference, by Actor, said Said, newer Reference) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		change := Change{Form: f.With(c.event(f, by, Superseded, said, "newer", newer.Key()))}
		if _, err := c.Store.Form(ctx, newer); errors.Is(err, ErrNotFound) || newer == ref {
			return change, wrong("newer", "no-such-form")
		}
		return change, nil
	})
}

// Number gives a form an NHS number, or another one: the desk corrects it, its practice has coded it. In the same
// transaction the form joins the person's list; what is linked to it is known from then on.
func (c Custody) Number(ctx context.Context, ref Reference, by Actor, said Said, n nhs.Number) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) { return c.numbered(ctx, f, f, by, said, n) })
}

// numbered adds an event to a form that gives it a number.
func (c Custody) numbered(ctx context.Context, stored, f Form, by Actor, said Said, n nhs.Number) (Change, error) {
	f.Facts.NHSNumber = n
	f.Person, _ = keysOf(c.Keys, f.Facts)
	detail := []string{"number", c.digest(f, n.Digits())}
	joins := false
	if f.Person != stored.Person {
		room, err := c.room(ctx, f)
		if err != nil {
			return Change{}, err
		}
		others, err := others(ctx, c.Store, f)
		if err != nil {
			return Change{}, err
		}
		detail, joins = append(append(detail, "person", room), links(others)...), room == ""
	}
	return Change{Form: f.With(c.event(f, by, Numbered, said, detail...)), Facts: true, Joins: joins}, nil
}

// room says whether a form can join its person's list: "", else why it does not.
func (c Custody) room(ctx context.Context, f Form) (string, error) {
	switch list, err := c.Store.Person(ctx, f.Person); {
	case err != nil:
		return "", err
	case len(list) >= MostForms:
		return "crowded", nil
	}
	return "", nil
}
