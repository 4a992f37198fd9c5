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
	_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(sessionKey(person, id)), ExpressionAttributeValues: values,
		UpdateExpression: aws.String("SET #open = :yes, expires = :expires"), ExpressionAttributeNames: openName,
	})
	return kind("open session", err)
}

// openName stands for open, which is a reserved word.
var openName = map[string]string{"#open": "open"}

// SessionIsOpen implements signin.Sessions.
func (s Store) SessionIsOpen(ctx context.Context, person string, id [16]byte) (bool, error) {
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(sessionKey(person, id)), ConsistentRead: aws.Bool(true)})
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
	_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
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
	out, err := s.calls.Query(ctx, &dynamodb.QueryInput{
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
func (s Store) Client(ctx context.Context, id string) (optout.Actor, error) {
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(clientKey(id)), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return optout.Actor{}, kind("read client", err)
	}
	if len(out.Item) == 0 {
		return optout.Actor{}, optout.ErrNotFound
	}
	r := &reader{item: out.Item}
	a := clientOf(r)
	if r.err != nil {
		return optout.Actor{}, fmt.Errorf("client: %w: %w", optout.ErrUnreadable, r.err)
	}
	a.ID = id
	return a, nil
}

// clientOf reads as whom a machine acts: for exactly one of a practice and the mailroom.
func clientOf(r *reader) optout.Actor {
	practice, room := parsed(r, "ods", nhs.ParseODSCode), r.str("room")
	switch {
	case room == mailroom && practice.IsZero():
		return optout.Actor{Role: optout.Desk}
	case room == "" && !practice.IsZero():
		return optout.Actor{Role: optout.AtPractice, Practice: practice}
	}
	r.fail("ods", errors.New("is missing, or there is something beside it"))
	return optout.Actor{}
}

// mailroom is what stands in the item of a machine of the mailroom.
const mailroom = "mailroom"

// ErrClientLong refuses the id of a client in whose name nobody could act.
var ErrClientLong = fmt.Errorf("the id of a client has at most %d letters, digits and dashes: the id of whoever acts is added to it", optout.MostClient)

// SaveClient enters a machine of a practice, or changes whose it is. The name is for people who look at the table.
// ErrClientLong if its id is longer than optout.MostClient.
func (s Store) SaveClient(ctx context.Context, id string, practice nhs.ODSCode, name string) error {
	return s.saveClient(ctx, id, "SET ods = :whose, #name = :name REMOVE room", practice.String(), name)
}

// SaveMailroomClient enters a machine of the mailroom, as SaveClient does one of a practice.
func (s Store) SaveMailroomClient(ctx context.Context, id, name string) error {
	return s.saveClient(ctx, id, "SET room = :whose, #name = :name REMOVE ods", mailroom, name)
}

func (s Store) saveClient(ctx context.Context, id, update, whose, name string) error {
	if len(id) > optout.MostClient {
		return ErrClientLong
	}
	values := item{}
	values.str(":whose", whose)
	values.str(":name", name)
	_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(clientKey(id)), ExpressionAttributeValues: values,
		UpdateExpression: &update, ExpressionAttributeNames: map[string]string{"#name": "name"},
	})
	return kind("save client", err)
}
