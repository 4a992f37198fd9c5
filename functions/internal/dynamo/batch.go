package dynamo

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

var _ batch.Store = Store{}

// SaveBatch implements batch.Store: one transaction, or one conditional update of the batch alone.
func (s Store) SaveBatch(ctx context.Context, c batch.Change) error {
	b := c.Batch
	writes := []types.TransactWriteItem{{Update: s.saving(batchKey(b.ID), b.Version, batchItem(b), batchAttributes)}}
	for _, p := range c.Pieces {
		writes = append(writes, s.savePiece(p)...)
	}
	for _, u := range c.Slots {
		writes = append(writes, types.TransactWriteItem{Update: s.saving(uploadKey(u.ID), u.Version, slotItem(u), slotAttributes)})
	}
	return kind("save batch", s.write(ctx, append(writes, s.counting(c.Counts)...)))
}

// SavePiece implements batch.Store.
func (s Store) SavePiece(ctx context.Context, p batch.Piece, counts ...batch.Tally) error {
	return kind("save piece", s.write(ctx, append(s.savePiece(p), s.counting(counts)...)))
}

// counting adds to what was counted before. It needs no condition of its own: what it is written with has one, so nothing is
// counted twice.
func (s Store) counting(counts []batch.Tally) (writes []types.TransactWriteItem) {
	for _, t := range batch.Added(counts...) {
		values, names, add, counted := item{}, map[string]string{}, []string{}, tallyItem(t)
		for _, name := range slices.Sorted(maps.Keys(counted)) {
			n := len(names)
			names[fmt.Sprintf("#n%d", n)] = name
			values[fmt.Sprintf(":n%d", n)] = counted[name]
			add = append(add, fmt.Sprintf("#n%d :n%d", n, n))
		}
		writes = append(writes, types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: item{}.key(tallyKey(t)), UpdateExpression: aws.String("ADD " + strings.Join(add, ", ")),
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		}})
	}
	return writes
}

