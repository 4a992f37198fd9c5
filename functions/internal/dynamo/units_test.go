package dynamo_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// meter adds up what the engine says that calls consumed.
type meter struct {
	sync.Mutex
	write, read           float64
	transactions, updates int
}

func (m *meter) options(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch p := in.Parameters.(type) {
			case *dynamodb.TransactWriteItemsInput:
				p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			case *dynamodb.UpdateItemInput:
				p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			case *dynamodb.PutItemInput:
				p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			case *dynamodb.GetItemInput:
				p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			case *dynamodb.QueryInput:
				p.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			}
			out, meta, err := next.HandleInitialize(ctx, in)
			m.Lock()
			defer m.Unlock()
			switch r := out.Result.(type) {
			case *dynamodb.TransactWriteItemsOutput:
				m.transactions++
				for _, c := range r.ConsumedCapacity {
					m.write += aws.ToFloat64(c.CapacityUnits)
				}
			case *dynamodb.UpdateItemOutput:
				m.updates++
				m.write += units(r.ConsumedCapacity)
			case *dynamodb.PutItemOutput:
				m.write += units(r.ConsumedCapacity)
			case *dynamodb.GetItemOutput:
				m.read += units(r.ConsumedCapacity)
			case *dynamodb.QueryOutput:
				m.read += units(r.ConsumedCapacity)
			}
			return out, meta, err
		}), middleware.Before)
	})
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

