package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// check looks at what has become of everything, from inside and from outside, in a world at rest.
func (w *World) check() {
	forms := w.Forms()
	by := map[string]optout.Form{}
	for _, f := range forms {
		by[f.Reference.String()] = f
	}
	w.checkSent(forms, by)
	for _, f := range forms {
		w.checkForm(f)
		was := statesOf(f)
		w.checkEnds(f, was, by)
		w.checkPacing(f, was)
	}
	w.checkPersons(forms)
	w.checkRefusals(forms, by)
	w.checkWords(forms)
	for _, i := range w.Table.Items() { // as it is, whatever the index shows
		if i["DPK"] != nil {
			w.checkDue(text(i["DPK"]), text(i["DSK"]))
		}
	}
}

// checkSent: every form whose sender was told so exists, as one form with what they asked for, and there is none that nobody sent.
func (w *World) checkSent(forms []optout.Form, by map[string]optout.Form) {
	told := map[string]bool{}
	for _, s := range w.Sent {
		if !s.Confirmed() {
			continue
		}
		if told[s.Reference] {
			w.Wrong("two senders were told %s", s.Reference)
		}
		told[s.Reference] = true
		f, ok := by[s.Reference]
		switch {
		case s.ref.String() != s.Reference:
			w.Wrong("whoever sent %s was told %s", s.ref, s.Reference)
		case !ok:
			w.Wrong("form %s is lost: its sender was told at %v that it is registered", s.Reference, s.At)
		case f.Channel != s.Door:
			w.Wrong("form %s came by %s, and is of %s", s.Reference, s.Door, f.Channel)
		case s.Door != optout.Paper && (f.Facts.Choice != s.Want || f.Facts.Kind != s.Kind || f.Facts.About.String() != s.About):
			w.Wrong("form %s asked for %s %s about %q, and says %s %s about %q", s.Reference, s.Kind, s.Want, s.About, f.Facts.Kind, f.Facts.Choice, f.Facts.About)
		case s.Door != optout.Paper && (f.Facts.Surname.Text() != s.Person.Surname || f.Facts.BirthDate.ISO() != s.Person.Birth):
			w.Wrong("form %s is not of the person who sent it", s.Reference)
		}
	}
	for _, f := range forms {
		if w.sent[f.Reference] == nil {
			w.Wrong("form %s is of nobody", f.Reference)
		}
	}
}

// checkForm: its state is what its events add up to, it stands where that says, and somebody has it who must do
// something by some time.
func (w *World) checkForm(f optout.Form) {
	s := f.State()
	i := w.Table.Item("F#"+f.Reference.Key(), "F")
	list := worklist.Of(s)
	lpk, lsk := text(i["LPK"]), text(i["LSK"])
	switch {
	case list == (worklist.List{}) && lpk != "":
		w.Wrong("form %s is on nobody's list by its events, and stands on %s", f.Reference, lpk)
	case list != (worklist.List{}) && (!strings.HasPrefix(lpk, "L#"+list.Owner.Key()) || !strings.HasPrefix(lsk, string(list.Stage)+"#") || !strings.HasSuffix(lsk, "#"+f.Reference.Key())):
		w.Wrong("form %s is on the list of %q %s by its events, and stands on %q %q", f.Reference, list.Owner.Key(), list.Stage, lpk, lsk)
	}
	at, _, _ := strings.Cut(text(i["DSK"]), "#")
	due, _ := time.Parse(time.RFC3339, at)
	if !due.Equal(f.Due) || f.Due.IsZero() != (i["DPK"] == nil) {
		w.Wrong("form %s is due at %v, and stands under %v", f.Reference, f.Due, at)
	}
	if n, ok := i["v"].(*types.AttributeValueMemberN); !ok || n.Value != itoa(f.Version()) {
		w.Wrong("form %s has %d events, and not that version", f.Reference, f.Version())
	}
	if s.Fault == "cannot-advance" || f.Fault == "cannot-advance" {
		w.Wrong("form %s: the office is told that it cannot go on, and all that befell it has passed", f.Reference)
	}
	switch ended := s.Ended(); {
	case s.Owner == optout.OwnerEngine && s.Next != optout.NextDiscard:
		w.Wrong("form %s is still in the engine's hands (%s), due at %v", f.Reference, s.Next, f.Due)
	case ended && s.Status != optout.StatusChecked && s.Owner != optout.OwnerNobody:
		w.Wrong("form %s has ended, and %s has it", f.Reference, s.Owner)
	case !ended && (s.Owner == optout.OwnerNobody || s.Owner == "" || s.Next == "" || f.Due.IsZero()):
		w.Wrong("form %s is %s: owner %q, next %q, due %v", f.Reference, s.Status, s.Owner, s.Next, f.Due)
	}
}

// statesOf are those that a form was in: before its first event, and after each.
func statesOf(f optout.Form) (was []optout.State) {
	for n := range len(f.Events) + 1 {
		was = append(was, optout.Fold(f.Events[:n]))
	}
	return was
}

