package sim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/notice"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/sim/table"
	"example.org/optout/functions/internal/trigger"
)

var _ = Join("engine", func(testing.TB) func() Part { return func() Part { return &engine{} } })

// engine is what moves forms on: notify, the sweeper, and who hears of mails that came back.
type engine struct {
	e      optout.Engine
	bounce func(context.Context, events.EventBridgeEvent) error
}

// Functions implements Functions, as template.yaml wires them.
func (p *engine) Functions(w *World) ([]*Consumer, []*Schedule) {
	p.e = optout.Engine{
		Store: w.reach, Practices: w, Address: "office@{ods}.example", Now: w.Now,
		Post: notice.Over(w.send, notice.Sender{From: "optout@optout.example", Set: "mail", Door: "https://optout.example/practice"}),
	}
	p.bounce = trigger.Mail(observe.New("bounce", logs, w.Now), job.Hear(p.e))
	w.hearsOfMail = p.hear
	isForms := func(partition string) bool {
		_, err := strconv.Atoi(strings.TrimPrefix(partition, "DUE#"))
		return err == nil
	}
	return []*Consumer{{
		Name: "notify", Slice: 25, Retries: 5, Long: 60 * time.Second,
		Of: func(r table.Record) bool {
			return r.SK == "F" && r.Event == "INSERT" || r.SK == "D" && r.Event != "REMOVE"
		},
		Serve: trigger.Stream(observe.New("notify", logs, w.Now), job.Notify(p.e)),
	}}, []*Schedule{{
		Name: "sweep", Long: 120 * time.Second, Due: isForms,
		Serve: func(ctx context.Context, e events.EventBridgeEvent) error {
			sweeper := p.e
			sweeper.Store = w.dueNow()
			return trigger.Schedule(observe.New("clock-sweep", logs, w.Now), w.Now, job.Sweep(sweeper))(ctx, e)
		},
	}}
}

// Begin implements Part: in fair weather it is looked at all the time whether practices are told.
func (p *engine) Begin(w *World) {
	var look func()
	look = func() {
		w.checkTold(27 * time.Hour)
		if w.Now().Before(w.ends) {
			w.After(9*time.Hour, look)
		}
	}
	if !w.stormy {
		w.After(9*time.Hour, look)
	}
}

// Settle implements Part.
func (p *engine) Settle(*World) {}

// hear brings what SES says of a mail later, once or twice.
func (p *engine) hear(w *World, practice, id string) {
	e := events.EventBridgeEvent{Source: "aws.ses", Detail: []byte(`{"eventType":"Bounce","bounce":{"bounceType":"` + []string{"Permanent", "Transient"}[w.wind.IntN(2)] +
		`"},"mail":{"messageId":"` + id + `","tags":{"practice":["` + practice + `"]}}}`)}
	bring := func() {
		w.Start("bounce", 15*time.Second, func(ctx context.Context) { _ = p.bounce(ctx, e) }, nil)
	}
	w.After(time.Duration(w.wind.Int64N(int64(time.Hour))), bring)
	if w.wind.IntN(4) == 0 {
		w.After(time.Duration(w.wind.Int64N(int64(2*time.Hour))), bring)
	}
}

// Check implements Part: each practice is told, and not too often.
func (p *engine) Check(w *World) {
	ctx := w.Outside()
	told := map[string][]Mail{}
	for _, m := range w.Mails {
		told[m.Practice] = append(told[m.Practice], m)
	}
	for _, code := range w.Codes {
		ods := nhs.StoredODSCode(code)
		practice, err := w.Store.Practice(ctx, ods)
		if err != nil {
			w.Wrong("practice %s cannot be read: %v", code, err)
			continue
		}
		// One mail a day; one more for each that nobody knows the end of, or whose sender died.
		sure := 0
		for n, m := range told[code] {
			if n > 0 && m.At.Sub(told[code][n-1].At) < 24*time.Hour-digest.SendingTakes && !told[code][n-1].Unsure {
				w.Wrong("practice %s was told at %v and again at %v", code, told[code][n-1].At, m.At)
			}
			if !m.Unsure {
				sure++
			}
		}
		if practice.Digest.Mails > len(told[code]) {
			w.Wrong("practice %s was told %d times, and %d are on record", code, len(told[code]), practice.Digest.Mails)
		}
		if practice.Digest.Mails < sure {
			w.Wrong("practice %s was told %d times, and %d are on record", code, sure, practice.Digest.Mails)
		}
	}
	w.checkTold(27 * time.Hour)
}

// isPutBack says that whoever has a form has put it back itself, and so knows of it: it is reminded in time.
func isPutBack(f optout.Form) bool {
	for _, e := range slices.Backward(f.Events) {
		if e.Kind != optout.Reminded {
			by := strings.Fields(e.By)
			return len(by) > 1 && by[1] == f.State().Practice.String()
		}
	}
	return false
}

// checkTold: whoever has a form to act on was told of it within so long, unless they cannot be told, and the office knows.
func (w *World) checkTold(within time.Duration) {
	for _, f := range w.Forms() {
		s := f.State()
		if s.Owner != optout.OwnerPractice || s.Status != optout.StatusRouted || w.Now().Sub(s.Since) < within {
			continue
		}
		if isPutBack(f) || slices.ContainsFunc(w.Mails, func(m Mail) bool { return m.Practice == s.Practice.String() && !m.At.Before(s.Since) }) {
			continue
		}
		if p, err := w.Store.Practice(w.Outside(), s.Practice); err != nil || p.Digest.Fault == "" {
			w.Wrong("form %s waits for %s since %v, which was never told", f.Reference, s.Practice, s.Since)
		}
	}
}
