package scan

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
)

// readImage reads a file that is one page.
func (d *drawer) readImage(ctx context.Context, kind Kind, file []byte, out *pages) error {
	orientation, need := 1, 0
	var config image.Config
	var err error
	switch kind {
	case JPEG:
		h := scanJPEG(file)
		orientation, need = h.orientation, h.needs()
		config, err = jpeg.DecodeConfig(bytes.NewReader(file))
	case PNG:
		config, err = png.DecodeConfig(bytes.NewReader(file))
		need = 2 * config.Width * config.Height * pixel(config.ColorModel) // interlaced ones are decoded twice
	}
	if err != nil {
		return broken(kind, file)
	}
	if fault := d.gate(config.Width, config.Height, need); fault != nil {
		return fault
	}
	decode := map[Kind]func(io.Reader) (image.Image, error){JPEG: jpeg.Decode, PNG: png.Decode}[kind]
	r, err := decoded(need, orientation, image.Point{}, func() (image.Image, error) {
		return decode(&watched{ctx: ctx, Reader: bytes.NewReader(file)})
	})
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	if err != nil {
		return broken(kind, file)
	}
	return out.add(r, nil)
}

// gate is why an image is not decoded.
func (d *drawer) gate(width, height, need int) *Refusal {
	switch {
	case width < 1 || height < 1:
		return refuse("page-no-area")
	case width > d.gates.pixels/height: // their product may be too large for an int
		return refuse("too-many-pixels")
	case need > d.gates.decoded:
		return refuse("too-much-memory")
	}
	return nil
}

// much is so much memory that what earlier images took is given back before it is asked for.
const much = 32 << 20

// decoded is a page out of a decoder, upright and in a size; the zero size is that of the image, as far as it fits. A decoder that
// panics has only met a damaged page.
func decoded(need, orientation int, size image.Point, decode func() (image.Image, error)) (r *raster, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("decode: %v", p)
		}
	}()
	if need > much {
		runtime.GC()
	}
	m, err := decode()
	if err != nil {
		return nil, err
	}
	if size == (image.Point{}) {
		size = fits(m.Bounds().Size())
	}
	r = shrink(read(m), size)
	r.turn(orientation)
	return r, nil
}

// broken is the refusal of a file that a decoder gave up: its end is missing, or something in it is wrong.
func broken(kind Kind, file []byte) *Refusal {
	end := map[Kind]string{JPEG: "\xff\xd9", PNG: "IEND"}[kind]
	if !bytes.Contains(file, []byte(end)) {
		return refuse("cut-short")
	}
	return refuse("damaged")
}

// pixel is how many bytes a pixel takes.
func pixel(m color.Model) int {
	switch m {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.RGBAModel, color.NRGBAModel, color.CMYKModel:
		return 4
	}
	return 1 // a palette
}

// watched is a file that ends when its time does: decoders know no context, but all of them read. They get little at a
// time, since a few bytes may keep one busy for long.
type watched struct {
	ctx context.Context
	*bytes.Reader
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Reader.Read(p[:min(len(p), 512)])
}

func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Reader.ReadAt(p, at)
}
