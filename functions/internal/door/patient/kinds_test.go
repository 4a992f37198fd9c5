package patient_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"example.org/optout/functions/internal/door/patient"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/quota"
)

// read is a value that cannot be wrong; these tests have only such as can be read.
func read[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func called(s string) nhs.Name     { return read(nhs.ParseName(s)) }
func dated(s string) nhs.Date      { return read(nhs.ParseDate(s)) }
func coded(s string) nhs.ODSCode   { return read(nhs.ParseODSCode(s)) }
func posted(s string) nhs.Postcode { return read(nhs.ParsePostcode(s, false)) }
func numbered(s string) nhs.Number { return read(nhs.ParseNumber(s, true)) }

// Whatever is said on the pages is what is registered, field by field and nothing else.
func TestWhatIsSaidIsWhatIsRegistered(t *testing.T) {
	t.Parallel()
	adult := optout.Facts{
		Kind: "choice", Choice: "dissent", Surname: called("O’Brien-Ng"), Forenames: called("Zoë"), BirthDate: dated("1957-03-31"),
		NHSNumber: numbered("9434765919"), Address: []string{"1 High Street", "Stockton"}, Postcode: posted("TS18 1HU"), Practice: coded("A81001"),
		Reply: &optout.Reply{Safe: []string{"email"}, Email: "zoe@example.com"},
	}
	proxy := func(name, capacity string) func(*optout.Facts) {
		return func(f *optout.Facts) { f.ProxyName, f.ProxyCapacity = called(name), capacity }
	}
	child := []string{"day", "31", "month", "3", "year", "2019"}
	for name, c := range map[string]struct {
		button  string // of an earlier form's status, if it comes from there
		answers map[string][]string
		facts   func(*optout.Facts)
	}{
		"no record":           {"", nil, func(*optout.Facts) {}},
		"core":                {"", map[string][]string{"choice": {"choice", "core"}}, func(f *optout.Facts) { f.Choice = "core" }},
		"core and additional": {"", map[string][]string{"choice": {"choice", "core-and-additional"}}, func(f *optout.Facts) { f.Choice = "core-and-additional" }},
		"a parent":            {"", map[string][]string{"who": {"who", "child"}, "birth-date": child}, func(f *optout.Facts) { f.BirthDate = dated("2019-03-31"); proxy("Maria O’Brien", "parent")(f) }},
		"a local authority": {"", map[string][]string{"who": {"who", "child"}, "capacity": {"capacity", "local-authority"}, "birth-date": child}, func(f *optout.Facts) {
			f.BirthDate = dated("2019-03-31")
			proxy("Maria O’Brien", "local-authority")(f)
		}},
		"a child alone":           {"", map[string][]string{"birth-date": child}, func(f *optout.Facts) { f.BirthDate = dated("2019-03-31") }},
		"an attorney":             {"", map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "attorney-health-welfare"}}, proxy("Maria O’Brien", "attorney-health-welfare")},
		"a deputy":                {"", map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "deputy"}}, proxy("Maria O’Brien", "deputy")},
		"best interests":          {"", map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "best-interests"}, "declaration": {"proxy-name", "李", "declared", "yes"}}, proxy("李", "best-interests")},
		"one name":                {"", map[string][]string{"name": {"surname", "Suharti", "one-name", "yes"}}, func(f *optout.Facts) { f.Surname, f.Forenames, f.OneName = called("Suharti"), nhs.Name{}, true }},
		"one name, as a forename": {"", map[string][]string{"name": {"forenames", "Suharti", "one-name", "yes"}}, func(f *optout.Facts) { f.Surname, f.Forenames, f.OneName = called("Suharti"), nhs.Name{}, true }},
		"another script":          {"", map[string][]string{"name": {"forenames", " محمد ", "surname", "খান"}}, func(f *optout.Facts) { f.Surname, f.Forenames = called("খান"), called("محمد") }},
		"a name in parts":         {"", map[string][]string{"name": {"forenames", "Zoe\u0308", "surname", "van  der\u00a0Berg"}}, func(f *optout.Facts) { f.Surname, f.Forenames = called("van der Berg"), called("Zoë") }},
		"29 February":             {"", map[string][]string{"birth-date": {"day", "٢٩", "month", "Feb", "year", "1956"}}, func(f *optout.Facts) { f.BirthDate = dated("1956-02-29") }},
		"very old":                {"", map[string][]string{"birth-date": {"day", "22", "month", "11", "year", "1896"}}, func(f *optout.Facts) { f.BirthDate = dated("1896-11-22") }},
		"no number":               {"", map[string][]string{"nhs-number": {"known", "no"}}, func(f *optout.Facts) { f.NHSNumber = nhs.Number{} }},
		"a number in Urdu digits": {"", map[string][]string{"which-number": {"nhs-number", "۹۴۳-۴۷۶-۵۹۱۹"}}, func(*optout.Facts) {}},
		"no address":              {"", map[string][]string{"address": {"no-address", "yes"}}, func(f *optout.Facts) { f.Address, f.Postcode, f.NoAddress = nil, nhs.Postcode{}, true }},
		"a full address":          {"", map[string][]string{"address": {"line-1", "Flat 2", "line-2", "1 High Street", "town", "Stockton", "county", "Durham", "postcode", "ts181hu"}}, func(f *optout.Facts) { f.Address = []string{"Flat 2", "1 High Street", "Stockton", "Durham"} }},
		"the forces": {"", map[string][]string{"address": {"line-1", "Sgt Ng", "county", "Kreis Gütersloh", "postcode", "bfpo 61"}}, func(f *optout.Facts) {
			f.Address, f.Postcode = []string{"Sgt Ng", "Kreis Gütersloh"}, posted("BFPO 61")
		}},
		"practice not known":  {"", map[string][]string{"practice": {"practice", "unknown"}}, func(f *optout.Facts) { f.Practice = nhs.ODSCode{} }},
		"not registered":      {"", map[string][]string{"practice": {"practice", "none"}}, func(f *optout.Facts) { f.Practice, f.NotRegistered = nhs.ODSCode{}, true }},
		"a practice far away": {"", map[string][]string{"practice": {"practice", "E85712"}}, func(f *optout.Facts) { f.Practice = coded("E85712") }},
		"no contact":          {"", map[string][]string{"reply": {"safe", "none", "email", "zoe@example.com"}}, func(f *optout.Facts) { f.Reply = &optout.Reply{Safe: []string{}} }},
		"every way": {"", map[string][]string{
			"reply":  {"safe", "email", "safe", "phone", "safe", "post", "email", "zoë@bücher.example", "phone", "٠٧٧٠٠ ٩٠٠ ٩٨٢"},
			"format": {"format", "braille"}, "language": {"language", "other"},
		}, func(f *optout.Facts) {
			f.Reply = &optout.Reply{Safe: []string{"email", "phone", "post"}, Email: "zoë@bücher.example", Phone: "07700 900 982", Format: "braille", Language: "Cymraeg"}
		}},
		"what was not chosen is not sent": {"", map[string][]string{"reply": {"safe", "post", "email", "zoe@example.com", "phone", "07700 900 982"}, "format": {"format", "other"}}, func(f *optout.Facts) {
			f.Reply = &optout.Reply{Safe: []string{"post"}, Format: "Moon type"}
		}},
		"another choice": {"I have changed my mind", map[string][]string{"choice": {"choice", "core"}}, func(f *optout.Facts) { f.Choice = "core" }},
		"a withdrawal": {"I have changed my mind", map[string][]string{"choice": {"choice", "withdrawal"}}, func(f *optout.Facts) {
			f.Kind, f.Choice, f.Address, f.Postcode, f.Practice = "withdrawal", "", nil, nhs.Postcode{}, nhs.ODSCode{}
		}},
		"not me": {"I did not ask for this", nil, func(f *optout.Facts) {
			f.Kind, f.Choice, f.Address, f.Postcode, f.Practice = "not-me", "", nil, nhs.Postcode{}, nhs.ODSCode{}
		}},
		"not me, for another": {"I did not ask for this", map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "deputy"}, "reply": {"safe", "none"}}, func(f *optout.Facts) {
			f.Kind, f.Choice, f.Address, f.Postcode, f.Practice = "not-me", "", nil, nhs.Postcode{}, nhs.ODSCode{}
			f.Reply = &optout.Reply{Safe: []string{}}
			proxy("Maria O’Brien", "deputy")(f)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.strict(t)
			var about optout.Reference
			if c.button == "" {
				b.begin()
			} else {
				b, about = h.about(t, c.button)
			}
			answers := everything()
			maps.Copy(answers, c.answers)
			b.walk(answers, "check")
			b.holds()
			h.Move(time.Minute)
			b.fill()
			b.holds()
			f := h.form(t, b)
			want := adult
			want.SignedOn = nhs.DateOf(h.Now())
			if c.facts(&want); want.Kind != "choice" {
				want.About = about
			}
			got, wanted := reflect.ValueOf(f.Facts), reflect.ValueOf(want)
			for i := range got.NumField() {
				if !reflect.DeepEqual(got.Field(i).Interface(), wanted.Field(i).Interface()) {
					t.Errorf("%s differs: %#v, want %#v", got.Type().Field(i).Name, got.Field(i), wanted.Field(i))
				}
			}
			if f.Channel != optout.Online {
				t.Errorf("it came by %s", f.Channel)
			}
			h.keepsSecret(t, "Suharti", "محمد", "bücher", "07700", "Gütersloh")
		})
	}
}

