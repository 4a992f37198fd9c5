package batch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// What comes of a piece, by how far it is, when something is said of it: written out by hand, nothing of it is computed.
//
// A cell is how far the piece is then, or . for as far as before with something noted on it, or = for nothing at all; or the
// refusal, after which nothing has changed. Two letters are how far it is: aw(aited), ch(ecking), wa(iting), se(cond),
// di(sputed), re(gistered), he(ld), sb sent back, op other post, rs rescan, qu(arantined), la(psed). Three letters are a
// refusal: dec(ided), now for not now, tak(en), twi for not twice, sup(ervisor), clo(sed), mar(ked).
//
// Ann is who keyed or decided it, or has it before her; Bob is another clerk, Sue a supervisor.
const table = `
                | take        | put back | key         | hold        | sent back   | alarm       | undo        | settle      | envelope
                | ann bob sue | ann bob  | ann bob sue | ann bob sue | ann bob sue | ann bob sue | ann bob sue | ann bob sue | ann
awaited         | now now now | =   =    | now now now | now now now | now now now | now now now | now now now | sup sup now | .
checking        | now now now | =   =    | now now now | now now now | now now now | now now now | now now now | sup sup now | .
stuck           | sup sup .   | =   =    | sup sup now | sup sup now | sup sup sb  | sup sup now | now now now | sup sup now | .
waiting         | .   .   .   | =   =    | re  re  re  | he  he  he  | sb  sb  sb  | di  di  di  | =   =   =   | sup sup now | .
taken           | .   tak tak | .   =    | re  tak tak | he  tak tak | sb  tak tak | di  tak tak | =   =   =   | sup sup now | .
marked          | .   tak tak | .   =    | re  tak tak | he  tak tak | mar tak tak | di  tak tak | =   =   =   | sup sup now | .
marked for long | .   .   .   | .   =    | re  re  re  | he  he  he  | sb  sb  sb  | di  di  di  | =   =   =   | sup sup now | .
form is there   | .   .   .   | .   =    | re  re  re  | re  re  re  | mar mar mar | di  di  di  | =   =   =   | sup sup now | .
second          | twi .   .   | =   =    | twi re  re  | twi di  di  | twi sb  sb  | di  di  di  | now now now | sup sup now | .
second, in doubt| twi .   .   | =   =    | twi di  di  | twi he  he  | twi sb  sb  | di  di  di  | now now now | sup sup now | .
disputed        | sup sup .   | =   =    | sup sup re  | sup sup he  | sup sup sb  | sup sup .   | now now now | sup sup now | .
alarmed         | sup sup .   | =   =    | sup sup re  | sup sup he  | sup sup sb  | =   =   =   | now now now | sup sup now | .
registered      | now now now | =   =    | =   dec dec | =   dec dec | dec dec dec | dec dec dec | now now now | sup sup now | .
held            | now now now | =   =    | =   dec dec | =   dec dec | dec dec dec | dec dec dec | now now now | sup sup now | .
sent back       | now now now | =   =    | dec dec dec | dec dec dec | =   dec dec | dec dec dec | wa  wa  wa  | sup sup now | .
other post      | now now now | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | wa  wa  wa  | sup sup now | .
rescan          | now now now | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | wa  wa  wa  | sup sup now | .
same bytes      | now now now | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | now now now | sup sup now | .
quarantined     | sup sup .   | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | now now now | sup sup .   | .
settled         | now now now | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | now now now | sup sup =   | .
lapsed          | now now now | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | now now now | sup sup now | .
by hand         | now now now | =   =    | dec dec dec | dec dec dec | dec dec dec | dec dec dec | now now now | sup sup now | .

                | take        | put back | key         | hold        | sent back   | alarm       | undo        | settle      | envelope
In a closed batch
registered      | now now now | =   =    | =   dec dec | =   dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
held            | now now now | =   =    | =   dec dec | =   dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
sent back       | now now now | =   =    | dec dec dec | dec dec dec | =   clo clo | clo clo clo | clo clo clo | sup sup now | clo
other post      | now now now | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
rescan          | now now now | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
same bytes      | now now now | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
quarantined     | sup sup .   | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup .   | clo
settled         | now now now | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup =   | clo
lapsed          | now now now | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
by hand         | now now now | =   =    | dec dec dec | dec dec dec | clo clo clo | clo clo clo | clo clo clo | sup sup now | clo
`

