package export

import (
	"strings"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Header names the columns of Row.
func Header() []string {
	return []string{
		"reference", "wanted", "Read v2", "CTV3", "SNOMED CT",
		"NHS number", "surname", "forenames", "birth date", "address", "postcode",
		"signed on", "signed by", "by what right", "waiting since", "answer by", "status",
	}
}

// Row is a form as a line of a list from which a practice codes by hand. Its cells are what people said, as they said
// it: whoever writes them into a file for spreadsheets must see to it that none is taken for a formula.
func Row(f optout.Form, book nhs.Codebook) []string {
	codes, signer, facts := book.Codes(nhs.Preference(f.Facts.Choice)), "the patient", f.Facts
	if codes.SNOMED != "" {
		codes.SNOMED = "SCTID " + codes.SNOMED // as words: spreadsheets keep 15 digits of a number, and an id has up to 18
	}
	if proxied(f) {
		signer = facts.ProxyName.Text()
	}
	return []string{
		f.Reference.String(), wanted(f), codes.ReadV2, codes.CTV3, codes.SNOMED,
		facts.NHSNumber.Digits(), facts.Surname.Text(), facts.Forenames.Text(), facts.BirthDate.ISO(), strings.Join(facts.Address, ", "), facts.Postcode.Text(),
		facts.SignedOn.ISO(), signer, right(f).Text, nhs.DateOf(f.State().First).ISO(), answerBy(f).ISO(), string(f.State().Status),
	}
}
