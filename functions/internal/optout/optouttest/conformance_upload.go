package optouttest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// slot is one of a practice that nobody else in the table works on.
func slot(at time.Time) upload.Slot {
	by := optout.Actor{Role: optout.AtPractice, Practice: odsCode(practice()), ID: "u-17"}
	return upload.New(by, at.Add(-time.Hour), false, at)
}

func saved(t *testing.T, s Subject, u upload.Slot) upload.Slot {
	t.Helper()
	u, err := s.Uploads.SaveUpload(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func slotReadsBack(t *testing.T, s Subject) {
	same := func(want upload.Slot) {
		t.Helper()
		got, err := s.Uploads.Upload(t.Context(), want.ID)
		if d := cmp.Diff(want, got, values); d != "" || err != nil {
			t.Errorf("the slot differs (-want +got):\n%s %v", d, err)
		}
	}
	u := saved(t, s, slot(Noon))
	same(u)
	u = saved(t, s, u.Arrived(Noon.Add(time.Minute)))
	same(u)
	u = u.Claimed(Noon.Add(2 * time.Minute))
	u.Object = "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
	u = saved(t, s, u.PutOff(Noon.Add(time.Hour), "out-of-time"))
	same(u)
	u.Sure, u.Tries, u.SHA256, u.Used = true, 3, []byte{1, 2, 3}, Noon.Add(time.Hour)
	u.Refusal = upload.Refusal{Code: "none-of-yours", Detail: "Not one."}
	u.Answer = upload.Answer{
		Layout: "plain", Rows: 12, Used: map[string]int{"checked": 10}, Faults: map[string]int{"code-unknown": 2}, Forms: map[string]int{"in-doubt": 1},
		Doubt: []optout.Reference{Keys{}.Reference(Online("x"))}, Faulty: []upload.Faulty{{Line: 2, Code: "code-unknown"}, {Line: 9, Code: "number-again", Other: 3}},
	}
	u = saved(t, s, u.End(upload.Refused, Noon.Add(3*time.Hour)))
	same(u)
	u.Sure, u.Refusal, u.Answer, u.SHA256, u.Used = false, upload.Refusal{}, upload.Answer{}, nil, time.Time{}
	same(saved(t, s, u.Emptied(Noon)))
	for _, id := range []string{slot(Noon).ID, "", "x", u.ID + "A"} {
		if _, err := s.Uploads.Upload(t.Context(), id); !errors.Is(err, optout.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func sixteenSlots(t *testing.T, s Subject) {
	u := slot(Noon)
	for _, step := range []func(){func() {}, func() { u = u.Claimed(Noon) }} {
		step()
		var all sync.WaitGroup
		errs := make([]error, 16)
		for n := range errs {
			all.Go(func() { _, errs[n] = s.Uploads.SaveUpload(t.Context(), u) })
		}
		all.Wait()
		wrote := 0
		for _, err := range errs {
			switch {
			case err == nil:
				wrote++
			case !errors.Is(err, optout.ErrConflict):
				t.Error(err)
			}
		}
		if wrote != 1 {
			t.Errorf("%d of sixteen wrote version %d", wrote, u.Version+1)
		}
		u.Version++
	}
}

func slotsListed(t *testing.T, s Subject) {
	first := slot(Noon)
	var want []string
	for n := range 5 {
		u := slot(Noon.Add(time.Duration(n) * time.Minute))
		u.Practice = first.Practice
		saved(t, s, u)
		saved(t, s, slot(Noon)) // somebody else's
		want = append(want, u.ID)
	}
	slices.Reverse(want)
	for _, n := range []int{1, 3, 100} {
		ids, err := s.Uploads.Uploads(t.Context(), first.Practice, n)
		if err != nil || !slices.Equal(ids, want[:min(n, len(want))]) {
			t.Errorf("the newest %d are %v, %v; want of %v", n, ids, err, want)
		}
		slots, err := upload.Recent(t.Context(), s.Uploads, first.Practice, n)
		if err != nil || len(slots) != len(ids) || slots[0].ID != want[0] {
			t.Errorf("the newest %d, read: %d, %v", n, len(slots), err)
		}
	}
}

func slotsDue(t *testing.T, s Subject) {
	due := func(now time.Time, id string) (n int) {
		for shard := range s.Uploads.UploadShards() {
			for got, err := range s.Uploads.UploadsDue(t.Context(), upload.Extract, shard, now) {
				if err != nil {
					t.Fatal(err)
				}
				if got == id {
					n++
				}
			}
		}
		return n
	}
	u := saved(t, s, slot(Noon))
	at := u.Due
	if due(at.Add(-time.Millisecond), u.ID) != 0 || due(at, u.ID) != 1 || due(at.Add(time.Hour), u.ID) != 1 {
		t.Error("it is not due from its time on")
	}
	for shard := range s.Store.DueShards() {
		for d, err := range s.Store.Due(t.Context(), shard, at.Add(time.Hour)) {
			if err != nil || d.ID == u.ID {
				t.Errorf("it is due among forms and practices: %v, %v", d, err)
			}
		}
	}
	u = saved(t, s, u.PutOff(at.Add(time.Hour), "x"))
	if due(at, u.ID) != 0 || due(at.Add(time.Hour), u.ID) != 1 {
		t.Error("it was not put off")
	}
	u = saved(t, s, u.Emptied(at.Add(upload.Lingers)))
	if due(at.AddDate(10, 0, 0), u.ID) != 0 {
		t.Error("it is due for ever")
	}
}

// The scan of a form that the malware check gives no answer on is due apart from the others, until there is an answer.
func slotsUnanswered(t *testing.T, s Subject) {
	places := func(id string) (all []upload.Purpose) {
		for _, p := range []upload.Purpose{upload.Extract, upload.Scan, upload.Unanswered} {
			for shard := range s.Uploads.UploadShards() {
				for got, err := range s.Uploads.UploadsDue(t.Context(), p, shard, Noon.AddDate(1, 0, 0)) {
					if err != nil {
						t.Fatal(err)
					}
					if got == id {
						all = append(all, p)
					}
				}
			}
		}
		return all
	}
	of := slot(Noon)
	form := saved(t, s, upload.NewAttachment(of.Actor(), Keys{}.Reference(Online(of.ID)), Noon))
	mailroom := saved(t, s, upload.NewScan(optout.Actor{Role: optout.Desk, ID: "u-17"}, "b-"+of.ID, Noon))
	for _, step := range []struct {
		says string
		do   func(upload.Slot) upload.Slot
		due  upload.Purpose
	}{
		{"promised", func(u upload.Slot) upload.Slot { return u }, upload.Scan},
		{"it has come", func(u upload.Slot) upload.Slot { return u.Arrived(Noon) }, upload.Scan},
		{"it was asked for in vain", func(u upload.Slot) upload.Slot { u.Asked = upload.MostAsked; return u.PutOff(Noon.Add(time.Hour), "x") }, upload.Unanswered},
		{"somebody is at it", func(u upload.Slot) upload.Slot { return u.Claimed(Noon) }, upload.Unanswered},
		{"there is an answer", func(u upload.Slot) upload.Slot { u.Malware = "NO_THREATS_FOUND"; return u }, upload.Scan},
	} {
		form, mailroom = saved(t, s, step.do(form)), saved(t, s, step.do(mailroom))
		if got := places(form.ID); !slices.Equal(got, []upload.Purpose{step.due}) {
			t.Errorf("%s: a form's is due among %v", step.says, got)
		}
		if got := places(mailroom.ID); !slices.Equal(got, []upload.Purpose{upload.Scan}) {
			t.Errorf("%s: the mailroom's is due among %v", step.says, got)
		}
		silent, _, err := upload.Silent(t.Context(), s.Uploads, 10_000, Noon)
		if err != nil || slices.ContainsFunc(silent, func(u upload.Slot) bool { return u.ID == form.ID }) != (step.due == upload.Unanswered) {
			t.Errorf("%s: without an answer are %d, %v", step.says, len(silent), err)
		}
	}
}

func turns(t *testing.T, s Subject) {
	code := odsCode(practice())
	at := func(minutes int) time.Time { return Noon.Add(time.Duration(minutes) * time.Minute) }
	for _, step := range []struct {
		does string
		ends bool
		upload.Turn
		now  int
		err  error
		held string
	}{
		{does: "a list has the turn", Turn: upload.Turn{ID: "A", Run: at(-60), Until: at(6)}, now: 0, held: "A"},
		{does: "and takes it again", Turn: upload.Turn{ID: "A", Run: at(-60), Until: at(7)}, now: 1, held: "A"},
		{does: "another one waits", Turn: upload.Turn{ID: "B", Run: at(-50), Until: at(8)}, now: 2, err: upload.ErrBusy, held: "A"},
		{does: "nor can it end the turn", ends: true, Turn: upload.Turn{ID: "B"}},
		{does: "which stays", Turn: upload.Turn{ID: "B", Run: at(-50), Until: at(8)}, now: 2, err: upload.ErrBusy, held: "A"},
		{does: "until it ends", ends: true, Turn: upload.Turn{ID: "A"}},
		{does: "as often as it likes", ends: true, Turn: upload.Turn{ID: "A"}},
		{does: "and then the other one has it", Turn: upload.Turn{ID: "B", Run: at(-50), Until: at(8)}, now: 2, held: "B"},
		{does: "or until its time comes", Turn: upload.Turn{ID: "A", Run: at(-60), Until: at(14)}, now: 8, held: "A"},
		{does: "what is not used hinders no older one", Turn: upload.Turn{ID: "A", Run: at(-60), Until: at(14)}, now: 8, held: "A"},
		{does: "it is used", Turn: upload.Turn{ID: "A", Run: at(-60), Until: at(14), Uses: true}, now: 8, held: "A"},
		{does: "an older one is too old", Turn: upload.Turn{ID: "C", Run: at(-61), Until: at(26)}, now: 20, err: upload.ErrOlder, held: "A"},
		{does: "one of the same time is not", Turn: upload.Turn{ID: "D", Run: at(-60), Until: at(26), Uses: true}, now: 20, held: "D"},
		{does: "a newer one is used", Turn: upload.Turn{ID: "E", Run: at(-10), Until: at(36), Uses: true}, now: 30, held: "E"},
		{does: "and the older one is too old now, in whoever's hands", Turn: upload.Turn{ID: "D", Run: at(-60), Until: at(46)}, now: 40, err: upload.ErrOlder, held: "E"},
	} {
		if step.Practice = code; step.ends {
			if err := s.Uploads.EndTurn(t.Context(), code, step.ID); err != nil {
				t.Errorf("%s: %v", step.does, err)
			}
			continue
		}
		held, err := s.Uploads.TakeTurn(t.Context(), step.Turn, at(step.now))
		if !errors.Is(err, step.err) || held.ID != step.held {
			t.Errorf("%s: %s has it, %v", step.does, held.ID, err)
		}
	}
	if _, err := s.Store.Practice(t.Context(), code); err != nil {
		t.Errorf("the practice cannot be read any more: %v", err)
	}
	var all sync.WaitGroup
	code = odsCode(practice())
	took := make([]bool, 16)
	for n := range took {
		all.Go(func() {
			_, err := s.Uploads.TakeTurn(t.Context(), upload.Turn{Practice: code, ID: string(rune('A' + n)), Run: Noon, Until: at(6)}, Noon)
			if took[n] = err == nil; err != nil && !errors.Is(err, upload.ErrBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := slices.DeleteFunc(took, func(b bool) bool { return !b }); len(n) != 1 {
		t.Errorf("%d of sixteen have the turn", len(n))
	}
}
