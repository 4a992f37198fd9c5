package mailroom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestEveryOutcomeIsAButton(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	ann := h.ann()
	type outcome struct {
		status batch.Status
		why    string
	}
	outcomes := map[string]outcome{"register": {batch.Registered, ""}, "rescan": {batch.Rescan, "seen"}, "alarm": {batch.Disputed, batch.Safeguarding}}
	for _, why := range batch.HoldFor {
		outcomes["hold-"+why] = outcome{batch.Held, why}
	}
	for _, why := range batch.SentBackFor {
		outcomes["back-"+why] = outcome{batch.SentBack, why}
	}
	for _, why := range batch.OtherPostIs {
		outcomes["other-"+why] = outcome{batch.OtherPost, why}
	}
	for do, want := range outcomes {
		at := h.scanned(batch.Page{})
		page := ann.takes(batch.Keying1, at)
		if !strings.Contains(page.body, `name="do" value="`+do+`"`) {
			t.Errorf("there is no button for %s", do)
		}
		for range 2 { // the second time, it is answered as done
			to := ann.leads(ann.post(pieceDesk(at), typed(read, "do", do, "nhs-number", "")...), "/mailroom/desk")
			if a := ann.get(to); !strings.Contains(a.body, "app-after") {
				t.Errorf("%s: what was done is not said: %s", do, readable(a.body))
			}
		}
		if p := h.stands(at); p.Status != want.status || p.Why != want.why || p.HeldBy(h.Now()) != "" {
			t.Errorf("%s: it stands %s for %q", do, p.Status, p.Why)
		}
	}
	h.keepsSecret()
}

func TestWhatIsWrongIsSaidBesideItsField(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{}, batch.Page{}, batch.Page{Fault: "page-damaged"})
	ann := h.ann()
	ann.says(ann.takes(batch.Keying1, at), 200, "Page 3 could not be drawn", "box B-7, batch 3, envelope 1", "I have looked at page 3 on the paper")
	good := typed(read, "undrawn", "yes")
	for name, c := range map[string]struct {
		pairs []string
		field string
		says  string
	}{
		"no choice":                        {[]string{"want", ""}, "want", "Say what it asks for."},
		"no option":                        {[]string{"want", "everything"}, "want", "Choose one of the options"},
		"taken back, and nothing named":    {[]string{"want", "withdrawal"}, "about", "Give the reference"},
		"no first name":                    {[]string{"forenames", ""}, "forenames", "tick that there is one name only"},
		"no last name":                     {[]string{"surname", ""}, "surname", "Enter the last name."},
		"no birth date":                    {[]string{"birth-date-day", "", "birth-date-month", "", "birth-date-year", ""}, "birth-date", "Enter the birth date."},
		"no such day":                      {[]string{"birth-date-day", "31", "birth-date-month", "2"}, "birth-date", "There is no such day"},
		"born tomorrow":                    {[]string{"birth-date-year", "2099"}, "birth-date", ""},
		"a wrong number":                   {[]string{"nhs-number", "943 476 5918"}, "nhs-number", ""},
		"a good number that stands so":     {[]string{"number", "yes"}, "number", "This is a good NHS number"},
		"no postcode":                      {[]string{"postcode", "TS18"}, "postcode", ""},
		"an address, and none":             {[]string{"no-address", "yes"}, "line-1", ""},
		"no practice of this code":         {[]string{"practice", "A99999"}, "practice", ""},
		"a practice, and none":             {[]string{"not-registered", "yes"}, "practice", ""},
		"a name that many practices have":  {[]string{"practice", "surgery"}, "practice", "Choose the practice that is meant"},
		"a name that no practice has":      {[]string{"practice", "qwxyzzy"}, "practice", "No practice in England is called that"},
		"signed tomorrow":                  {[]string{"signed-on-day", "1", "signed-on-month", "1", "signed-on-year", "2099"}, "signed-on", ""},
		"half a date":                      {[]string{"signed-on-day", "1"}, "signed-on", "Give day, month and year."},
		"a proxy without a right":          {[]string{"proxy-name", "Robin Quill"}, "capacity", "Say by what right"},
		"a right without a proxy":          {[]string{"capacity", "deputy"}, "proxy-name", "Enter the name of whoever signed"},
		"a parent of an adult":             {[]string{"proxy-name", "Robin Quill", "capacity", "parent"}, "capacity", ""},
		"a telephone number for nothing":   {[]string{"phone", "01632 960001"}, "safe", "Tick the way that this is for"},
		"safe by e-mail, and no address":   {[]string{"safe", "email"}, "email", ""},
		"an envelope that is none":         {[]string{"envelope", "two"}, "envelope", "Enter the number of the envelope"},
		"an envelope far off":              {[]string{"envelope", "99999"}, "envelope", "The envelopes of this batch are numbered from 1 to 30."},
		"a last page that is none":         {[]string{"last", "0"}, "last", "Enter the number of the page"},
		"a last page beyond the end":       {[]string{"last", "7"}, "last", "These are not pages of the piece"},
		"pages are left, of whose post":    {[]string{"last", "1"}, "rest", "Say from which envelope"},
		"a page that nobody has looked at": {[]string{"undrawn", ""}, "undrawn", "Look at page 3 on the paper"},
	} {
		a := ann.says(ann.post(pieceDesk(at), typed(good, append(c.pairs, "do", "register")...)...), 422, "There is a problem", c.says, `value="1 Lawson Street"`, pieceDesk(at)+"/pages/1")
		if !strings.Contains(a.body, `id="`+c.field+`-error"`) {
			t.Errorf("%s: nothing is said beside %s: %s", name, c.field, readable(a.body))
		}
		checked := ann.post(pieceDesk(at), typed(good, append(c.pairs, "do", "check")...)...)
		if c.field != "number" && c.says != "The envelopes of this batch are numbered from 1 to 30." && c.says != "These are not pages of the piece" && checked.status != 422 {
			t.Errorf("%s: checked, it is answered with %d", name, checked.status)
		}
	}
	if p := h.stands(at); p.Status != batch.Waiting || p.HeldBy(h.Now()) != "desk u-ann" {
		t.Errorf("it stands %s, held by %q", p.Status, p.HeldBy(h.Now()))
	}
	ann.says(ann.post(pieceDesk(at), typed(good, "do", "check")...), 200, "Nothing is wrong with what you typed")
	ann.says(ann.post(pieceDesk(at), typed(good, "do", "back-complaint", "undrawn", "")...), 422, "Look at page 3 on the paper")
	ann.leads(ann.post(pieceDesk(at), typed(good, "do", "register", "last", "2", "rest", "next", "undrawn", "")...), pieceDesk(batch.At{Batch: at.Batch, ID: strings.Replace(at.ID, "-001", "-003", 1)}))
	h.keepsSecret()
}

