package office

import (
	"net/http"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// call is where the office registers what somebody says on the telephone.
func (d *Door) call() staff.Entry {
	return staff.Entry{
		House: d.house, Registrar: optout.Registrar{Store: d.Store, Keys: d.Keys, Now: d.Now}, Seals: d.Keys, Looks: d.Store,
		Rules: func() optout.Rules {
			return optout.Rules{Today: d.today(), TestNumbers: d.TestNumbers, Staff: true, Practices: d.Practices}
		},
		Door: optout.Phone, At: "/office/phone", Part: "/office/phone", Title: "Register a request by telephone", Now: d.Now,
		Then: "If a practice was named, it is on that practice's list within a minute or two. If none was, or it has closed, it comes to the office's own list.",
		Intro: staff.Paragraphs("For a person who says on the telephone what they want. Nothing more is needed than that they say so: never ask an adult for identity documents. On the next page you read it back to them.") +
			`<p><a href="/office/practices" target="_blank" rel="noopener">Look up the code of a practice (opens in a new tab)</a></p>`,
	}
}

// phone shows the page to fill in: GET /office/phone.
func (d *Door) phone(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.call().Blank(w, r, s)
}

// fillPhone shows what is read back to the person, or what is wrong: POST /office/phone.
func (d *Door) fillPhone(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.call().Fill(w, r, s)
}

// confirmPhone registers it: POST /office/phone/confirm.
func (d *Door) confirmPhone(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.call().Confirm(w, r, s)
}

// registeredByPhone shows the reference: GET /office/phone/registered.
func (d *Door) registeredByPhone(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.call().Registered(w, r, s)
}
