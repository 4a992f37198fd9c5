package batch_test

import (
	"errors"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

var client = optout.Actor{Role: optout.Desk, ID: "push-1"}

func TestAPlaceThatWasGivenUpIsMadeNew(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.open(1)
	_, slots, err := r.Expect(t.Context(), id, client, []string{"a.pdf"}, batch.OneEach)
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
