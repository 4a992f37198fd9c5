package staff

import (
	"strings"
	"time"

	"example.org/optout/functions/internal/nhs"
)

// clocks are the ways of writing a time of the day that are read.
var clocks = []string{"15:04", "1504", "3:04pm", "3pm", "15"}

// At is a time of a day by the clock in England, as people write it: 14:05, 14.05, 2.05 pm.
func At(day nhs.Date, clock string) (time.Time, bool) {
	clock = strings.NewReplacer(".", ":", " ", "").Replace(strings.ToLower(clock))
	for _, c := range clocks {
		if t, err := time.ParseInLocation(time.DateOnly+" "+c, day.ISO()+" "+clock, london); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
