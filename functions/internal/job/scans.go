package job

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/steady"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
)

// Scans reads what the mailroom uploads: a file whose malware result is clean becomes pictures of its pages, and waits at
// the desk. The file itself is never altered, and never deleted here.
type Scans struct {
	Store interface {
		upload.Store
		batch.Store
	}
	Files upload.Files
	// Draw draws the pages of a file, in their order. *Unreadable, if the file is at fault.
	Draw func(ctx context.Context, file []byte, page func(Drawn) error) error
	// Ask asks for the malware result on a version of a file again.
	Ask func(ctx context.Context, key, version string) error
	Now func() time.Time
}

// Drawn is the picture of a page.
type Drawn struct {
	Number int    // from 1
	JPEG   []byte // none, if the page could not be drawn
	Blank  bool   // a hint
	Fault  string // why this page could not be drawn: a code
}

// Unreadable is why a file cannot be read.
type Unreadable struct {
	Code   string
	Detail string // for a clerk to act on; it never quotes the file
}

func (u *Unreadable) Error() string { return u.Code }

// drawnWithin is how long a file may take to come and to be drawn.
const drawnWithin = 60 * time.Second

// Every file has its malware result within minutes. What has none is asked for again twice, then somebody is told: within an
// hour of its coming, even if nobody says that it has come and it is found only when it is looked for (upload.LooksEvery).
// From then on it is asked for less and less often.
var askAfter = []time.Duration{10 * time.Minute, 10 * time.Minute, 15 * time.Minute, 2 * time.Hour, 6 * time.Hour}

// Heard notes the malware result on a file, and reads it at once. A result on another version than the one that came
// first says nothing of it. It may come at any time, and again.
func (r Scans) Heard(ctx context.Context, m trigger.MalwareResult) error {
	id := upload.IDOf(m.Key)
	if id == "" {
		observe.Count(ctx, "MalwareElsewhere", 1)
		return nil
	}
	known := false
	err := steady.Insist(ctx, func() error {
		s, err := r.Store.Upload(ctx, id)
		switch {
		case errors.Is(err, optout.ErrNotFound):
			known = true
			return nil
		case err != nil:
			return err
		case s.For != upload.Scan, s.IsEnded() && s.State != upload.Expired, s.Object != "" && s.Object != m.Version, s.Malware != "":
			known = true
			return nil
		}
		s = s.Arrived(r.Now())
		due := s.Due
		s.Object, s.Lease, s.Tries, s.Due = m.Version, time.Time{}, 0, r.Now().UTC().Truncate(time.Millisecond)
		switch m.Result {
		case trigger.MalwareClean, trigger.MalwareInfected, trigger.MalwareUnsupported:
			if s.Malware = m.Result; m.Locked {
				s.Malware = batch.Locked // in place of the result
			}
		default: // it is asked for again in its time
			s.Fault, s.Due = "malware-"+m.Result, due
			if s.Asked == 0 {
				s.Due = s.Uploaded.Add(askAfter[0])
			}
		}
		_, err = r.Store.SaveUpload(ctx, s)
		return err
	}, optout.ErrConflict, optout.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("note malware result: %w", err)
	}
	if known {
		observe.Count(ctx, "MalwareIgnored", 1)
		return nil
	}
	observe.Count(ctx, metric("Malware", m.Result), 1)
	return counted(ctx, "Scan", id, r.Now, r.Read)
}

// ScansDue reads every scan that is due, one after the other.
func ScansDue(r Scans) func(context.Context, func() time.Time) error {
	return func(ctx context.Context, now func() time.Time) error {
		r := r // another run may be under way
		r.Now = now
		until := now()
		due := func(p upload.Purpose) error {
			shard := func(n int) iter.Seq2[string, error] { return r.Store.UploadsDue(ctx, p, n, until) }
			return sweep(ctx, r.Store.UploadShards(), 1, shard, func(id string) error { return counted(ctx, "Scan", id, r.Now, r.Read) })
		}
		all := [...]upload.Purpose{upload.Scan, upload.Unanswered}
		first := steady.Chance(len(all)) // a run that is out of time does not always leave out the same ones
		return errors.Join(due(all[first]), due(all[1-first]))
	}
}

