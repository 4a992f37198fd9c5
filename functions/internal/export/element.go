package export

import (
	"crypto/sha256"
	"fmt"

	"example.org/optout/functions/internal/optout"
)

// The data types of FHIR, as far as the resources below use them.

type identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value"`
}

// reference names a resource of the same bundle, or one that receivers know by an identifier.
type reference struct {
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

type coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

type humanName struct {
	Text   string   `json:"text,omitempty"`
	Family string   `json:"family,omitempty"`
	Given  []string `json:"given,omitempty"`
}

type address struct {
	Line       []string `json:"line,omitempty"`
	PostalCode string   `json:"postalCode,omitempty"`
}

type period struct {
	End string `json:"end"`
}

// Systems of identifiers (NHS England).
const (
	nhsNumbers = "https://fhir.nhs.uk/Id/nhs-number"
	odsCodes   = "https://fhir.nhs.uk/Id/ods-organization-code"
)

// id is that of one of a form's resources: always the same, so that software which takes a form twice knows it again,
// and another for each form, so that nothing links two forms of a person.
func id(f optout.Form, resource string) string {
	sum := sha256.Sum256([]byte(resource + "/" + f.Reference.Key()))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562, version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func urn(f optout.Form, resource string) string { return "urn:uuid:" + id(f, resource) }
