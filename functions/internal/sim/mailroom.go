package sim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/door/mailroom"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
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
	pieces   []batch.Piece       // as somebody was told that they are
	books    []batch.Batch       // likewise
	receipts []receipt
	serial   int
}

// clerk is somebody at the desk.
type clerk struct {
	optout.Actor
	part  *post
	every time.Duration
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
		c := &clerk{Actor: optout.Actor{Role: role, ID: fmt.Sprint("m-", n+1)}, part: p, every: []time.Duration{time.Hour, 3 * time.Hour, 8 * time.Hour}[p.rand.IntN(3)]}
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

// room is the domain as a door uses it.
func (p *post) room() batch.Mailroom {
	w := p.w
	return batch.Mailroom{
		Store: w.reach, Registrar: optout.Registrar{Store: w.reach, Keys: ring, Now: w.Now}, Rules: p.rules, Twice: keyedTwice, Sample: sampled, Now: w.Now,
	}
}

func (p *post) rules() optout.Rules {
	return optout.Rules{Today: nhs.DateOf(p.w.Now()), TestNumbers: true, Staff: true, Practices: p.w}
}

// page has somebody act by a page.
func (p *post) page(name string, act func(context.Context, batch.Mailroom) error, then func(error)) {
	p.w.Page("mailroom: "+name, func(ctx context.Context) error { return act(ctx, p.room()) }, func(err error) {
		if errors.Is(err, batch.DoesNotAddUp) {
			p.w.Wrong("%s: %v", name, err)
		}
		then(err)
	})
}

// insist has somebody do by a page what they do until they have an answer, a few times.
func (p *post) insist(name string, times int, act func(context.Context, batch.Mailroom) error, then func(error)) {
	p.page(name, act, func(err error) {
		if mayPass(err) && times > 0 {
			p.w.After(time.Second<<min(8-min(times, 8), 6)+p.soon(time.Second), func() { p.insist(name, times-1, act, then) })
			return
		}
		then(err)
	})
}

// software asks the door, a few times.
func (p *post) software(method, path, key, body string, times int, hear func(Response)) {
	h := map[string]string{"authorization": "Bearer " + p.token, "host": "optout.example", "content-type": "application/json"}
	if key != "" {
		h["idempotency-key"] = key
	}
	p.w.Did("mailroom: by software")
	p.w.Send("mailroom", p.web, Request{Method: method, Path: path, Header: h, Body: body}, func(r Response) {
		if (r.Status == 0 || r.Status >= 500) && times > 0 {
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
			if r.Status == 0 || r.Status >= 500 {
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
	var opened batch.Batch
	p.insist("open", 6, func(ctx context.Context, m batch.Mailroom) (err error) {
		opened, err = m.Open(ctx, b.by.Actor, batch.Declaration{Envelopes: b.declared, Box: b.name, Sequence: 1, Key: b.key})
		return err
	}, func(err error) {
		if err != nil {
			p.refused("open", err)
			return
		}
		p.books = append(p.books, opened)
		told(opened.ID)
	})
}

// refused says that something that nothing stands in the way of was refused.
func (p *post) refused(what string, err error) {
	if !mayPass(err) {
		p.w.Wrong("%s was refused: %v", what, err)
	}
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
			case r.Status == 0, r.Status >= 500:
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
	var slots []upload.Slot
	var pieces []batch.Piece
	p.insist("expect", 6, func(ctx context.Context, m batch.Mailroom) (err error) {
		pieces, slots, err = m.ExpectOnce(ctx, g.id, g.box.by.Actor, g.key, names, g.as)
		return err
	}, func(err error) {
		switch {
		case errors.Is(err, batch.Closed):
			p.reopened(g)
			return
		case err != nil:
			p.refused("expect", err)
			return
		}
		var ids []string
		var signed []bool
		for n, s := range slots {
			ids, signed = append(ids, s.ID), append(signed, pieces[n].Status == batch.Awaited)
		}
		told(ids, signed)
	})
}

// reopened has a supervisor open a batch again that was closed before its files were announced.
func (p *post) reopened(g *announced) {
	p.clerks[3].books("reopen", func(ctx context.Context, m batch.Mailroom) (batch.Batch, error) {
		return m.Reopen(ctx, g.id, p.clerks[3].Actor)
	})
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
			case r.Status == http.StatusConflict, r.Status == 0, r.Status >= 500: // it is there, or the batch is closed
			default:
				p.w.Wrong("a form was not signed again: %d %s", r.Status, r.Body)
			}
		})
		return
	}
	by := s.of.box.by.Actor
	var slot upload.Slot
	p.insist("renew", 4, func(ctx context.Context, m batch.Mailroom) (err error) {
		slot, err = m.Renew(ctx, p.w.reach, s.id, by)
		return err
	}, func(err error) {
		switch {
		case err == nil && slot.State == upload.Promised:
			p.sends(s)
		case err != nil && !errors.Is(err, batch.Closed):
			p.refused("renew", err)
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
				w.After(p.soon(6*time.Hour), func() {
					p.software(http.MethodGet, "/api/mailroom/files/"+s.id, "", "", 0, func(r Response) { p.receipt(s, r) })
				})
			}
		})
		return
	}
	id := s.of.id
	p.insist("arrived", 4, func(ctx context.Context, m batch.Mailroom) error {
		slot, err := w.reach.Upload(ctx, s.id)
		if err != nil {
			return err
		}
		switch found, err := (files{}).Find(ctx, slot.Key()); {
		case err != nil:
			return err
		case len(found) == 0:
			w.Wrong("the file of %s has come, and is not there", s.id)
			return nil
		case (slot.State == upload.Read || slot.State == upload.Refused) && len(found) > 1:
			return nil
		}
		if _, err := upload.NoteArrived(ctx, w.reach, slot, w.Now()); err != nil {
			return err
		}
		return m.Arrived(ctx, batch.FirstOf(id, s.id))
	}, func(err error) {
		if err != nil {
			p.refused("arrived", err)
		}
	})
}

