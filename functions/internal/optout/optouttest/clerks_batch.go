package optouttest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// MailClerks has sixteen people and machines at one file of three pages at once, rounds times: they take it, key it alike and
// otherwise, hold it, cut it, send it back, raise the alarm, take it back, close the batch. Whoever is first, every one of them
// is told what is so, one form at most comes of each page, and the books add up, counted from outside.
func MailClerks(t *testing.T, forms optout.Store, books batch.Store, rounds int) {
	t.Helper()
	came := map[batch.Status]int{}
	for round := range rounds {
		clock := NewClock()
		m := batch.Mailroom{
			Store: books, Registrar: optout.Registrar{Store: forms, Keys: Keys{}, Now: clock.Now}, Rules: func() optout.Rules { return Rules },
			Twice: []int{0, 100}[round%2], Sample: []int{0, 200}[round/2%2], Now: clock.Now,
		}
		ctx := t.Context()
		b, err := m.Open(ctx, clerkAnn, batch.Declaration{Envelopes: 1, Box: "B-7", Sequence: 1})
		if err != nil {
			t.Fatal(err)
		}
		pieces, slots, err := m.Expect(ctx, b.ID, clerkAnn, []string{"scan.pdf"}, batch.OneEach)
		if err != nil {
			t.Fatal(err)
		}
		at, sum := pieces[0].At, sha256.Sum256([]byte(rand.Text()))
		first, err := m.Store.FirstFile(ctx, sum[:], batch.File{Batch: b.ID, Upload: slots[0].ID})
		if err := errors.Join(err, m.Arrived(ctx, at), m.Read(ctx, at, sum[:], make([]batch.Page, 3), first)); err != nil {
			t.Fatal(err)
		}
		var paper []optout.Reference
		for page := range 3 {
			paper = append(paper, Keys{}.Reference(batch.Piece{First: page + 1, SHA256: sum[:]}.Origin()))
		}
		var all sync.WaitGroup
		start := make(chan struct{})
		errs := make([]error, 16)
		for n := range errs {
			all.Go(func() {
				<-start
				_, errs[n] = mailClerks[(n+round)%len(mailClerks)](ctx, m, at, n)
			})
		}
		close(start)
		all.Wait()
		for n, err := range errs {
			if r, f := (*optout.Refusal)(nil), optout.Faulty(nil); err != nil && !errors.As(err, &r) && !errors.As(err, &f) && !errors.Is(err, optout.ErrUnavailable) {
				t.Errorf("clerk %d: %v", n, err)
			}
		}
		audit := Audit{Forms: forms, Books: books, Of: []string{b.ID}, Paper: paper, Pages: map[string]int{slots[0].ID: 3}}
		recount := func(when string) {
			t.Helper()
			faults, err := audit.Faults(ctx)
			if err != nil || len(faults) > 0 {
				t.Fatalf("%s: %q, %v", when, faults, err)
			}
		}
		recount("when all are done")
		now, err := books.Piece(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		came[now.Status]++
		clock.Move(batch.LeaseLasts + time.Second)
		for try := range 3 { // somebody comes to an end with all of it
			pieces, err := books.Pieces(ctx, b.ID)
			if err != nil {
				t.Fatal(err)
			}
			for n, p := range pieces {
				if !p.Status.IsOutcome() {
					if _, err := m.Key(ctx, p.At, optout.Actor{Role: optout.Supervisor, ID: fmt.Sprint("u-s", n, try)}, batch.Reading{Answers: Dissent()}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		b, pieces, err = m.Whole(ctx, b.ID)
		if l := batch.Count(b, pieces); err != nil || l.Waiting > 0 {
			t.Fatalf("in the end %+v, %v", l, err)
		} else if b.IsOpen() {
			_, err = m.Recount(ctx, b.ID, clerkAnn, l.Opened, "miscounted")
			if _, closing := m.Close(ctx, b.ID, clerkAnn); err != nil || closing != nil {
				t.Fatalf("closing: %v, %v", err, closing)
			}
		}
		recount("in the end")
		checkers(t, m, books, b.ID)
		recount("when all is checked")
	}
	t.Logf("with sixteen at it at once a piece came to be %v", came)
}

// checkers has sixteen people at once check each finished piece of the sample, and judge it: each is checked and judged once, and
// counted once.
func checkers(t *testing.T, m batch.Mailroom, books batch.Store, id string) {
	t.Helper()
	sixteen := func(do func(n int) error) (did int) {
		var all sync.WaitGroup
		errs := make([]error, 16)
		for n := range errs {
			all.Go(func() { errs[n] = do(n) })
		}
		all.Wait()
		for _, err := range errs {
			switch r := (*optout.Refusal)(nil); {
			case err == nil:
				did++
			case !errors.As(err, &r) && !errors.Is(err, optout.ErrUnavailable):
				t.Error(err)
			}
		}
		return did
	}
	counted := func() int {
		day := nhs.DateOf(m.Now())
		all, err := books.Tallies(t.Context(), day, day)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.How == batch.OfSample && c.By == "" {
				return c.Read[batch.Whole]
			}
		}
		return 0
	}
	pieces, err := books.Pieces(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	before, drawn := counted(), 0
	for _, p := range pieces {
		if p.Stage() != batch.Sampled {
			continue
		}
		drawn++
		if n := sixteen(func(n int) error {
			a := Dissent()
			a.Choice = []string{"dissent", "core"}[n%2]
			_, err := m.ReadAgain(t.Context(), p.At, optout.Actor{Role: optout.Desk, ID: fmt.Sprint("c-", n)}, batch.Said{Status: batch.Registered, Reading: batch.Reading{Answers: a}})
			return err
		}); n != 1 {
			t.Errorf("%d of sixteen checked a piece", n)
		}
		now, err := books.Piece(t.Context(), p.At)
		if err != nil || now.Sample.Step != batch.Unlike {
			continue
		}
		if n := sixteen(func(n int) error {
			j := batch.Judgment{Right: map[string]batch.Right{}, Done: "office"}
			if now.Form.IsZero() { // its sender is who can be told
				j.Done = "sender"
			}
			for _, f := range now.Sample.Differs {
				j.Right[f] = []batch.Right{batch.First, batch.Again}[n%2]
			}
			_, err := m.Judge(t.Context(), p.At, optout.Actor{Role: optout.Supervisor, ID: fmt.Sprint("j-", n)}, j)
			return err
		}); n != 1 {
			t.Errorf("%d of sixteen judged a piece", n)
		}
	}
	if n := counted() - before; n != drawn {
		t.Errorf("%d pieces were checked, and %d counted", drawn, n)
	}
}

// mailClerks are what they do, each several times over.
var mailClerks = []func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error){
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		return m.Key(ctx, at, mailClerk(n), batch.Reading{Part: batch.Part{Last: 2, Same: true}, Answers: Dissent()})
	},
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		a := Dissent()
		a.Choice = "core"
		return m.Key(ctx, at, mailClerk(n), batch.Reading{Answers: a})
	},
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		return m.HasOutcome(ctx, at, mailClerk(n), batch.Outcome{Part: batch.Part{Last: 1}, Status: batch.SentBack, Why: batch.Type1})
	},
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		return m.Key(ctx, at, mailClerk(n), batch.Reading{Answers: Dissent(), Hold: optout.HeldForSignature})
	},
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		if p, err := m.Take(ctx, at, mailClerk(n)); err != nil {
			return p, err
		}
		return m.Key(ctx, at, mailClerk(n), batch.Reading{Answers: Dissent(), Letter: true})
	},
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		if n%2 == 0 {
			return m.Alarm(ctx, at, mailClerk(n))
		}
		return m.Undo(ctx, at, mailClerk(n))
	},
	func(ctx context.Context, m batch.Mailroom, at batch.At, n int) (batch.Piece, error) {
		_, err := m.Close(ctx, at.Batch, mailClerk(n))
		return batch.Piece{}, err
	},
}

func mailClerk(n int) optout.Actor { return optout.Actor{Role: optout.Desk, ID: fmt.Sprint("u-", n)} }
