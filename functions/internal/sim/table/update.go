package table

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Update is UpdateItem.
func (t *Table) Update(ctx context.Context, in *dynamodb.UpdateItemInput, options ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out, err := t.update(ctx, in, options)
	if err != nil {
		return nil, of("UpdateItem", err)
	}
	return out, nil
}

func (t *Table) update(ctx context.Context, in *dynamodb.UpdateItemInput, options []func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if err := begin(ctx, options); err != nil {
		return nil, err
	}
	switch {
	case in.AttributeUpdates != nil:
		return nil, unknown("AttributeUpdates")
	case in.Expected != nil:
		return nil, unknown("Expected")
	case in.ConditionalOperator != "":
		return nil, unknown("ConditionalOperator")
	case in.ReturnConsumedCapacity != "" && in.ReturnConsumedCapacity != types.ReturnConsumedCapacityNone:
		return nil, unknown("ReturnConsumedCapacity")
	case in.ReturnItemCollectionMetrics != "" && in.ReturnItemCollectionMetrics != types.ReturnItemCollectionMetricsNone:
		return nil, unknown("ReturnItemCollectionMetrics")
	}
	o := operation{
		verb: updating, table: in.TableName, key: in.Key, expressions: expressions{update: in.UpdateExpression, condition: in.ConditionExpression},
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, onFailure: in.ReturnValuesOnConditionCheckFailure,
	}
	if err := t.prepare(&o); err != nil {
		return nil, err
	}
	if err := known(in.ReturnValues, o.plan); err != nil {
		return nil, err
	}
	err := t.judge(&o)
	t.writes += kilobytes(max(o.size, o.was))
	if err != nil {
		return nil, err
	}
	old := o.old()
	t.commit(&o.write, 0)
	out := &dynamodb.UpdateItemOutput{}
	switch in.ReturnValues {
	case types.ReturnValueAllNew:
		out.Attributes = o.row.lent(o.next)
	case types.ReturnValueAllOld:
		out.Attributes = o.row.lent(old)
	case types.ReturnValueUpdatedNew:
		out.Attributes = o.row.lent(o.plan.touched(o.next))
	case types.ReturnValueUpdatedOld:
		out.Attributes = o.row.lent(o.plan.touched(old))
	}
	return out, nil
}

func known(r types.ReturnValue, p *plan) error {
	switch r {
	case "", types.ReturnValueNone, types.ReturnValueAllNew, types.ReturnValueAllOld:
		return nil
	case types.ReturnValueUpdatedNew, types.ReturnValueUpdatedOld:
		if p.nested {
			return unknown("ReturnValues " + string(r) + " of what is inside a value")
		}
		return nil
	}
	return invalidf("ReturnValues %s is none", r)
}

// touched are the attributes of an item that an update names; nil for none.
func (p *plan) touched(item attributes) attributes {
	var some attributes
	for n := range p.actions {
		name := p.actions[n].path[0].name
		if v, ok := item[name]; ok {
			if some == nil {
				some = attributes{}
			}
			some[name] = v
		}
	}
	return some
}

// kind is what an operation does.
type kind uint8

const (
	updating kind = iota
	putting
	deleting
	checking
)

// operation is one on one item, alone or in a transaction.
type operation struct {
	verb        kind
	table       *string
	key, item   attributes // the item of a put
	expressions expressions
	names       map[string]string
	values      attributes
	onFailure   types.ReturnValuesOnConditionCheckFailure
	plan        *plan
	write
	was    int   // size of the item before
	misfit error // the item or its key is none of this table's
}

// prepare refuses what is wrong with a request whatever is in the table. What does not fit the table's keys is found when the
// operation is judged: it cancels a transaction.
func (t *Table) prepare(o *operation) error {
	if err := t.named(o.table); err != nil {
		return err
	}
	switch o.onFailure {
	case "", types.ReturnValuesOnConditionCheckFailureNone, types.ReturnValuesOnConditionCheckFailureAllOld:
	default:
		return invalidf("ReturnValuesOnConditionCheckFailure %s is none", o.onFailure)
	}
	a, err := t.plan(o.expressions, nil, o.names, o.values)
	if err != nil {
		return err
	}
	o.plan, o.values, o.bytes = a.plan, a.values, a.bytes
	if o.verb != putting {
		o.write.key, o.misfit = primary(o.key)
		if o.misfit == nil && o.plan.moves {
			return a.emptyKey(t.indexes)
		}
		return empty(o.misfit)
	}
	item, changed, err := admitAll(o.item, 1)
	if err != nil {
		return err
	}
	o.item, o.bytes = maps.Clone(item), changed && haveBytes(item)
	if itemSize(o.item) > mostItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	o.misfit = t.fitPut(o)
	return empty(o.misfit)
}

