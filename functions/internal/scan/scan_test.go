package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"example.org/optout/functions/internal/scan/scantest"
)

func decode(t *testing.T, file []byte) image.Image {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func shade(c color.Color) float64 { return float64(color.GrayModel.Convert(c).(color.Gray).Y) }

// apart is the mean difference of two images of a size, in shades from 0 to 255, looking at every seventh pixel.
func apart(t *testing.T, a, b image.Image) float64 {
	t.Helper()
	if a.Bounds().Size() != b.Bounds().Size() {
		t.Errorf("one is %v, the other %v", a.Bounds().Size(), b.Bounds().Size())
		return math.Inf(1)
	}
	sum, n := 0.0, 0
	for y := 0; y < a.Bounds().Dy(); y += 7 {
		for x := 0; x < a.Bounds().Dx(); x += 7 {
			sum += math.Abs(shade(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y)) - shade(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y)))
			n++
		}
	}
	return sum / float64(n)
}

func TestAScannedFormIsDrawnAsItIs(t *testing.T) {
	t.Parallel()
	form := picture(t, "form")
	for _, kind := range []Kind{PDF, PNG, JPEG} {
		p := pagesOf(t, sample(t, "form."+string(kind)))[0]
		if p.Width != 1654 || p.Height != 2339 || p.Number != 1 || p.Blank || p.Fault != nil {
			t.Errorf("%s: page %d is %d × %d, blank %v, fault %v", kind, p.Number, p.Width, p.Height, p.Blank, p.Fault)
		}
		if kb := len(p.JPEG) >> 10; kb < 100 || kb > 420 {
			t.Errorf("%s: the page has %d KB", kind, kb)
		}
		m := decode(t, p.JPEG)
		if d := apart(t, m, form); d > 3.5 {
			t.Errorf("%s: it is %.1f shades from what was scanned", kind, d)
		}
		if _, coloured := m.(*image.YCbCr); !coloured {
			t.Errorf("%s: the ink has lost its blue", kind)
		}
	}
}

func TestEveryPackingOfATIFFIsRead(t *testing.T) {
	t.Parallel()
	all := picture(t, "form").SubImage(image.Rect(100, 150, 900, 700))
	grey := image.NewGray(image.Rect(0, 0, 800, 550))
	for y := range 550 {
		for x := range 800 {
			grey.Set(x, y, all.At(100+x, 150+y))
		}
	}
	for _, c := range []scantest.Compression{scantest.Unpacked, scantest.PackBits, scantest.LZW, scantest.Deflate, scantest.Group4} {
		pages := pagesOf(t, scantest.TIFF(c, image.NewGray(image.Rect(0, 0, 90, 60)), grey))
		if len(pages) != 2 || pages[0].Width != 90 || pages[1].Number != 2 {
			t.Fatalf("packing %d: %d pages, the first %d wide", c, len(pages), pages[0].Width)
		}
		want, most := image.Image(grey), 3.5
		if c == scantest.Group4 {
			black := image.NewGray(grey.Rect)
			for i, v := range grey.Pix {
				if v >= 128 {
					black.Pix[i] = 255
				}
			}
			want = black
		}
		m := decode(t, pages[1].JPEG)
		if d := apart(t, m, want); d > most {
			t.Errorf("packing %d: it is %.1f shades from what was scanned", c, d)
		}
		if _, isGrey := m.(*image.Gray); !isGrey {
			t.Errorf("packing %d: a page in grey is stored in colour", c)
		}
	}
}

// A corner of the upright image is dark; where it is in the file is what EXIF calls the orientation.
func TestAPhotographIsTurnedUpright(t *testing.T) {
	t.Parallel()
	for orientation, dark := range map[int]image.Point{
		0: {0, 0}, 1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {0, 1}, 7: {1, 1}, 8: {1, 0},
	} {
		lying := image.NewGray(image.Rect(0, 0, 160, 96))
		for y := range 96 {
			for x := range 160 {
				lying.Pix[y*160+x] = 230
				if x/80 == dark.X && y/48 == dark.Y {
					lying.Pix[y*160+x] = 20
				}
			}
		}
		m := decode(t, pagesOf(t, scantest.JPEG(lying, orientation))[0].JPEG)
		w, h := 160, 96
		if orientation > 4 {
			w, h = h, w
		}
		if m.Bounds().Dx() != w || m.Bounds().Dy() != h {
			t.Errorf("orientation %d: it is %v", orientation, m.Bounds())
		}
		for _, c := range []image.Point{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
			is := shade(m.At(w/4+c.X*w/2, h/4+c.Y*h/2)) < 100
			if is != (c == image.Point{}) {
				t.Errorf("orientation %d: corner %v is dark: %v", orientation, c, is)
			}
		}
	}
	p := pagesOf(t, sample(t, "photograph.jpeg"))[0]
	if p.Width != 1800 || p.Height != 2400 || p.Blank {
		t.Errorf("a phone's photograph is %d × %d, blank %v", p.Width, p.Height, p.Blank)
	}
}

