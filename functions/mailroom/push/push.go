package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// mostAtOnce is how many files are announced in one go.
const mostAtOnce = 40

// state is how far a file is, by the journal.
type state int

const (
	seen      state = iota
	promised        // it is announced, and the server may know of it
	placed          // it has a place
	received        // the server has it
	refused         // the server does not take it
	movedAway       // and it lies where it belongs
	goneAway        // it is not there any more, or not as it was
)

// file is one that the journal knows.
type file struct {
	record // of Is "file"
	state  state
	batch  string // to which it is announced
	id     string // of its place
	form   *place // to send it with; nil: to be asked for
	fresh  bool   // nothing of it can be there yet: it is announced by this process
	lost   bool   // it is not there any more as it was; only whether the server has it is still asked
	to     string // where it is moved, in the folder
	code   string // why it is refused
	detail string
	busy   bool
	why    string // what keeps it
}

// isLive says that something is still to be done with the file.
func (f *file) isLive() bool { return f.state < received }

// announcement is what is, or was, about to be announced under a key.
type announcement struct {
	key, batch, per string
	files           []*file
	open            bool // nobody knows yet what came of it
}

// pusher sends what is in a folder. All it knows is in its journal; only its own goroutine writes there, and what others
// find out comes to it as something to do.
type pusher struct {
	settings
	journal    *journal
	server     *server
	say        *screen
	open       func(path string) (*os.File, error) // a scan
	bucket     *http.Client
	bucketAway outage
	watch      watch
	batch      string

	files         []*file
	announcements []*announcement
	growing       []found
	reading       map[found]bool   // files whose sum is being made
	unreadable    map[found]string // and why
	unsummed      []found          // complete, and nothing of them is in the journal
	announcing    bool
	running       int
	results       chan func() error
}

func newPusher(s settings, j *journal, v *server, say *screen, open func(path string) (*os.File, error)) *pusher {
	return &pusher{
		settings: s, journal: j, server: v, open: open, say: say, bucket: httpClient(0),
		bucketAway: outage{say: say, begins: "Files do not get through. Trying again until they do.", ends: "Files get through again."},
		watch:      watch{folder: s.folder, quiet: s.quiet, since: map[string]seenSince{}, left: map[string]bool{}},
		reading:    map[found]bool{}, unreadable: map[found]string{}, results: make(chan func() error),
	}
}

// add writes a record, and then has it count.
func (p *pusher) add(r record) error {
	if err := p.journal.add(r); err != nil {
		return err
	}
	p.apply(r)
	return nil
}

// apply has a record count: one that was written just now, or one of an earlier process.
func (p *pusher) apply(r record) {
	switch r.Is {
	case "file":
		p.files = append(p.files, &file{record: r})
	case "announce":
		a := &announcement{key: r.Key, batch: r.Batch, per: r.Per, open: true}
		for _, n := range r.Files {
			f := p.file(n)
			f.state, f.batch = promised, r.Batch
			a.files = append(a.files, f)
		}
		p.announcements = append(p.announcements, a)
	case "places":
		a := p.announced(r.Key)
		a.open = false
		for n, f := range a.files {
			f.state, f.id = placed, r.IDs[n]
		}
	case "void":
		a := p.announced(r.Key)
		a.open = false
		for _, f := range a.files {
			if f.state == promised {
				f.state, f.batch = seen, ""
			}
		}
	case "received":
		f := p.file(r.N)
		f.state, f.to = received, r.To
	case "refused":
		f := p.file(r.N)
		f.state, f.to, f.code, f.detail = refused, r.To, r.Code, r.Detail
	case "moved":
		f := p.file(r.N)
		f.state = movedAway
	case "gone":
		f := p.file(r.N)
		f.state = goneAway
	}
}

func (p *pusher) file(n int) *file { return p.files[n-1] }

func (p *pusher) announced(key string) *announcement {
	return p.announcements[slices.IndexFunc(p.announcements, func(a *announcement) bool { return a.key == key })]
}

