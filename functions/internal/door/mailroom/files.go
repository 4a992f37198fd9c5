package mailroom

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// mostByHand is how many files are sent one by one, each with a form of its own, in one go.
const mostByHand = 10

// anyKind is the Content-Type of a file of which nobody knows more. What a file is decide its bytes, when it is read.
const anyKind = "application/octet-stream"

// kinds are the Content-Types under which a scan is kept. Whatever else is said is none that a browser would open by itself.
var kinds = []string{anyKind, "application/pdf", "image/jpeg", "image/png", "image/tiff"}

// askFiles asks which scans are sent: GET /mailroom/batches/{batch}/files. Where scripts run, they are picked there and
// sent from there; else it is said how many there are, and each is sent by a form of its own.
func (d *Door) askFiles(w http.ResponseWriter, _ *http.Request, s signin.Session, b batch.Batch, filled door.Form, status int, faults []staff.Fault) {
	f := staff.Fields{Form: filled, Faults: faults}
	v := filesView{
		About: about(b), At: batchAt(b.ID, ""), Open: b.IsOpen(), Most: batch.MostAtOnce, Bytes: upload.MostOfScan, Key: f.Key(),
		Count: f.Line("count", "How many files do you want to send?", "1 to "+itoa(mostByHand)+". On the next page there is a form for each.", 5),
		Envelopes: f.One("envelopes", "Which envelopes are they from?", "",
			staff.Option{Value: string(batch.OneEach), Text: "Each file is an envelope of its own", Hint: "They are given the next free numbers, in the order in which you pick them"},
			staff.Option{Value: string(batch.OneAll), Text: "All of them are from one envelope", Hint: "It is given the next free number"},
			staff.Option{Value: string(batch.Later), Text: "It is said at the desk", Hint: "For a stack of many envelopes that was scanned into one file"}),
		Button: nhsui.Button{Text: "Continue", PreventDoubleClick: new(true)},
	}
	d.house.Show(w, s, staff.Page{Name: "files", Title: "Send scans", Part: "/mailroom", Back: v.At, Status: status, Faults: faults, Script: "scans.js", Data: v})
}

type filesView struct {
	About            template.HTML
	At               string
	Open             bool
	Most, Bytes      int
	Key              template.HTML
	Count, Envelopes template.HTML
	Button           nhsui.Button
}

// expect makes places for files, once for each page that asks for them: POST /mailroom/batches/{batch}/files. A browser
// is led on to their forms; a script gets them.
func (d *Door) expect(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch) {
	filled, status, code := door.ReadForm(r)
	if !door.WantsPage(r) {
		d.expectForScript(w, r, s, b, filled, code)
		return
	}
	if code != "" {
		d.askFiles(w, r, s, b, door.Form{}, status, noForm)
		return
	}
	again := func(status int, faults []staff.Fault) { d.askFiles(w, r, s, b, filled, status, faults) }
	count, faults := whole(filled, "count", "Say how many files you want to send, as a number.", nil)
	if len(faults) == 0 && (count < 1 || count > mostByHand) {
		faults = []staff.Fault{{Field: "count", Text: "At most " + itoa(mostByHand) + " files are sent at a time, and at least one."}}
	}
	if filled.Get("envelopes") == "" {
		faults = append(faults, staff.Fault{Field: "envelopes", Text: "Say which envelopes they are from."})
	}
	if len(faults) > 0 {
		again(http.StatusUnprocessableEntity, faults)
		return
	}
	names := make([]string, count) // a form tells nobody what its file is called
	for n := range names {
		names[n] = "File " + itoa(n+1) + " sent on " + staff.Moment(d.Now())
	}
	key := filled.Get("key")
	_, _, err := d.mailroom().ExpectOnce(r.Context(), b.ID, s.Actor, key, names, batch.Envelopes(filled.Get("envelopes")))
	if errors.Is(err, optout.KeyUsed) { // the page was sent twice, and its places are there
		err = nil
	}
	observe.Note(r.Context(), "batch", b.ID)
	d.house.Answer(w, r, err, staff.Outcome{Onward: batchAt(b.ID, "send"), Again: again})
}

