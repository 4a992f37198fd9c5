package mailroom_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout/optouttest"
)

var declared = []string{"envelopes", "10", "box", "2026-B-17", "sequence", "4", "destroy-day", "1", "destroy-month", "12", "destroy-year", "2027", "key", "k1"}

func TestABatchIsOpenedOnceFromAPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.asAnn()
	b.get("/mailroom").says(t, "an empty mailroom", 200, "No batch is open.", "Open a batch", "To be keyed Nothing", "Held, to be cleared up Nothing")
	b.get("/mailroom/open").says(t, "the page", 200, "How many envelopes are there?", "In which box is the paper kept?")
	a := b.fill("/mailroom/open", declared...)
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(to, "/mailroom/batches/") || !strings.HasSuffix(to, "?done=opened") {
		t.Fatalf("answered with %d to %s: %s", a.status, to, a.text(t))
	}
	b.fill("/mailroom/open", declared...).leads(t, "a double click", to)
	page := b.get(to).says(t, "the batch", 200, "The batch is open.", "Box 2026-B-17, number 4.", "1 December 2027", "0 opened ≠ 10 declared", "Not yet", "0 on the books = 0 registered + 0 held + 0 sent back + 0 other post + 0 scanned twice + 0 quarantined + 0 waiting", "Nothing is on the books yet.", "It cannot be closed yet.")
	page.lacks(t, "the batch", "Open the batch again")
	b.fill("/mailroom/open", typed(declared, "sequence", "5")...).says(t, "gone back to and changed", 409, "This page has opened another batch already.", "Nothing was changed.")
	b.get("/mailroom").says(t, "one batch", 200, "2026-B-17, number 4", "22 Nov 2026, today")
	b.get("/mailroom/open").says(t, "the next one", 200)
	if next := b.get("/mailroom/open").body; !strings.Contains(next, `value="2026-B-17"`) || !strings.Contains(next, `value="5"`) {
		t.Error("the next place in the box is not filled in")
	}
}