// Who may not sign is told who may, can put right what is wrong, and gets nowhere else.
func TestWhoMayNotSign(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers map[string][]string
		end     string
		leads   []string
	}{
		"a parent of somebody who is 16 today":    {map[string][]string{"who": {"who", "child"}, "birth-date": {"day", "22", "month", "11", "year", "2010"}}, "who-decides", []string{"birth-date", "who"}},
		"a local authority for an adult":          {map[string][]string{"who": {"who", "child"}, "capacity": {"capacity", "local-authority"}}, "who-decides", []string{"birth-date", "who"}},
		"an attorney of a child":                  {map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "attorney-health-welfare"}, "birth-date": {"day", "23", "month", "11", "year", "2010"}}, "who-decides", []string{"birth-date", "who"}},
		"a deputy for a child":                    {map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "deputy"}, "birth-date": {"day", "1", "month", "1", "year", "2026"}}, "who-decides", []string{"birth-date", "who"}},
		"nobody's parent":                         {map[string][]string{"who": {"who", "child"}, "capacity": {"capacity", "none"}}, "no-capacity", []string{"capacity", "who"}},
		"somebody without power over an adult":    {map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "none"}}, "no-capacity", []string{"capacity", "who"}},
		"a parent of somebody 16 tomorrow signs":  {map[string][]string{"who": {"who", "child"}, "birth-date": {"day", "23", "month", "11", "year", "2010"}}, "check", nil},
		"an attorney of somebody who is 16 signs": {map[string][]string{"who": {"who", "adult"}, "capacity": {"capacity", "attorney-health-welfare"}, "birth-date": {"day", "22", "month", "11", "year", "2010"}}, "check", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.strict(t)
			b.begin()
			answers := everything()
			maps.Copy(answers, c.answers)
			b.walk(answers, c.end)
			b.holds()
			h.Move(time.Minute)
			if c.leads == nil {
				if b.fill(); b.on() != "sent" {
					t.Errorf("%s %d", b.address, b.status)
				}
				return
			}
			if len(b.fields()) > 0 {
				t.Errorf("an end that asks for %v", b.fields())
			}
			for _, page := range c.leads {
				link := find(find(b.page, named("main")), func(n *html.Node) bool { return attr(n, "href") == page })
				if link == nil {
					t.Errorf("no way to change %s", page)
				}
				to := b.twin()
				if to.get("/form/" + b.journey() + "/" + page); to.on() != page || to.status != 200 {
					t.Errorf("%s leads to %s", page, to.address)
				}
			}
			b.post("/form/"+b.journey()+"/check", nil)
			if b.on() != c.end || h.registered() > 0 {
				t.Errorf("sent all the same: %s", b.address)
			}
		})
	}
}

