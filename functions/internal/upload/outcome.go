package upload

// What comes of a row of an extract that is used, and of a form that no row stands for. What is said of neither alone is of both.
const (
	Checked      = "checked"       // a form of the practice that the list shows to be applied
	InDoubt      = "in-doubt"      // it was said to be applied, and the list does not show it
	AppliedLater = "applied-later" // it was said to be applied after the list was run
	Waiting      = "waiting"       // the practice has it, and neither said that it is applied nor is it coded
	Over         = "over"          // of a row: the practice's form was withdrawn or answered
	Unknown      = "unknown"       // of a row: coded, and no form that the practice was given
	NoNumber     = "no-number"     // of a form: there is no NHS number to look for in the list
	NotCompared  = "not-compared"  // the list can say nothing of it that would be sure; Meaning names the reasons
)

// Outcomes are all of them, in the order in which they are told.
var Outcomes = []string{Checked, InDoubt, AppliedLater, Waiting, Over, Unknown, NoNumber, NotCompared}

// Meaning says to a person at the practice what an outcome means.
func Meaning(outcome string) string { return meanings[outcome] }

var meanings = map[string]string{
	Checked:      "Applied and checked. There is nothing left to do.",
	InDoubt:      "You said that this form is applied, and your list does not show it. Look at the patient's record, then say again what is so.",
	AppliedLater: "You said that this form is applied after this list was run. Your next list will show it.",
	Waiting:      "This form waits for you. Your list does not show what it asks for.",
	Over:         "The form for this patient was withdrawn or answered. There is nothing to do here.",
	Unknown:      "Coded, and you have had no form for it from here. There is nothing to do here.",
	NoNumber:     "There is no NHS number on this form, so nobody can look for it in a list. Look the patient up yourself, then say whether it is applied.",
	NotCompared:  "The form could not be compared with your list: the rows with its NHS number cannot be used, or its patient may stand in one of the rows whose NHS number cannot be read: correct them and send a new list. Or another form has the same NHS number and names somebody else: look both patients up, and put the wrong number right.",
}

// Refusals of a list that has nothing wrong with it as a file.
var (
	OlderList     = Refusal{"older-list", "A list that you ran later has been read already, so this one says nothing new. Run the list again if something has changed, and send the new one."}
	RunInFuture   = Refusal{"run-in-future", "The time at which you say this list was run has not come yet. Check the date and the time, and send the list again."}
	RunLongAgo    = Refusal{"run-long-ago", "This list was run more than 90 days ago. Run it again and send the new one."}
	NoneOfYours   = Refusal{"none-of-yours", "Not one patient whose form you have is in this list. It may be the wrong file, or another practice's. If it is the right list, send it again and tick “This is the right list”."}
	ReadingFailed = Refusal{"reading-failed", "We could not read this list, although we tried again and again. Send it again. If that does not help, tell the office."}
)

// Refusals of a list of which a part had been used by then, which stands.
var (
	Overtaken    = Refusal{"overtaken", "A list that you ran later was read before we had come to the end of this one. What this one showed of some forms before then stands, and the later list has said the rest. There is nothing to do."}
	FailedInPart = Refusal{"failed-in-part", "We could not read this list to its end, although we tried again and again. What it showed of some forms stands; what it says of the others is not used. Send it again. If that does not help, tell the office."}
)

// LongAgo is how many days after it was run a list is still read.
const LongAgo = 90