// Read does what is next and due for one scan, as far as it goes, and gives its slot as it left it; none if there was
// nothing to do.
func (r Scans) Read(ctx context.Context, id string) (upload.Slot, error) {
	h := hand{store: r.Store, reads: upload.Scan, step: r.step, giveUp: r.giveUp, now: r.Now, last: upload.MostTries}
	return h.work(ctx, id)
}

// books are where it is written what becomes of a file.
type books interface {
	Arrived(context.Context, batch.At) error
	Lapsed(context.Context, batch.At) error
	Stuck(ctx context.Context, at batch.At, why string) error
	Quarantine(ctx context.Context, at batch.At, why string, sha256 []byte) error
	Read(ctx context.Context, at batch.At, sha256 []byte, pages []batch.Page, first batch.File) error
	AnotherFile(ctx context.Context, first batch.At, version string) error
}

// books are the mailroom's; of a form's own scan, nothing but its slot, which says by itself where it stands (upload.Silent).
func (r Scans) books(s upload.Slot) books {
	if s.Batch == "" {
		return none{}
	}
	return batch.Mailroom{Store: r.Store, Now: r.Now}
}

type none struct{}

func (none) Arrived(context.Context, batch.At) error                                { return nil }
func (none) Lapsed(context.Context, batch.At) error                                 { return nil }
func (none) Stuck(context.Context, batch.At, string) error                          { return nil }
func (none) Quarantine(context.Context, batch.At, string, []byte) error             { return nil }
func (none) Read(context.Context, batch.At, []byte, []batch.Page, batch.File) error { return nil }
func (none) AnotherFile(context.Context, batch.At, string) error                    { return nil }

// step does one thing for a scan in hand. The books are written before the slot: what is done twice is known there.
func (r Scans) step(ctx context.Context, s upload.Slot) (upload.Slot, error) {
	switch at := batch.FirstOf(s.Batch, s.ID); {
	case s.IsEnded():
		return r.others(ctx, s, at)
	case s.Object == "":
		return r.find(ctx, s, at)
	case s.Malware == "":
		return r.wait(ctx, s, at)
	case s.Malware != trigger.MalwareClean:
		return r.refuse(ctx, s, at, upload.Refusal{Code: s.Malware})
	default:
		return r.draw(ctx, s, at)
	}
}

// giveUp ends a scan that was tried too often.
func (r Scans) giveUp(ctx context.Context, s upload.Slot) (upload.Slot, error) {
	if s.IsEnded() { // what else came to its place must not be lost: it is looked for again, in hours
		s.Tries = 0
		return s.PutOff(r.Now().Add(steady.Backoff(upload.MostTries)), "not-looked-for"), nil
	}
	at := batch.FirstOf(s.Batch, s.ID)
	if s.Batch == "" {
		return r.refuse(ctx, s, at, upload.Refusal{Code: batch.NotRead})
	}
	switch p, err := r.Store.Piece(ctx, at); { // whoever read it may have come as far as the books
	case err != nil && !errors.Is(err, optout.ErrNotFound):
		return s, fmt.Errorf("look at the books: %w", err)
	case err == nil && p.Status == batch.Quarantined:
		s.SHA256 = p.SHA256
		return r.refuse(ctx, s, at, upload.Refusal{Code: p.Why})
	case len(p.SHA256) == 0: // nor has anybody read it
		return r.refuse(ctx, s, at, upload.Refusal{Code: batch.NotRead})
	default:
		return r.wasRead(ctx, s, p)
	}
}

