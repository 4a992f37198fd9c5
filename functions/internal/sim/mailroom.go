package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/mailroom"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/problem"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
)

var _ = Join("mailroom", func(tb testing.TB) func() Part {
	issuer := issuing(tb)
	door := mailroom.Door{
		Store: reach(), Files: files{}, Keys: ring, SignIn: signIn(issuer, signin.Mailroom), Controller: "Testshire", TestNumbers: true, Twice: keyedTwice, Sample: sampled,
		Practices: elsewhere{}, Now: now,
	}
	web := NewWeb("mailroom", door.Handler())
	token := issuer.Lasting(tb, mailSoftware, worldsBegin, worldsLast)
	return func() Part { return &post{web: web, token: token} }
})

const (
	mailSoftware = "client-mailroom"
	keyedTwice   = 30 // of a hundred pieces
	sampled      = 30 // of a hundred forms
)

// post is the mailroom: software and clerks send scans of what was in envelopes, clerks key them, and supervisors decide.
// In most histories of few forms no post comes, and in half of those of thirty.
type post struct {
	web   Web
	token string
	w     *World
	rand  *rand.Rand // of its own: what its people do changes nothing that others do
	comes bool
	keen  bool // everybody does what waits, and nothing else

	clerks []*clerk
	boxes  []*box
	scans  []*scan
	sheets map[string]*sheet // by the SHA-256 of their files

	forms    map[string]*Sent    // by the key of their origin
	choices  map[string][]string // by reference: what anybody read on the paper, or cleared up
	pieces   []batch.Piece       // as they stood when somebody was told of them
	books    []batch.Batch       // likewise
	receipts []receipt
	serial   int
}

// box is a batch of envelopes that somebody sets out to open.
type box struct {
	name     string
	by       *clerk // nil: software
	key      string
	declared int
	id       string // once somebody was told
	groups   []*announced
}

// announced are files that are announced in one go.
type announced struct {
	box    *box
	id     string // of the batch
	key    string
	as     batch.Envelopes
	sheets []*sheet
	scans  []*scan // once somebody was told
}

// scan is a place for a file, as whoever sends it knows it.
type scan struct {
	of    *announced
	id    string
	sheet *sheet
	sent  []version // in the bucket
	again bool      // the paper was scanned again
}

// receipt is what software was told of a file.
type receipt struct{ File, State, SHA256 string }

// letter is a thing on some pages of a sheet.
type letter struct {
	from, to int
	what     string // form, letter, or a code of what else it is
	who      *Person
	choice   string
	hold     string // why it is in doubt
	same     bool   // what comes behind it was in the same envelope
}

// Begin implements Part.
func (p *post) Begin(w *World) {
	p.w, p.rand = w, rand.New(rand.NewPCG(w.Seed, 3))
	if p.comes = w.all || w.lone == optout.Paper || w.lone == "" && p.rand.IntN(16) < 1+w.wants/4; !p.comes {
		return
	}
	p.sheets, p.forms, p.choices = map[string]*sheet{}, map[string]*Sent{}, map[string][]string{}
	if err := w.Store.SaveMailroomClient(w.Outside(), mailSoftware, "software"); err != nil {
		w.Wrong("the mailroom's client is not entered: %v", err)
	}
	for n, role := range []optout.Role{optout.Desk, optout.Desk, optout.Desk, optout.Supervisor, optout.Supervisor, optout.Supervisor} {
		c := &clerk{member: member{Actor: optout.Actor{Role: role, ID: fmt.Sprint("m-", n+1)}, w: w, rand: p.rand, door: "mailroom", web: p.web, groups: []string{groupOf[role]}}, part: p, every: []time.Duration{time.Hour, 3 * time.Hour, 8 * time.Hour}[p.rand.IntN(3)]}
		p.clerks = append(p.clerks, c)
		w.After(p.soon(c.every), c.comes)
	}
	for n := range min(1+w.wants/25, 40) {
		b := &box{name: fmt.Sprint("B-", n+1), key: p.uuid()}
		if p.rand.IntN(2) == 0 {
			b.by = p.clerks[p.rand.IntN(3)]
		}
		p.boxes = append(p.boxes, b)
		p.fill(b)
		w.After(p.soon(w.span), func() { p.open(b, 0) })
	}
}

func (p *post) soon(most time.Duration) time.Duration { return soon(p.rand, most) }

// one says yes one time of n, while people are not keen.
func (p *post) one(n int) bool { return !p.keen && p.rand.IntN(n) == 0 }

