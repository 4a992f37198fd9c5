package batch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Said is what somebody says that a piece is.
type Said struct {
	By      string // an optout.Actor
	At      time.Time
	Status  Status // Registered, Held, SentBack, OtherPost or Rescan; Disputed: somebody may come to harm
	Why     string
	Reading Reading // of Registered and Held
}

// Sample is a finished piece that is read once more from its image, by somebody who has not seen what it came to, so that it is
// known how often what is finished is wrong. It holds nothing up: the form has gone on, and the books stay as they are. What
// was said of it is kept here until the sample is judged, and no longer.
type Sample struct {
	Step    Step
	First   Said     // what it came to
	Agreed  string   // who keyed it the second time, and alike: an optout.Actor
	Again   Said     // of Unlike: what was read once more
	Differs []string // of Unlike: in which fields
}

// Step is how far a sample is.
type Step string

// How far a sample can be; a piece that was not drawn is at none of these.
const (
	Drawn  Step = "drawn"  // it waits to be read once more
	Alike  Step = "alike"  // it was, and nothing was wrong
	Unlike Step = "unlike" // it was read otherwise: a supervisor says which is right
	Judged Step = "judged" // a supervisor has said so
)

// Readings is why a piece is disputed that two people read otherwise.
const Readings = "readings"

// draw puts a finished piece that has pages into the sample, or not: always the same of a piece, and by no rule that a clerk
// could see. Of what came to no form half as many are drawn as of forms.
func (m Mailroom) draw(p Piece, is Said, agreed string) Piece {
	share := m.Sample
	if is.Status != Registered && is.Status != Held {
		share = (share + 1) / 2
	}
	sum := sha256.Sum256([]byte("sample\n" + p.Batch + "\n" + p.ID))
	if p.First > 0 && int(binary.BigEndian.Uint32(sum[:])%100) < share {
		is.Reading.Part = Part{}
		p.Sample = Sample{Step: Drawn, First: is, Agreed: agreed}
	}
	return p
}

// lastSaid says that this is what happened to the piece last, by this person: it was done before.
func (p Piece) lastSaid(kind string, by optout.Actor) bool {
	return p.saidBy(by) && p.History[len(p.History)-1].Kind == kind
}

// passed says that a finished piece has gone through somebody's hands: they have said what it is, in any way.
func (p Piece) passed(by optout.Actor) bool {
	return sameID(p.Sample.First.By, by) || sameID(p.Sample.Agreed, by) || slices.ContainsFunc(p.History, func(e Event) bool {
		return sameID(e.By, by) && slices.Contains([]string{"keyed", "keyed-otherwise", "alarm", "read-again", "judged", string(Registered), string(Held), string(SentBack), string(OtherPost), string(Rescan)}, e.Kind)
	})
}

// IsOwn says that a supervisor would decide over what they have read themselves, and has not said that there is nobody else.
// Somebody's harm waits for no second supervisor.
func (p Piece) IsOwn(by optout.Actor) bool {
	var own bool
	switch p.Stage() {
	case Supervise:
		own = p.keyedBy(by)
	case Sampled, Differing:
		own = p.passed(by)
	}
	return own && !p.saidAlone(by)
}

// saidAlone says that a supervisor has said that there is nobody else, of what waits for one now: it holds for one decision.
func (p Piece) saidAlone(by optout.Actor) bool {
	for _, e := range slices.Backward(p.History) {
		switch e.Kind {
		case "alone":
			if sameID(e.By, by) {
				return true
			}
		case "keyed-otherwise", "read-again", "undone", "alarm":
			return false
		}
	}
	return false
}

// MayReadAgain says that a piece is in the sample, and that this person has not said before what it is.
func MayReadAgain(p Piece, by optout.Actor) bool { return p.Stage() == Sampled && !p.passed(by) }

// Alone notes that a supervisor decides over what they have read themselves, since there is no other one.
func (m Mailroom) Alone(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	if by.Role != optout.Supervisor {
		return Piece{}, Supervisor
	}
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		switch {
		case p.IsOwn(by):
			return p.said(m.Now(), by.String(), "alone", ""), nil
		case p.saidAlone(by):
			return p, errNothing
		}
		return p, NotNow
	})
}

