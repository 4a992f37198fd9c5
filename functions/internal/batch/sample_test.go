package batch_test

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
)

var tim = optout.Actor{Role: optout.Desk, ID: "u-tim"}

// form is what somebody reads on a form: that of the samples, and otherwise where change says so.
func form(change func(*batch.Reading)) batch.Said {
	r := batch.Reading{Answers: optouttest.Dissent()}
	if change != nil {
		change(&r)
	}
	s := batch.Said{Status: batch.Registered, Reading: r}
	if r.Hold != "" {
		s.Status, s.Why = batch.Held, r.Hold
	}
	return s
}

func asks(choice string) func(*batch.Reading) {
	return func(r *batch.Reading) { r.Answers.Choice = choice }
}

func doubts(why string) func(*batch.Reading) {
	return func(r *batch.Reading) { r.Hold = why }
}

// Only what it says differs, however it was typed.
func TestASampleIsHeldAgainstWhatThePieceCameTo(t *testing.T) {
	t.Parallel()
	back := batch.Said{Status: batch.SentBack, Why: batch.Type1}
	for name, c := range map[string]struct {
		first, again batch.Said
		differs      string
	}{
		"the same": {form(nil), form(nil), ""},
		"in capitals, and spaced out": {form(nil), form(func(r *batch.Reading) {
			r.Answers.Subject.Surname = "O'NEILL"
			r.Answers.Subject.NHSNumber = "900 000 0009"
		}), ""},
		"address on other lines":           {form(address("1 High St.", "Stockton")), form(address("1, High St", "", "stockton")), ""},
		"another address":                  {form(address("1 High St")), form(address("7 High St")), "address"},
		"another choice":                   {form(nil), form(asks("core")), "choice"},
		"another surname and birth date":   {form(nil), form(func(r *batch.Reading) { r.Answers.Subject.Surname = "Neil"; r.Answers.Subject.BirthDate = "1957-03-30" }), "surname birthDate"},
		"another first name":               {form(nil), form(func(r *batch.Reading) { r.Answers.Subject.Forenames = "Zoe Ann" }), "forenames"},
		"no number":                        {form(nil), form(func(r *batch.Reading) { r.Answers.Subject.NHSNumber = "" }), "nhsNumber"},
		"a wrong number, as it is written": {form(written("943 476 5918")), form(written("9434765918")), ""},
		"another wrong number":             {form(written("943 476 5918")), form(written("943 476 5917")), "nhsNumber"},
		"another postcode":                 {form(nil), form(func(r *batch.Reading) { r.Answers.Subject.Postcode = "TS18 1HX" }), "postcode"},
		"another practice":                 {form(nil), form(func(r *batch.Reading) { r.Answers.Practice = "" }), "practice"},
		"somebody else signed":             {form(nil), form(func(r *batch.Reading) { r.Answers.Proxy = &optout.Proxy{Name: "Robin Quill", Capacity: "deputy"} }), "signer"},
		"signed on a day":                  {form(nil), form(func(r *batch.Reading) { r.Answers.SignedOn = "2026-11-01" }), "signedOn"},
		"another way of answering":         {form(nil), form(func(r *batch.Reading) { r.Answers.Reply = &optout.Reply{Safe: []string{"post"}} }), "reply"},
		"it is in doubt":                   {form(nil), form(doubts(optout.HeldForSignature)), "outcome"},
		"it was in doubt":                  {form(doubts(optout.HeldForSignature)), form(nil), "outcome"},
		"in doubt for another reason":      {form(doubts(optout.HeldForSignature)), form(doubts(optout.HeldForAge)), "outcome"},
		"in doubt, and little was read of it": {form(doubts(optout.HeldForAge)), form(func(r *batch.Reading) {
			r.Hold, r.Answers = optout.HeldForAge, optout.Answers{Subject: optout.Subject{Surname: "O'Neill"}}
		}), ""},
		"in doubt, and somebody else":     {form(doubts(optout.HeldForAge)), form(func(r *batch.Reading) { r.Hold, r.Answers.Subject.Surname = optout.HeldForAge, "Smith" }), "surname"},
		"in doubt what it asks for":       {form(doubts(optout.HeldForChoice)), form(func(r *batch.Reading) { r.Hold, r.Answers.Choice = optout.HeldForChoice, "core" }), ""},
		"it is no form":                   {form(nil), back, "outcome"},
		"it was no form":                  {back, form(nil), "outcome"},
		"it goes back likewise":           {back, back, ""},
		"it goes back for another reason": {back, batch.Said{Status: batch.SentBack, Why: batch.NDOP}, "outcome"},
		"other post is other post":        {batch.Said{Status: batch.OtherPost, Why: "blank"}, batch.Said{Status: batch.OtherPost, Why: "message"}, ""},
		"somebody may come to harm":       {form(nil), batch.Said{Status: batch.Disputed}, "outcome"},
	} {
		r := newRoom(t)
		r.Sample = 200
		id := r.open(1)
		at := r.scanned(id, "one", 1)
		p := r.comes(at, ann, c.first)
		if p.Stage() != batch.Sampled {
			t.Fatalf("%s: it is not in the sample: %+v", name, p)
		}
		before := r.ledger(id)
		p, err := r.ReadAgain(t.Context(), at, bob, c.again)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(p.Sample.Differs, " "); got != c.differs || (p.Sample.Step == batch.Alike) != (c.differs == "") {
			t.Errorf("%s: %s, %q differs, want %q", name, p.Sample.Step, got, c.differs)
		}
		if want := map[bool]batch.Stage{true: batch.Alarmed, false: p.Stage()}[c.again.Status == batch.Disputed]; p.Stage() != want {
			t.Errorf("%s: it is on the list %s", name, p.Stage())
		}
		if fmt.Sprint(before) != fmt.Sprint(r.ledger(id)) {
			t.Errorf("%s: the books have changed", name)
		}
		r.audit()
	}
}