// wasRead ends a scan whose pages are on the books: those of its first piece, and of what was parted from it.
func (r Scans) wasRead(ctx context.Context, s upload.Slot, p batch.Piece) (upload.Slot, error) {
	s.SHA256 = p.SHA256
	for p.Last > s.Pages { // a file that was known already has none there
		s.Pages = p.Last
		rest, err := r.Store.Piece(ctx, p.Rest())
		if errors.Is(err, optout.ErrNotFound) {
			break
		} else if err != nil {
			return s, fmt.Errorf("look at the books: %w", err)
		}
		p = rest
	}
	return ended(s, upload.Read, r.Now()), nil
}

// refuse ends a scan that nobody opens.
func (r Scans) refuse(ctx context.Context, s upload.Slot, at batch.At, why upload.Refusal) (upload.Slot, error) {
	if err := r.books(s).Quarantine(ctx, at, why.Code, s.SHA256); err != nil {
		return s, fmt.Errorf("quarantine: %w", err)
	}
	if why.Detail == "" {
		why.Detail = batch.Sentence(why.Code)
	}
	s.Refusal = why
	return ended(s, upload.Refused, r.Now()), nil
}

// ended is a scan at its end, which is looked at once more when no other file can come to its place: if it took that long, by
// whoever looks at what is due.
func ended(s upload.Slot, state upload.State, now time.Time) upload.Slot {
	if s = s.End(state, now).Settled(now); s.Due.IsZero() {
		s = s.PutOff(now, "")
	}
	return s
}

// find looks for the file. Of several the one that came first counts, from now on; the others are put on the books apart.
func (r Scans) find(ctx context.Context, s upload.Slot, at batch.At) (upload.Slot, error) {
	found, err := r.Files.Find(ctx, s.Key())
	if err != nil {
		return s, fmt.Errorf("look for the file: %w", err)
	}
	if len(found) == 0 {
		missed := s.Missed(r.Now())
		if missed.State == upload.Expired {
			if err := r.books(s).Lapsed(ctx, at); err != nil { // it has not ended until its books say so
				return s, fmt.Errorf("note that no file came: %w", err)
			}
		}
		return missed, nil
	}
	if err := r.books(s).Arrived(ctx, at); err != nil {
		return s, fmt.Errorf("note the file: %w", err)
	}
	first := found[len(found)-1]
	s = s.Arrived(r.Now())
	s.Tries = 0 // what comes next is another matter
	s = s.Claimed(r.Now())
	s.Object = first.Version
	if first.Size > upload.MostOfScan {
		return r.refuse(ctx, s, at, upload.Refusal{Code: batch.TooLarge})
	}
	return s, nil
}

// wait waits for the malware result, asks for it again, and in the end has somebody told.
func (r Scans) wait(ctx context.Context, s upload.Slot, at batch.At) (upload.Slot, error) {
	if err := r.books(s).Arrived(ctx, at); err != nil {
		return s, fmt.Errorf("note the file: %w", err)
	}
	now := r.Now()
	if due := s.Uploaded.Add(askAfter[0]); s.Asked == 0 && now.Before(due) && s.Fault == "" {
		s.Tries = 0
		return s.PutOff(due, ""), nil
	}
	if s.IsUnanswered() {
		if err := r.books(s).Stuck(ctx, at, batch.Unchecked); err != nil {
			return s, fmt.Errorf("tell of it: %w", err)
		}
	}
	failed := r.Ask(ctx, s.Key(), s.Object)
	if failed != nil { // which is silence
		observe.Cause(ctx, fmt.Errorf("ask for the malware result: %w", failed))
	}
	s.Asked++
	s.Tries = 0
	observe.Count(ctx, "MalwareAsked", 1)
	return s.PutOff(now.Add(askAfter[min(s.Asked, len(askAfter)-1)]), "malware-silent"), nil
}