// checked is nine digits with their tenth, or "" if they have none (NHS Data Dictionary: modulus 11).
func checked(nine string) string {
	for last := range 10 {
		sum := last
		for i, d := range nine {
			sum += int(d-'0') * (10 - i)
		}
		if sum%11 == 0 {
			return nine + fmt.Sprint(last)
		}
	}
	return ""
}

// Each row of the table of NHS numbers has a message of its own (domain facts, NHS number).
func TestEachKindOfNumberHasItsOwnMessage(t *testing.T) {
	t.Parallel()
	h := newHouseWith(t, func(d *patient.Door) { d.TestNumbers = false })
	at := h.standingOn(t, "which-number")
	messages := map[string]string{} // and of which row each is
	for row, numbers := range map[string][]string{
		"":                     {checked("400000001"), checked("499999999"), checked("600000001"), checked("799999999"), "4-0-1 0232137", " ٤٠١٠٢٣٢١٣٧ "},
		"Scotland":             {checked("010000002"), checked("311299999"), checked("101016099")},
		"Northern Ireland":     {checked("320000001"), checked("399999997")},
		"Ireland":              {checked("800000001"), checked("859999997")},
		"tests":                {"943 476 5919", checked("900000001"), checked("999999990")},
		"begins like that":     {checked("000000001"), checked("009999999"), checked("312000001"), checked("319999991"), checked("500000001"), checked("599999999"), checked("860000001"), checked("899999992")},
		"the same digit":       {"1111111111", "444 444 4444", "0000000000"},
		"the example":          {"999 123 4567", "9991234567"},
		"mistake":              {"943 476 5918", "934 476 5919", "4010000000"},
		"National Insurance":   {"QQ 12 34 56 C", "ab123456d"},
		"10 digits, like":      {"943 476 591", "94347659190", "nine", "943476591O", "🙂"},
		"Enter the NHS number": {"", "  "},
	} {
		for _, number := range numbers {
			b := at.twin()
			b.fill("nhs-number", number)
			summary := b.text("nhsuk-error-summary__body")
			if number == "" && row != "Enter the NHS number" {
				continue // these nine digits have no tenth
			}
			if row == "" {
				if b.on() != "address" {
					t.Errorf("%q is not taken: %s", number, summary)
				}
				continue
			}
			if b.helps("which-number"); !strings.Contains(summary, row) {
				t.Errorf("%q: %s", number, summary)
			}
			if other, known := messages[summary]; known && other != row {
				t.Errorf("%q says the same of %s and of %s", summary, row, other)
			}
			messages[summary] = row
			if know := find(b.page, func(n *html.Node) bool { return attr(n, "href") == "nhs-number" }); know == nil {
				t.Errorf("%q: there is no way to say that it is not known", number)
			}
		}
	}
	if len(messages) != 11 {
		t.Errorf("%d messages: %v", len(messages), messages)
	}
	h.keepsSecret(t, "943-476", "QQ 12", "9991234567")
}

