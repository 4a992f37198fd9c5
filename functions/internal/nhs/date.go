package nhs

import (
	"log/slog"
	"strconv"
	"time"
)

// Date is a day in a person's life (birth, signature), without time or zone. The zero Date means none.
type Date struct{ day string }

var (
	errDateShape  = &Error{"date-shape", "Give the date as year, month and day in the digits 0 to 9, like 1957-03-31."}
	errDateFuture = &Error{"date-in-future", "That date has not come yet. Check the year."}
	errDateTooOld = &Error{"date-too-long-ago", "That date is more than 130 years ago. Check the year."}
)

// ParseDate reads YYYY-MM-DD in ASCII digits, a day that exists in the calendar.
func ParseDate(s string) (Date, error) {
	if len(s) != len(time.DateOnly) { // time's errors copy what they are about, however long
		return Date{}, errDateShape
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return Date{}, errDateShape
	}
	return Date{s}, nil
}

// ParseBirthDate reads YYYY-MM-DD; today is the latest day and 130 years before it the earliest.
func ParseBirthDate(s string, today Date) (Date, error) {
	d, err := ParseDate(s)
	switch {
	case err != nil:
		return Date{}, err
	case d.After(today):
		return Date{}, errDateFuture
	}
	if years := today.year() - d.year(); years > 130 || years == 130 && d.day[4:] < today.day[4:] {
		return Date{}, errDateTooOld
	}
	return d, nil
}

// DateOf is the day of t in England, where every form is signed.
func DateOf(t time.Time) Date { return Date{t.In(london).Format(time.DateOnly)} }

func (d Date) year() int { y, _ := strconv.Atoi(d.day[:4]); return y }

// Age is how many full years have passed since d on another day. Who was born on 29 February is a year older on
// 1 March of a common year.
func (d Date) Age(on Date) int {
	years := on.year() - d.year()
	if on.day[4:] < d.day[4:] {
		years--
	}
	return years
}

// After says whether d is a later day than another.
func (d Date) After(other Date) bool { return d.day > other.day }

// IsZero says that no date was given.
func (d Date) IsZero() bool { return d.day == "" }

// ISO gives YYYY-MM-DD, for the table and for the practice; "" if there is none.
func (d Date) ISO() string { return d.day }

func (d Date) String() string       { return "[date]" }
func (d Date) GoString() string     { return d.String() }
func (d Date) LogValue() slog.Value { return hidden("date") }

// Begin is when the day begins in England.
func (d Date) Begin() time.Time {
	t, _ := time.ParseInLocation(time.DateOnly, d.day, london)
	return t.UTC()
}
