package scan

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/tiff"
	"golang.org/x/image/tiff/lzw"
)

// Tags of a TIFF that are looked at (TIFF 6.0).
const (
	tagWidth       = 256
	tagHeight      = 257
	tagBits        = 258
	tagCompression = 259
	tagStrips      = 273
	tagOrientation = 274
	tagRows        = 278
	tagStripBytes  = 279
	tagT4Options   = 292
	tagTileWidth   = 322
	tagTileHeight  = 323
	tagTiles       = 324
	tagTileBytes   = 325
)

// mostBlocks is how many strips or tiles of a page are looked at.
const mostBlocks = 1 << 20

// Compressions of a TIFF.
const (
	compressionNone     = 1
	compressionG3       = 3
	compressionG4       = 4
	compressionLZW      = 5
	compressionOldJPEG  = 6
	compressionJPEG     = 7
	compressionDeflate  = 8
	compressionPackBits = 32773
	compressionOldZip   = 32946
)

// directory is one page of a TIFF, as its tags describe it.
type directory struct {
	file    []byte
	order   binary.ByteOrder
	at      uint32 // in the file
	next    uint32 // 0 if there is none
	entries map[uint16][]byte
}

var errDirectory = errors.New("directory outside of the file")

// parseDirectory reads the tags at a place of a file; without a place, its first ones.
func parseDirectory(file []byte, place *uint32) (d directory, err error) {
	d = directory{file: file, entries: map[uint16][]byte{}}
	switch {
	case len(file) < 8:
		return d, errDirectory
	case string(file[:4]) == "II*\x00":
		d.order = binary.LittleEndian
	case string(file[:4]) == "MM\x00*":
		d.order = binary.BigEndian
	default:
		return d, errDirectory
	}
	if d.at = d.order.Uint32(file[4:]); place != nil {
		d.at = *place
	}
	at := int(d.at)
	if at < 8 || at+2 > len(file) {
		return d, errDirectory
	}
	end := at + 2 + 12*int(d.order.Uint16(file[at:]))
	if end > len(file) {
		return d, errDirectory
	}
	for e := file[at+2 : end]; len(e) > 0; e = e[12:] {
		if tag := d.order.Uint16(e); d.entries[tag] == nil {
			d.entries[tag] = e[:12]
		}
	}
	if end+4 <= len(file) { // some programs leave the last one out
		d.next = d.order.Uint32(file[end:])
	}
	return d, nil
}

// list is the numbers of a tag: at most so many, none of those that stand outside of the file.
func (d directory) list(tag uint16, most int) (all []int) {
	e := d.entries[tag]
	if e == nil {
		return nil
	}
	size := map[uint16]int{1: 1, 3: 2, 4: 4}[d.order.Uint16(e[2:])] // bytes, shorts, longs
	n := int(d.order.Uint32(e[4:]))
	values := e[8:]
	if size*n > 4 {
		values = d.file[min(len(d.file), int(d.order.Uint32(e[8:]))):]
	}
	for n = min(n, most); n > 0 && size > 0 && len(values) >= size; n, values = n-1, values[size:] {
		switch size {
		case 1:
			all = append(all, int(values[0]))
		case 2:
			all = append(all, int(d.order.Uint16(values)))
		case 4:
			all = append(all, int(d.order.Uint32(values)))
		}
	}
	return all
}

// value is the first number of a tag.
func (d directory) value(tag uint16, otherwise int) int {
	if v := d.list(tag, 1); len(v) > 0 {
		return v[0]
	}
	return otherwise
}

// block is how large what is unpacked at a time is: a strip, or a tile. Sizes that no image has are 0.
func (d directory) block() (width, height int) {
	if width, height = d.value(tagTileWidth, 0), d.value(tagTileHeight, 0); width > 0 {
		return width, height
	}
	width, height = d.value(tagWidth, 0), d.value(tagHeight, 0)
	if rows := d.value(tagRows, 0); rows > 0 {
		height = min(height, rows)
	}
	return width, height
}

// packed is how many bytes a block has when it is unpacked.
func (d directory) packed() int {
	width, height := d.block()
	if width > 1<<24 || height > 1<<24 {
		return 1 << 48
	}
	samples := 1
	if n := len(d.list(tagBits, 16)); n > 1 {
		samples = n
	}
	return (width*d.value(tagBits, 1)*samples + 7) / 8 * height
}

// unpacking is how often a block is in memory while it is unpacked: its buffer grows by doubling.
const unpacking = 3

// needs is how many bytes the decoder takes: the image, and a block of it.
func (d directory) needs() int {
	pixels := d.value(tagWidth, 0) * d.value(tagHeight, 0)
	each := 1
	switch deep, many := d.value(tagBits, 1) == 16, len(d.list(tagBits, 16)) > 1; {
	case deep && many:
		each = 8
	case deep:
		each = 2
	case many:
		each = 4
	}
	if d.value(tagCompression, compressionNone) == compressionNone {
		return pixels*each + min(d.packed(), len(d.file))
	}
	return pixels*each + unpacking*d.packed()
}