// What machines say of a piece. Whatever they say, and in whatever order, is heard or known.
const machines = `
                | arrived | lapsed | stuck | quarantine | read
                | -       | -      | -     | -          | -
awaited         | ch      | la     | ch    | qu         | wa
checking        | =       | =      | .     | qu         | wa
stuck           | =       | =      | =     | qu         | wa
waiting         | =       | =      | =     | =          | =
taken           | =       | =      | =     | =          | =
marked          | =       | =      | =     | =          | =
marked for long | =       | =      | =     | =          | =
form is there   | =       | =      | =     | =          | =
second          | =       | =      | =     | =          | =
disputed        | =       | =      | =     | =          | =
alarmed         | =       | =      | =     | =          | =
registered      | =       | =      | =     | =          | =
held            | =       | =      | =     | =          | =
sent back       | =       | =      | =     | =          | =
other post      | =       | =      | =     | =          | =
rescan          | =       | =      | =     | =          | =
same bytes      | =       | =      | =     | =          | =
quarantined     | =       | =      | =     | =          | =
settled         | =       | =      | =     | =          | =
lapsed          | ch      | =      | ch    | qu         | wa
by hand         | =       | =      | =     | =          | =

                | arrived | lapsed | stuck | quarantine | read
In a closed batch
registered      | =       | =      | =     | =          | =
held            | =       | =      | =     | =          | =
sent back       | =       | =      | =     | =          | =
other post      | =       | =      | =     | =          | =
rescan          | =       | =      | =     | =          | =
same bytes      | =       | =      | =     | =          | =
quarantined     | =       | =      | =     | =          | =
settled         | =       | =      | =     | =          | =
lapsed          | ch      | =      | ch    | qu         | wa
by hand         | =       | =      | =     | =          | =
`

// What comes of a piece that has its outcome once it is in the sample, of a letter that goes back, and of what a supervisor has
// read themselves (own). Ann keyed or decided it; whoever else it says has read it otherwise than she did.
const samples = `
                | take        | put back | key         | sent back   | undo        | alarm       | read again  | read otherwise | judge       | alone       | posted
                | ann bob sue | ann bob  | ann bob sue | ann bob sue | ann bob sue | ann bob sue | ann bob sue | ann bob sue    | ann bob sue | ann bob sue | ann bob sue
sampled         | see .   .   | =   =    | =   dec dec | dec dec dec | now now now | dec dec dec | see .   .   | see .   .      | sup sup now | sup sup now | now now now
sample taken    | see .   tak | =   .    | =   dec dec | dec dec dec | now now now | dec dec dec | see .   tak | see .   tak    | sup sup now | sup sup now | now now now
sample in doubt | see .   .   | =   =    | =   dec dec | dec dec dec | now now now | dec dec dec | see .   .   | see .   .      | sup sup now | sup sup now | now now now
sample sent back| see .   .   | =   =    | dec dec dec | =   dec dec | wa  wa  wa  | dec dec dec | see .   .   | see .   .      | sup sup now | sup sup now | .   .   .
back otherwise  | sup sup .   | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now =   now | now =   now    | sup sup .   | sup sup now | now now now
back judged     | now now now | =   =    | dec dec dec | dec dec dec | sup sup wa  | dec dec dec | now now now | now now now    | sup sup =   | sup sup now | .   .   .
read alike      | now now now | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now =   now | now =   now    | sup sup now | sup sup now | now now now
read otherwise  | sup sup .   | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now =   now | now =   now    | sup sup .   | sup sup now | now now now
read by sue     | sup sup own | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now now =   | now now =      | sup sup own | sup sup .   | now now now
sue is alone    | sup sup .   | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now now now | now now now    | sup sup .   | sup sup =   | now now now
read as alarm   | sup sup .   | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now =   now | now =   now    | sup sup .   | sup sup now | now now now
judged          | now now now | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now now now | now now now    | sup sup =   | sup sup now | now now now
sent back       | now now now | =   =    | dec dec dec | =   dec dec | wa  wa  wa  | dec dec dec | now now now | now now now    | sup sup now | sup sup now | .   .   .
posted          | now now now | =   =    | dec dec dec | dec dec dec | now now now | dec dec dec | now now now | now now now    | sup sup now | sup sup now | =   =   =
waiting         | .   .   .   | =   =    | re  re  re  | sb  sb  sb  | =   =   =   | di  di  di  | now now now | now now now    | sup sup now | sup sup now | now now now
disputed by sue | sup sup own | =   =    | sup sup own | sup sup own | now now now | sup sup .   | now now now | now now now    | sup sup now | sup sup .   | now now now
sue decides     | sup sup .   | =   =    | sup sup re  | sup sup sb  | now now now | sup sup .   | now now now | now now now    | sup sup now | sup sup =   | now now now

                | take        | put back | key         | sent back   | undo        | alarm       | read again  | read otherwise | judge       | alone       | posted
In a closed batch
sampled         | see .   .   | =   =    | =   dec dec | clo clo clo | clo clo clo | clo clo clo | see .   .   | see .   .      | sup sup now | sup sup now | now now now
sample sent back| see .   .   | =   =    | dec dec dec | =   clo clo | clo clo clo | clo clo clo | see .   .   | see .   .      | sup sup now | sup sup now | .   .   .
read otherwise  | sup sup .   | =   =    | dec dec dec | clo clo clo | clo clo clo | clo clo clo | now =   now | now =   now    | sup sup .   | sup sup now | now now now
read by sue     | sup sup own | =   =    | dec dec dec | clo clo clo | clo clo clo | clo clo clo | now now =   | now now =      | sup sup own | sup sup .   | now now now
judged          | now now now | =   =    | dec dec dec | clo clo clo | clo clo clo | clo clo clo | now now now | now now now    | sup sup =   | sup sup now | now now now
sent back       | now now now | =   =    | dec dec dec | =   clo clo | clo clo clo | clo clo clo | now now now | now now now    | sup sup now | sup sup now | .   .   .
posted          | now now now | =   =    | dec dec dec | clo clo clo | clo clo clo | clo clo clo | now now now | now now now    | sup sup now | sup sup now | =   =   =
`

