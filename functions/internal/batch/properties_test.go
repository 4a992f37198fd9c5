package batch_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// steps is how many random steps the properties are held against; PROPERTY_STEPS asks for another number.
func steps(t *testing.T) int {
	n := 50_000
	if s := os.Getenv("PROPERTY_STEPS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// Clerks, supervisors and machines do anything to anything in any order, two of them keep their hands on the same pieces,
// clocks jump, transactions collide, answers are lost, and some calls fail for no reason at all: after every step the books
// add up, counted from outside. In the end every batch is brought to its close.
func TestWhateverHappensTheBooksAddUp(t *testing.T) {
	t.Parallel()
	const aLife = 80 // steps of one mailroom
	lives := steps(t) / aLife
	came := map[string]int{}
	for seed := range uint64(lives) {
		synctest.Test(t, func(t *testing.T) { // whose sleeps take no time: whatever meets a conflict waits a little
			m := mess{room: newRoom(t), random: rand.New(rand.NewPCG(seed, 7)), came: came, files: map[string]file{}, history: map[batch.At]int{}}
			m.Twice, m.Sample = pick(m.random, 0, 30, 100), pick(m.random, 0, 0, 50, 100)
			m.Memory.Fate = m.fate
			for step := range aLife {
				m.step()
				if faults := m.check(); len(faults) > 0 {
					t.Fatalf("seed %d, step %d, after %s: %q", seed, step, m.did, faults)
				}
			}
			m.finish()
			if faults := m.check(); len(faults) > 0 {
				t.Fatalf("seed %d, in the end: %q", seed, faults)
			}
		})
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{
		"awaited", "checking", "waiting", "second", "disputed", "registered", "held", "sent-back", "other-post", "rescan", "quarantined", "lapsed",
		"keyed-before", "same-bytes", "same-in-batch", "safeguarding", "marked", "drawn", "alike", "unlike", "judged", "alone", "posted", "closed", "opened again", "conflict", "throttled", "lost", "broken",
	} {
		if came[want] < lives/200 {
			t.Errorf("%s came about only %d times", want, came[want])
		}
	}
	t.Logf("%d steps; what came about: %v", lives*aLife, came)
}

// mess is a mailroom in which anything happens.
type mess struct {
	*room
	random  *rand.Rand
	batches []string
	files   map[string]file // by slot
	pieces  []batch.At
	history map[batch.At]int
	last    batch.At
	did     string
	came    map[string]int
}

type file struct {
	at    batch.At
	bytes string
	pages int
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// fate befalls one call in fifteen. Only what is written can collide.
func (m *mess) fate(method string) optouttest.Fate {
	switch n := m.random.IntN(90); {
	case n < 2 && slices.Contains([]string{"SaveBatch", "SavePiece", "Register"}, method):
		m.came["conflict"]++
		return optouttest.Conflict
	case n < 3:
		m.came["throttled"]++
		return optouttest.Throttle
	case n < 5:
		m.came["lost"]++
		return optouttest.Lost
	case n < 6:
		m.came["broken"]++
		return optouttest.Broken
	}
	return optouttest.Fine
}

// step does one thing.
func (m *mess) step() {
	r, ctx := m.random, m.t.Context()
	switch r.IntN(10) {
	case 0:
		m.Move(time.Duration(r.IntN(40)) * time.Minute)
	case 1:
		m.Move(time.Duration(r.IntN(5000)-2500) * time.Millisecond)
	}
	by := pick(r, ann, ann, bob, bob, sue)
	if len(m.batches) == 0 || len(m.batches) < 2 && r.IntN(20) == 0 {
		m.did = "open"
		b, err := m.Mailroom.Open(ctx, by, batch.Declaration{Envelopes: 1 + r.IntN(4), Box: "B-7", Sequence: 1})
		if m.said(err); err == nil {
			m.batches = append(m.batches, b.ID)
		}
		return
	}
	id := pick(r, m.batches...)
	if len(m.pieces) == 0 || r.IntN(14) == 0 {
		m.expect(id, by)
		return
	}
	at := pick(r, m.pieces...)
	if m.last != (batch.At{}) && r.IntN(2) == 0 {
		at = m.last
	}
	m.last = at
	switch verb := pick(r, "machine", "machine", "machine", "machine", "desk", "desk", "desk", "desk", "desk", "desk", "batch", "next"); verb {
	case "machine":
		m.machine(m.files[pick(r, m.slots()...)])
	case "desk":
		m.desk(at, by)
	case "batch":
		m.batch(id, by)
	case "next":
		m.did = "next"
		_, err := m.Next(ctx, pick(r, batch.Stages...), by, pick(r, "", id))
		m.said(err)
	}
}

func (m *mess) slots() (all []string) {
	for _, at := range m.pieces {
		if u := batch.FileOf(at.ID); u != "" && !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	return all
}

func (m *mess) expect(id string, by optout.Actor) {
	names := make([]string, 1+m.random.IntN(3))
	e := pick(m.random, batch.OneEach, batch.OneAll, batch.Later)
	m.did = fmt.Sprintf("expect %d %s", len(names), e)
	_, _, err := m.Expect(m.t.Context(), id, by, names, e)
	m.said(err)
}

// machine says something of a file, which is what it was when it was read for the first time.
func (m *mess) machine(f file) {
	r, ctx := m.random, m.t.Context()
	if f.bytes == "" {
		return
	}
	at := f.at
	verb := pick(r, "arrived", "arrived", "read", "read", "read", "read", "lapsed", "stuck", "unstuck", "quarantine", "renew")
	if m.did = verb; verb == "lapsed" && r.IntN(3) > 0 {
		verb = "read"
	}
	switch verb {
	case "arrived":
		m.said(m.Arrived(ctx, at))
	case "lapsed":
		m.said(m.Lapsed(ctx, at))
	case "renew":
		_, err := m.Renew(ctx, m.Memory, batch.FileOf(at.ID), ann)
		m.said(err)
	case "stuck":
		m.said(m.Stuck(ctx, at, batch.Unchecked))
	case "unstuck":
		m.said(m.Stuck(ctx, at, ""))
	case "quarantine":
		m.said(m.Quarantine(ctx, at, pick(r, batch.Infected, batch.NotRead), []byte(f.bytes)))
	case "read":
		m.read(f)
	}
}

func (m *mess) read(f file) {
	sum := sha256.Sum256([]byte(f.bytes))
	first, err := m.FirstFile(m.t.Context(), sum[:], batch.File{Batch: f.at.Batch, Upload: batch.FileOf(f.at.ID)})
	if err == nil {
		err = m.Read(m.t.Context(), f.at, sum[:], make([]batch.Page, f.pages), first)
	}
	m.said(err)
}

// desk is what people do to a piece.
func (m *mess) desk(at batch.At, by optout.Actor) {
	r, ctx := m.random, m.t.Context()
	p := m.piece(at)
	part := batch.Part{Envelope: pick(r, 0, 0, 0, 1, 2, 3), Same: r.IntN(2) == 0}
	if p.Last > p.First && r.IntN(2) == 0 {
		part.Last = p.First + r.IntN(p.Last-p.First+1)
	}
	verb := pick(r, "take", "put back", "key", "key", "key", "key", "key", "key", "hold", "outcome", "outcome", "alarm", "undo", "settle", "envelope", "alone", "posted")
	switch p.Sample.Step { // these are read and judged more often than it would happen by chance
	case batch.Drawn:
		verb = pick(r, verb, verb, verb, "read again", "read otherwise", "read as alarm")
	case batch.Unlike:
		verb, by = pick(r, verb, "judge", "judge", "alone"), pick(r, by, sue)
	}
	m.did = fmt.Sprintf("%s of %s by %s", verb, p.Status, by)
	var err error
	switch verb {
	case "key", "hold":
		a := optouttest.Dissent()
		a.Choice = pick(r, "dissent", "dissent", "core")
		reading := batch.Reading{Part: part, Answers: a, Letter: r.IntN(9) == 0}
		if verb == "hold" {
			reading.Hold = pick(r, batch.HoldFor...)
		}
		_, err = m.Key(ctx, at, by, reading)
	case "outcome":
		_, err = m.HasOutcome(ctx, at, by, pick(r,
			batch.Outcome{Part: part, Status: batch.SentBack, Why: batch.Type1}, batch.Outcome{Part: part, Status: batch.OtherPost, Why: "blank"},
			batch.Outcome{Part: part, Status: batch.Rescan}))
	case "envelope":
		_, err = m.InEnvelope(ctx, at, by, 1+r.IntN(4))
	default:
		_, err = verbs[verb](m.room, at, by)
	}
	m.said(err)
}

// batch is what people do to a batch. Counting it again comes to what is there half of the time: otherwise none would close.
func (m *mess) batch(id string, by optout.Actor) {
	r, ctx := m.random, m.t.Context()
	verb := pick(r, "close", "close", "reopen", "recount", "by hand", "whole", "tidy")
	m.did = verb
	var err error
	switch verb {
	case "close":
		if l := m.now(id); r.IntN(2) == 0 && l.Opened > 0 {
			_, err = m.Recount(ctx, id, by, l.Opened, "miscounted")
			m.said(err)
			m.renumber(id)
		}
		var b batch.Batch
		if b, err = m.Mailroom.Close(ctx, id, by); err == nil && !b.IsOpen() {
			m.came["closed"]++
		}
	case "reopen":
		if _, err = m.Reopen(ctx, id, by); err == nil {
			m.came["opened again"]++
		}
	case "recount":
		_, err = m.Recount(ctx, id, by, 1+r.IntN(4), pick(r, batch.RecountedFor...))
	case "by hand":
		_, err = m.ByHand(ctx, id, by, 1+r.IntN(4), batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"})
	case "tidy":
		m.tidy(id)
	case "whole":
		var b batch.Batch
		var pieces []batch.Piece
		if b, pieces, err = m.Whole(ctx, id); err == nil && !batch.Count(b, pieces).AddsUp() {
			m.t.Errorf("what stood at one moment does not add up: %+v", batch.Count(b, pieces))
		}
	}
	m.said(err)
}

// now is a batch's ledger, whatever befalls others.
func (m *mess) now(id string) batch.Ledger {
	defer m.calm()()
	return m.ledger(id)
}

// calm lets nothing befall anybody until what it gives is called.
func (m *mess) calm() (again func()) {
	fate := m.Memory.Fate
	m.Memory.Fate = nil
	return func() { m.Memory.Fate = fate }
}

func (m *mess) piece(at batch.At) batch.Piece {
	defer m.calm()()
	return m.room.piece(at)
}

// said takes a refusal for an answer, and what was injected, and nothing else.
func (m *mess) said(err error) {
	m.t.Helper()
	if err == nil || errors.As(err, new(*optout.Refusal)) || errors.As(err, new(optout.Faulty)) || errors.Is(err, optout.ErrUnavailable) ||
		errors.Is(err, optout.ErrNotFound) && m.did == "next" || strings.HasSuffix(err.Error(), "nobody foresaw this") {
		return
	}
	m.t.Fatalf("%s: %v", m.did, err)
}

// check recounts, and looks for what is new and what is lost.
func (m *mess) check() []string {
	defer m.calm()()
	samples := 0
	for _, id := range m.batches {
		pieces, err := m.Pieces(m.t.Context(), id)
		m.must(pieces, err)
		for _, p := range pieces {
			before, known := m.history[p.At]
			if !known {
				m.pieces = append(m.pieces, p.At)
				m.noticed(p)
			}
			if len(p.History) < before {
				return []string{fmt.Sprintf("history of %v was lost", p.At)}
			}
			if len(p.History) > before {
				m.came[string(p.Status)]++
				m.came[p.Why]++
				m.came[string(p.Sample.Step)]++
				m.came[p.History[len(p.History)-1].Kind]++
			}
			for _, e := range p.History {
				if e.Kind == "judged" || e.Kind == "read-again" && e.Detail == "" {
					samples++
				}
			}
			if m.history[p.At] = len(p.History); !p.Status.IsOutcome() && !p.Form.IsZero() {
				m.came["marked"]++
			}
		}
	}
	if counted := m.tallied(batch.OfSample, ""); counted.Read[batch.Whole] != samples || counted.Wrong[batch.Whole] > samples {
		return []string{fmt.Sprintf("%d samples are judged, counted are %v, %v wrong", samples, counted.Read, counted.Wrong)}
	}
	return m.faults()
}

// tallied is all that was counted in one way of one person.
func (r *room) tallied(how, by string) (sum batch.Tally) {
	r.t.Helper()
	all, err := r.Tallies(r.t.Context(), nhs.StoredDate("2000-01-01"), nhs.StoredDate("2100-01-01"))
	r.must(nil, err)
	sum = batch.Tally{Read: map[string]int{}, Wrong: map[string]int{}}
	for _, t := range all {
		if t.How == how && t.By == by {
			for f, n := range t.Read {
				sum.Read[f] += n
			}
			for f, n := range t.Wrong {
				sum.Wrong[f] += n
			}
		}
	}
	return sum
}

// renumber gives the envelopes of a batch the numbers from 1 on, as a clerk does who has found out what is wrong with them.
func (m *mess) renumber(id string) {
	pieces, err := m.Pieces(m.t.Context(), id)
	m.said(err)
	is := map[int]int{}
	for _, p := range pieces {
		if p.Envelope > 0 && p.Status != batch.Awaited && p.Status != batch.Lapsed && p.Status != batch.Rescan {
			is[p.Envelope] = 0
		}
	}
	for n, number := range slices.Sorted(maps.Keys(is)) {
		is[number] = n + 1
	}
	for _, p := range pieces {
		if to := is[p.Envelope]; to > 0 && to != p.Envelope {
			_, err := m.InEnvelope(m.t.Context(), p.At, ann, to)
			m.said(err)
		}
	}
}

// noticed says what is in the file of a new piece: often what was in another one.
func (m *mess) noticed(p batch.Piece) {
	if p.Upload == "" || m.files[p.Upload].bytes != "" {
		return
	}
	f := file{p.At, fmt.Sprint(m.random.IntN(12)), 0}
	f.pages = 1 + len(f.bytes)*7%5
	m.files[p.Upload], m.pages[p.Upload] = f, f.pages
}

// finish brings all batches to their close, as people would on the next day.
func (m *mess) finish() {
	m.Memory.Fate = nil
	m.Move(24 * time.Hour)
	for _, id := range m.batches {
		m.did = "the end"
		m.tidy(id)
		switch l := m.now(id); {
		case l.Waiting > 0:
			m.t.Errorf("%d pieces cannot be brought to an end", l.Waiting)
		case l.Opened > 0:
			m.must(m.Recount(m.t.Context(), id, ann, l.Opened, "miscounted"))
			m.renumber(id)
			m.must(m.Mailroom.Close(m.t.Context(), id, ann))
			m.came["closed in the end"]++
		}
	}
}

// tidy gives all of a batch an outcome.
func (m *mess) tidy(id string) {
	for try := range 4 { // what is read, keyed, keyed again, decided
		pieces, err := m.Pieces(m.t.Context(), id)
		m.said(err)
		for n, p := range pieces {
			switch f := m.files[p.Upload]; p.Status {
			case batch.Awaited:
				m.said(m.Lapsed(m.t.Context(), p.At))
			case batch.Checking:
				m.read(f)
			case batch.Waiting, batch.Second, batch.Disputed:
				_, err := m.Key(m.t.Context(), p.At, optout.Actor{Role: optout.Supervisor, ID: fmt.Sprint("u-", n, try)}, batch.Reading{Answers: optouttest.Dissent()})
				m.said(err)
			}
		}
	}
}
