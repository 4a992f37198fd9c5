package optout

import "slices"

// Binding is the choice that holds for a person meanwhile, of all their forms: the one that shares least of those
// that are neither withdrawn nor answered; "" if none restricts. A choice to share less binds as soon as a door took
// it; one to share more ends a refusal only when a practice has applied it in that one's place, which withdraws it.
// Held and unrouted forms count, and what is not known yet counts as no. Paper that comes in late, signed before a choice of the same signer that a practice
// has applied already, binds nobody: older paper never overrides a newer choice (domain facts, machines link).
func Binding(forms []Form) string {
	least := Facts{}
	for _, f := range forms {
		if f.binds(forms) && sharing(f.Facts) < sharing(least) {
			least = f.Facts
		}
	}
	if least.Kind == "choice" && least.Choice == "" { // held: nobody knows yet, and silence is no answer
		return "dissent"
	}
	return least.Choice
}

// binds says whether a form of a person who has these has any say still.
func (f Form) binds(among []Form) bool {
	stands := func(s State) bool { return s.Status != StatusWithdrawn && s.Status != StatusAnswered }
	outdated := func(o Form) bool { // by what a practice had applied when it came in
		return stands(o.state) && !o.state.Said.IsZero() && o.state.Said.Before(f.state.Received) &&
			o.sameSigner(f) && !f.Facts.SignedOn.IsZero() && o.Facts.SignedOn.After(f.Facts.SignedOn)
	}
	return stands(f.state) && !slices.ContainsFunc(among, outdated)
}
