package optout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.org/optout/functions/internal/nhs"
)

// Application is what a practice says when it has set the preference. Only the practice can.
type Application struct {
	On       nhs.Date    // when it was set
	Code     string      // the clinical code it was set with, in whatever system
	Number   nhs.Number  // under which it was coded; zero: the form's own, and needed where that has none
	Told     bool        // the practice told the person, through contacts of its own
	Replaces []Reference // earlier forms of the person in whose place this one was applied
	Asked    bool        // the practice has checked with the person that they want to share more
	Basis    string      // how it decided that a child, or whoever signed for the person, may: one of Form.Bases; "" where there was nothing to decide
}

// How a practice decides that a child, or whoever signs for a person, may: it does so itself, and nobody is asked for
// documents by us (domain facts, who may sign).
const (
	Competent     = "competent"      // a clinician found that the child understands what it means
	EvidenceSeen  = "evidence-seen"  // of the power, order or certificate
	KnownToUs     = "known-to-us"    // from the practice's own records
	BestInterests = "best-interests" // a decision that was made and recorded
)

// Bases are how a practice can decide that whoever signed a form may: of a child who signed alone that it understands
// what it means, of a proxy that they have the right. nil where there is nothing to decide, of a person of 16 or over.
func (f Form) Bases() []string {
	_, child := f.Child()
	switch {
	case f.Facts.ProxyCapacity != "":
		return []string{EvidenceSeen, KnownToUs, BestInterests}
	case child:
		return []string{Competent, KnownToUs}
	}
	return nil
}

// errNumberless is the fault of an application of a form that has no NHS number, and is given none.
var errNumberless = Faulty{{"/number", "missing", "The form has no NHS number. Give the one under which it was set: no list of coded patients can show it otherwise."}}

// undecided is the fault of an application that does not say how the practice decided what it has to decide.
func (f Form) undecided(a Application) error {
	switch fit := f.Bases(); {
	case fit == nil:
		return nil
	case a.Basis == "":
		return Faulty{{"/basis", "missing", "Say how you decided that the child, or whoever signed for the person, may."}}
	default:
		return oneOf("basis", a.Basis, fit...)
	}
}

// mostReplaced keeps an application within one transaction of the table, which takes 100 items.
const mostReplaced = 40

// Refusals of an application.
var (
	AskThePerson = &Refusal{"ASK_THE_PERSON", "This shares more than an earlier form of the person allows. Check with the person first, then say that you did."}
	NotEarlier   = &Refusal{"NOT_AN_EARLIER_FORM", "A form can only take the place of an earlier one of the same person that is not withdrawn or answered."}
)

// Apply records that the practice set the preference. The forms in whose place it was applied are withdrawn in the
// same transaction; a refusal gives way to a choice to share more only if the practice has checked with the person.
func (c Custody) Apply(ctx context.Context, ref Reference, by Actor, said Said, a Application) (Answer, error) {
	today := nhs.DateOf(c.Now())
	switch a.Code = strings.TrimSpace(a.Code); {
	case a.On.IsZero():
		return Answer{}, wrong("on", "missing")
	case a.On.After(today):
		return Answer{}, wrong("on", "date-in-future")
	case len(a.Replaces) > mostReplaced:
		return Answer{}, wrong("replaces", "too-many")
	case a.Code == "":
		return Answer{}, wrong("code", "missing")
	}
	if err := oneOf("basis", a.Basis, "", Competent, EvidenceSeen, KnownToUs, BestInterests); err != nil {
		return Answer{}, err
	}
	coded, isKnown := c.Codes.Preference(a.Code)
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		known := f // as it is once its number is
		if !a.Number.IsZero() {
			known.Facts.NHSNumber = a.Number
			known.Person, _ = keysOf(c.Keys, known.Facts)
		}
		replaced, refused := c.replaced(ctx, known, a)
		if errors.Is(refused, ErrUnavailable) {
			return Change{}, refused
		}
		var choices, after []string
		ever := map[string]bool{} // all of them must fit one transaction again, if this is taken back
		for _, o := range replaced {
			if o.Facts.Choice != "" {
				choices = append(choices, o.Facts.Choice)
			}
		}
		for _, ref := range a.Replaces {
			after, ever[ref.Key()] = append(after, ref.Key()), true
		}
		for _, e := range f.Events {
			for _, key := range e.list("after") {
				ever[key] = true
			}
		}
		slices.Sort(choices)
		number := ""
		if !a.Number.IsZero() {
			number = c.digest(f, a.Number.Digits())
		}
		applied := f.With(c.event(f, by, Applied, said, "on", a.On.ISO(), "code", a.Code, "number", number,
			"told", yes(a.Told), "asked", yes(a.Asked), "basis", a.Basis, "replaced", strings.Join(slices.Compact(choices), " "), "after", strings.Join(after, " ")))
		switch {
		case refused != nil:
			return Change{Form: applied}, refused
		case len(ever) > mostReplaced:
			return Change{Form: applied}, wrong("replaces", "too-many")
		case f.Facts.BirthDate.After(a.On): // it may have been set before the form was signed, but not before the person was born
			return Change{Form: applied}, wrong("on", "date-before-birth")
		case !isKnown:
			return Change{Form: applied}, wrong("code", "code-unknown")
		case !applied.fits(string(coded)): // also where it has ended, and the event is no more than that
			return Change{Form: applied}, wrong("code", "code-of-another-choice")
		case f.Facts.NHSNumber.IsZero() && a.Number.IsZero():
			return Change{Form: applied}, errNumberless
		case f.undecided(a) != nil:
			return Change{Form: applied}, f.undecided(a)
		case !a.Asked:
			if err := c.sharesNoMore(ctx, known); errors.Is(err, AskThePerson) {
				return Change{Form: applied}, err
			} else if err != nil {
				return Change{}, err
			}
		}
		change := Change{Form: applied}
		if !a.Number.IsZero() && a.Number != f.Facts.NHSNumber {
			var err error
			if change, err = c.numbered(ctx, f, applied, by, Said{}, a.Number); err != nil {
				return Change{}, err
			}
		}
		for _, o := range replaced {
			if o.replacedBy(f) {
				continue
			}
			e := Event{At: c.Now(), By: by.String(), Kind: Replaced, Detail: map[string]string{"later": f.Reference.Key()}}
			if o.sameSigner(f) && f.Facts.Kind != "not-me" { // who takes something back takes back all they had said until then
				e.Detail["until"], e.Detail["signed"] = f.state.Received.Format(milliseconds), f.Facts.SignedOn.ISO()
			}
			change.Others = append(change.Others, o.With(e))
		}
		return change, nil
	})
}

