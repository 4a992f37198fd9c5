package sim

import (
	"context"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

var _ = Join("office", func(testing.TB) func() Part { return func() Part { return &officePart{} } })

// officePart is the office: it finds practices for forms that have none, answers what was returned for other reasons, and
// hears complaints.
type officePart struct{ w *World }

// Begin implements Part.
func (o *officePart) Begin(w *World) {
	o.w = w
	w.After(w.Soon(24*time.Hour), o.comes)
}

func (o *officePart) comes() {
	w := o.w
	if !w.stormy || w.Now().After(w.ends) {
		return
	}
	o.look(false)
	w.After(12*time.Hour+w.Soon(24*time.Hour), o.comes)
}

// Act has somebody act on forms by the pages of a door, and says whether it was done.
func (w *World) Act(name string, act func(context.Context, optout.Custody) error, then func(error)) {
	w.Page("page: "+name, func(ctx context.Context) error {
		return act(ctx, optout.Custody{Store: w.reach, Keys: ring, Practices: w, Now: w.Now})
	}, then)
}

// look goes through the office's list.
func (o *officePart) look(keen bool) {
	w := o.w
	if !w.listed("L#"+worklist.Office.Key()+"#", worklist.Open) { // whose 256 parts are not worth asking then
		return
	}
	list := worklist.List{Owner: worklist.Office, Stage: worklist.Open}
	page, err := w.Store.List(w.Outside(), list, "", worklist.MostEntries)
	if err != nil {
		w.Wrong("the office's list cannot be read: %v", err)
		return
	}
	by := optout.Actor{Role: optout.Office, ID: "u-3"}
	for _, e := range page.Entries {
		if e.Reference.IsZero() || !keen && w.Rand.IntN(4) == 0 {
			continue
		}
		f, err := w.Store.Form(w.Outside(), e.Reference)
		if err != nil {
			continue
		}
		to := nhs.StoredODSCode(w.Codes[len(w.Codes)-1])
		if s := w.sent[e.Reference]; s != nil && w.isOpen(s.Person.Practice) {
			to = nhs.StoredODSCode(s.Person.Practice)
		}
		said, today := optout.Said{Key: w.uuid()}, nhs.DateOf(w.Now())
		switch f.State().Next {
		case optout.NextAssign:
			w.Act("assign", func(ctx context.Context, c optout.Custody) error {
				_, err := c.Assign(ctx, f.Reference, by, said, to)
				return err
			}, nil)
		case optout.NextAnswer:
			w.Act("answer", func(ctx context.Context, c optout.Custody) error {
				_, err := c.Reply(ctx, f.Reference, by, said, optout.Telling{On: today})
				return err
			}, nil)
		case optout.NextConfirm:
			w.Act("confirm", func(ctx context.Context, c optout.Custody) error {
				_, err := c.Confirm(ctx, f.Reference, by, said)
				return err
			}, nil)
		}
	}
	if keen || w.Rand.IntN(3) > 0 {
		return
	}
	for _, s := range w.Sent { // somebody complains about what has ended
		if !s.Confirmed() || w.Rand.IntN(10) > 0 {
			continue
		}
		if ref, err := optout.ParseReference(s.Reference); err == nil {
			said := optout.Said{Key: w.uuid()}
			w.Act("complain", func(ctx context.Context, c optout.Custody) error {
				_, err := c.Complain(ctx, ref, by, said)
				return err
			}, nil)
		}
		return
	}
}

// isOpen says whether a practice is.
func (w *World) isOpen(code string) bool {
	c := nhs.StoredODSCode(code)
	to, ok := w.Destination(c)
	return ok && to == c
}

// Settle implements Part: the office comes every day.
func (o *officePart) Settle(w *World) {
	var again func(days int)
	again = func(days int) {
		o.look(true)
		if days < 12 && w.unfinished() {
			w.After(24*time.Hour, func() { again(days + 1) })
		}
	}
	w.After(2*time.Hour, func() { again(0) })
}

// Check implements Part.
func (o *officePart) Check(*World) {}
