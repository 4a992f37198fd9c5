package scantest

import (
	"encoding/binary"
	"fmt"
	"image"
)

// Sample is a file that a test would take long to make while it is watched for races.
type Sample struct {
	Name string
	Make func() []byte
}

// Samples are all of them. Those whose names end in raw are for Picture; form is the first Form.
func Samples() (all []Sample) {
	form := Form(1)
	add := func(name string, make func() []byte) { all = append(all, Sample{name, make}) }
	add("form.raw", func() []byte { return raw(form) })
	add("form.pdf", func() []byte { return PDF(form) })
	add("form.png", func() []byte { return PNG(form) })
	add("form.jpeg", func() []byte { return JPEG(form, 0) })
	add("photograph.jpeg", func() []byte { return Photograph(form) })
	add("front and back.pdf", func() []byte { return PDF(form, Paper(4, true)) })
	add("front and back.tiff", func() []byte { return TIFF(Group4, form, Paper(4, true)) })
	for seed := range uint64(2) {
		add(fmt.Sprintf("paper %d.raw", seed), func() []byte { return raw(Paper(seed, seed%2 == 0)) })
	}
	for seed := range uint64(4) {
		add(fmt.Sprintf("pencil %d.raw", seed), func() []byte { return raw(Pencil(seed, PencilOf(seed))) })
	}
	return all
}

// PencilOf is how many shades the pencil of a sample is darker than its paper.
func PencilOf(seed uint64) uint8 { return uint8(14 + 4*(seed%3)) }

func raw(m *image.RGBA) []byte {
	size := binary.LittleEndian.AppendUint32(nil, uint32(m.Rect.Dx()))
	return append(size, m.Pix...)
}

// Picture is a raw sample.
func Picture(file []byte) *image.RGBA {
	wide := int(binary.LittleEndian.Uint32(file))
	pix := file[4:]
	return &image.RGBA{Pix: pix, Stride: 4 * wide, Rect: image.Rect(0, 0, wide, len(pix)/(4*wide))}
}
