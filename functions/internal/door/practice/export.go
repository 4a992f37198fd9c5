package practice

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/export"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// print shows a form as it is put on paper: GET /practice/forms/{reference}/print.
func (d *Door) print(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	if err := d.house.Look(r.Context(), s.Actor, "print", f); err != nil {
		d.house.Fail(w, r, err)
		return
	}
	d.house.Show(w, s, staff.Page{Name: "print", Title: "Form " + f.Reference.String(), Plain: true, Data: struct {
		Practice, At, Standing string
		Facts, Codes           nhsui.SummaryList
		History                []staff.Happened
		Printed                string
	}{
		staff.NameOf(s.Practice), address(f.Reference, ""), staff.Standing(f.State()).Text,
		staff.Summary(f),
		nhsui.SummaryList{Rows: staff.CodesOf(f, d.Sender.Codes)},
		staff.HistoryFor(f, s.Actor), staff.Moment(d.Now()),
	}})
}

// fhir gives a form to software: GET /practice/forms/{reference}/fhir.
func (d *Door) fhir(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	if err := d.bundle(w, r, s.Actor, f); err != nil {
		d.house.Fail(w, r, err)
	}
}

// bundle answers with forms as FHIR R4, once it is written down who takes them away.
func (d *Door) bundle(w http.ResponseWriter, r *http.Request, by optout.Actor, forms ...optout.Form) error {
	if err := d.house.Look(r.Context(), by, "fhir", forms...); err != nil {
		return err
	}
	body, err := json.MarshalIndent(d.Sender.Bundle(forms...), "", "  ")
	if err != nil {
		return err
	}
	away(w, export.ContentType, "forms.json", append(body, '\n'))
	return nil
}

// away answers with a file.
func away(w http.ResponseWriter, media, name string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// list gives away the forms of one page of the inbox, narrowed as that is, that have been collected, as a list for people (waiting.csv) or for
// software (waiting.json): GET /practice/list/{file}. All of them are given, or nothing.
func (d *Door) list(w http.ResponseWriter, r *http.Request, s signin.Session) {
	file := r.PathValue("file")
	if file != "waiting.csv" && file != "waiting.json" {
		d.house.Refuse(w, r, problem.NotFound)
		return
	}
	ctx, l := r.Context(), worklist.List{Owner: worklist.Practice(s.Practice), Stage: worklist.Open}
	listed, err := d.Store.List(ctx, l, worklist.Cursor(r.URL.Query().Get("after")), worklist.MostEntries)
	if errors.Is(err, worklist.ErrCursor) {
		d.house.Refuse(w, r, problem.NotFound)
		return
	}
	only := filters[filterNamed(r.URL.Query().Get("only"))]
	var all, forms []optout.Form
	if err == nil {
		all, err = worklist.Forms(ctx, d.Store, l, listed.Entries)
	}
	for _, f := range all {
		if f.Version() > 0 && collected(f) && only.holds(f, d.Now()) {
			forms = append(forms, f)
		}
	}
	switch {
	case err != nil:
	case len(forms) == 0:
		d.house.Refuse(w, r, problem.NoneCollected)
		return
	case file == "waiting.json":
		err = d.bundle(w, r, s.Actor, forms...)
	default:
		if err = d.house.Look(ctx, s.Actor, "csv", forms...); err == nil {
			away(w, "text/csv; charset=utf-8", "forms.csv", rows(forms, d.Sender))
		}
	}
	if err != nil {
		d.house.Fail(w, r, err)
	}
}

// rows are forms as a list for spreadsheets, one line for each.
func rows(forms []optout.Form, sender export.Sender) []byte {
	var b bytes.Buffer
	_ = extract.Write(&b, func(yield func([]string) bool) { // into memory, which takes it all
		for n := -1; n < len(forms); n++ {
			row := export.Header()
			if n >= 0 {
				row = export.Row(forms[n], sender.Codes)
			}
			if !yield(row) {
				return
			}
		}
	})
	return b.Bytes()
}
