package batch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.org/optout/functions/internal/optout"
)

// machine is who acts when no person does.
var machine = optout.Actor{Role: optout.Machine}.String()

// What keeps a file from being checked or read, or what it is: codes of a piece. Those of a file that cannot be read are
// the reader's.
const (
	Infected    = "infected"      // malware was found in it
	Unsupported = "unsupported"   // it cannot be checked for malware
	Unchecked   = "not-checked"   // the malware check gives no answer, although it was asked again and again
	SecondFile  = "second-file"   // another file came to the place of this one
	NotRead     = "not-read"      // it could not be read, although it was tried again and again
	SameBytes   = "same-bytes"    // of a rescan
	SameInBatch = "same-in-batch" // likewise, and the first is in the same batch

	// Both are known before or by the reader, who calls them the same.
	TooLarge = "file-too-large"
	Locked   = "encrypted" // it opens only with a password
)

// Sentence says by its code to whoever sent a file why it is no work for the desk, and what to do; "" for codes of which
// the reader has its own.
func Sentence(code string) string { return sentences[code] }

var sentences = map[string]string{
	Infected:    "Malware was found in this file. Nobody opens it. Do not send it again: tell whoever looks after the computer that it came from, and scan the paper on another one.",
	Unsupported: "This file cannot be checked for malware, so nobody opens it. Scan the paper again, as a plain PDF or a JPEG, and send the new file.",
	Unchecked:   "The malware check has given no answer. Whoever looks after it sees to that; there is nothing to do.",
	SecondFile:  "Another file came to the place of this one. The first is read; a supervisor sees to the other.",
	NotRead:     "We could not read this file, although we tried again and again. Scan the paper again and send the new file.",
	SameBytes:   "The same file was sent before, in another batch. It is counted as scanned again; there is nothing to do.",
	SameInBatch: "The same file was sent before, in this batch. It is counted as scanned again; there is nothing to do.",
	TooLarge:    "This file has more than 20 MB. Scan fewer pages into one file, or scan at 200 dots an inch in grey, and send the new files.",
	Locked:      "This file opens only with a password. Take the password away, or print it and scan the paper, and send the new file. Do not send the password.",
}

// Arrived notes that the file of a piece has come, perhaps after it was waited for in vain. A batch that was closed by then is
// open again: there is something to account for.
func (m Mailroom) Arrived(ctx context.Context, at At) error {
	return m.hear(ctx, at, func(b *Batch, p Piece) (Piece, error) {
		if p.Status != Awaited && p.Status != Lapsed {
			return p, errNothing
		}
		return m.here(b, p), nil
	})
}

// here is a piece once its file is there, whoever noticed.
func (m Mailroom) here(b *Batch, p Piece) Piece {
	switch p.Status {
	case Awaited:
	case Lapsed: // it came after all
		b.Pieces++
		p.Done = time.Time{}
		if !b.IsOpen() {
			*b = b.again(m.Now(), machine, "late-file")
		}
	default:
		return p
	}
	p.Status, p.Why = Checking, ""
	return p.said(m.Now(), machine, "arrived", "")
}

// Lapsed notes that no file came to the place of a piece, and that none can come any more.
func (m Mailroom) Lapsed(ctx context.Context, at At) error {
	return m.hear(ctx, at, func(b *Batch, p Piece) (Piece, error) {
		if p.Status != Awaited {
			return p, errNothing
		}
		b.Pieces--
		return p.ends(Lapsed, "", machine, m.Now()), nil
	})
}

// Stuck notes what keeps the file of a piece from being read; "" once nothing does. Supervisors see it.
func (m Mailroom) Stuck(ctx context.Context, at At, why string) error {
	return m.hear(ctx, at, func(b *Batch, p Piece) (Piece, error) {
		if p = m.here(b, p); p.Status != Checking || p.Why == why {
			return p, errNothing
		}
		p.Why = why
		return p.said(m.Now(), machine, "stuck", why), nil
	})
}