// A likely mistake is asked about once: it can be confirmed, or put right, and is asked again only when it has changed.
func TestInterruptions(t *testing.T) {
	t.Parallel()
	for page, c := range map[string]struct {
		shows        string
		change       string
		right, wrong []string // another answer that needs no asking; another that does
	}{
		"sure-birth-date": {"31 March 1907", "birth-date", []string{"day", "1", "month", "4", "year", "1957"}, []string{"day", "1", "month", "4", "year", "1908"}},
		"sure-young":      {"31 March 2019", "birth-date", []string{"day", "1", "month", "4", "year", "1957"}, []string{"day", "1", "month", "4", "year", "2019"}},
		"sure-practice":   {"Goodcare Practice", "practice", []string{"practice", "A81002"}, []string{"practice", "E85744"}},
	} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.standingOn(t, page)
			if b.holds(); !strings.Contains(textOf(b.page), c.shows) {
				t.Errorf("it does not say what is unusual: %s", textOf(b.page))
			}
			link := find(find(b.page, named("main")), func(n *html.Node) bool { return attr(n, "href") == c.change })
			if link == nil {
				t.Fatalf("no way to change %s", c.change)
			}
			right := b.twin()
			right.post("/form/"+b.journey()+"/"+c.change, pairs(c.right...))
			if right.on() == page {
				t.Errorf("put right and asked again")
			}
			b.get("/form/" + b.journey() + "/check")
			if b.on() != page {
				t.Fatalf("passed over: %s", b.address)
			}
			b.fill()
			b.walk(everything(), "check")
			same := b.twin()
			same.post("/form/"+b.journey()+"/"+c.change, pairs(ways[page][c.change]...))
			if same.on() != "check" {
				t.Errorf("asked again though nothing has changed: %s", same.address)
			}
			b.post("/form/"+b.journey()+"/"+c.change, pairs(c.wrong...))
			if b.on() != page {
				t.Errorf("not asked again of another one: %s", b.address)
			}
		})
	}
}

