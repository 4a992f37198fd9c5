package batch

import (
	"cmp"
	"slices"
	"strings"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// Tally is how many readings were held against what turned out to be right, and how many of them were wrong: on one day, in
// one way, by one person. It holds nothing personal of anybody whose form it was.
type Tally struct {
	Day nhs.Date // on which it turned out
	How string   // OfTwo or OfSample
	By  string   // the id of who read, as of an optout.Actor; "", of OfSample: of the pieces themselves, whoever read them
	// Read is how often each field was held against what is right, and Wrong how often it was wrong. Whole stands for all of
	// a reading: it is wrong if any of its fields is.
	Read, Wrong map[string]int
}

// How it turns out what is right: a form is keyed by two people, and if they are not alike a supervisor decides; or it is
// read once more after it has come to its outcome.
const (
	OfTwo    = "twice"
	OfSample = "sample"
)

// Fields of a reading. OfOutcome is whether there is a form on the piece, and if not, what there is; Whole is the reading as
// one.
const (
	OfOutcome   = "outcome"
	OfChoice    = "choice"
	OfSurname   = "surname"
	OfForenames = "forenames"
	OfBirth     = "birthDate"
	OfNumber    = "nhsNumber"
	OfAddress   = "address"
	OfPostcode  = "postcode"
	OfPractice  = "practice"
	OfSigner    = "signer"
	OfSigned    = "signedOn"
	OfReply     = "reply"
	Whole       = "whole"
)

// ReadFields are all of them but Whole, in the order in which they are read.
var ReadFields = []string{OfOutcome, OfChoice, OfForenames, OfSurname, OfBirth, OfNumber, OfAddress, OfPostcode, OfPractice, OfSigner, OfSigned, OfReply}

// keyedTwice are the fields that two people key.
var keyedTwice = []string{OfOutcome, OfChoice, OfBirth, OfNumber}

// reckoned counts one reading of some fields, of which some were wrong.
func reckoned(day nhs.Date, how, by string, fields, wrong []string) Tally {
	t := Tally{Day: day, How: how, By: by, Read: map[string]int{Whole: 1}, Wrong: map[string]int{}}
	for _, f := range fields {
		t.Read[f] = 1
		if slices.Contains(wrong, f) {
			t.Wrong[f], t.Wrong[Whole] = 1, 1
		}
	}
	return t
}

// settled counts what people have read of a piece that comes to an outcome: since they agreed, or as a supervisor decides.
// Whoever said that it is in doubt was careful, and is never wrong for that; what is keyed from another scan says nothing of
// anybody.
func (m Mailroom) settled(p Piece, is Said, agreed string) (all []Tally) {
	if p.Status != Disputed && (p.Status != Second || agreed == "") || is.Status == Rescan {
		return nil
	}
	day := nhs.DateOf(m.Now())
	for _, k := range p.Keyed {
		fields, wrong := []string{OfOutcome}, []string(nil)
		switch {
		case k.Reading.Hold != "" && k.Reading.Hold != is.Reading.Hold:
		case is.Status == Registered, is.Status == Held && k.Reading.Hold != "":
			fields, wrong = keyedTwice, k.Reading.Differs(is.Reading)
		default:
			wrong = fields
		}
		all = append(all, reckoned(day, OfTwo, optout.IDOf(k.By), fields, wrong))
	}
	if p.Status == Second { // who keyed it second was alike, and so came to the same
		all = append(all, reckoned(day, OfTwo, optout.IDOf(agreed), keyedTwice, nil))
	}
	return Added(all...)
}

// Added are tallies of which those of the same day, kind and person are one, in the order of these.
func Added(all ...Tally) (sums []Tally) {
	for _, t := range all {
		n := slices.IndexFunc(sums, func(s Tally) bool { return s.Day == t.Day && s.How == t.How && s.By == t.By })
		if n < 0 {
			sums = append(sums, Tally{Day: t.Day, How: t.How, By: t.By, Read: map[string]int{}, Wrong: map[string]int{}})
			n = len(sums) - 1
		}
		for f, c := range t.Read {
			sums[n].Read[f] += c
		}
		for f, c := range t.Wrong {
			sums[n].Wrong[f] += c
		}
	}
	slices.SortFunc(sums, func(a, b Tally) int {
		return cmp.Or(strings.Compare(a.Day.ISO(), b.Day.ISO()), strings.Compare(a.How, b.How), strings.Compare(a.By, b.By))
	})
	return sums
}

// alike says of a field whether two forms say the same, and said whether both say anything.
type alike struct {
	field string
	same  func(a, b read) bool
	said  func(read) bool
}

// read is what somebody read, as facts.
type read struct {
	optout.Facts
	number string // as it is written, if it is none
}

// compares are how the fields of two forms are held against each other: by what they mean, not by how it was typed.
var compares = []alike{
	{OfChoice, func(a, b read) bool { return a.Kind == b.Kind && a.Choice == b.Choice && a.About == b.About }, func(r read) bool { return r.Choice != "" || r.Kind != "choice" }},
	{OfForenames, func(a, b read) bool { return a.Forenames.Folded() == b.Forenames.Folded() && a.OneName == b.OneName }, func(r read) bool { return !r.Forenames.IsZero() }},
	{OfSurname, func(a, b read) bool { return a.Surname.Folded() == b.Surname.Folded() }, func(r read) bool { return !r.Surname.IsZero() }},
	{OfBirth, func(a, b read) bool { return a.BirthDate == b.BirthDate }, func(r read) bool { return !r.BirthDate.IsZero() }},
	{OfNumber, func(a, b read) bool {
		return a.NHSNumber == b.NHSNumber && digits(a.number) == digits(b.number)
	}, func(r read) bool { return !r.NHSNumber.IsZero() || r.number != "" }},
	{OfAddress, func(a, b read) bool { return folded(a.Address) == folded(b.Address) && a.NoAddress == b.NoAddress }, func(r read) bool { return len(r.Address) > 0 }},
	{OfPostcode, func(a, b read) bool { return a.Postcode == b.Postcode }, func(r read) bool { return !r.Postcode.IsZero() }},
	{OfPractice, func(a, b read) bool { return a.Practice == b.Practice && a.NotRegistered == b.NotRegistered }, func(r read) bool { return !r.Practice.IsZero() }},
	{OfSigner, func(a, b read) bool {
		return a.ProxyName.Folded() == b.ProxyName.Folded() && a.ProxyCapacity == b.ProxyCapacity
	}, func(r read) bool { return !r.ProxyName.IsZero() }},
	{OfSigned, func(a, b read) bool { return a.SignedOn == b.SignedOn }, func(r read) bool { return !r.SignedOn.IsZero() }},
	{OfReply, func(a, b read) bool { return sameReply(a.Reply, b.Reply) }, func(r read) bool { return r.Reply != nil }},
}

// folded is an address without what is a matter of taste: capitals, commas, where a line ends.
func folded(lines []string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .,-'’", r) {
			return -1
		}
		return r
	}, strings.ToLower(strings.Join(lines, "")))
}

