package directory

import "example.org/optout/functions/internal/nhs"

// Shipped is the directory that is compiled in, for whoever routes forms: it is loaded by the first question, so that
// a function which is never asked never pays for it.
type Shipped struct{}

// Known says whether there is, or was, a practice of this code in England.
func (Shipped) Known(code nhs.ODSCode) bool {
	_, ok := compiledIn().Find(code)
	return ok
}

// Destination is the practice that a form for this one goes to: itself while it is open, else the one that took over.
// ok is false if the successors do not say who did: then a person has to decide.
func (Shipped) Destination(code nhs.ODSCode) (to nhs.ODSCode, ok bool) {
	d := compiledIn()
	if p, ok := d.Find(code); ok && p.Status == Open {
		return code, true
	}
	return d.Successor(code)
}

// compiledIn loads what was compiled in; TestTheShippedCutIsTheWholePublishedFile holds that it can be.
func compiledIn() *Directory {
	d, err := Load()
	if err != nil {
		panic("the directory that was compiled in is damaged: " + err.Error())
	}
	return d
}