// empty is what is refused at once of what does not fit: an empty key.
func empty(misfit error) error {
	if misfit != nil && strings.Contains(misfit.Error(), "cannot contain an empty string value") {
		return misfit
	}
	return nil
}

// emptyKey refuses an update that gives an index an empty key.
func (a *asked) emptyKey(indexes []*index) error {
	for n := range a.plan.actions {
		c := &a.plan.actions[n]
		if c.verb != set || c.to.form != given || len(c.path) > 1 {
			continue
		}
		for _, i := range indexes {
			if name := c.path[0].name; name != i.hash && name != i.sort {
				continue
			}
			if s, ok := textOf(a.values[c.to.name]); ok && s == "" {
				return emptyIndexKey(i, c.path[0].name)
			}
		}
	}
	return nil
}

func emptyIndexKey(i *index, name string) error {
	return invalidf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: %s, IndexKey: %s", i.index, name)
}

// fitPut refuses an item that has not the keys of the table and its indexes.
func (t *Table) fitPut(o *operation) error {
	for _, name := range []string{"PK", "SK"} {
		v, ok := o.item[name]
		if !ok {
			return invalidf("One or more parameter values were invalid: Missing the key %s in the item", name)
		}
		if _, ok := textOf(v); !ok {
			return invalidf("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s", name, shortNames[kindOf(v)])
		}
	}
	if _, ok := o.item[""]; ok {
		return invalid("One or more parameter values were invalid: An attribute name may not be empty")
	}
	pk, _ := textOf(o.item["PK"])
	sk, _ := textOf(o.item["SK"])
	o.write.key = Key{pk, sk}
	if err := o.write.key.fit(); err != nil {
		return err
	}
	return t.fitIndexes(o.item, nil)
}

// judge says whether an operation can be done on what is in the table, and what comes of it.
func (t *Table) judge(o *operation) error {
	if o.misfit != nil {
		return o.misfit
	}
	o.row = t.find(o.write.key.PK, o.write.key.SK)
	old := o.old()
	if o.row != nil {
		o.was = o.row.size
		o.size = o.was
	}
	if c := o.plan.condition; c != nil && !c.holds(old, o.values) {
		if o.onFailure != types.ReturnValuesOnConditionCheckFailureAllOld {
			old = nil
		}
		return failedCondition(o.row.lent(old))
	}
	switch o.verb {
	case checking:
		o.next = old
	case deleting:
		o.changed, o.size = true, 0
	case putting:
		o.next, o.changed, o.size = o.item, old == nil || !equalAll(old, o.item), itemSize(o.item)
	case updating:
		before := old
		if before == nil {
			before = o.key
		}
		next, changed, err := o.plan.apply(before, o.values)
		if err != nil {
			return err
		}
		o.next, o.changed, o.size = next, changed || old == nil, o.sizeOf(before, next)
		if o.size > mostItem {
			return invalid("Item size to update has exceeded the maximum allowed size")
		}
		if o.stays = !o.plan.moves; o.plan.moves {
			return t.fitIndexes(next, before)
		}
	}
	return nil
}

// sizeOf is how large an update makes an item.
func (o *operation) sizeOf(before, next attributes) int {
	if o.row == nil || o.plan.nested {
		return itemSize(next)
	}
	size := o.was
	for n := range o.plan.actions {
		name := o.plan.actions[n].path[0].name
		if v, ok := before[name]; ok {
			size -= len(name) + sizeOf(v)
		}
		if v, ok := next[name]; ok {
			size += len(name) + sizeOf(v)
		}
	}
	return size
}

// fitIndexes refuses what cannot be the key of an index; before is the item that an update changes, nil for a put.
func (t *Table) fitIndexes(item, before attributes) error {
	for _, i := range t.indexes {
		for n, name := range [2]string{i.hash, i.sort} {
			v, ok := item[name]
			if !ok || before != nil && v == before[name] {
				continue
			}
			s, ok := textOf(v)
			switch {
			case !ok && before != nil:
				return invalid("The update expression attempted to update the secondary index key to unsupported type")
			case !ok:
				return invalidf("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: S Actual: %s IndexName: %s", name, shortNames[kindOf(v)], i.index)
			case s == "":
				return emptyIndexKey(i, name)
			case len(s) > [2]int{mostHash, mostSort}[n] && before != nil:
				return invalid("The update expression attempted to update the secondary index key beyond allowed size limits")
			case len(s) > [2]int{mostHash, mostSort}[n]:
				return invalidf("One or more parameter values were invalid: Size of the key %s of the index %s has exceeded its limit", name, i.index)
			}
		}
	}
	return nil
}

// failedConditionOf is the failure of a condition, if err is one.
func failedConditionOf(err error) (*types.ConditionalCheckFailedException, bool) {
	return errors.AsType[*types.ConditionalCheckFailedException](err)
}
