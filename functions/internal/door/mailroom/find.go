package mailroom

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// find says where paper is, by the reference of a form or of a batch: GET /mailroom/find. Nothing that is on the paper is
// shown.
func (d *Door) find(w http.ResponseWriter, r *http.Request, s signin.Session) {
	typed := r.URL.Query().Get("find")
	v := findView{Find: staff.Find{Action: "/mailroom/find", Label: "Reference of a form or of a batch", Typed: typed}}
	if typed != "" {
		var err error
		if v.Found, err = d.paper(r.Context(), typed); errors.Is(err, optout.ErrNotFound) {
			v.Find.Wrong = "No batch has this reference, and no form that came on paper. Check each of its 17 letters and digits."
		} else if err != nil {
			d.house.Fail(w, r, err)
			return
		}
	}
	d.house.Show(w, s, staff.Page{
		Name: "find", Title: "Find the paper", Part: "/mailroom/supervise", Back: "/mailroom/supervise", Status: v.Find.Status(), Faults: v.Find.Faults(), Data: v,
	})
}

type findView struct {
	Find  staff.Find
	Found *nhsui.SummaryList
}

// paper is where the paper of a form is, or of a batch. optout.ErrNotFound.
func (d *Door) paper(ctx context.Context, typed string) (*nhsui.SummaryList, error) {
	var l nhsui.SummaryList
	add := func(key string, value nhsui.SummaryCell) {
		l.Rows = append(l.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: key}, Value: value})
	}
	ref, err := optout.ParseReference(typed)
	if err != nil {
		return nil, optout.ErrNotFound
	}
	id, envelope, piece := "", "", ""
	switch at, err := d.Store.Paper(ctx, ref); {
	case err == nil:
		p, err := d.Store.Piece(ctx, at)
		if err != nil {
			return nil, err
		}
		add("Form", nhsui.SummaryCell{Text: ref.String()})
		id, envelope, piece = at.Batch, envelopeOf(p), pieceAt(at, "")
	case errors.Is(err, optout.ErrNotFound):
		var ok bool
		if id, ok = batch.ParseID(typed); !ok {
			return nil, err
		}
	default:
		return nil, err
	}
	b, err := d.Store.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	add("Batch", nhsui.SummaryCell{HTML: linkTo(batchAt(id, ""), batch.Show(id))})
	add("Box", nhsui.SummaryCell{Text: b.Box})
	add("Number in the box", nhsui.SummaryCell{Text: itoa(b.Sequence)})
	if envelope != "" {
		add("Envelope", nhsui.SummaryCell{Text: envelope})
	}
	if piece != "" {
		add("In the books", nhsui.SummaryCell{HTML: linkTo(piece, "Its piece")})
	}
	add("May be destroyed after", nhsui.SummaryCell{Text: cmp.Or(staff.Day(b.Destroy), "Not decided: it is kept")})
	return &l, nil
}