func (p *post) uuid() string { return uuid(p.rand) }

// fill puts envelopes into a box.
func (p *post) fill(b *box) {
	each := &announced{box: b, key: p.uuid(), as: batch.OneEach}
	if p.rand.IntN(6) == 0 {
		each.as = batch.Later
	}
	if b.declared = 1; p.w.lone == "" {
		b.declared += p.rand.IntN(4)
	}
	for range b.declared {
		n := p.rand.IntN(12)
		if p.w.lone != "" {
			n = max(n, 2)
		}
		switch n {
		case 0: // an empty one
		case 1:
			g := &announced{box: b, key: p.uuid(), as: batch.OneAll}
			for range 2 {
				g.sheets = append(g.sheets, p.sheet())
			}
			b.groups = append(b.groups, g)
		default:
			each.sheets = append(each.sheets, p.sheet())
			if p.rand.IntN(12) == 0 { // put through the scanner's feeder twice, or picked twice
				each.sheets = append(each.sheets, each.sheets[0])
			}
		}
	}
	if len(each.sheets) > 0 {
		b.groups = append(b.groups, each)
	}
	if p.rand.IntN(8) == 0 {
		b.declared = max(1, b.declared+1-2*p.rand.IntN(2))
	}
}

// sheet is what somebody has scanned.
func (p *post) sheet() *sheet {
	p.serial++
	s := &sheet{Serial: p.serial}
	if p.one(15) {
		s.Unreadable = []string{"no-scan", "encrypted", "too-many-pages"}[p.rand.IntN(3)]
	}
	letters := 1
	if p.w.lone == "" && p.rand.IntN(6) == 0 {
		letters += 1 + p.rand.IntN(2)
	}
	for range letters {
		l := &letter{from: len(s.Pages) + 1, what: "form", who: p.w.People[p.rand.IntN(len(p.w.People))], choice: []string{"dissent", "dissent", "core", "core-and-additional"}[p.rand.IntN(4)], same: p.rand.IntN(2) == 0}
		switch p.rand.IntN(12) {
		case 0:
			l.what = batch.SentBackFor[p.rand.IntN(len(batch.SentBackFor))]
		case 1:
			l.what = batch.OtherPostIs[p.rand.IntN(len(batch.OtherPostIs))]
		case 2:
			l.what = "letter"
		case 3, 4:
			l.hold = batch.HoldFor[p.rand.IntN(len(batch.HoldFor))]
		}
		for range 1 + p.rand.IntN(2) {
			var f leaf
			switch p.rand.IntN(12) {
			case 0:
				f.Blank = true
			case 1:
				f.Fault = "page-broken"
			}
			s.Pages = append(s.Pages, f)
		}
		l.to = len(s.Pages)
		s.letters = append(s.letters, l)
	}
	return s
}

// software asks the door, a few times.
func (p *post) software(method, path, key, body string, times int, hear func(Response)) {
	h := map[string]string{"authorization": "Bearer " + p.token, "host": "optout.example", "content-type": "application/json"}
	if key != "" {
		h["idempotency-key"] = key
	}
	p.w.Did("mailroom: by software")
	p.w.Send("mailroom", p.web, Request{Method: method, Path: path, Header: h, Body: body}, func(r Response) {
		if r.failed() && times > 0 {
			p.w.After(time.Second<<min(8-min(times, 8), 6)+p.soon(time.Second), func() { p.software(method, path, key, body, times-1, hear) })
			return
		}
		hear(r)
	})
}

// open opens a batch, and announces its files.
func (p *post) open(b *box, clicks int) {
	if clicks == 0 && p.one(8) {
		p.w.Did("mailroom: opened twice at once")
		p.open(b, 1)
	}
	told := func(id string) {
		if b.id != "" && b.id != id {
			p.w.Wrong("a batch was opened as %s, and is now %s", b.id, id)
		}
		if b.id == "" {
			b.id = id
			for _, g := range b.groups {
				g.id = id
				p.w.After(p.soon(time.Hour), func() { p.announce(g, 0) })
			}
		}
	}
	if b.by == nil {
		p.software(http.MethodPost, "/api/mailroom/batches", b.key, fmt.Sprintf(`{"envelopes":%d,"box":%q,"sequence":1}`, b.declared, b.name), 8, func(r Response) {
			var a struct{ Batch string }
			if r.failed() {
				return
			}
			if err := json.Unmarshal([]byte(r.Body), &a); err != nil || r.Status != http.StatusCreated {
				p.w.Wrong("a batch was not opened: %d %s", r.Status, r.Body)
				return
			}
			id, _ := batch.ParseID(a.Batch)
			told(id)
		})
		return
	}
	p.w.Did("mailroom: open")
	form := url.Values{"envelopes": {itoa(b.declared)}, "box": {b.name}, "sequence": {"1"}, "key": {b.key}}
	b.by.insist("/mailroom/open", form, 6, func(r Response) {
		if r.failed() {
			return
		}
		at, _, _ := strings.Cut(strings.TrimPrefix(r.Header["Location"], "/mailroom/batches/"), "?")
		id, ok := batch.ParseID(at)
		if !ok {
			p.w.Wrong("a batch was not opened: %d %.500s", r.Status, r.shown())
			return
		}
		p.keepsBooks(id)
		told(id)
	})
}

