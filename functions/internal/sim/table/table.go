// Package table is a simulated DynamoDB table, laid out as template.yaml's: for simulations and tests, which do in it in
// microseconds what an engine does in milliseconds, and the same again for the same calls.
//
// It does what DynamoDB documents, all of it at once and in one order: no call fails by chance, is slow, or conflicts with
// another. Whoever simulates faults puts them around the calls. What it does not know (legacy parameters, projections,
// consumed capacity, options of a call) it refuses, and never leaves out.
//
// Values are handed over, not copied: what a call is given, and what it answers, belongs to the table and to every record of
// its stream. Nobody may change it, and package dynamo does not.
package table

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/dynamo"
)

// Table is one table. It may be used by many at once, who then take turns.
type Table struct {
	mu           sync.Mutex
	now          func() time.Time
	lag          func(index string) time.Duration
	bare         bool
	name         string // by which it was called first
	parts        map[string]*part
	gone         map[Key]*row // that an index may still show
	indexes      []*index
	changes      int // of places in an index
	records      []Record
	transactions int
	tokens       map[string]*done
	tokenOrder   []string
	plans        library // of those that this table has met, which need no turn
	reads        float64
	writes       float64
}

// Key is the primary key of an item.
type Key struct{ PK, SK string }

// Record is one write in the table's stream, with the item before and after it.
type Record struct {
	Sequence    int // from 1
	PK, SK      string
	Event       string // INSERT, MODIFY or REMOVE
	Old, New    map[string]types.AttributeValue
	Transaction int // which all records of one transaction have; 0: it was written alone
}

// schema is the key of the table or of an index.
type schema struct{ index, hash, sort string }

var base = schema{"", "PK", "SK"}

// part is a partition of the table or of an index: its entries in order. It stays when it is empty: it fills again.
type part struct {
	name    string
	entries []*entry
	touched bool // since Touched last gave it
}

// entry is where an item stands, in the table or in an index: by sort key and, in an index, then by the item's key.
type entry struct {
	part *part
	sort string
	row  *row
	view attributes // what is read there; of an index made when it is first read
}

// row is an item. Its entry and what it shows stay the same things while what they say changes.
type row struct {
	Key
	entry
	size   int
	bytes  bool      // there are, or were, some in it
	shown  [2]*entry // in the indexes
	change [2]int    // that an index showed last
}

// lent is an item as it is handed out. Its bytes are copies: they are all that a reader does not take out of their values, and
// so could change.
func (r *row) lent(item attributes) attributes {
	if r == nil || !r.bytes || item == nil {
		return item
	}
	copied, _, _ := admitAll(item, 1) // it was admitted once
	return copied
}

// index is a global secondary index, which has an item's keys and nothing else.
type index struct {
	schema
	at      int // among the table's indexes
	parts   map[string]*part
	sorted  []*part  // by name
	pending []change // by when they show
	touched []*part  // in which anything has changed since Touched last gave them
}

// change is one of an item's place in an index.
type change struct {
	at  time.Time
	n   int
	row *row
	to  *entry // without its part, in which it stands once it shows; nil: nowhere
	in  string // the part's name
}

// New makes an empty table, whose clock is now.
func New(now func() time.Time) *Table {
	return &Table{
		now: now, parts: map[string]*part{}, gone: map[Key]*row{}, plans: library{}, tokens: map[string]*done{},
		indexes: []*index{
			{schema: schema{"list", "LPK", "LSK"}, at: 0, parts: map[string]*part{}},
			{schema: schema{"due", "DPK", "DSK"}, at: 1, parts: map[string]*part{}},
		},
	}
}

// Calls are the table's operations, for dynamo.Over.
func (t *Table) Calls() dynamo.Calls {
	return dynamo.Calls{Get: t.Get, Update: t.Update, Query: t.Query, Transact: t.Transact}
}

// Lag says how long an index takes to show a write; it is asked once for each change of a place in one. Nil: no time at
// all. A later write of an item never shows before an earlier one of it.
func (t *Table) Lag(f func(index string) time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lag = f
}

