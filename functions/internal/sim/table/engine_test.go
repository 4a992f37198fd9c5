package table_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/sim/table"
)

// twins are a table of the real engine and a simulated one, of which every call is made in the same order.
type twins struct {
	t      *testing.T
	mu     sync.Mutex
	client *dynamodb.Client
	name   string
	sim    *table.Table
	calls  int
	laxly  bool // the engine takes what is refused
	madeUp bool // requests, in which the engine may differ as is known
	differ [3]int
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	c := dynamotest.Client(t)
	return &twins{t: t, client: c, name: dynamotest.Table(t, c), sim: table.New(func() time.Time { return optouttest.Noon })}
}

func (w *twins) Calls() dynamo.Calls {
	return dynamo.Calls{
		Get:      both(w, w.sim.Get, w.client.GetItem, func(o *dynamodb.GetItemOutput) string { return spellItem(o.Item) }),
		Update:   both(w, w.sim.Update, w.client.UpdateItem, func(o *dynamodb.UpdateItemOutput) string { return spellItem(o.Attributes) }),
		Query:    both(w, w.sim.Query, w.client.Query, spellQuery),
		Transact: both(w, w.sim.Transact, w.client.TransactWriteItems, func(*dynamodb.TransactWriteItemsOutput) string { return "" }),
	}
}

// both makes a call on both tables, and wants one answer.
func both[In, Out any](w *twins, sim, engine dynamo.Call[In, Out], spell func(*Out) string) dynamo.Call[In, Out] {
	return func(ctx context.Context, in *In, _ ...func(*dynamodb.Options)) (*Out, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls++
		out, err := sim(ctx, in)
		other, otherErr := engine(ctx, in)
		got, want := spellError(err), spellError(otherErr)
		if err == nil {
			got = spell(out)
		}
		if otherErr == nil {
			want = spell(other)
		}
		if w.laxly {
			if got == want {
				w.t.Errorf("the engine does as it should by now: %s", spellInput(in))
			}
			return out, err
		}
		if got != want && w.known(in, err, otherErr) {
			w.restore()
			return out, err
		}
		if got != want {
			w.t.Errorf("call %d, %s\nthe simulated table says %s\n%v\nand the engine         %s\n%v", w.calls, spellInput(in), got, err, want, otherErr)
		}
		return out, err
	}
}

// same wants the same items in both tables.
func (w *twins) same() {
	w.t.Helper()
	engine := map[table.Key]string{}
	for pages := dynamodb.NewScanPaginator(w.client, &dynamodb.ScanInput{TableName: &w.name, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, i := range page.Items {
			engine[table.Key{PK: i["PK"].(*types.AttributeValueMemberS).Value, SK: i["SK"].(*types.AttributeValueMemberS).Value}] = spellItem(i)
		}
	}
	n := 0
	for k, i := range w.sim.Items() {
		n++
		if got := spellItem(i); got != engine[k] {
			w.t.Errorf("item %v is %s, on the engine %s", k, got, engine[k])
		}
	}
	if n != len(engine) {
		w.t.Errorf("%d items, on the engine %d", n, len(engine))
	}
}

func spellError(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Sprint(err)
	}
	said := api.ErrorCode()
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		said += " " + spellItem(failed.Item)
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range cancelled.CancellationReasons {
			said += " " + aws.ToString(r.Code) + " " + spellItem(r.Item)
		}
	}
	return said
}

func spellQuery(o *dynamodb.QueryOutput) string {
	said := fmt.Sprintf("%d of %d, last %s:", o.Count, o.ScannedCount, spellItem(o.LastEvaluatedKey))
	for _, i := range o.Items {
		said += "\n  " + spellItem(i)
	}
	return said
}

func spellItem(i map[string]types.AttributeValue) string {
	var b strings.Builder
	b.WriteByte('{')
	for _, name := range slices.Sorted(maps.Keys(i)) {
		b.WriteString(" " + name + ": " + spell(i[name]))
	}
	return b.String() + " }"
}