// Quarantine notes that nobody opens the file of a piece, and why.
func (m Mailroom) Quarantine(ctx context.Context, at At, why string, sha256 []byte) error {
	return m.hear(ctx, at, func(b *Batch, p Piece) (Piece, error) {
		if p = m.here(b, p); p.Status != Checking {
			return p, errNothing
		}
		p.SHA256 = bytes.Clone(sha256)
		return p.ends(Quarantined, why, machine, m.Now()), nil
	})
}

// Read notes the pages of a file: it waits at the desk from now on. A file whose bytes are known already is a rescan of
// first, unless nobody could read that one.
func (m Mailroom) Read(ctx context.Context, at At, sha256 []byte, pages []Page, first File) error {
	return m.hear(ctx, at, func(b *Batch, p Piece) (Piece, error) {
		if p = m.here(b, p); p.Status != Checking {
			return p, errNothing
		}
		p.SHA256, p.Why = bytes.Clone(sha256), ""
		if first.Upload != p.Upload {
			switch was, err := m.Store.Piece(ctx, FirstOf(first.Batch, first.Upload)); {
			case err != nil && !errors.Is(err, optout.ErrNotFound):
				return p, err
			case err == nil && was.Status != Quarantined && was.Status != Lapsed:
				return p.ends(Rescan, again(first.Batch, at), machine, m.Now()), nil
			}
		}
		p.First, p.Last, p.Pages, p.Status = 1, len(pages), slices.Clone(pages), Waiting
		return p.said(m.Now(), machine, "read", ""), nil
	})
}

// AnotherFile notes that a second file came to the place of a piece: it is on the books, though nobody reads it.
func (m Mailroom) AnotherFile(ctx context.Context, first At, version string) error {
	sum := sha256.Sum256([]byte(version))
	at := At{first.Batch, fmt.Sprintf("%s-%x", FileOf(first.ID), sum[:6])}
	_, err := m.change(ctx, at.Batch, func(b *Batch) (Change, error) {
		if _, err := m.Store.Piece(ctx, at); !errors.Is(err, optout.ErrNotFound) {
			return Change{}, cmp.Or(err, errNothing)
		}
		p, err := m.Store.Piece(ctx, first)
		if err != nil {
			return Change{}, err
		}
		b.Pieces++
		envelope := p.Envelope
		if p.Status == Rescan { // which opened none: its first scan did
			envelope = 0
		}
		other := Piece{At: at, Upload: p.Upload, Name: p.Name, Envelope: envelope, Since: milliseconds(m.Now())}
		return Change{Pieces: []Piece{other.ends(Quarantined, SecondFile, machine, m.Now())}}, nil
	})
	return err
}

// again is why a piece is a rescan of one in a batch.
func again(batch string, at At) string {
	if batch == at.Batch {
		return SameInBatch
	}
	return SameBytes
}

// errLedger ends a change of a piece that its batch must know of.
var errLedger = errors.New("the batch counts it")

// hear changes a piece by what machines learn of it. That it is known already is no error. As long as the piece waits before
// and after, its batch counts it as before and is left alone: forty files of one batch may well come at once, and would be in
// each other's way.
func (m Mailroom) hear(ctx context.Context, at At, do func(*Batch, Piece) (Piece, error)) error {
	_, err := m.lease(ctx, at, func(p Piece) (Piece, error) {
		var counts Batch
		next, err := do(&counts, p)
		if err == nil && (counts.Pieces != 0 || next.Status.IsOutcome()) {
			return p, errLedger
		}
		return next, err
	})
	if !errors.Is(err, errLedger) {
		return err
	}
	_, err = m.change(ctx, at.Batch, func(b *Batch) (Change, error) {
		p, err := m.Store.Piece(ctx, at)
		if err != nil {
			return Change{}, err
		}
		if p, err = do(b, p); err != nil {
			return Change{}, err
		}
		return Change{Pieces: []Piece{p}}, nil
	})
	return err
}