// announce makes places for files, which are then sent, or not.
func (p *post) announce(g *announced, clicks int) {
	if clicks == 0 && p.one(8) {
		p.w.Did("mailroom: announced twice at once")
		p.announce(g, 1)
	}
	names := make([]string, len(g.sheets))
	for n, s := range g.sheets {
		names[n] = fmt.Sprint("scan ", s.Serial, ".pdf")
	}
	told := func(ids []string, signed []bool) {
		if len(ids) != len(g.sheets) {
			p.w.Wrong("for %d files %d places were made", len(g.sheets), len(ids))
			return
		}
		for n, id := range ids {
			if len(g.scans) <= n {
				s := &scan{of: g, id: id, sheet: g.sheets[n]}
				g.scans, p.scans = append(g.scans, s), append(p.scans, s)
				if signed[n] {
					p.sends(s)
				}
			} else if g.scans[n].id != id {
				p.w.Wrong("the place %s was made, and is now %s", g.scans[n].id, id)
			} else if signed[n] && len(g.scans[n].sent) == 0 && p.one(2) {
				p.sends(g.scans[n])
			}
		}
		if clicks == 0 && p.one(8) {
			p.w.After(p.soon(4*time.Hour), func() {
				p.w.Did("mailroom: announced again")
				p.announce(g, 2)
			})
		}
	}
	if g.box.by == nil {
		var files []map[string]string
		for _, n := range names {
			files = append(files, map[string]string{"name": n})
		}
		body, err := json.Marshal(map[string]any{"files": files, "envelopes": g.as})
		if err != nil {
			panic(err)
		}
		p.software(http.MethodPost, "/api/mailroom/batches/"+g.id+"/files", g.key, string(body), 8, func(r Response) {
			var a struct {
				Files []struct{ File, State, Address string }
			}
			switch {
			case r.failed():
				return
			case strings.Contains(r.Body, "batch-closed"):
				p.reopened(g)
				return
			case r.Status != http.StatusCreated:
				p.w.Wrong("files were not announced: %d %s", r.Status, r.Body)
				return
			}
			if err := json.Unmarshal([]byte(r.Body), &a); err != nil {
				p.w.Wrong("places are %s", r.Body)
			}
			var ids []string
			var signed []bool
			for _, f := range a.Files {
				ids, signed = append(ids, f.File), append(signed, f.Address != "")
			}
			told(ids, signed)
		})
		return
	}
	p.w.Did("mailroom: expect")
	form := url.Values{"key": {g.key}, "envelopes": {string(g.as)}, "name": names}
	for range names {
		form.Add("kind", "application/pdf")
	}
	g.box.by.scripts(http.MethodPost, batchAt(g.id)+"/files", form, 6, func(r Response) {
		var a struct {
			Files []struct{ Address, Arrived string }
		}
		switch {
		case r.failed():
			return
		case strings.Contains(r.Body, "batch-closed"):
			p.reopened(g)
			return
		case r.Status != http.StatusCreated:
			p.w.Wrong("files were not announced: %d %s", r.Status, r.Body)
			return
		}
		if err := json.Unmarshal([]byte(r.Body), &a); err != nil {
			p.w.Wrong("places are %s", r.Body)
		}
		var ids []string
		var signed []bool
		for _, f := range a.Files {
			ids, signed = append(ids, f.Arrived[strings.LastIndex(f.Arrived, "/")+1:]), append(signed, f.Address != "")
		}
		told(ids, signed)
	})
}

