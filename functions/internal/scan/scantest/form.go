package scantest

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// A4 at 200 dots an inch.
const (
	pageWidth  = 1654
	pageHeight = 2339
)

// Filled is what stands in the fields of a form, in somebody's hand. The fields are strings: people write what they like.
type Filled struct {
	Title, Surname, Forenames, BirthDate, Number string
	Address                                      [3]string
	Postcode, Practice                           string
	Choice                                       int // 0 none is ticked; 1 no record; 2 core only; 3 core and additional
	Signed, On                                   string
}

// Fill is somebody made up. NHS numbers are of those that are never given to people.
func Fill(seed uint64) Filled {
	r := rand.New(rand.NewPCG(seed, 1))
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	f := Filled{
		Title: one("Mrs", "Mr", "Ms", "Dr"), Surname: one("Sample", "Hawthorne", "Okafor", "O'Brien", "Lindqvist", "Patel-Moss"),
		Forenames: one("Jo", "Margaret Ann", "Tomasz", "Ifeoma", "Ravi", "Siân"),
		BirthDate: fmt.Sprintf("%d / %d / %d", 1+r.IntN(28), 1+r.IntN(12), 1930+r.IntN(75)),
		Number:    number(r), Address: [3]string{fmt.Sprintf("%d %s", 1+r.IntN(120), one("Mill Lane", "Station Road", "Orchard Close")), one("Little Example", "Sampleton", ""), one("Leeds", "Hull", "Truro")},
		Postcode: one("LS1 4AP", "HU1 2AA", "TR1 2HX"), Practice: one("The Health Centre", "Dr Sharma, Park View", "A81001"),
		Choice: 1 + r.IntN(3), On: fmt.Sprintf("%d.%d.26", 1+r.IntN(28), 1+r.IntN(11)),
	}
	f.Signed = f.Forenames[:1] + ". " + f.Surname
	return f
}

// number is an NHS number with the right check digit that begins with 9.
func number(r *rand.Rand) string {
	for {
		n, sum := 900_000_000+r.IntN(99_999_999), 0
		for i, c := range fmt.Sprint(n) {
			sum += int(c-'0') * (10 - i)
		}
		if check := (11 - sum%11) % 11; check < 10 {
			s := fmt.Sprintf("%d%d", n, check)
			return s[:3] + " " + s[3:6] + " " + s[6:]
		}
	}
}

// Form is a page that somebody filled in with a pen and put on a scanner: A4, 200 dots an inch, a little askew, with
// the scanner's noise.
func Form(seed uint64) *image.RGBA { return FormOf(Fill(seed), seed) }

// FormOf is a form with what somebody wrote on it; the seed only moves the hand and the scanner.
func FormOf(f Filled, seed uint64) *image.RGBA {
	p := newPaper()
	p.print(gobold.TTF, 44, 120, 190, "Opt out of a Summary Care Record")
	p.print(goregular.TTF, 26, 120, 245, "Fill in this form in black or blue ink and give it to your GP practice, or send it to us.")
	p.print(goregular.TTF, 26, 120, 280, "Form SCR-1, page 1 of 1")
	h := hand{Rand: rand.New(rand.NewPCG(seed, 2)), ink: color.RGBA{24, 34, 110, 255}}
	for i, field := range []struct{ label, value string }{
		{"Title", f.Title},
		{"Surname or family name", f.Surname},
		{"Forename(s)", f.Forenames},
		{"Date of birth (day, month, year)", f.BirthDate},
		{"NHS number, if known", f.Number},
		{"Address", f.Address[0]},
		{"", f.Address[1]},
		{"", f.Address[2]},
		{"Postcode", f.Postcode},
		{"GP practice", f.Practice},
	} {
		y := 350 + 100*i
		p.print(goregular.TTF, 28, 120, y+52, field.label)
		p.box(image.Rect(620, y, 1534, y+80))
		h.write(p, 56, 645, y+60, field.value)
	}
	p.print(gobold.TTF, 32, 120, 1420, "My choice (tick one box)")
	for i, choice := range []string{
		"I do not want a Summary Care Record.", "I want a record of medicines, allergies and reactions only.", "I want a record with additional information.",
	} {
		y := 1460 + 90*i
		p.box(image.Rect(120, y, 180, y+60))
		p.print(goregular.TTF, 28, 210, y+42, choice)
		if f.Choice == i+1 {
			h.stroke(p, 5, 128, y+32, 146, y+56, 196, y-14)
		}
	}
	p.print(goregular.TTF, 28, 120, 1860, "Signature")
	p.box(image.Rect(620, 1790, 1534, 1910))
	h.write(p, 84, 660, 1880, f.Signed)
	h.stroke(p, 4, 640, 1895, 800, 1885, 1000, 1900, 1130, 1870)
	p.print(goregular.TTF, 28, 120, 2000, "Date")
	p.box(image.Rect(620, 1950, 1100, 2030))
	h.write(p, 56, 645, 2010, f.On)
	p.print(goregular.TTF, 22, 120, 2230, "This is a made-up form for tests. Nobody of this name is known to us.")
	return p.scanned(seed)
}

// Paper is an empty page as a scanner sees it: noise, grey edges, and punch holes if there are any.
func Paper(seed uint64, holes bool) *image.RGBA {
	p := newPaper()
	if holes {
		for _, y := range []int{pageHeight/2 - 315, pageHeight/2 + 315} { // 80 mm apart, 12 mm from the edge, 6 mm wide
			p.disc(94, y, 24, color.RGBA{70, 70, 72, 255})
		}
	}
	for y := range pageHeight { // what is beside the paper
		for x := range 9 {
			p.Set(x, y, color.RGBA{uint8(120 + 12*x), uint8(120 + 12*x), uint8(122 + 12*x), 255})
		}
	}
	return p.scanned(seed)
}

