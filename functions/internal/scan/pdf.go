package scan

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"
)

// sandbox is one instance of pdfium with one document in it. It cannot be interrupted: checking whether it should stop
// makes pdfium three times as slow. Whoever waits for its process kills that.
type sandbox struct {
	pdfium.Pdfium
	gates    limits
	memory   *memory
	document references.FPDF_DOCUMENT
	count    int
	form     *references.FPDF_FORMHANDLE // its fields, which are drawn apart; nil if it has none
	file     []byte
	jpegs    []int // where they may begin in it; nil before anybody looks
}

// paper is how large a page is: in points, and in pixels as it is drawn.
type paper struct {
	wide, high    float32
	width, height int
}

func (d *drawer) readPDF(file []byte, out *pages) error {
	if cutShort(file) {
		return refuse("cut-short")
	}
	s, err := d.enter(file)
	if err != nil {
		return err
	}
	defer func() { s.leave() }()
	switch count := s.count; {
	case count < 1:
		return refuse("no-pages")
	case count > MostPages:
		return refuse("too-many-pages")
	}
	for i := range s.count {
		r, fault, err := s.draw(i)
		if err == nil && s.memory.refused {
			r, fault = nil, refuse("too-much-memory") // what did not fit in is missing from the picture
		}
		if err != nil {
			fault = refuse("page-damaged")
			if s.memory.refused {
				fault = refuse("too-much-memory")
			}
		}
		if err := out.add(r, fault); err != nil {
			return err
		}
		if broken := err != nil || s.memory.refused; broken && i+1 < s.count { // nobody knows what else is broken in there
			s.leave()
			if s, err = d.enter(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// cutShort says that the end of a PDF is missing. pdfium would mend it, with as many pages as it still finds.
func cutShort(file []byte) bool {
	return bytes.LastIndex(file, []byte("%%EOF")) < bytes.LastIndex(file, []byte("endobj"))
}

// enter opens a document in an instance of its own.
func (d *drawer) enter(file []byte) (s *sandbox, err error) {
	s = &sandbox{gates: d.gates, memory: d.memory, file: file}
	s.memory.refused = false
	if s.Pdfium, err = d.pool.GetInstance(d.gates.time); err != nil {
		return &sandbox{}, fmt.Errorf("start pdfium: %w", err)
	}
	if err = s.try(func() error { return s.open(file) }); err == nil {
		return s, nil
	}
	s.leave()
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword):
		err = refuse("encrypted")
	case errors.Is(err, pdfiumerrors.ErrSecurity):
		err = refuse("encrypted-unknown")
	case s.memory.refused:
		err = refuse("too-much-memory")
	default:
		err = refuse("damaged")
	}
	return &sandbox{}, err
}

// leave throws the sandbox away, whatever state it is in.
func (s *sandbox) leave() {
	if s.Pdfium != nil {
		_ = s.try(s.Close) // it is gone in any case
		s.Pdfium = nil
	}
}

// try makes an error of a panic: go-pdfium counts on answers that a broken instance does not give.
func (s *sandbox) try(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pdfium: %v", p)
		}
	}()
	return f()
}

func (s *sandbox) open(file []byte) error {
	opened, err := s.OpenDocument(&requests.OpenDocument{File: &file})
	if err != nil {
		return err
	}
	s.document = opened.Document
	counted, err := s.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: s.document})
	if err != nil {
		return err
	}
	s.count = counted.PageCount
	kind, err := s.FPDF_GetFormType(&requests.FPDF_GetFormType{Document: s.document})
	if err != nil || kind.FormType == enums.FPDF_FORMTYPE_NONE {
		return err
	}
	form, err := s.FPDFDOC_InitFormFillEnvironment(&requests.FPDFDOC_InitFormFillEnvironment{Document: s.document, FormFillInfo: still})
	if err == nil {
		s.form = &form.FormHandle
	}
	return err
}

// still is a form that nobody fills in: nothing of it is ever asked for but how it looks. This pdfium has no JavaScript
// and no XFA in it, so there is nothing else that could run.
var still = structs.FPDF_FORMFILLINFO{
	FFI_Invalidate:         func(references.FPDF_PAGE, float64, float64, float64, float64) {},
	FFI_OutputSelectedRect: func(references.FPDF_PAGE, float64, float64, float64, float64) {},
	FFI_SetCursor:          func(enums.FXCT) {},
	FFI_SetTimer:           func(int, func(int)) int { return 0 },
	FFI_KillTimer:          func(int) {},
	FFI_GetLocalTime:       func() structs.FPDF_SYSTEMTIME { return structs.FPDF_SYSTEMTIME{} },
	FFI_OnChange:           func() {},
	FFI_GetPage:            func(references.FPDF_DOCUMENT, int) *references.FPDF_PAGE { return nil },
	FFI_GetCurrentPage:     func(references.FPDF_DOCUMENT) *references.FPDF_PAGE { return nil },
	FFI_GetRotation:        func(references.FPDF_PAGE) enums.FPDF_PAGE_ROTATION { return 0 },
	FFI_ExecuteNamedAction: func(string) {},
	FFI_SetTextFieldFocus:  func(string, bool) {},
	FFI_DoURIAction:        func(string) {},
	FFI_DoGoToAction:       func(int, enums.FPDF_ZOOM_MODE, []float32) {},
}