// draw reads a clean file: its pages become pictures, and it waits at the desk.
func (r Scans) draw(ctx context.Context, s upload.Slot, at batch.At) (upload.Slot, error) {
	if !lasts(ctx, drawnWithin) {
		return s, errNoTime
	}
	quick, stop := context.WithTimeout(ctx, drawnWithin)
	defer stop()
	body, err := r.Files.Open(quick, s.Key(), s.Object)
	if errors.Is(err, upload.ErrGone) {
		return r.refuse(ctx, s, at, upload.Refusal{Code: batch.NotRead})
	} else if err != nil {
		return s, fmt.Errorf("open the file: %w", err)
	}
	defer body.Close()
	file, err := io.ReadAll(io.LimitReader(body, upload.MostOfScan+1))
	switch {
	case err != nil:
		return s, fmt.Errorf("read the file: %w", err)
	case len(file) > upload.MostOfScan:
		return r.refuse(ctx, s, at, upload.Refusal{Code: batch.TooLarge})
	}
	sum := sha256.Sum256(file)
	s.SHA256 = sum[:]
	first := batch.File{Batch: s.Batch, Upload: s.ID}
	if s.Batch != "" {
		if first, err = r.Store.FirstFile(ctx, s.SHA256, first); err != nil {
			return s, fmt.Errorf("note the bytes: %w", err)
		}
	}
	var pages []batch.Page
	err = r.Draw(quick, file, func(d Drawn) error {
		if d.Number != len(pages)+1 {
			return fmt.Errorf("page %d comes after page %d", d.Number, len(pages))
		}
		pages = append(pages, batch.Page{Blank: d.Blank, Fault: d.Fault})
		if len(d.JPEG) == 0 {
			return nil
		}
		return r.Files.Put(quick, upload.PageKey(s.ID, d.Number), "image/jpeg", bytes.Clone(d.JPEG))
	})
	if bad, ok := errors.AsType[*Unreadable](err); ok {
		return r.refuse(ctx, s, at, upload.Refusal{Code: bad.Code, Detail: bad.Detail})
	} else if err != nil {
		return s, fmt.Errorf("draw the pages: %w", err)
	}
	if len(pages) == 0 {
		return r.refuse(ctx, s, at, upload.Refusal{Code: batch.NotRead})
	}
	if err := r.books(s).Read(ctx, at, s.SHA256, pages, first); err != nil {
		return s, fmt.Errorf("note the pages: %w", err)
	}
	s.Pages = len(pages)
	return ended(s, upload.Read, r.Now()), nil
}

// others looks once more when no file can come any more: one that came to a slot that had expired is read after all, and
// whatever came beside the file that was read is put on the books.
func (r Scans) others(ctx context.Context, s upload.Slot, at batch.At) (upload.Slot, error) {
	found, err := r.Files.Find(ctx, s.Key())
	if err != nil {
		return s, fmt.Errorf("look for other files: %w", err)
	}
	if s.State == upload.Expired && len(found) > 0 {
		s = s.Arrived(r.Now())
		return s.Claimed(r.Now()), nil
	}
	if s.Object == "" && len(found) > 0 { // it was given up before anybody had found it
		s.Object = found[len(found)-1].Version
	}
	for _, o := range found {
		if o.Version == s.Object {
			continue
		}
		switch same, err := r.same(ctx, s, o); {
		case err != nil:
			return s, err
		case same:
			continue
		}
		if err := r.books(s).AnotherFile(ctx, at, o.Version); err != nil {
			return s, fmt.Errorf("note another file: %w", err)
		}
	}
	return s.Settled(r.Now()), nil
}

// same says whether another version of a file that was read has the same bytes: it was sent twice, by somebody who did not
// hear that it had arrived.
func (r Scans) same(ctx context.Context, s upload.Slot, other upload.Object) (bool, error) {
	if len(s.SHA256) == 0 || other.Size > upload.MostOfScan {
		return false, nil
	}
	quick, stop := context.WithTimeout(ctx, drawnWithin)
	defer stop()
	body, err := r.Files.Open(quick, s.Key(), other.Version)
	if errors.Is(err, upload.ErrGone) {
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("open another file: %w", err)
	}
	defer body.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, body); err != nil {
		return false, fmt.Errorf("read another file: %w", err)
	}
	return bytes.Equal(hash.Sum(nil), s.SHA256), nil
}
