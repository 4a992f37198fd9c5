package nhs

import (
	_ "embed"
	"encoding/csv"
	"strings"
	"time"
)

// Due times keep the time of day in England, through every change of the clocks, and fall on working days: Monday to
// Friday, but no bank holiday of England and Wales.

// WorkingDays is n working days after from.
func WorkingDays(from time.Time, n int) time.Time {
	t, ahead := from.In(london), 0
	for day := noon(t); n > 0; ahead++ {
		if day = day.Add(24 * time.Hour); working(day) {
			n--
		}
	}
	return t.AddDate(0, 0, ahead).UTC()
}

// Days is n days of the calendar after from, or the first working day after that.
func Days(from time.Time, n int) time.Time {
	return onWorkingDay(from.In(london).AddDate(0, 0, n))
}

// Months is n months after from, or the first working day after that. A day that the month does not have is its
// last one.
func Months(from time.Time, n int) time.Time {
	t := from.In(london)
	then := t.AddDate(0, n, 0)
	if then.Day() != t.Day() {
		then = then.AddDate(0, 0, -then.Day())
	}
	return onWorkingDay(then)
}

func onWorkingDay(t time.Time) time.Time {
	for !working(t) {
		t = t.AddDate(0, 0, 1)
	}
	return t.UTC()
}

// noon is that of t's day in a place that never changes its clocks: a day later is 24 hours later.
func noon(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
}

func working(t time.Time) bool {
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !bankHolidays[dayOf(t)]
}

// day is a day of the calendar. Every reading of a form's history counts some.
type day struct {
	year  int
	month time.Month
	day   int
}

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{y, m, d}
}

// bankHolidays are the days of holidays.csv: those of the Banking and Financial Dealings Act 1971 in England and
// Wales. A further one, by royal proclamation, is a line in the file.
var bankHolidays = func() map[day]bool {
	rows, err := csv.NewReader(strings.NewReader(holidays)).ReadAll()
	if err != nil {
		panic("holidays.csv: " + err.Error())
	}
	days := make(map[day]bool, len(rows))
	for _, row := range rows[1:] {
		t, err := time.Parse(time.DateOnly, row[0])
		if err != nil {
			panic("holidays.csv: " + err.Error())
		}
		days[dayOf(t)] = true
	}
	return days
}()

//go:embed holidays.csv
var holidays string
