package table_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/sim/table"
)

func store() (*table.Table, dynamo.Store) {
	t := table.New(func() time.Time { return optouttest.Noon })
	return t, dynamo.Over(t.Calls(), "table")
}

// What the real engine passes (functions/internal/dynamo), the simulated one passes.
func TestTheStoreConformsOnTheSimulatedTableToo(t *testing.T) {
	sim, s := store()
	optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
		return optouttest.Subject{Store: s, Counter: s, Worklist: s, Uploads: s, Books: s, Sessions: s, Clients: s, Possible: possible(sim)}
	})
}

// possible reads a possible person's list as the table has it.
func possible(sim *table.Table) func(context.Context, optout.PersonKey) ([]optout.Reference, error) {
	return func(_ context.Context, k optout.PersonKey) (refs []optout.Reference, err error) {
		list, _ := sim.Item("W#"+string(k), "P")["refs"].(*types.AttributeValueMemberL)
		if list == nil {
			return nil, nil
		}
		for _, a := range list.Value {
			r, err := optout.ParseReference(a.(*types.AttributeValueMemberS).Value)
			if err != nil {
				return nil, err
			}
			refs = append(refs, r)
		}
		return refs, nil
	}
}

func TestFormsOfOnePersonEndAlike(t *testing.T) {
	t.Parallel()
	_, s := store()
	optouttest.Linking(t, func(*testing.T) optout.Store { return s }, 200)
}

func TestTwoClerksAtOnceDoAThingOnce(t *testing.T) {
	t.Parallel()
	_, s := store()
	optouttest.Clerks(t, s, s, 10)
}

func TestSixteenAtOnePieceLeaveBooksThatAddUp(t *testing.T) {
	t.Parallel()
	_, s := store()
	optouttest.MailClerks(t, s, s, 10)
}
