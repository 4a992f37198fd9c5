package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// reconcile prints what became of every file, and the batch's books as the server keeps them. They agree if every file
// that was seen is sent or refused, and the server has each that was sent once.
func (p *pusher) reconcile(ctx context.Context, out io.Writer) (agree bool) {
	b, err := p.server.book(ctx, p.batch)
	once := map[string]int{} // by the place of a file, how often it came
	for _, piece := range b.List {
		if piece.Code == "second-file" || strings.HasSuffix(piece.Piece, "-001") && piece.State != "awaited" && piece.State != "lapsed" {
			once[piece.File]++
		}
	}
	var sent, refusedOnes, waiting int
	var lines []string
	note := func(format string, args ...any) { lines = append(lines, "  "+fmt.Sprintf(format, args...)) }
	inJournal := map[string]bool{}
	for _, f := range p.files {
		away := f.state == movedAway
		switch {
		case f.batch != "" && f.batch != p.batch, f.state == goneAway:
			continue
		case f.code != "":
			refusedOnes++
			note("refused  %s: %s. %s", f.Name, f.code, f.detail)
		case f.state == received || away:
			sent++
			if n := once[f.id]; err == nil && n != 1 {
				note("sent     %s: the server has it %d times", f.Name, n)
				err = errBooks
			}
		default:
			waiting++
			inJournal[f.Name] = true
			note("waiting  %s", strings.TrimSpace(f.Name+" "+f.why))
		}
	}
	if complete, growing, _, failed := p.watch.look(time.Now()); failed == nil {
		for _, f := range append(complete, growing...) {
			if !inJournal[f.name] {
				waiting++
				note("waiting  %s", f.name)
			}
		}
	}
	fmt.Fprintf(out, "files      %d seen = %d sent + %d refused + %d waiting\n", sent+refusedOnes+waiting, sent, refusedOnes, waiting)
	for _, l := range lines {
		fmt.Fprintln(out, l)
	}
	if b.Batch == "" {
		fmt.Fprintf(out, "batch      %s: its books could not be asked (%v)\n", p.batch, err)
		return false
	}
	e, q := b.Envelopes, b.Pieces
	fmt.Fprintf(out, "batch      %s, %s\n", b.Batch, b.State)
	fmt.Fprintf(out, "envelopes  %d opened, %d declared%s\n", e.Opened, e.Declared, unless(e.Equal, ": they are not equal yet"))
	fmt.Fprintf(out, "pieces     %d = %d registered + %d held + %d sent back + %d other post + %d rescans + %d quarantined + %d waiting%s\n",
		q.Counted, q.Registered, q.Held, q.SentBack, q.OtherPost, q.Rescans, q.Quarantined, q.Waiting, unless(q.Equal, ": they do not add up"))
	agree = err == nil && waiting == 0 && q.Equal
	if agree {
		fmt.Fprintln(out, "They agree.")
	} else {
		fmt.Fprintln(out, "They do not agree.")
	}
	return agree
}

const errBooks = sentence("the books differ")

func unless(fine bool, words string) string {
	if fine {
		return ""
	}
	return words
}