// receipt keeps what software was told of a file.
func (p *post) receipt(s *scan, r Response) {
	if r.Status == 0 || r.Status >= 500 {
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

// comes has somebody come to the desk for a while, and come again, while faults come.
func (c *clerk) comes() {
	p := c.part
	w := p.w
	if !w.stormy || w.Now().After(w.ends) {
		return
	}
	switch {
	case c.Role == optout.Supervisor:
		c.supervises()
	case p.rand.IntN(6) == 0:
		p.letters()
	}
	c.checks()
	c.next(1 + p.rand.IntN(8))
	if p.rand.IntN(4) == 0 {
		c.closes()
	}
	w.After(c.every/2+p.soon(c.every), c.comes)
}

// waits says whether anything stands on a list of the desk, as the index shows it.
func (p *post) waits(s batch.Stage) bool { return p.w.listed("L#keying#", worklist.Stage(s)) }

// next has a clerk take the next piece, read it, and say what it is; so many, one after the other.
func (c *clerk) next(left int) {
	p := c.part
	stage := batch.Keying1
	if p.rand.IntN(3) == 0 {
		stage = batch.Keying2
	}
	if left == 0 || !p.w.stormy || !p.waits(stage) {
		return
	}
	id := ""
	if p.rand.IntN(3) > 0 {
		b := p.boxes[p.rand.IntN(len(p.boxes))]
		id = b.id
	}
	var piece batch.Piece
	p.page("next", func(ctx context.Context, m batch.Mailroom) (err error) {
		piece, err = m.Next(ctx, stage, c.Actor, id)
		return err
	}, func(err error) {
		if err != nil {
			return
		}
		reads := time.Minute + p.soon(4*time.Minute)
		if p.rand.IntN(12) == 0 {
			p.w.Did("mailroom: a lease ran out")
			reads = batch.LeaseLasts + p.soon(time.Hour)
		}
		p.w.After(reads, func() {
			c.decide(piece)
			p.w.After(time.Minute, func() { c.next(left - 1) })
		})
	})
}

// decide has a clerk say what a piece is, as it was when they took it.
func (c *clerk) decide(piece batch.Piece) {
	p := c.part
	if p.one(25) {
		c.does("put-back", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.PutBack(ctx, piece.At, c.Actor)
		})
		return
	}
	if p.one(30) {
		c.does("alarm", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.Alarm(ctx, piece.At, c.Actor)
		})
		return
	}
	if p.one(25) {
		n := 1 + p.rand.IntN(4)
		c.does("envelope", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.InEnvelope(ctx, piece.At, c.Actor, n)
		})
	}
	c.says(piece)
	if p.one(12) {
		p.w.Did("mailroom: clicked twice")
		c.says(piece)
	}
	if p.one(12) { // somebody else has it on the screen as well
		other := p.clerks[p.rand.IntN(len(p.clerks))]
		p.w.Did("mailroom: two at one piece")
		other.says(piece)
	}
}