func TestAWrongNumberIsKeptAsItIsWritten(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{})
	ann := h.ann()
	if a := ann.takes(batch.Keying1, at); strings.Contains(a.body, `name="number"`) {
		t.Error("before a number is wrong, nobody asks whether it stands so")
	}
	ann.says(ann.post(pieceDesk(at), typed(read, "do", "register", "nhs-number", "943 476 5918")...), 422, "It stands so on the paper", `name="number"`)
	ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register", "nhs-number", "943 476 5918", "number", "yes", "letter", "yes")...), "/mailroom/desk")
	p := h.stands(at)
	if p.Status != batch.Registered || p.Number != "943 476 5918" || !p.Letter {
		t.Errorf("it stands %+v", p)
	}
	if f, err := h.Form(t.Context(), p.Form); err != nil || !f.Facts.NHSNumber.IsZero() {
		t.Errorf("the form has a number: %v", err)
	}
	h.keepsSecret()
}

func TestAPieceEndsWhereTheClerkSays(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{}, batch.Page{}, batch.Page{}, batch.Page{})
	ann := h.ann()
	ann.takes(batch.Keying1, at)
	rest := func(page int) batch.At {
		return batch.At{Batch: at.Batch, ID: strings.Replace(at.ID, "-001", fmt.Sprintf("-%03d", page), 1)}
	}
	to := ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register", "last", "2", "rest", "same")...), pieceDesk(rest(3)))
	ann.says(ann.get(to), 200, "envelope 1, pages 3 to 4", pieceDesk(rest(3))+"/pages/4")
	ann.leads(ann.post(pieceDesk(rest(3)), "stage", "K", "do", "other-covering-letter", "last", "3", "rest", "next"), pieceDesk(rest(4)))
	ann.leads(ann.post(pieceDesk(rest(4)), "stage", "K", "do", "back-registration", "envelope", "7"), "/mailroom/desk")
	for page, want := range map[int]struct {
		envelope, last int
		status         batch.Status
	}{1: {1, 2, batch.Registered}, 3: {1, 3, batch.OtherPost}, 4: {7, 4, batch.SentBack}} {
		if p := h.stands(rest(page)); p.Envelope != want.envelope || p.Last != want.last || p.Status != want.status {
			t.Errorf("page %d: it stands %+v", page, p)
		}
	}
}

