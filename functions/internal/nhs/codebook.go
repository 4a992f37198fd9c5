package nhs

import (
	"maps"
	"slices"
	"strings"
)

// Preference is what a person's GP record says about their Summary Care Record.
type Preference string

// The preferences (domain facts, what the form is).
const (
	Implied           Preference = "implied"             // nothing was said: implied consent
	Core              Preference = "core"                // medication, allergies and adverse reactions only
	CoreAndAdditional Preference = "core-and-additional" // and significant history, operations, vaccinations
	Dissent           Preference = "dissent"             // no Summary Care Record
)

// entries are the codes of the domain facts, "what the form is". Where a code is not known there is none.
var entries = []struct {
	preference   Preference
	readV2, ctv3 string
	legacy       bool // on older systems: understood, but nobody is told to use it
}{
	{Implied, "9Ndl.", "", false},
	{Core, "9Ndm.", "XaXbY", false},
	{CoreAndAdditional, "9Ndn.", "XaXbZ", false},
	{Dissent, "9Ndo.", "XaXj6", false},
	{Dissent, "93C3.", "XaKRy", true}, // refusal
}

// Codebook tells which preference a clinical code stands for, whatever system it is of. The zero Codebook knows Read
// v2 and CTV3. The ids of SNOMED CT are not among the facts: whoever runs this service looks them up and configures
// them.
type Codebook struct{ snomed map[Preference]string }

// Codes are those of one preference to show to a practice; "" where none is known.
type Codes struct{ ReadV2, CTV3, SNOMED string }

var (
	errSCTIDPreference = &Error{"sctid-unknown-preference", "A SNOMED CT id is given for something that is no preference. Choose dissent, core, core-and-additional or implied."}
	errSCTIDShape      = &Error{"sctid-shape", "A SNOMED CT id has 6 to 18 digits (0 to 9) and does not begin with 0. Check it, or leave it out."}
	errSCTIDCheck      = &Error{"sctid-check-digit", "That SNOMED CT id has a mistake in it: its last digit does not fit the others. Check it, or leave it out."}
	errSCTIDKind       = &Error{"sctid-no-concept", "That SNOMED CT id is not that of a concept but of one of its descriptions or relationships. Take the concept's."}
	errSCTIDTwice      = &Error{"sctid-said-twice", "Two preferences have the same SNOMED CT id. Check both."}
)

// NewCodebook is a codebook with these ids of SNOMED CT concepts; "" is one that is not known.
func NewCodebook(snomed map[Preference]string) (Codebook, error) {
	b := Codebook{map[Preference]string{}}
	for _, p := range slices.Sorted(maps.Keys(snomed)) {
		id := snomed[p]
		_, taken := b.Preference(id)
		switch {
		case b.Codes(p).ReadV2 == "":
			return Codebook{}, errSCTIDPreference
		case id == "":
			continue
		case len(id) < 6, len(id) > 18, id[0] == '0', strings.Trim(id, "0123456789") != "":
			return Codebook{}, errSCTIDShape
		case !verhoeff(id):
			return Codebook{}, errSCTIDCheck
		case !isConcept(id):
			return Codebook{}, errSCTIDKind
		case taken:
			return Codebook{}, errSCTIDTwice
		}
		b.snomed[p] = id
	}
	return b, nil
}

// Preference is what a code stands for. Case matters in codes; spaces around them do not, nor does the dot with which
// Read v2 fills up to five characters.
func (b Codebook) Preference(code string) (Preference, bool) {
	code = strings.TrimSpace(code)
	if code == "" {
		return "", false
	}
	for _, e := range entries {
		if code == e.readV2 || code+"." == e.readV2 || code == e.ctv3 || code == b.snomed[e.preference] {
			return e.preference, true
		}
	}
	return "", false
}

// Codes lists the codes with which a preference is recorded today.
func (b Codebook) Codes(p Preference) Codes {
	for _, e := range entries {
		if e.preference == p && !e.legacy {
			return Codes{e.readV2, e.ctv3, b.snomed[p]}
		}
	}
	return Codes{}
}

// isConcept says that an id is that of a concept: the two digits before the last one tell (SNOMED CT Release File
// Specification, partition-identifier).
func isConcept(id string) bool {
	partition := id[len(id)-3 : len(id)-1]
	return partition == "00" || partition == "10"
}

// verhoeff is the check of a SNOMED CT id (SNOMED CT Release File Specification, check-digit): a product in the dihedral
// group of ten elements, in which order matters, of the digits from the last on, each permuted as often as its place
// says. It catches every wrong digit and every swap of neighbours.
func verhoeff(digits string) bool {
	product := 0
	for place := range len(digits) {
		d := int(digits[len(digits)-1-place] - '0')
		for range place % 8 {
			d = int("1576283094"[d] - '0')
		}
		if product < 5 {
			product = (product+d)%5 + d/5*5
		} else {
			product = (product-d+10)%5 + (1-d/5)*5
		}
	}
	return product == 0
}
