package practice

import (
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/upload"
)

// mostSent is how large a list may be that software sends in a request: what Lambda takes (6 MB), with room for base 64.
// A larger one goes by the page, straight into the bucket.
const mostSent = 4 << 20

// listState is how far a list is, for software: nothing personal.
type listState struct {
	ID      string         `json:"id"`
	State   string         `json:"state"`
	Run     string         `json:"run"`
	Sent    string         `json:"sent"`
	Rows    int            `json:"rows,omitempty"`
	Used    map[string]int `json:"used,omitempty"`
	Faults  map[string]int `json:"faults,omitempty"`
	Forms   map[string]int `json:"forms,omitempty"`
	InDoubt []string       `json:"inDoubt,omitempty"`
	SHA256  string         `json:"sha256,omitempty"`
	Refusal *refusal       `json:"refusal,omitempty"`
	Answer  string         `json:"answer,omitempty"`
}

type refusal struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func stateOf(u upload.Slot, now time.Time) listState {
	l := listState{
		ID: u.ID, State: string(u.State), Run: u.Run.Format(time.RFC3339), Sent: u.Promised.Format(time.RFC3339),
		Rows: u.Answer.Rows, Used: u.Answer.Used, Faults: u.Answer.Faults, Forms: u.Answer.Forms, SHA256: hex.EncodeToString(u.SHA256),
	}
	for _, ref := range u.Answer.Doubt {
		l.InDoubt = append(l.InDoubt, ref.String())
	}
	if u.Refusal.Code != "" {
		l.Refusal = &refusal{u.Refusal.Code, u.Refusal.Detail}
	}
	if u.HasAnswer(now) {
		l.Answer = "/api/practice/extract/" + u.ID + "/answer.csv"
	}
	return l
}

// takeList takes a list that software sends: POST /api/practice/extract?run=…. The slot is there before the file is.
func (d *Door) takeList(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	ctx, q := r.Context(), r.URL.Query()
	wrong := func(f optout.Fault) { problem.Write(ctx, w, problem.WrongAnswers, f) }
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); !slices.Contains([]string{"text/csv", "text/plain", "application/octet-stream"}, media) {
		problem.Write(ctx, w, problem.NotCSV)
		return
	}
	run, err := time.Parse(time.RFC3339, q.Get("run"))
	switch why := runWrong(run, d.Now()); {
	case err != nil:
		wrong(optout.Fault{Pointer: "/run", Code: "not-a-time", Detail: "Say when the list was run, with its zone, like 2026-11-30T08:15:00Z."})
		return
	case why == upload.RunInFuture:
		wrong(optout.Fault{Pointer: "/run", Code: "run-in-future", Detail: why.Detail})
		return
	case why == upload.RunLongAgo:
		wrong(optout.Fault{Pointer: "/run", Code: "run-long-ago", Detail: why.Detail})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, mostSent))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		problem.Write(ctx, w, problem.ListTooLarge)
		return
	} else if err != nil {
		wrong(optout.Fault{Code: "not-whole", Detail: "The list did not come whole. Send it again."})
		return
	}
	u, err := d.Store.SaveUpload(ctx, upload.New(a, run, q.Get("sure") == "yes", d.Now()))
	if err == nil {
		err = d.Files.Put(ctx, u.Key(), "text/csv", body)
	}
	if err == nil {
		u, err = d.Store.SaveUpload(ctx, u.Arrived(d.Now()))
	}
	if err != nil {
		problem.Error(ctx, w, err)
		return
	}
	w.Header().Set("Location", "/api/practice/extract/"+u.ID)
	door.WriteJSON(w, http.StatusAccepted, stateOf(u, d.Now()))
}

// stateForSoftware says how far a list is: GET /api/practice/extract/{id}.
func (d *Door) stateForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	if u, ok := d.slotForSoftware(w, r, a); ok {
		door.WriteJSON(w, http.StatusOK, stateOf(u, d.Now()))
	}
}

// answerForSoftware leads to what the list said of every row and form: GET /api/practice/extract/{id}/answer.csv.
func (d *Door) answerForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) {
	u, ok := d.slotForSoftware(w, r, a)
	switch {
	case !ok:
	case u.State == upload.Read && !u.HasAnswer(d.Now()):
		problem.Write(r.Context(), w, problem.NoSuchList)
	case u.State != upload.Read:
		problem.Write(r.Context(), w, problem.NotRead)
	default:
		to, err := d.Files.Link(r.Context(), u.AnswerKey(), "answer.csv")
		if err != nil {
			problem.Error(r.Context(), w, err)
			return
		}
		staff.See(w, to)
	}
}

func (d *Door) slotForSoftware(w http.ResponseWriter, r *http.Request, a optout.Actor) (upload.Slot, bool) {
	u, err := d.slot(r.Context(), r.PathValue("id"), a.Practice)
	switch {
	case errors.Is(err, optout.ErrNotFound):
		problem.Write(r.Context(), w, problem.NoSuchList)
	case err != nil:
		problem.Error(r.Context(), w, err)
	}
	return u, err == nil
}