func sameReply(a, b *optout.Reply) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := slices.Sorted(slices.Values(a.Safe)), slices.Sorted(slices.Values(b.Safe))
	return slices.Equal(x, y) && strings.EqualFold(a.Email, b.Email) && digits(a.Phone) == digits(b.Phone) && a.Format == b.Format && a.Language == b.Language
}

// against says which fields of what a piece came to can be held against what somebody read on it after that, and in which
// the two are not alike. Of a form that is in doubt only what both could read counts.
func (m Mailroom) against(is, again Said) (fields, differ []string) {
	fields = []string{OfOutcome}
	if is.Status != again.Status || is.Why != again.Why && is.Status != OtherPost && is.Status != Rescan {
		return fields, fields
	}
	if is.Status != Registered && is.Status != Held {
		return fields, nil
	}
	a, b := m.facts(is.Reading), m.facts(again.Reading)
	for _, c := range compares {
		if is.Status == Held && (!c.said(a) || !c.said(b) || c.field == OfChoice && is.Why == optout.HeldForChoice) {
			continue
		}
		if fields = append(fields, c.field); !c.same(a, b) {
			differ = append(differ, c.field)
		}
	}
	return fields, differ
}

// facts are all that can be made of a reading, whatever is wrong with the rest of it.
func (m Mailroom) facts(r Reading) read {
	rules := m.Rules()
	rules.Staff = true
	facts, _ := rules.Doubtful(r.Answers)
	if r.Answers.SignedOn == "" { // it is the day on which it is judged
		facts.SignedOn = nhs.Date{}
	}
	return read{facts, r.Number}
}
