package table_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/sim/table"
)

type values = map[string]types.AttributeValue

func update(pk, sk, expression string, v values) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{TableName: aws.String("table"), Key: at(pk, sk), UpdateExpression: &expression, ExpressionAttributeValues: v}
}

func updating(pk, sk, expression string, v values) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: aws.String("table"), Key: at(pk, sk), UpdateExpression: &expression, ExpressionAttributeValues: v}}
}

func putting(item values) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("table"), Item: item}}
}

func transaction(token string, writes ...types.TransactWriteItem) *dynamodb.TransactWriteItemsInput {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: writes}
	if token != "" {
		in.ClientRequestToken = &token
	}
	return in
}

func on(index, key string, v values) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{TableName: aws.String("table"), KeyConditionExpression: &key, ExpressionAttributeValues: v}
	if index != "" {
		in.IndexName = &index
	}
	return in
}

func with[In any](in *In, change func(*In)) *In {
	change(in)
	return in
}

// simulated is a table that is asked whatever a test has in its list.
type simulated struct{ *table.Table }

func (s simulated) ask(t *testing.T, in any) (any, error) {
	t.Helper()
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		return s.Get(t.Context(), in)
	case *dynamodb.UpdateItemInput:
		return s.Update(t.Context(), in)
	case *dynamodb.QueryInput:
		return s.Query(t.Context(), in)
	case *dynamodb.TransactWriteItemsInput:
		return s.Transact(t.Context(), in)
	}
	t.Fatalf("%T is no call", in)
	return nil, nil
}

func (w *twins) ask(t *testing.T, in any) (any, error) {
	t.Helper()
	c := w.Calls()
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		in.TableName = &w.name
		return c.Get(t.Context(), in)
	case *dynamodb.UpdateItemInput:
		in.TableName = &w.name
		return c.Update(t.Context(), in)
	case *dynamodb.QueryInput:
		in.TableName = &w.name
		return c.Query(t.Context(), in)
	case *dynamodb.TransactWriteItemsInput:
		for _, i := range in.TransactItems {
			switch {
			case i.Update != nil:
				i.Update.TableName = &w.name
			case i.Put != nil:
				i.Put.TableName = &w.name
			}
		}
		return c.Transact(t.Context(), in)
	}
	t.Fatalf("%T is no call", in)
	return nil, nil
}

var long = strings.Repeat("x", 410*1024)

