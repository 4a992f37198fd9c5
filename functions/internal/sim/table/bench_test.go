package table_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/sim/table"
)

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func l(v ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: v} }

func at(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": s(pk), "SK": s(sk)}
}

// lifetime is of how many calls a table is used before there is a new one: a history is not long.
const lifetime, items = 1000, 100

// filled is a table with so many small items, each in both indexes.
func filled(b *testing.B) *table.Table {
	b.Helper()
	t := table.New(func() time.Time { return optouttest.Noon })
	for i := range items {
		_, err := t.Update(b.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String("t"), Key: at(fmt.Sprintf("F#%07d", i), "F"),
			UpdateExpression: aws.String("SET v = :one, events = :none, channel = :c, LPK = :l, LSK = :k, DPK = :d, DSK = :k"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":one": n("1"), ":none": l(), ":c": s("online"), ":l": s(fmt.Sprintf("L#%d", i%2)), ":d": s(fmt.Sprintf("DUE#%d", i%1024)), ":k": s(fmt.Sprintf("O#%07d", i)),
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return t
}

// measure says how much time of the processor an operation takes, beside that of the clock: others may be at work, too.
func measure(b *testing.B) func() {
	b.Helper()
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	b.ReportAllocs()
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

func BenchmarkGet(b *testing.B) {
	t := filled(b)
	keys := make([]map[string]types.AttributeValue, items)
	for i := range keys {
		keys[i] = at(fmt.Sprintf("F#%07d", i), "F")
	}
	name, ctx := aws.String("t"), context.Background()
	defer measure(b)()
	for i := 0; b.Loop(); i++ {
		if out, err := t.Get(ctx, &dynamodb.GetItemInput{TableName: name, Key: keys[i%len(keys)], ConsistentRead: aws.Bool(true)}); err != nil || out.Item == nil {
			b.Fatal(err)
		}
	}
}

// A form is recorded: a version is checked, an event added, and both places move.
func BenchmarkUpdate(b *testing.B) {
	t := filled(b)
	name, ctx := aws.String("t"), context.Background()
	set, condition := aws.String("SET events = :e, v = :v, LSK = :k, DSK = :k REMOVE tries, fault"), aws.String("v = :before")
	defer measure(b)()
	for i := 0; b.Loop(); i++ {
		if i%lifetime == 0 {
			t = filled(b)
		}
		_, err := t.Update(ctx, &dynamodb.UpdateItemInput{
			TableName: name, Key: at(fmt.Sprintf("F#%07d", i%items), "F"), UpdateExpression: set, ConditionExpression: condition,
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":e": l(s("routed")), ":v": n(fmt.Sprint(i%lifetime/items + 2)), ":before": n(fmt.Sprint(i%lifetime/items + 1)), ":k": s(fmt.Sprintf("O#%07d", i)),
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// What an update takes without the caller's making of it, whose item stays where it is.
func BenchmarkUpdateInPlace(b *testing.B) {
	t := filled(b)
	ctx := context.Background()
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String("t"), Key: at("F#0000001", "F"), UpdateExpression: aws.String("SET channel = :c ADD n :one"), ConditionExpression: aws.String("v = :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": n("1"), ":c": s("paper")},
	}
	defer measure(b)()
	for i := 0; b.Loop(); i++ {
		if i%lifetime == 0 {
			t = filled(b)
		}
		if _, err := t.Update(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

// A refused update is what most conflicts are.
func BenchmarkUpdateRefused(b *testing.B) {
	t := filled(b)
	ctx := context.Background()
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String("t"), Key: at("F#0000001", "F"), UpdateExpression: aws.String("SET channel = :one"), ConditionExpression: aws.String("v = :two"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": n("1"), ":two": n("2")},
	}
	defer measure(b)()
	for b.Loop() {
		if _, err := t.Update(ctx, in); err == nil {
			b.Fatal("done")
		}
	}
}

// A form is registered: put, and appended to two lists.
func BenchmarkTransact(b *testing.B) {
	t := filled(b)
	name, ctx := aws.String("t"), context.Background()
	put, set, condition := aws.String("attribute_not_exists(PK)"), aws.String("SET refs = list_append(if_not_exists(refs, :none), :r) ADD v :one"), aws.String("attribute_not_exists(refs) OR size(refs) < :most")
	defer measure(b)()
	for i := 0; b.Loop(); i++ {
		if i%lifetime == 0 {
			t = filled(b)
		}
		id := fmt.Sprintf("%07d", 1_000_000+i)
		values := map[string]types.AttributeValue{":none": l(), ":r": l(s(id)), ":one": n("1"), ":most": n("100")}
		item := at("F#"+id, "F")
		item["v"], item["LPK"], item["LSK"], item["DPK"], item["DSK"] = n("1"), s("L#1"), s("O#"+id), s("DUE#"+id[5:]), s(id)
		_, err := t.Transact(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: name, Item: item, ConditionExpression: put}},
			{Update: &types.Update{TableName: name, Key: at("N#"+id, "P"), UpdateExpression: set, ConditionExpression: condition, ExpressionAttributeValues: values}},
			{Update: &types.Update{TableName: name, Key: at("W#"+id[3:], "P"), UpdateExpression: set, ExpressionAttributeValues: values, ConditionExpression: aws.String("attribute_not_exists(refs) OR size(refs) < :most OR size(refs) >= :most")}},
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// A page of a practice's list, of 50 entries.
func BenchmarkQuery(b *testing.B) {
	t := filled(b)
	ctx := context.Background()
	in := &dynamodb.QueryInput{
		TableName: aws.String("t"), IndexName: aws.String("list"), KeyConditionExpression: aws.String("LPK = :l AND begins_with(LSK, :o)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":l": s("L#1"), ":o": s("O#")},
	}
	defer measure(b)()
	for b.Loop() {
		if out, err := t.Query(ctx, in); err != nil || len(out.Items) != items/2 {
			b.Fatal(err)
		}
	}
}

// What a history pays for having a table of its own, whose expressions others have read before.
func BenchmarkNew(b *testing.B) {
	ctx, in := context.Background(), &dynamodb.UpdateItemInput{
		TableName: aws.String("t"), Key: at("F#0000001", "F"), UpdateExpression: aws.String("SET channel = :c, LPK = :c, LSK = :c, DPK = :c, DSK = :c"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":c": s("paper")},
	}
	defer measure(b)()
	for b.Loop() {
		if _, err := table.New(func() time.Time { return optouttest.Noon }).Update(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}
