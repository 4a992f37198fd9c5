package mailroom

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
)

// standing is in a word and a colour how far a piece is.
func standing(p batch.Piece) nhsui.Tag {
	switch {
	case p.Stage() == batch.Alarmed:
		return nhsui.Tag{Text: "Safeguarding: today", Colour: "red"}
	case p.Status == batch.Checking && p.Why != "":
		return nhsui.Tag{Text: "Stuck", Colour: "red"}
	case p.Status == batch.Quarantined && p.Seen:
		return nhsui.Tag{Text: "Quarantined, dealt with", Colour: "grey"}
	}
	t, ok := standings[p.Status]
	if !ok {
		t.Text = string(p.Status)
	}
	return t
}

var standings = map[batch.Status]nhsui.Tag{
	batch.Awaited:     {Text: "No file yet", Colour: "yellow"},
	batch.Checking:    {Text: "Being checked", Colour: "blue"},
	batch.Waiting:     {Text: "To be keyed", Colour: "blue"},
	batch.Second:      {Text: "To be keyed again", Colour: "blue"},
	batch.Disputed:    {Text: "For a supervisor", Colour: "purple"},
	batch.Registered:  {Text: "Registered", Colour: "green"},
	batch.Held:        {Text: "Held", Colour: "yellow"},
	batch.SentBack:    {Text: "Back to sender", Colour: "orange"},
	batch.OtherPost:   {Text: "Other post", Colour: "white"},
	batch.Rescan:      {Text: "Scanned twice", Colour: "grey"},
	batch.Quarantined: {Text: "Quarantined", Colour: "red"},
	batch.Lapsed:      {Text: "No file came", Colour: "white"},
}

// outcomes are the outcomes of the ledger as it is read out.
var outcomes = map[batch.Status]string{
	batch.Registered: "registered", batch.Held: "held", batch.SentBack: "sent back", batch.OtherPost: "other post",
	batch.Rescan: "scanned twice", batch.Quarantined: "quarantined",
}

// reason is why a piece has its outcome, or what keeps it, in words.
type reason struct {
	text string // what it is
	do   string // what is to be done about it; "": nothing
}

const scanAgain = "Scan the paper again and send the new file."

