package dynamo_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestStore(t *testing.T) {
	c := dynamotest.Client(t)
	table := dynamotest.Table(t, c)
	optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
		return optouttest.Subject{Store: dynamo.New(c, table), References: func(ctx context.Context, k optout.PersonKey, possible bool) ([]optout.Reference, error) {
			pk := "N#" + string(k)
			if possible {
				pk = "W#" + string(k)
			}
			return references(ctx, c, table, pk)
		}}
	})
}

// references reads a person's list as the table has it.
func references(ctx context.Context, c *dynamodb.Client, table, pk string) (refs []optout.Reference, err error) {
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
