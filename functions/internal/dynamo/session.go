package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// OpenSession implements signin.Sessions.
func (s Store) OpenSession(ctx context.Context, person string, id [16]byte, expires time.Time) error {
	values := item{}
	values.flag(":yes", true)
	values.num(":expires", int(expires.Unix()))
	_, err := s.update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(sessionKey(person, id)), ExpressionAttributeValues: values,
		UpdateExpression: aws.String("SET #open = :yes, expires = :expires"), ExpressionAttributeNames: openName,
	})
	return kind("open session", err)
}

// openName stands for open, which is a reserved word.
var openName = map[string]string{"#open": "open"}

// SessionIsOpen implements signin.Sessions.
func (s Store) SessionIsOpen(ctx context.Context, person string, id [16]byte) (bool, error) {
	out, err := s.get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(sessionKey(person, id)), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, kind("read session", err)
	}
	r := &reader{item: out.Item}
	return r.flag("open") && r.err == nil, nil
}

// EndSession implements signin.Sessions. The row stays until it expires: whoever ends sessions need not be allowed to
// delete anything of the table.
func (s Store) EndSession(ctx context.Context, person string, id [16]byte) error {
	return s.endSession(ctx, sessionKey(person, id))
}

func (s Store) endSession(ctx context.Context, k key) error {
	_, err := s.update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(k), ConditionExpression: aws.String("attribute_exists(PK)"),
		UpdateExpression: aws.String("REMOVE #open"), ExpressionAttributeNames: openName,
	})
	if _, none := errors.AsType[*types.ConditionalCheckFailedException](err); none {
		return nil
	}
	return kind("end session", err)
}

// EndSessions implements signin.Sessions. One page of a query holds thousands of sessions, and nobody has as many.
func (s Store) EndSessions(ctx context.Context, person string) error {
	values := item{}
	values.str(":pk", sessionKey(person, [16]byte{}).pk)
	out, err := s.query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: values, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return kind("read sessions", err)
	}
	var errs []error
	for _, i := range out.Items {
		r := &reader{item: i}
		errs = append(errs, s.endSession(ctx, key{r.str("PK"), r.str("SK")}))
	}
	return errors.Join(errs...)
}

// Client implements signin.Clients.
func (s Store) Client(ctx context.Context, id string) (nhs.ODSCode, error) {
	out, err := s.get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(clientKey(id)), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nhs.ODSCode{}, kind("read client", err)
	}
	if len(out.Item) == 0 {
		return nhs.ODSCode{}, optout.ErrNotFound
	}
	r := &reader{item: out.Item}
	practice := parsed(r, "ods", nhs.ParseODSCode)
	if practice.IsZero() {
		r.fail("ods", errors.New("is missing"))
	}
	if r.err != nil {
		return nhs.ODSCode{}, fmt.Errorf("client: %w: %w", optout.ErrUnreadable, r.err)
	}
	return practice, nil
}

// ErrClientLong refuses the id of a client in whose name nobody could act.
var ErrClientLong = fmt.Errorf("the id of a client has at most %d letters, digits and dashes: the id of whoever acts is added to it", optout.MostClient)

// SaveClient enters a machine of a practice, or changes whose it is. The name is for people who look at the table.
// ErrClientLong if its id is longer than optout.MostClient.
func (s Store) SaveClient(ctx context.Context, id string, practice nhs.ODSCode, name string) error {
	if len(id) > optout.MostClient {
		return ErrClientLong
	}
	values := item{}
	values.str(":ods", practice.String())
	values.str(":name", name)
	_, err := s.update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(clientKey(id)), ExpressionAttributeValues: values,
		UpdateExpression: aws.String("SET ods = :ods, #name = :name"), ExpressionAttributeNames: map[string]string{"#name": "name"},
	})
	return kind("save client", err)
}
