// Package scantest makes files as people, scanners, phones and attackers make them. Everything in it is made up, and the
// same for the same arguments.
package scantest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/jpeg"
	"strings"
)

// A4 in points.
const a4 = "0 0 595.28 841.89"

// PDF is a PDF as a scanner writes it: each page is one image, as a JPEG, on A4.
func PDF(pages ...image.Image) []byte { return PackedPDF(80, pages...) }

// PackedPDF is PDF with a quality of its JPEGs, from 1 to 100.
func PackedPDF(quality int, pages ...image.Image) []byte {
	d := newDocument()
	d.quality = quality
	for _, m := range pages {
		d.scanned(m)
	}
	return d.bytes()
}

// Letter is a PDF as an office program prints it: each page is some lines of text, on A4.
func Letter(pages ...string) []byte {
	d := newDocument()
	for _, text := range pages {
		d.typed(text)
	}
	return d.bytes()
}

// document is a PDF while it is written. Objects 1 and 2 are its catalogue and its page tree, 3 is a font.
type document struct {
	objects []string // by number, from 1; "" is not written
	kids    []int
	catalog string // more entries of the catalogue
	tree    string // in place of the page tree
	trailer string // more entries of the trailer
	quality int    // of its pages that are JPEGs
	seal    func(number int, body []byte) []byte
}

func newDocument() *document {
	return &document{quality: 80, objects: []string{"", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}}
}

// add is an object's number.
func (d *document) add(body string) int {
	d.objects = append(d.objects, body)
	return len(d.objects)
}

// stream adds a stream whose dictionary has these entries besides its length.
func (d *document) stream(entries string, body []byte) int {
	number := len(d.objects) + 1
	if d.seal != nil {
		body = d.seal(number, body)
	}
	return d.add(fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(body), body))
}

// page adds a page whose dictionary has these entries besides its type and its parent.
func (d *document) page(entries string) {
	d.kids = append(d.kids, d.add("<</Type/Page/Parent 2 0 R"+entries+">>"))
}

func (d *document) scanned(m image.Image) {
	var packed bytes.Buffer
	must(jpeg.Encode(&packed, m, &jpeg.Options{Quality: d.quality}))
	space := "/DeviceRGB"
	if _, grey := m.(*image.Gray); grey {
		space = "/DeviceGray"
	}
	d.picture(fmt.Sprintf("/Width %d/Height %d/BitsPerComponent 8/ColorSpace%s/Filter/DCTDecode", m.Bounds().Dx(), m.Bounds().Dy(), space), packed.Bytes())
}

// picture adds a page that is one image, whose dictionary has these entries.
func (d *document) picture(entries string, body []byte) {
	i := d.stream("/Type/XObject/Subtype/Image"+entries, body)
	c := d.stream("", []byte("q 595.28 0 0 841.89 0 0 cm /I Do Q"))
	d.page(fmt.Sprintf("/MediaBox[%s]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>>>", a4, c, i))
}

// Odd is what is odd about a page of 2 by 3 inches that is one JPEG from edge to edge.
type Odd struct {
	Image   string   // more entries of the image's dictionary, which is object 4
	Page    string   // more entries of the page's
	Content string   // what is drawn, by operators; "": the image, as /I
	More    []string // objects, from 5 on
}

// OddPDF is a PDF of such pages.
func OddPDF(m *image.Gray, pages ...Odd) []byte {
	var packed bytes.Buffer
	must(jpeg.Encode(&packed, m, &jpeg.Options{Quality: 90}))
	d := newDocument()
	for _, o := range pages {
		i := d.stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/DCTDecode%s", m.Rect.Dx(), m.Rect.Dy(), o.Image), packed.Bytes())
		for _, more := range o.More {
			d.add(more)
		}
		if o.Content == "" {
			o.Content = "q 144 0 0 216 0 0 cm /I Do Q"
		}
		c := d.stream("", []byte(o.Content))
		d.page(fmt.Sprintf("/MediaBox[0 0 144 216]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>/Font<</F 3 0 R>>/ExtGState<</G<</ca 0>>>>/Properties<</L 5 0 R>>>>%s", c, i, o.Page))
	}
	return d.bytes()
}

func (d *document) typed(text string) {
	var b strings.Builder
	b.WriteString("BT /F 12 Tf 15 TL 72 770 Td\n")
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "(%s) Tj T*\n", strings.NewReplacer("\\", "\\\\", "(", "\\(", ")", "\\)", "\n", "").Replace(line))
	}
	b.WriteString("ET")
	c := d.stream("", []byte(b.String()))
	d.page(fmt.Sprintf("/MediaBox[%s]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>", a4, c))
}

func (d *document) bytes() []byte {
	tree := d.tree
	if tree == "" {
		var kids strings.Builder
		for _, k := range d.kids {
			fmt.Fprintf(&kids, "%d 0 R ", k)
		}
		tree = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(d.kids), kids.String())
	}
	d.objects[0] = "<</Type/Catalog/Pages 2 0 R" + d.catalog + ">>"
	d.objects[1] = tree

	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	at := make([]int, len(d.objects))
	for i, o := range d.objects {
		at[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&out, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, d.trailer, start)
	return out.Bytes()
}

// deflate packs bytes as PDF, PNG and TIFF do.
func deflate(body []byte) []byte {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	must(err)
	_, err = w.Write(body)
	must(err)
	must(w.Close())
	return out.Bytes()
}

// must is for what only fails if this package is wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
