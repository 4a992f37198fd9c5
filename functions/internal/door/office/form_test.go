package office_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/worklist"
)

func nowhere(a *optout.Answers) { a.Practice = "" }

func formAt(ref optout.Reference, page string) string {
	return strings.TrimSuffix("/office/forms/"+ref.String()+"/"+page, "/")
}

// The engine puts off what waits for the office. It is overdue all the same, by a day more every day.
func TestWhatTheOfficeHasNotDoneIsOverdue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	for range 30 {
		h.Move(24 * time.Hour)
		h.advance()
	}
	b := h.clerk()
	b.get("/office").says(t, "the list", 200, ref.String(), "28 days overdue")
	b.get(formAt(ref, "")).says(t, "the form", 200, "28 days overdue")
}

func TestTheOfficeFindsAPracticeAndThePracticeIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b := h.clerk()
	b.get("/office").says(t, "the list", 200, ref.String(), "No practice was named", "Find a practice", "Due in 2 days", "To do (1)")
	b.get(formAt(ref, "")).says(t, "the form", 200, "Ada Quillfeather O'Neill", "No practice was named.", "Next: find a practice.", "1 Lawson Street, Stockton-on-Tees, TS18 1HU")
	page := b.get(formAt(ref, "assign"))
	page.says(t, "around the person's home", 200, "Search for a practice", "Practices", ", TS18 ")
	if page.status != 200 || !strings.Contains(page.body, `name="q"`) || !strings.Contains(page.body, `value="TS18"`) {
		t.Errorf("nothing is searched for to begin with")
	}
	searched := b.fill(formAt(ref, "assign"), values("q", "densham", "do", "search", "text", "she said so", "key", "k-1"))
	searched.says(t, "a search", 200, "The Densham Surgery (A81001)")
	if !strings.Contains(searched.body, "she said so</textarea>") || !strings.Contains(searched.body, `name="key" value="k-1"`) {
		t.Errorf("a search loses what was typed: %s", searched.body)
	}
	if s := h.state(ref); s.Status != optout.StatusRegistered {
		t.Errorf("a search has moved the form: %+v", s)
	}
	form := values("q", "densham", "practice", "A81001", "text", "she said so", "key", "k-1")
	for range 2 { // a double click
		b.fill(formAt(ref, "assign"), form).leads(t, "assigned", "/office?done=assigned")
	}
	if s := h.state(ref); s.Status != optout.StatusRouted || s.Practice != densham {
		t.Errorf("%+v", s)
	}
	b.get("/office?done=assigned").says(t, "the list afterwards", 200, "The form goes to the practice that you named.", "Nothing waits for the office.")
	b.get(formAt(ref, "")).says(t, "its history", 200, "The office gave it to the practice", "(you)", "“she said so”")
	if _, err := h.custody.SetEmail(t.Context(), densham, optout.Actor{Role: optout.Office, ID: "u-5"}, "forms@densham.example"); err != nil {
		t.Fatal(err)
	}
	h.advance()
	if mails := h.post.Mails(); len(mails) != 1 || mails[0].To != "forms@densham.example" {
		t.Errorf("the practice is told by %v", mails)
	}
}

