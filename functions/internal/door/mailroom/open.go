package mailroom

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/signin"
)

// done are what has just been done, by what the address says.
var done = map[string]string{
	"opened": "The batch is open. Print its header sheet, put it on top of the envelopes, then send the scans.", "hand": "It is on the books.",
	"recounted": "The number of envelopes is changed. The old one stays in the history.", "closed": "The batch is closed.", "reopened": "The batch is open again.",
	"envelope": "The piece is in that envelope now.", "undone": "The outcome is taken back. The piece waits at the desk.", "settled": "It is recorded that you have dealt with it.",
	"posted": "It is recorded what became of the letter.", "not-posted": "That is taken back: the letter waits to be posted.", "sample-ended": "It is recorded that nobody checks it.", "alone": "It is recorded that there is no other supervisor.", "judged": "What you decided is recorded and counted.",
	"wrote": "It is recorded that the person was written to.", "released": "The form goes on. Its practice is told like of every other.", "superseded": "The held form ends, and the newer one goes on.",
	"before": staff.DoneBefore,
}

// blank asks what is said of a batch before its envelopes are opened: GET /mailroom/open. It begins where the newest
// batch ends: in the same box, at the next place.
func (d *Door) blank(w http.ResponseWriter, r *http.Request, s signin.Session) {
	filled := door.Form{}
	newest, err := d.Store.Batches(r.Context(), true, 1)
	if err == nil && len(newest) > 0 {
		b, err := d.Store.Batch(r.Context(), newest[0])
		if err == nil {
			url.Values(filled).Set("box", b.Box)
			url.Values(filled).Set("sequence", itoa(b.Sequence+1))
			filled = staff.WithDay(filled, "destroy", b.Destroy)
		}
	}
	d.askToOpen(w, s, filled, 0, nil) // what could not be looked up is typed
}

func (d *Door) askToOpen(w http.ResponseWriter, s signin.Session, filled door.Form, status int, faults []staff.Fault) {
	f := staff.Fields{Form: filled, Faults: faults}
	d.house.Show(w, s, staff.Page{
		Name: "ask", Title: "Open a batch", Part: "/mailroom", Back: "/mailroom", Status: status, Faults: faults,
		Data: staff.Ask{
			Above:  staff.Paragraphs("Count the envelopes before you open them. A batch closes when each of them is accounted for."),
			Action: "/mailroom/open",
			Fields: f.Key() + f.Line("envelopes", "How many envelopes are there?", "Up to "+itoa(batch.MostEnvelopes)+" in one batch", 5) +
				f.Line("box", "In which box is the paper kept?", "Letters, digits and dashes, as it stands on the box. For example, 2026-B-17", 20) +
				f.Line("sequence", "Which place in the box has this batch?", "1 for the first batch in the box, 2 for the next", 5) +
				f.Day("destroy", "When may the paper be destroyed, if that is decided?", "Leave it empty if it is not. "+staff.Example(d.Now().AddDate(1, 0, 0))),
			Button: nhsui.Button{Text: "Open the batch", PreventDoubleClick: new(true)},
		},
	})
}

// open opens a batch, once for each page that asks for it: POST /mailroom/open.
func (d *Door) open(w http.ResponseWriter, r *http.Request, s signin.Session) {
	filled, status, code := door.ReadForm(r)
	if code != "" {
		d.askToOpen(w, s, door.Form{}, status, noForm)
		return
	}
	again := func(status int, faults []staff.Fault) { d.askToOpen(w, s, filled, status, faults) }
	declared := batch.Declaration{Box: filled.Get("box"), Key: filled.Get("key")}
	var faults []staff.Fault
	declared.Envelopes, faults = whole(filled, "envelopes", "Say how many envelopes there are, as a number.", faults)
	declared.Sequence, faults = whole(filled, "sequence", "Say which place in the box the batch has, as a number.", faults)
	destroy, wrong := staff.Date(filled, "destroy")
	if wrong != nil {
		faults = append(faults, *wrong)
	}
	declared.Destroy = destroy
	if len(faults) > 0 {
		if declared.Box == "" {
			faults = append(faults, staff.Fault{Field: "box", Text: "Say in which box the paper is kept."})
		}
		again(http.StatusUnprocessableEntity, faults)
		return
	}
	b, err := d.mailroom().Open(r.Context(), s.Actor, declared)
	if errors.Is(err, batch.OpenedBefore) {
		url.Values(filled).Del("key") // so that it can be sent again, if that is meant
	}
	if err == nil {
		observe.Note(r.Context(), "batch", b.ID)
	}
	d.house.Answer(w, r, err, staff.Outcome{Onward: batchAt(b.ID, "") + "?done=opened", Again: again})
}

// noForm is said of what is no form that a page of ours could have sent.
var noForm = []staff.Fault{{Text: "What was sent is no form, or far too large a one. Nothing was changed."}}

// whole reads a whole number; what is none is a Fault.
func whole(filled door.Form, field, text string, faults []staff.Fault) (int, []staff.Fault) {
	n, err := strconv.Atoi(filled.Digits(field))
	if err != nil {
		return 0, append(faults, staff.Fault{Field: field, Text: text})
	}
	return n, faults
}
