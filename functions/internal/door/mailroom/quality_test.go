package mailroom_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// sampled is a form that was registered by Ann, and drawn.
func (h *deskHouse) sampled() batch.At {
	h.t.Helper()
	h.room.Sample = 100
	defer func() { h.room.Sample = 0 }()
	at := h.scanned(batch.Page{})
	a := optouttest.Dissent()
	a.Subject.Surname, a.Subject.Forenames, a.Subject.BirthDate, a.Subject.NHSNumber = "Quillfeather", "Ada", "1957-03-31", optouttest.Number()
	a.Subject.Address, a.Subject.Postcode, a.Reply, a.Practice = []string{"1 Lawson Street", "Stockton-on-Tees"}, "TS18 1HU", nil, "A81001"
	p, err := h.room.Key(h.t.Context(), at, ann, batch.Reading{Answers: a})
	if err != nil || p.Stage() != batch.Sampled {
		h.t.Fatal(p.Sample, err)
	}
	return at
}

// checks is what somebody reads who checks a piece: what was registered, and otherwise where the pairs say so.
func (h *deskHouse) checks(at batch.At, pairs ...string) []string {
	return typed(typed(read, "asked", "again", "stage", "Q", "nhs-number", h.stands(at).Sample.First.Reading.Answers.Subject.NHSNumber, "do", "register"), pairs...)
}

func TestAFinishedPieceIsCheckedBlind(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.sampled()
	ann, bob := h.ann(), h.bob()
	ann.says(ann.get("/mailroom/desk"), 200, "To check", "1 piece waits")
	ann.leads(ann.post("/mailroom/desk", "stage", "Q"), "/mailroom/desk") // not for her: she keyed it
	page := bob.takes(batch.Sampled, at)
	bob.says(page, 200, "Check this piece", "This piece is finished, and has gone on.", "Record what you read", pieceDesk(at)+"/pages/1", `name="asked" value="again"`, `value="hold-signature"`, `value="back-type-1"`, `value="alarm"`, "It says how the person may be answered")
	for _, not := range []string{"Quillfeather", "Lawson", h.stands(at).Form.String(), "It ends with page", "a letter, not a form", "Nothing of it is kept here"} {
		if strings.Contains(page.body, not) {
			t.Errorf("whoever checks sees %q", not)
		}
	}
	ann.says(ann.get(pieceDesk(at)), 200, "Somebody else checks it at the moment.")
	bob.says(bob.post(pieceDesk(at), h.checks(at, "surname", "", "birth-date-day", "")...), 422, "Enter the last name.", `value="Ada"`, "Check this piece")
	if p := h.stands(at); p.HeldBy(h.Now()) != "desk u-bob" || p.Sample.Step != batch.Drawn {
		t.Errorf("it stands %+v", p)
	}
	ledger := func() batch.Ledger {
		b, pieces, err := h.room.Whole(t.Context(), h.batch)
		if err != nil {
			t.Fatal(err)
		}
		return batch.Count(b, pieces)
	}
	before := fmt.Sprint(ledger())
	form := h.checks(at, "surname", "QUILLFEATHER")
	for range 2 { // a double click is answered as done
		to := bob.leads(bob.post(pieceDesk(at), form...), "/mailroom/desk")
		bob.says(bob.get(to), 200, "What you read is recorded.")
	}
	if p := h.stands(at); p.Sample.Step != batch.Alike || p.Status != batch.Registered {
		t.Errorf("it stands %+v", p)
	}
	if fmt.Sprint(ledger()) != before {
		t.Error("the books have changed")
	}
	sue := h.sue()
	sue.says(sue.get("/mailroom/batches/"+at.Batch+"/pieces/"+at.ID), 200, "It was read once more, as a sample, and nothing was wrong")
	text := readable(sue.says(sue.get("/mailroom/supervise?days=7"), 200).body)
	for _, want := range []string{"From 16 November 2026 until today 1 was judged. Wrong in something: 0 of 1 (0.0%).", "Field Last name Checked 1 Wrong 0 Share 0.0%", readerRow("u-ann", "–", "0 of 1 (0.0%)", "0 of 12 (0.0%)", "–"), readerRow("u-bob", "–", "0 of 1 (0.0%)", "0 of 12 (0.0%)", "–")} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said: %s", want, text)
		}
	}
	h.keepsSecret()
}

// readerRow is a line of those who read, as it is read out.
func readerRow(who, two, sample, all, in string) string {
	return "Who " + who + " Wrong, of pieces keyed by two " + two + " Wrong, of pieces in the sample " + sample + " Wrong, of all fields " + all + " Wrong in " + in
}