func TestAReturnedFormIsAnsweredOrGoesToAnotherPractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	answered, assigned := h.returned(optout.OtherReason), h.returned(optout.OtherReason)
	b.get(formAt(answered, "")).says(t, "the form", 200, "Returned: Another reason.", "“in our own words”", "Answer the person", "Find a practice")
	b.fill(formAt(answered, "answer"), values("text", "no reason")).says(t, "without a day", 422, "There is a problem", "Tell the person why, and how to complain")
	untold := b.fill(formAt(answered, "answer"), values("told-day", "31", "told-month", "11", "told-year", "2026", "text", "moved abroad"))
	untold.says(t, "on a day that there is not", 422, "There is no such day.")
	if !strings.Contains(untold.body, "moved abroad</textarea>") || !strings.Contains(untold.body, `value="31"`) {
		t.Error("what was typed is lost")
	}
	b.fill(formAt(answered, "answer"), values("told-day", "22", "told-month", "12", "told-year", "2026", "text", "x")).says(t, "next month", 422, "That has not come yet.")
	b.fill(formAt(answered, "answer"), values("told-day", "21", "told-month", "11", "told-year", "2026", "text", "x")).says(t, "before it was returned", 422, "before the form was signed or returned")
	b.fill(formAt(answered, "answer"), values("told-day", "22", "told-month", "Nov", "told-year", "2026", "text", strings.Repeat("é", 1001))).says(t, "too many words", 422, "This is too long.")
	good := values("told-day", "22", "told-month", "11", "told-year", "2026", "text", "moved abroad", "key", "k-2")
	b.fill(formAt(answered, "answer"), good).leads(t, "answered", "/office?done=answered")
	if s := h.state(answered); s.Status != optout.StatusAnswered {
		t.Errorf("%+v", s)
	}
	b.get(formAt(assigned, "assign")).says(t, "a practice that returned it", 200)
	b.fill(formAt(assigned, "assign"), values("q", "A81001", "do", "search")).says(t, "a practice that returned it", 200, "It has returned this form before")
	b.fill(formAt(assigned, "assign"), values("practice", "A81002")).leads(t, "assigned", "/office?done=assigned")
	h.advance()
	if s := h.state(assigned); s.Status != optout.StatusRouted || s.Practice.String() != "A81002" {
		t.Errorf("%+v", s)
	}
}

func TestADeathIsConfirmedAndNobodyIsWrittenTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.returned(optout.Deceased)
	b := h.clerk()
	b.get("/office?only=confirm").says(t, "the list", 200, ref.String(), "Confirm a death (1)", "Returned: The person has died")
	b.get(formAt(ref, "confirm")).says(t, "the page", 200, "Nobody is written to")
	b.fill(formAt(ref, "confirm"), values("text", "the practice rang")).says(t, "without being sure", 422, "Check that it is this person")
	b.fill(formAt(ref, "confirm"), values("sure", "yes", "text", "the practice rang")).leads(t, "confirmed", "/office?done=confirmed")
	if s := h.state(ref); s.Status != optout.StatusAnswered || len(h.post.Mails()) != 0 {
		t.Errorf("%+v, %v", s, h.post.Mails())
	}
}

func TestAPersonWhoLivesKeepsTheirForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.returned(optout.Deceased)
	b := h.clerk()
	b.get(formAt(ref, "")).says(t, "the form", 200, "Confirm that the person has died", "Find a practice")
	b.get(formAt(ref, "assign")).says(t, "the page", 200, "returned: The person has died", "If that was a mistake, and the person lives, the form goes on.")
	for range 2 { // to the practice that said so, too
		b.fill(formAt(ref, "assign"), values("practice", "A81001", "text", "she rang us", "key", "k-1")).leads(t, "assigned", "/office?done=assigned")
	}
	h.advance()
	if s := h.state(ref); s.Status != optout.StatusRouted || s.Practice != densham {
		t.Errorf("%+v", s)
	}
}

func TestAnEndedFormIsOpenedAgainOnAComplaint(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.returned(optout.Deceased)
	b := h.clerk()
	b.fill(formAt(ref, "confirm"), values("sure", "yes")).leads(t, "confirmed", "/office?done=confirmed")
	b.get(formAt(ref, "")).says(t, "the form", 200, "Open it again on a complaint", "Nobody: it has ended")
	b.fill(formAt(ref, "complain"), values()).says(t, "without a word", 422, "Say what the person complains of.")
	b.fill(formAt(ref, "complain"), values("text", "I am alive", "key", "k-3")).leads(t, "opened again", formAt(ref, "")+"?done=reopened")
	if s := h.state(ref); s.Status != optout.StatusRegistered {
		t.Errorf("%+v", s)
	}
	b.get(formAt(ref, "")+"?done=reopened").says(t, "the form", 200, "The form is open again.", "The person complained, and it was opened again")
}

