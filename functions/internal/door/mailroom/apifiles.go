package mailroom

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/upload"
)

// mostOfName is how many characters the name of a file has that software announces.
const mostOfName = 255

// Faults of files that are announced.
var (
	nameMissing = optout.Fault{Code: "missing", Detail: "Give the file's name."}
	nameLong    = optout.Fault{Code: "too-long", Detail: "Give at most 255 characters of the file's name."}
	fileEmpty   = optout.Fault{Code: "empty", Detail: "This file is empty. Scan the paper again and send the new file."}
	fileLarge   = optout.Fault{Code: "file-too-large", Detail: "This file has more than 20 MB. Scan fewer pages into one file, or scan at 200 dots an inch in grey, and send the new files."}
)

// placeForSoftware is where one file goes: a form to send it with, where it has not come.
type placeForSoftware struct {
	File    string  `json:"file"`
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Address string  `json:"address,omitempty"`
	Fields  []field `json:"fields,omitempty"`
	Seconds int     `json:"seconds,omitempty"` // how long the form is good
}

// field is one of a form, before the file, which is sent as "file".
type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// expectForSoftware makes places for files: POST /api/mailroom/batches/{batch}/files. The same key again gets the same
// places, with forms that are signed anew for what has not come.
func (d *Door) expectForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	ctx := r.Context()
	key, ok := keyOf(w, r)
	if !ok {
		return
	}
	id, ok := batch.ParseID(r.PathValue("batch"))
	if !ok {
		problem.Write(ctx, w, problem.NoSuchBatch)
		return
	}
	var x struct {
		Files []struct {
			Name  string `json:"name"`
			Bytes *int64 `json:"bytes,omitempty"`
		} `json:"files"`
		Envelopes string `json:"envelopes"`
	}
	if p, faults := door.ReadJSON(r, &x); p.Code != "" {
		problem.Write(ctx, w, p, faults...)
		return
	}
	var names []string
	var faults []optout.Fault
	for n, f := range x.Files[:min(len(x.Files), batch.MostAtOnce+1)] {
		wrong := func(part string, f optout.Fault) {
			f.Pointer = fmt.Sprintf("/files/%d/%s", n, part)
			faults = append(faults, f)
		}
		names = append(names, plainName(f.Name))
		switch {
		case strings.TrimSpace(f.Name) == "":
			wrong("name", nameMissing)
		case len([]rune(f.Name)) > mostOfName:
			wrong("name", nameLong)
		}
		switch {
		case f.Bytes == nil:
		case *f.Bytes < 1:
			wrong("bytes", fileEmpty)
		case *f.Bytes > upload.MostOfScan:
			wrong("bytes", fileLarge)
		}
	}
	if len(faults) > 0 {
		problem.Write(ctx, w, problem.WrongAnswers, faults...)
		return
	}
	made, slots, err := d.mailroom().ExpectOnce(ctx, id, a, key, names, batch.Envelopes(x.Envelopes))
	if errors.Is(err, optout.ErrNotFound) {
		problem.Write(ctx, w, problem.NoSuchBatch)
		return
	}
	answer := struct {
		Batch string             `json:"batch"`
		Files []placeForSoftware `json:"files"`
	}{Batch: batch.Show(id)}
	for n := 0; n < len(made) && err == nil; n++ {
		at := placeForSoftware{File: slots[n].ID, Name: made[n].Name, State: string(stateOf(made[n]))}
		if made[n].Status == batch.Awaited {
			at, err = d.signed(ctx, at, slots[n])
		}
		answer.Files = append(answer.Files, at)
	}
	if err != nil {
		refuseSoftware(ctx, w, err)
		return
	}
	if made[0].Version > 0 { // it was read
		w.Header().Set("Idempotency-Replayed", "true")
	}
	observe.Note(ctx, "batch", id)
	door.WriteJSON(w, http.StatusCreated, answer)
}

// plainName is a file's name in characters that can be shown.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// stateOf is how far the file is whose first piece this is, as its slot would say it.
func stateOf(p batch.Piece) upload.State {
	switch p.Status {
	case batch.Awaited:
		return upload.Promised
	case batch.Checking:
		return upload.Uploaded
	case batch.Lapsed:
		return upload.Expired
	case batch.Quarantined:
		return upload.Refused
	}
	return upload.Read
}

// signed is a place with a form for its file. The answer to the form is 204: nobody is led elsewhere.
func (d *Door) signed(ctx context.Context, at placeForSoftware, s upload.Slot) (placeForSoftware, error) {
	f, err := d.Files.Form(ctx, bucket.File{Key: s.Key(), Most: upload.MostOfScan})
	if err != nil {
		return placeForSoftware{}, err
	}
	at.Address, at.Seconds = f.Address, int(upload.Lasts/time.Second)
	for _, x := range f.Fields {
		at.Fields = append(at.Fields, field{x.Name, x.Value})
	}
	return at, nil
}

// formForSoftware signs a form anew for a file that has not come: POST /api/mailroom/files/{id}/form. A place that was
// given up, or soon would be, is made new.
func (d *Door) formForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	ctx := r.Context()
	s, p, ok := d.fileForSoftware(w, r)
	if !ok {
		return
	}
	s, err := d.mailroom().Renew(ctx, d.Store, s.ID, a)
	switch {
	case err != nil:
		refuseSoftware(ctx, w, err)
		return
	case s.State != upload.Promised:
		problem.Write(ctx, w, problem.FileThere)
		return
	}
	at, err := d.signed(ctx, placeForSoftware{File: s.ID, Name: p.Name, State: string(s.State)}, s)
	if err != nil {
		problem.Error(ctx, w, err)
		return
	}
	door.WriteJSON(w, http.StatusOK, at)
}