// Bare has what is read handed out as it is stored, and not as a copy. It is for readers that write on nothing that they read: one
// that did would write in the table.
func (t *Table) Bare() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bare = true
}

// read is an item, or what is asked of it, as a reader gets it.
func (t *Table) read(r *row, item attributes) attributes {
	if t.bare {
		return item
	}
	return r.lent(item)
}

// Stream gives the records behind a position, the sequence number of the last record that was read or 0, at most so many.
func (t *Table) Stream(from, most int) []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	from = min(max(from, 0), len(t.records))
	to := from + min(max(most, 0), len(t.records)-from)
	return t.records[from:to:to]
}

// Items walks through all items by key, as they were when the walk began.
func (t *Table) Items() iter.Seq2[Key, map[string]types.AttributeValue] {
	return func(yield func(Key, map[string]types.AttributeValue) bool) {
		type one struct {
			Key
			item attributes
		}
		var all []one
		t.mu.Lock()
		for _, pk := range sorted(t.parts) {
			for _, e := range t.parts[pk].entries {
				all = append(all, one{e.row.Key, e.view})
			}
		}
		t.mu.Unlock()
		for _, o := range all {
			if !yield(o.Key, o.item) {
				return
			}
		}
	}
}

// Item is the item with a key, or nil.
func (t *Table) Item(pk, sk string) map[string]types.AttributeValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.find(pk, sk); r != nil {
		return r.lent(r.view)
	}
	return nil
}

// Partitions walks through the partitions of an index that show an entry now, sorted, each with the first of its sort keys.
func (t *Table) Partitions(index string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		t.mu.Lock()
		var all []first
		if i := t.index(index); i != nil {
			t.show(i)
			all = firsts(i.sorted)
		}
		t.mu.Unlock()
		for _, f := range all {
			if !yield(f.partition, f.sort) {
				return
			}
		}
	}
}

// Touched walks, like Partitions, through those partitions of an index in which anything has changed since it was last called, in
// the order in which they did. Of one that has become empty it says nothing, and not again.
func (t *Table) Touched(index string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		t.mu.Lock()
		var all []first
		if i := t.index(index); i != nil {
			t.show(i)
			all = firsts(i.touched)
			for _, p := range i.touched {
				p.touched = false
			}
			i.touched = i.touched[:0]
		}
		t.mu.Unlock()
		for _, f := range all {
			if !yield(f.partition, f.sort) {
				return
			}
		}
	}
}

// first is where a partition begins.
type first struct{ partition, sort string }

func firsts(parts []*part) []first {
	all := make([]first, 0, len(parts))
	for _, p := range parts {
		if len(p.entries) > 0 {
			all = append(all, first{p.name, p.entries[0].sort})
		}
	}
	return all
}

// Units are the request units that the calls so far have used: those of reading, and those of writing with the indexes'.
func (t *Table) Units() (reads, writes float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reads, t.writes
}

func (t *Table) index(name string) *index {
	for _, i := range t.indexes {
		if i.index == name {
			return i
		}
	}
	return nil
}

// named refuses every name but the one by which the table was called first.
func (t *Table) named(name *string) error {
	switch {
	case name == nil || *name == "":
		return invalid("TableName is missing")
	case t.name == "":
		t.name = *name
	case t.name != *name:
		return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
	}
	return nil
}

// place orders entries.
func place(a *entry, sort, pk, sk string) int {
	if c := strings.Compare(a.sort, sort); c != 0 {
		return c
	}
	if c := strings.Compare(a.row.PK, pk); c != 0 {
		return c
	}
	return strings.Compare(a.row.SK, sk)
}

