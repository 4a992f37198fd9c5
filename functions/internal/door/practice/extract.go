package practice

import (
	"context"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
)

// Files is the bucket into which lists are put, and out of which answers come.
type Files interface {
	// Form signs a form by which a browser puts a file there, and then comes back.
	Form(ctx context.Context, file bucket.File) (bucket.Form, error)
	// Link signs an address at which a file is downloaded under a name.
	Link(ctx context.Context, key, name string) (string, error)
	// Put writes a file.
	Put(ctx context.Context, key, contentType string, body []byte) error
	// Picture signs an address at which a picture is shown within a page, for a quarter of an hour.
	Picture(ctx context.Context, key string) (string, error)
	// Origin is where the form goes, for the pages' policy.
	Origin(ctx context.Context) string
}

// recentLists is how many of the practice's lists are shown.
const recentLists = 10

// lists shows the practice's lists of coded patients, and asks for a new one: GET /practice/extract.
func (d *Door) lists(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.showLists(w, r, s, door.Form{}, 0, nil)
}

func (d *Door) showLists(w http.ResponseWriter, r *http.Request, s signin.Session, filled door.Form, status int, faults []staff.Fault) {
	recent, err := upload.Recent(r.Context(), d.Store, s.Practice, recentLists)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	f := staff.Fields{Form: filled, Faults: faults}
	v := listsView{Ask: staff.Ask{
		Action: "/practice/extract", Button: nhsui.Button{Text: "Continue", PreventDoubleClick: new(true)},
		Fields: staff.For(s) + f.Day("run", "On which day did you run the list in your clinical system?", staff.Example(d.Now())) +
			f.Line("time", "At what time?", "For example, 14:05. Only forms that you said are applied before then are expected in the list.", 5),
	}}
	if filled.Ticked("sure") || len(recent) > 0 && recent[0].Refusal.Code == upload.NoneOfYours.Code {
		v.Ask.Fields += f.Box("sure", "This is the right list, even if it shows not one of the forms that we applied")
	}
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Your last lists", Size: "m"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Sent"}, {Text: "Run"}, {Text: "What came of it"}},
	}
	for _, u := range recent {
		t.Rows = append(t.Rows, []nhsui.Cell{
			{HTML: template.HTML(`<a href="/practice/extract/` + u.ID + `">` + staff.Moment(u.Promised) + `</a>`)}, {Text: staff.Moment(u.Run)}, {HTML: nhsui.HTML(came(u))},
		})
	}
	v.Recent = t
	d.house.Show(w, s, staff.Page{Name: "extract", Status: status, Title: "Prove it with your list of coded patients", Part: "/practice/extract", Faults: faults, Data: v})
}

type listsView struct {
	Ask    staff.Ask
	Recent nhsui.Table
}

// came is what came of a list, in a word.
func came(u upload.Slot) nhsui.Tag {
	switch doubt := u.Answer.Used[upload.InDoubt] + u.Answer.Forms[upload.InDoubt]; {
	case u.State == upload.Promised:
		return nhsui.Tag{Text: "No file yet", Colour: "grey"}
	case u.State == upload.Uploaded:
		return nhsui.Tag{Text: "Being read", Colour: "blue"}
	case u.State == upload.Refused && !u.Used.IsZero():
		return nhsui.Tag{Text: "Used in part", Colour: "orange"}
	case u.State == upload.Refused:
		return nhsui.Tag{Text: "Not used", Colour: "orange"}
	case u.State == upload.Expired:
		return nhsui.Tag{Text: "No file came", Colour: "white"}
	case doubt > 0:
		return nhsui.Tag{Text: "Read, " + strconv.Itoa(doubt) + " in doubt", Colour: "red"}
	}
	return nhsui.Tag{Text: "Read", Colour: "green"}
}

// promise makes room for a list, and leads on to where it is sent: POST /practice/extract.
func (d *Door) promise(w http.ResponseWriter, r *http.Request, s signin.Session) {
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.showLists(w, r, s, door.Form{}, status, []staff.Fault{{Text: "What was sent is no form, or far too large a one. Nothing was changed."}})
		return
	}
	if wrong := staff.Elsewhere(filled, s); wrong != nil {
		d.showLists(w, r, s, filled, http.StatusConflict, []staff.Fault{*wrong})
		return
	}
	run, faults := d.runOf(filled)
	if len(faults) > 0 {
		d.showLists(w, r, s, filled, http.StatusUnprocessableEntity, faults)
		return
	}
	u, err := d.Store.SaveUpload(r.Context(), upload.New(s.Actor, run, filled.Ticked("sure"), d.Now()))
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	staff.See(w, "/practice/extract/"+u.ID)
}

