// Package table is a DynamoDB table in memory, for simulations.
package table

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/dynamo"
)

// Key is an item's.
type Key struct{ PK, SK string }

// Record is of the stream.
type Record struct {
	Sequence    int
	PK, SK      string
	Event       string
	Old, New    map[string]types.AttributeValue
	Transaction int
}

type row struct {
	sk   string
	key  Key
	item attrs
}

type index struct {
	pk, sk string
	parts  map[string][]row // sorted by sk, then key
	at     map[Key]Key      // where an item stands in it
	late   []late
}

type late struct {
	at   time.Time
	key  Key
	item attrs
}

// Table is a table.
type Table struct {
	now   func() time.Time
	mu    sync.Mutex
	parts map[string][]row
	idx   map[string]*index
	lag   func(string) time.Duration
	log   []Record
	tx    int
	told  map[string]bool
	conds map[string]truth
	upds  map[string][]change
}

// New is an empty table.
func New(now func() time.Time) *Table {
	return &Table{
		now: now, parts: map[string][]row{}, told: map[string]bool{}, conds: parsedConditions, upds: parsedUpdates,
		idx: map[string]*index{
			"list": {pk: "LPK", sk: "LSK", parts: map[string][]row{}, at: map[Key]Key{}},
			"due":  {pk: "DPK", sk: "DSK", parts: map[string][]row{}, at: map[Key]Key{}},
		},
	}
}

var (
	parsedConditions = map[string]truth{}
	parsedUpdates    = map[string][]change{}
)

// Calls are the table's.
func (t *Table) Calls() dynamo.Calls {
	return dynamo.Calls{Get: t.Get, Update: t.Update, Query: t.Query, Transact: t.Transact}
}

// Lag says how late indexes are.
func (t *Table) Lag(f func(string) time.Duration) { t.lag = f }

func find(rows []row, sk string, k Key) (int, bool) {
	return slices.BinarySearchFunc(rows, row{sk: sk, key: k}, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.sk, b.sk), cmp.Compare(a.key.PK, b.key.PK), cmp.Compare(a.key.SK, b.key.SK))
	})
}

func (t *Table) item(pk, sk string) attrs {
	rows := t.parts[pk]
	if n, ok := find(rows, sk, Key{pk, sk}); ok {
		return rows[n].item
	}
	return nil
}

// Item is the one with a key.
func (t *Table) Item(pk, sk string) map[string]types.AttributeValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.item(pk, sk)
}

// Items are all.
func (t *Table) Items() iter.Seq2[Key, map[string]types.AttributeValue] {
	return func(yield func(Key, map[string]types.AttributeValue) bool) {
		for _, pk := range slices.Sorted(maps.Keys(t.parts)) {
			for _, r := range t.parts[pk] {
				if !yield(r.key, r.item) {
					return
				}
			}
		}
	}
}

// Stream is what was written after a sequence number.
func (t *Table) Stream(from, most int) []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.log[from:min(len(t.log), from+most)]
}

// Partitions of an index, with their first sort keys.
func (t *Table) Partitions(name string) iter.Seq2[string, string] {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.idx[name]
	t.catchUp(x)
	firsts := make(map[string]string, len(x.parts))
	for pk, rows := range x.parts {
		firsts[pk] = rows[0].sk
	}
	names := slices.Sorted(maps.Keys(firsts))
	return func(yield func(string, string) bool) {
		for _, pk := range names {
			if !yield(pk, firsts[pk]) {
				return
			}
		}
	}
}

func (t *Table) write(k Key, item attrs, tx int) {
	rows := t.parts[k.PK]
	n, ok := find(rows, k.SK, k)
	event, old := "INSERT", attrs(nil)
	if ok {
		if old = rows[n].item; same(old, item) {
			return
		}
		event = "MODIFY"
		rows[n].item = item
	} else {
		t.parts[k.PK] = slices.Insert(rows, n, row{k.SK, k, item})
	}
	t.log = append(t.log, Record{len(t.log) + 1, k.PK, k.SK, event, old, item, tx})
	for _, name := range []string{"list", "due"} {
		x := t.idx[name]
		if text(old[x.pk]) == "" && text(item[x.pk]) == "" {
			continue
		}
		var d time.Duration
		if t.lag != nil {
			d = t.lag(name)
		}
		l := late{t.now().Add(d), k, item}
		if last := len(x.late) - 1; last >= 0 && l.at.Before(x.late[last].at) {
			l.at = x.late[last].at
		}
		x.late = append(x.late, l)
		if d == 0 {
			t.catchUp(x)
		}
	}
}