func TestAPracticeIsFoundByItsName(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{})
	ann := h.ann()
	ann.takes(batch.Keying1, at)
	ann.says(ann.get("/mailroom/desk/practices?q=densham"), 200, "The Densham Surgery (A81001)", `data-practice="A81001"`)
	ann.says(ann.get("/mailroom/desk/practices?q=A81001"), 200, "The Densham Surgery (A81001)")
	ann.says(ann.get("/mailroom/desk/practices?q=qwxyzzy"), 200, "No practice is called that")
	ann.says(ann.get("/mailroom/desk/practices?q="+strings.Repeat("x", 5000)), 200, "No practice is called that")
	ann.says(ann.get("/mailroom/desk/practices"), 200, "Name, town, postcode or code")
	ann.says(ann.post(pieceDesk(at), typed(read, "do", "find", "practice", "densham")...), 200, "Which practice is meant?", `value="A81001"`, `name="searched" value="densham"`, `value="Quillfeather"`)
	ann.says(ann.post(pieceDesk(at), typed(read, "do", "register", "practice", "densham", "which-practice", "A81001", "searched", "another")...), 422, "Choose the practice that is meant")
	ann.says(ann.post(pieceDesk(at), typed(read, "do", "register", "practice", "densham", "which-practice", "A81002", "searched", "densham")...), 422, "Choose the practice that is meant")
	ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register", "practice", "densham", "which-practice", "A81001", "searched", "densham")...), "/mailroom/desk")
	if f, err := h.Form(t.Context(), h.stands(at).Form); err != nil || f.Facts.Practice.String() != "A81001" {
		t.Errorf("it names %s, %v", f.Facts.Practice, err)
	}
	at = h.scanned(batch.Page{})
	ann.takes(batch.Keying1, at)
	ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register", "practice", "densham", "which-practice", "none", "searched", "densham", "surname", "Quill")...), "/mailroom/desk")
	if f, err := h.Form(t.Context(), h.stands(at).Form); err != nil || !f.Facts.Practice.IsZero() {
		t.Errorf("it names %s, %v", f.Facts.Practice, err)
	}
}

// What can be read of a form that is held is kept; only that somebody is named is asked for.
func TestAFormInDoubtIsHeldWithWhatCanBeRead(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{})
	ann := h.ann()
	ann.takes(batch.Keying1, at)
	a := ann.says(ann.post(pieceDesk(at), "stage", "K", "do", "hold-signature", "forenames", "Ada"), 422, "Enter the last name.", `value="Ada"`)
	if !strings.Contains(a.body, `id="hold" data-act="2" open`) {
		t.Error("the reasons are not open any more")
	}
	ann.leads(ann.post(pieceDesk(at), "stage", "K", "do", "hold-choice", "surname", "Quillfeather", "postcode", "nowhere", "birth-date-year", "1957", "practice", "qwxyzzy", "safe", "post"), "/mailroom/desk")
	p := h.stands(at)
	f, err := h.Form(t.Context(), p.Form)
	if err != nil || p.Status != batch.Held || f.State().Status != optout.StatusHeld || f.Facts.Surname.Text() != "Quillfeather" || !f.Facts.BirthDate.IsZero() || f.Facts.Reply == nil {
		t.Errorf("it stands %+v, %+v, %v", p, f.Facts, err)
	}
	at = h.scanned(batch.Page{})
	ann.takes(batch.Keying1, at)
	ann.says(ann.post(pieceDesk(at), "stage", "K", "do", "hold-because", "surname", "Quillfeather"), 422, "Choose one of the options")
	h.keepsSecret()
}

