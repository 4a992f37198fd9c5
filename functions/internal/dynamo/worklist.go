package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

var _ worklist.Store = Store{}

// List implements worklist.Store. Each part of a list is read from the same place on: a cursor needs no more than that
// place, however many parts there are.
func (s Store) List(ctx context.Context, l worklist.List, after worklist.Cursor, n int) (worklist.Page, error) {
	from, err := l.Behind(after)
	if err != nil {
		return worklist.Page{}, err
	}
	parts := make([][]worklist.Entry, listParts(l.Owner))
	err = worklist.Each(ctx, len(parts), func(ctx context.Context, part int) error {
		q := s.onList(l, part, from)
		q.Limit = aws.Int32(int32(min(n, worklist.MostEntries)) + 2) // the one before the page, and one that says there is more
		out, err := s.calls.Query(ctx, q)
		if err != nil {
			return kind("list", err)
		}
		for _, i := range out.Items {
			e, err := placeOf((&reader{item: i}).str("LSK"))
			if err != nil {
				return fmt.Errorf("list: %w: %w", optout.ErrUnreadable, err)
			}
			parts[part] = append(parts[part], e)
		}
		return nil
	})
	if err != nil {
		return worklist.Page{}, err
	}
	return l.Page(slices.Concat(parts...), from, n), nil
}

// Tally implements worklist.Store; one page of each part of the index, some thousands, is lower bound enough.
func (s Store) Tally(ctx context.Context, l worklist.List) (int, error) {
	return s.count(ctx, int(listParts(l.Owner)), func(part int) *dynamodb.QueryInput { return s.onList(l, part, worklist.Entry{}) })
}

// count counts what the parts of a list have, by one page of each.
func (s Store) count(ctx context.Context, parts int, on func(part int) *dynamodb.QueryInput) (sum int, err error) {
	counts := make([]int, parts)
	err = worklist.Each(ctx, parts, func(ctx context.Context, part int) error {
		q := on(part)
		q.Select = types.SelectCount
		out, err := s.calls.Query(ctx, q)
		if err != nil {
			return kind("count a list", err)
		}
		counts[part] = int(out.Count)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, n := range counts {
		sum += n
	}
	return sum, nil
}

// onList asks for a part of a list from an entry on, that entry included.
func (s Store) onList(l worklist.List, part int, from worklist.Entry) *dynamodb.QueryInput {
	first, last := string(l.Stage)+"#", string(l.Stage)+"#~"
	if from != (worklist.Entry{}) {
		place := placeOn(l, from.Since, from.ID()).sk
		if l.Newest {
			last = place
		} else {
			first = place
		}
	}
	values := item{}
	values.str(":list", listPart(l.Owner, part))
	values.str(":first", first)
	values.str(":last", last)
	return &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("list"), ExpressionAttributeValues: values, ScanIndexForward: aws.Bool(!l.Newest),
		KeyConditionExpression: aws.String("LPK = :list AND LSK BETWEEN :first AND :last"),
	}
}

// named spells attributes whose names the table keeps for itself.
var named = map[string]string{"#by": "by", "#until": "until"}

// Claim implements worklist.Store: one conditional update. What has been released, and what has expired, stays until
// DynamoDB gets to it, days later perhaps.
func (s Store) Claim(ctx context.Context, ref optout.Reference, c worklist.Claim, now time.Time) (worklist.Claim, error) {
	values := item{}
	values.str(":by", c.By)
	values.time(":until", c.Until)
	values.time(":now", now)
	values.num(":expires", int(c.Until.Unix())+1) // never before its time
	out, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(claimKey(ref)), ExpressionAttributeNames: named, ExpressionAttributeValues: values,
		UpdateExpression:    aws.String("SET #by = :by, #until = :until, expires = :expires"),
		ConditionExpression: aws.String("attribute_not_exists(#until) OR #until <= :now OR #by = :by"),
		ReturnValues:        types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if c, err = readClaim(failed.Item); err == nil {
			err = worklist.ErrHeld
		}
		return c, err
	}
	if err != nil {
		return worklist.Claim{}, kind("claim", err)
	}
	return readClaim(out.Attributes)
}

// Release implements worklist.Store. The item stays, without a claim, for DynamoDB to delete.
func (s Store) Release(ctx context.Context, ref optout.Reference, by string) error {
	values := item{}
	values.str(":by", by)
	_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(claimKey(ref)), ExpressionAttributeNames: named, ExpressionAttributeValues: values,
		UpdateExpression: aws.String("REMOVE #by, #until"), ConditionExpression: aws.String("#by = :by"),
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil
	}
	return kind("release", err)
}

// Claimed implements worklist.Store.
func (s Store) Claimed(ctx context.Context, refs []optout.Reference, now time.Time) (map[optout.Reference]worklist.Claim, error) {
	claims := make([]worklist.Claim, len(refs))
	err := worklist.Each(ctx, len(refs), func(ctx context.Context, n int) error {
		out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(claimKey(refs[n])), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return kind("read claim", err)
		}
		claims[n], err = readClaim(out.Item)
		return err
	})
	if err != nil {
		return nil, err
	}
	held := map[optout.Reference]worklist.Claim{}
	for n, c := range claims {
		if c.Until.After(now) {
			held[refs[n]] = c
		}
	}
	return held, nil
}

func readClaim(i item) (worklist.Claim, error) {
	r := &reader{item: i}
	c := worklist.Claim{By: r.str("by"), Until: r.time("until")}
	if r.err != nil {
		return worklist.Claim{}, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return c, nil
}

// Look implements worklist.Store: one write for each form, to a key that no other look has. When the SDK repeats it, it
// writes the same once more.
func (s Store) Look(ctx context.Context, l worklist.Look, refs ...optout.Reference) error {
	values, nonce := item{}, rand.Text()
	values.str(":by", l.By)
	values.str(":what", l.What)
	return worklist.Each(ctx, len(refs), func(ctx context.Context, n int) error {
		_, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: item{}.key(lookKey(refs[n], l.At, nonce)), UpdateExpression: aws.String("SET #by = :by, what = :what"),
			ExpressionAttributeNames: map[string]string{"#by": "by"}, ExpressionAttributeValues: values,
		})
		return kind("record look", err)
	})
}

// Looks implements worklist.Store; a page is read when the walk gets there.
func (s Store) Looks(ctx context.Context, ref optout.Reference) iter.Seq2[worklist.Look, error] {
	values := item{}
	values.str(":pk", formKey(ref).pk)
	values.str(":looks", looks)
	q := dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :looks)"), ExpressionAttributeValues: values,
		ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(100),
	}
	return func(yield func(worklist.Look, error) bool) {
		for page := q; ; {
			out, err := s.calls.Query(ctx, &page)
			if err != nil {
				yield(worklist.Look{}, kind("read looks", err))
				return
			}
			for _, i := range out.Items {
				if !yield(readLook(i)) {
					return
				}
			}
			if page.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
				return
			}
		}
	}
}

func readLook(i item) (worklist.Look, error) {
	r := &reader{item: i}
	l := worklist.Look{By: r.str("by"), What: r.str("what")}
	at, _, _ := strings.Cut(strings.TrimPrefix(r.str("SK"), looks), "#")
	var err error
	if l.At, err = parseTime(at); err != nil {
		r.fail("SK", err)
	}
	if r.err != nil {
		return worklist.Look{}, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return l, nil
}