// says has a clerk say what they read on a piece: what is there, mostly.
func (c *clerk) says(piece batch.Piece) {
	p := c.part
	s := p.sheets[hex.EncodeToString(piece.SHA256)]
	if s == nil {
		p.w.Wrong("the piece %v is of a file that nobody sent", piece.At)
		return
	}
	l := s.letters[0]
	for _, x := range s.letters {
		if x.from <= piece.First {
			l = x
		}
	}
	part := batch.Part{Last: l.to, Same: l.same}
	if l.to >= piece.Last || p.one(25) {
		part.Last = 0
	}
	if p.one(25) && piece.Last > piece.First {
		part.Last = piece.First
	}
	o := batch.Outcome{Part: part, Status: batch.SentBack, Why: l.what}
	switch {
	case p.one(25):
		o.Status, o.Why = batch.OtherPost, batch.OtherPostIs[p.rand.IntN(len(batch.OtherPostIs))]
	case p.one(40):
		o.Status = batch.Rescan
	case piece.Status == batch.Second || l.what == "form" || l.what == "letter":
		o.Status = ""
	case slices.Contains(batch.OtherPostIs, l.what):
		o.Status = batch.OtherPost
	}
	if o.Status != "" {
		c.does("outcome", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.HasOutcome(ctx, piece.At, c.Actor, o)
		})
		if p.one(4) {
			p.w.After(p.soon(8*time.Hour), func() { c.posts(piece.At) })
		}
		if p.one(3) {
			p.w.After(p.soon(2*time.Hour), func() {
				c.does("undo", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
					return m.Undo(ctx, piece.At, c.Actor)
				})
			})
		}
		return
	}
	c.keys(piece, l, batch.Reading{Part: part, Answers: p.answers(l.who, l.choice), Letter: l.what == "letter", Hold: l.hold})
}

// posts has somebody send a piece back with its letter.
func (c *clerk) posts(at batch.At) {
	how := batch.PostedAs[c.part.rand.IntN(len(batch.PostedAs))]
	c.does("posted", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
		return m.Posted(ctx, at, c.Actor, how)
	})
}

// answers are what stands on a form.
func (p *post) answers(who *Person, choice string) optout.Answers {
	a := optout.Answers{Choice: choice, Practice: who.Practice, Subject: optout.Subject{
		Surname: who.Surname, Forenames: who.Forenames, BirthDate: who.Birth, Postcode: who.Postcode, Address: []string{"1 Lawson Street"}, NHSNumber: who.Number,
	}}
	return a
}

// keys has a clerk key a form, wrongly perhaps.
func (c *clerk) keys(piece batch.Piece, l *letter, r batch.Reading) {
	p := c.part
	if piece.Status == batch.Second {
		r.Part = batch.Part{}
	}
	switch {
	case p.one(20):
		r.Answers.Choice = []string{"dissent", "core", "core-and-additional"}[p.rand.IntN(3)]
	case p.one(20):
		r.Answers.Subject.BirthDate = "1951-02-03"
	case p.one(20):
		r.Number, r.Answers.Subject.NHSNumber = "943 476 591", ""
	case p.one(20): // which nobody takes
		r.Answers.Subject.BirthDate = "1951-02-30"
	}
	s := p.form(piece, l.who)
	ref := s.ref.String()
	p.choices[ref] = append(p.choices[ref], r.Answers.Choice)
	for _, k := range piece.Keyed {
		p.choices[ref] = append(p.choices[ref], k.Reading.Answers.Choice)
	}
	c.does("key", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
		return m.Key(ctx, piece.At, c.Actor, r)
	})
}

