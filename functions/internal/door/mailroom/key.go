package mailroom

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// actAtDesk does what somebody says of a piece: POST /mailroom/desk/{batch}/{piece}. The field "do" says what:
//
//	take, put-back, undo                     whose it is, and what was said before
//	alone                                    that there is no other supervisor
//	check, find, pages-N                     nothing: the page again, as it was filled in
//	register                                 what was read
//	hold-R, back-R, other-R, rescan, alarm   the other outcomes, with their reasons
func (d *Door) actAtDesk(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	f, status, code := door.ReadForm(r)
	if code != "" {
		d.again(w, r, s, wayIn(door.Form{}.Get, s), p, door.Form{}, status, []staff.Fault{{Text: "What was sent is no form, or far too large a one. Nothing was changed."}})
		return
	}
	v := wayIn(f.Get, s)
	verb, reason, _ := strings.Cut(f.Get("do"), "-")
	switch do := f.Get("do"); {
	case do == "take":
		_, err := d.mailroom().Take(r.Context(), p.At, s.Actor)
		d.led(w, r, s, v, p, err, deskAt(p.At)+v.query()+toWork(p))
	case do == "alone":
		_, err := d.mailroom().Alone(r.Context(), p.At, s.Actor)
		if err == nil {
			_, err = d.mailroom().Take(r.Context(), p.At, s.Actor)
		}
		d.led(w, r, s, v, p, err, deskAt(p.At)+v.query())
	case do == "put-back":
		_, err := d.mailroom().PutBack(r.Context(), p.At, s.Actor)
		d.led(w, r, s, v, p, err, "/mailroom/desk"+v.query())
	case do == "undo":
		_, err := d.mailroom().Undo(r.Context(), p.At, s.Actor)
		if err == nil {
			_, err = d.mailroom().Take(r.Context(), p.At, s.Actor)
		}
		d.led(w, r, s, v, p, err, deskAt(p.At)+v.query()+toWork(p))
	case verb == "pages" || do == "find":
		if verb == "pages" {
			url.Values(f).Set("from", reason)
		}
		d.again(w, r, s, v, p, f, 0, nil)
	case do == "register", do == "check", verb == "hold" && reason != "":
		d.read(w, r, s, v, p, f, reason)
	case verb == "back", verb == "other", do == "rescan", do == "alarm":
		d.outcome(w, r, s, v, p, f, reason)
	default:
		d.again(w, r, s, v, p, f, http.StatusUnprocessableEntity, []staff.Fault{{Text: "Nothing was said of this piece. Press one of the buttons."}})
	}
}

// led leads on from an act that nothing was typed for, or says why it was not done.
func (d *Door) led(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, err error, to string) {
	if err == nil {
		observe.Note(r.Context(), "piece", p.ID)
		staff.See(w, to)
		return
	}
	now, failed := d.Store.Piece(r.Context(), p.At)
	if failed != nil {
		now = p
	}
	d.house.Answer(w, r, err, staff.Outcome{Again: func(status int, faults []staff.Fault) { d.stands(w, r, s, v, now, status, faults) }})
}

// again shows the page as it was filled in. To send it is to work on the piece: its lease is renewed.
func (d *Door) again(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, f door.Form, status int, faults []staff.Fault) {
	now, err := d.Store.Piece(r.Context(), p.At)
	if err != nil {
		now = p // what was typed is worth more than how the piece stands
	}
	d.lookedAt(r.Context(), s, now)
	if again, err := d.Store.Piece(r.Context(), p.At); err == nil {
		now = again
	}
	d.key(w, r, s, v, now, f, status, faults)
}

// partIn reads where the piece ends, and whose envelope it is from.
func partIn(f door.Form, p batch.Piece) (part batch.Part, faults []staff.Fault) {
	number := func(field, wrong string) int {
		text := f.Digits(field)
		n, err := strconv.Atoi(text)
		if text != "" && (err != nil || n < 1) {
			faults = append(faults, staff.Fault{Field: field, Text: wrong})
		}
		return n
	}
	part.Envelope = number("envelope", "Enter the number of the envelope, or leave it empty.")
	part.Last = number("last", "Enter the number of the page with which it ends, or leave it empty.")
	part.Same = f.Get("rest") == "same"
	last := p.Last
	if part.Last != 0 && part.Last < p.Last {
		last = part.Last
		if f.Get("rest") == "" {
			faults = append(faults, staff.Fault{Field: "rest", Text: "Say from which envelope the pages are that are left."})
		}
	}
	if pages := undrawn(p, last); len(pages) > 0 && !f.Ticked("undrawn") {
		faults = append(faults, staff.Fault{Field: "undrawn", Text: "Look at " + plural(len(pages), "page ", "pages ") + pageList(pages) + " on the paper, and say so. If the paper is not at hand, put the piece back."})
	}
	return part, faults
}

