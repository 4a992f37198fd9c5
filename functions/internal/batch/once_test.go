package batch_test

import (
	"errors"
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
	d.Envelopes = 3
	if was, err := r.Mailroom.Open(t.Context(), ann, d); !errors.Is(err, batch.OpenedBefore) || was.ID != one.ID {
		t.Errorf("with more envelopes: %+v, %v", was, err)
	}
	if _, err := r.Recount(t.Context(), one.ID, ann, 3, "miscounted"); err != nil {
		t.Fatal(err)
	}
	d.Envelopes = 2
	if was, err := r.Mailroom.Open(t.Context(), ann, d); err != nil || was.Declared != 3 { // as it stands now
		t.Errorf("counted again meanwhile: %+v, %v", was, err)
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
	for _, others := range [][]string{{"a.pdf", "c.pdf"}, {"a.pdf", "b.pdf", "c.pdf"}, {"a.pdf"}} {
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
