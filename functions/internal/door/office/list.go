package office

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// listing is a list of the office, as the page names it.
type listing struct {
	name, text string
	worklist.List
}

var lists = []listing{
	{"open", "To do", worklist.List{Owner: worklist.Office, Stage: worklist.Open}},
	{"done", "Ended without a practice", worklist.List{Owner: worklist.Office, Stage: worklist.Done, Newest: true}},
}

// entry is what stands on the list: a form, or a practice.
type entry struct {
	form     optout.Form
	practice optout.Practice
	since    time.Time
}

func (e entry) isForm() bool { return !e.form.Reference.IsZero() }

// next says that a form waits for something.
func next(n optout.Next) func(entry) bool {
	return func(e entry) bool {
		return e.isForm() && e.form.State().Next == n && e.form.State().Owner == optout.OwnerOffice
	}
}

// filters are what a page of the list can be narrowed to.
var filters = []struct {
	name, text string
	holds      func(entry) bool
}{
	{"all", "All", func(entry) bool { return true }},
	{"assign", "Find a practice", next(optout.NextAssign)},
	{"answer", "Answer the person", next(optout.NextAnswer)},
	{"confirm", "Confirm a death", next(optout.NextConfirm)},
	{"failed", "Could not go on", func(e entry) bool { return e.isForm() && failed(e.form) }},
	{"untold", "Practices that cannot be told", func(e entry) bool { return e.practice.Digest.Fault != "" }},
	{"late", "Practices that act late", func(e entry) bool { return !e.practice.Digest.Late.IsZero() }},
}

// failed says that the engine could not go on with a form, or could not even read it.
func failed(f optout.Form) bool {
	fault := cmp.Or(f.Fault, f.State().Fault)
	return f.Version() == 0 || fault == "cannot-advance" || fault == "unreadable"
}