// checkEnds: what ended a form, or put it behind another one, may do so (domain facts, machines link, never close).
func (w *World) checkEnds(f optout.Form, was []optout.State, by map[string]optout.Form) {
	for n, e := range f.Events {
		before, after := was[n], was[n+1]
		if before.Status == after.Status {
			continue
		}
		machine := e.By == string(optout.Machine)
		practice := strings.HasPrefix(e.By, string(optout.AtPractice)+" ") || strings.HasPrefix(e.By, string(optout.Clinician)+" ")
		switch after.Status {
		case optout.StatusApplied:
			if !practice {
				w.Wrong("form %s: %q said that it is applied", f.Reference, e.By)
			}
		case optout.StatusChecked:
			if e.Kind != optout.Followed && !practice || e.Kind == optout.Followed && e.Detail["fate"] != "checked" {
				w.Wrong("form %s: checked by %q, %s", f.Reference, e.By, e.Kind)
			}
		case optout.StatusWithdrawn:
			first := by[after.Of.String()]
			if machine && (e.Kind != optout.Followed || e.Detail["fate"] != "withdrawn" || !sameSigner(f, first)) {
				w.Wrong("form %s: a machine withdrew it (%s)", f.Reference, e.Kind)
			}
		case optout.StatusAnswered:
			if machine {
				w.Wrong("form %s: a machine answered it", f.Reference)
			}
		case optout.StatusDuplicate:
			first, ok := by[after.Of.String()]
			switch {
			case !machine:
				w.Wrong("form %s: %q made it a duplicate", f.Reference, e.By)
			case !ok:
				w.Wrong("form %s repeats %s, which is not there", f.Reference, after.Of)
			case first.Facts.Kind != f.Facts.Kind || first.Facts.Choice != f.Facts.Choice || first.Facts.About != f.Facts.About || !sameSigner(f, first) || first.Person != f.Person || first.Person == "":
				w.Wrong("form %s repeats %s, and is not the same", f.Reference, first.Reference)
			case first.State().Received.After(f.State().Received.Add(time.Minute)):
				w.Wrong("form %s repeats %s, which came later", f.Reference, first.Reference)
			}
		}
	}
	if s := f.State(); s.Status == optout.StatusDuplicate {
		first := by[s.Of.String()].State()
		if first.Ended() && first.Status != "" && w.Now().Sub(first.Since) > 3*24*time.Hour {
			w.Wrong("form %s follows %s, which has been %s since %v", f.Reference, s.Of, first.Status, first.Since)
		}
		if first, ok := by[s.Of.String()]; ok && first.State().Status == optout.StatusDuplicate && first.State().Of == f.Reference {
			w.Wrong("forms %s and %s repeat each other", f.Reference, first.Reference)
		}
	}
}

func sameSigner(f, other optout.Form) bool {
	return f.Facts.ProxyCapacity == other.Facts.ProxyCapacity && f.Facts.ProxyName.Folded() == other.Facts.ProxyName.Folded()
}

// keepsTime looks about twice a day, in brief histories every third day, in a world in which nothing fails any more, whether what
// is due is looked at.
func (w *World) keepsTime() {
	for partition, first := range w.Table.Partitions("due") {
		w.checkDue(partition, first)
	}
	again := 11*time.Hour + 7*time.Minute
	if w.brief {
		again *= 6
	}
	w.After(again, w.keepsTime)
}

// checkDue: once no faults come any more, nothing waits past its time for longer than the sweeper takes to come round.
func (w *World) checkDue(partition, first string) {
	at, _, _ := strings.Cut(first, "#")
	switch due, err := time.Parse(time.RFC3339, at); {
	case err != nil:
		w.Wrong("in %s something is due at %q", partition, first)
	case due.Before(w.Now().Add(-2*sweeperPeriod)) && slices.ContainsFunc(w.schedules, func(s *Schedule) bool { return s.Due(partition) }):
		// Of the parts that no function looks through, people make lists.
		w.Wrong("in %s something has been due since %v, and it is %v", partition, due, w.Now())
	}
}

// checkPacing: nothing was done before its time, and no list of coded patients said more than it could know.
func (w *World) checkPacing(f optout.Form, was []optout.State) {
	for n, e := range f.Events[1:] {
		before, moved := was[n+1], was[n+2].Status
		switch e.Kind {
		case optout.Routed, optout.Assigned:
			if closed, ok := w.closes[e.Detail["practice"]]; ok && e.At.After(closed.at.Add(time.Minute)) {
				w.Wrong("form %s went to %s at %v, which closed at %v", f.Reference, e.Detail["practice"], e.At, closed.at)
			}
		case optout.Reminded:
			if e.At.Before(before.Due) {
				w.Wrong("form %s: its practice was reminded at %v, and not before %v", f.Reference, e.At, before.Due)
			}
		case optout.Missing:
			if run, err := time.Parse(time.RFC3339, e.Detail["run"]); moved == optout.StatusInDoubt && moved != before.Status && (err != nil || !run.After(before.Said) || !run.After(before.Evidence)) {
				w.Wrong("form %s: in doubt by a list that was run at %v; it was said to be applied at %v", f.Reference, e.Detail["run"], before.Said)
			}
		case optout.Found:
			if run, err := time.Parse(time.RFC3339, e.Detail["run"]); moved == optout.StatusChecked && moved != before.Status && (err != nil || !run.After(before.Evidence)) {
				w.Wrong("form %s: checked by a list that was run at %v, which says nothing new", f.Reference, e.Detail["run"])
			}
		}
	}
}