// replaced reads the forms in whose place f was applied, and refuses those that are not earlier ones.
func (c Custody) replaced(ctx context.Context, f Form, a Application) (all []Form, err error) {
	for _, ref := range a.Replaces {
		o, err := c.Store.Form(ctx, ref)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, NotEarlier
		case err != nil:
			return nil, fmt.Errorf("read a form to be replaced: %w", err)
		case o.replacedBy(f): // it was said before
		case !f.comesAfter(o), o.state.Status == StatusWithdrawn, o.state.Status == StatusAnswered,
			slices.ContainsFunc(all, func(x Form) bool { return x.Reference == ref }):
			return nil, NotEarlier
		}
		all = append(all, o)
	}
	return all, nil
}

// sharesNoMore refuses a form that shares more than another one of the person which stands.
func (c Custody) sharesNoMore(ctx context.Context, f Form) error {
	all, _, err := others(ctx, c.Store, f)
	if err != nil {
		return err
	}
	about, err := f.about(ctx, c.Store)
	if err != nil {
		return err
	} else if about.Version() > 0 {
		all = append(all, about)
	}
	for _, o := range all {
		if o.binds(all) && sharing(o.Facts) < sharing(f.Facts) {
			return AskThePerson
		}
	}
	return nil
}

// replacedBy says that another form was applied in the place of this one.
func (f Form) replacedBy(later Form) bool {
	return f.state.Status == StatusWithdrawn && f.caused().reference("later") == later.Reference
}

// comesAfter says whether f can take the place of another form: that is of the same person, or what f is about, and
// was said before f, on paper that is not younger.
func (f Form) comesAfter(o Form) bool {
	about := o.Reference == f.Facts.About && o.born(f.Facts.BirthDate)
	if o.Reference == f.Reference || !about && !o.samePerson(f) {
		return false
	}
	if a, b := o.Facts.SignedOn, f.Facts.SignedOn; !a.IsZero() && !b.IsZero() && a != b {
		return b.After(a)
	}
	return !o.state.Received.After(f.state.Received)
}

// sharing orders what forms ask for, from least to most: no record, the core of it, what silence means. To take
// something back is to ask for what silence means.
func sharing(f Facts) int {
	switch {
	case f.Choice == "dissent", f.Kind == "choice" && f.Choice == "":
		return 0
	case f.Choice == "core":
		return 1
	}
	return 2
}

// Correct takes back that a form was applied: it was a mistake, and the practice has it again. The forms in whose place
// it was applied stand again, in the same transaction: a refusal is not lost by somebody else's slip.
func (c Custody) Correct(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		return c.restoring(ctx, f, f.With(c.event(f, by, Corrected, said)), by)
	})
}

// restoring is a change by which a form is no longer said to be applied: those in whose place it was stand again.
func (c Custody) restoring(ctx context.Context, f, undone Form, by Actor) (Change, error) {
	change := Change{Form: undone}
	for _, e := range f.Events {
		if e.Kind != Applied {
			continue
		}
		for _, key := range e.list("after") {
			o, err := c.Store.Form(ctx, Reference{key})
			switch {
			case errors.Is(err, ErrNotFound), errors.Is(err, ErrUnreadable): // the office has it for that
			case err != nil:
				return Change{}, fmt.Errorf("read a form that was replaced: %w", err)
			case o.replacedBy(f) && !slices.ContainsFunc(change.Others, func(x Form) bool { return x.Reference == o.Reference }):
				restored := Event{At: c.Now(), By: by.String(), Kind: Restored, Detail: map[string]string{"later": f.Reference.Key()}}
				change.Others = append(change.Others, o.With(restored))
			}
		}
	}
	return change, nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
