package scantest

import (
	"image"
	"slices"
	"strings"
)

// Codes of runs (ITU-T T.4, tables 2 and 3): 0 to 63 pixels, then 64, 128 … 2,560 of them.
var (
	whiteRuns = strings.Fields(`
	00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 101010 101011
	0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000 00000010 00000011
	00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001 00101010 00101011
	00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101
	01011000 01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100 11011 10010 010111 0110111
	00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010 011010011 011010100
	011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001 010011010 011000
	010011011 00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110
	000000010111 000000011100 000000011101 000000011110 000000011111`)
	blackRuns = strings.Fields(`
	0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 000011000
	0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000 00000010111
	00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 000001101010
	000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 000001101100
	000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 000001100100
	000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000
	000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111 0000001111
	000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 0000001101101
	0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100 0000001110101
	0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 0000001011010 0000001011011
	0000001100100 0000001100101 00000001000 00000001100 00000001101 000000010010 000000010011 000000010100
	000000010101 000000010110 000000010111 000000011100 000000011101 000000011110 000000011111`)
)

// fax packs a page in black and white as fax machines and scanners do (ITU-T T.6, "Group 4"). Darker than half is black.
func fax(m image.Image) []byte {
	page := Grey(m)
	width := page.Rect.Dx()
	var out bits
	above := []int{width, width}
	for row := range slices.Chunk(page.Pix, width) {
		changes := edges(row)
		out.row(changes, above, width)
		above = append(changes, width, width)
	}
	out.write("000000000001000000000001") // the end of the page
	return out.done()
}

// edges are where a row's colour changes, from white. It shares nothing, and watched for races it would take ten times
// as long.
//
//go:norace
func edges(row []byte) (changes []int) {
	black := false
	for x, v := range row {
		if dark := v < 128; dark != black {
			changes, black = append(changes, x), dark
		}
	}
	return changes
}

// row writes a row by its changes and those of the row above, which end with the width, twice.
func (o *bits) row(changes, above []int, width int) {
	changes = append(changes, width, width)
	black := 0
	for at, next := -1, 0; at < width; {
		// The first change above that is to the right and to the other colour.
		i := black
		for i < len(above) && above[i] <= at && above[i] < width {
			i += 2
		}
		b1, b2 := width, width
		if i < len(above) {
			b1 = above[i]
		}
		if i+1 < len(above) {
			b2 = above[i+1]
		}
		a1, a2 := changes[next], changes[min(next+1, len(changes)-1)]
		switch d := a1 - b1; {
		case b2 < a1:
			o.write("0001")
			at = b2
		case d >= -3 && d <= 3:
			o.write([]string{"0000010", "000010", "010", "1", "011", "000011", "0000011"}[d+3])
			at, next, black = a1, next+1, 1-black
		default:
			o.write("001")
			runs := [][]string{whiteRuns, blackRuns}
			o.run(runs[black], a1-max(at, 0))
			o.run(runs[1-black], a2-a1)
			at, next = a2, next+2
		}
		if next >= len(changes) {
			return
		}
	}
}

func (o *bits) run(codes []string, n int) {
	for ; n >= 2560; n -= 2560 {
		o.write("000000011111")
	}
	if n >= 64 {
		o.write(codes[63+n/64])
	}
	o.write(codes[n%64])
}

// bits are written from the highest.
type bits struct {
	out  []byte
	part byte
	used int
}

func (o *bits) write(code string) {
	for _, c := range code {
		o.part = o.part<<1 | byte(c-'0')
		if o.used++; o.used == 8 {
			o.out, o.part, o.used = append(o.out, o.part), 0, 0
		}
	}
}

func (o *bits) done() []byte {
	for o.used > 0 {
		o.write("0")
	}
	return o.out
}
