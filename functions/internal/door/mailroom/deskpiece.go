package mailroom

import (
	"context"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
)

// deskPiece shows a piece to whoever has it before them, to be keyed; to others it says how it stands:
// GET /mailroom/desk/{batch}/{piece}.
func (d *Door) deskPiece(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	v := wayIn(r.URL.Query().Get, s)
	if p.Sample.Step == batch.Unlike && s.Role == optout.Supervisor {
		staff.See(w, pieceAt(p.At, "judge"))
		return
	}
	if !d.has(s, p) {
		d.stands(w, r, s, v, p, 0, nil)
		return
	}
	if renewed, err := d.mailroom().Take(r.Context(), p.At, s.Actor); err == nil { // to look at it is to work on it
		p = renewed
	}
	filled := door.Form{}
	if p.Status == batch.Disputed && len(p.Keyed) > 0 {
		filled = filledAs(p.Keyed[0].Reading)
	}
	d.key(w, r, s, v, p, filled, 0, nil)
}

// has says that a person has a piece before them, and that it can be keyed.
func (d *Door) has(s signin.Session, p batch.Piece) bool {
	return p.HeldBy(d.Now()) == s.String() && (p.Status == batch.Waiting || p.Status == batch.Second || p.Status == batch.Disputed || p.Stage() == batch.Sampled)
}

// maySee says that a person may look at a piece's pages: whoever has it before them, and supervisors.
func (d *Door) maySee(s signin.Session, p batch.Piece) bool {
	return s.Role == optout.Supervisor || p.HeldBy(d.Now()) == s.String()
}

// filledAs is the form filled in with what somebody read.
func filledAs(r batch.Reading) door.Form {
	f := staff.AnswersFilled(r.Answers)
	if r.Number != "" {
		url.Values(f).Set("nhs-number", r.Number)
		url.Values(f).Set("number", "yes")
	}
	if r.Letter {
		url.Values(f).Set("letter", "yes")
	}
	return f
}

// pictured are a piece's pages as they are shown, some at a time.
type pictured struct {
	Pages          []onePage
	Links          []pageLink // to other pages, each in a tab of its own
	Zooms          []zoom
	Tools          bool // there is a form whose fields the tools are
	Earlier, Later string
}

type onePage struct {
	N          int
	Of         int
	Src        string // "": it could not be drawn
	Blank      bool
	Turns      []zoom
	Paper      string // where the paper is, for one that could not be drawn
	Tools      bool
	Name, Turn string
}

type pageLink struct{ Text, Href string }

type zoom struct {
	Value, Text string
	Checked     bool
}

// mostPictures is how many pages are shown at a time.
const mostPictures = 10

var zooms = []zoom{{"whole", "Whole page", false}, {"width", "Width", false}, {"150", "150%", false}, {"200", "200%", false}, {"300", "300%", false}}

var turns = []zoom{{"0", "Upright", false}, {"90", "Right", false}, {"180", "Upside down", false}, {"270", "Left", false}}

// pictures are a piece's pages, with the tools as they were set last.
func pictures(p batch.Piece, b batch.Batch, f door.Form, tools bool) (v pictured) {
	if p.First == 0 {
		return v
	}
	from, _ := strconv.Atoi(f.Digits("from"))
	from = min(max(from, p.First), p.Last)
	to := min(from+mostPictures-1, p.Last)
	v.Tools = tools
	chosen := func(all []zoom, value, otherwise string) []zoom {
		if !slices.ContainsFunc(all, func(z zoom) bool { return z.Value == value }) {
			value = otherwise
		}
		all = slices.Clone(all)
		for n := range all {
			all[n].Checked = all[n].Value == value
		}
		return all
	}
	v.Zooms = chosen(zooms, f.Get("zoom"), "width")
	for n := p.First; n <= p.Last; n++ {
		at := deskAt(p.At) + "/pages/" + strconv.Itoa(n)
		if n < from || n > to {
			v.Links = append(v.Links, pageLink{"page " + strconv.Itoa(n), at})
			continue
		}
		known := p.Pages[n-p.First]
		one := onePage{N: n, Of: p.Last, Src: at, Blank: known.Blank, Tools: tools, Name: "turn-" + strconv.Itoa(n)}
		if known.Fault != "" {
			one.Src, one.Paper = "", paperText(b, p)
		}
		one.Turns = chosen(turns, f.Get(one.Name), "0")
		v.Pages = append(v.Pages, one)
	}
	if from > p.First {
		v.Earlier = "pages-" + strconv.Itoa(max(p.First, from-mostPictures))
	}
	if to < p.Last {
		v.Later = "pages-" + strconv.Itoa(to+1)
	}
	return v
}