// form is the form that a piece becomes, if it becomes one.
func (p *post) form(piece batch.Piece, who *Person) *Sent {
	o := piece.Origin()
	s := p.forms[o.Key]
	if s == nil {
		s = p.w.sends(&Sent{Person: who, At: p.w.Now()}, o)
		p.forms[o.Key] = s
		p.w.Count.Forms++
	}
	return s
}

// does has a clerk do something with a piece, and keeps what they are told of it.
func (c *clerk) does(name string, act func(context.Context, batch.Mailroom) (batch.Piece, error)) {
	p := c.part
	var now batch.Piece
	p.insist(name, p.rand.IntN(4), func(ctx context.Context, m batch.Mailroom) (err error) {
		now, err = act(ctx, m)
		return err
	}, func(err error) {
		if err == nil {
			p.told(now)
		}
	})
}

// told keeps what somebody was told of a piece.
func (p *post) told(piece batch.Piece) {
	p.pieces = append(p.pieces, piece)
	if piece.Status != batch.Registered && piece.Status != batch.Held {
		return
	}
	s := p.forms[piece.Origin().Key]
	switch ref := piece.Form.String(); {
	case s == nil:
		p.w.Wrong("piece %v is %s, and nobody keyed it", piece.At, piece.Status)
	case s.Confirmed() && s.Reference != ref:
		p.w.Wrong("of one piece of paper came form %s, and then form %s", s.Reference, ref)
	case !s.Confirmed():
		s.Reference, s.Answer = ref, ref
		p.w.Did("mailroom: " + string(piece.Status))
	}
}

// supervises has a supervisor decide what waits for one.
func (c *clerk) supervises() {
	p := c.part
	for _, stage := range []batch.Stage{batch.Alarmed, batch.Supervise, batch.Aside, batch.Differing} {
		if !p.waits(stage) {
			continue
		}
		for q, err := range p.w.Store.Queue(p.w.Outside(), stage) {
			if err != nil {
				p.w.Wrong("a list of the desk cannot be read: %v", err)
				return
			}
			piece, err := p.w.Store.Piece(p.w.Outside(), q.At)
			if err != nil || p.one(3) {
				continue
			}
			p.w.After(p.soon(20*time.Minute), func() { c.settles(piece) })
		}
	}
	if b := p.boxes[p.rand.IntN(len(p.boxes))]; p.isOpen(b) == "no" && p.one(20) {
		c.books("reopen", func(ctx context.Context, m batch.Mailroom) (batch.Batch, error) { return m.Reopen(ctx, b.id, c.Actor) })
	}
	p.letters()
}

// settles has a supervisor decide on a piece, or see to the paper of a file that nobody opens.
func (c *clerk) settles(piece batch.Piece) {
	switch {
	case piece.Sample.Step == batch.Unlike:
		c.judges(piece)
	case piece.Status == batch.Disputed:
		c.says(piece)
	case piece.Status == batch.Quarantined:
		c.does("seen", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.Settle(ctx, piece.At, c.Actor)
		})
		c.part.again(piece)
	}
}

// checks has a clerk read a finished piece once more, as it was or otherwise, or see a risk on it.
func (c *clerk) checks() {
	p := c.part
	if !p.waits(batch.Sampled) || p.rand.IntN(2) == 0 {
		return
	}
	var piece batch.Piece
	p.page("next to check", func(ctx context.Context, m batch.Mailroom) (err error) {
		piece, err = m.Next(ctx, batch.Sampled, c.Actor, "")
		return err
	}, func(err error) {
		if err != nil {
			return
		}
		said := batch.Said{Status: piece.Sample.First.Status, Why: piece.Sample.First.Why, Reading: piece.Sample.First.Reading}
		switch {
		case p.one(4):
			said = batch.Said{Status: batch.OtherPost, Why: batch.OtherPostIs[p.rand.IntN(len(batch.OtherPostIs))]}
		case p.one(8):
			said = batch.Said{Status: batch.Disputed}
		}
		c.does("read-again", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.ReadAgain(ctx, piece.At, c.Actor, said)
		})
	})
}