// list is what is on the office's list, by age: GET /office. It has nothing personal in it.
func (d *Door) list(w http.ResponseWriter, r *http.Request, s signin.Session) {
	ctx, q := r.Context(), r.URL.Query()
	if to := found(q.Get("find")); to != "" {
		staff.See(w, to)
		return
	}
	at := max(slices.IndexFunc(lists, func(l listing) bool { return l.name == q.Get("list") }), 0)
	l := lists[at]
	listed, err := d.Store.List(ctx, l.List, worklist.Cursor(q.Get("after")), worklist.MostEntries)
	if errors.Is(err, worklist.ErrCursor) { // of another list, or no cursor at all
		staff.See(w, "/office?list="+l.name)
		return
	}
	var entries []entry
	if err == nil {
		entries, err = d.entries(ctx, l.List, listed.Entries)
	}
	waiting := len(listed.Entries)
	if err == nil && (listed.Next != "" || q.Get("after") != "" || l.name != "open") { // it asks every part of a long index
		waiting, err = d.Store.Tally(ctx, lists[0].List)
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := listView{
		List: l.name, Find: staff.Find{Action: "/office", Label: "Find a form by its reference, or a practice by its code", Typed: q.Get("find")}, Of: len(entries),
		Lists: staff.Tabs{Label: "Lists"}, Filters: staff.Tabs{Label: "Show only", Lead: "Of this page show only:"}, Orders: staff.Tabs{Label: "Order", Lead: "Order:"},
	}
	if v.Find.Typed != "" {
		v.Find.Wrong = "That is neither a reference, which has 17 letters and digits, nor the code of a practice, which has a letter and five digits."
	}
	for n, other := range lists {
		t := staff.Tab{Text: other.text, Href: "/office?list=" + other.name, Current: n == at}
		if n == 0 {
			t.Text = staff.Counted(t.Text, waiting)
		}
		v.Lists.All = append(v.Lists.All, t)
	}
	only := 0
	for n, x := range filters {
		if x.name == q.Get("only") {
			only = n
		}
	}
	address := func(only, by, after string) string {
		to := url.Values{"list": {l.name}, "only": {only}}
		for name, value := range map[string]string{"by": by, "after": after} {
			if value != "" {
				to.Set(name, value)
			}
		}
		return "/office?" + to.Encode()
	}
	var shown []entry
	for n, x := range filters {
		count := 0
		for _, e := range entries {
			if x.holds(e) {
				count++
				if n == only {
					shown = append(shown, e)
				}
			}
		}
		if l.name != "open" {
			continue
		}
		v.Filters.All = append(v.Filters.All, staff.Tab{Text: staff.Counted(x.text, count), Href: address(x.name, "", q.Get("after")), Current: n == only})
	}
	if name := filters[only].name; name == "untold" || name == "late" {
		v.Orders.All = []staff.Tab{{Text: "Oldest first", Href: address(name, "", q.Get("after"))}, {Text: "Longest not tried first", Href: address(name, "tried", q.Get("after"))}}
		if q.Get("by") == "tried" {
			v.Orders.All[1].Current = true
			slices.SortStableFunc(shown, func(a, b entry) int {
				return strings.Compare(a.practice.Chased().ISO(), b.practice.Chased().ISO())
			})
		} else {
			v.Orders.All[0].Current = true
		}
	}
	v.Table = d.table(shown, s)
	if listed.Next != "" {
		v.Next = address(filters[only].name, q.Get("by"), string(listed.Next))
	}
	if q.Get("after") != "" {
		v.First = "/office?list=" + l.name
	}
	if l.name == "open" {
		n, since, more, err := batch.Unanswered(ctx, d.Store)
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		v.Scans = unanswered(n, since, more)
		silent, more, err := upload.Silent(ctx, d.Store, mostSilent, d.Now())
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		v.Silent = silentScans(silent, more)
	}
	d.house.Show(w, s, staff.Page{Name: "list", Title: "What the office has to do", Part: "/office", Wide: true, Done: done[q.Get("done")], Status: v.Find.Status(), Faults: v.Find.Faults(), Data: v})
}

// found is the page of what somebody typed to find: a form by its reference, a practice by its code; "" for what is neither.
func found(typed string) string {
	if ref, err := optout.ParseReference(typed); err == nil {
		return address(ref, "")
	}
	if code, err := nhs.ParseODSCode(typed); err == nil {
		return practiceAddress(code)
	}
	return ""
}

// unanswered says that scans have no malware result; "" if none has been waited for too long.
func unanswered(n int, since time.Time, more bool) string {
	if n == 0 {
		return ""
	}
	text := "1 scan in the mailroom has"
	if n > 1 || more {
		text = strconv.Itoa(n) + " scans in the mailroom have"
	}
	if more {
		text = "At least " + text
	}
	return text + " had no malware result, although it was asked for again and again. The oldest has waited since " + staff.Moment(since) +
		". Whoever looks after the malware check has to act: until then nobody opens these files, and their batches stay open."
}

// mostSilent is how many scans of practices' forms are named that have no malware result.
const mostSilent = 20

// silentScans says the same of the scans of practices' own forms; none if there are none.
func silentScans(scans []upload.Slot, more bool) *silentView {
	if len(scans) == 0 {
		return nil
	}
	v := &silentView{Text: "1 scan of the paper of a practice’s form has"}
	if len(scans) > 1 || more {
		v.Text = strconv.Itoa(len(scans)) + " scans of the paper of practices’ forms have"
	}
	if more {
		v.Text = "At least " + v.Text
	}
	v.Text += " had no malware result, although it was asked for again and again. Whoever looks after the malware check has to act: until then nobody opens these files. The forms themselves go on."
	for _, s := range scans {
		v.Rows = append(v.Rows, silentRow{Href: address(s.Form, ""), Reference: s.Form.String(), Text: staff.NameOf(s.Practice) + ", since " + staff.Moment(s.Uploaded)})
	}
	return v
}

// silentView is what is said of scans without a malware result, with the form of each.
type silentView struct {
	Text string
	Rows []silentRow
}

type silentRow struct{ Href, Reference, Text string }

type listView struct {
	Scans                  string
	Silent                 *silentView
	List                   string
	Find                   staff.Find
	Lists, Filters, Orders staff.Tabs
	Table                  nhsui.Table
	Of                     int
	Next, First            string
}

// entries reads what a page of the list names, in its order, and leaves out what has moved on.
func (d *Door) entries(ctx context.Context, l worklist.List, names []worklist.Entry) ([]entry, error) {
	forms, err := worklist.Forms(ctx, d.Store, l, names)
	if err != nil {
		return nil, err
	}
	practices, err := worklist.Practices(ctx, d.Store, names)
	if err != nil {
		return nil, err
	}
	read := map[string]entry{}
	for _, f := range forms {
		read[f.Reference.Key()] = entry{form: f}
	}
	for _, p := range practices {
		read[p.Code.String()] = entry{practice: p}
	}
	var all []entry
	for _, n := range names {
		if e, ok := read[n.ID()]; ok {
			e.since = n.Since
			all = append(all, e)
		}
	}
	return all, nil
}

// table is the list as a table, without anything personal.
func (d *Door) table(entries []entry, s signin.Session) nhsui.Table {
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Forms and practices", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "What"}, {Text: "Since"}, {Text: "Why"}, {Text: "Whose"}, {Text: "To do"}, {Text: "Due"}},
	}
	for _, e := range entries {
		if e.isForm() {
			t.Rows = append(t.Rows, d.formRow(e))
		} else {
			t.Rows = append(t.Rows, d.practiceRow(e))
		}
	}
	return t
}