// readingIn reads what somebody read on a piece, and what is wrong with it before any rule is asked.
func (d *Door) readingIn(f door.Form, p batch.Piece) (r batch.Reading, faults []staff.Fault) {
	signer := "self" // paper is signed by whom it names
	if f.Get("proxy-name") != "" || f.Get("capacity") != "" {
		signer = "proxy"
	}
	url.Values(f).Set("signer", signer)
	r.Answers, faults = staff.AnswersIn(f)
	wrong := func(field, text string) { faults = append(faults, staff.Fault{Field: field, Text: text}) }
	r.Letter = f.Ticked("letter")
	if r.Answers.SignedOn == "" && f.Digits("signed-on-day")+f.Digits("signed-on-month")+f.Digits("signed-on-year") == "" {
		faults = slices.DeleteFunc(faults, func(x staff.Fault) bool { return x.Field == "signed-on" })
	}
	if f.Ticked("number") && r.Answers.Subject.NHSNumber != "" {
		r.Number, r.Answers.Subject.NHSNumber = f.Get("nhs-number"), ""
	}
	if reply := r.Answers.Reply; len(f.All("safe")) == 0 {
		if reply.Email+reply.Phone+reply.Format+reply.Language != "" {
			wrong("safe", "Tick the way that this is for, or empty it.")
		}
		r.Answers.Reply = nil // the paper says nothing of it
	}
	var text string
	if r.Answers.Practice, text = d.practiceIn(f); text != "" {
		wrong("practice", text)
	}
	r.Answers.NotRegistered = f.Ticked("not-registered")
	part, more := partIn(f, p)
	r.Part = part
	return r, append(faults, more...)
}

// practiceIn is the code of the practice that is meant; wrong says what is to be done where that is not known.
func (d *Door) practiceIn(f door.Form) (code, wrong string) {
	typed, chosen := f.Get("practice"), f.Get("which-practice")
	if _, err := nhs.ParseODSCode(typed); err == nil || typed == "" {
		return typed, ""
	}
	switch found := d.found(typed); {
	case len(found) == 0:
		return "", "No practice in England is called that. Try its town, the first half of its postcode or its code, or leave it empty: the office looks for it."
	case f.Get("searched") == typed && chosen == "none":
		return "", ""
	case f.Get("searched") == typed && slices.ContainsFunc(found, func(p practiceFound) bool { return p.Code == chosen }):
		return chosen, ""
	}
	return "", "Choose the practice that is meant, below."
}

// keyedTwice are the fields of what is keyed twice.
var keyedTwice = []string{"want", "birth-date", "nhs-number", "number"}

// ofPart are the fields that say where a piece ends, and whose envelope it is from.
var ofPart = []string{"last", "envelope", "rest", "undrawn"}

// readAgain takes what somebody read on a finished piece of the sample.
func (d *Door) readAgain(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, f door.Form, said batch.Said) {
	now, err := d.mailroom().ReadAgain(r.Context(), p.At, s.Actor, said)
	if _, refused := errors.AsType[*optout.Refusal](err); refused && readBefore(p, s) { // nobody reads a sample twice: it is sent again
		now, err = p, nil
	}
	if err != nil {
		d.answer(w, r, s, v, p, f, err)
		return
	}
	observe.Note(r.Context(), "piece", now.ID)
	observe.Note(r.Context(), "sample", string(now.Sample.Step))
	d.onward(w, r, s, v, p.At)
}

// read takes what somebody read: the form is registered, or held if there is a reason to.
func (d *Door) read(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, f door.Form, hold string) {
	reading, faults := d.readingIn(f, p)
	twice, again := f.Get("asked") == "twice", f.Get("asked") == "again"
	only := func(all []staff.Fault, fields ...string) []staff.Fault {
		return slices.DeleteFunc(all, func(x staff.Fault) bool { return !slices.Contains(fields, x.Field) })
	}
	if f.Get("do") == "register" || f.Get("do") == "check" {
		_, broken := d.rules().Accept(reading.Answers)
		faults = staff.Wrong(faults, broken)
	} else { // of what is held only that somebody is named by it matters, which the domain judges
		reading.Hold = hold
		matters := slices.Clone(ofPart)
		if len(d.found(f.Get("practice"))) > 0 {
			matters = append(matters, "practice")
		}
		faults = only(faults, matters...)
	}
	if twice {
		if reading.Hold != "" {
			faults = nil
		}
		faults, reading.Part = only(faults, keyedTwice...), batch.Part{}
	}
	if again {
		reading.Part = batch.Part{}
		faults = slices.DeleteFunc(faults, func(x staff.Fault) bool { return slices.Contains(ofPart, x.Field) })
	}
	if len(faults) > 0 || f.Get("do") == "check" {
		status := 0
		if len(faults) > 0 {
			status = http.StatusUnprocessableEntity
		}
		d.again(w, r, s, v, p, f, status, faults)
		return
	}
	if again {
		said := batch.Said{Status: batch.Registered, Why: reading.Hold, Reading: reading}
		if reading.Hold != "" {
			said.Status = batch.Held
		}
		d.readAgain(w, r, s, v, p, f, said)
		return
	}
	if twice != (p.Status == batch.Second) && p.Stage() != "" && p.Status != batch.Disputed { // the page was for another list
		d.done(w, r, s, v, p, p, f, batch.NotNow)
		return
	}
	now, err := d.mailroom().Key(r.Context(), p.At, s.Actor, reading)
	d.done(w, r, s, v, p, now, f, err)
}