func TestLargePagesAreScaledDownAndSmallOnesAreNotScaledUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{3000, 2250, 2400, 1800}, {2400, 10, 2400, 10}, {2401, 10, 2400, 10}, {120, 80, 120, 80}, {1, 1, 1, 1}, {60_000, 2, 2400, 1}, {3, 5000, 1, 2400},
	} {
		m := image.NewGray(image.Rect(0, 0, c.w, c.h))
		for i := range m.Pix {
			m.Pix[i] = uint8(i % c.w * 255 / c.w)
		}
		r := shrink(read(m), fits(m.Bounds().Size()))
		if r.width != c.wantW || r.height != c.wantH || r.cb != nil {
			t.Errorf("%d × %d becomes %d × %d, in colour %v", c.w, c.h, r.width, r.height, r.cb != nil)
		}
		for _, x := range []int{0, r.width / 3, r.width - 1} { // a slope stays one
			if got, want := float64(r.y[x]), (float64(x)+0.5)*255/float64(r.width); math.Abs(got-want) > 2 && r.width > 3 {
				t.Errorf("%d × %d: pixel %d is %.0f, want %.1f", c.w, c.h, x, got, want)
			}
		}
	}
	typed := pagesOf(t, scantest.Letter("One line."))[0]
	if typed.Width != 1654 || typed.Height != 2339 {
		t.Errorf("a typed page is %d × %d", typed.Width, typed.Height)
	}
}

func TestWhatIsTransparentIsOnWhitePaper(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	for i := range 40 {
		m.SetNRGBA(i, 20, color.NRGBA{0, 0, 0, 255})
	}
	d := decode(t, pagesOf(t, scantest.PNG(m))[0].JPEG)
	if paper, ink := shade(d.At(20, 5)), shade(d.At(20, 20)); paper < 245 || ink > 60 {
		t.Errorf("the paper is %.0f, the ink %.0f", paper, ink)
	}
}

func TestOnlyEmptyPagesAreBlank(t *testing.T) {
	t.Parallel()
	blank := func(m *image.RGBA) bool { return shrink(read(m), m.Bounds().Size()).blank() }
	for seed := range uint64(2) {
		if !blank(picture(t, fmt.Sprint("paper ", seed))) {
			t.Errorf("paper %d, punched %v, is not blank", seed, seed%2 == 0)
		}
	}
	for seed := range uint64(4) {
		if blank(picture(t, fmt.Sprint("pencil ", seed))) {
			t.Errorf("pencil %d, %d shades darker than its paper, is blank", seed, scantest.PencilOf(seed))
		}
	}
	if blank(picture(t, "form")) {
		t.Error("a form is blank")
	}
	black := image.NewRGBA(image.Rect(0, 0, 800, 1200))
	for i := range black.Pix {
		black.Pix[i] = map[bool]uint8{true: 255, false: 10}[i%4 == 3]
	}
	if blank(black) {
		t.Error("a black page is blank, and nobody looks at it")
	}
	small := image.NewRGBA(image.Rect(0, 0, 20, 20))
	if blank(small) {
		t.Error("a page that is too small to tell is blank")
	}
}

func TestABlankBackOfAFormIsBlankInEveryKindOfFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pdf", "tiff"} {
		p := pagesOf(t, sample(t, "front and back."+name))
		if p[0].Blank || !p[1].Blank {
			t.Errorf("%s: the front is blank %v, the back %v", name, p[0].Blank, p[1].Blank)
		}
	}
	if p := pagesOf(t, scantest.Letter(""))[0]; !p.Blank {
		t.Error("an empty typed page is not blank")
	}
}

