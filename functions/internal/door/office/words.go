package office

import (
	"cmp"
	"time"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// faults are why a form or a practice is on the office's list, in words, by the code that stands with it.
var faults = map[string]string{
	"no-practice":          "No practice was named",
	"not-registered":       "The person is not registered with a practice",
	"practice-closed":      "Its practice has closed, and no other is known to have taken over",
	"about-unknown":        "It is about an earlier form that is not known, or was another person's",
	"returned-by-practice": "The practice that would get it has returned it before",
	"too-many-forms":       "The person has more forms than can be linked",
	"cannot-advance":       "This service could not go on with it, and tries again",
	"unreadable":           "It cannot be read. Somebody who looks after this service has to mend it",

	"no-address":     "No e-mail address is on file",
	"bounced":        "Mail came back: nobody was reached at the address",
	"complained":     "Whoever reads the mail called it unwanted",
	"rejected":       "The mail was held back on its way",
	"mail-rejected":  "The address was refused",
	"mail-malformed": "The address cannot be written to",
}

// faultText is a fault in words; a carrier's own codes are shown as they are.
func faultText(code string) string { return cmp.Or(faults[code], "It could not be carried ("+code+")") }

// why says why a form is on the office's list.
func why(s optout.State, fault string) string {
	switch {
	case s.Status == optout.StatusReturned:
		return "Returned: " + staff.ReasonText(s.Reason)
	case cmp.Or(fault, s.Fault) != "":
		return faultText(cmp.Or(fault, s.Fault))
	}
	return staff.NextText(s)
}

// standing says where a form stands; of one that came to the office on its way, that it stays here until somebody acts.
func standing(s optout.State) nhsui.Tag {
	if s.Status == optout.StatusRegistered && s.Owner == optout.OwnerOffice {
		return nhsui.Tag{Text: "Waits for the office", Colour: "orange"}
	}
	return staff.Standing(s)
}

// owners are whose list a form is on, in words.
var owners = map[optout.Owner]string{
	optout.OwnerEngine: "This service", optout.OwnerDesk: "The mailroom", optout.OwnerOffice: "The office",
	optout.OwnerFirst: "Whoever has the form that it repeats", optout.OwnerNobody: "Nobody: it has ended",
}

// ownerText is whose list a form is on.
func ownerText(s optout.State) string {
	if s.Owner == optout.OwnerPractice {
		return staff.NameOf(s.Practice)
	}
	return owners[s.Owner]
}

// stands are what a practice decided for itself, in words.
var stands = map[optout.Stand]string{optout.TakePart: "Takes part", optout.Wait: "Waits", optout.Stopped: "Has stopped"}

// standText is what a practice decided last.
func standText(p optout.Practice) string {
	if n := len(p.Decisions); n > 0 {
		return stands[p.Decisions[n-1].Stand]
	}
	return "Takes part: it has not said anything else"
}

// outcomes are what became of a mail, in words.
var outcomes = map[string]string{
	"sent": "Sent", "bounced-for-now": "Came back this time: the mailbox was full or away", "bounced": "Came back: nobody is at the address",
	"complained": "Called unwanted by whoever reads it", "rejected": "Held back on its way",
	"mail-rejected": "The address was refused", "mail-malformed": "The address cannot be written to", "no-answer": "Not known whether it was sent",
}

func outcomeText(code string) string { return cmp.Or(outcomes[code], "Not sent this time ("+code+")") }

// callAfter is how many days a practice that acts late has after the letter until somebody calls (domain facts, ladder:
// a letter on day 14, when it comes to this list, a call on day 28).
const callAfter = 14

// toDo is what the office does next about a practice.
func toDo(p optout.Practice, now time.Time) string {
	if p.Digest.Fault != "" {
		return "Find an address that works"
	}
	done := map[string]bool{}
	for _, c := range p.Chases {
		from := p.Digest.Late
		if c.How == "phone" {
			from = from.AddDate(0, 0, callAfter)
		}
		done[c.How] = done[c.How] || !nhs.DateOf(from).After(c.On)
	}
	switch days := staff.Between(p.Digest.Late, now); {
	case days >= callAfter && !done["phone"]:
		return "Call it"
	case days < callAfter && !done["post"]:
		return "Post a letter"
	}
	return "Wait until it acts"
}

// ways are how a practice was chased, in words.
var ways = map[string]string{"post": "A letter was posted", "phone": "Somebody called"}

// tags show what is wrong with a practice.
func tags(p optout.Practice) (all []nhsui.Tag) {
	if p.Digest.Fault != "" {
		all = append(all, nhsui.Tag{Text: "Cannot be told", Colour: "red"})
	}
	if !p.Digest.Late.IsZero() {
		all = append(all, nhsui.Tag{Text: "Acts late", Colour: "orange"})
	}
	return all
}

// daysAgo is how long ago a day was.
func daysAgo(d nhs.Date, now time.Time) string {
	if d.IsZero() {
		return "Never"
	}
	return staff.Day(d) + ", " + staff.Ago(d.Begin().Add(12*time.Hour), now)
}