// reopened has a supervisor open a batch again that was closed before its files were announced.
func (p *post) reopened(g *announced) {
	p.clerks[3].books("reopen", g.id, nil)
	p.w.After(time.Minute+p.soon(time.Hour), func() { p.announce(g, 1) })
}

// sends sends the file of a place by a form that was signed now: soon, late, twice, another one, or never.
func (p *post) sends(s *scan) {
	w := p.w
	begins, takes := time.Minute, time.Minute
	if p.one(6) {
		begins, takes = upload.Lasts, 30*time.Minute
	}
	first := p.soon(begins) + p.soon(takes)
	n := p.rand.IntN(100)
	if p.keen {
		n = 50
	}
	switch {
	case n < 6:
		w.Did("mailroom: file never sent")
		return
	case n < 14:
		w.Did("mailroom: file not sent in time")
		w.After(p.soon(4*time.Hour), func() { p.renew(s) })
		return
	case n < 20:
		w.Did("mailroom: file sent twice")
		w.After(first+p.soon(20*time.Minute), func() { p.put(s, s.sheet) })
	case n < 24:
		w.Did("mailroom: another file at the same place")
		other := p.sheet()
		w.After(p.soon(begins)+p.soon(takes), func() { p.put(s, other) })
	}
	w.After(first, func() { p.put(s, s.sheet) })
}

// renew has software, or a clerk's page, ask for a form for a file that has not come.
func (p *post) renew(s *scan) {
	if s.of.box.by == nil {
		p.software(http.MethodPost, "/api/mailroom/files/"+s.id+"/form", "", "", 6, func(r Response) {
			switch {
			case r.Status == http.StatusOK:
				p.sends(s)
			case r.Status == http.StatusConflict, r.failed(): // it is there, or the batch is closed
			default:
				p.w.Wrong("a form was not signed again: %d %s", r.Status, r.Body)
			}
		})
		return
	}
	s.of.box.by.look(batchAt(s.of.id)+"/send", 4, func(r Response) {
		switch {
		case r.failed():
		case r.Status != http.StatusOK:
			p.w.Wrong("the page that sends files was answered with %d", r.Status)
		case strings.Contains(r.Body, s.id+`">`):
			p.sends(s)
		}
	})
}

// put is a file that comes into the bucket.
func (p *post) put(s *scan, what *sheet) {
	w, file := p.w, what.file()
	v := w.scanner.comes(s.id, file, verdict(p.rand, p.keen))
	s.sent = append(s.sent, v)
	p.sheets[v.sum] = what
	w.Did("mailroom: file came")
	if p.keen || p.rand.IntN(3) > 0 {
		w.After(p.soon(10*time.Second), func() { p.says(s, int64(len(file))) })
	}
}

// says has whoever sent a file say that it is there.
func (p *post) says(s *scan, size int64) {
	w := p.w
	if s.of.box.by == nil {
		body := fmt.Sprintf(`{"bytes":%d}`, size)
		if p.one(3) {
			body = ""
		}
		p.software(http.MethodPost, "/api/mailroom/files/"+s.id+"/sent", "", body, 6, func(r Response) {
			p.receipt(s, r)
			if p.one(4) {
				p.counts(s.of.id)
			}
			if p.one(4) {
				w.After(p.soon(6*time.Hour), func() {
					p.software(http.MethodGet, "/api/mailroom/files/"+s.id, "", "", 0, func(r Response) { p.receipt(s, r) })
				})
			}
		})
		return
	}
	p.w.Did("mailroom: arrived")
	s.of.box.by.scripts(http.MethodGet, batchAt(s.of.id)+"/arrived/"+s.id, nil, 4, func(r Response) {
		if !r.failed() && r.Status != http.StatusOK && (r.Status != http.StatusConflict || len(s.sent) < 2 || !strings.Contains(r.Body, problem.PlaceUsed.Code)) {
			w.Wrong("of a file that is there it was asked whether it is, and the answer is %d %s", r.Status, r.Body)
		}
	})
}

// counts has software ask whether the pieces of a batch add up so far.
func (p *post) counts(id string) {
	p.software(http.MethodGet, "/api/mailroom/batches/"+id, "", "", 2, func(r Response) {
		var a struct{ Pieces struct{ Equal bool } }
		if err := json.Unmarshal([]byte(r.Body), &a); !r.failed() && (err != nil || r.Status != http.StatusOK || !a.Pieces.Equal) {
			p.w.Wrong("software is told of batch %s: %d %.500s", id, r.Status, r.Body)
		}
	})
}