// Tallies implements batch.Store.
func (s Store) Tallies(ctx context.Context, from, to nhs.Date) (all []batch.Tally, err error) {
	parts := make([][]batch.Tally, batchShards)
	err = worklist.Each(ctx, len(parts), func(ctx context.Context, n int) error {
		values := item{}
		values.str(":pk", tallyPart(n))
		values.str(":from", tallies+from.ISO())
		values.str(":to", tallies+to.ISO()+"#~")
		q := &dynamodb.QueryInput{
			TableName: &s.table, KeyConditionExpression: aws.String("PK = :pk AND SK BETWEEN :from AND :to"), ExpressionAttributeValues: values,
			ConsistentRead: aws.Bool(true),
		}
		for i, err := range s.walk(ctx, "read tallies", q) {
			if err != nil {
				return err
			}
			t, err := readTally(i)
			if err != nil {
				return err
			}
			parts[n] = append(parts[n], t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return batch.Added(slices.Concat(parts...)...), nil
}

// savePiece writes a piece, and of which form it is the paper, if it is of one.
func (s Store) savePiece(p batch.Piece) []types.TransactWriteItem {
	writes := []types.TransactWriteItem{{Update: s.saving(pieceKey(p.At), p.Version, pieceItem(p), pieceAttributes)}}
	if !p.Form.IsZero() {
		writes = append(writes, types.TransactWriteItem{Update: s.first(paperKey(p.Form), "piece", batch.File{Batch: p.Batch, Upload: p.ID})})
	}
	return writes
}

// first says where something belongs, unless it was said before. It needs no condition: the first one stays.
func (s Store) first(k key, name string, f batch.File) *types.Update {
	values := item{}
	values.str(":batch", f.Batch)
	values.str(":in", f.Upload)
	return &types.Update{
		TableName: &s.table, Key: item{}.key(k), UpdateExpression: aws.String("SET #batch = if_not_exists(#batch, :batch), #in = if_not_exists(#in, :in)"),
		ExpressionAttributeNames: map[string]string{"#batch": "batch", "#in": name}, ExpressionAttributeValues: values,
	}
}

// Batch implements batch.Store.
func (s Store) Batch(ctx context.Context, id string) (batch.Batch, error) {
	i, err := s.item(ctx, "read batch", batchKey(id))
	if err != nil {
		return batch.Batch{}, err
	}
	return readBatch(i)
}

// Pieces implements batch.Store.
func (s Store) Pieces(ctx context.Context, id string) (all []batch.Piece, err error) {
	if !isKey(id) {
		return nil, nil
	}
	values := item{}
	values.str(":pk", batchKey(id).pk)
	values.str(":pieces", pieces)
	q := &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :pieces)"), ExpressionAttributeValues: values,
		ConsistentRead: aws.Bool(true),
	}
	for i, err := range s.walk(ctx, "read pieces", q) {
		if err != nil {
			return nil, err
		}
		p, err := readPiece(i)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Piece implements batch.Store.
func (s Store) Piece(ctx context.Context, at batch.At) (batch.Piece, error) {
	i, err := s.item(ctx, "read piece", pieceKey(at))
	if err != nil {
		return batch.Piece{}, err
	}
	return readPiece(i)
}

// item reads an item strongly. optout.ErrNotFound.
func (s Store) item(ctx context.Context, operation string, k key) (item, error) {
	if !isKey(k.pk) || !isKey(k.sk) {
		return nil, optout.ErrNotFound
	}
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(k), ConsistentRead: aws.Bool(true)})
	switch {
	case err != nil:
		return nil, kind(operation, err)
	case len(out.Item) == 0:
		return nil, optout.ErrNotFound
	}
	return out.Item, nil
}

// isKey says that a part of a key is not longer than any that is stored: the table refuses those, and there is nothing under them.
func isKey(s string) bool { return len(s) <= 100 }

// Batches implements batch.Store.
func (s Store) Batches(ctx context.Context, open bool, n int) ([]string, error) {
	stage := openOrClosed(open)
	return s.someBatches(ctx, "list batches", n, func(part int) *dynamodb.QueryInput {
		q := s.onPart(batchesPart(part), stage)
		q.ScanIndexForward = aws.Bool(false)
		return q
	})
}

// IdleBatches implements batch.Store.
func (s Store) IdleBatches(ctx context.Context, now time.Time, n int) ([]string, error) {
	return s.someBatches(ctx, "idle batches", n, func(part int) *dynamodb.QueryInput {
		values := item{}
		values.str(":part", batchDuePart(part))
		values.str(":now", stamp(now)+"#~")
		return &dynamodb.QueryInput{
			TableName: &s.table, IndexName: aws.String("due"), KeyConditionExpression: aws.String("DPK = :part AND DSK <= :now"),
			ExpressionAttributeValues: values, ScanIndexForward: aws.Bool(true),
		}
	})
}

func (s Store) someBatches(ctx context.Context, operation string, n int, part func(int) *dynamodb.QueryInput) (ids []string, err error) {
	if n < 1 {
		return nil, nil
	}
	for i, err := range s.merge(ctx, operation, min(n, longPage), part) {
		if err != nil {
			return nil, err
		}
		if ids = append(ids, batchOf((&reader{item: i}).str("PK"))); len(ids) == n {
			break
		}
	}
	return ids, nil
}

// Queue implements batch.Store.
func (s Store) Queue(ctx context.Context, stage batch.Stage) iter.Seq2[batch.Queued, error] {
	return func(yield func(batch.Queued, error) bool) {
		for i, err := range s.merge(ctx, "queue", shortPage, func(part int) *dynamodb.QueryInput { return s.onQueue(stage, part) }) {
			var q batch.Queued
			if err == nil {
				q, err = readQueued(i)
			}
			if !yield(q, err) || err != nil {
				return
			}
		}
	}
}

// Letters implements batch.Store.
func (s Store) Letters(ctx context.Context) iter.Seq2[batch.Queued, error] {
	return func(yield func(batch.Queued, error) bool) {
		for i, err := range s.merge(ctx, "letters", shortPage, func(part int) *dynamodb.QueryInput {
			values := item{}
			values.str(":part", letterPart(part))
			return &dynamodb.QueryInput{
				TableName: &s.table, IndexName: aws.String("due"), KeyConditionExpression: aws.String("DPK = :part"),
				ExpressionAttributeValues: values, ScanIndexForward: aws.Bool(true),
			}
		}) {
			var q batch.Queued
			if err == nil {
				q, err = readLetter(i)
			}
			if !yield(q, err) || err != nil {
				return
			}
		}
	}
}

// QueueLength implements batch.Store.
func (s Store) QueueLength(ctx context.Context, stage batch.Stage) (int, error) {
	return s.count(ctx, batchShards, func(part int) *dynamodb.QueryInput {
		q := s.onQueue(stage, part)
		q.Limit = aws.Int32(1000)
		return q
	})
}

func (s Store) onQueue(stage batch.Stage, part int) *dynamodb.QueryInput {
	return s.onPart(queuePart(part), string(stage))
}

// onPart asks for a stage of a part of a list.
func (s Store) onPart(part, stage string) *dynamodb.QueryInput {
	values := item{}
	values.str(":list", part)
	values.str(":stage", stage+"#")
	return &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("list"), KeyConditionExpression: aws.String("LPK = :list AND begins_with(LSK, :stage)"),
		ExpressionAttributeValues: values, ScanIndexForward: aws.Bool(true),
	}
}

// How many entries of a part are read at a time: first, and when a walk goes on.
const (
	shortPage = 20
	longPage  = 200
)

// sorts are the sort keys of the indexes.
var sorts = map[string]string{"list": "LSK", "due": "DSK"}

// merge walks all parts of a list as one, in their order. The first page of each part, of so many entries, is read at
// once, any other when the walk gets there: nobody reads a million entries to see the first.
func (s Store) merge(ctx context.Context, operation string, first int, part func(int) *dynamodb.QueryInput) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		parts := make([]page, batchShards)
		err := worklist.Each(ctx, len(parts), func(ctx context.Context, n int) error {
			q := part(n)
			q.Limit = aws.Int32(int32(first))
			parts[n] = page{next: q, sort: sorts[*q.IndexName], newest: !aws.ToBool(q.ScanIndexForward)}
			return kind(operation, parts[n].read(ctx, s))
		})
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			var best *page
			for n := range parts {
				if p := &parts[n]; len(p.items) > 0 && (best == nil || p.before(*best)) {
					best = p
				}
			}
			if best == nil {
				return
			}
			i := best.items[0]
			if best.items = best.items[1:]; !yield(i, nil) {
				return
			}
			if len(best.items) == 0 && best.next != nil {
				best.next.Limit = aws.Int32(longPage)
				if err := kind(operation, best.read(ctx, s)); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

// page is what has been read of a part of a list and not walked over yet, and what to read next.
type page struct {
	items  []item
	next   *dynamodb.QueryInput // nil at the part's end
	sort   string               // the attribute in whose order they come
	newest bool                 // comes first
}

// read reads the next page that has something on it.
func (p *page) read(ctx context.Context, s Store) error {
	for p.next != nil && len(p.items) == 0 {
		out, err := s.calls.Query(ctx, p.next)
		if err != nil {
			return err
		}
		for _, i := range out.Items {
			p.items = append(p.items, i)
		}
		if p.next.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			p.next = nil
		}
	}
	return nil
}

// before says which of two parts goes on first.
func (p page) before(o page) bool {
	a, b := p.place(), o.place()
	if p.newest {
		a, b = b, a
	}
	return a < b
}

// place is where its first entry stands in the index.
func (p page) place() string {
	return (&reader{item: p.items[0]}).str(p.sort)
}

// walk gives all that a query finds; a page is read when the walk gets there.
func (s Store) walk(ctx context.Context, operation string, q *dynamodb.QueryInput) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for page := *q; ; {
			out, err := s.calls.Query(ctx, &page)
			if err != nil {
				yield(nil, kind(operation, err))
				return
			}
			for _, i := range out.Items {
				if !yield(i, nil) {
					return
				}
			}
			if page.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
				return
			}
		}
	}
}

// FirstFile implements batch.Store: one update that changes nothing where something is.
func (s Store) FirstFile(ctx context.Context, sha256 []byte, this batch.File) (batch.File, error) {
	u := s.first(fileKey(sha256), "upload", this)
	out, err := s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ExpressionAttributeNames: u.ExpressionAttributeNames,
		ExpressionAttributeValues: u.ExpressionAttributeValues, ReturnValues: types.ReturnValueAllNew,
	})
	if err != nil {
		return batch.File{}, kind("first file", err)
	}
	return readFirst(out.Attributes, "upload")
}

// Paper implements batch.Store.
func (s Store) Paper(ctx context.Context, form optout.Reference) (batch.At, error) {
	i, err := s.item(ctx, "read paper", paperKey(form))
	if err != nil {
		return batch.At{}, err
	}
	f, err := readFirst(i, "piece")
	return batch.At{Batch: f.Batch, ID: f.Upload}, err
}