func TestEveryOutcomeCanBeWhatWasReadOnceMore(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	bob := h.bob()
	for do, want := range map[string]string{
		"register": "surname", "hold-signature": "outcome", "back-type-1": "outcome", "other-blank": "outcome", "rescan": "outcome", "alarm": "outcome",
	} {
		at := h.sampled()
		bob.takes(batch.Sampled, at)
		bob.leads(bob.post(pieceDesk(at), h.checks(at, "do", do, "surname", "Quill")...), "/mailroom/desk")
		p := h.stands(at)
		if strings.Join(p.Sample.Differs, " ") != want || p.Status != batch.Registered || (p.Stage() == batch.Alarmed) != (do == "alarm") {
			t.Errorf("%s: it stands %s, %+v", do, p.Status, p.Sample.Differs)
		}
	}
	h.keepsSecret()
}

// What was read otherwise is before a supervisor, who sees both readings and the pages, and says which is right and what was
// done. It is counted of who was wrong, and what was read is not kept.
func TestASupervisorJudgesASample(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.sampled()
	bob, sue := h.bob(), h.sue()
	bob.takes(batch.Sampled, at)
	bob.leads(bob.post(pieceDesk(at), h.checks(at, "want", "core", "surname", "Quill")...), "/mailroom/desk")
	books := "/mailroom/batches/" + batch.Show(at.Batch) + "/pieces/" + at.ID
	bob.says(bob.get(books+"/judge"), 403)
	bob.says(bob.post(books+"/judge"), 403)
	sue.says(sue.get("/mailroom/supervise"), 200, "Read otherwise", "was read otherwise when it was checked: what it asks for, last name", books+"/judge", "Checked and read otherwise, for a supervisor")
	sue.leads(sue.get(pieceDesk(at)), books+"/judge")
	sue.leads(sue.post("/mailroom/desk", "stage", "V"), pieceDesk(at)) // and on from there
	ref := h.stands(at).Form
	sue.says(sue.get(books+"/judge"), 200, "Which reading is right?", "its reference is "+ref.String(), "Quillfeather", "Quill", "ring its practice", `name="right-choice"`, `name="right-surname"`, pieceDesk(at)+"/pages/1")
	sue.says(sue.post(books+"/judge", "right-choice", "again"), 422, "Say which reading is right.", "right-surname-error")
	sue.says(sue.post(books+"/judge", "right-choice", "again", "right-surname", "first"), 422, "Say what was done about it.")
	sue.says(sue.post(books+"/judge", "right-choice", "again", "right-surname", "first", "done", "left"), 422, "What is asked for cannot stay wrong.")
	for range 2 {
		sue.leads(sue.post(books+"/judge", "right-choice", "again", "right-surname", "first", "done", "practice"), "/mailroom/supervise")
	}
	p := h.stands(at)
	if p.Sample.Step != batch.Judged || p.Sample.First.By != "" || p.Form != ref {
		t.Errorf("it stands %+v", p)
	}
	sue.says(sue.get(books+"/judge"), 404)
	sue.says(sue.get(books), 200, "A supervisor decided what is right: what it asks for: as it was read once more; last name: as it was before; its practice was told")
	text := readable(sue.get("/mailroom/supervise").body)
	for _, want := range []string{
		"Field What it asks for Checked 1 Wrong 1 Share 100.0%", "Field Last name Checked 1 Wrong 0 Share 0.0%",
		readerRow("u-ann", "–", "1 of 1 (100.0%)", "1 of 12 (8.3%)", "what it asks for 1"), readerRow("u-bob", "–", "1 of 1 (100.0%)", "1 of 12 (8.3%)", "last name 1"),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said: %s", want, text)
		}
	}
	var looks []string
	for l, err := range h.Looks(t.Context(), ref) {
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, l.By+" "+l.What)
	}
	if !strings.Contains(strings.Join(looks, ", "), "supervisor u-sue sample") {
		t.Errorf("nobody wrote down who saw the readings: %q", looks)
	}
	h.keepsSecret()
}