// judges has a supervisor say which reading of a finished piece is right, and put it right, if it can be.
func (c *clerk) judges(piece batch.Piece) {
	p := c.part
	if piece.IsOwn(c.Actor) {
		c.does("alone", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
			return m.Alone(ctx, piece.At, c.Actor)
		})
		return // they come again
	}
	j := batch.Judgment{Right: map[string]batch.Right{}}
	for _, f := range piece.Sample.Differs {
		j.Right[f] = []batch.Right{batch.First, batch.Again, batch.Neither}[p.rand.IntN(3)]
	}
	for _, done := range batch.SetRightBy {
		if batch.CanSetRight(piece, done) && (j.Done == "" || p.rand.IntN(2) == 0) && done != batch.LeftAsItIs {
			j.Done = done
		}
	}
	c.does("judge", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
		return m.Judge(ctx, piece.At, c.Actor, j)
	})
}

// again has the paper of a file that is not to be read scanned again, once.
func (p *post) again(piece batch.Piece) {
	for _, s := range p.scans {
		if s.id != piece.Upload || s.again {
			continue
		}
		s.again = true
		p.serial++
		fresh := *s.sheet
		fresh.Serial, fresh.Unreadable = p.serial, ""
		p.w.Did("mailroom: scanned again")
		g := &announced{box: s.of.box, id: piece.Batch, key: p.uuid(), as: batch.Later, sheets: []*sheet{&fresh}}
		p.announce(g, 1)
	}
}

// isOpen says whether a batch is open, as its page shows it: yes, no, or "" where nobody knows of it yet.
func (p *post) isOpen(b *box) string {
	switch i := p.w.Table.Item("B#"+b.id, "B"); {
	case b.id == "" || i == nil:
		return ""
	case i["closed"] == nil:
		return "yes"
	}
	return "no"
}

// closes has somebody try to close a batch, or count its envelopes again.
func (c *clerk) closes() {
	p := c.part
	b := p.boxes[p.rand.IntN(len(p.boxes))]
	if p.isOpen(b) != "yes" {
		return
	}
	if p.one(4) {
		n, why := max(1, b.declared-1+p.rand.IntN(3)), batch.RecountedFor[p.rand.IntN(len(batch.RecountedFor))]
		c.books("recount", func(ctx context.Context, m batch.Mailroom) (batch.Batch, error) {
			return m.Recount(ctx, b.id, c.Actor, n, why)
		})
	}
	if p.one(6) {
		c.byHand(b.id, 1+p.rand.IntN(b.declared))
	}
	c.books("close", func(ctx context.Context, m batch.Mailroom) (batch.Batch, error) { return m.Close(ctx, b.id, c.Actor) })
}

// byHand has somebody put an empty envelope on the books.
func (c *clerk) byHand(id string, envelope int) {
	o := batch.Outcome{Status: batch.OtherPost, Why: "empty-envelope", Key: c.part.uuid()}
	c.does("by hand", func(ctx context.Context, m batch.Mailroom) (batch.Piece, error) {
		return m.ByHand(ctx, id, c.Actor, envelope, o)
	})
}

// books has somebody do something with a batch, and keeps what they are told of it.
func (c *clerk) books(name string, act func(context.Context, batch.Mailroom) (batch.Batch, error)) {
	p := c.part
	var now batch.Batch
	p.insist(name, p.rand.IntN(4), func(ctx context.Context, m batch.Mailroom) (err error) {
		now, err = act(ctx, m)
		return err
	}, func(err error) {
		if err == nil {
			p.books = append(p.books, now)
		}
	})
}