// receipt keeps what software was told of a file.
func (p *post) receipt(s *scan, r Response) {
	if r.failed() {
		return
	}
	var a struct {
		File, State, SHA256 string
		Received            bool
	}
	if err := json.Unmarshal([]byte(r.Body), &a); err != nil || r.Status != http.StatusOK {
		p.w.Wrong("of a file that is there software is told %d %s", r.Status, r.Body)
		return
	}
	if a.Received {
		p.receipts = append(p.receipts, receipt{a.File, a.State, a.SHA256})
	}
}

// Settle implements Part: everybody does what waits, until every batch is closed.
func (p *post) Settle(w *World) {
	if !p.comes {
		return
	}
	p.keen = true
	w.After(time.Hour, func() {
		for _, b := range p.boxes {
			if b.id == "" {
				p.open(b, 1)
				continue
			}
			for _, g := range b.groups {
				if g.scans == nil {
					p.announce(g, 1)
				}
			}
		}
	})
	w.After(3*time.Hour, func() { p.round(0) })
}

// rounds is how often the desk is cleared before it is given up, and between how long it waits.
const (
	rounds  = 60
	between = 5 * time.Hour
)

// round has everything done that waits, once.
func (p *post) round(n int) {
	w, open := p.w, p.letters()
	at := time.Duration(0)
	for k := range w.Table.Items() {
		if k.SK != "B" {
			continue
		}
		id := strings.TrimPrefix(k.PK, "B#")
		b, err := w.Store.Batch(w.Outside(), id)
		pieces, failed := w.Store.Pieces(w.Outside(), id)
		if err := cmp.Or(err, failed); err != nil {
			w.Wrong("batch %s cannot be read: %v", id, err)
			continue
		}
		later := func(do func()) {
			at += 20 * time.Second
			w.After(at, do)
		}
		for _, piece := range pieces {
			if !piece.LetterDue().IsZero() {
				open = true
				later(func() { p.clerks[0].posts(piece.At) })
			}
		}
		if b.IsOpen() {
			open = true
			p.finish(b, pieces, later)
		}
	}
	if open && n < rounds {
		w.After(between, func() { p.round(n + 1) })
	}
}

// finish has done with a batch what can be done now.
func (p *post) finish(b batch.Batch, pieces []batch.Piece, later func(func())) {
	clerk := p.clerks[p.rand.IntN(3)]
	waiting, opened := 0, map[int]bool{}
	for _, piece := range pieces {
		supervisor := p.clerks[3]
		for _, c := range p.clerks[3:] { // nobody decides on what they read themselves
			if !slices.ContainsFunc(piece.Keyed, func(k batch.Keying) bool { return strings.HasSuffix(k.By, " "+c.ID) }) {
				supervisor = c
			}
		}
		switch piece.Status {
		case batch.Awaited, batch.Checking, batch.Waiting, batch.Second, batch.Disputed:
			waiting++
		case batch.Lapsed:
			p.again(piece)
			continue
		}
		if piece.Envelope > 0 && piece.Status != batch.Rescan && piece.Status != batch.Awaited {
			opened[piece.Envelope] = true
		}
		switch {
		case piece.Status == batch.Second && len(piece.Keyed) > 0 && strings.HasSuffix(piece.Keyed[0].By, clerk.ID):
			later(func() { supervisor.says(piece) })
		case piece.Status == batch.Waiting, piece.Status == batch.Second:
			later(func() { clerk.says(piece) })
		case piece.Status == batch.Disputed, piece.Status == batch.Quarantined && !piece.Seen:
			later(func() { supervisor.settles(piece) })
		}
	}
	highest, missing := 0, 0
	for n := range opened {
		highest = max(highest, n)
	}
	for n := range b.Declared {
		if !opened[n+1] {
			missing++
		}
	}
	recount := func(n int) {
		later(func() {
			clerk.books("recount", b.ID, url.Values{"envelopes": {itoa(n)}, "why": {"miscounted"}})
		})
	}
	switch {
	case waiting > 0:
	case highest > b.Declared:
		recount(highest)
	case missing > 0 && highest > 0 && missing == b.Declared-highest && p.rand.IntN(2) == 0: // those at the end never were
		recount(highest)
	case missing > 0:
		for n := range b.Declared {
			if !opened[n+1] {
				later(func() { clerk.byHand(b.ID, n+1) })
			}
		}
	default:
		later(func() {
			clerk.books("close", b.ID, nil)
		})
	}
}
