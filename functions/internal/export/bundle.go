package export

import (
	"log/slog"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// ContentType is that of a Bundle in JSON.
const ContentType = "application/fhir+json"

// Sender is who hands forms over.
type Sender struct {
	Controller string       // the data controller's name
	References string       // URI of the system that the references of its forms are identifiers of
	Codes      nhs.Codebook // the codes that practices are shown
}

// Bundle is a collection of FHIR resources. Its JSON is the same whenever the forms are. It holds what identifies
// people, and prints itself nowhere else.
type Bundle struct {
	ResourceType string    `json:"resourceType"`
	Type         string    `json:"type"`
	Timestamp    time.Time `json:"timestamp,omitzero"` // of the last event in it
	Entry        []entry   `json:"entry,omitempty"`
}

type entry struct {
	FullURL  string `json:"fullUrl"`
	Resource any    `json:"resource"`
}

// Bundle spells forms, each given once, as FHIR resources.
func (s Sender) Bundle(forms ...optout.Form) Bundle {
	b := Bundle{ResourceType: "Bundle", Type: "collection"}
	for _, f := range forms {
		add := func(name string, resource any) { b.Entry = append(b.Entry, entry{urn(f, name), resource}) }
		add("Patient", patientOf(f))
		if proxied(f) {
			add("RelatedPerson", proxyOf(f))
		}
		if !takesBack(f) {
			add("Consent", s.consentOf(f))
		}
		task := s.taskOf(f)
		add("Task", task)
		if task.LastModified.After(b.Timestamp) {
			b.Timestamp = task.LastModified
		}
	}
	return b
}

const hidden = "[forms]"

func (Bundle) String() string       { return hidden }
func (Bundle) GoString() string     { return hidden }
func (Bundle) LogValue() slog.Value { return slog.StringValue(hidden) }

// identifiers are those of what is known by the form's reference.
func (s Sender) identifiers(r optout.Reference) []identifier {
	return []identifier{{s.References, r.String()}}
}
