package patient

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/quota"
)

// uuid is RFC 9562's text form; idempotency keys of other shapes are refused, since people reuse short ones.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// register takes answers, judges them and registers the form: POST /api/forms. A key that was answered before gets
// its first answer, whatever the rules say today.
func (d Door) register(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	key := strings.ToLower(strings.TrimSpace(r.Header.Get("Idempotency-Key")))
	switch {
	case key == "":
		problem.Write(ctx, w, problem.KeyMissing)
		return
	case !uuid.MatchString(key):
		problem.Write(ctx, w, problem.KeyNotUUID)
		return
	}
	var answers optout.Answers
	refusal, faults := door.ReadJSON(r, &answers)
	origin := optout.Origin{Door: optout.Online, Client: "anonymous", Key: key}
	if refusal == problem.WrongType { // it says nothing about the answers
		problem.Write(ctx, w, refusal)
		return
	}
	if refusal.Code != "" {
		d.refuse(w, r, origin, nil, refusal, faults)
		return
	}
	facts, faults := d.rules().Accept(answers)
	if len(faults) > 0 {
		d.refuse(w, r, origin, &answers, problem.WrongAnswers, faults)
		return
	}
	receipt, again, err := d.within(r, origin, answers, facts)
	switch {
	case errors.Is(err, errTooMany):
		d.comeAgain(w, again)
		problem.Write(ctx, w, problem.TooMany)
		return
	case err != nil:
		problem.Error(ctx, w, err)
		return
	}
	registered(w, r, receipt)
}

// refuse answers with a refusal, unless the key was answered before.
func (d Door) refuse(w http.ResponseWriter, r *http.Request, o optout.Origin, a *optout.Answers, p problem.Problem, faults []optout.Fault) {
	receipt, err := d.Registrar.Replay(r.Context(), o, a)
	switch {
	case err == nil:
		registered(w, r, receipt)
	case errors.Is(err, optout.ErrNotFound):
		observe.Count(r.Context(), "FormsRefused", 1)
		problem.Write(r.Context(), w, p, faults...)
	default:
		problem.Error(r.Context(), w, err)
	}
}

// errTooMany means that so much came from one network that it has to wait.
var errTooMany = errors.New("too many")

// within registers a form unless its network has sent too many, and says when to come again then. What was sent before
// is not counted, and gets its answer all the same.
func (d Door) within(r *http.Request, o optout.Origin, a optout.Answers, facts optout.Facts) (optout.Receipt, time.Time, error) {
	network := quota.Network(r.RemoteAddr)
	if full, again := d.Gate.Full(r.Context(), d.Sends, network); full {
		receipt, err := d.Registrar.Replay(r.Context(), o, &a)
		if errors.Is(err, optout.ErrNotFound) {
			err = errTooMany
		}
		return receipt, again, err
	}
	receipt, err := d.Registrar.Register(r.Context(), o, a, facts)
	if err == nil && !receipt.Replayed {
		d.Gate.Take(r.Context(), d.Sends, network)
	}
	return receipt, time.Time{}, err
}

// comeAgain says when to.
func (d Door) comeAgain(w http.ResponseWriter, again time.Time) {
	w.Header().Set("Retry-After", strconv.Itoa(int(again.Sub(d.Now()).Seconds())+1))
}

// registered is the answer to the first request and, to the byte, to every repeat.
func registered(w http.ResponseWriter, r *http.Request, receipt optout.Receipt) {
	if receipt.Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	note(r, receipt)
	door.WriteJSON(w, http.StatusCreated, struct {
		Reference string `json:"reference"`
		Received  string `json:"received"`
		Status    string `json:"status"`
	}{receipt.Reference.String(), receipt.Received.UTC().Format(time.RFC3339), optout.StepReceived})
}

// note writes down that a form was registered, or had been.
func note(r *http.Request, receipt optout.Receipt) {
	metric := "FormsRegistered"
	if receipt.Replayed {
		metric = "FormsReplayed"
	}
	observe.Count(r.Context(), metric, 1)
	observe.Note(r.Context(), "reference", receipt.Reference.String())
}