func (t *Table) catchUp(x *index) {
	now := t.now()
	for len(x.late) > 0 && !x.late[0].at.After(now) {
		l := x.late[0]
		x.late = x.late[1:]
		if was, ok := x.at[l.key]; ok {
			rows := x.parts[was.PK]
			if n, ok := find(rows, was.SK, l.key); ok {
				if rows = slices.Delete(rows, n, n+1); len(rows) == 0 {
					delete(x.parts, was.PK)
				} else {
					x.parts[was.PK] = rows
				}
			}
			delete(x.at, l.key)
		}
		if pk, sk := text(l.item[x.pk]), text(l.item[x.sk]); pk != "" {
			rows := x.parts[pk]
			n, _ := find(rows, sk, l.key)
			x.parts[pk] = slices.Insert(rows, n, row{sk, l.key, l.item})
			x.at[l.key] = Key{pk, sk}
		}
	}
}

func same(a, b attrs) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if o, ok := b[k]; !ok || v != o && !reflect.DeepEqual(v, o) {
			return false
		}
	}
	return true
}

func keyOf(m attrs) Key { return Key{text(m["PK"]), text(m["SK"])} }

func (t *Table) holds(cond *string, e *env) bool {
	if cond == nil {
		return true
	}
	c := t.conds[*cond]
	if c == nil {
		p := &parser{tokens(*cond)}
		c = p.or()
		if len(p.toks) > 0 {
			panic(fmt.Errorf("expression: %v is left", p.toks))
		}
		t.conds[*cond] = c
	}
	return c(e)
}

func (t *Table) updated(k Key, expr *string, e *env) attrs {
	to := maps.Clone(e.item)
	if to == nil {
		to = attrs{"PK": &types.AttributeValueMemberS{Value: k.PK}, "SK": &types.AttributeValueMemberS{Value: k.SK}}
	}
	all := t.upds[*expr]
	if all == nil {
		all = (&parser{tokens(*expr)}).update()
		t.upds[*expr] = all
	}
	for _, c := range all {
		c(e, to)
	}
	return to
}

func guard(err *error) {
	if p := recover(); p != nil {
		e, ok := p.(error)
		if !ok {
			panic(p)
		}
		*err = e
	}
}

// Get is GetItem.
func (t *Table) Get(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := keyOf(in.Key)
	return &dynamodb.GetItemOutput{Item: t.item(k.PK, k.SK)}, nil
}

// Update is UpdateItem.
func (t *Table) Update(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer guard(&err)
	k := keyOf(in.Key)
	e := &env{t.item(k.PK, k.SK), in.ExpressionAttributeNames, in.ExpressionAttributeValues}
	if !t.holds(in.ConditionExpression, e) {
		failed := &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
		if in.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld {
			failed.Item = e.item
		}
		return nil, failed
	}
	to := t.updated(k, in.UpdateExpression, e)
	t.write(k, to, 0)
	out = &dynamodb.UpdateItemOutput{}
	if in.ReturnValues != "" && in.ReturnValues != types.ReturnValueNone {
		out.Attributes = to
	}
	return out, nil
}

