package scan

import (
	"image"
	"image/color"
)

// read is a decoded image as shades. What is transparent is on white paper.
func read(m image.Image) shades {
	switch m := m.(type) {
	case *image.Gray:
		return grey{m}
	case *image.YCbCr:
		return colours{m}
	case *image.RGBA:
		if m.Opaque() {
			return opaque{m}
		}
	}
	return other{m}
}

// grey is an image that has no colours.
type grey struct{ *image.Gray }

func (m grey) row(at int, y, cb, cr []byte) {
	copy(y, m.Pix[at*m.Stride:])
	none(cb)
	none(cr)
}

func none(plane []byte) {
	for i := range plane {
		plane[i] = 128
	}
}

// colours is what a JPEG is.
type colours struct{ *image.YCbCr }

func (m colours) row(at int, y, cb, cr []byte) {
	b := m.Rect
	from := m.YOffset(b.Min.X, b.Min.Y+at)
	copy(y, m.Y[from:])
	for x := range cb {
		c := m.COffset(b.Min.X+x, b.Min.Y+at)
		cb[x], cr[x] = m.Cb[c], m.Cr[c]
	}
}

// opaque is what pdfium draws, and most images with colours that are not JPEGs. Alpha is not looked at.
type opaque struct{ *image.RGBA }

func (m opaque) row(at int, y, cb, cr []byte) {
	p := m.Pix[at*m.Stride:]
	for x := range y {
		q := p[4*x : 4*x+3 : 4*x+3]
		if q[0] == q[1] && q[1] == q[2] {
			y[x], cb[x], cr[x] = q[0], 128, 128
			continue
		}
		y[x], cb[x], cr[x] = color.RGBToYCbCr(q[0], q[1], q[2])
	}
}

// other is every other image: slower, for files that are rare.
type other struct{ image.Image }

func (m other) row(at int, y, cb, cr []byte) {
	b := m.Bounds()
	for x := range y {
		r, g, bl, a := m.At(b.Min.X+x, b.Min.Y+at).RGBA()
		white := 0xffff - a // colours are premultiplied
		y[x], cb[x], cr[x] = color.RGBToYCbCr(byte((r+white)>>8), byte((g+white)>>8), byte((bl+white)>>8))
	}
}
