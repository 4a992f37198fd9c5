package batch_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// Whatever befalls what is written, once or three times in a row, a verb comes to what it comes to otherwise: it finds its own
// deed, does it once, and says so.
func TestAVerbFindsItsOwnDeed(t *testing.T) {
	t.Parallel()
	type does func(r *room, id string, at batch.At) (batch.Piece, error)
	said := func(verb string, by optout.Actor) does {
		return func(r *room, _ string, at batch.At) (batch.Piece, error) { return verbs[verb](r, at, by) }
	}
	onBatch := func(do func(r *room, id string) error) does {
		return func(r *room, id string, at batch.At) (batch.Piece, error) {
			err := do(r, id)
			return batch.Piece{}, err
		}
	}
	for name, c := range map[string]struct {
		state  string
		do     does
		events int // on the piece or, of what is done to a batch, on the batch
	}{
		"take":             {"waiting", said("take", ann), 0},
		"put back":         {"taken", said("put back", ann), 0},
		"key":              {"waiting", said("key", ann), 1},
		"hold":             {"waiting", said("hold", ann), 1},
		"key once more":    {"second", said("key", bob), 1},
		"key otherwise":    {"second", said("hold", bob), 1},
		"decide":           {"disputed", said("key", sue), 1},
		"send back":        {"waiting", said("sent back", ann), 1},
		"alarm":            {"waiting", said("alarm", ann), 1},
		"undo":             {"sent back", said("undo", bob), 1},
		"settle":           {"quarantined", said("settle", sue), 1},
		"envelope":         {"waiting", said("envelope", bob), 1},
		"read again":       {"sampled", said("read again", bob), 1},
		"read otherwise":   {"sampled", said("read otherwise", bob), 1},
		"judge":            {"read otherwise", said("judge", sue), 1},
		"decide alone":     {"read by sue", said("alone", sue), 1},
		"posted":           {"sent back", said("posted", ann), 1},
		"arrived":          {"awaited", said("arrived", ann), 1},
		"arrived too late": {"lapsed", said("arrived", ann), 1},
		"lapsed":           {"awaited", said("lapsed", ann), 1},
		"stuck":            {"checking", said("stuck", ann), 1},
		"quarantine":       {"checking", said("quarantine", ann), 1},
		"read":             {"checking", said("read", ann), 1},
		"key the first time": {"waiting", func(r *room, id string, at batch.At) (batch.Piece, error) {
			return r.Key(r.t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent()})
		}, 1},
		"close": {"registered", onBatch(func(r *room, id string) error { _, err := r.Close(r.t.Context(), id, ann); return err }), 1},
		"recount": {"waiting", onBatch(func(r *room, id string) error {
			_, err := r.Recount(r.t.Context(), id, ann, 5, "miscounted")
			return err
		}), 1},
		"by hand": {"waiting", func(r *room, id string, _ batch.At) (batch.Piece, error) {
			return r.ByHand(r.t.Context(), id, ann, 1, sentBack)
		}, 0},
		"open": {"waiting", onBatch(func(r *room, _ string) error {
			b, err := r.Mailroom.Open(r.t.Context(), ann, batch.Declaration{Envelopes: 1, Box: "B", Sequence: 1})
			if stored, readErr := r.Memory.Batch(r.t.Context(), b.ID); err == nil && (readErr != nil || stored.Version != b.Version || len(stored.History) != 1) {
				r.t.Errorf("opened %+v, stored %+v, %v", b, stored, readErr)
			}
			return err
		}), 0},
		"expect": {"waiting", onBatch(func(r *room, id string) error {
			pieces, slots, err := r.Expect(r.t.Context(), id, ann, []string{"a", "b", "c"}, batch.OneEach)
			for n, p := range pieces {
				if stored := r.piece(p.At); stored.Version != p.Version || stored.Envelope != n+2 || len(stored.History) != 1 {
					r.t.Errorf("expected %+v, stored %+v", p, stored)
				}
				if u, readErr := r.Upload(r.t.Context(), slots[n].ID); readErr != nil || u.Version != slots[n].Version {
					r.t.Errorf("slot %+v, stored %+v, %v", slots[n], u, readErr)
				}
			}
			return err
		}), 0},
	} {
		writes := 0 // of the batch, when nothing befalls them
		for _, fate := range []optouttest.Fate{optouttest.Fine, optouttest.Lost, optouttest.Conflict, optouttest.Throttle} {
			for _, times := range []int{1, 3} {
				for _, method := range []string{"SaveBatch", "SavePiece", "Register"} {
					synctest.Test(t, func(t *testing.T) {
						r := newRoom(t)
						id := r.open(1)
						at := r.state(id, c.state)
						if name == "key the first time" {
							id = r.open(1)
							r.Twice = 100
							at = r.scanned(id, "other", 1)
						}
						before, was := r.piece(at), r.stored(id)
						left := times
						r.Memory.Fate = func(m string) optouttest.Fate {
							if left == 0 || m != method {
								return optouttest.Fine
							}
							left--
							return fate
						}
						p, err := c.do(r, id, at)
						r.Memory.Fate = nil
						as := fmt.Sprintf("%s, %s befallen by %d %d times", name, method, fate, times)
						after, is := r.piece(at), r.stored(id)
						if fate == optouttest.Fine {
							writes = is.Version - was.Version
						}
						switch {
						case is.Version-was.Version != writes:
							t.Errorf("%s: the batch was written %d times, not %d", as, is.Version-was.Version, writes)
						case err != nil:
							t.Errorf("%s: %v", as, err)
						case p.ID != "" && (p.Version != r.piece(p.At).Version || p.Status != r.piece(p.At).Status):
							t.Errorf("%s: version %d is said, %d is so", as, p.Version, r.piece(p.At).Version)
						case p.ID == "" && len(is.History)-len(was.History) != c.events, p.At == at && len(after.History)-len(before.History) != c.events:
							t.Errorf("%s: %+v\n%+v", as, is.History, after.History)
						}
						r.audit()
					})
				}
			}
		}
	}
}

