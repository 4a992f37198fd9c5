package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// Person is somebody who lives in a world.
type Person struct {
	Number, Surname, Forenames, Birth, Postcode string
	Practice                                    string // where they are registered
}

// Sent is a form that somebody sent through a door, and what they were told of it.
type Sent struct {
	Person    *Person
	Door      string
	Key       string // the client's idempotency key
	Body      string // "": it was not sent by the API
	Kind      string // choice, withdrawal or not-me
	Want      string // dissent, core, core-and-additional; "" for what is about another form
	About     string // the reference of that
	At        time.Time
	Reference string           // as the first answer said; "": there was none
	Answer    string           // the whole first answer
	GivenUp   bool             // its sender does not try any more
	ref       optout.Reference // that its key stands for
}

// Confirmed says that its sender was told that it is registered.
func (s *Sent) Confirmed() bool { return s.Reference != "" }

// town is where everybody lives.
type town struct {
	People  []*Person
	numbers map[string]bool // theirs
	births  map[string]bool // likewise
	Sent    []*Sent
	sent    map[optout.Reference]*Sent
	Codes   []string // of its practices
	closes  map[string]closing
}

type closing struct {
	at time.Time
	to string // who took over; "": nobody knows
}

var (
	surnames  = []string{"Quillfeather", "O'Neill", "Brown-Jones", "Ng", "Östberg", "Wren"}
	forenames = []string{"Ada", "Ben Otis", "Cleo", "Dev"}
	practices = []string{"A81001", "A81002", "A81003", "A81004"}
	postcodes = []string{"TS18 1HU", "TS18 2AT", "TS1 3BE"}
)

// settleTown has people live there and practices open, one of which may close.
func (w *World) settleTown(people int) {
	most := len(practices)
	if w.brief { // one, and perhaps one that takes over from it
		most = 2
	}
	w.Codes = practices[:1+w.Rand.IntN(most)]
	w.closes, w.sent, w.numbers, w.births = map[string]closing{}, map[optout.Reference]*Sent{}, map[string]bool{}, map[string]bool{}
	if len(w.Codes) > 1 && w.Rand.IntN(4) == 0 {
		c := closing{at: w.Now().Add(w.Soon(10 * 24 * time.Hour))}
		if w.Rand.IntN(2) == 0 {
			c.to = w.Codes[1]
		}
		w.closes[w.Codes[0]] = c
	}
	for n := range people {
		p := &Person{
			Number: testNumber(n), Surname: surnames[w.Rand.IntN(len(surnames))], Forenames: forenames[w.Rand.IntN(len(forenames))],
			Birth:    fmt.Sprintf("%d-%02d-%02d", 1930+w.Rand.IntN(94), 1+w.Rand.IntN(12), 1+w.Rand.IntN(28)),
			Postcode: postcodes[w.Rand.IntN(len(postcodes))], Practice: w.Codes[w.Rand.IntN(len(w.Codes))],
		}
		if n > 0 && w.Rand.IntN(20) == 0 { // two people whom only the number tells apart
			p.Surname, p.Birth, p.Postcode = w.People[n-1].Surname, w.People[n-1].Birth, w.People[n-1].Postcode
		}
		w.People, w.numbers[p.Number], w.births[p.Birth] = append(w.People, p), true, true
	}
}

// testNumber is the nth of the numbers that are never issued (domain facts, NHS number: 900 to 999).
func testNumber(n int) string {
	for skip := 0; ; skip++ {
		nine := fmt.Sprintf("9%08d", n*11+skip)
		sum := 0
		for i, d := range nine {
			sum += int(d-'0') * (10 - i)
		}
		if check := (11 - sum%11) % 11; check < 10 && strings.Trim(nine, nine[:1]) != "" {
			return nine + string(rune('0'+check))
		}
	}
}

// Known implements optout.Practices.
func (t *town) Known(code nhs.ODSCode) bool {
	for _, c := range t.Codes {
		if c == code.String() {
			return true
		}
	}
	return false
}

// Destination implements optout.Practices.
func (t *town) Destination(code nhs.ODSCode) (nhs.ODSCode, bool) {
	c, closed := t.closes[code.String()]
	switch {
	case !t.Known(code):
		return nhs.ODSCode{}, false
	case !closed || now().Before(c.at):
		return code, true
	case c.to == "":
		return nhs.ODSCode{}, false
	}
	return nhs.StoredODSCode(c.to), true
}

// ring are the keys of all worlds.
var ring = func() keyring.Keyring {
	k, err := keyring.Open([]byte(`{"version":"1","index":"0123456789abcdefghijklmnopqrstuvwxyz"}`))
	if err != nil {
		panic(err)
	}
	return k
}()

// sends keeps a form that somebody sets out to send, or that is on paper, under the key that it has there.
func (w *World) sends(s *Sent, o optout.Origin) *Sent {
	s.Door, s.Key, s.ref = o.Door, o.Key, ring.Reference(o)
	w.Sent, w.sent[s.ref] = append(w.Sent, s), s
	return s
}

