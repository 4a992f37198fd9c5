package nhs

import (
	"time"
	_ "time/tzdata" // the functions' image has no zone files
)

// london is the zone in which days begin and end for everyone this service serves.
var london = func() *time.Location {
	l, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic("zone data is compiled in: " + err.Error())
	}
	return l
}()
