package directory

import (
	"strings"

	"example.org/optout/functions/internal/nhs"
)

// Practice is a GP practice as the Organisation Data Service published it. Empty fields were not published.
type Practice struct {
	Code     nhs.ODSCode
	Status   Status
	Opened   nhs.Date
	Closed   nhs.Date // set if Status is Closed; on others a closure that is planned
	Postcode nhs.Postcode
	Name     string
	Address  string // what comes before the town, parts separated by ", "
	Town     string
	County   string
}

// Status is the state of a practice in the published file: its letter of column 13.
type Status byte

// Statuses. Only an open practice can be chosen.
const (
	Open     Status = 'A'
	Closed   Status = 'C'
	Dormant  Status = 'D'
	Proposed Status = 'P'
)

// statuses are the words of both layouts of the published file.
var statuses = map[string]Status{
	"A": Open, "C": Closed, "D": Dormant, "P": Proposed,
	"ACTIVE": Open, "INACTIVE": Closed, "DORMANT": Dormant, "PROPOSED": Proposed,
}

func (s Status) String() string {
	switch s {
	case Open:
		return "open"
	case Closed:
		return "closed"
	case Dormant:
		return "dormant"
	case Proposed:
		return "proposed"
	}
	return "unknown"
}

// line is one practice of the cut: fields in this order, separated by tabs, none holding one.
//
//	code, status, name, address, town, county, postcode, opened, closed
//
// The code has six bytes and the status one, so that both, and where the name begins, are known without looking.
type line string

const (
	fieldCode = iota
	fieldStatus
	fieldName
	fieldAddress
	fieldTown
	fieldCounty
	fieldPostcode
	fieldOpened
	fieldClosed
	fieldCount
)

const (
	codeEnd   = 6
	statusAt  = codeEnd + 1
	nameBegin = statusAt + 2
)

// whole says that the line has the shape of one.
func (l line) whole() bool {
	return len(l) > nameBegin && l[codeEnd] == '\t' && l[nameBegin-1] == '\t' && strings.Count(string(l), "\t") == fieldCount-1
}

func (l line) code() string   { return string(l[:codeEnd]) }
func (l line) status() Status { return Status(l[statusAt]) }

// offered says that people may choose this practice.
func (l line) offered() bool { return l.status() == Open && l[0] != 'W' }

func (l line) fields() (f [fieldCount]string) {
	rest := string(l)
	for i := range f {
		f[i], rest, _ = strings.Cut(rest, "\t")
	}
	return f
}

// practice trusts its line: Cut judged each value when the file was made.
func (l line) practice() Practice {
	f := l.fields()
	return Practice{
		Code:     nhs.StoredODSCode(l.code()),
		Status:   l.status(),
		Opened:   nhs.StoredDate(f[fieldOpened]),
		Closed:   nhs.StoredDate(f[fieldClosed]),
		Postcode: nhs.StoredPostcode(f[fieldPostcode]),
		Name:     f[fieldName],
		Address:  f[fieldAddress],
		Town:     f[fieldTown],
		County:   f[fieldCounty],
	}
}
