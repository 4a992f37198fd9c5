package sim

import (
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// clerk is somebody in the mailroom, at its desk or as a supervisor. What they do they do by the door's pages.
type clerk struct {
	member
	part  *post
	every time.Duration
}

// groupOf is the group of the issuer's by which somebody works in the mailroom.
var groupOf = map[optout.Role]string{optout.Desk: "mailroom", optout.Supervisor: "supervisor"}

// comes has somebody come to the desk for a while, and come again, while faults come.
func (c *clerk) comes() {
	p := c.part
	w := p.w
	if !w.stormy || w.Now().After(w.ends) {
		return
	}
	switch {
	case c.Role == optout.Supervisor:
		c.supervises()
	case p.rand.IntN(6) == 0:
		p.letters()
	}
	if first := map[optout.Role]string{optout.Supervisor: "/mailroom/supervise", optout.Desk: "/mailroom"}[c.Role]; p.rand.IntN(32) == 0 { // it counts everything
		c.open(first)
	}
	if b := p.boxes[p.rand.IntN(len(p.boxes))]; b.id != "" && p.rand.IntN(8) == 0 {
		c.reads(b.id)
	}
	c.checks()
	c.next(1 + p.rand.IntN(8))
	if p.rand.IntN(4) == 0 && (p.w.lone == "" || p.rand.IntN(4) == 0) {
		c.closes()
	}
	w.After(c.every/2+p.soon(c.every), c.comes)
}

// waits says whether anything stands on a list of the desk, as the index shows it.
func (p *post) waits(s batch.Stage) bool { return p.w.listed("L#keying#", worklist.Stage(s)) }

// next has a clerk take the next piece, read it, and say what it is; so many, one after the other.
func (c *clerk) next(left int) {
	p := c.part
	stage := batch.Keying1
	if p.rand.IntN(3) == 0 {
		stage = batch.Keying2
	}
	if left == 0 || !p.w.stormy || !p.waits(stage) {
		return
	}
	id := ""
	if p.rand.IntN(3) > 0 {
		b := p.boxes[p.rand.IntN(len(p.boxes))]
		id = b.id
	}
	c.take(stage, id, func(piece batch.Piece) {
		reads := time.Minute + p.soon(4*time.Minute)
		if p.rand.IntN(12) == 0 {
			p.w.Did("mailroom: a lease ran out")
			reads = batch.LeaseLasts + p.soon(time.Hour)
		}
		p.w.After(reads, func() {
			c.decide(piece)
			p.w.After(time.Minute, func() { c.next(left - 1) })
		})
	})
}

// take has a clerk ask for the next piece of a list, of one batch or of all, and see it, if there is one for them.
func (c *clerk) take(stage batch.Stage, of string, then func(batch.Piece)) {
	p := c.part
	p.w.Did("mailroom: next, " + string(stage))
	form := url.Values{"stage": {string(stage)}, "batch": {of}}
	c.ask(http.MethodPost, "/mailroom/desk", form, func(r Response) {
		if !c.done("next", form, r) {
			return
		}
		to, _, _ := strings.Cut(r.Header["Location"], "?")
		to, ok := strings.CutPrefix(to, "/mailroom/desk/")
		if !ok { // there is none
			return
		}
		id, piece, _ := strings.Cut(to, "/")
		c.ask(http.MethodGet, r.Header["Location"], nil, func(r Response) {
			now, err := p.w.Store.Piece(p.w.Outside(), batch.At{Batch: id, ID: piece})
			switch {
			case r.failed():
			case err != nil || r.Status != http.StatusOK:
				p.w.Wrong("%s took %s/%s, and is shown %d: %v", c.ID, id, piece, r.Status, err)
			default:
				then(now)
			}
		})
	})
}

// decide has a clerk say what a piece is, as it was when they took it.
func (c *clerk) decide(piece batch.Piece) {
	p := c.part
	if p.one(25) {
		c.atDesk("put-back", piece.At, url.Values{"do": {"put-back"}})
		return
	}
	if p.one(30) {
		c.atDesk("alarm", piece.At, url.Values{"do": {"alarm"}})
		return
	}
	if p.one(25) {
		c.onBooks("envelope", piece.At, url.Values{"envelope": {itoa(1 + p.rand.IntN(4))}})
	}
	c.says(piece)
	if p.one(12) {
		p.w.Did("mailroom: clicked twice")
		c.says(piece)
	}
	if p.one(12) { // somebody else has it on the screen as well
		other := p.clerks[p.rand.IntN(len(p.clerks))]
		p.w.Did("mailroom: two at one piece")
		other.says(piece)
	}
}

// says has a clerk say what they read on a piece: what is there, mostly.
func (c *clerk) says(piece batch.Piece) {
	p := c.part
	s := p.sheets[hex.EncodeToString(piece.SHA256)]
	if s == nil {
		p.w.Wrong("the piece %v is of a file that nobody sent", piece.At)
		return
	}
	l := s.letters[0]
	for _, x := range s.letters {
		if x.from <= piece.First {
			l = x
		}
	}
	part := batch.Part{Last: l.to, Same: l.same}
	if l.to >= piece.Last || p.one(25) {
		part.Last = 0
	}
	if p.one(25) && piece.Last > piece.First {
		part.Last = piece.First
	}
	o := batch.Outcome{Part: part, Status: batch.SentBack, Why: l.what}
	switch {
	case p.one(25):
		o.Status, o.Why = batch.OtherPost, batch.OtherPostIs[p.rand.IntN(len(batch.OtherPostIs))]
	case p.one(40):
		o.Status = batch.Rescan
	case piece.Status == batch.Second || l.what == "form" || l.what == "letter":
		o.Status = ""
	case slices.Contains(batch.OtherPostIs, l.what):
		o.Status = batch.OtherPost
	}
	if o.Status != "" {
		said := partFilled(part)
		said.Set("do", doOf(o.Status, o.Why))
		c.atDesk("outcome", piece.At, said)
		if p.one(4) {
			p.w.After(p.soon(8*time.Hour), func() { c.posts(piece.At) })
		}
		if p.one(3) {
			p.w.After(p.soon(2*time.Hour), func() {
				if p.rand.IntN(2) == 0 {
					c.atDesk("undo", piece.At, url.Values{"do": {"undo"}})
				} else {
					c.onBooks("undo", piece.At, nil)
				}
			})
		}
		return
	}
	c.keys(piece, l, batch.Reading{Part: part, Answers: p.answers(l.who, l.choice), Letter: l.what == "letter", Hold: l.hold})
}

// posts has somebody send a piece back with its letter.
func (c *clerk) posts(at batch.At) {
	c.onBooks("posted", at, url.Values{"how": {batch.PostedAs[c.part.rand.IntN(len(batch.PostedAs))]}})
}

// answers are what stands on a form.
func (p *post) answers(who *Person, choice string) optout.Answers {
	a := optout.Answers{Choice: choice, Practice: who.Practice, Subject: optout.Subject{
		Surname: who.Surname, Forenames: who.Forenames, BirthDate: who.Birth, Postcode: who.Postcode, Address: []string{"1 Lawson Street"}, NHSNumber: who.Number,
	}}
	return a
}

// keys has a clerk key a form, wrongly perhaps.
func (c *clerk) keys(piece batch.Piece, l *letter, r batch.Reading) {
	p := c.part
	if piece.Status == batch.Second {
		r.Part = batch.Part{}
	}
	switch {
	case p.one(20):
		r.Answers.Choice = []string{"dissent", "core", "core-and-additional"}[p.rand.IntN(3)]
	case p.one(20):
		r.Answers.Subject.BirthDate = "1951-02-03"
	case p.one(20):
		r.Number, r.Answers.Subject.NHSNumber = "943 476 591", ""
	case p.one(20): // which nobody takes
		r.Answers.Subject.BirthDate = "1951-02-30"
	}
	s := p.form(piece, l.who)
	ref := s.ref.String()
	p.choices[ref] = append(p.choices[ref], r.Answers.Choice)
	for _, k := range piece.Keyed {
		p.choices[ref] = append(p.choices[ref], k.Reading.Answers.Choice)
	}
	said := readFilled(r)
	said.Set("asked", map[bool]string{true: "twice", false: "all"}[piece.Status == batch.Second])
	c.atDesk("key", piece.At, said)
}

// form is the form that a piece becomes, if it becomes one.
func (p *post) form(piece batch.Piece, who *Person) *Sent {
	o := piece.Origin()
	s := p.forms[o.Key]
	if s == nil {
		s = p.w.sends(&Sent{Person: who, At: p.w.Now()}, o)
		p.forms[o.Key] = s
		p.w.Count.Forms++
	}
	return s
}

// doOf is the button for an outcome.
func doOf(status batch.Status, why string) string {
	switch status {
	case batch.SentBack:
		return "back-" + why
	case batch.OtherPost:
		return "other-" + why
	case batch.Held:
		return "hold-" + why
	case batch.Disputed:
		return "alarm"
	case batch.Rescan:
		return "rescan"
	}
	return "register"
}

// partFilled is where a piece ends, as it is filled in.
func partFilled(part batch.Part) url.Values {
	form := url.Values{"undrawn": {"yes"}}
	if part.Last > 0 {
		form.Set("last", itoa(part.Last))
		form.Set("rest", map[bool]string{true: "same", false: "next"}[part.Same])
	}
	return form
}

// readFilled is what somebody read on a piece, as it is filled in.
func readFilled(r batch.Reading) url.Values {
	form := partFilled(r.Part)
	maps.Copy(form, url.Values(staff.AnswersFilled(r.Answers)))
	if r.Number != "" {
		form.Set("nhs-number", r.Number)
		form.Set("number", "yes")
	}
	if r.Letter {
		form.Set("letter", "yes")
	}
	form.Set("do", doOf(batch.Registered, ""))
	if r.Hold != "" {
		form.Set("do", doOf(batch.Held, r.Hold))
	}
	return form
}

func deskAt(at batch.At) string { return "/mailroom/desk/" + at.Batch + "/" + at.ID }

func batchAt(id string) string { return "/mailroom/batches/" + id }

// atDesk has a clerk say something of a piece on its page at the desk, and go on to the next one or not.
func (c *clerk) atDesk(name string, at batch.At, form url.Values) {
	if c.part.rand.IntN(4) > 0 {
		form.Set("stop", "yes")
	}
	c.does(name, at, deskAt(at), form)
}

// onBooks has a clerk do something with a piece on its page in the books.
func (c *clerk) onBooks(name string, at batch.At, form url.Values) {
	c.does(name, at, batchAt(at.Batch)+"/pieces/"+at.ID+"/"+name, form)
}

// does has a clerk do something with a piece by a page. Where they are told that it is done, they see so on the piece.
func (c *clerk) does(name string, at batch.At, path string, form url.Values) {
	p := c.part
	p.w.Did("mailroom: " + name)
	c.insist(path, form, p.rand.IntN(4), func(r Response) {
		if !c.done(name, form, r) {
			return
		}
		piece, err := p.w.Store.Piece(p.w.Outside(), at)
		if err != nil {
			p.w.Wrong("a piece of which somebody was told that %s is done cannot be read: %v", name, err)
			return
		}
		same := name == "envelope" && form.Get("envelope") == itoa(piece.Envelope) // where it was already
		if kinds := recorded[name]; kinds != nil && !same && !slices.ContainsFunc(piece.History, func(e batch.Event) bool {
			return (strings.HasSuffix(e.By, " "+c.ID) || slices.Contains(byAnybody, name)) && slices.Contains(kinds, e.Kind)
		}) {
			p.w.Wrong("%s was told that %s of %v is done, and its history is %v", c.ID, name, at, piece.History)
		}
		p.told(piece)
		if p.rand.IntN(8) == 0 {
			c.follow(r)
		}
	})
}

// recorded is what stands in a piece's history of what somebody was told is done.
var recorded = map[string][]string{
	"key": {"keyed", "keyed-otherwise", string(batch.Registered), string(batch.Held)}, "alarm": {"alarm"}, "outcome": {string(batch.SentBack), string(batch.OtherPost), string(batch.Rescan)},
	"read-again": {"read-again"}, "judge": {"judged", "undone"}, "alone": {"alone"},
	"posted": {"posted"}, "settle": {"seen"}, "envelope": {"envelope"},
}

// byAnybody is what is done if somebody else has done it.
var byAnybody = []string{"alarm", "posted", "settle", "envelope"}

// done says whether a page was answered with what it leads to once all is done.
func (c *clerk) done(name string, form url.Values, r Response) bool {
	switch {
	case r.failed():
		return false
	case r.Status == http.StatusSeeOther:
		return true
	case strings.Contains(r.shown(), wrongly), strings.Contains(r.shown(), batch.DoesNotAddUp.Detail):
	case r.Status == http.StatusConflict, r.Status == http.StatusNotFound:
		return false
	case r.Status == http.StatusUnprocessableEntity && (name == "envelope" || name == "hand" || name == "key" && form.Get("birth-date-day")+"."+form.Get("birth-date-month") == "30.2"):
		return false // an envelope that is none, or a day
	}
	c.w.Wrong("%s was answered with %d: %s; %.500s", name, r.Status, form.Encode(), r.shown())
	return false
}

// wrongly is what the page of a batch says whose pieces do not add up.
const wrongly = "something is counted wrongly"

// told keeps what somebody was told of a piece.
func (p *post) told(piece batch.Piece) {
	p.pieces = append(p.pieces, piece)
	if piece.Status != batch.Registered && piece.Status != batch.Held {
		return
	}
	s := p.forms[piece.Origin().Key]
	switch ref := piece.Form.String(); {
	case s == nil:
		p.w.Wrong("piece %v is %s, and nobody keyed it", piece.At, piece.Status)
	case s.Confirmed() && s.Reference != ref:
		p.w.Wrong("of one piece of paper came form %s, and then form %s", s.Reference, ref)
	case !s.Confirmed():
		s.Reference, s.Answer = ref, ref
		p.w.Did("mailroom: " + string(piece.Status))
	}
}

// supervises has a supervisor decide what waits for one.
func (c *clerk) supervises() {
	p := c.part
	for _, stage := range []batch.Stage{batch.Alarmed, batch.Supervise, batch.Aside, batch.Differing} {
		if !p.waits(stage) {
			continue
		}
		for q, err := range p.w.Store.Queue(p.w.Outside(), stage) {
			if err != nil {
				p.w.Wrong("a list of the desk cannot be read: %v", err)
				return
			}
			piece, err := p.w.Store.Piece(p.w.Outside(), q.At)
			if err != nil || p.one(3) {
				continue
			}
			p.w.After(p.soon(20*time.Minute), func() { c.settles(piece) })
		}
	}
	if b := p.boxes[p.rand.IntN(len(p.boxes))]; p.isOpen(b) == "no" && p.one(20) {
		c.books("reopen", b.id, nil)
	}
	p.letters()
}

// settles has a supervisor decide on a piece, or see to the paper of a file that nobody opens.
func (c *clerk) settles(piece batch.Piece) {
	switch {
	case piece.Sample.Step == batch.Unlike:
		c.judges(piece)
	case piece.Status == batch.Disputed:
		c.says(piece)
	case piece.Status == batch.Quarantined:
		c.onBooks("settle", piece.At, nil)
		c.part.again(piece)
	}
}

// checks has a clerk read a finished piece once more, as it was or otherwise, or see a risk on it.
func (c *clerk) checks() {
	p := c.part
	if !p.waits(batch.Sampled) || p.rand.IntN(2) == 0 {
		return
	}
	c.take(batch.Sampled, "", func(piece batch.Piece) {
		said := batch.Said{Status: piece.Sample.First.Status, Why: piece.Sample.First.Why, Reading: piece.Sample.First.Reading}
		switch {
		case p.one(4):
			said = batch.Said{Status: batch.OtherPost, Why: batch.OtherPostIs[p.rand.IntN(len(batch.OtherPostIs))]}
		case p.one(8):
			said = batch.Said{Status: batch.Disputed}
		}
		form := readFilled(said.Reading)
		form.Set("do", doOf(said.Status, said.Why))
		form.Set("asked", "again")
		c.atDesk("read-again", piece.At, form)
	})
}

// judges has a supervisor say which reading of a finished piece is right, and put it right, if it can be.
func (c *clerk) judges(piece batch.Piece) {
	p := c.part
	if piece.IsOwn(c.Actor) {
		c.onBooks("alone", piece.At, nil)
		return // they come again
	}
	said, done := url.Values{}, ""
	for _, f := range piece.Sample.Differs {
		said.Set("right-"+f, string([]batch.Right{batch.First, batch.Again, batch.Neither}[p.rand.IntN(3)]))
	}
	for _, by := range batch.SetRightBy {
		if batch.CanSetRight(piece, by) && (done == "" || p.rand.IntN(2) == 0) && by != batch.LeftAsItIs {
			done = by
		}
	}
	said.Set("done", done)
	c.onBooks("judge", piece.At, said)
}

// again has the paper of a file that is not to be read scanned again, once.
func (p *post) again(piece batch.Piece) {
	for _, s := range p.scans {
		if s.id != piece.Upload || s.again {
			continue
		}
		s.again = true
		p.serial++
		fresh := *s.sheet
		fresh.Serial, fresh.Unreadable = p.serial, ""
		p.w.Did("mailroom: scanned again")
		g := &announced{box: s.of.box, id: piece.Batch, key: p.uuid(), as: batch.Later, sheets: []*sheet{&fresh}}
		p.announce(g, 1)
	}
}

// isOpen says whether a batch is open, as its page shows it: yes, no, or "" where nobody knows of it yet.
func (p *post) isOpen(b *box) string {
	switch i := p.w.Table.Item("B#"+b.id, "B"); {
	case b.id == "" || i == nil:
		return ""
	case i["closed"] == nil:
		return "yes"
	}
	return "no"
}

// closes has somebody try to close a batch, or count its envelopes again.
func (c *clerk) closes() {
	p := c.part
	b := p.boxes[p.rand.IntN(len(p.boxes))]
	if p.isOpen(b) != "yes" {
		return
	}
	if p.one(4) {
		n, why := max(1, b.declared-1+p.rand.IntN(3)), batch.RecountedFor[p.rand.IntN(len(batch.RecountedFor))]
		c.books("recount", b.id, url.Values{"envelopes": {itoa(n)}, "why": {why}})
	}
	if p.one(6) {
		c.byHand(b.id, 1+p.rand.IntN(b.declared))
	}
	c.books("close", b.id, nil)
}

// byHand has somebody put an empty envelope on the books.
func (c *clerk) byHand(id string, envelope int) {
	c.books("hand", id, url.Values{"envelope": {itoa(envelope)}, "what": {string(batch.OtherPost) + " empty-envelope"}, "key": {c.part.uuid()}})
}

// reads has somebody look whether the books of a batch add up so far, as its page says it.
func (c *clerk) reads(id string) {
	c.ask(http.MethodGet, batchAt(id), nil, func(r Response) {
		if !r.failed() && (r.Status != http.StatusOK || strings.Contains(r.shown(), wrongly)) {
			c.w.Wrong("the page of batch %s is answered with %d: %.2000s", id, r.Status, r.shown())
		}
	})
}

// books has somebody do something with a batch on its page, and see what its history says then.
func (c *clerk) books(name, id string, form url.Values) {
	p := c.part
	p.w.Did("mailroom: " + name)
	c.insist(batchAt(id)+"/"+name, form, p.rand.IntN(4), func(r Response) {
		if !c.done(name, form, r) {
			return
		}
		b := p.keepsBooks(id)
		has := func(kind string) bool {
			return slices.ContainsFunc(b.History, func(e batch.Event) bool { return e.Kind == kind })
		}
		switch {
		case name == "close" && !has("closed"), name == "reopen" && !has("opened-again"), name == "recount" && !has("recounted") && form.Get("envelopes") != itoa(b.Declared):
			p.w.Wrong("%s was told that %s of batch %s is done, and its history is %v", c.ID, name, id, b.History)
		case name == "hand":
			pieces, err := p.w.Store.Pieces(p.w.Outside(), id)
			if !slices.ContainsFunc(pieces, func(x batch.Piece) bool { return x.Upload == "" && x.Status == batch.OtherPost }) {
				p.w.Wrong("%s was told that an empty envelope is on the books of batch %s, and none is: %v", c.ID, id, err)
			}
		}
	})
}

// keepsBooks keeps what the page of a batch says now.
func (p *post) keepsBooks(id string) batch.Batch {
	b, err := p.w.Store.Batch(p.w.Outside(), id)
	if err != nil {
		p.w.Wrong("batch %s, of which somebody was told, cannot be read: %v", id, err)
	}
	p.books = append(p.books, b)
	return b
}

// letters has the mailroom go through the forms that it holds: it writes to people, and lets their forms go on.
func (p *post) letters() (held bool) {
	w := p.w
	if !w.listed("L#"+worklist.Desk.Key()+"#", worklist.Open) {
		return false
	}
	clerk, supervisor := p.clerks[p.rand.IntN(3)], p.clerks[3]
	for _, ref := range w.onList(worklist.Desk, worklist.Open) {
		f, err := w.Store.Form(w.Outside(), ref)
		if err != nil || f.State().Owner != optout.OwnerDesk {
			continue
		}
		held = true
		sent := w.sent[ref]
		if sent == nil {
			continue // of which the core says so
		}
		at := "/mailroom/forms/" + f.Reference.String()
		if !p.keen && p.rand.IntN(2) == 0 {
			clerk.say("wrote", f.Reference, at+"/wrote", url.Values{"how": {"post"}}, nil)
		}
		if !p.keen && p.rand.IntN(3) > 0 {
			continue
		}
		a := p.answers(sent.Person, []string{"dissent", "core"}[p.rand.IntN(2)])
		p.choices[f.Reference.String()] = append(p.choices[f.Reference.String()], a.Choice)
		said := url.Values(staff.AnswersFilled(a))
		said.Set("text", "They rang.")
		supervisor.say("release", f.Reference, at+"/release", said, nil)
	}
	return held
}
