package batch_test

import (
	"errors"
<<<<<<< HEAD
	"slices"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

const (
	oneKey   = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d"
	otherKey = "0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5e"
)

var client = optout.Actor{Role: optout.Desk, ID: "push-1"}

func TestAKeyOpensOneBatch(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	d := batch.Declaration{Envelopes: 40, Box: "B-7", Sequence: 3}
	first, repeat, err := r.OpenOnce(t.Context(), client, oneKey, d)
	if err != nil || repeat || first.Declared != 40 {
		t.Fatal(first, repeat, err)
	}
	if id, ok := batch.ParseID(first.ID); !ok || id != first.ID {
		t.Errorf("its id is %q", first.ID)
	}
	r.Move(time.Hour)
	if again, repeat, err := r.OpenOnce(t.Context(), client, oneKey, d); err != nil || !repeat || again.ID != first.ID || again.Version != first.Version {
		t.Errorf("again: %+v, %v, %v", again, repeat, err)
	}
	other := d
	other.Sequence++
	if _, _, err := r.OpenOnce(t.Context(), client, oneKey, other); !errors.Is(err, optout.ErrOtherAnswers) {
		t.Errorf("with another declaration: %v", err)
	}
	for who, key := range map[string]string{"another key": otherKey, "another client": oneKey} {
		by := client
		if who == "another client" {
			by.ID = "push-2"
		}
		if b, repeat, err := r.OpenOnce(t.Context(), by, key, d); err != nil || repeat || b.ID == first.ID {
			t.Errorf("%s: %+v, %v, %v", who, b, repeat, err)
		}
	}
	if _, err := r.Recount(t.Context(), first.ID, sue, 41); err != nil {
		t.Fatal(err)
	}
	if again, repeat, err := r.OpenOnce(t.Context(), client, oneKey, d); err != nil || !repeat || again.Declared != 41 {
		t.Errorf("counted again: %+v, %v, %v", again, repeat, err)
	}
}

func TestAKeyMakesPlacesOnce(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(3)
	names := []string{"a.pdf", "b.pdf", "c.pdf"}
	expect := func(names ...string) ([]string, bool, error) {
		t.Helper()
		_, slots, repeat, err := r.ExpectOnce(t.Context(), id, client, oneKey, names, batch.OneEach)
		var ids []string
		for _, s := range slots {
			ids = append(ids, s.ID)
		}
		return ids, repeat, err
	}
	first, repeat, err := expect(names...)
	if err != nil || repeat || len(first) != 3 || !upload.IsID(first[0]) || first[0] == first[1] {
		t.Fatal(first, repeat, err)
	}
	for _, other := range [][]string{{"a.pdf", "b.pdf"}, {"a.pdf", "b.pdf", "d.pdf"}, {"a.pdf", "b.pdf", "c.pdf", "d.pdf"}} {
		if _, _, err := expect(other...); !errors.Is(err, optout.ErrOtherAnswers) {
			t.Errorf("for %v: %v", other, err)
		}
	}
	for n, s := range first {
		if err := r.Lapsed(t.Context(), batch.FirstOf(id, s)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ByHand(t.Context(), id, ann, n+1, batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Close(t.Context(), id, ann); err != nil {
		t.Fatal(err)
	}
	if again, repeat, err := expect(names...); err != nil || !repeat || !slices.Equal(again, first) {
		t.Errorf("after the batch was closed: %v, %v, %v", again, repeat, err)
	}
	if _, _, _, err := r.ExpectOnce(t.Context(), id, client, otherKey, names, batch.OneEach); !errors.Is(err, batch.Closed) {
		t.Errorf("under a new key: %v", err)
	}
}

// Whatever is lost or comes in between, a key makes its batch and its places once.
func TestALostAnswerOpensAndMakesNothingTwice(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	calls := 0
	r.Fate = func(method string) optouttest.Fate {
		if method != "SaveBatch" {
			return optouttest.Fine
		}
		calls++
		return []optouttest.Fate{optouttest.Fine, optouttest.Lost, optouttest.Conflict, optouttest.Throttle}[calls%4]
	}
	d := batch.Declaration{Envelopes: 2, Box: "B-7", Sequence: 3}
	var b batch.Batch
	for range 3 {
		got, _, err := r.OpenOnce(t.Context(), client, oneKey, d)
		if err != nil || b.ID != "" && got.ID != b.ID {
			t.Fatal(got, err)
		}
		b = got
	}
	for range 3 {
		if _, _, _, err := r.ExpectOnce(t.Context(), b.ID, client, oneKey, []string{"a.pdf", "b.pdf"}, batch.OneEach); err != nil {
			t.Fatal(err)
		}
	}
	r.Fate = nil
	if l := r.ledger(b.ID); l.Pieces != 2 || l.Waiting != 2 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
}

func TestAPlaceThatWasGivenUpIsMadeNew(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	_, slots, _, err := r.ExpectOnce(t.Context(), id, client, oneKey, []string{"a.pdf"}, batch.OneEach)
	if err != nil {
		t.Fatal(err)
	}
	slot, at := slots[0].ID, batch.FirstOf(id, slots[0].ID)
	renew := func(want upload.State, version int) upload.Slot {
		t.Helper()
		s, err := r.Renew(t.Context(), r.Memory, slot, client)
		if err != nil || s.State != want || s.Version != version {
			t.Fatalf("%+v, %v", s, err)
		}
		return s
	}
	renew(upload.Promised, 1)
	r.Move(upload.Waits - time.Minute)
	if s := renew(upload.Promised, 2); !s.Promised.Equal(r.Clock.Now()) || s.Due.Before(r.Clock.Now()) {
		t.Errorf("%+v", s)
	}
	r.Move(upload.Waits)
	s, err := r.Upload(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SaveUpload(t.Context(), s.Missed(r.Clock.Now())); err != nil {
		t.Fatal(err)
	}
	if err := r.Lapsed(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	s = renew(upload.Promised, 4)
	if l := r.ledger(id); l.Pieces != 1 || l.Waiting != 1 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
	if _, err := r.SaveUpload(t.Context(), s.Arrived(r.Clock.Now())); err != nil {
		t.Fatal(err)
	}
	r.Move(3 * upload.Waits)
	renew(upload.Uploaded, 5)
	if err := errors.Join(r.Arrived(t.Context(), at), r.Quarantine(t.Context(), at, batch.Infected, nil)); err != nil {
		t.Fatal(err)
	}
	_, others, err := r.Expect(t.Context(), id, ann, []string{"b.pdf"}, batch.Later)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Lapsed(t.Context(), batch.FirstOf(id, others[0].ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Close(t.Context(), id, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Renew(t.Context(), r.Memory, others[0].ID, client); !errors.Is(err, batch.Closed) {
		t.Errorf("of a closed batch: %v", err)
	}
}
=======
	"testing"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
)

func TestWhatIsSaidTwiceUnderAKeyIsDoneOnce(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	d := batch.Declaration{Envelopes: 2, Box: "B-7", Sequence: 3, Key: "page-1"}
	one, err := r.Mailroom.Open(t.Context(), ann, d)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Mailroom.Open(t.Context(), ann, d); err != nil || again.ID != one.ID || again.Version != 1 {
		t.Errorf("sent twice: %+v, %v", again, err)
	}
	if other, err := r.Mailroom.Open(t.Context(), bob, d); err != nil || other.ID == one.ID {
		t.Errorf("somebody else's page: %+v, %v", other, err)
	}
	d.Sequence = 4
	if was, err := r.Mailroom.Open(t.Context(), ann, d); !errors.Is(err, batch.OpenedBefore) || was.ID != one.ID {
		t.Errorf("filled in otherwise: %+v, %v", was, err)
	}

	names := []string{"a.pdf", "b.pdf"}
	pieces, slots, err := r.ExpectOnce(t.Context(), one.ID, ann, "page-2", names, batch.OneEach)
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := r.ExpectOnce(t.Context(), one.ID, ann, "page-2", names, batch.OneEach)
	if err != nil || len(again) != 2 || again[1].At != pieces[1].At || same[1].ID != slots[1].ID || again[1].Version != 1 {
		t.Errorf("places asked for twice: %v, %v", again, err)
	}
	for _, others := range [][]string{{"a.pdf", "c.pdf"}, {"a.pdf", "b.pdf", "c.pdf"}} {
		if _, _, err := r.ExpectOnce(t.Context(), one.ID, ann, "page-2", others, batch.OneEach); !errors.Is(err, optout.KeyUsed) {
			t.Errorf("other places under the key: %v", err)
		}
	}
	if _, others, err := r.ExpectOnce(t.Context(), one.ID, bob, "page-2", names, batch.OneEach); err != nil || others[0].ID == slots[0].ID {
		t.Errorf("somebody else's places: %v, %v", others, err)
	}

	empty := batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope", Key: "page-3"}
	for range 2 {
		if _, err := r.ByHand(t.Context(), one.ID, ann, 1, empty); err != nil {
			t.Fatal(err)
		}
	}
	if l := r.ledger(one.ID); l.Pieces != 5 || l.Of[batch.OtherPost] != 1 || !l.AddsUp() {
		t.Errorf("%+v", l)
	}
}
>>>>>>> wt-door