// checkPersons: each form stands once on the list of its person, and of whoever may be its person.
func (w *World) checkPersons(forms []optout.Form) {
	on := map[string]int{} // key of the list and reference
	for k, i := range w.Table.Items() {
		if k.SK != "P" || !strings.HasPrefix(k.PK, "N#") && !strings.HasPrefix(k.PK, "W#") {
			continue
		}
		refs, ok := i["refs"].(*types.AttributeValueMemberL)
		if !ok {
			w.Wrong("list %s has no references", k.PK)
			continue
		}
		for _, r := range refs.Value {
			on[k.PK+text(r)]++
		}
	}
	for _, f := range forms {
		if n := on["N#"+string(f.Person)+f.Reference.Key()]; f.Person != "" && !f.Crowded() && n != 1 {
			w.Wrong("form %s stands %d times on its person's list", f.Reference, n)
		}
		if n := on["W#"+string(f.Possible)+f.Reference.Key()]; f.Possible != "" && n != 1 {
			w.Wrong("form %s stands %d times on the list of whoever has its name, birth date and postcode", f.Reference, n)
		}
	}
}

// sharing orders what forms ask for, from least to most.
func sharing(f optout.Form) int {
	switch f.Facts.Choice {
	case "dissent":
		return 0
	case "core":
		return 1
	}
	return 2
}

// checkRefusals: while there is doubt the more protective choice stands. What shares less gives way to what shares more
// only where the practice says that it asked the person, and stands again where that was taken back.
func (w *World) checkRefusals(forms []optout.Form, by map[string]optout.Form) {
	for _, f := range forms {
		s := f.State()
		if s.Status == optout.StatusApplied || s.Status == optout.StatusChecked {
			checkReplaced(w, f, by)
		}
		if s.Status != optout.StatusWithdrawn {
			continue
		}
		for n := len(f.Events) - 1; n >= 0; n-- {
			e := f.Events[n]
			if e.Kind == optout.Withdrawn || e.Kind == optout.Followed && e.Detail["fate"] == "withdrawn" {
				break
			}
			if e.Kind != optout.Replaced {
				continue
			}
			ref, err := optout.ParseReference(e.Detail["later"])
			later, ok := by[ref.String()]
			if err != nil || !ok {
				w.Wrong("form %s was replaced by %s, which is not there", f.Reference, e.Detail["later"])
				break
			}
			applied := false
			for n, x := range later.Events {
				switch status := moved(later, n); {
				case x.Kind == optout.Applied && status == optout.StatusApplied:
					applied = true
					if strings.Contains(x.Detail["after"], f.Reference.Key()) && sharing(later) > sharing(f) && x.Detail["asked"] != "yes" && later.Facts.Kind == "choice" {
						w.Wrong("form %s gave way to %s, and nobody asked the person", f.Reference, later.Reference)
					}
				case x.Kind == optout.Corrected && status != "", x.Kind == optout.Returned && status != "":
					applied = false
				}
			}
			if !applied {
				w.Wrong("form %s is withdrawn for %s, which is not applied any more", f.Reference, later.Reference)
			}
			break
		}
	}
}

// checkReplaced: what a form was applied in the place of has given way to it.
func checkReplaced(w *World, f optout.Form, by map[string]optout.Form) {
	for n, e := range slices.Backward(f.Events) {
		if e.Kind != optout.Applied || moved(f, n) == "" {
			continue
		}
		for _, key := range strings.Fields(e.Detail["after"]) {
			ref, err := optout.ParseReference(key)
			if err != nil || !slices.ContainsFunc(by[ref.String()].Events, func(e optout.Event) bool { return e.Kind == optout.Replaced && e.Detail["later"] == f.Reference.Key() }) {
				w.Wrong("form %s was applied in the place of %s, which does not know of it", f.Reference, key)
			}
		}
		return
	}
}

// moved is where the nth event of a form put it; "" if it put it nowhere else: of what has ended, an event is an event and
// nothing else.
func moved(f optout.Form, n int) optout.Status {
	if to := optout.Fold(f.Events[:n+1]).Status; to != optout.Fold(f.Events[:n]).Status {
		return to
	}
	return ""
}
