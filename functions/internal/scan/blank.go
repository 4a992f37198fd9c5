package scan

import (
	"math"
	"slices"
)

// What tells a mark from nothing. A page is looked at in cells of about a third of a millimetre, taking its longer side
// for that of A4; a cell is marked if it differs from the paper around it by more than the page's noise does.
const (
	across   = 780 // cells along the longer side: 3 pixels of A4 at 200 dpi
	around   = 16  // cells of paper that a cell is compared with, across and down
	faintest = 4.5 // shades from 0 to 255: a faint pencil differs by 8 and more in cells of this size
	noises   = 4.5 // standard deviations of the noise that make a mark

	line   = 7  // connected marked cells that are a mark whatever else is on the page: 3 mm of pencil
	specks = 3  // cells of a speck; smaller ones are dust
	dust   = 25 // specks that are dust still: more are something, written or printed in dots

	edge     = 0.035 // of the shorter side: as far in as a scanner's own edges come, if they touch the border
	holeFrom = 4.0   // mm: punch holes are 5.5 to 6.5 mm (ISO 838), in paper that is not A4 they look larger
	holeTo   = 9.5
	holeIn   = 25.0 // mm from the border to the far side of a hole
	holeDark = 40.0 // shades: a hole shows what is behind the paper; what is pencilled in is fainter
)

// blank says that nothing is on the page but noise, edges and punch holes.
func (r *raster) blank() bool {
	side := max(1, (max(r.width, r.height)+across-1)/across)
	w, h := r.width/side, r.height/side
	if w < 2*around || h < 2*around {
		return false // too small to tell
	}
	cells := make([]float64, w*h)
	for y := range h {
		for x := range w {
			sum := 0
			for in := range side {
				from := (y*side+in)*r.width + x*side
				for _, v := range r.y[from : from+side] {
					sum += int(v)
				}
			}
			cells[y*w+x] = float64(sum) / float64(side*side)
		}
	}
	paper := ground(cells, w, h)
	if slices.Max(paper) < 96 {
		return false // no paper at all; whatever this is, someone should see it
	}
	marked := make([]bool, w*h)
	limit := max(faintest, noises*noise(cells, paper))
	for i, p := range paper {
		marked[i] = math.Abs(cells[i]-p) > limit
	}
	found := 0
	for _, m := range marks(marked, w, h) {
		switch {
		case m.cells < specks, m.onEdge(w, h), m.hole(cells, paper, w, h):
		case m.cells >= line:
			return false
		default:
			found++
		}
	}
	return found <= dust
}

// ground is the shade of the paper at each cell: the median of those around it.
func ground(cells []float64, w, h int) []float64 {
	paper := make([]float64, w*h)
	bw, bh := (w+around-1)/around, (h+around-1)/around
	for by := range bh {
		for bx := range bw {
			var shades [256]int
			// A block at the end is as large as the others, so that it is not all edge.
			x0, y0 := min(bx*around, w-around), min(by*around, h-around)
			for y := y0; y < y0+around; y++ {
				for _, c := range cells[y*w+x0 : y*w+x0+around] {
					shades[int(c+0.5)]++
				}
			}
			half, at := shades[0], 0
			for half <= around*around/2 {
				at++
				half += shades[at]
			}
			median := float64(at)
			for y := by * around; y < min(h, (by+1)*around); y++ {
				for x := bx * around; x < min(w, (bx+1)*around); x++ {
					paper[y*w+x] = median
				}
			}
		}
	}
	return paper
}

// noise is the standard deviation of the cells, as the middle half of them has it: marks are not noise.
func noise(cells, paper []float64) float64 {
	const every = 13 // of them tells as much
	off := make([]float64, 0, len(cells)/every+1)
	for i := 0; i < len(cells); i += every {
		off = append(off, math.Abs(cells[i]-paper[i]))
	}
	slices.Sort(off)
	return off[len(off)/2] * 1.4826
}

// mark is cells that hang together.
type mark struct {
	cells                    int
	left, right, top, bottom int
	at                       []int
}

// marks are what marked cells hang together in, corners included.
func marks(marked []bool, w, h int) (all []mark) {
	for start := range marked {
		if !marked[start] {
			continue
		}
		m := mark{left: w, top: h}
		marked[start] = false
		for todo := []int{start}; len(todo) > 0; {
			i := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			x, y := i%w, i/w
			m.cells++
			m.at = append(m.at, i)
			m.left, m.right, m.top, m.bottom = min(m.left, x), max(m.right, x), min(m.top, y), max(m.bottom, y)
			for ny := max(0, y-1); ny <= min(h-1, y+1); ny++ {
				for nx := max(0, x-1); nx <= min(w-1, x+1); nx++ {
					if n := ny*w + nx; marked[n] {
						marked[n] = false
						todo = append(todo, n)
					}
				}
			}
		}
		all = append(all, m)
	}
	return all
}

// onEdge says that a mark is the scanner's: it comes in from a border, and not far.
func (m mark) onEdge(w, h int) bool {
	far := int(edge * float64(min(w, h)))
	wide, high := m.right-m.left+1, m.bottom-m.top+1
	upright := high > 2*wide && (m.left <= 1 && m.right < far || m.right >= w-2 && m.left >= w-far)
	flat := wide > 2*high && (m.top <= 1 && m.bottom < far || m.bottom >= h-2 && m.top >= h-far)
	corner := wide <= far && high <= far && (m.left <= 1 || m.right >= w-2) && (m.top <= 1 || m.bottom >= h-2)
	return upright || flat || corner
}

// hole says that a mark is a punch hole: dark, round, full, of the right size, near a border.
func (m mark) hole(cells, paper []float64, w, h int) bool {
	mm := 297 / float64(max(w, h))
	wide, high := float64(m.right-m.left+1)*mm, float64(m.bottom-m.top+1)*mm
	if min(wide, high) < holeFrom || max(wide, high) > holeTo || max(wide, high) > 1.3*min(wide, high) {
		return false
	}
	full := float64(m.cells) * mm * mm / (wide * high)
	if full < 0.68 || full > 0.92 { // a disc has 0.785 of its square
		return false
	}
	in := int(holeIn / mm)
	if m.right >= in && m.left < w-in && m.bottom >= in && m.top < h-in {
		return false
	}
	dark := 0
	for _, i := range m.at {
		if math.Abs(cells[i]-paper[i]) > holeDark {
			dark++
		}
	}
	return dark*4 > m.cells*3
}