// begin takes up what earlier processes left, and finds out which batch is meant.
func (p *pusher) begin(ctx context.Context) error {
	opening := ""
	for _, r := range p.journal.past {
		p.apply(r)
		switch {
		case r.Is == "open" && r.As != nil && *r.As == p.declared:
			opening = r.Key
		case r.Is == "opened" && r.Key == opening:
			p.batch = r.Batch
		}
	}
	for _, f := range p.files {
		if f.isLive() {
			p.say.more(f.Size)
		}
		if err := p.put(f); err != nil {
			return err
		}
	}
	if p.settings.batch != "" {
		p.batch = p.settings.batch
	} else if p.batch == "" {
		if opening == "" {
			opening = newKey()
			if err := p.add(record{Is: "open", Key: opening, As: &p.declared}); err != nil {
				return err
			}
		}
		id, err := p.server.open(ctx, opening, p.declared)
		if wrong, ok := errors.AsType[*problem](err); ok {
			return sentence("The batch was not opened. " + wrong.Errors[0].Detail)
		} else if err != nil {
			return err
		}
		if err := p.add(record{Is: "opened", Key: opening, Batch: id}); err != nil {
			return err
		}
		p.batch = id
	}
	b, err := p.server.book(ctx, p.batch)
	switch {
	case is(err, "no-such-batch"):
		return batchUnknown
	case err != nil:
		return err
	}
	p.batch = b.Batch // in one spelling
	p.say.line("Batch %s, box %s, sequence %d: %d envelopes.", b.Batch, b.Box, b.Sequence, b.Envelopes.Declared)
	return nil
}

// newKey is a UUID (RFC 9562, version 4).
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // which never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// run sends until it is told to end, or, once, until nothing is left to do. It returns what keeps it from going on.
func (p *pusher) run(ctx context.Context) (failed error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tick := time.NewTicker(p.poll)
	defer tick.Stop()
	for failed == nil && ctx.Err() == nil {
		if failed = p.look(); failed != nil {
			break
		}
		if failed = p.start(ctx); failed != nil {
			break
		}
		if p.once && p.running == 0 && len(p.growing) == 0 && !p.hasWork() {
			return nil
		}
		select {
		case <-ctx.Done():
		case result := <-p.results:
			p.running--
			failed = result()
		case <-tick.C:
		}
	}
	cancel()
	for p.running > 0 { // what is on its way is not forgotten
		result := <-p.results
		p.running--
		if err := result(); failed == nil {
			failed = err
		}
	}
	if errors.Is(failed, context.Canceled) {
		return nil
	}
	return failed
}

// hasWork says that something can still be done for a file that is in the folder.
func (p *pusher) hasWork() bool {
	return len(p.unsummed) > 0 || slices.ContainsFunc(p.files, func(f *file) bool { return f.isLive() && f.why == "" })
}

// do does something beside everything else; what it returns is done when it is over.
func (p *pusher) do(work func() func() error) {
	p.running++
	go func() { p.results <- work() }()
}

