package patient

import (
	"net/http"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// status shows the public steps of a form to whoever has its reference and knows the birth date:
// POST /api/status. A wrong pair and an unknown reference are answered alike, after the same work.
func (d Door) status(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var asked struct {
		Reference string `json:"reference"`
		BirthDate string `json:"birthDate"`
	}
	if p, faults := decodeBody(r, &asked); p.Code != "" {
		problem.Write(ctx, w, p, faults...)
		return
	}
	ref, err := optout.ParseReference(asked.Reference)
	var faults []optout.Fault
	if err != nil {
		faults = append(faults, optout.FaultAt("/reference", err))
	}
	birth, err := nhs.ParseDate(asked.BirthDate)
	if err != nil {
		faults = append(faults, optout.FaultAt("/birthDate", err))
	}
	if len(faults) > 0 {
		problem.Write(ctx, w, problem.WrongAnswers, faults...)
		return
	}
	steps, err := optout.StepsOf(ctx, d.Registrar.Store, ref, birth)
	if err != nil {
		problem.Error(ctx, w, err)
		return
	}
	type step struct {
		Step string `json:"step"`
		At   string `json:"at"`
	}
	shown := make([]step, len(steps))
	for i, s := range steps {
		shown[i] = step{s.Step, s.At.UTC().Format(time.RFC3339)}
	}
	answer(w, http.StatusOK, map[string][]step{"steps": shown})
}
