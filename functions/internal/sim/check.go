package sim

import (
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
	w.checkSent(by)
	for _, f := range forms {
		w.checkForm(f)
		w.checkEnds(f, by)
	}
	w.checkDue()
}

// checkSent: every form whose sender was told so exists, as one form, and there is none that nobody sent.
func (w *World) checkSent(by map[string]optout.Form) {
	keys, told := map[string]*Sent{}, map[string]*Sent{}
	for _, s := range w.Sent {
		ref := ring.Reference(s.origin).String()
		keys[ref] = s
		if !s.Confirmed() {
			continue
		}
		if other := told[s.Reference]; other != nil {
			w.Wrong("two senders were told %s", s.Reference)
		}
		told[s.Reference] = s
		f, ok := by[s.Reference]
		switch {
		case !ok:
			w.Wrong("form %s is lost: its sender was told at %v that it is registered", s.Reference, s.At)
		case f.Channel != s.Door:
			w.Wrong("form %s came by %s, and is of %s", s.Reference, s.Door, f.Channel)
		case s.Want != "" && f.Facts.Choice != s.Want:
			w.Wrong("form %s asked for %s, and says %s", s.Reference, s.Want, f.Facts.Choice)
		}
	}
	for ref := range by {
		if keys[ref] == nil {
			w.Wrong("form %s is of nobody", ref)
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
	case list != (worklist.List{}) && (!strings.HasPrefix(lpk, "L#"+list.Owner.Key()) || !strings.HasPrefix(lsk, string(list.Stage)+"#")):
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
	switch ended := s.Ended(); {
	case ended && s.Status != optout.StatusChecked && s.Owner != optout.OwnerNobody:
		w.Wrong("form %s has ended, and %s has it", f.Reference, s.Owner)
	case !ended && (s.Owner == optout.OwnerNobody || s.Owner == "" || s.Next == "" || f.Due.IsZero()):
		w.Wrong("form %s is %s: owner %q, next %q, due %v", f.Reference, s.Status, s.Owner, s.Next, f.Due)
	}
}

// checkEnds: what ended a form, or put it behind another one, may do so (domain facts, machines link, never close).
func (w *World) checkEnds(f optout.Form, by map[string]optout.Form) {
	for n, e := range f.Events {
		before, after := optout.Fold(f.Events[:n]), optout.Fold(f.Events[:n+1])
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
			case first.Facts.Kind != f.Facts.Kind || first.Facts.Choice != f.Facts.Choice || !sameSigner(f, first) || first.Person != f.Person || first.Person == "":
				w.Wrong("form %s repeats %s, and is not the same", f.Reference, first.Reference)
			case first.State().Received.After(f.State().Received.Add(time.Minute)):
				w.Wrong("form %s repeats %s, which came later", f.Reference, first.Reference)
			}
		}
	}
	if s := f.State(); s.Status == optout.StatusDuplicate {
		if first, ok := by[s.Of.String()]; ok && first.State().Status == optout.StatusDuplicate && first.State().Of == f.Reference {
			w.Wrong("forms %s and %s repeat each other", f.Reference, first.Reference)
		}
	}
}

func sameSigner(f, other optout.Form) bool {
	return f.Facts.ProxyCapacity == other.Facts.ProxyCapacity && f.Facts.ProxyName.Folded() == other.Facts.ProxyName.Folded()
}

// checkDue: once no faults come any more, nothing waits past its time for longer than the sweeper takes to come round.
func (w *World) checkDue() {
	late := w.Now().Add(-2 * sweeperPeriod)
	for k, i := range w.Table.Items() {
		if i["DPK"] == nil {
			continue
		}
		at, _, _ := strings.Cut(text(i["DSK"]), "#")
		due, err := time.Parse(time.RFC3339, at)
		if err != nil {
			w.Wrong("%s %s is due at %q", k.PK, k.SK, text(i["DSK"]))
			continue
		}
		if due.Before(late) && strings.HasPrefix(text(i["DPK"]), "DUE#") && !strings.HasPrefix(text(i["DPK"]), "DUE#batch#") {
			w.Wrong("%s %s has been due since %v, and it is %v", k.PK, k.SK, due, w.Now())
		}
	}
}
