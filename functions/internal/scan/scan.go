// Package scan turns what people scanned into images of its pages, whatever the file is made to do.
//
// The file is foreign: nobody knows who wrote its bytes. PDFs are drawn by pdfium, which runs as WebAssembly in a sandbox
// that has no files, no network and a limit to its memory, and that is thrown away after each file; images are decoded
// in Go. Before anything is decoded, what the file says of its own size passes the gates tabled at limits.
//
// What a file is, its bytes say, never its name. Sniffing only chooses who parses it; the parser decides.
package scan

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
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

// Engine draws pages. It is made once for a process and reads one file at a time; whoever comes meanwhile waits.
type Engine struct {
	// Cached says that the sandbox's code was ready in the cache. If not, it was compiled, which takes some seconds and
	// changes nothing else: the cache was made for another processor, or another version.
	Cached bool

	one     sync.Mutex
	pool    pdfium.Pool
	leash   *leash
	release func() error
	gates   limits
}

// Read calls page for each page of a file, in order. A *Refusal as its error is the file's own fault; any other error is
// ours, the callback's, or the context's.
//
// A page that cannot be drawn comes with its Fault and the others come all the same. If no page can be drawn the file is
// refused for what is wrong with the first, and page is never called. Only a file that takes too long may be refused
// after pages of it came.
func (e *Engine) Read(ctx context.Context, file []byte, page func(Page) error) (s Summary, err error) {
	e.one.Lock()
	defer e.one.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, e.gates.time, refuse("takes-too-long"))
	defer cancel()

	out := &pages{ctx: ctx, call: page}
	if s.Kind, err = sniff(file); err == nil {
		switch s.Kind {
		case PDF:
			err = e.readPDF(ctx, file, out)
		case TIFF:
			err = e.readTIFF(ctx, file, out)
		case JPEG, PNG:
			err = e.readImage(ctx, s.Kind, file, out)
		}
		err = out.end(err)
	}
	s.Pages = out.called
	if _, refused := errors.AsType[*Refusal](err); err != nil && !refused {
		err = fmt.Errorf("read scan: %w", err)
	}
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
