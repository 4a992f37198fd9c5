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
	row(at int, y, cb, cr []byte) // at from 0
}

// shrink is an image at most longest pixels long. Each pixel is the mean of what it covers. (The scalers of x/image/draw
// that do so take 32 bytes for each pixel of a row's height.)
func shrink(from shades) *raster {
	b := from.Bounds()
	sw, sh := b.Dx(), b.Dy()
	w, h := sw, sh
	if long := max(sw, sh); long > longest {
		w, h = max(1, (sw*longest+long/2)/long), max(1, (sh*longest+long/2)/long)
	}
	r := &raster{width: w, height: h, y: make([]byte, w*h), cb: make([]byte, w*h), cr: make([]byte, w*h)}
	if w == sw && h == sh {
		for y := range h {
			from.row(y, r.y[y*w:(y+1)*w], r.cb[y*w:(y+1)*w], r.cr[y*w:(y+1)*w])
		}
	} else {
		r.mean(from, sw, sh)
	}
	if !r.colourful() {
		r.cb, r.cr = nil, nil
	}
	return r
}

// one is a whole pixel of a source, as a weight.
const one = 1 << 8

// share is which pixel of the target a pixel of the source is in, and how much of it is in the next one.
type share struct {
	at     int
	inNext uint64
}

func shares(source, target int) []share {
	all := make([]share, source)
	for i := range all {
		from, to := i*target, (i+1)*target // in units of 1/source of a target pixel
		all[i].at = from / source
		if edge := (all[i].at + 1) * source; to > edge && all[i].at+1 < target {
			all[i].inNext = uint64(to-edge) * one / uint64(target)
		}
	}
	return all
}

// mean makes every pixel the mean of the part of the source that it covers.
func (r *raster) mean(from shades, sw, sh int) {
	across, down := shares(sw, r.width), shares(sh, r.height)
	total := func(all []share, n int) []uint64 {
		sums := make([]uint64, n+1)
		for _, s := range all {
			sums[s.at] += one - s.inNext
			sums[s.at+1] += s.inNext
		}
		return sums
	}
	wide, high := total(across, r.width), total(down, r.height)

	planes := [3][]byte{r.y, r.cb, r.cr}
	var rows, sums, next [3][]uint64
	var source [3][]byte
	for p := range planes {
		source[p] = make([]byte, sw)
		rows[p], sums[p], next[p] = make([]uint64, r.width+1), make([]uint64, r.width+1), make([]uint64, r.width+1)
	}
	for y, d := range down {
		from.row(y, source[0], source[1], source[2])
		for p := range planes {
			row, sum, after := rows[p], sums[p], next[p]
			clear(row)
			for x, v := range source[p] {
				s := across[x]
				in := uint64(v) * s.inNext
				row[s.at] += uint64(v)*one - in
				row[s.at+1] += in
			}
			for x, v := range row {
				in := v * d.inNext
				sum[x] += v*one - in
				after[x] += in
			}
			if y+1 == sh || down[y+1].at != d.at {
				to := planes[p][d.at*r.width : (d.at+1)*r.width]
				for x := range to {
					weight := wide[x] * high[d.at]
					to[x] = byte(min(255, (sum[x]+weight/2)/weight))
				}
				clear(sum)
				sums[p], next[p] = after, sum
			}
		}
	}
}

// colourful says that there is something on the page whose colour matters: a stamp, a red tick. Yellowed paper and a
// scanner's fringes do not.
func (r *raster) colourful() bool {
	const strong, few = 24, 40_000
	n := 0
	for i, cb := range r.cb {
		if cr := r.cr[i]; cb > 128+strong || cb < 128-strong || cr > 128+strong || cr < 128-strong {
			n++
		}
	}
	return n > len(r.y)/few
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