// unpacks says that no block unpacks to more than it has pixels for, as far as that matters: the decoder stops at eight
// bytes for a pixel only, and most has to hold that.
func (d directory) unpacks(ctx context.Context, most int) bool {
	width, height := d.block()
	if width*height*8*unpacking+d.value(tagWidth, 0)*d.value(tagHeight, 0) <= most {
		return true
	}
	var open func(io.Reader) (io.Reader, error)
	switch d.value(tagCompression, compressionNone) {
	case compressionLZW:
		open = func(r io.Reader) (io.Reader, error) { return lzw.NewReader(r, lzw.MSB, 8), nil }
	case compressionDeflate, compressionOldZip:
		open = func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
	case compressionPackBits:
		open = func(r io.Reader) (io.Reader, error) { return &packBits{r: bufio.NewReader(r)}, nil }
	default:
		return true // these stop by themselves
	}
	offsets, counts := d.list(tagStrips, mostBlocks), d.list(tagStripBytes, mostBlocks)
	if d.entries[tagTileWidth] != nil {
		offsets, counts = d.list(tagTiles, mostBlocks), d.list(tagTileBytes, mostBlocks)
	}
	limit := int64(d.packed()) + 1<<16 // some programs write more than they have
	for i := range min(len(offsets), len(counts)) {
		from := min(len(d.file), offsets[i])
		to := min(len(d.file), from+counts[i])
		r, err := open(&watched{ctx: ctx, Reader: bytes.NewReader(d.file[from:to])})
		if err != nil {
			continue // the decoder says what is wrong
		}
		if n, _ := io.Copy(io.Discard, io.LimitReader(r, limit+1)); n > limit {
			return false
		}
	}
	return true
}

// packBits unpacks bytes and runs of them (TIFF 6.0, section 9).
type packBits struct {
	r    *bufio.Reader
	run  [128]byte
	left []byte
}

func (p *packBits) Read(b []byte) (int, error) {
	for len(p.left) == 0 {
		c, err := p.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch n := int(int8(c)); {
		case n >= 0:
			p.left = p.run[:n+1]
			if _, err := io.ReadFull(p.r, p.left); err != nil {
				return 0, err
			}
		case n > -128:
			v, err := p.r.ReadByte()
			if err != nil {
				return 0, err
			}
			p.left = p.run[:1-n]
			for i := range p.left {
				p.left[i] = v
			}
		}
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}

// directories are the pages of a TIFF.
func directories(file []byte) (all []directory, err error) {
	seen := map[uint32]bool{}
	var place *uint32
	for {
		d, err := parseDirectory(file, place)
		switch {
		case err != nil && len(all) == 0 && len(file) >= 8 && binary.LittleEndian.Uint32(file[4:]) == 0:
			return nil, refuse("no-pages")
		case err != nil:
			return nil, refuse("cut-short")
		case seen[d.at]:
			return nil, refuse("damaged") // they go round in a circle
		case len(all) == MostPages:
			return nil, refuse("too-many-pages")
		}
		seen[d.at] = true
		all = append(all, d)
		if d.next == 0 {
			return all, nil
		}
		place = &d.next
	}
}

func (d *drawer) readTIFF(ctx context.Context, file []byte, out *pages) error {
	all, err := directories(file)
	if err != nil {
		return err
	}
	for _, page := range all {
		r, fault := d.readDirectory(ctx, file, page)
		if err := out.add(r, fault); err != nil {
			return err
		}
	}
	return nil
}

func (d *drawer) readDirectory(ctx context.Context, file []byte, p directory) (*raster, *Refusal) {
	switch p.value(tagCompression, compressionNone) {
	case compressionNone, compressionG4, compressionLZW, compressionDeflate, compressionPackBits, compressionOldZip:
	case compressionG3:
		if p.value(tagT4Options, 0)&1 != 0 { // in two dimensions
			return nil, refuse("tiff-kind")
		}
	case compressionJPEG, compressionOldJPEG:
		return nil, refuse("tiff-jpeg")
	default:
		return nil, refuse("tiff-kind")
	}
	need := p.needs()
	if fault := d.gate(p.value(tagWidth, 0), p.value(tagHeight, 0), need); fault != nil {
		return nil, fault
	}
	if !p.unpacks(ctx, d.gates.decoded) {
		return nil, refuse("too-much-memory")
	}
	r, err := decoded(need, p.value(tagOrientation, 1), image.Point{}, func() (image.Image, error) {
		return tiff.Decode(&page{watched{ctx: ctx, Reader: bytes.NewReader(file)}, p.header(file)})
	})
	if err != nil {
		if _, unsupported := errors.AsType[tiff.UnsupportedError](err); unsupported {
			return nil, refuse("tiff-kind")
		}
		return nil, refuse("page-damaged")
	}
	return r, nil
}

// page is a TIFF whose first page is another one.
type page struct {
	watched
	header [8]byte
}

func (d directory) header(file []byte) (h [8]byte) {
	copy(h[:], file)
	if file[0] == 'I' {
		binary.LittleEndian.PutUint32(h[4:], d.at)
	} else {
		binary.BigEndian.PutUint32(h[4:], d.at)
	}
	return h
}

// ReadAt implements io.ReaderAt.
func (p *page) ReadAt(b []byte, at int64) (int, error) {
	n, err := p.watched.ReadAt(b, at)
	if at >= 0 && at < 8 {
		copy(b[:n], p.header[at:])
	}
	return n, err
}

var _ io.ReaderAt = (*page)(nil)
