package optout

// Binding is the choice that holds for a person meanwhile, of all their forms: the one that shares least of those
// that are neither withdrawn nor answered; "" if none restricts. A choice to share less binds as soon as a door took
// it; one to share more ends a refusal only when a practice has applied it in that one's place, which withdraws it.
// Held and unrouted forms count. Paper that comes in late, signed before a choice of the same signer that a practice
// has applied already, binds nobody: older paper never overrides a newer choice (domain facts, machines link).
func Binding(forms []Form) string {
	least := Facts{}
	for _, f := range forms {
		if s := f.state; s.Status == StatusWithdrawn || s.Status == StatusAnswered || f.outdated(forms) {
			continue
		}
		if sharing(f.Facts) < sharing(least) {
			least = f.Facts
		}
	}
	return least.Choice
}

// outdated says whether f came in after a practice had applied a choice that the same signer made later.
func (f Form) outdated(forms []Form) bool {
	for _, o := range forms {
		applied := !o.state.Said.IsZero() && o.state.Status != StatusWithdrawn && o.state.Status != StatusAnswered
		if applied && o.sameSigner(f) && !f.Facts.SignedOn.IsZero() && o.Facts.SignedOn.After(f.Facts.SignedOn) && o.state.Said.Before(f.state.Received) {
			return true
		}
	}
	return false
}
