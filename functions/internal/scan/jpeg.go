package scan

import (
	"bytes"
	"encoding/binary"
)

// header is what the markers of a JPEG say before its pixels (ITU-T T.81; EXIF: CIPA DC-008).
type header struct {
	orientation   int // 1 to 8, 1 unless said
	width, height int
	samples       [][2]int // of each component: across and down in a unit
	progressive   bool
	rgb           bool // its colours are decoded once more
}

// scanJPEG reads markers up to the first pixels. What it cannot read it leaves to the decoder to refuse.
func scanJPEG(file []byte) header {
	h := header{orientation: 1}
	for at := 2; at+4 <= len(file); {
		if file[at] != 0xff {
			at++ // as the decoder does
			continue
		}
		marker := file[at+1]
		if marker == 0xff || marker == 0 || marker == 0x01 || marker >= 0xd0 && marker <= 0xd8 {
			at++
			continue
		}
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		if size < 2 || at+2+size > len(file) {
			return h
		}
		body := file[at+4 : at+2+size]
		switch {
		case marker == 0xda || marker == 0xd9: // pixels; the end
			return h
		case marker >= 0xc0 && marker <= 0xc2 && len(body) >= 6:
			h.progressive = marker == 0xc2
			h.height, h.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
			h.samples = nil
			ids := ""
			for c := body[6:]; len(c) >= 3; c = c[3:] {
				ids += string(rune(c[0]))
				h.samples = append(h.samples, [2]int{int(c[1] >> 4), int(c[1] & 15)})
			}
			h.rgb = h.rgb || ids == "RGB"
		case marker == 0xee && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
			h.rgb = h.rgb || body[11] == 0
		case marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			if d, err := parseDirectory(body[6:], nil); err == nil {
				if o := d.value(tagOrientation, 1); o >= 1 && o <= 8 {
					h.orientation = o
				}
			}
		}
		at += 2 + size
	}
	return h
}

// needs is how many bytes the decoder takes: a byte for each sample, four more while it waits for the rest of a
// progressive one, and four for each pixel if its colours are decoded once more.
func (h header) needs() int {
	across, down := 1, 1
	for _, s := range h.samples {
		across, down = max(across, s[0]), max(down, s[1])
	}
	pixels := h.width * h.height
	need := 0
	for _, s := range h.samples {
		need += pixels * max(1, s[0]) * max(1, s[1]) / (across * down)
	}
	if h.progressive {
		need *= 5
	}
	if h.rgb || len(h.samples) == 4 {
		need += 4 * pixels
	}
	return need
}
