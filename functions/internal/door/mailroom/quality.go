package mailroom

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// periods are of how many days, today with them, it is shown how often readings were wrong; the first unless another is asked
// for.
var periods = []int{28, 7, 91}

func daysAsked(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("days")); err == nil && slices.Contains(periods, n) {
		return n
	}
	return periods[0]
}

// quality is how often readings turned out to be wrong: of what is finished by field, and of each person who read.
type quality struct {
	Periods         staff.Tabs
	From            string
	Says            string
	Fields, Readers nhsui.Table
}

// qualityOf is counted from the tallies of the days from one on until today.
func qualityOf(tallies []batch.Tally, days int, from nhs.Date, s signin.Session) quality {
	q := quality{Periods: staff.Tabs{Label: "Period"}, From: staff.Day(from)}
	for _, n := range slices.Sorted(slices.Values(periods)) {
		q.Periods.All = append(q.Periods.All, staff.Tab{Text: counted(n, "day", "days"), Href: "/mailroom/supervise?days=" + itoa(n) + "#quality", Current: n == days})
	}
	tallies = slices.Clone(tallies)
	for n := range tallies {
		tallies[n].Day = nhs.Date{}
	}
	of := map[string]map[string]batch.Tally{} // by who and how
	for _, t := range batch.Added(tallies...) {
		if of[t.By] == nil {
			of[t.By] = map[string]batch.Tally{}
		}
		of[t.By][t.How] = t
	}
	pieces := of[""][batch.OfSample]
	q.Says = "From " + q.From + " until today none was judged."
	if read, wrong := pieces.Read[batch.Whole], pieces.Wrong[batch.Whole]; read > 0 {
		q.Says = "From " + q.From + " until today " + counted(read, "was judged", "were judged") + ". Wrong in something: " + share(wrong, read) + "."
	}
	q.Fields = nhsui.Table{
		Caption: &nhsui.Heading{Text: "What was wrong in what is finished, by field", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Field"}, {Text: "Checked", Format: "numeric"}, {Text: "Wrong", Format: "numeric"}, {Text: "Share", Format: "numeric"}},
	}
	for _, f := range batch.ReadFields {
		if read, wrong := pieces.Read[f], pieces.Wrong[f]; read > 0 {
			q.Fields.Rows = append(q.Fields.Rows, []nhsui.Cell{{Text: fields[f]}, {Text: itoa(read), Format: "numeric"}, {Text: itoa(wrong), Format: "numeric"}, {Text: percent(wrong, read), Format: "numeric"}})
		}
	}
	delete(of, "")
	q.Readers = readers(of, s)
	return q
}

// readers are the people who read, whoever was wrong most often first.
func readers(of map[string]map[string]batch.Tally, s signin.Session) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Readings that were wrong, by who read", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Who"}, {Text: "Wrong, of pieces keyed by two"}, {Text: "Wrong, of pieces in the sample"}, {Text: "Wrong, of all fields"}, {Text: "Wrong in"}},
	}
	both := map[string]batch.Tally{}
	for by, ways := range of {
		var all []batch.Tally
		for _, x := range ways {
			x.How = ""
			all = append(all, x)
		}
		both[by] = batch.Added(all...)[0]
	}
	ids := slices.SortedFunc(maps.Keys(both), func(a, b string) int {
		return cmp.Or(both[b].Wrong[batch.Whole]-both[a].Wrong[batch.Whole], strings.Compare(a, b))
	})
	for _, id := range ids {
		read, wrong, in := 0, 0, []string(nil)
		for _, f := range batch.ReadFields {
			read, wrong = read+both[id].Read[f], wrong+both[id].Wrong[f]
			if n := both[id].Wrong[f]; n > 0 {
				in = append(in, fieldOf(f)+" "+itoa(n))
			}
		}
		whole := func(how string) nhsui.Cell {
			return nhsui.Cell{Text: share(of[id][how].Wrong[batch.Whole], of[id][how].Read[batch.Whole])}
		}
		t.Rows = append(t.Rows, []nhsui.Cell{{HTML: person(id, s)}, whole(batch.OfTwo), whole(batch.OfSample), {Text: share(wrong, read)}, {Text: cmp.Or(strings.Join(in, ", "), "–")}})
	}
	return t
}

// person is a member of staff as the mailroom knows them: by the id that the issuer gave them.
func person(by string, s signin.Session) template.HTML {
	id := optout.IDOf(by)
	name := template.HTML(`<span dir="ltr">` + template.HTMLEscapeString(id) + `</span>`)
	if id == s.ID {
		name += " (you)"
	}
	return name
}

// share says how many of how many, and what part of them that is.
func share(some, of int) string {
	if of == 0 {
		return "–"
	}
	return itoa(some) + " of " + itoa(of) + " (" + percent(some, of) + ")"
}

func percent(some, of int) string { return fmt.Sprintf("%.1f%%", 100*float64(some)/float64(of)) }