// Whoever guesses learns nothing: neither from the page nor from what was done for it.
func TestAWrongPairAndAnUnknownReferenceAreAlike(t *testing.T) {
	t.Parallel()
	var calls []string
	h := newHouseWith(t, func(d *patient.Door) { d.Looks = quota.Limit{Name: "looks", Most: 5, Per: 10 * time.Minute} })
	b := h.standingOn(t, "check")
	h.Move(time.Minute)
	b.fill()
	ref := b.byID("reference")
	ask := func(ref, day string) (page, headers, done string) {
		calls = nil
		h.Fate = func(method string) optouttest.Fate { calls = append(calls, method); return optouttest.Fine }
		b := h.strict(t)
		answer := b.raw("POST", "/status", pairs("reference", ref, "day", day, "month", "3", "year", "1957").Encode())
		b.address = "/status"
		b.holds()
		page = strings.NewReplacer(ref, "REF", `value="`+day+`"`, "DAY").Replace(b.source)
		return fmt.Sprint(b.status, page), fmt.Sprint(answer.Header), fmt.Sprint(calls)
	}
	page1, headers1, done1 := ask(ref, "30")
	page2, headers2, done2 := ask("0000-0000-0000-0000-0", "31")
	if page1 != page2 || headers1 != headers2 || done1 != done2 || !strings.HasPrefix(page1, "404") || done1 != "[Counted Form Count]" {
		t.Errorf("%s\n%s\n%s\n%s\n%s\n%s", page1, page2, headers1, headers2, done1, done2)
	}
	if page, _, _ := ask(ref, "31"); !strings.HasPrefix(page, "200") {
		t.Errorf("the right pair: %.300s", page)
	}
	for range 4 {
		ask(ref, "30")
		ask("0000-0000-0000-0000-0", "31")
	}
	over1, _, full1 := ask(ref, "31") // a network that has guessed too often waits for that form, right or wrong
	over2, _, full2 := ask("0000-0000-0000-0000-0", "31")
	if over1 != over2 || full1 != full2 || !strings.HasPrefix(over1, "429") {
		t.Errorf("over the limit: %.300s %.300s %s %s", over1, over2, full1, full2)
	}
	if other, _, _ := ask("1111-1111-1111-1111-1", "31"); !strings.HasPrefix(other, "404") && !strings.HasPrefix(other, "422") {
		t.Errorf("another form is locked too: %.300s", other)
	}
	h.keepsSecret(t)
}

// Only the public steps show, whatever has happened to a form (domain facts, safety).
func TestTheStatusShowsPublicStepsOnly(t *testing.T) {
	t.Parallel()
	for _, reason := range []optout.Reason{"", optout.Safeguarding, optout.Coercion, optout.Deceased, optout.IdentityNotVerified, optout.NotOurPatient} {
		t.Run("returned "+string(reason), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.standingOn(t, "check")
			h.Move(time.Minute)
			b.fill()
			form := h.form(t, b)
			h.advance(form.Reference.String())
			h.Move(time.Minute)
			h.advance(form.Reference.String())
			if reason != "" {
				c := optout.Custody{Store: h.Memory, Keys: optouttest.Keys{}, Now: h.Now}
				by := optout.Actor{Role: optout.AtPractice, Practice: coded("A81001"), ID: "u-17"}
				if _, err := c.Return(t.Context(), form.Reference, by, optout.Said{Key: "k"}, reason); err != nil {
					t.Fatal(err)
				}
			}
			b = h.strict(t)
			b.post("/status", pairs("reference", form.Reference.String(), "day", "31", "month", "3", "year", "1957"))
			b.holds()
			if rows := textOf(find(b.page, named("dl"))); b.status != 200 || rows != "Received 22 November 2026 Being dealt with 22 November 2026" {
				t.Errorf("%d %q", b.status, rows)
			}
			said := strings.ToLower(b.source)
			for _, secret := range []string{"a81001", "densham", "lawson", "safeguarding", "coerc", "deceased", "identity", "our patient", "returned", "routed", "u-17", "zoë"} {
				if strings.Contains(said, secret) {
					t.Errorf("the page says %q", secret)
				}
			}
		})
	}
}
