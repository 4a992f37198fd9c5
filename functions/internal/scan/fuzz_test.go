package scan

import (
	"errors"
	"image"
	"sync"
	"testing"

	"example.org/optout/functions/internal/scan/scantest"
)

// mistakes are made once for both.
var mistakes = sync.OnceValue(func() (all [][]byte) {
	for _, c := range scantest.Mistakes() {
		all = append(all, c.Make())
	}
	return all
})

// Whatever the bytes are, an image is drawn or refused with a sentence, within what the gates let pass. PDFs are
// pdfium's to read.
func FuzzRead(f *testing.F) {
	for _, file := range mistakes() {
		if len(file) < 1<<20 {
			f.Add(file)
		}
	}
	d := &drawer{gates: gates}
	d.gates.pixels, d.gates.decoded = 1<<20, 16<<20
	f.Fuzz(func(t *testing.T, file []byte) {
		if kind, _ := sniff(file); kind == PDF {
			return
		}
		s, err := d.read(t.Context(), file, func(p Page) error {
			if (p.Fault == nil) != (len(p.JPEG) > 0) || p.Fault == nil && (p.Width < 1 || p.Height < 1 || p.Width*p.Height > 1<<20) {
				t.Errorf("page %d: %d × %d, %d bytes, %v", p.Number, p.Width, p.Height, len(p.JPEG), p.Fault)
			}
			return nil
		})
		if err != nil {
			if r, refused := errors.AsType[*Refusal](err); !refused || r.Detail() == "" || s.Pages != 0 {
				t.Errorf("%+v, %v", s, err)
			}
		}
	})
}

// What a header says is within its bounds, and no number of it overflows into one that passes the gates.
func FuzzHeaders(f *testing.F) {
	for _, file := range mistakes() {
		if len(file) < 1<<16 {
			f.Add(file)
		}
	}
	for o := range 9 {
		f.Add(scantest.JPEG(image.NewGray(image.Rect(0, 0, 54, 739)), o))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if h := scanJPEG(file); h.orientation < 1 || h.orientation > 8 || h.needs() < 0 {
			t.Errorf("orientation %d, needs %d", h.orientation, h.needs())
		}
		all, err := directories(file)
		if err != nil {
			if _, refused := errors.AsType[*Refusal](err); !refused {
				t.Error(err)
			}
			return
		}
		if len(all) > MostPages {
			t.Errorf("%d pages", len(all))
		}
		for _, d := range all {
			if w, h := d.value(tagWidth, 0), d.value(tagHeight, 0); w > 0 && h > 0 && w <= gates.pixels/h && d.needs() < w*h {
				t.Errorf("%d × %d pixels need %d bytes", w, h, d.needs())
			}
		}
	})
}