// seek is how many entries stand before a place, and whether one stands there.
func seek(entries []*entry, sort, pk, sk string) (n int, found bool) {
	if last := len(entries) - 1; last >= 0 { // what is written comes last, mostly
		switch c := place(entries[last], sort, pk, sk); {
		case c < 0:
			return last + 1, false
		case c == 0:
			return last, true
		}
	}
	low, high := 0, len(entries)
	for low < high {
		if mid := int(uint(low+high) >> 1); place(entries[mid], sort, pk, sk) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(entries) && place(entries[low], sort, pk, sk) == 0
}

func (t *Table) find(pk, sk string) *row {
	if p := t.parts[pk]; p != nil {
		if n, found := seek(p.entries, sk, pk, sk); found {
			return p.entries[n].row
		}
	}
	return nil
}

// leave takes an entry out of its part.
func (e *entry) leave() {
	n, _ := seek(e.part.entries, e.sort, e.row.PK, e.row.SK)
	e.part.entries = slices.Delete(e.part.entries, n, n+1)
}

// stand puts an entry into a part.
func (e *entry) stand(p *part) {
	n, _ := seek(p.entries, e.sort, e.row.PK, e.row.SK)
	p.entries = slices.Insert(p.entries, n, e)
	e.part = p
}

// write is one that has been judged and can be done.
type write struct {
	key     Key
	row     *row       // nil if there is no item
	next    attributes // nil: there is none any more
	size    int
	bytes   bool // there are some in what is written
	changed bool
	stays   bool // where it stands in the indexes
}

// old is the item before.
func (w *write) old() attributes {
	if w.row == nil {
		return nil
	}
	return w.row.view
}

// commit does a write, as part of a transaction or alone.
func (t *Table) commit(w *write, transaction int) {
	old := w.old()
	if !w.changed && old != nil || old == nil && w.next == nil {
		return
	}
	event := "MODIFY"
	switch r := w.row; {
	case w.next == nil:
		event = "REMOVE"
		r.leave()
		t.gone[w.key] = r
	case r == nil:
		event = "INSERT"
		if r = t.gone[w.key]; r == nil {
			r = &row{Key: w.key}
			r.entry = entry{sort: w.key.SK, row: r}
		} else {
			delete(t.gone, w.key)
		}
		w.row = r
		p := t.parts[w.key.PK]
		if p == nil {
			p = &part{name: w.key.PK}
			t.parts[w.key.PK] = p
		}
		r.stand(p)
	}
	w.row.view, w.row.size, w.row.bytes = w.next, w.size, w.row.bytes || w.bytes
	if !w.stays {
		for _, i := range t.indexes {
			t.move(i, w.row, old, w.next)
		}
	}
	t.records = append(t.records, Record{
		Sequence: len(t.records) + 1, PK: w.key.PK, SK: w.key.SK, Event: event, Old: old, New: w.next, Transaction: transaction,
	})
}

// standing is where an item stands in an index; ok is false for nowhere.
func (s *schema) standing(item attributes) (hash, sort string, ok bool) {
	hash, ok = textOf(item[s.hash])
	if ok {
		sort, ok = textOf(item[s.sort])
	}
	return hash, sort, ok
}

// move has an index show, now or later, where an item stands.
func (t *Table) move(i *index, r *row, old, next attributes) {
	fromHash, fromSort, from := i.standing(old)
	hash, sort, to := i.standing(next)
	if from == to && (!to || fromHash == hash && fromSort == sort) {
		return
	}
	t.changes++
	c := change{n: t.changes, row: r}
	if from {
		t.writes += kilobytes(i.entrySize(fromHash, fromSort, r))
	}
	if to {
		c.to, c.in = &entry{sort: sort, row: r}, hash
		t.writes += kilobytes(i.entrySize(hash, sort, r))
	}
	if t.lag == nil {
		i.apply(c)
		return
	}
	c.at = t.now().Add(t.lag(i.index))
	n, _ := slices.BinarySearchFunc(i.pending, c, func(a, b change) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.n, b.n)) })
	i.pending = slices.Insert(i.pending, n, c)
}

// show does what an index has to show by now.
func (t *Table) show(i *index) {
	if len(i.pending) == 0 {
		return
	}
	now, n := t.now(), 0
	for n < len(i.pending) && !i.pending[n].at.After(now) {
		i.apply(i.pending[n])
		n++
	}
	i.pending = slices.Delete(i.pending, 0, n)
}