func address(lines ...string) func(*batch.Reading) {
	return func(r *batch.Reading) {
		r.Answers.Subject.Address = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	}
}

func written(number string) func(*batch.Reading) {
	return func(r *batch.Reading) { r.Answers.Subject.NHSNumber, r.Number = "", number }
}

// comes gives a piece what it comes to.
func (r *room) comes(at batch.At, by optout.Actor, s batch.Said) (p batch.Piece) {
	r.t.Helper()
	var err error
	if s.Status == batch.Registered || s.Status == batch.Held {
		p, err = r.Key(r.t.Context(), at, by, s.Reading)
	} else {
		p, err = r.HasOutcome(r.t.Context(), at, by, batch.Outcome{Status: s.Status, Why: s.Why})
	}
	r.must(p, err)
	return p
}

// Only whoever was wrong is counted as wrong: as the supervisor decides, or the sample shows. Each line is what was read, in
// turn by Ann and Bob where two key it, what is right by Sue; and what is counted of each, as wrong/read.
func TestOnlyWhoeverWasWrongIsCounted(t *testing.T) {
	t.Parallel()
	d, c, h := form(nil), form(asks("core")), form(doubts(optout.HeldForSignature))
	born := form(func(r *batch.Reading) { r.Answers.Subject.BirthDate = "1957-03-30" })
	back := batch.Said{Status: batch.SentBack, Why: batch.Type1}
	for name, x := range map[string]struct {
		first, second batch.Said
		decides       *batch.Said // nil: they are alike
		ann, bob      string
	}{
		"alike":                             {d, d, nil, "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1", "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1"},
		"the first was right":               {d, c, &d, "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1", "whole 1/1, choice 1/1, birthDate 0/1, nhsNumber 0/1"},
		"the second was right":              {d, c, &c, "whole 1/1, choice 1/1, birthDate 0/1, nhsNumber 0/1", "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1"},
		"neither was":                       {c, born, &d, "whole 1/1, choice 1/1, birthDate 0/1, nhsNumber 0/1", "whole 1/1, choice 0/1, birthDate 1/1, nhsNumber 0/1"},
		"whoever doubts is never wrong":     {d, h, &d, "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1", "whole 0/1, outcome 0/1"},
		"it was in doubt":                   {d, h, &h, "whole 1/1, outcome 1/1", "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1, outcome 0/1"},
		"both doubt":                        {h, h, nil, "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1, outcome 0/1", "whole 0/1, choice 0/1, birthDate 0/1, nhsNumber 0/1, outcome 0/1"},
		"it is no form at all":              {d, c, &back, "whole 1/1, outcome 1/1", "whole 1/1, outcome 1/1"},
		"it is keyed from another scan":     {d, c, &batch.Said{Status: batch.Rescan}, "", ""},
		"a supervisor's word is not theirs": {d, d, nil, "whole 0/1, choice 0/1", "whole 0/1, choice 0/1"},
	} {
		r := newRoom(t)
		r.Twice = 100
		at := r.scanned(r.open(1), "one", 1)
		r.comes(at, ann, x.first)
		r.comes(at, bob, x.second)
		if x.decides != nil {
			r.comes(at, sue, *x.decides)
		}
		if r.piece(at).Stage() != "" {
			t.Errorf("%s: it is %+v", name, r.piece(at))
		}
		r.counts(name, batch.OfTwo, ann, x.ann)
		r.counts(name, batch.OfTwo, bob, x.bob)
		r.counts(name, batch.OfTwo, sue, "")
		r.audit()
	}
}