// refused are requests that DynamoDB refuses, with a part of what it says; laxly means that the real engine does not.
var refused = []struct {
	what   string
	in     func() any
	says   string
	laxly  bool
	simple bool // a parameter that only the simulated table refuses
}{
	{what: "a key with an empty part", in: func() any { return update("A", "", "SET e = :v", values{":v": s("x")}) }, says: "empty string value. Key: SK"},
	{what: "a partition key of 2,049 bytes", in: func() any { return update(long[:2049], "1", "SET e = :v", values{":v": s("x")}) }, says: "2048 bytes"},
	{what: "a sort key of 1,025 bytes", in: func() any { return update("A", long[:1025], "SET e = :v", values{":v": s("x")}) }, says: "1024 bytes"},
	{what: "half a key", in: func() any { return &dynamodb.GetItemInput{Key: values{"PK": s("A")}, TableName: aws.String("table")} }, says: "does not match the schema"},
	{what: "a key that is a number", in: func() any {
		return &dynamodb.GetItemInput{Key: values{"PK": s("A"), "SK": n("1")}, TableName: aws.String("table")}
	}, says: "does not match the schema"},
	{what: "a key with more", in: func() any {
		return &dynamodb.GetItemInput{Key: values{"PK": s("A"), "SK": s("1"), "e": s("1")}, TableName: aws.String("table")}
	}, says: "does not match the schema"},
	{what: "a new key for an item", in: func() any { return update("A", "1", "SET SK = :v", values{":v": s("x")}) }, says: "part of the key"},
	{what: "an item above 400 KB", in: func() any { return update("A", "1", "SET e = :v", values{":v": s(long)}) }, says: "exceeded the maximum allowed size"},
	{what: "an empty key of an index", in: func() any { return update("A", "1", "SET LPK = :v", values{":v": s("")}) }, says: "empty string value. IndexName: list, IndexKey: LPK"},
	{what: "a key of an index that is a number", in: func() any { return update("A", "1", "SET DSK = :v", values{":v": n("1")}) }, says: "unsupported type"},
	{what: "a key of an index that is too long", in: func() any { return update("A", "1", "SET LSK = :v", values{":v": s(long[:1025])}) }, says: "beyond allowed size limits", laxly: true},
	{what: "a value that is not used", in: func() any { return update("A", "1", "SET e = :v", values{":v": s("x"), ":w": s("x")}) }, says: "unused in expressions: keys: {:w}"},
	{what: "a value that is not given", in: func() any { return update("A", "1", "SET e = :v, f = :w", values{":v": s("x")}) }, says: "attribute value: :w"},
	{what: "no value where one is used", in: func() any { return update("A", "1", "SET e = :v", nil) }, says: "attribute value: :v"},
	{what: "values that are none", in: func() any { return update("A", "1", "REMOVE e", values{}) }, says: "must not be empty"},
	{what: "a name that is not used", in: func() any {
		return with(update("A", "1", "REMOVE e", nil), func(in *dynamodb.UpdateItemInput) { in.ExpressionAttributeNames = map[string]string{"#e": "e"} })
	}, says: "unused in expressions: keys: {#e}"},
	{what: "a name that is not given", in: func() any { return update("A", "1", "REMOVE #e", nil) }, says: "attribute name: #e"},
	{what: "a reserved word", in: func() any { return update("A", "1", "SET Until = :v", values{":v": s("x")}) }, says: "reserved keyword: Until"},
	{what: "no expression", in: func() any { return update("A", "1", " ", nil) }, says: "can not be empty", laxly: true},
	{what: "an expression that ends too soon", in: func() any { return update("A", "1", "SET e =", nil) }, says: "Syntax error; token: \"<EOF>\""},
	{what: "an expression that goes on", in: func() any { return update("A", "1", "REMOVE e f", nil) }, says: "Syntax error"},
	{what: "an unknown section", in: func() any { return update("A", "1", "PUT e :v", values{":v": s("x")}) }, says: "Syntax error"},
	{what: "a sign that no expression has", in: func() any { return update("A", "1", "SET e = :v; ", values{":v": s("x")}) }, says: "Syntax error"},
	{what: "one section twice", in: func() any { return update("A", "1", "REMOVE e REMOVE f", nil) }, says: "can only be used once"},
	{what: "two actions on one attribute", in: func() any { return update("A", "1", "SET e = :v REMOVE e", values{":v": s("x")}) }, says: "overlap"},
	{what: "a function that is none", in: func() any { return update("A", "1", "SET e = max(f, :v)", values{":v": n("1")}) }, says: "Invalid function name; function: max"},
	{what: "size in an update", in: func() any { return update("A", "1", "SET e = size(f)", nil) }, says: "not allowed"},
	{what: "an attribute that is not there", in: func() any { return update("A", "1", "SET e = f", nil) }, says: "does not exist in the item"},
	{what: "one more than a text", in: func() any { return update("B", "1", "SET e = e + :v", values{":v": n("1")}) }, says: "incorrect data type"},
	{what: "a number added to a text", in: func() any { return update("B", "1", "ADD e :v", values{":v": n("1")}) }, says: "Type mismatch"},
	{what: "a text appended to a list", in: func() any { return update("B", "1", "SET e = list_append(e, :v)", values{":v": s("x")}) }, says: "Incorrect operand type"},
	{what: "a number that is none", in: func() any { return update("A", "1", "SET e = :v", values{":v": n("one")}) }, says: "numeric value"},
	{what: "a number of 39 digits", in: func() any { return update("A", "1", "SET e = :v", values{":v": n(strings.Repeat("1", 39))}) }, says: "38 significant digits"},
	{what: "a number of 127 digits", in: func() any { return update("A", "1", "SET e = :v", values{":v": n("1e126")}) }, says: "overflow"},
	{what: "a number that is too small", in: func() any { return update("A", "1", "SET e = :v", values{":v": n("1e-131")}) }, says: "underflow"},
	{what: "an empty set", in: func() any {
		return update("A", "1", "SET e = :v", values{":v": &types.AttributeValueMemberSS{Value: []string{}}})
	}, says: "may not be empty"},
	{what: "a set with a thing twice", in: func() any {
		return update("A", "1", "SET e = :v", values{":v": &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}}})
	}, says: "duplicates"},
	{what: "a condition in brackets twice", in: func() any {
		return with(update("A", "1", "REMOVE e", nil), func(in *dynamodb.UpdateItemInput) { in.ConditionExpression = aws.String("((attribute_exists(e)))") })
	}, says: "redundant parentheses"},
	{what: "a comparison with itself", in: func() any {
		return with(update("A", "1", "REMOVE e", nil), func(in *dynamodb.UpdateItemInput) { in.ConditionExpression = aws.String("e = e") })
	}, says: "must be distinct", laxly: true},
	{what: "a function of too many", in: func() any {
		return with(update("A", "1", "REMOVE e", nil), func(in *dynamodb.UpdateItemInput) { in.ConditionExpression = aws.String("attribute_exists(e, f)") })
	}, says: "Incorrect number of operands"},
	{what: "a query of no partition", in: func() any { return on("", "SK = :v", values{":v": s("1")}) }, says: "missed key schema element: PK"},
	{what: "a query of another index's partition", in: func() any { return on("due", "LPK = :v", values{":v": s("1")}) }, says: "missed key schema element: DPK"},
	{what: "a query of many partitions", in: func() any { return on("", "PK > :v", values{":v": s("1")}) }, says: "Query key condition not supported"},
	{what: "a query of two conditions of one key", in: func() any { return on("", "PK = :v AND SK > :v AND SK < :w", values{":v": s("1"), ":w": s("2")}) }, says: "length 1 or 2 only"},
	{what: "a query of this or that", in: func() any { return on("", "PK = :v OR SK = :v", values{":v": s("1")}) }, says: "Invalid operator"},
	{what: "a query of a number", in: func() any { return on("", "PK = :v", values{":v": n("1")}) }, says: "does not match schema type", laxly: true},
	{what: "a query of nothing", in: func() any { return on("", "PK = :v", values{":v": s("")}) }, says: "empty string value. Key: PK", laxly: true},
	{what: "a query from high to low", in: func() any { return on("", "PK = :v AND SK BETWEEN :w AND :v", values{":v": s("1"), ":w": s("2")}) }, says: "upper bound"},
	{what: "a query of an index that is none", in: func() any { return on("lost", "PK = :v", values{":v": s("1")}) }, says: "does not have the specified index"},
	{what: "a strong query of an index", in: func() any {
		return with(on("list", "LPK = :v", values{":v": s("1")}), func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) })
	}, says: "not supported on global secondary indexes"},
	{what: "a query of none", in: func() any {
		return with(on("", "PK = :v", values{":v": s("1")}), func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(0) })
	}, says: "'limit'"},
	{what: "a query of an index for all", in: func() any {
		return with(on("list", "LPK = :v", values{":v": s("1")}), func(in *dynamodb.QueryInput) { in.Select = types.SelectAllAttributes })
	}, says: "ALL_ATTRIBUTES is not supported"},
	{what: "a query from a place without its key", in: func() any {
		return with(on("list", "LPK = :v", values{":v": s("1")}), func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = at("A", "1") })
	}, says: "starting key is invalid"},
	{what: "a query from another partition", in: func() any {
		return with(on("", "PK = :v", values{":v": s("1")}), func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = at("A", "1") })
	}, says: "outside query boundaries", laxly: true},
	{what: "no transaction", in: func() any { return transaction("") }, says: "transactItems", simple: true},
	{what: "a transaction of 101", in: func() any {
		in := transaction("")
		for n := range 101 {
			in.TransactItems = append(in.TransactItems, updating("A", fmt.Sprint(n), "REMOVE e", nil))
		}
		return in
	}, says: "less than or equal to 100"},
	{what: "a transaction that touches an item twice", in: func() any {
		return transaction("", updating("A", "1", "REMOVE e", nil), updating("A", "1", "REMOVE f", nil))
	}, says: "multiple operations on one item"},
	{what: "a transaction of nothing", in: func() any { return transaction("", types.TransactWriteItem{}) }, says: "can only contain one"},
	{what: "a transaction under a token of 37 bytes", in: func() any { return transaction(long[:37], updating("A", "1", "REMOVE e", nil)) }, says: "clientRequestToken"},
	{what: "a transaction with half a key", in: func() any {
		return transaction("", types.TransactWriteItem{Update: &types.Update{TableName: aws.String("table"), Key: values{"PK": s("A")}, UpdateExpression: aws.String("REMOVE e")}})
	}, says: "[ValidationError]"},
	{what: "a transaction with an empty key", in: func() any { return transaction("", updating("A", "", "REMOVE e", nil)) }, says: "empty string value"},
	{what: "a transaction with a long key", in: func() any { return transaction("", updating("A", long[:1025], "REMOVE e", nil)) }, says: "[ValidationError]"},
	{what: "a transaction with a wrong key of an index", in: func() any { return transaction("", updating("A", "1", "SET LPK = :v", values{":v": n("1")})) }, says: "[ValidationError]"},
	{what: "a transaction with a large item", in: func() any { return transaction("", updating("A", "1", "SET e = :v", values{":v": s(long)})) }, says: "[ValidationError]"},
	{what: "a transaction with an empty key of an index", in: func() any { return transaction("", updating("A", "1", "SET LPK = :v", values{":v": s("")})) }, says: "empty string value"},
	{what: "a put with an empty key of an index", in: func() any { return transaction("", putting(values{"PK": s("A"), "SK": s("1"), "LPK": s("")})) }, says: "empty string value"},
	{what: "a put of a large item", in: func() any { return transaction("", putting(values{"PK": s("A"), "SK": s("1"), "e": s(long)})) }, says: "maximum allowed size"},
	{what: "a put without its key", in: func() any { return transaction("", putting(values{"PK": s("A")})) }, says: "[ValidationError]"},
	{what: "a put with a key that is a number", in: func() any { return transaction("", putting(values{"PK": s("A"), "SK": n("1")})) }, says: "[ValidationError]"},
	{what: "a put with an index's key that is a number", in: func() any {
		return transaction("", putting(values{"PK": s("A"), "SK": s("1"), "LPK": n("1")}))
	}, says: "[ValidationError]"},
	{what: "a legacy update", in: func() any {
		return with(update("A", "1", "REMOVE e", nil), func(in *dynamodb.UpdateItemInput) { in.Expected = map[string]types.ExpectedAttributeValue{"e": {}} })
	}, says: "does not know Expected", simple: true},
	{what: "a projection", in: func() any {
		return &dynamodb.GetItemInput{Key: at("A", "1"), ProjectionExpression: aws.String("e"), TableName: aws.String("table")}
	}, says: "does not know ProjectionExpression", simple: true},
	{what: "what a call consumed", in: func() any {
		return with(on("", "PK = :v", values{":v": s("1")}), func(in *dynamodb.QueryInput) { in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal })
	}, says: "does not know ReturnConsumedCapacity", simple: true},
}

