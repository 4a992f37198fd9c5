package patient

import (
	"net/http"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// begin begins a journey: POST /form. It may be about an earlier form, whose reference and birth date were given
// when its status was asked for.
func (d Door) begin(w http.ResponseWriter, r *http.Request) {
	f, refused, code := door.ReadForm(r)
	if code != "" {
		d.help(w, r, refused, code)
		return
	}
	j := d.newJourney(d.asked(r))
	status := shape{language: j.Language}.To("/status")
	if about := f.Get("about"); about != "" {
		ref, err := optout.ParseReference(about)
		iso, wrong := d.date(j.Language, f)
		if err != nil || wrong != "" {
			redirect(w, status)
			return
		}
		if _, err := nhs.ParseBirthDate(iso, d.today()); err != nil {
			redirect(w, status)
			return
		}
		j.About, j.Answers.Subject.BirthDate = ref.String(), iso
		j.answered("birth-date")
		if f.Get("kind") == "not-me" {
			j.Answers.Kind, j.Answers.About = "not-me", j.About
		}
	}
	if err := d.keep(w, r, j); err != nil {
		d.broken(w, r, err)
		return
	}
	redirect(w, j.at(d.next(j)))
}