// outcome gives a piece an outcome that makes no form of it, or puts it before a supervisor.
func (d *Door) outcome(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, f door.Form, why string) {
	o := batch.Outcome{Why: why}
	switch verb, _, _ := strings.Cut(f.Get("do"), "-"); verb {
	case "back":
		o.Status = batch.SentBack
	case "other":
		o.Status = batch.OtherPost
	case "rescan":
		o.Status = batch.Rescan
	case "alarm":
		if f.Get("asked") == "again" {
			d.readAgain(w, r, s, v, p, f, batch.Said{Status: batch.Disputed})
			return
		}
		now, err := d.mailroom().Alarm(r.Context(), p.At, s.Actor)
		d.done(w, r, s, v, p, now, f, err)
		return
	}
	if p.Status == batch.Second || f.Get("asked") == "twice" { // somebody else read a form: a supervisor decides
		d.again(w, r, s, v, p, f, http.StatusConflict, []staff.Fault{{Text: "Somebody read a form on this piece. If you do not, say that it is in doubt."}})
		return
	}
	if f.Get("asked") == "again" {
		d.readAgain(w, r, s, v, p, f, batch.Said{Status: o.Status, Why: o.Why})
		return
	}
	var faults []staff.Fault
	if o.Part, faults = partIn(f, p); len(faults) > 0 {
		d.again(w, r, s, v, p, f, http.StatusUnprocessableEntity, faults)
		return
	}
	now, err := d.mailroom().HasOutcome(r.Context(), p.At, s.Actor, o)
	d.done(w, r, s, v, p, now, f, err)
}

// done leads on from a piece that has come further, or shows it again with why it has not. What was said twice, by a
// double click, from two tabs or by going back, is answered as done.
func (d *Door) done(w http.ResponseWriter, r *http.Request, s signin.Session, v way, before, now batch.Piece, f door.Form, err error) {
	_, refused := errors.AsType[*optout.Refusal](err)
	said := refused && saidBefore(now, s, f.Get("do"))
	if err == nil || said {
		observe.Note(r.Context(), "piece", before.ID)
		observe.Note(r.Context(), "outcome", string(now.Status))
		if !said && before.Stage() != "" {
			d.measured(r, f, now)
		}
		if now.Status == batch.Registered || now.Status == batch.Held {
			observe.Note(r.Context(), "reference", now.Form.String())
			if err := d.house.Look(r.Context(), s.Actor, "entered", optout.Form{Reference: now.Form}); err != nil {
				d.answer(w, r, s, v, before, f, err) // the same can be sent again
				return
			}
		}
		d.onward(w, r, s, v, before.At)
		return
	}
	d.answer(w, r, s, v, before, f, err)
}

// answer shows a piece again with what was typed and why it was not taken.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, f door.Form, err error) {
	again := func(status int, faults []staff.Fault) { d.again(w, r, s, v, p, f, status, faults) }
	if faulty, ok := errors.AsType[optout.Faulty](err); ok {
		again(http.StatusUnprocessableEntity, staff.Wrong(nil, faulty))
		return
	}
	d.house.Answer(w, r, err, staff.Outcome{Again: again})
}

// saidBefore says that this person said the same of the piece before, and that it was taken.
func saidBefore(p batch.Piece, s signin.Session, do string) bool {
	verb, why, _ := strings.Cut(do, "-")
	kinds := map[string][]string{
		"register": {"keyed", "keyed-otherwise", string(batch.Registered)}, "hold": {"keyed", "keyed-otherwise", string(batch.Held)},
		"back": {string(batch.SentBack)}, "other": {string(batch.OtherPost)}, "rescan": {string(batch.Rescan)}, "alarm": {"alarm"},
	}
	return slices.ContainsFunc(p.History, func(e batch.Event) bool {
		return e.By == s.String() && slices.Contains(kinds[verb], e.Kind) && (verb != "back" && verb != "other" || e.Detail == why)
	})
}

// readBefore says that this person read the piece again as part of the sample, and that it was taken.
func readBefore(p batch.Piece, s signin.Session) bool {
	return slices.ContainsFunc(p.History, func(e batch.Event) bool { return e.By == s.String() && e.Kind == "read-again" })
}

// measured notes how long a piece was at the desk.
func (d *Door) measured(r *http.Request, f door.Form, p batch.Piece) {
	if p.Status == batch.Registered {
		observe.Count(r.Context(), "FormsRegistered", 1)
	}
	began, err := strconv.ParseInt(f.Get("began"), 10, 64)
	if took := d.Now().Sub(time.Unix(began, 0)); err == nil && took >= 0 && took < signin.SessionLasts {
		observe.Note(r.Context(), "seconds", strconv.Itoa(int(took.Seconds())))
	}
}
