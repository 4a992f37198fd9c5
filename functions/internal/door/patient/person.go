package patient

import (
	"html/template"
	"net/url"
	"slices"
	"strings"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
)

// askName asks for the name, as people have one: of any script, and of one word if that is all.
var askName = question{
	name: "name", field: "forenames", option: "one-name",
	fields: func(v view) template.HTML {
		given, family := nhsui.Input{}, nhsui.Input{}
		if v.who == "self" { // a browser knows the name of whoever uses it
			given.Autocomplete, family.Autocomplete = "given-name", "family-name"
		}
		return headed(v) + join(v.input("forenames", given), v.input("surname", family), v.checkbox("one-name"))
	},
	typed: func(j *journey) url.Values {
		t := url.Values{"forenames": {j.Answers.Subject.Forenames}, "surname": {j.Answers.Subject.Surname}}
		if j.Answers.Subject.OneName {
			t.Set("one-name", "yes")
		}
		return t
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		s := &j.Answers.Subject
		s.Forenames, s.Surname, s.OneName = f.Get("forenames"), f.Get("surname"), f.Ticked("one-name")
		if s.OneName && s.Surname == "" { // whichever field it was typed into
			s.Surname, s.Forenames = s.Forenames, ""
		}
		return nil
	},
	fault: said(map[string]string{"/subject/forenames": "forenames", "/subject/surname": "surname"}),
	answer: func(_ Door, _ view, j *journey) string {
		return strings.TrimSpace(j.Answers.Subject.Forenames + " " + j.Answers.Subject.Surname)
	},
}

// askBirthDate asks for the birth date.
var askBirthDate = question{
	name: "birth-date", field: "birth-date", asked: func(_ Door, j *journey) bool { return j.Answers.About == "" },
	fields: func(v view) template.HTML {
		return join(v.birthDate(&nhsui.Legend{Heading: v.heading()}))
	},
	typed: func(j *journey) url.Values {
		year, rest, _ := strings.Cut(j.Answers.Subject.BirthDate, "-")
		month, day, _ := strings.Cut(rest, "-")
		return url.Values{"day": {strings.TrimPrefix(day, "0")}, "month": {strings.TrimPrefix(month, "0")}, "year": {year}}
	},
	take: func(d Door, j *journey, f door.Form) []wrong {
		before := j.Answers.Subject.BirthDate
		date, code := d.date(j.Language, f)
		if code != "" {
			return []wrong{{"birth-date", code}}
		}
		if j.Answers.Subject.BirthDate = date; date != before {
			j.forget("sure-birth-date", "sure-young")
		}
		return nil
	},
	fault: said(map[string]string{"/subject/birthDate": "birth-date"}),
	answer: func(_ Door, v view, j *journey) string {
		date, _ := nhs.ParseDate(j.Answers.Subject.BirthDate)
		return day(v.Language, date)
	},
}

// date is what was typed as day, month (a number, or its name in the page's language) and year, as YYYY-MM-DD; code
// says what is wrong with it.
func (d Door) date(tag string, f door.Form) (iso, code string) {
	day, month, year := f.Digits("day"), f.Digits("month"), f.Digits("year")
	switch {
	case day == "" && month == "" && year == "":
		return "", "missing"
	case day == "":
		return "", "day-missing"
	case month == "":
		return "", "month-missing"
	case year == "":
		return "", "year-missing"
	}
	month = monthNamed(d.language(tag), month)
	if len(year) < 4 && strings.Trim(year, "0123456789") == "" {
		return "", "year-short"
	}
	padded := year + "-" + two(month) + "-" + two(day)
	if _, err := nhs.ParseDate(padded); err != nil {
		return "", "date-not-real"
	}
	return padded, ""
}

// monthNamed is the number of the one month whose name begins with what was typed, else what was typed.
func monthNamed(l *nhsui.Language, typed string) string {
	found := typed
	for n := 1; n <= 12; n++ {
		if !strings.HasPrefix(strings.ToLower(l.Say("month."+itoa(n))), strings.ToLower(typed)) {
			continue
		}
		if found != typed {
			return typed // of several
		}
		found = itoa(n)
	}
	return found
}

