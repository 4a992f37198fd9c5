package mailroom_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/scan"
)

func TestASupervisorSeesWhatWaitsAndWhatWasDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.asSue()
	b.get("/mailroom/supervise").says(t, "an empty mailroom", 200, "No piece waits for a supervisor's decision.", "No open batch is idle.", "Nothing happened to any batch.")
	h.room.Twice = 100
	id := h.opened(20)
	unlike := h.scanned(id, "unlike.pdf")
	h.keyed(unlike, ann, nil)
	h.keyed(unlike, bob, func(r *batch.Reading) { r.Answers.Choice = "core" })
	h.room.Twice = 0
	alarm := h.scanned(id, "alarm.pdf")
	if _, err := h.room.Take(t.Context(), alarm, ann); err != nil {
		t.Fatal(err)
	}
	virus := h.expected(id, "virus.pdf")
	_, err := h.room.Alarm(t.Context(), alarm, ann)
	if err := errors.Join(err, h.room.Quarantine(t.Context(), virus, batch.Infected, nil)); err != nil {
		t.Fatal(err)
	}
	h.keyed(h.scanned(id, "fine.pdf"), ann, nil)
	a := b.get("/mailroom/supervise").says(t, "what waits", 200, "Safeguarding, for a supervisor today 1 piece, the oldest since 22 Nov 2026, today", "For a supervisor 1 piece, the oldest since 22 Nov 2026, today", "Files that nobody can read 1 piece, the oldest since 22 Nov 2026, today", "Two people keyed it, and not alike", "Safeguarding: today", "Decide at the desk",
		"Malware was found in the file", "Box B-7, number 3, envelope 3", "The paper is dealt with", "Day 22 Nov 2026, today Pieces 2 Registered 1 Held 0", "No reading was held against another one from 26 October 2026 until today.", "From 26 October 2026 until today none was judged.")
	if strings.Index(a.body, "alarm.pdf") > strings.Index(a.body, "unlike.pdf") {
		t.Error("what may harm somebody does not come first")
	}
	b.fill(piecePath(virus, "settle")+"?from=supervise").leads(t, "dealt with", "/mailroom/supervise?done=settled")
	b.get("/mailroom/supervise?done=settled").says(t, "less waits", 200, "It is recorded that you have dealt with it.", "There are none that nobody has dealt with.").lacks(t, "less waits", "virus.pdf")
	b.fill(piecePath(virus, "settle")).leads(t, "said again", piecePath(virus)+"?done=settled")
	b.fill(piecePath(alarm, "settle")).says(t, "what is none", 409, "The piece does not stand where this can be done.")
}

// However many files lie aside, and however long, they stand before no alarm.
func TestAnAlarmIsBeforeASupervisorWhateverElseWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(500)
	for n := range 110 {
		if err := h.room.Quarantine(t.Context(), h.expected(id, fmt.Sprint("virus-", n, ".pdf")), batch.Infected, nil); err != nil {
			t.Fatal(err)
		}
	}
	h.Move(time.Hour)
	alarm := h.scanned(id, "alarm.pdf")
	if _, err := h.room.Alarm(t.Context(), alarm, ann); err != nil {
		t.Fatal(err)
	}
	b := h.asSue()
	b.get("/mailroom/supervise").says(t, "what waits", 200, "Safeguarding: today", "alarm.pdf")
	if a := b.fill("/mailroom/desk", "stage", "V"); !strings.HasPrefix(a.header.Get("Location"), "/mailroom/desk/"+alarm.Batch+"/"+alarm.ID) {
		t.Errorf("the next piece for a supervisor is %d at %s", a.status, a.header.Get("Location"))
	}
}

func TestThePaperIsFoundByAReference(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(20)
	p := h.keyed(h.scanned(id, "fine.pdf"), ann, nil)
	b := h.asSue()
	b.get("/mailroom/find").says(t, "nothing asked", 200, "Find the paper")
	b.get("/mailroom/find?find="+p.Form.String()).says(t, "a form", 200, "Where it is", "Box B-7", "Number in the box 3", "Envelope 1", "Not decided: it is kept", batch.Show(id))
	b.get("/mailroom/find?find="+strings.ToLower(batch.Show(id))).says(t, "a batch", 200, "Box B-7", batch.Show(id)).lacks(t, "a batch", "Envelope")
	for _, none := range []string{"x", "7F3K-9QWM-2B5T-RX4H-A", "S61V-NQ1Z-SZ7H-16J5-N"} {
		b.get("/mailroom/find?find="+none).says(t, none, 422, "No batch has this reference, and no form that came on paper.")
	}
	online, err := optout.Registrar{Store: h.Memory, Keys: h.keys, Now: h.Now}.Register(t.Context(), optouttest.Online(""), optouttest.Dissent(), optouttest.Accepted(optouttest.Dissent()))
	if err != nil {
		t.Fatal(err)
	}
	b.get("/mailroom/find?find="+online.Reference.String()).says(t, "a form without paper", 422)
}