func TestWhatDynamoDBRefusesIsRefused(t *testing.T) {
	t.Parallel()
	sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
	if _, err := sim.ask(t, update("B", "1", "SET e = :v", values{":v": s("x")})); err != nil {
		t.Fatal(err)
	}
	for _, r := range refused {
		_, err := sim.ask(t, r.in())
		if err == nil || !strings.Contains(err.Error(), r.says) || !strings.Contains(err.Error(), "ValidationException") && !strings.Contains(err.Error(), "ValidationError") {
			t.Errorf("%s: %v", r.what, err)
		}
	}
	if all := sim.Stream(0, 100); len(all) != 1 {
		t.Errorf("%d records, of what was refused", len(all))
	}
}

func TestTheEngineRefusesItToo(t *testing.T) {
	t.Parallel()
	w := newTwins(t)
	if _, err := w.ask(t, update("B", "1", "SET e = :v", values{":v": s("x")})); err != nil {
		t.Fatal(err)
	}
	for _, r := range refused {
		if !r.simple {
			w.laxly = r.laxly
			t.Log(r.what)
			_, _ = w.ask(t, r.in())
		}
	}
}

func TestATokenDoesATransactionOnce(t *testing.T) {
	t.Parallel()
	now := optouttest.Noon
	sim := simulated{table.New(func() time.Time { return now })}
	add := func(by string) *dynamodb.TransactWriteItemsInput {
		return transaction("token", updating("A", "1", "ADD k :v", values{":v": n(by)}))
	}
	counted := func(want string) {
		t.Helper()
		if got := spell(sim.Item("A", "1")["k"]); got != want {
			t.Errorf("k is %s, want %s", got, want)
		}
	}
	refuse := transaction("token", updating("A", "1", "ADD k :v", values{":v": n("1")}))
	refuse.TransactItems[0].Update.ConditionExpression = aws.String("attribute_exists(k)")
	if _, err := sim.ask(t, refuse); spellError(err) != "TransactionCanceledException ConditionalCheckFailed { }" {
		t.Error(err)
	}
	for range 3 { // what was refused is no effect, and the token is free
		if _, err := sim.ask(t, add("1")); err != nil {
			t.Error(err)
		}
		counted("1")
		now = now.Add(5 * time.Minute)
	}
	now = now.Add(-5 * time.Minute)
	if _, err := sim.ask(t, add("2")); spellError(err) != "IdempotentParameterMismatchException" {
		t.Error(err)
	}
	counted("1")
	now = now.Add(time.Millisecond)
	if _, err := sim.ask(t, add("2")); err != nil {
		t.Error(err)
	}
	counted("3")
}

