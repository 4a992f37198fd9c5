package optout_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// Whoever has a reference and does not know the birth date learns no more than from one that does not exist.
func TestStepsAreForWhoKnowsTheBirthDate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	birth := h.form(ref).Facts.BirthDate
	unknown, err := optout.ParseReference(optouttest.Keys{}.Reference(optouttest.Online("never-sent")).String())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ref   optout.Reference
		birth nhs.Date
		found bool
	}{
		"theirs":           {ref, birth, true},
		"another day":      {ref, nhs.StoredDate("1957-04-01"), false},
		"no day":           {ref, nhs.Date{}, false},
		"nobody's":         {unknown, birth, false},
		"nobody's, no day": {unknown, nhs.Date{}, false},
	} {
		reads := 0
		store := odd{Memory: h.Memory, form: func(optout.Reference) { reads++ }}
		steps, err := optout.StepsOf(t.Context(), store, c.ref, c.birth)
		switch {
		case reads != 1:
			t.Errorf("%s: %d forms were read", name, reads)
		case c.found && (err != nil || len(steps) != 1 || steps[0].Step != optout.StepReceived || !steps[0].At.Equal(h.form(ref).State().Received)):
			t.Errorf("%s: %v, %v", name, steps, err)
		case !c.found && (!errors.Is(err, optout.ErrNotFound) || steps != nil || err.Error() != "status: "+optout.ErrNotFound.Error()):
			t.Errorf("%s: %v, %v", name, steps, err)
		}
	}
}

func TestWhatIsPromisedFallsOnWorkingDays(t *testing.T) {
	t.Parallel()
	for received, want := range map[string]optout.Promise{
		"2026-10-07T09:30:00Z": { // a Wednesday; the month ends on a Saturday, in winter time
			Told: timeOf("2026-10-08T09:30:00Z"), Found: timeOf("2026-10-09T09:30:00Z"), Reminded: timeOf("2026-10-09T09:30:00Z"), Answered: timeOf("2026-11-09T10:30:00Z"),
		},
		"2026-12-24T16:00:00Z": { // Christmas Eve; the 25th and the 28th are bank holidays, and so is the first of January
			Told: timeOf("2026-12-29T16:00:00Z"), Found: timeOf("2026-12-30T16:00:00Z"), Reminded: timeOf("2026-12-30T16:00:00Z"), Answered: timeOf("2027-01-25T16:00:00Z"),
		},
		"2026-08-31T08:00:00Z": { // a bank holiday at the end of a month that is longer than the next
			Told: timeOf("2026-09-01T08:00:00Z"), Found: timeOf("2026-09-02T08:00:00Z"), Reminded: timeOf("2026-09-02T08:00:00Z"), Answered: timeOf("2026-09-30T08:00:00Z"),
		},
	} {
		if got := optout.PromiseOf(timeOf(received)); got != want {
			t.Errorf("%s: %+v, want %+v", received, got, want)
		}
	}
}

func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestAFormIsSeenBesideThePersonsOthersAndWhatItIsAbout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	number := optouttest.Number()
	same := func(a *optout.Answers) { a.Subject.NHSNumber = number }
	first := h.register(same)
	h.Move(time.Hour)
	stranger := h.register(nil) // who gave no number by which the first one could be known
	h.Move(time.Hour)
	about := func(ref optout.Reference) func(*optout.Answers) {
		return func(a *optout.Answers) { same(a); a.Kind, a.Choice, a.About = "withdrawal", "", ref.String() }
	}
	second, third := h.register(about(first)), h.register(about(stranger))
	for of, want := range map[optout.Reference][]optout.Reference{
		first: {second, third}, second: {first, third}, third: {stranger, first, second}, stranger: nil,
	} {
		all, err := optout.Beside(t.Context(), h.Memory, h.form(of))
		if err != nil {
			t.Fatal(err)
		}
		var got []optout.Reference
		for _, f := range all {
			got = append(got, f.Reference)
		}
		if !slices.Equal(got, want) {
			t.Errorf("beside %s stand %v, want %v", of, got, want)
		}
	}
	for method, form := range map[string]optout.Form{"Person": h.form(first), "Form": h.form(third)} {
		h.Fate = fates(method, optouttest.Throttle)
		if _, err := optout.Beside(t.Context(), h.Memory, form); !errors.Is(err, optout.ErrUnavailable) {
			t.Errorf("where %s fails: %v", method, err)
		}
	}
}

// Whatever a person said is not printed, however it is printed and logged.
func TestNothingThatAPersonSaidPrintsItself(t *testing.T) {
	t.Parallel()
	a := whole()
	facts, faults := wholeRules.Accept(a)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	secrets := []string{a.Subject.Surname, a.Subject.Forenames, a.Subject.BirthDate, a.Subject.Postcode, a.Subject.Address[0], a.Proxy.Name, a.Reply.Phone, "said at the desk"}
	for _, v := range []any{a, a.Subject, *a.Proxy, *a.Reply, facts, optout.Text("said at the desk")} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("form", "value", v, slog.Group("in", "value", v))
		for _, printed := range []string{fmt.Sprint(v), fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v), log.String()} {
			for _, secret := range secrets {
				if secret == "" || strings.Contains(printed, secret) {
					t.Errorf("%s says %q: %s", reflect.TypeOf(v), secret, printed)
				}
			}
		}
	}
}