// letters has the mailroom go through the forms that it holds: it writes to people, and lets their forms go on.
func (p *post) letters() (held bool) {
	w := p.w
	if !w.listed("L#"+worklist.Desk.Key()+"#", worklist.Open) {
		return false
	}
	page, err := w.Store.List(w.Outside(), worklist.List{Owner: worklist.Desk, Stage: worklist.Open}, "", worklist.MostEntries)
	if err != nil {
		w.Wrong("the desk's list cannot be read: %v", err)
		return true
	}
	clerk, supervisor := p.clerks[p.rand.IntN(3)], p.clerks[3]
	for _, e := range page.Entries {
		f, err := w.Store.Form(w.Outside(), e.Reference)
		if err != nil || f.State().Owner != optout.OwnerDesk {
			continue
		}
		held = true
		sent := w.sent[e.Reference]
		if sent == nil {
			continue // of which the core says so
		}
		said := optout.Said{Key: p.uuid()}
		if !p.keen && p.rand.IntN(2) == 0 {
			w.Act("wrote", func(ctx context.Context, c optout.Custody) error {
				_, err := c.Wrote(ctx, f.Reference, clerk.Actor, said, "post")
				return err
			}, nil)
		}
		if !p.keen && p.rand.IntN(3) > 0 {
			continue
		}
		a := p.answers(sent.Person, []string{"dissent", "core"}[p.rand.IntN(2)])
		facts, wrong := p.rules().Accept(a)
		if len(wrong) > 0 {
			w.Wrong("answers that are right are refused: %v", wrong)
			continue
		}
		p.choices[f.Reference.String()] = append(p.choices[f.Reference.String()], a.Choice)
		w.Act("release", func(ctx context.Context, c optout.Custody) error {
			_, err := c.Release(ctx, f.Reference, supervisor.Actor, said, a, facts)
			return err
		}, nil)
	}
	return held
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
			clerk.books("recount", func(ctx context.Context, m batch.Mailroom) (batch.Batch, error) {
				return m.Recount(ctx, b.ID, clerk.Actor, n, "miscounted")
			})
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
			clerk.books("close", func(ctx context.Context, m batch.Mailroom) (batch.Batch, error) {
				return m.Close(ctx, b.ID, clerk.Actor)
			})
		})
	}
}

func number(v types.AttributeValue) int {
	n := 0
	if x, ok := v.(*types.AttributeValueMemberN); ok {
		n, _ = strconv.Atoi(x.Value)
	}
	return n
}

// pieceRow is a piece as it stands in the table.
type pieceRow struct {
	batch, id, upload, status, why, form, sum string
	first, last, envelope                     int
}

// Check implements Part: the books add up, counted from what is stored; every file that came is on them once; and what
// anybody was told is so.
func (p *post) Check(w *World) {
	if !p.comes {
		return
	}
	rows := map[string][]pieceRow{} // by batch
	for k, i := range w.Table.Items() {
		if id, ok := strings.CutPrefix(k.SK, "I#"); ok && strings.HasPrefix(k.PK, "B#") {
			r := pieceRow{
				batch: strings.TrimPrefix(k.PK, "B#"), id: id, upload: text(i["upload"]), status: text(i["status"]), why: text(i["why"]), form: text(i["form"]),
				first: number(i["first"]), last: number(i["last"]), envelope: number(i["envelope"]),
			}
			if b, ok := i["sha256"].(*types.AttributeValueMemberB); ok {
				r.sum = hex.EncodeToString(b.Value)
			}
			rows[r.batch] = append(rows[r.batch], r)
		}
	}
	files, forms := map[string][]pieceRow{}, map[string][]pieceRow{}
	for k, i := range w.Table.Items() {
		if k.SK != "B" || !strings.HasPrefix(k.PK, "B#") {
			continue
		}
		id := strings.TrimPrefix(k.PK, "B#")
		p.checkBatch(id, i, rows[id])
		for _, r := range rows[id] {
			if r.upload != "" {
				files[r.upload] = append(files[r.upload], r)
			}
			if r.status == "registered" || r.status == "held" {
				forms[r.form] = append(forms[r.form], r)
			}
		}
	}
	p.checkFiles(files)
	p.checkForms(forms)
	p.checkTold(files)
	p.checkCounted(rows)
}