// ReadAgain takes what somebody read on a piece of the sample, who has it before them and has not said before what it is. If
// it is what the piece came to, that is all. If not, or if somebody may come to harm, it is before a supervisor.
func (m Mailroom) ReadAgain(ctx context.Context, at At, by optout.Actor, s Said) (Piece, error) {
	if err := m.makesSense(s); err != nil {
		return Piece{}, err
	}
	return m.count(ctx, at, func(p Piece) (Piece, []Tally, error) {
		now := m.Now()
		switch held := p.HeldBy(now); {
		case p.lastSaid("read-again", by):
			return p, nil, errNothing
		case p.Stage() != Sampled:
			return p, nil, NotNow
		case p.passed(by):
			return p, nil, NotAgain
		case held != "" && held != by.String():
			return p, nil, Taken
		}
		s.By, s.At, s.Reading.Part = by.String(), milliseconds(now), Part{}
		fields, differ := m.against(p.Sample.First, s)
		p.Lease = Lease{}
		if s.Status == Disputed { // it is one, whatever becomes of the sample
			p = p.said(now, by.String(), "alarm", "")
		}
		p = p.said(now, by.String(), "read-again", strings.Join(differ, " "))
		if len(differ) == 0 {
			counts := p.Sample.tallied(nhs.DateOf(now), s.By, fields, nil, nil)
			p.Sample = Sample{Step: Alike}
			return p, counts, nil
		}
		p.Sample.Step, p.Sample.Again, p.Sample.Differs = Unlike, s, differ
		return p, nil, nil
	})
}

// makesSense judges what is said of a piece before anything is looked at.
func (m Mailroom) makesSense(s Said) error {
	switch s.Status {
	case Registered, Held:
		if (s.Status == Held) != (s.Reading.Hold != "") || s.Why != s.Reading.Hold {
			return wrong("outcome", "not-an-option")
		}
		_, err := m.judge(s.Reading)
		return err
	case SentBack:
		return oneOf("why", s.Why, SentBackFor)
	case OtherPost:
		return oneOf("why", s.Why, OtherPostIs)
	case Rescan, Disputed:
		return nil
	}
	return wrong("outcome", "not-an-option")
}

// tallied counts a sample: what of the piece itself was wrong, of those by whom it came to what it is, and of whoever read it
// once more. Of what the second one keyed only that counts.
func (s Sample) tallied(day nhs.Date, again string, fields, first, second []string) []Tally {
	all := []Tally{
		reckoned(day, OfSample, "", fields, first), reckoned(day, OfSample, optout.IDOf(s.First.By), fields, first), reckoned(day, OfSample, optout.IDOf(again), fields, second),
	}
	if s.Agreed != "" {
		twice := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return !slices.Contains(keyedTwice, f) })
		all = append(all, reckoned(day, OfSample, optout.IDOf(s.Agreed), twice, first))
	}
	return Added(all...)
}

// Right says which reading is right in a field.
type Right string

// What can be right: what the piece came to, what was read once more, or neither.
const (
	First   Right = "first"
	Again   Right = "again"
	Neither Right = "neither"
)

// Judgment is what a supervisor says of a sample that was read otherwise.
type Judgment struct {
	Right map[string]Right // by field, of all that differ
	Done  string           // one of SetRightBy, where what the piece came to is wrong
}

// SetRightBy is what can be done about a finished piece that is wrong. Nothing here changes a form: its practice and the office
// can. A piece that came to no form is taken back as long as its paper is in the house, and its sender written to afterwards. It
// can only be left as it is if neither what is asked for nor whether there is a form is wrong.
var SetRightBy = []string{"practice", "office", TakenBack, "sender", "safeguarding", LeftAsItIs}

// Two of SetRightBy. LeftAsItIs: nobody is worse off for it. TakenBack: the piece waits at the desk again, at once.
const (
	LeftAsItIs = "left"
	TakenBack  = "taken-back"
)