// receipt is how far a file is. Received says that it is in the bucket and on the books, so that whoever sent it need
// not keep it for us.
type receipt struct {
	File     string `json:"file"`
	Batch    string `json:"batch"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Received bool   `json:"received"`
	SHA256   string `json:"sha256,omitempty"` // once it is read
	Pages    int    `json:"pages,omitempty"`  // likewise
	Code     string `json:"code,omitempty"`   // why it is no work for the desk, and what to do
	Detail   string `json:"detail,omitempty"`
}

func receiptOf(s upload.Slot, p batch.Piece) receipt {
	c := receipt{
		File: s.ID, Batch: batch.Show(s.Batch), Name: p.Name, State: string(s.State), Received: s.State != upload.Promised && s.State != upload.Expired,
		SHA256: hex.EncodeToString(s.SHA256), Pages: s.Pages, Code: s.Refusal.Code, Detail: s.Refusal.Detail,
	}
	if c.SHA256 == "" {
		c.SHA256 = hex.EncodeToString(p.SHA256)
	}
	if c.Code == "" && (p.Status == batch.Rescan || p.Status == batch.Quarantined || p.Status == batch.Checking) {
		c.Code = p.Why
	}
	if c.Code != "" && c.Detail == "" {
		c.Detail = cmp.Or(batch.Sentence(c.Code), "Nobody opens this file. A supervisor sees to its paper.")
	}
	return c
}

// receiptForSoftware says how far a file is: GET /api/mailroom/files/{id}.
func (d *Door) receiptForSoftware(w http.ResponseWriter, r *http.Request, _ optout.Actor) {
	if s, p, ok := d.fileForSoftware(w, r); ok {
		door.WriteJSON(w, http.StatusOK, receiptOf(s, p))
	}
}

// sentBySoftware takes the word of software that its file is there: POST /api/mailroom/files/{id}/sent. It is looked for,
// so that the answer is a receipt.
func (d *Door) sentBySoftware(w http.ResponseWriter, r *http.Request, _ optout.Actor) {
	ctx := r.Context()
	var x struct {
		Bytes int64 `json:"bytes,omitempty"`
	}
	if r.ContentLength != 0 {
		if p, faults := door.ReadJSON(r, &x); p.Code != "" {
			problem.Write(ctx, w, p, faults...)
			return
		}
	} else if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1)); err != nil {
		problem.Write(ctx, w, problem.NotJSON)
		return
	}
	s, p, ok := d.fileForSoftware(w, r)
	if !ok {
		return
	}
	if s.Object == "" && !isReceived(s) { // nobody has seen the file yet
		found, err := d.Files.Find(ctx, s.Key())
		switch right := func(o upload.Object) bool { return o.Size == x.Bytes || x.Bytes == 0 }; {
		case err != nil:
			problem.Error(ctx, w, err)
			return
		case len(found) == 0:
			problem.Write(ctx, w, problem.FileNotThere)
			return
		case !slices.ContainsFunc(found, right):
			problem.Write(ctx, w, problem.FileOtherSize)
			return
		}
	}
	s, p, err := d.arrivedBySoftware(ctx, s, p)
	if err != nil {
		problem.Error(ctx, w, err)
		return
	}
	door.WriteJSON(w, http.StatusOK, receiptOf(s, p))
}

// isReceived says that a file was read, or is not read for a reason.
func isReceived(s upload.Slot) bool { return s.IsEnded() && s.State != upload.Expired }

// arrivedBySoftware notes on the books and on the slot that a file is there. The slot is last: what is noted of it starts
// the reader.
func (d *Door) arrivedBySoftware(ctx context.Context, s upload.Slot, p batch.Piece) (upload.Slot, batch.Piece, error) {
	at := batch.FirstOf(s.Batch, s.ID)
	if p.Status != batch.Awaited && p.Status != batch.Lapsed && s.State != upload.Promised && s.State != upload.Expired {
		return s, p, nil
	}
	if err := d.mailroom().Arrived(ctx, at); err != nil {
		return s, batch.Piece{}, fmt.Errorf("note the file: %w", err)
	}
	s, err := upload.NoteArrived(ctx, d.Store, s, d.Now())
	if err != nil {
		return s, batch.Piece{}, fmt.Errorf("note that it is there: %w", err)
	}
	p, err = d.Store.Piece(ctx, at)
	return s, p, err
}

// fileForSoftware is the slot of a file in a batch and its first piece, or answers the request.
func (d *Door) fileForSoftware(w http.ResponseWriter, r *http.Request) (s upload.Slot, p batch.Piece, ok bool) {
	ctx := r.Context()
	s, err := d.Store.Upload(ctx, r.PathValue("id"))
	if err == nil && (s.For != upload.Scan || s.Batch == "") {
		err = optout.ErrNotFound
	}
	if err == nil {
		observe.Note(ctx, "batch", s.Batch)
		p, err = d.Store.Piece(ctx, batch.FirstOf(s.Batch, s.ID))
	}
	switch {
	case errors.Is(err, optout.ErrNotFound):
		problem.Write(ctx, w, problem.NoSuchFile)
	case err != nil:
		problem.Error(ctx, w, err)
	}
	return s, p, err == nil
}