// reasons are by the codes of pieces and pages.
var reasons = map[string]reason{
	// What keeps a file from being read, or what it is.
	batch.Infected:    {"Malware was found in the file. Nobody can open it, and nothing of it was read", "If the paper is at hand, scan it again on a machine that is clean, and tell whoever looks after the scanners. Never send this file on."},
	batch.Unsupported: {"The file cannot be checked for malware, so nobody opens it", "Scan the paper again into a plain PDF, without a password, and send that."},
	batch.Unchecked:   {"The malware check gives no answer, although it was asked again and again", "The file is kept. If you need not wait, scan the paper again and send the new file; if many files stand so, tell whoever looks after this service."},
	batch.SecondFile:  {"Another file came to the place of this one after it was checked, so neither is opened", "Ask who sent it. Then " + lower(scanAgain)},
	batch.NotRead:     {"The file could not be read, although it was tried again and again", scanAgain + " If that does not help, tell whoever looks after this service."},
	batch.SameBytes:   {"The very same file was sent before, in another batch", ""},
	batch.SameInBatch: {"The very same file was sent before, in this batch", ""},
	"seen":            {"A clerk saw that it was scanned before", ""},

	// What the gates before reading say of a file, and of a page (package scan).
	"empty":             {"The file is empty", scanAgain},
	"file-too-large":    {"The file has more than 20 MB", "Scan fewer pages into one file, or scan at 200 dots an inch in grey, and send the new files."},
	"kind-unknown":      {"The file is no PDF, JPEG, PNG or TIFF, whatever its name says", "Scan the paper into one of these and send that."},
	"kind-heic":         {"The photograph is in a phone's own format (HEIC)", "Set the phone's camera to “most compatible” (JPEG) and photograph the paper again."},
	"kind-office":       {"The file is packed: a ZIP file, or a document of an office program", "Print it as a PDF, or unpack it, and send what was inside."},
	"kind-bigtiff":      {"The file is a TIFF of a kind that we do not read (BigTIFF)", "Scan the paper into a PDF and send that."},
	"encrypted":         {"The PDF opens only with a password", "Take the password away, or print the PDF and scan the paper, and send the new file. Do not send the password."},
	"encrypted-unknown": {"The PDF is protected in a way that we cannot open", "Print it and scan the paper, and send the new file."},
	"cut-short":         {"The file ends in the middle, so pages may be missing", "Send it again. If that does not help, scan the paper again."},
	"damaged":           {"The file is damaged and cannot be opened", scanAgain},
	"no-pages":          {"There are no pages in the file", scanAgain},
	"too-many-pages":    {"There are more than 100 pages in the file. None of it was used", "Scan at most 100 pages into one file."},
	"takes-too-long":    {"The file takes too long to draw", "Print it and scan the paper, and send the new file."},
	"page-damaged":      {"The page is damaged and cannot be drawn", scanAgain},
	"page-too-large":    {"The page is longer or wider than 25 inches (63 cm)", "Scan the paper itself, not a poster of it."},
	"page-no-area":      {"The page has no size, so there is nothing to see of it", scanAgain},
	"too-many-pixels":   {"There are more than 40 million pixels on the page", "Scan it at 200 or 300 dots an inch, and send the new file."},
	"too-much-memory":   {"The page is packed so that it takes too much memory to draw", "Scan the paper at 200 or 300 dots an inch in grey, and send the new file."},
	"tiff-jpeg":         {"The pages of this TIFF are packed as JPEG, which we do not read", "Scan the paper into a PDF and send that."},
	"tiff-kind":         {"The pages of this TIFF are of a kind that we do not read", "Scan the paper into a PDF and send that."},

	// What a supervisor decides.
	batch.Readings:     {"Two people keyed it, and not alike", "A supervisor looks at the page and decides."},
	batch.Safeguarding: {"Something on it says that somebody may come to harm", "A supervisor sees to it today."},
	"keyed-before":     {"It was keyed before, and that form stands", ""},

	// Why a form is held.
	optout.HeldForChoice:    {"No choice is ticked, or more than one", "The person is written to."},
	optout.HeldForSignature: {"There is neither a signature nor a mark", "The person is written to."},
	optout.HeldForAge:       {"The paper is too old, or nobody can say how old", "The person is written to."},
	optout.HeldForAnswers:   {"Something else that is needed is missing or unclear", "The person is written to."},

	// Why something goes back to its sender.
	batch.Type1:        {"A Type 1 opt-out, which is for the person's GP practice", "A letter goes with it: see Letters."},
	batch.NDOP:         {"A National Data Opt-out, which is for another service", "A letter goes with it: see Letters."},
	batch.Registration: {"A registration with a GP practice", "A letter goes with it: see Letters."},
	batch.Complaint:    {"A complaint about another service", "A letter goes with it: see Letters."},
	batch.Identity:     {"Identity documents, which nobody asked for", "They go back by a safe way, today, with a letter: see Letters."},
	batch.NotForUs:     {"Something that is not for this service", "A letter goes with it: see Letters."},
	batch.NotPerson:    {"A form on which nobody is named", "If the sender is known, a letter goes with it: see Letters."},
	batch.NotEngland:   {"A form for a practice that is not in England", "A letter goes with it: see Letters."},

	// What other post is.
	"covering-letter": {"A covering letter", ""},
	"blank":           {"Nothing is on it", ""},
	"empty-envelope":  {"An empty envelope", ""},
	"advertising":     {"Advertising", ""},
	"message":         {"A message for the mailroom", ""},
	"other":           {"Something else", ""},
}

// reasonOf is a code in words, or the code itself where nobody has said it in words.
func reasonOf(code string) reason {
	r, ok := reasons[code]
	if !ok && code != "" {
		r.text = code
	}
	return r
}

// happenings are what happened to a batch or a piece, by the kinds of events; %s is its detail.
var happenings = map[string]string{
	"opened": "The batch was opened", "closed": "The batch was closed", "opened-again": "The batch was opened again",
	"expected": "A place was made for its file", "arrived": "Its file came", "stuck": "Its file could not be read", "read": "Its file was read",
	"left-over": "It was cut off from another piece", "keyed": "It was keyed", "keyed-otherwise": "It was keyed again, and not alike",
	"alarm": "It was put before a supervisor: somebody may come to harm", "undone": "Its outcome was taken back", "seen": "A supervisor dealt with it",
	"envelope":               "It was put into envelope %s",
	"not-posted":             "It was taken back that its letter went, or cannot go",
	"sample-ended":           "Nobody checks it",
	"alone":                  "A supervisor decides over what they have read themselves: there is no other one",
	string(batch.Registered): "It was registered", string(batch.Held): "It was held", string(batch.SentBack): "It goes back to the sender",
	string(batch.OtherPost): "It is other post", string(batch.Rescan): "It was scanned before", string(batch.Quarantined): "It was quarantined",
	string(batch.Lapsed): "No file came to its place",
}