// paperText says where the paper of a piece is.
func paperText(b batch.Batch, p batch.Piece) string {
	text := "box " + b.Box + ", batch " + strconv.Itoa(b.Sequence)
	if p.Envelope > 0 {
		text += ", envelope " + strconv.Itoa(p.Envelope)
	}
	return text
}

// undrawn and blank are the pages of a piece that could not be drawn, and on which nothing seems to be.
func undrawn(p batch.Piece, last int) (pages []int) {
	for n, page := range p.Pages {
		if page.Fault != "" && p.First+n <= last {
			pages = append(pages, p.First+n)
		}
	}
	return pages
}

func blank(p batch.Piece) (pages []int) {
	for n, page := range p.Pages {
		if page.Blank {
			pages = append(pages, p.First+n)
		}
	}
	return pages
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// menu is an outcome with a reason: each is a button of its own.
type menu struct {
	ID, Key, Text string
	Above         []string
	Reasons       []zoom
	Open          bool
	Warning       bool
}

// keyPage is what the template of a piece that is keyed sees.
type keyPage struct {
	At, Title, Where, File string
	Until                  string
	Left                   int // seconds
	Way                    template.HTML
	Began                  template.HTML
	Stop                   template.HTML
	After                  *afterwards
	Notes                  []string
	Alarm                  bool
	Compare                *nhsui.Table
	Pictures               pictured
	Second                 bool
	Sample                 bool // it is finished, and is read once more
	Mine                   bool
	Own                    string // address of the piece

	Want, About, Names, Born, Number, Stands, Lives, Practice, Which, Signed, Letter, Proxy, Replies, Envelope, Last, Rest, Undrawn template.HTML

	ProxyOpen, RepliesOpen, PartOpen, Pages bool
	PartText                                string
	Register                                string
	Menus                                   []menu
	Again                                   bool // nothing is wrong with what was checked
}

// key shows the page on which a piece is keyed, as it was filled in last. Somebody who has not got it before them any
// more finds what they typed, and no pictures.
func (d *Door) key(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, f door.Form, status int, faults []staff.Fault) {
	b, err := d.Store.Batch(r.Context(), p.Batch)
	switch {
	case err != nil && r.Method == http.MethodPost:
		r.Body = io.NopCloser(strings.NewReader(url.Values(f).Encode())) // it is read already
		d.keeps(w, r, err)
		return
	case err != nil:
		d.house.Fail(w, r, err)
		return
	}
	observe.Note(r.Context(), "piece", p.ID)
	faults = namedFaults(f, faults)
	fields := staff.Fields{Form: f, Faults: faults}
	began := f.Get("began")
	if began == "" {
		began = strconv.FormatInt(d.Now().Unix(), 10)
	}
	page := keyPage{
		At: deskAt(p.At), Own: deskAt(p.At) + v.query(), Where: "Batch " + batch.Show(p.Batch) + ", " + whereText(p), File: p.Name, Way: v.hidden(), Began: staff.Hidden("began", began) + staff.Hidden("from", f.Get("from")),
		Mine: d.has(s, p), Second: f.Get("asked") == "twice" || f.Get("asked") == "" && p.Status == batch.Second, Alarm: p.Why == batch.Safeguarding && s.Role == optout.Supervisor,
		Stop: staff.Fields{Form: stopping(f, v)}.Box("stop", "Stop after this piece"), Again: f.Get("do") == "check" && len(faults) == 0,
	}
	if r.Method == http.MethodGet {
		page.After = d.after(r.Context(), s, v, r.URL.Query().Get("after"))
	}
	page.Sample = f.Get("asked") == "again" || f.Get("asked") == "" && p.Stage() == batch.Sampled
	page.Title = map[bool]string{true: "Key it once more", false: "Key this piece"}[page.Second]
	if page.Mine {
		page.Until, page.Left = staff.Clock(p.Lease.Until), int(p.Lease.Until.Sub(d.Now()).Seconds())
		page.Pictures = pictures(p, b, f, true)
		page.Notes = notes(p)
	}
	wrong := func(names ...string) bool {
		return slices.ContainsFunc(faults, func(x staff.Fault) bool { return slices.Contains(names, x.Field) })
	}
	filled := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return len(f.All(n)) > 0 })
	}
	page.Want, page.Born = fields.Want("What does it ask for?", ""), fields.Born()
	page.Number = fields.Number("NHS number, as it is written", "")
	if wrong("nhs-number", "number") || f.Ticked("number") {
		page.Stands = fields.Box("number", "It stands so on the paper: keep it as it is written, and go on without it")
	}
	switch {
	case page.Second:
		page.Way += staff.Hidden("asked", "twice")
		page.Register, page.Menus = "Record what you read", menus("", true)
	default:
		page.Way += staff.Hidden("asked", map[bool]string{true: "again", false: "all"}[page.Sample])
		page.Register, page.Menus = "Register", menus(openMenu(f, faults), false)
		page.About, page.Names, page.Lives = fields.About(), fields.Names(), fields.Lives()
		page.Practice = fields.Practice("Practice: its code, or name and town", "", 0)
		page.Which = d.whichPractice(f, fields)
		page.Signed = fields.Signed("Signed on, if there is a date", "")
		page.Proxy = fields.Proxy("Leave it empty if the person signed.", "")
		page.Replies = fields.Replies("How may the person be answered?", "Tick what the paper says, and nothing if it says nothing.")
		page.ProxyOpen = filled("proxy-name", "capacity") || wrong("proxy-name", "capacity", "signer")
		page.RepliesOpen = filled("safe", "email", "phone", "format", "language") || wrong("safe", "email", "phone", "format", "language")
		if page.Sample {
			page.Title, page.Register, page.Menus = "Check this piece", "Record what you read", checking(page.Menus)
		} else {
			page.Letter = fields.Box("letter", "It is a letter, not a form")
			d.part(&page, b, p, fields, filled, wrong)
		}
		if page.Mine && s.Role == optout.Supervisor && len(p.Keyed) > 1 {
			page.Compare = compared(p)
			for _, field := range p.Keyed[0].Reading.Differs(p.Keyed[1].Reading) {
				marked := map[string]*template.HTML{batch.OfChoice: &page.Want, batch.OfBirth: &page.Born, batch.OfNumber: &page.Number}[field]
				if marked == nil { // whether it is in doubt, which the table above says
					continue
				}
				*marked = `<div class="app-differs">` + nhsui.HTML(nhsui.Tag{Text: "Read in two ways", Colour: "orange"}) + *marked + `</div>`
			}
		}
	}
	d.house.Show(w, s, staff.Page{
		Name: "desk-piece", Status: status, Title: page.Title, Part: "/mailroom/desk", Wide: true, Script: "desk.js", Sheet: "desk.css", Faults: faults, Data: page,
	})
}

