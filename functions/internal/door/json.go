package door

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// ReadJSON reads a JSON body within its limit into v, to the letter (problem.Decode).
func ReadJSON(r *http.Request, v any) (problem.Problem, []optout.Fault) {
	if t := r.Header.Get("Content-Type"); t != "" {
		if media, _, err := mime.ParseMediaType(t); err != nil || media != "application/json" {
			return problem.WrongType, nil
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MostBytes))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return problem.TooLarge, nil
	}
	if err != nil {
		return problem.NotJSON, nil
	}
	return problem.Decode(body, v)
}

// WriteJSON answers with plain data of ours.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("answers of ours are plain data: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
