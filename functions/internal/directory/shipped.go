package directory

import "example.org/optout/functions/internal/nhs"

// Shipped is the directory that is compiled in, for whoever asks about practices or routes forms: it is loaded by the first question, so that
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

// Far says that a practice is hardly the one of a person who lives at this postcode; see Directory.Far.
func (Shipped) Far(code nhs.ODSCode, home nhs.Postcode) bool { return compiledIn().Far(code, home) }

// compiledIn loads what was compiled in; TestTheShippedCutIsTheWholePublishedFile holds that it can be.
func compiledIn() *Directory {
	d, err := Load()
	if err != nil {
		panic("the directory that was compiled in is damaged: " + err.Error())
	}
	return d
}

// Search gives the open practices that a person may mean by what they typed; see Directory.Search.
func (Shipped) Search(query string, limit int) []Practice { return compiledIn().Search(query, limit) }

// Find gives the practice with this code, open or not.
func (Shipped) Find(code nhs.ODSCode) (Practice, bool) { return compiledIn().Find(code) }
