package mailroom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

const (
	// mostRead is how many batches are read whole for what was done of late.
	mostRead = 20
	// throughputDays are the days of which it is shown what was done.
	throughputDays = 7
	// mostSuper is how many pieces that wait for a supervisor are shown, and mostIdle how many idle batches.
	mostSuper, mostIdle = 100, 50
)

// supervise shows a supervisor how much waits and for how long, what was done, and what nobody else can go on with: GET
// /mailroom/supervise.
func (d *Door) supervise(w http.ResponseWriter, r *http.Request, s signin.Session) {
	ctx, now := r.Context(), d.Now()
	backlog, err := d.backlog(ctx)
	var waiting []batch.Piece
	var more bool
	if err == nil {
		waiting, more, err = d.forSupervisors(ctx)
	}
	var idle []batch.Batch
	if err == nil {
		idle, err = d.idle(ctx)
	}
	var recent []batch.Batch
	var pieces [][]batch.Piece
	if err == nil {
		recent, pieces, err = d.recent(ctx)
	}
	places := map[string]batch.Batch{}
	if err == nil {
		places, err = d.placesOf(ctx, waiting)
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := superviseView{
		Find: staff.Find{Action: "/mailroom/find", Label: "Find the paper by a form's reference, or a batch's"}, More: more, Most: mostSuper,
		Idle: d.batchTable(idle, s), IdleAfter: int(batch.IdleAfter / (24 * time.Hour)),
		Read: len(recent), ReadMost: mostRead, Days: throughputDays,
	}
	for _, x := range backlog {
		v.Backlog.Rows = append(v.Backlog.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: x.text}, Value: nhsui.SummaryCell{Text: x.says(now)}})
	}
	v.Desk = d.waitingTable("Pieces that a supervisor decides", waiting, places, func(p batch.Piece) bool { return p.Status == batch.Disputed })
	v.Quarantine = d.waitingTable("Files that nobody can read", waiting, places, func(p batch.Piece) bool { return p.Status != batch.Disputed })
	v.Done = doneByDay(slices.Concat(pieces...), now)
	v.Errors = errorsByClerk(slices.Concat(pieces...), s, nhs.Days(now, -throughputDays))
	d.house.Show(w, s, staff.Page{Name: "supervise", Title: "For supervisors", Part: "/mailroom/supervise", Wide: true, Done: done[r.URL.Query().Get("done")], Data: v})
}

type superviseView struct {
	Find             staff.Find
	Backlog          nhsui.SummaryList
	Desk, Quarantine nhsui.Table
	More             bool
	Most             int
	Idle             nhsui.Table
	IdleAfter        int // days
	Done, Errors     nhsui.Table
	Read, ReadMost   int
	Days             int
}

// forSupervisors reads strongly what waits for a supervisor: what may be about somebody's harm first, then what is to be
// decided, then the files that nobody can read, each the oldest first. more says that it is not all.
func (d *Door) forSupervisors(ctx context.Context) (pieces []batch.Piece, more bool, err error) {
	for _, stage := range []batch.Stage{batch.Supervise, batch.Aside} {
		some, others, err := d.queued(ctx, stage, mostSuper)
		if err != nil {
			return nil, false, err
		}
		pieces, more = append(pieces, some...), more || others
	}
	slices.SortStableFunc(pieces, func(a, b batch.Piece) int {
		today := func(p batch.Piece) int {
			if p.Status == batch.Disputed && p.Why == batch.Safeguarding {
				return 0
			}
			return 1
		}
		return today(a) - today(b)
	})
	return pieces, more, nil
}