func TestAHeldFormIsWrittenToAndReleased(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(20)
	p := h.keyed(h.scanned(id, "held.pdf"), ann, holds(optout.HeldForChoice, &optout.Reply{Safe: []string{"post"}}))
	form := "/mailroom/forms/" + p.Form.String()
	clerk := h.asAnn()
	list := clerk.get("/mailroom/letters").says(t, "the list", 200, p.Form.String(), "No choice is ticked, or more than one", "Not yet", "Due today")
	list.lacks(t, "the list", "O'Neill", "Neill")
	clerk.get("/mailroom").says(t, "the first page", 200, "Held, to be cleared up 1 form")
	clerk.get(form).says(t, "the form", 200, "Neill", "It is held: no choice is ticked, or more than one. The person was written to: not yet.", "See the letter", "By post, and in no other way").lacks(t, "to a clerk", "let the form go on")
	letter := clerk.get(form+"/letter").says(t, "the letter", 200, "Dear ", "there is no choice ticked, or more than one", "you need not send documents", p.Form.String(), "Testshire <Board>", "22 November 2026", "Put a new form into the envelope")
	letter.lacks(t, "the letter", "<header", "NHS logo")
	clerk.get(form+"/wrote").says(t, "the page", 200, "The person may be answered by post, and in no other way.")
	clerk.fill(form+"/wrote", "key", "w").says(t, "nothing said", 422, "Say how.")
	for range 2 {
		clerk.fill(form+"/wrote", "how", "post", "key", "w1").leads(t, "written to", "/mailroom/letters?done=wrote")
	}
	clerk.get("/mailroom/letters").says(t, "the next letter", 200, "Once", "Due in 15 days")
	clerk.fill(form+"/wrote", "how", "phone", "key", "w2").says(t, "too early", 409)
	clerk.get(form+"/release").says(t, "by a clerk", 403)
	clerk.fill(form+"/release", "want", "dissent").says(t, "by a clerk", 403)

	boss := h.asSue()
	page := boss.get(form+"/release").says(t, "the page", 200, "What does the person want?", "Never guess.")
	if strings.Contains(page.body, "checked>") && strings.Contains(page.body, `value="dissent" checked`) || !strings.Contains(page.body, "Neill") {
		t.Error("what is in doubt is filled in, or what is not is missing")
	}
	said := []string{
		"want", "dissent", "forenames", "Zoë", "surname", "O'Neill", "birth-date-day", "31", "birth-date-month", "3", "birth-date-year", "1957", "signer", "self", "practice", "A81001",
		"line-1", "1 High Street", "postcode", "TS18 1HU", "text", "by letter", "key", "r1",
	}
	boss.fill(form+"/release", typed(said, "want", "", "text", "")...).says(t, "not cleared up", 422, "Say what the person wants.", "Say how it was cleared up.")
	boss.fill(form+"/release", said...).leads(t, "cleared up", "/mailroom/letters?done=released")
	f, err := h.Form(t.Context(), p.Form)
	if err != nil || f.State().Status != optout.StatusRegistered || f.Facts.Choice != "dissent" {
		t.Errorf("%+v, %v", f.State(), err)
	}
	boss.get(form).says(t, "gone on", 404, "This form is not held")
	boss.fill(form+"/release", said...).leads(t, "sent again, since no answer came", "/mailroom/letters?done=before")
	boss.get("/mailroom/letters?done=before").says(t, "told so", 200, "What you sent first from that page is recorded.")
	boss.fill(form+"/release", typed(said, "key", "r2")...).says(t, "from another page", 404, "This form is not held")
	boss.get("/mailroom/letters").says(t, "nobody left", 200, "No form is held.")
	var looks []string
	for l, err := range h.Looks(t.Context(), p.Form) {
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, l.By+" "+l.What)
	}
	for _, want := range []string{"desk u-ann form", "desk u-ann print", "supervisor u-sue form"} {
		if !slices.Contains(looks, want) {
			t.Errorf("%q is not among the looks %q", want, looks)
		}
	}
}

