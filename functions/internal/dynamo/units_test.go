package dynamo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// meter adds up what the engine says that calls consumed.
type meter struct {
	sync.Mutex
	write, read float64
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
				for _, c := range r.ConsumedCapacity {
					m.write += aws.ToFloat64(c.CapacityUnits)
				}
			case *dynamodb.UpdateItemOutput:
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
	} {
		clock.Move(step.after)
		m.write, m.read = 0, 0
		step.do()
		t.Logf("%-48s %4.1f write units, %4.1f read units", step.name, m.write, m.read)
		if m.write > step.most || m.write < 1 {
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