func TestTheStreamHasEveryChangeAndNothingElse(t *testing.T) {
	t.Parallel()
	sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
	one := values{":v": n("1")}
	for _, in := range []any{
		update("A", "1", "SET e = :v", one),
		update("A", "1", "SET e = :v REMOVE f", one), // nothing new
		update("A", "1", "ADD e :v", one),
		transaction("", updating("A", "1", "REMOVE e", nil), putting(values{"PK": s("B"), "SK": s("1"), "e": n("1")}), updating("C", "1", "REMOVE e", nil)),
		transaction("", putting(values{"PK": s("B"), "SK": s("1"), "e": n("1.0")})), // nor here
		transaction("", types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("table"), Key: at("B", "1")}}, types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("table"), Key: at("B", "2")}}),
		update("B", "1", "SET e = :v", one),
	} {
		if _, err := sim.ask(t, in); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`1 A 1 INSERT { } { PK: "A" SK: "1" e: 1 } 0`,
		`2 A 1 MODIFY { PK: "A" SK: "1" e: 1 } { PK: "A" SK: "1" e: 2 } 0`,
		`3 A 1 MODIFY { PK: "A" SK: "1" e: 2 } { PK: "A" SK: "1" } 1`,
		`4 B 1 INSERT { } { PK: "B" SK: "1" e: 1 } 1`,
		`5 C 1 INSERT { } { PK: "C" SK: "1" } 1`,
		`6 B 1 REMOVE { PK: "B" SK: "1" e: 1 } { } 3`,
		`7 B 1 INSERT { } { PK: "B" SK: "1" e: 1 } 0`,
	}
	var got []string
	for position := 0; ; {
		records := sim.Stream(position, 2)
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			got = append(got, fmt.Sprintf("%d %s %s %s %s %s %d", r.Sequence, r.PK, r.SK, r.Event, spellItem(r.Old), spellItem(r.New), r.Transaction))
			position = r.Sequence
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("records are\n%s", strings.Join(got, "\n"))
	}
	var keys []table.Key
	for k := range sim.Items() {
		keys = append(keys, k)
	}
	if fmt.Sprint(keys) != "[{A 1} {B 1} {C 1}]" {
		t.Errorf("items are %v", keys)
	}
}

func TestAnIndexShowsAWriteWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	now, lag := optouttest.Noon, time.Duration(0)
	sim := simulated{table.New(func() time.Time { return now })}
	sim.Lag(func(index string) time.Duration {
		if index == "list" {
			return 0
		}
		return lag
	})
	known := map[string]string{}
	due := func(want string) {
		t.Helper()
		shown := ""
		for part, first := range sim.Partitions("due") {
			out, err := sim.ask(t, on("due", "DPK = :v", values{":v": s(part)}))
			if err != nil {
				t.Fatal(err)
			}
			shown += part + " from " + first + ":"
			for _, i := range out.(*dynamodb.QueryOutput).Items {
				shown += " " + i["SK"].(*types.AttributeValueMemberS).Value + "@" + i["DSK"].(*types.AttributeValueMemberS).Value
			}
			shown += "; "
		}
		if shown != want {
			t.Errorf("the index shows %q, want %q", shown, want)
		}
		// Partitions that are the same as before are not touched: what was known of them is still so.
		for part, first := range sim.Touched("due") {
			known[part] = first
		}
		for part, first := range sim.Partitions("due") {
			if known[part] != first {
				t.Errorf("%s begins at %q, and as far as one was told at %q", part, first, known[part])
			}
		}
		for part := range sim.Touched("due") {
			t.Errorf("%s was touched, and nobody did", part)
		}
	}
	place := func(after time.Duration, sk, part, key string) {
		t.Helper()
		lag = after
		if _, err := sim.ask(t, update("A", sk, "SET DPK = :p, DSK = :k, LPK = :p, LSK = :k", values{":p": s(part), ":k": s(key)})); err != nil {
			t.Fatal(err)
		}
	}
	place(time.Second, "1", "p", "5")
	place(time.Minute, "2", "p", "3")
	due("")
	now = now.Add(time.Second)
	due("p from 5: 1@5; ")
	place(time.Hour, "1", "q", "1")
	place(time.Second, "1", "q", "2") // overtakes the one before
	now = now.Add(time.Second)
	due("q from 2: 1@2; ")
	now = now.Add(2 * time.Hour)
	due("p from 3: 2@3; q from 2: 1@2; ")
	lag = time.Second
	if _, err := sim.ask(t, transaction("", types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("table"), Key: at("A", "1")}}, updating("A", "2", "REMOVE DPK", nil))); err != nil {
		t.Fatal(err)
	}
	due("p from 3: 2@3; q from 2: 1@2; ")
	place(2*time.Second, "1", "q", "9")
	now = now.Add(time.Second)
	due("")
	sim.Lag(nil)
	place(0, "1", "q", "8")
	due("q from 8: 1@8; ")
	now = now.Add(time.Hour)
	due("q from 8: 1@8; ")
	out, err := sim.ask(t, on("list", "LPK = :v", values{":v": s("q")}))
	if err != nil || out.(*dynamodb.QueryOutput).Count != 1 {
		t.Errorf("the list shows %v, %v", out, err)
	}
}