func TestAPieceIsBeforeOnePersonAtATime(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	one, two := h.scanned(batch.Page{}), h.scanned(batch.Page{})
	ann, bob := h.ann(), h.bob()
	ann.takes(batch.Keying1, one)
	bob.takes(batch.Keying1, two)
	bob.says(bob.get(pieceDesk(one)), 200, "Somebody else has this piece before them")
	bob.says(bob.post(pieceDesk(one), "do", "take"), 409, "Somebody else has this piece before them")
	bob.says(bob.post(pieceDesk(one), typed(read, "do", "register")...), 409, "Take another one", `value="Quillfeather"`, "its pages are not shown")
	bob.says(bob.post(pieceDesk(one)+"/lease"), 409, "piece-not-yours")
	bob.leads(bob.post("/mailroom/desk", "stage", "K"), pieceDesk(two)) // the one that he has

	h.Move(batch.LeaseLasts - time.Minute)
	ann.says(ann.post(pieceDesk(one)+"/lease"), 200, `"seconds":900`)
	bob.get("/mailroom/desk") // he is there, and does nothing to his piece
	h.Move(2 * time.Minute)
	ann.says(ann.get(pieceDesk(one)), 200, "Yours until")                              // hers, because she works on it
	bob.says(bob.get(pieceDesk(two)), 200, "It waits, and nobody has it before them.") // not his any more
	bob.says(bob.post(pieceDesk(two)+"/lease"), 409, "piece-not-yours")                // and not to be renewed
	bob.says(bob.get(bob.leads(bob.post(pieceDesk(two), "do", "take"), pieceDesk(two))), 200, "Yours until")
	h.Move(batch.LeaseLasts - time.Minute)
	bob.get("/mailroom/desk")
	h.Move(2 * time.Minute)
	ann = h.ann()
	bob.leads(bob.post(pieceDesk(two), typed(read, "do", "register")...), pieceDesk(one)) // nobody took it meanwhile

	ann.says(ann.post(pieceDesk(one), typed(read, "do", "check")...), 200, "You have not got this piece before you")
	bob.leads(bob.post(pieceDesk(one), "stage", "K", "do", "put-back"), "/mailroom/desk")
	ann.leads(ann.post(pieceDesk(one), "stage", "K", "do", "put-back"), "/mailroom/desk") // which she had not
	if p := h.stands(one); p.Status != batch.Waiting || p.HeldBy(h.Now()) != "" {
		t.Errorf("it stands %s, held by %q", p.Status, p.HeldBy(h.Now()))
	}
	sue := h.sue()
	sue.says(sue.get(pieceDesk(one)), 200, "Take it", pieceDesk(one)+"/pages/1")
	h.keepsSecret()
}

func TestOneBatchIsKeyedAlone(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	elsewhere := h.scanned(batch.Page{})
	b, err := h.room.Open(t.Context(), desker, batch.Declaration{Envelopes: 3, Box: "B-7", Sequence: 4})
	if err != nil {
		t.Fatal(err)
	}
	h.batch = b.ID
	one, two := h.scanned(batch.Page{}), h.scanned(batch.Page{})
	ann := h.ann()
	ann.says(ann.get("/mailroom/desk?batch="+batch.Show(b.ID)), 200, "Only batch", batch.Show(b.ID), "2 pieces wait", `name="batch" value="`+b.ID+`"`)
	ann.says(ann.get(ann.leads(ann.post("/mailroom/desk", "stage", "K", "batch", b.ID), pieceDesk(one))), 200, `name="batch" value="`+b.ID+`"`)
	ann.leads(ann.post(pieceDesk(one), typed(read, "do", "register", "batch", b.ID)...), pieceDesk(two)) // although another has waited longer
	to := ann.leads(ann.post(pieceDesk(two), "stage", "K", "do", "other-blank", "batch", b.ID), "/mailroom/desk")
	ann.says(ann.get(to), 200, "Only batch", "nothing waits")
	ann.leads(ann.post("/mailroom/desk", "stage", "K"), pieceDesk(elsewhere))
}

