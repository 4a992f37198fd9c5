package practice

import (
	"net/http"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// entry is where staff at the counter register a form that somebody brings, or what somebody says.
func (d *Door) entry() staff.Entry {
	return staff.Entry{
		House: d.house, Registrar: optout.Registrar{Store: d.Store, Keys: d.Keys, Now: d.Now}, Seals: d.Keys, Looks: d.Store,
		Rules: func() optout.Rules {
			return optout.Rules{Today: d.today(), TestNumbers: d.TestNumbers, Staff: true} // the practice is the one in use, which the directory may not have yet
		},
		Door: optout.Counter, At: "/practice/counter", Part: "/practice/counter", Title: "Register a form or a spoken request", Now: d.Now,
		Intro: staff.Paragraphs("For a form that somebody hands in, or a person who says at the counter or on the telephone what they want. Nothing more is needed than that they say so: never ask an adult for identity documents. On the next page you read it back to them."),
		Then:  "It is on your practice's list within a minute or two, like every other form. Collect it there and apply it. If there is paper, its scan can be attached there, too.",
	}
}

// counter shows the page to fill in: GET /practice/counter.
func (d *Door) counter(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.entry().Blank(w, r, s)
}

// fillCounter shows what is read back to the person, or what is wrong: POST /practice/counter.
func (d *Door) fillCounter(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.entry().Fill(w, r, s)
}

// confirmCounter registers it: POST /practice/counter/confirm.
func (d *Door) confirmCounter(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.entry().Confirm(w, r, s)
}

// registeredAtCounter shows the reference: GET /practice/counter/registered.
func (d *Door) registeredAtCounter(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.entry().Registered(w, r, s)
}
