package mailroom

import (
	"context"
	"errors"
	"html/template"
	"iter"
	"net/http"
	"slices"
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
	// mostSuper is how many pieces of a list that waits for a supervisor are shown, and mostIdle how many idle batches.
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
		recent, err = d.recent(ctx)
	}
	read := recent[:min(mostRead, len(recent))]
	if err == nil {
		pieces, err = d.piecesIn(ctx, read)
	}
	days := daysAsked(r)
	from := nhs.DateOf(now.AddDate(0, 0, 1-days))
	var tallies []batch.Tally
	if err == nil {
		tallies, err = d.Store.Tallies(ctx, from, nhs.DateOf(now))
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
		Read: len(read), ReadMost: mostRead, Days: throughputDays, Share: min(d.Sample, 100), Quality: qualityOf(tallies, days, from, s), Recounts: d.recounts(recent, s), RecountsOf: mostBatches,
	}
	for _, x := range backlog {
		v.Backlog.Rows = append(v.Backlog.Rows, nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: x.text}, Value: nhsui.SummaryCell{Text: x.says(now)}})
	}
	v.Desk = d.waitingTable("Pieces that a supervisor decides", waiting, places, func(p batch.Piece) bool { return p.Stage() != batch.Aside })
	v.Quarantine = d.waitingTable("Files that nobody can read", waiting, places, func(p batch.Piece) bool { return p.Stage() == batch.Aside })
	v.Done = doneByDay(slices.Concat(pieces...), now)
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
	Done             nhsui.Table
	Read, ReadMost   int
	Days             int
	Share            int // of a hundred
	Quality          quality
	Recounts         nhsui.Table
	RecountsOf       int
}

// forSupervisors reads strongly what waits for a supervisor: what may be about somebody's harm first, of all that there is; then
// what two people read otherwise, what was read otherwise when it was checked, and the files that nobody can read, each the
// oldest first. more says that it is not all.
func (d *Door) forSupervisors(ctx context.Context) (pieces []batch.Piece, more bool, err error) {
	for _, stage := range []batch.Stage{batch.Alarmed, batch.Supervise, batch.Differing, batch.Aside} {
		some, others, err := d.queued(ctx, stage, mostSuper)
		if err != nil {
			return nil, false, err
		}
		pieces, more = append(pieces, some...), more || others
	}
	return pieces, more, nil
}

// queued reads strongly the first pieces of a list, the oldest first, at most so many of those that it names.
func (d *Door) queued(ctx context.Context, stage batch.Stage, most int) (pieces []batch.Piece, more bool, err error) {
	pieces, more, err = d.walked(ctx, d.Store.Queue(ctx, stage), most)
	pieces = slices.DeleteFunc(pieces, func(p batch.Piece) bool { return p.Stage() != stage }) // an index is a hint
	slices.SortStableFunc(pieces, func(a, b batch.Piece) int { return a.Waits().Compare(b.Waits()) })
	return pieces, more, err
}

