// Package problem is the one place where an error becomes an answer: RFC 9457 problem details, each with a code
// that never changes and a sentence a person can act on. An error it does not know is opaque outside and whole in
// the log.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
)

// Problem is a kind of refusal.
type Problem struct {
	Status int
	Code   string
	Title  string
	Detail string
}

// The problems, one a line: status, code, what it is, what to do.
var (
	KeyMissing    = Problem{400, "idempotency-key-missing", "No idempotency key", "Send a header Idempotency-Key with a new UUID for each form, and the same one when you send a form again."}
	KeyNotUUID    = Problem{400, "idempotency-key-not-uuid", "The idempotency key is no UUID", "Send a header Idempotency-Key with a UUID, like 0192f0c1-2b7e-7c3a-9d51-6f1e2a3b4c5d."}
	NotJSON       = Problem{400, "not-json", "The body is not JSON", "Send one JSON object in UTF-8, as described in /openapi.yaml."}
	WrongAnswers  = Problem{400, "answers-not-accepted", "Some answers need changing", "Nothing was registered. Change what is listed and send the form again with the same key."}
	SignInFailed  = Problem{400, "sign-in-failed", "You are not signed in", "Something went wrong on the way. Start again, and finish within ten minutes."}
	SignInNeeded  = Problem{401, "sign-in-needed", "You are not signed in", "Sign in. Software sends its token in the header Authorization."}
	SignedOut     = Problem{401, "signed-out", "You have been signed out", "Nothing was changed. Sign in and do it again."}
	Expired       = Problem{401, "session-expired", "You have been signed out because you were away", "Nothing was changed. Sign in and do it again."}
	TokenExpired  = Problem{401, "token-expired", "The token has expired", "Ask for a new token and send it again."}
	TokenNotOurs  = Problem{401, "token-not-ours", "The token is not for this service", "Ask our issuer for an access token, with the credentials of your software, and send it unchanged."}
	NotForYou     = Problem{403, "not-for-you", "This is not for you", "Your account or software may not do this. Whoever manages accounts at your organisation can change that."}
	NotFound      = Problem{404, "not-found", "There is nothing here", "Check the address. The service starts at /."}
	NoSuchForm    = Problem{404, "no-such-form", "No such form", "No form has this reference and birth date together. Check both."}
	NoReference   = Problem{404, "no-such-reference", "No such form", "No form has this reference. Check each character: it has 17 letters and digits."}
	NoPractice    = Problem{404, "no-such-practice", "No such practice", "No practice in England has this code. Search for its name, town or postcode."}
	NotOnYourList = Problem{404, "not-on-your-list", "This form is not on your list", "Check the reference. A form that has gone to another practice, or to the office, is not shown here any more."}
	NoneCollected = Problem{404, "none-collected", "There is nothing to take away", "None of the forms on this page is collected yet. Collect them first: only then is it known who has opened them."}
	NotHeld       = Problem{404, "not-held", "This form is not held", "Check the reference. What the mailroom has cleared up has gone on, and is not shown here any more."}
	NoSuchList    = Problem{404, "no-such-list", "There is no such list", "Check the address. A list of another practice is not shown, and an answer is kept for a month."}
	NoSuchBatch   = Problem{404, "no-such-batch", "There is no such batch", "Check the batch's reference: it has 17 letters and digits, and stands on its header sheet."}
	NoSuchFile    = Problem{404, "no-such-file", "There is no such file", "Check its id: it is said where the file is announced."}
	NoSuchPiece   = Problem{404, "no-such-piece", "There is no such piece", "Check the address, or look for the piece in its batch."}
	NoSuchPage    = Problem{404, "no-such-page", "There is no such page", "Check the address. The piece has no page of this number, or it could not be drawn: look at the paper."}
	NotYours      = Problem{409, "piece-not-yours", "You have not got this piece before you", "Take it first. If somebody else has it, take another one."}
	FilesNotNamed = Problem{422, "files-not-named", "No places can be made for these files", "Send a key, and for each of at most 40 files a name and a kind."}
	PlaceUsed     = Problem{409, "place-used", "A file was sent to this place before", "The file that came first counts. Ask for a new place, and send the other one there."}
	NotRead       = Problem{409, "list-not-read", "This list is not read, or not yet", "Ask how far it is: GET /api/practice/extract/{id}."}
	FileNotThere  = Problem{409, "file-not-there", "The file is not there", "Send it, with the form that was signed for it, and say it again."}
	FileOtherSize = Problem{409, "file-other-size", "Another file is there", "What has come has another size than you say. Announce the file again and send it to a place of its own."}
	FileThere     = Problem{409, "file-there", "The file is there already", "Nothing more is taken there. Ask how far it is: GET /api/mailroom/files/{id}."}
	ListTooLarge  = Problem{413, "list-too-large", "The list is too large to be sent like this", "At most 4 MB are taken here. Leave out the columns that are not needed, or send it from the page /practice/extract, up to 64 MB."}
	NotCSV        = Problem{415, "not-csv-type", "The list is not declared as CSV", "Send it with the header Content-Type: text/csv."}
	CollectFirst  = Problem{409, "collect-first", "This form is not collected yet", "Collect it first, in the name of the person who opens it: POST …/collect."}
	Claimed       = Problem{409, "claimed", "Somebody at the practice is at work on this form", "Nothing was changed. Send it again when they have let go of it."}
	NotAllowed    = Problem{405, "method-not-allowed", "This address does not take that method", "See /openapi.yaml for what it takes."}
	TooLarge      = Problem{413, "body-too-large", "The body is too large", "A form has at most 32 KiB. Leave out what it does not ask for."}
	WrongType     = Problem{415, "not-json-type", "The body is not declared as JSON", "Send it with the header Content-Type: application/json."}
	OtherAnswers  = Problem{422, "key-used-for-other-answers", "This key was used for other answers", "The form sent first under this key is registered and unchanged. To send another form use a new key."}
	KeyUsedBefore = Problem{422, "key-used-before", "This key was used before, for something else", "What was made under it stands, unchanged. Take a new key for something new."}
	CrossOrigin   = Problem{403, "cross-origin", "Sent from another site", "Open this service itself and send the form from there."}
	TooMany       = Problem{429, "too-many-requests", "Too many requests from your network", "Nothing was registered and nothing is lost. Send it again, with the same key, after the seconds that the header Retry-After says."}
	Broken        = Problem{500, "internal-error", "Something went wrong on our side", "If you were sending a form, send it again with the same key: it will be registered once."}
	NotNow        = Problem{503, "not-now", "We cannot take this at the moment", "Please send it again in a minute, with the same key: it will be registered once."}
	SignInNotNow  = Problem{503, "sign-in-not-now", "Signing in does not work at the moment", "Nothing was changed. Please try again in a minute."}
)