func TestANumberIsAddedAndTheFormIsSettledAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(func(a *optout.Answers) { a.Practice, a.Subject.NHSNumber = "", "" })
	b := h.clerk()
	for typed, want := range map[string]string{
		"": "Give the number.", "900 000 0008": "Check", "943 476 5919 1": "10", "twelve": "10", "999 123 4567": "example", "QQ 12 34 56 C": "National Insurance",
	} {
		again := b.fill(formAt(ref, "number"), values("number", typed))
		again.says(t, "the number "+typed, 422, want)
		if typed != "" && !strings.Contains(again.body, `value="`+typed+`"`) {
			t.Errorf("%q is lost", typed)
		}
	}
	b.fill(formAt(ref, "number"), values("number", "९०० ००० ०००९")).leads(t, "in other digits", formAt(ref, "")+"?done=numbered")
	b.get(formAt(ref, "")).says(t, "the form", 200, "900 000 0009", "An NHS number was added or corrected")
	h.advance()
	if s := h.state(ref); s.Owner != optout.OwnerOffice || s.Fault != "no-practice" {
		t.Errorf("%+v", s)
	}
}

// Whatever stands at the table of states, a verb that does not fit changes nothing, says so, and keeps what was typed.
func TestVerbsThatDoNotFitChangeNothingAndLoseNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	atPractice, unrouted, dead, other := h.register(nil), h.register(nowhere), h.returned(optout.Deceased), h.returned(optout.OtherReason)
	ended := h.returned(optout.Deceased)
	b.fill(formAt(ended, "confirm"), values("sure", "yes")).leads(t, "confirmed", "/office?done=confirmed")
	fills := map[string]url.Values{
		"assign":   values("practice", "A81002", "text", "kept words"),
		"answer":   values("told-day", "22", "told-month", "11", "told-year", "2026", "text", "kept words"),
		"confirm":  values("sure", "yes", "text", "kept words"),
		"complain": values("text", "kept words"),
		"number":   values("number", "900 000 0009", "text", "kept words"),
	}
	for name, c := range map[string]struct {
		ref  optout.Reference
		does []string // verbs that fit
	}{
		"a practice's form":         {atPractice, []string{"number"}},
		"a form without a practice": {unrouted, []string{"assign", "number"}},
		"a form of somebody dead":   {dead, []string{"confirm", "assign", "number"}},
		"a form that was returned":  {other, []string{"assign", "answer", "number"}},
		"a form that has ended":     {ended, []string{"complain"}},
	} {
		before, err := h.Form(t.Context(), c.ref)
		if err != nil {
			t.Fatal(err)
		}
		for verb, filled := range fills {
			if slices.Contains(c.does, verb) {
				b.get(formAt(c.ref, verb)).says(t, name+", the page "+verb, 200)
				continue
			}
			page := b.get(formAt(c.ref, verb))
			page.says(t, name+", the page "+verb, 409, "The form does not stand where this can be done.")
			sent := b.fill(formAt(c.ref, verb), filled)
			if sent.status != 409 && sent.status != 403 && sent.status != 303 || sent.status != 303 && !strings.Contains(sent.body, "kept words</textarea>") {
				t.Errorf("%s, %s: %d %s", name, verb, sent.status, sent.text(t))
			}
			if sent.status == 303 && !before.State().Ended() { // after an end it is an event and nothing else
				t.Errorf("%s, %s: it was done", name, verb)
			}
		}
		if s := h.state(c.ref); s.Status != before.State().Status || s.Owner != before.State().Owner || s.Practice != before.State().Practice {
			t.Errorf("%s: it went from %+v to %+v", name, before.State(), s)
		}
	}
}

func TestOfTwoClerksAtOnceOneIsToldThatTheOtherWasFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	clerks := []*browser{h.signIn("u-5", "office"), h.signIn("u-6", "office")}
	sent := make([]answer, 2)
	var all sync.WaitGroup
	for n, b := range clerks {
		all.Go(func() {
			sent[n] = b.fill(formAt(ref, "assign"), values("practice", []string{"A81001", "A81002"}[n], "text", "kept words", "key", []string{"k1", "k2"}[n]))
		})
	}
	all.Wait()
	first := slices.IndexFunc(sent, func(a answer) bool { return a.status == http.StatusSeeOther })
	if first < 0 {
		t.Fatalf("neither was first: %d %s", sent[0].status, sent[0].text(t))
	}
	second := sent[1-first]
	if second.status != 409 && second.status != 403 || !strings.Contains(second.body, "Nothing was changed") || !strings.Contains(second.body, "kept words") {
		t.Errorf("the second is answered with %d %s", second.status, second.text(t))
	}
	if s := h.state(ref); s.Practice.String() != []string{"A81001", "A81002"}[first] {
		t.Errorf("%+v", s)
	}
}

