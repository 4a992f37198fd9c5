package staff

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

func itoa(n int) string { return strconv.Itoa(n) }

// london is the clock that staff go by.
var london = func() *time.Location {
	l, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic("staff: " + err.Error())
	}
	return l
}()

// Day says a day in words: 3 March 2026; "" for none.
func Day(d nhs.Date) string {
	t, err := time.Parse(time.DateOnly, d.ISO())
	if err != nil {
		return ""
	}
	return t.Format("2 January 2006")
}

// Moment says a time to the minute, by the clock in England.
func Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(london).Format("2 January 2006, 15:04")
}

// Example is the day of a time as an example of how a day is typed, by the calendar in England.
func Example(t time.Time) string { return t.In(london).Format("For example, 2 1 2006") }

// Ago says how long ago something was, as of now, in days of the calendar in England.
func Ago(t, now time.Time) string {
	switch n := Between(t, now); {
	case n <= 0:
		return "today"
	case n == 1:
		return "yesterday"
	default:
		return itoa(n) + " days ago"
	}
}

// Between is how many days of the calendar in England lie between two times.
func Between(from, to time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.In(london).Date()
		return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)).Hours() / 24)
}

// Overdue says that something was due on a day that has passed, by the calendar in England.
func Overdue(due, now time.Time) bool { return !due.IsZero() && Between(now, due) < 0 }

// DueIn says when something is due in words, with the colour of its haste. It is overdue when Overdue says so.
func DueIn(due, now time.Time) nhsui.Tag {
	if due.IsZero() {
		return nhsui.Tag{}
	}
	switch n := Between(now, due); {
	case n < -1:
		return nhsui.Tag{Text: itoa(-n) + " days overdue", Colour: "red"}
	case n == -1:
		return nhsui.Tag{Text: "1 day overdue", Colour: "red"}
	case n == 0:
		return nhsui.Tag{Text: "Due today", Colour: "orange"}
	case n == 1:
		return nhsui.Tag{Text: "Due tomorrow", Colour: "yellow"}
	default:
		return nhsui.Tag{Text: "Due in " + itoa(n) + " days", Colour: "grey"}
	}
}

// NameOf is a practice by its name and code, or by its code where nobody knows the name.
func NameOf(code nhs.ODSCode) string {
	if code.IsZero() {
		return ""
	}
	if all, err := directory.Load(); err == nil {
		if p, ok := all.Find(code); ok {
			return directory.Spoken(p.Name) + " (" + code.String() + ")"
		}
	}
	return code.String()
}

// Spaced is an NHS number as it is shown and read out: 3-3-4.
func Spaced(n nhs.Number) string {
	if d := n.Digits(); len(d) == 10 {
		return d[:3] + " " + d[3:6] + " " + d[6:]
	}
	return ""
}

// Wanted is what a form asks for.
func Wanted(f optout.Facts) string {
	switch {
	case f.Kind == "withdrawal":
		return "Take back an earlier form"
	case f.Kind == "not-me":
		return "An earlier form was not theirs"
	}
	return Choices[f.Choice]
}

// Choices are what a person can want, in words.
var Choices = map[string]string{
	"dissent":             "No Summary Care Record (opt out)",
	"core":                "Core only: medicines, allergies and bad reactions",
	"core-and-additional": "Core and additional information",
	"":                    "Not known yet",
}

// Capacities are by what right somebody signs for another, in words.
var Capacities = map[string]string{
	"parent":                  "Person with parental responsibility",
	"attorney-health-welfare": "Attorney for health and welfare (lasting power of attorney)",
	"deputy":                  "Court-appointed deputy for personal welfare",
	"best-interests":          "Best-interests decision",
	"local-authority":         "Local authority with parental responsibility",
}

// Doors are how a form came in, in words.
var Doors = map[string]string{
	optout.Online: "Online", optout.Paper: "On paper", optout.Counter: "At a practice", optout.Phone: "By telephone",
}

