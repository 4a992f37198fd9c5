package mailroom

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
)

// books shows a batch: whether its books add up, what is stuck, and each piece: GET /mailroom/batches/{batch}.
func (d *Door) books(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch) {
	d.showBooks(w, r, s, b, 0, "")
}

// mostPieces is how many pieces one page shows.
const mostPieces = 100

// showBooks shows a batch as it stands now, with why something was not done. It is counted at one moment: books that seem not to
// add up, since colleagues are at work on them, have people look for what is not lost.
func (d *Door) showBooks(w http.ResponseWriter, r *http.Request, s signin.Session, b batch.Batch, status int, note string) {
	b, pieces, err := d.mailroom().Whole(r.Context(), b.ID)
	if err != nil {
		d.house.Fail(w, r, err)
		return
	}
	slices.SortStableFunc(pieces, func(a, b batch.Piece) int {
		return cmp.Or(cmp.Compare(a.Envelope, b.Envelope), strings.Compare(a.ID, b.ID))
	})
	ledger := batch.Count(b, pieces)
	v := booksView{
		At: batchAt(b.ID, ""), Note: note, Tag: batchTag(b, d.Now()), Place: place(b), Destroy: staff.Day(b.Destroy), Open: b.IsOpen(),
		Supervisor: s.Role == optout.Supervisor, Books: ledgerRows(ledger), Missing: missing(b, pieces), Stuck: stuck(pieces), History: happened(b.History, s.Actor),
	}
	if n := coming(pieces); n > 0 {
		v.Coming = counted(n, "file is on its way or being checked.", "files are on their way or being checked.")
	}
	if why := ledger.Closes(); b.IsOpen() && why != nil {
		v.InTheWay = why.(*optout.Refusal).Detail
	}
	v.fill(r.URL.Query(), pieces, func(p batch.Piece) []nhsui.Cell { return d.pieceRow(p, s) })
	d.house.Show(w, s, staff.Page{
		Name: "books", Title: "Batch " + batch.Show(b.ID), Part: "/mailroom", Back: "/mailroom", Wide: true, Status: status, Done: done[r.URL.Query().Get("done")], Data: v,
	})
}

type booksView struct {
	At, Note         string
	Tag              nhsui.Tag
	Place, Destroy   string
	Open, Supervisor bool
	Books            nhsui.SummaryList
	Missing, Coming  string
	InTheWay         string
	Stuck            []stuckFor
	Filters          staff.Tabs
	Table            nhsui.Table
	None             bool // nothing is on the books yet
	Next, First      string
	History          []staff.Happened
}

// ledgerRows are the batch's two equations, in numbers and in words.
func ledgerRows(l batch.Ledger) nhsui.SummaryList {
	var sum []string
	for _, o := range batch.Outcomes {
		sum = append(sum, itoa(l.Of[o])+" "+outcomes[o])
	}
	sum = append(sum, itoa(l.Waiting)+" waiting")
	row := func(name, equation, words string, tag nhsui.Tag) nhsui.SummaryRow {
		return nhsui.SummaryRow{Key: nhsui.SummaryCell{Text: name}, Value: nhsui.SummaryCell{
			HTML: template.HTML("<strong>"+template.HTMLEscapeString(equation)+"</strong> ") + nhsui.HTML(tag) + template.HTML("<br>"+template.HTMLEscapeString(words)),
		}}
	}
	return nhsui.SummaryList{Rows: []nhsui.SummaryRow{
		row("Envelopes", itoa(l.Opened)+" opened "+sign(l.Envelopes())+" "+itoa(l.Declared)+" declared", envelopesSay(l), truth(l.Envelopes(), l.Missing > 0 && beyond(l) == 0)),
		row("Pieces", itoa(l.Pieces)+" on the books "+sign(l.AddsUp())+" "+strings.Join(sum, " + "), piecesSay(l), truth(l.AddsUp(), false)),
	}}
}

// coming is how many files are not read yet, and not stuck.
func coming(pieces []batch.Piece) (n int) {
	for _, p := range pieces {
		if p.Status == batch.Awaited || p.Status == batch.Checking && p.Why == "" {
			n++
		}
	}
	return n
}

func sign(holds bool) string {
	if holds {
		return "="
	}
	return "≠"
}

// truth says whether an equation holds; yet: it may still come to hold by itself, as work goes on.
func truth(holds, yet bool) nhsui.Tag {
	switch {
	case holds:
		return nhsui.Tag{Text: "Adds up", Colour: "green"}
	case yet:
		return nhsui.Tag{Text: "Not yet", Colour: "yellow"}
	}
	return nhsui.Tag{Text: "Does not add up", Colour: "red"}
}