// Whoever keys a piece the second time sees nothing of what was read the first time, and neither learns whether they
// read alike.
func TestASecondReadingIsBlind(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 100)
	ann, bob := h.ann(), h.bob()
	twice := func(pairs ...string) []string {
		return typed([]string{
			"asked", "twice", "stage", "S", "want", "dissent", "nhs-number", "9000000009", "birth-date-day", "31", "birth-date-month", "3", "birth-date-year", "1957", "do", "register",
		}, pairs...)
	}
	keyed := func() batch.At {
		at := h.scanned(batch.Page{})
		ann.takes(batch.Keying1, at)
		for range 2 {
			to := ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register", "stop", "yes")...), "/mailroom/desk")
			ann.says(ann.get(to), 200, "What you read is recorded.")
		}
		return at
	}
	at := keyed()
	ann.says(ann.get("/mailroom/desk"), 200, "To key once more", "1 piece waits")
	ann.leads(ann.post("/mailroom/desk", "stage", "S"), "/mailroom/desk") // not for her
	ann.says(ann.get(pieceDesk(at)), 200, "Somebody else has to key it the second time")
	ann.says(ann.post(pieceDesk(at), "do", "take"), 409, "Somebody else has to key it the second time")

	pages := []seen{bob.takes(batch.Keying2, at), bob.says(bob.post(pieceDesk(at), twice("birth-date-day", "")...), 422, "Give day, month and year"), bob.get(pieceDesk(at))}
	bob.says(pages[0], 200, "Key it once more", "Record what you read", pieceDesk(at)+"/pages/1", "In doubt")
	for _, page := range pages {
		for _, secret := range []string{"Ada", "Quillfeather", "Lawson", "Stockton", "TS18", "A81001", `value="back-`, `value="other-`, "u-ann"} {
			if strings.Contains(page.body, secret) {
				t.Errorf("%q stands on the page of the second reading", secret)
			}
		}
	}
	for _, secret := range []string{`value="1957"`, "900 000 0009", "9000000009", `value="dissent" checked`, `value="31"`} {
		if strings.Contains(pages[0].body+pages[2].body, secret) {
			t.Errorf("%q stands on the page of the second reading", secret)
		}
	}
	for name, c := range map[string]struct {
		pairs  []string
		status batch.Status
	}{
		"alike":            {nil, batch.Registered},
		"another choice":   {[]string{"want", "core"}, batch.Disputed},
		"another day":      {[]string{"birth-date-day", "30"}, batch.Disputed},
		"another number":   {[]string{"nhs-number", ""}, batch.Disputed},
		"a number as such": {[]string{"nhs-number", "943 476 5918", "number", "yes"}, batch.Disputed},
		"in doubt":         {[]string{"do", "hold-choice", "want", ""}, batch.Disputed},
	} {
		if h.stands(at).Status != batch.Second {
			at = keyed()
			bob.takes(batch.Keying2, at)
		}
		var said []string
		for range 2 { // a double click is no second opinion
			to := bob.leads(bob.post(pieceDesk(at), twice(append(c.pairs, "stop", "yes")...)...), "/mailroom/desk")
			said = append(said, readable(bob.says(bob.get(to), 200, "What you read is recorded.").body))
		}
		p := h.stands(at)
		if p.Status != c.status {
			t.Errorf("%s: it stands %s", name, p.Status)
		}
		for _, text := range said {
			if p.Status == batch.Registered && strings.Contains(text, p.Form.String()) {
				t.Errorf("%s: whether both read alike is said: %s", name, text)
			}
		}
		ann.says(ann.get(pieceDesk(at)), 200)
		if c.status == batch.Registered {
			if f, err := h.Form(t.Context(), p.Form); err != nil || f.Facts.Surname.Text() != "Quillfeather" {
				t.Errorf("%s: the form is %+v, %v", name, f.Facts, err)
			}
		}
	}
	at = keyed()
	bob.takes(batch.Keying2, at)
	for _, do := range []string{"back-complaint", "other-blank", "rescan"} {
		bob.says(bob.post(pieceDesk(at), twice("do", do)...), 409, "Somebody read a form on this piece")
	}
	bob.says(bob.post(pieceDesk(at), typed(read, "do", "register", "stage", "S")...), 409, "Nothing was changed")
	bob.leads(bob.post(pieceDesk(at), twice("do", "alarm")...), "/mailroom/desk")
	if p := h.stands(at); p.Why != batch.Safeguarding || p.Status != batch.Disputed {
		t.Errorf("it stands %s for %q", p.Status, p.Why)
	}
	h.keepsSecret()
}

