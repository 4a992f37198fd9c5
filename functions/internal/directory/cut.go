package directory

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.org/optout/functions/internal/nhs"
)

// Columns of the published file, counted from 0; it has no header.
const (
	odsCode     = 0
	odsName     = 1
	odsAddress  = 4 // five lines
	odsPostcode = 9
	odsOpened   = 10
	odsClosed   = 11
	odsStatus   = 12
	odsSetting  = 25
	odsColumns  = 27
)

// maxRow is the longest row that is looked at, in bytes; real ones have about 220.
const maxRow = 4096

// Cut makes the file that Parse reads out of the file that the Organisation Data Service publishes, in its older
// layout (status A, C, D, P; prescribing setting 4) or its newer one (ACTIVE, INACTIVE, DORMANT, PROPOSED; RO76).
// A row is taken whole or refused with a Fault, never shortened: rows read = rows taken + faults. The same input
// gives the same output. Cut fails if nothing was taken, or if what it made cannot be read back.
//
// Faults of a row:
//
//	row-too-long                  more than 4,096 bytes
//	row-csv                       no CSV
//	row-columns                   not 27 columns
//	row-unusable-character        not UTF-8, or a control or direction character
//	not-a-gp-practice             another prescribing setting than GP practice
//	status-unknown                a status of neither layout
//	practice-code-shape           not a letter and five digits
//	practice-code-not-a-practice  V81997, V81998, V81999
//	name-missing                  no name
//	postcode-shape                no full postcode
//	postcode-not-a-place          ZZ99
//	opened-date, closed-date      no day of the calendar as YYYYMMDD (not closed: none, or a planned one)
//	closed-before-opened          the days are the wrong way round
//	code-twice                    the code was taken from an earlier row
func Cut(ods []byte) (file []byte, rows int, faults []*Fault, err error) {
	taken, rows, faults := cutRows(ods)
	if len(taken) == 0 {
		return nil, rows, faults, errors.New("cut: no practice in the file")
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, rows, faults, fmt.Errorf("cut: %w", err)
	}
	fmt.Fprintf(z, "%s%d\n", headline, len(taken))
	for _, code := range slices.Sorted(maps.Keys(taken)) {
		fmt.Fprintf(z, "%s\n", taken[code])
	}
	if err := z.Close(); err != nil {
		return nil, rows, faults, fmt.Errorf("cut: %w", err)
	}
	d, err := Parse(out.Bytes(), []byte(successorHeader))
	if err != nil {
		return nil, rows, faults, fmt.Errorf("cut: reading back: %w", err)
	}
	if len(d.rows)+len(faults) != rows {
		return nil, rows, faults, fmt.Errorf("cut: %d rows read, %d taken, %d refused", rows, len(d.rows), len(faults))
	}
	return out.Bytes(), rows, faults, nil
}

// cutRows takes one line of the file as one row: the service writes no line breaks inside a column, so that a stray
// quote spoils its own row and no other.
func cutRows(ods []byte) (taken map[string]line, rows int, faults []*Fault) {
	taken = map[string]line{}
	text := strings.TrimPrefix(string(ods), "\ufeff")
	for text != "" {
		var one string
		one, text, _ = strings.Cut(text, "\n")
		rows++
		l, code, detail := cutRow(strings.TrimSuffix(one, "\r"))
		if code == "" {
			if _, twice := taken[l.code()]; !twice {
				taken[l.code()] = l
				continue
			}
			code, detail = "code-twice", l.code()
		}
		faults = append(faults, &Fault{rows, code, detail})
	}
	return taken, rows, faults
}