// beyond is how many envelopes are opened whose numbers are none of those that were declared.
func beyond(l batch.Ledger) int { return l.Opened - (l.Declared - l.Missing) }

func envelopesSay(l batch.Ledger) string {
	switch more := beyond(l); {
	case l.Missing > 0 && more > 0:
		return "Of " + counted(l.Missing, "envelope", "envelopes") + " nothing is on the books, and " + counted(more, "envelope has a number", "envelopes have numbers") + " beyond " + itoa(l.Declared) + "."
	case l.Missing > 0:
		return "Of " + counted(l.Missing, "envelope", "envelopes") + " nothing is on the books yet."
	case more > 0:
		return counted(more, "envelope", "envelopes") + " more than were declared."
	}
	return "Each envelope that was declared is on the books."
}

func piecesSay(l batch.Ledger) string {
	switch {
	case !l.AddsUp():
		return "Nothing is lost, and something is counted wrongly. Tell whoever runs the service."
	case l.Pieces == 0:
		return "Nothing is on the books yet."
	case l.Waiting > 0:
		return "Each piece is accounted for. " + counted(l.Waiting, "piece still waits.", "pieces still wait.")
	}
	return "Each piece is accounted for, and none waits."
}

// mostNamed is how many of several are named in a sentence.
const mostNamed = 20

// missing names the envelopes of a batch of which nothing is on the books, and says what is in no envelope.
func missing(b batch.Batch, pieces []batch.Piece) string {
	opened, loose, beyond := map[int]bool{}, 0, 0
	for _, p := range pieces {
		switch {
		case p.Status == batch.Lapsed, p.Status == batch.Rescan, p.Status == batch.Awaited:
		case p.Envelope == 0:
			loose++
		default:
			opened[p.Envelope] = true
			if p.Envelope > b.Declared {
				beyond++
			}
		}
	}
	var numbers []string
	left := 0
	for n := 1; n <= b.Declared; n++ {
		switch {
		case opened[n]:
		case len(numbers) < mostNamed:
			numbers = append(numbers, itoa(n))
		default:
			left++
		}
	}
	var text string
	if len(opened) > 0 && len(numbers) > 0 {
		text = "Nothing is on the books of " + named("envelope", numbers)
		if left > 0 {
			text += " and " + itoa(left) + " more"
		}
		text += ". "
	}
	if beyond > 0 {
		text += counted(beyond, "piece is in an envelope", "pieces are in envelopes") + " numbered higher than " + itoa(b.Declared) + ": check the number on the page of the piece. "
	}
	if loose > 0 {
		text += counted(loose, "piece is", "pieces are") + " in no envelope yet: that is said at the desk, or on the page of the piece."
	}
	return strings.TrimSpace(text)
}

// named are numbered things in a sentence: envelope 4; envelopes 4, 7 and 9.
func named(one string, numbers []string) string {
	if len(numbers) == 1 {
		return one + " " + numbers[0]
	}
	last := len(numbers) - 1
	return one + "s " + strings.Join(numbers[:last], ", ") + " and " + numbers[last]
}

// stuckFor is one reason that keeps pieces from going on, and what is to be done.
type stuckFor struct {
	Text, Do string
	Pieces   []stuckPiece
	More     int
}

type stuckPiece struct{ Name, Href string }

// mostStuck is how many pieces are named for one reason.
const mostStuck = 5

// stuck are the reasons that keep pieces of a batch from going on, or pages from being seen.
func stuck(pieces []batch.Piece) (all []stuckFor) {
	at := map[string]int{}
	add := func(code string, p batch.Piece) {
		n, ok := at[code]
		if !ok {
			n = len(all)
			at[code] = n
			r := reasonOf(code)
			all = append(all, stuckFor{Text: r.text, Do: r.do})
		}
		if len(all[n].Pieces) == mostStuck {
			all[n].More++
			return
		}
		all[n].Pieces = append(all[n].Pieces, stuckPiece{nameOf(p), pieceAt(p.At, "")})
	}
	for _, p := range pieces {
		switch {
		case p.Status == batch.Quarantined && !p.Seen, p.Status == batch.Checking && p.Why != "":
			add(p.Why, p)
		case !p.Status.IsOutcome():
			var seen []string
			for _, page := range p.Pages {
				if page.Fault != "" && !slices.Contains(seen, page.Fault) {
					seen = append(seen, page.Fault)
					add(page.Fault, p)
				}
			}
		}
	}
	return all
}

