package optout

import (
	"context"

	"example.org/optout/functions/internal/nhs"
)

// TellFirst is the refusal to end a form whose person does not know why.
var TellFirst = &Refusal{"TELL_FIRST", "Tell the person why, and how to complain, to the Information Commissioner too; then say when you told them. A clinician may record that telling is unsafe."}

// Return gives a form back with a coded reason, and words of the practice's own. A return is work for someone, not
// an end.
func (c Custody) Return(ctx context.Context, ref Reference, by Actor, said Said, why Reason) (Answer, error) {
	if err := oneOf("reason", why, NotOurPatient, HasMoved, IdentityNotVerified, WithdrawnByPerson, Safeguarding, Coercion, NoLegalBasis, Deceased, OtherReason); err != nil {
		return Answer{}, err
	}
	if why == OtherReason && said.Text == "" {
		return Answer{}, wrong("text", "missing")
	}
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		return c.restoring(ctx, f, f.With(c.event(f, by, Returned, said, "reason", string(why))), by)
	})
}

// Telling is how a person came to know why their form is not applied, and how to complain.
type Telling struct {
	On     nhs.Date // when they were told
	Unsafe bool     // a clinician records that telling is unsafe
}

// detail spells it for an event; with a *Refusal if nobody was told and nobody may say that this is right. It is spelled
// whatever is wrong with it now, so that what was right when it was said is known again.
func (t Telling) detail(f Form, by Actor, today nhs.Date) (told string, err error) {
	if told = t.On.ISO(); t.Unsafe {
		told = "unsafe"
	}
	switch {
	case t.Unsafe && by.Role == Clinician:
		return told, nil
	case t.Unsafe || t.On.IsZero():
		return told, TellFirst
	case t.On.After(today):
		return told, wrong("told", "date-in-future")
	case f.state.Status == StatusReturned && nhs.DateOf(f.caused().At).After(t.On):
		return told, wrong("told", "date-too-early")
	}
	return told, nil
}

// Keep records that the doubt about a returned form is over: it is the person, and they have the right; or that it was
// returned by mistake, and the person did not take it back. The practice goes on with it.
func (c Custody) Keep(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.simple(ctx, ref, by, Decided, said, "outcome", "collected")
}

// Refuse records that a returned form will not be applied, and that the person knows. It ends there.
func (c Custody) Refuse(ctx context.Context, ref Reference, by Actor, said Said, t Telling) (Answer, error) {
	return c.telling(ctx, ref, by, Decided, said, t, "outcome", "answered")
}

// Reply records that the office has answered the person of a form that was returned for another reason.
func (c Custody) Reply(ctx context.Context, ref Reference, by Actor, said Said, t Telling) (Answer, error) {
	return c.telling(ctx, ref, by, Answered, said, t)
}

// telling is an act that ends a form whose person knows why.
func (c Custody) telling(ctx context.Context, ref Reference, by Actor, kind Kind, said Said, t Telling, details ...string) (Answer, error) {
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		told, err := t.detail(f, by, nhs.DateOf(c.Now()))
		return Change{Form: f.With(c.event(f, by, kind, said, append(details, "told", told)...))}, err
	})
}

// Confirm records that the person has died. It ends there; nobody is written to.
func (c Custody) Confirm(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.simple(ctx, ref, by, Confirmed, said)
}

// Assign names the practice that a form goes to, an open one: where no machine could, and where a practice said by
// mistake that the person has died.
func (c Custody) Assign(ctx context.Context, ref Reference, by Actor, said Said, to nhs.ODSCode) (Answer, error) {
	closed := false
	if c.Practices != nil {
		open, known := c.Practices.Destination(to)
		closed = !known || open != to || !c.Practices.Known(to)
	}
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		change := Change{Form: f.With(c.event(f, by, Assigned, said, "practice", to.String()))}
		if closed { // which it was not, perhaps, when this was said first
			return change, wrong("practice", "practice-not-open")
		}
		if change.Form.state.Status == StatusRouted {
			change.Tell = to
		}
		return change, nil
	})
}

// Complain opens a form again that was withdrawn or answered, because the person complained.
func (c Custody) Complain(ctx context.Context, ref Reference, by Actor, said Said) (Answer, error) {
	return c.simple(ctx, ref, by, Complained, said)
}

// TakenBack is how a person withdrew a form at the practice. Nobody may ask them to.
type TakenBack struct {
	How string   // in-person, phone, post or email
	On  nhs.Date // when
	To  Text     // to whom
}

// TakeBack records how the person withdrew a form that the practice returned for that; it ends there.
func (c Custody) TakeBack(ctx context.Context, ref Reference, by Actor, said Said, t TakenBack) (Answer, error) {
	switch err := oneOf("how", t.How, "in-person", "phone", "post", "email"); {
	case err != nil:
		return Answer{}, err
	case t.To == "":
		return Answer{}, wrong("to", "missing")
	case t.On.IsZero():
		return Answer{}, wrong("on", "missing")
	case t.On.After(nhs.DateOf(c.Now())):
		return Answer{}, wrong("on", "date-in-future")
	}
	if said.Text != "" {
		t.To += ": " + said.Text
	}
	said.Text = t.To
	return c.act(ctx, ref, by, said, func(f Form) (Change, error) {
		detail := []string{"how", t.How, "on", t.On.ISO()}
		if signed := f.Facts.SignedOn; signed.After(t.On) {
			return Change{Form: f.With(c.event(f, by, Withdrawn, said, detail...))}, wrong("on", "date-too-early")
		}
		if f.Facts.ProxyCapacity == "" { // what the person had sent before that day is taken back with it
			detail = append(detail, "until", t.On.Begin().Format(milliseconds))
		}
		return Change{Form: f.With(c.event(f, by, Withdrawn, said, detail...))}, nil
	})
}