// Reasons are why a practice returns a form, in words, in the order in which they are offered.
var Reasons = []struct {
	Code         optout.Reason
	Text, Follow string
}{
	{optout.NotOurPatient, "Not our patient", "The form goes to another practice, or to the office."},
	{optout.HasMoved, "The patient has moved to another practice", "The form goes to that practice, or to the office."},
	{optout.IdentityNotVerified, "We have reasonable doubt that it was this person", "You contact the person yourselves, without asking for documents, and decide within a month."},
	{optout.WithdrawnByPerson, "The person took it back with us", "You record how, when and to whom."},
	{optout.Safeguarding, "Safeguarding", "A named clinician at your practice decides within a month."},
	{optout.Coercion, "Somebody may be forcing the person", "A named clinician at your practice decides within a month."},
	{optout.NoLegalBasis, "Whoever signed has no right to sign for the person", "A named clinician at your practice decides within a month."},
	{optout.Deceased, "The person has died", "The office confirms it. Nobody is written to."},
	{optout.OtherReason, "Another reason", "Say which. The office answers the person within a month."},
}

// ReasonText is a reason in words.
func ReasonText(r optout.Reason) string {
	for _, x := range Reasons {
		if x.Code == r {
			return x.Text
		}
	}
	return string(r)
}

// Standing says where a form stands, for a list, with a colour.
func Standing(s optout.State) nhsui.Tag {
	switch s.Status {
	case optout.StatusHeld:
		return nhsui.Tag{Text: "Held", Colour: "yellow"}
	case optout.StatusRegistered:
		return nhsui.Tag{Text: "On its way", Colour: "grey"}
	case optout.StatusRouted, optout.StatusDelivered:
		return nhsui.Tag{Text: "New", Colour: "blue"}
	case optout.StatusCollected:
		return nhsui.Tag{Text: "Collected", Colour: "aqua-green"}
	case optout.StatusApplied:
		return nhsui.Tag{Text: "Applied, not checked", Colour: "purple"}
	case optout.StatusInDoubt:
		return nhsui.Tag{Text: "In doubt", Colour: "red"}
	case optout.StatusChecked:
		return nhsui.Tag{Text: "Applied and checked", Colour: "green"}
	case optout.StatusReturned:
		return nhsui.Tag{Text: "Returned", Colour: "orange"}
	case optout.StatusDuplicate:
		return nhsui.Tag{Text: "Says the same as an earlier one", Colour: "grey"}
	case optout.StatusWithdrawn:
		return nhsui.Tag{Text: "Withdrawn", Colour: "white"}
	case optout.StatusAnswered:
		return nhsui.Tag{Text: "Answered", Colour: "white"}
	}
	return nhsui.Tag{Text: string(s.Status)}
}

// NextText is what is to be done next with a form, for whoever has it.
func NextText(s optout.State) string {
	switch s.Next {
	case optout.NextRemind:
		switch s.Status {
		case optout.StatusRouted, optout.StatusDelivered:
			return "Collect it"
		case optout.StatusInDoubt:
			return "Look again: your list did not show it"
		}
		return "Apply it in your clinical system and say so"
	case optout.NextExtract:
		return "Send a new list of coded patients"
	case optout.NextDecide:
		return "Decide"
	case optout.NextWithdraw:
		return "Record how it was taken back"
	case optout.NextAssign:
		return "Find a practice"
	case optout.NextAnswer:
		return "Answer the person"
	case optout.NextConfirm:
		return "Confirm that the person has died"
	}
	return ""
}

// words are what templates may call.
var words = template.FuncMap{
	"day": Day, "moment": Moment, "wanted": Wanted, "nameof": NameOf, "spaced": Spaced, "lower": strings.ToLower,
}

// Clock is a time of today by the clock in England: 14:05.
func Clock(t time.Time) string { return t.In(london).Format("15:04") }
