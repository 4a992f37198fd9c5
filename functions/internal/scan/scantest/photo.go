package scantest

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
)

// PNG is an image as a PNG.
func PNG(m image.Image) []byte {
	var out bytes.Buffer
	must((&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, m))
	return out.Bytes()
}

// JPEG is an image as a JPEG; orientation, from 1 to 8, is written into its EXIF unless it is 0. The image itself is
// written as it is.
func JPEG(m image.Image, orientation int) []byte {
	var out bytes.Buffer
	must(jpeg.Encode(&out, m, &jpeg.Options{Quality: 85}))
	if orientation == 0 {
		return out.Bytes()
	}
	return exif(out.Bytes(), orientation)
}

// exif puts an orientation into a JPEG, as phones do.
func exif(file []byte, orientation int) []byte {
	t := tiffFile{order: binary.BigEndian, tags: []map[uint16]int{{274: orientation}}}
	body := append([]byte("Exif\x00\x00"), t.bytes()...)
	marker := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return append(append(append([]byte{}, file[:2]...), append(marker, body...)...), file[2:]...)
}

// Photograph is a page on a table as a phone photographs it: not quite from above, a little turned, with a shadow, and
// lying on its side in the file, whose EXIF says so (orientation 6).
func Photograph(page image.Image) []byte {
	source, fast := page.(*image.RGBA)
	if !fast {
		source = image.NewRGBA(page.Bounds())
		draw.Draw(source, source.Rect, page, page.Bounds().Min, draw.Src)
	}
	return JPEG(photographed(source), 6)
}

// photographed shares nothing, and watched for races it would take ten times as long.
//
//go:norace
func photographed(page *image.RGBA) *image.RGBA {
	const w, h = 1800, 2400 // upright
	b := page.Bounds()
	corners := [4][2]float64{{190, 150}, {1590, 110}, {1690, 2290}, {80, 2240}} // of the page, from its top left, clockwise
	inverse := perspective(corners, float64(b.Dx()), float64(b.Dy()))
	lying := image.NewRGBA(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			c := [3]uint8{96, uint8(66 + (x/3+y/40)%9), 44} // a table
			if u, v := inverse(float64(x), float64(y)); u >= 0 && v >= 0 && u < float64(b.Dx()) && v < float64(b.Dy()) {
				copy(c[:], page.Pix[int(v)*page.Stride+4*int(u):])
			}
			// Light comes from the top left; a hand's shadow lies over the bottom right.
			light := 1.0 - 0.18*float64(x+y)/(w+h)
			light -= 0.22 / (1 + math.Exp((float64(h-y)+0.6*float64(w-x)-900)/90))
			o := lying.Pix[(w-1-x)*lying.Stride+4*y:] // turned by a quarter
			o[0], o[1], o[2], o[3] = uint8(float64(c[0])*light), uint8(float64(c[1])*light*0.99), uint8(float64(c[2])*light*0.95), 255
		}
	}
	return lying
}

// perspective maps points of a picture to those of a page whose corners are in it.
func perspective(c [4][2]float64, w, h float64) func(x, y float64) (u, v float64) {
	// From the unit square to the four corners (Heckbert 1989).
	dx1, dx2, sx := c[1][0]-c[2][0], c[3][0]-c[2][0], c[0][0]-c[1][0]+c[2][0]-c[3][0]
	dy1, dy2, sy := c[1][1]-c[2][1], c[3][1]-c[2][1], c[0][1]-c[1][1]+c[2][1]-c[3][1]
	den := dx1*dy2 - dx2*dy1
	g, hh := (sx*dy2-dx2*sy)/den, (dx1*sy-sx*dy1)/den
	m := [9]float64{
		c[1][0] - c[0][0] + g*c[1][0], c[3][0] - c[0][0] + hh*c[3][0], c[0][0],
		c[1][1] - c[0][1] + g*c[1][1], c[3][1] - c[0][1] + hh*c[3][1], c[0][1],
		g, hh, 1,
	}
	// Its inverse, up to a factor.
	n := [9]float64{
		m[4]*m[8] - m[5]*m[7], m[2]*m[7] - m[1]*m[8], m[1]*m[5] - m[2]*m[4],
		m[5]*m[6] - m[3]*m[8], m[0]*m[8] - m[2]*m[6], m[2]*m[3] - m[0]*m[5],
		m[3]*m[7] - m[4]*m[6], m[1]*m[6] - m[0]*m[7], m[0]*m[4] - m[1]*m[3],
	}
	return func(x, y float64) (u, v float64) {
		q := n[6]*x + n[7]*y + n[8]
		return (n[0]*x + n[1]*y + n[2]) / q * w, (n[3]*x + n[4]*y + n[5]) / q * h
	}
}
