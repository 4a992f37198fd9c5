package mailroom

import (
	"net/http"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/signin"
)

// home shows what is going on: GET /mailroom.
func (d *Door) home(w http.ResponseWriter, r *http.Request, s signin.Session) {
	d.house.Show(w, s, staff.Page{Name: "home", Title: "What is going on in the mailroom", Part: "/mailroom", Wide: true})
}
