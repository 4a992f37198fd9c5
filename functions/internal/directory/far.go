package directory

import (
	"cmp"
	"slices"
	"strings"

	"example.org/optout/functions/internal/nhs"
)

// Far says that a practice is hardly that of a person who lives at this postcode, so that a page may ask whether it is.
// It refuses nothing: people do stay with a practice when they move. Where nothing is known, nobody is asked: not about
// an unknown practice, without a postcode, or from an area without any open practice (most of Scotland, Northern
// Ireland, the Channel Islands, the Isle of Man, the forces' BF and BFPO).
//
// The file has no coordinates. It has postcode areas, the letters before the first digit, and an area is near itself
// and every area that it shares a place with: open practices of both stand in one district, one county or one town
// (see places). Of all pairs of a practice and another one's postcode 9 % are near; a slip between them goes unasked.
// Neighbours between which every kind of border runs at once are far to it, such as Luton and St Albans, or Watford and
// Harrow: people there may be asked once too often.
func (d *Directory) Far(code nhs.ODSCode, home nhs.Postcode) bool {
	p, _ := d.Find(code)
	here, there := area(p.Postcode.Text()), area(home.Text())
	near := d.near()
	return near[[2]string{here, here}] && near[[2]string{there, there}] && !near[[2]string{here, there}]
}

// area is the area of a postcode; "" of none.
func area(postcode string) string {
	return postcode[:max(0, strings.IndexAny(postcode, "0123456789"))]
}

// newNear gives all pairs of areas that share a place, in either order, and each with itself.
func newNear(text string, rows []row) map[[2]string]bool {
	areas := map[string][]string{} // of a place
	for _, r := range rows {
		l := line(text[r.from:r.to])
		if l.status() != Open {
			continue
		}
		f := l.fields()
		a := area(f[fieldPostcode])
		for _, place := range places(l, f) {
			if known := areas[place]; place != "" && !slices.Contains(known, a) {
				areas[place] = append(known, a)
			}
		}
	}
	near := map[[2]string]bool{}
	for _, together := range areas {
		for _, a := range together {
			for _, b := range together {
				near[[2]string{a, b}] = true
			}
		}
	}
	return near
}

// places are where a practice stands, as far as they bring neighbours together and nobody else. In the file of 2023:
//
//   - The district, which the first three characters of a code stand for (A81 is Cleveland, H85 the south west of
//     London), shows 312 pairs of neighbours. Codes whose second character is 0 are given out one after the other
//     wherever a practice opens, and stand for no place: by them Truro would be near Sunderland.
//   - The county shows 34 more. By itself it is not enough: 1,997 of 6,348 addresses in England name none, all of
//     London among them.
//   - The town counts where no county is named, and shows 26 more, all in London. Where one is, a town is often one
//     name for several: 10 of the 16 towns with two areas are (ASHFORD in Kent and in Middlesex).
func places(l line, f [fieldCount]string) [2]string {
	district := l.code()[:3]
	if l[1] == '0' {
		district = ""
	}
	return [2]string{district, cmp.Or(f[fieldCounty], f[fieldTown])}
}