// runOf reads when a list was run.
func (d *Door) runOf(filled door.Form) (run time.Time, faults []staff.Fault) {
	day, wrong := staff.Date(filled, "run")
	clock := filled.Digits("time")
	switch {
	case wrong != nil:
		faults = append(faults, *wrong)
	case day.IsZero():
		faults = append(faults, staff.Fault{Field: "run", Text: "Say on which day you ran the list."})
	}
	if clock == "" {
		faults = append(faults, staff.Fault{Field: "time", Text: "Say at what time you ran the list."})
	}
	if len(faults) > 0 {
		return run, faults
	}
	run, ok := staff.At(day, clock)
	if !ok {
		return run, []staff.Fault{{Field: "time", Text: "That is no time of the day. Write it like 14:05."}}
	}
	if why := runWrong(run, d.Now()); why.Code != "" {
		return run, []staff.Fault{{Field: "run", Text: why.Detail}}
	}
	return run, nil
}

// runWrong is why a list that was run then is not read; the zero Refusal if it is.
func runWrong(run, now time.Time) upload.Refusal {
	switch {
	case run.After(now):
		return upload.RunInFuture
	case run.Before(nhs.Days(now, -upload.LongAgo)):
		return upload.RunLongAgo
	}
	return upload.Refusal{}
}

// slot reads a list of a practice. That of another practice is none.
func (d *Door) slot(ctx context.Context, id string, practice nhs.ODSCode) (upload.Slot, error) {
	u, err := d.Store.Upload(ctx, id)
	if err == nil && (u.Practice != practice || u.For != upload.Extract) {
		return upload.Slot{}, optout.ErrNotFound
	}
	return u, err
}

// onList serves a page of a list of the practice.
func onList(serve func(*Door, http.ResponseWriter, *http.Request, signin.Session, upload.Slot)) func(*Door, http.ResponseWriter, *http.Request, signin.Session) {
	return func(d *Door, w http.ResponseWriter, r *http.Request, s signin.Session) {
		switch u, err := d.slot(r.Context(), r.PathValue("id"), s.Practice); {
		case errors.Is(err, optout.ErrNotFound):
			d.house.Refuse(w, r, problem.NoSuchList)
		case err != nil:
			d.house.Fail(w, r, err)
		default:
			serve(d, w, r, s, u)
		}
	}
}

// showsForm is how long the form that sends a file is shown: as long as what it sends is waited for.
const showsForm = upload.Waits - upload.Lasts

// showList shows how far a list is, and in the end what it says: GET /practice/extract/{id}.
func (d *Door) showList(w http.ResponseWriter, r *http.Request, s signin.Session, u upload.Slot) {
	at := "/practice/extract/" + u.ID
	page := staff.Page{Part: "/practice/extract", Back: "/practice/extract"}
	switch {
	case u.State == upload.Promised && d.Now().Before(u.Promised.Add(showsForm)):
		form, err := d.Files.Form(r.Context(), bucket.File{Key: u.Key(), Most: extract.MostBytes, Back: d.SignIn.Address + at + "/uploaded"})
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		page.Name, page.Title = "extract-send", "Send your list"
		page.Data = struct {
			Run  string
			Form bucket.Form
		}{staff.Moment(u.Run), form}
	case u.State == upload.Promised, u.State == upload.Uploaded:
		page.Name, page.Title = "extract-waits", "Your list is being read"
		page.Data = struct {
			At, Again        string
			None, Busy, Late bool
		}{at, staff.Moment(u.Due), u.State == upload.Promised, u.Fault == "busy", u.Tries > 0 && u.Lease.IsZero()}
		if u.State == upload.Promised {
			page.Title = "Your list has not come yet"
		}
	case u.State == upload.Refused:
		page.Name, page.Title = "extract-refused", "Your list was not used"
		if !u.Used.IsZero() {
			page.Title = "Your list was used in part"
		}
		page.Data = u.Refusal.Detail
	case u.State == upload.Expired:
		page.Name, page.Title = "extract-refused", "No file came"
		page.Data = "You said that you would send a list, and none came within an hour."
	default:
		page.Name, page.Title, page.Wide = "extract-read", "What your list shows", true
		page.Data = d.read(s, u)
	}
	d.house.Show(w, s, page)
}

type readView struct {
	Lead, CSV       string
	Sums            nhsui.Table
	Doubt           []doubt
	DoubtElse       int // forms in doubt that are not named
	Faulty          nhsui.Table
	Faults, Unnamed int
	About           nhsui.SummaryList
}

type doubt struct{ Reference, Href string }