func (r *room) stored(id string) batch.Batch {
	r.t.Helper()
	b, err := r.Memory.Batch(r.t.Context(), id)
	r.must(b, err)
	return b
}

// Between a form and the books anything may come: the lease ends, and others want the piece. The form stays on the books.
func TestWhateverComesBetweenAFormAndTheBooks(t *testing.T) {
	t.Parallel()
	other := optouttest.Dissent()
	other.Choice = "core"
	for name, c := range map[string]struct {
		between func(r *room, at batch.At) error
		is      error // what the other one is told
		then    error // what Ann is told
		status  batch.Status
		why     string
	}{
		"nothing": {func(*room, batch.At) error { return nil }, nil, nil, batch.Registered, ""},
		"somebody sends it back": {
			func(r *room, at batch.At) error { _, err := verbs["sent back"](r, at, bob); return err }, batch.Marked, nil, batch.Registered, "",
		},
		"a supervisor says that it is blank": {
			func(r *room, at batch.At) error { _, err := verbs["sent back"](r, at, sue); return err }, batch.Marked, nil, batch.Registered, "",
		},
		"somebody takes it": {
			func(r *room, at batch.At) error { _, err := r.Take(r.t.Context(), at, bob); return err }, nil, batch.Taken, batch.Waiting, "",
		},
		"somebody is alarmed": {
			func(r *room, at batch.At) error { _, err := r.Alarm(r.t.Context(), at, bob); return err }, nil, batch.Supervisor, batch.Disputed, batch.Safeguarding,
		},
		"somebody keys it likewise": {
			func(r *room, at batch.At) error { _, err := verbs["key"](r, at, bob); return err }, nil, batch.Decided, batch.Registered, "",
		},
		"somebody keys it otherwise": {
			func(r *room, at batch.At) error {
				_, err := r.Key(r.t.Context(), at, bob, batch.Reading{Answers: other})
				return err
			}, nil, batch.Decided, batch.Registered, "keyed-before",
		},
		"somebody holds it": { // which is too late: it is registered
			func(r *room, at batch.At) error { _, err := verbs["hold"](r, at, bob); return err }, nil, batch.Decided, batch.Registered, "",
		},
	} {
		r := newRoom(t)
		at := r.scanned(r.open(1), "one", 2)
		r.must(r.Take(t.Context(), at, ann))
		var told error
		r.registered = func() {
			r.registered = nil
			r.Move(batch.LeaseLasts)
			told = c.between(r, at)
		}
		_, err := r.Key(t.Context(), at, ann, batch.Reading{Answers: optouttest.Dissent()})
		if p := r.piece(at); !errors.Is(told, c.is) || !errors.Is(err, c.then) || p.Status != c.status || p.Why != c.why || p.Form.IsZero() {
			t.Errorf("%s: told %v, Ann %v, and it is %s %q", name, told, err, p.Status, p.Why)
		}
		r.audit()
		r.Move(batch.LeaseLasts)
		if _, err := verbs["key"](r, at, sue); err != nil && !errors.Is(err, batch.Decided) {
			t.Errorf("%s: in the end: %v", name, err)
		}
		if p := r.piece(at); p.Status != batch.Registered || len(r.paper) == 0 {
			t.Errorf("%s: in the end it is %s", name, p.Status)
		}
		r.audit()
	}
}