// CanSetRight says that something can be done about a piece, or that it fits what it came to.
func CanSetRight(p Piece, done string) bool {
	switch done {
	case "practice", "office":
		return !p.Form.IsZero()
	case "sender":
		return p.Form.IsZero()
	case TakenBack:
		return p.inHouse()
	case "safeguarding":
		return p.Stage() == Alarmed
	}
	return done == LeftAsItIs
}

// Judge notes which reading of a sample is right, and what was done. Then it is counted, and what was read is not kept. What is
// taken back waits again with the same write, so that it cannot be said and not done; Closed, if its batch is closed.
func (m Mailroom) Judge(ctx context.Context, at At, by optout.Actor, j Judgment) (Piece, error) {
	if by.Role != optout.Supervisor {
		return Piece{}, Supervisor
	}
	if j.Done != TakenBack || !j.findsFault() {
		return m.count(ctx, at, func(p Piece) (Piece, []Tally, error) { return m.judged(p, by, j) })
	}
	var back Piece
	_, err := m.open(ctx, at.Batch, func(*Batch) (Change, error) {
		p, err := m.Store.Piece(ctx, at)
		if err != nil {
			return Change{}, err
		}
		if n := len(p.History) - 2; n >= 0 && p.lastSaid("undone", by) && j.isSaid(p.History[n], by) { // the answer was lost
			back = p
			return Change{}, errNothing
		}
		p, counts, err := m.judged(p, by, j)
		if back = p; err != nil {
			return Change{}, err
		}
		back = m.undone(p, by)
		return Change{Pieces: written(&back), Counts: counts}, nil
	})
	return back, err
}

// judged is a piece whose sample is judged, and what is counted.
func (m Mailroom) judged(p Piece, by optout.Actor, j Judgment) (Piece, []Tally, error) {
	switch {
	case p.Sample.Step == Judged && j.isSaid(p.History[len(p.History)-1], by):
		return p, nil, errNothing
	case p.Sample.Step == Judged:
		return p, nil, Decided
	case p.Sample.Step != Unlike:
		return p, nil, NotNow
	case p.IsOwn(by):
		return p, nil, OwnReading
	}
	first, second, detail, err := j.of(p)
	if err != nil {
		return p, nil, err
	}
	now, s := m.Now(), p.Sample
	fields, _ := m.against(s.First, s.Again)
	for _, f := range s.Differs { // the rules may have changed meanwhile
		if !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	if s.First.Status == Held || s.Again.Status == Disputed {
		first = without(first, OfOutcome)
	}
	if s.Again.Status == Held || s.Again.Status == Disputed { // whoever says that there is doubt, or a risk, is never wrong for that
		second = without(second, OfOutcome)
	}
	counts := s.tallied(nhs.DateOf(now), s.Again.By, fields, first, second)
	if p.Stage() == Alarmed && p.passed(by) { // it could not wait for somebody else, and nobody judges themselves
		counts = []Tally{reckoned(nhs.DateOf(now), OfSample, "", fields, first)}
	}
	p.Sample, p.Lease = Sample{Step: Judged}, Lease{}
	return p.said(now, by.String(), "judged", detail), counts, nil
}

func without(fields []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == one })
}

// findsFault says that what the piece came to is wrong in something.
func (j Judgment) findsFault() bool {
	for _, right := range j.Right {
		if right == Again || right == Neither {
			return true
		}
	}
	return false
}

// isSaid says that an event is this judgment, by this supervisor.
func (j Judgment) isSaid(e Event, by optout.Actor) bool {
	if e.Kind != "judged" || !sameID(e.By, by) {
		return false
	}
	for _, word := range strings.Fields(e.Detail) {
		if field, right, ok := strings.Cut(word, ":"); ok && j.Right[field] != Right(right) || !ok && j.Done != word {
			return false
		}
	}
	return true
}

