package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestStore(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
		return optouttest.Subject{Store: dynamo.New(c, table), Possible: func(ctx context.Context, k optout.PersonKey) ([]optout.Reference, error) {
			return possible(ctx, c, table, "W#"+string(k))
		}}
	})
}

func TestFormsOfOnePersonEndAlikeOnTheEngineToo(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	store := dynamo.New(c, dynamotest.Table(t, c))
	optouttest.Linking(t, func(*testing.T) optout.Store { return store }, 200)
}

// possible reads a possible person's list as the table has it.
func possible(ctx context.Context, c *dynamodb.Client, table, pk string) (refs []optout.Reference, err error) {
	out, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: "P"},
	}})
	if err != nil {
		return nil, err
	}
	list, _ := out.Item["refs"].(*types.AttributeValueMemberL)
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

// spy looks at every input of the store.
func spy(c *dynamodb.Client, see func(any)) *dynamodb.Client {
	return dynamodb.New(c.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Initialize.Add(middleware.InitializeMiddlewareFunc("spy", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				see(in.Parameters)
				return next.HandleInitialize(ctx, in)
			}), middleware.Before)
		})
	})
}

func registered(t *testing.T, s optout.Store, n int) optout.Form {
	t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber, a.Subject.Surname = "", fmt.Sprintf("Name%c%c", 'a'+n%26, 'a'+n/26)
	f := optout.Registrar{Keys: optouttest.Keys{}, Now: func() time.Time { return optouttest.Noon }}.NewForm(optouttest.Online(""), a, optouttest.Accepted(a))
	if _, err := s.Register(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestItemsAreReadStrongly(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	reads := 0
	s := dynamo.New(spy(c, func(in any) {
		switch p := in.(type) {
		case *dynamodb.GetItemInput:
			reads++
			if !aws.ToBool(p.ConsistentRead) {
				t.Error("an item is read as it may have been")
			}
		case *dynamodb.QueryInput:
			reads++
			if p.IndexName == nil && !aws.ToBool(p.ConsistentRead) {
				t.Error("a partition is read as it may have been")
			}
		}
	}), table)
	f := registered(t, s, 0)
	if _, err := s.Form(t.Context(), f.Reference); err != nil {
		t.Error(err)
	}
	if _, err := s.Practice(t.Context(), f.Facts.Practice); err != nil {
		t.Error(err)
	}
	if reads != 2 {
		t.Errorf("%d reads were seen", reads)
	}
}

func TestAShardIsWalkedPastItsFirstPage(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	const entries = 230 // more than two pages of one shard
	for n := range entries {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: fmt.Sprintf("X#%d", n)}, "SK": &types.AttributeValueMemberS{Value: "F"},
			"DPK": &types.AttributeValueMemberS{Value: "DUE#7"},
			"DSK": &types.AttributeValueMemberS{Value: fmt.Sprintf("2026-11-22T12:00:%02d.000Z#form#%017d", n%60, n)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := dynamo.New(c, table)
	for range 2 { // a walk can be walked again
		seen := map[string]bool{}
		for d, err := range s.Due(t.Context(), 7, optouttest.Noon.Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			seen[d.ID] = true
		}
		if len(seen) != entries {
			t.Errorf("%d of %d entries were found", len(seen), entries)
		}
	}
}

// An item that something else has written is no form, but it keeps its due time, and the office gets it.
func TestAnItemThatCannotBeRead(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	s := dynamo.New(c, table)
	for n, tamper := range []string{
		"SET events[0].#by = :x", "SET facts = :x", "SET v = :two", "REMOVE events", "SET events[0].#hash = :x",
	} {
		f := registered(t, s, n)
		key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "F#" + f.Reference.Key()}, "SK": &types.AttributeValueMemberS{Value: "F"}}
		in := &dynamodb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: &tamper, ExpressionAttributeValues: map[string]types.AttributeValue{}}
		if strings.Contains(tamper, ":x") {
			in.ExpressionAttributeValues[":x"] = &types.AttributeValueMemberS{Value: "x"}
		}
		if strings.Contains(tamper, ":two") {
			in.ExpressionAttributeValues[":two"] = &types.AttributeValueMemberN{Value: "2"}
		}
		for _, name := range []string{"by", "hash"} { // reserved words
			if strings.Contains(tamper, "#"+name) {
				in.ExpressionAttributeNames = map[string]string{"#" + name: name}
			}
		}
		if len(in.ExpressionAttributeValues) == 0 {
			in.ExpressionAttributeValues = nil
		}
		if _, err := c.UpdateItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		got, err := s.Form(t.Context(), f.Reference)
		if !errors.Is(err, optout.ErrUnreadable) || !got.Due.Equal(f.Due) {
			t.Errorf("%s: %v, due %v", tamper, err, got.Due)
		}
		e := optout.Engine{Store: s, Post: &optouttest.Mailbox{}, Now: func() time.Time { return optouttest.Noon }}
		did, err := e.Advance(t.Context(), optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()})
		if did != optout.ToOffice || !optout.Recorded(err) {
			t.Errorf("%s: %s, %v", tamper, did, err)
		}
		out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		if l, _ := out.Item["LPK"].(*types.AttributeValueMemberS); l == nil || !strings.HasPrefix(l.Value, "L#office#") {
			t.Errorf("%s: it is on the list %v", tamper, out.Item["LPK"])
		}
	}
}

// What newer code has put into a digest survives older code.
func TestADigestKeepsWhatItDoesNotKnow(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	s := dynamo.New(c, table)
	code := optouttest.Accepted(optouttest.Dissent()).Practice
	p, err := s.Practice(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	p.Digest.Due = optouttest.Noon
	if err := s.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "P#" + code.String()}, "SK": &types.AttributeValueMemberS{Value: "D"}}
	_, err = c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: key, UpdateExpression: aws.String("SET newer = :x"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: "kept"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Digest.Version, p.Digest.Due = 1, time.Time{}
	if err := s.SaveDigest(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item["newer"] == nil || out.Item["DPK"] != nil {
		t.Errorf("%v, %v", out.Item, err)
	}
}