func TestAPersonIsWrittenToInSafeWaysOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(20)
	b := h.asAnn()
	for name, c := range map[string]struct {
		reply *optout.Reply
		says  string
	}{
		"by telephone":     {&optout.Reply{Safe: []string{"phone"}, Phone: "01642 000000"}, "The person may be answered by telephone, and in no other way."},
		"not at all":       {&optout.Reply{Safe: []string{}}, "The person asked not to be contacted."},
		"nothing was said": {nil, ""},
	} {
		p := h.keyed(h.scanned(id, name+".pdf"), ann, holds(optout.HeldForSignature, c.reply))
		status := 409
		if c.says == "" {
			status = 200
		}
		b.get("/mailroom/forms/"+p.Form.String()+"/letter").says(t, name, status, c.says)
	}
}

func TestANewerFormComesInPlaceOfAHeldOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(20)
	number := optouttest.Number()
	same := func(r *batch.Reading) { r.Answers.Subject.NHSNumber = number }
	p := h.keyed(h.scanned(id, "held.pdf"), ann, func(r *batch.Reading) { holds(optout.HeldForChoice, nil)(r); same(r) })
	h.Move(time.Hour)
	newer := h.keyed(h.scanned(id, "newer.pdf"), ann, same)
	form := "/mailroom/forms/" + p.Form.String()
	b := h.asSue()
	b.fill(form+"/supersede", "newer", "x", "key", "1").says(t, "no reference", 422, "No form has this reference.")
	b.fill(form+"/supersede", "newer", p.Form.String(), "key", "2").says(t, "itself", 422)
	b.fill(form+"/supersede", "newer", newer.Form.String(), "key", "3").leads(t, "the newer one", "/mailroom/letters?done=superseded")
	f, err := h.Form(t.Context(), p.Form)
	if err != nil || f.State().Status != optout.StatusAnswered {
		t.Errorf("%+v, %v", f.State(), err)
	}
}

func TestEachReasonToSendPostBackHasALetter(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(20)
	b := h.asAnn()
	seen := map[string]string{}
	for _, why := range batch.SentBackFor {
		at := h.scanned(id, why+".pdf")
		if _, err := h.room.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.SentBack, Why: why}); err != nil {
			t.Fatal(err)
		}
		text := b.get(piecePath(at, "letter")).says(t, why, 200, "We send this back to you", "Dear Sir or Madam").text(t)
		_, says, _ := strings.Cut(text, "Dear Sir or Madam")
		if other, ok := seen[says]; ok {
			t.Errorf("%s has the letter of %s", why, other)
		}
		seen[says] = why
	}
	b.get("/mailroom/letters").says(t, "the list", 200, "type-1.pdf", "identity-documents.pdf", "They", "A letter goes with each of them, whether its batch is open or closed.")
}

// Each code that stands on a piece or a page is said in words, with what to do where something is stuck.
func TestEachCodeIsSaidInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(100)
	b := h.asAnn()
	codes := append(scan.Codes(), batch.Infected, batch.Unsupported, batch.Unchecked, batch.SecondFile, batch.NotRead)
	for _, code := range codes {
		at := h.expected(id, "x.pdf")
		if err := h.room.Quarantine(t.Context(), at, code, nil); err != nil {
			t.Fatal(err)
		}
		text := b.get(piecePath(at)).says(t, code, 200).text(t)
		if strings.Contains(text, "Why "+code) || !strings.Contains(text, ".") {
			t.Errorf("%s is not said in words: %s", code, text)
		}
	}
	for _, code := range slices.Concat(batch.OtherPostIs, batch.SentBackFor) {
		status := batch.OtherPost
		if slices.Contains(batch.SentBackFor, code) {
			status = batch.SentBack
		}
		p, err := h.room.ByHand(t.Context(), id, ann, 1, batch.Outcome{Status: status, Why: code})
		if err != nil {
			t.Fatal(err)
		}
		if text := b.get(piecePath(p.At)).text(t); strings.Contains(text, "Why "+code) {
			t.Errorf("%s is not said in words: %s", code, text)
		}
	}
	for _, code := range batch.HoldFor {
		if p := h.keyed(h.scanned(id, "y.pdf"), ann, holds(code, nil)); strings.Contains(b.get(piecePath(p.At)).text(t), "Why "+code) {
			t.Errorf("%s is not said in words", code)
		}
	}
}