// counts holds what was counted of somebody against what is wanted, and does not look at what is not named.
func (r *room) counts(name, how string, of optout.Actor, want string) {
	r.t.Helper()
	got := r.tallied(how, of.ID)
	if want == "" {
		if len(got.Read) > 0 {
			r.t.Errorf("%s: of %q is counted %v", name, of.ID, got.Read)
		}
		return
	}
	for one := range strings.SplitSeq(want, ", ") {
		var wrong, read int
		field, numbers, _ := strings.Cut(one, " ")
		if _, err := fmt.Sscanf(numbers, "%d/%d", &wrong, &read); err != nil {
			r.t.Fatal(err)
		}
		if got.Wrong[field] != wrong || got.Read[field] != read {
			r.t.Errorf("%s: of %q %s is wrong %d of %d times, want %d of %d", name, of.ID, field, got.Wrong[field], got.Read[field], wrong, read)
		}
	}
}

func TestASampleCountsByFieldAndByWhoKeyedIt(t *testing.T) {
	t.Parallel()
	other := form(func(r *batch.Reading) {
		r.Answers.Choice, r.Answers.Subject.Surname, r.Answers.Subject.Forenames = "core", "Neil", "Zoe"
	})
	all := map[string]batch.Right{batch.OfChoice: batch.Again, batch.OfSurname: batch.First, batch.OfForenames: batch.Neither}
	for name, c := range map[string]struct {
		twice                        int
		again                        batch.Said
		right                        map[string]batch.Right
		pieces, ann, bob, tim, wrong string
	}{
		"alike": {0, form(nil), nil, "whole 0/1, choice 0/1, surname 0/1, practice 0/1, outcome 0/1", "whole 0/1, surname 0/1", "", "whole 0/1, surname 0/1", ""},
		"each of them was wrong in something": {
			0, other, all, "whole 1/1, choice 1/1, surname 0/1, forenames 1/1, birthDate 0/1", "whole 1/1, choice 1/1, surname 0/1, forenames 1/1", "",
			"whole 1/1, choice 0/1, surname 1/1, forenames 1/1", "",
		},
		"of what two keyed the second was wrong in what they keyed": {
			100, other, all, "whole 1/1, choice 1/1, forenames 1/1", "whole 1/1, choice 1/1, surname 0/1, forenames 1/1",
			"whole 1/1, choice 1/1, surname 0/0, forenames 0/0, birthDate 0/1", "whole 1/1, choice 0/1, surname 1/1", "",
		},
		"of what two keyed nobody else was wrong in the rest": {
			100, form(func(r *batch.Reading) { r.Answers.Subject.Surname = "Neil" }),
			map[string]batch.Right{batch.OfSurname: batch.Again},
			"whole 1/1, surname 1/1", "whole 1/1, surname 1/1", "whole 0/1, choice 0/1", "whole 0/1", "",
		},
	} {
		r := newRoom(t)
		r.Twice, r.Sample = c.twice, 100
		at := r.scanned(r.open(1), "one", 1)
		r.comes(at, ann, form(nil))
		if c.twice > 0 {
			r.comes(at, bob, form(nil))
		}
		p, err := r.ReadAgain(t.Context(), at, tim, c.again)
		r.must(p, err)
		if c.right != nil {
			r.counts(name, batch.OfSample, optout.Actor{}, "") // before it is judged nothing is counted
			p, err = r.Judge(t.Context(), at, sue, batch.Judgment{Right: c.right, Done: "practice"})
			r.must(p, err)
		}
		for _, x := range []struct {
			of   optout.Actor
			want string
		}{{optout.Actor{}, c.pieces}, {ann, c.ann}, {bob, c.bob}, {tim, c.tim}, {sue, ""}} {
			r.counts(name, batch.OfSample, x.of, x.want)
		}
		if p.Sample.First.By != "" || p.Sample.Again.By != "" {
			t.Errorf("%s: what was read is kept: %+v", name, p.Sample)
		}
		r.audit()
	}
}