// Whoever has read a piece themselves says first that there is no other supervisor; then nothing is stuck.
func TestASupervisorDecidesOverTheirOwnReadingOnlyAlone(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.sampled()
	sue, tom := h.sue(), h.signedIn("u-tom", "mailroom", "supervisor")
	sue.takes(batch.Sampled, at)
	sue.leads(sue.post(pieceDesk(at), h.checks(at, "surname", "Quill")...), "/mailroom/desk")
	books := "/mailroom/batches/" + batch.Show(at.Batch) + "/pieces/" + at.ID
	own := sue.says(sue.get(books+"/judge"), 200, "let another supervisor decide", "There is no other supervisor: I decide")
	if strings.Contains(own.body, "right-surname") {
		t.Error("she can decide at once")
	}
	sue.says(sue.post(books+"/judge", "right-surname", "again", "done", "left"), 409, "You read this form yourself")
	tom.says(tom.get(books+"/judge"), 200, "right-surname")
	sue.leads(sue.post(books+"/alone"), books+"/judge")
	sue.says(sue.get(books+"/judge"), 200, "right-surname")
	sue.leads(sue.post(books+"/judge", "right-surname", "again", "done", "left"), "/mailroom/supervise")
	sue.says(sue.get(books), 200, "A supervisor decides over what they have read themselves: there is no other one")

	h.room.Twice = 100
	at = h.scanned(batch.Page{})
	if _, err := h.room.Key(t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent()}); err != nil {
		t.Fatal(err)
	}
	sue.takes(batch.Keying2, at)
	sue.leads(sue.post(pieceDesk(at), typed(read, "asked", "twice", "stage", "S", "do", "register", "want", "core")...), "/mailroom/desk")
	if p := h.stands(at); p.Status != batch.Disputed {
		t.Fatalf("it stands %s", p.Status)
	}
	sue.leads(sue.post("/mailroom/desk", "stage", "V"), "/mailroom/desk") // nothing for her
	sue.says(sue.get(pieceDesk(at)), 200, "You read this form yourself", `value="alone"`)
	sue.says(sue.post(pieceDesk(at), "do", "take"), 409, "You read this form yourself")
	if a := tom.get(pieceDesk(at)); strings.Contains(a.body, `value="alone"`) {
		t.Error("another supervisor is asked whether there is another")
	}
	sue.leads(sue.post(pieceDesk(at), "do", "alone"), pieceDesk(at))
	sue.says(sue.get(pieceDesk(at)), 200, "What two people read")
	sue.leads(sue.post(pieceDesk(at), typed(read, "stage", "V", "do", "register")...), "/mailroom/desk")
	h.keepsSecret()
}

// An alarm over a finished piece is before all else, and what it came to stays.
func TestAnAlarmOverAFinishedPieceIsBeforeASupervisor(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.sampled()
	bob, sue := h.bob(), h.sue()
	bob.takes(batch.Sampled, at)
	bob.leads(bob.post(pieceDesk(at), h.checks(at, "do", "alarm")...), "/mailroom/desk")
	sue.says(sue.get("/mailroom/supervise"), 200, "Safeguarding: today", "says somebody who checked it")
	books := "/mailroom/batches/" + batch.Show(at.Batch) + "/pieces/" + at.ID
	sue.says(sue.get(books+"/judge"), 200, "tells of a risk to someone", `value="safeguarding"`)
	sue.leads(sue.post(books+"/judge", "right-outcome", "again", "done", "safeguarding"), "/mailroom/supervise")
	sue.says(sue.get(books), 200, "what it is: as it was read once more; the safeguarding procedure was followed")
	bob.leads(bob.post(pieceDesk(at), h.checks(at, "do", "alarm")...), "/mailroom/desk") // sent again, since no answer came
}

// What can be done about what came to no form is something else: it is taken back with the supervisor's word.
func TestWhatWasNoFormIsTakenBackWithTheWord(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	h.room.Sample = 200
	at := h.scanned(batch.Page{})
	if _, err := h.room.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.SentBack, Why: batch.Type1}); err != nil {
		t.Fatal(err)
	}
	bob, sue := h.bob(), h.sue()
	bob.takes(batch.Sampled, at)
	bob.leads(bob.post(pieceDesk(at), typed(read, "asked", "again", "stage", "Q", "do", "register")...), "/mailroom/desk")
	books := "/mailroom/batches/" + batch.Show(at.Batch) + "/pieces/" + at.ID
	sue.says(sue.post(books+"/undo"), 409) // first she says what is right
	page := sue.says(sue.get(books+"/judge"), 200, "It came to no form.", `value="taken-back"`, `value="sender"`, "Back to sender: a Type 1 opt-out", "Quillfeather")
	for _, not := range []string{`value="practice"`, `value="office"`, `value="safeguarding"`} {
		if strings.Contains(page.body, not) {
			t.Errorf("%s is offered", not)
		}
	}
	sue.says(sue.post(books+"/judge", "right-outcome", "again", "done", "practice"), 422, "That cannot be done about this piece as it stands.")
	for range 2 { // it waits again with the same word
		sue.leads(sue.post(books+"/judge", "right-outcome", "again", "done", "taken-back"), "/mailroom/supervise")
		if p := h.stands(at); p.Stage() != batch.Keying1 {
			t.Fatalf("it stands %+v", p)
		}
	}
	h.keepsSecret()
}

