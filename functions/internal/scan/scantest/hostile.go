package scantest

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"slices"
	"strings"
)

// Class is a kind of file that somebody sends by mistake, or on purpose.
type Class struct {
	Name string // as a sentence says it
	Make func() []byte
}

// Hostile are all of them, the harmless ones among them too: what must still open.
func Hostile() []Class { return slices.Concat(harmless(), Mistakes(), bombs()) }

// Mistakes are those that are small, and quickly made.
func Mistakes() []Class { return slices.Concat(broken(), disguised(), odd(), images()) }

// note is a small page, so that files stay small.
func note() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, 600, 800))
	for i := range m.Pix {
		m.Pix[i] = 245
		if x, y := i%600, i/600; y%80 > 60 && y%80 < 64 && x > 60 && x < 500 {
			m.Pix[i] = 40
		}
	}
	return m
}

// part is the beginning of a file, so many per cent of it.
func part(file []byte, percent int) []byte { return file[:len(file)*percent/100] }

func harmless() []Class {
	return []Class{
		{"a scanned PDF of two pages", func() []byte { return PDF(note(), note()) }},
		{"a typed PDF", func() []byte { return Letter("Dear practice,\nI do not want a record.") }},
		{"a photograph", func() []byte { return Photograph(note()) }},
		{"a TIFF of a fax", func() []byte { return TIFF(Group4, note(), note()) }},
		{"a PDF with an owner's password only", func() []byte {
			d := encrypted("", "owner")
			d.typed("Everybody may look at this.")
			return d.bytes()
		}},
	}
}

func broken() []Class {
	pdf := func() []byte { return PDF(note(), note(), note()) }
	return []Class{
		{"an empty file", func() []byte { return nil }},
		{"one byte", func() []byte { return []byte("%") }},
		{"the first line of a PDF", func() []byte { return []byte("%PDF-1.7\n") }},
		{"a tenth of a PDF", func() []byte { return part(pdf(), 10) }},
		{"half a PDF", func() []byte { return part(pdf(), 50) }},
		{"nine tenths of a PDF", func() []byte { return part(pdf(), 90) }},
		{"a PDF without its last line", func() []byte { f := pdf(); return f[:len(f)-6] }},
		{"half a JPEG", func() []byte { return part(JPEG(note(), 0), 50) }},
		{"the first bytes of a JPEG", func() []byte { return JPEG(note(), 0)[:20] }},
		{"half a PNG", func() []byte { return part(PNG(note()), 50) }},
		{"half a TIFF", func() []byte { return part(TIFF(LZW, note()), 50) }},
		{"a PDF with a user's password", func() []byte {
			d := encrypted("user", "owner")
			d.typed("Nobody can look at this.")
			return d.bytes()
		}},
		{"a PDF under a handler that nobody has", func() []byte {
			d := newDocument()
			d.typed("Nobody can look at this.")
			d.trailer = "/ID[<00><00>]/Encrypt<</Filter/Vendor.Secret/V 4/Length 128>>"
			return d.bytes()
		}},
		{"a PDF whose table points elsewhere", func() []byte {
			f := pdf()
			at := bytes.LastIndex(f, []byte("startxref\n")) + len("startxref\n")
			f[at] = '9' - f[at] + '0'
			return f
		}},
		{"a PDF whose page is packed wrongly", func() []byte {
			d := newDocument()
			c := d.stream("/Filter/FlateDecode", []byte("this was never packed"))
			d.page("/MediaBox[" + a4 + "]/Contents " + fmt.Sprint(c) + " 0 R")
			return d.bytes()
		}},
		{"a PDF whose second image is broken", func() []byte {
			d := newDocument()
			d.scanned(note())
			d.picture("/Width 600/Height 800/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/DCTDecode", []byte("\xff\xd8\xff\xe0 no JPEG"))
			d.scanned(note())
			return d.bytes()
		}},
		{"a PDF that has fewer pages than it says", func() []byte {
			d := newDocument()
			d.scanned(note())
			d.tree = fmt.Sprintf("<</Type/Pages/Count 3/Kids[%d 0 R 98 0 R 99 0 R]>>", d.kids[0])
			return d.bytes()
		}},
		{"a PDF without pages", func() []byte { return newDocument().bytes() }},
		{"a TIFF without pages", func() []byte { return []byte("II*\x00\x00\x00\x00\x00") }},
		{"a TIFF whose page is outside of it", func() []byte { return []byte("II*\x00\x00\x00\x00\x7fxxxx") }},
		{"a TIFF whose page is packed wrongly", func() []byte {
			f := TIFF(LZW, note())
			for i := range 400 {
				f[8+i] = 0xff
			}
			return f
		}},
	}
}