// nameOf is what a piece is called: its file's name and its pages.
func nameOf(p batch.Piece) string {
	if p.Upload == "" {
		return "Put in by hand"
	}
	return cmp.Or(p.Name, "A file without a name")
}

// pagesOf says which pages of its file a piece is, "" before that is known.
func pagesOf(p batch.Piece) string {
	blank := 0
	for _, page := range p.Pages {
		if page.Blank {
			blank++
		}
	}
	text := ""
	switch {
	case p.First == 0:
		return ""
	case p.First == p.Last:
		text = itoa(p.First)
	default:
		text = itoa(p.First) + " to " + itoa(p.Last)
	}
	if blank > 0 {
		text += " (" + itoa(blank) + " blank)"
	}
	return text
}

// filters are what the pieces of a batch can be narrowed to.
var filters = func() []filter {
	all := []filter{
		{"all", "All", func(p batch.Piece) bool { return p.Status != batch.Lapsed }},
		{"waiting", "Waiting", func(p batch.Piece) bool { return !p.Status.IsOutcome() }},
	}
	for _, o := range append(slices.Clone(batch.Outcomes), batch.Lapsed) {
		all = append(all, filter{string(o), standings[o].Text, func(p batch.Piece) bool { return p.Status == o }})
	}
	return all
}()

type filter struct {
	name, text string
	holds      func(batch.Piece) bool
}

// fill puts into the page the pieces that are asked for.
func (v *booksView) fill(q url.Values, pieces []batch.Piece, row func(batch.Piece) []nhsui.Cell) {
	at := max(slices.IndexFunc(filters, func(f filter) bool { return f.name == q.Get("only") }), 0)
	address := func(name string, from int) string {
		to := v.At + "?only=" + name
		if from > 0 {
			to += "&from=" + itoa(from)
		}
		return to + "#pieces"
	}
	var shown []batch.Piece
	v.Filters = staff.Tabs{Label: "Show only", Lead: "Show only:"}
	for n, f := range filters {
		var some []batch.Piece
		for _, p := range pieces {
			if f.holds(p) {
				some = append(some, p)
			}
		}
		if n == at {
			shown = some
		}
		if n < 2 || len(some) > 0 || n == at {
			v.Filters.All = append(v.Filters.All, staff.Tab{Text: staff.Counted(f.text, len(some)), Href: address(f.name, 0), Current: n == at})
		}
	}
	v.None = len(pieces) == 0
	from, err := strconv.Atoi(q.Get("from"))
	if err != nil || from < 0 || from >= len(shown) {
		from = 0
	}
	if from > 0 {
		v.First = address(filters[at].name, 0)
	}
	if end := from + mostPieces; end < len(shown) {
		v.Next = address(filters[at].name, end)
		shown = shown[:end]
	}
	v.Table = nhsui.Table{
		Caption: &nhsui.Heading{Text: "Pieces, by envelope", Classes: "nhsuk-u-visually-hidden"}, Responsive: true,
		Head: []nhsui.Cell{{Text: "Envelope"}, {Text: "File"}, {Text: "Pages"}, {Text: "Stands"}, {Text: "Who has it"}, {Text: "Since"}},
	}
	for _, p := range shown[from:] {
		v.Table.Rows = append(v.Table.Rows, row(p))
	}
}

// pieceRow is a piece in the table of its batch.
func (d *Door) pieceRow(p batch.Piece, s signin.Session) []nhsui.Cell {
	now := d.Now()
	stands := nhsui.HTML(standing(p))
	if p.Why != "" {
		stands += template.HTML("<br>" + template.HTMLEscapeString(reasonOf(p.Why).text))
	}
	since := p.Since
	if !p.Done.IsZero() {
		since = p.Done
	}
	return []nhsui.Cell{
		{Text: envelopeOf(p)},
		{HTML: template.HTML(`<a href="` + template.HTMLEscapeString(pieceAt(p.At, "")) + `"><bdi>` + template.HTMLEscapeString(nameOf(p)) + `</bdi></a>`)},
		{Text: cmp.Or(pagesOf(p), "–")},
		{HTML: stands},
		{Text: cmp.Or(who(p.HeldBy(now), s), "–")},
		{Text: staff.Since(since, now)},
	}
}

func envelopeOf(p batch.Piece) string {
	if p.Envelope == 0 {
		return "Not said yet"
	}
	return itoa(p.Envelope)
}

// who is a colleague, as somebody at the mailroom knows them; "" for nobody.
func who(by string, s signin.Session) string {
	switch {
	case by == "":
		return ""
	case strings.HasSuffix(by, " "+s.ID):
		return "You"
	}
	return "A colleague"
}