// reads says whether somebody opens a list of all parts of the country's, of which there are hundreds; few do who have one form.
func (w *World) reads(r *rand.Rand) bool { return w.lone == "" || r.IntN(16) == 0 }

// fewCome has one in twelve of as many as set out come to a door that is not most people's; the one who sets out alone, if it is
// to that door.
func (w *World) fewCome(r *rand.Rand, door string, comes func(*Person)) {
	few := w.wants / 12
	switch {
	case w.lone == door:
		few = 1
	case w.lone == "" && r.IntN(12) == 0:
		few++
	}
	for range few {
		who, at := w.People[r.IntN(len(w.People))], soon(r, w.span)
		w.After(at, func() { comes(who) })
	}
}

// answers are what somebody says at any door, but for their practice; about: a form of theirs that it is about.
func (w *World) answers(r *rand.Rand, who *Person, about *Sent) (a optout.Answers) {
	a.Subject = optout.Subject{Surname: who.Surname, Forenames: who.Forenames, BirthDate: who.Birth, Postcode: who.Postcode, Address: []string{"1 Lawson Street"}}
	if r.IntN(8) > 0 {
		a.Subject.NHSNumber = who.Number
	}
	if about != nil && about.Confirmed() {
		a.Kind, a.About = []string{"withdrawal", "not-me"}[r.IntN(2)], about.Reference
	} else {
		a.Kind, a.Choice = "choice", []string{"dissent", "dissent", "core", "core-and-additional"}[r.IntN(4)]
	}
	// Between 15 and 16 nobody signs for them: whoever may might not any more when the form is sent again.
	if child := who.Birth > w.Now().AddDate(-15, 0, 0).Format(time.DateOnly); r.IntN(10) == 0 && (child || who.Birth <= w.Now().AddDate(-16, 0, 0).Format(time.DateOnly)) {
		capacity := "parent"
		if !child {
			capacity = []string{"attorney-health-welfare", "best-interests"}[r.IntN(2)]
		}
		a.Proxy = &optout.Proxy{Name: "Pat Wren", Capacity: capacity}
	}
	return a
}

// saying is what somebody sets out to send who says that.
func saying(who *Person, a optout.Answers) *Sent {
	s := &Sent{Person: who, Kind: a.Kind, Want: a.Choice}
	if a.Kind != "choice" {
		s.About = a.About
	}
	return s
}

// uuid is a key that nothing else has.
func (w *World) uuid() string { return uuid(w.Rand) }

func uuid(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xfff, r.Uint32()&0xfff, r.Uint64()&0xffffffffffff)
}

// Forms are all that the table holds, as they can be read, in the order of their references.
func (w *World) Forms() (forms []optout.Form) {
	if w.seen != nil && w.seenAt == w.stream.read { // nothing was written since
		return w.seen
	}
	defer func() { w.seen, w.seenAt = forms, w.stream.read }()
	ctx := w.Outside()
	for k := range w.Table.Items() {
		if !strings.HasPrefix(k.PK, "F#") || k.SK != "F" {
			continue
		}
		ref, err := optout.ParseReference(strings.TrimPrefix(k.PK, "F#"))
		if err != nil {
			w.Wrong("there is a form under %s: %v", k.PK, err)
			continue
		}
		f, err := w.Store.Form(ctx, ref)
		if err != nil { // the chain of its events is broken, or something cannot be read
			w.Wrong("form %s cannot be read: %v", ref, err)
			continue
		}
		forms = append(forms, f)
	}
	return forms
}

// listed says whether anything stands on a list, as the index shows it.
func (w *World) listed(owner string, stage worklist.Stage) bool {
	for partition := range w.Table.Partitions("list") {
		if strings.HasPrefix(partition, owner) && w.Table.Has("list", partition, string(stage)+"#") {
			return true
		}
	}
	return false
}

// onList are forms on one of an owner's lists, as the index shows it; not all, of many. Whoever works through them reads each itself.
func (w *World) onList(owner worklist.Owner, stage worklist.Stage) (refs []optout.Reference) {
	for partition := range w.Table.Partitions("list") {
		if !strings.HasPrefix(partition, "L#"+owner.Key()+"#") {
			continue
		}
		for _, sk := range w.Table.Sorts("list", partition) {
			if !strings.HasPrefix(sk, string(stage)+"#") {
				continue
			}
			e, err := worklist.ParseEntry(sk[strings.LastIndexByte(sk, '#')+1:], w.Now())
			switch {
			case err != nil:
				w.Wrong("on the list %s stands %q", partition, sk)
			case !e.Reference.IsZero(): // the office also has practices there
				refs = append(refs, e.Reference)
			}
			if len(refs) == worklist.MostEntries {
				return refs
			}
		}
	}
	return refs
}

// unfinished says whether there is a form with which somebody has still something to do. Of what is said to be applied nobody sends
// lists in a brief history.
func (w *World) unfinished() bool {
	for partition := range w.Table.Partitions("list") {
		if w.Table.Has("list", partition, string(worklist.Open)+"#") || !w.brief && w.Table.Has("list", partition, string(worklist.Applied)+"#") {
			return true
		}
	}
	return false
}
