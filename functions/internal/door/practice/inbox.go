package practice

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// The practice's lists, as the inbox names them.
var lists = []struct {
	name, text string
	stage      worklist.Stage
	newest     bool
}{
	{"waiting", "To do", worklist.Open, false},
	{"applied", "Applied, not checked yet", worklist.Applied, false},
	{"done", "Finished", worklist.Done, true},
}

// filters are what a page of the list can be narrowed to.
var filters = []struct {
	name, text string
	holds      func(optout.Form, time.Time) bool
}{
	{"all", "All", func(optout.Form, time.Time) bool { return true }},
	{"overdue", "Overdue", func(f optout.Form, now time.Time) bool { return staff.Overdue(f.State().Deadline(), now) }},
	{"new", "New", func(f optout.Form, _ time.Time) bool {
		return f.State().Status == optout.StatusRouted || f.State().Status == optout.StatusDelivered
	}},
	{"collected", "Collected", func(f optout.Form, _ time.Time) bool { return f.State().Status == optout.StatusCollected }},
	{"in-doubt", "In doubt", func(f optout.Form, _ time.Time) bool { return f.State().Status == optout.StatusInDoubt }},
	{"returned", "To decide", func(f optout.Form, _ time.Time) bool { return f.State().Status == optout.StatusReturned }},
}

// inbox is what is on the practice's list, by age: GET /practice. It has nothing personal in it.
func (d *Door) inbox(w http.ResponseWriter, r *http.Request, s signin.Session) {
	ctx, q, now := r.Context(), r.URL.Query(), d.Now()
	if find := q.Get("find"); find != "" {
		if ref, err := optout.ParseReference(find); err == nil {
			staff.See(w, address(ref, ""))
			return
		}
	}
	at := 0
	for n, l := range lists {
		if l.name == q.Get("list") {
			at = n
		}
	}
	l := worklist.List{Owner: worklist.Practice(s.Practice), Stage: lists[at].stage, Newest: lists[at].newest}
	listed, err := d.Store.List(ctx, l, worklist.Cursor(q.Get("after")), worklist.MostEntries)
	if errors.Is(err, worklist.ErrCursor) { // of another list, or no cursor at all
		staff.See(w, "/practice?list="+lists[at].name)
		return
	}
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	forms, err := worklist.Forms(ctx, d.Store, l, listed.Entries)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	var refs []optout.Reference
	for _, f := range forms {
		refs = append(refs, f.Reference)
	}
	claims, err := d.Store.Claimed(ctx, refs, now)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	v := inboxView{
		List: lists[at].name, Find: staff.Find{Action: "/practice", Label: "Find a form by its reference", Typed: q.Get("find")},
		Lists: staff.Tabs{Label: "Lists"}, Filters: staff.Tabs{Label: "Show only", Lead: "Of this page show only:"},
	}
	if v.Find.Typed != "" {
		v.Find.Wrong = "That is not a reference. It has 17 letters and digits."
	}
	for n, other := range lists {
		count, err := d.Store.Tally(ctx, worklist.List{Owner: l.Owner, Stage: other.stage})
		if err != nil {
			d.house.Fail(w, r, err)
			return
		}
		v.Lists.All = append(v.Lists.All, staff.Tab{Text: staff.Counted(other.text, count), Href: "/practice?list=" + other.name, Current: n == at})
	}
	only := filterNamed(q.Get("only"))
	var shown []optout.Form
	for n, x := range filters {
		holding := 0
		for _, f := range forms {
			if x.holds(f, now) {
				holding++
				if n == only {
					shown = append(shown, f)
				}
			}
		}
		if v.List == "waiting" && len(forms) > 0 {
			v.Filters.All = append(v.Filters.All, staff.Tab{
				Text: staff.Counted(x.text, holding), Current: n == only, Href: "/practice?" + url.Values{"list": {v.List}, "only": {x.name}, "after": q["after"]}.Encode(),
			})
		}
	}
	v.Of = len(forms)
	v.Table = d.table(shown, claims, s, v.List)
	if listed.Next != "" {
		v.Next = "/practice?" + url.Values{"list": {v.List}, "only": {filters[only].name}, "after": {string(listed.Next)}}.Encode()
	}
	if q.Get("after") != "" {
		v.First = "/practice?list=" + v.List
	}
	if v.List == "waiting" && slices.ContainsFunc(shown, func(f optout.Form) bool { return f.Version() > 0 && collected(f) }) {
		v.CSV = "/practice/list/waiting.csv?" + url.Values{"only": {filters[only].name}, "after": q["after"]}.Encode()
		v.FHIR = "/practice/list/waiting.json?" + url.Values{"only": {filters[only].name}, "after": q["after"]}.Encode()
	}
	d.house.Show(w, s, staff.Page{Name: "inbox", Title: "Forms for your practice", Part: "/practice", Wide: true, Done: done[q.Get("done")], Status: v.Find.Status(), Faults: v.Find.Faults(), Data: v})
}

