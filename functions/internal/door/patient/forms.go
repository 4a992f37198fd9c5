package patient

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// mostBytes is how large a body may be (fixed point: 32 KiB).
const mostBytes = 32 << 10

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
	refusal, faults := decodeBody(r, &answers)
	origin := optout.Origin{Door: optout.Online, Client: "anonymous", Key: key}
	if refusal == problem.WrongType { // it says nothing about the answers
		problem.Write(ctx, w, refusal)
		return
	}
	if refusal.Code != "" {
		d.refuse(w, r, origin, nil, refusal, faults)
		return
	}
	facts, faults := optout.Rules{Today: d.today(), TestNumbers: d.TestNumbers, Practices: d.Practices}.Accept(answers)
	if len(faults) > 0 {
		d.refuse(w, r, origin, &answers, problem.WrongAnswers, faults)
		return
	}
	receipt, err := d.Registrar.Register(ctx, origin, answers, facts)
	if err != nil {
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

// registered is the answer to the first request and, to the byte, to every repeat.
func registered(w http.ResponseWriter, r *http.Request, receipt optout.Receipt) {
	metric := "FormsRegistered"
	if receipt.Replayed {
		metric = "FormsReplayed"
		w.Header().Set("Idempotency-Replayed", "true")
	}
	observe.Count(r.Context(), metric, 1)
	observe.Note(r.Context(), "reference", receipt.Reference.String())
	answer(w, http.StatusCreated, struct {
		Reference string `json:"reference"`
		Received  string `json:"received"`
		Status    string `json:"status"`
	}{receipt.Reference.String(), receipt.Received.UTC().Format(time.RFC3339), optout.StepReceived})
}

// decodeBody reads a JSON body within its limit.
func decodeBody(r *http.Request, v any) (problem.Problem, []optout.Fault) {
	if t := r.Header.Get("Content-Type"); t != "" {
		if media, _, err := mime.ParseMediaType(t); err != nil || media != "application/json" {
			return problem.WrongType, nil
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, mostBytes))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return problem.TooLarge, nil
	}
	if err != nil {
		return problem.NotJSON, nil
	}
	return problem.Decode(body, v)
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("answers of ours are plain data: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