// A form that was held is held, also if whoever keys it after a failure would register it, and the other way round.
func TestAFormThatIsThereIsWhatItIs(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]struct {
		status batch.Status
		why    string
	}{"hold": {batch.Held, optout.HeldForSignature}, "key": {batch.Registered, ""}} {
		for _, second := range []string{"hold", "key"} {
			r := newRoom(t)
			at := r.scanned(r.open(1), "one", 1)
			r.broken("SaveBatch", func() { _, _ = verbs[first](r, at, ann) })
			r.Move(batch.LeaseLasts)
			if p, err := verbs[second](r, at, bob); err != nil || p.Status != want.status || p.Why != want.why {
				t.Errorf("%s, then %s: %s %q, %v", first, second, p.Status, p.Why, err)
			}
			r.audit()
		}
	}
}

// A held form is the desk's to clear up; once it is released it goes on, and the piece stays what it came to.
func TestAHeldFormIsReleasedLater(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	at := r.state(id, "held")
	r.must(r.Close(t.Context(), id, ann))
	form := r.piece(at).Form
	custody := optout.Custody{Store: r.Memory, Keys: optouttest.Keys{}, Now: r.Clock.Now}
	a := optouttest.Dissent()
	if _, err := custody.Release(t.Context(), form, sue, optout.Said{}, a, optouttest.Accepted(a)); err != nil {
		t.Fatal(err)
	}
	if f, err := r.Memory.Form(t.Context(), form); err != nil || f.State().Status != optout.StatusRegistered {
		t.Errorf("the form is %s, %v", f.State().Status, err)
	}
	if l := r.ledger(id); l.Of[batch.Held] != 1 || l.Closes() != nil {
		t.Errorf("%+v", l)
	}
	r.audit()
}

// Nobody could read the first file of these bytes, so the next one is no rescan of it; of all further ones one becomes the form.
func TestWhatNobodyCouldReadIsReadWhenItComesAgain(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	pieces, slots, err := r.Expect(t.Context(), id, ann, []string{"a.pdf"}, batch.OneEach)
	r.must(nil, err)
	r.must(r.FirstFile(t.Context(), []byte("same"), batch.File{Batch: id, Upload: slots[0].ID}))
	r.must(nil, r.Quarantine(t.Context(), pieces[0].At, batch.NotRead, []byte("same")))
	second, third := r.scanned(id, "same", 1), r.scanned(id, "same", 1)
	for _, at := range []batch.At{second, third} {
		if p := r.piece(at); p.Status != batch.Waiting {
			t.Errorf("it is %s", p.Status)
		}
	}
	r.must(verbs["key"](r, third, ann))
	if p, err := verbs["key"](r, second, bob); err != nil || p.Status != batch.Rescan || p.Why != batch.SameInBatch || !p.Form.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	if p := r.piece(third); p.Status != batch.Registered || len(r.paper) != 1 {
		t.Errorf("it is %s, of %d forms", p.Status, len(r.paper))
	}
	r.audit()
}

// A file that comes after its batch was closed opens it again: there is something to account for.
func TestALateFileOpensItsBatchAgain(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	late := r.state(id, "lapsed")
	r.state(id, "by hand")
	r.must(r.Close(t.Context(), id, ann))
	r.Move(time.Hour)
	r.must(nil, r.Read(t.Context(), late, []byte("late"), make([]batch.Page, 1), batch.File{Batch: id, Upload: batch.FileOf(late.ID)}))
	b := r.stored(id)
	if last := b.History[len(b.History)-1]; !b.IsOpen() || last.Kind != "opened-again" || last.Detail != "late-file" {
		t.Errorf("%+v", b)
	}
	r.must(verbs["key"](r, late, ann))
	if _, err := r.Close(t.Context(), id, ann); err != nil {
		t.Error(err)
	}
	r.audit()
}

