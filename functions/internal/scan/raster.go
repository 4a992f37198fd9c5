package scan

import (
	"bytes"
	"image"
	"image/jpeg"
	"slices"
)

// raster is a page as it is shown: luminance, and colour if there is any (JFIF: Y, Cb, Cr from 0 to 255).
type raster struct {
	width, height int
	y, cb, cr     []byte
}

// shades is an image as it is read: row by row, as luminance and colour. Width is that of the buffers.
type shades interface {
	Bounds() image.Rectangle
	// row gives the row at a place from 0, and says whether it may have a colour.
	row(at int, y, cb, cr []byte) (coloured bool)
}

// fits is a size at most longest pixels long.
func fits(size image.Point) image.Point {
	if long := max(size.X, size.Y); long > longest {
		return image.Pt(max(1, (size.X*longest+long/2)/long), max(1, (size.Y*longest+long/2)/long))
	}
	return size
}

// shrink is an image in a size that is not larger. Each pixel is the mean of what it covers. (The scalers of x/image/draw
// that do so take 32 bytes for each pixel of a row's height.)
func shrink(from shades, to image.Point) *raster {
	b := from.Bounds()
	sw, sh := b.Dx(), b.Dy()
	w, h := to.X, to.Y
	r := &raster{width: w, height: h, y: make([]byte, w*h)}
	if w == sw && h == sh {
		r.copy(from)
	} else {
		if _, none := from.(grey); !none {
			r.cb, r.cr = make([]byte, w*h), make([]byte, w*h)
		}
		r.mean(from, sw, sh)
	}
	if !r.colourful() {
		r.cb, r.cr = nil, nil
	}
	return r
}

// copy takes over an image of the same size. There are no planes for colours before there is one: a page in grey, or most of a
// typed page, needs none.
func (r *raster) copy(from shades) {
	w := r.width
	cb, cr := make([]byte, w), make([]byte, w)
	for y := range r.height {
		at := y * w
		coloured := from.row(y, r.y[at:at+w], cb, cr)
		if coloured && r.cb == nil {
			r.cb, r.cr = make([]byte, len(r.y)), make([]byte, len(r.y))
			none(r.cb[:at])
			none(r.cr[:at])
		}
		if r.cb != nil {
			copy(r.cb[at:], cb)
			copy(r.cr[at:], cr)
		}
	}
}

// one is a whole pixel of a source, as a weight.
const one = 1 << 8

// cover is which part of a source's side a pixel of the target covers: from where the one before it ends, up to the source's
// pixel before end, of which the next one has a share.
type cover struct {
	end    int
	inNext int     // of one, that last pixel's share
	part   float64 // of all that it covers, what is one
}

func covers(source, target int) []cover {
	all := make([]cover, target)
	begin, before := 0, 0
	for at := range all {
		edge := (at + 1) * source // in units of 1/target of a source's pixel
		end := (edge + target - 1) / target
		inNext := (end*target - edge) * one / target
		all[at] = cover{end, inNext, 1 / float64((end-begin)*one-inNext+before)}
		begin, before = end, inNext
	}
	return all
}

// mean makes every pixel the mean of the part of the source that it covers.
func (r *raster) mean(from shades, sw, sh int) {
	across, down := covers(sw, r.width), covers(sh, r.height)
	var source [3][]byte
	var sums [3][]int
	for p := range source {
		source[p], sums[p] = make([]byte, sw), make([]int, r.width)
	}
	row := make([]int, r.width)
	y := 0
	for at, d := range down {
		for ; y < d.end; y++ {
			from.row(y, source[0], source[1], source[2])
			for p, plane := range [3][]byte{r.y, r.cb, r.cr} {
				if plane == nil {
					continue
				}
				gather(row, source[p], across)
				sum := sums[p][:len(row)]
				if y+1 < d.end {
					for x, v := range row {
						sum[x] += v * one
					}
					continue
				}
				to := plane[at*r.width:][:len(row)]
				for x, v := range row {
					next := v * d.inNext
					to[x] = byte(float64(sum[x]+v*one-next)*across[x].part*d.part + 0.5)
					sum[x] = next
				}
			}
		}
	}
}

// gather sums up a row of the source for each pixel of the target.
func gather(row []int, source []byte, across []cover) {
	x, before := 0, 0
	for at, c := range across {
		sum, last := 0, 0
		for _, v := range source[x:c.end] {
			last = int(v)
			sum += last
		}
		x = c.end
		next := last * c.inNext
		row[at] = sum*one - next + before
		before = next
	}
}

// colourful says that there is something on the page whose colour matters: a stamp, a red tick. Yellowed paper and a
// scanner's fringes do not.
func (r *raster) colourful() bool {
	const strong, few = 24, 40_000
	n, most := 0, len(r.y)/few
	for i, cb := range r.cb {
		if cb-(128-strong) > 2*strong || r.cr[i]-(128-strong) > 2*strong {
			if n++; n > most {
				return true
			}
		}
	}
	return false
}

// white says that there is not even noise on the page.
func (r *raster) white() bool {
	return !slices.ContainsFunc(r.y, func(v byte) bool { return v != 255 })
}

// turn makes the page upright: orientation is that of EXIF and TIFF, 1 to 8, where the image's first row and column are
// on the page (TIFF 6.0, tag 274).
func (r *raster) turn(orientation int) {
	if orientation < 2 || orientation > 8 {
		return
	}
	w, h := r.width, r.height
	tw, th := w, h
	if orientation > 4 {
		tw, th = h, w
	}
	// A pixel of the target at (x, y) comes from start + x·right + y·down.
	var start, right, down int
	switch orientation {
	case 2:
		start, right, down = w-1, -1, w
	case 3:
		start, right, down = w*h-1, -1, -w
	case 4:
		start, right, down = w*(h-1), 1, -w
	case 5:
		start, right, down = 0, w, 1
	case 6:
		start, right, down = w*(h-1), -w, 1
	case 7:
		start, right, down = w*h-1, -w, -1
	case 8:
		start, right, down = w-1, w, -1
	}
	for _, plane := range []*[]byte{&r.y, &r.cb, &r.cr} {
		if *plane == nil {
			continue
		}
		turned := make([]byte, len(*plane))
		for y := range th {
			at := start + y*down
			for x := range tw {
				turned[y*tw+x] = (*plane)[at+x*right]
			}
		}
		*plane = turned
	}
	r.width, r.height = tw, th
}

// quality keeps handwriting and pencil legible; a page takes 100 to 400 KB.
const quality = 70

func (r *raster) encode() ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(r.y) / 8)
	rect := image.Rect(0, 0, r.width, r.height)
	if r.cb == nil {
		err := jpeg.Encode(&out, &image.Gray{Pix: r.y, Stride: r.width, Rect: rect}, &jpeg.Options{Quality: quality})
		return out.Bytes(), err
	}
	err := jpeg.Encode(&out, &image.YCbCr{
		Y: r.y, Cb: r.cb, Cr: r.cr, YStride: r.width, CStride: r.width, SubsampleRatio: image.YCbCrSubsampleRatio444, Rect: rect,
	}, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}
