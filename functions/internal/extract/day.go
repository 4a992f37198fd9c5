package extract

import (
	"time"

	"example.org/optout/functions/internal/nhs"
)

// days are the ways of writing a day that are read: the day before the month, and years of four digits.
var days = []string{"2/1/2006", "2006-01-02", "2-Jan-2006", "2 Jan 2006", "2 January 2006", "2.1.2006", "2-1-2006", "20060102"}

// times are what may follow a day; they are not looked at.
var times = []string{"", " 15:04", " 15:04:05", "T15:04:05", "T15:04:05Z07:00"}

// day reads the day on which something was coded.
func day(s string) (nhs.Date, bool) {
	for _, after := range times {
		for _, d := range days {
			if t, err := time.Parse(d+after, s); err == nil {
				on, err := nhs.ParseDate(t.Format(time.DateOnly))
				return on, err == nil
			}
		}
	}
	return nhs.Date{}, false
}