var letters = map[batch.Status]string{
	batch.Awaited: "aw", batch.Checking: "ch", batch.Waiting: "wa", batch.Second: "se", batch.Disputed: "di", batch.Registered: "re", batch.Held: "he",
	batch.SentBack: "sb", batch.OtherPost: "op", batch.Rescan: "rs", batch.Quarantined: "qu", batch.Lapsed: "la",
}

var refusals = map[error]string{
	batch.Decided: "dec", batch.NotNow: "now", batch.Taken: "tak", batch.NotTwice: "twi", batch.NotAgain: "see", batch.Supervisor: "sup", batch.Closed: "clo", batch.Marked: "mar", batch.OwnReading: "own",
}

var sentBack = batch.Outcome{Status: batch.SentBack, Why: batch.Type1}

// verbs are what is said of a piece.
var verbs = map[string]func(r *room, at batch.At, by optout.Actor) (batch.Piece, error){
	"take": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) { return r.Take(r.t.Context(), at, by) },
	"put back": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.PutBack(r.t.Context(), at, by)
	},
	"alarm": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.Alarm(r.t.Context(), at, by)
	},
	"undo": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) { return r.Undo(r.t.Context(), at, by) },
	"settle": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.Settle(r.t.Context(), at, by)
	},
	"envelope": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		b, err := r.Memory.Batch(r.t.Context(), at.Batch)
		r.must(b, err)
		return r.InEnvelope(r.t.Context(), at, by, b.Highest+1) // another one than it is in
	},
	"sent back": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.HasOutcome(r.t.Context(), at, by, sentBack)
	},
	"key": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.Key(r.t.Context(), at, by, batch.Reading{Answers: optouttest.Dissent()})
	},
	"hold": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.Key(r.t.Context(), at, by, batch.Reading{Answers: optouttest.Dissent(), Hold: optout.HeldForSignature})
	},
	"read again":     reads(batch.Said{Status: batch.Registered, Reading: batch.Reading{Answers: optouttest.Dissent()}}),
	"read otherwise": reads(batch.Said{Status: batch.Registered, Reading: batch.Reading{Answers: core()}}),
	"read as alarm":  reads(batch.Said{Status: batch.Disputed}),
	"judge": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		p, err := r.Memory.Piece(r.t.Context(), at)
		if err != nil {
			return batch.Piece{}, err
		}
		j := batch.Judgment{Right: map[string]batch.Right{}, Done: "practice"}
		if p.Form.IsZero() {
			j.Done = "sender"
		}
		for _, f := range batch.ReadFields {
			j.Right[f] = batch.Again
		}
		return r.Judge(r.t.Context(), at, by, j)
	},
	"alone": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.Alone(r.t.Context(), at, by)
	},
	"posted": func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.Posted(r.t.Context(), at, by, "posted")
	},
	"arrived": func(r *room, at batch.At, _ optout.Actor) (batch.Piece, error) {
		return r.heard(at, r.Arrived(r.t.Context(), at))
	},
	"lapsed": func(r *room, at batch.At, _ optout.Actor) (batch.Piece, error) {
		return r.heard(at, r.Lapsed(r.t.Context(), at))
	},
	"stuck": func(r *room, at batch.At, _ optout.Actor) (batch.Piece, error) {
		return r.heard(at, r.Stuck(r.t.Context(), at, batch.Unchecked))
	},
	"quarantine": func(r *room, at batch.At, _ optout.Actor) (batch.Piece, error) {
		return r.heard(at, r.Quarantine(r.t.Context(), at, batch.Infected, nil))
	},
	"read": func(r *room, at batch.At, _ optout.Actor) (batch.Piece, error) {
		return r.heard(at, r.Read(r.t.Context(), at, []byte("late"), make([]batch.Page, 2), batch.File{Batch: at.Batch, Upload: batch.FileOf(at.ID)}))
	},
}

