package signin

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// Machine serves software of a practice, which sends an access token that the issuer gave to itself (client
// credentials). Which practice it is of says our table, by the token's client.
func (d *Door) Machine(next func(http.ResponseWriter, *http.Request, optout.Actor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		actor, p := d.machine(r)
		switch {
		case p.Code == "":
			next(w, r, actor)
			return
		case p == problem.SignInNeeded:
			w.Header().Set("WWW-Authenticate", "Bearer")
		case p.Status == http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		problem.Write(r.Context(), w, p)
	}
}

func (d *Door) machine(r *http.Request) (actor optout.Actor, p problem.Problem) {
	ctx := r.Context()
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return actor, problem.SignInNeeded
	}
	away := func(err error) (optout.Actor, problem.Problem) {
		observe.Cause(ctx, fmt.Errorf("token: %w", err))
		return optout.Actor{}, problem.SignInNotNow
	}
	i, err := d.ask(ctx)
	if err != nil {
		return away(err)
	}
	var claims struct {
		Client string `json:"client_id"`
		Use    string `json:"token_use"` // an id token is for us to read, and not to be let in with
	}
	_, err = d.verify(ctx, i.machines, raw, &claims)
	switch {
	case errors.Is(err, errAway):
		return away(err)
	case errors.Is(err, errExpired):
		return actor, problem.TokenExpired
	case err != nil || claims.Use != "access" || !subject.MatchString(claims.Client):
		return actor, problem.TokenNotOurs
	}
	if len(claims.Client) > optout.MostClient { // nobody could act in its name
		return actor, problem.NotForYou
	}
	practice, err := d.Clients.Client(ctx, claims.Client)
	switch {
	case errors.Is(err, optout.ErrNotFound):
		return actor, problem.NotForYou
	case err != nil:
		return away(err)
	}
	return optout.Actor{Role: optout.AtPractice, Practice: practice, ID: claims.Client}, problem.Problem{}
}