// of says in which fields the first and the second reading of a sample are wrong, and all that in one line of codes.
func (j Judgment) of(p Piece) (first, second []string, detail string, err error) {
	var faulty optout.Faulty
	s := p.Sample
	var said []string
	for _, f := range s.Differs {
		right := j.Right[f]
		if !slices.Contains([]Right{First, Again, Neither}, right) {
			faulty = append(faulty, optout.Fault{Pointer: "/right/" + f, Code: "missing", Detail: "Say which reading is right."})
		}
		if right != First {
			first = append(first, f)
		}
		if right != Again {
			second = append(second, f)
		}
		said = append(said, f+":"+string(right))
	}
	if len(faulty) == 0 && len(first) > 0 {
		switch err := oneOf("done", j.Done, SetRightBy); {
		case err != nil:
			faulty = append(faulty, optout.Fault{Pointer: "/done", Code: "missing", Detail: "Say what was done about it."})
		case !CanSetRight(p, j.Done):
			faulty = append(faulty, optout.Fault{Pointer: "/done", Code: "cannot-be", Detail: "That cannot be done about this piece as it stands. Say what was done."})
		case j.Done == LeftAsItIs && (slices.Contains(first, OfChoice) || slices.Contains(first, OfOutcome)):
			faulty = append(faulty, optout.Fault{Pointer: "/done", Code: "cannot-stay", Detail: "What is asked for cannot stay wrong. Say who was told, or what was put right."})
		}
		said = append(said, j.Done)
	}
	if len(faulty) > 0 {
		return nil, nil, "", faulty
	}
	return first, second, strings.Join(said, " "), nil
}

// PostedAs is what can become of a letter that goes back with a piece: it went, or it is kept with the paper of its batch,
// since nobody knows who sent it.
var PostedAs = []string{"posted", "kept"}

// Posted notes that a piece that goes back has left the house with its letter, or that it cannot. As long as that stands its
// outcome is not taken back. Not while a supervisor has to say whether it goes back at all.
func (m Mailroom) Posted(ctx context.Context, at At, by optout.Actor, how string) (Piece, error) {
	if err := oneOf("how", how, PostedAs); err != nil {
		return Piece{}, err
	}
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		switch {
		case p.Status != SentBack:
			return p, NotNow
		case !p.Posted.IsZero():
			return p, errNothing
		case p.LetterDue().IsZero():
			return p, NotNow
		}
		p.Posted = milliseconds(m.Now())
		return p.said(m.Now(), by.String(), "posted", how), nil
	})
}

// NotPosted takes back that a letter went, or that it cannot: that was said of the wrong piece, or its sender has become known.
func (m Mailroom) NotPosted(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	if by.Role != optout.Supervisor {
		return Piece{}, Supervisor
	}
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		switch {
		case p.Status != SentBack:
			return p, NotNow
		case p.Posted.IsZero():
			return p, errNothing
		}
		p.Posted = time.Time{}
		return p.said(m.Now(), by.String(), "not-posted", ""), nil
	})
}

// sampleWaits is how long a piece of the sample waits for somebody who may read it again. Whoever asks for one then ends it: where
// there is nobody to read it, what was said of it need not be kept.
const sampleWaits = 28 * 24 * time.Hour

// EndSample ends the sample of a piece that nobody has read once more: a supervisor says that nobody will.
func (m Mailroom) EndSample(ctx context.Context, at At, by optout.Actor) (Piece, error) {
	if by.Role != optout.Supervisor {
		return Piece{}, Supervisor
	}
	return m.lease(ctx, at, func(p Piece) (Piece, error) {
		switch held := p.HeldBy(m.Now()); {
		case p.lastSaid("sample-ended", by):
			return p, errNothing
		case p.Stage() != Sampled:
			return p, NotNow
		case p.IsOwn(by): // nobody takes their own errors out of the count unseen
			return p, OwnReading
		case held != "" && held != by.String():
			return p, Taken
		}
		return p.unread(m.Now(), by.String()), nil
	})
}

// expire ends the sample of a piece that has waited too long, and that nobody has before them.
func (m Mailroom) expire(ctx context.Context, at At) error {
	_, err := m.lease(ctx, at, func(p Piece) (Piece, error) {
		now := m.Now()
		if p.Stage() != Sampled || now.Sub(p.Waits()) <= sampleWaits || p.HeldBy(now) != "" {
			return p, NotNow
		}
		return p.unread(now, machine), nil
	})
	return err
}

// unread is a piece of the sample that nobody reads once more.
func (p Piece) unread(now time.Time, by string) Piece {
	p.Sample, p.Lease = Sample{}, Lease{}
	return p.said(now, by, "sample-ended", "")
}
