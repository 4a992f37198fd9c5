package practice

import (
	"context"
	"errors"
	"net/http"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// collect records that a named person opened the form, and keeps it to them for a while. To have opened its page is not
// to have collected it: links are followed by machines, too.
func (d *Door) collect(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	if !f.Knows(s.Actor, filled.Get("key")) && !d.take(w, r, s, f) { // first, so that of two who collect at once one goes on
		return
	}
	_, err := d.custody().Collect(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled))
	d.answer(w, r, s, f, err, address(f.Reference, "")+"?done=collected", nil)
}

// claim keeps a form to somebody for a while.
func (d *Door) claim(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, _ door.Form) {
	if d.take(w, r, s, f) {
		staff.See(w, address(f.Reference, "")+"?done=claimed")
	}
}

// take claims a form, or says who else is at work on it.
func (d *Door) take(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) bool {
	now := d.Now()
	c, err := d.Store.Claim(r.Context(), f.Reference, worklist.Claim{By: s.String(), Until: now.Add(claimLasts)}, now)
	switch {
	case errors.Is(err, worklist.ErrHeld):
		d.showForm(w, r, s, f, http.StatusConflict, "Nothing was changed: "+atWork(c, s)+".")
	case err != nil:
		d.house.Fail(w, r, err)
	}
	return err == nil
}

// release lets colleagues work on a form.
func (d *Door) release(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, _ door.Form) {
	if err := d.Store.Release(r.Context(), f.Reference, s.String()); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	staff.See(w, address(f.Reference, "")+"?done=released")
}

// putBack records that the practice let go of a form that it had collected.
func (d *Door) putBack(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, filled door.Form) {
	_, err := d.custody().PutBack(r.Context(), f.Reference, s.Actor, staff.SaidIn(filled))
	d.letGo(r.Context(), err, f, s)
	d.answer(w, r, s, f, err, "/practice?done=put-back", nil)
}

// letGo ends somebody's claim on a form with which they have done something. If that fails, the claim ends by itself.
func (d *Door) letGo(ctx context.Context, err error, f optout.Form, s signin.Session) {
	if err == nil {
		_ = d.Store.Release(ctx, f.Reference, s.String())
	}
}