// read is what a list said.
func (d *Door) read(s signin.Session, u upload.Slot) readView {
	a := u.Answer
	v := readView{Faults: upload.Sum(a.Faults), Lead: lead(a)}
	if u.HasAnswer(d.Now()) {
		v.CSV = "/practice/extract/" + u.ID + "/answer.csv"
	}
	v.Sums = nhsui.Table{
		Caption: &nhsui.Heading{Text: "Every row of your list, and every form that it does not show", Size: "m"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "What came of it"}, {Text: "Rows", Format: "numeric"}, {Text: "Forms not in it", Format: "numeric"}, {Text: "What it means"}},
	}
	number := func(n int) nhsui.Cell { return nhsui.Cell{Text: strconv.Itoa(n), Format: "numeric"} }
	for _, o := range upload.Outcomes {
		if rows, forms := a.Used[o], a.Forms[o]; rows+forms > 0 {
			v.Sums.Rows = append(v.Sums.Rows, []nhsui.Cell{{HTML: nhsui.HTML(outcomes[o])}, number(rows), number(forms), {Text: upload.Meaning(o)}})
		}
	}
	if v.Faults > 0 {
		v.Sums.Rows = append(v.Sums.Rows, []nhsui.Cell{{HTML: nhsui.HTML(nhsui.Tag{Text: "Not used", Colour: "orange"})}, number(v.Faults), number(0), {Text: "Something is wrong with these rows, so nothing is checked by them. Where more than a few have no NHS number that can be read, nobody is put in doubt for not being in your list."}})
	}
	v.Sums.Rows = append(v.Sums.Rows, []nhsui.Cell{{Text: "All together"}, number(a.Rows), number(upload.Sum(a.Forms)), {}})
	for _, ref := range a.Doubt {
		v.Doubt = append(v.Doubt, doubt{ref.String(), address(ref, "")})
	}
	v.DoubtElse = a.Used[upload.InDoubt] + a.Forms[upload.InDoubt] - len(a.Doubt)
	v.Faulty = nhsui.Table{
		Caption: &nhsui.Heading{Text: "Rows that were not used", Size: "m"}, Responsive: true, Head: []nhsui.Cell{{Text: "Row"}, {Text: "What is wrong"}},
	}
	for _, f := range a.Faulty {
		v.Faulty.Rows = append(v.Faulty.Rows, []nhsui.Cell{{Text: strconv.Itoa(f.Line)}, {Text: extract.Fault{Code: f.Code, Line: f.Other}.Detail()}})
	}
	v.Unnamed = v.Faults - len(a.Faulty)
	who, _ := staff.By(u.By, s.Actor)
	for _, x := range [][2]string{
		{"Run", staff.Moment(u.Run)},
		{"Sent", staff.Moment(u.Promised)},
		{"By", who},
		{"Read", staff.Moment(u.Ended)},
		{"Columns found as in", a.Layout},
		{"The file", "It was deleted once it was read. Its SHA-256 was " + hex.EncodeToString(u.SHA256)},
	} {
		v.About.Rows = append(v.About.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: x[0]}, Value: nhsui.SummaryCell{Text: x[1]}})
	}
	return v
}

// lead says in a few words what there is to do.
func lead(a upload.Answer) string {
	text := counted(a.Rows, "row of your list was", "rows of your list were") + " read. "
	if n := a.Used[upload.InDoubt] + a.Forms[upload.InDoubt]; n > 0 {
		text += counted(n, "form is", "forms are") + " in doubt, and yours to look at again. "
	} else {
		text += "No form is in doubt. "
	}
	if n := a.Used[upload.Waiting] + a.Forms[upload.Waiting]; n > 0 {
		text += counted(n, "form waits", "forms wait") + " for you. "
	}
	if n := upload.Sum(a.Faults); n > 0 {
		text += counted(n, "row", "rows") + " could not be used."
	}
	return strings.TrimSpace(text)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// outcomes are in a word and a colour what came of a row or a form.
var outcomes = map[string]nhsui.Tag{
	upload.Checked:      {Text: "Applied and checked", Colour: "green"},
	upload.InDoubt:      {Text: "In doubt", Colour: "red"},
	upload.AppliedLater: {Text: "Applied since", Colour: "purple"},
	upload.Waiting:      {Text: "Waiting", Colour: "blue"},
	upload.Over:         {Text: "Withdrawn or answered", Colour: "white"},
	upload.Unknown:      {Text: "No form of yours", Colour: "grey"},
	upload.NoNumber:     {Text: "No NHS number", Colour: "yellow"},
	upload.NotCompared:  {Text: "Not compared", Colour: "yellow"},
}

// listPage takes the browser's word that the file is there, or gives the answer away: GET /practice/extract/{id}/{page}.
// The browser is sent here by the bucket, as the answer to the form that we signed: so this changes the slot, as often as
// it is asked, by one thing that is looked at before anything follows from it. It changes no form.
func (d *Door) listPage(w http.ResponseWriter, r *http.Request, s signin.Session, u upload.Slot) {
	switch page := r.PathValue("page"); {
	case page == "uploaded" && (u.State == upload.Read || u.State == upload.Refused):
		d.house.Show(w, s, staff.Page{
			Name: "extract-again", Status: http.StatusConflict, Title: "This place for a list was used before", Part: "/practice/extract",
			Back: "/practice/extract", Data: "/practice/extract/" + u.ID,
		})
	case page == "uploaded":
		if _, err := upload.NoteArrived(r.Context(), d.Store, u, d.Now()); err != nil {
			d.house.Fail(w, r, err)
			return
		}
		staff.See(w, "/practice/extract/"+u.ID)
	case page == "answer.csv" && u.HasAnswer(d.Now()):
		to, err := d.Files.Link(r.Context(), u.AnswerKey(), "answer.csv")
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		staff.See(w, to)
	default:
		d.house.Refuse(w, r, problem.NoSuchList)
	}
}
