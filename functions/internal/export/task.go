package export

import (
	"cmp"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

type task struct {
	ResourceType   string       `json:"resourceType"`
	ID             string       `json:"id"`
	Identifier     []identifier `json:"identifier"`
	Status         string       `json:"status"`
	BusinessStatus concept      `json:"businessStatus"` // our own word
	Intent         string       `json:"intent"`
	Priority       string       `json:"priority"`
	Code           concept      `json:"code"`
	Description    string       `json:"description"`
	Focus          *reference   `json:"focus,omitempty"`
	For            reference    `json:"for"`
	AuthoredOn     time.Time    `json:"authoredOn"`
	LastModified   time.Time    `json:"lastModified"`
	Requester      *reference   `json:"requester,omitempty"`
	Owner          *reference   `json:"owner,omitempty"`
	Restriction    restriction  `json:"restriction"`
}

type restriction struct {
	Period period `json:"period"`
}

// standing is what a form's status comes to in FHIR, and whether it is with the practice that its state names.
type standing struct {
	consent, task string
	with          bool
}

// standings have a row for every status. A form that repeats another waits for that one.
var standings = map[optout.Status]standing{
	optout.StatusHeld:       {"draft", "draft", false},
	optout.StatusRegistered: {"active", "draft", false},
	optout.StatusDuplicate:  {"active", "on-hold", false},
	optout.StatusRouted:     {"active", "requested", true},
	optout.StatusDelivered:  {"active", "received", true},
	optout.StatusCollected:  {"active", "accepted", true},
	optout.StatusApplied:    {"active", "completed", true},
	optout.StatusInDoubt:    {"active", "accepted", true},
	optout.StatusChecked:    {"active", "completed", true},
	optout.StatusReturned:   {"active", "rejected", true},
	optout.StatusWithdrawn:  {"inactive", "cancelled", true},
	optout.StatusAnswered:   {"inactive", "rejected", true},
}

// What a practice is asked to do.
const (
	toRecord   = "Record the patient's Summary Care Record preference and confirm"
	toTakeBack = "Check with the patient, take back the Summary Care Record preference of the form in focus, and confirm"
)

// takesBack says that a form is about an earlier one, and chooses nothing.
func takesBack(f optout.Form) bool { return f.Facts.Kind == "withdrawal" || f.Facts.Kind == "not-me" }

// taskOf is what is asked of a form's practice, by when the person is to have an answer, and how far it has come.
func (s Sender) taskOf(f optout.Form) task {
	state := f.State()
	t := task{
		ResourceType: "Task", ID: id(f, "Task"), Identifier: s.identifiers(f.Reference),
		Status: standings[state.Status].task, BusinessStatus: concept{Text: string(state.Status)},
		Intent: "order", Priority: "routine", Code: concept{Text: toRecord}, Description: wanted(f),
		Focus: &reference{Reference: urn(f, "Consent")}, For: toPatient(f),
		AuthoredOn: state.Received, LastModified: f.Events[len(f.Events)-1].At,
		Owner: practiceOf(f), Restriction: restriction{period{answerBy(f).ISO()}},
	}
	if takesBack(f) {
		t.Code.Text, t.Focus = toTakeBack, nil
	}
	if about := f.Facts.About; !about.IsZero() {
		t.Focus = &reference{Type: "Consent", Identifier: &s.identifiers(about)[0]}
	}
	if s.Controller != "" {
		t.Requester = &reference{Display: s.Controller}
	}
	return t
}

// practiceOf is the practice that has a form, or had it when it ended; nil if none has.
func practiceOf(f optout.Form) *reference {
	state := f.State()
	if state.Practice.IsZero() || !standings[state.Status].with {
		return nil
	}
	return &reference{Identifier: &identifier{odsCodes, state.Practice.String()}}
}

// answerBy is the day by which the person is to have an answer, since they first said so.
func answerBy(f optout.Form) nhs.Date { return nhs.DateOf(optout.PromiseOf(f.State().First).Answered) }

// wants are what a choice means for the record (domain facts, what the form is).
var wants = map[string]string{
	"dissent":             "Patient does not want a Summary Care Record",
	"core":                "Patient wants a Summary Care Record of medication, allergies and adverse reactions only",
	"core-and-additional": "Patient wants a Summary Care Record with additional information",
}

// unknown stands for what is not clear while a form is held.
const unknown = "Not known yet"

// wanted says in words what the person wants.
func wanted(f optout.Form) string {
	about := cmp.Or(f.Facts.About.String(), "of an unknown reference")
	switch f.Facts.Kind {
	case "withdrawal":
		return "Patient takes back form " + about
	case "not-me":
		return "Patient says that form " + about + " is not theirs"
	}
	return cmp.Or(wants[f.Facts.Choice], unknown)
}
