package dynamo

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.org/optout/functions/internal/optout"
)

// Machine is a machine of a practice or of the mailroom, as Store.SaveClient and SaveMailroomClient enter it. The actor's
// ID is that of the client at the issuer.
type Machine struct {
	optout.Actor
	Name string
}

// Whose is the practice's code, or "mailroom".
func (m Machine) Whose() string {
	if m.Role == optout.Desk {
		return mailroom
	}
	return m.Practice.String()
}

// Machines is for whoever looks after the machines in a table. It is apart from Store, so that no function holds what it
// does: it reads the whole table, and deletes.
type Machines struct {
	client *dynamodb.Client
	table  string
}

// OpenMachines is the machines in a table that a client reaches.
func OpenMachines(c *dynamodb.Client, table string) Machines { return Machines{c, table} }

// All walks through all machines, in no order. They stand in no index: it reads the table from end to end.
func (m Machines) All(ctx context.Context) iter.Seq2[Machine, error] {
	values := item{}
	values.str(":pk", clientKey("").pk)
	values.str(":sk", clientKey("").sk)
	pages := dynamodb.NewScanPaginator(m.client, &dynamodb.ScanInput{
		TableName: &m.table, FilterExpression: aws.String("begins_with(PK, :pk) AND SK = :sk"), ExpressionAttributeValues: values,
	})
	return func(yield func(Machine, error) bool) {
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Machine{}, kind("read machines", err))
				return
			}
			for _, i := range page.Items {
				r := &reader{item: i}
				found := Machine{Actor: clientOf(r), Name: r.str("name")}
				found.ID = r.str("PK")[len(clientKey("").pk):]
				err := r.err
				if err != nil {
					err = fmt.Errorf("machine %s: %w: %w", found.ID, optout.ErrUnreadable, err)
				}
				if !yield(found, err) {
					return
				}
			}
		}
	}
}

// Revoke takes a machine out, which is let in nowhere from then on. optout.ErrNotFound if it was not there.
func (m Machines) Revoke(ctx context.Context, id string) error {
	out, err := m.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &m.table, Key: item{}.key(clientKey(id)), ReturnValues: "ALL_OLD",
	})
	if err == nil && len(out.Attributes) == 0 {
		return optout.ErrNotFound
	}
	return kind("revoke machine", err)
}
