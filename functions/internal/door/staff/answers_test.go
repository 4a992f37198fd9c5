package staff_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// A page that is filled in with answers gives the same answers when it is sent as it is.
func TestAnswersAreReadAsTheyWereFilledIn(t *testing.T) {
	t.Parallel()
	plain := optouttest.Dissent()
	plain.SignedOn, plain.Subject.Title = "2026-11-20", "" // no page asks for a title
	for name, change := range map[string]func(*optout.Answers){
		"as a person says no": func(*optout.Answers) {},
		"one name, no address, no reply": func(a *optout.Answers) {
			a.Subject.OneName, a.Subject.Forenames, a.Subject.NoAddress, a.Subject.Address, a.Subject.Postcode = true, "", true, nil, ""
			a.Reply = &optout.Reply{Safe: []string{}}
		},
		"an address of one line, and no number": func(a *optout.Answers) {
			a.Subject.Address, a.Subject.NHSNumber, a.SignedOn = []string{"1 Lawson Street"}, "", ""
		},
		"an address of three lines": func(a *optout.Answers) { a.Subject.Address = []string{"Flat 2", "1 Lawson Street", "Stockton"} },
		"a proxy":                   func(a *optout.Answers) { a.Proxy = &optout.Proxy{Name: "Robin Quill", Capacity: "deputy"} },
		"an earlier form taken back": func(a *optout.Answers) {
			a.Kind, a.Choice, a.About = "withdrawal", "", "S61V-NQ1Z-SZ7H-16J5-N"
		},
	} {
		a := plain
		change(&a)
		got, faults := staff.AnswersIn(staff.AnswersFilled(a))
		a.Practice, a.NotRegistered = "", false // which is for the door to read
		if len(faults) > 0 || !reflect.DeepEqual(got, a) {
			said, _ := json.Marshal(got)
			want, _ := json.Marshal(a)
			t.Errorf("%s: %v\n got %s\nwant %s", name, faults, said, want)
		}
	}
}
