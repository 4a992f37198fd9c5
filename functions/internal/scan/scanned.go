package scan

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"regexp"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// plain is the dictionary of an image that is shown as its JPEG says, as scanners write it: nothing in it masks the image, turns
// its shades round, or names colours of its own. It ends where the JPEG begins.
var plain = regexp.MustCompile(`^<<(?:\s*/(?:Type\s*/XObject|Subtype\s*/Image|Name\s*/\w+|Width\s+\d+|Height\s+\d+|BitsPerComponent\s+8|` +
	`ColorSpace\s*/Device(Gray|RGB)|Filter\s*(?:/DCTDecode|\[\s*/DCTDecode\s*\])|Length\s+\d+(?:\s+\d+\s+R)?|Interpolate\s+(?:true|false)))*\s*>>\s*stream\s*$`)

// mostOfDictionary is how long such a dictionary is at most.
const mostOfDictionary = 512

// rounding is how near a size has to be to that at 200 dpi to be taken as it is: scanners round to whole blocks.
const rounding = 0.02

// scanned is a page as a scanner makes it, which is one JPEG from edge to edge and nothing else: that is decoded, which takes half
// of what pdfium takes to draw it, and loses nothing on the way. nil if the page is anything else, or if there is any doubt:
// pdfium draws it then.
func (s *sandbox) scanned(page requests.Page, object references.FPDF_PAGEOBJECT, paper paper) *raster {
	if !s.fills(page, object, paper) {
		return nil
	}
	filters, err := s.FPDFImageObj_GetImageFilterCount(&requests.FPDFImageObj_GetImageFilterCount{ImageObject: object})
	if err != nil || filters.Count != 1 {
		return nil
	}
	raw, err := s.FPDFImageObj_GetImageDataRaw(&requests.FPDFImageObj_GetImageDataRaw{ImageObject: object})
	if err != nil {
		return nil
	}
	size, err := s.FPDFImageObj_GetImagePixelSize(&requests.FPDFImageObj_GetImagePixelSize{ImageObject: object})
	if err != nil {
		return nil
	}
	h := scanJPEG(raw.Data)
	components := map[string]int{"Gray": 1, "RGB": 3}[s.colours(raw.Data)]
	switch {
	case components == 0, len(h.samples) != components, h.rgb, h.progressive, h.orientation != 1:
		return nil
	case h.width != int(size.Width), h.height != int(size.Height), h.needs() > s.gates.decoded:
		return nil
	}
	w, hi := paper.width, paper.height
	switch near := func(a, b int) bool { return math.Abs(float64(a-b)) <= rounding*float64(b) }; {
	case near(h.width, w) && near(h.height, hi) && max(h.width, h.height) <= longest:
		w, hi = h.width, h.height
	case h.width < w || h.height < hi:
		return nil
	}
	r, err := decoded(h.needs(), 1, image.Pt(w, hi), func() (image.Image, error) { return jpeg.Decode(bytes.NewReader(raw.Data)) })
	if err != nil {
		return nil
	}
	return r
}

// fills says that an image is all there is on a page, and covers it upright.
func (s *sandbox) fills(page requests.Page, object references.FPDF_PAGEOBJECT, paper paper) bool {
	if s.form != nil {
		return false
	}
	if n, err := s.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page}); err != nil || n.Count != 1 {
		return false
	}
	if n, err := s.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page}); err != nil || n.Count != 0 {
		return false
	}
	if r, err := s.FPDFPage_GetRotation(&requests.FPDFPage_GetRotation{Page: page}); err != nil || r.PageRotation != 0 {
		return false
	}
	if n, err := s.FPDFPageObj_CountMarks(&requests.FPDFPageObj_CountMarks{PageObject: object}); err != nil || n.Count != 0 { // a layer may be off
		return false
	}
	if t, err := s.FPDFPageObj_HasTransparency(&requests.FPDFPageObj_HasTransparency{PageObject: object}); err != nil || t.HasTransparency {
		return false
	}
	if clip, err := s.FPDFPageObj_GetClipPath(&requests.FPDFPageObj_GetClipPath{PageObject: object}); err == nil {
		if n, err := s.FPDFClipPath_CountPaths(&requests.FPDFClipPath_CountPaths{ClipPath: clip.ClipPath}); err == nil && n.Count > 0 { // an error: there is none
			return false
		}
	}
	box, err := s.FPDF_GetPageBoundingBox(&requests.FPDF_GetPageBoundingBox{Page: page})
	if err != nil {
		return false
	}
	m, err := s.FPDFPageObj_GetMatrix(&requests.FPDFPageObj_GetMatrix{PageObject: object})
	if err != nil {
		return false
	}
	near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 72.0/dpi } // a pixel
	return near(m.Matrix.A, paper.wide) && near(m.Matrix.D, paper.high) && m.Matrix.B == 0 && m.Matrix.C == 0 &&
		near(m.Matrix.E, box.Rect.Left) && near(m.Matrix.F, box.Rect.Bottom)
}

// colours are those of the image that has these bytes, as its dictionary has them: Gray or RGB; "" if it says anything else that
// matters, or the bytes are not in the file as they are. Of images with the same bytes nobody knows which one it is: then what one
// of them says counts for all.
func (s *sandbox) colours(raw []byte) string {
	if s.jpegs == nil {
		s.jpegs = jpegsIn(s.file)
	}
	found := ""
	for _, begins := range s.jpegs {
		if !bytes.HasPrefix(s.file[begins:], raw) {
			continue
		}
		before := s.file[max(0, begins-mostOfDictionary):begins]
		is := plain.FindSubmatch(before[max(0, bytes.LastIndex(before, []byte("<<"))):])
		if is == nil || found != "" && found != string(is[1]) {
			return ""
		}
		found = string(is[1])
	}
	return found
}

// jpegsIn are the places in a PDF where a stream may begin that is a JPEG; never nil. (ISO 32000-2, 7.3.8.1; pdfium takes a line
// that ends with a carriage return alone, too.)
func jpegsIn(file []byte) []int {
	all := []int{}
	word := []byte("stream")
	for at := 0; ; {
		next := bytes.Index(file[at:], word)
		if next < 0 {
			return all
		}
		at += next + len(word)
		begins := at
		for begins < len(file) && (file[begins] == '\r' || file[begins] == '\n') {
			begins++
		}
		if bytes.HasPrefix(file[begins:], []byte("\xff\xd8")) {
			all = append(all, begins)
		}
	}
}
