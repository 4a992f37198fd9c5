// Package signin says who is there: staff, who sign in at an OpenID Connect issuer and get a session of ours, and
// machines, which bring a token of the same issuer. Which practice they act for comes from the issuer or from our
// table, never from a request; what they may do there is for the domain to say.
//
// A session is two things: a sealed cookie, which holds who it is and expires, and a row in the table, which ends it
// before that. Both must be there.
package signin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
)

// Audience is whom a door is for. Its pages begin at /<audience>.
type Audience string

// The audiences that sign in.
const (
	Practice Audience = "practice"
	Mailroom Audience = "mailroom"
	Office   Audience = "office"
)

func (a Audience) home() string { return "/" + string(a) }

// Door lets staff and machines in. It is safe for use from several goroutines.
//
// The door behind it routes GET /<audience>/signed-in to SignedIn, POST …/sign-out to SignOut and POST …/use to Use,
// shows the page of Bye at GET …/signed-out, and refuses POSTs of other sites.
type Door struct {
	For      Audience
	Address  string       // of this service, as browsers and the issuer know it: https://host
	Issuer   string       // its URL
	ClientID string       // ours, at the issuer
	HTTP     *http.Client // asks the issuer; with a time-out
	Seals    keyring.Keyring
	Sessions Sessions
	Clients  Clients // of a door for machines
	Now      func() time.Time

	// The pages around it, in the words of the door behind it.
	Refuse func(http.ResponseWriter, *http.Request, problem.Problem)
	Choose func(http.ResponseWriter, *http.Request, Session) // of several practices one, which is sent to Use as "practice"
	Bye    func(http.ResponseWriter, *http.Request)          // the person has signed out

	known atomic.Pointer[issuer]
}

// Session is a person who has signed in, as whom this door knows them. The actor's ID is the issuer's subject, its
// practice the one in use.
type Session struct {
	optout.Actor
	Name       string        // to show to the person, and to nobody else
	Practices  []nhs.ODSCode // all that the person may act for
	Supervisor bool          // they oversee what others at this door do, beside what they may do there themselves
}

// Staff serves those who have signed in and are of the door's audience; at a practice's door, with a practice in use.
// Others are sent to sign in and come back to where they were; what they were about to POST is refused.
func (d *Door) Staff(next func(http.ResponseWriter, *http.Request, Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := d.admit(w, r)
		r = within(r, s)
		switch {
		case !ok:
		case d.For == Practice && s.Practice.IsZero():
			d.Choose(w, r, s)
		default:
			next(w, r, s)
		}
	}
}

// Use puts one of the person's practices in use, in all tabs, and leads back to where they were, sent as "back".
func (d *Door) Use(w http.ResponseWriter, r *http.Request) {
	s, ok := d.admit(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	r = within(r, s)
	err := r.ParseForm()
	chosen := r.PostForm.Get("practice")
	if err == nil && chosen == "" { // that is asked again
		d.Choose(w, r, s)
		return
	}
	code, wrong := nhs.ParseODSCode(chosen)
	if err != nil || wrong != nil || !slices.Contains(s.Practices, code) {
		d.Refuse(w, r, problem.NotForYou)
		return
	}
	setCookie(w, practiceCookie, code.String())
	back := d.For.home()
	if at, err := url.Parse(r.PostForm.Get("back")); err == nil {
		back = d.back(at)
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// admit gives the session of a request, or answers it.
func (d *Door) admit(w http.ResponseWriter, r *http.Request) (Session, bool) {
	w.Header().Set("Cache-Control", "no-store")
	k, p := d.open(r)
	switch {
	case p.Code == "":
	case p.Status == http.StatusUnauthorized && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		d.begin(w, r)
		return Session{}, false
	default:
		d.Refuse(w, r, p)
		return Session{}, false
	}
	d.renew(w, k)
	groups := parseGroups(k.Groups)
	s := Session{Actor: optout.Actor{Role: groups.role(d.For), ID: k.Person}, Name: k.Name, Supervisor: groups.supervises()}
	if s.Role == "" {
		d.Refuse(w, within(r, s), problem.NotForYou)
		return Session{}, false
	}
	if d.For == Practice {
		s.Practices = groups.practices
		s.Practice = inUse(r, s.Practices)
	}
	return s, true
}

type sessionKey struct{}

func within(r *http.Request, s Session) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), sessionKey{}, s))
}

// Of is the session of a request that was let in, or would have been if this were for that person, so that whoever
// refuses it can show who is signed in; the zero Session where nobody is.
func Of(ctx context.Context) Session {
	s, _ := ctx.Value(sessionKey{}).(Session)
	return s
}

// inUse is the practice that was put in use, or the only one.
func inUse(r *http.Request, practices []nhs.ODSCode) nhs.ODSCode {
	if len(practices) == 1 {
		return practices[0]
	}
	if c, err := r.Cookie(practiceCookie); err == nil {
		if code, err := nhs.ParseODSCode(c.Value); err == nil && slices.Contains(practices, code) {
			return code
		}
	}
	return nhs.ODSCode{}
}