// cutRow gives a row as the line that is kept, or the fault and what shows where it is.
func cutRow(text string) (l line, fault, detail string) {
	if len(text) > maxRow {
		return "", "row-too-long", ""
	}
	if !utf8.ValidString(text) || !nhs.Printable(text) {
		return "", "row-unusable-character", ""
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	c, err := r.Read()
	if err != nil {
		return "", "row-csv", ""
	}
	if _, err := r.Read(); err != io.EOF {
		return "", "row-csv", ""
	}
	if len(c) != odsColumns {
		return "", "row-columns", fmt.Sprint(len(c))
	}
	for i, s := range c {
		c[i] = strings.Join(strings.Fields(s), " ")
	}
	shown := c[odsCode]
	if s := c[odsSetting]; s != "4" && s != "RO76" {
		return "", "not-a-gp-practice", shown
	}
	status, known := statuses[c[odsStatus]]
	if !known {
		return "", "status-unknown", shown
	}
	var wrong *nhs.Error
	code, err := nhs.ParseODSCode(c[odsCode])
	switch {
	case errors.As(err, &wrong) && wrong.Code != "practice-code-wales":
		return "", wrong.Code, shown
	case err == nil && code.String() != shown || err != nil && shown[0] != 'W':
		return "", "practice-code-shape", shown
	}
	if c[odsName] == "" {
		return "", "name-missing", shown
	}
	postcode, err := nhs.ParsePostcode(c[odsPostcode], false)
	if errors.As(err, &wrong) {
		return "", wrong.Code, shown
	}
	opened, ok := day(c[odsOpened])
	if !ok {
		return "", "opened-date", shown
	}
	closed, ok := day(c[odsClosed])
	if !ok && (status == Closed || c[odsClosed] != "") {
		return "", "closed-date", shown
	}
	if ok && closed < opened {
		return "", "closed-before-opened", shown
	}
	address, town, county := splitAddress(c[odsAddress : odsAddress+5])
	return line(strings.Join([]string{
		shown, string(rune(status)), c[odsName], address, town, county, postcode.Text(), opened, closed,
	}, "\t")), "", ""
}

// day makes YYYY-MM-DD of YYYYMMDD.
func day(s string) (string, bool) {
	t, err := time.Parse("20060102", s)
	if err != nil {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

// splitAddress parts the address as it is published, where the town has no column of its own and a line may hold several
// parts: the last part is the town, or the county and the town is before it.
func splitAddress(lines []string) (address, town, county string) {
	var parts []string
	for _, l := range lines {
		for p := range strings.SplitSeq(l, ",") {
			if p = strings.TrimSpace(p); p != "" {
				parts = append(parts, p)
			}
		}
	}
	if n := len(parts); n > 1 && slices.Contains(counties, parts[n-1]) {
		county, parts = parts[n-1], parts[:n-1]
	}
	if n := len(parts); n > 0 {
		town, parts = parts[n-1], parts[:n-1]
	}
	return strings.Join(parts, ", "), town, county
}

// counties are the counties that addresses end with. A county named like its town (Durham) counts as the town.
var counties = strings.Split("ANGLESEY,AVON,BEDFORDSHIRE,BERKSHIRE,BUCKINGHAMSHIRE,CAMBRIDGESHIRE,CARMARTHENSHIRE,CARMARTHENSHIRE DYFED,"+
	"CEREDIGION,CHESHIRE,CLEVELAND,CLWYD,CO DURHAM,CO.DURHAM,CORNWALL,COUNTY DURHAM,CUMBRIA,DENBIGHSHIRE,DERBYSHIRE,"+
	"DEVON,DORSET,DYFED,EAST RIDING OF YORKSHIRE,EAST SUSSEX,EAST YORKSHIRE,ESSEX,FLINTSHIRE,GLAMORGAN,"+
	"GLOUCESTERSHIRE,GREATER MANCHESTER,GWENT,GWYNEDD,HAMPSHIRE,HEREFORDSHIRE,HERTFORDSHIRE,ISLE OF WIGHT,KENT,"+
	"LANCASHIRE,LEICESTERSHIRE,LINCOLNSHIRE,MERSEYSIDE,MID GLAMORGAN,MIDDLESEX,NE LINCOLNSHIRE,NORFOLK,"+
	"NORTH EAST LINCOLNSHIRE,NORTH HUMBERSIDE,NORTH LINCOLNSHIRE,NORTH SOMERSET,NORTH YORKSHIRE,NORTHAMPTONSHIRE,"+
	"NORTHUMBERLAND,NOTTINGHAMSHIRE,OXFORDSHIRE,PEMBROKESHIRE,PEMBROKESHIRE DYFED,POWYS,RUTLAND,SHROPSHIRE,SOMERSET,"+
	"SOUTH GLAMORGAN,SOUTH GLOUCESTERSHIRE,SOUTH HUMBERSIDE,SOUTH YORKSHIRE,STAFFORDSHIRE,SUFFOLK,SURREY,"+
	"TYNE & WEAR,TYNE AND WEAR,VALE OF GLAMORGAN,WARWICKSHIRE,WEST GLAMORGAN,WEST MIDLANDS,WEST SUSSEX,"+
	"WEST YORKSHIRE,WILTSHIRE,WORCESTERSHIRE,YNYS MON", ",")
