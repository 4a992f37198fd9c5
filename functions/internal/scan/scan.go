// Package scan turns what people scanned into images of its pages, whatever the file is made to do.
//
// The file is foreign: nobody knows who wrote its bytes. It is read in a process of its own, which has nothing of ours in
// its environment, reads one file, and is killed when its time is over. In there, PDFs are drawn by pdfium, which runs as
// WebAssembly that has no files, no network and a limit to its memory; images are decoded in Go. Before anything is
// decoded, what the file says of its own size passes the gates tabled at limits.
//
// That process is the program itself, started once more (see init): whoever imports this package has it.
//
// What a file is, its bytes say, never its name. Sniffing only chooses who parses it; the parser decides.
package scan

import (
	"context"
	"time"
)

// What passes the gates. What a person could do about a file beyond them stands in the sentence of its refusal.
const (
	MostBytes = 20 << 20 // of a file
	MostPages = 100      // of a file
)

// limits are the gates.
type limits struct {
	inches  float64       // a side of a page of a PDF; an image says nothing reliable of inches
	pixels  int           // of a page that is an image, or of an image on a page
	decoded int           // bytes that a page may take while it is decoded; of a PDF: all of the sandbox's memory
	time    time.Duration // for the whole file, its pages' callbacks included; what is stopped then is over by 30 s
}

var gates = limits{inches: 25, pixels: 40_000_000, decoded: 256 << 20, time: 28 * time.Second}

// How pages are drawn.
const (
	dpi     = 200  // of a PDF's page
	longest = 2400 // pixels of a page image's longer side: A4 at 200 dpi is 2,339 long; larger ones are scaled down
)

// Kind is what a file turned out to be.
type Kind string

// The kinds that are read.
const (
	PDF  Kind = "pdf"
	JPEG Kind = "jpeg"
	PNG  Kind = "png"
	TIFF Kind = "tiff"
)

// Page is one page of a file, upright as far as the file says which side is up.
type Page struct {
	Number        int    // from 1
	JPEG          []byte // grey, or in colour if there is any; nil if there is a Fault
	Width, Height int    // of the image, in pixels

	// Blank says that nothing seems to be on the page but noise, edges and punch holes. It is a hint for a person: the
	// back of a form is mostly blank, and a faint pencil mark must never be.
	Blank bool

	Fault *Refusal // why this page alone could not be drawn
}

// Summary is what was found in a file.
type Summary struct {
	Kind  Kind // "" if it is none that is read
	Pages int  // that the page callback got, those with a Fault included
}

// read is Engine.Read in the sandbox's own process.
func (d *drawer) read(ctx context.Context, file []byte, page func(Page) error) (s Summary, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.gates.time, refuse("takes-too-long"))
	defer cancel()
	out := &pages{ctx: ctx, call: page}
	if s.Kind, err = sniff(file); err == nil {
		switch s.Kind {
		case PDF:
			err = d.readPDF(file, out)
		case TIFF:
			err = d.readTIFF(ctx, file, out)
		case JPEG, PNG:
			err = d.readImage(ctx, s.Kind, file, out)
		}
		err = out.end(err)
	}
	s.Pages = out.called
	return s, err
}

// pages are what was drawn so far. Those with faults are held back until one has none.
type pages struct {
	ctx    context.Context
	call   func(Page) error
	number int    // of the last page
	held   []Page // faults before the first page that was drawn
	drawn  bool
	called int
}

// add says what became of the next page: either it is drawn, or it has a fault.
func (p *pages) add(r *raster, fault *Refusal) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.number++
	next := Page{Number: p.number, Fault: fault}
	if fault == nil {
		p.drawn = true
		var err error
		if next.JPEG, err = r.encode(); err != nil {
			return err
		}
		next.Width, next.Height, next.Blank = r.width, r.height, r.blank()
	}
	p.held = append(p.held, next)
	if !p.drawn {
		return nil
	}
	for _, h := range p.held {
		p.called++
		if err := p.call(h); err != nil {
			return err
		}
	}
	p.held = nil
	return nil
}

// end is why a file is at its end: an error of the time's makes it a refusal, and so does that there are only faults.
func (p *pages) end(err error) error {
	if cause := context.Cause(p.ctx); cause != nil {
		return cause
	}
	if err == nil && !p.drawn && len(p.held) > 0 {
		return p.held[0].Fault
	}
	return err
}
