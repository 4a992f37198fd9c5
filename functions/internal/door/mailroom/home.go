package mailroom

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// mostBatches is how many batches one page shows.
const mostBatches = 100

// home shows what is going on: the open batches, and how much waits: GET /mailroom. It has nothing personal in it.
func (d *Door) home(w http.ResponseWriter, r *http.Request, s signin.Session) {
	ctx, closed := r.Context(), r.URL.Query().Get("list") == "closed"
	batches, err := d.batches(ctx, !closed, mostBatches)
	var backlog []stage
	if err == nil {
		backlog, err = d.backlog(ctx)
	}
	letters := 0
	if err == nil {
		letters, err = d.Store.Tally(ctx, held)
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := homeView{
		Lists: staff.Tabs{Label: "Batches", All: []staff.Tab{{Text: "Open", Href: "/mailroom", Current: !closed}, {Text: "Closed", Href: "/mailroom?list=closed", Current: closed}}},
		Table: d.batchTable(batches, s), Closed: closed, Full: len(batches) == mostBatches, Most: mostBatches, Supervisor: s.Role == optout.Supervisor,
	}
	for _, x := range backlog {
		v.Backlog.Rows = append(v.Backlog.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: x.text}, Value: nhsui.SummaryCell{Text: x.says(d.Now())}})
	}
	waits := nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: "Held, to be cleared up"}, Value: nhsui.SummaryCell{Text: "Nothing"}}
	if letters > 0 {
		waits.Value.HTML = template.HTML(`<a href="/mailroom/letters">` + template.HTMLEscapeString(atLeast(letters, "form", "forms")) + `</a>`)
	}
	v.Backlog.Rows = append(v.Backlog.Rows, waits)
	d.house.Show(w, s, staff.Page{Name: "home", Title: "What is going on in the mailroom", Part: "/mailroom", Wide: true, Done: done[r.URL.Query().Get("done")], Data: v})
}

type homeView struct {
	Lists        staff.Tabs
	Table        nhsui.Table
	Backlog      nhsui.SummaryList
	Closed, Full bool
	Most         int
	Supervisor   bool
}

// batches reads strongly the newest open or closed batches, the open ones oldest first.
func (d *Door) batches(ctx context.Context, open bool, n int) ([]batch.Batch, error) {
	ids, err := d.Store.Batches(ctx, open, n)
	if err != nil {
		return nil, err
	}
	return d.readBatches(ctx, ids, open)
}

// readBatches reads strongly the batches that a list names, and leaves out what has gone to the other list since.
func (d *Door) readBatches(ctx context.Context, ids []string, open bool) ([]batch.Batch, error) {
	all := make([]batch.Batch, len(ids))
	err := worklist.Each(ctx, len(ids), func(ctx context.Context, n int) (err error) {
		if all[n], err = d.Store.Batch(ctx, ids[n]); errors.Is(err, optout.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(b batch.Batch) bool { return b.ID == "" || b.IsOpen() != open })
	slices.SortFunc(all, func(a, b batch.Batch) int {
		if !open {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(a.Closed.UnixMilli(), b.Closed.UnixMilli()), a.Opened.Compare(b.Opened), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// batchTable is a list of batches as a table.
func (d *Door) batchTable(batches []batch.Batch, s signin.Session) nhsui.Table {
	now := d.Now()
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Batches", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Batch"}, {Text: "Box and place"}, {Text: "Envelopes", Format: "numeric"}, {Text: "Pieces", Format: "numeric"}, {Text: "Opened"}, {Text: "Stands"}},
	}
	for _, b := range batches {
		t.Rows = append(t.Rows, []nhsui.Cell{
			{HTML: linkTo(batchAt(b.ID, ""), batch.Show(b.ID))},
			{Text: place(b)},
			{Text: itoa(b.Declared), Format: "numeric"},
			{Text: itoa(b.Pieces), Format: "numeric"},
			{Text: staff.Since(b.Opened, now)},
			{HTML: nhsui.HTML(batchTag(b, now))},
		})
	}
	return t
}

// linkTo leads to what is named by a reference.
func linkTo(href, reference string) template.HTML {
	return template.HTML(`<a href="` + template.HTMLEscapeString(href) + `" dir="ltr">` + template.HTMLEscapeString(reference) + `</a>`)
}

// place is where a batch's paper is.
func place(b batch.Batch) string { return "Box " + b.Box + ", number " + itoa(b.Sequence) }

// batchTag says how a batch stands.
func batchTag(b batch.Batch, now time.Time) nhsui.Tag {
	switch idle := staff.Between(b.Moved, now); {
	case !b.IsOpen():
		return nhsui.Tag{Text: "Closed", Colour: "green"}
	case !b.Due().After(now):
		return nhsui.Tag{Text: "Idle for " + counted(idle, "day", "days"), Colour: "red"}
	}
	return nhsui.Tag{Text: "Open", Colour: "blue"}
}

// stage is how much is on a list of pieces.
type stage struct {
	batch.Stage
	text   string
	count  int
	oldest time.Time // zero: nothing is there
}

// says how much there is, and how old it is.
func (s stage) says(now time.Time) string {
	if s.count == 0 || s.oldest.IsZero() {
		return "Nothing"
	}
	return atLeast(s.count, "piece", "pieces") + ", the oldest since " + staff.Since(s.oldest, now)
}

// atLeast is a number that was counted in an index, up to a thousand exactly.
func atLeast(n int, one, many string) string {
	if n >= worklist.Exact {
		return "At least " + counted(n, one, many)
	}
	return counted(n, one, many)
}

var stageTexts = map[batch.Stage]string{
	batch.Keying1: "To be keyed", batch.Keying2: "To be keyed once more", batch.Alarmed: "Safeguarding, for a supervisor today", batch.Supervise: "For a supervisor",
	batch.Aside: "Files that nobody can read", batch.Sampled: "Finished, to be checked", batch.Differing: "Checked and read otherwise, for a supervisor",
}

// backlog is how much is on each list of pieces.
func (d *Door) backlog(ctx context.Context) ([]stage, error) {
	all := make([]stage, len(batch.Stages))
	err := worklist.Each(ctx, len(all), func(ctx context.Context, n int) (err error) {
		x := &all[n]
		x.Stage, x.text = batch.Stages[n], stageTexts[batch.Stages[n]]
		if x.count, err = d.Store.QueueLength(ctx, x.Stage); err != nil || x.count == 0 {
			return err
		}
		for q, err := range d.Store.Queue(ctx, x.Stage) {
			if err != nil {
				return err
			}
			x.oldest = q.Since
			break
		}
		return nil
	})
	return all, err
}

// batchAt is the address of a batch's page, or of another page about it.
func batchAt(id, page string) string {
	at := "/mailroom/batches/" + batch.Show(id)
	if page != "" {
		at += "/" + page
	}
	return at
}

// pieceAt is the address of a piece's page, or of what is done with it there.
func pieceAt(at batch.At, what string) string {
	to := batchAt(at.Batch, "pieces/"+at.ID)
	if what != "" {
		to += "/" + what
	}
	return to
}