func TestWhatIsWrongWithABatchIsSaidBesideTheFields(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.asAnn()
	for name, c := range map[string]struct {
		change []string
		wants  []string
	}{
		"nothing":          {[]string{"envelopes", "", "box", "", "sequence", ""}, []string{"Say how many envelopes there are, as a number.", "Say in which box the paper is kept.", "Say which place in the box the batch has"}},
		"no envelopes":     {[]string{"envelopes", "0"}, []string{"That number is not possible here. Check it."}},
		"too many":         {[]string{"envelopes", "501"}, []string{"That number is not possible here. Check it."}},
		"words":            {[]string{"envelopes", "ten"}, []string{"Say how many envelopes there are, as a number."}},
		"a box with marks": {[]string{"box", "<B>"}, []string{"A box is named by at most 20 letters, digits and dashes."}},
		"no box":           {[]string{"box", ""}, []string{"This is needed. Fill it in."}},
		"yesterday":        {[]string{"destroy-day", "21", "destroy-month", "11", "destroy-year", "2026"}, []string{"That day is over. Check the date."}},
		"no such day":      {[]string{"destroy-day", "31", "destroy-month", "2"}, []string{"There is no such day. Check it."}},
	} {
		b.fill("/mailroom/open", typed(declared, c.change...)...).says(t, name, 422, append(c.wants, "There is a problem")...)
	}
	if page := b.fill("/mailroom/open", typed(declared, "box", "<B>")...); !strings.Contains(page.body, `value="10"`) || !strings.Contains(page.body, `value="k1"`) || !strings.Contains(page.body, "&lt;B&gt;") {
		t.Error("what was typed is not kept")
	}
	h.Fate = func(method string) optouttest.Fate {
		if method == "SaveBatch" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	b.fill("/mailroom/open", declared...).says(t, "the table away", 503, "Nothing that you typed is lost", "Open a batch")
}

func TestTheBooksShowEachPieceAndWhatIsStuck(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(8)
	h.keyed(h.scanned(id, "O'Neill <1>.pdf"), ann, nil)
	held := h.keyed(h.scanned(id, "two.pdf"), ann, holds("choice", nil))
	waits := h.scanned(id, "three.pdf")
	if _, err := h.room.Take(t.Context(), waits, bob); err != nil {
		t.Fatal(err)
	}
	virus, stuck := h.expected(id, "virus.pdf"), h.expected(id, "stuck.pdf")
	if err := errors.Join(h.room.Quarantine(t.Context(), virus, batch.Infected, nil), h.room.Arrived(t.Context(), stuck), h.room.Stuck(t.Context(), stuck, batch.Unchecked)); err != nil {
		t.Fatal(err)
	}
	h.expected(id, "never.pdf")
	b := h.asAnn()
	b.get(batchPath(id)).says(t, "the books", 200,
		"5 opened ≠ 8 declared", "Of 3 envelopes nothing is on the books yet.", "Nothing is on the books of envelopes 6, 7 and 8.",
		"6 on the books = 1 registered + 1 held + 0 sent back + 0 other post + 0 scanned twice + 1 quarantined + 3 waiting", "3 pieces still wait.",
		"O'Neill <1>.pdf", "Registered", "No choice is ticked, or more than one", "A colleague", "No file yet", "1 file is on its way or being checked.",
		"Malware was found in the file.", "scan it again on a machine that is clean", "The malware check gives no answer", "tell whoever looks after this service",
		"Some pieces of this batch still wait.")
	b.get(batchPath(id)+"?only=held").says(t, "the held ones", 200, "Held (1)", "two.pdf")
	b.get(batchPath(id)+"?only=held").lacks(t, "the held ones", "three.pdf")
	b.get(batchPath(id)+"?only=nothing&from=-3").says(t, "an odd address", 200, "three.pdf")
	b.get(piecePath(held.At)).says(t, "the held piece", 200, "A piece in envelope 2", "See the form that is held", "It was held: no choice is ticked, or more than one.")
	h.asBob().get(batchPath(id)).says(t, "to who has it", 200, "You")
}

// Books are counted at one moment, whoever is at work on them: what is counted while it changes seems not to add up.
func TestBooksAddUpWhileColleaguesAreAtWork(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(3)
	b := h.asAnn()
	byHand := func(envelope int) func() {
		return func() {
			if _, err := h.room.ByHand(t.Context(), id, bob, envelope, batch.Outcome{Status: batch.OtherPost, Why: "blank"}); err != nil {
				t.Error(err)
			}
		}
	}
	h.meanwhile = byHand(1)
	b.get(batchPath(id)).says(t, "the books", 200, "1 on the books = 0 registered + 0 held + 0 sent back + 1 other post").lacks(t, "the books", "something is counted wrongly")
	h.meanwhile = byHand(2)
	b.fill(batchPath(id, "close")).says(t, "the books that are not closed", 409, "2 on the books = 0 registered + 0 held + 0 sent back + 2 other post").lacks(t, "the books", "something is counted wrongly")
	h.meanwhile = byHand(3)
	if err := h.SaveMailroomClient(t.Context(), "push-1", "the scanning desk"); err != nil {
		t.Fatal(err)
	}
	told := b.send(http.MethodGet, "/api/mailroom/batches/"+batch.Show(id), nil, "Authorization", "Bearer "+h.issuer.Token(t, "push-1", h.Now()), "Accept", "application/json")
	if told.status != http.StatusOK || !strings.Contains(told.body, `"counted":3`) || !strings.Contains(told.body, `"otherPost":3`) || !strings.Contains(told.body, `"equal":true`) {
		t.Errorf("software is told %d %s", told.status, told.body)
	}
	if h.stored(id).Pieces != 3 || h.meanwhile != nil {
		t.Errorf("nothing happened meanwhile: %+v", h.stored(id))
	}
}

func TestALongBatchIsShownInParts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(250)
	for n := range 130 {
		if _, err := h.room.ByHand(t.Context(), id, ann, n+1, batch.Outcome{Status: batch.OtherPost, Why: "blank"}); err != nil {
			t.Fatal(err)
		}
	}
	b := h.asAnn()
	first := b.get(batchPath(id)).says(t, "the first part", 200, "All (130)", "Next pieces", "envelopes 131, 132, 133", "150 and 100 more")
	if n := strings.Count(first.body, "Put in by hand"); n != 100 {
		t.Errorf("%d pieces on the first page", n)
	}
	rest := b.get(batchPath(id)+"?only=all&from=100").says(t, "the rest", 200, "Back to the first pieces")
	if n := strings.Count(rest.body, "Put in by hand"); n != 30 {
		t.Errorf("%d pieces on the second page", n)
	}
}

func TestABatchClosesWhenItsBooksAddUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(2)
	b := h.asAnn()
	b.fill(batchPath(id, "close")).says(t, "with nothing in it", 409, "Nothing is on the books of this batch yet. Nothing was changed.")
	h.keyed(h.scanned(id, "one.pdf"), ann, nil)
	b.fill(batchPath(id, "close")).says(t, "with one missing", 409, "Some of the envelopes that were declared are missing.")
	b.get(batchPath(id, "hand")).says(t, "by hand", 200, "Which envelope was it in?", "An empty envelope")
	b.fill(batchPath(id, "hand"), "key", "h1").says(t, "nothing said", 422, "Say in which envelope it was", "Say what it is.")
	b.fill(batchPath(id, "hand"), "envelope", "2", "what", "other-post nothing", "key", "h1").says(t, "no such thing", 422, "Choose one of the options offered.")
	b.fill(batchPath(id, "hand"), "envelope", "9999", "what", "other-post blank", "key", "h1").says(t, "no such envelope", 422, "That number is not possible here.")
	for range 2 {
		b.fill(batchPath(id, "hand"), "envelope", "2", "what", "other-post empty-envelope", "key", "h1").leads(t, "an empty one", batchPath(id)+"?done=hand")
	}
	if l := h.stored(id); l.Pieces != 2 {
		t.Errorf("a double click put in %d pieces", l.Pieces)
	}
	b.get(batchPath(id)).says(t, "ready", 200, "Close the batch", "Each envelope that was declared is on the books.", "Each piece is accounted for, and none waits.")
	for range 2 {
		b.fill(batchPath(id, "close")).leads(t, "closed", batchPath(id)+"?done=closed")
	}
	b.get(batchPath(id)+"?done=closed").says(t, "closed", 200, "The books of this batch are closed.").lacks(t, "a closed batch", "Close the batch", "Send scans", "Open the batch again")
	b.fill(batchPath(id, "hand"), "envelope", "1", "what", "other-post blank").says(t, "put into a closed one", 409, "This batch is closed. A supervisor can open it again. Nothing was changed.")
	b.get(batchPath(id, "files")).says(t, "files for a closed one", 200, "This batch is closed.")
	b.get("/mailroom?list=closed").says(t, "the closed ones", 200, "Closed", "B-7")
	b.get(batchPath(id, "reopen")).says(t, "by a clerk", 403)
	b.fill(batchPath(id, "reopen")).says(t, "by a clerk", 403)
	boss := h.asSue()
	boss.get(batchPath(id)).says(t, "to a supervisor", 200, "Open the batch again")
	boss.get(batchPath(id, "reopen")).says(t, "by a supervisor", 200, "Open it again")
	boss.fill(batchPath(id, "reopen"), "key", "r").leads(t, "opened again", batchPath(id)+"?done=reopened")
	if !h.stored(id).IsOpen() {
		t.Error("it stays closed")
	}
}

