package directory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"example.org/optout/functions/internal/nhs"
)

const successorHeader = "closed,successor,from"

// parseSuccessors reads lines of closed,successor,from: the code of a closed practice, the code of the one that
// took over, and the day on which it did (YYYY-MM-DD, for people who read the file; routing does not ask). The
// header is required. Faults:
//
//	successor-header    the first line is not closed,successor,from
//	successor-csv       the line is no CSV of three fields
//	successor-code      no practice code, or one of Wales or for having no practice
//	successor-unknown   no such practice in the directory
//	successor-open      the practice that is said to be closed is open
//	successor-twice     its successor was said on an earlier line
//	successor-from      the day is none
//	successor-cycle     following the successors comes back to where it was
//	successor-ends      the last successor is not open and has none: leave the line out, so that a person decides
//
// A successor that closed in its turn is followed to the end.
func parseSuccessors(file []byte, d *Directory) (map[nhs.ODSCode]nhs.ODSCode, error) {
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = 3
	r.ReuseRecord = true
	if head, err := r.Read(); err != nil || strings.Join(head, ",") != successorHeader {
		return nil, &Fault{1, "successor-header", successorHeader}
	}
	type step struct {
		line int
		to   nhs.ODSCode
	}
	steps := map[nhs.ODSCode]step{}
	var order []nhs.ODSCode
	var faults []error
	for {
		f, err := r.Read()
		if err == io.EOF {
			break
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			faults = append(faults, &Fault{wrong.StartLine, "successor-csv", wrong.Err.Error()})
			continue
		}
		if err != nil {
			return nil, err
		}
		at, _ := r.FieldPos(0)
		closed, code, detail := successorLine(f, d)
		if _, twice := steps[closed]; code == "" && twice {
			code, detail = "successor-twice", closed.String()
		}
		if code != "" {
			faults = append(faults, &Fault{at, code, detail})
			continue
		}
		steps[closed] = step{at, nhs.StoredODSCode(f[1])}
		order = append(order, closed)
	}
	ends := make(map[nhs.ODSCode]nhs.ODSCode, len(steps))
	for _, closed := range order {
		end, hops := steps[closed].to, 0
		for next, more := steps[end]; more && hops <= len(steps); next, more = steps[end] {
			end = next.to
			hops++
		}
		p, _ := d.Find(end)
		switch {
		case hops > len(steps):
			faults = append(faults, &Fault{steps[closed].line, "successor-cycle", closed.String()})
		case p.Status != Open:
			faults = append(faults, &Fault{steps[closed].line, "successor-ends", end.String() + " is " + p.Status.String()})
		default:
			ends[closed] = end
		}
	}
	return ends, errors.Join(faults...)
}

// successorLine judges one line by itself.
func successorLine(f []string, d *Directory) (closed nhs.ODSCode, fault, detail string) {
	for i, s := range f[:2] {
		c, err := nhs.ParseODSCode(s)
		if err != nil || c.String() != s {
			return nhs.ODSCode{}, "successor-code", s
		}
		p, known := d.Find(c)
		if !known {
			return nhs.ODSCode{}, "successor-unknown", s
		}
		if i == 0 && p.Status == Open {
			return nhs.ODSCode{}, "successor-open", s
		}
		if i == 0 {
			closed = c
		}
	}
	if _, err := nhs.ParseDate(f[2]); err != nil {
		return nhs.ODSCode{}, "successor-from", f[2]
	}
	return closed, "", ""
}