// A file is cut where its pieces end, one after the other; what is taken back waits as it was cut.
func TestAFileIsCutIntoPieces(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(3)
	at := r.scanned(id, "one", 6)
	next := func() batch.Piece {
		p, err := r.Next(t.Context(), batch.Keying1, ann, id)
		r.must(p, err)
		return p
	}
	for _, part := range []batch.Part{{Last: 2, Same: true}, {Last: 3}, {Last: 4}} {
		r.must(r.HasOutcome(t.Context(), next().At, ann, batch.Outcome{Part: part, Status: batch.OtherPost, Why: "message"}))
		r.audit()
	}
	if p := next(); p.First != 5 || p.Last != 6 || p.Envelope != 3 {
		t.Errorf("the rest is %d to %d of envelope %d", p.First, p.Last, p.Envelope)
	}
	r.must(r.Undo(t.Context(), at, bob))
	if p := r.piece(at); p.First != 1 || p.Last != 2 || p.Status != batch.Waiting {
		t.Errorf("taken back: %+v", p)
	}
	r.must(r.HasOutcome(t.Context(), at, bob, batch.Outcome{Part: batch.Part{Last: 1, Same: true}, Status: batch.OtherPost, Why: "blank"}))
	pieces, err := r.Pieces(t.Context(), id)
	r.must(nil, err)
	var pages [][3]int
	for _, p := range pieces {
		pages = append(pages, [3]int{p.First, p.Last, p.Envelope})
	}
	if want := [][3]int{{1, 1, 1}, {2, 2, 1}, {3, 3, 1}, {4, 4, 2}, {5, 6, 3}}; !slices.Equal(pages, want) {
		t.Errorf("pieces are %v, want %v", pages, want)
	}
	r.audit()
}

// Who wants the next piece of a batch gets what was left over a moment ago, and what cannot be read keeps nobody from the rest.
func TestNextPassesOverWhatIsNotToBeHad(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.scanned(r.open(1), "of another batch", 1)
	r.Move(time.Second)
	id := r.open(3)
	first, second := r.scanned(id, "one", 1), r.scanned(id, "two", 1)
	if second.ID < first.ID { // both came at the same time
		first, second = second, first
	}
	m := r.Mailroom
	m.Store = watched{r.Memory, r, first}
	for range 2 {
		if p, err := m.Next(t.Context(), batch.Keying1, bob, id); err != nil || p.At != second {
			t.Errorf("next is %v, %v", p.At, err)
		}
	}
	if p, err := m.Next(t.Context(), batch.Keying1, bob, ""); err != nil || p.Batch == id {
		t.Errorf("the oldest of all is %v, %v", p.At, err)
	}
	if _, err := m.Next(t.Context(), batch.Keying1, ann, id); !errors.Is(err, optout.ErrNotFound) {
		t.Errorf("there is more: %v", err)
	}
}

// While the pieces of a batch are read something happens to it: they are counted as they stood at one moment.
func TestABatchIsCountedAsItStoodAtOneMoment(t *testing.T) {
	t.Parallel()
	for name, count := range map[string]func(r *room, id string) error{
		"close": func(r *room, id string) error { _, err := r.Close(r.t.Context(), id, ann); return err },
		"whole": func(r *room, id string) error {
			b, pieces, err := r.Whole(r.t.Context(), id)
			if err == nil && (!batch.Count(b, pieces).AddsUp() || b.Pieces != 2) {
				err = batch.DoesNotAddUp
			}
			return err
		},
	} {
		r := newRoom(t)
		id := r.open(1)
		r.state(id, "registered")
		r.Store = watched{Memory: r.Memory, r: r}
		r.counted = func() {
			r.counted = nil
			r.must(r.ByHand(t.Context(), id, bob, 1, sentBack))
		}
		if err := count(r, id); err != nil || r.counted != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is put in by hand under one key is one thing, which is as it was said first and as it stands now.
func TestWhatIsPutInTwiceUnderOneKeyIsOneThing(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	put := func(envelope int, why string) batch.Piece {
		p, err := r.ByHand(t.Context(), id, ann, envelope, batch.Outcome{Status: batch.OtherPost, Why: why, Key: "k"})
		r.must(p, err)
		return p
	}
	first := put(1, "empty-envelope")
	if p := put(2, "other"); p.At != first.At || p.Envelope != 1 || p.Why != "empty-envelope" || p.Version != 1 {
		t.Errorf("%+v", p)
	}
	if l := r.ledger(id); l.Pieces != 1 || l.Opened != 1 {
		t.Errorf("%+v", l)
	}
	r.audit()
}