// recountedFor are the reasons to say that a batch has another number of envelopes.
var recountedFor = map[string]string{
	"miscounted": "They were counted wrongly before", "found": "Another envelope was found", "elsewhere": "An envelope belongs to another batch",
	"lost": "An envelope cannot be found",
}

// fields are the fields of a reading, in words.
var fields = map[string]string{
	batch.OfOutcome: "What it is", batch.OfChoice: "What it asks for", batch.OfForenames: "First names", batch.OfSurname: "Last name", batch.OfBirth: "Birth date",
	batch.OfNumber: "NHS number", batch.OfAddress: "Address", batch.OfPostcode: "Postcode", batch.OfPractice: "Practice", batch.OfSigner: "Who signed",
	batch.OfSigned: "Date of signing", batch.OfReply: "How to answer",
}

// fieldOf is a field in the middle of a sentence.
func fieldOf(code string) string {
	text := cmp.Or(fields[code], code)
	if code == batch.OfNumber {
		return text
	}
	return lower(text)
}

// fieldsOf names fields in a sentence.
func fieldsOf(codes []string) string {
	var all []string
	for _, c := range codes {
		all = append(all, fieldOf(c))
	}
	return strings.Join(all, ", ")
}

// setRightBy is what was done about a finished piece that is wrong.
var setRightBy = map[string]string{
	"practice": "its practice was told", "office": "the office was told", "taken-back": "its outcome is taken back", "sender": "its sender was written to", "safeguarding": "the safeguarding procedure was followed",
	batch.LeftAsItIs: "it is left as it is",
}

// rights is which reading is right, in words.
var rights = map[batch.Right]string{batch.First: "as it was before", batch.Again: "as it was read once more", batch.Neither: "in neither way"}

// told are happenings whose detail is more than one code.
var told = map[string]func(detail string) string{
	"recounted": func(detail string) string {
		n := strings.LastIndex(detail, " ")
		return "The envelopes were counted again: from " + detail[:max(n, 0)] + ". " + cmp.Or(recountedFor[detail[n+1:]], detail[n+1:])
	},
	"read-again": func(detail string) string {
		if detail == "" {
			return "It was read once more, as a sample, and nothing was wrong"
		}
		return "It was read once more, as a sample, and otherwise: " + fieldsOf(strings.Fields(detail))
	},
	"judged": func(detail string) string {
		var all []string
		for _, code := range strings.Fields(detail) {
			field, right, ok := strings.Cut(code, ":")
			if !ok {
				all = append(all, cmp.Or(setRightBy[code], code))
				continue
			}
			all = append(all, fieldOf(field)+": "+cmp.Or(rights[batch.Right(right)], right))
		}
		return "A supervisor decided what is right: " + strings.Join(all, "; ")
	},
	"posted": func(detail string) string {
		if detail == "kept" {
			return "Nobody knows who sent it: it is kept with the paper of its batch"
		}
		return "Its letter went"
	},
}

// happened is a history in words, oldest first.
func happened(h batch.History, by optout.Actor) (all []staff.Happened) {
	for _, e := range h {
		text := cmp.Or(happenings[e.Kind], e.Kind)
		if say := told[e.Kind]; say != nil {
			text = say(e.Detail)
		} else if strings.Contains(text, "%s") {
			text = strings.ReplaceAll(text, "%s", e.Detail)
		} else if r, ok := reasons[e.Detail]; ok {
			text += ": " + lower(r.text)
		}
		who, _ := staff.By(e.By, by)
		all = append(all, staff.Happened{When: staff.Moment(e.At), What: text, Who: who})
	}
	return all
}

// lower is a sentence in the middle of another one: its first letter is small, unless it begins with a word that is not.
func lower(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if len(text) < 2 || strings.ToUpper(first) == first && len(first) > 1 || slices.Contains([]string{"National", "Type"}, first) {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func itoa(n int) string { return strconv.Itoa(n) }