// queued reads strongly the first pieces of a list, the oldest first, at most so many of those that it names.
func (d *Door) queued(ctx context.Context, stage batch.Stage, most int) (pieces []batch.Piece, more bool, err error) {
	var names []batch.At
	for q, err := range d.Store.Queue(ctx, stage) {
		if err != nil {
			return nil, false, err
		}
		if more = len(names) == most; more {
			break
		}
		names = append(names, q.At)
	}
	pieces = make([]batch.Piece, len(names))
	err = worklist.Each(ctx, len(names), func(ctx context.Context, n int) (err error) {
		if pieces[n], err = d.Store.Piece(ctx, names[n]); errors.Is(err, optout.ErrNotFound) || errors.Is(err, optout.ErrUnreadable) { // which keeps nobody from the others
			return nil
		}
		return err
	})
	pieces = slices.DeleteFunc(pieces, func(p batch.Piece) bool { return p.Stage() != stage }) // an index is a hint
	slices.SortStableFunc(pieces, func(a, b batch.Piece) int { return a.Since.Compare(b.Since) })
	return pieces, more, err
}

// placesOf reads the batches of pieces.
func (d *Door) placesOf(ctx context.Context, pieces []batch.Piece) (map[string]batch.Batch, error) {
	var ids []string
	for _, p := range pieces {
		if !slices.Contains(ids, p.Batch) {
			ids = append(ids, p.Batch)
		}
	}
	read := make([]batch.Batch, len(ids))
	err := worklist.Each(ctx, len(ids), func(ctx context.Context, n int) (err error) {
		read[n], err = d.Store.Batch(ctx, ids[n])
		return err
	})
	all := map[string]batch.Batch{}
	for _, b := range read {
		all[b.ID] = b
	}
	return all, err
}

// waitingTable are pieces that wait for a supervisor, with where their paper is.
func (d *Door) waitingTable(caption string, pieces []batch.Piece, places map[string]batch.Batch, holds func(batch.Piece) bool) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: caption, Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Piece"}, {Text: "Why"}, {Text: "Paper"}, {Text: "Since"}, {Text: "What to do"}},
	}
	for _, p := range pieces {
		if !holds(p) {
			continue
		}
		r := reasonOf(p.Why)
		act := template.HTML(`<a href="` + template.HTMLEscapeString("/mailroom/desk/"+p.Batch+"/"+p.ID) + `">Decide at the desk</a>`)
		if p.Status == batch.Quarantined {
			act = template.HTML(template.HTMLEscapeString(r.do) + `<form method="post" action="` + template.HTMLEscapeString(pieceAt(p.At, "settle")) + `?from=supervise" novalidate>` +
				`<button class="nhsuk-button nhsuk-button--secondary nhsuk-button--small app-tight" data-module="nhsuk-button" data-prevent-double-click="true">The paper is dealt with<span class="nhsuk-u-visually-hidden"> of ` + template.HTMLEscapeString(nameOf(p)) + `</span></button></form>`)
		} else if p.Status == batch.Checking {
			act = template.HTML(template.HTMLEscapeString(r.do))
		}
		t.Rows = append(t.Rows, []nhsui.Cell{
			{HTML: template.HTML(`<a href="` + template.HTMLEscapeString(pieceAt(p.At, "")) + `"><bdi>` + template.HTMLEscapeString(nameOf(p)) + `</bdi></a>`)},
			{HTML: nhsui.HTML(standing(p)) + template.HTML("<br>"+template.HTMLEscapeString(r.text))},
			{HTML: linkTo(batchAt(p.Batch, ""), batch.Show(p.Batch)) + template.HTML("<br>"+template.HTMLEscapeString(place(places[p.Batch])+", envelope "+lower(envelopeOf(p))))},
			{Text: staff.Since(p.Since, d.Now())},
			{HTML: act},
		})
	}
	return t
}

// idle are the open batches to which nothing has happened for long, the longest first.
func (d *Door) idle(ctx context.Context) ([]batch.Batch, error) {
	ids, err := d.Store.IdleBatches(ctx, d.Now(), mostIdle)
	if err != nil {
		return nil, err
	}
	all, err := d.readBatches(ctx, ids, true)
	all = slices.DeleteFunc(all, func(b batch.Batch) bool { return b.Due().After(d.Now()) })
	slices.SortStableFunc(all, func(a, b batch.Batch) int { return a.Moved.Compare(b.Moved) })
	return all, err
}

