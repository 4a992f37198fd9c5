package export

import (
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

type consent struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Identifier   []identifier `json:"identifier"`
	Status       string       `json:"status"`
	Scope        concept      `json:"scope"`
	Category     []concept    `json:"category"`
	Patient      reference    `json:"patient"`
	DateTime     string       `json:"dateTime,omitempty"` // the day it was signed
	Performer    []reference  `json:"performer"`
	Organization []reference  `json:"organization,omitempty"`
	PolicyRule   concept      `json:"policyRule"` // by what right it was signed
	Provision    *provision   `json:"provision,omitempty"`
}

type provision struct {
	Type string    `json:"type"`
	Code []concept `json:"code"`
}

// consentOf is what the person of a form wants. While the form is in doubt, that may be unknown.
func (s Sender) consentOf(f optout.Form) consent {
	c := consent{
		ResourceType: "Consent", ID: id(f, "Consent"), Identifier: s.identifiers(f.Reference),
		Status:   standings[f.State().Status].consent,
		Scope:    concept{Coding: []coding{{System: "http://terminology.hl7.org/CodeSystem/consentscope", Code: "patient-privacy"}}},
		Category: []concept{{Coding: []coding{{"http://loinc.org", "59284-0", "Consent Document"}}}},
		Patient:  toPatient(f), DateTime: f.Facts.SignedOn.ISO(), Performer: []reference{{Reference: urn(f, "Patient")}},
		PolicyRule: right(f),
	}
	if proxied(f) {
		c.Performer = []reference{{Reference: urn(f, "RelatedPerson")}}
	}
	if p := practiceOf(f); p != nil {
		c.Organization = []reference{*p}
	}
	if choice := f.Facts.Choice; choice != "" {
		c.Provision = &provision{"deny", []concept{{s.codings(nhs.Preference(choice)), wanted(f)}}}
		if choice != "dissent" {
			c.Provision.Type = "permit" // what the code says, and no more than that
			if c.Status == "active" && standings[f.State().Status].task != "completed" {
				c.Status = "proposed" // it may share more than an earlier form allows, which no machine is to decide
			}
		}
	}
	return c
}

// codings are the codes of a preference, each in the system that has one.
func (s Sender) codings(p nhs.Preference) (all []coding) {
	codes := s.Codes.Codes(p)
	for _, c := range []coding{
		{System: "http://read.info/readv2", Code: codes.ReadV2},
		{System: "http://read.info/ctv3", Code: codes.CTV3},
		{System: "http://snomed.info/sct", Code: codes.SNOMED},
	} {
		if c.Code != "" {
			all = append(all, c)
		}
	}
	return all
}
