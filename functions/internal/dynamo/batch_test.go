package dynamo_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// Of a list of some hundred pieces nobody reads more than the first page of each part to see the first ones, and no page of a
// part before the walk gets there.
func TestAQueueIsReadAsFarAsItIsWalked(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	const pieces, parts = 400, 16
	var rows []types.WriteRequest
	for n := range pieces {
		rows = append(rows, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: "B#00000000000000000"}, "SK": &types.AttributeValueMemberS{Value: fmt.Sprintf("I#%026d-001", n)},
			"LPK": &types.AttributeValueMemberS{Value: fmt.Sprintf("L#keying#%d", n%parts)},
			"LSK": &types.AttributeValueMemberS{Value: fmt.Sprintf("K#%s#00000000000000000#%026d-001", optouttest.Noon.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.000Z"), n)},
		}}})
		if len(rows) == 25 || n == pieces-1 {
			if _, err := c.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: rows}}); err != nil {
				t.Fatal(err)
			}
			rows = nil
		}
	}
	reads := make(chan int32, 1000)
	s := dynamo.New(spy(c, func(in any) {
		if q, ok := in.(*dynamodb.QueryInput); ok {
			reads <- *q.Limit
		}
	}), table)
	for _, walk := range []struct{ pieces, reads int }{{1, parts}, {200, parts}, {pieces, 2 * parts}} {
		n := 0
		for q, err := range s.Queue(t.Context(), batch.Keying1) {
			if err != nil || q.ID != fmt.Sprintf("%026d-001", n) || !q.Since.Equal(optouttest.Noon.Add(time.Duration(n)*time.Second)) {
				t.Fatalf("piece %d is %v, %v", n, q, err)
			}
			if n++; n == walk.pieces {
				break
			}
		}
		got, most := len(reads), int32(0)
		for range got {
			most = max(most, <-reads)
		}
		if n != walk.pieces || got > walk.reads || most > 200 {
			t.Errorf("%d of %d pieces take %d reads, of %d at most", n, walk.pieces, got, most)
		}
	}
	if n, err := s.QueueLength(t.Context(), batch.Keying1); err != nil || n != pieces {
		t.Errorf("%d wait, %v", n, err)
	}
}

// What something else has written is no batch and no piece, and takes nobody down.
func TestABatchAndAPieceThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	s := dynamo.New(c, table)
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	number := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	list := func(v ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: v} }
	keyed := func(name string, v types.AttributeValue) types.AttributeValue {
		return list(&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"by": text("desk u-1"), name: v}})
	}
	for what, spoil := range map[string]struct {
		name string
		to   types.AttributeValue // nil: it is gone
	}{
		"batch without a version": {"v", nil}, "batch of a wrong version": {"v", text("1")}, "batch with a wrong count": {"pieces", text("many")},
		"batch with a wrong time": {"moved", text("yesterday")}, "batch with a wrong history": {"history", list(text("opened"))}, "batch with wrong events": {"history", keyed("at", number("1"))},
		"piece without a version": {"v", nil}, "piece without a status": {"status", nil}, "piece of a wrong status": {"status", number("1")},
		"piece with pages that are none": {"pages", text("3")}, "piece without its pages": {"pages", nil}, "piece with a wrong page": {"pages", list(number("1"))},
		"piece of a form that is none": {"form", text("x")}, "piece keyed by nobody": {"keyed", list()}, "piece not keyed": {"keyed", nil},
		"piece keyed with no answers": {"keyed", keyed("answers", text("{"))}, "piece keyed with other answers": {"keyed", keyed("answers", text(`{"subject":17}`))},
		"piece of bytes that are text": {"sha256", text("x")}, "piece leased for ever": {"leasedUntil", text("for ever")}, "piece with a wrong flag": {"twice", text("yes")},
	} {
		b, err := batch.New(batch.Declaration{Envelopes: 1, Box: "B", Sequence: 1}, optout.Actor{Role: optout.Desk, ID: "u-1"}, optouttest.Noon)
		if err != nil {
			t.Fatal(err)
		}
		u := rand.Text()
		p := batch.Piece{
			At: batch.FirstOf(b.ID, u), Upload: u, First: 1, Last: 2, Pages: make([]batch.Page, 2), Status: batch.Second, Since: optouttest.Noon,
			Keyed: []batch.Keying{{By: "desk u-1", At: optouttest.Noon, Reading: batch.Reading{Answers: optouttest.Dissent()}}},
		}
		if err := s.SaveBatch(t.Context(), batch.Change{Batch: b, Pieces: []batch.Piece{p}}); err != nil {
			t.Fatal(err)
		}
		key := map[string]types.AttributeValue{"PK": text("B#" + b.ID), "SK": text("B")}
		if what[:5] == "piece" {
			key["SK"] = text("I#" + p.ID)
		}
		in := &dynamodb.UpdateItemInput{TableName: &table, Key: key, ExpressionAttributeNames: map[string]string{"#a": spoil.name}}
		expression := "REMOVE #a"
		if spoil.to != nil {
			expression, in.ExpressionAttributeValues = "SET #a = :a", map[string]types.AttributeValue{":a": spoil.to}
		}
		in.UpdateExpression = &expression
		if _, err := c.UpdateItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		_, batchErr := s.Batch(t.Context(), b.ID)
		_, pieceErr := s.Piece(t.Context(), p.At)
		_, piecesErr := s.Pieces(t.Context(), b.ID)
		ofBatch, ofPiece := what[:5] == "batch", what[:5] == "piece"
		if errors.Is(batchErr, optout.ErrUnreadable) != ofBatch || errors.Is(pieceErr, optout.ErrUnreadable) != ofPiece || errors.Is(piecesErr, optout.ErrUnreadable) != ofPiece {
			t.Errorf("%s: %v; %v; %v", what, batchErr, pieceErr, piecesErr)
		}
	}
}
