// Package export spells forms as their practice takes them away to code what a person wants: as FHIR R4, for software,
// and as rows of a list, for people. Nothing is in either that coding does not need: how the person may be reached, who
// did what to the form, and what staff wrote about it stay here.
//
// A form becomes a Bundle of the few resources we write (HL7 FHIR 4.0.1):
//
//   - Patient: by what the practice knows its patient again. The form has the person's own words, which no index has
//     confirmed, and often no NHS number.
//   - RelatedPerson: who signed for the person, if they did not.
//   - Consent: what the person wants. A refusal is active from the day we have it, what shares more only once the
//     practice has applied it: until then it is proposed. What is withdrawn or answered is inactive, what is held a draft.
//   - Task: what is asked of the practice, and how far it has come.
//
// What takes an earlier form back (withdrawal, not-me) is a Task alone, whose focus names the Consent of that form by
// its reference. A Consent of its own, inactive or entered in error under the reference of the earlier one, would be
// read by software as the end of a refusal. Only the practice ends one, after it has checked with the person, and then
// the earlier form's own Consent is inactive.
//
// Codes are those of the Codebook. No Consent has a code that is not known, and none has a profile: there is none
// published for this.
package export