// needed are what is to be filled in, in the place of a sentence that is the same for every field: at the top of the page
// several stand in a row.
var needed = map[string]string{
	"forenames": "Enter the first names, or tick that there is one name only.", "surname": "Enter the last name.", "birth-date": "Enter the birth date.",
	"proxy-name": "Enter the name of whoever signed for the person.", "capacity": "Say by what right somebody signed for the person.", "want": "Say what it asks for.",
}

func namedFaults(f door.Form, faults []staff.Fault) (all []staff.Fault) {
	for _, x := range faults {
		empty := f.Get(x.Field) == "" && f.Get(x.Field+"-day")+f.Get(x.Field+"-month")+f.Get(x.Field+"-year") == ""
		if text := needed[x.Field]; text != "" && empty {
			x.Text = text
		}
		all = append(all, x)
	}
	return all
}

// part asks where the piece ends, and whose envelope it is from.
func (d *Door) part(page *keyPage, b batch.Batch, p batch.Piece, fields staff.Fields, filled, wrong func(...string) bool) {
	is := "the next one that is free"
	if p.Envelope > 0 {
		is = strconv.Itoa(p.Envelope)
	}
	page.PartText, page.Pages = "Envelope "+is, p.Last > p.First
	page.Envelope = fields.Line("envelope", "Envelope", "Leave it empty if it is "+is+".", 5)
	if page.Pages {
		page.PartText += ". It ends with page " + strconv.Itoa(p.Last)
		page.Last = fields.Line("last", "Last page", "Leave it empty if it is page "+strconv.Itoa(p.Last)+".", 5)
		page.Rest = fields.One("rest", "If pages are left, they are from", "", staff.Option{Value: "same", Text: "the same envelope"}, staff.Option{Value: "next", Text: "the next envelope"})
	}
	page.PartOpen = filled("envelope", "last", "rest") || wrong("envelope", "last", "rest")
	if pages := undrawn(p, p.Last); len(pages) > 0 {
		page.Undrawn = fields.Box("undrawn", "I have looked at "+plural(len(pages), "page ", "pages ")+pageList(pages)+" on the paper")
	}
}