// refusals are the acts that the domain refuses as a form stands; its sentences say what to do.
var refusals = map[*optout.Refusal]Problem{
	optout.NotNow:        {409, "form-stands-elsewhere", "The form does not stand where this can be done", ""},
	optout.KeyUsed:       {409, "key-used-for-another-act", "This key was used before, for something else", ""},
	optout.Full:          {409, "history-full", "This form has no room for more", ""},
	optout.AskThePerson:  {409, "ask-the-person", "Ask the person first", ""},
	optout.NotEarlier:    {409, "not-an-earlier-form", "That is no earlier form of this person", ""},
	optout.TellFirst:     {409, "tell-first", "Tell the person first", ""},
	batch.Closed:         {409, "batch-closed", "The batch is closed", ""},
	batch.Crowded:        {409, "batch-full", "The batch is full", ""},
	batch.StillWaiting:   {409, "still-waiting", "Some pieces still wait", ""},
	batch.MoreDeclared:   {409, "envelopes-missing", "Some envelopes are missing", ""},
	batch.FewerDeclared:  {409, "envelopes-too-many", "There are more envelopes than were declared", ""},
	batch.DoesNotAddUp:   {409, "does-not-add-up", "The pieces do not add up", ""},
	batch.NothingInBatch: {409, "nothing-opened", "Nothing is on the books of this batch", ""},
}

// Refused is the problem of an act that the domain refuses.
func Refused(r *optout.Refusal) Problem {
	p, ok := refusals[r]
	if !ok {
		return NotForYou
	}
	p.Detail = r.Detail
	return p
}

// meanings maps the domain's errors to problems, the first that fits.
var meanings = []struct {
	err     error
	problem Problem
}{
	{optout.ErrOtherAnswers, OtherAnswers},
	{optout.ErrNotFound, NoSuchForm},
	{optout.ErrUnavailable, NotNow},
	{optout.ErrUnreadable, NotNow}, // a person is looking at it
	{optout.ErrConflict, NotNow},
}

// Of is the problem that an error means; Broken for one that nobody knows.
func Of(err error) Problem {
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			return m.problem
		}
	}
	return Broken
}

// Error answers with the problem that an error means.
func Error(ctx context.Context, w http.ResponseWriter, err error) {
	p := Of(err)
	if p.Status >= http.StatusInternalServerError {
		observe.Cause(ctx, err)
	}
	Write(ctx, w, p)
}

// Write answers with a problem and the faults behind it. A problem without faults lists itself, so that a client
// may always read errors.
func Write(ctx context.Context, w http.ResponseWriter, p Problem, faults ...optout.Fault) {
	if len(faults) == 0 {
		faults = []optout.Fault{{Pointer: "", Code: p.Code, Detail: p.Detail}}
	}
	observe.Note(ctx, "problem", p.Code)
	body, err := json.Marshal(struct {
		Type   string         `json:"type"`
		Title  string         `json:"title"`
		Status int            `json:"status"`
		Code   string         `json:"code"`
		Detail string         `json:"detail"`
		Errors []optout.Fault `json:"errors"`
	}{"urn:optout:problem:" + p.Code, p.Title, p.Status, p.Code, p.Detail, faults})
	if err != nil {
		panic("problems are plain data: " + err.Error())
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "30")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}