// A page that is one JPEG is taken as it is, in its own size; but only if nothing else would be seen of it.
func TestWhatIsOddAboutAScannedPageIsSeen(t *testing.T) {
	t.Parallel()
	const dark, light, white = 30, 220, 255
	m := image.NewGray(image.Rect(0, 0, 396, 594)) // a little less than a page of 2 by 3 inches has
	for i := range m.Pix {
		m.Pix[i] = light
		if x, y := i%396, i/396; x < 198 && y < 297 {
			m.Pix[i] = dark
		}
	}
	whole := "q 144 0 0 216 0 0 cm /I Do Q"
	off := []string{"<</Type/OCG/Name(x)>>"}
	e := open(t)
	for name, c := range map[string]struct {
		odd           scantest.Odd
		width, height int
		corners       [4]float64 // its quarters: left and right above, left and right below
	}{
		"nothing":                  {scantest.Odd{}, 396, 594, [4]float64{dark, light, light, light}},
		"a name for the image":     {scantest.Odd{Image: "/Name/Im0/Interpolate true"}, 396, 594, [4]float64{dark, light, light, light}},
		"its shades turned round":  {scantest.Odd{Image: "/Decode[1 0]"}, 400, 600, [4]float64{255 - dark, 255 - light, 255 - light, 255 - light}},
		"a mask of nothing":        {scantest.Odd{Image: "/SMask 5 0 R", More: []string{"<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1>>\nstream\n\x00\nendstream"}}, 400, 600, [4]float64{white, white, white, white}},
		"a shade that is masked":   {scantest.Odd{Image: "/Mask[200 255]"}, 400, 600, [4]float64{dark, white, white, white}},
		"a page that is turned":    {scantest.Odd{Page: "/Rotate 90"}, 600, 400, [4]float64{light, dark, light, light}},
		"a part of the page":       {scantest.Odd{Page: "/CropBox[0 0 72 216]"}, 200, 600, [4]float64{dark, dark, light, light}},
		"upside down":              {scantest.Odd{Content: "q 144 0 0 -216 0 216 cm /I Do Q"}, 400, 600, [4]float64{light, light, dark, light}},
		"half of the page":         {scantest.Odd{Content: "q 144 0 0 108 0 0 cm /I Do Q"}, 400, 600, [4]float64{white, white, -1, light}},
		"beside the page":          {scantest.Odd{Content: "q 144 0 0 216 72 0 cm /I Do Q"}, 400, 600, [4]float64{white, dark, white, light}},
		"cut off":                  {scantest.Odd{Content: "0 0 72 216 re W n " + whole}, 400, 600, [4]float64{dark, white, light, white}},
		"something over it":        {scantest.Odd{Content: whole + " 0 g 72 0 72 107 re f"}, 400, 600, [4]float64{dark, light, light, 0}},
		"something under it":       {scantest.Odd{Content: "0 g 0 0 144 216 re f " + whole}, 400, 600, [4]float64{dark, light, light, light}},
		"twice, smaller":           {scantest.Odd{Content: whole + " q 72 0 0 108 72 0 cm /I Do Q"}, 400, 600, [4]float64{dark, light, light, -1}},
		"nothing to be seen of it": {scantest.Odd{Content: "q /G gs 595.28 0 0 841.89 0 0 cm /I Do Q"}, 400, 600, [4]float64{white, white, white, white}},
		"in a layer":               {scantest.Odd{Content: "/OC /L BDC " + whole + " EMC", More: off}, 400, 600, [4]float64{dark, light, light, light}},
		"a note on the page":       {scantest.Odd{Page: "/Annots[<</Type/Annot/Subtype/Square/Rect[73 4 143 106]/F 4/IC[0 0 0]/AP<</N 5 0 R>>>>]", More: []string{"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 18>>\nstream\n0 g 0 0 1 1 re f  \nendstream"}}, 400, 600, [4]float64{dark, light, light, 0}},
	} {
		var pages []Page
		if s, err := e.Read(t.Context(), scantest.OddPDF(m, c.odd), func(p Page) error { pages = append(pages, p); return nil }); err != nil || s.Pages != 1 {
			t.Errorf("%s: %+v, %v", name, s, err)
			continue
		}
		if p := pages[0]; p.Width != c.width || p.Height != c.height || p.Fault != nil {
			t.Errorf("%s: the page is %d × %d, %v", name, p.Width, p.Height, p.Fault)
			continue
		}
		picture := decode(t, pages[0].JPEG)
		for n, want := range c.corners {
			x, y := c.width/4+n%2*c.width/2, c.height/4+n/2*c.height/2
			if got := shade(picture.At(x, y)); want >= 0 && math.Abs(got-want) > 4 {
				t.Errorf("%s: quarter %d is %.0f, want %.0f", name, n, got, want)
			}
		}
	}
	// The same bytes twice: which dictionary is whose, nobody says.
	var widths []int
	if _, err := e.Read(t.Context(), scantest.OddPDF(m, scantest.Odd{}, scantest.Odd{Image: "/Decode[1 0]"}), func(p Page) error { widths = append(widths, p.Width); return nil }); err != nil || !slices.Equal(widths, []int{400, 400}) {
		t.Errorf("the same bytes twice: %v, %v", widths, err)
	}
}

// What somebody types into a PDF's fields is on the page, although it is not in it.
func TestFieldsOfAPDFAreDrawn(t *testing.T) {
	t.Parallel()
	p := pagesOf(t, scantest.FilledPDF("Jo Sample"))[0]
	dark := 0
	m := decode(t, p.JPEG)
	for y := 300; y < 410; y++ {
		for x := 270; x < 700; x++ {
			if shade(m.At(x, y)) < 100 {
				dark++
			}
		}
	}
	if dark < 500 || p.Blank {
		t.Errorf("%d pixels of it are dark, blank %v", dark, p.Blank)
	}
}

