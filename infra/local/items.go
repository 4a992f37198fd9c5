package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// itemKey is the primary key of an item, whatever the table calls its attributes.
type itemKey struct {
	PK string `json:"pk"`
	SK string `json:"sk"`
}

// tableItem is an item as the engine gives it.
type tableItem map[string]types.AttributeValue

// tableItems lets the console look into a table. It never writes.
type tableItems struct {
	db    *dynamodb.Client
	table tablePlan
}

const itemsPerPage = 100

// page lists keys after one, in the order of the engine; next is nil on the last page.
func (t tableItems) page(ctx context.Context, after *itemKey) (keys []itemKey, next *itemKey, err error) {
	in := &dynamodb.ScanInput{TableName: &t.table.name, Limit: aws.Int32(itemsPerPage), ConsistentRead: aws.Bool(true)}
	if after != nil {
		in.ExclusiveStartKey = t.attributes(*after)
	}
	out, err := t.db.Scan(ctx, in)
	if err != nil {
		return nil, nil, fmt.Errorf("scan: %w", err)
	}
	for _, item := range out.Items {
		keys = append(keys, t.key(item))
	}
	if out.LastEvaluatedKey != nil {
		k := t.key(out.LastEvaluatedKey)
		next = &k
	}
	return keys, next, nil
}

// partition reads all items of a partition.
func (t tableItems) partition(ctx context.Context, pk string) ([]tableItem, error) {
	return t.query(ctx, &dynamodb.QueryInput{ConsistentRead: aws.Bool(true)}, t.table.partitionKey(), pk)
}

// entries are the keys of the items in a partition of an index, in its order.
func (t tableItems) entries(ctx context.Context, x tableIndex, pk string) (keys []itemKey, err error) {
	items, err := t.query(ctx, &dynamodb.QueryInput{IndexName: &x.IndexName}, x.KeySchema.attribute("HASH"), pk)
	for _, i := range items {
		keys = append(keys, t.key(i))
	}
	return keys, err
}

// query reads all pages of a partition.
func (t tableItems) query(ctx context.Context, in *dynamodb.QueryInput, attribute, pk string) (items []tableItem, err error) {
	in.TableName, in.KeyConditionExpression = &t.table.name, aws.String("#k = :k")
	in.ExpressionAttributeNames = map[string]string{"#k": attribute}
	in.ExpressionAttributeValues = tableItem{":k": &types.AttributeValueMemberS{Value: pk}}
	for {
		out, err := t.db.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		for _, i := range out.Items {
			items = append(items, i)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, nil
		}
	}
}

func (t tableItems) attributes(k itemKey) tableItem {
	out := tableItem{t.table.partitionKey(): &types.AttributeValueMemberS{Value: k.PK}}
	if name := t.table.sortKey(); name != "" {
		out[name] = &types.AttributeValueMemberS{Value: k.SK}
	}
	return out
}

func (t tableItems) key(item tableItem) itemKey {
	return itemKey{PK: fmt.Sprint(plain(item[t.table.partitionKey()])), SK: fmt.Sprint(plain(item[t.table.sortKey()]))}
}

func plainMap(m tableItem) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = plain(v)
	}
	return out
}

// plain drops DynamoDB's type letters; bytes become base 64.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberB:
		return base64.StdEncoding.EncodeToString(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberSS:
		return slices.Sorted(slices.Values(v.Value))
	case *types.AttributeValueMemberNS:
		return v.Value
	case *types.AttributeValueMemberBS:
		return v.Value
	case *types.AttributeValueMemberM:
		return plainMap(v.Value)
	case *types.AttributeValueMemberL:
		out := make([]any, len(v.Value))
		for i, x := range v.Value {
			out[i] = plain(x)
		}
		return out
	case nil:
		return ""
	}
	return nil
}