// stopping is the form with the box by which somebody stops after each piece.
func stopping(f door.Form, v way) door.Form {
	if v.Stop {
		return door.Form{"stop": {"yes"}}
	}
	return door.Form{"stop": f["stop"]}
}

// notes are what is to be known of a piece's pages before anybody looks at them.
func notes(p batch.Piece) (all []string) {
	if pages := blank(p); len(pages) > 0 {
		all = append(all, plural(len(pages), "Page ", "Pages ")+pageList(pages)+plural(len(pages), " looks", " look")+" blank. Look all the same: a faint mark is easily missed.")
	}
	if pages := undrawn(p, p.Last); len(pages) > 0 {
		all = append(all, plural(len(pages), "Page ", "Pages ")+pageList(pages)+" could not be drawn. Look at the paper, or have it scanned again.")
	}
	return all
}

// menus are the outcomes that need a reason.
func menus(open string, twice bool) []menu {
	reasons := func(verb string, codes []string) (all []zoom) {
		for _, c := range codes {
			all = append(all, zoom{Value: verb + "-" + c, Text: reasonOf(c).text})
		}
		return all
	}
	hold := menu{ID: "hold", Key: "2", Text: "Hold", Above: []string{"It is registered as doubtful, with what can be read, and the person is written to. Nobody guesses. What is the matter?"}, Reasons: reasons("hold", batch.HoldFor)}
	alarm := menu{ID: "alarm", Key: "6", Text: "Risk to someone", Warning: true, Reasons: []zoom{{Value: "alarm", Text: "Put it before a supervisor now"}}, Above: []string{
		"For anything on the paper that says that somebody may come to harm: abuse, threats, somebody who wants to end their life, a child in danger.",
		"Nothing is registered and nothing is sent. The piece goes to the top of the supervisors’ list, and only they see it. Go and tell one as well. If somebody is in danger at this moment, call 999 first.",
	}}
	if twice {
		hold.Text, hold.Above = "In doubt", []string{"Fill in first what can be read. If somebody else says the same, it is held; if not, a supervisor decides. What is the matter?"}
		return []menu{hold, alarm}
	}
	all := []menu{
		hold,
		{ID: "back", Key: "3", Text: "Back to sender", Above: []string{"Nothing of it is kept here. What is it?"}, Reasons: reasons("back", batch.SentBackFor)},
		{ID: "other", Key: "4", Text: "Other post", Above: []string{"It asks for nothing that is ours to do. What is it?"}, Reasons: reasons("other", batch.OtherPostIs)},
		{ID: "rescan", Key: "5", Text: "Another scan", Above: []string{"The same paper was scanned twice, or again because this scan is too poor, and is keyed from the other scan."}, Reasons: []zoom{{Value: "rescan", Text: "It is keyed from another scan"}}},
		alarm,
	}
	for n := range all {
		all[n].Open = all[n].ID == open
	}
	return all
}

// checking are the outcomes of a piece that is finished, and only read: nothing is done to it.
func checking(all []menu) []menu {
	for n := range all {
		if m := &all[n]; m.ID == "alarm" {
			m.Above = m.Above[:1]
			m.Above = append(m.Above, "The piece goes to the top of the supervisors’ list, though it is finished. Go and tell one as well. If somebody is in danger at this moment, call 999 first.")
		} else {
			m.Above = []string{"Nothing is done to the piece: it is recorded what you would have said."}
		}
	}
	return all
}

// openMenu is the menu to which a fault belongs.
func openMenu(f door.Form, faults []staff.Fault) string {
	verb, _, _ := strings.Cut(f.Get("do"), "-")
	if len(faults) == 0 {
		return ""
	}
	return verb
}

// whichPractice offers the practices that may be meant by what was typed; "" where a code was, or nothing.
func (d *Door) whichPractice(f door.Form, fields staff.Fields) template.HTML {
	typed := f.Get("practice")
	if _, err := nhs.ParseODSCode(typed); err == nil || typed == "" {
		return ""
	}
	var options []staff.Option
	for _, p := range d.found(typed) {
		options = append(options, staff.Option{Value: p.Code, Text: p.Name + " (" + p.Code + ")", Hint: p.Where})
	}
	if len(options) == 0 {
		return ""
	}
	options = append(options, staff.Option{Value: "none", Text: "None of these: the office looks for it"})
	if f.Get("searched") != typed { // what is chosen was chosen from others
		fields.Form = door.Form{}
	}
	return staff.Hidden("searched", typed) + fields.One("which-practice", "Which practice is meant?", "", options...)
}

