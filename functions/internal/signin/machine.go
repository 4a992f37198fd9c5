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

// Machine serves software of the door's audience, which sends an access token that the issuer gave to itself (client
// credentials). Whose it is, and of which practice, says our table, by the token's client; at another audience's door
// it is let in as little as one that nobody has entered.
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
	actor, err = d.Clients.Client(ctx, claims.Client)
	switch {
	case errors.Is(err, optout.ErrNotFound):
		return optout.Actor{}, problem.NotForYou
	case err != nil:
		return away(err)
	case actor.Role != d.For.machines():
		return optout.Actor{}, problem.NotForYou
	}
	return actor, problem.Problem{}
}

// machines is as whom the machines of an audience act; no machine acts as "".
func (a Audience) machines() optout.Role {
	switch a {
	case Practice:
		return optout.AtPractice
	case Mailroom:
		return optout.Desk
	}
	return ""
}