func TestPagesThatCannotBeDrawnKeepTheirPlace(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(hostile(t, "a PDF with a page of 26 inches among others"))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pagesOf(t, file) {
		if p.Number != i+1 || (p.Fault != nil) != (i == 1) || (p.JPEG == nil) != (i == 1) {
			t.Errorf("place %d: page %d, fault %v, %d bytes", i, p.Number, p.Fault, len(p.JPEG))
		}
	}
}

func TestOnlyTheFilesOwnTimeIsItsFault(t *testing.T) {
	t.Parallel()
	slow, err := os.ReadFile(hostile(t, "a PDF with 400 images of 30 million pixels on a page"))
	if err != nil {
		t.Fatal(err)
	}
	e := open(t)
	e.time = time.Second
	start := time.Now()
	_, err = e.Read(t.Context(), slow, func(Page) error { return nil })
	if r, ok := errors.AsType[*Refusal](err); !ok || r.Code != "takes-too-long" {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = e.Read(ctx, slow, func(Page) error { return nil })
	if _, refused := errors.AsType[*Refusal](err); refused || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's time is over, and it says %v", err)
	}
	e.time = time.Minute // a busy machine's fault is not the file's
	if s, err := e.Read(t.Context(), scantest.Letter("x"), func(Page) error { return nil }); err != nil || s.Pages != 1 {
		t.Errorf("the next file: %+v, %v", s, err)
	}
}

func TestASandboxThatDiesIsNotTheFilesFault(t *testing.T) {
	t.Parallel()
	e := open(t)
	e.next.kill()
	_, err := e.Read(t.Context(), scantest.Letter("x"), func(Page) error { return nil })
	if _, refused := errors.AsType[*Refusal](err); refused || err == nil {
		t.Errorf("it says %v", err)
	}
	if s, err := e.Read(t.Context(), scantest.Letter("x"), func(Page) error { return nil }); err != nil || s.Pages != 1 {
		t.Errorf("the next file: %+v, %v", s, err)
	}
	for _, program := range []string{"/bin/true", "/nowhere"} {
		if _, err := OpenProgram(program, ""); err == nil {
			t.Errorf("%s is no sandbox, and opens", program)
		}
	}
}

// Keys and addresses of ours are in the environment.
func TestTheSandboxHasNoEnvironment(t *testing.T) {
	t.Parallel()
	e := open(t)
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", e.next.cmd.Process.Pid))
	if err != nil || len(environment) > 0 {
		t.Errorf("%q, %v", environment, err)
	}
}

func TestAnErrorOfTheCallbackEndsTheFile(t *testing.T) {
	t.Parallel()
	full := errors.New("the bucket is full")
	calls := 0
	s, err := open(t).Read(t.Context(), scantest.Letter("x", "y"), func(Page) error { calls++; return full })
	if _, refused := errors.AsType[*Refusal](err); refused || !errors.Is(err, full) || calls != 1 || s.Kind != PDF {
		t.Errorf("%d calls, %+v, %v", calls, s, err)
	}
}

// Without a configuration, or with a folder in it, pdfium could read the machine's files.
func TestTheSandboxHasNoFiles(t *testing.T) {
	t.Parallel()
	if noFiles == nil || !reflect.DeepEqual(noFiles, wazero.NewFSConfig()) || reflect.DeepEqual(noFiles, wazero.NewFSConfig().WithDirMount("/", "/")) {
		t.Errorf("it has %+v", noFiles)
	}
}

// A strip that unpacks to more than it has pixels for is found before it is unpacked into memory.
func TestBlocksThatUnpackToTooMuchAreFound(t *testing.T) {
	t.Parallel()
	m := image.NewGray(image.Rect(0, 0, 400, 300))
	for _, c := range []scantest.Compression{scantest.PackBits, scantest.LZW, scantest.Deflate} {
		for _, rows := range []int{300, 1} {
			file := scantest.TIFF(c, m)
			all, err := directories(file)
			if err != nil {
				t.Fatal(err)
			}
			d := all[0]
			d.order.PutUint32(d.entries[tagHeight][8:], uint32(rows))
			if got, want := d.unpacks(t.Context(), 0), rows == 300; got != want {
				t.Errorf("packing %d, %d rows of 300: %v", c, rows, got)
			}
		}
	}
}

func ExampleRefusal() {
	e := &Engine{} // one that Open made, for anything but this
	_, err := e.Read(context.Background(), []byte("Dear practice"), func(Page) error { return nil })
	if r, ok := errors.AsType[*Refusal](err); ok {
		fmt.Println(r.Code)
		fmt.Println(r.Detail())
	}
	// Output:
	// kind-unknown
	// This file is no PDF, JPEG, PNG or TIFF, whatever its name says. Scan the paper into one of these and send that.
}