// mostFound is how many practices are offered.
const mostFound = 8

type practiceFound struct{ Code, Name, Where string }

func (d *Door) found(typed string) (all []practiceFound) {
	if code, err := nhs.ParseODSCode(typed); err == nil {
		if p, ok := d.Practices.Find(code); ok {
			all = append(all, practiceFound{p.Code.String(), spoken(p), p.Where()})
		}
		return all
	}
	if len(typed) > mostTyped {
		return nil
	}
	for _, p := range d.Practices.Search(typed, mostFound) {
		all = append(all, practiceFound{p.Code.String(), spoken(p), p.Where()})
	}
	return all
}

// mostTyped is how long a name of a practice can be, in bytes.
const mostTyped = 200

// practices finds a practice by its name, town, postcode or code: GET /mailroom/desk/practices.
func (d *Door) practices(w http.ResponseWriter, r *http.Request, s signin.Session) {
	page := struct {
		Query string
		Found []practiceFound
	}{Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	if page.Query != "" {
		page.Found = d.found(page.Query)
	}
	d.house.Show(w, s, staff.Page{Name: "desk-practices", Title: "Find a practice", Part: "/mailroom/desk", Data: page})
}

// compared shows what two people read of what is keyed twice.
func compared(p batch.Piece) *nhsui.Table {
	t := &nhsui.Table{
		Caption: &nhsui.Heading{Text: "What two people read", Size: "s"}, FirstCellIsHeader: true, Compact: true,
		Head: []nhsui.Cell{{Text: "Field"}, {Text: "First"}, {Text: "Second"}},
	}
	one, two := p.Keyed[0].Reading, p.Keyed[1].Reading
	differs := one.Differs(two)
	says := func(r batch.Reading) [3]string {
		a, number := r.Answers, r.Answers.Subject.NHSNumber
		if r.Number != "" {
			number = r.Number + " (as written)"
		}
		want := staff.Wanted(optout.Facts{Kind: a.Kind, Choice: a.Choice})
		if r.Hold != "" {
			want += " (in doubt: " + lower(reasonOf(r.Hold).text) + ")"
		}
		return [3]string{want, staff.Day(nhs.StoredDate(a.Subject.BirthDate)), number}
	}
	first, second := says(one), says(two)
	for n, field := range []struct{ code, name string }{{"choice", "Asks for"}, {"birthDate", "Birth date"}, {"nhsNumber", "NHS number"}} {
		name := nhsui.Cell{Text: field.name}
		if slices.Contains(differs, field.code) || field.code == batch.OfChoice && slices.Contains(differs, batch.OfOutcome) {
			name = nhsui.Cell{HTML: template.HTML(field.name+" ") + nhsui.HTML(nhsui.Tag{Text: "Differs", Colour: "orange"})}
		}
		cell := func(text string) nhsui.Cell {
			if text == "" {
				text = "–"
			}
			return nhsui.Cell{HTML: template.HTML("<bdi>" + template.HTMLEscapeString(text) + "</bdi>")}
		}
		t.Rows = append(t.Rows, []nhsui.Cell{name, cell(first[n]), cell(second[n])})
	}
	return t
}

// standsPage is what the template of a piece that is not before the person sees.
type standsPage struct {
	Text, Where, File, Reference, At, Own string
	Books                                 string // address of its page in the books
	Way                                   template.HTML
	Tag                                   nhsui.Tag
	Take, Undo, Alone                     bool
	Notes                                 []string
	Pictures                              pictured
}

// stands says how a piece stands that somebody has not got before them.
func (d *Door) stands(w http.ResponseWriter, r *http.Request, s signin.Session, v way, p batch.Piece, status int, faults []staff.Fault) {
	observe.Note(r.Context(), "piece", p.ID)
	b, err := d.Store.Batch(r.Context(), p.Batch)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	if list := listOf(p); list != "" {
		v.Stage = list
	}
	page := standsPage{Tag: standing(p), Where: "Batch " + batch.Show(p.Batch) + ", " + whereText(p), File: p.Name, At: deskAt(p.At), Own: "/mailroom/desk" + v.query(), Way: v.hidden(), Undo: batch.CanUndo(p) && b.IsOpen(), Books: pieceAt(p.At, "")}
	supervises := s.Role == optout.Supervisor
	page.Text, page.Take = d.standsText(s, p, b)
	page.Alone = supervises && p.IsOwn(s.Actor)
	if supervises {
		page.Pictures, page.Notes = pictures(p, b, door.Form{}, false), notes(p)
	}
	if p.Status.IsOutcome() && !p.Form.IsZero() && (supervises || mine(p, s)) {
		_, page.Reference = becameText(p, s)
	}
	d.house.Show(w, s, staff.Page{Name: "desk-stands", Status: status, Title: "A piece", Part: "/mailroom/desk", Back: page.Own, Script: "desk.js", Sheet: "desk.css", Faults: faults, Data: page})
}

// mine says that somebody brought a piece where it is.
func mine(p batch.Piece, s signin.Session) bool {
	return len(p.History) > 0 && p.History[len(p.History)-1].By == s.String()
}

// standsText says how a piece stands, and whether somebody who has not got it before them can take it.
func (d *Door) standsText(s signin.Session, p batch.Piece, b batch.Batch) (text string, take bool) {
	supervises := s.Role == optout.Supervisor
	held := p.HeldBy(d.Now())
	switch {
	case p.Stage() == batch.Sampled && held != "" && held != s.String():
		return "It is finished. Somebody else checks it at the moment.", false
	case batch.MayReadAgain(p, s.Actor):
		return "It is finished, and in the sample of what is checked. Nobody has it before them.", true
	case p.Status == batch.Quarantined:
		return "Nobody opens this file: " + lower(reasonOf(p.Why).text) + ".", false
	case p.Status.IsOutcome() && p.Status != batch.Lapsed:
		text, _ = becameText(p, s)
		return text, false
	case p.Status == batch.Lapsed, p.Status == batch.Awaited:
		return "Its file has not come.", false
	case p.Status == batch.Checking && p.Why != "":
		return "Its file cannot be read yet: " + lower(reasonOf(p.Why).text) + ". It is tried again and again; tell whoever runs the service if it does not pass.", false
	case p.Status == batch.Checking:
		return "Its file is being checked and read. That takes a minute or two.", false
	case !b.IsOpen():
		return batch.Closed.Detail, false
	case p.Stage().ForSupervisors() && !supervises:
		return "It is before a supervisor.", false
	case held != "" && held != s.String():
		return "Somebody else has this piece before them, until " + staff.Clock(p.Lease.Until) + " or longer.", false
	case p.Stage() == batch.Keying2 && keyedBy(p, s):
		return batch.NotTwice.Detail, false
	case p.IsOwn(s.Actor):
		return batch.OwnReading.Detail, false
	}
	return "It waits, and nobody has it before them.", true
}

func keyedBy(p batch.Piece, s signin.Session) bool {
	return slices.ContainsFunc(p.Keyed, func(k batch.Keying) bool { return optout.IDOf(k.By) == s.ID })
}

// picture leads to a page's picture, for a minute: GET /mailroom/desk/{batch}/{piece}/pages/{n}. Whoever has the piece
// before them sees it, and supervisors do; who looked is in the log, and beside the form once there is one.
func (d *Door) picture(w http.ResponseWriter, r *http.Request, s signin.Session, p batch.Piece) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || p.First == 0 || n < p.First || n > p.Last || strconv.Itoa(n) != r.PathValue("n") || p.Pages[n-p.First].Fault != "" {
		d.house.Refuse(w, r, problem.NoSuchPage)
		return
	}
	if !d.maySee(s, p) {
		d.house.Refuse(w, r, problem.NotYours)
		return
	}
	observe.Note(r.Context(), "piece", p.ID)
	observe.Note(r.Context(), "page", strconv.Itoa(n))
	observe.Note(r.Context(), "looks", s.ID)
	if !p.Form.IsZero() {
		if err := d.house.Look(r.Context(), s.Actor, "scan", optout.Form{Reference: p.Form}); err != nil {
			d.house.Fail(w, r, err)
			return
		}
	}
	d.lookedAt(r.Context(), s, p)
	to, err := d.Files.Picture(r.Context(), upload.PageKey(p.Upload, n))
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	staff.See(w, to)
}

// lookedAt renews the lease of whoever has a piece before them and looks at it, once a minute.
func (d *Door) lookedAt(ctx context.Context, s signin.Session, p batch.Piece) {
	if now := d.Now(); p.HeldBy(now) == s.String() && p.Lease.Until.Sub(now) < batch.LeaseLasts-time.Minute {
		_, _ = d.mailroom().Take(ctx, p.At, s.Actor) // if it fails, the lease is as long as it was
	}
}
