package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/worklist"
)

// Store is an optout.Store in a DynamoDB table.
type Store struct {
	calls Calls
	table string
}

var _ optout.Store = Store{}

// Register implements optout.Store: one transaction of a put and one or two appends.
func (s Store) Register(ctx context.Context, f optout.Form) (optout.Form, error) {
	stored, err := s.register(ctx, f, true)
	if errors.Is(err, errPossibleFull) {
		stored, err = s.register(ctx, f, false)
	}
	return stored, err
}

// errPossibleFull means that the list of possible persons is full; it only flags, so nothing is lost.
var errPossibleFull = errors.New("list of possible persons is full")

func (s Store) register(ctx context.Context, f optout.Form, possible bool) (optout.Form, error) {
	writes := []types.TransactWriteItem{{Put: &types.Put{
		TableName: &s.table, Item: formItem(f), ConditionExpression: aws.String("attribute_not_exists(PK)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}}
	full := []error{nil}
	if f.Person != "" && !f.Crowded() {
		writes, full = append(writes, s.appendReference(personKey(f.Person), f.Reference)), append(full, optout.ErrCrowded)
	}
	if possible && f.Possible != "" {
		writes, full = append(writes, s.appendReference(possibleKey(f.Possible), f.Reference)), append(full, errPossibleFull)
	}
	_, err := s.calls.Transact(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	if err == nil {
		return f, nil
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) && len(cancelled.CancellationReasons) == len(writes) {
		for n, reason := range cancelled.CancellationReasons {
			switch failed := aws.ToString(reason.Code) == "ConditionalCheckFailed"; {
			case failed && n == 0:
				stored, err := readForm(reason.Item)
				if err != nil {
					return optout.Form{}, fmt.Errorf("read the form stored first: %w", err)
				}
				return stored, optout.ErrTaken
			case failed:
				return optout.Form{}, full[n]
			}
		}
	}
	return optout.Form{}, kind("register", err)
}

// appendReference puts a reference at the end of a person's list, unless the list is full.
func (s Store) appendReference(k key, r optout.Reference) types.TransactWriteItem {
	values := item{}
	values.list(":r", []string{r.Key()})
	values.list(":none", nil)
	values.num(":most", optout.MostForms)
	values.num(":one", 1)
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: item{}.key(k),
		UpdateExpression:    aws.String("SET refs = list_append(if_not_exists(refs, :none), :r) ADD v :one"),
		ConditionExpression: aws.String("attribute_not_exists(refs) OR size(refs) < :most"), ExpressionAttributeValues: values,
	}}
}

// Form implements optout.Store.
func (s Store) Form(ctx context.Context, ref optout.Reference) (optout.Form, error) {
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{}.key(formKey(ref)), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return optout.Form{}, kind("read form", err)
	}
	if len(out.Item) == 0 {
		return optout.Form{}, optout.ErrNotFound
	}
	return readForm(out.Item)
}

// Person implements optout.Store.
func (s Store) Person(ctx context.Context, k optout.PersonKey) ([]optout.Reference, error) {
	out, err := s.calls.Get(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{}.key(personKey(k)), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, kind("read person", err)
	}
	return readReferences(out.Item)
}

func readReferences(i item) (list []optout.Reference, err error) {
	r := &reader{item: i}
	for _, s := range r.list("refs") {
		ref, err := optout.ParseReference(s)
		if err != nil {
			r.fail("refs", err)
		}
		list = append(list, ref)
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return list, nil
}

// Record implements optout.Store: one conditional update, or one transaction of all that changes together.
func (s Store) Record(ctx context.Context, c optout.Change) error {
	writes := []types.TransactWriteItem{{Update: s.recordForm(c.Form, c.Facts)}}
	for _, f := range c.Others {
		writes = append(writes, types.TransactWriteItem{Update: s.recordForm(f, false)})
	}
	if w := c.While; w.Version() > 0 {
		values := item{}
		values.num(":v", w.Stored())
		writes = append(writes, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &s.table, Key: item{}.key(formKey(w.Reference)), ConditionExpression: aws.String("v = :v"), ExpressionAttributeValues: values,
		}})
	}
	if c.Joins {
		writes = append(writes, s.appendReference(personKey(c.Form.Person), c.Form.Reference))
	}
	for _, code := range append(slices.Clone(c.Look), c.Tell) {
		if !code.IsZero() {
			writes = append(writes, types.TransactWriteItem{Update: s.ask(code, c)})
		}
	}
	if c.Flags {
		writes = append(writes, s.appendReference(possibleKey(c.Form.Possible), c.Form.Reference))
	}
	err := s.write(ctx, writes)
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && c.Flags {
		if last := len(writes) - 1; len(cancelled.CancellationReasons) > last && aws.ToString(cancelled.CancellationReasons[last].Code) == "ConditionalCheckFailed" {
			err = s.write(ctx, writes[:last]) // the list of possible persons is full; it only flags
		}
	}
	return kind("record", err)
}

// write does all writes together or none; one alone needs no transaction.
func (s Store) write(ctx context.Context, writes []types.TransactWriteItem) (err error) {
	if u := writes[0].Update; len(writes) == 1 {
		_, err = s.calls.Update(ctx, &dynamodb.UpdateItemInput{
			TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression,
			ConditionExpression: u.ConditionExpression, ExpressionAttributeNames: u.ExpressionAttributeNames,
			ExpressionAttributeValues: u.ExpressionAttributeValues,
		})
		return err
	}
	_, err = s.calls.Transact(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	return err
}

// recordForm appends the new events and moves the form to where its state says.
func (s Store) recordForm(f optout.Form, facts bool) *types.Update {
	values := item{}
	values.num(":v", f.Version())
	values[":before"] = &types.AttributeValueMemberN{Value: strconv.Itoa(f.Stored())}
	values[":e"] = &types.AttributeValueMemberL{Value: eventItems(f.Events[f.Stored():])}
	set, remove := "SET events = list_append(events, :e), v = :v", " REMOVE tries, fault"
	place := func(pk, sk, valuePK, valueSK string, e entry) {
		if e == (entry{}) {
			remove += ", " + pk + ", " + sk
			return
		}
		set += ", " + pk + " = " + valuePK + ", " + sk + " = " + valueSK
		values.str(valuePK, e.pk)
		values.str(valueSK, e.sk)
	}
	place("LPK", "LSK", ":lpk", ":lsk", listEntry(f))
	place("DPK", "DSK", ":dpk", ":dsk", dueEntry(f.Due, optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}))
	if facts {
		set += ", facts = :facts, person = :person, possible = :possible"
		values[":facts"] = &types.AttributeValueMemberM{Value: factsItem(f.Facts)}
		values[":person"] = &types.AttributeValueMemberS{Value: string(f.Person)}
		values[":possible"] = &types.AttributeValueMemberS{Value: string(f.Possible)}
	}
	return &types.Update{
		TableName: &s.table, Key: item{}.key(formKey(f.Reference)), UpdateExpression: aws.String(set + remove),
		ConditionExpression: aws.String("v = :before"), ExpressionAttributeValues: values,
	}
}

// ask makes a practice due, if it is not due already. It needs no condition: asking twice is asking.
func (s Store) ask(code nhs.ODSCode, c optout.Change) *types.Update {
	at := c.At
	if at.IsZero() {
		at = c.Form.Events[c.Form.Version()-1].At
	}
	due := dueEntry(at, optout.Due{Noun: optout.DuePractice, ID: code.String()})
	values := item{}
	values.str(":dpk", due.pk)
	values.str(":dsk", due.sk)
	values.num(":one", 1)
	set := "SET DPK = if_not_exists(DPK, :dpk), DSK = if_not_exists(DSK, :dsk)"
	if code == c.Tell {
		values.str(":ref", c.Form.Reference.Key())
		set += ", asked = :ref"
		if c.Asks.Extract {
			values.flag(":yes", true)
			set += ", extractAsked = :yes"
		}
		if c.Asks.Late {
			office := officeEntry(at, code.String())
			values.time(":at", at)
			values.str(":lpk", office.pk)
			values.str(":lsk", office.sk)
			set += ", late = if_not_exists(late, :at), LPK = if_not_exists(LPK, :lpk), LSK = if_not_exists(LSK, :lsk)"
		}
	}
	return &types.Update{
		TableName: &s.table, Key: item{}.key(digestKey(code)), ExpressionAttributeValues: values, UpdateExpression: aws.String(set + " ADD v :one"),
	}
}

// Practice implements optout.Store.
func (s Store) Practice(ctx context.Context, code nhs.ODSCode) (optout.Practice, error) {
	p := optout.Practice{Code: code}
	values := item{}
	values.str(":pk", practiceKey(code).pk)
	out, err := s.calls.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :pk"), ExpressionAttributeValues: values, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return p, kind("read practice", err)
	}
	for _, i := range out.Items {
		r := &reader{item: i}
		switch r.str("SK") {
		case practiceKey(code).sk:
			readPractice(r, &p)
			if r.err != nil {
				return p, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
			}
		case digestKey(code).sk:
			if p.Digest, err = readDigest(i); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// SavePractice implements optout.Store.
func (s Store) SavePractice(ctx context.Context, p optout.Practice) error {
	return kind("save practice", s.save(ctx, practiceKey(p.Code), p.Version, practiceItem(p), practiceAttributes))
}

// SaveDigest implements optout.Store.
func (s Store) SaveDigest(ctx context.Context, p optout.Practice) error {
	return kind("save digest", s.save(ctx, digestKey(p.Code), p.Digest.Version, digestItem(p), digestAttributes))
}

// save writes the attributes of an item on top of the version it was read at, and leaves alone what newer code may
// have put beside them.
func (s Store) save(ctx context.Context, k key, version int, i item, attributes []string) error {
	return s.write(ctx, []types.TransactWriteItem{{Update: s.saving(k, version, i, attributes)}})
}

func (s Store) saving(k key, version int, i item, attributes []string) *types.Update {
	values, set, remove, names := make(item, len(i)+1), []string{}, []string{}, make(map[string]string, len(attributes))
	for n, name := range attributes {
		as, placeholder := "#a"+strconv.Itoa(n), ":a"+strconv.Itoa(n) // some names are the table's own words
		names[as] = name
		if v, ok := i[name]; ok {
			values[placeholder] = v
			set = append(set, as+" = "+placeholder)
		} else {
			remove = append(remove, as)
		}
	}
	expression := "SET " + strings.Join(set, ", ")
	if len(remove) > 0 {
		expression += " REMOVE " + strings.Join(remove, ", ")
	}
	condition := "attribute_not_exists(PK)"
	if version > 0 {
		condition = "v = :before"
		values.num(":before", version)
	}
	return &types.Update{
		TableName: &s.table, Key: item{}.key(k), UpdateExpression: &expression, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
}

// Waiting implements optout.Store.
func (s Store) Waiting(ctx context.Context, code nhs.ODSCode) (int, error) {
	return s.Tally(ctx, toAct(code))
}

// Oldest implements optout.Store.
func (s Store) Oldest(ctx context.Context, code nhs.ODSCode, n int) (refs []optout.Reference, err error) {
	page, err := s.List(ctx, toAct(code), "", n)
	for _, e := range page.Entries {
		refs = append(refs, e.Reference)
	}
	return refs, err
}

// toAct is what a practice has to act on.
func toAct(code nhs.ODSCode) worklist.List {
	return worklist.List{Owner: worklist.Practice(code), Stage: worklist.Open}
}

// DueShards implements optout.Store.
func (s Store) DueShards() int { return dueShards }

// Due implements optout.Store; a page is read when the walk gets there.
func (s Store) Due(ctx context.Context, shard int, now time.Time) iter.Seq2[optout.Due, error] {
	return func(yield func(optout.Due, error) bool) {
		for i, err := range s.due(ctx, dueShard(shard), now) {
			var d optout.Due
			if err == nil {
				_, d, err = dueOf((&reader{item: i}).str("DSK"))
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// due walks a part of the list of what is due.
func (s Store) due(ctx context.Context, shard string, now time.Time) iter.Seq2[item, error] {
	values := item{}
	values.str(":shard", shard)
	values.str(":now", stamp(now)+"#~")
	return func(yield func(item, error) bool) {
		page := &dynamodb.QueryInput{
			TableName: &s.table, IndexName: aws.String("due"), KeyConditionExpression: aws.String("DPK = :shard AND DSK <= :now"),
			ExpressionAttributeValues: values, Limit: aws.Int32(100),
		}
		for {
			out, err := s.calls.Query(ctx, page)
			if err != nil {
				yield(nil, kind("what is due", err))
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

// Postpone implements optout.Store.
func (s Store) Postpone(ctx context.Context, d optout.Due, p optout.Postponement) error {
	k, err := keyOf(d)
	if err != nil {
		return err
	}
	due, values := dueEntry(p.Until, d), item{}
	values.str(":dpk", due.pk)
	values.str(":dsk", due.sk)
	values[":tries"] = &types.AttributeValueMemberN{Value: strconv.Itoa(p.Tries)}
	set := "SET DPK = :dpk, DSK = :dsk, tries = :tries"
	if p.Fault != "" {
		office := officeEntry(p.Until, d.ID)
		values.str(":fault", p.Fault)
		values.str(":lpk", office.pk)
		values.str(":lsk", office.sk)
		set += ", fault = :fault, LPK = if_not_exists(LPK, :lpk), LSK = if_not_exists(LSK, :lsk)"
	}
	condition := "attribute_exists(PK)"
	if p.Version != 0 {
		condition += " AND v = :v"
		values.num(":v", p.Version)
	}
	_, err = s.calls.Update(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{}.key(k), UpdateExpression: &set, ConditionExpression: &condition, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) && len(failed.Item) == 0 {
		return optout.ErrNotFound
	}
	return kind("postpone", err)
}

// keyOf is the item behind a due entry or a stream record.
func keyOf(d optout.Due) (key, error) {
	switch d.Noun {
	case optout.DueForm:
		if ref, err := optout.ParseReference(d.ID); err == nil {
			return formKey(ref), nil
		}
	case optout.DuePractice:
		if code, err := nhs.ParseODSCode(d.ID); err == nil {
			return digestKey(code), nil
		}
	}
	return key{}, fmt.Errorf("due %q: %w", d.Noun, optout.ErrNotFound)
}
