package export

import (
	"cmp"
	"strings"

	"example.org/optout/functions/internal/optout"
)

type patient struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Identifier   []identifier `json:"identifier,omitempty"`
	Name         []humanName  `json:"name,omitempty"`
	BirthDate    string       `json:"birthDate,omitempty"`
	Address      []address    `json:"address,omitempty"`
}

type relatedPerson struct {
	ResourceType string      `json:"resourceType"`
	ID           string      `json:"id"`
	Patient      reference   `json:"patient"`
	Relationship []concept   `json:"relationship"`
	Name         []humanName `json:"name,omitempty"`
}

// patientOf is the person of a form. A person of one name has a family name alone; forenames are one given name, since
// where one of them ends is not ours to say.
func patientOf(f optout.Form) patient {
	p := patient{ResourceType: "Patient", ID: id(f, "Patient"), BirthDate: f.Facts.BirthDate.ISO()}
	if n := f.Facts.NHSNumber; !n.IsZero() {
		p.Identifier = []identifier{{nhsNumbers, n.Digits()}}
	}
	forenames, surname := f.Facts.Forenames.Text(), f.Facts.Surname.Text()
	if whole := strings.TrimSpace(forenames + " " + surname); whole != "" {
		name := humanName{Text: whole, Family: surname}
		if forenames != "" {
			name.Given = []string{forenames}
		}
		p.Name = []humanName{name}
	}
	if lines, code := f.Facts.Address, f.Facts.Postcode; len(lines) > 0 || !code.IsZero() {
		p.Address = []address{{lines, code.Text()}}
	}
	return p
}

func proxyOf(f optout.Form) relatedPerson {
	p := relatedPerson{ResourceType: "RelatedPerson", ID: id(f, "RelatedPerson"), Patient: toPatient(f), Relationship: []concept{right(f)}}
	if n := f.Facts.ProxyName; !n.IsZero() {
		p.Name = []humanName{{Text: n.Text()}}
	}
	return p
}

// toPatient refers to the person of a form, in the bundle and, with a number, beyond it.
func toPatient(f optout.Form) reference {
	r := reference{Reference: urn(f, "Patient")}
	if n := f.Facts.NHSNumber; !n.IsZero() {
		r.Identifier = &identifier{nhsNumbers, n.Digits()}
	}
	return r
}

// proxied says that somebody else than the person signed.
func proxied(f optout.Form) bool { return !f.Facts.ProxyName.IsZero() || f.Facts.ProxyCapacity != "" }

// rights are those by which a proxy may sign (domain facts, who may sign). The codes are those of the NHS's proxy roles
// as far as they are known.
var rights = map[string]struct{ words, code, display string }{
	"parent":                  {"Parental responsibility", "004", "Other legitimate patient representative - parental responsibility"},
	"attorney-health-welfare": {words: "Lasting power of attorney for health and welfare"},
	"deputy":                  {words: "Court-appointed deputy for personal welfare"},
	"best-interests":          {words: "Best-interests decision", code: "002"},
	"local-authority":         {words: "Local authority with parental responsibility"},
}

// right is by what right a form was signed.
func right(f optout.Form) concept {
	if !proxied(f) {
		return concept{Text: "The patient's own decision"}
	}
	r := rights[f.Facts.ProxyCapacity]
	c := concept{Text: cmp.Or(r.words, unknown)}
	if r.code != "" {
		c.Coding = []coding{{"https://fhir.nhs.uk/England/CodeSystem/FlagProxyRole", r.code, r.display}}
	}
	return c
}