func (d *Door) formRow(e entry) []nhsui.Cell {
	now, st := d.Now(), e.form.State()
	link := nhsui.Cell{HTML: template.HTML(`<a href="` + address(e.form.Reference, "") + `" dir="ltr">` + e.form.Reference.String() + `</a>`)}
	if e.form.Version() == 0 {
		return []nhsui.Cell{link, {Text: staff.Since(e.since, now)}, {Text: faultText("unreadable")}, {Text: owners[optout.OwnerOffice]}, {}, {}}
	}
	row := []nhsui.Cell{link, {Text: since(st, now)}, {Text: why(st, e.form.Fault)}, {Text: ownerText(st)}, {Text: staff.NextText(st)}, {}}
	if due := st.Deadline(); !due.IsZero() {
		row[5].HTML = nhsui.HTML(staff.DueIn(due, now))
	}
	return row
}

// since is when a form was received, by which the list is ordered, and since when it is on the office's if that is later.
func since(st optout.State, now time.Time) string {
	text := staff.Since(st.Received, now)
	if staff.Between(st.Received, st.Since) > 0 {
		text += "; here since " + staff.Since(st.Since, now)
	}
	return text
}

func (d *Door) practiceRow(e entry) []nhsui.Cell {
	now, p := d.Now(), e.practice
	link := nhsui.Cell{HTML: template.HTML(`<a href="` + practiceAddress(p.Code) + `">` + template.HTMLEscapeString(staff.NameOf(p.Code)) + `</a>`)}
	if p.Digest.Version == 0 && p.Version == 0 {
		return []nhsui.Cell{link, {Text: staff.Since(e.since, now)}, {Text: faultText("unreadable")}, {Text: owners[optout.OwnerOffice]}, {}, {}}
	}
	var why template.HTML
	for _, tag := range tags(p) {
		why += nhsui.HTML(tag) + " "
	}
	if p.Digest.Fault != "" {
		why += "<br>" + template.HTML(template.HTMLEscapeString(faultText(p.Digest.Fault)))
	}
	tried := "Last tried: " + daysAgo(p.Chased(), now)
	return []nhsui.Cell{link, {Text: staff.Since(e.since, now)}, {HTML: why}, {Text: "The practice"}, {Text: toDo(p, now)}, {Text: tried}}
}
