package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What can be wrong with a token, or with asking for one.
var (
	errAway    = errors.New("the issuer cannot be reached now")
	errExpired = errors.New("the token has expired")
	errNotOurs = errors.New("the token is not the issuer's, not for us, or altered")
)

// issuer is what the issuer says of itself.
type issuer struct {
	oauth            oauth2.Config
	people, machines *oidc.IDTokenVerifier
	leave            string // where one signs out there, if one can
	seen             tokens // of machines
}

// ask gives the issuer, which is asked once: what it says of itself does not change, and its keys are asked for anew
// when a token is signed by one that is not known yet.
func (d *Door) ask(ctx context.Context) (*issuer, error) {
	if known := d.known.Load(); known != nil {
		return known, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, d.HTTP), d.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	var more struct {
		Leave string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // we have no secret; trying both ways would spend the code on the first
	i := &issuer{
		oauth: oauth2.Config{
			ClientID: d.ClientID, Endpoint: endpoint, RedirectURL: d.Address + d.For.home() + "/signed-in",
			Scopes: []string{oidc.ScopeOpenID, "profile"},
		},
		people: p.Verifier(&oidc.Config{ClientID: d.ClientID, SupportedSigningAlgs: []string{oidc.RS256}, Now: d.Now}),
		// Access tokens of Cognito have no audience; whose they are says client_id.
		machines: p.Verifier(&oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: []string{oidc.RS256}, Now: d.Now}),
		leave:    more.Leave,
	}
	d.known.Store(i)
	return i, nil
}

// verify reads a token's claims, once everything about it is right: errAway, errExpired, errNotOurs. The library's own
// words are not handed on, since they quote what stands in a token of anybody's making.
func (d *Door) verify(ctx context.Context, v *oidc.IDTokenVerifier, raw string, claims any) (*oidc.IDToken, error) {
	t, err := v.Verify(oidc.ClientContext(ctx, d.HTTP), raw)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return nil, errExpired
	case err != nil && strings.HasPrefix(err.Error(), "failed to verify signature: fetching keys"): // it has no type
		return nil, fmt.Errorf("%w: no keys", errAway)
	case err != nil || t.Claims(claims) != nil:
		return nil, errNotOurs
	}
	return t, nil
}