func disguised() []Class {
	page := func() []byte { return PDF(note()) }
	return []Class{
		{"a text file", func() []byte { return []byte("I do not want a record.\n") }},
		{"a web page", func() []byte { return []byte("<!doctype html><title>x</title><script>alert(1)</script>") }},
		{"a drawing (SVG)", func() []byte {
			return []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
		}},
		{"a ZIP file", func() []byte { return zipped("form.txt") }},
		{"a document of an office program", func() []byte { return zipped("[Content_Types].xml", "word/document.xml") }},
		{"a phone's own photograph (HEIC)", func() []byte {
			return append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), make([]byte, 500)...)
		}},
		{"a GIF", func() []byte { return gifOf(note()) }},
		{"a BMP", func() []byte {
			return append([]byte("BM\x36\x10\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00"), make([]byte, 4096)...)
		}},
		{"a BigTIFF", func() []byte { return []byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00") }},
		{"a PDF that is a ZIP file too", func() []byte { return append(page(), zipped("virus.exe")...) }},
		{"a PDF that is a web page too", func() []byte { return append([]byte("<html><script>/*\n"), page()...) }},
		{"a PDF that is a GIF too", func() []byte { return append([]byte("GIF89a/*\n"), page()...) }},
		{"a GIF that is a script too", func() []byte { return append([]byte("GIF89a=0;alert(1)//"), gifOf(note())[13:]...) }},
		{"a JPEG with a PDF behind it", func() []byte { return append(JPEG(note(), 0), page()...) }},
		{"a PDF that only says so", func() []byte { return []byte("%PDF-1.7\n<html><script>alert(1)</script>\n%%EOF\n") }},
		{"a PNG that is called a PDF", func() []byte { return PNG(note()) }},
		{"a PDF with the EICAR test virus in it", func() []byte {
			d := newDocument()
			d.stream("/Type/EmbeddedFile", []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR`+`-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`))
			d.scanned(note())
			return d.bytes()
		}},
		{"a PDF with JavaScript that runs when it opens", func() []byte {
			d := newDocument()
			d.catalog = "/OpenAction<</S/JavaScript/JS(while\\(true\\){};app.alert\\(1\\))>>/AA<</WC<</S/JavaScript/JS(while\\(1\\);)>>>>"
			d.scanned(note())
			return d.bytes()
		}},
		{"a PDF with an XFA form", func() []byte {
			d := newDocument()
			x := d.stream("", []byte(`<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template><script>while(true);</script></template></xdp:xdp>`))
			d.catalog = fmt.Sprintf("/AcroForm<</Fields[]/XFA %d 0 R>>/NeedsRendering true", x)
			d.scanned(note())
			return d.bytes()
		}},
	}
}

// FilledPDF is a PDF whose one field somebody filled in with a program; what stands in it is only in the field.
func FilledPDF(text string) []byte {
	d := newDocument()
	appearance := d.stream("/Type/XObject/Subtype/Form/BBox[0 0 300 30]/Resources<</Font<</F 3 0 R>>>>", fmt.Appendf(nil, "/Tx BMC BT /F 18 Tf 4 8 Td (%s) Tj ET EMC", text))
	number := len(d.objects) + 1
	d.add(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(%s)/DA(/F 18 Tf)/F 4/Rect[100 700 400 730]/AP<</N %d 0 R>>>>", text, appearance))
	d.page(fmt.Sprintf("/MediaBox[%s]/Annots[%d 0 R]", a4, number))
	d.catalog = fmt.Sprintf("/AcroForm<</Fields[%d 0 R]/DR<</Font<</F 3 0 R>>>>>>", number)
	return d.bytes()
}

func bombs() []Class {
	zeros := func(n int) []byte { return make([]byte, n) }
	return []Class{
		{"21 MB", func() []byte { return append(PDF(note()), zeros(21<<20)...) }},
		{"a PDF of 101 pages", func() []byte { return Letter(slices.Repeat([]string{"x"}, 101)...) }},
		{"a PDF of 100 small pages", func() []byte {
			d := newDocument()
			for range 100 {
				d.page("/MediaBox[0 0 200 200]")
			}
			return d.bytes()
		}},
		{"a TIFF of 101 pages", func() []byte {
			return TIFF(PackBits, slices.Repeat([]image.Image{image.NewGray(image.Rect(0, 0, 64, 64))}, 101)...)
		}},
		{"a PDF that says it has a billion pages", func() []byte {
			d := newDocument()
			d.typed("x")
			d.tree = fmt.Sprintf("<</Type/Pages/Count 1000000000/Kids[%d 0 R]>>", d.kids[0])
			return d.bytes()
		}},
		{"a PNG of 50,000 × 50,000 pixels", func() []byte { return pngOf(50_000, 50_000, 1, 0, zeros(50_000/8*1000)) }},
		{"a JPEG of 65,000 × 65,000 pixels", func() []byte {
			f := JPEG(note(), 0)
			at := bytes.Index(f, []byte("\xff\xc0")) + 5
			copy(f[at:], "\xfd\xe8\xfd\xe8")
			return f
		}},
		{"a TIFF of 50,000 × 50,000 pixels", func() []byte {
			t := tiffFile{order: binary.BigEndian}
			t.page(map[uint16]int{256: 50_000, 257: 50_000, 258: 8, 259: 8, 262: 1, 277: 1, 278: 50_000}, deflate(zeros(1<<20)))
			return t.bytes()
		}},
		{"a PNG of 39 million pixels in grey", func() []byte { return pngOf(6_200, 6_300, 8, 0, zeros(6_201*6_300)) }},
		{"a PNG of 36 million pixels, 8 bytes each", func() []byte { return pngOf(6_000, 6_000, 16, 6, zeros(1<<20)) }},
		{"a PNG whose pixels never end", func() []byte { return pngOf(600, 800, 8, 0, zeros(256<<20)) }},
		{"a large progressive JPEG", func() []byte { return progressive(6_000, 6_000, 1) }},
		{"a progressive JPEG of 40,000 scans", func() []byte { return progressive(3_600, 3_600, 40_000) }},
		{"a TIFF whose strip unpacks to 300 MB", func() []byte {
			t := tiffFile{order: binary.LittleEndian}
			t.page(map[uint16]int{256: 6_000, 257: 6_000, 258: 8, 259: 8, 262: 1, 277: 1, 278: 6_000}, deflate(zeros(300<<20)))
			return t.bytes()
		}},
		{"a TIFF with 40,000 strips that are all the same", func() []byte { return sameStrips(40_000) }},
		{"a PDF whose page unpacks to 2 GB", func() []byte {
			d := newDocument()
			c := d.stream("/Filter[/FlateDecode/FlateDecode/FlateDecode]", deflate(deflate(gigabytes(2))))
			d.page("/MediaBox[" + a4 + "]/Contents " + fmt.Sprint(c) + " 0 R")
			return d.bytes()
		}},
		{"a PDF with an image of 50,000 × 50,000 pixels", func() []byte {
			d := newDocument()
			d.picture("/Width 50000/Height 50000/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/FlateDecode", deflate(zeros(1<<20)))
			return d.bytes()
		}},
		{"a PDF with an image of 6,300 × 6,300 pixels in colour", func() []byte {
			d := newDocument()
			d.picture("/Width 6300/Height 6300/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/FlateDecode", deflate(zeros(3*6300*6300)))
			return d.bytes()
		}},
		{"a PDF with 400 images of 30 million pixels on a page", func() []byte {
			d := newDocument()
			i := d.stream("/Type/XObject/Subtype/Image/Width 6000/Height 5000/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/FlateDecode", deflate(zeros(3*6000*5000)))
			c := d.stream("", []byte(strings.Repeat("q 500 0 0 700 0 0 cm /I Do Q\n", 400)))
			d.page(fmt.Sprintf("/MediaBox[%s]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>>>", a4, c, i))
			return d.bytes()
		}},
	}
}

func odd() []Class {
	blank := func(entries string) func() []byte {
		return func() []byte {
			d := newDocument()
			d.page(entries)
			return d.bytes()
		}
	}
	one := func(make func(d *document)) func() []byte {
		return func() []byte {
			d := newDocument()
			make(d)
			return d.bytes()
		}
	}
	return []Class{
		{"a PDF with a page of 26 inches among others", one(func(d *document) {
			d.scanned(note())
			d.page("/MediaBox[0 0 595 1872]")
			d.scanned(note())
		})},
		{"a PDF whose page is 200 inches long", blank("/MediaBox[0 0 14400 14400]")},
		{"a PDF whose page has no size", blank("/MediaBox[0 0 0 0]")},
		{"a PDF whose page is a hair wide", blank("/MediaBox[0 0 0.001 800]")},
		{"a PDF whose page lies left of nothing", blank("/MediaBox[-100 -200 -700 -1000]")},
		{"a PDF whose page has no end", blank("/MediaBox[0 0 1e38 1e38]")},
		{"a PDF whose pages go round in a circle", one(func(d *document) {
			d.tree = "<</Type/Pages/Count 5/Kids[2 0 R 2 0 R 2 0 R]>>"
		})},
		{"a PDF whose pages lie 5,000 deep", one(func(d *document) {
			for range 5000 {
				n := len(d.objects) + 1
				d.add(fmt.Sprintf("<</Type/Pages/Count 1/Kids[%d 0 R]>>", n+1))
			}
			d.add("<</Type/Page/Parent 2 0 R/MediaBox[" + a4 + "]>>")
			d.tree = "<</Type/Pages/Count 1/Kids[4 0 R]>>"
		})},
		{"a PDF with 100,000 arrays in each other", one(func(d *document) {
			d.add(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000))
			d.scanned(note())
			d.catalog = "/Names 4 0 R"
		})},
		{"a PDF with 100,000 dictionaries in each other on its page", one(func(d *document) {
			c := d.stream("", []byte("/P "+strings.Repeat("<</A ", 100_000)+"1"+strings.Repeat(">>", 100_000)+" BDC EMC"))
			d.page("/MediaBox[" + a4 + "]/Contents " + fmt.Sprint(c) + " 0 R")
		})},
		{"a PDF that draws itself", one(func(d *document) {
			n := len(d.objects) + 1
			d.stream(fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 600 850]/Resources<</XObject<</N %d 0 R>>>>", n), []byte("/N Do /N Do"))
			c := d.stream("", []byte("/N Do"))
			d.page(fmt.Sprintf("/MediaBox[%s]/Contents %d 0 R/Resources<</XObject<</N %d 0 R>>>>", a4, c, n))
		})},
		{"a PDF whose objects are packed in themselves", func() []byte { return objectStreams() }},
		{"a PDF whose tables go round in a circle", func() []byte {
			d := newDocument()
			d.scanned(note())
			f := d.bytes()
			at := bytes.LastIndex(f, []byte("xref\n0"))
			return bytes.Replace(f, []byte("/Root"), fmt.Appendf(nil, "/Prev %d/Root", at), 1)
		}},
		{"a PDF with a JBIG2 image that is none", one(func(d *document) {
			d.picture("/Width 2000/Height 2000/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/JBIG2Decode", bytes.Repeat([]byte{0, 0, 0, 0, 48, 0, 1, 0x7f}, 200))
		})},
		{"a PDF with a JBIG2 page of 4 billion lines", one(func(d *document) {
			d.picture("/Width 2000/Height 2000/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/JBIG2Decode",
				[]byte("\x00\x00\x00\x00\x30\x00\x01\x00\x00\x00\x13\x7f\xff\xff\xff\x7f\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
		})},
		{"a PDF with a JPEG 2000 image that is none", one(func(d *document) {
			d.picture("/Width 2000/Height 2000/Filter/JPXDecode", []byte("\xff\x4f\xff\x51\x00\x29 no codestream"))
		})},
		{"a PDF with a JPEG 2000 image of 2 billion pixels a side", one(func(d *document) {
			d.picture("/Width 2000/Height 2000/Filter/JPXDecode", jpx(1<<31-1))
		})},
	}
}

func images() []Class {
	tags := func(change map[uint16]int) func() []byte {
		return func() []byte {
			t := tiffFile{order: binary.BigEndian}
			all := map[uint16]int{256: 600, 257: 800, 258: 8, 259: 1, 262: 1, 277: 1, 278: 800}
			for k, v := range change {
				all[k] = v
			}
			t.page(all, shades(note()))
			return t.bytes()
		}
	}
	return []Class{
		{"a TIFF whose pages go round in a circle", func() []byte {
			t := tiffFile{order: binary.LittleEndian, again: true}
			t.page(map[uint16]int{256: 600, 257: 800, 258: 8, 259: 1, 262: 1, 277: 1, 278: 800}, shades(note()))
			return t.bytes()
		}},
		{"a TIFF packed as JPEG", tags(map[uint16]int{259: 7})},
		{"a TIFF packed in a way that nobody knows", tags(map[uint16]int{259: 50_001})},
		{"a TIFF of 3 bits a pixel", tags(map[uint16]int{258: 3})},
		{"a TIFF without a width", tags(map[uint16]int{256: 0})},
		{"a TIFF of one good page and one that is cut off", func() []byte {
			t := tiffFile{order: binary.LittleEndian}
			for i := range 2 {
				all := map[uint16]int{256: 600, 257: 800, 258: 8, 259: 1, 262: 1, 277: 1, 278: 800}
				if i == 1 {
					all[273], all[279] = 1<<30, 480_000
				}
				t.page(all, shades(note()))
			}
			return t.bytes()
		}},
		{"a PNG without pixels", func() []byte { return pngOf(0, 0, 8, 0, nil) }},
		{"a PNG with a wrong checksum", func() []byte { f := PNG(note()); f[len(f)/2] ^= 1; return f }},
	}
}

func gifOf(m *image.Gray) []byte {
	var out bytes.Buffer
	must(gif.Encode(&out, &image.Paletted{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect, Palette: greys()}, nil))
	return out.Bytes()
}

func greys() (all color.Palette) {
	for i := range 256 {
		all = append(all, color.Gray{Y: uint8(i)})
	}
	return all
}

func zipped(names ...string) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, n := range names {
		f, err := w.Create(n)
		must(err)
		_, err = f.Write([]byte("made up"))
		must(err)
	}
	must(w.Close())
	return out.Bytes()
}

// pngOf is a PNG that says it has this size, depth and colour type, whatever its pixels are.
func pngOf(width, height uint32, depth, kind byte, pixels []byte) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, body []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		at := len(out)
		out = append(append(out, name...), body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[at:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	chunk("IHDR", append(head, depth, kind, 0, 0, 0))
	chunk("IDAT", deflate(pixels))
	chunk("IEND", nil)
	return out
}

// gigabytes is a packed stream of so many gigabytes of nothing.
func gigabytes(n int) []byte {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	must(err)
	mega := func() []byte { // ends with a whole byte, so that it can stand again behind itself
		before := out.Len()
		_, err := w.Write(make([]byte, 1<<20))
		must(err)
		must(w.Flush())
		return bytes.Clone(out.Bytes()[before:])
	}
	first := mega()
	again := mega()
	return slices.Concat(first, bytes.Repeat(again, n<<10-1), []byte{1, 0, 0, 0xff, 0xff, 0, 0, 0, 1}) // an empty last block, and a checksum
}

// progressive is a progressive JPEG in grey with many scans, each of which goes over all its blocks and says nothing.
func progressive(width, height uint16, scans int) []byte {
	var small bytes.Buffer
	must(jpeg.Encode(&small, image.NewGray(image.Rect(0, 0, 8, 8)), nil))
	tables := small.Bytes()
	take := func(marker byte) []byte { // a segment of an ordinary JPEG
		at := bytes.Index(tables, []byte{0xff, marker})
		return tables[at : at+2+int(binary.BigEndian.Uint16(tables[at+2:]))]
	}
	out := append([]byte{0xff, 0xd8}, take(0xdb)...)
	out = append(out, 0xff, 0xc2, 0, 11, 8, byte(height>>8), byte(height), byte(width>>8), byte(width), 1, 1, 0x11, 0)
	// One code of one bit each: the DC table's says that nothing changes; the AC table's, that 2^14 blocks and more end.
	out = append(out, 0xff, 0xc4, 0, 2+17+1, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	out = append(out, 0xff, 0xc4, 0, 2+17+1, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0)
	blocks := (int(width) + 7) / 8 * ((int(height) + 7) / 8)
	out = append(out, 0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 0, 0) // DC of all blocks: a bit each
	out = append(out, make([]byte, blocks/8+1)...)
	for range scans {
		out = append(out, 0xff, 0xda, 0, 8, 1, 1, 0x00, 1, 63, 0)
		var runs bits
		for left := blocks; left > 0; {
			n := min(left, 1<<15-1)
			runs.write("0" + fmt.Sprintf("%014b", max(0, n-1<<14)))
			left -= max(n, 1<<14)
		}
		out = append(out, bytes.ReplaceAll(runs.done(), []byte{0xff}, []byte{0xff, 0})...)
	}
	return append(out, 0xff, 0xd9)
}

// sameStrips is a TIFF of one row a strip, all of which are the same packed bytes, which take long to unpack to a row.
func sameStrips(n int) []byte {
	row := make([]byte, 600)
	strip := append([]byte{0x78, 0x9c}, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 3_000_000)...) // blocks that hold nothing
	strip = append(append(strip, 1, 0x58, 0x02, 0xa7, 0xfd), row...)                             // and one of 600 bytes
	strip = binary.BigEndian.AppendUint32(strip, adler32.Checksum(row))
	out := []byte("II*\x00")
	out = binary.LittleEndian.AppendUint32(out, uint32(8+len(strip)+len(strip)%2+8*n))
	out = append(out, strip...)
	out = append(out, make([]byte, len(strip)%2)...)
	offsets := len(out)
	for range n {
		out = binary.LittleEndian.AppendUint32(out, 8)
	}
	counts := len(out)
	for range n {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(strip)))
	}
	entries := [][3]int{{256, 1, 600}, {257, 1, n}, {258, 1, 8}, {259, 1, 8}, {262, 1, 1}, {273, n, offsets}, {277, 1, 1}, {278, 1, 1}, {279, n, counts}}
	out = binary.LittleEndian.AppendUint16(out, uint16(len(entries)))
	for _, e := range entries {
		out = binary.LittleEndian.AppendUint16(out, uint16(e[0]))
		out = binary.LittleEndian.AppendUint16(out, 4)
		out = binary.LittleEndian.AppendUint32(out, uint32(e[1]))
		out = binary.LittleEndian.AppendUint32(out, uint32(e[2]))
	}
	return append(out, 0, 0, 0, 0)
}

// objectStreams is a PDF whose catalogue is packed into a stream that says it goes on in itself.
func objectStreams() []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	inside := deflate([]byte("1 0 2 40 " + fmt.Sprintf("%-40s", "<</Type/Catalog/Pages 2 0 R>>") + "<</Type/Pages/Count 1/Kids[3 0 R]>>"))
	fmt.Fprintf(&out, "4 0 obj\n<</Type/ObjStm/N 2/First 9/Extends 4 0 R/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(inside), inside)
	table := out.Len()
	rows := []byte{0, 0, 0, 0, 2, 0, 4, 0, 2, 0, 4, 1, 2, 0, 4, 2, 2, 0, 4, 3, 1, byte(table >> 8), byte(table), 0}
	fmt.Fprintf(&out, "5 0 obj\n<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Prev %d/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", table, len(rows), rows, table)
	return out.Bytes()
}

// jpx is the header of a JPEG 2000 codestream of so many pixels a side.
func jpx(side uint32) []byte {
	size := []byte{0, 0}
	for _, v := range []uint32{side, side, 0, 0, side, side, 0, 0} {
		size = binary.BigEndian.AppendUint32(size, v)
	}
	size = append(size, 0, 1, 7, 1, 1)
	out := append([]byte{0xff, 0x4f, 0xff, 0x51}, binary.BigEndian.AppendUint16(nil, uint16(len(size)+2))...)
	out = append(out, size...)
	out = append(out, 0xff, 0x52, 0, 12, 0, 0, 0, 1, 0, 5, 4, 4, 0, 1)
	return append(out, 0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x93, 0xff, 0xd9)
}
