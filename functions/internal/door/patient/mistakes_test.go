package patient_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/directory"
	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/quota"
)

// A browser that fills in everything costs its person a click, and no more.
func TestWhoeverFallsIntoTheTrapNeedsOneMoreClick(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "check")
	h.Move(time.Minute)
	if b.fill("website", "https://example.com"); b.on() != "check" || b.status != 422 {
		t.Fatalf("%s %d", b.address, b.status)
	}
	if found := find(b.page, func(n *html.Node) bool { return attr(n, "name") == "website" }); found != nil {
		t.Fatal("the trap is still there")
	}
	if b.fill(); b.on() != "sent" {
		t.Errorf("%s %d", b.address, b.status)
	}
}

// What takes an earlier form back says which, and stays with the birth date that showed whose it is.
func TestAWithdrawalNamesItsForm(t *testing.T) {
	t.Parallel()
	for _, button := range []string{"I did not ask for this", "I have changed my mind"} {
		t.Run(button, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b, earlier := h.about(t, button)
			a := everything()
			a["choice"] = []string{"choice", "withdrawal"}
			b.walk(a, "check")
			rows := b.rows()
			if !strings.Contains(rows["about"], earlier.String()) || !strings.Contains(rows["about"], "31 March 1957") || rows["birth-date"] != "" {
				t.Errorf("shown: %q", rows)
			}
			if b.get("/form/" + b.journey() + "/birth-date"); b.on() != "check" {
				t.Errorf("the birth date can be changed: %s", b.address)
			}
			b.post("/form/"+b.journey()+"/birth-date", pairs("day", "1", "month", "1", "year", "1990"))
			h.Move(time.Minute)
			b.get("/form/" + b.journey() + "/check")
			b.fill()
			if f := h.form(t, b).Facts; f.BirthDate.ISO() != "1957-03-31" || f.About != earlier {
				t.Errorf("sent: %s about %s", f.BirthDate.ISO(), f.About)
			}
		})
	}
}

// An interruption that leads to another answer of who fills the form in is about the person who was named already.
func TestNobodyIsAskedTwiceForThePersonNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.strict(t)
	b.begin()
	a := everything()
	a["birth-date"] = []string{"day", "1", "month", "2", "year", "2019"}
	b.walk(a, "sure-young")
	b.post("/form/"+b.journey()+"/who", pairs("who", "child"))
	asked := map[string]bool{}
	for b.on() != "nhs-number" {
		asked[b.on()] = true
		b.fill(a[b.on()]...)
	}
	if !maps.Equal(asked, map[string]bool{"capacity": true, "declaration": true}) {
		t.Errorf("asked: %v", asked)
	}
}

func TestAnAddressSentAgainAsksNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.strict(t)
	b.begin()
	a := everything()
	a["address"] = []string{"no-address", "yes"}
	a["reply"] = []string{"safe", "email", "email", "zoe@example.com"}
	b.walk(a, "check")
	if b.post("/form/"+b.journey()+"/address", pairs("no-address", "yes")); b.on() != "check" {
		t.Errorf("asked: %s", b.address)
	}
}

// What is wrong with a part of a date is marked and linked there.
func TestAFaultOfADateLeadsToItsPart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.standingOn(t, "birth-date")
	for part, date := range map[string][]string{
		"day": {"", "3", "1957"}, "month": {"31", "", "1957"}, "year": {"31", "3", "57"},
	} {
		b.fill("day", date[0], "month", date[1], "year", date[2])
		link := find(find(b.page, classed("nhsuk-error-summary")), named("a"))
		var marked []string
		for _, n := range all(b.page, classed("nhsuk-input--error")) {
			marked = append(marked, attr(n, "name"))
		}
		if attr(link, "href") != "#birth-date-"+part || strings.Join(marked, " ") != part {
			t.Errorf("%s: leads to %s, marks %v", part, attr(link, "href"), marked)
		}
	}
}

// Whoever sends one form again and again uses up nothing of what others of the same network may send.
func TestAFormThatIsSentAgainIsNotCounted(t *testing.T) {
	t.Parallel()
	h := newHouseWith(t, func(d *patient.Door) { d.Sends = quota.Limit{Name: "forms", Most: 2, Per: 10 * time.Minute} })
	b := h.standingOn(t, "check")
	h.Move(time.Minute)
	before := maps.Clone(b.cookies)
	for range 4 {
		b.cookies = maps.Clone(before)
		b.address = "/form/" + b.journey() + "/check"
		if b.fill(); b.on() != "sent" {
			t.Fatalf("%s %d", b.address, b.status)
		}
	}
	other := h.standingOn(t, "check")
	h.Move(time.Minute)
	if other.fill(); other.on() != "sent" {
		t.Errorf("%s %d", other.address, other.status)
	}
}

// A process that has not read a new key yet leaves alone what was sealed with it.
func TestAKeyThatIsNotReadYetLosesNoJourney(t *testing.T) {
	t.Parallel()
	newer, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz","seals":[{"id":"b","key":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	b := newHouseWith(t, func(d *patient.Door) { d.Seals = newer }).standingOn(t, "check")
	old := newHouse(t).strict(t)
	old.cookies = maps.Clone(b.cookies)
	old.begin()
	b.cookies = old.cookies
	if b.get(b.address); b.on() != "check" || b.status != 200 {
		t.Errorf("%s %d", b.address, b.status)
	}
}

// shrinking is a directory from which a practice can go.
type shrinking struct {
	directory.Shipped
	gone *bool
}

func (s shrinking) Known(code nhs.ODSCode) bool { return !*s.gone && s.Shipped.Known(code) }

// A key that was answered is looked up before faults are, at the pages as at the API; a new one is asked again.
func TestAFormThatWouldNotBeTakenTodayWasSentAllTheSame(t *testing.T) {
	t.Parallel()
	gone := false
	h := newHouseWith(t, func(d *patient.Door) { d.Practices = shrinking{gone: &gone} })
	sent, open := h.standingOn(t, "check"), h.standingOn(t, "check")
	h.Move(time.Minute)
	before, address := maps.Clone(sent.cookies), sent.address
	sent.fill()
	reference := sent.byID("reference")
	gone = true
	sent.cookies, sent.address = before, address
	if sent.fill(); sent.on() != "sent" || sent.byID("reference") != reference || reference == "" {
		t.Errorf("sent again: %s %d", sent.address, sent.status)
	}
	if open.fill(); open.on() != "practice" {
		t.Errorf("sent for the first time: %s %d", open.address, open.status)
	}
}