func TestASupervisorSeesBothReadingsAndDecides(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 100)
	ann, bob, sue := h.ann(), h.bob(), h.sue()
	at := h.scanned(batch.Page{})
	ann.takes(batch.Keying1, at)
	ann.post(pieceDesk(at), typed(read, "do", "register")...)
	bob.takes(batch.Keying2, at)
	bob.post(pieceDesk(at), "asked", "twice", "stage", "S", "do", "register", "want", "dissent", "nhs-number", "900 000 0009", "birth-date-day", "30", "birth-date-month", "3", "birth-date-year", "1957")
	h.Move(time.Second)
	alarmed := h.scanned(batch.Page{})
	ann.takes(batch.Keying1, alarmed)
	for range 2 {
		to := ann.leads(ann.post(pieceDesk(alarmed), "stage", "K", "do", "alarm"), "/mailroom/desk")
		ann.says(ann.get(to), 200, "It is before a supervisor", "Go and tell one now")
	}
	ann.says(ann.get(pieceDesk(alarmed)), 200, "It is before a supervisor.")
	for _, c := range []*clerk{ann, bob} {
		c.says(c.post(pieceDesk(at), "do", "take"), 409, "for a supervisor to decide")
		if a := c.get("/mailroom/desk?stage=V"); strings.Contains(a.body, "For a supervisor</h2>") || strings.Contains(a.body, `value="V"`) {
			t.Error("a clerk is shown what waits for supervisors")
		}
		c.leads(c.post("/mailroom/desk", "stage", "V"), "/mailroom/desk")
	}
	sue.says(sue.get("/mailroom/desk?stage=V"), 200, "For a supervisor", "2 pieces wait")
	sue.says(sue.takes(batch.Supervise, alarmed), 200, "a risk to someone", `value="hold-choice"`, `value="back-not-for-us"`, `value="other-message"`) // first, though the other has waited longer
	to := sue.leads(sue.post(pieceDesk(alarmed), typed(read, "do", "register", "stage", "V", "surname", "Wren", "nhs-number", "")...), pieceDesk(at))
	if p := h.stands(alarmed); p.Status != batch.Registered {
		t.Errorf("it stands %s", p.Status)
	}
	a := sue.says(sue.get(to), 200, "What two people read", "31 March 1957", "30 March 1957", "Differs", `value="Quillfeather"`, `value="900 000 0009"`, `value="A81001"`, "It is registered.")
	if strings.Count(a.body, "Differs") != 1 {
		t.Errorf("%d fields differ", strings.Count(a.body, "Differs"))
	}
	sue.leads(sue.post(pieceDesk(at), typed(read, "do", "register", "stage", "V", "birth-date-day", "30")...), "/mailroom/desk")
	p := h.stands(at)
	if f, err := h.Form(t.Context(), p.Form); err != nil || f.Facts.BirthDate.ISO() != "1957-03-30" {
		t.Errorf("the form is %+v, %v", f.Facts, err)
	}
	sue.says(sue.get(pieceDesk(at)), 200, p.Form.String(), pieceDesk(at)+"/pages/1")
	h.keepsSecret()
}

func TestPicturesAreShownToWhoeverMayLook(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{}, batch.Page{Fault: "page-damaged"})
	ann, bob, sue := h.ann(), h.bob(), h.sue()
	bob.says(bob.get(pieceDesk(at)+"/pages/1"), 409, "You have not got this piece before you")
	ann.says(ann.get(pieceDesk(at)+"/pages/1"), 409, "You have not got this piece before you")
	ann.takes(batch.Keying1, at)
	a := ann.get(pieceDesk(at) + "/pages/1")
	if want := "https://bucket.example/pages/" + batch.FileOf(at.ID) + "/001.jpg?signed"; a.status != http.StatusSeeOther || a.header.Get("Location") != want {
		t.Errorf("it leads to %q, want %q", a.header.Get("Location"), want)
	}
	if csp := ann.get("/mailroom/desk").header.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self' https://bucket.example;") {
		t.Errorf("pictures may come from elsewhere: %s", csp)
	}
	bob.says(bob.get(pieceDesk(at)+"/pages/1"), 409)
	sue.leads(sue.get(pieceDesk(at)+"/pages/1"), "https://bucket.example/pages/"+batch.FileOf(at.ID)+"/001.jpg")
	for _, n := range []string{"0", "2", "3", "-1", "01", "+1", "1x", "999999999999999999999"} {
		ann.says(ann.get(pieceDesk(at)+"/pages/"+url.PathEscape(n)), 404, "no page of this number")
	}
	ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register", "undrawn", "yes")...), "/mailroom/desk")
	ann.says(ann.get(pieceDesk(at)+"/pages/1"), 409)
	h.Fate = func(method string) optouttest.Fate {
		if method == "Look" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	sue.says(sue.get(pieceDesk(at)+"/pages/1"), 503) // a look that cannot be written down is none
	h.Fate = nil
	sue.leads(sue.get(pieceDesk(at)+"/pages/1"), "https://bucket.example/pages/"+batch.FileOf(at.ID)+"/001.jpg")
	looks := 0
	for l, err := range h.Looks(t.Context(), h.stands(at).Form) {
		if err == nil && l.What == "scan" && l.By == "supervisor u-sue" {
			looks++
		}
	}
	if looks != 1 {
		t.Errorf("%d looks of the supervisor are written down", looks)
	}
	if log := h.log.String(); !strings.Contains(log, `"looks":"u-ann"`) || !strings.Contains(log, `"page":"1"`) || !strings.Contains(log, at.ID) {
		t.Error("who looked at what is in no line")
	}
	h.keepsSecret()
}