// checkCounted: every sample that was read alike or judged is counted once.
func (p *post) checkCounted(rows map[string][]pieceRow) {
	w, samples, counted := p.w, 0, 0
	for id, all := range rows {
		for _, r := range all {
			piece, err := w.Store.Piece(w.Outside(), batch.At{Batch: id, ID: r.id})
			if err != nil {
				continue // of which checkTold says so
			}
			for _, e := range piece.History {
				if e.Kind == "judged" || e.Kind == "read-again" && e.Detail == "" {
					samples++
				}
			}
		}
	}
	tallies, err := w.Store.Tallies(w.Outside(), nhs.StoredDate("2000-01-01"), nhs.StoredDate("2100-01-01"))
	for _, t := range tallies {
		if t.By == "" && t.How == batch.OfSample {
			counted += t.Read[batch.Whole]
		}
	}
	if err != nil || counted != samples {
		w.Wrong("%d samples are read alike or judged, and %d are counted: %v", samples, counted, err)
	}
}

// checkBatch: both equations of a batch hold (domain facts, custody), nothing in it waits, and it is closed.
func (p *post) checkBatch(id string, b map[string]types.AttributeValue, rows []pieceRow) {
	w, count, opened := p.w, map[string]int{}, map[int]bool{}
	all := 0
	for _, r := range rows {
		if r.status == "lapsed" {
			continue
		}
		all++
		switch r.status {
		case "awaited", "checking", "waiting", "second", "disputed":
			count["waiting"]++
			w.Wrong("piece %s of batch %s is still %s (%s)", r.id, id, r.status, r.why)
		case "registered", "held", "sent-back", "other-post", "rescan", "quarantined":
			count[r.status]++
		default:
			w.Wrong("piece %s of batch %s is %q", r.id, id, r.status)
		}
		if r.envelope > 0 && r.status != "rescan" {
			opened[r.envelope] = true
		}
		if r.envelope > number(b["highest"]) {
			w.Wrong("piece %s of batch %s is of envelope %d of %d", r.id, id, r.envelope, number(b["highest"]))
		}
	}
	sum := 0
	for _, n := range count {
		sum += n
	}
	if sum != all || number(b["pieces"]) != all {
		w.Wrong("batch %s counts %d pieces, there are %d, and %d of them have an outcome or wait", id, number(b["pieces"]), all, sum)
	}
	if b["closed"] == nil {
		w.Wrong("batch %s is still open: %d of %d envelopes, %v", id, len(opened), number(b["declared"]), count)
	} else if len(opened) != number(b["declared"]) {
		w.Wrong("batch %s is closed with %d of %d envelopes", id, len(opened), number(b["declared"]))
	}
	for n := range number(b["declared"]) {
		if !opened[n+1] {
			w.Wrong("nothing is on the books of envelope %d of batch %s", n+1, id)
		}
	}
}

// checkFiles: every file that came is on the books, each of its pages once, or stands there as what nobody reads.
func (p *post) checkFiles(files map[string][]pieceRow) {
	w := p.w
	for _, s := range p.scans {
		if len(s.sent) == 0 {
			continue
		}
		slot, err := w.Store.Upload(w.Outside(), s.id)
		if err != nil {
			w.Wrong("the place %s cannot be read: %v", s.id, err)
			continue
		}
		pages, whole, apart := map[int]int{}, 0, map[string]int{}
		for _, r := range files[s.id] {
			switch {
			case r.status == "quarantined" && r.why == batch.SecondFile:
				apart[r.id]++
			case r.status == "lapsed", r.status == "awaited":
				w.Wrong("a file came to %s, and its piece is %s", s.id, r.status)
			case r.first == 0:
				whole++
			default:
				for n := r.first; n <= r.last; n++ {
					pages[n]++
				}
			}
		}
		first := s.sent[0]
		for _, v := range s.sent {
			if v.id == slot.Object {
				first = v
			}
		}
		if slot.State == upload.Read && slot.Object != first.id {
			w.Wrong("of %s version %s was read, which never came", s.id, slot.Object)
		}
		if len(pages) > 0 {
			for n := range p.sheets[first.sum].Pages {
				if pages[n+1] != 1 {
					w.Wrong("page %d of the file at %s is on the books %d times", n+1, s.id, pages[n+1])
				}
			}
			if len(pages) != len(p.sheets[first.sum].Pages) || whole > 0 {
				w.Wrong("the file at %s has %d pages, and on the books %d and %d whole ones", s.id, len(p.sheets[first.sum].Pages), len(pages), whole)
			}
		} else if whole != 1 {
			w.Wrong("the file at %s is on the books %d times", s.id, whole)
		}
		for _, v := range s.sent {
			if v.id == first.id {
				continue
			}
			sum := sha256.Sum256([]byte(v.id))
			at := fmt.Sprintf("%s-%x", s.id, sum[:6])
			if n := apart[at]; n == 0 && (v.sum != first.sum || len(slot.SHA256) == 0) {
				w.Wrong("version %s of %s is not on the books", v.id, s.id)
			}
			delete(apart, at)
		}
		if len(apart) > 0 {
			w.Wrong("at %s are %d files on the books that never came", s.id, len(apart))
		}
	}
}