// placeForScript is a place for a file, as a script takes it. Without an address there is nothing to send any more.
type placeForScript struct {
	Name    string            `json:"name"`
	Address string            `json:"address,omitempty"` // to which the file is sent, behind the fields
	Fields  map[string]string `json:"fields,omitempty"`
	Arrived string            `json:"arrived"` // the address that is told once it is there
}

// expectForScript makes the places that a script asks for by the files' names and kinds. Asked again under the same key,
// it signs their forms anew.
func (d *Door) expectForScript(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch, filled door.Form, code string) {
	ctx := r.Context()
	names, types := filled["name"], filled["kind"]
	if code != "" || filled.Get("key") == "" || len(types) != len(names) {
		problem.Write(ctx, w, problem.FilesNotNamed)
		return
	}
	pieces, slots, err := d.mailroom().ExpectOnce(ctx, b.ID, s.Actor, filled.Get("key"), names, batch.Envelopes(filled.Get("envelopes")))
	answer := struct {
		Files []placeForScript `json:"files"`
		Until time.Time        `json:"until"` // by when a file has to begin to come
	}{make([]placeForScript, len(pieces)), d.Now().Add(upload.Lasts).UTC()}
	if err == nil {
		err = worklist.Each(ctx, len(pieces), func(ctx context.Context, n int) error {
			answer.Files[n] = placeForScript{Name: names[n], Arrived: arrivedAt(b.ID, slots[n].ID)}
			if pieces[n].Status != batch.Awaited {
				return nil
			}
			kind := types[n]
			if !slices.Contains(kinds, kind) {
				kind = anyKind
			}
			form, err := d.Files.Form(ctx, bucket.File{Key: slots[n].Key(), Most: upload.MostOfScan, Kind: kind})
			answer.Files[n].Address, answer.Files[n].Fields = form.Address, map[string]string{}
			for _, f := range form.Fields {
				answer.Files[n].Fields[f.Name] = f.Value
			}
			return err
		})
	}
	if err != nil {
		d.failScript(w, r, err)
		return
	}
	observe.Note(ctx, "batch", b.ID)
	door.WriteJSON(w, http.StatusCreated, answer)
}

// failScript answers a script of ours: what is refused, or wrong with what was sent, in the domain's own words.
func (d *Door) failScript(w http.ResponseWriter, r *http.Request, err error) {
	if refusal, ok := errors.AsType[*optout.Refusal](err); ok {
		problem.Write(r.Context(), w, problem.Refused(refusal))
		return
	}
	if _, ok := errors.AsType[optout.Faulty](err); ok {
		problem.Write(r.Context(), w, problem.FilesNotNamed)
		return
	}
	problem.Error(r.Context(), w, err)
}

// arrivedAt is the address that is told that the file of a slot is there.
func arrivedAt(id, slot string) string { return batchAt(id, "arrived/"+slot) }

// showsForm is how long the form that sends a file is shown: as long as what it sends is waited for.
const showsForm = upload.Waits - upload.Lasts

// send shows a form for each place of this clerk in a batch that waits for its file, and what has come of the others:
// GET /mailroom/batches/{batch}/send.
func (d *Door) send(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch) {
	ctx := r.Context()
	pieces, err := d.Store.Pieces(ctx, b.ID)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	pieces = slices.DeleteFunc(pieces, func(p batch.Piece) bool {
		mine := len(p.History) > 0 && p.History[0].Kind == "expected" && strings.HasSuffix(p.History[0].By, " "+s.ID)
		return !mine || p.Upload == "" || p.First > 1 || d.Now().After(p.Since.Add(upload.Waits))
	})
	slices.SortStableFunc(pieces, func(a, b batch.Piece) int {
		if n := a.Since.Compare(b.Since); n != 0 {
			return n
		}
		return strings.Compare(a.Name, b.Name)
	})
	pieces = pieces[max(0, len(pieces)-batch.MostAtOnce):]
	v := sendView{At: batchAt(b.ID, ""), About: about(b)}
	places := make([]sendPlace, len(pieces))
	err = worklist.Each(ctx, len(pieces), func(ctx context.Context, n int) (err error) {
		places[n], err = d.sendPlace(ctx, b, pieces[n])
		return err
	})
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	for _, p := range places {
		if p.Form == nil {
			v.Came = append(v.Came, p)
			continue
		}
		p.N = len(v.Waiting) + 1
		v.Waiting = append(v.Waiting, p)
	}
	page := staff.Page{Name: "send", Title: "Send the files", Part: "/mailroom", Back: v.At, Data: v}
	if r.URL.Query().Get("done") == "arrived" {
		page.Done = "The file has arrived. " + counted(len(v.Waiting), "place waits", "places wait") + " for a file."
	}
	d.house.Show(w, s, page)
}

