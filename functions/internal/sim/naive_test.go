package sim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"example.org/optout/functions/internal/optout"
)

var compared = flag.Int("sim.compare", 40, "how many histories of 30 forms the two are compared in")

// naive takes forms as is often done: a new id for each request, written first, then sent to the practice, and answered
// when both are done. Nobody looks again.
type naive struct{}

func (naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/forms" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	id, c := rand.Text(), calls()
	_, err = c.Update(r.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(tableName), Key: map[string]types.AttributeValue{"PK": str("Y#" + id), "SK": str("Y")},
		UpdateExpression:          aws.String("SET client = :key, form = :form"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":key": str(r.Header.Get("Idempotency-Key")), ":form": str(string(body))},
	})
	if err == nil {
		err = sendForm(r.Context(), id)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"reference": id, "received": now().Format("2006-01-02T15:04:05Z"), "status": "received"})
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func sendForm(ctx context.Context, id string) error {
	_, err := current.send(ctx, &sesv2.SendEmailInput{
		EmailTags:   []sestypes.MessageTag{{Name: aws.String("practice"), Value: aws.String(id)}},
		Destination: &sestypes.Destination{ToAddresses: []string{"practice"}},
	})
	return err
}

// fates are what became of what people wanted to send once.
type fates struct{ sent, lost, doubled, orphaned, unanswered int }

// add counts what became of one form that somebody sent under one key: how often it is stored, and how often whoever
// must act has it.
func (f *fates) add(confirmed bool, stored, had int) {
	f.sent++
	if confirmed && had == 0 {
		f.lost++
	}
	if had > 1 {
		f.doubled++
	}
	if stored > had {
		f.orphaned++
	}
	if !confirmed {
		f.unanswered++
	}
}

// The comparison shows what the rules are for: the same people and the same faults, and a way of doing it that has none
// of them.
func TestANaiveIntakeLosesDoublesAndOrphansWhatThisOneDoesNot(t *testing.T) {
	parts := Parts(t)
	var ours, theirs fates
	var sum Count
	for seed := range uint64(*compared) {
		c, wrong := Run(t, Setup{Seed: 7_000_000_000 + seed, Forms: 30, Parts: parts(), After: func(w *World) {
			stored, had := map[optout.Reference]int{}, map[optout.Reference]int{}
			for _, f := range w.Forms() {
				stored[f.Reference]++
				if s := f.State(); s.Ended() || s.Owner != optout.OwnerEngine && s.Owner != "" && !f.Due.IsZero() { // somebody has it, who must act
					had[f.Reference]++
				}
			}
			for _, s := range w.Sent {
				ours.add(s.Confirmed(), stored[s.ref], had[s.ref])
			}
		}})
		sum.Add(c)
		if len(wrong) > 0 {
			t.Errorf("%v\n  replay: go test ./functions/internal/sim -run Histories -v -sim.seed=%d -sim.forms=30", wrong, 7_000_000_000+seed)
		}
		_, _ = Run(t, Setup{Seed: 7_000_000_000 + seed, Forms: 30, Parts: []Part{&patients{web: NewWeb("patient", naive{}), naive: true}}, After: func(w *World) {
			mailed := map[string]int{}
			for _, m := range w.Mails {
				mailed[m.Practice]++
			}
			stored, had := map[string]int{}, map[string]int{}
			for k, i := range w.Table.Items() {
				if id, ok := strings.CutPrefix(k.PK, "Y#"); ok {
					key := text(i["client"])
					stored[key]++
					had[key] += min(1, mailed[id])
				}
			}
			for _, s := range w.Sent {
				theirs.add(s.Confirmed(), stored[s.Key], had[s.Key])
			}
		}})
	}
	faults := 0
	for _, n := range sum.Faults {
		faults += n
	}
	t.Logf("%d histories of about 30 forms, %d faults befell ours\n%s", *compared, faults, fmt.Sprintf(
		"| of what people sent once | this service | a naive one |\n|---|---|---|\n| sent | %d | %d |\n| answered, and nobody has it | %d | %d |\n| two or more of it with the practice | %d | %d |\n| stored, and nobody will look at it | %d | %d |\n| never answered | %d | %d |",
		ours.sent, theirs.sent, ours.lost, theirs.lost, ours.doubled, theirs.doubled, ours.orphaned, theirs.orphaned, ours.unanswered, theirs.unanswered))
	if ours.lost+ours.doubled+ours.orphaned > 0 {
		t.Errorf("ours: %+v", ours)
	}
	if theirs.doubled == 0 || theirs.orphaned == 0 {
		t.Errorf("the naive one does too well: the weather is too fair, or it is not looked at: %+v", theirs)
	}
}
