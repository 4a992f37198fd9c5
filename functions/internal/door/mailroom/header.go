package mailroom

import (
	"html/template"
	"image/color"
	"net/http"
	"strings"

	"github.com/boombuler/barcode/qr"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/signin"
)

// header is the sheet that lies on top of a batch's paper: GET /mailroom/batches/{batch}/header.
func (d *Door) header(w http.ResponseWriter, _ *http.Request, s signin.Session, b batch.Batch) {
	v := headerView{
		At: batchAt(b.ID, ""), Reference: batch.Show(b.ID), Code: codeOf(b.ID), Box: b.Box, Sequence: b.Sequence, Declared: b.Declared,
		Opened: staff.Moment(b.Opened), Destroy: staff.Day(b.Destroy),
	}
	for n := 1; n <= b.Declared; n++ {
		v.Envelopes = append(v.Envelopes, n)
	}
	d.house.Show(w, s, staff.Page{Name: "header", Title: "Batch header sheet", Plain: true, Wide: true, Data: v})
}

type headerView struct {
	At, Reference      string
	Code               template.HTML
	Box                string
	Sequence, Declared int
	Opened, Destroy    string
	Envelopes          []int
}

// codeOf is a batch's reference as a QR code of 3 cm: BATCH- and its 17 characters, of which a quarter may be spoilt.
func codeOf(id string) template.HTML {
	code, err := qr.Encode("BATCH-"+id, qr.Q, qr.AlphaNumeric)
	if err != nil {
		panic("a reference is letters and digits: " + err.Error())
	}
	size := code.Bounds().Dx()
	const quiet = 4 // modules around a code that stay white (ISO/IEC 18004)
	var path strings.Builder
	for y := range size {
		for x := range size {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128 {
				path.WriteString("M" + itoa(x+quiet) + " " + itoa(y+quiet) + "h1v1h-1z")
			}
		}
	}
	side := itoa(size + 2*quiet)
	return template.HTML(`<svg role="img" aria-label="The reference as a code for scanners" width="38mm" height="38mm" viewBox="0 0 ` + side + ` ` + side + `" shape-rendering="crispEdges">` +
		`<path fill="#fff" d="M0 0h` + side + `v` + side + `H0z"/><path d="` + path.String() + `"/></svg>`)
}
