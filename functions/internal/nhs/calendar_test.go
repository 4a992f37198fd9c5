package nhs

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, london)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDueTimesFallOnWorkingDaysAndKeepTheTimeOfDay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		got  time.Time
		want string
	}{
		"two working days inside a week":                             {WorkingDays(at("2026-11-23 09:30"), 2), "2026-11-25 09:30"},
		"two working days over a weekend":                            {WorkingDays(at("2026-11-19 09:30"), 2), "2026-11-23 09:30"},
		"two working days from a Sunday":                             {WorkingDays(at("2026-11-22 09:30"), 2), "2026-11-24 09:30"},
		"two working days over Christmas and its substitute":         {WorkingDays(at("2026-12-24 09:30"), 2), "2026-12-30 09:30"},
		"two working days over Easter":                               {WorkingDays(at("2027-03-25 09:30"), 2), "2027-03-31 09:30"},
		"two working days over the end of summer time":               {WorkingDays(at("2026-10-23 09:30"), 2), "2026-10-27 09:30"},
		"a working day over an hour that the spring change left out": {WorkingDays(at("2026-03-27 01:30"), 1), "2026-03-30 01:30"},
		"no working day":                                             {WorkingDays(at("2026-11-22 09:30"), 0), "2026-11-22 09:30"},
		"fourteen days on a Monday":                                  {Days(at("2026-11-23 23:59"), 14), "2026-12-07 23:59"},
		"fourteen days, which is a Sunday":                           {Days(at("2026-11-22 12:00"), 14), "2026-12-07 12:00"},
		"a day later is Good Friday":                                 {Days(at("2026-04-02 12:00"), 1), "2026-04-07 12:00"},
		"twenty-eight days over the beginning of summer time":        {Days(at("2026-03-16 08:00"), 28), "2026-04-13 08:00"},
		"a month from 31 January":                                    {Months(at("2027-01-31 08:00"), 1), "2027-03-01 08:00"}, // 28 February is a Sunday
		"a month from 31 March":                                      {Months(at("2027-03-31 08:00"), 1), "2027-04-30 08:00"},
		"a month later, a bank holiday":                              {Months(at("2026-11-28 08:00"), 1), "2026-12-29 08:00"},
		"an hour that the spring change leaves out is an hour later": {Days(at("2027-03-22 01:30"), 6), "2027-03-30 02:30"}, // a Sunday, then Easter Monday
	} {
		if got := c.got.In(london).Format("2006-01-02 15:04"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if c.got.Location() != time.UTC {
			t.Errorf("%s: not in UTC", name)
		}
	}
}

// easter is the Sunday of the Gregorian computus (Meeus, Jones, Butcher).
func easter(y int) time.Time {
	a, b, c := y%19, y/100, y%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(y, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}

// Each year of the file has the eight holidays of the Act, with substitutes for those that fall on a weekend.
func TestTheBankHolidaysAreThoseOfTheAct(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	add := func(d time.Time) { // on a weekend: the next day that is neither weekend nor holiday
		for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday || want[d.Format(time.DateOnly)] {
			d = d.AddDate(0, 0, 1)
		}
		want[d.Format(time.DateOnly)] = true
	}
	monday := func(y int, m time.Month, last bool) {
		d := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		for d.Weekday() != time.Monday {
			d = d.AddDate(0, 0, 1)
		}
		for last && d.AddDate(0, 0, 7).Month() == m {
			d = d.AddDate(0, 0, 7)
		}
		add(d)
	}
	var days []string
	for d := range bankHolidays {
		days = append(days, time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
	}
	slices.Sort(days)
	for y := 2025; y <= 2030; y++ {
		add(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC))
		add(easter(y).AddDate(0, 0, -2))
		add(easter(y).AddDate(0, 0, 1))
		monday(y, time.May, false)
		monday(y, time.May, true)
		monday(y, time.August, true)
		add(time.Date(y, 12, 25, 0, 0, 0, 0, time.UTC))
		add(time.Date(y, 12, 26, 0, 0, 0, 0, time.UTC))
	}
	if w := slices.Sorted(maps.Keys(want)); !slices.Equal(days, w) {
		t.Errorf("the file has %v, the Act %v", days, w)
	}
}