func TestEveryLookIsWrittenDownBeforeItIsShownAndSupervisorsSeeIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b, boss := h.clerk(), h.signIn("u-9", "office", "supervisor")
	b.get("/office")
	looks := func() (all []worklist.Look) {
		for l, err := range h.Looks(t.Context(), ref) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		return all
	}
	if n := len(looks()); n != 0 {
		t.Errorf("the list alone is %d looks", n)
	}
	b.get(formAt(ref, ""))
	b.get(formAt(ref, "assign"))
	b.fill(formAt(ref, "number"), values("number", ""))
	if all := looks(); len(all) != 3 || all[0].By != "office u-5" || all[0].What != "form" {
		t.Errorf("the looks are %v", all)
	}
	b.get(formAt(ref, "looks")).says(t, "a clerk", 403, "This is not for you")
	if strings.Contains(b.get(formAt(ref, "")).body, "/looks") {
		t.Error("a clerk is led to the looks")
	}
	boss.get(formAt(ref, "")).says(t, "a supervisor", 200, "Who has looked at this form")
	page := boss.get(formAt(ref, "looks"))
	page.says(t, "the looks", 200, "u-5", "u-9", "The office (you)", "22 November 2026, 12:00", "The form")
	if strings.Contains(page.body, "Quillfeather") {
		t.Error("the looks show whose form it is")
	}
	h.Fate = func(method string) optouttest.Fate {
		if method == "Look" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	for _, path := range []string{formAt(ref, ""), formAt(ref, "assign")} {
		a := b.get(path)
		a.says(t, "a look that cannot be written down", 503)
		if strings.Contains(a.body, "Quillfeather") {
			t.Errorf("%s is shown all the same", path)
		}
	}
}

func TestFormsOfAPersonAreShownSideBySide(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	number := optouttest.Number()
	same := func(a *optout.Answers) { a.Practice, a.Subject.NHSNumber = "", number }
	one := h.register(same)
	h.Move(time.Hour)
	two := h.register(func(a *optout.Answers) { same(a); a.Choice = "core" })
	h.clerk().get(formAt(two, "")).says(t, "the later one", 200, "Forms of this person side by side", one.String(), "Differs")
}

// The words stand in the form's history, and nobody at the office needs them.
func TestWhatAPracticeWroteOfADoubtOfItsOwnIsNotShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	for why, shown := range map[optout.Reason]bool{optout.OtherReason: true, optout.Deceased: true, optout.Safeguarding: false, optout.Coercion: false, optout.NoLegalBasis: false, optout.IdentityNotVerified: false} {
		if got := strings.Contains(b.get(formAt(h.returned(why), "")).body, "in our own words"); got != shown {
			t.Errorf("%s: the practice's words are shown: %v", why, got)
		}
	}
}

func TestAFormThatCannotBeReadOrIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b := h.clerk()
	for _, path := range []string{"/office/forms/0000-0000-0000-0000-0", "/office/forms/0000-0000-0000-0000-1", "/office/forms/hello", "/office/forms/0000-0000-0000-0000-0/assign"} {
		b.get(path).says(t, path, 404, "No such form")
		b.fill(strings.TrimSuffix(path, "/assign")+"/assign", values("practice", "A81001")).says(t, path, 404, "No such form")
	}
	b.get(formAt(ref, "nothing")).says(t, "a page that is not there", 404, "There is nothing here")
	b.fill(formAt(ref, "looks"), values()).says(t, "a verb that is none", 404, "There is nothing here")
	h.Tamper(ref, func(f *optout.Form) { f.Events[0].Hash[0]++ })
	b.get(formAt(ref, "")).says(t, "a form that cannot be read", 503, "It cannot be read", "It is not lost")
	b.get("/office?only=failed").says(t, "the list", 200, ref.String(), "It cannot be read")
}
