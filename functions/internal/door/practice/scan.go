package practice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
)

// mostScans is how many scans of a form's paper are shown.
const mostScans = 10

// onPaper says whether a form was registered at the practice's counter, so that there may be paper.
func onPaper(f optout.Form) bool { return f.Channel == optout.Counter }

// scan shows the scans of a form's paper, and asks for one: GET /practice/forms/{reference}/scan. The browser is also sent
// here by the bucket, as the answer to the form that we signed; that notes that the file is there.
func (d *Door) scan(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	at := address(f.Reference, "scan")
	if id := r.URL.Query().Get("came"); id != "" {
		u, err := d.scanOf(r.Context(), f, id)
		if err == nil {
			_, err = upload.NoteArrived(r.Context(), d.Store, u, d.Now())
		}
		switch {
		case errors.Is(err, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NotFound)
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			staff.See(w, at+"?done=scan")
		}
		return
	}
	v := scansView{At: at, Collected: collected(f)}
	ids, err := d.Store.Attachments(r.Context(), f.Reference, mostScans)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	pictures := false
	for _, id := range ids {
		u, err := d.scanOf(r.Context(), f, id)
		if errors.Is(err, optout.ErrNotFound) { // an index is a hint
			continue
		} else if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		if u.State == upload.Promised && id == r.URL.Query().Get("slot") { // the form for it is on the page
			continue
		}
		shown := scanView{ID: id, When: "Sent " + staff.Moment(u.Promised), Standing: scanStands(u), Why: scanWhy(u)}
		if u.State == upload.Promised || u.State == upload.Expired {
			shown.When = "To be sent " + staff.Moment(u.Promised)
		}
		if v.Collected {
			for n := range u.Pages {
				shown.Pages, pictures = append(shown.Pages, n+1), true
			}
		}
		if u.State == upload.Uploaded {
			v.Reading = true
		}
		v.Scans = append(v.Scans, shown)
	}
	if id := r.URL.Query().Get("slot"); id != "" {
		u, err := d.scanOf(r.Context(), f, id)
		if err == nil && u.State == upload.Promised && d.Now().Before(u.Promised.Add(showsForm)) {
			form, err := d.Files.Form(r.Context(), bucket.File{Key: u.Key(), Most: upload.MostOfScan, Back: d.SignIn.Address + at + "?came=" + id})
			if err != nil {
				d.house.Fail(w, r, err)
				return
			}
			v.Form = &form
		} else if err != nil && !errors.Is(err, optout.ErrNotFound) {
			d.house.Fail(w, r, err)
			return
		}
	}
	if pictures {
		if err := d.house.Look(r.Context(), s.Actor, "scan", f); err != nil {
			d.house.Fail(w, r, err)
			return
		}
	}
	page := staff.Page{Name: "scan", Title: "The paper of form " + f.Reference.String(), Part: "/practice", Back: address(f.Reference, ""), Wide: true, Data: v}
	if r.URL.Query().Get("done") == "scan" {
		page.Done = "The scan was sent. It is checked for malware, then its pages show here."
	}
	d.house.Show(w, s, page)
}

type scansView struct {
	At        string
	Form      *bucket.Form // to send a file with; nil: none was asked for
	Scans     []scanView
	Reading   bool
	Collected bool
}

type scanView struct {
	ID, When string
	Standing nhsui.Tag
	Why      string
	Pages    []int
}

// scanOf reads the slot of a form's scan; that of another form is none.
func (d *Door) scanOf(ctx context.Context, f optout.Form, id string) (upload.Slot, error) {
	u, err := d.Store.Upload(ctx, id)
	if err == nil && (u.For != upload.Scan || u.Form != f.Reference) {
		return upload.Slot{}, optout.ErrNotFound
	}
	return u, err
}

// scanStands is how far a scan is, in a word.
func scanStands(u upload.Slot) nhsui.Tag {
	switch u.State {
	case upload.Promised:
		return nhsui.Tag{Text: "No file yet", Colour: "grey"}
	case upload.Uploaded:
		if u.IsUnanswered() {
			return nhsui.Tag{Text: "Not checked", Colour: "orange"}
		}
		return nhsui.Tag{Text: "Being checked", Colour: "blue"}
	case upload.Expired:
		return nhsui.Tag{Text: "No file came", Colour: "white"}
	case upload.Refused:
		return nhsui.Tag{Text: "Not used", Colour: "orange"}
	}
	return nhsui.Tag{Text: counted(u.Pages, "page", "pages"), Colour: "green"}
}

// scanWhy says what is wrong with a scan that is not used, or not yet.
func scanWhy(u upload.Slot) string {
	switch {
	case u.IsUnanswered():
		return batch.Sentence(batch.Unchecked)
	case u.State != upload.Refused:
		return ""
	}
	return cmp.Or(u.Refusal.Detail, "This file could not be read. Scan the paper again and send the new file.")
}

// attach makes a place for a scan: POST /practice/forms/{reference}/scan.
func (d *Door) attach(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form, _ door.Form) {
	if !onPaper(f) {
		d.house.Refuse(w, r, problem.NotFound)
		return
	}
	u, err := d.Store.SaveUpload(r.Context(), upload.NewAttachment(s.Actor, f.Reference, d.Now()))
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	staff.See(w, address(f.Reference, "scan")+"?slot="+u.ID)
}

// scanPage shows the picture of a page of a scan: GET /practice/forms/{reference}/scans/{id}/{number}.
func (d *Door) scanPage(w http.ResponseWriter, r *http.Request, s signin.Session, f optout.Form) {
	u, err := d.scanOf(r.Context(), f, r.PathValue("id"))
	n, wrong := strconv.Atoi(r.PathValue("number"))
	switch {
	case err != nil && !errors.Is(err, optout.ErrNotFound):
		d.house.Fail(w, r, err)
	case err != nil, wrong != nil, fmt.Sprint(n) != r.PathValue("number"), n < 1, n > u.Pages, u.State != upload.Read, !collected(f):
		d.house.Refuse(w, r, problem.NotFound)
	default:
		if err := d.house.Look(r.Context(), s.Actor, "scan", f); err != nil {
			d.house.Fail(w, r, err)
			return
		}
		to, err := d.Files.Picture(r.Context(), upload.PageKey(u.ID, n))
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		staff.See(w, to)
	}
}
