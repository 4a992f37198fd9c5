package office_test

import (
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

func TestAPracticeWhoseMailCameBackGetsAnAddressThatWorks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	const at = "/office/practices/A81001"
	h.register(nil)
	b.get(at).says(t, "without an address", 200, "The Densham Surgery (A81001)", "Cannot be told", "No e-mail address is on file", "At least 1 form waits there.", "Lawson Street")
	b.fill(at+"/email", values("email", "old@densham.example")).leads(t, "an address", at+"?done=email")
	h.advance()
	if did, err := h.engine.Hear(t.Context(), densham, "m-1", digest.Bounced); err != nil || did != optout.ToOffice {
		t.Fatal(did, err)
	}
	b.get(at).says(t, "after the mail came back", 200, "Cannot be told", "Mail came back: nobody was reached at the address", "old@densham.example", "Came back: nobody is at the address", "At least 1")
	b.get("/office").says(t, "the list", 200, "The Densham Surgery (A81001)", "Find an address that works")
	wrong := b.fill(at+"/email", values("email", `Forms <new@densham.example>`))
	wrong.says(t, "a display name", 422, "That is not an e-mail address.")
	if !strings.Contains(wrong.body, `value="Forms &lt;new@densham.example&gt;"`) {
		t.Error("what was typed is lost")
	}
	b.fill(at+"/email", values("email", "new@densham.example")).leads(t, "another address", at+"?done=email")
	h.advance()
	if mails := h.post.Mails(); len(mails) != 2 || mails[1].To != "new@densham.example" {
		t.Errorf("the practice is told by %v", mails)
	}
	b.get("/office").says(t, "the list", 200, "Nothing waits for the office.")
	b.get(at).says(t, "its history", 200, "E-mail goes to new@densham.example", "The office (you)", "E-mail goes to old@densham.example")
}

func TestALetterThatWasPostedIsShownAndEndsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	const at = "/office/practices/A81002"
	h.listed(map[string]digest.Digest{"A81002": {Late: h.Now().AddDate(0, 0, -3)}})
	for name, c := range map[string]struct {
		form []string
		want string
	}{
		"nothing":         {[]string{"on-day", "22", "on-month", "11", "on-year", "2026", "text", "kept words"}, "Choose one of the options offered."},
		"a fax":           {[]string{"how", "fax", "on-day", "22", "on-month", "11", "on-year", "2026", "text", "kept words"}, "Choose one of the options offered."},
		"no day":          {[]string{"how", "post", "text", "kept words"}, "This is needed."},
		"half a day":      {[]string{"how", "post", "on-day", "22", "text", "kept words"}, "Give day, month and year."},
		"a day to come":   {[]string{"how", "post", "on-day", "23", "on-month", "11", "on-year", "2026", "text", "kept words"}, "That has not come yet."},
		"too many words":  {[]string{"how", "post", "on-day", "22", "on-month", "11", "on-year", "2026", "text", "kept words" + strings.Repeat(" x", 100)}, "This is too long."},
		"a day like none": {[]string{"how", "phone", "on-day", "30", "on-month", "2", "on-year", "2026", "text", "kept words"}, "There is no such day."},
	} {
		a := b.fill(at+"/chase", values(c.form...))
		a.says(t, name, 422, "There is a problem", c.want)
		if !strings.Contains(a.body, "kept words") {
			t.Errorf("%s: what was typed is lost", name)
		}
	}
	form := values("how", "phone", "on-day", "20", "on-month", "11", "on-year", "2026", "text", "will <look> today")
	for range 2 { // a double click
		b.fill(at+"/chase", form).leads(t, "a call", at+"?done=chased")
	}
	page := b.get(at + "?done=chased")
	page.says(t, "the practice", 200, "Somebody called", "“will <look> today”", "Last tried: 20 November 2026, 2 days ago.", "Acts late", "It is recorded how you tried to reach the practice.")
	if strings.Count(page.body, "Somebody called.") != 1 {
		t.Error("a double click is two calls")
	}
	b.get("/office?only=late").says(t, "the list", 200, "A81002", "Last tried: 20 November 2026")
}

func TestWhatAPracticeDecidedIsForItAloneToChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.custody.Decide(t.Context(), densham, optout.Actor{Role: optout.AtPractice, Practice: densham, ID: "u-1"}, optout.Decision{Stand: optout.Wait, On: nhs.DateOf(h.Now()), Words: "until <spring>"}); err != nil {
		t.Fatal(err)
	}
	h.Move(time.Hour)
	b := h.clerk()
	b.get("/office/practices/A81001").says(t, "the practice", 200, "Waits. Only the practice decides this.", "“until <spring>”", "Practice A81001")
	b.fill("/office/practices/A81001/decision", values("stand", "take-part")).says(t, "a decision", 404, "There is nothing here")
}

func TestPracticesAreFound(t *testing.T) {
	t.Parallel()
	b := newHouse(t).clerk()
	b.get("/office/practices").says(t, "to begin with", 200, "Name, town, postcode or code")
	b.get("/office/practices?q=densham").says(t, "by its name", 200, "The Densham Surgery (A81001)")
	b.get("/office/practices?q=A81001").says(t, "by its code", 200, "The Densham Surgery (A81001)")
	b.get("/office/practices?q=zzzzz").says(t, "what is none", 200, "No practice is called that.")
	for _, path := range []string{"/office/practices/Z99999", "/office/practices/hello", "/office/practices/V81999"} {
		b.get(path).says(t, path, 404, "No such practice")
		b.fill(path+"/email", values("email", "a@b.example")).says(t, path, 404, "No such practice")
	}
}