// Pencil is an empty page, but for one faint tick or short line of pencil: contrast is how much darker than the paper it
// is, from 0 to 255.
func Pencil(seed uint64, contrast uint8) *image.RGBA {
	p := newPaper()
	r := rand.New(rand.NewPCG(seed, 3))
	h := hand{Rand: r, ink: color.RGBA{250 - contrast, 250 - contrast, 250 - contrast, 255}}
	x, y := 200+r.IntN(1200), 200+r.IntN(1900)
	if r.IntN(2) == 0 {
		h.stroke(p, 3, x, y, x+14, y+18, x+44, y-26)
	} else {
		h.stroke(p, 3, x, y, x+60+r.IntN(40), y+r.IntN(12)-6)
	}
	return p.scanned(seed)
}

type paper struct{ *image.RGBA }

func newPaper() paper {
	p := paper{image.NewRGBA(image.Rect(0, 0, pageWidth, pageHeight))}
	draw.Draw(p, p.Rect, image.NewUniform(color.RGBA{250, 250, 250, 255}), image.Point{}, draw.Src)
	return p
}

var (
	faces = map[string]font.Face{}
	lock  sync.Mutex // faces draw one letter at a time
)

func face(ttf []byte, size float64) font.Face {
	key := fmt.Sprintf("%p %v", &ttf[0], size)
	if faces[key] == nil {
		parsed, err := opentype.Parse(ttf)
		must(err)
		faces[key], err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72})
		must(err)
	}
	return faces[key]
}

func (p paper) print(ttf []byte, size float64, x, y int, text string) {
	lock.Lock()
	defer lock.Unlock()
	d := font.Drawer{Dst: p, Src: image.NewUniform(color.RGBA{30, 30, 30, 255}), Face: face(ttf, size), Dot: fixed.P(x, y)}
	d.DrawString(text)
}

// box is a field's: its lines are light, as they are on forms that are read by machines.
func (p paper) box(r image.Rectangle) {
	line := image.NewUniform(color.RGBA{205, 214, 224, 255})
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+3)},
		{image.Pt(r.Min.X, r.Max.Y-3), r.Max},
		{r.Min, image.Pt(r.Min.X+3, r.Max.Y)},
		{image.Pt(r.Max.X-3, r.Min.Y), r.Max},
	} {
		draw.Draw(p, side, line, image.Point{}, draw.Src)
	}
}

func (p paper) disc(cx, cy, radius int, c color.RGBA) {
	for y := -radius; y <= radius; y++ {
		for x := -radius; x <= radius; x++ {
			if x*x+y*y <= radius*radius {
				p.SetRGBA(cx+x, cy+y, c)
			}
		}
	}
}

// hand writes: no letter stands quite where it should.
type hand struct {
	*rand.Rand
	ink color.RGBA
}

func (h hand) write(p paper, size float64, x, y int, text string) {
	lock.Lock()
	defer lock.Unlock()
	d := font.Drawer{Dst: p, Src: image.NewUniform(h.ink), Dot: fixed.P(x, y)}
	for _, letter := range text {
		d.Face = face(goitalic.TTF, size+float64(h.IntN(4)*2-3))
		d.Dot.Y = fixed.I(y + h.IntN(9) - 4)
		d.DrawString(string(letter))
		d.Dot.X += fixed.I(h.IntN(6) - 1)
	}
}

// stroke goes from point to point with a pen of a width.
func (h hand) stroke(p paper, width int, points ...int) {
	for i := 0; i+3 < len(points); i += 2 {
		x0, y0, x1, y1 := float64(points[i]), float64(points[i+1]), float64(points[i+2]), float64(points[i+3])
		n := int(math.Hypot(x1-x0, y1-y0)) + 1
		for s := range n + 1 {
			t := float64(s) / float64(n)
			wobble := math.Sin(t*9) * 1.2
			cx, cy := int(x0+(x1-x0)*t+wobble), int(y0+(y1-y0)*t-wobble)
			draw.Draw(p, image.Rect(cx, cy, cx+width, cy+width), image.NewUniform(h.ink), image.Point{}, draw.Src)
		}
	}
}

// scanned turns the page by less than a degree and adds a scanner's noise. It shares nothing, and watched for races it
// would take ten times as long.
//
//go:norace
func (p paper) scanned(seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 4))
	angle := (r.Float64() - 0.5) * 0.016
	sin, cos := math.Sincos(angle)
	out := image.NewRGBA(p.Rect)
	var noise [1 << 12]int8
	for i := range noise {
		noise[i] = int8(math.Round(r.NormFloat64() * 3))
	}
	shift := uint32(seed)*2654435761 + 12345
	for y := range pageHeight {
		fy := float64(y - pageHeight/2)
		sx, sy := -cos*pageWidth/2-sin*fy+pageWidth/2, -sin*pageWidth/2+cos*fy+pageHeight/2
		for x := range pageWidth {
			x0, y0 := int(sx+0.5), int(sy+0.5)
			sx, sy = sx+cos, sy+sin
			c := [3]uint8{250, 250, 250}
			if x0 >= 0 && y0 >= 0 && x0 < pageWidth && y0 < pageHeight {
				copy(c[:], p.Pix[y0*p.Stride+4*x0:])
			}
			shift = shift*1664525 + 1013904223
			n := int(noise[shift>>20])
			o := out.Pix[y*out.Stride+4*x:]
			for i := range 3 {
				o[i] = uint8(max(0, min(255, int(c[i])+n)))
			}
			o[3] = 255
		}
	}
	return out
}