// The item with which a page reaches a megabyte is its last one. The real engine ends the page before that one, but says that
// it has read it.
func TestAPageEndsAtAMegabyte(t *testing.T) {
	t.Parallel()
	sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
	for n := range 10 {
		if _, err := sim.ask(t, update("A", fmt.Sprint(n), "SET e = :v", values{":v": s(long[:200*1024])})); err != nil {
			t.Fatal(err)
		}
	}
	for _, forward := range []bool{true, false} {
		q, pages := on("", "PK = :v", values{":v": s("A")}), []int32{}
		q.ScanIndexForward = &forward
		for {
			out, err := sim.ask(t, q)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, out.(*dynamodb.QueryOutput).Count)
			if q.ExclusiveStartKey = out.(*dynamodb.QueryOutput).LastEvaluatedKey; q.ExclusiveStartKey == nil {
				break
			}
		}
		if !slices.Equal(pages, []int32{6, 4}) {
			t.Errorf("pages have %d items", pages)
		}
	}
}

// Bytes are the only part of a value that its readers and writers do not take out of it.
func TestBytesThatOthersHoldAreNotTheTables(t *testing.T) {
	t.Parallel()
	sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
	mine := []byte("mine")
	out, err := sim.ask(t, with(update("A", "1", "SET e = :v, f = :l", values{":v": &types.AttributeValueMemberB{Value: mine}, ":l": l(&types.AttributeValueMemberB{Value: mine})}), func(in *dynamodb.UpdateItemInput) {
		in.ReturnValues = types.ReturnValueAllNew
	}))
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(i values) {
		i["e"].(*types.AttributeValueMemberB).Value[0] = 'x'
		i["f"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberB).Value[0] = 'x'
	}
	mine[0] = 'x'
	spoil(out.(*dynamodb.UpdateItemOutput).Attributes)
	for range 2 {
		got := sim.Item("A", "1")
		if spellItem(got) != `{ PK: "A" SK: "1" e: b6d696e65 f: [b6d696e65] }` {
			t.Errorf("the item is %s", spellItem(got))
		}
		spoil(got)
	}
}