// filterNamed is the place of a filter among filters; of what is none, that of the first, which holds all.
func filterNamed(name string) int {
	for n, x := range filters {
		if x.name == name {
			return n
		}
	}
	return 0
}

// done are what has just been done, by what the address says.
var done = map[string]string{
	"applied": "It is recorded that you applied the form. Your next list of coded patients will show it.", "returned": "The form is returned.",
	"put-back": "The form is back on your list for others at your practice.", "decided": "Your decision is recorded.",
	"follows":   "The form whose reference you gave says the same as this one, and follows it.",
	"withdrawn": "It is recorded that the person took the form back.", "corrected": "That the form was applied is taken back. It is yours to do again.",
	"collected": "You have collected the form.", "claimed": "The form is yours for the next 30 minutes.", "released": "Others at your practice can work on the form now.",
	"numbered": "The NHS number is recorded.", "decision": "Your practice's decision is recorded.", "email": "The address is recorded.",
	"before": staff.DoneBefore,
}

type inboxView struct {
	List           string
	Find           staff.Find
	Lists, Filters staff.Tabs
	Table          nhsui.Table
	Of             int
	Next, First    string
	CSV, FHIR      string
}

// table is a list as a table, in its order, which is that in which forms were received, without anything personal.
func (d *Door) table(forms []optout.Form, claims map[optout.Reference]worklist.Claim, s signin.Session, list string) nhsui.Table {
	order := "oldest first"
	for _, l := range lists {
		if l.name == list && l.newest {
			order = "newest first"
		}
	}
	t := nhsui.Table{
		Caption: &nhsui.Heading{Text: "Forms, " + order, Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Reference"}, {Text: "Received"}, {Text: "Stands"}, {Text: "To do"}, {Text: "Due"}},
	}
	if list != "waiting" {
		t.Head = t.Head[:4]
		t.Head[3].Text = "Next"
	}
	now := d.Now()
	for _, f := range forms {
		st := f.State()
		row := []nhsui.Cell{
			{HTML: template.HTML(`<a href="` + address(f.Reference, "") + `" dir="ltr">` + f.Reference.String() + `</a>`)},
			{Text: received(st, now)},
			{HTML: nhsui.HTML(staff.Standing(st))},
			{Text: staff.NextText(st)},
			{},
		}
		if f.Version() == 0 {
			row = []nhsui.Cell{{HTML: template.HTML(`<span dir="ltr">` + f.Reference.String() + `</span>`)}, {}, {Text: "Cannot be read just now. The office is looking at it."}, {}, {}}
		}
		if c, held := claims[f.Reference]; held {
			row[3].Text += " (" + atWork(c, s) + ")"
		}
		if due := st.Deadline(); !due.IsZero() {
			row[4].HTML = nhsui.HTML(staff.DueIn(due, now))
		}
		t.Rows = append(t.Rows, row[:len(t.Head)])
	}
	return t
}

// received is when a form came in, and since when the person waits if that is longer: since an earlier form of theirs.
func received(st optout.State, now time.Time) string {
	text := staff.Since(st.Received, now)
	if staff.Between(st.First, st.Received) > 0 {
		text += "; the person waits since " + staff.Since(st.First, now)
	}
	return text
}

// atWork says who is at work on a form, and until when.
func atWork(c worklist.Claim, s signin.Session) string {
	if c.By == s.String() {
		return "you are at work on it"
	}
	return "a colleague is at work on it until " + staff.Clock(c.Until)
}

// address is that of a form's page.
func address(ref optout.Reference, page string) string { return staff.FormAt("/practice", ref, page) }