func TestManyPagesAreShownSomeAtATime(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(make([]batch.Page, 24)...)
	ann := h.ann()
	page := ann.takes(batch.Keying1, at)
	count := func(a seen) int { return strings.Count(a.body, "<img ") }
	if count(page) != 10 || !strings.Contains(page.body, `value="pages-11"`) || !strings.Contains(page.body, pieceDesk(at)+"/pages/24") {
		t.Errorf("%d pictures are shown", count(page))
	}
	a := ann.says(ann.post(pieceDesk(at), typed(read, "do", "pages-21", "zoom", "200", "turn-21", "90")...), 200, `value="Quillfeather"`, `value="pages-11"`, `name="zoom" value="200" checked`, `name="turn-21" value="90" checked`)
	if count(a) != 4 {
		t.Errorf("%d pictures are shown", count(a))
	}
	for _, odd := range []string{"pages-", "pages-x", "pages--3", "pages-99999999999999999999"} {
		ann.says(ann.post(pieceDesk(at), typed(read, "do", odd)...), 200, `value="Quillfeather"`)
	}
}

func TestWhatWasTypedIsNotLost(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{})
	ann := h.ann()
	ann.takes(batch.Keying1, at)
	form := typed(read, "do", "register", "proxy-name", "Robin Quill", "capacity", "deputy", "safe", "post", "format", "large print", "stop", "yes")
	keeps := func(a seen) {
		t.Helper()
		for i := 0; i < len(form); i += 2 {
			if v := form[i+1]; form[i] != "do" && !strings.Contains(a.body, `value="`+v+`"`) {
				t.Errorf("%s is lost: %s", form[i], readable(a.body))
			}
		}
	}
	for _, method := range []string{"Piece", "Batch", "Register", "SaveBatch", "Look"} { // the table cannot be reached now
		h.Fate = func(m string) optouttest.Fate {
			if m == method {
				return optouttest.Throttle
			}
			return optouttest.Fine
		}
		says := "Nothing that you typed is lost"
		if method == "Piece" || method == "Batch" { // nor how the piece stands
			says = "What you sent is kept on this page"
		}
		a := ann.says(ann.post(pieceDesk(at), form...), 503, says)
		if a.header.Get("Retry-After") == "" {
			t.Error("nobody says when to try again")
		}
		keeps(a)
	}
	h.Fate = nil
	ann.leads(ann.post(pieceDesk(at), form...), "/mailroom/desk") // the same, sent again
	if p := h.stands(at); p.Status != batch.Registered {
		t.Errorf("it stands %s", p.Status)
	}

	at = h.scanned(batch.Page{})
	ann.takes(batch.Keying1, at)
	out := &clerk{h, nil}
	a := out.says(out.post(pieceDesk(at), form...), 401, "Send it again", `action="`+pieceDesk(at)+`"`, `name="do" value="register"`)
	keeps(a)
	h.Move(batch.LeaseLasts + time.Second)
	ann, bob := h.ann(), h.bob()
	bob.takes(batch.Keying1, at)
	keeps(ann.says(ann.post(pieceDesk(at), form...), 409, "Somebody else has this piece before them"))
	bob.leads(bob.post(pieceDesk(at), "stage", "K", "do", "other-blank"), "/mailroom/desk")
	keeps(ann.says(ann.post(pieceDesk(at), form...), 409, "has its outcome already"))
	h.keepsSecret()
}

