package signin

import (
	"fmt"
	"net/http"
	"net/url"

	"example.org/optout/functions/internal/observe"
)

// SignOut ends the session here, and then at the issuer. The browser is led there by a header and not by a redirect,
// which our own policy of where forms may lead would stop.
func (d *Door) SignOut(w http.ResponseWriter, r *http.Request) {
	var k kept
	if c, err := r.Cookie(sessionCookie); err == nil && d.unseal("session", c.Value, &k) == nil {
		if err := d.Sessions.EndSession(r.Context(), k.Person, k.ID); err != nil { // nobody has the cookie any more
			observe.Cause(r.Context(), fmt.Errorf("end session: %w", err))
		}
	}
	dropCookie(w, sessionCookie)
	dropCookie(w, practiceCookie)
	w.Header().Set("Cache-Control", "no-store")
	if there := d.leaving(r); there != "" {
		w.Header().Set("Refresh", "0; url="+there)
	}
	d.Bye(w, r)
}

// leaving is where one signs out at the issuer and is sent back to us; "" if that is not to be had.
func (d *Door) leaving(r *http.Request) string {
	i, err := d.ask(r.Context())
	if err != nil {
		observe.Cause(r.Context(), fmt.Errorf("sign out: %w", err))
		return ""
	}
	u, err := url.Parse(i.leave)
	if err != nil || i.leave == "" {
		return ""
	}
	back := d.Address + d.For.home() + "/signed-out"
	q := u.Query()
	q.Set("client_id", d.ClientID)
	q.Set("post_logout_redirect_uri", back) // OpenID Connect
	q.Set("logout_uri", back)               // Cognito
	u.RawQuery = q.Encode()
	return u.String()
}