type sendView struct {
	At            string
	About         template.HTML
	Waiting, Came []sendPlace // those that wait for a file, and those that do not any more
}

type sendPlace struct {
	N        int
	Name     string
	Envelope string
	Tag      nhsui.Tag
	Form     *bucket.Form // nil: no file is waited for
	Old      bool         // it may still come, and no new form is signed
}

// sendPlace is a place for a file, with the form by which it is sent.
func (d *Door) sendPlace(ctx context.Context, b batch.Batch, p batch.Piece) (sendPlace, error) {
	place := sendPlace{Name: p.Name, Tag: standing(p)}
	if p.Envelope > 0 {
		place.Envelope = itoa(p.Envelope)
	}
	if p.Status != batch.Awaited {
		return place, nil
	}
	slot, err := d.Store.Upload(ctx, p.Upload)
	switch {
	case err != nil:
		return place, err
	case slot.State != upload.Promised:
		place.Tag = standings[batch.Checking]
		return place, nil
	case !d.Now().Before(slot.Promised.Add(showsForm)):
		place.Old = true
		return place, nil
	}
	form, err := d.Files.Form(ctx, bucket.File{Key: slot.Key(), Most: upload.MostOfScan, Kind: anyKind, Back: d.SignIn.Address + arrivedAt(b.ID, slot.ID)})
	place.Form = &form
	return place, err
}

// arrived takes the word of a browser or a script that a file is there: GET /mailroom/batches/{batch}/arrived/{upload}.
// The browser is sent here by the bucket, as the answer to the form that we signed: so this changes the slot, as often as
// it is asked, by one thing that is looked at before anything follows from it.
func (d *Door) arrived(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch) {
	ctx, id := r.Context(), r.PathValue("upload")
	if !upload.IsID(id) {
		d.house.Refuse(w, r, problem.NoSuchPiece)
		return
	}
	slot, err := d.Store.Upload(ctx, id)
	switch {
	case errors.Is(err, optout.ErrNotFound), err == nil && (slot.For != upload.Scan || slot.Batch != b.ID || !strings.HasSuffix(slot.By, " "+s.ID)):
		d.house.Refuse(w, r, problem.NoSuchPiece) // that of another batch or of somebody else is none
		return
	case err != nil:
		d.house.Fail(w, r, err)
		return
	}
	found, err := d.Files.Find(ctx, slot.Key())
	switch read := slot.State == upload.Read || slot.State == upload.Refused; {
	case err != nil && !door.WantsPage(r):
		d.failScript(w, r, err)
		return
	case err != nil:
		d.house.Fail(w, r, err)
		return
	case len(found) == 0 && !door.WantsPage(r): // a word alone moves nothing on the books
		problem.Write(ctx, w, problem.FileNotThere)
		return
	case len(found) == 0:
		staff.See(w, batchAt(b.ID, "send"))
		return
	case read && len(found) > 1: // of one version only, it was read before the browser that sent it came back
		if door.WantsPage(r) {
			d.house.Show(w, s, staff.Page{Name: "sent-before", Status: http.StatusConflict, Title: "A file was sent to this place before", Part: "/mailroom", Back: batchAt(b.ID, ""), Data: batchAt(b.ID, "")})
			return
		}
		problem.Write(ctx, w, problem.PlaceUsed)
		return
	}
	_, err = upload.NoteArrived(ctx, d.Store, slot, d.Now())
	if err == nil {
		err = d.mailroom().Arrived(ctx, batch.FirstOf(b.ID, slot.ID))
	}
	switch {
	case err != nil && !door.WantsPage(r):
		d.failScript(w, r, err)
	case err != nil:
		d.house.Fail(w, r, err)
	case !door.WantsPage(r):
		door.WriteJSON(w, http.StatusOK, struct {
			Arrived bool `json:"arrived"`
		}{true})
	default:
		staff.See(w, batchAt(b.ID, "send")+"?"+url.Values{"done": {"arrived"}}.Encode())
	}
}
