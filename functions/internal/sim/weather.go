package sim

import "math/rand/v2"

// Weather is how likely each fault is, of a call or of whatever else it can befall.
type Weather struct {
	Fails, Conflicts, Loses, Repeats, Delays, Crashes float64 // of each call
	Stale                                             float64 // an index shows a write late
	Stream                                            float64 // a slice of the stream comes late, twice, in parts or never
	Clock                                             float64 // a schedule is missed, comes twice or with a wrong time
	Mail                                              float64 // SES refuses for good, or a mail comes back
	Net                                               float64 // a client's request or its answer is lost
}

// Any says whether any fault can come.
func (w Weather) Any() bool { return w != Weather{} }

// weatherOf draws the weather of a history: some are calm, most have a little of everything, and some a lot of one thing, which
// takes as long as three of the others; of brief ones a quarter as many.
func weatherOf(r *rand.Rand, brief bool) Weather {
	n := r.IntN(10)
	if brief && n == 9 {
		n = 6 + r.IntN(4)
	}
	switch {
	case n == 0:
		return Weather{}
	case n < 6:
		return Weather{0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.1, 0.05, 0.05, 0.02, 0.02}
	case n < 9:
		return Weather{0.05, 0.05, 0.05, 0.03, 0.05, 0.02, 0.5, 0.3, 0.3, 0.1, 0.1}
	}
	w := Weather{0.02, 0.02, 0.02, 0.02, 0.02, 0.01, 0.2, 0.1, 0.1, 0.05, 0.05}
	worst := []*float64{&w.Fails, &w.Conflicts, &w.Loses, &w.Repeats, &w.Delays, &w.Crashes, &w.Stale, &w.Stream, &w.Clock, &w.Mail, &w.Net}
	*worst[r.IntN(len(worst))] = 0.4
	return w
}

// fate is what befalls a call.
type fate int

const (
	fine fate = iota
	fails
	conflicts
	loses
	repeats
	delays
	crashesBefore
	crashesAfter
)

func (f fate) String() string {
	return [...]string{"fine", "refused before it is done", "conflict", "done, and the answer lost", "done twice", "late", "crash before it", "crash after it"}[f]
}

// fate draws what befalls a call. A service that cannot fail in some way does not.
func (w Weather) fate(r *rand.Rand, c *call) fate {
	x := r.Float64()
	for _, f := range [...]struct {
		likely float64
		fate   fate
	}{{w.Fails, fails}, {w.Conflicts, conflicts}, {w.Loses, loses}, {w.Repeats, repeats}, {w.Delays, delays}, {w.Crashes / 2, crashesBefore}, {w.Crashes / 2, crashesAfter}} {
		if x -= f.likely; x < 0 {
			return c.possible(f.fate)
		}
	}
	return fine
}

// possible is a fate, or fine where the call cannot meet it.
func (c *call) possible(f fate) fate {
	switch {
	case f == conflicts && (!c.writes || c.fails(conflicted) == nil):
		return fine
	case f == repeats && (!c.writes || c.service == ses): // whose client asks once
		return fine
	case f == loses && !c.writes:
		return fails
	case f == crashesAfter && !c.writes:
		return crashesBefore
	}
	return f
}