// reads is what somebody reads on a piece of the sample.
func reads(s batch.Said) func(*room, batch.At, optout.Actor) (batch.Piece, error) {
	return func(r *room, at batch.At, by optout.Actor) (batch.Piece, error) {
		return r.ReadAgain(r.t.Context(), at, by, s)
	}
}

// core is a form that asks for less than the one of Dissent.
func core() optout.Answers {
	a := optouttest.Dissent()
	a.Choice = "core"
	return a
}

// heard is a piece as it is once machines have said something of it.
func (r *room) heard(at batch.At, err error) (batch.Piece, error) { return r.piece(at), err }

func (r *room) piece(at batch.At) batch.Piece {
	r.t.Helper()
	p, err := r.Memory.Piece(r.t.Context(), at)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// must takes what is done to make a state: it is not under test.
func (r *room) must(_ any, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// broken lets something be done whose registering fails.
func (r *room) broken(method string, do func()) {
	r.Memory.Fate = func(m string) optouttest.Fate {
		if m == method {
			return optouttest.Broken
		}
		return optouttest.Fine
	}
	do()
	r.Memory.Fate = nil
}

// state makes a piece of each kind in a batch.
func (r *room) state(id, name string) batch.At {
	r.t.Helper()
	did := func(from, verb string) batch.At { // by Ann, or a machine
		at := r.state(id, from)
		r.must(verbs[verb](r, at, ann))
		return at
	}
	by := func(o batch.Outcome) batch.At {
		at := r.scanned(id, id, 1)
		r.must(r.HasOutcome(r.t.Context(), at, ann, o))
		return at
	}
	breaks := func(method string) batch.At {
		at := r.scanned(id, id, 1)
		r.broken(method, func() { _, _ = verbs["key"](r, at, ann) })
		return at
	}
	switch name {
	case "awaited":
		pieces, _, err := r.Expect(r.t.Context(), id, ann, []string{"a.pdf"}, batch.OneEach)
		r.must(nil, err)
		return pieces[0].At
	case "checking":
		return did("awaited", "arrived")
	case "stuck":
		return did("awaited", "stuck")
	case "waiting":
		return r.scanned(id, id, 1)
	case "taken":
		return did("waiting", "take")
	case "marked":
		return breaks("Register")
	case "marked for long":
		defer r.Move(batch.LeaseLasts)
		return breaks("Register")
	case "form is there":
		defer r.Move(batch.LeaseLasts)
		return breaks("SaveBatch")
	case "sampled", "sample in doubt", "sample sent back":
		r.Sample = 200 // so that of what came to no form all are drawn, too
		defer func() { r.Sample = 0 }()
		return did("waiting", map[string]string{"sampled": "key", "sample in doubt": "hold", "sample sent back": "sent back"}[name])
	case "back otherwise", "back judged":
		at := r.state(id, "sample sent back")
		if r.must(verbs["read again"](r, at, bob)); name == "back judged" {
			r.must(verbs["judge"](r, at, sue))
		}
		return at
	case "sample taken", "read alike", "read otherwise", "read as alarm":
		at := r.state(id, "sampled")
		r.must(verbs[map[string]string{"sample taken": "take", "read alike": "read again"}[name]+map[string]string{"read otherwise": name, "read as alarm": name}[name]](r, at, bob))
		return at
	case "read by sue", "sue is alone":
		at := r.state(id, "sampled")
		if r.must(verbs["read otherwise"](r, at, sue)); name == "sue is alone" {
			r.must(verbs["alone"](r, at, sue))
		}
		return at
	case "judged":
		at := r.state(id, "read otherwise")
		r.must(verbs["judge"](r, at, sue))
		return at
	case "posted":
		return did("sent back", "posted")
	case "second, in doubt", "disputed by sue", "sue decides":
		r.Twice = 100
		at := r.scanned(id, id, 1)
		if r.Twice = 0; name == "second, in doubt" {
			r.must(verbs["hold"](r, at, ann))
			return at
		}
		r.must(verbs["key"](r, at, ann))
		if r.must(verbs["hold"](r, at, sue)); name == "sue decides" {
			r.must(verbs["alone"](r, at, sue))
		}
		return at
	case "second", "disputed":
		r.Twice = 100
		at := r.scanned(id, id, 1)
		r.Twice = 0
		if r.must(verbs["key"](r, at, ann)); name == "disputed" {
			r.must(verbs["hold"](r, at, bob))
		}
		return at
	case "alarmed":
		return did("waiting", "alarm")
	case "registered":
		return did("waiting", "key")
	case "held":
		return did("waiting", "hold")
	case "sent back":
		return did("waiting", "sent back")
	case "other post":
		return by(batch.Outcome{Status: batch.OtherPost, Why: "blank"})
	case "rescan":
		return by(batch.Outcome{Status: batch.Rescan})
	case "same bytes":
		did("waiting", "key")
		return r.scanned(id, id, 1)
	case "quarantined":
		return did("checking", "quarantine")
	case "settled":
		at := r.state(id, "quarantined")
		r.must(verbs["settle"](r, at, sue))
		return at
	case "lapsed":
		return did("awaited", "lapsed")
	case "by hand":
		p, err := r.ByHand(r.t.Context(), id, ann, 1, batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"})
		r.must(p, err)
		return p.At
	}
	r.t.Fatalf("the table has a line %q", name)
	return batch.At{}
}

func TestWhatComesOfAPieceIsAsTheTableSays(t *testing.T) {
	t.Parallel()
	cells, states := 0, map[string]bool{}
	for _, table := range []string{table, machines, samples} {
		lines := strings.Split(strings.TrimSpace(table), "\n")
		said, who, closed := columns(lines[0]), columns(lines[1]), false
		for _, line := range lines[2:] {
			row := columns(line)
			switch {
			case strings.HasPrefix(line, "In a closed batch"):
				closed = true
				continue
			case len(row) < 2 || row[0] == "":
				continue
			case len(row) != len(said):
				t.Fatalf("the table has a line %q", line)
			}
			states[row[0]] = true
			for n := 1; n < len(row); n++ {
				by, wants := strings.Fields(who[n]), strings.Fields(row[n])
				if len(by) != len(wants) || verbs[said[n]] == nil {
					t.Fatalf("the table has %q for %q", row[n], said[n])
				}
				for i, want := range wants {
					cells++
					actor := map[string]optout.Actor{"ann": ann, "bob": bob, "sue": sue}[by[i]]
					name := fmt.Sprintf("%s: %s by %s", row[0], said[n], by[i])
					if closed {
						name += ", in a closed batch"
					}
					if got := outcome(t, row[0], closed, said[n], actor); got != want {
						t.Errorf("%s: %s, want %s", name, got, want)
					}
				}
			}
		}
	}
	if len(states) != 37 || cells < 1300 {
		t.Errorf("%d states, %d cells", len(states), cells)
	}
}

func columns(line string) (all []string) {
	for c := range strings.SplitSeq(line, "|") {
		all = append(all, strings.TrimSpace(c))
	}
	return all
}

// outcome is what comes of a verb in a room of its own, as a cell of the table spells it.
func outcome(t *testing.T, state string, closed bool, verb string, by optout.Actor) string {
	t.Helper()
	r := newRoom(t)
	id := r.open(1)
	at := r.state(id, state)
	if closed {
		if l := r.ledger(id); l.Opened == 0 { // so that it can be closed
			r.must(r.ByHand(t.Context(), id, ann, 1, batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"}))
		}
		r.must(r.Close(t.Context(), id, ann))
	}
	before, was := r.piece(at), r.ledger(id)
	said, err := verbs[verb](r, at, by)
	after, is := r.piece(at), r.ledger(id)
	r.audit()
	if err != nil {
		if after.Version != before.Version || fmt.Sprint(was) != fmt.Sprint(is) {
			return fmt.Sprintf("%v, and something has changed", err)
		}
		for refusal, cell := range refusals {
			if errors.Is(err, refusal) {
				return cell
			}
		}
		return err.Error()
	}
	switch {
	case said.Status != after.Status || said.Version != after.Version:
		return fmt.Sprintf("%s version %d is said, %s version %d is so", said.Status, said.Version, after.Status, after.Version)
	case after.Version == before.Version:
		return "="
	case after.Status == before.Status:
		return "."
	}
	return letters[after.Status]
}

// audit holds the room's books against the rows and the forms.
func (r *room) audit() {
	r.t.Helper()
	for _, fault := range r.faults() {
		r.t.Error(fault)
	}
}

func (r *room) faults() []string {
	r.t.Helper()
	fate := r.Memory.Fate
	r.Memory.Fate = nil
	defer func() { r.Memory.Fate = fate }()
	open, err := r.Batches(r.t.Context(), true, 100)
	r.must(nil, err)
	closed, err := r.Batches(r.t.Context(), false, 100)
	r.must(nil, err)
	faults, err := optouttest.Audit{Forms: r.Memory, Books: r.Memory, Of: append(open, closed...), Paper: r.paper, Pages: r.pages}.Faults(r.t.Context())
	r.must(nil, err)
	return faults
}

// What comes of a batch, written out by hand: what is said to whoever closes it, opens it again, counts it again, puts something
// on its books or sends it files.
func TestWhatComesOfABatchIsAsTheTableSays(t *testing.T) {
	t.Parallel()
	for _, line := range strings.Split(strings.TrimSpace(`
                          | close              | close by sue       | reopen     | reopen by sue | recount      | by hand      | expect
nothing in it             | NOTHING_OPENED     | NOTHING_OPENED     | SUPERVISOR | open          | open         | open         | open
a file has not come       | STILL_WAITING      | STILL_WAITING      | SUPERVISOR | open          | open         | open         | open
a piece waits             | STILL_WAITING      | STILL_WAITING      | SUPERVISOR | open          | open         | open         | open
an envelope is missing    | ENVELOPES_MISSING  | ENVELOPES_MISSING  | SUPERVISOR | open          | open         | open         | open
an envelope is too many   | ENVELOPES_TOO_MANY | ENVELOPES_TOO_MANY | SUPERVISOR | open          | open         | open         | open
only a file never came    | NOTHING_OPENED     | NOTHING_OPENED     | SUPERVISOR | open          | open         | open         | open
it adds up                | closed             | closed             | SUPERVISOR | open          | open         | open         | open
a quarantined file is new | closed             | closed             | SUPERVISOR | open          | open         | open         | open
closed                    | closed             | closed             | SUPERVISOR | open          | BATCH_CLOSED | BATCH_CLOSED | BATCH_CLOSED
opened again              | closed             | closed             | SUPERVISOR | open          | open         | open         | open`), "\n")[1:] {
		row := columns(line)
		for n, do := range []func(r *room, id string) error{
			func(r *room, id string) error { _, err := r.Mailroom.Close(t.Context(), id, ann); return err },
			func(r *room, id string) error { _, err := r.Mailroom.Close(t.Context(), id, sue); return err },
			func(r *room, id string) error { _, err := r.Reopen(t.Context(), id, ann); return err },
			func(r *room, id string) error { _, err := r.Reopen(t.Context(), id, sue); return err },
			func(r *room, id string) error { _, err := r.Recount(t.Context(), id, ann, 9, "miscounted"); return err },
			func(r *room, id string) error {
				_, err := r.ByHand(t.Context(), id, ann, 2, sentBack)
				return err
			},
			func(r *room, id string) error {
				_, _, err := r.Expect(t.Context(), id, ann, []string{"a.pdf", "b.pdf"}, batch.OneAll)
				return err
			},
		} {
			r := newRoom(t)
			id := r.open(1)
			batches[row[0]](r, id)
			err := do(r, id)
			b, readErr := r.Memory.Batch(t.Context(), id)
			r.must(b, readErr)
			got := "open"
			if !b.IsOpen() {
				got = "closed"
			}
			if refused := (*optout.Refusal)(nil); errors.As(err, &refused) {
				got = refused.Code
			} else if err != nil {
				got = err.Error()
			}
			if got != row[n+1] {
				t.Errorf("%s: %d comes to %s, want %s", row[0], n, got, row[n+1])
			}
			r.audit()
		}
	}
}

// batches make each kind of a batch of one envelope.
var batches = map[string]func(r *room, id string){
	"nothing in it":       func(*room, string) {},
	"a file has not come": func(r *room, id string) { r.state(id, "awaited") },
	"a piece waits":       func(r *room, id string) { r.state(id, "waiting") },
	"an envelope is missing": func(r *room, id string) {
		r.must(r.Recount(r.t.Context(), id, ann, 2, "miscounted"))
		r.state(id, "registered")
	},
	"an envelope is too many": func(r *room, id string) {
		r.state(id, "registered")
		r.must(r.ByHand(r.t.Context(), id, ann, 2, sentBack))
	},
	"only a file never came":    func(r *room, id string) { r.state(id, "lapsed") },
	"it adds up":                func(r *room, id string) { r.state(id, "registered") },
	"a quarantined file is new": func(r *room, id string) { r.state(id, "quarantined") },
	"closed":                    func(r *room, id string) { r.state(id, "held"); r.must(r.Close(r.t.Context(), id, ann)) },
	"opened again": func(r *room, id string) {
		r.state(id, "by hand")
		r.must(r.Close(r.t.Context(), id, ann))
		r.must(r.Reopen(r.t.Context(), id, sue))
	},
}

// A clerk's word on a batch and its pieces must make sense before anything is looked at.
func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	at := r.scanned(id, "one", 3)
	for name, do := range map[string]func() error{
		"no envelopes": func() error {
			_, err := r.Mailroom.Open(t.Context(), ann, batch.Declaration{Box: "B", Sequence: 1})
			return err
		},
		"501 envelopes": func() error {
			_, err := r.Recount(t.Context(), id, ann, batch.MostEnvelopes+1, "miscounted")
			return err
		},
		"envelope 0":    func() error { _, err := r.InEnvelope(t.Context(), at, ann, 0); return err },
		"envelope 1001": func() error { _, err := r.ByHand(t.Context(), id, ann, 2*batch.MostEnvelopes+1, sentBack); return err },
		"by hand: a form": func() error {
			_, err := r.ByHand(t.Context(), id, ann, 1, batch.Outcome{Status: batch.Registered})
			return err
		},
		"no reason": func() error {
			_, err := r.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.SentBack})
			return err
		},
		"quarantined by a clerk": func() error {
			_, err := r.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.Quarantined, Why: "x"})
			return err
		},
		"page 4 of 3": func() error {
			_, err := r.HasOutcome(t.Context(), at, ann, batch.Outcome{Part: batch.Part{Last: 4}, Status: batch.SentBack, Why: batch.NDOP})
			return err
		},
		"a form that ends on page 4 of 3": func() error {
			_, err := r.Key(t.Context(), at, ann, batch.Reading{Part: batch.Part{Last: 4}, Answers: optouttest.Dissent()})
			return err
		},
		"a form of envelope 1001": func() error {
			_, err := r.Key(t.Context(), at, ann, batch.Reading{Part: batch.Part{Envelope: 2*batch.MostEnvelopes + 1}, Answers: optouttest.Dissent()})
			return err
		},
		"a form without a surname": func() error {
			a := optouttest.Dissent()
			a.Subject.Surname = ""
			_, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: a})
			return err
		},
		"a good number as a bad one": func() error {
			_, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent(), Number: "900 000 0009"})
			return err
		},
		"no files": func() error { _, _, err := r.Expect(t.Context(), id, ann, nil, batch.Later); return err },
		"41 files": func() error {
			_, _, err := r.Expect(t.Context(), id, ann, make([]string, batch.MostAtOnce+1), batch.Later)
			return err
		},
	} {
		before := r.piece(at)
		if err := do(); !errors.As(err, new(optout.Faulty)) {
			t.Errorf("%s: %v", name, err)
		}
		if r.piece(at).Version != before.Version || len(r.paper) > 0 {
			t.Errorf("%s: something was written", name)
		}
	}
	r.audit()
}