// two are two digits where there was one.
func two(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// askNumber asks whether the NHS number is known, which nobody needs to know; whichNumber asks for it.
var askNumber = question{
	name: "nhs-number", option: "known",
	fields: func(v view) template.HTML { return join(v.radios("known", "yes", "no")) },
	typed: func(j *journey) url.Values {
		switch {
		case j.Numbered:
			return url.Values{"known": {"yes"}}
		case j.done("nhs-number"):
			return url.Values{"known": {"no"}}
		}
		return nil
	},
	take: func(_ Door, j *journey, f door.Form) []wrong {
		known, faults := option(f, "known", "yes", "no")
		if j.Numbered = known == "yes"; !j.Numbered {
			j.Answers.Subject.NHSNumber = ""
			j.forget("which-number")
		}
		return faults
	},
	answer: func(_ Door, v view, j *journey) string {
		if j.Numbered {
			return "" // it stands there itself
		}
		return v.Say("nhs-number.not-known")
	},
}

var whichNumber = question{
	name: "which-number", field: "nhs-number",
	asked: func(_ Door, j *journey) bool { return j.Numbered },
	fields: func(v view) template.HTML {
		number := v.input("nhs-number", nhsui.Input{Inputmode: "numeric", Width: 10, Code: true})
		number.Label = nhsui.Label{Heading: v.heading()}
		return join(number) + v.html("html")
	},
	typed: func(j *journey) url.Values { return url.Values{"nhs-number": {j.Answers.Subject.NHSNumber}} },
	take: func(_ Door, j *journey, f door.Form) []wrong {
		if j.Answers.Subject.NHSNumber = f.Digits("nhs-number"); j.Answers.Subject.NHSNumber == "" {
			return []wrong{{"nhs-number", "missing"}}
		}
		return nil
	},
	fault: said(map[string]string{"/subject/nhsNumber": "nhs-number"}),
	answer: func(d Door, _ view, j *journey) string {
		n, err := nhs.ParseNumber(j.Answers.Subject.NHSNumber, d.TestNumbers)
		if err != nil {
			return ""
		}
		s := n.Digits()
		return s[:3] + " " + s[3:6] + " " + s[6:]
	},
}

// lines are the fields of an address, in their order.
var lines = [4]string{"line-1", "line-2", "town", "county"}

// forChoice says that the form is a choice, which needs what finds the person at a practice.
func forChoice(_ Door, j *journey) bool { return j.Answers.Kind == "" }

// askAddress asks for the address. To have none is an answer.
var askAddress = question{
	name: "address", field: "line-1", option: "no-address", asked: forChoice,
	fields: func(v view) template.HTML {
		autocomplete := [4]string{"address-line1", "address-line2", "address-level2", "address-level1"}
		all := headed(v)
		for i, field := range lines {
			in := nhsui.Input{}
			if i > 1 {
				in.Classes = "nhsuk-u-width-two-thirds"
			}
			if v.who == "self" {
				in.Autocomplete = autocomplete[i]
			}
			all += join(v.input(field, in))
		}
		postcode := nhsui.Input{Width: 10}
		if v.who == "self" {
			postcode.Autocomplete = "postal-code"
		}
		return all + join(v.input("postcode", postcode), v.checkbox("no-address"))
	},
	typed: func(j *journey) url.Values {
		t := url.Values{"postcode": {j.Answers.Subject.Postcode}}
		for i, field := range lines {
			t.Set(field, j.Lines[i])
		}
		if j.Answers.Subject.NoAddress {
			t.Set("no-address", "yes")
		}
		return t
	},
	take: func(_ Door, j *journey, f door.Form) (faults []wrong) {
		s := &j.Answers.Subject
		before := s.Postcode
		for i, field := range lines {
			j.Lines[i] = f.Get(field)
		}
		s.Address, s.Postcode, s.NoAddress = j.address(), f.Get("postcode"), f.Ticked("no-address")
		if s.Postcode != before {
			j.forget("sure-practice")
		}
		if !s.NoAddress && j.Lines[0] == "" {
			faults = append(faults, wrong{"line-1", "missing"})
		}
		if !s.NoAddress && s.Postcode == "" {
			faults = append(faults, wrong{"postcode", "missing"})
		}
		if s.NoAddress && j.Answers.Reply != nil && slices.Contains(j.Answers.Reply.Safe, "post") { // where would a letter go
			j.forget("reply")
		}
		return faults
	},
	fault: func(pointer string, j *journey) string {
		switch {
		case pointer == "/subject/postcode":
			return "postcode"
		case pointer == "/subject/address":
			return "no-address"
		case strings.HasPrefix(pointer, "/subject/address/"):
			n := int(pointer[len(pointer)-1] - '0')
			for i, line := range j.Lines { // the n-th that is filled in
				if line != "" {
					if n--; n < 0 {
						return lines[i]
					}
				}
			}
			return lines[0]
		}
		return ""
	},
	answer: func(_ Door, v view, j *journey) string {
		if j.Answers.Subject.NoAddress {
			return v.Say("address.none")
		}
		return strings.Join(append(j.Answers.Subject.Address, j.Answers.Subject.Postcode), ", ")
	},
}
