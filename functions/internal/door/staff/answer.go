package staff

import (
	"context"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"slices"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// Stay is the address, after a door's home, of the page that does nothing but keep somebody signed in.
const Stay = "/stay"

// words of problems for people. What is not here reads well to both, people and who writes software.
var wordsOf = map[string]struct{ title, detail string }{
	problem.NotFound.Code:     {"There is nothing here", "Check the address, or begin at the first page."},
	problem.NotAllowed.Code:   {"This cannot be done here", "Begin at the first page, and go on by its links and buttons."},
	problem.Broken.Code:       {"Something went wrong on our side", "Look at the form before you do it again: it may have been done. If this comes again, tell whoever looks after this service."},
	problem.NotNow.Code:       {"We cannot do this at the moment", "Nothing is lost. Try again in a minute. What you send twice is recorded once."},
	problem.SignInNeeded.Code: {"You are not signed in", "Nothing was changed. Sign in and do it again."},
	problem.NotForYou.Code:    {"This is not for you", "Your account may not do this. Whoever manages accounts at your organisation can change that."},
	problem.TooLarge.Code:     {"This is too much", "Nothing was changed. Shorten what you wrote."},
}

// Refuse answers with a problem: as a page where a browser asks for one, else as problem details. Whoever is signed in
// still is; whoever is not any more is told how to send what they typed all the same.
func (h *House) Refuse(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	if !door.WantsPage(r) {
		problem.Write(r.Context(), w, p)
		return
	}
	observe.Note(r.Context(), "problem", p.Code)
	if own, ok := wordsOf[p.Code]; ok {
		p.Title, p.Detail = own.title, own.detail
	}
	switch {
	case p.Status == http.StatusUnauthorized && r.Method == http.MethodPost:
		h.Resend(w, r, p, h.Home+Stay, "Sign in")
		return
	case p.Status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	}
	h.Show(w, signin.Of(r.Context()), Page{Name: "problem", Status: p.Status, Title: p.Title, Data: struct{ Detail, Home string }{p.Detail, h.Home}})
}

// Resend says that something has to be done first, in another tab, and keeps what the browser has just sent, to be sent
// again from here. Browsers do not fill in again what they were told not to store.
func (h *House) Resend(w http.ResponseWriter, r *http.Request, p problem.Problem, first, link string) {
	f, _, code := door.ReadForm(r)
	if code != "" {
		h.Show(w, signin.Of(r.Context()), Page{Name: "problem", Status: p.Status, Title: p.Title, Data: struct{ Detail, Home string }{p.Detail, h.Home}})
		return
	}
	var kept template.HTML
	for _, name := range slices.Sorted(maps.Keys(f)) {
		for _, value := range f[name] {
			kept += Hidden(name, value)
		}
	}
	h.Show(w, signin.Of(r.Context()), Page{Name: "resend", Status: p.Status, Title: p.Title, Data: struct {
		First, Link, Action string
		Kept                template.HTML
		Button              nhsui.Button
	}{first, link, r.URL.Path, kept, nhsui.Button{Text: "Send it again", PreventDoubleClick: new(true)}}})
}

// Fail answers with the problem that an error means, and logs what is wrong on our side.
func (h *House) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if !door.WantsPage(r) {
		problem.Error(r.Context(), w, err)
		return
	}
	p := problem.Of(err)
	if p.Status >= http.StatusInternalServerError {
		observe.Cause(r.Context(), err)
	}
	h.Refuse(w, r, p)
}

// Outcome is where an act leads, by what came of it.
type Outcome struct {
	Onward string                           // once it is done
	Again  func(status int, faults []Fault) // shows the page as it was filled in; nil: nothing was typed there
	Stands func(status int, note string)    // shows the form as it stands; nil: it is about no form
	Fields map[*optout.Refusal]string       // of the page, in which is said what a refusal asks for
}

// later is what is said where nothing can be done just now.
const later = "This cannot be taken at the moment. Nothing that you typed is lost: send it again in a minute. It is recorded once."

// Answer shows what came of an act: on to where it leads, or the page again with what was typed and why it was not taken.
func (h *House) Answer(w http.ResponseWriter, r *http.Request, err error, o Outcome) {
	faulty, isFaulty := errors.AsType[optout.Faulty](err)
	refusal, isRefusal := errors.AsType[*optout.Refusal](err)
	p, status := problem.Of(err), http.StatusConflict
	if isRefusal {
		observe.Note(r.Context(), "refusal", refusal.Code)
		if refusal == optout.Forbidden {
			status = http.StatusForbidden
		}
	}
	switch {
	case err == nil:
		See(w, o.Onward)
	case isFaulty && o.Again != nil:
		o.Again(http.StatusUnprocessableEntity, Faults(faulty, nil))
	case isRefusal && refusal == optout.KeyUsed && o.Stands != nil: // the page was sent, gone back to, and sent once more
		o.Stands(status, "You have already said something about this form from that page. This is how it stands.")
	case isRefusal && o.Again != nil:
		o.Again(status, []Fault{{o.Fields[refusal], refusal.Detail + " Nothing was changed."}})
	case isRefusal && o.Stands != nil:
		o.Stands(status, refusal.Detail+" Nothing was changed.")
	case p.Status == http.StatusServiceUnavailable && o.Again != nil:
		observe.Cause(r.Context(), err)
		w.Header().Set("Retry-After", "30")
		o.Again(p.Status, []Fault{{"", later}})
	default:
		h.Fail(w, r, err)
	}
}

// SentBefore says that something was recorded from the page that is sent, of a form that may have left this door by it: a double
// click, or a page sent once more because its answer did not come. Whether it is the same that is sent now is not looked at. It
// reads the request's body.
func SentBefore(r *http.Request, s signin.Session, f optout.Form) bool {
	if r.Method != http.MethodPost {
		return false
	}
	filled, _, _ := door.ReadForm(r)
	return f.Knows(s.Actor, filled.Get("key"))
}

// DoneBefore is what is said then.
const DoneBefore = "What you sent first from that page is recorded. If you have changed anything there since, that is not."

// Look writes down, before it is shown, that somebody is shown what is personal in forms.
func (h *House) Look(ctx context.Context, by optout.Actor, what string, forms ...optout.Form) error {
	var refs []optout.Reference
	for _, f := range forms {
		refs = append(refs, f.Reference)
	}
	if len(refs) == 0 {
		return nil
	}
	return h.Looks.Look(ctx, worklist.Look{At: h.Now(), By: by.String(), What: what}, refs...)
}

// FormAt is the address of a form's page at a door, or of another page about it.
func FormAt(home string, ref optout.Reference, page string) string {
	at := home + "/forms/" + ref.String()
	if page != "" {
		at += "/" + page
	}
	return at
}

// See leads the browser on to another page, as the answer to what it sent.
func See(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// Staying says that somebody is signed in, and by being asked for keeps them so.
func (h *House) Staying(w http.ResponseWriter, _ *http.Request, s signin.Session) {
	h.Show(w, s, Page{Name: "stay", Title: "You are signed in"})
}