// Transact is TransactWriteItems.
func (t *Table) Transact(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (out *dynamodb.TransactWriteItemsOutput, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer guard(&err)
	if in.ClientRequestToken != nil && t.told[*in.ClientRequestToken] {
		return &dynamodb.TransactWriteItemsOutput{}, nil
	}
	type write struct {
		k  Key
		to attrs
	}
	var writes []write
	reasons, failed := make([]types.CancellationReason, len(in.TransactItems)), false
	seen := map[Key]bool{}
	for n, w := range in.TransactItems {
		var k Key
		var e *env
		var cond *string
		var back types.ReturnValuesOnConditionCheckFailure
		switch {
		case w.Put != nil:
			k = keyOf(w.Put.Item)
			e, cond, back = &env{t.item(k.PK, k.SK), w.Put.ExpressionAttributeNames, w.Put.ExpressionAttributeValues}, w.Put.ConditionExpression, w.Put.ReturnValuesOnConditionCheckFailure
		case w.Update != nil:
			k = keyOf(w.Update.Key)
			e, cond, back = &env{t.item(k.PK, k.SK), w.Update.ExpressionAttributeNames, w.Update.ExpressionAttributeValues}, w.Update.ConditionExpression, w.Update.ReturnValuesOnConditionCheckFailure
		case w.ConditionCheck != nil:
			k = keyOf(w.ConditionCheck.Key)
			e, cond, back = &env{t.item(k.PK, k.SK), w.ConditionCheck.ExpressionAttributeNames, w.ConditionCheck.ExpressionAttributeValues}, w.ConditionCheck.ConditionExpression, w.ConditionCheck.ReturnValuesOnConditionCheckFailure
		}
		if seen[k] {
			return nil, fmt.Errorf("two operations on %v in one transaction", k)
		}
		seen[k] = true
		reasons[n].Code = aws.String("None")
		if !t.holds(cond, e) {
			failed = true
			reasons[n].Code = aws.String("ConditionalCheckFailed")
			if back == types.ReturnValuesOnConditionCheckFailureAllOld {
				reasons[n].Item = e.item
			}
			continue
		}
		switch {
		case w.Put != nil:
			writes = append(writes, write{k, w.Put.Item})
		case w.Update != nil:
			writes = append(writes, write{k, t.updated(k, w.Update.UpdateExpression, e)})
		}
	}
	if failed {
		return nil, &types.TransactionCanceledException{Message: aws.String("cancelled"), CancellationReasons: reasons}
	}
	t.tx++
	for _, w := range writes {
		t.write(w.k, w.to, t.tx)
	}
	if in.ClientRequestToken != nil {
		t.told[*in.ClientRequestToken] = true
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// Query is Query.
func (t *Table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (out *dynamodb.QueryOutput, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer guard(&err)
	pkName, skName := "PK", "SK"
	parts := t.parts
	if in.IndexName != nil {
		x := t.idx[*in.IndexName]
		t.catchUp(x)
		pkName, skName, parts = x.pk, x.sk, x.parts
	}
	toks := tokens(*in.KeyConditionExpression)
	if len(toks) < 3 || toks[0] != pkName || toks[1] != "=" {
		return nil, fmt.Errorf("key condition %s", *in.KeyConditionExpression)
	}
	rows := parts[text(in.ExpressionAttributeValues[toks[2]])]
	out = &dynamodb.QueryOutput{}
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	limit := 1000
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	var after *row
	if k := in.ExclusiveStartKey; len(k) > 0 {
		after = &row{sk: text(k[skName]), key: keyOf(k)}
	}
	e := &env{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues}
	for n := range rows {
		r := &rows[n]
		if !forward {
			r = &rows[len(rows)-1-n]
		}
		if after != nil {
			c := cmp.Or(cmp.Compare(r.sk, after.sk), cmp.Compare(r.key.PK, after.key.PK), cmp.Compare(r.key.SK, after.key.SK))
			if forward && c <= 0 || !forward && c >= 0 {
				continue
			}
		}
		e.item = r.item
		if !t.holds(in.KeyConditionExpression, e) {
			continue
		}
		if int(out.Count) == limit {
			out.LastEvaluatedKey = nil
			break
		}
		out.Count++
		if in.Select != types.SelectCount {
			out.Items = append(out.Items, r.item)
		}
		if int(out.Count) == limit {
			out.LastEvaluatedKey = attrs{"PK": r.item["PK"], "SK": r.item["SK"]}
			if in.IndexName != nil {
				out.LastEvaluatedKey[pkName], out.LastEvaluatedKey[skName] = r.item[pkName], r.item[skName]
			}
			break
		}
	}
	return out, nil
}

// Has says whether a partition of an index has an entry whose sort key begins like that.
func (t *Table) Has(name, partition, prefix string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.idx[name]
	t.catchUp(x)
	rows := x.parts[partition]
	n, _ := slices.BinarySearchFunc(rows, prefix, func(r row, sk string) int { return cmp.Compare(r.sk, sk) })
	return n < len(rows) && strings.HasPrefix(rows[n].sk, prefix)
}