func TestEnvelopesAreCountedAgainWithBothNumbersInTheHistory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(10)
	b := h.asBob()
	b.get(batchPath(id, "recount")).says(t, "the page", 200, "this batch has 10 envelopes")
	b.fill(batchPath(id, "recount"), "envelopes", "x").says(t, "no number", 422, "Say how many envelopes there are")
	b.fill(batchPath(id, "recount"), "envelopes", "0", "why", "found").says(t, "none", 422, "That number is not possible here.")
	if _, err := h.room.ByHand(t.Context(), id, ann, 9, batch.Outcome{Status: batch.OtherPost, Why: "blank"}); err != nil {
		t.Fatal(err)
	}
	b.fill(batchPath(id, "recount"), "envelopes", "8").says(t, "no reason", 422, "Say why it is another number.")
	b.fill(batchPath(id, "recount"), "envelopes", "8", "why", "boredom").says(t, "no such reason", 422, "Choose one of the options offered.")
	b.fill(batchPath(id, "recount"), "envelopes", "8", "why", "lost").leads(t, "eight", batchPath(id)+"?done=recounted")
	b.get(batchPath(id)).says(t, "the history", 200, "The envelopes were counted again: from 10 to 8. An envelope cannot be found", "By: The mailroom (you)", "1 piece is in an envelope numbered higher than 8", "Of 8 envelopes nothing is on the books, and 1 envelope has a number beyond 8.")
	h.asSue().get("/mailroom/supervise").says(t, "to supervisors", 200, batch.Show(id)+" What was said The envelopes were counted again: from 10 to 8. An envelope cannot be found Who u-bob")
}

func TestAPieceIsPutRightAsLongAsNothingHasLeftTheHouse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	b := h.asAnn()
	at := h.scanned(id, "letter.pdf")
	if _, err := h.room.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.SentBack, Why: batch.Type1}); err != nil {
		t.Fatal(err)
	}
	b.get(piecePath(at)).says(t, "the piece", 200, "Back to sender", "A Type 1 opt-out", "Take the outcome back", "See the letter that goes back with it")
	b.get(piecePath(at, "letter")).says(t, "its letter", 200, "You sent us a Type 1 opt-out.", "Please give it to your GP practice.", "Testshire <Board>", "PO Box 1", "envelope 1", "Write the address by hand")
	b.fill(piecePath(at, "envelope"), "envelope", "x").says(t, "no number", 422, "Say in which envelope it was")
	b.fill(piecePath(at, "envelope"), "envelope", "4").leads(t, "another envelope", piecePath(at)+"?done=envelope")
	b.fill(piecePath(at, "undo")).leads(t, "undone", piecePath(at)+"?done=undone")
	if p := h.stands(at); p.Status != batch.Waiting || p.Envelope != 4 {
		t.Errorf("%+v", p)
	}
	b.get(piecePath(at)).says(t, "waiting again", 200, "To be keyed", "It was put into envelope 4", "Its outcome was taken back")
	b.get(piecePath(at, "letter")).says(t, "no letter any more", 404)
	keyed := h.keyed(h.scanned(id, "form.pdf"), ann, nil)
	b.get(piecePath(keyed.At)).lacks(t, "a registered piece", "Take the outcome back")
	b.fill(piecePath(keyed.At, "undo")).says(t, "a form that is on its way", 409, "The piece does not stand where this can be done.")
	b.fill(piecePath(at, "settle")).says(t, "by a clerk", 403)
	b.fill(piecePath(at, "nothing")).says(t, "nothing known", 404)
	b.get(batchPath(id, "pieces", "none-001")).says(t, "no piece", 404, "There is no such piece")
	b.get(batchPath(id, "pieces", strings.Repeat("x", 500))).says(t, "a long name", 404, "There is no such piece")
	b.get("/mailroom/batches/7F3K-9QWM-2B5T-RX4H-A").says(t, "no batch", 404, "There is no such batch")
	b.get("/mailroom/batches/nothing").says(t, "no reference", 404, "There is no such batch")
	b.get(batchPath(id, "nothing")).says(t, "no page", 404)
	b.fill(batchPath(id, "nothing")).says(t, "nothing to do", 404)
	b.get(batchPath(id, "close")).says(t, "no page of its own", 404)
}

func TestAnIdleBatchShowsInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	h.Move(73 * time.Hour)
	young := h.opened(1)
	a := h.asAnn().get("/mailroom").says(t, "the list", 200, "Idle for 3 days")
	if strings.Index(a.body, batch.Show(id)) > strings.Index(a.body, batch.Show(young)) {
		t.Error("the oldest does not come first")
	}
	h.asSue().get("/mailroom/supervise").says(t, "to a supervisor", 200, "Nothing has happened to these for 2 days.", batch.Show(id))
}

func TestTheHeaderSheetNamesTheBatchAndEachEnvelope(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(12)
	a := h.asAnn().get(batchPath(id, "header")).says(t, "the sheet", 200, "Place on top of the batch", batch.Show(id), "Box B-7, number 3", "12 envelopes", "keep it", "22 November 2026")
	if strings.Count(a.body, "☐") != 12 || !strings.Contains(a.body, `<svg role="img" aria-label="The reference as a code for scanners"`) || strings.Contains(a.body, "<header") {
		t.Errorf("%s", a.body)
	}
}

func TestWhatWasTypedOutlivesTheSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	b := h.asAnn()
	h.Move(16 * time.Minute)
	a := b.fill(batchPath(id, "hand"), "envelope", "3", "what", "other-post blank", "key", "k9").says(t, "too late", 401, "You have been signed out", "Send it again")
	for _, kept := range []string{`name="envelope" value="3"`, `value="other-post blank"`, `value="k9"`, `action="` + batchPath(id, "hand") + `"`} {
		if !strings.Contains(a.body, kept) {
			t.Errorf("%s is not kept", kept)
		}
	}
	h.Fate = func(method string) optouttest.Fate {
		if method == "SaveBatch" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	c := h.asAnn()
	page := c.fill(batchPath(id, "hand"), "envelope", "3", "what", "other-post blank", "key", "k9").says(t, "the table away", 503, "Nothing that you typed is lost")
	if !strings.Contains(page.body, `value="3"`) || !strings.Contains(page.body, `value="k9"`) {
		t.Error("what was typed is not kept")
	}
	c.fill(batchPath(id, "recount"), "envelopes", "4", "why", "miscounted").says(t, "counting, the table away", 503)
	h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	for _, path := range []string{"/mailroom", batchPath(id), batchPath(id, "send"), "/mailroom/letters"} {
		c.get(path).says(t, path, 503)
	}
}

// odd is what people paste, keyboards produce and machines send.
var odd = map[string]string{
	"nothing": "", "spaces": "   \t ", "nothing that can be seen": "\u200b\u2060\ufeff", "20,000 characters": strings.Repeat("Zoe ", 5000),
	"NUL": "Zoe\x00", "lines": "Zoe\r\nSet-Cookie: a=b\r\n\r\n<p>", "text that is turned round": "\u202eeoZ\u202c\u2066", "emoji": "🙂👩‍👩‍👧‍👦",
	"a script": `<script>alert(1)</script>`, "an attribute": `" autofocus onfocus="alert(1)" x="`, "a template": `{{.}}{{template "button" .}}`,
	"a very great number": strings.Repeat("9", 400), "a negative number": "-5", "a fraction": "1.5", "bytes that are no text": "Zo\xff\xfe\xc3(", "a path": "../../../etc/passwd",
	"a percent sign": "100%zz%00", "digits of elsewhere": "१२३",
}

func TestOddValuesInEveryFieldOfEveryPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.asSue()
	id := h.opened(9)
	at := h.scanned(id, "x.pdf")
	ref := h.keyed(h.scanned(id, "held.pdf"), ann, holds("choice", nil)).Form
	form := "/mailroom/forms/" + ref.String()
	for path, fields := range map[string][]string{
		"/mailroom/open": {"envelopes", "box", "sequence", "destroy-year", "key"}, batchPath(id, "hand"): {"envelope", "what", "key"}, batchPath(id, "recount"): {"envelopes"},
		batchPath(id, "files"): {"count", "envelopes", "key"}, piecePath(at, "envelope"): {"envelope"},
		form + "/wrote": {"how", "text", "key"}, form + "/supersede": {"newer", "text"}, form + "/release": {"want", "surname", "birth-date-year", "practice", "safe", "text"},
	} {
		for _, field := range append(fields, "nobody-knows-this-field") {
			for name, value := range odd {
				pairs := typed([]string{"envelopes", "3", "box", "B", "sequence", "1", "envelope", "1", "what", "other-post", "count", "1", "how", "pigeon"}, field, value)
				a := b.fill(path, pairs...)
				if a.status >= 500 || a.status < 200 {
					t.Errorf("%s in %s of %s is answered with %d", name, field, path, a.status)
				}
				a.lacks(t, fmt.Sprint(name, " in ", field), "<script>alert", `onfocus="alert`)
			}
		}
		b.send(http.MethodPost, path, values("text", strings.Repeat("x", 40<<10))).says(t, "far too much", 413)
		b.send(http.MethodPost, path, values("text", "x"), "Content-Type", "application/json").says(t, "something else than a form", 415)
	}
	for name, value := range odd {
		if a := b.send(http.MethodGet, "/mailroom/find?"+values("find", value).Encode(), nil); a.status != 200 && a.status != 422 {
			t.Errorf("finding %s is answered with %d", name, a.status)
		}
	}
}

func TestOthersAreNotLetIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(3)
	at := h.scanned(id, "x.pdf")
	stranger := &browser{house: h}
	paths := []string{"/mailroom", "/mailroom/open", batchPath(id), batchPath(id, "files"), piecePath(at), "/mailroom/letters", "/mailroom/supervise"}
	for _, path := range paths {
		if a := stranger.get(path); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), h.issuer.URL) {
			t.Errorf("%s, nobody signed in: %d", path, a.status)
		}
	}
	stranger.fill("/mailroom/open", declared...).says(t, "nobody signed in", 401, "You are not signed in")
	for _, groups := range [][]string{{"ods-A81001"}, {"office"}, {"clinician", "ods-A81001"}, nil} {
		b := h.signIn("u-7", groups...)
		for _, path := range paths {
			b.get(path).says(t, strings.Join(groups, " ")+" at "+path, 403, "This is not for you")
		}
		b.fill(batchPath(id, "recount"), "envelopes", "4").says(t, strings.Join(groups, " "), 403)
	}
	if n := h.stored(id).Declared; n != 3 {
		t.Errorf("%d envelopes", n)
	}
	b := h.asAnn()
	b.get("/mailroom/supervise").says(t, "a clerk", 403, "This is not for you").lacks(t, "the navigation of a clerk", "For supervisors")
	b.get("/mailroom/find").says(t, "a clerk", 403)
	b.get("/mailroom/nothing").says(t, "no address", 404)
	b.fill("/mailroom", "a", "b").says(t, "another method", 405)
	b.send(http.MethodPost, batchPath(id, "recount"), values("envelopes", "4"), "Sec-Fetch-Site", "cross-site").says(t, "another site", 403, "Sent from another site")
	b.get("/mailroom/stay").says(t, "staying", 200, "You are signed in")
	if policy := b.get("/mailroom").header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' https://bucket.example; connect-src 'self' https://bucket.example; form-action 'self' https://bucket.example;") {
		t.Errorf("the policy is %s", policy)
	}
	b.fill("/mailroom/sign-out")
	b.get("/mailroom/signed-out").says(t, "signed out", 200, "You have signed out")
}