func TestAnOutcomeIsTakenBackAtOnce(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{})
	ann, bob := h.ann(), h.bob()
	ann.takes(batch.Keying1, at)
	to := ann.leads(ann.post(pieceDesk(at), "stage", "K", "do", "other-advertising"), "/mailroom/desk")
	ann.says(ann.get(to), 200, "Take it back", "It is other post: advertising.", `action="`+pieceDesk(at)+`"`)
	if a := bob.get(to); strings.Contains(a.body, "app-after") {
		t.Error("what somebody else did is said")
	}
	ann.says(ann.get(ann.leads(ann.post(pieceDesk(at), "stage", "K", "do", "undo"), pieceDesk(at))), 200, "Yours until")
	ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register")...), "/mailroom/desk")
	a := ann.says(ann.post(pieceDesk(at), "stage", "K", "do", "undo"), 409, "It is registered.")
	if strings.Contains(a.body, `value="undo"`) {
		t.Error("a form is taken back")
	}
}

func TestWhatIsOddIsRefused(t *testing.T) {
	t.Parallel()
	h := newDesk(t, 0)
	at := h.scanned(batch.Page{})
	awaited, _, err := h.room.Expect(t.Context(), h.batch, desker, []string{"late.pdf"}, batch.OneEach)
	if err != nil {
		t.Fatal(err)
	}
	ann := h.ann()
	ann.says(ann.get(pieceDesk(awaited[0].At)), 200, "Its file has not come.")
	ann.says(ann.get(pieceDesk(awaited[0].At)+"/pages/1"), 404)
	ann.says(ann.post(pieceDesk(awaited[0].At), "do", "take"), 409)
	ann.says(ann.post(pieceDesk(awaited[0].At), typed(read, "do", "register")...), 409, `value="Quillfeather"`)
	ann.takes(batch.Keying1, at)
	for _, do := range []string{"", "delete", "hold", "back-", "other-nothing", "register-", "take ", "back-covering-letter"} {
		if a := ann.post(pieceDesk(at), typed(read, "do", do)...); a.status != 422 && do != "take " {
			t.Errorf("%q is answered with %d", do, a.status)
		}
	}
	for _, path := range []string{
		"/mailroom/desk/nothing/HAND", "/mailroom/desk/" + at.Batch + "/nothing", "/mailroom/desk/" + at.Batch + "/" + strings.Repeat("x", 100),
	} {
		ann.says(ann.get(path), 404, "There is no such piece")
		ann.says(ann.post(path, "do", "take"), 404, "There is no such piece")
	}
	ann.says(ann.get("/mailroom/desk?stage=Z&batch=%00&after=a%2Fb&stop=%F0"), 200, "1 piece waits")
	ann.says(ann.get(pieceDesk(at)+"?stage=V&after=%2F"), 200, `name="stage" value="K"`)
	ann.says(ann.post(pieceDesk(at), "do", "register", "surname", strings.Repeat("x", 40<<10)), 413, "far too large")
	for _, path := range []string{pieceDesk(at), "/mailroom/desk"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"do":"register"}`))
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Content-Type", "application/json")
		for _, c := range ann.cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		if w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: what is no form is answered with %d", path, w.Code)
		}
	}
	if p := h.stands(at); p.Status != batch.Waiting {
		t.Errorf("it stands %s", p.Status)
	}
	nobody := &clerk{h, nil}
	if a := nobody.get("/mailroom/desk"); a.status != http.StatusSeeOther || strings.HasPrefix(a.header.Get("Location"), "/mailroom") {
		t.Errorf("who is not signed in gets %d", a.status)
	}
	office := h.signedIn("u-office", "office")
	office.says(office.get(pieceDesk(at)), 403)
	h.Fate = func(m string) optouttest.Fate {
		if slices.Contains([]string{"Queue", "QueueLength", "Pieces"}, m) {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	ann.says(ann.get("/mailroom/desk"), 503)
	ann.says(ann.post("/mailroom/desk", "stage", "K"), 503)
	ann.leads(ann.post(pieceDesk(at), typed(read, "do", "register")...), "/mailroom/desk") // what was done is done
	h.keepsSecret()
}