// apply shows a change, unless a later one of the item is shown.
func (i *index) apply(c change) {
	if c.n < c.row.change[i.at] {
		return
	}
	c.row.change[i.at] = c.n
	if e := c.row.shown[i.at]; e != nil {
		i.touch(e.part)
		e.leave()
	}
	if c.row.shown[i.at] = c.to; c.to == nil {
		return
	}
	p := i.parts[c.in]
	if p == nil {
		p = &part{name: c.in}
		i.parts[c.in] = p
		n, _ := slices.BinarySearchFunc(i.sorted, c.in, func(p *part, name string) int { return strings.Compare(p.name, name) })
		i.sorted = slices.Insert(i.sorted, n, p)
	}
	i.touch(p)
	c.to.stand(p)
}

func (i *index) touch(p *part) {
	if !p.touched {
		p.touched = true
		i.touched = append(i.touched, p)
	}
}

// entrySize is how many bytes an entry of an index takes.
func (s *schema) entrySize(hash, sort string, r *row) int {
	return len("PK") + len(r.PK) + len("SK") + len(r.SK) + len(s.hash) + len(hash) + len(s.sort) + len(sort)
}

// kilobytes are units of writing, and fourKilobytes those of reading.
func kilobytes(size int) float64     { return float64(max(1, (size+1023)/1024)) }
func fourKilobytes(size int) float64 { return float64(max(1, (size+4095)/4096)) }

// Limits of keys and items, in bytes.
const (
	mostHash = 2048
	mostSort = 1024
	mostItem = 400 * 1024
)

// primary reads a key, which must be that and nothing else.
func primary(k attributes) (Key, error) {
	if len(k) == 2 {
		pk, okPK := textOf(k["PK"])
		sk, okSK := textOf(k["SK"])
		if okPK && okSK {
			return Key{pk, sk}, Key{pk, sk}.fit()
		}
	}
	return Key{}, invalid("The provided key element does not match the schema")
}

func (k Key) fit() error {
	const empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: "
	switch {
	case k.PK == "":
		return invalid(empty + "PK")
	case k.SK == "":
		return invalid(empty + "SK")
	case len(k.PK) > mostHash:
		return invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case len(k.SK) > mostSort:
		return invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// Get is GetItem. Every read sees all writes before it, whether it asks to or not.
func (t *Table) Get(ctx context.Context, in *dynamodb.GetItemInput, options ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out, err := t.get(ctx, in, options)
	if err != nil {
		return nil, of("GetItem", err)
	}
	return out, nil
}

func (t *Table) get(ctx context.Context, in *dynamodb.GetItemInput, options []func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := begin(ctx, options); err != nil {
		return nil, err
	}
	switch {
	case in.AttributesToGet != nil:
		return nil, unknown("AttributesToGet")
	case in.ProjectionExpression != nil:
		return nil, unknown("ProjectionExpression")
	case in.ReturnConsumedCapacity != "" && in.ReturnConsumedCapacity != types.ReturnConsumedCapacityNone:
		return nil, unknown("ReturnConsumedCapacity")
	case in.ExpressionAttributeNames != nil:
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if err := t.named(in.TableName); err != nil {
		return nil, err
	}
	k, err := primary(in.Key)
	if err != nil {
		return nil, err
	}
	units := 0.5
	if aws.ToBool(in.ConsistentRead) {
		units = 1
	}
	out := &dynamodb.GetItemOutput{}
	size := 0
	if r := t.find(k.PK, k.SK); r != nil {
		out.Item, size = t.read(r, r.view), r.size
	}
	t.reads += units * fourKilobytes(size)
	return out, nil
}

// Sorts are the sort keys that a partition of an index shows now, in their order.
func (t *Table) Sorts(index, partition string) (all []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.shown(index, partition) {
		all = append(all, e.sort)
	}
	return all
}

// Has says whether a partition of an index shows an entry whose sort key begins so.
func (t *Table) Has(index, partition, prefix string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := t.shown(index, partition)
	n, _ := seek(entries, prefix, "", "")
	return n < len(entries) && strings.HasPrefix(entries[n].sort, prefix)
}

// shown is what a partition of an index shows now.
func (t *Table) shown(index, partition string) []*entry {
	i := t.index(index)
	if i == nil {
		return nil
	}
	t.show(i)
	if p := i.parts[partition]; p != nil {
		return p.entries
	}
	return nil
}