// What each step of a form's life costs, as the engine counts it (ReturnConsumedCapacity). The limits are there to
// notice a step that grows; docs/performance.md has the figures.
func TestWriteUnitsOfEachStep(t *testing.T) {
	c := dynamotest.Client(t)
	m := &meter{}
	table := dynamotest.Table(t, c)
	store := dynamo.New(dynamodb.New(c.Options(), m.options), table)
	clock := optouttest.NewClock()
	engine := optout.Engine{Store: store, Post: &optouttest.Mailbox{}, Address: "{ods}@practice.example", Now: clock.Now}
	registrar := optout.Registrar{Store: store, Keys: optouttest.Keys{}, Now: clock.Now}
	var ref optout.Reference

	register := func(a optout.Answers) func() {
		return func() {
			r, err := registrar.Register(t.Context(), optouttest.Online(""), a, optouttest.Accepted(a))
			if err != nil {
				t.Fatal(err)
			}
			ref = r.Reference
		}
	}
	advance := func(noun optout.Noun, want optout.Outcome) func() {
		return func() {
			d := optout.Due{Noun: noun, ID: "A81001"}
			if noun == optout.DueForm {
				d.ID = ref.Key()
			}
			if did, err := engine.Advance(t.Context(), d); err != nil || did != want {
				t.Fatalf("%s: %s, %v; want %s", noun, did, err, want)
			}
		}
	}
	custody := optout.Custody{Store: store, Keys: optouttest.Keys{}, Now: clock.Now}
	act := func(do func(optout.Actor) (optout.Answer, error)) func() {
		return func() {
			code := optouttest.Accepted(optouttest.Dissent()).Practice
			if _, err := do(optout.Actor{Role: optout.AtPractice, Practice: code, ID: "u-17"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	collect := act(func(by optout.Actor) (optout.Answer, error) {
		return custody.Collect(t.Context(), ref, by, optout.Said{})
	})
	apply := act(func(by optout.Actor) (optout.Answer, error) {
		return custody.Apply(t.Context(), ref, by, optout.Said{}, optout.Application{On: nhs.DateOf(clock.Now()), Code: "XaXj6"})
	})
	check := act(func(by optout.Actor) (optout.Answer, error) {
		return custody.Check(t.Context(), ref, by, optout.Said{}, optout.Listed{Run: clock.Now(), Choice: "dissent"})
	})
	anonymous, unplaced, other := optouttest.Dissent(), optouttest.Dissent(), optouttest.Dissent()
	anonymous.Subject.NHSNumber, anonymous.Subject.Surname = "", "Featherquill"
	unplaced.Practice, unplaced.Subject.NHSNumber = "", "900 000 0017"
	other.Subject.NHSNumber = "900 000 0025"

	practice := worklist.Practice(optouttest.Accepted(optouttest.Dissent()).Practice)
	list := func(o worklist.Owner) func() {
		return func() {
			if _, err := store.List(t.Context(), worklist.List{Owner: o, Stage: worklist.Open}, "", 20); err != nil {
				t.Fatal(err)
			}
		}
	}
	claim := func() {
		if _, err := store.Claim(t.Context(), ref, worklist.Claim{By: "practice A81001 u-17", Until: clock.Now().Add(time.Minute)}, clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	life := 0.0
	for _, step := range []struct {
		name  string
		most  float64
		life  bool // of every form, not only of some
		after time.Duration
		do    func()
	}{
		{"register, without NHS number", 5, false, 0, register(anonymous)},
		{"register", 7, true, 0, register(optouttest.Dissent())},
		{"route and ask the practice, first form", 8, true, 0, advance(optout.DueForm, optout.Moved)},
		{"send the mail: claim and record", 5, true, 0, advance(optout.DuePractice, optout.Told)},
		{"register, another person", 7, false, time.Minute, register(other)},
		{"route and ask the practice, mail sent today", 8, false, 0, advance(optout.DueForm, optout.Moved)},
		{"put the practice off until tomorrow", 3, false, 0, advance(optout.DuePractice, optout.Postponed)},
		{"remind, practice due already", 8, true, 48 * time.Hour, advance(optout.DueForm, optout.Moved)},
		{"collect", 3, true, time.Hour, collect},
		{"apply", 7, true, time.Minute, apply},
		{"check by extract", 7, true, time.Hour, check},
		{"register, the person's second form", 7, false, 0, register(other)},
		{"settle and route, linked", 15, false, 0, advance(optout.DueForm, optout.Moved)},
		{"register, the person's third form", 7, false, 0, register(other)},
		{"settle, a duplicate", 8, false, 0, advance(optout.DueForm, optout.Moved)},
		{"follow, nothing new", 4, false, 48 * time.Hour, advance(optout.DueForm, optout.Postponed)},
		{"register, no practice", 7, false, 0, register(unplaced)},
		{"hand to the office", 4, false, 0, advance(optout.DueForm, optout.ToOffice)},
		{"count what a network sends", 1, false, 0, func() {
			if _, err := store.Count(t.Context(), "x", clock.Now()); err != nil {
				t.Fatal(err)
			}
		}},
		{"claim a form", 1, false, 0, claim},
		{"claim it again, for longer", 1, false, time.Second, claim},
		{"which of twenty are claimed", 0, false, 0, func() {
			if _, err := store.Claimed(t.Context(), slices.Repeat([]optout.Reference{ref}, 20), clock.Now()); err != nil {
				t.Fatal(err)
			}
		}},
		{"release it", 1, false, 0, func() {
			if err := store.Release(t.Context(), ref, "practice A81001 u-17"); err != nil {
				t.Fatal(err)
			}
		}},
		{"look at a form", 1, false, 0, func() {
			if err := store.Look(t.Context(), worklist.Look{At: clock.Now(), By: "practice A81001 u-17", What: "form"}, ref); err != nil {
				t.Fatal(err)
			}
		}},
		{"who looked at it", 0, false, 0, func() {
			for _, err := range store.Looks(t.Context(), ref) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"a page of a practice's list", 0, false, 0, list(practice)},
		{"a page of the office's list", 0, false, 0, list(worklist.Office)},
		{"open a session", 1, false, 0, func() {
			if err := store.OpenSession(t.Context(), "u-17", [16]byte{1}, clock.Now()); err != nil {
				t.Fatal(err)
			}
		}},
		{"end a session", 1, false, 0, func() {
			if err := store.EndSession(t.Context(), "u-17", [16]byte{1}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		clock.Move(step.after)
		m.write, m.read = 0, 0
		step.do()
		t.Logf("%-48s %4.1f write units, %4.1f read units", step.name, m.write, m.read)
		if m.write > step.most || m.write < min(1, step.most) || m.write+m.read == 0 {
			t.Errorf("%s takes %.1f write units, more than %.0f or none", step.name, m.write, step.most)
		}
		if step.life {
			life += m.write
		}
	}
	t.Logf("%-48s %4.1f write units", "a whole life, with one reminder", life)
	if life > 40 {
		t.Errorf("a whole life takes %.1f write units", life)
	}
}

// Every request of staff reads its session, and every request of a machine whose it is.
func TestReadUnitsOfWhoIsThere(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	m := &meter{}
	store := dynamo.New(dynamodb.New(c.Options(), m.options), dynamotest.Table(t, c))
	if err := store.OpenSession(t.Context(), "u-17", [16]byte{1}, optouttest.Noon); err != nil {
		t.Fatal(err)
	}
	if err := store.SaveClient(t.Context(), "m-17", optouttest.Accepted(optouttest.Dissent()).Practice, "a system"); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"session": func() error { _, err := store.SessionIsOpen(t.Context(), "u-17", [16]byte{1}); return err },
		"machine": func() error { _, err := store.Client(t.Context(), "m-17"); return err },
	} {
		m.read = 0
		if err := read(); err != nil || m.read != 1 {
			t.Errorf("a %s takes %.1f read units, %v", name, m.read, err)
		}
	}
}

// What a practice's list costs beside what is written of its forms: from the slot to the file that is gone.
func TestUnitsOfAList(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	m := &meter{}
	store := dynamo.New(dynamodb.New(c.Options(), m.options), dynamotest.Table(t, c))
	now := optouttest.Noon
	u := upload.New(optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode("A81001"), ID: "u-17"}, now, false, now)
	save := func(change func(upload.Slot) upload.Slot) func() error {
		return func() (err error) { u, err = store.SaveUpload(t.Context(), change(u)); return err }
	}
	turn := func(uses bool) func() error {
		return func() error {
			_, err := store.TakeTurn(t.Context(), upload.Turn{Practice: u.Practice, ID: u.ID, Run: u.Run, Until: now.Add(time.Minute), Uses: uses}, now)
			return err
		}
	}
	var all float64
	for _, step := range []struct {
		name        string
		write, read float64 // at most
		do          func() error
	}{
		{"promise", 3, 0, save(func(u upload.Slot) upload.Slot { return u })},
		{"it has come", 3, 0, save(func(u upload.Slot) upload.Slot { return u.Arrived(now) })},
		{"read the slot", 0, 1, func() error { _, err := store.Upload(t.Context(), u.ID); return err }},
		{"claim it", 3, 0, save(func(u upload.Slot) upload.Slot { return u.Claimed(now) })},
		{"name the file", 3, 0, save(func(u upload.Slot) upload.Slot { u.Object = "v"; return u.Claimed(now.Add(time.Second)) })},
		{"take the turn", 1, 0, turn(false)},
		{"use the list", 1, 0, turn(true)},
		{"say on the slot that it is used", 2, 0, save(func(u upload.Slot) upload.Slot { u.Used = now; return u })},
		{"it is read", 2, 0, save(func(u upload.Slot) upload.Slot { return u.End(upload.Read, now) })},
		{"end the turn", 1, 0, func() error { return store.EndTurn(t.Context(), u.Practice, u.ID) }},
		{"the file is gone", 3, 0, save(func(u upload.Slot) upload.Slot { return u.Emptied(now) })},
		{"hours later: claim it once more", 3, 0, save(func(u upload.Slot) upload.Slot { return u.Claimed(now.Add(upload.Lingers)) })},
		{"no other file has come", 2, 0, save(func(u upload.Slot) upload.Slot { return u.Emptied(now.Add(upload.Lingers)) })},
	} {
		m.write, m.read = 0, 0
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		t.Logf("%-52s %4.1f write units, %5.1f read units", step.name, m.write, m.read)
		if m.write > step.write || m.read > step.read || m.write+m.read == 0 {
			t.Errorf("%s takes %.1f write and %.1f read units, more than %.0f and %.0f, or none", step.name, m.write, m.read, step.write, step.read)
		}
		all += m.write
	}
	t.Logf("%-52s %4.1f write units", "all together", all)
}

// What a piece costs from its place to the books that are closed, beside the slot of its file and the form that comes of it: a
// batch of forty files, of which one is followed.
func TestUnitsOfAPiece(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	m := &meter{}
	table := dynamotest.Table(t, c)
	store, plain := dynamo.New(dynamodb.New(c.Options(), m.options), table), dynamo.New(c, table)
	clock := optouttest.NewClock()
	room := batch.Mailroom{
		Store: store, Registrar: optout.Registrar{Store: plain, Keys: optouttest.Keys{}, Now: clock.Now}, Now: clock.Now,
		Rules: func() optout.Rules { return optouttest.Rules },
	}
	ann, sum := optout.Actor{Role: optout.Desk, ID: "u-ann"}, sha256.Sum256([]byte("a scan"))
	var b batch.Batch
	var at batch.At
	var first batch.File
	key := func(part batch.Part) func() error {
		return func() error {
			a := optouttest.Dissent()
			_, err := room.Key(t.Context(), at, ann, batch.Reading{Part: part, Answers: a})
			return err
		}
	}
	var life, transactions, updates float64
	for _, step := range []struct {
		name        string
		write, read float64 // at most
		life        bool    // of every piece
		shared      float64 // by so many
		do          func() error
	}{
		{"open a batch", 3, 0, false, 1, func() (err error) {
			b, err = room.Open(t.Context(), ann, batch.Declaration{Envelopes: 1, Box: "B-7", Sequence: 1})
			return err
		}},
		{"announce forty files, slots included", 6, 1, true, batch.MostAtOnce, func() error {
			pieces, _, err := room.Expect(t.Context(), b.ID, ann, make([]string, batch.MostAtOnce), batch.OneEach)
			if err == nil {
				at, first = pieces[0].At, batch.File{Batch: b.ID, Upload: pieces[0].Upload}
			}
			return err
		}},
		{"its file has come", 1, 1, true, 1, func() error { return room.Arrived(t.Context(), at) }},
		{"whether its bytes are known", 1, 0, true, 1, func() (err error) { first, err = room.Store.FirstFile(t.Context(), sum[:], first); return err }},
		{"it is read, and waits at the desk", 2, 1, true, 1, func() error { return room.Read(t.Context(), at, sum[:], make([]batch.Page, 2), first) }},
		{"the first page of the list of all that wait", 0, 8, false, 1, func() error {
			for _, err := range store.Queue(t.Context(), batch.Keying1) {
				return err
			}
			return nil
		}},
		{"take it", 1, 1, true, 1, func() error { _, err := room.Take(t.Context(), at, ann); return err }},
		{"key a form of its first page, the form not counted", 16, 6, true, 1, key(batch.Part{Last: 1, Same: true})},
		{"take the next piece of the batch", 1, 6, false, 1, func() error { _, err := room.Next(t.Context(), batch.Keying1, ann, b.ID); return err }},
		{"say what a piece is that is no form", 8, 2, false, 1, func() error {
			at = batch.At{Batch: b.ID, ID: at.ID[:len(at.ID)-1] + "2"}
			_, err := room.HasOutcome(t.Context(), at, ann, batch.Outcome{Status: batch.OtherPost, Why: "blank"})
			return err
		}},
		{"no file has come: each of the others", 6, 3, false, batch.MostAtOnce - 1, func() error {
			pieces, err := plain.Pieces(t.Context(), b.ID)
			for _, p := range pieces {
				if p.Status == batch.Awaited {
					err = errors.Join(err, room.Lapsed(t.Context(), p.At))
				}
			}
			return err
		}},
		{"close the batch: all its pieces are read", 4, 6, false, 1, func() error { _, err := room.Close(t.Context(), b.ID, ann); return err }},
	} {
		m.write, m.read, m.transactions, m.updates = 0, 0, 0, 0
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		write, read := m.write/step.shared, m.read/step.shared
		t.Logf("%-52s %5.1f write units, %5.1f read units", step.name, write, read)
		if write > step.write || read > step.read || m.write+m.read == 0 {
			t.Errorf("%s takes %.1f write and %.1f read units, more than %.0f and %.0f, or none", step.name, write, read, step.write, step.read)
		}
		if step.life {
			life, transactions, updates = life+write, transactions+float64(m.transactions)/step.shared, updates+float64(m.updates)/step.shared
		}
	}
	t.Logf("%-52s %5.1f write units, in %.1f transactions and %.1f updates", "a whole life", life, transactions, updates)
	if life > 26 || transactions > 2.1 || updates > 4 {
		t.Errorf("a whole life takes %.1f write units, %.1f transactions, %.1f updates", life, transactions, updates)
	}
}