// However many alarms and disputes there are, all alarms stand first.
func TestAlarmsStandBeforeAHundredDisputes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.room.Twice = 100
	id := h.opened(500)
	for n := range 103 {
		at := h.scanned(id, fmt.Sprint("unlike-", n, ".pdf"))
		h.keyed(at, ann, nil)
		h.keyed(at, bob, func(r *batch.Reading) { r.Answers.Choice = "core" })
	}
	h.Move(time.Hour)
	alarm := h.scanned(id, "alarm.pdf")
	if _, err := h.room.Alarm(t.Context(), alarm, ann); err != nil {
		t.Fatal(err)
	}
	a := h.asSue().get("/mailroom/supervise").says(t, "what waits", 200, "alarm.pdf", "At most 100 of each kind are shown")
	if strings.Index(a.body, "alarm.pdf") > strings.Index(a.body, "unlike-") {
		t.Error("an alarm stands behind what can wait")
	}
}

// A form in doubt is keyed by two people, too, and neither learns what the other read.
func TestAFormInDoubtIsKeyedOnceMore(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 100)
	at := h.scanned(batch.Page{})
	ann, bob := h.ann(), h.bob()
	ann.takes(batch.Keying1, at)
	to := ann.leads(ann.post(pieceDesk(at), typed(read, "do", "hold-signature")...), "/mailroom/desk")
	ann.says(ann.get(to), 200, "What you read is recorded.")
	bob.says(bob.takes(batch.Keying2, at), 200, "Key it once more", "In doubt")
	to = bob.leads(bob.post(pieceDesk(at), typed(read, "asked", "twice", "stage", "S", "do", "hold-signature")...), "/mailroom/desk")
	bob.says(bob.get(to), 200, "What you read is recorded.")
	if p := h.stands(at); p.Status != batch.Held || p.Why != optout.HeldForSignature {
		t.Errorf("it stands %+v", p)
	}
	h.keepsSecret()
}

// A number that is none is shown to supervisors alone, and who looked is written down.
func TestAWrongNumberIsShownToSupervisors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(2)
	p := h.keyed(h.scanned(id, "one.pdf"), ann, func(r *batch.Reading) { r.Answers.Subject.NHSNumber, r.Number = "", "943 476 591O" })
	h.asAnn().get(piecePath(p.At)).says(t, "to a clerk", 200).lacks(t, "to a clerk", "943 476", "as written")
	h.asSue().get(piecePath(p.At)).says(t, "to a supervisor", 200, "NHS number as written, which is none 943 476 591O")
	var looks []string
	for l, err := range h.Looks(t.Context(), p.Form) {
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, l.By+" "+l.What)
	}
	if strings.Join(looks, ", ") != "supervisor u-sue number" {
		t.Errorf("the looks are %q", looks)
	}
	h.mu.Lock()
	log := strings.ReplaceAll(h.log.String(), " ", "")
	if strings.Contains(log, "943476") || strings.Contains(log, "591O") { // three digits stand there by chance, in a time or an id
		t.Error("the number stands in the log")
	}
	h.mu.Unlock()
}

// A letter is on the list until somebody says that it went or cannot go, whether its batch is open or not, and however many
// others there are.
func TestALetterIsOnTheListUntilItHasGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.asBob().get("/mailroom/letters").says(t, "nothing goes back", 200, "No letter is left to post.")
	var first batch.At
	for n := range 25 {
		id := h.opened(1)
		at := h.scanned(id, fmt.Sprint("back-", n, ".pdf"))
		if _, err := h.room.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.SentBack, Why: batch.Type1}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.room.Close(t.Context(), id, ann); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = at
		}
		h.Move(time.Hour)
	}
	b := h.asBob()
	page := b.get("/mailroom/letters").says(t, "all of them", 200, "back-0.pdf", "back-24.pdf", "It is posted", "No sender known")
	if strings.Index(page.body, "back-0.pdf") > strings.Index(page.body, "back-24.pdf") {
		t.Error("what has waited longest does not come first")
	}
	b.get(piecePath(first)).says(t, "its page", 200, "It is posted", "Nobody knows who sent it: it is kept")
	b.fill(piecePath(first, "posted"), "how", "by pigeon").says(t, "no such way", 422, "Say whether the letter went")
	for range 2 {
		b.fill(piecePath(first, "posted")+"?from=letters", "how", "posted").leads(t, "it is posted", "/mailroom/letters?done=posted")
	}
	b.get("/mailroom/letters?done=posted").says(t, "the others", 200, "It is recorded what became of the letter.", "back-1.pdf").lacks(t, "the others", "back-0.pdf")
	b.get(piecePath(first)).says(t, "its page", 200, "Its letter went. By: The mailroom (you)").lacks(t, "its page", `name="how"`)
	other := h.scanned(h.opened(1), "fine.pdf")
	b.fill(piecePath(other, "posted"), "how", "posted").says(t, "what does not go back", 409, "The piece does not stand where this can be done.")
}
