package scan

import (
	"encoding/binary"
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

func (m grey) row(at int, y, cb, cr []byte) bool {
	copy(y, m.Pix[at*m.Stride:])
	none(cb)
	none(cr)
	return false
}

// none is where there is no colour.
func none(plane []byte) {
	for i := range plane {
		plane[i] = 128
	}
}

// colours is what a JPEG is.
type colours struct{ *image.YCbCr }

func (m colours) row(at int, y, cb, cr []byte) bool {
	b := m.Rect
	from := m.YOffset(b.Min.X, b.Min.Y+at)
	copy(y, m.Y[from:])
	if b.Min.X != 0 {
		for x := range cb {
			c := m.COffset(b.Min.X+x, b.Min.Y+at)
			cb[x], cr[x] = m.Cb[c], m.Cr[c]
		}
		return true
	}
	first := m.COffset(0, b.Min.Y+at)
	blue, red := m.Cb[first:], m.Cr[first:]
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio440:
		copy(cb, blue)
		copy(cr, red)
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		for x := range cb {
			cb[x], cr[x] = blue[x/2], red[x/2]
		}
	default:
		for x := range cb {
			cb[x], cr[x] = blue[x/4], red[x/4]
		}
	}
	return true
}

// bgrx is what pdfium draws: blue, green, red, and a byte that says nothing.
type bgrx struct {
	pix           []byte
	stride        int
	width, height int
}

func (m bgrx) Bounds() image.Rectangle { return image.Rect(0, 0, m.width, m.height) }

func (m bgrx) row(at int, y, cb, cr []byte) (coloured bool) {
	p := m.pix[at*m.stride:][:4*len(y)]
	cb, cr = cb[:len(y)], cr[:len(y)]
	for x := range y {
		q := binary.LittleEndian.Uint32(p[4*x:]) & 0xffffff
		if grey := q & 0xff; q == grey*0x010101 {
			y[x], cb[x], cr[x] = byte(grey), 128, 128
			continue
		}
		coloured = true
		y[x], cb[x], cr[x] = color.RGBToYCbCr(byte(q>>16), byte(q>>8), byte(q))
	}
	return coloured
}

// opaque is what most images with colours are that are not JPEGs. Alpha is not looked at.
type opaque struct{ *image.RGBA }

func (m opaque) row(at int, y, cb, cr []byte) (coloured bool) {
	p := m.Pix[at*m.Stride:]
	for x := range y {
		q := p[4*x : 4*x+3 : 4*x+3]
		if q[0] == q[1] && q[1] == q[2] {
			y[x], cb[x], cr[x] = q[0], 128, 128
			continue
		}
		coloured = true
		y[x], cb[x], cr[x] = color.RGBToYCbCr(q[0], q[1], q[2])
	}
	return coloured
}

// other is every other image: slower, for files that are rare.
type other struct{ image.Image }

func (m other) row(at int, y, cb, cr []byte) bool {
	b := m.Bounds()
	for x := range y {
		r, g, bl, a := m.At(b.Min.X+x, b.Min.Y+at).RGBA()
		white := 0xffff - a // colours are premultiplied
		y[x], cb[x], cr[x] = color.RGBToYCbCr(byte((r+white)>>8), byte((g+white)>>8), byte((bl+white)>>8))
	}
	return true
}