// draw is a page, by its place from 0, or what is wrong with it. After an error the sandbox is good for nothing.
func (s *sandbox) draw(at int) (r *raster, fault *Refusal, err error) {
	err = s.try(func() (err error) {
		r, fault, err = s.render(at)
		return err
	})
	return r, fault, err
}

func (s *sandbox) render(at int) (*raster, *Refusal, error) {
	size, err := s.FPDF_GetPageSizeByIndex(&requests.FPDF_GetPageSizeByIndex{Document: s.document, Index: at})
	if err != nil {
		return nil, nil, err
	}
	long := max(size.Width, size.Height)
	if !(long <= s.gates.inches*72) { // nor is what is no number
		return nil, refuse("page-too-large"), nil
	}
	scale := min(dpi/72.0, longest/long)
	width, height := int(math.Round(size.Width*scale)), int(math.Round(size.Height*scale))
	if width < 1 || height < 1 {
		return nil, refuse("page-no-area"), nil
	}

	loaded, err := s.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: s.document, Index: at})
	if err != nil {
		return nil, nil, err
	}
	page := requests.Page{ByReference: &loaded.Page}
	images, fault, err := s.images(page)
	if fault != nil || err != nil {
		return nil, fault, errors.Join(err, s.closePage(loaded.Page))
	}
	if len(images) == 1 {
		if r := s.scanned(page, images[0], paper{float32(size.Width), float32(size.Height), width, height}); r != nil {
			return r, nil, s.closePage(loaded.Page)
		}
	}
	bitmap, err := s.FPDFBitmap_Create(&requests.FPDFBitmap_Create{Width: width, Height: height})
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.FPDFBitmap_FillRect(&requests.FPDFBitmap_FillRect{Bitmap: bitmap.Bitmap, Width: width, Height: height, Color: 0xffffffff}); err != nil {
		return nil, nil, err
	}
	const flags = enums.FPDF_RENDER_FLAG_ANNOT // and in pdfium's own order of bytes: another one takes a third longer
	if _, err := s.FPDF_RenderPageBitmap(&requests.FPDF_RenderPageBitmap{Bitmap: bitmap.Bitmap, Page: page, SizeX: width, SizeY: height, Flags: flags}); err != nil {
		return nil, nil, err
	}
	if s.form != nil {
		if _, err := s.FPDF_FFLDraw(&requests.FPDF_FFLDraw{FormHandle: *s.form, Bitmap: bitmap.Bitmap, Page: page, SizeX: width, SizeY: height, Flags: flags}); err != nil {
			return nil, nil, err
		}
	}
	stride, err := s.FPDFBitmap_GetStride(&requests.FPDFBitmap_GetStride{Bitmap: bitmap.Bitmap})
	if err != nil {
		return nil, nil, err
	}
	buffer, err := s.FPDFBitmap_GetBuffer(&requests.FPDFBitmap_GetBuffer{Bitmap: bitmap.Bitmap})
	if err != nil {
		return nil, nil, err
	}
	r := shrink(bgrx{pix: buffer.Buffer, stride: stride.Stride, width: width, height: height}, image.Pt(width, height))
	if _, err := s.FPDFBitmap_Destroy(&requests.FPDFBitmap_Destroy{Bitmap: bitmap.Bitmap}); err != nil {
		return nil, nil, err
	}
	if r.white() {
		for _, i := range images {
			if _, err := s.FPDFImageObj_GetBitmap(&requests.FPDFImageObj_GetBitmap{ImageObject: i}); err != nil {
				fault = refuse("page-damaged") // it was to show an image, and that cannot be unpacked
			}
		}
	}
	return r, fault, s.closePage(loaded.Page)
}

func (s *sandbox) closePage(page references.FPDF_PAGE) error {
	_, err := s.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: page})
	return err
}

// mostObjects is how many objects of a page are looked at for images. A scanned page has a few.
const mostObjects = 1000

// images are those on a page. One that is too large would silently be left out of the picture.
func (s *sandbox) images(page requests.Page) (found []references.FPDF_PAGEOBJECT, fault *Refusal, err error) {
	counted, err := s.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	if err != nil {
		return nil, nil, err
	}
	for i := range min(counted.Count, mostObjects) {
		object, err := s.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: page, Index: i})
		if err != nil {
			return nil, nil, err
		}
		kind, err := s.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: object.PageObject})
		if err != nil {
			return nil, nil, err
		}
		if kind.Type != enums.FPDF_PAGEOBJ_IMAGE {
			continue
		}
		found = append(found, object.PageObject)
		size, err := s.FPDFImageObj_GetImagePixelSize(&requests.FPDFImageObj_GetImagePixelSize{ImageObject: object.PageObject})
		if err == nil && int(size.Width)*int(size.Height) > s.gates.pixels {
			return nil, refuse("too-many-pixels"), nil
		}
	}
	return found, nil, nil
}