func TestATableHasOneName(t *testing.T) {
	t.Parallel()
	sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
	if _, err := sim.ask(t, update("A", "1", "REMOVE e", nil)); err != nil {
		t.Fatal(err)
	}
	_, err := sim.ask(t, &dynamodb.GetItemInput{TableName: aws.String("other"), Key: at("A", "1")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Error(err)
	}
}

func TestUnitsAreThoseOfTheCalls(t *testing.T) {
	t.Parallel()
	sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
	steps := []struct {
		in            any
		reads, writes float64
	}{
		{update("A", "1", "SET e = :v", values{":v": s(long[:1500])}), 0, 2},
		{&dynamodb.GetItemInput{TableName: aws.String("table"), Key: at("A", "1"), ConsistentRead: aws.Bool(true)}, 1, 0},
		{&dynamodb.GetItemInput{TableName: aws.String("table"), Key: at("A", "2")}, 0.5, 0},
		{update("A", "2", "SET LPK = :v, LSK = :v", values{":v": s("x")}), 0, 2},
		{update("A", "2", "SET LSK = :v", values{":v": s("y")}), 0, 3},
		{transaction("", updating("A", "1", "REMOVE e", nil), updating("A", "3", "REMOVE e", nil)), 0, 6},
		{on("list", "LPK = :v", values{":v": s("x")}), 0.5, 0},
	}
	reads, writes := 0.0, 0.0
	for n, step := range steps {
		if _, err := sim.ask(t, step.in); err != nil {
			t.Fatal(err)
		}
		reads, writes = reads+step.reads, writes+step.writes
		if r, w := sim.Units(); r != reads || w != writes {
			t.Errorf("after step %d: %v and %v units, want %v and %v", n, r, w, reads, writes)
		}
	}
}

// Nothing of a table comes from chance: not even the words in which it refuses.
func TestTheSameRequestsGetTheSameAnswers(t *testing.T) {
	t.Parallel()
	run := func() (said []string) {
		sim := simulated{table.New(func() time.Time { return optouttest.Noon })}
		d := dice{rand.New(rand.NewPCG(2, 8))}
		sim.Lag(func(string) time.Duration { return time.Duration(d.IntN(2)) * time.Second })
		for range 2000 {
			var in any
			switch d.IntN(3) {
			case 0:
				in = d.updateItem("table", true)
			case 1:
				in = d.transact("table")
			case 2:
				in = d.query("table")
			}
			out, err := sim.ask(t, in)
			said = append(said, spellError(err)+fmt.Sprint(err))
			switch out := out.(type) {
			case *dynamodb.UpdateItemOutput:
				if err == nil {
					said = append(said, spellItem(out.Attributes))
				}
			case *dynamodb.QueryOutput:
				if err == nil {
					said = append(said, spellQuery(out))
				}
			}
		}
		for _, r := range sim.Stream(0, 1e6) {
			said = append(said, fmt.Sprint(r.Sequence, r.PK, r.SK, r.Event, r.Transaction, spellItem(r.Old), spellItem(r.New)))
		}
		return said
	}
	first, second := run(), run()
	if len(first) != len(second) {
		t.Fatalf("%d and %d answers", len(first), len(second))
	}
	for n := range first {
		if first[n] != second[n] {
			t.Fatalf("answer %d is %s and %s", n, first[n], second[n])
		}
	}
}
