package optout

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	if facts.About == ref {
		return Answer{}, wrong("answers", "about-itself")
	}
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		cleared := f
		cleared.Facts = facts
		change, detail, err := c.identified(ctx, f, cleared)
		if err != nil {
			return Change{}, err
		}
		change.Form = change.Form.With(c.event(f, by, Released, said, append(detail, "answers", c.digest(f, string(canonical(a))))...))
		return change, nil
	})
}

// Supersede ends a held form because the person has sent a newer one, which goes on.
func (c Custody) Supersede(ctx context.Context, ref Reference, by Actor, said Said, newer Reference) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		change := Change{Form: f.With(c.event(f, by, Superseded, said, "newer", newer.Key()))}
		n, err := c.Store.Form(ctx, newer)
		switch s := n.state; {
		case err != nil && !errors.Is(err, ErrNotFound):
			return Change{}, fmt.Errorf("read the newer form: %w", err)
		case err != nil, s.Status == StatusHeld, s.Status == StatusWithdrawn, s.Status == StatusAnswered, !s.Received.After(f.state.Received),
			sharing(n.Facts) > sharing(f.Facts) && f.Facts.Choice != "", n.Person != f.Person && n.Person != "" && f.Person != "",
			!n.born(f.Facts.BirthDate), n.Facts.Surname.Folded() != f.Facts.Surname.Folded():
			return change, wrong("newer", "no-newer-form")
		}
		return change, nil
	})
}

// Number gives a form an NHS number, or another one: the desk corrects it, its practice has coded it. In the same
// transaction the form joins the person's list; what is linked to it is known from then on.
func (c Custody) Number(ctx context.Context, ref Reference, by Actor, said Said, n nhs.Number) (Answer, error) {
	if n.IsZero() {
		return Answer{}, wrong("number", "missing")
	}
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		change, err := c.numbered(ctx, f, f, by, said, n)
		if err == nil && change.Form.Person != f.Person { // it has taken the place of nobody's forms that way
			var restored Change
			restored, err = c.restoring(ctx, f, change.Form, by)
			change.Others = restored.Others
		}
		return change, err
	})
}

// numbered adds an event to a form that gives it a number.
func (c Custody) numbered(ctx context.Context, stored, f Form, by Actor, said Said, n nhs.Number) (Change, error) {
	f.Facts.NHSNumber = n
	change, detail, err := c.identified(ctx, stored, f)
	if err != nil {
		return Change{}, err
	}
	if change.Form.Person != stored.Person {
		all, _, err := others(ctx, c.Store, change.Form)
		if err != nil {
			return Change{}, err
		}
		detail = append(detail, links(all)...)
	}
	change.Form = change.Form.With(c.event(stored, by, Numbered, said, append(detail, "number", c.digest(stored, n.Digits()))...))
	return change, nil
}

// identified gives a form whose facts have changed the keys that it is found by from now on, and says whether it found
// room on the list of a person that is new to it.
func (c Custody) identified(ctx context.Context, stored, f Form) (change Change, detail []string, err error) {
	f.Person, f.Possible = keysOf(c.Keys, f.Facts)
	change = Change{Form: f, Facts: true, Flags: f.Possible != stored.Possible && f.Possible != ""}
	if f.Person == stored.Person || f.Person == "" {
		return change, nil, nil
	}
	list, err := c.Store.Person(ctx, f.Person)
	if err != nil {
		return Change{}, nil, fmt.Errorf("read the person's list: %w", err)
	}
	if onIt := slices.Contains(list, f.Reference); !onIt && len(list) >= MostForms {
		return change, []string{"person", "crowded"}, nil
	} else {
		change.Joins = !onIt
	}
	return change, []string{"person", "joined"}, nil
}
