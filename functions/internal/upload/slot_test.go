package upload_test

import (
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func slot() upload.Slot {
	by := optout.Actor{Role: optout.Clinician, Practice: nhs.StoredODSCode("A81001"), ID: "u-17"}
	return upload.New(by, noon.Add(-time.Hour), false, noon)
}

func TestASlotIsUnguessableAndKnowsWhoMadeIt(t *testing.T) {
	t.Parallel()
	a, b := slot(), slot()
	if a.ID == b.ID || !upload.IsID(a.ID) || a.Key() != "extracts/"+a.ID || a.AnswerKey() != "answers/"+a.ID+".csv" {
		t.Errorf("%s and %s, %s, %s", a.ID, b.ID, a.Key(), a.AnswerKey())
	}
	if who := a.Actor(); who.Role != optout.Clinician || who.Practice.String() != "A81001" || who.ID != "u-17" || who.String() != a.By {
		t.Errorf("made by %v", who)
	}
	for _, s := range []string{"", "x", strings.ToLower(a.ID), a.ID[1:], a.ID + "A", strings.Repeat("1", 26), strings.Repeat("/", 26)} {
		if upload.IsID(s) {
			t.Errorf("%q is taken for an id", s)
		}
	}
}

// Whatever is said of a slot, and however late, it is due until it has ended, and what has ended stays as it is.
func TestASlotIsDueUntilItHasEnded(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	s := slot()
	steps := []struct {
		says  string
		do    func(upload.Slot) upload.Slot
		state upload.State
		due   time.Time
	}{
		{"promised", func(s upload.Slot) upload.Slot { return s }, upload.Promised, at(20)},
		{"it has come", func(s upload.Slot) upload.Slot { return s.Arrived(at(1)) }, upload.Uploaded, at(1)},
		{"it has come, again", func(s upload.Slot) upload.Slot { return s.Arrived(at(2)) }, upload.Uploaded, at(1)},
		{"it has not", func(s upload.Slot) upload.Slot { return s.Missed(at(3)) }, upload.Promised, at(23)},
		{"nor later", func(s upload.Slot) upload.Slot { return s.Missed(at(50)) }, upload.Promised, at(60)},
		{"it has come after all", func(s upload.Slot) upload.Slot { return s.Arrived(at(59)) }, upload.Uploaded, at(59)},
		{"a reader has it", func(s upload.Slot) upload.Slot { return s.Claimed(at(59)) }, upload.Uploaded, at(65)},
		{"and puts it off", func(s upload.Slot) upload.Slot { return s.PutOff(at(70), "busy") }, upload.Uploaded, at(70)},
		{"another one has it", func(s upload.Slot) upload.Slot { return s.Claimed(at(70)) }, upload.Uploaded, at(76)},
		{"and reads it", func(s upload.Slot) upload.Slot { return s.End(upload.Read, at(71)) }, upload.Read, at(76)},
		{"late news", func(s upload.Slot) upload.Slot { return s.Arrived(at(72)) }, upload.Read, at(76)},
		{"the file is gone", func(s upload.Slot) upload.Slot { return s.Emptied(at(72)) }, upload.Read, at(120)},
		{"and no other can come", func(s upload.Slot) upload.Slot { return s.Emptied(at(120)) }, upload.Read, time.Time{}},
	}
	for _, step := range steps {
		if s = step.do(s); s.State != step.state || !s.Due.Equal(step.due) {
			t.Errorf("%s: it is %s and due at %v, want %s at %v", step.says, s.State, s.Due, step.state, step.due)
		}
	}
	if s = slot().Missed(at(60)); s.State != upload.Expired || !s.Due.Equal(at(120)) || !s.IsEnded() {
		t.Errorf("what never came is %s and due at %v", s.State, s.Due)
	}
	if s = s.Arrived(at(90)); s.State != upload.Uploaded || !s.Due.Equal(at(90)) || s.IsEnded() {
		t.Errorf("what came late is %s and due at %v", s.State, s.Due)
	}
	if s = s.Missed(at(91)); s.State != upload.Expired || !s.Due.Equal(at(120)) {
		t.Errorf("what did not come late either is %s and due at %v", s.State, s.Due)
	}
}

func TestAnAnswerIsThereForThirtyDays(t *testing.T) {
	t.Parallel()
	s := slot().End(upload.Read, noon)
	for after, want := range map[int]bool{0: true, 29: true, 30: false, 400: false} {
		if s.HasAnswer(noon.AddDate(0, 0, after)) != want {
			t.Errorf("after %d days: %v", after, !want)
		}
	}
	if slot().End(upload.Refused, noon).HasAnswer(noon) {
		t.Error("a list that was refused has an answer")
	}
}

func TestEveryOutcomeSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	for _, o := range upload.Outcomes {
		if upload.Meaning(o) == "" {
			t.Errorf("nothing says what %s means", o)
		}
	}
}
