package scantest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
)

// Compression is how a TIFF's pages are packed (TIFF 6.0, tag 259).
type Compression int

// Ways to pack a page. Group4 makes it black and white; the others keep grey.
const (
	Unpacked Compression = 1
	Group4   Compression = 4
	LZW      Compression = 5
	Deflate  Compression = 8
	PackBits Compression = 32773
)

// TIFF is a TIFF as a scanner writes it: each image is a page of it, in grey or in black and white.
func TIFF(c Compression, pages ...image.Image) []byte {
	t := tiffFile{order: binary.LittleEndian}
	for _, m := range pages {
		b := m.Bounds()
		depth, body := 8, []byte(nil)
		if c == Group4 {
			depth, body = 1, fax(m)
		} else {
			body = pack(c, shades(m))
		}
		t.page(map[uint16]int{256: b.Dx(), 257: b.Dy(), 258: depth, 259: int(c), 262: btoi(depth == 8), 277: 1, 278: b.Dy()}, body)
	}
	return t.bytes()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Grey is an image in grey.
func Grey(m image.Image) *image.Gray {
	b := m.Bounds()
	all := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(all, all.Rect, m, b.Min, draw.Src)
	return all
}

// shades are an image's, row by row.
func shades(m image.Image) []byte { return Grey(m).Pix }

func pack(c Compression, body []byte) []byte {
	switch c {
	case Unpacked:
		return body
	case LZW:
		return lzw(body)
	case Deflate:
		return deflate(body)
	case PackBits:
		return packBits(body)
	}
	panic(fmt.Sprintf("scantest: compression %d", c))
}

// tiffFile is a TIFF while it is written. What stands in its tags and nowhere else is all that these files need.
type tiffFile struct {
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
	body  []byte
	tags  []map[uint16]int
	last  int // where the last directory says that the next one is; 0: nowhere
	again bool
}

func (t *tiffFile) page(tags map[uint16]int, strip []byte) {
	if tags[273] == 0 {
		tags[273], tags[279] = 8+len(t.body), len(strip)
	}
	t.body = append(t.body, strip...)
	if len(t.body)%2 == 1 {
		t.body = append(t.body, 0)
	}
	t.tags = append(t.tags, tags)
}

func (t *tiffFile) bytes() []byte {
	var out bytes.Buffer
	out.WriteString(map[bool]string{true: "II*\x00", false: "MM\x00*"}[t.order.String() == binary.LittleEndian.String()])
	at := 8 + len(t.body)
	first := at
	out.Write(t.order.AppendUint32(nil, uint32(at)))
	out.Write(t.body)
	for i, tags := range t.tags {
		at += 2 + 12*len(tags) + 4
		out.Write(t.order.AppendUint16(nil, uint16(len(tags))))
		for tag := range uint16(1 << 10) {
			if v, ok := tags[tag]; ok {
				e := t.order.AppendUint32(t.order.AppendUint16(t.order.AppendUint16(nil, tag), 4), 1)
				out.Write(t.order.AppendUint32(e, uint32(v)))
			}
		}
		next := at
		if i+1 == len(t.tags) {
			if next = t.last; t.again {
				next = first
			}
		}
		out.Write(t.order.AppendUint32(nil, uint32(next)))
	}
	return out.Bytes()
}

// packBits packs runs of 3 to 128 bytes, and the rest as it is.
func packBits(body []byte) (out []byte) {
	run := func(from []byte) int {
		n := 1
		for n < len(from) && n < 128 && from[n] == from[0] {
			n++
		}
		return n
	}
	for len(body) > 0 {
		if n := run(body); n > 2 {
			out = append(out, byte(1-n), body[0])
			body = body[n:]
			continue
		}
		n := 1
		for n < len(body) && n < 128 && run(body[n:]) < 3 {
			n++
		}
		out = append(append(out, byte(n-1)), body[:n]...)
		body = body[n:]
	}
	return out
}

// lzw packs as TIFF does: from the highest bit, and codes grow one code earlier than in GIF.
func lzw(body []byte) []byte {
	var out bits
	width := 9
	table := map[string]int{}
	code := func(n int) { out.write(fmt.Sprintf("%0*b", width, n)) }
	code(256)
	next := 258
	prefix := ""
	number := func(s string) int {
		if len(s) == 1 {
			return int(s[0])
		}
		return table[s]
	}
	for _, b := range body {
		longer := prefix + string([]byte{b})
		if _, known := table[longer]; known || len(longer) == 1 {
			prefix = longer
			continue
		}
		code(number(prefix))
		table[longer] = next
		next++
		switch {
		case next == 4094:
			code(256)
			table, next, width = map[string]int{}, 258, 9
		case next > 1<<width-1:
			width++
		}
		prefix = string([]byte{b})
	}
	if prefix != "" {
		code(number(prefix))
		if next++; next > 1<<width-1 {
			width++
		}
	}
	code(257)
	return out.done()
}