// walked reads strongly the first pieces that a walk names. One that cannot be read, or is not there, keeps nobody from the
// others.
func (d *Door) walked(ctx context.Context, walk iter.Seq2[batch.Queued, error], most int) (pieces []batch.Piece, more bool, err error) {
	var names []batch.At
	for q, err := range walk {
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
		if pieces[n], err = d.Store.Piece(ctx, names[n]); errors.Is(err, optout.ErrNotFound) || errors.Is(err, optout.ErrUnreadable) {
			return nil
		}
		return err
	})
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
		switch {
		case p.Sample.Step == batch.Unlike && p.Sample.Again.Status == batch.Disputed:
			r.text = reasonOf(batch.Safeguarding).text + ", says somebody who checked it"
		case p.Sample.Step == batch.Unlike:
			r.text = "It is finished, and was read otherwise when it was checked: " + fieldsOf(p.Sample.Differs)
		}
		act := template.HTML(`<a href="` + template.HTMLEscapeString("/mailroom/desk/"+p.Batch+"/"+p.ID) + `">Decide at the desk</a>`)
		if p.Sample.Step == batch.Unlike {
			act = template.HTML(`<a href="` + template.HTMLEscapeString(pieceAt(p.At, "judge")) + `">Decide which is right</a>`)
		} else if p.Status == batch.Quarantined {
			act = template.HTML(template.HTMLEscapeString(r.do) + `<form method="post" action="` + template.HTMLEscapeString(pieceAt(p.At, "settle")) + `?from=supervise" novalidate>` +
				`<button class="nhsuk-button nhsuk-button--secondary nhsuk-button--small app-tight" data-module="nhsuk-button" data-prevent-double-click="true">The paper is dealt with<span class="nhsuk-u-visually-hidden"> of ` + template.HTMLEscapeString(nameOf(p)) + `</span></button></form>`)
		} else if p.Status == batch.Checking {
			act = template.HTML(template.HTMLEscapeString(r.do))
		}
		t.Rows = append(t.Rows, []nhsui.Cell{
			{HTML: template.HTML(`<a href="` + template.HTMLEscapeString(pieceAt(p.At, "")) + `"><bdi>` + template.HTMLEscapeString(nameOf(p)) + `</bdi></a>`)},
			{HTML: nhsui.HTML(superTag(p)) + template.HTML("<br>"+template.HTMLEscapeString(r.text))},
			{HTML: linkTo(batchAt(p.Batch, ""), batch.Show(p.Batch)) + template.HTML("<br>"+template.HTMLEscapeString(place(places[p.Batch])+", envelope "+lower(envelopeOf(p))))},
			{Text: staff.Since(p.Waits(), d.Now())},
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

// superTag says what a supervisor has to do with a piece.
func superTag(p batch.Piece) nhsui.Tag {
	if p.Stage() == batch.Differing {
		return nhsui.Tag{Text: "Read otherwise", Colour: "purple"}
	}
	return standing(p)
}

// recent are the batches that something happened to of late, the last first, of the newest open and closed ones.
func (d *Door) recent(ctx context.Context) (batches []batch.Batch, err error) {
	open, err := d.batches(ctx, true, mostBatches)
	if err != nil {
		return nil, err
	}
	closed, err := d.batches(ctx, false, mostBatches)
	if err != nil {
		return nil, err
	}
	since := nhs.Days(d.Now(), -throughputDays)
	batches = slices.DeleteFunc(append(open, closed...), func(b batch.Batch) bool { return b.Moved.Before(since) })
	slices.SortStableFunc(batches, func(a, b batch.Batch) int { return b.Moved.Compare(a.Moved) })
	return batches, nil
}

// piecesIn are the pieces of batches that are read whole.
func (d *Door) piecesIn(ctx context.Context, batches []batch.Batch) ([][]batch.Piece, error) {
	pieces := make([][]batch.Piece, len(batches))
	err := worklist.Each(ctx, len(batches), func(ctx context.Context, n int) (err error) {
		pieces[n], err = d.Store.Pieces(ctx, batches[n].ID)
		return err
	})
	return pieces, err
}

// recounts are the batches whose envelopes were counted again of late, the last first: one person alone can do that.
func (d *Door) recounts(batches []batch.Batch, s signin.Session) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Envelopes that were counted again", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Batch"}, {Text: "What was said"}, {Text: "Who"}, {Text: "When"}},
	}
	type recounted struct {
		batch.Batch
		e batch.Event
	}
	var all []recounted
	since := nhs.Days(d.Now(), -throughputDays)
	for _, b := range batches {
		for _, e := range b.History {
			if e.Kind == "recounted" && !e.At.Before(since) {
				all = append(all, recounted{b, e})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b recounted) int { return b.e.At.Compare(a.e.At) })
	for _, x := range all {
		t.Rows = append(t.Rows, []nhsui.Cell{
			{HTML: linkTo(batchAt(x.ID, ""), batch.Show(x.ID))}, {Text: told["recounted"](x.e.Detail)}, {HTML: person(x.e.By, s)}, {Text: staff.Since(x.e.At, d.Now())},
		})
	}
	return t
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
