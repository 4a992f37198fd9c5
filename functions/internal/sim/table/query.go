package table

import (
	"context"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// mostPage is how many bytes a query reads before it ends a page.
const mostPage = 1 << 20

// Query is Query. An index is read as far as it shows by now, the table as it is.
func (t *Table) Query(ctx context.Context, in *dynamodb.QueryInput, options ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out, err := t.query(ctx, in, options)
	if err != nil {
		return nil, of("Query", err)
	}
	return out, nil
}

func (t *Table) query(ctx context.Context, in *dynamodb.QueryInput, options []func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := begin(ctx, options); err != nil {
		return nil, err
	}
	switch {
	case in.AttributesToGet != nil:
		return nil, unknown("AttributesToGet")
	case in.KeyConditions != nil:
		return nil, unknown("KeyConditions")
	case in.QueryFilter != nil:
		return nil, unknown("QueryFilter")
	case in.ConditionalOperator != "":
		return nil, unknown("ConditionalOperator")
	case in.ProjectionExpression != nil:
		return nil, unknown("ProjectionExpression")
	case in.ReturnConsumedCapacity != "" && in.ReturnConsumedCapacity != types.ReturnConsumedCapacityNone:
		return nil, unknown("ReturnConsumedCapacity")
	case in.Limit != nil && *in.Limit < 1:
		return nil, invalidf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	case in.KeyConditionExpression == nil:
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := t.named(in.TableName); err != nil {
		return nil, err
	}
	on, parts, units := &base, t.parts, 0.5
	if in.IndexName != nil {
		i := t.index(*in.IndexName)
		if i == nil {
			return nil, invalidf("The table does not have the specified index: %s", *in.IndexName)
		}
		if aws.ToBool(in.ConsistentRead) {
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
		t.show(i)
		on, parts = &i.schema, i.parts
	} else if aws.ToBool(in.ConsistentRead) {
		units = 1
	}
	switch in.Select {
	case "", types.SelectCount:
	case types.SelectAllAttributes:
		if in.IndexName != nil {
			return nil, invalidf("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", on.index)
		}
	case types.SelectAllProjectedAttributes:
		if in.IndexName == nil {
			return nil, invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	default:
		return nil, unknown("Select " + string(in.Select))
	}
	a, err := t.plan(expressions{filter: in.FilterExpression, key: in.KeyConditionExpression}, on, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	p, values := a.plan, a.values
	hash, from, to, err := p.key.span(on, values)
	if err != nil {
		return nil, err
	}
	var entries []*entry
	if part := parts[hash]; part != nil {
		entries = part.entries
	}
	entries = entries[:to.before(entries)]
	first := from.before(entries)
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	if len(in.ExclusiveStartKey) > 0 {
		at, k, err := startOf(on, in.ExclusiveStartKey, hash)
		if err != nil {
			return nil, err
		}
		if n, found := seek(entries, at, k.PK, k.SK); forward {
			if found {
				n++
			}
			first = max(first, n)
		} else {
			entries = entries[:min(len(entries), n)]
		}
	}
	entries = entries[min(first, len(entries)):]
	out := &dynamodb.QueryOutput{}
	most := len(entries)
	if in.Limit != nil {
		most = min(most, int(*in.Limit))
	}
	if in.Select != types.SelectCount {
		out.Items = make([]map[string]types.AttributeValue, 0, most)
	}
	size := 0
	for n := range entries {
		e := entries[n]
		if !forward {
			e = entries[len(entries)-1-n]
		}
		out.ScannedCount++
		size += on.sizeOf(e)
		if p.condition == nil || p.condition.holds(on.viewOf(e), values) {
			out.Count++
			if in.Select != types.SelectCount {
				out.Items = append(out.Items, t.read(e.row, on.viewOf(e)))
			}
		}
		if in.Limit != nil && int(out.ScannedCount) == int(*in.Limit) || size >= mostPage {
			out.LastEvaluatedKey = on.keyOf(e)
			break
		}
	}
	t.reads += units * fourKilobytes(size)
	return out, nil
}

// sizeOf is how many bytes reading an entry takes.
func (s *schema) sizeOf(e *entry) int {
	if s.index == "" {
		return e.row.size
	}
	return s.entrySize(e.part.name, e.sort, e.row)
}

// viewOf is what an entry shows.
func (s *schema) viewOf(e *entry) attributes {
	if e.view == nil {
		e.view = s.keyOf(e)
	}
	return e.view
}

// keyOf is the key of an entry, and all that an index shows of it.
func (s *schema) keyOf(e *entry) attributes {
	k := attributes{"PK": &types.AttributeValueMemberS{Value: e.row.PK}, "SK": &types.AttributeValueMemberS{Value: e.row.SK}}
	if s.index != "" {
		k[s.hash], k[s.sort] = &types.AttributeValueMemberS{Value: e.part.name}, &types.AttributeValueMemberS{Value: e.sort}
	}
	return k
}

// edge is one between the sort keys that are asked for and others: before or behind all that begin with or are a text.
type edge struct {
	text   string
	prefix bool // all that begin with it, not only it
	behind bool
	open   bool // no edge: before all, or behind all
}

// before is how many entries stand before an edge.
func (g edge) before(entries []*entry) int {
	if g.open {
		if g.behind {
			return len(entries)
		}
		return 0
	}
	return sort.Search(len(entries), func(n int) bool {
		s := entries[n].sort
		if !g.behind {
			return s >= g.text
		}
		return s > g.text && !(g.prefix && strings.HasPrefix(s, g.text))
	})
}

// span is which part is asked for, and from where to where.
func (k keyCondition) span(on *schema, values attributes) (hash string, from, to edge, err error) {
	from, to = edge{open: true}, edge{open: true, behind: true}
	if hash, err = keyText(on.hash, values[k.hash]); err != nil || k.args == nil {
		return hash, from, to, err
	}
	first, err := keyText(on.sort, values[k.args[0]])
	if err != nil {
		return hash, from, to, err
	}
	switch k.test {
	case equals:
		from, to = edge{text: first}, edge{text: first, behind: true}
	case beginsWith:
		from, to = edge{text: first}, edge{text: first, behind: true, prefix: true}
	case less:
		to = edge{text: first}
	case lessOrEqual:
		to = edge{text: first, behind: true}
	case greater:
		from = edge{text: first, behind: true}
	case greaterOrEqual:
		from = edge{text: first}
	case between:
		last, err := keyText(on.sort, values[k.args[1]])
		if err != nil {
			return hash, from, to, err
		}
		from, to = edge{text: first}, edge{text: last, behind: true}
	}
	return hash, from, to, nil
}

// keyText reads a value that a key is compared with.
func keyText(name string, v value) (string, error) {
	s, ok := textOf(v)
	switch {
	case !ok:
		return "", invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	case s == "":
		return "", invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
	}
	return s, nil
}

// startOf reads where a query goes on.
func startOf(on *schema, key attributes, hash string) (sort string, k Key, err error) {
	wrong := invalid("The provided starting key is invalid")
	pk, okPK := textOf(key["PK"])
	sk, okSK := textOf(key["SK"])
	part, okHash := textOf(key[on.hash])
	sort, okSort := textOf(key[on.sort])
	wanted := 2
	if on.index != "" {
		wanted = 4
	}
	switch {
	case !okPK || !okSK || !okHash || !okSort || len(key) != wanted:
		return "", k, wrong
	case part != hash:
		return "", k, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	return sort, Key{pk, sk}, nil
}