// recent are the batches that something happened to last, of the newest, and their pieces: what is read whole is bounded.
func (d *Door) recent(ctx context.Context) (batches []batch.Batch, pieces [][]batch.Piece, err error) {
	open, err := d.batches(ctx, true, mostBatches)
	if err != nil {
		return nil, nil, err
	}
	closed, err := d.batches(ctx, false, mostBatches)
	if err != nil {
		return nil, nil, err
	}
	since := nhs.Days(d.Now(), -throughputDays)
	batches = slices.DeleteFunc(append(open, closed...), func(b batch.Batch) bool { return b.Moved.Before(since) })
	slices.SortStableFunc(batches, func(a, b batch.Batch) int { return b.Moved.Compare(a.Moved) })
	batches = batches[:min(mostRead, len(batches))]
	pieces = make([][]batch.Piece, len(batches))
	err = worklist.Each(ctx, len(batches), func(ctx context.Context, n int) (err error) {
		pieces[n], err = d.Store.Pieces(ctx, batches[n].ID)
		return err
	})
	return batches, pieces, err
}

// doneByDay is how many pieces came to an outcome on each of the last days, today first.
func doneByDay(pieces []batch.Piece, now time.Time) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Pieces that came to an outcome, by day", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Day"}, {Text: "Pieces", Format: "numeric"}},
	}
	for _, o := range batch.Outcomes {
		t.Head = append(t.Head, nhsui.Cell{Text: standings[o].Text, Format: "numeric"})
	}
	for n := range throughputDays {
		row := []nhsui.Cell{{Text: staff.Since(now.AddDate(0, 0, -n), now)}, {Format: "numeric"}}
		sum := 0
		for _, o := range batch.Outcomes {
			of := 0
			for _, p := range pieces {
				if p.Status == o && !p.Done.IsZero() && staff.Between(p.Done, now) == n {
					of++
				}
			}
			sum += of
			row = append(row, nhsui.Cell{Text: itoa(of), Format: "numeric"})
		}
		row[1].Text = itoa(sum)
		t.Rows = append(t.Rows, row)
	}
	return t
}

// errorsByClerk is how often each clerk's reading was not alike with that of somebody else. Who of the two was right is
// not known here, so both are counted.
func errorsByClerk(pieces []batch.Piece, s signin.Session, since time.Time) nhsui.Table {
	type tally struct{ keyed, twice, unlike int }
	of := map[string]*tally{}
	at := func(by string) *tally {
		id := by[strings.LastIndex(by, " ")+1:]
		if of[id] == nil {
			of[id] = &tally{}
		}
		return of[id]
	}
	for _, p := range pieces {
		var readers []string
		unlike := false
		for _, e := range p.History {
			if e.At.Before(since) {
				continue
			}
			switch {
			case e.Kind == "keyed", e.Kind == "keyed-otherwise", e.Kind == string(batch.Registered) && len(readers) < 2 && !unlike, e.Kind == string(batch.Held) && len(readers) == 0:
				readers = append(readers, e.By)
				unlike = unlike || e.Kind == "keyed-otherwise"
			}
		}
		for _, by := range readers {
			t := at(by)
			t.keyed++
			if len(readers) > 1 {
				t.twice++
			}
			if unlike {
				t.unlike++
			}
		}
	}
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Readings that were not alike, by clerk", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Clerk"}, {Text: "Keyed", Format: "numeric"}, {Text: "Keyed by two", Format: "numeric"}, {Text: "Not alike", Format: "numeric"}, {Text: "Share", Format: "numeric"}},
	}
	var ids []string
	for id := range of {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(of[b].unlike-of[a].unlike, strings.Compare(a, b)) })
	for _, id := range ids {
		x, share, name := of[id], "–", template.HTML(`<span dir="ltr">`+template.HTMLEscapeString(id)+`</span>`)
		if x.twice > 0 {
			share = fmt.Sprintf("%.1f%%", 100*float64(x.unlike)/float64(x.twice))
		}
		if id == s.ID {
			name += " (you)"
		}
		number := func(n int) nhsui.Cell { return nhsui.Cell{Text: itoa(n), Format: "numeric"} }
		t.Rows = append(t.Rows, []nhsui.Cell{{HTML: name}, number(x.keyed), number(x.twice), number(x.unlike), {Text: share, Format: "numeric"}})
	}
	return t
}
