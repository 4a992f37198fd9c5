package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

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
	a, err := d.access(ctx, i, raw)
	switch {
	case errors.Is(err, errAway):
		return away(err)
	case errors.Is(err, errExpired):
		return actor, problem.TokenExpired
	case err != nil:
		return actor, problem.TokenNotOurs
	}
	if len(a.client) > optout.MostClient { // nobody could act in its name
		return actor, problem.NotForYou
	}
	actor, err = d.Clients.Client(ctx, a.client)
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

// access is what a machine's token says, everything about which is right until then.
type access struct {
	client string
	until  time.Time
}

// rememberedFor is how long a token is let in after its signature was found to be right, even if its key is known by then to have
// been withdrawn.
const rememberedFor = 10 * time.Minute

// access reads a machine's token; errors as of verify. Software sends the same token with each request, for an hour or so: each
// process checks its signature once in ten minutes. Whether the token has expired is looked at each time, and whether its client is
// still let in is for our table to say.
func (d *Door) access(ctx context.Context, i *issuer, raw string) (access, error) {
	sum := sha256.Sum256([]byte(raw))
	if a, ok := i.seen.find(sum); ok && !a.until.Before(d.Now()) {
		return a, nil
	}
	var claims struct {
		Client string `json:"client_id"`
		Use    string `json:"token_use"` // an id token is for us to read, and not to be let in with
	}
	t, err := d.verify(ctx, i.machines, raw, &claims)
	if err == nil && (claims.Use != "access" || !subject.MatchString(claims.Client)) {
		err = errNotOurs
	}
	if err != nil {
		return access{}, err
	}
	a := access{claims.Client, d.Now().Add(rememberedFor)}
	if t.Expiry.Before(a.until) {
		a.until = t.Expiry
	}
	i.seen.keep(sum, a)
	return a, nil
}

// mostTokens is how many tokens a process remembers; some 100 KB.
const mostTokens = 1000

// tokens are those that were right, by their sums: what is remembered lets nobody in.
type tokens struct {
	mu sync.Mutex
	by map[[sha256.Size]byte]access
}

func (t *tokens) find(sum [sha256.Size]byte) (access, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.by[sum]
	return a, ok
}

// keep forgets all others when there are too many: each costs one more check.
func (t *tokens) keep(sum [sha256.Size]byte, a access) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil || len(t.by) >= mostTokens {
		t.by = map[[sha256.Size]byte]access{}
	}
	t.by[sum] = a
}