// What was asked for cannot be left wrong, and each field that differs is said to be right or wrong.
func TestASupervisorSaysWhichIsRightAndWhatWasDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		judges batch.Judgment
		faults []string
		detail string
	}{
		"nothing is said":                   {batch.Judgment{}, []string{"/right/choice missing", "/right/birthDate missing"}, ""},
		"half is said":                      {batch.Judgment{Right: map[string]batch.Right{"choice": batch.Again}}, []string{"/right/birthDate missing"}, ""},
		"no such answer":                    {judged("both", batch.First), []string{"/right/choice missing"}, ""},
		"nothing was done":                  {judged(batch.Again, batch.First), []string{"/done missing"}, ""},
		"no such deed":                      {judged(batch.Again, batch.First, "prayed"), []string{"/done missing"}, ""},
		"a wrong choice is left":            {judged(batch.Again, batch.First, batch.LeftAsItIs), []string{"/done cannot-stay"}, ""},
		"the practice is told":              {judged(batch.Again, batch.First, "practice"), nil, "choice:again birthDate:first practice"},
		"a wrong birth date is left":        {judged(batch.First, batch.Neither, batch.LeftAsItIs), nil, "choice:first birthDate:neither left"},
		"what was registered is all right":  {judged(batch.First, batch.First), nil, "choice:first birthDate:first"},
		"what was done where nothing could": {judged(batch.First, batch.First, "office"), nil, "choice:first birthDate:first"},
	} {
		r := newRoom(t)
		r.Sample = 100
		at := r.scanned(r.open(1), "one", 1)
		r.comes(at, ann, form(nil))
		_, err := r.ReadAgain(t.Context(), at, bob, form(func(r *batch.Reading) { r.Answers.Choice, r.Answers.Subject.BirthDate = "core", "1957-03-30" }))
		r.must(nil, err)
		before := r.piece(at)
		_, err = r.Judge(t.Context(), at, sue, c.judges)
		var faults []string
		if all := optout.Faulty(nil); errors.As(err, &all) {
			for _, f := range all {
				if faults = append(faults, f.Pointer+" "+f.Code); f.Detail == "" {
					t.Errorf("%s: %s has no words", name, f.Pointer)
				}
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p := r.piece(at)
		last := p.History[len(p.History)-1]
		switch {
		case !slices.Equal(faults, c.faults):
			t.Errorf("%s: %q, want %q", name, faults, c.faults)
		case len(faults) > 0 && p.Version != before.Version:
			t.Errorf("%s: something is written", name)
		case len(faults) == 0 && (last.Kind != "judged" || last.Detail != c.detail || p.Sample.Step != batch.Judged):
			t.Errorf("%s: %+v", name, last)
		}
	}
}

func judged(choice, born batch.Right, done ...string) batch.Judgment {
	j := batch.Judgment{Right: map[string]batch.Right{"choice": choice, "birthDate": born}}
	if len(done) > 0 {
		j.Done = done[0]
	}
	return j
}

func TestWhatIsReadOnceMoreMustMakeSense(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	at := r.state(r.open(1), "sampled")
	for name, s := range map[string]batch.Said{
		"nothing":                  {},
		"an outcome that is none":  {Status: batch.Quarantined},
		"a form without a surname": form(func(r *batch.Reading) { r.Answers.Subject.Surname = "" }),
		"held for nothing":         {Status: batch.Held},
		"registered in doubt":      {Status: batch.Registered, Reading: form(doubts(optout.HeldForAge)).Reading},
		"back for no reason":       {Status: batch.SentBack, Why: "boredom"},
		"other post of no kind":    {Status: batch.OtherPost},
	} {
		if _, err := r.ReadAgain(t.Context(), at, bob, s); !errors.As(err, new(optout.Faulty)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p := r.piece(at); p.Sample.Step != batch.Drawn {
		t.Errorf("it is %s", p.Sample.Step)
	}
}

// As many are drawn as asked for, of what is no form half as many; a piece that is drawn is drawn whoever asks, and whether it is
// drawn has nothing to do with whether two people key it.
func TestAShareOfWhatIsFinishedIsDrawn(t *testing.T) {
	t.Parallel()
	const pieces = 400
	for _, share := range []int{0, 5, 20, 100} {
		drawn := map[batch.Status]int{}
		r := newRoom(t)
		r.Sample = share
		for range pieces / batch.MostAtOnce {
			id := r.open(1)
			names := make([]string, batch.MostAtOnce)
			all, slots, err := r.Expect(t.Context(), id, ann, names, batch.OneEach)
			r.must(all, err)
			for n, p := range all {
				bytes := []byte(slots[n].ID)
				first, err := r.FirstFile(t.Context(), bytes, batch.File{Batch: id, Upload: slots[n].ID})
				r.must(first, err)
				r.must(nil, r.Read(t.Context(), p.At, bytes, make([]batch.Page, 1), first))
				said := form(nil)
				if n%2 == 0 {
					said = batch.Said{Status: batch.OtherPost, Why: "blank"}
				}
				if done := r.comes(p.At, ann, said); done.Sample.Step == batch.Drawn {
					drawn[done.Status]++
				}
			}
		}
		forms, others := drawn[batch.Registered]*100*2/pieces, drawn[batch.OtherPost]*100*2/pieces
		if share == 0 && forms+others > 0 || share == 100 && forms != 100 || forms < share/3 || forms > share*2+1 || others > share+2 || others < share/6 {
			t.Errorf("at %d %% %d %% of the forms and %d %% of the rest are drawn", share, forms, others)
		}
	}
}

// Quality is looked at in what is finished, so nothing that is taken back is in the sample, and the new outcome may be again.
func TestWhatIsTakenBackLeavesTheSample(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	at := r.state(id, "sample sent back")
	_, err := r.Take(t.Context(), at, bob)
	r.must(nil, err)
	_, err = r.Undo(t.Context(), at, ann)
	r.must(nil, err)
	if p := r.piece(at); p.Stage() != batch.Keying1 || p.Sample.Step != "" || p.Lease.By != "" {
		t.Errorf("it is %+v", p)
	}
	if _, err := r.ReadAgain(t.Context(), at, bob, form(nil)); !errors.Is(err, batch.NotNow) {
		t.Errorf("read after all: %v", err)
	}
	r.Sample = 100
	if p := r.comes(at, ann, form(nil)); p.Stage() != batch.Sampled {
		t.Errorf("it is %+v", p)
	}
	r.audit()
}

// What is in doubt is as binding as another form once it is released: it is keyed by two people, too.
func TestAFormInDoubtIsKeyedByTwo(t *testing.T) {
	t.Parallel()
	choice := form(doubts(optout.HeldForChoice))
	other := choice
	other.Reading.Answers.Choice = "core"
	for name, c := range map[string]struct {
		first, second batch.Said
		status        batch.Status
		detail        string
	}{
		"both doubt":                  {form(doubts(optout.HeldForAge)), form(doubts(optout.HeldForAge)), batch.Held, ""},
		"both doubt what it asks for": {choice, other, batch.Held, ""},
		"for two reasons":             {form(doubts(optout.HeldForAge)), choice, batch.Disputed, "outcome"},
		"one doubts":                  {form(doubts(optout.HeldForAge)), form(nil), batch.Disputed, "outcome"},
		"the other doubts":            {form(nil), form(doubts(optout.HeldForAge)), batch.Disputed, "outcome"},
		"both, and another number":    {form(doubts(optout.HeldForAge)), form(func(r *batch.Reading) { r.Hold = optout.HeldForAge; written("1")(r) }), batch.Disputed, "nhsNumber"},
	} {
		r := newRoom(t)
		r.Twice = 100
		at := r.scanned(r.open(1), "one", 1)
		if p := r.comes(at, ann, c.first); p.Status != batch.Second || len(r.paper) > 0 {
			t.Errorf("%s: once it is %+v", name, p)
		}
		p := r.comes(at, bob, c.second)
		if p.Status != c.status || p.Status == batch.Held && p.Why != c.first.Why {
			t.Errorf("%s: it is %s for %q", name, p.Status, p.Why)
		}
		if last := p.History[len(p.History)-1]; c.detail != "" && last.Detail != c.detail {
			t.Errorf("%s: %+v", name, last)
		}
		r.audit()
	}
}

// No number stands in for an envelope that is missing, whoever types it.
func TestAMissingEnvelopeIsNotHidden(t *testing.T) {
	t.Parallel()
	empty := batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"}
	for name, c := range map[string]struct {
		numbers string
		missing int
		refused error
	}{
		"all of them":                        {"1 2 3", 0, nil},
		"one is missing":                     {"1 2", 1, batch.MoreDeclared},
		"another number for it":              {"1 2 4", 1, batch.MoreDeclared},
		"another number at the beginning":    {"2 3 4", 1, batch.MoreDeclared},
		"one too many":                       {"1 2 3 4", 0, batch.FewerDeclared},
		"one too many, and one is missing":   {"1 3 4 5", 1, batch.MoreDeclared},
		"the same number twice is one, once": {"1 2 2", 1, batch.MoreDeclared},
	} {
		r := newRoom(t)
		id := r.open(3)
		for n := range strings.SplitSeq(c.numbers, " ") {
			_, err := r.ByHand(t.Context(), id, ann, int(n[0]-'0'), empty)
			r.must(nil, err)
		}
		l := r.ledger(id)
		if l.Missing != c.missing || l.Envelopes() != (c.refused == nil) {
			t.Errorf("%s: %+v", name, l)
		}
		if _, err := r.Close(t.Context(), id, ann); !errors.Is(err, c.refused) {
			t.Errorf("%s: closing: %v", name, err)
		}
		r.audit()
	}
}

// The next envelope has the first number that is free, at last that of a place to which nothing came: it leaves no gap behind.
func TestTheNextEnvelopeHasANumberThatIsFree(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(3)
	lapsed := r.state(id, "lapsed")
	one, two := r.scanned(id, "one", 1), r.scanned(id, "one", 1) // the second is a rescan
	three := r.scanned(id, "three", 2)
	r.must(r.HasOutcome(t.Context(), three, ann, batch.Outcome{Part: batch.Part{Last: 1}, Status: batch.OtherPost, Why: "blank"}))
	pieces, err := r.Memory.Pieces(t.Context(), id)
	r.must(pieces, err)
	got := map[batch.At]int{}
	for _, p := range pieces {
		got[p.At] = p.Envelope
	}
	rest := batch.At{Batch: id, ID: strings.Replace(three.ID, "-001", "-002", 1)}
	if got[lapsed] != 1 || got[one] != 2 || got[two] != 3 || got[three] != 1 || got[rest] != 3 {
		t.Errorf("the envelopes are %v", got)
	}
	r.audit()
}

func TestALetterGoesOnce(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	at := r.state(id, "sent back")
	due := func() (all []batch.At) {
		for q, err := range r.Letters(t.Context()) {
			r.must(nil, err)
			all = append(all, q.At)
		}
		return all
	}
	if !slices.Equal(due(), []batch.At{at}) {
		t.Errorf("letters are due of %v", due())
	}
	if _, err := r.Posted(t.Context(), at, bob, "by pigeon"); !errors.As(err, new(optout.Faulty)) {
		t.Errorf("by pigeon: %v", err)
	}
	p, err := r.Posted(t.Context(), at, bob, "kept")
	if last := p.History[len(p.History)-1]; err != nil || !p.Posted.Equal(r.Clock.Now()) || last.Kind != "posted" || last.Detail != "kept" || last.By != bob.String() || batch.CanUndo(p) {
		t.Errorf("%+v, %v", p, err)
	}
	if again, err := r.Posted(t.Context(), at, ann, "posted"); err != nil || again.Version != p.Version {
		t.Errorf("said again: %+v, %v", again, err)
	}
	if len(due()) > 0 {
		t.Errorf("letters are due of %v", due())
	}
}

// What a supervisor takes back waits again with the same write, or nothing is said: not of a form, and not in a closed batch.
func TestWhatIsTakenBackWaitsAtOnceOrIsNotSaid(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	at := r.state(id, "back otherwise")
	j := batch.Judgment{Right: map[string]batch.Right{batch.OfOutcome: batch.Again}, Done: batch.TakenBack}
	for _, f := range r.piece(at).Sample.Differs {
		j.Right[f] = batch.Again
	}
	r.must(r.Recount(t.Context(), id, ann, 1, "miscounted"))
	if _, err := r.Close(t.Context(), id, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Judge(t.Context(), at, sue, j); !errors.Is(err, batch.Closed) || r.piece(at).Sample.Step != batch.Unlike {
		t.Errorf("in a closed batch: %v, %+v", err, r.piece(at).Sample)
	}
	if _, err := r.Reopen(t.Context(), id, sue); err != nil {
		t.Fatal(err)
	}
	for range 2 { // whose answer was lost says it again
		p, err := r.Judge(t.Context(), at, sue, j)
		if err != nil || p.Stage() != batch.Keying1 || r.piece(at).Stage() != batch.Keying1 {
			t.Fatalf("%v, %+v", err, p)
		}
	}
	if _, err := r.Judge(t.Context(), r.state(r.open(1), "back judged"), sue, j); !errors.Is(err, batch.Decided) {
		t.Errorf("another judgment after the first: %v", err)
	}
	form := r.state(r.open(1), "read otherwise")
	j.Right = map[string]batch.Right{}
	for _, f := range r.piece(form).Sample.Differs {
		j.Right[f] = batch.Again
	}
	if _, err := r.Judge(t.Context(), form, sue, j); err == nil || r.piece(form).Sample.Step != batch.Unlike {
		t.Errorf("of a form: %v", err)
	}
	r.audit()
}

// What nobody may read once more ends: by a supervisor's word, or by itself after four weeks, and what was read is not kept.
func TestASampleThatNobodyReadsEnds(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	old := r.scanned(r.open(1), "old", 1)
	r.Move(29 * 24 * time.Hour)
	r.Sample = 100 // what is old was scanned long ago, and is finished today: nobody's asking ends that
	r.must(verbs["key"](r, old, ann))
	r.Sample = 0
	if p, err := r.Next(t.Context(), batch.Sampled, sue, ""); err != nil || p.At != old {
		t.Fatalf("%v, %+v", err, p)
	}
	if _, err := r.EndSample(t.Context(), old, optout.Actor{Role: optout.Supervisor, ID: "u-tom"}); !errors.Is(err, batch.Taken) {
		t.Errorf("while somebody has it before them: %v", err)
	}
	r.must(r.PutBack(t.Context(), old, sue))
	at, other := r.state(r.open(1), "sampled"), r.state(r.open(1), "sampled")
	if _, err := r.EndSample(t.Context(), at, bob); !errors.Is(err, batch.Supervisor) {
		t.Errorf("a clerk ends it: %v", err)
	}
	if _, err := r.EndSample(t.Context(), at, optout.Actor{Role: optout.Supervisor, ID: ann.ID}); !errors.Is(err, batch.OwnReading) {
		t.Errorf("of what she keyed herself: %v", err)
	}
	for range 2 {
		if p, err := r.EndSample(t.Context(), at, sue); err != nil || p.Stage() != "" || p.Sample.First.By != "" {
			t.Errorf("%v, %+v", err, p.Sample)
		}
	}
	r.Move(29 * 24 * time.Hour)
	if _, err := r.Next(t.Context(), batch.Sampled, bob, ""); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("after four weeks: %v", err)
	}
	if p := r.piece(other); p.Stage() != "" || p.Sample.First.By != "" {
		t.Errorf("it is kept: %+v", p)
	}
	r.audit()
}

// That a letter went is taken back by a supervisor, and then its piece can be, too.
func TestALetterThatDidNotGoWaitsAgain(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	at := r.state(r.open(1), "posted")
	if _, err := r.NotPosted(t.Context(), at, ann); !errors.Is(err, batch.Supervisor) {
		t.Errorf("a clerk: %v", err)
	}
	for range 2 {
		if p, err := r.NotPosted(t.Context(), at, sue); err != nil || p.LetterDue().IsZero() || !batch.CanUndo(p) {
			t.Errorf("%v, %+v", err, p)
		}
	}
	if _, err := r.Posted(t.Context(), r.state(r.open(1), "back otherwise"), ann, "posted"); !errors.Is(err, batch.NotNow) {
		t.Errorf("while a supervisor has to say whether it goes back: %v", err)
	}
	r.audit()
}

// Nobody judges what they read themselves without saying so, each time; who raised an alarm, or said that there is doubt, was
// not wrong for that.
func TestNobodyIsTheirOwnJudgeTwice(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	at := r.state(r.open(1), "read by sue")
	if _, err := r.Judge(t.Context(), at, sue, batch.Judgment{}); !errors.Is(err, batch.OwnReading) {
		t.Errorf("her own: %v", err)
	}
	alarmed := r.state(r.open(1), "read as alarm")
	if _, err := verbs["judge"](r, alarmed, sue); err != nil {
		t.Fatal(err)
	}
	if got := r.tallied(batch.OfSample, "bob"); got.Wrong[batch.OfOutcome] != 0 {
		t.Errorf("who raised an alarm was wrong: %+v", got)
	}
	if !strings.Contains(fmt.Sprint(r.piece(alarmed).History), "alarm") {
		t.Error("the alarm is forgotten")
	}
}