// spell writes a value in one way, sets sorted.
func spell(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("b%x", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberL:
		var all []string
		for _, e := range v.Value {
			all = append(all, spell(e))
		}
		return fmt.Sprint(all)
	case *types.AttributeValueMemberM:
		return spellItem(v.Value)
	case *types.AttributeValueMemberSS:
		return fmt.Sprintf("SS%q", slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		return fmt.Sprintf("NS%q", slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberBS:
		return fmt.Sprintf("BS%x", slices.SortedFunc(slices.Values(v.Value), bytes.Compare))
	}
	return fmt.Sprintf("%T", v)
}

// spellInput writes what a call was asked, for whoever reads that two answers differ.
func spellInput(in any) string {
	of := func(what string, expressions []*string, names map[string]string, values map[string]types.AttributeValue) string {
		for _, e := range expressions {
			if e != nil {
				what += fmt.Sprintf(" %q", *e)
			}
		}
		return fmt.Sprintf("%s %v %s", what, names, spellItem(values))
	}
	switch i := in.(type) {
	case *dynamodb.GetItemInput:
		return "Get " + spellItem(i.Key)
	case *dynamodb.UpdateItemInput:
		return of("Update "+spellItem(i.Key), []*string{i.UpdateExpression, i.ConditionExpression}, i.ExpressionAttributeNames, i.ExpressionAttributeValues) + " " + string(i.ReturnValues)
	case *dynamodb.QueryInput:
		return of(fmt.Sprintf("Query %s %s forward %v limit %d from %s", aws.ToString(i.IndexName), i.Select, i.ScanIndexForward == nil || *i.ScanIndexForward, aws.ToInt32(i.Limit), spellItem(i.ExclusiveStartKey)), []*string{i.KeyConditionExpression, i.FilterExpression}, i.ExpressionAttributeNames, i.ExpressionAttributeValues)
	case *dynamodb.TransactWriteItemsInput:
		said := "Transact"
		for _, w := range i.TransactItems {
			switch {
			case w.Put != nil:
				said += "\n  " + of("Put "+spellItem(w.Put.Item), []*string{w.Put.ConditionExpression}, w.Put.ExpressionAttributeNames, w.Put.ExpressionAttributeValues)
			case w.Update != nil:
				said += "\n  " + of("Update "+spellItem(w.Update.Key), []*string{w.Update.UpdateExpression, w.Update.ConditionExpression}, w.Update.ExpressionAttributeNames, w.Update.ExpressionAttributeValues)
			case w.Delete != nil:
				said += "\n  " + of("Delete "+spellItem(w.Delete.Key), []*string{w.Delete.ConditionExpression}, w.Delete.ExpressionAttributeNames, w.Delete.ExpressionAttributeValues)
			case w.ConditionCheck != nil:
				said += "\n  " + of("Check "+spellItem(w.ConditionCheck.Key), []*string{w.ConditionCheck.ConditionExpression}, w.ConditionCheck.ExpressionAttributeNames, w.ConditionCheck.ExpressionAttributeValues)
			}
		}
		return said
	}
	return fmt.Sprintf("%T", in)
}

// All that the store asks of a table in its conformance suite gets the same answers from both.
func TestTheStoreGetsTheAnswersOfTheEngine(t *testing.T) {
	t.Parallel()
	w := newTwins(t)
	s := dynamo.Over(w.Calls(), w.name)
	optouttest.Conformance(t, func(*testing.T) optouttest.Subject {
		return optouttest.Subject{Store: s, Counter: s, Worklist: s, Uploads: s, Books: s, Sessions: s, Clients: s, Possible: possible(w.sim)}
	})
	w.same()
	t.Logf("%d calls", w.calls)
}

// dice make up requests on a few items with a few attributes, so that they meet.
type dice struct{ *rand.Rand }

func pick[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

func (d dice) key() map[string]types.AttributeValue {
	return at(pick(d, "A", "B", "C"), pick(d, "1", "2", "3", "4"))
}

func (d dice) text() string { return pick(d, "a", "ab", "abc", "b", "z", "é", "1") }

func (d dice) number() string {
	return pick(d, "0", "1", "2", "-3", "10", "100", "1.5", "-0.25", "1e3", "007", "12345678901234567890", "0.000001", "1E-5", "+4", "3.0")
}

func (d dice) value(depth int) types.AttributeValue {
	kind := d.IntN(10)
	if depth > 2 {
		kind %= 5
	}
	switch kind {
	case 0, 1:
		return s(d.text())
	case 2, 3:
		return n(d.number())
	case 4:
		return pick[types.AttributeValue](d, &types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberBOOL{}, &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberB{Value: []byte(d.text())}, s(""))
	case 5, 6:
		var all []types.AttributeValue
		for range d.IntN(4) {
			all = append(all, d.value(depth+1))
		}
		return l(all...)
	case 7:
		all := map[string]types.AttributeValue{}
		for range d.IntN(3) {
			all[pick(d, "x", "y", "w")] = d.value(depth + 1)
		}
		return &types.AttributeValueMemberM{Value: all}
	case 8:
		return &types.AttributeValueMemberSS{Value: pick(d, []string{"a"}, []string{"a", "b"}, []string{"b", "c", "ab"})}
	}
	return &types.AttributeValueMemberNS{Value: pick(d, []string{"1"}, []string{"1", "2.50"}, []string{"10", "1.5"})}
}

// request collects the names and values of expressions as they are made up.
type request struct {
	dice
	names  map[string]string
	values map[string]types.AttributeValue
}

func (r *request) name() string {
	name := pick(r.dice, "e", "f", "g", "h", "i", "k", "LPK", "LSK", "DPK", "DSK")
	if r.IntN(6) == 0 {
		as := "#" + name
		if r.names == nil {
			r.names = map[string]string{}
		}
		r.names[as] = name
		return as
	}
	return name
}

func (r *request) path() string {
	p := r.name()
	for r.IntN(4) == 0 {
		p += pick(r.dice, ".x", ".y", "[0]", "[1]", "[3]")
	}
	return p
}

func (r *request) given(v types.AttributeValue) string {
	as := fmt.Sprintf(":v%d", len(r.values))
	if r.values == nil {
		r.values = map[string]types.AttributeValue{}
	}
	r.values[as] = v
	return as
}

func (r *request) any() string { return r.given(r.value(0)) }

func (r *request) ordered() string {
	return r.given(pick(r.dice, s(r.text()), n(r.number()), s(r.text()), n(r.number()), r.value(0)))
}

func (r *request) operand() string {
	switch r.IntN(5) {
	case 0:
		return r.path()
	case 1:
		return "size(" + r.path() + ")"
	}
	return r.ordered()
}

func (r *request) condition(depth int) string {
	kind := r.IntN(13)
	if depth > 2 {
		kind %= 9
	}
	switch kind {
	case 0, 1:
		return "attribute_exists(" + r.path() + ")"
	case 2, 3:
		return "attribute_not_exists(" + r.path() + ")"
	case 4:
		return r.path() + pick(r.dice, " = ", " <> ") + r.any()
	case 5:
		return r.path() + pick(r.dice, " = ", " <> ", " < ", " <= ", " > ", " >= ") + r.operand()
	case 6:
		return pick(r.dice, "begins_with(", "contains(") + r.path() + ", " + r.given(pick(r.dice, s(r.text()), s(r.text()), r.value(0))) + ")"
	case 7:
		return pick(r.dice, r.path()+" BETWEEN "+r.ordered()+" AND "+r.ordered(), r.path()+" IN ("+r.any()+", "+r.any()+")")
	case 8:
		return "attribute_type(" + r.path() + ", " + r.given(s(pick(r.dice, "S", "N", "L", "M", "SS", "NULL"))) + ")"
	case 9, 10:
		return r.condition(depth+1) + pick(r.dice, " AND ", " OR ") + r.condition(depth+1)
	case 11:
		return "(" + r.condition(depth+1) + ")" + pick(r.dice, " AND ", " OR ") + r.condition(depth+1)
	}
	return "NOT " + r.condition(depth+1)
}

func (r *request) stored(path string) string {
	switch r.IntN(8) {
	case 0:
		return "if_not_exists(" + path + ", " + r.any() + ")"
	case 1:
		return "list_append(" + pick(r.dice, path, "if_not_exists("+path+", "+r.given(l())+")") + ", " + r.given(pick(r.dice, l(s(r.text())), l(n("1")), r.value(0))) + ")"
	case 2:
		return pick(r.dice, path, "if_not_exists("+path+", "+r.given(n("0"))+")") + pick(r.dice, " + ", " - ") + r.given(n(r.number()))
	case 3:
		return r.path()
	}
	return r.any()
}

func (r *request) update() string {
	var set, remove, add, take []string
	for range 1 + r.IntN(4) {
		p := r.path()
		switch r.IntN(8) {
		case 0, 1:
			remove = append(remove, p)
		case 2:
			add = append(add, p+" "+r.given(pick(r.dice, n(r.number()), n("1"), r.value(0))))
		case 3:
			take = append(take, p+" "+r.given(pick[types.AttributeValue](r.dice, &types.AttributeValueMemberSS{Value: []string{"a"}}, r.value(0))))
		case 4: // as most updates do: where the item stands
			name := pick(r.dice, "LPK", "LSK", "DPK", "DSK")
			set = append(set, name+" = "+r.given(s(pick(r.dice, "p", "q", r.text()))))
		default:
			set = append(set, p+" = "+r.stored(p))
		}
	}
	var sections []string
	for name, all := range map[string][]string{"SET ": set, "REMOVE ": remove, "ADD ": add, "DELETE ": take} {
		if len(all) > 0 {
			sections = append(sections, name+strings.Join(all, ", "))
		}
	}
	slices.Sort(sections)
	return strings.Join(sections, " ")
}

// noise spoils a request now and then: something is not used, or not there.
func (r *request) noise() {
	switch r.IntN(60) {
	case 0:
		r.given(s("unused"))
	case 1:
		r.names = map[string]string{"#unused": "x"}
	case 2:
		r.values = nil
	}
}

var placeholder = regexp.MustCompile(`[#:]\w+`)

// tidy leaves out what was made up and then not used.
func (r *request) tidy(expressions ...*string) {
	used := map[string]bool{}
	for _, e := range expressions {
		if e != nil {
			for _, p := range placeholder.FindAllString(*e, -1) {
				used[p] = true
			}
		}
	}
	maps.DeleteFunc(r.names, func(as, _ string) bool { return !used[as] })
	maps.DeleteFunc(r.values, func(as string, _ types.AttributeValue) bool { return !used[as] })
	if len(r.names) == 0 {
		r.names = nil
	}
	if len(r.values) == 0 {
		r.values = nil
	}
}

func (d dice) condition() (r request, expression *string) {
	r = request{dice: d}
	if d.IntN(3) > 0 {
		expression = aws.String(r.condition(0))
	}
	return r, expression
}

func (d dice) updateItem(table string, alone bool) *dynamodb.UpdateItemInput {
	r, condition := d.condition()
	in := &dynamodb.UpdateItemInput{TableName: &table, Key: d.key(), ConditionExpression: condition, UpdateExpression: aws.String(r.update())}
	r.tidy(in.UpdateExpression, in.ConditionExpression)
	if alone {
		r.noise()
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = r.names, r.values
	in.ReturnValues = pick(d, "", types.ReturnValueAllNew, types.ReturnValueAllOld, types.ReturnValueNone)
	if !strings.ContainsAny(*in.UpdateExpression, ".[") {
		in.ReturnValues = pick(d, in.ReturnValues, types.ReturnValueUpdatedNew, types.ReturnValueUpdatedOld)
	}
	in.ReturnValuesOnConditionCheckFailure = pick(d, "", types.ReturnValuesOnConditionCheckFailureAllOld)
	return in
}

func (d dice) put(table string) *types.Put {
	r, condition := d.condition()
	item := d.key()
	for range d.IntN(5) {
		item[pick(d, "e", "f", "g", "h", "i", "k")] = d.value(0)
	}
	if d.IntN(2) == 0 {
		item["LPK"], item["LSK"], item["DPK"], item["DSK"] = s("p"), s(d.text()), s("q"), s(d.text())
	}
	r.tidy(condition)
	return &types.Put{
		TableName: &table, Item: item, ConditionExpression: condition, ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values,
		ReturnValuesOnConditionCheckFailure: pick(d, "", types.ReturnValuesOnConditionCheckFailureAllOld),
	}
}

func (d dice) transact(table string) *dynamodb.TransactWriteItemsInput {
	in := &dynamodb.TransactWriteItemsInput{}
	for range 1 + d.IntN(4) {
		var w types.TransactWriteItem
		switch d.IntN(6) {
		case 0, 1, 2:
			u := d.updateItem(table, false)
			w.Update = &types.Update{
				TableName: &table, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
				ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure,
			}
		case 3, 4:
			w.Put = d.put(table)
		case 5:
			r := request{dice: d}
			condition := r.condition(0)
			r.tidy(&condition)
			if d.IntN(2) == 0 {
				w.Delete = &types.Delete{TableName: &table, Key: d.key(), ConditionExpression: &condition, ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values}
			} else {
				w.ConditionCheck = &types.ConditionCheck{TableName: &table, Key: d.key(), ConditionExpression: &condition, ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values}
			}
		}
		in.TransactItems = append(in.TransactItems, w)
	}
	return in
}

func (d dice) query(table string) *dynamodb.QueryInput {
	r := request{dice: d}
	index := pick(d, "", "list", "due")
	hash, sort := map[string]string{"": "PK", "list": "LPK", "due": "DPK"}[index], map[string]string{"": "SK", "list": "LSK", "due": "DSK"}[index]
	in := &dynamodb.QueryInput{TableName: &table}
	if index == "" {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = &index
	}
	key := hash + " = " + r.given(s(pick(d, "A", "B", "p", "q")))
	bound := func() string { return r.given(s(pick(d, r.text(), "2", "3"))) }
	switch d.IntN(6) {
	case 0:
		key += " AND " + sort + pick(d, " = ", " < ", " <= ", " > ", " >= ") + bound()
	case 1:
		key += " AND begins_with(" + sort + ", " + bound() + ")"
	case 2:
		key += " AND " + sort + " BETWEEN " + bound() + " AND " + bound()
	}
	in.KeyConditionExpression = &key
	if d.IntN(4) == 0 {
		in.FilterExpression = aws.String(strings.NewReplacer("LPK", "j", "LSK", "j", "DPK", "j", "DSK", "j").Replace(r.condition(1)))
		if strings.Contains(*in.FilterExpression, "#") {
			in.FilterExpression = nil
		}
	}
	if d.IntN(2) == 0 {
		in.Limit = aws.Int32(int32(1 + d.IntN(3)))
	}
	in.ScanIndexForward = pick(d, nil, aws.Bool(true), aws.Bool(false))
	r.tidy(in.KeyConditionExpression, in.FilterExpression)
	in.Select = pick(d, "", "", types.SelectCount)
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = r.names, r.values
	return in
}

// Whatever is made up gets the same answers and leaves the same items.
func TestMadeUpRequestsGetTheAnswersOfTheEngine(t *testing.T) {
	t.Parallel()
	const requests = 1500
	w := newTwins(t)
	w.madeUp = true
	d, calls := dice{rand.New(rand.NewPCG(1, 8))}, w.Calls()
	for n := 0; n < requests; n++ {
		switch d.IntN(8) {
		case 0, 1, 2:
			_, _ = calls.Update(t.Context(), d.updateItem(w.name, true))
		case 3, 4:
			_, _ = calls.Transact(t.Context(), d.transact(w.name))
		case 5:
			_, _ = calls.Get(t.Context(), &dynamodb.GetItemInput{TableName: &w.name, Key: d.key(), ConsistentRead: aws.Bool(true)})
		default:
			for q, page := d.query(w.name), 0; page < 4; page++ {
				out, err := calls.Query(t.Context(), q)
				if err != nil || len(out.LastEvaluatedKey) == 0 {
					break
				}
				q.ExclusiveStartKey = out.LastEvaluatedKey
			}
		}
	}
	w.same()
	for n, d := range differences {
		t.Logf("%d of %d calls: %s", w.differ[n], w.calls, d.what)
	}
}

// misfit is what is said of expressions whose parts do not fit.
var misfit = regexp.MustCompile(`ValidationException: Invalid \w+: (Incorrect operand type|The BETWEEN operator requires|The first operand must be distinct|Two document paths)`)

// differences are those that are known between the engine and what DynamoDB documents, which the simulated table does.
var differences = []struct {
	what string
	is   func(in any, sim, engine error) bool
}{
	{"an expression whose parts do not fit is refused before any item is looked at; the engine looks first, and checks less", func(_ any, sim, _ error) bool {
		return misfit.MatchString(fmt.Sprint(sim))
	}},
	{"a path is invalid for an update that takes something out of what is not there; the engine does nothing", func(_ any, sim, engine error) bool {
		const why = "The document path provided in the update expression is invalid for update"
		if api, ok := errors.AsType[*smithy.GenericAPIError](sim); ok {
			return api.Message == why && engine == nil
		}
		cancelled, ok := errors.AsType[*types.TransactionCanceledException](sim)
		return ok && slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool { return aws.ToString(r.Message) == why })
	}},
	{"an item that an update makes was none before; the engine says that it was its key", func(in any, sim, engine error) bool {
		u, ok := in.(*dynamodb.UpdateItemInput)
		return ok && sim == nil && engine == nil && u.ReturnValues == types.ReturnValueAllOld
	}},
}

// known says that two answers differ as is known, and counts it.
func (w *twins) known(in any, sim, engine error) bool {
	n := slices.IndexFunc(differences, func(d struct {
		what string
		is   func(any, error, error) bool
	},
	) bool {
		return d.is(in, sim, engine)
	})
	if n >= 0 {
		w.differ[n]++
	}
	return n >= 0 && w.madeUp
}

// restore has the engine hold what the simulated table does.
func (w *twins) restore() {
	w.t.Helper()
	items := map[table.Key]map[string]types.AttributeValue{}
	for _, pk := range []string{"A", "B", "C"} {
		for _, sk := range []string{"1", "2", "3", "4"} {
			items[table.Key{PK: pk, SK: sk}] = w.sim.Item(pk, sk)
		}
	}
	for k, i := range items {
		var err error
		if i == nil {
			_, err = w.client.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.name, Key: at(k.PK, k.SK)})
		} else {
			_, err = w.client.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &w.name, Item: i})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