// look finds out what is in the folder, and which files of the journal are not there any more as they were.
func (p *pusher) look() error {
	complete, growing, others, err := p.watch.look(time.Now())
	if err != nil {
		return err
	}
	for _, name := range others {
		p.say.line("Left alone: %s. Only PDF, JPEG, PNG and TIFF files are sent.", name)
	}
	p.growing, p.unsummed = growing, nil
	there := map[found]*file{}
	for _, f := range p.files {
		if f.isLive() && !f.lost {
			there[found{f.Name, f.Size, f.Time}] = f
		}
	}
	for _, c := range complete {
		if f, known := there[c]; known {
			delete(there, c)
			if f.why != "" && !f.busy { // it could not be read: it is tried again
				if p.opens(c) == nil {
					f.why = ""
				}
			}
			continue
		}
		if _, bad := p.unreadable[c]; bad && p.opens(c) != nil {
			continue
		}
		delete(p.unreadable, c)
		if !p.reading[c] {
			p.unsummed = append(p.unsummed, c)
		}
	}
	for _, g := range growing {
		delete(there, g) // after a restart it is watched anew
	}
	for _, f := range there { // taken away, or written again
		if f.busy {
			continue
		}
		f.lost, f.why = true, ""
		if f.state == seen {
			if err := p.add(record{Is: "gone", N: f.N}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pusher) opens(f found) error {
	file, err := p.open(filepath.Join(p.folder, f.name))
	if err == nil {
		err = file.Close()
	}
	return err
}

// start begins all that can be done now.
func (p *pusher) start(ctx context.Context) error {
	for _, c := range p.unsummed {
		if p.running >= p.parallel {
			break
		}
		p.reading[c] = true
		p.do(func() func() error {
			sha, err := sum(p.open, p.folder, c)
			return func() error { return p.summed(c, sha, err) }
		})
	}
	p.unsummed = slices.DeleteFunc(p.unsummed, func(c found) bool { return p.reading[c] })
	if !p.announcing {
		if err := p.announceSome(ctx); err != nil {
			return err
		}
	}
	for _, f := range p.files {
		if p.running >= p.parallel {
			break
		}
		if f.state == placed && !f.busy && f.why == "" {
			p.sendOne(ctx, f)
		}
	}
	return nil
}

// summed takes the sum of a file: from now on the journal knows it.
func (p *pusher) summed(c found, sha string, err error) error {
	delete(p.reading, c)
	switch {
	case errors.Is(err, errChanged), errors.Is(err, os.ErrNotExist): // it is looked at again
		return nil
	case err != nil:
		p.unreadable[c] = reason(err)
		p.say.line("Cannot be read: %s (%s). It waits in the folder.", c.name, reason(err))
		return nil
	}
	p.say.more(c.size)
	return p.add(record{Is: "file", N: len(p.files) + 1, Name: c.name, Size: c.size, Time: c.time, SHA256: sha})
}

// announceSome announces what is not announced, or asks again what came of an announcement.
func (p *pusher) announceSome(ctx context.Context) error {
	n := slices.IndexFunc(p.announcements, func(a *announcement) bool { return a.open })
	again := n >= 0
	if !again {
		if len(p.unsummed)+len(p.reading) > 0 { // those found together are announced together, in order
			return nil
		}
		var some []*file
		for _, f := range p.files {
			if f.state == seen && !f.lost && len(some) < mostAtOnce {
				some = append(some, f)
			}
		}
		if len(some) == 0 {
			return nil
		}
		slices.SortStableFunc(some, func(a, b *file) int { return strings.Compare(a.Name, b.Name) })
		r := record{Is: "announce", Key: newKey(), Batch: p.batch, Per: p.per}
		for _, f := range some {
			r.Files = append(r.Files, f.N)
		}
		if err := p.add(r); err != nil {
			return err
		}
		n = len(p.announcements) - 1
	}
	a := p.announcements[n]
	var files []announced
	for _, f := range a.files {
		files = append(files, announced{shortName(f.Name), f.Size})
	}
	p.announcing = true
	p.do(func() func() error {
		places, err := p.server.announce(ctx, a.batch, a.key, a.per, files)
		return func() error {
			p.announcing = false
			return p.placesOf(a, places, err, !again)
		}
	})
	return nil
}

// shortName is a file's name as it is announced: its last hundred characters, as far as they can be shown.
func shortName(name string) string {
	r := []rune(strings.ToValidUTF8(name, "?"))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(r[max(0, len(r)-100):])))
}

// placesOf takes what came of an announcement.
func (p *pusher) placesOf(a *announcement, places []place, err error, fresh bool) error {
	wrong, isProblem := errors.AsType[*problem](err)
	switch {
	case err == nil:
		r := record{Is: "places", Key: a.key}
		for _, at := range places {
			r.IDs = append(r.IDs, at.File)
		}
		if err := p.add(r); err != nil {
			return err
		}
		for n, f := range a.files {
			f.fresh = fresh && places[n].State == "promised"
			f.form = &places[n]
		}
		return nil
	case !isProblem:
		return err
	}
	if err := p.add(record{Is: "void", Key: a.key}); err != nil {
		return err
	}
	switch {
	case wrong.Code == "batch-closed" && a.batch == p.batch:
		return batchClosed
	case wrong.Code == "batch-full" && a.batch == p.batch:
		return batchFull
	case wrong.Code == "no-such-batch" && a.batch == p.batch:
		return batchUnknown
	case a.batch != p.batch: // an earlier batch that takes nothing more: they go to this one
		return nil
	}
	some := false
	for _, e := range wrong.Errors { // what the server refuses of one file keeps the others from nothing
		var n int
		if _, err := fmt.Sscanf(e.Pointer, "/files/%d/", &n); err == nil && n < len(a.files) && a.files[n].state == seen {
			some = true
			if err := p.refuse(a.files[n], e.Code, e.Detail); err != nil {
				return err
			}
		}
	}
	if !some {
		return sentence("The server does not take what it was sent: " + wrong.Detail + " (" + wrong.Code + ")")
	}
	return nil
}

// sendOne sends a file and asks for its receipt.
func (p *pusher) sendOne(ctx context.Context, f *file) {
	f.busy = true
	r, id, form, fresh, lost := f.record, f.id, f.form, f.fresh, f.lost
	f.form, f.fresh = nil, false
	p.do(func() func() error {
		err := p.deliver(ctx, r, id, form, fresh, lost)
		return func() error {
			f.busy = false
			return p.delivered(f, err)
		}
	})
}

// deliver brings one file to its place. nil is the server's receipt.
func (p *pusher) deliver(ctx context.Context, r record, id string, form *place, fresh, lost bool) error {
	ask := !fresh // whether it is there already is asked first, unless it cannot be
	return p.server.insist(ctx, &p.bucketAway, func() error {
		if ask {
			err := p.server.sent(ctx, id, r.Size)
			if !is(err, "file-not-there") {
				return err
			}
		}
		if lost {
			return errChanged
		}
		if !form.isGood() {
			var err error
			if form, err = p.server.form(ctx, id); is(err, "file-there") {
				ask = true
				return transient(err)
			} else if err != nil {
				return err
			}
		}
		went := int64(0)
		err := p.server.upload(ctx, p.bucket, p.open, p.folder, r, form, func(n int) {
			went += int64(n)
			p.say.went(int64(n))
		})
		ask = true
		switch {
		case errors.Is(err, errForm):
			form = nil
			err = transient(err)
			fallthrough
		case err != nil:
			p.say.went(-went)
			return err
		}
		return p.server.sent(ctx, id, r.Size)
	})
}

// delivered takes what came of sending a file.
func (p *pusher) delivered(f *file, err error) error {
	wrong, isProblem := errors.AsType[*problem](err)
	switch {
	case err == nil:
		to := ""
		if !f.lost {
			to = free(p.folder, sentFolder, f.Name, p.promisedNames())
		}
		if err := p.add(record{Is: "received", N: f.N, To: to}); err != nil {
			return err
		}
		p.say.sent()
		if err := p.put(f); err != nil {
			return err
		}
		p.say.line("Sent: %s", f.Name)
		return nil
	case errors.Is(err, errUnreadable):
		f.why = "it cannot be read"
		p.say.line("Cannot be read: %s (%v). It waits in the folder.", f.Name, err)
		return nil
	case errors.Is(err, errChanged), isProblem && (wrong.Code == "file-other-size" || wrong.Code == "no-such-file"):
		return p.add(record{Is: "gone", N: f.N}) // what is there now is another file
	case isProblem && (wrong.Code == "file-too-large" || wrong.Code == "empty"):
		return p.refuse(f, wrong.Code, wrong.Detail)
	case isProblem && wrong.Code == "batch-closed" && f.batch != p.batch:
		return p.add(record{Is: "gone", N: f.N}) // its place is, and it goes to another batch
	case isProblem && wrong.Code == "batch-closed":
		return batchClosed
	case isProblem:
		return sentence("The server does not take " + f.Name + ": " + wrong.Detail + " (" + wrong.Code + ")")
	}
	return err
}

// refuse puts a file away that the server does not take.
func (p *pusher) refuse(f *file, code, detail string) error {
	r := record{Is: "refused", N: f.N, Code: code, Detail: detail, To: free(p.folder, refusedFolder, f.Name, p.promisedNames())}
	if err := p.add(r); err != nil {
		return err
	}
	p.say.refused(f.Size)
	p.say.line("Refused: %s (%s). %s", f.Name, code, detail)
	return p.put(f)
}

// promisedNames are those to which files are about to be moved.
func (p *pusher) promisedNames() map[string]bool {
	all := map[string]bool{}
	for _, f := range p.files {
		if f.state == received || f.state == refused {
			all[f.to] = true
		}
	}
	return all
}

// put moves a file to where the journal says, unless it is there. A file that was written again meanwhile stays: it is
// another one.
func (p *pusher) put(f *file) error {
	if f.state != received && f.state != refused {
		return nil
	}
	from, to := filepath.Join(p.folder, f.Name), filepath.Join(p.folder, f.to)
	was := found{f.Name, f.Size, f.Time}
	if now, err := foundIn(p.folder, f.Name); f.to != "" && err == nil && now == was {
		if err := p.move(f, from, to); err != nil {
			return sentence("A file cannot be moved out of the folder: " + reason(err) + ". Nothing is lost: see to the folder, and start push again.")
		}
	}
	return p.add(record{Is: "moved", N: f.N})
}

func (p *pusher) move(f *file, from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if f.state == refused {
		if err := os.WriteFile(to+".txt", []byte(f.code+"\n"+f.detail+"\n"), 0o600); err != nil {
			return err
		}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if info, err := os.Lstat(to); err == nil && (info.Size() != f.Size || info.ModTime().UnixNano() != f.Time) { // written again in between
		if _, err := os.Lstat(from); errors.Is(err, os.ErrNotExist) {
			if err := os.Rename(to, from); err != nil {
				return err
			}
		}
	}
	return errors.Join(syncFolder(filepath.Dir(to)), syncFolder(p.folder))
}