// checkForms: each form that came on paper is on the books once, and says what somebody read.
func (p *post) checkForms(on map[string][]pieceRow) {
	w := p.w
	for _, f := range w.Forms() {
		if f.Channel != optout.Paper {
			continue
		}
		ref := f.Reference.String()
		rows := on[f.Reference.Key()]
		if len(rows) != 1 {
			w.Wrong("form %s is on the books %d times", ref, len(rows))
		} else if held := f.Events[0].Kind == optout.Held; held != (rows[0].status == "held") {
			w.Wrong("form %s is %s on the books, and began as %s", ref, rows[0].status, f.Events[0].Kind)
		}
		if f.Facts.Choice != "" && !slices.Contains(p.choices[ref], f.Facts.Choice) {
			w.Wrong("form %s asks for %s, and on its paper was read %q", ref, f.Facts.Choice, p.choices[ref])
		}
		delete(on, f.Reference.Key())
	}
	if len(on) > 0 {
		w.Wrong("%d forms are on the books and nowhere else", len(on))
	}
}

// checkTold: what anybody was told of a piece, a batch or a file is on record, and nothing before it has changed.
func (p *post) checkTold(files map[string][]pieceRow) {
	w := p.w
	for _, told := range p.pieces {
		now, err := w.Store.Piece(w.Outside(), told.At)
		switch {
		case err != nil:
			w.Wrong("piece %v cannot be read: %v", told.At, err)
		case !begins(now.History, told.History):
			w.Wrong("of piece %v was told %v, and on record is %v", told.At, told.History, now.History)
		case (told.Status == batch.Registered || told.Status == batch.Held) && (now.Status != told.Status || now.Form != told.Form):
			w.Wrong("piece %v was %s as %s, and is %s as %s", told.At, told.Status, told.Form, now.Status, now.Form)
		case !bytes.Equal(now.SHA256, told.SHA256) && len(told.SHA256) > 0:
			w.Wrong("piece %v is of other bytes than before", told.At)
		}
	}
	for _, told := range p.books {
		now, err := w.Store.Batch(w.Outside(), told.ID)
		if err != nil || !begins(now.History, told.History) {
			w.Wrong("of batch %s was told %v, and on record is %v: %v", told.ID, told.History, now.History, err)
		}
	}
	for _, told := range p.receipts {
		now, err := w.Store.Upload(w.Outside(), told.File)
		switch {
		case err != nil || now.State == upload.Promised || now.State == upload.Expired:
			w.Wrong("a receipt was given for %s, which is %s: %v", told.File, now.State, err)
		case len(files[told.File]) == 0:
			w.Wrong("a receipt was given for %s, which is on no books", told.File)
		case told.SHA256 != "" && told.SHA256 != hex.EncodeToString(now.SHA256):
			w.Wrong("%s was %s, and is %x", told.File, told.SHA256, now.SHA256)
		case (told.State == string(upload.Read) || told.State == string(upload.Refused)) && told.State != string(now.State):
			w.Wrong("%s was %s, and is %s", told.File, told.State, now.State)
		}
	}
}

// begins says that a history goes on from another one.
func begins(h, with batch.History) bool {
	return len(h) >= len(with) && slices.EqualFunc(h[:len(with)], with, func(a, b batch.Event) bool {
		return a.At.Equal(b.At) && a.By == b.By && a.Kind == b.Kind && a.Detail == b.Detail
	})
}
